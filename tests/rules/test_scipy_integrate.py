"""``scipy.integrate``: quadrature and initial value problems against differences and known answers."""

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
import scipy.integrate as si
import scipy.optimize as so
from scipy import LowLevelCallable

from tests.rules.all_ways import check_all_ways, check_value
from workbench import check_gradient, gradient, hessian, pushforward
from workbench.errors import MissingRuleError

X = np.array([0.0, 0.4, 1.1, 1.5, 2.5])
Y = np.array([0.5, 1.0, 2.0, 1.5, -1.0])
Y0 = np.array([1.0, 0.4])
TIGHT = {"rtol": 1e-11, "atol": 1e-13}


def test_quad_with_closure_and_limits():
    check_gradient(lambda a, b: si.quad(lambda t: math.exp(-a * t), 0.0, b)[0], 1.3, 2.0)
    check_gradient(lambda a, b: si.quad(lambda t, k: np.cos(k * t), a, b, args=(b,))[0], 0.3, 2.0)
    check_gradient(lambda a: si.quad(lambda t: a * t**2, 1.0, a)[0], 2.0)
    check_gradient(lambda w: si.quad(lambda t: w[0] * math.sin(w[1] * t), 0.0, 3.0)[0], np.array([1.0, 6.0]))


def without_axes(x):
    filled = np.zeros(())
    filled[...] = x
    return filled


def test_quad_between_arrays_without_axes():
    check_gradient(lambda a, b: si.quad(math.exp, without_axes(a), np.asarray(b))[0], 0.3, 2.0)
    check_gradient(lambda b: si.quad(lambda t: b * t, 0.0, b)[0], np.array(2.0))
    check_gradient(lambda b: si.nquad(lambda x, y: x * y**2, [(0.0, np.asarray(b)), (0.0, b)])[0], 2.0)
    check_gradient(lambda b: si.quad_vec(lambda t: np.array([t, t * t]), 0.0, without_axes(b))[0], 2.0)
    check_gradient(lambda w: si.quad(math.exp, 0.1, 2.0, weight="cos", wvar=without_axes(w))[0], 1.2)
    check_gradient(lambda w: si.quad(math.exp, 0.1, 2.0, weight="sin", wvar=w)[0], 1.2)
    check_gradient(
        lambda p: si.quad(math.exp, 0.1, 2.0, weight="alg", wvar=(without_axes(p), np.asarray(p)))[0], 0.3
    )


def test_higher_derivatives_by_a_limit():
    def f(x):
        return si.quad(lambda t: math.exp(-t * t), 0.5 - x, x * x)[0]

    third = gradient(gradient(gradient(f)))
    check_gradient(gradient(gradient(f)), 0.7)
    check_gradient(third, 0.7)


def test_the_root_of_an_integral_has_a_second_derivative():
    def end(a):
        return so.brentq(
            lambda x: si.quad(lambda t: math.exp(-a * t * t), 0.0, x)[0] - 0.3, 0.0, 3.0, xtol=1e-14
        )

    check_gradient(gradient(end), 1.5)


def test_ode_between_arrays_without_axes():
    def program(start, end):
        solver = si.ode(lambda t, y: -y * y).set_integrator("dopri5", **TIGHT)
        solver.set_initial_value([1.0], without_axes(start))
        return solver.integrate(without_axes(end))

    check_gradient(program, 0.3, 1.7)


def test_quad_over_infinite_ranges():
    check_gradient(lambda a: si.quad(lambda t: math.exp(-a * t * t), -np.inf, np.inf)[0], 1.3, rtol=1e-5)
    check_gradient(lambda a, b: si.quad(lambda t: math.exp(-a * t), b, np.inf)[0], 1.3, 0.5, rtol=1e-5)
    check_gradient(lambda a, b: si.quad(lambda t: math.exp(a * t), -np.inf, b)[0], 1.3, 0.5, rtol=1e-5)
    check_gradient(lambda a, b: si.quad(lambda t: math.exp(-a * t), np.inf, b)[0], 1.3, 0.5, rtol=1e-5)


def test_an_integrand_with_an_infinite_slope_at_a_limit_that_varies():
    def disc(r):
        return 2.0 * si.quad(lambda x: math.sqrt(r * r - x * x), -r, r)[0]

    assert gradient(disc)(1.5) == pytest.approx(3.0 * math.pi)
    assert pushforward(disc, 1.5)[1](1.0) == pytest.approx(3.0 * math.pi)


