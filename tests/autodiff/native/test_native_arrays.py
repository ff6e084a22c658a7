"""Programs with arrays, in both sweeps, against differences."""

from __future__ import annotations

import array_fuzz
import array_programs
import numpy as np
import pytest

from workbench.autodiff.native import DeclinedError, Plan, compile, plan


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def check(program, seed):
    rng = np.random.default_rng(seed)
    args = (rng.normal(size=6), rng.normal(size=6))
    made = plan(program, args)
    assert isinstance(made, Plan), str(made)
    expected = program(*(arg.copy() for arg in args))
    before = [arg.copy() for arg in args]
    value, back = made.pullback(args)
    assert all(np.array_equal(a, b) for a, b in zip(args, before, strict=True)), "the arguments were changed"
    assert np.allclose(value, expected, rtol=1e-13, atol=1e-14)
    bar = rng.normal(size=np.shape(value)) if np.ndim(value) else 1.0
    dots = (rng.normal(size=6), rng.normal(size=6))
    h = 1e-6
    sides = [program(*(a + s * h * d for a, d in zip(args, dots, strict=True))) for s in (1, -1)]
    slope = np.sum((sides[0] - sides[1]) / (2 * h) * bar)
    bars = back(bar)
    assert sum(np.sum(a * d) for a, d in zip(bars, dots, strict=True)) == pytest.approx(
        slope, rel=1e-6, abs=1e-7
    )
    for a, b in zip(back(bar), bars, strict=True):
        assert np.array_equal(a, b)
    pushed, dot = made.pushforward(args, dots)
    assert np.allclose(pushed, value, rtol=1e-14)
    assert np.sum(np.asarray(dot) * bar) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("program", array_programs.TABLE, ids=lambda p: p.__name__)
def test_program(program, seed, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    check(program, seed)


def test_overlapping_arguments_that_are_written_are_declined(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    x = np.arange(8.0)
    made = plan(array_programs.argument_written, (x[:6], x[2:]))
    with pytest.raises(DeclinedError, match="overlap"):
        made.pullback((x[:6], x[2:]))


def test_an_index_outside_is_the_programs_own_error(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    args = (np.ones(6), np.ones(2))
    with pytest.raises(IndexError, match="out of bounds"):
        plan(array_programs.integer_arrays, args).pullback(args)


@pytest.mark.parametrize("seed", range(60))
def test_random_program(seed, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    message = array_fuzz.check(seed)
    assert message == "" or message.startswith("refused"), message


def copies_over_itself(x, y):
    x[::2] = x[:3]
    return np.sum(x * y)


def test_a_copy_that_numpy_makes_in_a_doubtful_order_is_refused():
    refusal = plan(copies_over_itself, (np.ones(6), np.ones(6)))
    assert "over a part of itself" in refusal.reason


@pytest.mark.parametrize("program", array_programs.TABLE, ids=lambda p: p.__name__)
def test_a_tape_that_is_too_short_changes_nothing(program, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    rng = np.random.default_rng(0)
    args = (rng.normal(size=6), rng.normal(size=6))
    value, back = Plan(program, args).pullback(args)
    monkeypatch.setattr(compile, "FIRST_TAPE", 2)
    again, back_again = Plan(program, args).pullback(args)
    assert np.array_equal(value, again)
    bar = np.ones(np.shape(value)) if np.ndim(value) else 1.0
    assert all(np.array_equal(a, b) for a, b in zip(back(bar), back_again(bar), strict=True))


def halved(a, n):
    if n == 0:
        return a[0]
    a[1] = a[1] * 0.5
    return halved(a, n - 1) + a[1]


def after_a_recursion(x, n):
    a = np.array([x, 2.0 * x])
    total = halved(a, n)
    b = np.array([5.0, 6.0])  # would take the place of an array that the recursion has given up
    return total + a[0] * b[0]


def test_an_array_outlives_a_compiled_recursion_that_it_was_handed_to(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made = Plan(after_a_recursion, (0.7, 3))
    for _ in range(20):
        value, back = made.pullback((0.7, 3))
        assert value == after_a_recursion(0.7, 3)
        assert back(1.0)[0] == pytest.approx(value / 0.7)
        assert made.pushforward((0.7, 3), (1.0, None)) == (value, back(1.0)[0])
    assert made.state == "compiled"
