"""What is learnt, and what is minimised: how far the simulated motion is from the measured one."""

from __future__ import annotations

import numpy as np
import torch

from workbench.autodiff import torch_function
from workbench.showcases.skeleton.data import measure
from workbench.showcases.skeleton.live import fit_picture
from workbench.showcases.skeleton.parameters import SkeletonParameters
from workbench.showcases.skeleton.physics import swing
from workbench.training import Training


# Yours: two numbers are learnt here. A network would stand in their place, and give the simulation its arguments.
class Spring(torch.nn.Module):
    """The stiffness in 1/s² and the damping in 1/s that are learnt, from a first guess on."""

    def __init__(self) -> None:
        super().__init__()
        self.stiffness = torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
        self.damping = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))


class SkeletonProblem:
    """The mean squared distance between the simulated and the measured motion."""

    def __init__(self, parameters: SkeletonParameters) -> None:
        self.parameters = parameters
        self.modules = Spring()
        self._measured = torch.tensor(measure(parameters))
        self._swing = torch_function(swing)

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss in m², and what has been learnt so far. Draws nothing random."""
        stiffness, damping = self.modules.stiffness, self.modules.damping
        positions = self._swing(stiffness, damping, self.parameters.duration, self.parameters.samples)
        named = {"stiffness": stiffness.detach(), "damping": damping.detach()}
        return (positions - self._measured).square().mean(), named

    def snapshot(self) -> dict[str, np.ndarray | str]:
        """The measured positions, and the motion of the spring as it has been learnt."""
        return fit_picture(self.parameters, self.modules.stiffness.item(), self.modules.damping.item())


def make_problem(parameters: SkeletonParameters) -> SkeletonProblem:
    """What is trained."""
    return SkeletonProblem(parameters)


def make_training(parameters: SkeletonParameters) -> Training:
    """The problem with its optimiser: Adam, with a learning rate that falls to zero."""
    return Training(
        make_problem(parameters),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
        schedule="cosine",
        seed=parameters.seed,
    )
