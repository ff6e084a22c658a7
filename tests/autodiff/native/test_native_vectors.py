"""Loops in whole give the bits of the loops: generated Python with and without them, and machine code."""

from __future__ import annotations

import math

import array_fuzz
import numpy as np
import pytest
from fuzz import load

from workbench.autodiff.native import DeclinedError, Plan, elements, vectors
from workbench.autodiff.native.plan import LEAVES
from workbench.autodiff.tiers import tier_of
from workbench.checks import check_gradient


def derivative(program, args, bar, dots):
    """Value, cotangents and tangent as bytes, or what was raised."""
    made = Plan(program, args)
    try:
        value, back = made.sweep(args)
        parts = [np.asarray(part).tobytes() for part in back(bar) if part is not None]
        pushed, dot = made.push(args, dots)
    except LEAVES as error:
        return made, type(error)
    return made, (np.asarray(value).tobytes(), parts, np.asarray(pushed).tobytes(), np.asarray(dot).tobytes())


def both_ways(monkeypatch, program, args, bar, dots):
    """With loops as they are, and in whole from one element on."""
    monkeypatch.setattr(vectors, "SHORTEST", math.inf)
    monkeypatch.setitem(elements.HELPERS, "inf", math.inf)
    _, expected = derivative(program, args, bar, dots)
    monkeypatch.setattr(vectors, "SHORTEST", 1)
    made, found = derivative(program, args, bar, dots)
    return made, expected, found


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_random_programs(first, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    some = 0
    for seed in range(first, first + 50):
        namespace = load(array_fuzz.Author(seed).program(), f"<array program {seed}>")
        rng = np.random.default_rng(seed)
        args = (rng.normal(size=5), rng.normal(size=5), int(rng.integers(1, 5)))
        dots = (rng.normal(size=5), rng.normal(size=5), None)
        try:
            made, expected, found = both_ways(monkeypatch, namespace["main"], args, 1.0, dots)
        except Exception as error:
            if type(error).__name__ != "RefusedError" and not isinstance(error, DeclinedError):
                raise
            continue
        some += made.compiled.whole.some
        assert found == expected, seed
    assert some > 25


def stencil(u, rate):
    for _ in range(3):
        u[1:-1] = u[1:-1] + rate * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def in_loops(u, rate):
    v = u.copy()
    for _ in range(3):
        for i in range(1, len(u) - 1):
            v[i] = u[i] + rate * (u[i + 1] - 2.0 * u[i] + u[i - 1]) / (1.0 + abs(u[i]))
        u, v = v, u
    total = 1.0
    for i in range(len(u)):
        total += rate * u[i] + math.sqrt(1.0 + u[i] * u[i])
    return total


def row_after_row(u, rate):
    for i in range(len(u) - 1):
        u[i + 1] = u[i + 1] + rate * u[i]
    return u[-1] * u[2]


def into_itself(u, rate):
    for i in range(len(u)):
        u[i] = u[i] * u[3] + rate
    return np.sum(u)


def table(u, rate):
    field = np.zeros((len(u), len(u)))
    for k in range(len(u)):
        field[k] = u * u[k] + rate
    for _ in range(2):
        field[1:-1, 1:-1] = 0.25 * (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2])
    return np.sum(field * field)


def names_of_ours(whole, added):
    running = 0.0
    for each in range(len(whole)):
        taken = whole[each] * added
        running += taken
    return running


def last_ones(u, rate):
    v, total, t = np.zeros(len(u)), 0.0, 0.0
    for _ in range(3):
        for i in range(len(u)):
            t = u[i] * rate + 1.0
            total += t
        for i in range(len(u)):
            v[i] = u[i] + t
    for i in range(1, len(u) - 1):
        j = i + 1
        total += v[j] * u[i]
    return total * t + u[j] * v[i]


@pytest.mark.parametrize(
    "program", [stencil, in_loops, row_after_row, into_itself, table, names_of_ours, last_ones]
)
def test_programs_with_long_arrays(program, monkeypatch):
    rng = np.random.default_rng(3)
    args, dots = (rng.normal(size=40), 0.3), (rng.normal(size=40), 1.0)
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    made, expected, found = both_ways(monkeypatch, program, args, 1.0, dots)
    assert made.compiled.whole.some
    assert found == expected
    if program is last_ones:
        check_gradient(program, args[0].copy(), 0.3)
    if program not in (stencil, in_loops):
        return  # compiling takes seconds
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made, compiled = derivative(program, args, 1.0, dots)
    assert made.state == "compiled"
    assert compiled == expected


def quotients(u, rate):
    v = np.empty(len(u))
    for i in range(len(u)):
        v[i] = rate / u[i]
    return v[0] + v[1]


def test_what_python_raises_is_raised(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    u = np.ones(40)
    u[20] = 0.0
    _, expected, found = both_ways(monkeypatch, quotients, (u, 1.0), 1.0, (u, 1.0))
    assert expected is found is ZeroDivisionError


def short(u, rate):
    for _ in range(3):
        u = u + rate * u * u
    return np.sum(u)


def product(u, rate):
    a = np.ones((len(u), len(u)))
    for _ in range(3):
        u = a @ u * rate
    return np.sum(u)


def waves(u, rate):
    for _ in range(3):
        u = u + rate * np.sin(u)
    return np.sum(u)


def test_loops_around_whole_arrays_are_taken_where_numpy_goes_through_the_elements(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    u = np.linspace(0.1, 1.0, 40)
    for program in (stencil, short, table):
        assert tier_of(program, u, 0.3).tier != "trace", program
    for program in (product, waves):  # a library's product; a function for each element
        assert "whole arrays" in tier_of(program, u, 0.3).reason, program
    assert tier_of(lambda u: np.sum(u * u), u).tier == "trace"


def swing(x, stiffness):
    v = 0.0
    while v < 0.1:
        v += 0.01 * stiffness * math.sin(x)
        x += 0.01 * v
    return x


def test_functions_without_elements_are_not_read():
    """What reads the text of a function takes five times as long as Python's compiler."""
    numbers = vectors.with_vectors(Plan(swing, (0.5, 1.0)).generated.text, ["swing"])
    assert not numbers.tree.body
    assert "swing_backward" in numbers.text
    elements = vectors.with_vectors(Plan(stencil, (np.ones(5), 0.3)).generated.text, ["stencil"])
    assert {function.name for function in elements.tree.body} > {"stencil_forward", "stencil_backward"}
    assert "def " not in elements.text
