"""What is minimised: how far the network's throws land from their targets, through the simulated throw."""

from __future__ import annotations

import numpy as np
import torch

from workbench.autodiff import torch_function
from workbench.showcases.trebuchet.aiming import WIND_SPREADS, reach_of, throw_distances
from workbench.showcases.trebuchet.live import network_picture
from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.surrogate import AimingNetwork
from workbench.training import Training

HUBER = 5.0
"""Misses beyond this many m count linearly in the tuned recipe: no single throw upsets the network."""

EXCESS = 0.01
"""Loss in m² for each squared lb of counterweight outside the allowed range, in the published recipe."""


class AimingProblem:
    """A network that learns to aim by throwing, once for each sample, and differentiating the throw.

    The tuned recipe draws targets within reach, winds and targets each from one stratum for each throw of the
    batch, and scores the Huber loss of the miss. The published one draws U(low, high) whether or not it
    can be reached and scores the squared miss.

    No throw is ever left out of the loss. A setting the machine does not take cannot come out of the tuned
    network; the published one's counterweight is held to the allowed range and its excess added to the loss.

    Args:
        parameters: recipe, ranges, batch, resolution, seed of the network's start.
    """

    def __init__(self, parameters: TrebuchetParameters) -> None:
        self.parameters = parameters
        self.modules = AimingNetwork(parameters, torch.Generator().manual_seed(parameters.seed))
        reach = reach_of(parameters)
        self._winds = torch.tensor(reach.winds)
        self._farthest = torch.tensor(reach.farthest)
        self._nearest = torch.tensor(reach.nearest)
        self._distances = torch_function(throw_distances(parameters.machine))

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The mean loss of a batch of throws, and the root of their mean squared miss in m."""
        wind, target = self.draw(generator)
        angle, weight = self.modules(wind, target)
        allowed = weight.clamp(*self.parameters.weights)
        miss = self._throw(angle, allowed, wind) - target
        named = {"rms_miss": miss.detach().square().mean().sqrt()}
        if self.parameters.recipe == "tuned":
            return torch.nn.functional.huber_loss(miss, torch.zeros_like(miss), delta=HUBER), named
        excess = ((weight - allowed) / POUND).square().mean()
        return miss.square().mean() + EXCESS * excess, named

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch of winds in m/s and targets in m, as the recipe draws them. Shapes (batch,)."""
        p = self.parameters
        if p.recipe == "published":
            wind = p.wind_spread * torch.randn(p.batch, generator=generator, dtype=torch.float64)
            place = torch.rand(p.batch, generator=generator, dtype=torch.float64)
            return wind, p.target_low + place * (p.target_high - p.target_low)
        wind = p.wind_spread * torch.special.ndtri(_strata(p.batch, generator)).clamp(
            -WIND_SPREADS, WIND_SPREADS
        )
        nearest, farthest = self._reach(wind)
        low, high = nearest.clamp(min=p.target_low), farthest.clamp(max=p.target_high)
        return wind, low + _strata(p.batch, generator) * (high - low)

    def set(self, name: str, value: float) -> None:
        """Draw and score the next batches with another value of a live parameter."""
        self.parameters = self.parameters.changed(**{name: value})

    def snapshot(self) -> dict[str, np.ndarray | str]:
        """Where the network's throws go for three pairs of wind and target."""
        return network_picture(self.modules, self.parameters)

    def _throw(self, angle: torch.Tensor, weight: torch.Tensor, wind: torch.Tensor) -> torch.Tensor:
        return self._distances(wind, angle, weight, self.parameters.resolution)

    def _reach(self, wind: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The nearest and farthest distance at these winds, linear between the winds of the table."""
        last = len(self._winds) - 1
        place = (wind - self._winds[0]) / (self._winds[1] - self._winds[0])
        left = place.floor().clamp(0, last - 1)
        share = place - left
        i = left.long()
        return tuple(t[i] * (1.0 - share) + t[i + 1] * share for t in (self._nearest, self._farthest))


def _strata(count: int, generator: torch.Generator) -> torch.Tensor:
    """Uniform numbers in (0, 1), one in each of ``count`` equal parts, in random order."""
    place = torch.randperm(count, generator=generator)
    return (place + torch.rand(count, generator=generator, dtype=torch.float64)) / count


def make_problem(parameters: TrebuchetParameters) -> AimingProblem:
    """What is trained."""
    return AimingProblem(parameters)


def make_training(parameters: TrebuchetParameters) -> Training:
    """The problem with its optimiser and schedule: Adam, one iteration for each batch of samples.

    Sets torch to one thread in this process: in a network this small a second one is only waited for, which
    costs up to twenty times the work itself when the cores are busy.
    """
    torch.set_num_threads(1)
    return Training(
        make_problem(parameters),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
        schedule=parameters.schedule,
        keep_best=False,
        seed=parameters.seed + 1,
    )
