"""Arguments that are read again and again: the tape begins with a copy of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench import pullback, value_and_gradient
from workbench.autodiff.native import Plan, copies, plan

SHIFTS = np.array([0.2, -0.4, 0.9])


def layers(w, x):
    for _ in range(4):
        y = np.zeros(len(x))
        for i in range(len(x)):
            total = 0.0
            for j in range(len(x)):
                total += w[i, j] * x[j] * w[j, i]
            y[i] = math.tanh(total + SHIFTS[i])
        x = y
    return np.sum(x * x)


def views(w, x):
    """Rows, a column counted from the end, a transposed part, every other element."""
    total = 0.0
    for k in range(3):
        column, turned, some = w[:, -1], w[1:].T, x[::2]
        for i in range(3):
            row = w[i]
            for j in range(2):
                total += row[j] * column[i] * math.sin(turned[i, j] * some[j] + k)
    return total


def some_of_it_decides(w, x):
    total = 1.0
    for k in range(5):
        for i in range(len(x)):
            if x[i] > w[i, k % 3]:
                total = total * x[i] + w[i, 0]
                continue
            total -= w[k % 2, i] * x[-i]
            if total < -3.0:
                break
    return total


def helped(w, x):
    """The array is read here and in a function that is called."""

    def along(row, k):
        total = 0.0
        for j in range(len(row)):
            total += row[j] ** 2 * x[j]
        return total * k

    total = 0.0
    for k in range(4):
        for i in range(3):
            total += along(w[i], k) * w[i, 2] * x[i]
    return total


def itself(w, x, n=3):
    total = 0.0
    for k in range(2):
        for i in range(3):
            total += w[i, n - 1] * x[i] * (k + 1.5) * w[n - 1, i]
    return total if n == 1 else total + itself(w, x * 0.7, n - 1)


def written(w, x):
    for k in range(3):
        for i in range(3):
            x[i] = x[i] * w[i, k] + w[k, i]
    return np.sum(x)


def rows(w, x):
    """Rows of the program's own: changed between the loops, in one of them, exchanged, or by another name."""
    u, v = x * 1.0, np.zeros(len(x))
    alias = u
    total = 0.0
    for k in range(3):
        for i in range(len(x)):
            for j in range(len(x)):
                v[i] += w[i, j] * u[j] * u[i]
        for i in range(len(x)):
            for j in range(len(x)):
                alias[i] = alias[i] + 0.1 * math.sin(u[j] * v[j])
        if k > 0:
            u, v = v, u
        part = u[1:]
        n = 0
        while n < k + 2:
            for j in range(len(part)):
                total += part[j] ** 2 * w[n % 3, j]
            n += 1
    return total + u[0]


def scaled(row, factor):
    row[0] *= factor
    return row[0] + row[-1] * factor


def changed_by_a_call(w, x):
    u = x * 2.0
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += u[j] ** 2 * w[i, j]
            total += scaled(u, w[j, i])
    for i in range(3):
        for j in range(3):
            if u[j] > w[i, j]:
                total += u[j] ** 3
                break
            total -= u[i] * u[j]
    return total


def no_iterations(w, x):
    u = np.exp(x)
    total = u[1]
    for k in range(3):
        for _ in range(k - 1):
            for j in range(k):
                total += u[j] ** 2 * total
        u = u * w[k]
    return total


PROGRAMS = (
    *(layers, views, some_of_it_decides, helped, itself, written),
    *(rows, changed_by_a_call, no_iterations),
)


def arguments():
    return np.linspace(-0.8, 1.1, 9).reshape(3, 3), np.array([0.3, -0.5, 0.8])


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_read_from_a_copy(program, monkeypatch):
    found = []
    for mode in ("off", "python", "numba"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        found.append(value_and_gradient(program, wrt=(0, 1))(*arguments()))
    traced, *native = found
    for value, bars in native:
        assert value == pytest.approx(traced[0], rel=1e-12)
        for bar, expected in zip(bars, traced[1], strict=True):
            assert np.allclose(bar, expected, rtol=1e-11, atol=1e-13)
    assert native[0][0] == native[1][0]
    for bar, again in zip(native[0][1], native[1][1], strict=True):
        assert bar.tobytes() == again.tobytes()


@pytest.mark.parametrize("mode", ["python", "numba"])
def test_the_caller_may_write_into_the_argument_before_going_back(mode, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)
    w, x = arguments()
    expected = pullback(layers, w, x)[1](1.0)
    back = pullback(layers, w, x)[1]
    w[...], x[...] = 7.0, -7.0
    for bar, again in zip(expected, back(1.0), strict=True):
        assert bar.tobytes() == again.tobytes()


def test_the_tape_is_shorter(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    with_copy = plan(layers, arguments()).pullback(arguments())[1].kept
    monkeypatch.setattr(copies, "of_arguments", lambda function, needed: [])
    with_rows = Plan(layers, arguments()).pullback(arguments())[1].kept
    assert with_copy < with_rows
    monkeypatch.setattr(copies, "of_rows", lambda function, needed, done: {})
    assert with_rows < Plan(layers, arguments()).pullback(arguments())[1].kept
