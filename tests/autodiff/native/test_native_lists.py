"""Lists that grow: both sweeps, both forms of the code, and every way to a second name is refused."""

from __future__ import annotations

import dataclasses
import functools
import math

import list_fuzz
import list_programs
import numpy as np
import pytest
from test_native_programs import differences, second_derivatives

from workbench import gradient
from workbench.autodiff.native import Plan, Refusal, plan
from workbench.autodiff.tiers import native_curvature, tier_of


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


@pytest.mark.parametrize(("program", "args"), list_programs.TABLE, ids=lambda v: getattr(v, "__name__", ""))
def test_program(program, args, monkeypatch):
    made = plan(program, args)
    assert isinstance(made, Plan), str(made)
    value, back = made.pullback(args)
    found = back(1.0)
    assert value == program(*args)
    assert found == pytest.approx(differences(program, args), rel=2e-7, abs=2e-7)
    assert back(1.0) == found
    for k, dots in enumerate(((1.0, 0.0), (0.0, 1.0))):
        assert made.pushforward(args, dots) == (value, pytest.approx(found[k], rel=1e-12, abs=1e-13))
    assert gradient(program, wrt=(0, 1))(*args) == found
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert gradient(program, wrt=(0, 1))(*args) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(
    ("program", "args"), list_programs.TABLE[::3], ids=lambda v: getattr(v, "__name__", "")
)
def test_second_derivatives(program, args, monkeypatch):
    assert native_curvature(program, args, 0) is not None
    found = second_derivatives(program, args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert found == pytest.approx(second_derivatives(program, args), rel=1e-11, abs=1e-12)


def everything(x, y):
    total = list_programs.recurrence(x, y) + list_programs.stack(x, y) + list_programs.path_of_pairs(x, y)
    total += list_programs.filled(x, y) + list_programs.rows(x, y) + list_programs.made_elsewhere(x, y)
    return total + list_programs.overwritten_places(x, y) + list_programs.sieve(x, y)


def test_machine_code_gives_the_same_bits(monkeypatch):
    args = (0.7, 1.3)
    value, back = Plan(everything, args).pullback(args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made = Plan(everything, args)
    found, compiled_back = made.pullback(args)
    assert made.state == "compiled"
    assert (found, compiled_back(1.0)) == (value, back(1.0))


@pytest.mark.parametrize("first", range(0, 160, 40))
def test_random_programs(first):
    messages = [list_fuzz.check(seed) for seed in range(first, first + 40)]
    assert [m for m in messages if m and not m.startswith("refused")] == []
    assert sum(m.startswith("refused") for m in messages) < 10


def test_a_loop_that_appends_is_taken_by_itself(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    assert tier_of(list_programs.recurrence, 0.7, 1.3).tier == "generated Python"


# ------------------------------------------------------------------------------------------- second names


@dataclasses.dataclass(frozen=True)
class Holder:
    values: list


def same(values):
    return values


def in_a_tuple(values):
    return values, 1.0


def longer(values, x):
    values.append(x)
    return 0.0


def named_twice(x):
    a = [x]
    b = a
    a.append(2.0 * x)
    return b[-1]


def grown_under_the_other_name(x):
    a = [x]
    b = a
    b.append(2.0 * x)
    return a[-1]


def given_back(x):
    a = [x]
    a.append(x)
    b = same(a)
    a.append(2.0 * x)
    return b[-1]


def given_back_by_a_function_inside(x):
    def inside(values):
        return values

    a = [x]
    a.append(x)
    b = inside(a)
    a.append(2.0 * x)
    return b[-1]


def given_back_in_a_tuple(x):
    a = [x]
    a.append(x)
    pair = in_a_tuple(a)
    a.append(2.0 * x)
    return pair[0][-1]


def kept_in_a_tuple(x):
    a = [x]
    a.append(x)
    pair = (a, x)
    a.append(2.0 * x)
    return pair[0][-1]


def kept_in_an_object(x):
    a = [x]
    a.append(x)
    holder = Holder(a)
    a.append(2.0 * x)
    return holder.values[-1]


def bound_into_a_partial(x):
    a = [x]
    bound = functools.partial(same, a)
    a.append(2.0 * x)
    return bound()[-1]


def kept_in_a_dict(x, n=3):
    a = [x * k for k in range(n)]
    entries = {"a": a}
    b = entries.get("a")
    b.append(2.0 * x)
    return a[-1] * len(a)


def seen_by_a_function_inside(x):
    a = [x]

    def last():
        return a[-1]

    a.append(2.0 * x)
    return last()


def grown_by_a_function(x):
    a = [x]
    longer(a, 2.0 * x)
    return a[-1]


def grown_while_gone_through(x):
    a = [x]
    total = 0.0
    for v in a:
        total += v
        if len(a) < 4:
            a.append(2.0 * v)
    return total


def shorter_between_two_looks(x):
    a = [x, 2.0 * x]
    return of_both(a, a.pop())


def of_both(values, v):
    return len(values) * v


def known_after_its_end(x):
    old = [x]
    for k in range(3):
        new = [k * x]
        new.append(x)
        old = new
    new.append(x)
    return len(old) * x


def known_from_the_iteration_before(x):
    old = [x]
    for k in range(3):
        if k == 0:
            new = [x]
        new.append(x)
        old = new
    return len(old) * x


@pytest.mark.parametrize(
    "program",
    [
        named_twice, grown_under_the_other_name, given_back, given_back_by_a_function_inside, given_back_in_a_tuple,
        kept_in_a_tuple, kept_in_an_object, bound_into_a_partial, kept_in_a_dict, seen_by_a_function_inside,
        grown_by_a_function,
        grown_while_gone_through, shorter_between_two_looks, known_after_its_end, known_from_the_iteration_before,
    ],
)  # fmt: skip
def test_a_list_that_changes_has_one_name(program):
    refusal = plan(program, (1.5,))
    assert isinstance(refusal, Refusal)
    assert "list" in refusal.reason or "append" in refusal.reason
    assert gradient(program)(1.5) == pytest.approx(differences(program, (1.5,))[0], rel=1e-7)


def test_two_names_of_a_list_that_does_not_grow_see_what_is_written():
    def program(x, n):
        a = [k * x for k in range(n)]
        b = a
        b[1] = x * x
        return a[1] * a[2]

    made = plan(program, (1.5, 3))
    assert made.pullback((1.5, 3))[1](1.0)[0] == pytest.approx(6 * 1.5**2)


def beyond_its_end(x, n):
    return [x * k for k in range(n)][n]


def emptied(x, n):
    a = [x] * n
    for _ in range(n + 1):
        x = x * a.pop()
    return x


@pytest.mark.parametrize("program", [beyond_its_end, emptied])
def test_the_program_raises_its_own_errors(program):
    made = plan(program, (1.5, 3))
    assert isinstance(made, Plan)
    with pytest.raises(IndexError):
        made.pullback((1.5, 3))


def test_long_lists_do_not_count_as_work_on_whole_arrays(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")

    def walk(x, n):
        seen = [0.0] * n
        for k in range(n):
            seen[k] = math.sin(k * x)
        return sum_of_squares(seen)

    assert tier_of(walk, 0.5, 1000).tier == "generated Python"
    assert gradient(walk)(0.5, 50) == pytest.approx(
        np.sum(2 * np.sin(0.5 * np.arange(50)) * np.cos(0.5 * np.arange(50)) * np.arange(50)), rel=1e-12
    )


def sum_of_squares(values):
    total = 0.0
    for v in values:
        total += v * v
    return total
