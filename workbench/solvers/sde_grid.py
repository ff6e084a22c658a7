"""The steps of a solution, and the Brownian motion in them: fixed steps, or those an adaptive solution accepted.

A grid says for any range of its steps what they are. The noise is asked of the Brownian path each time anew and
never kept, so that going over a range twice (to go back through it, say) costs time instead of memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from workbench.solvers.brownian import BITS, BrownianPath, Window
from workbench.solvers.sde_steps import Step
from workbench.solvers.tree import fill_replay

BLOCK = 64
"""Fixed steps for which the noise is drawn at once."""

Hit = tuple[torch.Tensor, torch.Tensor] | int | None
"""The outputs that a step reaches: (outputs, rows), or one output for all rows, or none."""


class FixedGrid:
    """Equal steps between each two outputs, none longer than dt, shared by all rows."""

    def __init__(self, path: BrownianPath | Window, times: np.ndarray, dt: float, like: torch.Tensor) -> None:
        self.path, self.times = path, times
        self._options = {"dtype": like.dtype, "device": like.device}
        self._equal = _equal_steps(times.tobytes(), dt)
        self._counts, self.hs, self.out_steps = self._equal[:3]
        self.n = int(self.out_steps[-1])

    def arrays(self, a: int, b: int) -> tuple[np.ndarray, ...]:
        """t, h (steps, 1), ΔW and ΔW/2 + H (steps, batch, channels) of steps a … b − 1."""
        ts, hs = self._equal[3:]
        if (a, b) == (0, self.n):
            w, area = self.path.all_noise(self._counts)
            return ts, hs, w, 0.5 * w + area
        steps = [step for step, _ in self.steps(a, b)]
        w, j = (torch.stack([step[i] for step in steps]).double().numpy() for i in (3, 4))
        return ts[a:b], hs[a:b], w, j

    def steps(self, a: int, b: int) -> Iterator[tuple[Step, Hit]]:
        """Steps a … b − 1."""
        k = int(np.searchsorted(self.out_steps, a, side="right")) - 1
        while a < b:
            first, count = int(self.out_steps[k]), int(self._counts[k])
            block = min(count, BLOCK)
            begin = (a - first) // block * block
            end = min(begin + block, count)
            yield from self._block(k, (begin, end), (a - first, min(end, b - first)))
            a = min(first + end, b)
            k += first + count == a

    def _block(self, k: int, drawn: tuple[int, int], wanted: tuple[int, int]) -> Iterator[tuple[Step, Hit]]:
        """Steps of interval k, counted from its begin."""
        t0, h, count = float(self.times[k]), float(self.hs[k]), int(self._counts[k])
        noise = self.path.noise(k, drawn, count)
        w, area = (torch.from_numpy(x).to(**self._options) for x in noise)
        j = 0.5 * w + area
        root = math.sqrt(h)
        for i in range(*wanted):
            t = torch.tensor(t0 + i * h, **self._options)
            at = i - drawn[0]
            yield Step(t, h, root, w[at], j[at]), k + 1 if i == count - 1 else None


@lru_cache(maxsize=64)
def _equal_steps(times: bytes, dt: float) -> tuple[np.ndarray, ...]:
    """Steps between each two outputs, their lengths, and steps before each output; begin and length of each step.

    Kept, since a training asks for the same again and again: nobody writes into these arrays.
    """
    outputs = np.frombuffer(times)
    lengths = outputs[1:] - outputs[:-1]
    counts = np.maximum(1, np.ceil(lengths / dt * (1 - 1e-12))).astype(np.int64)
    hs = lengths / counts
    out_steps = np.concatenate([[0], np.cumsum(counts)])
    all_hs = np.repeat(hs, counts)
    ts = (
        np.repeat(outputs[:-1], counts)
        + (np.arange(out_steps[-1]) - np.repeat(out_steps[:-1], counts)) * all_hs
    )
    return counts, hs, out_steps, ts[:, None], all_hs[:, None]


class ReplayGrid:
    """The steps that an adaptive solution accepted, each row its own.

    Args:
        accepted: for each step (interval, place at its begin, place at its end), all of shape (steps, batch) and
            in units of 2⁻²⁸ of the interval; rows that have ended repeat their last place.
    """

    def __init__(
        self,
        path: BrownianPath | Window,
        times: np.ndarray,
        accepted: tuple[np.ndarray, ...],
        like: torch.Tensor,
    ) -> None:
        self.path, self.times = path, times
        self.ks, self.begins, self.ends = accepted
        self.n = len(self.ks)
        reached = (self.ends == 1 << BITS) & (self.ends > self.begins)
        step, row = np.nonzero(reached)
        self.out_steps = np.zeros((len(times), self.ks.shape[1]), np.int64)
        self.out_steps[self.ks[step, row] + 1, row] = step + 1
        self._options = {"dtype": like.dtype, "device": like.device}

    def steps(self, a: int, b: int) -> Iterator[tuple[Step, Hit]]:
        """Steps a … b − 1."""
        for m in range(a, b):
            step = self._step(m)
            k, begin, end = self.ks[m], self.begins[m], self.ends[m]
            rows = np.flatnonzero((end == 1 << BITS) & (end > begin))
            hit = (torch.from_numpy(k[rows] + 1), torch.from_numpy(rows)) if len(rows) else None
            yield Step(*(torch.from_numpy(x).to(**self._options) for x in step)), hit

    def _step(self, m: int) -> Step:
        k, begin, end = self.ks[m], self.begins[m], self.ends[m]
        points = self.path.point(k, begin), self.path.point(k, end)
        return make_step(self.path, self.times, (k, begin, end), points)

    def arrays(self, a: int, b: int) -> tuple[np.ndarray, ...]:
        """t, h (steps, batch), ΔW and ΔW/2 + H (steps, batch, channels) of steps a … b − 1."""
        if isinstance(self.path, BrownianPath):
            steps = tuple(part[a:b] for part in (self.ks, self.begins, self.ends))
            found = [np.empty(steps[0].shape) for _ in range(2)]
            found += [np.empty((*steps[0].shape, self.path.channels)) for _ in range(2)]
            where = self.path.seed, self.path.first_row, self.times, self.path.lengths
            fill_replay(*where, steps, *found)
            return tuple(found)
        steps = [self._step(m) for m in range(a, b)]
        t, h, w, j = (np.stack([step[i] for step in steps]) for i in (0, 1, 3, 4))
        return t[:, :, 0], h[:, :, 0], w, j


def make_step(
    path: BrownianPath | Window, times: np.ndarray, where: tuple[Any, ...], points: tuple[Any, ...]
) -> Step:
    """The step of each row from place to place, in NumPy arrays."""
    k, begin, end = where
    (w0, i0), (w1, i1) = points
    unit = path.lengths[k] * 2.0**-BITS
    h = ((end - begin) * unit)[:, None]
    w = w1 - w0
    divisor = np.sqrt(np.where(h > 0, h, 1.0))
    j = (i1 - i0 - w0 * h) / (divisor * divisor)
    return Step((times[k] + begin * unit)[:, None], h, divisor, w, np.where(h > 0, j, 0.0))
