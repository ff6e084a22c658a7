"""Every knob of the neural SDE showcase, with its default, range, unit and help."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from workbench.parameters import Parameters, parameter
from workbench.showcases.neural_sde.system import Spiral

FORECAST_POINTS = 6
"""Points of time after the last observation, up to the end of the forecast at t = 1.2."""


class SpiralParameters(Parameters):
    """What the true system is, what is observed of it, and how a neural SDE is trained on that."""

    damping: float = parameter(0.1, low=0.0, high=0.5, group="system", help="inwards: the a of −a u³")
    rotation: float = parameter(
        2.0, low=0.5, high=3.0, group="system", help="round the origin: the b of b u³"
    )
    noise: float = parameter(0.2, low=0.05, high=0.4, group="system", help="diffusion for each unit of u")

    data_paths: int = parameter(
        10_000, low=20, high=20_000, scale="log", group="data", help="paths observed, at 30 times each"
    )

    loss: str = parameter(
        "energy",
        choices=("path", "moments", "energy"),
        group="training",
        help="squared error of single paths, mean and variance of the ensemble, or a proper score of forecasts",
    )
    diffusion: str = parameter(
        "network",
        choices=("known", "linear", "network"),
        group="training",
        help="0.2 u as given, W u + b to be learnt, or a network",
    )
    method: str = parameter(
        "sosri", choices=("sosri", "milstein", "euler"), group="training", help="of the solver in training"
    )
    steps: int = parameter(
        1,
        low=0,
        high=8,
        group="training",
        help="of the solver between two observations; 0: adaptive, tolerance 0.1",
    )
    iterations: int = parameter(
        1600, low=2, high=20_000, scale="log", group="training", help="of the Adam optimiser"
    )
    paths: int = parameter(
        2, low=1, high=1000, scale="log", group="training", help="simulated in each forecast or ensemble"
    )
    final_share: float = parameter(
        0.0,
        low=0.0,
        high=1.0,
        group="training",
        help="share of the iterations, at the end, with ten times the paths",
    )
    batch: int = parameter(
        512,
        low=1,
        high=2048,
        scale="log",
        group="training",
        help="forecasts scored in each iteration (energy)",
    )
    horizon: int = parameter(
        4, low=1, high=29, group="training", help="observations ahead of a forecast (energy)"
    )
    moment_weight: float = parameter(
        0.01,
        low=0.0,
        high=1.0,
        group="training",
        help="of the ensemble's mean and variance beside the score, in the later iterations (energy)",
    )
    learning_rate: float = parameter(
        0.05, low=1e-6, high=0.1, scale="log", group="training", live=True, help="of the Adam optimiser"
    )
    schedule: str = parameter(
        "warmup-cosine",
        choices=("constant", "linear", "cosine", "exponential", "warmup-cosine"),
        group="training",
        help="how the learning rate changes over the training",
    )
    width: int = parameter(50, low=4, high=256, group="training", help="units of the hidden layer")
    seed: int = parameter(
        0, low=0, high=2**31 - 1, group="training", help="of the data, the start and the noise"
    )

    ensemble: int = parameter(
        20_000,
        low=50,
        high=20_000,
        scale="log",
        group="evaluation",
        help="paths of the trained model's forecast",
    )
    resamples: int = parameter(
        200,
        low=10,
        high=2000,
        scale="log",
        group="evaluation",
        help="of the bootstrap of the found equations",
    )
    sunspot_iterations: int = parameter(
        400, low=5, high=5000, scale="log", group="evaluation", help="of the training on the sunspots"
    )

    side_iterations: int = parameter(
        400,
        low=5,
        high=5000,
        scale="log",
        group="evaluation",
        help="of the two small trainings: of the noise alone, and of a stock from option prices",
    )

    presets: ClassVar = {
        "paper": {
            "data_paths": 100,
            "loss": "path",
            "diffusion": "known",
            "steps": 0,
            "iterations": 120,
            "paths": 1,
            "final_share": 1.0 / 6.0,
            "learning_rate": 0.025,
            "schedule": "constant",
        },
        "moments": {
            "loss": "moments",
            "diffusion": "linear",
            "paths": 100,
            "iterations": 300,
            "learning_rate": 0.025,
        },
        "smoke": {
            "data_paths": 400,
            "iterations": 12,
            "batch": 32,
            "width": 8,
            "ensemble": 200,
            "resamples": 20,
            "sunspot_iterations": 10,
            "side_iterations": 8,
        },
    }

    @property
    def system(self) -> Spiral:
        """The true system."""
        return Spiral(self.damping, self.rotation, self.noise)

    @property
    def ts(self) -> np.ndarray:
        """The times of observation: 30 on [0, 1]."""
        return np.linspace(0.0, 1.0, 30)

    @property
    def forecast_ts(self) -> np.ndarray:
        """The times of observation, and on to t = 1.2 by about the same step."""
        ahead = np.linspace(1.0, 1.2, FORECAST_POINTS + 1)[1:]
        return np.concatenate([self.ts, ahead])
