"""Brownian paths that are functions of time, drawn from a seed and known nowhere until they are asked for.

Over an interval of length h the path is described by its increment W and its space-time Lévy area
H = (1/h) ∫ (W_u − (u/h) W) du, independent normals of variance h and h/12. An interval is halved by

    W₁ = W/2 + X,  W₂ = W/2 − X,  X = (3/2) H + (√h/4) Z₁
    H₁ = (2H − X + D)/2,  H₂ = (2H − X − D)/2,  D = √(h/12) Z₂

with independent standard normals Z₁, Z₂ that belong to the interval: they are hashed from the seed, the row, the
channel and the interval's place in the tree of halvings. So the same seed gives the same path whatever is asked, in
whatever order, and a step that is rejected leaves no trace: the shorter step sees the bridge of what was there.

Times between two knots are told apart down to 2⁻²⁸ of the distance of the knots.

Source: J. Foster, T. Lyons, H. Oberhauser, An optimal polynomial approximation of Brownian motion, 2020,
doi:10.1137/19M1261912 (the halving); J. Gaines, T. Lyons, Variable step size control in the numerical solution of
stochastic differential equations, 1997, doi:10.1137/S0036139995286515 (the tree).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from workbench.errors import SolverOptionError
from workbench.solvers import tree
from workbench.solvers.problem import refuse_traced

BITS = tree.BITS
THREADED = 20_000
"""Rows × channels × values from which the tree is read by several threads."""


class BrownianPath:
    """Independent Brownian paths on [t0, t1], one for each row and channel.

    Args:
        t0, t1: first and last time.
        rows: number of independent paths, the batch.
        channels: dimension of the Brownian motion.
        seed: an integer. Equal seeds give equal paths; row r is the same in every batch.
        knots: times from t0 to t1 between which the path is halved. Values at knots are had at once, others take
            one halving for every binary digit. By default only t0 and t1.
        first_row: number of the first row, for a batch that is solved in parts.
    Raises:
        SolverOptionError: the times do not increase.

    Facts: exact at every dyadic fraction of the distance between knots; elsewhere the time is rounded to one.
    """

    def __init__(
        self,
        t0: float,
        t1: float,
        *,
        rows: int,
        channels: int,
        seed: int,
        knots: Sequence[float] | None = None,
        first_row: int = 0,
    ) -> None:
        times = np.array([t0, t1] if knots is None else knots, dtype=float)
        self.knots, self.lengths = times, times[1:] - times[:-1]
        if not (self.lengths > 0).all() or times[0] != t0 or times[-1] != t1:
            raise SolverOptionError(
                "the knots of a Brownian path must increase from t0 to t1",
                found=f"got {times.tolist()[:8]} for [{t0}, {t1}]",
                where="knots",
            )
        self.rows, self.channels, self.first_row = int(rows), int(channels), int(first_row)
        self.seed = int(seed) & (2**64 - 1)
        self._at_knots: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, t: Any) -> torch.Tensor:
        """The values at time t, with W(t0) = 0. Shape (rows, channels), or (times, rows, channels) for several t."""
        refuse_traced("a Brownian path has no derivative by time", t=t)
        times = np.asarray(t, dtype=float)
        if times.ndim:
            return torch.stack([self(time) for time in times.tolist()])
        return torch.from_numpy(self.primitive(times)[0])

    def increment(self, s: float, t: float) -> tuple[torch.Tensor, torch.Tensor]:
        """W(t) − W(s) and the space-time Lévy area H of [s, t], each of shape (rows, channels)."""
        w, area = _between(self.primitive(s), self.primitive(t), t - s)
        return torch.from_numpy(w), torch.from_numpy(area)

    def primitive(self, t: Any) -> tuple[np.ndarray, np.ndarray]:
        """W(t) and ∫ W du from t0 to t, each (rows, channels), for one time or one for each row."""
        ks, places = self._place(np.broadcast_to(np.asarray(t, float), (self.rows,)))
        at_knots, integrals = self._values()
        w, integral = self.point(ks, places)
        rows = np.arange(self.rows)
        w0, since = at_knots[ks, rows], (places * 2.0**-BITS * self.lengths[ks])[:, None]
        return w0 + w, integrals[ks, rows] + integral + w0 * since

    # ------------------------------------------------------------------------------------ for the solvers

    def root(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """W and H over the whole of interval k between knots, each (rows, channels)."""
        w, h = self.cells(k, 0, (0, 1))
        return w[0], h[0]

    def cells(self, k: int, level: int, cells: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """W and H of the cells first … last − 1 of interval k cut into 2^level, each (cells, rows, channels).

        A range of several cells must be aligned: their number a power of two that divides the first.
        """
        first, count = cells[0], cells[1] - cells[0]
        shape = (count, self.rows, self.channels)
        w, h = np.empty(shape), np.empty(shape)
        depth = count.bit_length() - 1

        def fill(a: int, b: int) -> None:
            where = (self.seed, k, self.first_row + a, self.lengths[k])
            tree.fill_cells(*where, level - depth, first >> depth, w[:, a:b], h[:, a:b])

        self._in_parts(fill, count)
        return w, h

    def grid(self, k: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and H between consecutive places (in units of 2⁻²⁸) of interval k, each (places − 1, rows, channels)."""
        shape = (len(places) - 1, self.rows, self.channels)
        w, h = np.empty(shape), np.empty(shape)

        def fill(a: int, b: int) -> None:
            where = (self.seed, k, self.first_row + a, self.lengths[k])
            tree.fill_grid(*where, places, w[:, a:b], h[:, a:b])

        self._in_parts(fill, 8 * shape[0])
        return w, h

    def point(self, ks: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and ∫W du from the left end of an interval to a place in it, both of which each row has its own."""
        w, integral = np.empty((self.rows, self.channels)), np.empty((self.rows, self.channels))
        tree.fill_points(self.seed, self.first_row, ks, places, self.lengths, w, integral)
        return w, integral

    def _in_parts(self, fill: Any, weight: int) -> None:
        """Run ``fill`` over all rows, in as many threads as torch has."""
        threads = torch.get_num_threads()
        if threads == 1 or self.rows * self.channels * weight < THREADED or self.rows < threads:
            return fill(0, self.rows)
        edges = np.linspace(0, self.rows, threads + 1).astype(int).tolist()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, edges[:-1], edges[1:]))
        return None

    def noise(self, k: int, steps: tuple[int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
        """W and H in some of the ``count`` equal steps of interval k, each (steps, rows, channels).

        If ``count`` is a power of two, the steps must be a cell of the tree (see ``cells``).
        """
        if count & (count - 1) == 0:
            return self.cells(k, count.bit_length() - 1, steps)
        return self.grid(k, np.round(np.arange(steps[0], steps[1] + 1) / count * 2**BITS).astype(np.int64))

    def all_noise(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and H in the equal steps of all intervals, each (steps, rows, channels)."""
        shape = (int(counts.sum()), self.rows, self.channels)
        w, h = np.empty(shape), np.empty(shape)

        def fill(a: int, b: int) -> None:
            where = (self.seed, self.first_row + a, self.lengths)
            tree.fill_steps(*where, counts, w[:, a:b], h[:, a:b])

        self._in_parts(fill, shape[0])
        return w, h

    def _place(self, ts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The intervals of some times and the places in them, in units of 2⁻²⁸."""
        if not np.all((self.knots[0] <= ts) & (ts <= self.knots[-1])):
            raise SolverOptionError(
                "a Brownian path was asked for a time outside of its own",
                found=f"got {ts.min()} to {ts.max()}, expected {self.knots[0]} to {self.knots[-1]}",
                where="t",
            )
        ks = np.minimum(np.searchsorted(self.knots, ts, side="right") - 1, len(self.lengths) - 1)
        return ks, np.round((ts - self.knots[ks]) / self.lengths[ks] * 2**BITS).astype(np.int64)

    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """W and ∫ W du at the knots, each (knots, rows, channels)."""
        if self._at_knots is None:
            shape = (len(self.knots), self.rows, self.channels)
            values, integrals = np.zeros(shape), np.zeros(shape)
            for k, length in enumerate(self.lengths):
                w, area = self.root(k)
                values[k + 1] = values[k] + w
                integrals[k + 1] = integrals[k] + length * (values[k] + w / 2 + area)
            self._at_knots = values, integrals
        return self._at_knots


class Window:
    """A Brownian path as the solvers see it, with other knots than its own."""

    def __init__(self, path: BrownianPath, knots: np.ndarray) -> None:
        self.path, self.knots, self.lengths = path, knots, np.diff(knots)
        self.rows, self.channels = path.rows, path.channels

    def point(self, ks: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and ∫W du from the left end of an interval to a place in it, both of which each row has its own."""
        since = places * 2.0**-BITS * self.lengths[ks]
        (w0, i0), (w1, i1) = (self.path.primitive(t) for t in (self.knots[ks], self.knots[ks] + since))
        return w1 - w0, i1 - i0 - w0 * since[:, None]

    def noise(self, k: int, steps: tuple[int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
        """W and H in some of the ``count`` equal steps of interval k, each (steps, rows, channels)."""
        edges = self.knots[k] + self.lengths[k] * np.arange(steps[0], steps[1] + 1) / count
        points = [self.path.primitive(t) for t in edges]
        pairs = [
            _between(p, q, t - s)
            for p, q, s, t in zip(points[:-1], points[1:], edges[:-1], edges[1:], strict=True)
        ]
        return np.stack([w for w, _ in pairs]), np.stack([h for _, h in pairs])

    def all_noise(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and H in the equal steps of all intervals, each (steps, rows, channels)."""
        parts = [self.noise(k, (0, count), count) for k, count in enumerate(counts.tolist())]
        return np.concatenate([w for w, _ in parts]), np.concatenate([h for _, h in parts])


def _between(
    begin: tuple[np.ndarray, np.ndarray], end: tuple[np.ndarray, np.ndarray], h: float
) -> tuple[np.ndarray, np.ndarray]:
    """ΔW and H from (W, ∫W) at both ends."""
    w = end[0] - begin[0]
    return w, (end[1] - begin[1] - begin[0] * h) / h - w / 2
