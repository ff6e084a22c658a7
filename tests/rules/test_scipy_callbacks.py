"""Callbacks of ``scipy.optimize``: they watch and stop; what they keep has no known derivative."""

import numpy as np
import pytest
import scipy.optimize as so

from tests.rules.all_ways import check_all_ways
from workbench import gradient, pushforward, stop_gradient
from workbench.errors import MissingRuleError

START = np.array([0.3, 0.2])


def loss(x, t):
    return np.sum((x - t) ** 2) + 0.1 * np.sum(x**4)


def by_minimize(t, callback, method="BFGS"):
    return so.minimize(loss, START, (t,), method=method, tol=1e-10, callback=callback).x


def by_root(t, callback):
    return so.root(lambda x: x**3 + x - t, START, method="krylov", callback=callback, tol=1e-12).x


def by_fmin(t, callback):
    return so.fmin_bfgs(loss, START, args=(t,), disp=False, gtol=1e-9, callback=callback)


def by_broyden(t, callback):
    return so.broyden1(lambda x: x**3 + x - t, START, f_tol=1e-12, callback=callback)


def by_hopping(t, callback):
    return so.basinhopping(loss, START, niter=2, rng=1, minimizer_kwargs={"args": (t,)}, callback=callback).x


def by_the_local_minimiser(t, callback):
    local = {"args": (t,), "callback": callback}
    return so.basinhopping(loss, START, niter=2, rng=1, minimizer_kwargs=local).x


def by_evolution(t, callback):
    return so.differential_evolution(loss, [(-2.0, 2.0)] * 2, (t,), rng=1, maxiter=40, callback=callback).x


def by_trust_region(t, callback):
    return by_minimize(t, callback, method="trust-constr")


SOLVERS = [
    by_minimize,
    by_root,
    by_fmin,
    by_broyden,
    by_hopping,
    by_the_local_minimiser,
    by_evolution,
    by_trust_region,
]
T = np.array([0.7, -0.4])


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_is_kept_is_refused_in_the_result(solver):
    path = []

    def program(t):
        path.clear()
        solution = solver(t, lambda x, *rest, **named: path.append(x.copy()))
        return np.sum(solution) + np.sum(path[0] ** 2)

    with pytest.raises(MissingRuleError, match="is not known") as caught:
        gradient(program)(T)
    assert "test_scipy_callbacks.py" in str(caught.value.where)
    with pytest.raises(MissingRuleError, match="is not known"):
        pushforward(program, T)[1](np.ones(2))


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0:UserWarning")  # on some processors
@pytest.mark.parametrize("solver", SOLVERS)
def test_watching_goes_on_working(solver):
    seen = []

    def program(t):
        seen.clear()

        def watch(x, *rest, **named):
            seen.append(f"{x[0]:.3f}")
            return bool(np.linalg.norm(x) > 1e6)

        return solver(t, watch)

    expected = program(T), list(seen)
    assert expected[1]
    derivative = gradient(lambda t: np.sum(program(t)))(T)
    assert seen == expected[1]
    step = 1e-4
    central = [np.sum(program(T + step * e) - program(T - step * e)) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(derivative, central, rtol=2e-3, atol=2e-3)


def test_losses_on_the_way():
    def program(t, keep):
        history = []
        so.minimize(loss, START, (t,), callback=lambda x: history.append(loss(keep(x), t)))
        return sum(history)

    with pytest.raises(MissingRuleError, match="is not known"):
        gradient(program)(T, lambda x: x)
    at_constant_points = gradient(program)(T, stop_gradient)
    assert np.any(at_constant_points)


def test_a_report_on_the_way_stops_the_solver():
    def program(t, result):
        kept = []

        def watch(intermediate_result):
            kept.append(intermediate_result)
            if len(kept) > 1 and kept[-2].fun - kept[-1].fun < 1e-11:
                raise StopIteration

        solution = so.minimize(loss, START, (t,), callback=watch, method="L-BFGS-B", tol=1e-12).x
        return result(solution, kept)

    check_all_ways(lambda t: program(t, lambda x, kept: x + 0.0 * len(kept)), T, second=False)
    with pytest.raises(MissingRuleError, match="is not known"):
        gradient(lambda t: program(t, lambda x, kept: kept[0].fun))(T)


def test_least_squares():
    kept = []

    def program(t, used):
        kept.clear()

        def watch(intermediate_result):
            kept.append(intermediate_result.x)

        found = so.least_squares(lambda x: x**3 + x - t, START, callback=watch).x
        return np.sum(kept[0]) if used else np.sum(found)

    assert gradient(program)(T, False) == pytest.approx(
        1 / (3 * so.fsolve(lambda x: x**3 + x - T, START) ** 2 + 1)
    )
    with pytest.raises(MissingRuleError, match="is not known"):
        gradient(program)(T, True)
