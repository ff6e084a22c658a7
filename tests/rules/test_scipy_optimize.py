"""``scipy.optimize``: roots, minimisers and fits against differences; closures, arguments, bounds, constraints."""

import math
import warnings

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as ss

from tests.rules.all_ways import check_value
from workbench import check_gradient, gradient, pushforward
from workbench.errors import LostGradientError, MissingRuleError

V = np.array([1.0, 2.0, 0.5])
TIGHT = {"xtol": 1e-14, "rtol": 1e-14}
T = np.linspace(0.0, 3.0, 12)
Y = 2.0 * np.exp(-0.7 * T) + 0.05 * np.sin(7.0 * T)


def cubic(x, a, b=0.3):
    return x**3 + b * x - a


@pytest.mark.parametrize("solver", [so.brentq, so.brenth, so.ridder, so.bisect, so.toms748])
def test_bracketed_root(solver):
    check_gradient(lambda a: solver(lambda x: x**3 - a, 0.0, 3.0, xtol=1e-14, rtol=1e-14), 2.0)
    check_gradient(lambda a, b: solver(cubic, 0.0, 3.0, args=(a, b), xtol=1e-14, rtol=1e-14), 2.0, 0.4)
    check_gradient(
        lambda a: (
            solver(lambda x: math.cos(x) - a * x, 0.0, 3.0, full_output=True, xtol=1e-14, rtol=1e-14)[0] ** 2
        ),
        1.2,
    )


def test_the_bracket_may_vary():
    assert gradient(lambda a: so.brentq(lambda x: x * x - 2.0, 0.0, a))(2.0) == 0.0
    assert gradient(lambda a: so.brentq(lambda x: x * x - a, 0.0, a))(2.0) == pytest.approx(
        0.5 / math.sqrt(2.0)
    )


def test_newton():
    check_gradient(lambda a: so.newton(lambda x: x**3 - a, 1.0, tol=1e-13), 2.0)
    check_gradient(lambda a: so.newton(lambda x: x**3 - a, a, fprime=lambda x: 3 * x**2, tol=1e-13), 2.0)
    check_gradient(lambda a: so.newton(cubic, 1.0, args=(a,), tol=1e-13), 2.0)
    check_gradient(lambda a, b: so.newton(cubic, 1.0, args=[a, b], tol=1e-13), 2.0, 0.4)
    check_gradient(lambda a, b: so.fixed_point(lambda x, a, b: np.cos(a * x) * b, 0.5, [a, b]), 0.8, 0.9)
    check_gradient(lambda v: so.newton(lambda x: x**3 - v, np.ones(3), tol=1e-13), V)
    check_gradient(lambda v: so.newton(lambda x: x**3 - v, np.ones(3), full_output=True).root, V)


def test_root_scalar():
    def program(a, b):
        found = so.root_scalar(cubic, args=(a, b), bracket=(0.0, 3.0), xtol=1e-14, rtol=1e-14)
        return found.root

    check_gradient(program, 2.0, 0.4)
    check_gradient(
        lambda a: so.root_scalar(lambda x: (x**2 - a, 2 * x), x0=1.0, fprime=True, xtol=1e-14).root, 2.0
    )


@pytest.mark.parametrize("method", ["newton", "halley"])
def test_root_scalar_with_slopes(method):
    slopes = {"fprime": lambda x, a: 3 * x**2, "fprime2": lambda x, a: 6 * x}
    program = lambda a: so.root_scalar(lambda x, a: x**3 - a, (a,), method, x0=1.0, **slopes).root  # noqa: E731
    check_gradient(program, 1.3)
    check_gradient(lambda a: so.newton(lambda x, a: x**3 - a, 1.0, args=(a,), **slopes), 1.3)


def system(x, v):
    return [x[0] ** 2 + x[1] - 4.0 * v[0], x[1] * x[2] - v[1], x[2] ** 3 - v[2]]


def test_systems():
    check_gradient(lambda v: so.fsolve(lambda x: x**3 - v, np.ones(3), xtol=1e-11), V)
    check_gradient(lambda v: so.fsolve(system, [0.5, 1.0, 1.0], args=(v,), xtol=1e-11), V)
    check_gradient(lambda v: so.fsolve(system, [0.5, 1.0, 1.0], args=v, xtol=1e-11, full_output=True)[0], V)
    for method in ("hybr", "lm"):
        check_gradient(lambda v: so.root(system, [0.5, 1.0, 1.0], args=(v,), method=method, tol=1e-11).x, V)  # noqa: B023
    check_gradient(lambda a: so.fixed_point(lambda x: math.exp(-a * x), 0.5, xtol=1e-11), 0.8, rtol=1e-5)
    check_gradient(
        lambda v: so.fixed_point(lambda x: np.cos(v * x), np.full(3, 0.5), xtol=1e-11), V * 0.4, rtol=1e-5
    )


