"""``scipy.cluster``: k-means and hierarchical clustering. SciPy's Python is traced through; here is what is compiled.

Which cluster a point belongs to, and which clusters are merged when, does not vary: distances, means and the heights
of merges do. Among equal distances the first is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.cluster import _hierarchy, _optimal_leaf_ordering, _vq, hierarchy

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.compiled import writes
from workbench.rules.scipy_spatial import root
from workbench.rules.stand_ins import settled, stands_in, with_value

for _function in (hierarchy.fcluster, hierarchy.leaders, hierarchy.leaves_list, hierarchy.is_valid_linkage):
    add_constant(_function)


# ------------------------------------------------------------------------------------ k-means


def _vector_quantization(obs: Any, code_book: Any) -> Any:
    """The nearest row of the book, and the distance from it; SciPy's own loses half of its digits near zero."""
    if not contains_traced([obs, code_book]):
        return _vq.vq(obs, code_book)
    obs, code_book = settled(obs), settled(code_book)
    codes, distances = _vq.vq(plain(obs), plain(code_book))
    away = (obs - code_book[codes]) ** 2
    return codes, with_value(root(away if np.ndim(plain(obs)) == 1 else np.sum(away, axis=-1)), distances)


DOORS[_vq.vq] = _vector_quantization


@stands_in(_vq.update_cluster_means)
def _means(obs, labels, count):
    """The mean of the points with each label, and which labels have any."""
    members = labels == np.arange(count)[:, None]
    sizes = np.maximum(np.sum(members, axis=1), 1)
    return np.matmul(members / sizes[:, None], obs), None


# ------------------------------------------------------------------------------------ merges

_SINGLE, _COMPLETE, _AVERAGE, _CENTROID, _MEDIAN, _WARD, _WEIGHTED = (
    hierarchy._LINKAGE_METHODS[name]
    for name in ("single", "complete", "average", "centroid", "median", "ward", "weighted")
)


def _pair(i: Any, j: Any, n: int) -> Any:
    """The place of the distance between two points in a condensed matrix."""
    i, j = np.minimum(i, j), np.maximum(i, j)
    return n * i - i * (i + 1) // 2 + j - i - 1


def _merges(tree: np.ndarray, halved: bool = False) -> Any:
    """For each merge: the two clusters, their points, and the weights of the points, which sum to one."""
    n = len(tree) + 1
    points = [np.array([k]) for k in range(n)]
    weights = [np.ones(1) for _ in range(n)]
    for left, right in tree[:, :2].astype(int):
        yield left, right, points[left], points[right], weights[left], weights[right]
        sizes = (1, 1) if halved else (len(points[left]), len(points[right]))
        parts = [weights[k] * size / sum(sizes) for k, size in zip((left, right), sizes, strict=True)]
        points.append(np.concatenate([points[left], points[right]]))
        weights.append(np.concatenate(parts))


def _picked_heights(y: Any, tree: np.ndarray, pick: Callable) -> Any:
    """The smallest or largest distance between points of the two clusters."""
    n, own, places = len(tree) + 1, plain(y), []
    for _, _, first, second, _, _ in _merges(tree):
        pairs = _pair(first[:, None], second, n).ravel()
        places.append(pairs[pick(own[pairs])])
    return y[np.array(places)]


def _averages(y: Any, tree: np.ndarray, halved: bool) -> Any:
    """The mean distance between points of the two clusters; each pair of points meets in one merge only."""
    n = len(tree) + 1
    merge, weight = np.empty(len(plain(y)), int), np.empty(len(plain(y)))
    for k, (_, _, first, second, w_first, w_second) in enumerate(_merges(tree, halved)):
        pairs = _pair(first[:, None], second, n)
        merge[pairs], weight[pairs] = k, w_first[:, None] * w_second
    return resolve(np.bincount)(merge, weight * y, minlength=n - 1)


def _central_heights(y: Any, tree: np.ndarray, halved: bool) -> Any:
    """Distances of centres: √(Σ_ab w_a w_b d² − s_A − s_B), with the scatter s of each cluster.

    Lance and Williams' recurrences for "centroid" and "median", solved.
    """
    n = len(tree) + 1
    between, scatter, found = _averages(y**2, tree, halved), [0.0] * n, []
    for k, (left, right, first, second, _, _) in enumerate(_merges(tree)):
        found.append(between[k] - scatter[left] - scatter[right])
        share = 0.5 if halved else len(first) / (len(first) + len(second))
        inner = share**2 * scatter[left] + (1.0 - share) ** 2 * scatter[right]
        scatter.append(inner + share * (1.0 - share) * between[k])
    return root(resolve(np.array)(found))