def test_an_integrand_without_a_value_at_a_limit_that_varies():
    def integral(x):
        return si.quad(lambda t: math.sqrt((1.0 - t) / (1.0 - t)), 0.0, x)[0]

    assert gradient(integral)(0.5) == 1.0
    assert integral(1.0) == pytest.approx(1.0)
    with pytest.raises(MissingRuleError, match="no value at 1"):
        gradient(integral)(1.0)


def test_quad_from_high_to_low():
    check_gradient(lambda a, b: si.quad(lambda t: math.exp(a * t), b, -0.4)[0], 1.3, 0.5)
    check_gradient(lambda a, b: si.quad(lambda t: abs(t - 0.3) * a, 1.0, b, points=[0.3])[0], 1.3, -0.2)
    check_gradient(lambda a, b: si.dblquad(lambda y, x: a * x * y**2, 1.0, b, 2.0, lambda x: x)[0], 1.3, 0.2)


def test_quad_of_hard_integrands():
    check_gradient(lambda a: si.quad(lambda t: math.sqrt(t) * math.exp(-a * t), 0.0, 1.0)[0], 1.3)
    assert gradient(lambda p: si.quad(lambda t: t**p, 0.0, 1.0)[0])(-0.3) == pytest.approx(
        -1 / 0.7**2, rel=1e-5
    )
    check_gradient(lambda a: si.quad(lambda t: abs(t - 0.3) * a**t, 0.0, 1.0, points=[0.3])[0], 1.3)
    assert gradient(lambda a: si.quad(lambda t: a * math.sin(40.0 * t), 0.0, 1.0)[0])(0.0) == pytest.approx(
        (1 - math.cos(40.0)) / 40.0
    )


@pytest.mark.parametrize("accuracy", [{"epsabs": 0.0, "epsrel": 3e-3}, {"epsabs": 1e-3}])
def test_quad_of_less_accuracy_than_its_sums(accuracy):
    """The derivative is that of the integral, not of what the coarse rule makes of it."""

    def integral(a, **options):
        def integrand(t):
            return (
                math.exp(3 * t - a * math.exp(t))
                * math.sin(3 * a * math.exp(t)) ** 2
                / (1 + math.exp(t)) ** 2
            )

        return si.quad(integrand, -10.0, 6.0, limit=100, **options)[0]

    assert abs(integral(1.3, **accuracy) / integral(1.3) - 1.0) > 1e-6
    difference = (integral(1.3 + 1e-5) - integral(1.3 - 1e-5)) / 2e-5
    assert gradient(lambda a: integral(a, **accuracy))(1.3) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize(
    ("weight", "wvar"),
    [("cos", 2.0), ("sin", 30.0), ("alg", (-0.5, 0.2)), ("alg-loga", (0, 0)), ("alg-log", (0, 1))],
)
def test_weights(weight, wvar):
    def integral(a, low, high):
        return si.quad(lambda x: math.exp(-a * x), low, high, weight=weight, wvar=wvar)[0]

    check_gradient(lambda a: integral(a, 0.2, 1.5), 0.7)
    check_gradient(lambda a: integral(a, 1.5, 0.2), 0.7)
    with pytest.raises(MissingRuleError, match="weight='cos'"):
        gradient(lambda a: si.quad(lambda x: math.exp(-a * x), 0, np.inf, weight="cos", wvar=1.0)[0])(0.7)


def test_the_frequency_and_the_end_of_a_wave_vary():
    check_gradient(lambda a: si.quad(lambda x: math.exp(-a * x), 0.2, a, weight="cos", wvar=a)[0], 1.7)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (0.0, np.inf), (-np.inf, np.inf), (1.0, -0.5)])
def test_integrals_of_vectors(limits):
    rates = np.array([0.5, 1.0, 2.0])
    check_gradient(lambda r: si.quad_vec(lambda x: np.exp(-r * x * x), *limits)[0], rates)
    check_gradient(lambda r, a: si.quad_vec(lambda x, k: k * x * x, r[0], a, args=(r,))[0], rates, 1.3)


