"""Adaptive steps for stochastic equations: each row chooses its own by its own embedded error.

A step that is rejected is replaced by a shorter one on the same Brownian path, which is a function of time and
knows nothing of the steps: what the rejected step has seen of the future stays true. Steps end at dyadic fractions
of the interval between two outputs, where the path is exact, and at the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from workbench.errors import BlowUpError, StepLimitError
from workbench.solvers.brownian import BITS, BrownianPath, Window
from workbench.solvers.sde_grid import make_step
from workbench.solvers.sde_steps import Step, TableauStep

SAFETY, SHRINK, GROW = 0.8, 0.2, 1.25
"""Steps grow slowly: the error of a stochastic step is noisy, and a lucky one says little about the next."""
FINENESS = 4
"""Binary digits to which the length of a step is kept."""

_END = 1 << BITS


@dataclass(frozen=True)
class Tolerance:
    """What the error of a step is measured with, and the most steps a row may take."""

    rtol: float
    atol: float
    max_steps: int = 100_000


@dataclass(frozen=True)
class Chosen:
    """The steps that were chosen, and where they led.

    Attributes:
        accepted, rejected: counts for each row.
        evaluations: of the drift.
        steps: (interval, begin, end) of the m-th accepted step of every row side by side, each (steps, batch).
        ys: the states at the outputs. Shape (times, batch, state).
    """

    accepted: np.ndarray
    rejected: np.ndarray
    evaluations: int
    steps: tuple[np.ndarray, ...]
    ys: torch.Tensor


@dataclass
class Accepted:
    """The steps accepted so far, and the counts for the statistics."""

    accepted: np.ndarray
    rejected: np.ndarray
    evaluations: int = 0
    tries: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def compressed(self) -> tuple[np.ndarray, ...]:
        """The m-th accepted step of every row side by side; a row that has ended stays at its end."""
        batch, steps = len(self.accepted), int(self.accepted.max())
        result = tuple(np.zeros((steps, batch), np.int64) for _ in range(3))
        filled = np.zeros(batch, np.int64)
        for ok, *values in self.tries:
            rows = np.flatnonzero(ok)
            for target, value in zip(result, values, strict=True):
                target[filled[rows], rows] = value[rows]
            filled[rows] += 1
        return filled_up(result, self.accepted)


def filled_up(steps: tuple[np.ndarray, ...], accepted: np.ndarray) -> tuple[np.ndarray, ...]:
    """The steps, where a row that has ended stays at its end."""
    for row in np.flatnonzero(accepted < len(steps[0])).tolist():
        last = accepted[row]
        steps[0][last:, row] = steps[0][last - 1, row]
        steps[1][last:, row] = steps[2][last:, row] = _END
    return steps


def choose_steps(
    stepper: TableauStep,
    path: BrownianPath | Window,
    times: np.ndarray,
    y0: torch.Tensor,
    *,
    tolerance: Tolerance,
    first: float | None,
    progress: Callable[[float], None] | None,
) -> Chosen:
    """Solve once without derivatives.

    Raises:
        StepLimitError: a row needs steps below the resolution of the path, or too many.
        BlowUpError: a state is not finite however short the step.
    """
    batch, last = len(y0), len(times) - 1
    ys = torch.empty((last + 1, *y0.shape), dtype=y0.dtype, device=y0.device)
    ys[0] = y0
    log = Accepted(np.zeros(batch, np.int64), np.zeros(batch, np.int64))
    k, place = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
    zero = np.zeros((batch, path.channels))
    before: tuple[np.ndarray, np.ndarray] = (zero, zero)
    h = np.full(batch, first if first is not None else first_step(stepper, times, y0, tolerance))
    state, done = stepper.start(torch.tensor(times[0]), y0), np.zeros(batch, bool)
    while not done.all():
        end = np.where(done, place, _end(place, h, path.lengths[k]))
        after = path.point(k, end)
        arrays = make_step(path, times, (k, place, end), (before, after))
        step = Step(*(torch.from_numpy(x).to(y0.device, y0.dtype) for x in arrays))
        new, error = stepper.with_error(state, step)
        log.evaluations += stepper.evaluations
        ratio = _ratio(error, state[0], new[0], tolerance)
        ok = (ratio <= 1.0) & ~done
        log.tries.append((ok, k.copy(), place, end))
        log.accepted += ok
        log.rejected += ~ok & ~done
        taken = arrays.h[:, 0]
        _check_going_on(stepper, (state, new), (ratio, ok, done), (end - place, arrays), log, tolerance)
        with np.errstate(divide="ignore"):
            factor = np.clip(SAFETY * ratio ** (-2.0 / 3.0), SHRINK, GROW)
        # of the shortest steps nothing less than half is another number of places
        factor = np.where(~ok & (end - place <= 1 << FINENESS), np.minimum(factor, 0.5), factor)
        # a step cut short by an output says nothing against the longer one before it
        h = np.where(
            done, h, np.where(ok, np.maximum(factor * taken, np.where(end == _END, h, 0.0)), factor * taken)
        )
        mask = torch.from_numpy(ok)[:, None].to(y0.device)
        state = tuple(torch.where(mask, b, a) for a, b in zip(state, new, strict=True))
        place = np.where(ok, end, place)
        before = tuple(np.where(ok[:, None], b, a) for a, b in zip(before, after, strict=True))
        arrived = ok & (place == _END)
        if arrived.any():
            rows = np.flatnonzero(arrived)
            ys[k[rows] + 1, rows] = state[0][rows]
            done = done | (arrived & (k == last - 1))
            onwards = arrived & ~done
            k, place = np.where(onwards, k + 1, k), np.where(onwards, 0, place)
            before = tuple(np.where(onwards[:, None], 0.0, x) for x in before)
            if progress is not None:
                progress(float(np.where(done, last, k).min()) / last)
    return Chosen(log.accepted, log.rejected, log.evaluations, log.compressed(), ys)


def _end(place: np.ndarray, h: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Where a step of about h ends: a place with few binary digits, or the end of the interval."""
    size = np.clip(np.round(h / length * 2.0**BITS), 1, _END).astype(np.int64)
    rest = _END - place
    parts = np.ceil(rest / size - 0.1)
    size = np.where(parts <= 2, np.ceil(rest / np.maximum(parts, 1)).astype(np.int64), size)
    size = np.maximum(size, 1)
    grain = np.maximum(1, 1 << np.maximum(np.floor(np.log2(size)).astype(np.int64) - FINENESS, 0))
    end = (place + size + grain // 2) // grain * grain
    return np.minimum(np.where(parts <= 1, _END, np.where(end <= place, place + grain, end)), _END)


def _ratio(error: torch.Tensor, y0: torch.Tensor, y1: torch.Tensor, tolerance: Tolerance) -> np.ndarray:
    """The error of each row over its tolerance, root mean square over the state; infinite if it is not finite."""
    scale = tolerance.atol + tolerance.rtol * torch.maximum(y0.abs(), y1.abs())
    ratio = (error / scale).square().mean(1).sqrt() + 0.0 * y1.sum(1)
    return torch.where(torch.isfinite(ratio), ratio, torch.inf).double().cpu().numpy()


def first_step(stepper: TableauStep, times: np.ndarray, y0: torch.Tensor, tolerance: Tolerance) -> Any:
    """A first step for each row: so short that neither drift nor diffusion moves the state by much.

    Source: the idea of E. Hairer, S. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, II.4, with the
    diffusion's √h beside the drift's h.
    """
    scale = tolerance.atol + tolerance.rtol * y0.abs()
    f, g = stepper.eq.both(torch.tensor(times[0], dtype=y0.dtype, device=y0.device), y0)
    g = g.square().sum(-1).sqrt() if stepper.eq.matrix else g
    small = 1e-30
    by_drift = 0.1 * (y0.abs() + scale).div(f.abs() + small).amin(1)
    by_noise = (0.3 * (y0.abs() + scale).div(g.abs() + small).amin(1)).square()
    span = times[-1] - times[0]
    return torch.minimum(by_drift, by_noise).clamp(1e-6 * span, 0.1 * span).double().cpu().numpy()


def _check_going_on(
    stepper: TableauStep, states: tuple, verdict: tuple, step: tuple, log: Accepted, tolerance: Tolerance
) -> None:
    """Stop when a row cannot be solved, saying which and when."""
    ratio, ok, done = verdict
    size, arrays = step
    stuck = np.flatnonzero(~ok & ~done & (size <= 1))
    many = np.flatnonzero((log.accepted + log.rejected > tolerance.max_steps) & ~done)
    if not len(stuck) and not len(many):
        return
    row = int((stuck if len(stuck) else many)[0])
    t = float(arrays.t[row, 0])
    if len(stuck) and not np.isfinite(ratio[row]):
        component = int((~torch.isfinite(states[1][0][row])).nonzero()[0]) if len(stuck) else 0
        raise blow_up(t, row, component)
    raise no_way_on(row, (t, float(arrays.h[row, 0])), int(log.accepted[row]), short=bool(len(stuck)))


def no_way_on(row: int, at: tuple[float, float], accepted: int, *, short: bool) -> StepLimitError:
    """The error of a row whose steps, of length h at time t, are too short or too many."""
    t, h = at
    return StepLimitError(
        f"the steps of row {row} became too {'short' if short else 'many'} at t = {t:.6g}",
        found=f"got a step of {h:.3g} after {accepted} accepted ones",
        where=f"row {row}, t = {t:.6g}",
        fix="loosen rtol and atol, or look for a singular or stiff equation there",
    )


def blow_up(t: float, row: int, component: int) -> BlowUpError:
    """The error of a state that is no longer finite."""
    return BlowUpError(
        f"the solution is not finite at t = {t:.6g}",
        found=f"got NaN or infinity in component {component} of row {row}",
        where=f"t = {t:.6g}, component {component}, row {row}",
        fix="take shorter steps (dt, rtol, atol), or check the equation: it may explode in finite time",
    )
