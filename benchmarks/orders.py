"""Strong and weak orders of the stochastic methods, measured on equations with closed solutions.

Run: ``python benchmarks/orders.py``. Each line gives theory and the slope of log error over log step. The strong
error is the root mean square of the distance from the closed solution on the same Brownian paths at t = 1; the weak
one is the distance of the means of y or y². For linear equations the weak error is computed without any sampling:
the mean of a power after one step is an integral over the two normals of the step, and the steps are independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from workbench.solvers import BrownianPath, solve_sde
from workbench.solvers.problem import States
from workbench.solvers.sde_steps import ReversibleHeunStep, Step, TableauStep, equation
from workbench.solvers.tableaus import STOCHASTIC

F64 = torch.float64
A, B, LOUD = 0.6, 0.5, 1.5
Y0 = torch.tensor([[0.8, 1.3]], dtype=F64)
QUADRATURE = 2**12
"""Cells for the integrals in closed solutions."""


@dataclass(frozen=True)
class Known:
    """An equation with a closed solution at t = 1, a function of the path and the start."""

    drift: Callable
    diffusion: Callable
    solution: Callable
    interpretation: str
    noise: str
    channels: int = 2


def _cells(path: BrownianPath) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of fine cells: W at the begin, its increment, and its mean over the cell from the begin on."""
    w, area = path.cells(0, QUADRATURE.bit_length() - 1, (0, QUADRATURE))
    return np.cumsum(w, axis=0) - w, w, 0.5 * w + area


def _logarithm_of_logistic(path: BrownianPath, y0: torch.Tensor) -> torch.Tensor:
    """The logarithm of the logistic equation's solution G(1) / (1/u0 + ∫ G dt), G = exp((A − LOUD²/2) t + LOUD W)."""
    before, w, mean = _cells(path)
    h, rate = 1.0 / QUADRATURE, A - LOUD**2 / 2
    at = np.exp(rate * h * np.arange(QUADRATURE)[:, None, None] + LOUD * before)
    integral = (at * h * (1 + rate * h / 2 + LOUD * mean + LOUD**2 * h / 4)).sum(0)
    grown = np.exp(rate + LOUD * w.sum(0))
    return torch.log(torch.from_numpy(grown) / (torch.exp(-y0) + torch.from_numpy(integral)))


def _area(path: BrownianPath, y0: torch.Tensor) -> torch.Tensor:
    """(W₁, ∫ W₁ dW₂) from y0."""
    before, w, mean = _cells(path)
    area = ((y0[:, 0].numpy() + before[..., 0] + mean[..., 0]) * w[..., 1]).sum(0)
    return y0 + torch.from_numpy(np.stack([w[..., 0].sum(0), area], axis=1))


