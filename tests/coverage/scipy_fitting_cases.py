"""What the functions of ``scipy.optimize`` and ``scipy.interpolate`` are called with."""

from __future__ import annotations

import numpy as np
import scipy.interpolate as sn
import scipy.optimize as so

from tests.coverage.measure import Case
from tests.coverage.numpy_cases import A, S, X, Y
from tests.coverage.scipy_cases import AT, DATA, GRID, TIGHT, TIMES, add

# ------------------------------------------------------------------------------------ optimisation

_cubic = lambda a: lambda x: x**3 + 0.3 * x - a  # noqa: E731
_bowl = lambda a: lambda v: (v[0] - a) ** 2 + (v[0] * v[1] - 1.0) ** 2 + 0.1 * v[1] ** 2  # noqa: E731
_system = lambda a: lambda v: np.array([v[0] ** 2 - a * v[1], v[0] + v[1] - 2.0])  # noqa: E731
_START = np.array([0.8, 0.9])
_BOUNDS = [(-1.0, 3.0), (-1.0, 3.0)]


def _bracketed(name):
    return Case(lambda a: getattr(so, name)(_cubic(a), 0.0, 3.0, **TIGHT), (2.0,))


def _scalar(name):
    return Case(lambda a: getattr(so, name)(lambda x: (x - a) ** 2 + x**4), (0.7,))


def _minimum(name, **options):
    return Case(lambda a: getattr(so, name)(_bowl(a), _START, disp=0, **options), (0.7,))


def _both(a):
    """A function with its slope."""
    return lambda v: (np.sum((v - a) ** 2 + v**4), 2 * (v - a) + 4 * v**3)


def _gentle(a):
    return lambda v: v - 0.3 * np.array([a, v[0] * a])


def _nonlinear(name):
    return Case(lambda a: getattr(so, name)(_gentle(a), _START, f_tol=1e-11), (1.3,))


def _global(name, *rest, **options):
    return Case(lambda a: getattr(so, name)(_bowl(a), *rest, **options).x, (0.7,))