def test_second_derivatives():
    def inner(v):
        return so.fsolve(system, [0.5, 1.0, 1.0], args=(v,), xtol=1e-11).sum()

    along, step = np.array([0.3, -1.0, 0.5]), 1e-4
    first = [gradient(inner)(V + s * along) for s in (step, -step)]
    second = gradient(lambda v: gradient(inner)(v) @ V)(V)
    assert second @ along == pytest.approx((first[0] - first[1]) @ V / (2 * step), rel=1e-6)
    twice = gradient(gradient(lambda a: so.brentq(lambda x: x**3 - a, 0.0, 3.0, xtol=1e-15)))
    assert twice(2.0) == pytest.approx(-2.0 / 9.0 * 2.0 ** (-5.0 / 3.0), rel=1e-10)


def quadratic(x, v):
    return ((x - v) ** 2).sum() + 0.1 * (x**4).sum() + x[0] * x[1]


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "SLSQP", "TNC"])
def test_minimize(method):
    options = {"BFGS": {"gtol": 1e-9}, "CG": {"gtol": 1e-9}, "L-BFGS-B": {"ftol": 1e-15, "gtol": 1e-10}}
    options |= {"SLSQP": {"ftol": 1e-16}, "TNC": {"ftol": 1e-16, "gtol": 1e-12, "xtol": 1e-12}}

    def slope(x, v):
        first = np.array([x[1], x[0], 0.0])
        return 2 * (x - v) + 0.4 * x**3 + first

    def program(v):
        found = so.minimize(
            quadratic, np.zeros(3), args=(v,), method=method, jac=slope, options=options[method]
        )
        return found.x, found.fun

    check_gradient(program, V, rtol=1e-4)


def test_minimize_without_slope():
    got = gradient(lambda v: so.minimize(lambda x: quadratic(x, v), np.zeros(3)).x[1])(V)
    x = so.minimize(lambda x: quadratic(x, V), np.zeros(3), tol=1e-10).x
    hessian = np.diag(2 + 1.2 * x**2) + np.array([[0, 1.0, 0], [1, 0, 0], [0, 0, 0]])
    assert got == pytest.approx(2 * np.linalg.inv(hessian)[1], rel=1e-5)
    assert gradient(lambda v: so.minimize(lambda x: quadratic(x, v), np.zeros(3), method="Nelder-Mead").x[1])(
        V
    ) == pytest.approx(got, rel=1e-3)


def test_minimize_with_slope_returned():
    def both(x, v):
        return ((x - v) ** 2).sum(), 2 * (x - v)

    check_gradient(lambda v: so.minimize(both, np.zeros(3), args=(v,), jac=True, tol=1e-12).x, V)


def test_active_bounds():
    def program(v, top):
        return so.minimize(
            lambda x: quadratic(x, v), np.zeros(3), bounds=[(0.0, top), (None, None), (None, top)], tol=1e-14
        ).x

    got = gradient(lambda v, top: program(v, top).sum(), wrt=(0, 1))(np.array([1.0, 2.0, 5.0]), 0.6)
    step = 1e-4
    at = [program(np.array([1.0, 2.0, 5.0]), 0.6 + s).sum() for s in (step, -step)]
    assert got[1] == pytest.approx((at[0] - at[1]) / (2 * step), rel=1e-3)
    assert got[0][2] == 0.0


def test_constraints():
    def program(v, total):
        constraint = {"type": "eq", "fun": lambda x: x.sum() - total}
        idle = {"type": "ineq", "fun": lambda x: 10.0 - x[0]}
        return so.minimize(
            lambda x: ((x - v) ** 2).sum(),
            np.zeros(3),
            constraints=[constraint, idle],
            options={"ftol": 1e-15},
        ).x

    check_gradient(program, V, 2.0, rtol=1e-5, atol=1e-5)


