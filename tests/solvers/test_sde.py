"""Stochastic equations: orders measured on closed solutions, outputs, adaptive steps on one path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.orders import EQUATIONS, STRONG, WEAK, Y0, A, B, strong_order, weak_orders
from workbench.errors import SolverOptionError
from workbench.solvers import BrownianPath, solve_sde
from workbench.solvers.sde import REVERSIBLE
from workbench.solvers.tableaus import STOCHASTIC


@pytest.mark.parametrize(("method", "name", "order"), sorted(STRONG, key=lambda row: row[1]))
def test_strong_order(method: str, name: str, order: float) -> None:
    assert strong_order(method, name) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("method", "name", "order"), WEAK)
def test_weak_order(method: str, name: str, order: float) -> None:
    assert weak_orders(method, name) == pytest.approx((order, order), abs=0.1)


def test_every_method_is_measured_for_every_noise_it_takes() -> None:
    for table in (STRONG, WEAK):
        assert {method for method, _, _ in table} == {*STOCHASTIC, REVERSIBLE}
    measured = {(method, EQUATIONS[name].noise) for method, name, _ in STRONG}
    for tableau in STOCHASTIC.values():
        assert {noise for method, noise in measured if method == tableau.name} == set(tableau.noises)


def test_the_orders_told_are_the_orders_measured() -> None:
    told = {name: tableau.strong for name, tableau in STOCHASTIC.items()}
    quiet = {m: o for m, name, o in STRONG if m in told and EQUATIONS[name].noise in ("diagonal", "scalar")}
    assert quiet == {m: told[m] for m in quiet}
    multiplicative = {m: o for m, name, o in WEAK if m in told and "geometric" in name}
    assert multiplicative == {m: STOCHASTIC[m].weak for m in multiplicative}


def test_the_measurement_of_an_order_can_fail() -> None:
    """Heun's steps converge to the Stratonovich solution, not to the Itô one."""
    known = EQUATIONS["geometric"]
    path = BrownianPath(0.0, 1.0, rows=500, channels=2, seed=21)
    y0 = Y0.expand(500, 2)
    errors = []
    for dt in (2.0**-6, 2.0**-9):
        found = solve_sde(
            known.drift,
            known.diffusion,
            y0,
            [0.0, 1.0],
            method="heun",
            interpretation="stratonovich",
            dt=dt,
            brownian=path,
        )
        errors.append((found.ys[-1] - known.solution(path, y0)).square().mean().sqrt().item())
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


@pytest.mark.parametrize("method", ["sosri", "sriw1"])
def test_adaptive_steps_follow_the_path_to_the_tolerance(method: str) -> None:
    known, rows = EQUATIONS["trigonometric"], 300
    path = BrownianPath(0.0, 1.0, rows=rows, channels=2, seed=3)
    y0 = Y0.expand(rows, 2)
    errors = []
    for tolerance in (1e-2, 1e-3, 1e-4):
        found = solve_sde(
            known.drift,
            known.diffusion,
            y0,
            [0.0, 0.37, 1.0],
            method=method,
            rtol=tolerance,
            atol=tolerance,
            brownian=path,
        )
        errors.append((found.ys[-1] - known.solution(path, y0)).square().mean().sqrt().item())
        # errors of one step have no common sign, so they add up like its root
        assert errors[-1] < 2 * tolerance * found.statistics.accepted.double().mean().sqrt()
    assert len(set(found.statistics.accepted.tolist())) > 1, "all rows took the same steps"
    assert errors[2] < errors[1] < errors[0]
    assert found.statistics.rejected.sum() > 0


@pytest.mark.parametrize("how", [{"dt": 0.01}, {"rtol": 1e-5, "atol": 1e-5}])
def test_between_outputs_the_solution_is_that_of_its_path(how: dict) -> None:
    """Nothing is interpolated; and a path of other knots than the outputs gives the same solution."""
    known, rows = EQUATIONS["geometric"], 20
    y0 = Y0.expand(rows, 2)
    for knots in (None, [0.0, 0.37, 1.0]):
        path = BrownianPath(0.0, 1.0, rows=rows, channels=2, seed=3, knots=knots)
        found = solve_sde(known.drift, known.diffusion, y0, [0.0, 0.37, 1.0], brownian=path, **how)
        for t in (0.37, 0.613, 0.99, 1.0):
            exact = y0 * torch.exp((A - B * B / 2) * t + B * path(t))
            torch.testing.assert_close(found(t), exact, atol=2e-3, rtol=2e-3)
        states = found([0.2, 0.613])
        assert torch.equal(states[1], found(0.613))
    with pytest.raises(SolverOptionError, match="outside of its own"):
        found(1.2)


def test_rejected_steps_do_not_bend_the_law() -> None:
    """W(1) of an equation that only follows its path is normal, however many steps were rejected."""
    rows = 20_000
    found = solve_sde(
        lambda t, y: torch.zeros_like(y),
        lambda t, y: 1.0 + 0.5 * torch.sin(30.0 * y),
        torch.zeros(rows, 1, dtype=torch.float64),
        [0.0, 1.0],
        rtol=0.05,
        atol=0.05,
        generator=torch.Generator().manual_seed(5),
    )
    assert found.statistics.rejected.sum() > rows
    w = found.brownian(1.0)[:, 0].numpy()
    assert abs(w.mean()) < 3 / np.sqrt(rows)
    assert abs(w.var() - 1.0) < 3 * np.sqrt(2 / rows)