add("optimize", **{name: _bracketed(name) for name in "bisect brenth brentq ridder toms748".split()})
add("optimize", **{name: _scalar(name) for name in "brent golden".split()})
add("optimize", **{name: _minimum(name) for name in "fmin_bfgs fmin_cg fmin_powell".split()})
add(
    "optimize",
    **{name: _nonlinear(name) for name in "anderson broyden1 broyden2 diagbroyden newton_krylov".split()},
)
add(
    "optimize",
    approx_fprime=Case(lambda a: so.approx_fprime(np.array([a, 1.0]), _bowl(0.7), 1e-3), (0.3,)),
    basinhopping=_global(
        "basinhopping", _START, niter=2, rng=1, minimizer_kwargs={"options": {"gtol": 1e-10}}
    ),
    bracket=Case(lambda a: so.bracket(lambda x: (x - a) ** 2)[:3], (0.7,)),
    brute=Case(lambda a: so.brute(_bowl(a), (slice(0, 2, 0.5),) * 2, finish=so.fmin_bfgs), (0.7,)),
    check_grad=Case(lambda a: so.check_grad(lambda v: a * v[0] ** 2, lambda v: 2 * a * v, [0.3]), (0.7,)),
    curve_fit=Case(
        lambda y: so.curve_fit(lambda t, a, b: a * np.exp(-b * t), TIMES, y, p0=[2.0, 0.7])[0], (DATA,)
    ),
    differential_evolution=_global(
        "differential_evolution", _BOUNDS, rng=1, tol=0, atol=1e-22, maxiter=600, polish=False
    ),
    direct=_global("direct", _BOUNDS, maxiter=5),
    dual_annealing=_global("dual_annealing", _BOUNDS, rng=1, maxiter=3),
    fixed_point=Case(lambda a: so.fixed_point(lambda x: np.exp(-a * x), 0.5, xtol=1e-11), (0.8,)),
    fmin=_minimum("fmin", xtol=1e-11, ftol=1e-14, maxiter=2000, maxfun=4000),
    fmin_cobyla=Case(lambda a: so.fmin_cobyla(_bowl(a), _START, [lambda v: v[0] - 0.1]), (0.7,)),
    fmin_l_bfgs_b=Case(
        lambda a: so.fmin_l_bfgs_b(_bowl(a), _START, approx_grad=True, factr=10, pgtol=1e-9)[0], (0.7,)
    ),
    fmin_ncg=Case(
        lambda a: so.fmin_ncg(lambda v: (v[0] - a) ** 2, [0.1], lambda v: np.array([2 * (v[0] - a)]), disp=0),
        (0.7,),
    ),
    fmin_slsqp=Case(lambda a: so.fmin_slsqp(_bowl(a), _START, iprint=0), (0.7,)),
    fmin_tnc=Case(lambda a: so.fmin_tnc(_both(a), _START, disp=0, ftol=0, xtol=0, pgtol=0)[0], (0.7,)),
    fminbound=Case(lambda a: so.fminbound(lambda x: (x - a) ** 2 + x**4, 0.0, 2.0, xtol=1e-10), (0.7,)),
    fsolve=Case(lambda a: so.fsolve(_system(a), _START, xtol=1e-11), (1.3,)),
    isotonic_regression=Case(lambda x: so.isotonic_regression(x).x, (X,)),
    least_squares=Case(
        lambda a: so.least_squares(_system(a), _START, xtol=1e-12, ftol=1e-12, gtol=1e-12).x, (1.3,)
    ),
    leastsq=Case(lambda a: so.leastsq(_system(a), _START, xtol=1e-12)[0], (1.3,)),
    excitingmixing=Case(lambda a: so.excitingmixing(lambda v: a - v, _START, alpha=0.5, f_tol=1e-9), (1.3,)),
    linearmixing=Case(lambda a: so.linearmixing(lambda v: a - v, _START, alpha=0.5, f_tol=1e-9), (1.3,)),
    line_search=Case(
        lambda a: so.line_search(lambda v: (v[0] - a) ** 2, lambda v: 2 * (v - a), np.zeros(1), np.ones(1))[
            0
        ],
        (0.7,),
    ),
    linear_sum_assignment=Case(lambda c: c[so.linear_sum_assignment(c)], (A,)),
    linprog=Case(lambda c: so.linprog(c, A_ub=-np.eye(3), b_ub=-np.ones(3)).fun, (Y[:3],)),
    lsq_linear=Case(lambda a, b: so.lsq_linear(a, b).x, (A, X[:3])),
    milp=Case(lambda c: so.milp(c, bounds=so.Bounds(1, 2)).fun, (Y[:3],)),
    minimize=Case(lambda a: so.minimize(_bowl(a), _START, tol=1e-10).x, (0.7,)),
    minimize_scalar=Case(lambda a: so.minimize_scalar(lambda x: (x - a) ** 2 + x**4, tol=1e-11).x, (0.7,)),
    newton=Case(lambda a: so.newton(_cubic(a), 1.0, tol=1e-13), (2.0,)),
    nnls=Case(lambda a, b: so.nnls(a, b)[0], (np.abs(A), np.abs(A) @ Y[:3])),
    quadratic_assignment=Case(lambda a, b: so.quadratic_assignment(a, b).fun, (A, S)),
    root=Case(lambda a: so.root(_system(a), _START, tol=1e-12).x, (1.3,)),
    root_scalar=Case(lambda a: so.root_scalar(_cubic(a), bracket=(0.0, 3.0), **TIGHT).root, (2.0,)),
    shgo=_global("shgo", _BOUNDS),
)

# ------------------------------------------------------------------------------------ interpolation

