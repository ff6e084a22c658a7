"""Learning-rate schedules: the factor on the learning rate, as a function of progress in [0, 1).

A schedule keeps no state, so a resumed run needs nothing but its iteration number. To add one, write the
function and name it in ``SCHEDULES``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def constant(progress: float) -> float:
    """1 throughout."""
    return 1.0


def linear(progress: float) -> float:
    """From 1 down to 0 in a straight line."""
    return 1.0 - progress


def cosine(progress: float) -> float:
    """From 1 down to 0 along half a cosine wave: slow, fast, slow."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def exponential(progress: float) -> float:
    """From 1 down to 1/100 by the same ratio in each iteration."""
    return 0.01**progress


def warmup_cosine(progress: float) -> float:
    """Up from 0.01 to 1 in the first twentieth, then ``cosine`` over the rest."""
    warmup = 0.05
    if progress < warmup:
        return 0.01 + 0.99 * progress / warmup
    return cosine((progress - warmup) / (1.0 - warmup))


SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "exponential": exponential,
    "warmup-cosine": warmup_cosine,
}
