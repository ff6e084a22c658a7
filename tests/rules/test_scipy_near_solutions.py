"""Solvers that stop short of a solution, and functions that keep the points they are handed: refused, or put right."""

from collections import Counter, OrderedDict, deque

import numpy as np
import pytest
import scipy.integrate as si
import scipy.optimize as so
import scipy.sparse.linalg as sl

from workbench import check_gradient, checkpoint, gradient, pullback
from workbench.errors import MissingRuleError

A = np.array([1.3, 0.7, -0.4])


def loss(x, a):
    return np.sum((x - a) ** 2 * np.arange(1, 4)) + 0.1 * np.sum(x**4)


def at_most_one(x):
    return 1.0 - np.sum(x)


@pytest.mark.parametrize(
    "solver",
    [
        lambda a: so.minimize(lambda x: 1e-6 * loss(x, a), np.zeros(3), method="BFGS").x,
        lambda a: so.minimize(lambda x: 1e-4 * loss(x, a), np.zeros(3), method="CG").x,
        lambda a: so.minimize(lambda x: np.sum((x - 1e-9 * a) ** 2), np.zeros(3)).x,
        lambda a: (
            so.minimize(
                lambda x: 1e-3 * loss(x, a),
                np.zeros(3),
                method="SLSQP",
                constraints={"type": "ineq", "fun": at_most_one},
            ).x
        ),
        lambda a: so.root(lambda x: x**3 - a[0] - 1, [200.0], options={"maxfev": 3}).x,
        lambda a: so.bisect(lambda x: x**3 - a[0] - 1, 0, 4, xtol=0.3),
    ],
)
def test_a_point_that_is_far_from_a_solution_is_refused(solver):
    with pytest.raises(MissingRuleError, match="no solution"):
        gradient(lambda a: np.sum(solver(a)))(A)


def test_a_point_near_a_solution_has_the_derivative_of_the_solution():
    def rough(a):
        return so.minimize(lambda x: 1e-2 * loss(x, a), np.zeros(3), method="BFGS").x

    def fine(a):
        return so.minimize(lambda x: loss(x, a), np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x

    for k in range(3):
        found, expected = (gradient(lambda a, k=k, f=f: f(a)[k])(A) for f in (rough, fine))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(pullback(rough, A)[0], rough(A))


def on_a_circle(a):
    constraint = so.NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, a[1])
    options = {"gtol": 1e-11, "xtol": 1e-13}
    found = so.minimize(
        lambda x: a[:2] @ x, [0.5, 0.1], method="trust-constr", constraints=constraint, options=options
    )
    return found.x


def at_a_corner(a):
    constraints = [
        {"type": "ineq", "fun": lambda x: 1 - x[0] - 2 * x[1] * a[1]},
        {"type": "ineq", "fun": lambda x: 1.1 * a[0] - x[0] ** 2 - x[1]},
    ]
    return so.minimize(
        lambda x: -a[:2] @ x, [0.1, 0.1], method="SLSQP", bounds=[(0, None)] * 2, constraints=constraints
    ).x


def a_fixed_component(a):
    bounds = [(a[0], a[0]), (None, None), (0, 1)]
    return so.minimize(lambda x: loss(x, a) + x[0] * x[1], np.ones(3), bounds=bounds, tol=1e-12).x


def with_a_small_loss(a):
    constraint = {"type": "ineq", "fun": lambda x: 0.3 * a[0] - np.sum(x)}
    return so.minimize(
        lambda x: 1e-3 * loss(x, a), np.zeros(3), method="COBYLA", constraints=constraint, tol=1e-9
    ).x


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")
@pytest.mark.parametrize("program", [on_a_circle, at_a_corner, a_fixed_component])
def test_minima_beside_conditions(program):
    check_gradient(program, A, rtol=1e-4, atol=1e-6, step=1e-3)


def test_just_short_of_a_constraint_of_a_small_loss():
    assert abs(np.sum(with_a_small_loss(A)) - 0.3 * A[0]) > 0
    assert gradient(lambda a: np.sum(with_a_small_loss(a)))(A) == pytest.approx([0.3, 0.0, 0.0])


def test_covariances_at_a_bound():
    t = np.linspace(0, 1, 9)

    def fit(a):
        tight = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14}
        y = np.exp(-a[0] * t) + a[1] * t**2
        return so.curve_fit(
            lambda t, b, d: b * np.exp(-d * t), t, y, p0=[1, 0.3], bounds=([0, 0.2], [2, 0.5]), **tight
        )[1]

    check_gradient(fit, A, rtol=1e-4)


def in_a_list(a, solve):
    points = []

    def watched(x):
        points.append(x * 1.0)
        return x

    solve(watched, a)
    return points[0]


class Memory:
    def __init__(self):
        self.best = None

    def __call__(self, x):
        self.best = x
        return x


def in_an_attribute(a, solve):
    memory = Memory()
    solve(memory, a)
    return memory.best


def in_a_variable(a, solve):
    last = None

    def watched(x):
        nonlocal last
        last = x
        return x

    solve(watched, a)
    return last


