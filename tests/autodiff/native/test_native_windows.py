"""Parts of arrays kept on the tape instead of the values of each iteration."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench import value_and_gradient
from workbench.autodiff.native import Plan, plan, split

NO_WINDOW = split.Window({})  # of no use: it reads nothing


def wide_stencil(x, rate):
    u, v = x.copy(), x * 0.5
    for _ in range(3):
        for k in range(2, len(u) - 3):
            v[k] = u[k] * u[k + 3] * rate + math.sin(u[k - 2]) * u[k]
        u, v = v, u
    return np.sum(u * u)


def stencil_on_itself(x, rate):
    """Reads one place ahead of where it writes, two rows apart at first, then in the same row."""
    u = np.zeros(2 * len(x))
    u[: len(x)] = x
    for shift in range(len(x), -1, -1):
        here = u[shift:]
        for k in range(1, len(x) - 1):
            here[k] = u[k - 1] * u[k + 1] * rate + u[k] * u[k - 1]
    return np.sum(u * u)


@pytest.mark.parametrize("program", [wide_stencil, stencil_on_itself])
@pytest.mark.parametrize("n", [2, 4, 5, 6, 7, 9, 30])
def test_windows_on_arrays(program, n, monkeypatch):
    """What is kept is the part of the array that a loop reads, as long as it writes elsewhere."""
    x, found = np.linspace(0.3, 1.1, n), []
    for mode in ("off", "python", "numba") if n == 30 else ("off", "python"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        found.append(value_and_gradient(program, wrt=(0, 1))(x, 0.4))
    traced, *native = found
    for value, (x_bar, rate_bar) in native:
        assert value == pytest.approx(traced[0], rel=1e-12)
        assert np.allclose(x_bar, traced[1][0], rtol=1e-10, atol=1e-12)
        assert rate_bar == pytest.approx(traced[1][1], rel=1e-10)
    for value, (x_bar, rate_bar) in native[1:]:
        assert (value, rate_bar, *x_bar) == (native[0][0], native[0][1][1], *native[0][1][0])


@pytest.mark.parametrize("program", [wide_stencil, stencil_on_itself])
def test_the_tape_is_shorter(program, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    args = np.linspace(0.3, 1.1, 500), 0.4
    made = plan(program, args)
    with_windows = made.pullback(args)[1].kept
    monkeypatch.setattr(split, "Window", lambda loads: NO_WINDOW)
    without = Plan(program, args).pullback(args)[1].kept
    assert with_windows < without
