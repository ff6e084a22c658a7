"""``scipy.interpolate``: splines made of data, Bernstein polynomials, zeros, and cubic patches in triangles."""

import numpy as np
import pytest
import scipy.interpolate as ip

from tests.rules.all_ways import check_all_ways
from workbench import gradient
from workbench.errors import MissingRuleError

X = np.linspace(0.0, 3.0, 9) + 0.05 * np.sin(3.0 * np.arange(9))
Y = np.sin(X) + 0.1 * X
AT = np.array([0.3, 0.9, 1.7, 2.2])
_rng = np.random.default_rng(0)
POINTS, INSIDE = _rng.uniform(size=(25, 2)), _rng.uniform(0.3, 0.7, size=(6, 2))
HEIGHTS = np.sin(3.0 * POINTS[:, 0]) + POINTS[:, 1] ** 2
PIECES = HEIGHTS[:12].reshape(4, 3)

PROGRAMS = {
    "interpolating": (lambda x, y, at: ip.make_interp_spline(x, y)(at), X, Y, AT),
    "of even degree": (lambda x, y: ip.make_interp_spline(x, y, k=2)(AT), X, Y),
    "with given slopes": (
        lambda y: ip.make_interp_spline(X, y, bc_type=([(1, 0.2)], [(1, 0.3)]))(AT), Y,
    ),
    "clamped": (lambda x, y: ip.make_interp_spline(x, y, bc_type="clamped")(AT), X, Y),
    "ends of degree five": (
        lambda x, y: ip.make_interp_spline(x, y, k=5, bc_type=([(1, 0.2), (2, 0)], [(2, 0.1), (3, 0)]))(AT), X, Y,
    ),
    "slopes that vary": (
        lambda y, d: ip.make_interp_spline(X, y, bc_type=([(1, d)], [(2, 0.1)]))(AT), Y, 0.3,
    ),
    "splrep with its ends": (
        lambda x, y: ip.splev(AT, ip.splrep(x, y, xb=x[0] - 0.2, xe=x[-1] + 0.1)), X, Y,
    ),
    "splrep's report": (lambda x, y: ip.splev(AT, ip.splrep(x, y, full_output=True)[0]), X, Y),
    "splprep's report": (
        lambda x, y: np.array(ip.splev(AT / 3, ip.splprep([x, y], s=0, full_output=1)[0][0])), X, Y,
    ),
    "make_splrep with its ends": (lambda x, y: ip.make_splrep(x, y, xb=-1.0, xe=x[-1] + 1)(AT), X, Y),
    "nearest of two arrays": (
        lambda z, a: ip.griddata((POINTS[:, 0], POINTS[:, 1]), z, (a, a), method="nearest"),
        HEIGHTS, np.array([0.3, 0.62]),
    ),
    "interp1d": (lambda x, y: ip.interp1d(x, y, kind="cubic")(AT), X, Y),
    "make_splrep": (lambda x, y, at: ip.make_splrep(x, y)(at), X, Y, AT),
    "make_splrep, smooth": (lambda y, w: ip.make_splrep(X, y, w=w, s=0.01)(AT), Y, 1.0 + 0.1 * X),
    "make_splprep": (lambda x, y, at: ip.make_splprep([x, y])[0](at), X, Y, AT / 3.0),
    "one more knot": (lambda y, at: ip.splev(at, ip.insert(1.1, ip.splrep(X, y), m=2)), Y, AT),
    "Bernstein": (lambda c, x, at: ip.BPoly(c, x)(at), PIECES, np.array([0.0, 1.0, 2.5, 3.0]), AT),
    "Bernstein, derivative": (lambda c, at: ip.BPoly(c, [0.0, 1.0, 2.5, 3.0])(at, 2), PIECES, AT),
    "zeros": (lambda x, y: ip.CubicSpline(x, y - 0.5).roots(extrapolate=False), X, Y),
    "where it is": (lambda y, level: ip.CubicSpline(X, y).solve(level, extrapolate=False), Y, 0.5),
    "patches": (lambda v, at: ip.CloughTocher2DInterpolator(POINTS, v)(at), HEIGHTS, INSIDE),
    "patches, scaled": (
        lambda v, at: ip.CloughTocher2DInterpolator(POINTS * [1.0, 9.0], v, rescale=True)(at),
        HEIGHTS, INSIDE * [1.0, 9.0],
    ),
    "griddata": (lambda v, at: ip.griddata(POINTS, v, at, method="cubic"), HEIGHTS, INSIDE),
    "radial": (lambda v, at: ip.RBFInterpolator(POINTS, v, kernel="gaussian", epsilon=3.0)(at), HEIGHTS, INSIDE),
    "radial, by points": (
        lambda p, e: ip.RBFInterpolator(p, HEIGHTS, kernel="gaussian", epsilon=e)(INSIDE), POINTS, 5.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args, rtol=1e-4)


def test_patches_beyond_the_points_are_filled():
    def program(v):
        outside = ip.CloughTocher2DInterpolator(POINTS, v, fill_value=2.0)(np.array([[5.0, 5.0], [0.5, 0.5]]))
        assert float(outside[0]) == 2.0
        return outside

    check_all_ways(program, HEIGHTS)


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (lambda p: ip.CloughTocher2DInterpolator(p, HEIGHTS)(INSIDE).sum(), POINTS),
        (lambda p: ip.RBFInterpolator(p, HEIGHTS, kernel="gaussian", epsilon=1.3)(INSIDE).sum(), POINTS),
        (lambda x: ip.make_interp_spline(x, np.append(Y[:-1], Y[0]), bc_type="periodic")(AT).sum(), X),
        (lambda c: ip.PPoly(c, [0.0, 1.0, 2.0]).roots().sum(), np.array([[1.0, 2.0], [0.0, 1.0]])),
    ],
)
def test_refusals(program, args):
    with pytest.raises(MissingRuleError, match="has no rule for"):
        gradient(program)(args)