SOLVERS = [
    lambda f, a: so.minimize(lambda x: loss(f(x), a), a / 2),
    lambda f, a: so.least_squares(lambda x: f(x) ** 3 - a, a / 2),
    lambda f, a: so.root(lambda x: f(x) ** 3 - a, a / 2),
    lambda f, a: si.quad(lambda x: np.sum(np.sin(a * f(x))), 0, a[0]),
    lambda f, a: si.odeint(lambda y, t: -a * f(y), a / 2, [0.0, 1.0]),
]


@pytest.mark.parametrize("solve", SOLVERS)
def test_points_that_a_function_keeps_are_refused_in_the_result(solve):
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(lambda a: np.sum(in_a_list(a, solve)))(A)


@pytest.mark.parametrize("keep", [in_an_attribute, in_a_variable])
def test_points_that_are_kept_and_not_used_do_no_harm(keep):
    def program(a):
        keep(a, SOLVERS[0])
        return np.sum(so.minimize(lambda x: loss(x, a), a / 2, tol=1e-12).x)

    check_gradient(program, A, rtol=1e-4)


def test_the_minimum_beside_the_minimiser():
    def values(a):
        value = lambda x: (x - a) ** 2 + x**4 + a  # noqa: E731
        simplex = so.fmin(value, 1.0, full_output=True, disp=False, xtol=1e-10, ftol=1e-12)[1]
        return np.array([simplex, so.brent(value, full_output=True)[1]])

    check_gradient(values, 1.2, rtol=1e-4)
    with pytest.raises(MissingRuleError, match="returns beside it"):
        gradient(lambda a: so.fmin_bfgs(lambda x: loss(x, a), A, full_output=True, disp=False)[2].sum())(A)


def test_complex_roots():
    def root(a, b):
        found = so.newton(lambda x: x**3 - a - 1j * b, 1 + 0.3j, fprime=lambda x: 3 * x**2, tol=1e-13)
        broyden = so.broyden1(lambda x: x**3 - a - 1j * b * np.ones(2), np.ones(2) + 0.3j, f_tol=1e-10)
        return np.array([found.real, found.imag, broyden[0].real, broyden[1].imag])

    check_gradient(root, 1.0, 0.5, rtol=1e-5)
    with pytest.raises(MissingRuleError, match="not analytic"):
        gradient(lambda a: so.newton(lambda x: x.conjugate() ** 3 - a, 1 + 0.0j).real)(1.0)


class Remembering:
    """Value and slope computed together, and kept for the last point."""

    def __init__(self, a):
        self.a, self.x, self.count, self.points = a, None, 0, []

    def both(self, x):
        if self.x is None or not np.array_equal(x, self.x):
            self.x, rest = np.array(x), x - self.a
            self.count += 1
            self.points.append(0.0)
            self.value, self.slope = np.sum(rest**2) + np.sum(x**4) / 4, 2 * rest + x**3
        return self.value, self.slope


def remembered(a):
    both = Remembering(a)
    found = so.minimize(lambda x: both.both(x)[0], a / 2, jac=lambda x: both.both(x)[1], tol=1e-12)
    return np.append(found.x, found.fun), both.count, len(both.points)


def in_a_dict(a):
    known = {}

    def cubic(x):
        if tuple(x) not in known:
            known[tuple(x)] = x**3 + x - a
        return known[tuple(x)]

    return so.fsolve(cubic, np.ones(3), xtol=1e-13), len(known)


def counted(a):
    count, calls = 0, [0]

    def cubic(x):
        nonlocal count
        count += 1
        calls[0] += 1
        return x**3 + x - a[0]

    return so.brentq(cubic, -3.0, 3.0, xtol=1e-14) + si.quad(cubic, 0.0, a[1])[0], count, calls[0]


def in_an_array(a):
    rest = np.zeros(3)

    def squares(x):
        np.subtract(x, a, out=rest)
        return rest**3 + rest

    return so.least_squares(squares, np.zeros(3), xtol=1e-14, ftol=1e-14, gtol=1e-14).x, rest.size


class Tally:
    calls = 0
    __slots__ = ("last", "own")


def in_many_places(a):
    Tally.calls, tally = 0, Tally()
    tally.own = 0
    ordered, few, met, counter = OrderedDict(), deque(maxlen=3), set(), Counter()

    def cubic(x):
        Tally.calls += 1
        tally.own, tally.last = tally.own + 1, x
        ordered[tally.own] = 1
        ordered.move_to_end(1)
        few.append(x)
        met.add(tally.own)
        counter["calls"] += 1
        cubic.calls = getattr(cubic, "calls", 0) + 1
        return x**3 + x - a

    found = so.root(cubic, np.ones(3), tol=1e-13).x
    counts = Tally.calls, tally.own, len(few), len(met), counter["calls"], cubic.calls
    return found, *counts, list(ordered)


