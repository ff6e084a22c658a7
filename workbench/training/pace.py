"""How fast a training runs and when it will be done."""

from __future__ import annotations

import math


class Pace:
    """A running mean of iterations per second that forgets within seconds, and the time left.

    Times are readings of a clock that never goes back, in seconds.
    """

    MEMORY_SECONDS = 5.0

    def __init__(self) -> None:
        self.rate = 0.0
        self._iteration: int | None = None
        self._time = 0.0

    def pause(self) -> None:
        """The time until the next reading does not count."""
        self._iteration = None

    def read(self, iteration: int, now: float) -> None:
        """Take notice of how far the training is at time ``now``."""
        if self._iteration is not None and now > self._time:
            elapsed = now - self._time
            rate = (iteration - self._iteration) / elapsed
            weight = 1.0 - math.exp(-elapsed / self.MEMORY_SECONDS)
            self.rate = rate if self.rate == 0.0 else self.rate + weight * (rate - self.rate)
        self._iteration, self._time = iteration, now

    def seconds_left(self, iterations: int) -> float | None:
        """The time that so many more iterations will take; None while the rate is not known."""
        return iterations / self.rate if self.rate > 0.0 else None
