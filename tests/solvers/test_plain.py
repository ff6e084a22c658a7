"""Drift and diffusion in plain Python and NumPy, differentiated through the engine: the same numbers as in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.autodiff import torch_function
from workbench.solvers import solve_ode, solve_sde

F64 = torch.float64
START = [[1.0, 0.5], [0.2, 0.9]]


def drift(t, y, rate):
    """A spiral, with NumPy, loops and writes."""
    out = np.zeros_like(y)
    for i, sign in enumerate((-1.0, 1.0)):
        out[:, i] = sign * y[:, 1 - i] ** 3 - rate * y[:, i]
    return out


def in_torch(t, y, rate):
    return torch.stack([-(y[:, 1] ** 3) - rate * y[:, 0], y[:, 0] ** 3 - rate * y[:, 1]], dim=1)


def solved(f, g, **options) -> list[float]:
    """Value and gradient by rate, noise and start."""
    rate, noise = (torch.tensor(x, dtype=F64, requires_grad=True) for x in (0.4, 0.3))
    y0 = torch.tensor(START, dtype=F64, requires_grad=True)
    found = solve_sde(
        lambda t, y: f(t, y, rate),
        lambda t, y: g(t, y, noise),
        y0,
        [0.0, 0.5, 1.0],
        generator=torch.Generator().manual_seed(0),
        **options,
    )
    value = found.ys.square().sum()
    value.backward()
    return [value.item(), rate.grad.item(), noise.grad.item(), *y0.grad.flatten().tolist()]


@pytest.mark.parametrize(
    "options",
    [
        {"dt": 0.1},
        {"dt": 0.1, "gradient": "checkpoint"},
        {"rtol": 1e-3, "atol": 1e-3},
        {"dt": 0.1, "method": "torchsde:srk"},
        {"dt": 0.1, "method": "reversible_heun", "interpretation": "stratonovich", "gradient": "backsolve"},
    ],
)
def test_plain_functions_of_parameters_have_the_gradients_of_torch_ones(options: dict) -> None:
    plain = solved(torch_function(drift), torch_function(lambda t, y, noise: noise * y), **options)
    assert plain == pytest.approx(solved(in_torch, lambda t, y, noise: noise * y, **options), rel=1e-9)


def test_a_stiff_equation_in_plain_python_takes_its_jacobian_from_the_engine() -> None:
    """y₁' = −1000 (y₁ − cos y₂), y₂' = 1: y₁ follows cos t."""
    found = solve_ode(
        lambda t, y: [-1000.0 * (y[0] - np.cos(y[1])), 1.0 + 0.0 * y[1]],
        [1.0, 0.0],
        [0.0, 1.0],
        method="kencarp4",
        rtol=1e-7,
    )
    assert found.ys[-1] == pytest.approx([np.cos(1.0) + np.sin(1.0) / 1000, 1.0], abs=1e-5)
    assert found.statistics.accepted.item() < 60