_T6 = TIMES[:6]
RISING = np.cumsum(DATA) + 0.3 * np.sin(5 * TIMES)
_POINTS = np.array([[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [1.1, 1.2], [0.5, 0.4], [0.3, 0.7]])


def _through(name, *rest):
    return Case(lambda y, at: getattr(sn, name)(TIMES, y, *rest)(at), (RISING, AT))


def _scattered(name):
    return Case(lambda z: getattr(sn, name)(_POINTS, z)(np.array([[0.4, 0.5], [0.3, 0.3]])), (DATA[:6],))


add(
    "interpolate",
    **{
        name: _through(name)
        for name in "Akima1DInterpolator CubicSpline PchipInterpolator interp1d make_interp_spline "
        "InterpolatedUnivariateSpline UnivariateSpline make_smoothing_spline make_splrep AAA".split()
    },
)
add(
    "interpolate",
    **{
        name: Case(lambda y, at, name=name: getattr(sn, name)(_T6, y)(at), (DATA[:6], AT * 0.5))
        for name in "BarycentricInterpolator KroghInterpolator FloaterHormannInterpolator Rbf".split()
    },
)
add(
    "interpolate",
    **{
        name: _scattered(name)
        for name in "CloughTocher2DInterpolator LinearNDInterpolator NearestNDInterpolator RBFInterpolator".split()
    },
)
add(
    "interpolate",
    BPoly=Case(lambda c, at: sn.BPoly(c, np.array([0.0, 1.0, 2.0, 3.0]))(at), (A, AT)),
    BSpline=Case(lambda c, at: sn.BSpline(np.arange(9.0), c, 3)(at), (X, AT + 3.0)),
    CubicHermiteSpline=Case(
        lambda y, d, at: sn.CubicHermiteSpline(_T6, y, d)(at), (DATA[:6], DATA[6:], AT * 0.5)
    ),
    LSQUnivariateSpline=_through("LSQUnivariateSpline", [1.0, 2.0]),
    LSQBivariateSpline=Case(
        lambda z: sn.LSQBivariateSpline(_POINTS[:, 0], _POINTS[:, 1], z, [0.5], [0.5], kx=1, ky=1).ev(
            0.4, 0.5
        ),
        (DATA[:6],),
    ),
    NdBSpline=Case(
        lambda c: sn.NdBSpline((np.arange(8.0), np.arange(8.0)), c, 3)([[3.2, 3.3]]), (GRID[:4, :4],)
    ),
    NdPPoly=Case(
        lambda c: sn.NdPPoly(c.reshape(2, 2, 2, 1), (np.arange(3.0), np.arange(2.0)))([[0.3, 0.4]]),
        (DATA[:8],),
    ),
    PPoly=Case(lambda c, at: sn.PPoly(c, np.array([0.0, 1.0, 2.0, 3.0]))(at), (A, AT)),
    RectBivariateSpline=Case(lambda z: sn.RectBivariateSpline(_T6, TIMES[:5], z).ev(0.4, 0.5), (GRID,)),
    RegularGridInterpolator=Case(
        lambda z, at: sn.RegularGridInterpolator((_T6, TIMES[:5]), z)(at), (GRID, np.array([[0.4, 0.5]]))
    ),
    SmoothBivariateSpline=Case(
        lambda z: sn.SmoothBivariateSpline(_POINTS[:, 0], _POINTS[:, 1], z, kx=1, ky=1).ev(0.4, 0.5),
        (DATA[:6],),
    ),
    approximate_taylor_polynomial=Case(
        lambda a: sn.approximate_taylor_polynomial(lambda x: np.exp(a * x), 0.0, 3, 1.0)(0.2), (0.7,)
    ),
    barycentric_interpolate=Case(lambda y, at: sn.barycentric_interpolate(_T6, y, at), (DATA[:6], AT * 0.5)),
    bisplev=Case(lambda at: sn.bisplev(at, 0.5, sn.bisplrep(*_POINTS.T, DATA[:6], kx=1, ky=1)), (0.4,)),
    bisplrep=Case(lambda z: sn.bisplrep(*_POINTS.T, z, kx=1, ky=1)[2], (DATA[:6],)),
    generate_knots=Case(lambda y: next(iter(sn.generate_knots(TIMES, y, s=0.01))), (DATA,)),
    griddata=Case(lambda z: sn.griddata(_POINTS, z, np.array([[0.4, 0.5]])), (DATA[:6],)),
    insert=Case(lambda y: sn.insert(1.1, sn.splrep(TIMES, y))[1][:13], (DATA,)),
    interpn=Case(lambda z, at: sn.interpn((_T6, TIMES[:5]), z, at), (GRID, np.array([[0.4, 0.5]]))),
    krogh_interpolate=Case(lambda y, at: sn.krogh_interpolate(_T6, y, at), (DATA[:6], AT * 0.5)),
    lagrange=Case(lambda y: sn.lagrange(_T6[:4], y)(0.3), (DATA[:4],)),
    make_lsq_spline=Case(
        lambda y, at: sn.make_lsq_spline(TIMES, y, np.r_[[0.0] * 4, 1.4, [3.0] * 4])(at), (DATA, AT)
    ),
    make_splprep=Case(lambda x, y: sn.make_splprep([x, y], s=0)[0](0.3), (TIMES, DATA)),
    pade=Case(lambda c: sn.pade(c, 2)[0](0.3), (X,)),
    pchip_interpolate=Case(lambda y, at: sn.pchip_interpolate(TIMES, y, at), (RISING, AT)),
    spalde=Case(lambda y: sn.spalde(0.4, sn.splrep(TIMES, y)), (DATA,)),
    splantider=Case(lambda y: sn.splev(0.4, sn.splantider(sn.splrep(TIMES, y))), (DATA,)),
    splder=Case(lambda y: sn.splev(0.4, sn.splder(sn.splrep(TIMES, y))), (DATA,)),
    splev=Case(lambda y, at: sn.splev(at, sn.splrep(TIMES, y)), (DATA, AT)),
    splint=Case(lambda y: sn.splint(0.1, 0.9, sn.splrep(TIMES, y)), (DATA,)),
    splprep=Case(lambda x, y: sn.splprep([x, y], s=0)[0][1], (TIMES, DATA)),
    splrep=Case(lambda y: sn.splrep(TIMES, y)[1], (DATA,)),
    sproot=Case(lambda y: sn.sproot(sn.splrep(TIMES, y)), (DATA - 1.0,)),
)
