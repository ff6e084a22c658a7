"""Every knob of the trebuchet showcase, with its default, range, unit and help."""

from __future__ import annotations

import math
from typing import ClassVar

from workbench.parameters import Parameters, parameter
from workbench.showcases.trebuchet.machine import POUND, PUBLISHED, STANDARD, Machine


class TrebuchetParameters(Parameters):
    """What to throw, what to train on, and how.

    The throw's own settings (angle, weight, wind, target) are for playing with one throw; training
    draws winds and targets at random and the network chooses angle and weight.
    """

    wind: float = parameter(0.0, low=-15.0, high=15.0, unit="m/s", group="throw", help="wind along the throw")
    target: float = parameter(70.0, low=20.0, high=100.0, unit="m", group="throw", help="distance to hit")
    angle: float = parameter(
        45.0, low=0.0, high=90.0, unit="°", group="throw", help="angle at which the sling lets go"
    )
    weight: float = parameter(200.0, low=50.0, high=400.0, unit="lb", group="throw", help="counterweight")
    convention: str = parameter(
        "right",
        choices=("right", "published"),
        group="throw",
        help="inertias where they belong, or swapped as in the published package",
    )
    resolution: float = parameter(
        0.5, low=0.3, high=10.0, scale="log", group="throw", help="steps of the solver for each turn"
    )

    wind_spread: float = parameter(
        5.0, low=0.0, high=10.0, unit="m/s", group="problem", help="standard deviation of the wind"
    )
    target_low: float = parameter(
        20.0, low=5.0, high=60.0, unit="m", group="problem", live=True, help="nearest target trained for"
    )
    target_high: float = parameter(
        100.0, low=61.0, high=150.0, unit="m", group="problem", live=True, help="farthest target trained for"
    )
    weight_low: float = parameter(
        50.0, low=25.0, high=100.0, unit="lb", group="problem", help="lightest counterweight allowed"
    )
    weight_high: float = parameter(
        400.0, low=150.0, high=1000.0, unit="lb", group="problem", help="heaviest counterweight allowed"
    )

    recipe: str = parameter(
        "tuned",
        choices=("tuned", "published"),
        group="training",
        help="scaled inputs and bounded outputs, or raw ones as published",
    )
    samples: int = parameter(
        100_000, low=10, high=1_000_000, scale="log", group="training", help="throws simulated in training"
    )
    batch: int = parameter(16, low=1, high=256, group="training", help="throws in each iteration")
    learning_rate: float = parameter(
        0.02, low=1e-6, high=0.1, scale="log", group="training", live=True, help="of the Adam optimiser"
    )
    schedule: str = parameter(
        "warmup-cosine",
        choices=("constant", "linear", "cosine", "exponential", "warmup-cosine"),
        group="training",
        help="how the learning rate changes over the training",
    )
    width: int = parameter(
        64, low=4, high=256, group="training", help="units of the middle layer; a quarter in the outer ones"
    )
    seed: int = parameter(
        0, low=0, high=2**31 - 1, group="training", help="of the network's start and of every sample"
    )
    trials: int = parameter(
        2000, low=10, high=100_000, scale="log", group="evaluation", help="pairs of wind and target tested"
    )

    presets: ClassVar = {
        "paper": {
            "recipe": "published",
            "samples": 100_000,
            "batch": 1,
            "learning_rate": 1e-3,
            "schedule": "constant",
            "convention": "published",
            "weight_low": 25.0,
            "weight_high": 1000.0,
        },
        "smoke": {"samples": 120, "batch": 4, "width": 16, "trials": 20, "resolution": 0.4},
    }

    @property
    def machine(self) -> Machine:
        """The machine with its inertias as ``convention`` says."""
        return PUBLISHED if self.convention == "published" else STANDARD

    @property
    def iterations(self) -> int:
        """Of training: as many as it takes to see all samples."""
        return -(-self.samples // self.batch)

    @property
    def settings(self) -> tuple[float, float]:
        """The throw's own release angle in rad and counterweight in kg."""
        return math.radians(self.angle), self.weight * POUND

    @property
    def weights(self) -> tuple[float, float]:
        """The lightest and the heaviest counterweight allowed, in kg."""
        return self.weight_low * POUND, self.weight_high * POUND
