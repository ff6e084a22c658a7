"""What is known when a program is read, and what only seems to be: words, objects, classes of numbers, ``:=``."""

from __future__ import annotations

import enum
import math

import pytest
from test_native_programs import differences

from workbench import gradient, pushforward, value_and_gradient
from workbench.autodiff.native import Plan, Refusal, plan


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


class Mode(enum.StrEnum):
    FAST = "fast"


OPTIONS: dict[str, int] = {}
NAMES, THE_SAME_NAMES = frozenset({"a"}), frozenset({"a"})
MODE = Mode.FAST


def asks_what_may_change(x):
    return x * x if OPTIONS else x


def compares_what_may_change(x):
    return x * x if NAMES == THE_SAME_NAMES else x


def looks_for_what_may_change(x):
    return x * x if NAMES in (THE_SAME_NAMES,) else x


@pytest.mark.parametrize(
    "program", [asks_what_may_change, compares_what_may_change, looks_for_what_may_change]
)
def test_objects_that_may_change_are_left_to_the_trace(program):
    assert "which may change" in plan(program, (1.5,)).reason
    expected = 1.0 if program is asks_what_may_change else 3.0
    assert gradient(program)(1.5) == expected


def compares_words(x):
    total = x if MODE == "fast" and MODE != "slow" and math.sin != math.cos else 0.0
    if MODE and MODE in ("slow", "fast") and "slow" not in ("fast", None) and math.sin in (math.sin,):
        total *= x
    return total


def test_words_and_members_of_enumerations_compare_as_in_python():
    assert isinstance(plan(compares_words, (1.5,)), Plan)
    assert value_and_gradient(compares_words)(1.5) == (compares_words(1.5), 3.0)


def assigned_in_a_comprehension(x, y):
    total = 0.0
    for _ in range(3):
        parts = [(total := total + v * x) for v in (x, y)]
    return total + parts[0]


def assigned_in_a_default(x, y):
    total = x
    for _ in range(3):
        x = (lambda v, by=(total := total * y): v * by)(x)
    return total + x


@pytest.mark.parametrize("program", [assigned_in_a_comprehension, assigned_in_a_default])
def test_what_a_loop_assigns_inside_of_an_expression_is_carried_on(program):
    args = (0.5, 0.7)
    value, back = plan(program, args).pullback(args)
    assert value == program(*args)
    assert back(1.0) == pytest.approx(differences(program, args), rel=1e-7)


def sign_of_a_sum(x):
    return math.copysign(x + 1.0, sum((x,)))


def test_a_sum_begins_with_zero():
    value, _ = plan(sign_of_a_sum, (-0.0,)).pullback((-0.0,))
    assert value == sign_of_a_sum(-0.0) == 1.0


def class_of_an_element(x):
    seen = [0.5 * x]
    seen.append(1)
    return x * (2.0 if isinstance(seen[-1], int) else 3.0)


def class_on_two_paths(x):
    z = 1 if x < 1.0 else x
    return x * (2.0 if isinstance(z, int) else 3.0)


def class_of_an_argument(x):
    total = 0
    for _ in range(3):
        total = total + x
    return total * x


@pytest.mark.parametrize("program", [class_of_an_element, class_on_two_paths])
def test_the_class_of_a_number_is_asked_only_where_it_is_the_same_on_all_paths(program):
    found = plan(program, (0.5,))
    assert isinstance(found, Refusal)
    assert "class of a number" in found.reason
    assert gradient(program)(0.5) == 2.0
    assert isinstance(plan(class_of_an_argument, (0.5,)), Plan)


def whole_at_its_end(x, n):
    if n <= 0:
        return (x, 1)
    a, b = whole_at_its_end(0.5 * x, n - 1)
    return a * x, b * x


def second(x):
    return whole_at_its_end(x, 2)[1]


def test_a_whole_number_on_one_path_is_no_stumbling_block_for_the_trace():
    value, push = pushforward(second, 0.7, wrt=0)
    assert (value, push(1.0)) == pytest.approx((0.7 * 0.35, 0.7))


def functions_made_in_a_loop(x, y):
    for _ in range(3):

        def go(s, k):
            return s if k <= 0 else go(s * y, k - 1) + x  # noqa: B023

        x = go(x, 2)
    return x


def test_a_function_made_in_a_loop_is_named_in_few_words():
    args = (0.5, 0.7)
    value, back = plan(functions_made_in_a_loop, args).pullback(args)
    assert value == functions_made_in_a_loop(*args)
    assert back(1.0) == pytest.approx(differences(functions_made_in_a_loop, args), rel=1e-7)
