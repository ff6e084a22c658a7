"""The three ways to a gradient agree, and reach the moments' closed forms."""

import math

import pytest
import torch

from workbench.errors import LostGradientError, SolverOptionError
from workbench.solvers import solve_sde

F64 = torch.float64


def gradients(way, method="reversible_heun"):
    rate = torch.tensor(-0.8, dtype=F64, requires_grad=True)
    start = torch.full((50, 1), 1.2, dtype=F64, requires_grad=True)
    found = solve_sde(
        lambda t, y: rate * y + torch.sin(y),
        lambda t, y: 0.3 * y,
        start,
        [0.0, 0.5, 1.0],
        method=method,
        interpretation="stratonovich",
        dt=0.02,
        generator=torch.Generator().manual_seed(2),
        gradient=way,
    )
    found.ys.square().mean().backward()
    return torch.cat([rate.grad.reshape(1), start.grad[:, 0]])


@pytest.mark.parametrize("way", ["checkpoint", "backsolve"])
def test_each_way_gives_the_gradient_of_the_steps_taken(way):
    assert torch.allclose(gradients(way), gradients("direct"), rtol=1e-10, atol=1e-13)


def test_backsolve_needs_steps_that_can_be_taken_back():
    with pytest.raises(SolverOptionError, match="backsolve"):
        gradients("backsolve", method="heun")


def test_backsolve_refuses_to_be_differentiated_again():
    rate = torch.tensor(-0.8, dtype=F64, requires_grad=True)
    found = solve_sde(
        lambda t, y: rate * y,
        lambda t, y: 0.3 * y,
        torch.ones(2, 1, dtype=F64),
        [0.0, 1.0],
        method="reversible_heun",
        interpretation="stratonovich",
        dt=0.1,
        generator=torch.Generator().manual_seed(2),
        gradient="backsolve",
    )
    with pytest.raises(LostGradientError, match="cannot be differentiated again"):
        torch.autograd.grad(found.ys.sum() + rate**3, rate, create_graph=True)


def test_the_moments_of_geometric_brownian_motion_within_three_standard_errors():
    n, drift, noise = 100_000, 0.3, 0.4
    found = solve_sde(
        lambda t, y: drift * y,
        lambda t, y: noise * y,
        torch.ones(n, 1, dtype=F64),
        [0.0, 1.0],
        dt=0.1,
        generator=torch.Generator().manual_seed(8),
    )
    ends = found.ys[-1, :, 0]
    mean, second = math.exp(drift), math.exp(2 * drift + noise**2)
    fourth = math.exp(4 * drift + 6 * noise**2)
    assert abs(ends.mean().item() - mean) < 3 * math.sqrt((second - mean**2) / n)
    assert abs(ends.square().mean().item() - second) < 3 * math.sqrt((fourth - second**2) / n)


def test_the_moments_of_an_ornstein_uhlenbeck_process_within_three_standard_errors():
    n, pull, noise = 100_000, 1.5, 0.7
    found = solve_sde(
        lambda t, y: -pull * y,
        lambda t, y: torch.full_like(y, noise),
        torch.ones(n, 1, dtype=F64),
        [0.0, 1.0],
        method="sra1",
        noise="additive",
        dt=0.05,
        generator=torch.Generator().manual_seed(9),
    )
    ends = found.ys[-1, :, 0]
    mean, variance = math.exp(-pull), noise**2 * (1 - math.exp(-2 * pull)) / (2 * pull)
    assert abs(ends.mean().item() - mean) < 3 * math.sqrt(variance / n)
    assert abs(ends.var().item() - variance) < 3 * variance * math.sqrt(2 / n)
