"""What a solver returns: frozen results with times, states, statistics, events, and the solution as a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from workbench.solvers.brownian import BrownianPath
from workbench.solvers.problem import refuse_traced


@dataclass(frozen=True)
class Statistics:
    """What a solution took.

    ``evaluations`` counts the calls of the right-hand side (of the drift, for an SDE), each for the whole batch;
    ``accepted`` and ``rejected`` the steps of each row, shape (batch,).
    """

    evaluations: int
    accepted: torch.Tensor
    rejected: torch.Tensor


@dataclass(frozen=True)
class EventRecord:
    """The crossings of one event, in the order of time within each row.

    Attributes:
        rows: the row of each crossing. Shape (crossings,).
        ts: its time, differentiable. Shape (crossings,).
        ys: the state there, differentiable. Shape (crossings, state).
    """

    rows: torch.Tensor
    ts: Any
    ys: Any


@dataclass(frozen=True)
class ODESolution:
    """A solved ordinary differential equation.

    Attributes:
        ts: the times asked for. Shape (times,).
        ys: the states there. Shape (times, batch, state), or (times, state) for an initial state without batch.
        statistics: evaluations, accepted and rejected steps.
        events: one record for each event that was given.
        t_end: the time at which each row ended: the last of ts, or its terminal event. Shape (batch,).

    With ``dense=True``, ``solution(t)`` is the state at any time between the first and the last.
    """

    ts: Any
    ys: Any
    statistics: Statistics
    events: tuple[EventRecord, ...]
    t_end: Any
    _at: Callable[[Any], Any] | None = field(default=None, repr=False)
    _run: Any = field(default=None, repr=False)
    """How it was solved, for ``engine_rules``."""

    def __call__(self, t: Any) -> Any:
        """The state at time t, shape (batch, state), or (times, batch, state) for several times."""
        if self._at is None:
            raise TypeError("this solution has no dense output; solve with dense=True")
        return self._at(t)


@dataclass(frozen=True)
class SDESolution:
    """A solved stochastic differential equation.

    Attributes:
        ts: the times asked for. Shape (times,).
        ys: the states there. Shape (times, batch, state), or (times, state) for an initial state without batch.
        statistics: evaluations, accepted and rejected steps.
        brownian: the path that drove the equation, a function of time.
        events: empty; stochastic equations take none.

    ``solution(t)`` is the state at a time between: the same method, continued from the output before it on the same
    Brownian path. Nothing is interpolated.
    """

    ts: Any
    ys: Any
    statistics: Statistics
    brownian: BrownianPath
    events: tuple[EventRecord, ...] = ()
    _at: Callable[[float], Any] | None = field(default=None, repr=False)
    _taken: Any = field(default=None, repr=False)
    """The equation, the grid of its steps, and the states, for ``engine_rules``."""

    def __call__(self, t: Any) -> Any:
        """The state at time t, shape (batch, state), or (times, batch, state) for several times."""
        if self._at is None:
            raise TypeError("this solution cannot be evaluated between its outputs")
        refuse_traced("put the time among ts", t=t)
        times = np.asarray(t, float)
        if times.ndim:
            parts = [self._at(time) for time in times.tolist()]
            return np.stack(parts) if isinstance(parts[0], np.ndarray) else torch.stack(parts)
        return self._at(float(times))
