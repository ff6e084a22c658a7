"""The compiled time loop of a stochastic tableau: all steps forwards, and all of them backwards, in blocks of rows.

Within a block of R rows everything stands column after column, as in ``machine``. The backward sweep keeps only the
states between the steps; the stages of a step are computed again when the sweep comes to it.

A tableau is the tuple (a0, a1, b0, b1, w0, w1, α, β, c0, c1) of arrays; ``shape`` holds the integers

    state · channels · columns · constants · result of the drift · result of the diffusion · shared · additive

where shared says that one program computes both, and additive that the diffusion is taken at the state of the step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workbench.solvers.machine import run_back, run_program

BLOCK = 128
"""Rows that are solved together: enough for vector instructions, few enough for the cache."""

_FAST = {"contract"}


@njit(inline="always")
def _load(source, rows, columns, target):
    """Rows of (rows, columns) into column order."""
    R = rows[1] - rows[0]
    for c in range(columns):
        for r in range(R):
            target[c * R + r] = source[rows[0] + r, c]


@njit(inline="always")
def _load_step(k, rows, noise, shape, step):
    """h, √h (1 where h = 0), ΔW, I₁₀/h, I₁₁/√h and I₁₁₁/h of a step, in column order; and the time."""
    ts, hs, ws, js = noise
    t, h, root, w, j, x11, x111 = step
    R, m = rows[1] - rows[0], shape[1]
    for r in range(R):
        h[r] = hs[k, rows[0] + r] if hs.shape[1] > 1 else hs[k, 0]
        t[r] = ts[k, rows[0] + r] if ts.shape[1] > 1 else ts[k, 0]
        root[r] = np.sqrt(h[r]) if h[r] > 0.0 else 1.0
    for c in range(m):
        for r in range(R):
            a = ws[k, rows[0] + r, c]
            w[c * R + r] = a
            j[c * R + r] = js[k, rows[0] + r, c]
            x11[c * R + r] = (a * a - h[r]) / (2.0 * root[r])
            x111[c * R + r] = a * (a * a - 3.0 * h[r]) / (6.0 * root[r] * root[r])


@njit(inline="always")
def _shift(target, y, i, fs, gs, drift, area, wiener, rooted, step, shape, R):
    """target = y + Σ_j<i (drift h f_j + (area J + wiener ΔW + rooted √h) g_j)."""
    _, h, root, w, jj, _, _ = step
    D, m = shape[0], shape[1]
    for d in range(D):
        x, z = target[d * R : (d + 1) * R], y[d * R : (d + 1) * R]
        c = d if m > 1 else 0
        wc, jc = w[c * R : (c + 1) * R], jj[c * R : (c + 1) * R]
        for r in range(R):
            x[r] = z[r]
        for s in range(i):
            a, b, q, e = drift[i, s], area[i, s], wiener[i, s], rooted[i, s]
            if a != 0.0:
                f = fs[s, d * R : (d + 1) * R]
                for r in range(R):
                    x[r] += a * h[r] * f[r]
            if b != 0.0 or q != 0.0 or e != 0.0:
                g = gs[s, d * R : (d + 1) * R]
                for r in range(R):
                    x[r] += (b * jc[r] + q * wc[r] + e * root[r]) * g[r]


@njit(inline="always")
def _enter(values, state, t, c, h, shape, R):
    """Time and state into the columns of a program."""
    first = shape[3] * R
    for r in range(R):
        values[first + r] = t[r] + c * h[r]
    for i in range(shape[0] * R):
        values[first + R + i] = state[i]


@njit(inline="always")
def _take(values, column, target, n):
    for i in range(n):
        target[i] = values[column + i]


@njit(error_model="numpy", fastmath=_FAST)
def _stages(y, step, tableau, used, programs, work, parameters, shape, R):
    """The drifts fs and diffusions gs of all stages, and in values_f, values_g how they came about."""
    a0, a1, b0, b1, w0, w1, _, _, c0, c1 = tableau
    program_f, program_g = programs
    values_f, values_g, fs, gs, at, zero = work
    t, h = step[0], step[1]
    n = shape[0] * R
    for i in range(len(c0)):
        if used[0, i] or shape[6]:
            _shift(at, y, i, fs, gs, a0, b0, w0, zero, step, shape, R)
            _enter(values_f[i], at, t, c0[i], h, shape, R)
            run_program(program_f, values_f[i], parameters, R)
            _take(values_f[i], shape[4] * R, fs[i], n)
            if shape[6]:
                _take(values_f[i], shape[5] * R, gs[i], n)
                continue
        if used[1, i]:
            if shape[7]:
                _enter(values_g[i], y, t, c1[i], h, shape, R)
            else:
                _shift(at, y, i, fs, gs, a1, zero, w1, b1, step, shape, R)
                _enter(values_g[i], at, t, c1[i], h, shape, R)
            run_program(program_g, values_g[i], parameters, R)
            _take(values_g[i], shape[5] * R, gs[i], n)


@njit(inline="always")
def _add_up(y, fs, gs, step, tableau, shape, R):
    """y += h Σ α f + Σ (β¹ ΔW + β² I₁₁/√h + β³ I₁₀/h + β⁴ I₁₁₁/h) g."""
    alpha, beta = tableau[6], tableau[7]
    _, h, _, w, jj, x11, x111 = step
    D, m = shape[0], shape[1]
    for d in range(D):
        x = y[d * R : (d + 1) * R]
        o = (d if m > 1 else 0) * R
        for i in range(len(alpha)):
            a = alpha[i]
            if a != 0.0:
                f = fs[i, d * R : (d + 1) * R]
                for r in range(R):
                    x[r] += a * h[r] * f[r]
            p, q, u, v = beta[0, i], beta[1, i], beta[2, i], beta[3, i]
            if p != 0.0 or q != 0.0 or u != 0.0 or v != 0.0:
                g = gs[i, d * R : (d + 1) * R]
                for r in range(R):
                    x[r] += (p * w[o + r] + q * x11[o + r] + u * jj[o + r] + v * x111[o + r]) * g[r]


@njit(inline="always")
def _work(stages, shape, R, constants):
    """Working arrays for a block, the constants in their columns."""
    D, columns = shape[0], shape[2]
    values_f = np.zeros((stages, columns * R))
    values_g = np.zeros((stages if not shape[6] else 1, columns * R))
    for i in range(stages):
        for c in range(shape[3]):
            values_f[i, c * R : (c + 1) * R] = constants[c]
            if not shape[6]:
                values_g[i, c * R : (c + 1) * R] = constants[c]
    fs, gs, at = np.zeros((stages, D * R)), np.zeros((stages, D * R)), np.empty(D * R)
    return (
        values_f,
        values_g,
        fs,
        gs,
        at,
        np.zeros((stages, stages)),
    )


@njit(inline="always")
def _step_arrays(m, R):
    return (
        np.empty(R),
        np.empty(R),
        np.empty(R),
        np.empty(m * R),
        np.empty(m * R),
        np.empty(m * R),
        np.empty(m * R),
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def sweep_forward(states, noise, tableau, used, programs, constants, parameters, shape):
    """Fill states (steps + 1, batch, state) from its first on."""
    steps, batch, D = states.shape[0] - 1, states.shape[1], states.shape[2]
    stages = len(tableau[6])
    for first in range(0, batch, BLOCK):
        rows = (first, min(first + BLOCK, batch))
        R = rows[1] - rows[0]
        work = _work(stages, shape, R, constants)
        step, y = _step_arrays(shape[1], R), np.empty(D * R)
        _load(states[0], rows, D, y)
        for k in range(steps):
            _load_step(k, rows, noise, shape, step)
            _stages(y, step, tableau, used, programs, work, parameters, shape, R)
            _add_up(y, work[2], work[3], step, tableau, shape, R)
            for d in range(D):
                for r in range(R):
                    states[k + 1, rows[0] + r, d] = y[d * R + r]


@njit(inline="always")
def _shift_back(bar, i, y_bar, f_bars, g_bars, drift, area, wiener, rooted, step, shape, R):
    """The cotangent of a stage's state goes to y and to the stages before."""
    _, h, root, w, jj, _, _ = step
    D, m = shape[0], shape[1]
    for d in range(D):
        b_ = bar[d * R : (d + 1) * R]
        o = (d if m > 1 else 0) * R
        total = y_bar[d * R : (d + 1) * R]
        for r in range(R):
            total[r] += b_[r]
        for s in range(i):
            a, b, q, e = drift[i, s], area[i, s], wiener[i, s], rooted[i, s]
            if a != 0.0:
                f = f_bars[s, d * R : (d + 1) * R]
                for r in range(R):
                    f[r] += a * h[r] * b_[r]
            if b != 0.0 or q != 0.0 or e != 0.0:
                g = g_bars[s, d * R : (d + 1) * R]
                for r in range(R):
                    g[r] += (b * jj[o + r] + q * w[o + r] + e * root[r]) * b_[r]