COMPLEX_AND_WEIGHED = {
    "complex": lambda a: abs(si.quad(lambda t: np.exp(1j * a * t), 0, a, complex_func=True)[0]),
    "complex, all of it": lambda a: si.quad(
        lambda t, k: complex(t * k, k * k), 0, 1, (a,), complex_func=True, full_output=True
    )[0],
    "complex, in name": lambda a: si.quad(lambda t: a * t, 0, 1, complex_func=True)[0],
    "principal value": lambda a: si.quad(lambda t: math.exp(-a * t), 1, -a, weight="cauchy", wvar=a / 5)[0],
    "principal value by position": lambda a: si.quad(
        lambda t, k: math.exp(-k * t), -1, 1, (a,), 0, 1e-9, 1e-9, 50, None, "cauchy", 0.1
    )[0],
    "principal value of a constant": lambda a: si.quad(lambda t: 3.0, -1, 1, weight="cauchy", wvar=a / 5)[0],
    "powers alone": lambda a: si.quad(lambda t: 2.0, 0, 1, weight="alg-loga", wvar=(a, a))[0],
}


@pytest.mark.parametrize("name", COMPLEX_AND_WEIGHED)
def test_complex_integrands_and_principal_values(name):
    check_value(COMPLEX_AND_WEIGHED[name], 0.8)
    check_all_ways(COMPLEX_AND_WEIGHED[name], 0.8, rtol=1e-4)


BREAKS = {
    "jump": lambda a: si.quad(lambda t: a * t if t < a else 2.0, 0.0, 3.0, points=[a])[0],
    "jump alone": lambda a: si.quad(lambda t: 1.0 if t < a else 2.0, 0.0, 3.0, points=[a])[0],
    "from high to low": lambda a: si.quad(lambda t: t * a if t < a else 2.0, 3.0, a / 2, points=(a, 2.0))[0],
    "by position": lambda a: si.quad(lambda t, b: t if t < b else b, 0, 3, (a,), 0, 1e-9, 1e-9, 50, [a])[0],
    "bend": lambda a: si.quad(lambda t: abs(t - a), 0.0, 3.0, points=np.array([1.0, 2.5]) * a)[0],
    "outside": lambda a: si.quad(lambda t: math.sin(a * t), a, 3.0, points=[a])[0],
    "of vectors": lambda a: si.quad_vec(
        lambda t: np.where(t < a, [a * t, 1.0], [2.0, a]), 0.0, 3.0, points=[a]
    )[0],
    "of options": lambda a: si.nquad(lambda t: 1.0 if t < a else 2.0, [[0, 3]], opts={"points": [a]})[0],
}


@pytest.mark.parametrize("name", BREAKS)
def test_break_points_that_vary(name):
    check_all_ways(BREAKS[name], 0.8)


def test_break_points_at_which_the_integrand_is_singular_are_refused():
    for power in (-0.5, -0.1):
        with pytest.raises(MissingRuleError, match="a break point that varies"):
            gradient(lambda a: si.quad(lambda t: abs(t - a) ** power, 0, 3, points=[a])[0])(0.8)  # noqa: B023
    root = lambda a: si.quad(lambda t: abs(t - a) ** 0.5, 0.0, 3.0, points=[a])[0]  # noqa: E731
    check_gradient(root, 0.8)
    with pytest.raises(MissingRuleError, match="a break point that varies"):
        hessian(root)(0.8)
    with pytest.raises(MissingRuleError, match="that vary and meet"):
        gradient(lambda a: si.quad(lambda t: 1.0 if t < a else 2.0, 0.0, 3.0, points=[a, a])[0])(0.8)


def test_integrands_that_vary_on_a_part_of_the_interval():
    check_gradient(lambda a: si.quad(lambda t: 2.0 if t < 1.5 else a * t, 0, 3, points=[1.5])[0], 0.8)
    check_gradient(lambda a: si.quad_vec(lambda t: 2.0 if t < 1.5 else a * t, 0, 3, points=[1.5])[0], 0.8)


class Wave:
    def __init__(self, rate):
        self.rate = rate

    def at(self, t, phase=0.0):
        return np.array([np.sin(self.rate * t), np.cos(self.rate * t + phase)])