def test_the_misfit_allowed():
    """The coefficients are those of the smoothest spline whose misfit is ``s``: FITPACK comes within a thousandth."""
    rough = Y + 0.1 * np.cos(40.0 * X)
    for smooth in (
        lambda s: ip.splev(AT, ip.splrep(X, rough, s=s)).sum(),
        lambda s: ip.make_splrep(X, rough, s=s)(AT).sum(),
        lambda s: ip.splrep(X, rough, s=s, full_output=True)[1],
    ):
        difference = (smooth(0.0401) - smooth(0.0399)) / 2e-4
        assert gradient(smooth)(0.04) == pytest.approx(difference, rel=0.05)


def test_smoothing_by_straight_pieces():
    """The knots at points that vary were an error."""
    rough = Y + 0.1 * np.cos(40.0 * X)
    assert np.all(np.isfinite(gradient(lambda x: ip.splev(AT, ip.splrep(x, rough, k=1, s=0.02)).sum())(X)))


def test_a_fit_that_ends_before_its_misfit_is_the_given_one():
    """Its derivative was that of the misfit that it had, silently."""
    rough, knots = Y + 0.1 * np.cos(40.0 * X), np.array([0.0, 0, 0, 0, 1.0, 2.0, 3, 3, 3, 3])
    x = np.linspace(0.0, 3.0, 9)
    with (
        pytest.warns(RuntimeWarning, match="s too small"),
        pytest.raises(MissingRuleError, match="iterations"),
    ):
        gradient(lambda y: ip.make_splrep(x, y, s=1e-4, t=knots)(AT).sum())(rough)


def test_a_rational_function_without_a_denominator():
    """Empty arrays that lie beyond the end of another were an error in pushforwards."""
    check_all_ways(lambda a: ip.pade(a, 0)[0](0.3) + a[3:].sum() * a[0], np.array([1.0, 0.5, 0.2]))
