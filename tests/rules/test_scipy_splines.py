"""FITPACK's splines and interpolation through scattered points, against differences."""

import numpy as np
import pytest
import scipy.interpolate as ip

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError

X = np.array([0.0, 0.3, 0.7, 1.2, 1.5, 2.1, 2.4, 3.0])
Y = np.sin(2 * X) + 0.3 * X
W = 1.0 + 0.2 * np.cos(3 * X)
AT = np.array([0.1, 0.9, 1.31, 2.2, 2.9])
OUT = np.array([-0.2, 0.9, 3.3])
GRID = np.outer(np.sin(X), np.cos(X[:6])) + X[:, None] ** 2
PAIRS = np.concatenate(
    [np.random.default_rng(0).uniform(0.0, 2.0, size=(10, 2)), [[0, 0], [0, 2.1], [2.2, 0], [2, 2]]]
)
HEIGHTS = np.sin(PAIRS[:, 0]) * PAIRS[:, 1] ** 2
MANY = np.random.default_rng(3).uniform(0.0, 2.0, size=(150, 2))
BUMPS = 0.7 * np.sin(3 * MANY[:, 0]) / Y[1]
INSIDE = np.array([[0.8, 0.9], [1.1, 1.2], [0.6, 1.3]])
KNOTS = np.array([0.65, 1.4, 2.3])


def wide(t):
    return np.concatenate([np.full(4, -0.2), t, np.full(4, 3.2)])


FULL = np.r_[[0.0] * 4, KNOTS, [3.0] * 4]


def curve(x, y, at):
    return np.array(ip.splev(at, ip.splprep([x, y, x * y], s=0)[0]))