def test_minimize_scalar():
    got = gradient(lambda a: so.minimize_scalar(lambda x: (x - a) ** 2 + x**4).x)(1.0)
    x = so.minimize_scalar(lambda x: (x - 1.0) ** 2 + x**4).x
    assert got == pytest.approx(2 / (2 + 12 * x * x), rel=1e-6)
    edge = gradient(
        lambda b: so.minimize_scalar(lambda x: (x - 3.0) ** 2, bounds=(0.0, b), method="bounded").x
    )
    assert edge(1.0) == 1.0


def test_global_search():
    def program(a):
        return so.differential_evolution(
            lambda x: (x[0] - a) ** 2 + x[1] ** 2, [(-3, 3), (-3, 3)], rng=1, tol=1e-8
        ).x[0]

    assert gradient(program)(0.7) == pytest.approx(1.0)


def test_one_bound_for_all():
    def program(v):
        found = so.minimize(lambda x: quadratic(x, v), np.ones(3), bounds=so.Bounds(v[0] / 4), tol=1e-14)
        return found.x @ np.array([1.0, 2.0, 3.0])

    check_gradient(program, V, rtol=1e-4, step=1e-2)


def test_global_search_with_bounds_by_name():
    def program(a):
        bounds = [(-3.0, 3.0), (-3.0, 3.0)]
        return so.dual_annealing(
            lambda x: (x[0] - a) ** 2 + a * x[1] ** 2, bounds=bounds, rng=1, maxiter=20
        ).x[0]

    assert gradient(program)(0.7) == pytest.approx(1.0)


