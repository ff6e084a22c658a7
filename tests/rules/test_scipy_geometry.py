"""``scipy.spatial``: trees, hulls, sets of points and rotations, against differences."""

import numpy as np
import pytest
import scipy.spatial as sx
import scipy.spatial.distance as sd
from scipy.spatial.transform import RigidTransform, Rotation, Slerp

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError, MissingRuleError

PLANE = np.random.default_rng(0).normal(size=(9, 2))
SPACE = np.random.default_rng(1).normal(size=(10, 3))
AT = np.random.default_rng(2).normal(size=(4, 2))
Q, QS = np.array([0.1, 0.2, -0.3, 0.9]), np.array([[0.1, 0.2, -0.3, 0.9], [0.5, -0.4, 0.2, 0.3]])
V, VS = np.array([0.3, -0.5, 0.7]), np.array([[0.3, -0.5, 0.7], [1.0, 2.0, -0.4]])
FOUR = np.vstack([VS, 0.5 * VS[::-1] + 0.1])
ROT = Rotation.identity()
FIXED = sx.cKDTree(PLANE)


def rotated(seq):
    return lambda a: Rotation.from_euler(seq, a, degrees=True).as_matrix()


PROGRAMS = {
    "tree": (lambda p, x: sx.KDTree(p).query(x, k=3)[0], PLANE, AT),
    "nearest": (lambda p, x: sx.cKDTree(p).query(x)[0], PLANE, AT),
    "one point": (lambda p, x: sx.KDTree(p).query(x, k=2, p=3)[0], PLANE, AT[0]),
    "tree from lists": (lambda x: sx.KDTree([[x, 1.0], [0.3, x]]).query([0.1, 0.2])[0], 0.7),
    "given tree": (lambda x: FIXED.query(x, k=[1, 3], p=1)[0], AT),
    "data of a tree": (lambda p: (sx.KDTree(p).data[1:3], sx.KDTree(p).maxes, sx.cKDTree(p).mins), PLANE),
    "points of a pair": (lambda p: [p[i] - p[j] for i, j in sorted(sx.KDTree(p).query_pairs(0.8))], PLANE),
    "ball": (lambda p, x: [p[i].sum() for i in sx.cKDTree(p).query_ball_point(x[0], 1.0)], PLANE, AT),
    "hull": (lambda p: (sx.ConvexHull(p).volume, sx.ConvexHull(p).area), PLANE),
    "hull in space": (lambda p: (sx.ConvexHull(p).volume, sx.ConvexHull(p).area), SPACE),
    "vertices": (lambda p: (lambda h: h.points[h.vertices])(sx.ConvexHull(p)), PLANE),
    "triangles": (lambda p: (lambda t: t.points[t.simplices])(sx.Delaunay(p)), PLANE),
    "hausdorff": (lambda p, q: sd.directed_hausdorff(p, q)[0], PLANE, AT),
    "procrustes": (lambda p, q: sx.procrustes(p, q), PLANE, PLANE[::-1] * 1.3 + 0.2),
    "slerp on a sphere": (lambda t: sx.geometric_slerp([1.0, 0.0], [0.0, 1.0], t), np.array([0.2, 0.7])),
    "quaternion": (lambda q, v: Rotation.from_quat(q).apply(v), Q, V),
    "quaternions": (lambda q, v: Rotation.from_quat(q).apply(v, inverse=True), QS, VS),
    "as quaternion": (lambda q: Rotation.from_quat(q, scalar_first=True).as_quat(canonical=True), QS),
    "rotvec": (lambda r: Rotation.from_rotvec(r, degrees=True).as_matrix(), VS * 20.0),
    "as rotvec": (lambda q: Rotation.from_quat(q).as_rotvec(), QS),
    "matrix": (lambda r: Rotation.from_matrix(Rotation.from_rotvec(r).as_matrix()).as_quat(), V),
    "euler": (rotated("xyz"), V * 40.0),
    "euler angle": (lambda a: Rotation.from_euler("z", a).apply(V), 0.4),
    "euler inner": (rotated("ZXZ"), VS * 40.0),
    "as euler": (lambda q: (Rotation.from_quat(q).as_euler("xyz"), Rotation.from_quat(q).as_euler("ZXZ", True)), QS),
    "davenport": (lambda a: Rotation.from_davenport(np.eye(3), "extrinsic", a).as_matrix(), V),
    "product": (lambda a, b: (Rotation.from_rotvec(a) * Rotation.from_rotvec(b).inv()).as_rotvec(), V, V[::-1].copy()),
    "power": (lambda a: (Rotation.from_rotvec(a) ** 2.5).as_matrix(), V),
    "powers": (lambda a, n: (Rotation.from_rotvec(a) ** n * Rotation.from_rotvec(a) ** -1).as_quat(), V, 1.0),
    "power of no rotation": (lambda a: (Rotation.from_rotvec(a) ** 3.0).as_rotvec() ** 2, np.zeros(3)),
    "rigid": (lambda a, t: (RigidTransform.from_components(t, Rotation.from_rotvec(a)).inv()
                            * RigidTransform.from_translation(t)).apply(V), V, V[::-1].copy()),
    "magnitude": (lambda a: Rotation.from_rotvec(a).magnitude(), VS),
    "mrp": (lambda a: Rotation.from_mrp(a).as_mrp(), VS),
    "mean": (lambda a: Rotation.from_rotvec(a).mean(weights=[0.1, 0.2, 0.3, 0.4]).as_matrix(), FOUR),
    "aligned": (lambda a, b: Rotation.align_vectors(a, b)[0].as_matrix(), FOUR, FOUR[::-1] + V),
    "several": (lambda a: [r.as_matrix() for r in Rotation.concatenate([Rotation.from_rotvec(a)[1:], ROT])], VS),
    "slerp": (lambda a, t: Slerp([0, 1], Rotation.from_rotvec(a))(t).as_matrix(), VS, 0.3),
    "no rotation": (lambda r: Rotation.from_rotvec(r).as_matrix(), np.zeros(3)),
    "hardly a rotation": (lambda r: (Rotation.from_rotvec(r).as_rotvec(), Rotation.from_rotvec(r).as_quat()), V * 0.01),
    "of no rotation": (lambda q: Rotation.from_quat(q).as_rotvec(), np.array([0.0, 0.0, 0.0, -1.0])),
}  # fmt: skip
TWICE = {
    "tree",
    "hull in space",
    "quaternion",
    "rotvec",
    "product",
    "no rotation",
    "of no rotation",
    "hardly a rotation",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args, second=name in TWICE)


