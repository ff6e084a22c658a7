"""Traced numbers that a program takes for one another because they are equal.

A memo gives the second of two equal numbers the result, and with it the derivative, of the first. That is right as long
as the two have the same derivatives, which is checked when the run has ended.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from workbench.autodiff.cotangents import accumulate
from workbench.autodiff.location import describe, running_frame
from workbench.autodiff.operations import Operation
from workbench.autodiff.scalars import TRACED, TracedFloat, innermost
from workbench.autodiff.tape import Tape, sweep_back
from workbench.autodiff.telling import plain
from workbench.errors import LostGradientError


def note_equal(a: Any, b: Any) -> None:
    """The program takes ``a``, which is traced, for ``b``; whether their derivatives are the same is checked later."""
    tape = innermost(a, b)
    frame = None if a is b else running_frame()
    while tape is not None and a is not b:
        on = [x if type(x) in TRACED and x.tape is tape else None for x in (a, b)]
        if on[0] is not on[1] and frame is not None:
            tape.equals.append((*on, frame.f_code, frame.f_lasti, frame.f_lineno))
        a, b = (x.value if x is o else x for x, o in zip((a, b), on, strict=True))
        tape = innermost(a, b)


def check_equals(tape: Tape) -> None:
    """Check that the numbers which the program took for one another have the same derivatives.

    The sum of their differences, with random weights, must not depend on anything that the tape begins with.

    Raises:
        LostGradientError: two numbers are equal and vary differently.
    """
    weights = np.random.default_rng(0).uniform(1.0, 2.0, len(tape.equals))
    pairs = [(a, b, w) for (a, b, *_), w in zip(tape.equals, weights, strict=True)]
    size = _sensitivities(tape, [(x, w) for a, b, w in pairs for x in (a, b)])
    rest = _sensitivities(tape, [(x, s) for a, b, w in pairs for x, s in ((a, w), (b, -w))])
    most = max((np.max(np.abs(part), initial=0.0) for part in size.values()), default=0.0)
    for place, part in rest.items():
        if not np.all(np.abs(part) <= 1e-9 * np.abs(size.get(place, 0.0)) + 1e-12 * most):
            raise LostGradientError(
                "two traced numbers that vary differently were taken for one another, since they are equal here",
                found="what was kept for one of them has its derivative, and not the other's",
                where=describe(*tape.equals[0][2:]),
                fix="differentiate at a point where they differ, or keep results with functools.lru_cache, which is"
                " followed",
            )


def _sensitivities(tape: Tape, seeds: list[tuple[Any, float]]) -> dict[int, Any]:
    """The derivatives of the weighted sum of ``seeds`` by the numbers and arrays that the tape begins with."""
    for memory in tape.memories.values():
        memory.store = None
    for x, weight in seeds:
        if x is not None:
            accumulate(x, weight * np.ones(np.shape(plain(x))) if np.ndim(plain(x)) else float(weight))
    found: dict[int, Any] = {}
    # what the tape has without operands is what it begins with, too, though its derivatives are not known
    beginnings = [(e, e.pullback) for e in tape if type(e) is Operation and not e.operands]
    for operation, _ in beginnings:
        operation.pullback = functools.partial(_arrived, found, id(operation))
    try:
        sweep_back(tape)
    finally:
        for operation, pullback in beginnings:
            operation.pullback = pullback
    for node in tape:
        if type(node) is TracedFloat and node.parent is None:
            found[id(node)], node.bar = plain(node.bar), 0.0
    for memory in tape.memories.values():
        if memory.store is not None:
            found[id(memory)], memory.store = memory.store.copy(), None
    return found


def _arrived(found: dict[int, Any], key: int, bar: Any) -> list:
    found[key] = np.copy(plain(bar))
    return []
