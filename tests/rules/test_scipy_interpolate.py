"""``scipy.interpolate``: by the data, the breakpoints and the points of evaluation."""

import numpy as np
import pytest
import scipy.interpolate as ip

from workbench import check_gradient, diagonal_hessian, gradient, pullback
from workbench.errors import MissingRuleError

X = np.array([0.0, 0.7, 1.5, 2.1, 3.0])
Y = np.array([1.0, 2.2, 0.5, -0.4, 0.3])
AT = np.array([0.1, 0.9, 1.7, 2.9])

CLASSES = [ip.CubicSpline, ip.PchipInterpolator, ip.Akima1DInterpolator, ip.KroghInterpolator]


@pytest.mark.parametrize("cls", [*CLASSES, ip.BarycentricInterpolator])
def test_by_everything(cls):
    if cls is ip.BarycentricInterpolator:  # it draws an order of the points
        check_gradient(lambda y, at: cls(X, y, rng=np.random.default_rng(0))(at), Y, AT)
        return
    check_gradient(lambda x, y, at: cls(x, y)(at), X, Y, AT)
    check_gradient(lambda y: cls(X, y)(1.3), Y)


@pytest.mark.parametrize("bc", ["not-a-knot", "natural", "clamped", ((1, 0.5), (2, -0.3))])
def test_cubic_spline_boundaries(bc):
    check_gradient(lambda x, y, at: ip.CubicSpline(x, y, bc_type=bc)(at), X, Y, AT)


def test_cubic_spline_further():
    check_gradient(lambda y, at: ip.CubicSpline(X, y)(at, 1), Y, AT)
    check_gradient(lambda y, at: ip.CubicSpline(X, y)(at, nu=2), Y, AT)
    check_gradient(lambda y: ip.CubicSpline(X, y).derivative()(AT), Y)
    check_gradient(lambda y, at: ip.CubicSpline(X, y).antiderivative()(at), Y, AT)
    check_gradient(lambda x, y: ip.CubicSpline(x, y).integrate(0.3, 2.5), X, Y)
    check_gradient(lambda a, b: ip.CubicSpline(X, Y).integrate(a, b), 0.3, 2.5)
    check_gradient(lambda y: ip.CubicSpline(X, np.stack([y, y**2], axis=1))(AT), Y)
    check_gradient(lambda y: ip.CubicSpline(X, np.stack([y, y**2]), axis=1)(AT), Y)
    check_gradient(lambda y: ip.CubicSpline(X, y)(np.array([-0.5, 3.5])), Y)
    check_gradient(lambda y: ip.CubicSpline(X, y, extrapolate=False)(AT), Y)
    check_gradient(lambda a: ip.CubicSpline(X, Y)(a), 1.3)
    check_gradient(gradient(lambda a: ip.CubicSpline(X, Y)(a) ** 2), 1.3)
    check_gradient(lambda y: ip.CubicSpline(X[:3], y[:3])(AT[:2]), Y)
    check_gradient(
        lambda y, at: ip.CubicSpline(X, np.concatenate([y[:4], y[:1]]), bc_type="periodic")(at), Y, AT + 3.0
    )


def test_hermite():
    check_gradient(lambda x, y, d, at: ip.CubicHermiteSpline(x, y, d)(at), X, Y, Y**2, AT)
    check_gradient(lambda c, at: ip.PPoly(c, X)(at), np.arange(8.0).reshape(2, 4), AT)


@pytest.mark.parametrize("kind", ["linear", "quadratic", "cubic", "nearest", "previous"])
def test_interp1d(kind):
    check_gradient(lambda y: ip.interp1d(X, y, kind=kind)(AT), Y)
    check_gradient(lambda at: ip.interp1d(X, Y, kind=kind)(at), AT)
    if kind == "linear":
        check_gradient(
            lambda x, y, at: ip.interp1d(x, y, kind=kind, fill_value="extrapolate")(at), X, Y, AT + 0.35
        )


def test_b_splines():
    check_gradient(lambda y, at: ip.make_interp_spline(X, y, k=3)(at), Y, AT)
    check_gradient(lambda y, at: ip.make_interp_spline(X, y, bc_type="natural")(at, 1), Y, AT)
    check_gradient(lambda c, at: ip.BSpline(np.arange(9.0), c, 3)(at), Y, AT + 3.0)
    check_gradient(lambda y, at: ip.splev(at, ip.splrep(X, y)), Y, AT)
    check_gradient(lambda at: ip.splev(at, ip.splrep(X, Y), der=1), AT)


GRID = (np.array([0.0, 1.0, 2.5]), np.array([0.0, 0.5, 1.0, 2.0]))
VALUES = np.sin(np.add.outer(GRID[0], GRID[1] ** 2))
POINTS = np.array([[0.3, 0.2], [1.7, 1.4], [2.2, 0.7]])


