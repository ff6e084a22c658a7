"""``scipy.spatial.distance``: distances between rows, written out with NumPy.

At coinciding points a distance has the derivative zero.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.spatial as ss
import scipy.special as sp
from scipy.spatial import distance as sd

from workbench.autodiff.application import written
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, refuses, stands_in


def root(total: Any) -> Any:
    """√, with derivative zero at zero."""
    zero = plain(total) == 0
    return np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, total)))


def _weighted(terms: Any, w: Any) -> Any:
    return np.sum(terms if w is None else w * terms, axis=-1)


def _minkowski(u: Any, v: Any, p: Any = 2.0, w: Any = None) -> Any:
    away = np.abs(u - v)
    if not np.isfinite(plain(p)):
        return np.max(away, axis=-1)
    total = _weighted(away**p, w)
    zero = plain(total) == 0
    return np.where(zero, 0.0, np.where(zero, 1.0, total) ** (1.0 / p))


def _cosine(u: Any, v: Any, w: Any = None) -> Any:
    return 1.0 - _weighted(u * v, w) / np.sqrt(_weighted(u * u, w) * _weighted(v * v, w))


def _correlation(u: Any, v: Any, w: Any = None, centered: bool = True) -> Any:
    if centered:
        shares = 1.0 / np.shape(plain(u))[-1] if w is None else w / np.sum(w)
        u, v = (x - np.sum(shares * x, axis=-1, keepdims=True) for x in (u, v))
    return _cosine(u, v, w)


def _chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    return np.max(np.abs(u - v) * (1.0 if w is None else plain(w) > 0), axis=-1)


def _canberra(u: Any, v: Any, w: Any = None) -> Any:
    size = np.abs(u) + np.abs(v)
    return _weighted(np.abs(u - v) / np.where(plain(size) == 0, 1.0, size), w)


def _mahalanobis(u: Any, v: Any, VI: Any = None) -> Any:
    away = u - v
    return root(np.sum(np.matmul(away, VI) * away, axis=-1))


# metric: the distance of u and v along their last axis
METRICS: dict[str, Callable] = {
    "euclidean": lambda u, v, w=None: root(_weighted((u - v) ** 2, w)),
    "sqeuclidean": lambda u, v, w=None: _weighted((u - v) ** 2, w),
    "cityblock": lambda u, v, w=None: _weighted(np.abs(u - v), w),
    "chebyshev": _chebyshev,
    "minkowski": _minkowski,
    "cosine": _cosine,
    "correlation": _correlation,
    "canberra": _canberra,
    "braycurtis": lambda u, v, w=None: _weighted(np.abs(u - v), w) / _weighted(np.abs(u + v), w),
    "mahalanobis": _mahalanobis,
    "seuclidean": lambda u, v, V=None: root(np.sum((u - v) ** 2 / V, axis=-1)),
    "jensenshannon": lambda u, v: _jensenshannon(u, v, axis=-1),
}
# they count elements that differ, or are not zero
_COUNTS = frozenset("dice hamming jaccard rogerstanimoto russellrao sokalsneath yule".split())
# what a metric takes from all rows where it is not given
_FOUND: dict[str, tuple[str, Callable]] = {
    "mahalanobis": ("VI", lambda rows: np.linalg.inv(np.atleast_2d(np.cov(rows, rowvar=False))).T),
    "seuclidean": ("V", lambda rows: np.var(rows, axis=0, ddof=1)),
}


def _form(function: Callable, metric: Any, options: dict, *rows: Any) -> Callable:
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "")
    known = sd._METRIC_ALIAS.get(name.lower(), sd._TEST_METRICS.get(name.lower()))
    name = name if known is None else known.canonical_name
    if name in _COUNTS and not contains_traced(options):
        return lambda u, v: None
    if name not in METRICS or (callable(metric) and metric is not getattr(sd, name, None)):
        raise no_rule(function, f"metric={metric!r}")
    if name in _FOUND and _FOUND[name][0] not in options:
        option, find = _FOUND[name]
        options = {option: find(np.concatenate(rows))}
    return lambda u, v: METRICS[name](u, v, **options)


def _given(p: Any, w: Any, V: Any, VI: Any) -> dict:
    return {k: x for k, x in {"p": p, "w": w, "V": V, "VI": VI}.items() if x is not None}


@stands_in(sd.cdist)
def _cdist(XA, XB, metric="euclidean", *, p=None, w=None, V=None, VI=None):
    rows, columns = np.shape(plain(XA)), np.shape(plain(XB))
    found = _form(sd.cdist, metric, _given(p, w, V, VI), XA, XB)
    return found(np.reshape(XA, (rows[0], 1, rows[1])), np.reshape(XB, (1, *columns)))


@stands_in(sd.pdist)
def _pdist(X, metric="euclidean", *, p=None, w=None, V=None, VI=None):
    first, second = np.triu_indices(np.shape(plain(X))[0], 1)
    return _form(sd.pdist, metric, _given(p, w, V, VI), X)(X[first], X[second])


def _is_own(metric: Any) -> bool:
    """Whether a metric is a function that SciPy calls for each pair, and that has no form here."""
    name = getattr(metric, "__name__", "")
    return callable(metric) and (name not in METRICS or metric is not getattr(sd, name))


def _with_own_metrics(function: Callable, pairs: Callable) -> None:
    """The door of ``function``: a metric of the program's is followed, at the places that ``pairs`` gives, in order."""
    of_named = DOORS[function]

    @functools.wraps(function, updated=())
    def call(*args: Any, out: Any = None, **options: Any) -> Any:
        given = inspect.signature(function).bind(*args, **options)
        metric = given.arguments.pop("metric", "euclidean")
        arrays = [resolve(np.asarray)(given.arguments[name]) for name in given.arguments if name != "kwargs"]
        if not OPEN or not _is_own(metric) or any(np.ndim(plain(a)) != 2 for a in arrays):
            result = of_named(*args, **options)
            return result if out is None else written(result, out)
        distance, options = resolve(metric), given.arguments.get("kwargs", {})
        shape, places = pairs(*[len(a) for a in arrays])
        found = [distance(arrays[0][i], arrays[-1][j], **options) for i, j in places]
        result = resolve(np.reshape)(resolve(np.array)(found, float), shape)
        return result if out is None else written(result, out)

    DOORS[function] = call


