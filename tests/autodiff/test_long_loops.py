"""Loops differentiated within a given memory."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from workbench import checkpoint_loop, gradient, hessian, value_and_gradient
from workbench.autodiff import long_loops
from workbench.autodiff.long_loops import _split, _Sweep
from workbench.errors import NotDifferentiableError

MODES = ("off", "auto")


def spring(state, k, stiffness):
    x, v = state
    v = v - 0.01 * stiffness * math.sin(x) * (1.0 + 0.1 * math.cos(0.01 * k))
    return x + 0.01 * v, v


def swing(x, stiffness, n):
    state = (x, 0.0)
    for k in range(n):
        state = spring(state, k, stiffness)
    return state[0] ** 2 + state[1]


def swing_within(x, stiffness, n, memory):
    last = checkpoint_loop(spring, (x, 0.0), n, stiffness, memory=memory)
    return last[0] ** 2 + last[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 40, 177])
@pytest.mark.parametrize("memory", [1, 3_000, 2**20])
def test_it_is_the_loop(n, memory, mode, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)
    value, found = value_and_gradient(swing_within, (0, 1))(0.7, 1.3, n, memory)
    expected_value, expected = value_and_gradient(swing, (0, 1))(0.7, 1.3, n)
    assert value == expected_value
    assert found == pytest.approx(expected, rel=1e-12)


def stir(state, k, p):
    u, total = state
    u = u + 0.1 * p * np.roll(u, 1) * (1.0 - u)
    return u, total + np.sum(u) * p["rate"] if isinstance(p, dict) else total + float(k) * u[0]


def stirred(u, p):
    u, total = checkpoint_loop(stir, (u, 0.0), 23, p, memory=20_000)
    return np.sum(u**2) + total


def test_states_may_be_structures_of_arrays():
    def plain(u, p):
        state = (u, 0.0)
        for k in range(23):
            state = stir(state, k, p)
        return np.sum(state[0] ** 2) + state[1]

    u = np.linspace(0.1, 0.6, 40)
    for k in (0, 1):
        found, expected = gradient(stirred, k)(u, 0.7), gradient(plain, k)(u, 0.7)
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_second_derivatives():
    found = hessian(lambda x: swing_within(x, 1.3, 20, 5_000))(0.7)
    assert found == pytest.approx(hessian(lambda x: swing(x, 1.3, 20))(0.7), rel=1e-10)


@pytest.mark.parametrize(("n", "places"), [(1, 1), (7, 1), (10, 3), (60, 4), (60, 100)])
def test_segments_are_run_as_often_as_the_theory_says(n, places, monkeypatch):
    runs = []
    monkeypatch.setattr(_Sweep, "run", lambda self, state, first, last: runs.append(last - first) or last)
    monkeypatch.setattr(_Sweep, "pull", lambda self, state, first, last, bar: (last, (bar,)))
    sweep = _Sweep(long_loops._segment(spring, 1), ())
    sweep.places = places
    checked = []
    sweep.reverse(n, 0, 0.0, checked.append)
    assert checked == [n]
    repeats = 0
    while math.comb(places + repeats, places) < n:
        repeats += 1
    assert sum(runs) <= repeats * n
    if n > 1:
        assert 1 <= _split(n, places) < n


def test_memory_does_not_grow_with_the_loop(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")

    def peak(n):
        gradient(swing_within)(0.7, 1.3, 3, 100_000)
        tracemalloc.start()
        try:
            gradient(swing_within)(0.7, 1.3, n, 100_000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # the least of three: threads of other tests, compiling in the background, take memory too
    assert min(peak(3000) for _ in range(3)) - peak(3) < 120_000


def test_only_counted_loops():
    with pytest.raises(NotDifferentiableError, match="counts its steps"):
        checkpoint_loop(spring, (1.0, 0.0), [1, 2], 1.0, memory=1000)


@dataclass(frozen=True)
class Growth:
    rate: float

    def __call__(self, state, k):
        return state * self.rate


class Unhashable(Growth):
    __hash__ = None


def test_equal_steps_are_not_one_another():
    grown = gradient(lambda x: checkpoint_loop(Growth(1.5), x, 3, memory=1000))
    assert grown(2.0) == pytest.approx(1.5**3)
    with pytest.raises(NotDifferentiableError, match="not in its arguments"):
        gradient(lambda rate: checkpoint_loop(Growth(rate), rate, 3, memory=1000))(1.5)
    assert gradient(lambda x: checkpoint_loop(Unhashable(1.5), x, 3, memory=1000))(2.0) == grown(2.0)


def test_arguments_that_are_infinite():
    def limited(state, k, limits):
        return np.minimum(state * 1.1, limits)

    program = gradient(lambda limits: checkpoint_loop(limited, np.ones(2), 3, limits, memory=1000).sum())
    np.testing.assert_array_equal(program(np.array([1.2, np.inf])), [1.0, 0.0])
