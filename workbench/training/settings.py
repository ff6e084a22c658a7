"""How to train: one checked, frozen set of settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import ParameterError, choice_among
from workbench.training.optimisers import OPTIMISERS
from workbench.training.schedules import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train. A checkpoint is only taken up by a training with the same settings.

    Args:
        iterations: how many iterations make the run complete.
        learning_rate: before the schedule's factor.
        optimiser: a name in ``OPTIMISERS``.
        schedule: a name in ``SCHEDULES``.
        clip_norm: gradients longer than this are shortened to it.
        patience: stop after so many iterations without a new lowest loss.
        smoothing: the loss that ``patience`` and the best parameters go by is a running mean over about so
            many iterations. Use more than 1 where the loss of one iteration is a random sample.
        keep_best: keep a copy of the parameters that gave the lowest loss, for ``Training.load_best``.
        seed: of the generator that the problem draws from.
    Raises:
        ParameterError: a name that does not exist, or a number that is not positive.
    """

    iterations: int
    learning_rate: float
    optimiser: str = "adam"
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None
    smoothing: int = 1
    keep_best: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check_known("optimiser", self.optimiser, OPTIMISERS)
        _check_known("schedule", self.schedule, SCHEDULES)
        for name in ("iterations", "learning_rate", "smoothing", "clip_norm", "patience"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))


def check_positive(name: str, value: float) -> None:
    """Raise a ``ParameterError`` unless ``value`` is a finite number above 0."""
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise ParameterError(
            f"{name} must be a positive number",
            found=f"got {value!r}",
            where=name,
            fix="choose a value above 0",
        )


def _check_known(name: str, value: str, known: Mapping[str, object]) -> None:
    if value not in known:
        raise ParameterError(
            f"there is no {name} {value!r}",
            found=f"got {value!r}, expected one of {', '.join(known)}",
            where=name,
            fix=choice_among(str(value), known),
        )
