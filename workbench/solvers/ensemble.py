"""Ensembles: many paths of one stochastic equation on all cores, and what is asked of them: moments, quantiles, bands.

The paths are solved in blocks, by threads (what takes time is compiled and holds no lock). Path i follows row i of one
Brownian path, so it does not depend on the number of threads, nor on how often the work was stopped and taken up again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.errors import SolverOptionError
from workbench.solvers.brownian import BrownianPath
from workbench.solvers.problem import States, output_times, refuse_traced
from workbench.solvers.sde import solve_sde
from workbench.solvers.sde_steps import equation

BLOCK = 1024
"""Paths that one thread solves at a time."""


@dataclass(frozen=True)
class Ensemble:
    """Paths of one equation, and their statistics over the paths.

    Attributes:
        ts: times. Shape (times,).
        paths: shape (times, paths, state).
    """

    ts: np.ndarray
    paths: np.ndarray

    @property
    def n(self) -> int:
        """The number of paths."""
        return self.paths.shape[1]

    @property
    def mean(self) -> np.ndarray:
        """Shape (times, state)."""
        return self.paths.mean(1)

    @property
    def variance(self) -> np.ndarray:
        """Without bias: divided by n − 1. Shape (times, state)."""
        return self.paths.var(1, ddof=1)

    def quantiles(self, levels: Sequence[float]) -> np.ndarray:
        """Shape (levels, times, state)."""
        return np.quantile(self.paths, levels, axis=1)

    def band(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper edge of the ribbon that holds this share of the paths. Shapes (times, state)."""
        return band(self.paths, level)


def band(paths: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The edges of the ribbon that holds this share of paths (times, paths, state), as much left out on either side."""
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(paths, (tail, 1.0 - tail), axis=1)
    return low, high


def solve_ensemble(
    drift: Callable,
    diffusion: Callable | None,
    y0: Any,
    ts: Any,
    *,
    paths: int,
    seed: int,
    earlier: Ensemble | None = None,
    workers: int | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
    noise: str = "diagonal",
    **options: Any,
) -> Ensemble:
    """Paths of dy = drift(t, y) dt + diffusion(t, y) dW, all from one state, without derivatives.

    Args:
        drift, diffusion, ts, noise: as in ``solve_sde``; y is (batch, state), whatever y0 is.
        y0: where all paths begin: a tensor for torch functions, a list or array for NumPy ones. Shape (state,).
        paths: how many. All are kept: 8 bytes × times × paths × state.
        seed: of the Brownian paths.
        earlier: an ensemble of the same equation and seed that was stopped: only what it lacks is solved.
        workers: threads; by default as many as there are cores.
        stop: asked between two blocks of 1024 paths; where it says True, the paths solved so far are returned.
        progress: called with the share that is done.
        options: ``solve_sde``'s: method, interpretation, dt, rtol, atol, adaptive.
    Returns:
        the paths, ``paths`` of them unless stopped.
    Raises:
        SolverOptionError: options that do not go together.
        LostGradientError: a ∂P program around it differentiates by y0, ts or what the functions use.
        BlowUpError: a path is not finite at some time.
    """
    refuse_traced("solve_sde with one row for each path, which the engine differentiates", y0=y0, ts=ts)
    start = _start(y0)
    times, done = output_times(ts), 0 if earlier is None else earlier.n
    if earlier is not None and (
        not np.array_equal(earlier.ts, times) or earlier.paths.shape[2] != len(start) or done > paths
    ):
        raise SolverOptionError(
            "the earlier ensemble is not a part of this one",
            found=f"got {earlier.n} paths of {earlier.paths.shape[2]} components at {len(earlier.ts)} times",
            where="earlier",
            fix="the same equation, seed and times, and at least as many paths",
        )
    states = States(_repeated(start, 1))
    channels = equation(drift, diffusion, states, noise=noise, t0=float(times[0])).channels
    out = np.empty((len(times), paths, len(start)))
    if earlier is not None:
        out[:, :done] = earlier.paths

    def solve(a: int, b: int) -> int:
        path = BrownianPath(
            times[0], times[-1], rows=b - a, channels=channels, seed=seed, knots=times, first_row=a
        )
        with torch.no_grad():
            found = solve_sde(
                drift, diffusion, _repeated(start, b - a), times, brownian=path, noise=noise, **options
            )
        out[:, a:b] = torch.as_tensor(found.ys).numpy()
        return b - a

    for part in _in_parallel(solve, _blocks(done, paths), workers or os.cpu_count() or 1, stop):
        done += part
        if progress is not None:
            progress(done / paths)
    return Ensemble(times, out[:, :done])


def _start(y0: Any) -> Any:
    start = y0.detach() if isinstance(y0, torch.Tensor) else np.asarray(y0, dtype=float)
    if start.ndim != 1:
        raise SolverOptionError(
            "all paths of an ensemble begin in one state",
            found=f"got shape {tuple(start.shape)}, expected (state,)",
            where="y0",
        )
    return start


def _repeated(start: Any, rows: int) -> Any:
    return start.repeat(rows, 1) if isinstance(start, torch.Tensor) else np.tile(start, (rows, 1))


def _blocks(first: int, paths: int) -> Iterator[tuple[int, int]]:
    """Ranges of paths, cut at multiples of the block."""
    while first < paths:
        end = min((first // BLOCK + 1) * BLOCK, paths)
        yield first, end
        first = end


def _in_parallel(
    solve: Callable[[int, int], int], blocks: Iterator[tuple[int, int]], workers: int, stop: Callable | None
) -> Iterator[int]:
    """The sizes of the blocks in their order; none is begun once ``stop`` says so, and what was begun is ended."""
    running: dict[Future, tuple[int, int]] = {}
    with ThreadPoolExecutor(workers) as pool:
        open_ended = True
        while running or open_ended:
            while open_ended and len(running) < workers:
                block = None if stop is not None and stop() else next(blocks, None)
                open_ended = block is not None
                if block is not None:
                    running[pool.submit(solve, *block)] = block
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                a, b = running.pop(future)
                yield _result(future, a, b)


def _result(future: Future, a: int, b: int) -> int:
    try:
        return future.result()
    except Exception as error:
        error.add_note(f"Rows are counted from path {a} on: this happened among the paths {a} to {b - 1}.")
        raise