def test_integrands_in_other_processes():
    check_value(lambda a: si.quad_vec(Wave(a).at, 0.0, a, workers=2, args=(a,))[0], 0.8)
    check_gradient(lambda a: si.quad_vec(Wave(a).at, 0.0, a, workers=2, args=(a,))[0], 0.8)
    with ThreadPoolExecutor(2) as pool:
        check_gradient(
            lambda a: si.quad_vec(functools.partial(Wave(a).at, phase=a), 0.0, 1.0, workers=pool.map)[0], 0.8
        )
    check_gradient(
        lambda a: si.quad_vec(lambda t: a * t, 0, a, 1e-9, 1e-9, "max", 1e8, 9, 1, None, None, True)[0], 0.8
    )


def test_quad_again():
    check_gradient(gradient(lambda a: si.quad(lambda t: math.exp(-a * t), 0.0, a)[0]), 1.3)
    check_gradient(lambda a: si.dblquad(lambda y, x: a * x * y**2, 0.0, a, 0.0, lambda x: x)[0], 1.3)
    assert gradient(lambda a: si.quad(lambda t: math.exp(-t), 0.0, 1.0)[0] * a)(2.0) == pytest.approx(
        1 - math.exp(-1)
    )


def test_samples():
    check_gradient(lambda y, x: si.trapezoid(y, x), Y, X)
    check_gradient(lambda y, x: si.trapezoid(np.stack([y, y**2]), x[None] ** 2), Y, X)
    check_gradient(lambda y: si.trapezoid(y, 0.5) + y[0], Y)
    check_gradient(lambda y: si.trapezoid(y.reshape(1, 5), dx=0.3, axis=1), Y)
    check_gradient(lambda y, x: si.simpson(y, x=x), Y, X)
    check_gradient(lambda y: si.simpson(y[:4], dx=0.2), Y)
    check_gradient(lambda y, x: si.cumulative_trapezoid(y, x), Y, X)
    check_gradient(lambda y: si.cumulative_trapezoid(np.stack([y, y**2]), dx=0.3, initial=0, axis=0), Y)
    check_gradient(lambda y: si.romb(y, dx=0.3), Y)
    check_gradient(lambda a: si.fixed_quad(lambda x: np.exp(a * x), 0.0, 1.0, n=6)[0], 0.7)


def spring(t, y, k):
    return [y[1], -k * y[0] - 0.1 * y[1]]


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853"])
def test_explicit_methods_are_traced(method):
    def program(y0, k):
        return si.solve_ivp(spring, (0.0, 2.0), y0, args=(k,), method=method).y[:, -1]

    check_gradient(program, Y0, 2.0, rtol=1e-5, step=1e-5)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_implicit_methods(method):
    def program(y0, k):
        times = np.array([0.0, 0.5, 2.0])
        return si.solve_ivp(spring, (0.0, 2.0), y0, method, times, args=(k,), rtol=1e-9, atol=1e-11).y

    check_gradient(program, Y0, 2.0, rtol=1e-5, atol=1e-6, step=1e-3)


def test_times_of_output():
    def program(y0, times, method):
        return si.solve_ivp(spring, (0.0, 3.0), y0, method, times, args=(2.0,), rtol=1e-9, atol=1e-11).y

    for method in ("DOP853", "LSODA"):
        check_gradient(lambda y0, t: program(y0, t, method), Y0, X[1:], rtol=1e-4, atol=1e-5, step=1e-3)  # noqa: B023


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_limits_of_time(method):
    def program(start, end):
        return si.solve_ivp(spring, (start, end), [1.0, 0.4], method, args=(2.0,), rtol=1e-9, atol=1e-11).y[
            :, -1
        ]

    check_gradient(program, 0.2, 2.0, rtol=1e-5, atol=1e-6, step=1e-3)


def robertson(t, y, k):
    a, b, c = y
    return [-0.04 * a + k * b * c, 0.04 * a - k * b * c - 3e7 * b * b, 3e7 * b * b]


def test_stiff():
    def program(k):
        return si.solve_ivp(
            robertson, (0.0, 40.0), [1.0, 0.0, 0.0], "BDF", args=(k,), rtol=1e-8, atol=1e-10
        ).y[0, -1]

    got, step = gradient(program)(1e4), 1.0
    assert got == pytest.approx((program(1e4 + step) - program(1e4 - step)) / (2 * step), rel=1e-3)


def fall(t, y):
    return y[0]


