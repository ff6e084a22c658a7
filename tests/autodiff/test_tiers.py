"""The tier chosen by itself: the same numbers as the trace tier gives, and the trace tier wherever there is a doubt."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import pkgutil

import numpy as np
import pytest

import workbench
from tests.autodiff import corpus
from workbench.autodiff import (
    gradient,
    jacobian,
    pullback,
    pushforward,
    rule,
    stop_gradient,
    value_and_gradient,
)
from workbench.autodiff.registry import DOORS, OWN, RULES
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.tiers import derivative_source, tier_of
from workbench.checks import check_gradient
from workbench.errors import NotDifferentiableError, NotScalarError

for _module in pkgutil.iter_modules(corpus.__path__):
    importlib.import_module(f"{corpus.__name__}.{_module.name}")


@pytest.fixture(autouse=True)
def _chosen_by_itself(monkeypatch, _trace_tier):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")


def by_trace(monkeypatch, run):
    with monkeypatch.context() as patch:
        patch.setenv("WORKBENCH_NATIVE", "off")
        return run()


def same(found, expected):
    """Equal in structure and types, and in numbers to 1e-12."""
    assert type(found) is type(expected) or {type(found), type(expected)} == {float, np.float64}
    assert type(found) is not list or len(found) == len(expected)
    pairs = list(zip(leaves(found), leaves(expected), strict=True))
    for a, b in pairs:
        assert np.shape(a) == np.shape(b)
        assert np.allclose(a, b, rtol=1e-12, atol=1e-14, equal_nan=True), (a, b)


@pytest.mark.parametrize(("name", "function", "args"), corpus.PROGRAMS, ids=[p[0] for p in corpus.PROGRAMS])
def test_both_tiers_agree(name, function, args, monkeypatch):
    def run():
        value, back = pullback(function, *args)
        found = leaves(value)
        single = len(found) == 1 and not np.ndim(found[0])
        return value, back() if single else back(value)

    for found, expected in zip(run(), by_trace(monkeypatch, run), strict=True):
        same(found, expected)


# ------------------------------------------------------------------------------------ what is taken


def spiral(x, n):
    s = x
    for k in range(n):
        s = math.sin(s) + 0.1 * k
    return s


def squares(x):
    total = 0.0
    for k in range(len(x)):
        total += x[k] * x[k]
    return total


def smooth(u):
    for _ in range(5):
        u = 0.5 * (u + np.roll(u, 1))
    return np.sum(u)


def whole(u):
    for _ in range(5):
        u = u * np.sin(u)
    return np.sum(u)


def catches(x):
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return 0.0


def test_which_tier_takes_a_call():
    assert tier_of(spiral, 0.5, 3).tier == "generated Python"
    assert tier_of(squares, np.ones(3)).tier == "generated Python"
    assert tier_of(whole, np.ones(8)).tier == "generated Python"
    assert "whole arrays" in tier_of(whole, np.ones(80)).reason
    found = tier_of(catches, 1.0)
    assert (found.tier, found.file) == ("trace", __file__)
    assert "try" in found.reason
    assert found.caret.strip().startswith("try:")
    assert found.line == catches.__code__.co_firstlineno + 1


@pytest.mark.parametrize("mode", ["off", "python"])
def test_a_tier_can_be_forced(mode, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)
    assert tier_of(whole, np.ones(80)).tier == ("trace" if mode == "off" else "generated Python")
    assert gradient(spiral)(0.5, 3) == pytest.approx(math.cos(0.5) * math.cos(math.sin(0.5)) * math.cos(
        math.sin(math.sin(0.5)) + 0.1), rel=1e-12)  # fmt: skip


def test_operators_agree(monkeypatch):
    def run():
        y, push = pushforward(spiral, 0.4, 5)
        x = np.array([0.3, -0.7, 1.1])
        return [y, push(2.0, None), jacobian(squares)(x), value_and_gradient(squares)(x),
                gradient(gradient(spiral))(0.4, 5)]  # fmt: skip

    same(run(), by_trace(monkeypatch, run))


def length(x):
    total = 0.0
    for element in x:
        total += element * element
    return math.sqrt(total)


def test_the_cotangent_of_a_number_may_be_an_array_without_axes():
    (back,) = pullback(length, np.array([3.0, 4.0]))[1](np.array(2.0))
    assert np.allclose(back, [1.2, 1.6])


def test_the_shapes_of_cotangents_are_checked_here_too():
    with pytest.raises(NotScalarError, match="does not fit"):
        pullback(squares, np.ones(2))[1](np.ones(3))
    with pytest.raises(NotDifferentiableError, match="one tangent for each argument"):
        pushforward(spiral, 0.4, 5)[1](1.0)


# ------------------------------------------------------------------------------------ inside of a traced program


def outer(x):
    table = {"a": spiral(x, 40), "b": squares(np.array([x, 2.0 * x]))}
    return table["a"] * table["b"]


def test_a_call_is_one_entry_of_the_tape(monkeypatch):
    lengths = []

    def watched(x):
        result = outer(x)
        lengths.append(len(OPEN[-1]))
        return result

    found = value_and_gradient(watched)(0.7)
    same(found, by_trace(monkeypatch, lambda: value_and_gradient(watched)(0.7)))
    assert lengths[0] < 10 < 80 < lengths[1]


def returns_its_argument(u):
    for k in range(1):
        u[k] * 2.0
    return u


def writes(u, x):
    for k in range(len(u)):
        u[k] = x * k


def test_aliases_go_to_the_trace():
    def program(x):
        u = np.array([x, x])
        v = returns_its_argument(u)
        v[0] = 3.0 * x
        writes(u[1:], x)
        return np.sum(u)

    assert gradient(program)(2.0) == 3.0


def one_of_two(a, b):
    found = a
    for k in range(len(a)):
        if a[k] > 1.0:
            found = b
    return found


def all_but_one(a):
    total = 0.0
    for k in range(len(a)):
        total += a[k]
    return a[1:], total


def made_and_a_part(a):
    made = np.zeros(len(a))
    for k in range(len(a)):
        made[k] = a[k] * 2.0
    return made, made[1:]


def writes_into_one_of_two(x):
    a, b = np.array([x, 0.3]), np.array([2.0 * x, x])
    one_of_two(a, b)[0] = 3.0 * x
    one_of_two(0.1 * a, b)[1] = 5.0
    return np.sum(a * b)


def writes_into_a_part_of_the_argument(x):
    a = np.array([x, 0.3, x * x])
    part, total = all_but_one(a)
    part[0] = 3.0 * x
    return np.sum(a * a) * total


def writes_into_a_part_of_the_result(x):
    whole, part = made_and_a_part(np.array([x, 0.3, x * x]))
    whole[1], part[1] = x, 7.0 * x
    return np.sum(whole * whole) + np.sum(part)


@pytest.mark.parametrize("mode", ["auto", "python", "off"])
@pytest.mark.parametrize(
    "program", [writes_into_one_of_two, writes_into_a_part_of_the_argument, writes_into_a_part_of_the_result]
)
@pytest.mark.parametrize("x", [0.7, 1.3])
def test_what_generated_code_returns_may_be_written_into(program, x, mode, monkeypatch):
    """It had handed out copies of what it was given, and of what it returned twice."""
    monkeypatch.setenv("WORKBENCH_NATIVE", mode)

    def traced(x):
        try:
            return program(x)
        except ZeroDivisionError:
            return 0.0

    value, slope = value_and_gradient(traced)(x)
    assert value == pytest.approx(program(x), rel=1e-14)
    assert slope == pytest.approx((program(x + 1e-6) - program(x - 1e-6)) / 2e-6, rel=1e-7)


def test_second_derivatives_inside(monkeypatch):
    def run():
        return gradient(gradient(outer))(0.7)

    assert run() == pytest.approx(by_trace(monkeypatch, run), rel=1e-10)


# ------------------------------------------------------------------------------------ what goes to the trace


def doubled(x):
    return 2.0 * x


def uses_doubled(x):
    total = 0.0
    for _ in range(3):
        total += doubled(x)
    return total


def test_a_rule_of_the_user_s_holds_everywhere():
    assert gradient(uses_doubled)(1.0) == 6.0
    try:

        @rule(doubled)
        def doubled_rule(x):
            return 2.0 * x, lambda bar: (7.0 * bar,)

        assert gradient(uses_doubled)(1.0) == 21.0
        assert gradient(doubled)(1.0) == 7.0
        assert "rule of its own" in tier_of(uses_doubled, 1.0).reason
    finally:
        for table in (DOORS, RULES):
            table.pop(doubled, None)
        OWN.discard(doubled)


COUNT = 0


def counts(x):
    global COUNT
    COUNT += 1
    return x * COUNT


def prints(x):
    for _ in range(2):
        print("here")
    return x * x


def stops(x):
    return x * stop_gradient(x)


def hooked(x):
    return workbench.hook(lambda bar: 10.0 * bar, x * x)


def test_side_effects_happen_once(capsys):
    assert gradient(counts)(1.0) == 1.0
    assert COUNT == 1
    assert gradient(prints)(3.0) == 6.0
    assert capsys.readouterr().out == "here\nhere\n"
    assert gradient(stops)(3.0) == 3.0
    assert gradient(hooked)(3.0) == 60.0


def guarded(x):
    y = x * 1e308 * 1e308
    return x if x > 0.0 else y


def root_of_square(x):
    return math.sqrt(x * x)


def test_what_generated_code_cannot_tell_is_traced(monkeypatch):
    for program, at in ((guarded, 2.0), (root_of_square, 0.0)):
        found = value_and_gradient(program)(at)
        expected = by_trace(monkeypatch, lambda program=program, at=at: value_and_gradient(program)(at))
        assert repr(found) == repr(expected)


def test_errors_are_the_program_s_own():
    with pytest.raises(ZeroDivisionError):
        gradient(lambda x: x / (x - x))(1.0)
    with pytest.raises(ValueError, match="math domain error"):
        gradient(lambda x: math.log(x))(-1.0)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert np.isinf(gradient(lambda u: 1.0 / u[0])(np.zeros(2))[0])


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float
    name: str = "p"


def norm(p):
    return p.x * p.x + p.y


def test_structures_come_back_as_they_were(monkeypatch):
    def run():
        return [gradient(norm)(Point(2.0, 3.0)), gradient(lambda t: t[0] * t[1][0])((2.0, (3.0, 4)))]

    for found, expected in zip(run(), by_trace(monkeypatch, run), strict=True):
        assert found == expected


def test_ties_are_shared_as_in_the_trace_tier(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    programs = [np.max, np.min, lambda u: np.sum(np.clip(u, 1.0, 2.0)), lambda u: np.sum(np.maximum(u, 2.0))]
    for function in programs:

        def program(u, function=function):
            return function(u) * 3.0

        if tier_of(program, np.ones(4)).tier == "trace":
            continue
        u = np.array([1.0, 2.0, 2.0, 1.0])
        same(gradient(program)(u), by_trace(monkeypatch, lambda program=program, u=u: gradient(program)(u)))


def test_machine_code_gives_the_same_bits(monkeypatch):
    args = (0.3, 50)
    python = value_and_gradient(spiral)(*args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    assert tier_of(spiral, *args).tier in ("machine code", "generated Python")
    machine = value_and_gradient(spiral)(*args)
    assert tier_of(spiral, *args).tier == "machine code"
    assert machine == python
    assert python[0] == spiral(*args)


# ------------------------------------------------------------------------------------ the source


def test_the_source_can_be_read():
    text = derivative_source(spiral, 0.5, 3)
    first = spiral.__code__.co_firstlineno
    assert "s_bar" in text
    assert f"# line {first + 3}" in text
    compile(text, "<generated>", "exec")
    with pytest.raises(NotDifferentiableError, match="no generated derivative of catches"):
        derivative_source(catches, 1.0)


def _weighed(x, y):
    total = 0.0
    for _ in range(3):
        total += x * y * y
    return total


def test_partials_of_one_function_are_told_apart():
    assert gradient(functools.partial(_weighed, y=4.0))(2.0) == pytest.approx(48.0)
    assert gradient(functools.partial(_weighed, 2.0))(5.0) == pytest.approx(60.0)


def _first(x, n):
    return x


@functools.wraps(_first)
def _wrapping(n, x):
    total = 0.0
    for _ in range(3):
        total = total + x * n
    return total + x


def test_arguments_by_name_are_those_of_the_function_that_is_called():
    assert gradient(lambda x: _wrapping(x=x, n=5.0))(2.0) == pytest.approx(16.0)
    assert gradient(lambda x: _wrapping(5.0, x=x))(2.0) == pytest.approx(16.0)


_TABLE = np.zeros(3)


def _row(x):
    for _ in range(3):
        x = x * 1.5
    return _TABLE, x


def test_an_array_from_outside_that_is_returned_stays_the_same_array():
    def program(x):
        table, y = _row(x)
        table[0] = y
        return _TABLE[0] * x

    assert gradient(program)(2.0) == pytest.approx(2 * 1.5**3 * 2.0)


def _halved(x):
    y = x * 2.0
    while y[0] > 0.3:
        y[0] = y[0] * 0.5
    return y[0] + y[1]


def test_a_condition_on_an_element_that_the_loop_writes():
    check_gradient(_halved, np.array([0.7, 1.2]))


class Spring:
    def __init__(self, rate):
        self.rate, self.names = rate, {"left": 1}

    def grown(self, v):
        for _ in range(3):
            v = v * 1.5
        return v


def stretched(x):
    spring = Spring(x)
    return spring.grown(spring.grown(x) + spring.rate)


def test_a_method_need_not_look_at_its_object(monkeypatch):
    value, slope = value_and_gradient(stretched)(2.0)
    assert (value, slope) == (2.0 * slope, 1.5**6 + 1.5**3)
    assert (value, slope) == by_trace(monkeypatch, lambda: value_and_gradient(stretched)(2.0))


def test_of_several_lambdas_in_one_place_the_inner_one_is_read():
    found = (lambda n: tier_of(lambda x: spiral(x, n) * 2.0, 0.5))(30)
    assert found.tier == "generated Python"
