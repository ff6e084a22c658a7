"""``scipy.cluster``: the heights of merges, what is read in a tree, and k-means."""

import numpy as np
import pytest
from scipy.cluster import hierarchy, vq
from scipy.spatial.distance import pdist

from tests.rules.all_ways import check_all_ways, check_value

POINTS = np.random.default_rng(5).standard_normal((9, 3))
METHODS = ["single", "complete", "average", "weighted", "centroid", "median", "ward"]


@pytest.mark.parametrize("method", METHODS)
def test_linkage(method):
    def of_points(x):
        return hierarchy.linkage(x, method)

    check_all_ways(of_points, POINTS)
    check_all_ways(of_points, pdist(POINTS))
    check_value(of_points, POINTS)


def tree(x):
    return hierarchy.linkage(x, "average")


def centres_of_clusters(x):
    labels = hierarchy.fcluster(tree(x), 1.5, "distance")
    return sum(np.linalg.norm(x[labels == k].mean(axis=0)) for k in set(labels))


def statistics(x):
    return hierarchy.inconsistent(tree(x), 3)


READ = {
    "ordered": lambda x: hierarchy.linkage(x, "average", optimal_ordering=True),
    "cophenet": lambda x: hierarchy.cophenet(tree(x), pdist(x)),
    "maxdists": lambda x: hierarchy.maxdists(hierarchy.linkage(x, "centroid")),
    "inconsistent": statistics,
    "maxinconsts": lambda x: hierarchy.maxinconsts(tree(x), statistics(x)),
    "maxRstat": lambda x: hierarchy.maxRstat(tree(x), statistics(x), 1),
    "fcluster": centres_of_clusters,
    "to_tree": lambda x: hierarchy.to_tree(tree(x)).dist,
    "dendrogram": lambda x: np.array(hierarchy.dendrogram(tree(x), no_plot=True)["dcoord"]),
    "mlab": lambda x: hierarchy.from_mlab_linkage(hierarchy.to_mlab_linkage(tree(x))),
    "vq": lambda x: vq.vq(x, x[:3] + 0.1)[1],
    "vq of numbers": lambda x: vq.vq(x[:, :1], x[:3, :1] + 0.1)[1],
    "kmeans": lambda x: vq.kmeans(x, x[:3]),
    "kmeans of numbers": lambda x: vq.kmeans(x[:, 0], 2, rng=1),
    "kmeans2": lambda x: vq.kmeans2(x, x[:3])[0],
    "kmeans2 ++": lambda x: vq.kmeans2(x, 3, minit="++", rng=1)[0],
    "whiten": vq.whiten,
}


@pytest.mark.parametrize("name", READ)
def test_read_in_a_tree(name):
    check_all_ways(READ[name], POINTS, second=name != "kmeans2 ++")
    check_value(READ[name], POINTS)


def test_labels_do_not_vary():
    check_value(lambda x: hierarchy.fclusterdata(x, 1.2), POINTS)
    check_value(lambda x: hierarchy.leaves_list(tree(x)), POINTS)
    check_value(lambda x: hierarchy.cut_tree(tree(x)), POINTS)


def test_a_point_at_its_centre_has_the_derivative_zero():
    check_value(lambda x: vq.vq(x, x[:3]), POINTS)
