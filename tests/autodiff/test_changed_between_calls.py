"""Derivatives follow a program whose parts are exchanged between two calls, and a pullback that failed once."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from workbench import gradient, hook, jacobian, pullback, pushforward, rule, sparse_jacobian
from workbench.errors import LostGradientError, NotDifferentiableError


def _square(x):
    return x * x


def _cube(x):
    return x * x * x


def test_code_put_into_a_function_is_seen():
    def caller(x):
        return _square(x) + 0.0

    assert gradient(_square)(2.0) == gradient(caller)(2.0) == 4.0
    before, _square.__code__ = _square.__code__, _cube.__code__
    try:
        assert gradient(_square)(2.0) == gradient(caller)(2.0) == 12.0
    finally:
        _square.__code__ = before


def _scaled(x, k=2.0, *, shift=1.0):
    return x * k + math.sin(x) * shift * 0


def test_default_values_put_into_a_function_are_seen():
    assert gradient(_scaled)(2.0) == 2.0
    _scaled.__defaults__ = (5.0,)
    assert gradient(_scaled)(2.0) == 5.0


def _fills(x, table):
    for k in range(len(table)):
        table[k] = table[k] + x[0] * (k + 1)
    return np.array([table[0] * x[1], x[0] * table[1], table[1] * x[1] * x[0]])


@pytest.mark.parametrize("tier", ["off", "python"])
def test_arrays_that_are_not_differentiated_by_stay_as_they_are(tier, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    x, table = np.array([0.3, 0.7]), np.array([1.0, 2.0])
    expected = np.array([[0.7, 1.3], [3.2, 0.0], [0.7 * 3.2, 0.3 * 2.6]])
    np.testing.assert_allclose(jacobian(_fills)(x, table), expected)
    np.testing.assert_allclose(sparse_jacobian(_fills)(x, table).toarray(), expected)
    np.testing.assert_allclose(gradient(lambda x, t: _fills(x, t).sum())(x, table), expected.sum(axis=0))
    np.testing.assert_array_equal(table, [1.0, 2.0])


@pytest.mark.parametrize("tier", ["off", "python"])
def test_arrays_that_the_caller_changes_before_the_way_back(tier, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    weights = np.array([1.0, 2.0])
    _, back = pullback(lambda x, w: (x * w).sum(), np.array([0.3, 0.7]), weights, wrt=0)
    _, push = pushforward(lambda x, w: (x * w).sum(), np.array([0.3, 0.7]), weights, wrt=0)
    weights *= 10
    np.testing.assert_array_equal(back()[0], [1.0, 2.0])
    assert push(np.ones(2)) == 3.0


TABLE = np.array([1.0, 2.0])


def test_a_pullback_whose_constants_have_been_changed_is_refused(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    _, back = pullback(lambda x: (x * TABLE).sum(), np.array([0.3, 0.7]))
    np.testing.assert_array_equal(back()[0], [1.0, 2.0])
    TABLE[:] *= 10
    with pytest.raises(NotDifferentiableError, match="has been changed"):
        back()


def test_a_jacobian_that_runs_twice_does_not_see_what_the_first_run_left():
    def program(x, seen):
        seen.append(1.0)
        return np.array([x * len(seen), x * x])

    np.testing.assert_array_equal(jacobian(program)(2.0, []), [1.0, 4.0])


class _Machine:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x

    @property
    def half(self):
        return self.k * 0.5

    @half.setter
    def half(self, value):
        self.k = value * 2


def _works(x):
    machine = _Machine(x)
    machine.half = machine.half * 2
    return machine(1.0) + machine.half


def test_methods_and_properties_put_into_a_class_are_seen(monkeypatch):
    assert gradient(_works)(3.0) == 3.0
    monkeypatch.setattr(_Machine, "__init__", lambda self, k: setattr(self, "k", 10 * k))
    assert gradient(_works)(3.0) == 30.0
    monkeypatch.setattr(_Machine, "__call__", lambda self, x: 2 * self.k * x)
    assert gradient(_works)(3.0) == 50.0
    setter = _Machine.half.fset
    monkeypatch.setattr(_Machine, "half", property(lambda self: self.k * 0.25, setter))
    assert gradient(_works)(3.0) == 22.5
    monkeypatch.setattr(_Machine, "half", property(lambda self: self.k * 0.25, lambda self, value: None))
    assert gradient(_works)(3.0) == 22.5


def test_a_pullback_that_failed_can_be_called_again():
    failures = [ValueError("once")]

    def fails_once(bar):
        if failures:
            raise failures.pop()
        return bar

    def program(x):
        a = x[0] * x[0]
        c = a * hook(fails_once, x[0])
        return c * x[0] + a + x[1]

    _, back = pullback(program, np.array([2.0, 1.0]))
    with pytest.raises(ValueError, match="once"):
        back()
    np.testing.assert_array_equal(back()[0], [36.0, 1.0])


def test_an_array_whose_elements_are_one_number_reports_their_sum(monkeypatch):
    def program(a):
        total = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                total += a[i, j] * (i + 1) * (j + 1)
        return total

    a = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (2, 3))
    for tier in ("off", "python"):
        monkeypatch.setenv("WORKBENCH_NATIVE", tier)
        np.testing.assert_array_equal(gradient(program)(a), [[3.0, 6.0, 9.0]] * 2)


def test_arrays_of_one_argument_that_share_memory_report_the_same():
    x = np.array([1.0, 2.0, 3.0])
    first, second = gradient(lambda pair: (pair[0] * pair[1] ** 2).sum())((x, x))
    np.testing.assert_array_equal(first, 3 * x**2)
    np.testing.assert_array_equal(second, 3 * x**2)
    assert not np.shares_memory(first, second)


def _reversing(x):
    return x[::1]


@rule(_reversing)
def _reversing_rule(x):
    return x[::1], lambda bar: (-bar,)


def test_a_rule_whose_value_is_its_argument_is_used():
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(gradient(lambda x: (_reversing(x) * x).sum())(x), [0.0, 0.0])


def _through_a_memoryview(read):
    def program(x):
        buffer = np.zeros(2)
        view = memoryview(buffer)
        buffer[0] = x * x
        return read(view)

    return program


@pytest.mark.parametrize("read", [lambda v: v[0], lambda v: v.tolist()[0], lambda v: sum(v), max])
def test_memory_is_not_read_past_the_tape(read):
    with pytest.raises(LostGradientError, match="memory of a traced value"):
        gradient(_through_a_memoryview(read))(0.7)


@dataclass(frozen=True)
class _Spring:
    k: float

    def force(self, x):
        return self.k * x

    @property
    def stiffness(self):
        return 2.0 * self.k

    @staticmethod
    def scale(x):
        return x

    def __add__(self, other):
        return _Spring(self.k + other.k)

    def __neg__(self):
        return _Spring(-self.k)


class _Pair(NamedTuple):
    k: float

    def force(self, x):
        return self.k * x


def _in_a_loop(x):
    spring, pair, total = _Spring(x), _Pair(x), 0.0
    for _ in range(30):
        both = spring + (-spring) + spring
        total += spring.force(x) + spring.stiffness * _Spring.scale(x) + both.k + pair.force(x)
    return total


@pytest.mark.parametrize("mode", ["auto", "python", "off"])
def test_methods_put_into_a_class_are_seen(mode, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)
    changes = (
        (_Spring, "force", lambda self, x: self.k * x * x),
        (_Spring, "stiffness", property(lambda self: self.k**3)),
        (_Spring, "scale", staticmethod(lambda x: x * x)),
        (_Spring, "__add__", lambda self, other: _Spring(self.k + 3.0 * other.k)),
        (_Spring, "__neg__", lambda self: _Spring(-5.0 * self.k)),
        (_Pair, "force", lambda self, x: self.k * x**3),
    )
    for kind, name, method in changes:
        gradient(_in_a_loop)(1.3)
        monkeypatch.setattr(kind, name, method)
        slope = (_in_a_loop(1.3 + 1e-6) - _in_a_loop(1.3 - 1e-6)) / 2e-6
        assert gradient(_in_a_loop)(1.3) == pytest.approx(slope, rel=1e-7)
