"""Arguments of functions that are known, and ways of classes of their own: taken into account, or left to the trace."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from workbench import gradient, pullback, value_and_gradient

X, V = 2.3, np.array([1.5, -0.5, 2.0])


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def squares(v):
    total = 0.0
    for i in range(len(v)):
        total = total + v[i] * v[i]
    return total


def list_from_a_start(x):
    numbers = []
    for i in range(5):
        numbers.append(x * i)
    return sum(numbers, start=10.0 * x)


def array_from_a_start(v):
    return squares(v) * sum(v, start=10.0)


def sums_of_rows(x):
    return squares(np.sum([[x, 2 * x], [x, x * x]], axis=0) + np.array([1.0, 2.0]))


def means_of_rows(x):
    return squares(np.mean([[x, 2 * x], [x, x * x]], axis=1) + np.array([1.0, 2.0]))


def without_the_end(x):
    return squares(np.linspace(0.0, x, 5, False))


def whole_like(v):
    made = np.zeros_like(v, int)
    for k in range(3):
        made[k] = k * 1.7
    return squares(v * made)


def float_like(v):
    made = np.zeros_like(np.arange(3), float)
    for k in range(3):
        made[k] = v[k] * 1.7
    return squares(made)


class Pair(namedtuple("Pair", "a b")):
    def __new__(cls, a, b):
        return super().__new__(cls, abs(a), 2 * b)


@dataclass(frozen=True)
class Record:
    a: float
    b: float

    def __init__(self, a, b):
        object.__setattr__(self, "a", abs(a))
        object.__setattr__(self, "b", 2 * b)


def pairs(x):
    total = 0.0
    for i in range(3):
        p = Pair(-x, i * x)
        total += p.a * p.b + p.a
    return total


def records(x):
    total = 0.0
    for i in range(3):
        r = Record(-x, i * x)
        total += r.a * r.b + r.a
    return total


@pytest.mark.parametrize(
    "program", [list_from_a_start, sums_of_rows, means_of_rows, without_the_end, pairs, records]
)
def test_of_a_number(program):
    value, slope = value_and_gradient(program)(X)
    assert value == pytest.approx(program(X), rel=1e-13)
    h = 1e-5
    assert slope == pytest.approx((program(X + h) - program(X - h)) / (2 * h), rel=1e-8)


@pytest.mark.parametrize("program", [array_from_a_start, whole_like, float_like])
def test_of_an_array(program):
    value, found = value_and_gradient(program)(V)
    assert value == pytest.approx(program(V), rel=1e-13)
    h = 1e-5
    expected = [(program(V + h * e) - program(V - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def along(axis):
    def program(v):
        total = 0.0
        for _ in range(2):
            total = total + np.sum(v, axis=axis)
        return total

    return program


def strict(v):
    total = 0.0
    for a, b in zip(v, np.array([1.0, 2.0]), strict=True):
        total += a * b
    return total


@pytest.mark.parametrize(
    ("program", "error"),
    [(along(1), np.exceptions.AxisError), (along(-2), np.exceptions.AxisError), (strict, ValueError)],
)
def test_errors_are_the_programs(program, error):
    with pytest.raises(error):
        gradient(program)(V)


def largest(v):
    total = squares(v)
    return np.max(np.array([1.0, np.nan, total])) + total


def between(v):
    return np.clip(squares(v), v[0], 5.0)


def test_nan_wins_where_numpy_lets_it():
    assert np.isnan(value_and_gradient(largest)(V)[0])
    assert np.isnan(value_and_gradient(between)(np.array([np.nan, 1.0]))[0])


def untouched(p):
    total = 0.0
    for _ in range(3):
        total = total + p.a
    return p, total


def test_an_object_that_comes_back_is_not_made_again():
    pair = Pair(1.0, 2.0)
    value, back = pullback(untouched, pair)
    assert value == (pair, 3.0)
    assert back((None, 1.0))[0].a == 3.0


class Point(namedtuple("Point", "x y")):
    def __bool__(self):
        return self.x > 5.0

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)


class Swapped(namedtuple("Swapped", "x y")):
    def __iter__(self):
        return iter((self.y, self.x))


class Doubled(namedtuple("Doubled", "x y")):
    @property
    def x(self):
        return 2.0 * self[0]


def asks(x):
    total = 0.0
    for i in range(3):
        total += x if Point(x, i) else x * x
    return total


def unpacks(x):
    total = 0.0
    for i in range(3):
        a, b = Swapped(x, i)
        total += a * x + b
    return total


def reads(x):
    total = 0.0
    for i in range(3):
        total += Doubled(x, i).x * i
    return total


@pytest.mark.parametrize(("program", "slope"), [(asks, 6 * X), (unpacks, 6.0), (reads, 6.0)])
def test_named_tuples_that_are_read_in_a_way_of_their_own(program, slope):
    value, found = value_and_gradient(program)(X)
    assert value == pytest.approx(program(X), rel=1e-13)
    assert found == pytest.approx(slope, rel=1e-13)


def of_a_tuple(p):
    return p.x * p.x * p.y


def test_arguments_that_iterate_in_another_order():
    found = gradient(of_a_tuple)(Swapped(2.0, 3.0))
    assert (found.x, found.y) == (12.0, 4.0)