def test_coinciding_points_and_missing_neighbours():
    assert np.all(gradient(lambda p: sx.KDTree(p).query(PLANE[0])[0])(PLANE) == 0.0)
    check_gradient(
        lambda x: (lambda d: d[np.isfinite(d)])(FIXED.query(x, k=3, distance_upper_bound=1.0)[0]), AT
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda p: sx.ConvexHull(p).equations.sum(),
        lambda p: sx.Delaunay(p).transform.sum(),
        lambda p: sx.KDTree(p).tree.split,
        lambda p: sx.Voronoi(p).vertices.sum(),
        lambda p: sx.KDTree(p).sparse_distance_matrix(FIXED, 1.0).sum(),
        lambda p: FIXED.sparse_distance_matrix(sx.KDTree(p), 9.0).sum(),
        lambda p: FIXED.sparse_distance_matrix(FIXED, 9.0, p[0, 0] + 1.0).sum(),
        lambda p: sx.KDTree(p, boxsize=9.0).query(AT)[0].sum(),
        lambda p: sx.KDTree(p).count_neighbors(FIXED, 1.0, weights=(p[:, 0], None)),
        lambda p: FIXED.count_neighbors(sx.KDTree(PLANE), 1.0, 2.0, (None, p[:, 0])),
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_geometry\.py"):
        gradient(program)(np.abs(PLANE))


def _asked_after_a_write(made, start):
    def program(x):
        points = start(x)
        tree = made(points)
        points[0] = x
        return tree.query([0.1, 0.2])[0] + points.sum()

    return program


@pytest.mark.parametrize(
    "start", [lambda x: np.arange(6.0).reshape(3, 2), lambda x: np.outer([0.0, 2.0, 4.0], x)]
)
def test_a_tree_whose_points_are_written_into_is_refused_where_it_is_asked(start):
    x = np.array([0.3, 0.7])
    for made in (sx.KDTree, sx.cKDTree):
        with pytest.raises(MissingRuleError, match="written into after it was made"):
            gradient(_asked_after_a_write(made, start))(x)
        check_gradient(_asked_after_a_write(lambda points, m=made: m(points, copy_data=True), start), x)