def _sheared(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    zero, one = torch.zeros_like(y[:, 0]), torch.ones_like(y[:, 0])
    return torch.stack([torch.stack([one, zero], 1), torch.stack([zero, y[:, 0]], 1)], dim=1)


def _rotated(path: BrownianPath, y0: torch.Tensor) -> torch.Tensor:
    """exp(W₁ J) exp(B W₂) y0 with J = [[0, −1], [1, 0]] times B: the two matrices commute."""
    w = path(1.0)
    angle, size = B * w[:, 0], torch.exp(B * w[:, 1])
    c, s = torch.cos(angle), torch.sin(angle)
    return torch.stack([c * y0[:, 0] - s * y0[:, 1], s * y0[:, 0] + c * y0[:, 1]], 1) * size[:, None]


def _turning(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return B * torch.stack([torch.stack([-y[:, 1], y[:, 0]], 1), y], dim=2)


EQUATIONS = {
    "geometric": Known(
        lambda t, y: A * y,
        lambda t, y: B * y,
        lambda p, y0: y0 * torch.exp(A - B * B / 2 + B * p(1.0)),
        "ito",
        "diagonal",
    ),
    "trigonometric": Known(
        lambda t, y: -B * B * torch.sin(y) * torch.cos(y) ** 3,
        lambda t, y: B * torch.cos(y) ** 2,
        lambda p, y0: torch.atan(B * p(1.0) + torch.tan(y0)),
        "ito",
        "diagonal",
    ),
    "scalar": Known(
        lambda t, y: A * y,
        lambda t, y: (B * y)[..., None],
        lambda p, y0: y0 * torch.exp(A - B * B / 2 + B * p(1.0)),
        "ito",
        "scalar",
        1,
    ),
    "additive": Known(
        lambda t, y: A - LOUD**2 / 2 - torch.exp(y),
        lambda t, y: LOUD * torch.ones_like(y),
        _logarithm_of_logistic,
        "ito",
        "additive",
    ),
    "area-ito": Known(lambda t, y: torch.zeros_like(y), _sheared, _area, "ito", "general"),
    "area": Known(lambda t, y: torch.zeros_like(y), _sheared, _area, "stratonovich", "general"),
    "commuting": Known(
        lambda t, y: torch.zeros_like(y),
        _turning,
        _rotated,
        "stratonovich",
        "general",
    ),
    "hyperbolic": Known(
        lambda t, y: torch.zeros_like(y),
        lambda t, y: B * torch.sqrt(1 + y * y),
        lambda p, y0: torch.sinh(B * p(1.0) + torch.asinh(y0)),
        "stratonovich",
        "diagonal",
    ),
    "scalar-stratonovich": Known(
        lambda t, y: A * y,
        lambda t, y: B * y,
        lambda p, y0: y0 * torch.exp(A + B * p(1.0)),
        "stratonovich",
        "scalar",
        1,
    ),
}

STRONG = [
    ("euler", "geometric", 0.5),
    ("euler", "trigonometric", 0.5),
    ("euler", "scalar", 0.5),
    ("euler", "additive", 1.0),
    ("euler", "area-ito", 0.5),
    *((m, "area", 0.5) for m in ("heun", "midpoint", "reversible_heun")),
    *((m, e, 1.0) for m in ("milstein",) for e in ("geometric", "trigonometric", "scalar", "additive")),
    *((m, e, 1.5) for m in ("sriw1", "sosri") for e in ("geometric", "trigonometric", "scalar", "additive")),
    *((m, "additive", 1.5) for m in ("sra1", "sosra")),
    *(
        (m, e, 1.0)
        for m in ("heun", "midpoint", "reversible_heun")
        for e in ("hyperbolic", "scalar-stratonovich", "commuting")
    ),
    ("heun", "additive", 1.0),
    ("midpoint", "additive", 1.0),
]


@lru_cache(maxsize=1)
def _solved(name: str, rows: int) -> tuple[BrownianPath, torch.Tensor, torch.Tensor]:
    """Paths, starts, and the closed solution at t = 1."""
    path = BrownianPath(0.0, 1.0, rows=rows, channels=EQUATIONS[name].channels, seed=21)
    y0 = Y0.expand(rows, 2)
    return path, y0, EQUATIONS[name].solution(path, y0)


def strong_order(method: str, name: str, rows: int = 1000) -> float:
    """The slope of the root mean square error at t = 1 over the step, on the same paths."""
    known, errors = EQUATIONS[name], []
    levels = (3, 4, 5, 6, 7) if "area" in name else (6, 7, 8, 9, 10)
    path, y0, exact = _solved(name, rows)
    for level in levels:
        found = solve_sde(
            known.drift,
            known.diffusion,
            y0,
            [0.0, 1.0],
            method=method,
            interpretation=known.interpretation,
            noise=known.noise,
            dt=2.0**-level,
            brownian=path,
        )
        errors.append((found.ys[-1] - exact).square().mean().sqrt().item())
    return slope(errors, levels)


def slope(errors: list[float], levels: tuple[int, ...]) -> float:
    """Of log error over log step."""
    return float(np.polyfit([-level * math.log(2) for level in levels], np.log(errors), 1)[0])


@dataclass(frozen=True)
class Linear:
    """A linear equation, dy = drift dt + diffusion dW, and the means of y and y² at t = 1 from y = 1."""

    drift: Callable
    diffusion: Callable
    noise: str
    moments: tuple[float, float]


def _ornstein_uhlenbeck(pull: float, noise: float) -> tuple[float, float]:
    mean = math.exp(-pull)
    return mean, mean**2 + noise**2 * (1 - mean**2) / (2 * pull)


LINEAR = {
    "geometric": Linear(
        lambda t, y: A * y, lambda t, y: B * y, "diagonal", (math.exp(A), math.exp(2 * A + B * B))
    ),
    "loud geometric": Linear(
        lambda t, y: y, lambda t, y: LOUD * y, "diagonal", (math.exp(1.0), math.exp(2.0 + LOUD**2))
    ),
    "geometric-stratonovich": Linear(
        lambda t, y: A * y,
        lambda t, y: B * y,
        "diagonal",
        (math.exp(A + B * B / 2), math.exp(2 * A + 2 * B * B)),
    ),
    "ornstein-uhlenbeck": Linear(
        lambda t, y: -A * y, lambda t, y: B * torch.ones_like(y), "additive", _ornstein_uhlenbeck(A, B)
    ),
}

WEAK = [
    *((m, "geometric", w) for m, w in (("euler", 1.0), ("milstein", 1.0), ("sriw1", 2.0))),
    ("sosri", "loud geometric", 1.5),
    *((m, "geometric-stratonovich", 1.0) for m in ("heun", "midpoint", "reversible_heun")),
    *((m, "ornstein-uhlenbeck", 1.0) for m in ("euler", "milstein")),
    *(
        (m, "ornstein-uhlenbeck", 2.0)
        for m in ("heun", "midpoint", "reversible_heun", "sriw1", "sosri", "sra1", "sosra")
    ),
]


def weak_orders(method: str, name: str) -> tuple[float, float]:
    """The slopes of the errors of the means of y and y² at t = 1 over the step, without sampling."""
    known, levels = LINEAR[name], (10, 11, 12, 13) if "loud" in name else (5, 6, 7, 8)
    eq = equation(
        known.drift, known.diffusion, States(torch.ones(1, 1, dtype=F64)), noise=known.noise, t0=0.0
    )
    stepper = ReversibleHeunStep(eq) if method == "reversible_heun" else TableauStep(STOCHASTIC[method], eq)
    errors = []
    for level in levels:
        n = 2**level
        once, pairs = _mean_maps(stepper, 1.0 / n)
        size = len(once)
        first = np.linalg.matrix_power(once, n) @ np.ones(size)
        second = np.linalg.matrix_power(pairs, n) @ np.ones(size * size)
        errors.append([abs(first[1] - known.moments[0]), abs(second[size + 1] - known.moments[1])])
    of_mean, of_square = (slope(list(part), levels) for part in zip(*errors, strict=True))
    return of_mean, of_square


def _mean_maps(stepper: TableauStep | ReversibleHeunStep, h: float) -> tuple[np.ndarray, np.ndarray]:
    """What a step does on average to the vector (1, y, …) that it carries, and to the products of its entries."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    w, area = (grid.ravel() for grid in np.meshgrid(nodes * math.sqrt(h), nodes * math.sqrt(h / 12)))
    weights = np.outer(weights, weights).ravel() / (2 * math.pi)
    increments = torch.from_numpy(np.stack([w, 0.5 * w + area])[..., None])
    step = Step(torch.tensor(0.0, dtype=F64), h, math.sqrt(h), *increments)
    free = 2 if isinstance(stepper, ReversibleHeunStep) else 1

    def after(*entries: float) -> np.ndarray:
        at = [torch.full((len(w), 1), x, dtype=F64) for x in entries]
        carried = (*at, *stepper.eq.both(step.t, at[1])) if free == 2 else tuple(at)
        return np.concatenate([x.numpy() for x in stepper(carried, step)[:free]], axis=1)

    rest = after(*[0.0] * free)
    columns = [after(*np.eye(free)[k]) - rest for k in range(free)]
    maps = np.zeros((len(w), free + 1, free + 1))
    maps[:, 0, 0] = 1.0
    maps[:, 1:, 0] = rest
    for k, column in enumerate(columns):
        maps[:, 1:, k + 1] = column
    pairs = np.einsum("q,qij,qkl->ikjl", weights, maps, maps).reshape((free + 1) ** 2, -1)
    return np.einsum("q,qij->ij", weights, maps), pairs


def main() -> None:
    """Print theory and measurement for each method."""
    for method, name, order in sorted(STRONG, key=lambda row: row[1]):
        print(f"strong  {method:<16}{name:<28}{order:>5}{strong_order(method, name):8.3f}", flush=True)
    for method, name, order in WEAK:
        for power, found in zip("y y²".split(), weak_orders(method, name), strict=True):
            print(f"weak    {method:<16}{name + ', ' + power:<28}{order:>5}{found:8.3f}")


if __name__ == "__main__":
    main()
