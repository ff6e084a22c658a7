"""A tiny problem with everything a panel shows: curves, points, texts, metrics, all kinds of parameters."""

from __future__ import annotations

import time

import numpy as np
import torch

from workbench.parameters import Parameters, parameter
from workbench.training import Training


class QuadraticParameters(Parameters):
    """Parameters of each kind, with units, ranges and groups."""

    iterations: int = parameter(2000, low=1, high=1_000_000, help="how many iterations", group="training")
    learning_rate: float = parameter(
        0.01, low=1e-5, high=10.0, scale="log", help="size of a step", group="training", live=True
    )
    noise: float = parameter(0.1, low=0.0, high=1.0, help="noise on the target", unit="m", group="problem")
    power: int = parameter(2, low=1, high=4, help="degree of the curve", group="problem")
    shape: str = parameter("wave", choices=("wave", "parabola"), help="what to fit", group="problem")
    mirrored: bool = parameter(False, help="turn the curve upside down", group="problem")
    pause: float = parameter(0.02, low=0.0, high=1.0, help="slow down each iteration", unit="s")


class Quadratic:
    """Fit a line through noisy points of a curve."""

    def __init__(self, parameters: QuadraticParameters) -> None:
        self.parameters = parameters
        self.modules = torch.nn.Linear(3, 1, dtype=torch.float64)
        with torch.no_grad():
            for tensor in self.modules.parameters():
                tensor.zero_()
        self._grid = torch.linspace(-1, 1, 100, dtype=torch.float64)

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x, x**2, x**3], dim=1)

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        time.sleep(self.parameters.pause)
        x = 2 * torch.rand(32, generator=generator, dtype=torch.float64) - 1
        noise = self.parameters.noise * torch.randn(32, generator=generator, dtype=torch.float64)
        fit = self.modules(self._features(x))[:, 0]
        loss = (fit - torch.sin(3 * x) - noise).square().mean()
        return loss, {"slope": self.modules.weight[0, 0].detach()}

    def snapshot(self) -> dict[str, np.ndarray | str]:
        with torch.no_grad():
            fit = self.modules(self._features(self._grid))[:, 0].numpy()
        x = self._grid.numpy()
        return {
            "curve:wanted": np.column_stack([x, np.sin(3 * x)]),
            "curve:fitted": np.column_stack([x, fit]),
            "point:start": np.array([x[0], fit[0]]),
            "text:title": "Fit",
            "text:x": "position (m)",
            "text:y": "height (m)",
            "text:note": "a cubic through noisy points",
        }


def make_training(parameters: QuadraticParameters) -> Training:
    """The training that the fixture notebook shows."""
    return Training(
        Quadratic(parameters),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
    )


def curves(parameters: QuadraticParameters) -> dict[str, np.ndarray | str]:
    """What the fixture notebook lets one play with."""
    x = np.linspace(-1, 1, 200)
    y = np.sin(3 * x) if parameters.shape == "wave" else x**parameters.power
    y = -y if parameters.mirrored else y
    shifted = y + parameters.noise
    return {
        "curve:plain": np.column_stack([x, y]),
        "curve:shifted": np.column_stack([x, shifted]),
        "point:end": np.array([x[-1], shifted[-1]]),
        "text:x": "position (m)",
        "text:y": "height (m)",
    }
