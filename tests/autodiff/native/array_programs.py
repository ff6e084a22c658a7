# ruff: noqa: B905  the programs are written as a scientist would write them
"""Small programs with arrays: views, aliases, writes, whole-array expressions, reductions, creation."""

from __future__ import annotations

import math

import numpy as np


def elements(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] ** 2 * math.sin(x[i - 1]) + y[-i]
    return total


def iterated(x, y):
    total = 1.0
    for a in x:
        total = total * a + 0.5
    for i, (a, b) in enumerate(zip(x, y[::-1])):
        total += i * a * b
    return total


def heat(x, y):
    u = x.copy()
    for _ in range(4):
        u[1:-1] += 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * y)


def overlapping_copy(x, y):
    row = x * y
    row[1:] = row[:-1]
    row[:3] = row[1:4] * 2
    return row


def view_written(x, y):
    z = np.zeros(len(x))
    v = z[1:]
    for i in range(len(x) - 1):
        v[i] = x[i] * y[i + 1]
    v *= 2
    z[0] = x[0]
    return z


def argument_written(x, y):
    x[0] = 5 * x[1]
    x += y
    x[::2] = x[::2] * 3
    return np.sum(x**2)


def swapped_buffers(x, y):
    u, v = x * 1.0, np.empty_like(x)
    for k in range(4):
        for i in range(1, len(u) - 1):
            v[i] = u[i - 1] * y[k] + math.cos(u[i + 1])
        v[0], v[-1] = u[-1], u[0]
        u, v = v, u
        if u.max() > 50:
            break
    return u


def overwritten_while_needed(x, y):
    s = 0.0
    w = np.array(x)
    for k in range(3):
        s += np.sum(np.exp(-w * w) * y)
        w = w * w
        w[k] = s
    return s


def scaled(v, w):
    v[1:] = w[:-1] * v[0]
    return v.sum()


def passed_on(x, y):
    a, b = np.array([x[0], x[1] * 2, 3.0, y[2]]), np.ones(4)
    s = scaled(a, b) + scaled(b, a) + scaled(a[1:], a[:-1])
    return s * a[3] + np.linspace(x[0], 2.0, 5)[2]


def kept_before_a_write(x, y):
    p = (x * 2, 1.0)
    q = [x + 1, x]
    x[0] = 7 * x[1]
    z = x * 3 if x[1] > 0 else x * 4
    x += z
    return (p[0] * q[0] * z).sum() + q[1][0]


def matrices(x, y):
    m = np.empty((3, 4))
    for i in range(3):
        for j in range(4):
            m[i, j] = x[i] * y[j] + i
    m[1] *= m[0]
    row = m[2]
    row[1:3] = row[0:2]
    return (m.T @ m)[1, 2] + m[:, 1].sum() + m.max() + (m @ y[:4]).mean() + np.sum(m, axis=0)[3]


def broadcasting(x, y):
    grid = x[:, None] * y[None, :] + y
    total = np.sum(np.where(grid > 0, grid**2, -grid)) + np.mean(np.tanh(grid), axis=1)[1]
    return total + np.outer(x, y)[1, 2] + x @ y


def clipped(x, y):
    z = np.clip(x, -0.5, 0.5) + np.maximum(x, y) + abs(y) - np.minimum(x, 0.1)
    z[z.shape[0] // 2] += 1.0
    return z.sum() * np.min(y) + z.size + len(z)


def check_length(v, n):
    if len(v) != n:
        raise ValueError(f"got {len(v)} elements, expected {n}")


def checked_by_a_function_without_a_result(x, y):
    check_length(x, 6)
    return np.sum(x * y)


def early_return(x, y):
    for i in range(len(x)):
        y = y * x[i]
        if y[0] > 0.3:
            return y
    return y + 1


def integer_arrays(x, y):
    order = np.arange(len(x))
    order[0] = 2
    total = 0.0
    for k in order:
        total += x[k] * y[k] * k
    return total


def lstm_like(x, y):
    h = np.zeros(3)
    for t in range(len(x)):
        gate = 1 / (1 + np.exp(-(y[:3] * h + x[t])))
        h = gate * np.tanh(h + x[t]) + (1 - gate) * h
    return h


def overwritten_by_what_it_is_made_of(x, y):
    grid = np.outer(x[:3], y[:3])
    z, w = x[:3].copy(), y[:3].copy()
    for _ in range(3):
        z[:] = grid @ z
        w += np.tanh(np.outer(w, w)).sum(axis=0)
        z[:] = z @ grid + w
    return (z * w).sum() + np.clip(x, 0.4, y[0]).sum() + np.clip(y[1], 2.0, x[0])


def powers(s, n):
    made = np.ones(n)
    for k in range(1, n):
        made[k] = made[k - 1] * s
    return made


def made_by_a_function_in_a_loop(x, y):
    found = np.zeros(4)
    for k in range(3):
        found = powers(x[k] * y[0], 4)
    if y[1] > -100.0:
        found = powers(found[2] * x[4], 3)
    return found[2] * found[1]


TABLE = [
    *(elements, iterated, heat, overlapping_copy, view_written, argument_written, swapped_buffers, passed_on),
    *(overwritten_while_needed, kept_before_a_write, matrices, broadcasting, clipped, early_return),
    *(integer_arrays, lstm_like, overwritten_by_what_it_is_made_of, made_by_a_function_in_a_loop),
    checked_by_a_function_without_a_result,
]