fall.terminal = True


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "LSODA"])
def test_events(method):
    def program(height, drag):
        found = si.solve_ivp(
            lambda t, y: [y[1], -9.81 - drag * y[1]], (0.0, 10.0), [height, 0.0], method, events=fall,
            rtol=1e-9, atol=1e-11,
        )  # fmt: skip
        return found.t_events[0][0], found.y_events[0][0, 1], found.t[-1], found.y[1, -1]

    check_gradient(program, 3.0, 0.3, rtol=1e-5, atol=1e-6, step=1e-3)


def test_dense_output_is_traced():
    def program(y0, k):
        found = si.solve_ivp(spring, (0.0, 2.0), y0, args=(k,), dense_output=True, rtol=1e-8, atol=1e-10)
        return found.sol(1.3)

    check_gradient(program, Y0, 2.0, rtol=1e-4, step=1e-4)


def test_dense_output_of_compiled_methods_is_refused():
    def program(k):
        return si.solve_ivp(spring, (0.0, 2.0), [1.0, 0.0], "LSODA", args=(k,), dense_output=True).sol(1.0)[0]

    with pytest.raises(MissingRuleError, match="sol"):
        gradient(program)(2.0)


def test_odeint():
    times = np.linspace(0.0, 2.0, 5)
    check_gradient(
        lambda y0, k: si.odeint(lambda y, t: [y[1], -k * y[0]], y0, times, **TIGHT), Y0, 2.0, rtol=1e-5
    )
    check_gradient(
        lambda k, t: si.odeint(spring, Y0, t, args=(k,), tfirst=True, **TIGHT), 2.0, times, rtol=1e-5
    )
    check_gradient(lambda r: si.odeint(lambda y, t: -r * y, 2.0, times, **TIGHT)[:, 0], 0.7, rtol=1e-5)


@pytest.mark.parametrize("name", ["vode", "dopri5", "dop853", "lsoda"])
def test_steps_of_an_integrator(name):
    def program(a, y0):
        run = si.ode(lambda t, y, k: [y[1], -k * y[0] - a * y[1]]).set_integrator(name, **TIGHT)
        run.set_initial_value([y0, 0.3], 0.1).set_f_params(2.0 * a)
        states = []
        while run.successful() and run.t < 1.0:
            states.append(run.integrate(run.t + 0.5))
        return np.array(states)

    check_gradient(program, 0.8, 1.1, rtol=1e-5)

    def started_at_its_argument(t):
        return (
            si.ode(lambda s, y: -s * y).set_integrator(name, **TIGHT).set_initial_value(t).integrate(2.0 * t)
        )

    check_gradient(started_at_its_argument, 0.8, rtol=1e-5)


def test_what_an_integrator_tells_on_its_way_is_refused():
    def program(a):
        run = si.ode(lambda t, y: -a * y).set_integrator("dopri5")
        run.set_solout(lambda t, y: None)
        return run.set_initial_value(1.0).integrate(1.0)

    with pytest.raises(MissingRuleError, match="set_solout"):
        gradient(lambda a: program(a)[0])(0.8)


def test_boundary_values():
    mesh = np.linspace(0.0, 1.0, 5)

    def bratu(a, end, most=1000):
        found = si.solve_bvp(
            lambda t, y: np.vstack([y[1], -a * np.exp(y[0])]),
            lambda left, right: np.array([left[0], right[0] - end]),
            mesh,
            np.zeros((2, 5)),
            tol=1e-7,
            max_nodes=most,
        )
        return np.concatenate(
            [found.sol([0.3, a / 2])[0], found.sol(0.5, 1), found.y[1, :1], found.yp[1, -1:]]
        )

    check_gradient(bratu, 0.9, 0.2, rtol=1e-5)
    check_gradient(gradient(lambda a: bratu(a, 0.2)[0]), 0.9, rtol=1e-4)

    def eigenvalue(a, slope):
        found = si.solve_bvp(
            lambda t, y, p: (y[1], -(p[0] ** 2) * y[0] * (1.0 + a * t)),
            lambda left, right, p: [left[0], right[0], left[1] - slope],
            mesh,
            np.array([[0, 1, 0, -1, 0], [1, 0, -1, 0, 1.0]]),
            p=[6.0],
            tol=1e-7,
        )
        return np.append(found.p, found.sol(0.2)[0])

    check_gradient(eigenvalue, 0.3, 2.0, rtol=1e-5)
    with pytest.raises(MissingRuleError, match="solver's 'sol'"):  # it did not converge
        gradient(lambda a: bratu(a, 0.2, most=6)[0])(0.9)
    with pytest.raises(MissingRuleError, match="mesh"):
        gradient(
            lambda a: si.solve_bvp(lambda t, y: y, lambda u, v: u - 1, mesh * a, np.zeros((1, 5))).y[0, 1]
        )(1.0)


