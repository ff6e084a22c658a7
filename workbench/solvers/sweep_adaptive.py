"""The compiled choice of adaptive steps: what ``sde_adaptive.choose_steps`` does, for recorded equations.

Rows go on by themselves: in each turn all rows of a block that have not ended try one step, side by side.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from workbench.solvers.sde_adaptive import FINENESS
from workbench.solvers.sweep import BLOCK, _stages, _step_arrays, _work
from workbench.solvers.tree import BITS, _stream, _walk

_END = 1 << BITS
_UNIT = 2.0**-BITS

GOING_ON, FULL, STUCK, MANY = 0, 1, 2, 3
"""Why the kernel came back: turns used up or all done, a row's log is full, a row cannot go on, too many steps."""


@njit(inline="always")
def _next_place(place, h, length):
    """Where a step of about h ends: a place with few binary digits, or the end of the interval."""
    size = np.int64(min(max(np.round(h / length * _END), 1.0), 1.0 * _END))
    rest = _END - place
    parts = math.ceil(rest / size - 0.1)
    if parts <= 1:
        return _END
    if parts <= 2:
        size = np.int64(math.ceil(rest / parts))
    digits = np.int64(math.floor(math.log2(size))) - FINENESS
    grain = np.int64(1) << max(digits, 0)
    end = (place + size + grain // 2) // grain * grain
    return min(end if end > place else place + grain, _END)


@njit(inline="always")
def _load_try(rows, R, run, where, ends, after, step, y, shape):
    """States and steps of the active rows into columns; W and ∫W at the ends of the steps into ``after``."""
    states, hs, ks, places, w_at, i_at = run[:6]
    seed, first_row, times, lengths = where
    t, h, root, w, j, x11, x111 = step
    D, m = shape[0], shape[1]
    for a in range(R):
        row = rows[a]
        k, place = ks[row], places[row]
        length = lengths[k]
        end = _next_place(place, hs[row], length)
        ends[a] = end
        h[a] = (end - place) * (length * _UNIT)
        t[a] = times[k] + place * (length * _UNIT)
        root[a] = math.sqrt(h[a])
        for d in range(D):
            y[d * R + a] = states[row, d]
        for c in range(m):
            w1, i1 = _walk(_stream(seed, k, first_row + row, c), length, end)
            after[0, a, c], after[1, a, c] = w1, i1
            b = w1 - w_at[row, c]
            w[c * R + a] = b
            j[c * R + a] = (i1 - i_at[row, c] - w_at[row, c] * h[a]) / h[a]
            x11[c * R + a] = (b * b - h[a]) / (2.0 * root[a])
            x111[c * R + a] = b * (b * b - 3.0 * h[a]) / (6.0 * h[a])


@njit(inline="always")
def _ends_and_errors(y, new, ratio, work, step, tableau, tolerance, shape, R):
    """The new states, and the error of each row over its tolerance."""
    _, h, _, w, jj, x11, x111 = step
    alpha, beta, fs, gs = tableau[6], tableau[7], work[2], work[3]
    rtol, atol = tolerance[0], tolerance[1]
    D, m = shape[0], shape[1]
    for a in range(R):
        total, finite = 0.0, True
        for d in range(D):
            o = (d if m > 1 else 0) * R + a
            at = d * R + a
            change, error = 0.0, -h[a] * fs[0, at]
            for i in range(len(alpha)):
                drift = alpha[i] * h[a] * fs[i, at]
                low = (beta[0, i] * w[o] + beta[1, i] * x11[o]) * gs[i, at]
                high = (beta[2, i] * jj[o] + beta[3, i] * x111[o]) * gs[i, at]
                change += drift + low + high
                error += drift + high
            new[at] = y[at] + change
            finite = finite and math.isfinite(new[at])
            total += (error / (atol + rtol * max(abs(y[at]), abs(new[at])))) ** 2
        found = math.sqrt(total / D)
        ratio[a] = found if finite and math.isfinite(found) else np.inf


@njit(inline="always")
def _settle(a, row, R, run, times, ends, after, new, ratio, step, log, control, shape):
    """Accept or reject the step of a row, and choose its next length."""
    states, hs, ks, places, w_at, i_at, counts, done, ys = run
    k, place, end, taken = ks[row], places[row], ends[a], step[1][a]
    safety, shrink, grow = control
    factor = min(max(safety * ratio[a] ** (-2.0 / 3.0), shrink), grow) if ratio[a] > 0.0 else grow
    if ratio[a] > 1.0:
        counts[1, row] += 1
        hs[row] = taken * (min(factor, 0.5) if end - place <= 1 << FINENESS else factor)
        return
    log[0][counts[0, row], row], log[1][counts[0, row], row], log[2][counts[0, row], row] = k, place, end
    counts[0, row] += 1
    hs[row] = max(factor * taken, hs[row] if end == _END else 0.0)
    for d in range(shape[0]):
        states[row, d] = new[d * R + a]
    for c in range(shape[1]):
        w_at[row, c], i_at[row, c] = after[0, a, c], after[1, a, c]
    places[row] = end
    if end < _END:
        return
    for d in range(shape[0]):
        ys[k + 1, row, d] = states[row, d]
    if k == len(times) - 2:
        done[row] = True
        return
    ks[row], places[row] = k + 1, 0
    for c in range(shape[1]):
        w_at[row, c], i_at[row, c] = 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def sweep_adaptive(
    run, where, tolerance, control, log, turns, tableau, used, programs, constants, parameters, shape, found
):
    """Let every row try up to ``turns`` steps.

    Args:
        run: states (batch, state), next lengths, intervals, places (batch,), W and ∫W since the interval's begin
            (batch, channels), accepted and rejected (2, batch), done (batch,), outputs (times, batch, state).
        where: seed, first row, times, lengths of the intervals.
        tolerance: rtol, atol, most steps.
        control: safety, and the least and the largest factor between two steps.
        log: interval, begin and end of the accepted steps, each (capacity, batch).
        found: of a row that cannot go on: row, component, whether its state is finite; t and h. Shape (5,).
    """
    states, counts, done = run[0], run[6], run[7]
    batch, capacity, D = states.shape[0], log[0].shape[0], shape[0]
    rows, ends = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    after, ratio = np.empty((2, BLOCK, shape[1])), np.empty(BLOCK)
    full = False
    for first in range(0, batch, BLOCK):
        R = -1
        work, step = _work(len(tableau[6]), shape, 1, constants), _step_arrays(shape[1], 1)
        y, new = np.empty(D), np.empty(D)
        for _ in range(turns):
            n = 0
            for row in range(first, min(first + BLOCK, batch)):
                if not done[row]:
                    if counts[0, row] == capacity:
                        full = True
                        continue
                    rows[n] = row
                    n += 1
            if n == 0:
                break
            if n != R:
                R = n
                work, step = _work(len(tableau[6]), shape, R, constants), _step_arrays(shape[1], R)
                y, new = np.empty(D * R), np.empty(D * R)
            _load_try(rows, R, run, where, ends, after, step, y, shape)
            _stages(y, step, tableau, used, programs, work, parameters, shape, R)
            _ends_and_errors(y, new, ratio, work, step, tableau, tolerance, shape, R)
            for a in range(R):
                row, size = rows[a], ends[a] - run[3][rows[a]]
                _settle(a, row, R, run, where[2], ends, after, new, ratio, step, log, control, shape)
                stuck = ratio[a] > 1.0 and size <= 1
                if stuck or (counts[0, row] + counts[1, row] > tolerance[2] and not done[row]):
                    bad = 0
                    while bad < D - 1 and math.isfinite(new[bad * R + a]):
                        bad += 1
                    found[0], found[1], found[2] = row, bad, 1.0 if math.isfinite(ratio[a]) else 0.0
                    found[3], found[4] = step[0][a], step[1][a]
                    return STUCK if stuck else MANY
    return FULL if full else GOING_ON
