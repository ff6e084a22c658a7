"""``scipy.spatial``: trees of points, hulls, and how sets of points lie to each other.

Which point is the nearest, and which points span a hull, does not vary; distances, volumes and equations do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.spatial as ss
from scipy.spatial import distance

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import unknown
from workbench.rules.scipy_spatial import METRICS
from workbench.rules.stand_ins import must_agree, no_rule, settled, stands_in, with_value

# ------------------------------------------------------------------------------------ trees


class TracedTree(ss.KDTree):
    """A tree of points that vary: ``data`` has their traces."""

    def __init__(self, points: Any, *args: Any, **options: Any) -> None:
        copied = options.get("copy_data", args[2] if len(args) > 2 else False)
        shared = type(points) is TracedArray and points.array.flags.c_contiguous and not copied
        self.given, self.points = points if shared else None, resolve(np.array)(points)
        super().__init__(np.array(plain(points)), *args, **options)

    @property
    def data(self) -> Any:
        """The points."""
        return self.points

    @property
    def maxes(self) -> Any:
        """The largest coordinates."""
        return resolve(np.max)(self.points, axis=0)

    @property
    def mins(self) -> Any:
        """The smallest coordinates."""
        return resolve(np.min)(self.points, axis=0)

    @property
    def tree(self) -> Any:
        """Refused."""
        raise no_rule(ss.KDTree, "the nodes of a tree of points that vary")

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


def _check_as_made(tree: Any) -> None:
    """SciPy's trees read the points that they were made from where these stand, and do not see that they change."""
    if type(tree) is TracedTree:
        changed = tree.given is not None and not np.array_equal(
            plain(tree.given), ss.cKDTree.data.__get__(tree), equal_nan=True
        )
    else:
        changed = type(current(tree.data)) is TracedArray
    if changed:
        raise no_rule(ss.KDTree, "points that are written into after it was made; make the tree anew")


def _query(self: Any, x: Any, k: Any = 1, eps: float = 0.0, p: float = 2.0, distance_upper_bound: float = math.inf,
           workers: int = 1) -> Any:  # fmt: skip
    """Distances to the nearest points; at a distance of zero the derivative is zero."""
    _check_as_made(self)
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
        if contains_traced([options.get("weights"), *args[3:]]):
            raise no_rule(function, "weights")
        for tree in (self, *args[:1]):
            if isinstance(tree, ss.cKDTree):
                _check_as_made(tree)
        return function(
            self, *plain(list(map(settled, args))), **{k: plain(settled(v)) for k, v in options.items()}
        )

    return call


def _distances(function: Callable) -> Callable:
    """Distances to the points of another tree, which may be those that vary."""

    def call(self: Any, other: Any, max_distance: Any, p: Any = 2.0, *rest: Any, **options: Any) -> Any:
        if isinstance(other, TracedTree) or contains_traced(p):
            raise no_rule(ss.KDTree.sparse_distance_matrix, "points that vary, and p; use cdist")
        _check_as_made(self)
        _check_as_made(other)
        return function(self, other, plain(settled(max_distance)), p, *rest, **options)

    return call


for _cls in (ss.KDTree, ss.cKDTree):
    DOORS[_cls], DOORS[_cls.query] = _make_tree(_cls), _query
    DOORS[_cls.sparse_distance_matrix] = _distances(_cls.sparse_distance_matrix)
    for _name in ("query_ball_point", "query_ball_tree", "query_pairs", "count_neighbors"):
        DOORS[getattr(_cls, _name)] = _counting(getattr(_cls, _name))

# ------------------------------------------------------------------------------------ hulls and triangulations

_INDICES = (
    "simplices",
    "neighbors",
    "coplanar",
    "vertices",
    "ndim",
    "npoints",
    "nsimplex",
    "good",
    "convex_hull",
)
_INDICES += ("vertex_to_simplex", "vertex_neighbor_vertices", "furthest_site", "close")


class _Spanned:
    """What ``ConvexHull`` or ``Delaunay`` returns for points that vary: indices are plain, the rest is computed here.

    Attributes:
        points: the points, traced.
    """

    def __init__(self, made: Any, points: Any) -> None:
        self._made, self.points = made, points

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__dict__["_made"], name)
        return value if name in _INDICES else unknown(value, f"the attribute {name!r}")

    def find_simplex(self, xi: Any, *args: Any, **options: Any) -> Any:
        """The numbers of the simplices that points lie in."""
        return self._made.find_simplex(plain(settled(xi)), *args, **options)


class _Hull(_Spanned):
    """A convex hull: the simplices of its surface see its inner point under determinants that add up."""

    @property
    def volume(self) -> Any:
        """Σ |det(corners − inner point)| / d!; in the plane, the area."""
        corners, d = self.points[self._made.simplices], self._made.ndim
        found = np.sum(np.abs(np.linalg.det(corners - np.mean(plain(self.points), axis=0)))) / math.factorial(
            d
        )
        must_agree(ss.ConvexHull, found, self._made.volume)
        return with_value(found, self._made.volume)

    @property
    def area(self) -> Any:
        """Σ √det(S Sᵀ) / (d − 1)! over the simplices, with their sides S; in the plane, the length of the border."""
        corners = self.points[self._made.simplices]
        sides = corners[:, 1:] - corners[:, :1]
        squares = np.linalg.det(np.matmul(sides, np.swapaxes(sides, 1, 2)))
        found = np.sum(np.sqrt(squares)) / math.factorial(self._made.ndim - 1)
        must_agree(ss.ConvexHull, found, self._made.area)
        return with_value(found, self._made.area)


def _spanning(cls: type, wrapper: type) -> None:
    def call(points: Any, *args: Any, **options: Any) -> Any:
        points = settled(points)
        if not contains_traced(points):
            return cls(points, *args, **options)
        return wrapper(cls(np.array(plain(points)), *args, **options), points)

    DOORS[cls] = call


_spanning(ss.ConvexHull, _Hull)
_spanning(ss.Delaunay, _Spanned)


@stands_in(distance.directed_hausdorff)
def _directed_hausdorff(u, v, rng=None, seed=0):
    """The distance of the pair that decides; which one does not vary."""
    _, i, j = distance.directed_hausdorff(plain(u), plain(v), 0 if rng is None else rng)
    return METRICS["euclidean"](u[i], v[j]), i, j