def _all_pairs(rows: int, columns: int) -> tuple:
    return (rows, columns), itertools.product(range(rows), range(columns))


def _pairs_within(rows: int) -> tuple:
    return -1, itertools.combinations(range(rows), 2)


_with_own_metrics(sd.cdist, _all_pairs)
_with_own_metrics(sd.pdist, _pairs_within)


def _of_two(name: str) -> None:
    def form(u, v, *args, **options):
        return METRICS[name](u, v, *args, **options)

    function = getattr(sd, name)
    form.__signature__ = inspect.signature(function)
    stands_in(function)(form)


for _name in METRICS:
    _of_two(_name)


@stands_in(sd.squareform)
def _squareform(X, force="no", checks=True):
    """Between the vector of all pairs and the matrix; of the matrix the upper triangle is read."""
    if np.ndim(plain(X)) == 2:
        return X[np.triu_indices(np.shape(plain(X))[0], 1)]
    X = np.reshape(X, (-1,))  # one distance may be a number
    n = round((1 + np.sqrt(1 + 8 * np.size(plain(X)))) / 2)
    pairs = np.zeros((n, n), int)
    pairs[np.triu_indices(n, 1)] = np.arange(np.size(plain(X)))
    return np.where(np.eye(n, dtype=bool), 0.0, X[pairs + pairs.T])


@stands_in(sd.jensenshannon)
def _jensenshannon(p, q, base=None, *, axis=0, keepdims=False):
    """√((D(p|m) + D(q|m))/2) with m the mean of p and q."""
    p, q = (x / np.sum(x, axis=axis, keepdims=True) for x in (p, q))
    m = 0.5 * (p + q)
    total = np.sum(sp.rel_entr(p, m) + sp.rel_entr(q, m), axis=axis, keepdims=keepdims)
    return root(total / (2.0 if base is None else 2.0 * np.log(base)))


@stands_in(ss.distance_matrix)
def _distance_matrix(x, y, p=2, threshold=1000000):
    rows, columns = np.shape(plain(x)), np.shape(plain(y))
    return _minkowski(np.reshape(x, (rows[0], 1, rows[1])), np.reshape(y, (1, *columns)), p)


@stands_in(ss.minkowski_distance)
def _minkowski_distance(x, y, p=2.0):
    return _minkowski(x, y, p)


refuses(
    ss.Voronoi, ss.SphericalVoronoi, ss.HalfspaceIntersection,
    why="compute with the points themselves, or pass stop_gradient(x)",
)  # fmt: skip

from workbench.rules import scipy_geometry, scipy_rotations  # noqa: E402, F401  the rest of the package
