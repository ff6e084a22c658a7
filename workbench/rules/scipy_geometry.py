"""``scipy.spatial``: trees of points, hulls, and how sets of points lie to each other.

Which point is the nearest, and which points span a hull, does not vary; distances, volumes and equations do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.spatial as ss

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_spatial import METRICS
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value

# ------------------------------------------------------------------------------------ trees


class TracedTree(ss.KDTree):
    """A tree of points that vary: ``data`` has their traces."""

    def __init__(self, points: Any, *args: Any, **options: Any) -> None:
        self.points = points
        super().__init__(np.array(plain(points)), *args, **options)

    @property
    def data(self) -> Any:
        """The points."""
        return self.points

    def sparse_distance_matrix(self, *args: Any, **options: Any) -> Any:
        """Refused."""
        raise no_rule(ss.KDTree.sparse_distance_matrix, "points that vary; use cdist")


def _make_tree(cls: type) -> Callable:
    def call(data: Any, *args: Any, **options: Any) -> Any:
        data = settled(data)
        if not contains_traced(data):
            return cls(data, *args, **options)
        return TracedTree(data, *args, **{"leafsize": 16 if cls is ss.cKDTree else 10, **options})

    return call


def _query(self: Any, x: Any, k: Any = 1, eps: float = 0.0, p: float = 2.0, distance_upper_bound: float = math.inf,
           workers: int = 1) -> Any:  # fmt: skip
    """Distances to the nearest points; at a distance of zero the derivative is zero."""
    x, points = settled(x), getattr(self, "points", None)
    distances, indices = ss.cKDTree.query(self, plain(x), k, eps, p, distance_upper_bound, workers)
    if not contains_traced([x, points]):
        return distances, indices
    if self.boxsize is not None or contains_traced([p, eps, distance_upper_bound]):
        raise no_rule(ss.KDTree.query, "boxsize, and p, eps and distance_upper_bound that vary")
    points = np.asarray(self.data) if points is None else points
    there = np.asarray(indices) < self.n
    chosen = points[np.where(there, indices, 0)]
    at = np.reshape(x, (*np.shape(plain(x))[:-1], *[1] * (np.ndim(chosen) - np.ndim(x)), self.m))
    away = resolve(np.where)(there[..., None], at - chosen, 1.0)
    found = resolve(np.where)(there, METRICS["minkowski"](away, np.zeros(self.m), p), math.inf)
    must_agree(ss.KDTree.query, found, distances)
    return with_value(found, distances), indices


def _counting(function: Callable) -> Callable:
    """Indices and counts do not vary."""

    def call(self: Any, *args: Any, **options: Any) -> Any:
        if "weights" in options and contains_traced(options["weights"]):
            raise no_rule(function, "weights")
        return function(
            self, *plain(list(map(settled, args))), **{k: plain(settled(v)) for k, v in options.items()}
        )

    return call


for _cls in (ss.KDTree, ss.cKDTree):
    DOORS[_cls], DOORS[_cls.query] = _make_tree(_cls), _query
    for _name in ("query_ball_point", "query_ball_tree", "query_pairs", "count_neighbors"):
        DOORS[getattr(_cls, _name)] = _counting(getattr(_cls, _name))