PROGRAMS = {
    "splrep": (lambda x, y, at: ip.splev(at, ip.splrep(x, y)), X, Y, AT),
    "splrep quadratic": (lambda x, y, at: ip.splev(at, ip.splrep(x, y, k=2)), X, Y, AT),
    "splrep quintic": (lambda x, y, at: ip.splev(at, ip.splrep(x, y, k=5), der=2), X, Y, AT),
    "splrep knots": (lambda x, y, w, t: ip.splev(AT, ip.splrep(x, y, w, t=t)), X, Y, W, KNOTS),
    "splrep line": (lambda x, y: ip.splev(AT, ip.splrep(x, y, k=1, s=1e3)), X, Y),
    "splev der": (lambda y, at: ip.splev(at, ip.splrep(X, y), der=1), Y, AT),
    "splev zeros": (lambda y, at: ip.splev(at, ip.splrep(X, y), ext=1), Y, OUT),
    "splev const": (lambda y, at: ip.splev(at, ip.splrep(X, y), ext=3), Y, OUT),
    "splev beyond": (lambda y, at: ip.splev(at, ip.splrep(X, y)), Y, OUT),
    "splev float": (lambda y, at: ip.splev(at, ip.splrep(X, y)), Y, 0.77),
    "splev t c": (lambda t, c: ip.splev(AT, (t, c, 3)), FULL + 0.01 * np.arange(11), np.r_[Y[:7], 0, 0, 0, 0]),
    "splint": (lambda x, y, a, b: ip.splint(a, b, ip.splrep(x, y)), X, Y, 0.4, 2.2),
    "splint beyond": (lambda y, b: ip.splint(-1.0, b, ip.splrep(X, y)), Y, 4.2),
    "spalde": (lambda y, at: ip.spalde(at, ip.splrep(X, y)), Y, AT),
    "sproot of a spline without roots": (
        lambda x, y: np.append(ip.sproot(ip.splrep(x, y * y + 1.0)), y), X, Y),
    "sproot": (lambda x, y: ip.sproot(ip.splrep(x, y - 0.3)), X, Y),
    "splder": (lambda y: ip.splev(AT, ip.splder(ip.splrep(X, y), 2)), Y),
    "splantider": (lambda y: ip.splev(AT, ip.splantider(ip.splrep(X, y))), Y),
    "splprep": (curve, X, Y, AT / 3.0),
    "splprep u": (lambda y, u: ip.splev(AT, ip.splprep([y, X], u=u, s=0, k=2)[0]), Y, X),
    "univariate interpolation": (lambda x, y, at: ip.InterpolatedUnivariateSpline(x, y, k=4)(at), X, Y, AT),
    "univariate s=0": (lambda y, at: ip.UnivariateSpline(X, y, s=0, ext=1)(at, nu=1), Y, AT),
    "univariate parabola": (lambda x, y, w: ip.UnivariateSpline(x, y, w, k=2, s=1e4)(AT), X, Y, W),
    "univariate residual": (lambda x, y: ip.UnivariateSpline(x, y, k=2, s=1e4).get_residual(), X, Y),
    "univariate lsq": (lambda x, y, t: ip.LSQUnivariateSpline(x, y, t)(AT), X, Y, KNOTS),
    "univariate methods": (lambda y, a: (
        ip.UnivariateSpline(X, y, s=0).integral(a, 2.0), ip.UnivariateSpline(X, y, s=0).derivatives(a),
        ip.UnivariateSpline(X, y, s=0).derivative()(a), ip.UnivariateSpline(X, y, s=0).antiderivative()(a),
        ip.UnivariateSpline(X, y - 0.3, s=0).roots(), ip.UnivariateSpline(X, y, s=0).get_coeffs()), Y, 0.8),
    "rect": (lambda z, a, b: ip.RectBivariateSpline(X, X[:6], z)(a, b), GRID, AT, AT / 2),
    "rect x y": (lambda x, y, z: ip.RectBivariateSpline(x, y, z, kx=2).ev(AT, AT / 2), X, X[:6], GRID),
    "rect slope": (lambda z, a: ip.RectBivariateSpline(X, X[:6], z)(a, a / 2, dx=1, dy=1, grid=False), GRID, AT),
    "rect slopes": (lambda z, a: ip.RectBivariateSpline(X, X[:6], z)(a, a / 2, dx=1), GRID, AT),
    "rect beyond": (lambda z, a: ip.RectBivariateSpline(X, X[:6], z)(a, AT / 2), GRID, OUT),
    "rect integral": (lambda z, a: ip.RectBivariateSpline(X, X[:6], z).integral(0.1, a, 0.2, 1.0), GRID, 0.9),
    "rect partial": (
        lambda z, a: ip.RectBivariateSpline(X, X[:6], z).partial_derivative(1, 1)(a, AT / 2), GRID, AT),
    "lsq surface": (lambda z, w: ip.LSQBivariateSpline(
        PAIRS[:, 0], PAIRS[:, 1], z, [], [], w, kx=2, ky=1).ev(*INSIDE.T), HEIGHTS, np.ones(14)),
    "smooth surface": (lambda z, a: ip.SmoothBivariateSpline(
        PAIRS[:, 0], PAIRS[:, 1], z, kx=2, ky=2, s=100.0).ev(a[:, 0], a[:, 1]), HEIGHTS, INSIDE),
    "bisplrep": (lambda z, a: ip.bisplev(
        a, a + 0.1, ip.bisplrep(PAIRS[:, 0], PAIRS[:, 1], z, kx=2, ky=2, s=100.0)), HEIGHTS, AT[:2]),
    "bspline knots": (lambda t, c, at: ip.BSpline(t, c, 3)(at), FULL + 0.01 * np.arange(11), Y[:7], AT),
    "make_lsq": (lambda x, y, w: ip.make_lsq_spline(x, y, wide(KNOTS), w=w)(AT), X, Y, W),
    "make_lsq columns": (lambda y, t: ip.make_lsq_spline(X, y, wide(t), axis=1)(AT),
                         np.stack([Y, W]), KNOTS),
    "smoothing": (lambda x, y, w, lam: ip.make_smoothing_spline(x, y, w, lam)(AT), X, Y, W, 0.1),
    "smoothing columns": (lambda y: ip.make_smoothing_spline(X, y, lam=0.3, axis=1)(AT), np.stack([Y, W])),
    "nd": (lambda c, a: ip.NdBSpline((FULL, FULL), c, 3)(a), GRID[:7, :1] * Y[:7], np.stack([AT, AT[::-1]], 1)),
    "nd slope": (lambda c, a: ip.NdBSpline((FULL, FULL), c, 3)(a, nu=(1, 0)),
                 np.ones((7, 7, 2)) * Y[:7, None] * W[:7, None, None], np.stack([AT, AT[::-1]], 1)),
    "rbf": (lambda p, d, a: ip.RBFInterpolator(p, d)(a), PAIRS, HEIGHTS, INSIDE),
    "rbf columns": (lambda p, d, s: ip.RBFInterpolator(p, d, smoothing=s, kernel="gaussian", epsilon=1.2)(INSIDE),
                    PAIRS, np.stack([HEIGHTS, HEIGHTS**2], 1), 0.1),
    "rbf near": (lambda p, d, a: ip.RBFInterpolator(p, d, neighbors=8, kernel="cubic", degree=1)(a),
                 PAIRS, HEIGHTS, INSIDE),
    "griddata": (lambda p, d, a: ip.griddata(p, d, a), PAIRS, HEIGHTS, INSIDE),
    "griddata tuple": (lambda d, a: ip.griddata(PAIRS, d, (a[:, 0], a[:, 1]), rescale=True),
                       HEIGHTS, INSIDE * 1.1),
    "griddata nearest": (lambda p, d, a: ip.griddata(p, d, a, method="nearest"), PAIRS, HEIGHTS, INSIDE),
    "griddata line": (lambda d, a: ip.griddata(X, d, a, method="cubic"), Y, AT),
    "linear at one point": (lambda d: ip.LinearNDInterpolator(PAIRS, d)(d[0] * 0.1, 0.3), HEIGHTS),
    "cubic at one point": (lambda d: ip.CloughTocher2DInterpolator(PAIRS, d)(0.2, 0.3), HEIGHTS),
    "linear columns": (lambda d: ip.LinearNDInterpolator(PAIRS, d)(INSIDE), np.stack([HEIGHTS, HEIGHTS**2], 1)),
    "linear given": (lambda a: LINEAR(a) + LINEAR(a[:, 0], a[:, 1]), INSIDE),
}  # fmt: skip
LINEAR = ip.LinearNDInterpolator(PAIRS, HEIGHTS)


