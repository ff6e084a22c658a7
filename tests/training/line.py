"""A small problem for the tests: fit a line to noisy samples. Fast, random, and exactly repeatable."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from workbench.parameters import Parameters, parameter
from workbench.training import Training


class LineParameters(Parameters):
    """Parameters of the line fit."""

    iterations: int = parameter(200, low=1, high=10_000_000, help="how many iterations")
    learning_rate: float = parameter(0.05, low=1e-6, high=100.0, help="size of a step", live=True)
    seed: int = parameter(0, low=0, high=1000, help="of the samples")


class Line:
    """Fit y = 2x - 1. ``poison`` may change the loss and the named numbers of an iteration."""

    def __init__(self, poison: Callable[[int, torch.Tensor, dict], torch.Tensor] | None = None) -> None:
        self.modules = torch.nn.Sequential(
            torch.nn.Linear(1, 4, dtype=torch.float64), torch.nn.Tanh(), torch.nn.Linear(4, 1).double()
        )
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for tensor in self.modules.parameters():
                tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=torch.float64))
        self.modules.register_buffer("seen", torch.zeros(()))
        self._poison = poison

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, Mapping[str, float | torch.Tensor]]:
        self.modules.seen += 1
        x = torch.rand(8, 1, generator=generator, dtype=torch.float64)
        fit = (self.modules(x) - (2 * x - 1)).square().mean()
        size = 1e-3 * sum(tensor.square().sum() for tensor in self.modules.parameters())
        terms = {"fit": fit, "size": size}
        loss = fit + size
        if self._poison is not None:
            loss = self._poison(int(self.modules.seen), loss, terms)
        return loss, terms

    def snapshot(self) -> dict[str, np.ndarray | str]:
        x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
        with torch.no_grad():
            return {"curve:line": torch.hstack([x, self.modules(x)]).numpy(), "text:x": "x"}


def make_training(parameters: LineParameters) -> Training:
    """The training of the line fit."""
    return Training(
        Line(),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
        schedule="cosine",
        clip_norm=1.0,
        smoothing=5,
        seed=parameters.seed,
    )


def numbers(training: Training) -> list[float]:
    """All that must be the same in two equal runs, to the last bit."""
    losses = training.history.column("loss").tolist()
    weights = [
        value for tensor in training.problem.modules.state_dict().values() for value in tensor.flatten()
    ]
    return [*losses, *map(float, weights), training.best.loss, training.learning_rate]