def model(t, height, rate):
    return height * np.exp(-rate * t)


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
def test_least_squares(loss):
    def program(y, t):
        found = so.least_squares(
            lambda p: model(t, p[0], p[1]) - y,
            [1.0, 1.0],
            loss=loss,
            f_scale=0.2,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        return found.x

    check_gradient(program, Y, T, rtol=1e-3, atol=1e-4)


EXACTLY = {"xtol": 1e-15, "ftol": 1e-15}


def test_least_squares_by_the_scale_of_a_loss():
    def residuals_at(y, scale):
        options = {"loss": "soft_l1", "f_scale": scale, "gtol": 1e-15, **EXACTLY}
        return so.least_squares(lambda p: model(T, p[0], p[1]) - y, [1.0, 1.0], **options).x

    check_gradient(residuals_at, Y, 0.2, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy"])
def test_curve_fit_with_a_loss(loss):
    def fitted(y, scale):
        options = {"loss": loss, "f_scale": scale, "x_scale": [scale, 1.0], "gtol": 1e-15, **EXACTLY}
        return so.curve_fit(model, T, y, [1.0, 1.0], method="trf", **options)

    check_gradient(lambda y, scale: fitted(y, scale)[0], Y, 0.2, rtol=1e-3, atol=1e-4)
    with pytest.raises(MissingRuleError, match="'pcov'"):
        gradient(lambda y: fitted(y, 0.2)[1].sum())(Y)


def test_everything_that_curve_fit_tells():
    def told(y):
        found, covariance, report, *_ = so.curve_fit(model, T, y, [1.0, 1.0], full_output=True, **EXACTLY)
        return found, covariance, report["fvec"]

    check_gradient(told, Y, rtol=1e-3, atol=1e-4)


def test_least_squares_values():
    check_gradient(
        lambda y: (
            so.least_squares(
                lambda p: model(T, *p) - y,
                [1.0, 1.0],
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                bounds=([0, 0], [5, 5]),
            ).cost
        ),
        Y,
        rtol=1e-4,
    )


def test_curve_fit_of_lists():
    def program(y):
        return so.curve_fit(lambda x, a, b: a * x + b, T.tolist(), [*y])[0]

    check_gradient(program, Y, rtol=1e-4)


def test_curve_fit():
    check_gradient(
        lambda y: so.curve_fit(model, T, y, p0=[1.0, 1.0], xtol=1e-14, ftol=1e-14)[0], Y, rtol=1e-4
    )
    check_gradient(lambda y, t: so.curve_fit(model, t, y, xtol=1e-14, ftol=1e-14), Y, T, rtol=1e-3, atol=1e-6)
    check_gradient(
        lambda y, s: so.curve_fit(model, T, y, sigma=s, absolute_sigma=True, xtol=1e-14, ftol=1e-14),
        Y,
        0.1 + 0.05 * T,
        rtol=1e-3,
        atol=1e-6,
    )


def test_covariance_and_residuals_of_leastsq():
    def program(y):
        found = so.leastsq(
            lambda p: y - p[0] * np.exp(-p[1] * T), [1.5, 0.5], full_output=True, xtol=1e-14, ftol=1e-14
        )
        return np.concatenate([found[0], np.sqrt(np.diag(found[1])), found[2]["fvec"]])

    check_gradient(program, Y, rtol=1e-4, step=1e-3)
    with pytest.raises(MissingRuleError, match="qtf"):
        gradient(lambda y: so.leastsq(lambda p: y - p[0] * T, [1.0], full_output=True)[2]["qtf"].sum())(Y)


def test_parts_without_derivatives_refuse():
    def program(v):
        found = so.minimize(lambda x: quadratic(x, v), np.zeros(3))
        return (found.hess_inv @ v).sum()

    with pytest.raises(MissingRuleError, match="hess_inv"):
        gradient(program)(V)
    with pytest.raises(MissingRuleError, match="direc"):
        gradient(
            lambda v: (so.minimize(lambda x: quadratic(x, v), np.zeros(3), method="Powell").direc @ v).sum()
        )(V)


def test_refused():
    with pytest.raises(MissingRuleError, match="linprog"):
        gradient(lambda c: so.linprog(c, bounds=[(0, 1)] * 3).fun)(V)
    with pytest.raises(MissingRuleError, match="singular"):
        gradient(lambda a: so.newton(lambda x: (x - a) ** 2, 1.0, fprime=lambda x: 2 * (x - a), maxiter=200))(
            1.0
        )


def bowl(a):
    return lambda v: (v[0] - a) ** 2 + (v[0] * v[1] - 1.0) ** 2 + 0.1 * v[1] ** 2


def bowl_and_slope(v, a):
    rest = v[0] * v[1] - 1.0
    slope = np.array([2 * (v[0] - a) + 2 * rest * v[1], 2 * rest * v[0] + 0.2 * v[1]])
    return (v[0] - a) ** 2 + rest**2 + 0.1 * v[1] ** 2, slope


EXACT = {"xtol": 1e-10, "ftol": 1e-13}
MINIMISERS = {
    "fmin": lambda a: so.fmin(bowl(a), [0.8, 0.9], disp=0, maxiter=2000, maxfun=4000, **EXACT),
    "fmin_powell": lambda a: so.fmin_powell(bowl(a), [0.8, 0.9], disp=0, full_output=True, **EXACT)[0],
    "fmin_cg": lambda a: so.fmin_cg(bowl(a), [0.8, 0.9], disp=0, gtol=1e-9),
    "fmin_bfgs": lambda a: so.fmin_bfgs(bowl(a), [0.8, 0.9], disp=0, gtol=1e-9),
    "fmin_l_bfgs_b": lambda a: so.fmin_l_bfgs_b(bowl_and_slope, [0.8, 0.9], args=(a,), factr=10, pgtol=1e-10)[
        0
    ],
    "fmin_tnc": lambda a: so.fmin_tnc(
        bowl_and_slope, [0.2, 0.9], args=(a,), disp=0, ftol=0, xtol=0, pgtol=0, bounds=[(None, a / 2), (0, 5)]
    )[0],
    "golden": lambda a: so.golden(lambda x: (x - a) ** 2 + x**4, tol=1e-12),
    "brent": lambda a: so.brent(lambda x, b: (x - b) ** 2 + x**4, args=(a,), tol=1e-12, full_output=True)[0],
    "fminbound": lambda a: so.fminbound(lambda x: (x - a) ** 2 + x**4, 0.0, 2.0, xtol=1e-12),
}


@pytest.mark.parametrize("name", MINIMISERS)
def test_minimisers_that_are_functions_of_their_own(name):
    check_gradient(MINIMISERS[name], 0.7, rtol=1e-3, step=1e-2)


def to_solve(v):
    return lambda x: x + 0.1 * x**3 - v


SYSTEMS = [so.broyden1, so.broyden2, so.anderson, so.newton_krylov]


@pytest.mark.parametrize("solver", SYSTEMS)
def test_solvers_of_large_systems(solver):
    check_gradient(lambda v: solver(to_solve(v), np.zeros(3), f_tol=1e-12), V, rtol=1e-4, step=1e-3)


def test_difference_quotients():
    check_gradient(lambda v: so.approx_fprime(v, lambda x: np.sum(x**3), 1e-5), V, rtol=1e-4, step=1e-2)
    check_gradient(lambda v: so.approx_fprime(v, lambda x, a: x**2 * a, 1e-5, v[0]), V, rtol=1e-4, step=1e-2)


SEARCHES = {
    "basinhopping": lambda a: (
        so.basinhopping(bowl(a), [0.5, 0.5], niter=1, rng=1, minimizer_kwargs={"options": {"gtol": 1e-9}}).x
    ),
    "basinhopping with arguments": lambda a: (
        so.basinhopping(
            lambda v, b: bowl(b)(v),
            [0.5, 0.5],
            niter=1,
            rng=1,
            minimizer_kwargs={"args": (a,), "bounds": [(a / 2, 0.6), (0, 9)], "method": "L-BFGS-B"},
        ).fun
    ),
    "shgo": lambda a: so.shgo(bowl(a), [(0.1, 2.0)] * 2, options={"ftol": 1e-14}).x,
    "brute": lambda a: so.brute(bowl(a), [(0.1, 2.0)] * 2, Ns=4, finish=so.fmin_bfgs),
    "point of a grid": lambda a: so.brute(bowl(a), [(0.1, 2.0)] * 2, Ns=4, finish=None, full_output=True)[1],
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches(name):
    check_gradient(SEARCHES[name], 0.7, rtol=1e-3, step=1e-2)


def test_a_grid_that_varies_is_refused():
    with pytest.raises(MissingRuleError, match="ranges that vary"):
        gradient(lambda a: so.brute(bowl(1.0), (slice(a, 2, 0.5),) * 2)[0])(0.7)


def tilted(v, a):
    return (v[0] - a) ** 2 + (v[1] - 2.0 * a) ** 2


def slope(v, a):
    return 2.0 * np.array([v[0] - a, v[1] - 2.0 * a])


GIVEN = {
    "positions": lambda a: so.differential_evolution(tilted, [(0, a / 2), (0, 4)], (a,), "best1bin", 100, seed=1),
    "start": lambda a: so.differential_evolution(tilted, [(0, a / 2), (0, 4)], (a,), x0=[a / 3, a], rng=1),
    "pairs": lambda a: so.minimize(tilted, [0.0, 0.0], (a,), bounds=zip([0, 0], [a / 2, 4], strict=True)),
    "generator": lambda a: so.minimize(
        tilted, [0.0, 0.0], (a,), tol=1e-14,
        constraints=(so.LinearConstraint(np.ones(2), -np.inf, b) for b in [1.9 * a]),
    ),
    "sparse that varies": lambda a: so.minimize(
        tilted, [0.1, 0.1], (a,), tol=1e-14, constraints=so.LinearConstraint(ss.csc_array([[1.0, 1.0]]) * a, 0, 1.5)
    ),
    "slope": lambda a: so.shgo(
        tilted, [(0, a / 2), (0, 4)], (a,), options={"jac": lambda v, b: slope(v, b) * (a / b)}
    ),
    "slope of the local search": lambda a: so.dual_annealing(
        tilted, [(0, a / 2), (0, 4)], (a,), 50, seed=1, x0=[a / 3, a],
        minimizer_kwargs={"method": "L-BFGS-B", "bounds": [(0, a / 2), (0, 4)], "jac": slope},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_how_a_solver_gets_what_it_is_given(name):
    check_value(lambda a: GIVEN[name](a).x, 0.8)
    check_gradient(lambda a: GIVEN[name](a).x, 0.8, rtol=1e-3, step=1e-2)


def test_a_sparse_constraint_of_a_search():
    def program(a):
        sums = so.LinearConstraint(ss.csr_array([[1.0, 1.0]]), 0, 1.9 * a)
        bounds = [(0, 3 * a), (0, 3)]
        return so.differential_evolution(tilted, bounds, (a,), rng=1, constraints=sums).x

    check_value(program, 0.8)
    np.testing.assert_allclose(pushforward(program, 0.8)[1](1.0), [0.45, 1.45])


@pytest.mark.parametrize("method", ["krylov", "broyden1", "df-sane"])
def test_methods_that_do_not_read_slopes(method):
    def program(a):
        return so.root(lambda x: x**3 - a, np.array([1.0, 1.1]) * a, method=method, jac=True, tol=1e-12).x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        check_gradient(program, 0.8)


def test_a_solver_that_stops_short_of_where_a_loss_bends_sharply():

    def distance(angle, p):
        return np.linalg.norm(np.array([np.cos(angle[0]), 2 * np.sin(angle[0])]) - p)

    def nearest(p):
        return so.minimize(distance, [0.5], args=(p,), method="Nelder-Mead").x[0]

    p = np.array([np.cos(0.7), 2 * np.sin(0.7)]) + np.array([2e-5, 1e-5])

    def exact(p):
        return so.brentq(
            lambda t: (p[0] - np.cos(t)) * np.sin(t) + 2 * (2 * np.sin(t) - p[1]) * np.cos(t), 0.3, 1.1
        )

    np.testing.assert_allclose(gradient(nearest)(p), gradient(exact)(p), rtol=1e-7)


def test_solvers_that_call_from_other_processes():
    for program in (
        lambda a: so.brute(tilted, [(0, 3), (0, 3)], (a,), Ns=5, workers=2, finish=None),
        lambda a: so.least_squares(lined, [0.1, 0.2], args=(a,), kwargs={"b": 2.0 * a}, workers=2).x,
    ):
        check_value(program, 0.8)
    check_gradient(program, 0.8, rtol=1e-5)


def lined(x, a, b):
    return np.array([x[0] - a, x[0] * x[1] - b])


CONSTRAINTS = {
    "linear": lambda a: so.LinearConstraint([[1.0, a]], -np.inf, a),
    "linear equality": lambda a: [so.LinearConstraint([1.0, 1.0], a, a)],
    "curved": lambda a: so.NonlinearConstraint(lambda v: v[0] ** 2 + v[1] ** 2, -np.inf, a),
    "not active": lambda a: so.NonlinearConstraint(lambda v: v[0] + a, -np.inf, 50.0),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_objects_as_constraints(name):
    def program(a):
        return so.minimize(
            bowl(1.2), [0.4, 0.4], method="SLSQP", constraints=CONSTRAINTS[name](a), options={"ftol": 1e-15}
        ).x * (1.0 + 0.0 * a)

    check_gradient(program, 0.7, rtol=1e-3, step=1e-2)


@pytest.mark.parametrize(
    "program",
    [
        lambda a: so.direct(bowl(a), [(-1.0, 3.0)] * 2).x[0],
        lambda a: so.fmin_cobyla(bowl(a), [0.8, 0.9], [lambda v: v[0]])[0],
    ],
)
def test_what_is_searched_by_comparing_is_refused(program):
    with pytest.raises(LostGradientError, match="not differentiable here") as caught:
        gradient(program)(0.7)
    assert "minimize" in caught.value.fix


def test_a_bound_of_a_flat_loss():
    def at_the_bound(t):
        return so.minimize_scalar(lambda x: 1e-4 * (x - t) ** 2, bounds=(-3.0, 0.2 * t), method="bounded").x

    assert gradient(at_the_bound)(0.8) == pytest.approx(0.2)
    beside = gradient(lambda t: so.minimize_scalar(lambda x: (x - t) ** 2, bounds=(-3.0, 0.80005)).x)(0.8)
    assert beside == pytest.approx(1.0)


@pytest.mark.parametrize(
    "program",
    [
        lambda t: so.minimize(
            lambda x: np.sum((x - t) ** 2), np.zeros(2), method="BFGS", options={"return_all": True}
        ).allvecs[1],
        lambda t: (
            so.minimize(
                lambda x: np.sum((x - t) ** 2),
                np.zeros(2),
                method="SLSQP",
                constraints={"type": "eq", "fun": lambda x: np.sum(x) - 0.2},
            ).multipliers
        ),
    ],
)
def test_what_else_a_report_holds_is_not_known(program):
    with pytest.raises(MissingRuleError, match="is not known"):
        gradient(lambda t: np.sum(program(t) * 1.0))(np.array([0.7, -0.4]))


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-3])
@pytest.mark.parametrize("method", ["trust-constr", "L-BFGS-B", "Powell"])
def test_short_of_the_bounds_of_a_flat_loss(method, scale):
    def near_the_bound(t):
        def loss(x):
            z = x - t * np.array([2.0, 0.3, -1.5])
            return scale * (np.sum(z**2) + 0.5 * z[0] * z[1])

        return so.minimize(
            loss, np.full(3, 0.1), method=method, bounds=[(-1.0, 0.5 * t), (-1.0, 2.0), (-t, 0.9)]
        ).x

    # ∂loss/∂x₁ = 2 z₁ + z₀/2 = 0 with z₀ = -1.5 t
    derivative = [gradient(lambda t, k=k: near_the_bound(t)[k])(1.0) for k in range(3)]
    assert derivative == pytest.approx([0.5, 0.675, -1.0])


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")
def test_inside_beside_a_bound_and_a_linear_loss():
    def found(t, bound, loss=lambda x, t: 1e-3 * np.sum((x - t) ** 2)):
        return so.minimize(loss, np.array([0.1]), (t,), method="trust-constr", bounds=[(-1.0, bound * t)]).x[
            0
        ]

    assert gradient(lambda t: found(t, 1.3))(0.7) == pytest.approx(1.0)
    assert gradient(lambda t: found(t, 1.3, lambda x, t: -1e-3 * t * x[0]))(0.7) == pytest.approx(1.3)
    assert gradient(lambda t: found(t, 1.3, lambda x, t: -1e-3 * x[0] ** 2 - 1e-2 * x[0]))(
        0.7
    ) == pytest.approx(1.3)


def test_bounds_beside_a_constraint():
    def shares(t):
        return so.minimize(
            lambda x: np.sum((x - t) ** 2),
            np.full(3, 1 / 3),
            method="SLSQP",
            bounds=[(0.0, 1.0)] * 3,
            constraints={"type": "eq", "fun": lambda x: np.sum(x) - 1.0},
        ).x

    for k in range(3):
        derivative = gradient(lambda t, k=k: shares(t)[k])(np.array([0.9, 0.7, 0.8]))
        assert derivative == pytest.approx((np.arange(3) == k) - 1 / 3)


def test_a_solver_that_stops_far_from_the_bound_is_refused():
    def stopped(t):
        bounds = [(-1.0, 0.5 * t)]
        return so.minimize(lambda x: 1e-6 * np.sum((x - t) ** 2), [0.1], method="SLSQP", bounds=bounds).x[0]

    with pytest.raises(MissingRuleError, match="no solution"):
        gradient(stopped)(1.0)


BY_POSITION = {
    "brentq": lambda a: so.brentq(lambda x, b: x**3 - b, 0, 3, (a,), 1e-14, 1e-14),
    "bisect": lambda a: so.bisect(lambda x, b: x**3 - b, 0, 3, (a,), 1e-14, 1e-14, 100, True)[0],
    "newton": lambda a: so.newton(lambda x, b: x**3 - b, 1.0, None, (a,), 1e-12),
    "fsolve": lambda a: so.fsolve(lambda x, b: x**3 - b, 1.0, (a,), None, True)[0][0],
    "root_scalar": lambda a: so.root_scalar(lambda x, b: x**3 - b, (a,), "brentq", (0, 3)).root,
    "root": lambda a: so.root(lambda x, b: x**3 - b, [1.0], (a,), "hybr", None, 1e-12).x[0],
    "fixed_point": lambda a: so.fixed_point(lambda x, b: (2 * x + b / x**2) / 3, 1.0, (a,), 1e-12),
    "minimize_scalar": lambda a: (
        so.minimize_scalar(lambda x, b: (x**3 - b) ** 2, None, (0.5, 3), (a,), "bounded").x
    ),
    "least_squares": lambda a: so.least_squares(lambda x: x**3 - a, [1.0], "3-point", (-5, 5), "trf").x[0],
    "leastsq": lambda a: so.leastsq(lambda x, b: x**3 - b, [1.0], (a,), None, True, False)[0][0],
    "differential_evolution": lambda a: so.differential_evolution(
        lambda x, b: (x[0] ** 3 - b) ** 2, [(0.5, 3)], (a,), "best1bin", 100, rng=1
    ).x[0],
    "shgo": lambda a: so.shgo(lambda x, b: (x[0] ** 3 - b) ** 2, [(0.5, 3)], (a,), None, 50).x[0],
}


@pytest.mark.parametrize("name", BY_POSITION)
def test_options_by_position(name):
    assert gradient(BY_POSITION[name])(1.3) == pytest.approx(1.3 ** (-2 / 3) / 3, rel=1e-3)
    with pytest.raises(TypeError, match=name):
        gradient(lambda a: getattr(so, name)(*[a] * 30))(1.3)