TWICE = {
    "splrep",
    "splrep knots",
    "splint",
    "splprep u",
    "rect x y",
    "make_lsq",
    "smoothing",
    "nd",
    "rbf",
    "griddata",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args, second=name in TWICE)


def smooth_by_hand(y, s):
    """The exact smoothing spline on FITPACK's knots: λ by bisection."""
    from workbench.rules.splines import _jumps, collocation

    t = ip.splrep(X, Y, s=S)[0]
    matrix, jumps = collocation(t, 3, X), _jumps(t, 3, len(t) - 4)
    low, high = -30.0, 30.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        c = np.linalg.solve(matrix.T @ matrix + np.exp(middle) * jumps.T @ jumps, matrix.T @ y)
        low, high = (middle, high) if np.sum((y - matrix @ c) ** 2) < s else (low, middle)
    return c


S = 0.02


def test_smoothing_holds_the_misfit():
    """FITPACK stops within a thousandth of s; the derivative is that of meeting the misfit exactly."""
    for program in (
        lambda y: ip.splrep(X, y, s=S)[1][:-4],
        lambda y: ip.UnivariateSpline(X, y, s=S).get_coeffs(),
        lambda y: ip.splprep([y, 0.0 * y], u=X, s=S)[0][1][0],
    ):
        t, c, _ = ip.splrep(X, Y, s=S)
        assert len(t) > 8
        misfit = np.sum((Y - ip.splev(X, (t, c, 3))) ** 2)
        direction = np.cos(np.arange(8.0))
        step = 1e-4
        expected = (
            smooth_by_hand(Y + step * direction, misfit) - smooth_by_hand(Y - step * direction, misfit)
        ) / (2 * step)
        bar = np.sin(np.arange(len(expected)))
        got = gradient(lambda y: (program(y) * bar).sum())(Y) @ direction  # noqa: B023
        assert abs(got - bar @ expected) < 1e-5 * abs(got)


@pytest.mark.parametrize(
    "program",
    [
        lambda y: ip.splev(AT, ip.splrep(X, y, per=1)).sum(),
        lambda y: ip.splrep(X, y, task=1)[1].sum(),
        lambda y: ip.UnivariateSpline(X, y, s=y[0] ** 2)(AT).sum(),
        lambda y: ip.make_smoothing_spline(X, y)(AT).sum(),
        lambda y: ip.RectBivariateSpline(X, X, np.outer(y, y), s=0.1)(AT, AT).sum(),
        lambda y: ip.SmoothBivariateSpline(*MANY.T, BUMPS * y[1], s=1.0, kx=1, ky=1).ev(1, 1),
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_splines\.py"):
        gradient(program)(Y)


def test_methods_of_a_given_spline():
    spline = ip.UnivariateSpline(X, Y, s=0)
    check_gradient(lambda a: spline(a) + spline.integral(0.0, a) + spline.derivatives(a)[1], 0.8)
