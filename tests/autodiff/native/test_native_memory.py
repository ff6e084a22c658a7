"""What plans keep: no syntax, and not for ever."""

from __future__ import annotations

import ast
import gc
import weakref

import numpy as np
import pytest
from fuzz import load

from workbench.autodiff.native import Plan, plan, plans

SOURCE = """
def main(x, n):
    def inner(a, k):
        return a if k == 0 else inner(a * x, k - 1)
    values = [x]
    for k in range(n):
        values.append(inner(values[-1], k))
    return values[0] + values[-1]
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    monkeypatch.setattr(plans, "_plans", {})
    monkeypatch.setattr(plans, "_made", {})


def reachable(start):
    """All that an object holds, modules, their names, and classes left out."""
    seen, waiting = {id(start): start}, [start]
    while waiting:
        for inner in gc.get_referents(waiting.pop()):
            elsewhere = isinstance(inner, type | type(ast)) or (
                type(inner) is dict and "__builtins__" in inner
            )
            if id(inner) not in seen and not elsewhere:
                seen[id(inner)] = inner
                waiting.append(inner)
    return seen.values()


def test_a_plan_holds_no_syntax():
    made = plan(load(SOURCE, "<memory 0>")["main"], (0.5, 3))
    _, back = made.pullback((0.5, 3))
    back(1.0)
    made.pushforward((0.5, 3), (1.0, None))
    assert not any(isinstance(one, ast.AST) for one in reachable(made))
    assert any(isinstance(one, ast.AST) for one in reachable([made, ast.parse("x")]))


def test_the_oldest_plans_are_given_up(monkeypatch):
    monkeypatch.setattr(plans, "MOST_OF_ALL", 3)
    held = []
    for k in range(6):
        main = load(SOURCE, f"<memory {k + 1}>")["main"]
        made = plan(main, (0.5, 3))
        assert isinstance(made, Plan)
        assert plan(main, (0.5, 4)) is made
        held.append(weakref.ref(made))
    del made
    gc.collect()
    assert [one() is not None for one in held] == [False] * 3 + [True] * 3
    assert len(plans._plans) == 3


STENCIL = """
import numpy as np

def main(x, rate, n):
    u, before = x.copy(), x.copy()
    for k in range(n):
        after = np.zeros_like(u)
        after[1:-1] = 2.0 * u[1:-1] - before[1:-1] + rate * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u[1:-1] = u[1:-1] + rate * after[:-2] * u[2:]
        before, u = u, after
    return np.sum(u * u)
"""


def test_what_goes_between_two_loops_takes_no_place_for_cotangents():
    """One array for each copy and each ``after``; none for the sum that overlaps with ``u``, where it is written."""
    made = plan(load(STENCIL, "<memory stencil>")["main"], (np.linspace(0.1, 1.0, 9), 0.3, 4))
    forward = made.generated.text.partition("main_forward")[2].partition("main_backward")[0]
    assert forward.count("claim(tape") == 3
    assert forward.count("np.empty") == 3  # two copies, and the sum that overlaps
