"""``scipy.sparse.csgraph``: lengths of shortest paths and spanning trees, by the weights of the edges.

Which edges a path or a tree takes does not vary; its length is the sum of their weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csgraph

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_sparse_elements import (
    elements_of,
    has_traces,
    is_sparse,
    plain_sparse,
    with_stored,
)
from workbench.rules.stand_ins import must_agree, no_rule, refuses, settled, with_value


def _bare(x: Any) -> Any:
    return plain_sparse(x) if is_sparse(x) else plain(x)


def _varies(x: Any) -> bool:
    return bool(OPEN) and (has_traces(x) or contains_traced(x))


class _Edges:
    """The edges of a graph: sparse, or a dense array whose zeros are none."""

    def __init__(self, function: Callable, graph: Any) -> None:
        if is_sparse(graph):
            weights, rows, columns = elements_of(graph)
        else:
            graph = settled(graph)
            rows, columns = np.nonzero(plain(graph))
            weights = graph[rows, columns]
        self.n = graph.shape[1] if is_sparse(graph) else np.shape(plain(graph))[1]
        keys = rows.astype(int) * self.n + columns
        order = np.argsort(keys, kind="stable")
        self._keys, self.weights = keys[order], weights[order]
        if np.any(np.diff(self._keys) == 0):
            raise no_rule(function, "a matrix that names an element twice")

    def at(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the edges between nodes, and whether there are such edges."""
        keys = start * self.n + end
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return places, self._keys[places] == keys

    def taken(self, start: np.ndarray, end: np.ndarray, directed: bool) -> np.ndarray:
        """The numbers of the edges that paths take: in an undirected graph the shorter one of both directions."""
        there, exists = self.at(start, end)
        if directed:
            return there
        back, exists_back = self.at(end, start)
        sizes = plain(self.weights)
        turned = exists_back & (~exists | (sizes[back] < sizes[there]))
        return np.where(turned, back, there)


def _lengths(edges: _Edges, before: np.ndarray, directed: bool) -> Any:
    """The lengths of the paths that lists of predecessors describe, 0 where there is none. Shape of ``before``.

    Every node knows the length of its last edge; then of its last two, of its last four, and so on.
    """
    lists, n = np.atleast_2d(before).shape
    flat = np.reshape(before, (-1,)).astype(int)
    nodes, reached = np.arange(lists * n), flat >= 0
    last = np.zeros(lists * n, int)
    last[reached] = 1 + edges.taken(flat[reached], nodes[reached] % n, directed)
    length = resolve(np.concatenate)([np.zeros(1), edges.weights])[last]
    behind = np.where(reached, nodes - nodes % n + flat, nodes)
    while np.any(behind != behind[behind]):
        length, behind = length + length[behind], behind[behind]
    return np.reshape(length, before.shape)


def _shortest(function: Callable) -> None:
    signature = inspect.signature(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        graph = given.arguments["csgraph"]
        if not _varies(graph) or given.arguments.get("unweighted"):
            return function(*map(_bare, given.args), **{k: _bare(v) for k, v in given.kwargs.items()})
        if given.arguments.get("overwrite"):
            raise no_rule(function, "overwrite=True")
        options = {k: _bare(v) for k, v in given.arguments.items()}
        wanted = options.pop("return_predecessors", False)
        value, before, *sources = function(**options, return_predecessors=True)
        found = _lengths(_Edges(function, graph), before, options.get("directed", True))
        must_agree(function, found, np.where(before >= 0, value, 0.0))
        found = with_value(found, value)
        return (found, before, *sources) if wanted else found

    DOORS[function] = call


for _function in (
    csgraph.shortest_path,
    csgraph.dijkstra,
    csgraph.floyd_warshall,
    csgraph.bellman_ford,
    csgraph.johnson,
):
    _shortest(_function)


def _minimum_spanning_tree(graph: Any, overwrite: bool = False) -> Any:
    """The tree holds the weights of its edges."""
    if not _varies(graph):
        return csgraph.minimum_spanning_tree(graph, overwrite)
    if overwrite:
        raise no_rule(csgraph.minimum_spanning_tree, "overwrite=True")
    tree = csgraph.minimum_spanning_tree(_bare(graph))
    edges, (_, rows, columns) = _Edges(csgraph.minimum_spanning_tree, graph), elements_of(tree)
    found = edges.weights[edges.at(rows.astype(int), columns)[0]]
    must_agree(csgraph.minimum_spanning_tree, found, tree.data)
    return with_stored(tree, with_value(found, tree.data))


DOORS[csgraph.minimum_spanning_tree] = _minimum_spanning_tree


def _constant(function: Callable) -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*map(_bare, args), **{k: _bare(v) for k, v in kwargs.items()})

    DOORS[function] = call


for _function in (
    *(csgraph.connected_components, csgraph.breadth_first_order, csgraph.depth_first_order),
    *(csgraph.min_weight_full_bipartite_matching, csgraph.maximum_bipartite_matching),
    *(csgraph.reverse_cuthill_mckee, csgraph.structural_rank),
):
    _constant(_function)

refuses(
    csgraph.yen,
    why="find the paths of weights that do not vary (workbench.stop_gradient), and add up the weights along them",
)
