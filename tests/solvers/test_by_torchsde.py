"""torchsde's methods behind solve_sde: orders on our paths, exact outputs, gradients, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.orders import EQUATIONS, Y0
from workbench.errors import BlowUpError, SolverOptionError
from workbench.solvers import BrownianPath, solve_sde

F64 = torch.float64


@pytest.mark.parametrize(
    ("method", "name", "order"),
    [
        ("euler", "geometric", 0.5),
        ("euler", "area-ito", 0.5),
        ("milstein", "geometric", 1.0),
        ("milstein", "hyperbolic", 1.0),
        ("srk", "trigonometric", 1.5),
        ("srk", "scalar", 1.5),
        ("srk", "additive", 1.5),
        ("heun", "hyperbolic", 1.0),
        ("midpoint", "scalar-stratonovich", 1.0),
        ("euler_heun", "hyperbolic", 1.0),
        ("reversible_heun", "commuting", 1.0),
    ],
)
def test_strong_orders_on_our_paths(method: str, name: str, order: float) -> None:
    known, rows = EQUATIONS[name], 400
    path = BrownianPath(0.0, 1.0, rows=rows, channels=known.channels, seed=21)
    y0 = Y0.expand(rows, 2)
    exact, errors = known.solution(path, y0), []
    levels = (7, 9, 10) if name == "additive" else (4, 6, 8)
    for level in levels:
        found = solve_sde(
            known.drift,
            known.diffusion,
            y0,
            [0.0, 1.0],
            method=f"torchsde:{method}",
            interpretation=known.interpretation,
            noise=known.noise,
            dt=2.0**-level,
            brownian=path,
        )
        errors.append((found.ys[-1] - exact).square().mean().sqrt().item())
    slope = np.polyfit([-level * np.log(2) for level in levels], np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


def solved(**changes):
    return solve_sde(
        changes.pop("drift", lambda t, y: -y),
        changes.pop("diffusion", lambda t, y: 0.3 * y),
        changes.pop("y0", torch.ones(4, 2, dtype=F64)),
        changes.pop("ts", [0.0, 0.37, 1.0]),
        **{
            "method": "torchsde:srk",
            "dt": 0.05,
            "brownian": BrownianPath(0.0, 1.0, rows=4, channels=2, seed=2),
            **changes,
        },
    )


def test_outputs_and_times_between_are_exact_not_interpolated() -> None:
    """All fine solutions of one path come to the same states, wherever their outputs are."""
    ours = solved(method="sosri", dt=0.001)
    theirs = solved(dt=0.001)
    torch.testing.assert_close(theirs.ys, ours.ys, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(theirs(0.613), ours(0.613), rtol=1e-4, atol=1e-4)
    assert theirs.statistics.evaluations > 1000
    assert theirs.statistics.accepted.tolist() == [1000] * 4


def test_the_gradient_is_the_slope() -> None:
    def value(rate: torch.Tensor) -> torch.Tensor:
        found = solved(drift=lambda t, y: -rate * y, diffusion=lambda t, y: 0.3 * rate * y)
        return found.ys.square().sum()

    rate = torch.tensor(0.8, dtype=F64, requires_grad=True)
    value(rate).backward()
    above, below = (value(torch.tensor(0.8 + sign * 1e-5, dtype=F64)) for sign in (1, -1))
    assert rate.grad.item() == pytest.approx((above - below).item() / 2e-5, rel=1e-8)


def test_plain_functions() -> None:
    plain = solved(drift=lambda t, y: -y, diffusion=lambda t, y: 0.3 * y, y0=np.ones((4, 2)))
    assert isinstance(plain.ys, np.ndarray)
    np.testing.assert_allclose(plain.ys, solved().ys.numpy())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "torchsde:sork"}, "method='torchsde:sork' is not known"),
        ({"method": "torchsde:log_ode"}, "is not known"),
        ({"interpretation": "stratonovich"}, "solves Itô equations"),
        ({"method": "torchsde:heun"}, "solves Stratonovich equations"),
        ({"noise": "general"}, "cannot take general noise"),
        ({"adaptive": True}, "no error estimate to adapt"),
        ({"dt": None}, "no error estimate to adapt"),
        ({"gradient": "checkpoint"}, "is not for torchsde's methods"),
    ],
)
def test_what_is_not_right_there_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(SolverOptionError, match=message):
        solved(**changes)


def test_a_blow_up_names_time_and_component() -> None:
    with pytest.raises(BlowUpError, match=r"(?s)t = 1.*component 1 of row 0"):
        solved(
            drift=lambda t, y: torch.stack([-y[:, 0], 9.0 * y[:, 1] ** 3], dim=1), method="torchsde:milstein"
        )
