"""One step of each method for ordinary equations, on tensors of shape (batch, state), each row with its own h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workbench.solvers.tableaus import Pair

Function = Callable[[Any, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Taken:
    """A step that was taken: its begin (t, y0), length h, stages k and end y1. t and h are columns (batch, 1).

    ``solved`` says for each row whether the equations of an implicit step were solved.
    """

    t: torch.Tensor
    h: torch.Tensor
    y0: torch.Tensor
    ks: list[torch.Tensor]
    y1: torch.Tensor
    pair: Pair
    solved: torch.Tensor | None = None

    def at(self, theta: torch.Tensor, rows: Any = slice(None)) -> torch.Tensor:
        """The states of some rows inside the step, at t + theta h. theta is a column, one entry for each of them."""
        y0, h = self.y0[rows], self.h[rows]
        if self.pair.dense is None:
            y1, f0, f1 = self.y1[rows], self.ks[0][rows], self.ks[-1][rows]
            rest = 1.0 - theta
            bend = (1.0 - 2.0 * theta) * (y1 - y0) + (theta - 1.0) * h * f0 + theta * h * f1
            return rest * y0 + theta * y1 - theta * rest * bend
        total: Any = 0.0
        for (d1, d2, d3, d4), k in zip(self.pair.dense.tolist(), self.ks, strict=True):
            if d1 or d2:
                total = total + (theta * (d1 + theta * (d2 + theta * (d3 + theta * d4)))) * k[rows]
        return y0 + h * total

    def error(self) -> torch.Tensor:
        """The estimated error of each component."""
        return self.h * sum(float(e) * k for e, k in zip(self.pair.error, self.ks, strict=True) if e)


class ExplicitStep:
    """The step of an explicit pair."""

    def __init__(self, pair: Pair, f: Function) -> None:
        self.pair, self.f = pair, f
        self.evaluations = pair.stages - 1
        self._rows, self._c = pair.a.tolist(), pair.c.tolist()

    def __call__(self, t: torch.Tensor, h: torch.Tensor, y0: torch.Tensor, k0: torch.Tensor) -> Taken:
        """The step from (t, y0), where the slope is k0."""
        ks, y = [k0], y0
        for row, c in zip(self._rows[1:], self._c[1:], strict=True):
            y = y0 + h * sum(a * k for a, k in zip(row, ks, strict=False) if a)
            ks.append(self.f(t + c * h, y))
        return Taken(t, h, y0, ks, y, self.pair)
