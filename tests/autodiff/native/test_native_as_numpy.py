"""Where NumPy's numbers and arrays are not Python's, and what the backward sweep does not go into."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench import hessian, pullback, value_and_gradient
from workbench.autodiff.native import Plan, plan
from workbench.autodiff.structure import leaves

X = np.array([0.3, -0.7, 1.1])


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def turned(x):
    total, y = 0.0, x.T
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for k in range(y.shape[2]):
                total += y[i, j, k] ** 2 * (i + 2 * j + 5 * k) + (x * x).T[i, j, k] * j
    return total


def chooses_whole_numbers(x):
    total = 0.0
    for _ in range(2):
        total += np.sum(np.where(x > 0, x > 0.5, 2) * x)
    return total


def both_truths(x):
    total = 0.0
    for i in range(2):
        total += ((x[i] > 0) & (x[i + 1] < 0)) * x[i] + ((x[i] > 0) ^ (x[i + 1] > 0)) * x[i + 1]
        total += np.sum(((x > 0) | (x < -0.5)) * x * x)
    return total


def sign_of_what_is_no_number(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] if np.sign(x[i] * 1e308 * 10.0 - x[i] * 1e308 * 10.0) == 0.0 else 2.0 * x[i]
    return total


def whole_numbers_stay_whole(x):
    k, total = np.array([2, -1, 0]), 0.0
    for i in range(3):
        total += x[np.abs(i - 2)] * np.maximum(i, 1) + x[np.minimum(k, 1)[i]] * np.square(k)[i]
        total += x[np.abs(k)[i]] * np.abs(k[i] - i) + np.maximum(k, 0.5)[i] * x[i]
    return total


def counts_along_an_axis(x):
    total, z = 0.0, np.outer(np.array([1.0, -1.0]), x)
    for k in range(2):
        count = np.sum(z > 0, axis=0)
        total += np.sum(count * x) * k + (z > -0.5).sum(axis=1)[k] * x[k] + np.mean(z > 0.5, axis=0)[k] * x[2]
    return total


TAKEN = (
    (counts_along_an_axis, X),
    (whole_numbers_stay_whole, X),
    (turned, np.arange(24.0).reshape(2, 3, 4) / 10),
    (chooses_whole_numbers, X),
    (both_truths, X),
    (sign_of_what_is_no_number, X),
)


@pytest.mark.parametrize(("program", "x"), TAKEN, ids=lambda p: getattr(p, "__name__", ""))
def test_as_numpy_has_it(program, x, monkeypatch):
    with np.errstate(all="ignore"):
        assert isinstance(plan(program, (x,)), Plan)
        value, bar = value_and_gradient(program)(x)
        assert value == pytest.approx(program(x), rel=1e-13)
        monkeypatch.setenv("WORKBENCH_NATIVE", "off")
        assert np.allclose(bar, value_and_gradient(program)(x)[1], rtol=1e-12)


def truths_are_added(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += ((x[i] > 0) + (x[i + 1] > 0)) * x[i]
    return total


def truths_are_multiplied_and_added(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += ((x[i] > 0) * (x[0] > 0) + (x[2] > 0) * (x[0] > 0)) * x[i]
    return total


def whole_truths_are_added(x):
    total = 0.0
    for _ in range(2):
        total += np.sum(((x > 0) + (x > 0.5)) * x)
    return total


def truths_of_numbers_made_numpys(x):
    return added_truths(float(x[0]), float(x[2]))


def added_truths(a, b):
    total = 0.0
    for _ in range(3):
        total += ((np.float64(a) > 0) + (np.float64(b) > 0)) * a
    return total


def larger_unless_missing(x):
    total = 0.0
    for i in range(len(x)):
        total += np.fmax(x[i], np.nan) * x[i]
    return total


def halved(y):
    for i in range(len(y)):
        y[i] = y[i] * 0.5
    return y[2]


def called_in_a_test(x):
    y = x.copy()
    while halved(y) > 0.1:
        pass
    return np.sum(y * x)


def made_inside_and_called_in_a_test(x):
    y = x.copy()

    def shrink():
        for i in range(len(y)):
            y[i] = y[i] * 0.5
        return y[2]

    n = 0
    while shrink() > 0.1:
        n += 1
    return np.sum(y * x)


def signs_of_whole_numbers(x):
    total = 0.0
    for i in range(3):
        total += x[np.sign(i)] * x[np.clip(i, 0, 1)]
    return total


REFUSED = (
    (signs_of_whole_numbers, "sign of whole numbers"),
    (truths_are_added, "truth values"),
    (truths_are_multiplied_and_added, "truth values"),
    (whole_truths_are_added, "truth values"),
    (truths_of_numbers_made_numpys, "truth values"),
    (larger_unless_missing, "not known"),
    (called_in_a_test, "the test of a loop writes into an array"),
    (made_inside_and_called_in_a_test, "the test of a loop writes into an array"),
)


@pytest.mark.parametrize(("program", "reason"), REFUSED, ids=lambda p: getattr(p, "__name__", ""))
def test_what_is_left_to_the_trace(program, reason):
    assert reason in plan(program, (X,)).reason
    value, bar = value_and_gradient(program)(X)
    assert value == program(X)
    h = 1e-6
    for k, step in enumerate(np.eye(3) * h):
        assert bar[k] == pytest.approx((program(X + step) - program(X - step)) / (2 * h), rel=1e-7)


def truths_of_python(x, y):
    total = 0.0
    for k in range(3):
        total += ((x > k) + (y > k) - (x > y)) * x
    return total


def test_truths_of_python_are_numbers():
    assert isinstance(plan(truths_of_python, (1.5, 2.5)), Plan)
    assert value_and_gradient(truths_of_python)(1.5, 2.5) == (truths_of_python(1.5, 2.5), 5.0)


def nothing_in_a_loop(x):
    y, total = x.copy(), 0.0

    def largest():
        return np.max(np.abs(y * 2.0))

    while largest() < 0.0:
        pass
    while np.max(y) > 0.5:
        y = y * 0.5
        total += y[0]
    return total + np.sum(y * x)


def test_a_test_may_make_arrays_of_its_own(monkeypatch):
    assert isinstance(plan(nothing_in_a_loop, (X,)), Plan)
    value, bar = value_and_gradient(nothing_in_a_loop)(X)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    expected = value_and_gradient(nothing_in_a_loop)(X)
    assert value == pytest.approx(expected[0], rel=1e-14)
    assert np.allclose(bar, expected[1], rtol=1e-13)


def returns_what_it_is_given(x, other):
    total = 0.0
    for i in range(len(x)):
        total += x[i]
    return total, np.abs(np.array([i - 2 for i in range(3)])), other


@pytest.mark.parametrize(
    "other", [np.array(0.5), np.ones(2, np.float32), np.ones(2, complex), [0.5, 1.0], {"a": [0.5]}]
)
def test_what_generated_code_does_not_know_may_be_returned(other, monkeypatch):
    """It had no cotangent; ignored, it had None in place of zeros."""
    value, back = pullback(returns_what_it_is_given, X, other)
    assert value[1].dtype == int
    bars = back((1.0, None, other))
    assert bars[1] is not None
    for bar, expected in zip(leaves(bars[1]), leaves(other), strict=True):
        assert np.array_equal(bar, expected)
        assert np.shape(bar) == np.shape(expected)


# ------------------------------------------------------------------------------------ twice, where slopes end


def a_power_of_a_product(p):
    """The tangent of what the power is of, is nothing at p[0] = 0; its derivative by p[0] is not."""
    total = 0.0
    for _ in range(2):
        total += (p[0] * p[1] + 1.0) ** p[2]
    return total


def to_the_power(p):
    total = 0.0
    for k in range(3):
        total += p[0] ** p[1] * k
    return total


@pytest.mark.parametrize(
    ("program", "at"),
    [
        (a_power_of_a_product, [0.0, 0.5, 1.7]),
        (a_power_of_a_product, [0.5, 0.0, 0.0]),
        (to_the_power, [0.7, 0.0]),
        (to_the_power, [0.0, 2.0]),
        (to_the_power, [0.0, 3.0]),
        (to_the_power, [0.7, 1.0]),
    ],
)
def test_second_derivatives_of_powers_where_a_first_one_is_nothing(program, at, monkeypatch):
    found = hessian(program)(np.array(at))
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert np.allclose(found, hessian(program)(np.array(at)), rtol=1e-12, atol=1e-14)


def roots(p):
    total = 0.0
    for _ in range(2):
        total += math.sqrt(p[0] * p[0] + p[1] * p[1]) + np.cbrt(p[0] * p[1]) + p[0] ** (p[1] + 0.5)
    return total


def inverse(p):
    total = 0.0
    for _ in range(2):
        total += math.asin(1.0 + p[0]) * p[1] + math.acosh(1.0 + p[0] * p[1])
    return total


def far_from(p):
    total = 0.0
    for _ in range(2):
        total += np.hypot(p[0] * p[1], p[0])
    return total


def larger_of_both(p):
    total = 0.0
    for _ in range(2):
        total += np.maximum(p[0], p[1]) ** 2 + np.minimum(p[0], p[1]) ** 3 * p[0]
    return total


@pytest.mark.parametrize("at", [[0.0, 0.0], [0.0, 0.7], [0.0, 0.25]])
@pytest.mark.parametrize("program", [roots, inverse, far_from, larger_of_both])
def test_second_derivatives_where_a_slope_is_infinite_or_shared(program, at, monkeypatch):
    """The slope of a root was a constant there, and what comes through it was nothing."""
    if program is larger_of_both:
        at = [0.5, 0.5]
    with np.errstate(all="ignore"):
        found = hessian(program)(np.array(at))
        monkeypatch.setenv("WORKBENCH_NATIVE", "off")
        assert np.array_equal(found, hessian(program)(np.array(at)), equal_nan=True)
