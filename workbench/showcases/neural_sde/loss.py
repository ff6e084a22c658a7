"""What is minimised, in three ways: single paths as published, moments, or a proper score of forecasts."""

from __future__ import annotations

import numpy as np
import torch

from workbench.showcases.neural_sde.data import observe
from workbench.showcases.neural_sde.live import ensemble_picture
from workbench.showcases.neural_sde.networks import NeuralSDE
from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.scores import (
    energy_score,
    moment_error,
    relative_moment_error,
    squared_error,
)
from workbench.showcases.neural_sde.system import START
from workbench.training import Training

MOMENTS_FROM, MOMENT_PATHS = 0.3, 256
"""Where in the training the moments of whole paths join the score of short forecasts, and from how many paths."""


class SpiralProblem:
    """A neural SDE that learns from observed paths.

    "path": ``paths`` simulated from the start, each compared with the mean of the data. "moments": their mean and
    variance compared with the data's. "energy": forecasts from ``batch`` states that were observed, ``paths`` each,
    over the next ``horizon`` observations, scored against what came; later also mean and variance of whole paths.

    Args:
        parameters: loss, data, network, seed of the network's start.
        model: another module with ``simulate`` to be trained in place of the network.
    """

    def __init__(self, parameters: SpiralParameters, model: torch.nn.Module | None = None) -> None:
        self.parameters = parameters
        self.modules = model or NeuralSDE(parameters, torch.Generator().manual_seed(parameters.seed))
        # How far the training is, where a checkpoint keeps it: the last part uses more paths.
        self.modules.register_buffer("iteration", torch.zeros((), dtype=torch.int64))
        data = observe(parameters)
        self._ts = torch.from_numpy(data.ts)
        self._paths = torch.from_numpy(data.paths)
        self._mean, self._variance = torch.from_numpy(data.mean), torch.from_numpy(data.variance)

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss of one iteration."""
        p, done = self.parameters, int(self.modules.iteration)
        n = 10 * p.paths if done >= round((1.0 - p.final_share) * p.iterations) else p.paths
        self.modules.iteration += 1
        if p.loss == "energy":
            score = self._score(n, generator)
            if p.moment_weight == 0.0 or done < MOMENTS_FROM * p.iterations:
                return score, {}
            paths = self._from_start(MOMENT_PATHS, generator)[1:]
            moments = relative_moment_error(paths, self._mean[1:], self._variance[1:])
            return score + p.moment_weight * moments, {}
        paths = self._from_start(n, generator)
        off = {"rms_mean": (paths.detach().mean(1) - self._mean).square().mean().sqrt()}
        if p.loss == "path":
            return squared_error(paths, self._mean), off
        return moment_error(paths, self._mean, self._variance), off

    def _from_start(self, n: int, generator: torch.Generator) -> torch.Tensor:
        start = torch.tensor(START, dtype=torch.float64).expand(n, 2)
        return self.modules.simulate(start, self._ts, generator)

    def _score(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """The energy score of forecasts from states drawn among the observed ones."""
        p = self.parameters
        times, n_paths, _ = self._paths.shape
        first = torch.randint(times - p.horizon, (p.batch,), generator=generator)
        which = torch.randint(n_paths, (p.batch,), generator=generator)
        after = first + torch.arange(p.horizon + 1)[:, None]
        observed = self._paths[after, which]
        paths = self.modules.simulate(observed[0].repeat(n, 1), self._ts[: p.horizon + 1], generator)
        return energy_score(paths[1:].unflatten(1, (n, p.batch)), observed[1:])

    def snapshot(self) -> dict[str, np.ndarray | str]:
        """The model's ensemble from the start, against the data."""
        return ensemble_picture(self.modules, observe(self.parameters))


def make_problem(parameters: SpiralParameters) -> SpiralProblem:
    """What is trained."""
    return SpiralProblem(parameters)


def make_training(parameters: SpiralParameters) -> Training:
    """The problem with its optimiser and schedule.

    Sets torch to one thread in this process: in a network this small a second one is only waited for.
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
