"""Adaptive steps of a recorded equation, chosen by the compiled kernel; the same steps as without it, to rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from workbench.errors import WorkbenchError
from workbench.solvers.brownian import BrownianPath
from workbench.solvers.fused import Loop
from workbench.solvers.sde_adaptive import (
    GROW,
    SAFETY,
    SHRINK,
    Chosen,
    Tolerance,
    blow_up,
    filled_up,
    first_step,
    no_way_on,
)
from workbench.solvers.sde_steps import TableauStep
from workbench.solvers.sweep_adaptive import FULL, MANY, STUCK, sweep_adaptive

TURNS = 256
"""Tries between two reports of progress."""
CAPACITY = 64
"""Accepted steps of a row for which there is room at first."""


def choose_steps_fused(
    loop: Loop,
    stepper: TableauStep,
    path: BrownianPath,
    y0: torch.Tensor,
    *,
    tolerance: Tolerance,
    first: float | None,
    progress: Callable[[float], None] | None,
) -> Chosen:
    """What ``choose_steps`` gives, on a path whose knots are the outputs."""
    times, batch, m = path.knots, len(y0), path.channels
    h = np.full(batch, first) if first is not None else first_step(stepper, times, y0, tolerance)
    states = y0.detach().double().numpy().copy()
    counts, done = np.zeros((2, batch), np.int64), np.zeros(batch, bool)
    ks, places = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
    ys = np.empty((len(times), *states.shape))
    ys[0] = states
    before = np.zeros((batch, m)), np.zeros((batch, m))
    run = (states, np.array(h, dtype=float), ks, places, *before, counts, done, ys)
    where = path.seed, path.first_row, times, path.lengths
    log = tuple(np.zeros((CAPACITY, batch), np.int64) for _ in range(3))
    control = SAFETY, SHRINK, GROW
    limits = float(tolerance.rtol), float(tolerance.atol), float(tolerance.max_steps)
    fixed = loop.tableau, loop.used, loop.programs, *loop.packed(), loop.shape
    found = np.zeros(5)
    while not done.all():
        why = sweep_adaptive(run, where, limits, control, log, TURNS, *fixed, found)
        if why == FULL:
            log = tuple(np.concatenate([part, np.zeros_like(part)]) for part in log)
        elif why in (STUCK, MANY):
            raise _cannot_go_on(found, why, counts)
        if progress is not None:
            progress(float(np.where(done, len(times) - 1, ks).min()) / (len(times) - 1))
    accepted, rejected = counts
    steps = filled_up(tuple(part[: accepted.max()] for part in log), accepted)
    evaluations = int((accepted + rejected).max()) * stepper.evaluations
    return Chosen(accepted, rejected, evaluations, steps, torch.from_numpy(ys).to(y0.dtype))


def _cannot_go_on(found: np.ndarray, why: int, counts: np.ndarray) -> WorkbenchError:
    row, component, finite, t, h = found.tolist()
    if why == STUCK and not finite:
        return blow_up(t, int(row), int(component))
    return no_way_on(int(row), (t, h), int(counts[0, int(row)]), short=why == STUCK)