def _heights(y: Any, tree: np.ndarray, method: int) -> Any:
    if method in (_SINGLE, _COMPLETE):
        return _picked_heights(y, tree, np.argmin if method == _SINGLE else np.argmax)
    if method in (_AVERAGE, _WEIGHTED):
        return _averages(y, tree, method == _WEIGHTED)
    heights = _central_heights(y, tree, method == _MEDIAN)
    if method != _WARD:
        return heights
    sizes = np.array([(len(first), len(second)) for _, _, first, second, _, _ in _merges(tree)])
    return heights * np.sqrt(2.0 * sizes[:, 0] * sizes[:, 1] / np.sum(sizes, axis=1))


def _with_heights(tree: np.ndarray, heights: Any) -> Any:
    return resolve(np.stack)([tree[:, 0], tree[:, 1], heights, tree[:, 3]], axis=1)


def _linked(function: Callable) -> None:
    """A function that merges clusters, told by the tree that it gives."""

    def form(dists, n, method=_SINGLE):
        tree = function(plain(dists), *([n] if method == _SINGLE else [n, method]))
        return _with_heights(tree, _heights(dists, tree, method))

    stands_in(function)(form)


for _function in (_hierarchy.mst_single_linkage, _hierarchy.nn_chain, _hierarchy.fast_linkage):
    _linked(_function)


@stands_in(_optimal_leaf_ordering.optimal_leaf_ordering)
def _ordered(Z, y):
    """The clusters of a merge change places; the heights stay."""
    if not contains_traced(Z):
        return None
    return _with_heights(_optimal_leaf_ordering.optimal_leaf_ordering(plain(Z), plain(y)), Z[:, 2])


# ------------------------------------------------------------------------------------ what is read in a tree


@writes(_hierarchy.cophenetic_distances, 1)
def _cophenetic(Z, out, n):
    """For each pair of points the height at which they meet."""
    merge = np.empty(out, int)
    for k, (_, _, first, second, _, _) in enumerate(_merges(plain(Z))):
        merge[_pair(first[:, None], second, n)] = k
    return Z[merge, 2]


@writes(_hierarchy.calculate_cluster_sizes, 1)
def _sizes(Z, out, n):
    return None


def _within(tree: np.ndarray, depth: int) -> np.ndarray:
    """Row k: which merges are below merge k, itself among them, at most so many levels deep."""
    n = len(tree) + 1
    below = np.zeros((n - 1, n - 1), bool)
    for k in range(n - 1):
        level = [k]
        for _ in range(depth):
            below[k, level] = True
            level = [c - n for j in level for c in tree[j, :2].astype(int) if c >= n]
    return below


def _largest(values: Any, tree: np.ndarray) -> Any:
    """The largest of the values of each merge and of those below it."""
    below = _within(tree, len(tree))
    return values[np.argmax(np.where(below, plain(values), -np.inf), axis=1)]


@writes(_hierarchy.get_max_dist_for_each_cluster, 1)
def _largest_height(Z, out, n):
    return _largest(Z[:, 2], plain(Z))


@writes(_hierarchy.get_max_Rfield_for_each_cluster, 2)
def _largest_field(Z, R, out, n, field):
    return _largest(R[:, field], plain(Z))


@writes(_hierarchy.inconsistent, 1)
def _inconsistent(Z, out, n, depth):
    """Mean and standard deviation of the heights below, their number, and the height in these units."""
    below = _within(plain(Z), depth)
    heights, count = Z[:, 2], np.sum(below, axis=1)
    mean = np.matmul(below / count[:, None], heights)
    away = np.where(below, heights - np.reshape(mean, (-1, 1)), 0.0)
    deviation = root(np.sum(away**2, axis=1) / np.maximum(count - 1, 1))
    flat = plain(deviation) <= 1e-15 * np.abs(plain(mean))
    units = np.where(flat, 0.0, (heights - mean) / np.where(flat, 1.0, deviation))
    return resolve(np.stack)([mean, deviation, np.asarray(count, float), units], axis=1)