@pytest.mark.parametrize("program", [remembered, in_a_dict, counted, in_an_array, in_many_places])
def test_functions_leave_what_they_leave_without_the_engine(program):
    assert pullback(program, A)[0][1:] == program(A)[1:]
    check_gradient(lambda a: program(a)[0], A, rtol=1e-5)
    if program is not in_an_array:
        slope = gradient(lambda a: np.sum(program(a)[0]))
        check_gradient(slope, A, rtol=1e-4)


def by_an_operator(a, keep):
    def product(v):
        keep(v)
        return a[0] * v + 0.1 * np.roll(v, 1) + 0.1 * np.roll(v, -1)

    return sl.cg(sl.LinearOperator((3, 3), product, dtype=float), A, rtol=1e-12)[0]


def by_radau(a, keep):
    def rate(t, y):
        keep(y)
        return -a * y

    return si.solve_ivp(rate, (0.0, 1.0), A, method="Radau", rtol=1e-8, atol=1e-10).y[:, -1]


def by_ode(a, keep):
    def rate(t, y):
        keep(y)
        return -a * y

    return si.ode(rate).set_integrator("dopri5", rtol=1e-10).set_initial_value(A).integrate(1.0)


def by_boundary_values(a, keep):
    def rate(t, y):
        keep(y[:, 0])
        return np.vstack([y[1], -a[0] * np.exp(y[0])])

    found = si.solve_bvp(
        rate, lambda left, right: [left[0], right[0]], np.linspace(0, 1, 5), np.zeros((2, 5)), tol=1e-6
    )
    return found.sol(0.5)


def twice_integrated(a, keep):
    def product(y, x):
        keep(np.array([x, y]))
        return np.exp(-a[0] * x * y)

    return np.array([si.dblquad(product, 0, 1, 0, 1)[0]])


@pytest.mark.parametrize("solve", [by_an_operator, by_radau, by_ode, by_boundary_values, twice_integrated])
def test_functions_of_other_solvers(solve):
    def counted(a):
        points = []
        return solve(a, points.append), len(points)

    def kept(a):
        points = []
        solve(a, points.append)
        return np.sum(points[-1])

    assert pullback(counted, A)[0][1] == counted(A)[1]
    check_gradient(lambda a: counted(a)[0], A, rtol=1e-5)
    if solve is twice_integrated:  # between limits that do not vary, nor do the points
        check_gradient(kept, A)
        return
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(kept)(A)


def test_solvers_within_a_block():
    def root(a):
        points = []

        def cubic(x):
            points.append(x)
            return x**3 + x - a

        return so.brentq(cubic, -3.0, 3.0, xtol=1e-14)

    assert gradient(lambda a: checkpoint(root)(a))(1.3) == pytest.approx(gradient(root)(1.3))


def test_a_block_within_a_function():
    def found(a):
        count = [0]

        def value(x):
            count[0] += 1
            return checkpoint(loss)(x, a)

        return so.minimize(value, np.zeros(3), tol=1e-10).x

    check_gradient(found, A, rtol=1e-4)


def test_an_iterative_solution_that_is_far_from_converged_is_refused():
    matrix = np.diag(np.arange(1.0, 9.0)) + 0.5

    def program(a):
        return np.sum(sl.gmres(matrix + a * np.eye(8), np.ones(8), restart=2, maxiter=1)[0])

    with pytest.raises(MissingRuleError, match="far from converged"):
        gradient(program)(0.3)


def test_a_bound_that_lies_close_before_the_minimum():
    def one(a):
        return so.fminbound(lambda x: (x - a) ** 2, 0.0, 1.0)

    def tiny(a):
        loss = lambda x: 1e12 * (x - 4e-6 * a) ** 2  # noqa: E731
        return so.minimize_scalar(loss, bounds=(1e-6, 3e-6 * a), options={"xatol": 1e-13}).x

    assert gradient(one)(1.005) == pytest.approx(0.0)
    assert gradient(tiny)(1.0) == pytest.approx(3e-6, rel=1e-6)
    assert gradient(lambda b: so.fminbound(lambda x: (x - 3.0) ** 2, 0.0, b))(1.0) == pytest.approx(1.0)


def test_whole_numbers_that_are_searched_for_do_not_vary():
    def search(a):
        return so.differential_evolution(
            lambda x: (x[0] - a) ** 2 + (30 * x[1] - a * x[0]) ** 2, [(0, 99)] * 2, integrality=[1, 0], rng=1
        )

    assert gradient(lambda a: search(a).x[0])(30.4) == pytest.approx(0.0)
    assert gradient(lambda a: search(a).x[1])(30.4) == pytest.approx(1.0)
    assert gradient(lambda a: search(a).fun)(30.4) == pytest.approx(0.8, rel=1e-4)


def test_whole_numbers_at_a_bound():
    def search(a, most):
        loss = lambda x: (x[0] - a) ** 2 + x[1] * a + (x[1] - x[0]) ** 2  # noqa: E731
        return so.differential_evolution(loss, [(-2, most), (0, 3)], integrality=[False, True], rng=1).x

    assert gradient(lambda a: search(a, 2.0)[0])(1.3) == pytest.approx(0.5, rel=1e-4)
    assert gradient(lambda most: search(1.3, most)[0])(0.4) == pytest.approx(1.0)
