"""``scipy.sparse.csgraph``: lengths of paths and trees by the weights of the edges, against differences."""

import numpy as np
import pytest
import scipy.sparse as ss
from scipy.sparse import csgraph

from tests.rules.all_ways import check_all_ways
from workbench import gradient, pullback
from workbench.errors import DifferentiationError

rng = np.random.default_rng(5)
FULL = rng.uniform(0.5, 2.0, (6, 6)) * (rng.uniform(size=(6, 6)) < 0.6) * (1 - np.eye(6))
FULL[:, 5] = 0.0  # which no path reaches
PLACES = np.nonzero(FULL)
W = FULL[PLACES]
FINITE = np.isfinite(csgraph.dijkstra(FULL))


def dense(w):
    a = np.zeros((6, 6))
    a[PLACES] = w
    return a


def sparse(w, form="csr_matrix"):
    return getattr(ss, form)(ss.coo_array((w, PLACES), shape=(6, 6)))


def reached(lengths):
    return lengths[np.isfinite(lengths)]


PATHS = {
    **{
        name: lambda w, f=f: (f(dense(w))[FINITE], f(sparse(w), directed=False)[:5, :5])
        for name, f in {
            "shortest_path": csgraph.shortest_path,
            "dijkstra": csgraph.dijkstra,
            "floyd_warshall": csgraph.floyd_warshall,
            "bellman_ford": csgraph.bellman_ford,
            "johnson": csgraph.johnson,
        }.items()
    },
    "from one node": lambda w: reached(csgraph.dijkstra(sparse(w, "csc_array"), indices=2)),
    "from some nodes": lambda w: reached(csgraph.shortest_path(sparse(w), "D", True, indices=[3, 0])),
    "within a limit": lambda w: reached(csgraph.dijkstra(sparse(w), limit=1.7)),
    "from the nearest": lambda w: reached(csgraph.dijkstra(sparse(w), indices=[1, 3], min_only=True)),
    "predecessors": lambda w: reached(csgraph.dijkstra(dense(w), return_predecessors=True)[0]),
    "tree": lambda w: csgraph.minimum_spanning_tree(sparse(w)).toarray(),
    "tree of dense": lambda w: csgraph.minimum_spanning_tree(dense(w)).sum() ** 2,
    "labels": lambda w: (
        w * csgraph.connected_components(sparse(w))[0] + csgraph.breadth_first_order(dense(w), 0)[0][0]
    ),
    "laplacian": lambda w: csgraph.laplacian(dense(w)),
}


@pytest.mark.parametrize("name", PATHS)
def test_lengths(name):
    check_all_ways(PATHS[name], W)


def test_long_paths():
    weights = rng.uniform(0.5, 1.0, 40)
    check_all_ways(
        lambda w: csgraph.dijkstra(ss.diags_array([w], offsets=[1], shape=(41, 41)), indices=0), weights
    )


def test_the_values_are_scipys():
    for directed in (True, False):
        own = csgraph.dijkstra(dense(W), directed=directed, return_predecessors=True)
        found = pullback(lambda w, d=directed: csgraph.dijkstra(dense(w), d, return_predecessors=True)[0], W)[
            0
        ]
        np.testing.assert_array_equal(found, own[0])


def test_refused():
    with pytest.raises(DifferentiationError, match="yen"):
        gradient(lambda w: csgraph.yen(sparse(w), 0, 1, 2).sum())(W)
    with pytest.raises(DifferentiationError, match="overwrite"):
        gradient(lambda w: reached(csgraph.floyd_warshall(dense(w), overwrite=True)).sum())(W)
