"""Stochastic equations: orders measured on closed forms, moments, outputs, adaptive steps, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from workbench.solvers import BrownianPath, solve_sde

F64 = torch.float64


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Known:
    """An equation with a closed solution at t = 1, a function of the path."""

    drift: Callable
    diffusion: Callable
    solution: Callable
    interpretation: str
    noise: str
    channels: int


Y0 = torch.tensor([[0.8, 1.3]], dtype=F64)
A, B = 0.6, 0.5

GEOMETRIC = Known(
    lambda t, y: A * y,
    lambda t, y: B * y,
    lambda p, y0: y0 * torch.exp(A - B * B / 2 + B * p(1.0)),
    "ito",
    "diagonal",
    2,
)
TRIGONOMETRIC = Known(
    lambda t, y: -B * B * torch.sin(y) * torch.cos(y) ** 3,
    lambda t, y: B * torch.cos(y) ** 2,
    lambda p, y0: torch.atan(B * p(1.0) + torch.tan(y0)),
    "ito",
    "diagonal",
    2,
)
HYPERBOLIC = Known(
    lambda t, y: torch.zeros_like(y),
    lambda t, y: B * torch.sqrt(1 + y * y),
    lambda p, y0: torch.sinh(B * p(1.0) + torch.asinh(y0)),
    "stratonovich",
    "diagonal",
    2,
)
SCALAR = Known(
    lambda t, y: A * y,
    lambda t, y: (B * y)[..., None],
    lambda p, y0: y0 * torch.exp(A - B * B / 2 + B * p(1.0)),
    "ito",
    "scalar",
    1,
)
SCALAR_STRATONOVICH = Known(
    lambda t, y: A * y,
    lambda t, y: B * y,
    lambda p, y0: y0 * torch.exp(A + B * p(1.0)),
    "stratonovich",
    "scalar",
    1,
)
ADDITIVE = Known(
    lambda t, y: A / torch.sqrt(1 + t) - y / (2 * (1 + t)),
    lambda t, y: (A * B / torch.sqrt(1 + t)) * torch.ones_like(y),
    lambda p, y0: (y0 + A * (1 + B * p(1.0))) / math.sqrt(2),
    "ito",
    "additive",
    2,
)


def strong_order(known: Known, method: str, *, rows: int, levels: tuple[int, ...]) -> float:
    errors, steps = [], [2.0**-k for k in levels]
    y0 = Y0.expand(rows, 2)
    for dt in steps:
        path = BrownianPath(0.0, 1.0, rows=rows, channels=known.channels, seed=21)
        found = solve_sde(
            known.drift,
            known.diffusion,
            y0,
            [0.0, 1.0],
            method=method,
            interpretation=known.interpretation,
            noise=known.noise,
            dt=dt,
            brownian=path,
        )
        errors.append((found.ys[-1] - known.solution(path, y0)).square().mean().sqrt().item())
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


FINE = (6, 7, 8, 9, 10)


@pytest.mark.parametrize(
    ("known", "method", "order"),
    [
        pytest.param(known, method, order, id=f"{name}-{method}")
        for name, known, method, order in [
            ("geometric", GEOMETRIC, "euler", 0.5),
            ("geometric", GEOMETRIC, "milstein", 1.0),
            ("geometric", GEOMETRIC, "sriw1", 1.5),
            ("geometric", GEOMETRIC, "sosri", 1.5),
            ("trigonometric", TRIGONOMETRIC, "milstein", 1.0),
            ("trigonometric", TRIGONOMETRIC, "sosri", 1.5),
            ("scalar", SCALAR, "milstein", 1.0),
            ("scalar", SCALAR, "sosri", 1.5),
            ("hyperbolic", HYPERBOLIC, "heun", 1.0),
            ("hyperbolic", HYPERBOLIC, "midpoint", 1.0),
            ("scalar-stratonovich", SCALAR_STRATONOVICH, "heun", 1.0),
        ]
    ],
)
def test_strong_order(known: Known, method: str, order: float) -> None:
    assert abs(strong_order(known, method, rows=1500, levels=FINE) - order) < 0.1