@pytest.mark.parametrize("method", ["linear", "nearest", "slinear", "pchip"])
def test_regular_grid(method):
    if method in ("pchip", "slinear"):
        x = np.linspace(0.0, 3.0, 5)
        values = np.exp(0.1 * np.add.outer(x, x**2))
        if method == "pchip":  # the points stay in their cells
            program = lambda v, p: ip.RegularGridInterpolator((x, x), v, method=method)(p)  # noqa: E731
            check_gradient(program, values, POINTS, step=1e-5)
        return
    check_gradient(lambda v, p: ip.RegularGridInterpolator(GRID, v, method=method)(p), VALUES, POINTS)


def test_regular_grid_further():
    check_gradient(lambda g, v: ip.RegularGridInterpolator((g, GRID[1]), v)(POINTS), GRID[0], VALUES)
    check_gradient(lambda x, y: ip.RegularGridInterpolator(GRID, VALUES)((x, y)), 0.3, 1.2)
    check_gradient(lambda x, y: ip.RegularGridInterpolator(GRID, VALUES)([x, y]), 0.3, 1.2)
    check_gradient(lambda y, x: ip.RegularGridInterpolator((X,), y)([[x], [1.0]]), Y, 1.3)
    check_gradient(lambda v: ip.interpn(GRID, v, POINTS), VALUES)
    three = np.arange(24.0).reshape(2, 3, 4) ** 1.5
    axes = tuple(np.arange(float(n)) for n in three.shape)
    check_gradient(lambda v, p: ip.RegularGridInterpolator(axes, v)(p), three, np.array([[0.3, 1.2, 2.7]]))
    check_gradient(
        lambda v, p: ip.RegularGridInterpolator(GRID, v, bounds_error=False, fill_value=None)(p),
        VALUES,
        POINTS * 1.4,
    )
    check_gradient(
        lambda v, p: ip.RegularGridInterpolator(GRID, v, bounds_error=False, fill_value=0.0)(p),
        VALUES,
        POINTS * 1.4,
    )


def test_refused():
    with pytest.raises(MissingRuleError, match="CloughTocher"):
        gradient(lambda p: ip.griddata(p, np.ones(3), [[1.0, 0.8]], method="cubic")[0])(POINTS)


NODES = np.array([0.7, 1.4, 0.9, 3.0, 0.6])


@pytest.mark.parametrize(
    "made",
    [
        lambda y: ip.BarycentricInterpolator(NODES, y, rng=0),  # it permutes the nodes
        lambda y: ip.FloaterHormannInterpolator(NODES, y),
        lambda y: ip.FloaterHormannInterpolator(NODES, y, d=1),
    ],
)
def test_the_slope_at_the_data(made):
    """There the usual form is 0/0, and SciPy puts the data: a constant."""
    y, points = np.sin(NODES), np.r_[NODES, 1.1]
    values = made(y)(points)
    assert np.array_equal(pullback(lambda x: made(y)(x), points)[0], values)
    h = 1e-5
    slopes = (made(y)(points + h) - made(y)(points - h)) / (2 * h)
    bends = (made(y)(points + 1e-3) - 2.0 * values + made(y)(points - 1e-3)) / 1e-6
    assert np.allclose(gradient(lambda x: np.sum(made(y)(x)))(points), slopes, rtol=1e-8, atol=1e-9)
    found = diagonal_hessian(lambda x: np.sum(made(y)(x)))(points)
    assert np.allclose(found, bends, rtol=1e-4, atol=1e-4)
    assert gradient(lambda x: made(y)(x) * 1.0)(1.4) == pytest.approx(slopes[1], rel=1e-8)
    check_gradient(lambda x, y: made(y)(x), points, y)
    check_gradient(lambda x, y: made(np.outer(y, [1.0, 2.0]))(x), points[:2], y)


def test_periodic_splines_through_data_that_varies():
    x, beyond = np.array([0.0, 1.0, 2.2, 3.1, 4.5, 6.0]), np.array([-1.5, 0.4, 5.1, 8.0])

    def program(y):
        return ip.make_interp_spline(x, np.append(y, y[0]), bc_type="periodic")(beyond)

    y = np.array([0.7, 1.4, 0.9, 1.9, 0.6])
    assert np.array_equal(pullback(program, y)[0], program(y))
    check_gradient(program, y)


def test_a_spline_that_is_not_extrapolated_is_constant_nowhere_else():
    knots, inside_and_out = np.r_[[0.0] * 3, 1.0, 2.0, 3.0, [4.0] * 3], np.array([-0.5, 0.4, 2.9, 6.7])

    def program(c, x):
        return np.nansum(ip.BSpline(knots, c, 2, extrapolate=False)(x) ** 2)

    check_gradient(program, np.cos(np.arange(6.0)), inside_and_out)
