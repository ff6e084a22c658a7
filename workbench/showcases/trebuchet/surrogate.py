"""The network that stands for the search: from wind and target to a setting of the machine, in one pass."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.training import dense


class AimingNetwork(torch.nn.Module):
    """(wind, target) → (angle, weight), through layers of 2, 16, 64, 16 and 2 units at the usual width.

    Two recipes. "tuned": inputs scaled to about one, tanh, and both outputs bounded to what the machine
    takes, angle = σ(o₁)·90° and weight = low + σ(o₂)·(high − low). "published": raw inputs, sigmoids,
    angle = σ(o₁)·90° and weight = o₂ + 200 lb, which may leave the allowed range; the loss sees to that.

    In float64, as the simulator is: a network this small gains no time from float32.

    Args:
        parameters: recipe, width, ranges.
        generator: draws the starting values, uniform in ±1/√(inputs) as in torch.

    Source: sizes and the published recipe from Rackauckas et al., "Generalized Physics-Informed
    Learning through Language-Wide Differentiable Programming", 2020, and its published code.
    """

    def __init__(self, parameters: TrebuchetParameters, generator: torch.Generator) -> None:
        super().__init__()
        self.tuned = parameters.recipe == "tuned"
        self.weights = parameters.weights
        self.scales = _scales(parameters) if self.tuned else ((0.0, 1.0), (0.0, 1.0))
        outer = max(parameters.width // 4, 1)
        sizes = (2, outer, parameters.width, outer, 2)
        layers: list[torch.nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            layers.append(dense(n_in, n_out, generator))
            layers.append(torch.nn.Tanh() if self.tuned else torch.nn.Sigmoid())
        self.layers = torch.nn.Sequential(*layers[:-1])

    def forward(self, wind: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The release angle in rad and the counterweight in kg. All of one shape; m/s and m in."""
        (wind_middle, wind_size), (target_middle, target_size) = self.scales
        scaled = ((wind - wind_middle) / wind_size, (target - target_middle) / target_size)
        out = self.layers(torch.stack(scaled, dim=-1))
        angle = torch.sigmoid(out[..., 0]) * (math.pi / 2.0)
        if not self.tuned:
            return angle, (out[..., 1] + 200.0) * POUND
        low, high = self.weights
        return angle, low + torch.sigmoid(out[..., 1]) * (high - low)


def _scales(parameters: TrebuchetParameters) -> tuple[tuple[float, float], tuple[float, float]]:
    """(middle, size) of wind and target: zero mean and unit variance for the winds and targets drawn."""
    low, high = parameters.target_low, parameters.target_high
    return (0.0, max(parameters.wind_spread, 1.0)), ((low + high) / 2.0, (high - low) / math.sqrt(12.0))