@njit(inline="always")
def _seed_bars(y_bar, f_bars, g_bars, step, tableau, shape, R):
    """The cotangents of the drifts and diffusions from that of the new state."""
    alpha, beta = tableau[6], tableau[7]
    _, h, _, w, jj, x11, x111 = step
    D, m = shape[0], shape[1]
    for i in range(len(alpha)):
        a = alpha[i]
        p, q, u, v = beta[0, i], beta[1, i], beta[2, i], beta[3, i]
        for d in range(D):
            o = (d if m > 1 else 0) * R
            for r in range(R):
                bar = y_bar[d * R + r]
                f_bars[i, d * R + r] = a * h[r] * bar
                g_bars[i, d * R + r] = (p * w[o + r] + q * x11[o + r] + u * jj[o + r] + v * x111[o + r]) * bar


@njit(inline="always")
def _program_back(program, values, bars, seeds, parameters, parameters_bar, shape, R):
    """Cotangents of a program's results to those of its columns; the constants' are added up."""
    n = shape[0] * R
    bars[shape[3] * R :] = 0.0
    for column, seed in seeds:
        for i in range(n):
            bars[column * R + i] += seed[i]
    run_back(program, values, bars, parameters, parameters_bar, R)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def sweep_back(
    states,
    states_bar,
    noise,
    tableau,
    used,
    programs,
    constants,
    parameters,
    shape,
    constants_bar,
    parameters_bar,
):
    """Turn states_bar[0] into the cotangent of the first state, and add up those of constants and parameters."""
    a0, a1, b0, b1, w0, w1, _, _, _, _ = tableau
    program_f, program_g = programs
    steps, batch, D = states.shape[0] - 1, states.shape[1], states.shape[2]
    stages = len(tableau[6])
    for first in range(0, batch, BLOCK):
        rows = (first, min(first + BLOCK, batch))
        R = rows[1] - rows[0]
        n = D * R
        work = _work(stages, shape, R, constants)
        values_f, values_g, zero = work[0], work[1], work[5]
        step, y, y_bar = _step_arrays(shape[1], R), np.empty(n), np.empty(n)
        f_bars, g_bars = np.zeros((stages, n)), np.zeros((stages, n))
        bars = np.zeros(shape[2] * R)
        at = (shape[3] + 1) * R
        _load(states_bar[steps], rows, D, y_bar)
        for k in range(steps - 1, -1, -1):
            _load(states[k], rows, D, y)
            _load_step(k, rows, noise, shape, step)
            _stages(y, step, tableau, used, programs, work, parameters, shape, R)
            _seed_bars(y_bar, f_bars, g_bars, step, tableau, shape, R)
            for i in range(stages - 1, -1, -1):
                if shape[6]:
                    seeds = ((shape[4], f_bars[i]), (shape[5], g_bars[i]))
                    _program_back(program_f, values_f[i], bars, seeds, parameters, parameters_bar, shape, R)
                    _shift_back(bars[at : at + n], i, y_bar, f_bars, g_bars, a0, b0, w0, zero, step, shape, R)
                    continue
                if used[1, i]:
                    _program_back(
                        program_g,
                        values_g[i],
                        bars,
                        ((shape[5], g_bars[i]),),
                        parameters,
                        parameters_bar,
                        shape,
                        R,
                    )
                    last = 0 if shape[7] else i
                    _shift_back(
                        bars[at : at + n], last, y_bar, f_bars, g_bars, a1, zero, w1, b1, step, shape, R
                    )
                if used[0, i]:
                    _program_back(
                        program_f,
                        values_f[i],
                        bars,
                        ((shape[4], f_bars[i]),),
                        parameters,
                        parameters_bar,
                        shape,
                        R,
                    )
                    _shift_back(bars[at : at + n], i, y_bar, f_bars, g_bars, a0, b0, w0, zero, step, shape, R)
            for d in range(D):
                for r in range(R):
                    y_bar[d * R + r] += states_bar[k, rows[0] + r, d]
        for d in range(D):
            for r in range(R):
                states_bar[0, rows[0] + r, d] = y_bar[d * R + r]
        for c in range(shape[3]):
            constants_bar[c] += bars[c * R : (c + 1) * R].sum()