def test_boundary_values_of_complex_numbers():
    def wave(a):
        found = si.solve_bvp(
            lambda t, y: 1j * a * y,
            lambda left, right: np.array([left[0] - a]),
            np.linspace(0.0, 1.0, 5),
            np.ones((1, 5), complex),
            tol=1e-8,
        )
        return np.append(found.sol(0.5).real, found.y[0].imag)

    check_gradient(wave, 3.0, rtol=1e-6)


@pytest.mark.parametrize("end", [3.0, -2.0])
def test_states_between_the_steps_of_the_mesh(end):
    """Of y' = A(k) y, a circle whose speed is k: known at each of many times, most of them inside of steps."""
    times = np.linspace(0.0, end, 401)

    def states(k):
        return si.odeint(lambda y, t: [k * y[1], -k * y[0]], [0.0, 1.0], times, **TIGHT)

    expected = np.stack([times * np.cos(2.0 * times), -times * np.sin(2.0 * times)], axis=1)
    np.testing.assert_allclose(pushforward(states, 2.0)[1](1.0), expected, atol=1e-7)

    def stiff(k):
        found = si.solve_ivp(
            lambda t, y: [-k * y[0], 500.0 * (y[0] - y[1])],
            (0.0, 3.0),
            [1.0, 0.0],
            "BDF",
            np.abs(times),
            **TIGHT,
        )
        return found.y[1]

    check_gradient(lambda k: stiff(k)[[3, 40, 200, 390]], 0.8, rtol=1e-5)


def test_a_derivative_costs_no_more_where_more_times_are_asked_for():
    def calls(count):
        made = []

        def rate(y, t, k):
            made.append(t)
            return -k * y

        gradient(lambda k: si.odeint(rate, 1.0, np.linspace(0.0, 2.0, count), args=(k,))[-1, 0])(0.7)
        return len(made)

    assert calls(2000) < calls(20) + 500


def test_second_derivative_of_odeint():
    def end(k):
        return si.odeint(lambda y, t: -k * y * y, 2.0, [0.0, 1.0], **TIGHT)[-1, 0]

    # y = 2/(1 + 2 k t)
    assert gradient(end)(0.7) == pytest.approx(-4 / 2.4**2, rel=1e-6)
    assert gradient(gradient(end))(0.7) == pytest.approx(16 / 2.4**3, rel=1e-5)


@pytest.mark.parametrize("times", [(0.4, 1.3), (1.3, 0.4)])
def test_second_derivatives_of_odeint_by_the_times(times):
    def end(times):
        return si.odeint(lambda y, t: -t * y, 2.0, times, **TIGHT)[-1, 0]

    start, stop = times  # y = 2 exp((start² - stop²)/2)
    found = hessian(end)(np.array(times))
    expected = [[1.0 + start**2, -start * stop], [-start * stop, stop**2 - 1.0]]
    np.testing.assert_allclose(found, np.multiply(expected, end(times)), rtol=1e-6)


def test_times_that_vary_and_repeat_are_refused():
    with pytest.raises(MissingRuleError, match="occur twice"):
        gradient(lambda t: si.odeint(lambda y, t: -y, 1.0, [0.0, t, t])[-1, 0])(1.0)


def test_a_compiled_integrand_is_a_constant():
    compiled = LowLevelCallable(numba.cfunc("float64(float64)")(lambda t: t * t).ctypes)
    assert gradient(lambda x: x * si.quad(compiled, 0.0, 3.0)[0])(2.0) == pytest.approx(9.0, rel=1e-14)
    with pytest.raises(MissingRuleError, match="compiled integrand"):
        gradient(lambda x: si.quad(compiled, 0.0, x)[0])(2.0)


@pytest.mark.parametrize("times", [[0.5], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 2.0]])
def test_times_of_odeint_that_are_one(times):
    check_gradient(lambda y: si.odeint(lambda y, t: -y, y, times), np.array([1.3, 2.0]), rtol=1e-4)
