"""Events of ordinary equations: where a function of time and state crosses zero.

A crossing is looked for between the two ends of a step and found on the solution inside the step. Its time and state
are differentiable: from g(t, y(t)) = 0 follows δt = −δg / (∂g/∂t + ∂g/∂y f), and the state moves along with f δt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from workbench.errors import SolverOptionError
from workbench.solvers.ode_steps import Taken
from workbench.solvers.problem import States

HALVINGS = 60


@dataclass(frozen=True)
class Event:
    """Something that happens when ``function(t, y)`` crosses zero.

    Args:
        function: function of (t, y) giving one number for each row, shape (batch,). Plain Python if y0 is.
        terminal: whether the row ends there: its later outputs repeat the state at the event.
        direction: +1 for crossings from below only, −1 from above only, 0 for both.
    """

    function: Callable
    terminal: bool = True
    direction: int = 0


@dataclass(frozen=True)
class Crossing:
    """A crossing that was found: event, row, accepted step of that row, and where in the step."""

    event: int
    row: int
    step: int
    theta: float


class Watch:
    """The events of a solution, and what they were before the present step."""

    def __init__(self, events: Iterable[Any], states: States) -> None:
        given = [event if isinstance(event, Event) else Event(event) for event in events]
        for event in given:
            if event.direction not in (-1, 0, 1):
                raise SolverOptionError(
                    "the direction of an event is −1, 0 or 1",
                    found=f"got {event.direction!r}",
                    where="events",
                )
        self.events = given
        self.found: list[Crossing] = []
        self._states = states
        self._functions = [states.scalar_function(event.function) for event in given]
        self._before: list[torch.Tensor] = []

    def value(self, k: int, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The function of event k. t is a column. Shape (batch,)."""
        found = self._functions[k](t, y)
        if not isinstance(found, torch.Tensor) or found.numel() != len(y):
            got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise SolverOptionError(
                "the function of an event must give one number for each row",
                found=f"got {got}, expected ({len(y)},)",
                where=f"events[{k}]",
            )
        return found.reshape(-1)

    def start(self, t: torch.Tensor, y: torch.Tensor) -> None:
        """Note the values at the initial state."""
        self._before = [self.value(k, t, y) for k in range(len(self.events))]

    def after(self, taken: Taken, ok: torch.Tensor, steps: list[int]) -> torch.Tensor:
        """Look for crossings in a step of the rows ``ok``; rows that end: theta in the step, elsewhere infinite."""
        ends = torch.full((len(ok),), torch.inf, dtype=taken.y1.dtype)
        fresh: list[Crossing] = []
        for k, event in enumerate(self.events):
            g0, g1 = self._before[k], self.value(k, taken.t + taken.h, taken.y1)
            crossed = (
                ok & (g0 != 0) & ((g0 > 0) != (g1 > 0) if event.direction == 0 else _one_way(g0, g1, event))
            )
            if crossed.any():
                theta = self._root(k, taken, g0)
                rows = crossed.nonzero()[:, 0].tolist()
                fresh += [Crossing(k, r, steps[r], float(theta[r])) for r in rows]
                if event.terminal:
                    ends = torch.where(crossed, torch.minimum(ends, theta), ends)
            self._before[k] = torch.where(ok, g1, g0)
        self.found += [c for c in fresh if c.theta <= ends[c.row]]
        return ends

    def _root(self, k: int, taken: Taken, g0: torch.Tensor) -> torch.Tensor:
        """Where in the step the sign of the event changes, by bisection of every row at once."""
        low, high = torch.zeros_like(g0), torch.ones_like(g0)
        for _ in range(HALVINGS):
            theta = 0.5 * (low + high)
            column = theta[:, None]
            g = self.value(k, taken.t + column * taken.h, taken.at(column))
            same = (g > 0) == (g0 > 0)
            low, high = torch.where(same, theta, low), torch.where(same, high, theta)
        return high

    def moment(self, crossing: Crossing, taken: Taken, f: Callable) -> tuple[torch.Tensor, torch.Tensor]:
        """Time () and state (state,) of a crossing, with their derivatives."""
        theta = torch.full((len(taken.y0), 1), crossing.theta, dtype=taken.y0.dtype)
        t, y = taken.t + theta * taken.h, taken.at(theta)
        with torch.enable_grad():
            at_t, at_y = t.detach().requires_grad_(), y.detach().requires_grad_()
            g = self.value(crossing.event, at_t, at_y)[crossing.row]
            if not g.requires_grad:
                g = g + 0.0 * at_t.sum()
            by_t, by_y = torch.autograd.grad(g, (at_t, at_y), allow_unused=True)
        with torch.no_grad():
            slope = f(t, y)[crossing.row]
            rate = 0.0 if by_t is None else by_t.sum()
            rate = rate + (0.0 if by_y is None else (by_y[crossing.row] * slope).sum())
        value = self.value(crossing.event, t, y)[crossing.row]
        time = t[crossing.row, 0] - (value - value.detach()) / rate
        return time, y[crossing.row] + slope * (time - t[crossing.row, 0])


def _one_way(g0: torch.Tensor, g1: torch.Tensor, event: Event) -> torch.Tensor:
    return (g0 < 0) & (g1 >= 0) if event.direction > 0 else (g0 > 0) & (g1 <= 0)
