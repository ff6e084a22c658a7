"""Calls inside of a traced program that generated code takes: each is one entry on the tape.

A function is looked at only where it has a loop or calls itself, and where traced values go into it; what is refused
several times, or is called in vain, is left to the trace.
"""

from __future__ import annotations

import functools
import math
import sysconfig
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.location import is_engine_file
from workbench.autodiff.operations import record
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.subarrays import DRESSED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.tiers import (
    SafePull,
    copied,
    forward_sweep,
    given_up,
    kind_of_call,
    plan_or_refusal,
    traced_instead,
)

_ELSEWHERE = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

MOST_IN_VAIN = 100_000
# kind of call -> how many elements of arguments were looked at in calls that nothing traced went into; once something
# did, every call is looked at
_in_vain: dict[Any, float] = {}


def native_call(f: FunctionType, rewritten: Callable) -> Callable:
    """What a traced program calls where it calls ``f``: generated code where it can, as one entry on the tape.

    ``rewritten`` is the function for all other calls.
    """
    from workbench.autodiff.native.choice import loops_or_recurs

    file = f.__code__.co_filename
    if f.__code__.co_flags & 0x2A0 or not loops_or_recurs(f):  # generators and coroutines
        return rewritten
    if is_engine_file(file) or file.startswith(_ELSEWHERE):
        return rewritten

    code = f.__code__

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return rewritten(*args, **kwargs)
        given = args
        if kwargs:
            # the names of the code itself: a signature would be that of what the function wraps
            names = code.co_varnames[len(args) : code.co_argcount]
            if code.co_posonlyargcount or code.co_flags & 0x0C or set(kwargs) != set(names[: len(kwargs)]):
                return rewritten(*args, **kwargs)
            given = (*args, *(kwargs[name] for name in names[: len(kwargs)]))
        result = _entry(f, rewritten, given)
        return rewritten(*args, **kwargs) if result is None else result[0]

    return call


def _entry(f: FunctionType, rewritten: Callable, args: tuple) -> tuple[Any] | None:
    """The traced result of a call by generated code, None where the trace has to go through the call."""
    from workbench.autodiff.native.compile import mode
    from workbench.autodiff.tracing import traced_pullback

    kind = kind_of_call(f, tuple(a.value if type(a) in TRACED else a for a in args), True)
    if mode() == "off" or given_up(kind) or _in_vain.get(kind, 0) > MOST_IN_VAIN:
        return None
    constants: list[Any] = []
    args = map_leaves(current, args, other=lambda x: constants.append(x) or x)
    found = leaves(args)
    if not DRESSED.isdisjoint(map(type, found)):
        return None
    tape = innermost(*found)
    if tape is None or tape.traces_all:
        _in_vain[kind] = _in_vain.get(kind, 0) + len(constants) + len(found)
        return None
    _in_vain[kind] = -math.inf
    chosen = [type(leaf) in TRACED and leaf.tape is tape for leaf in found]
    operands = [leaf for leaf, on in zip(found, chosen, strict=True) if on]
    values = map_leaves(lambda leaf: leaf.value if type(leaf) in TRACED and leaf.tape is tape else leaf, args)
    swept = _swept(f, values)
    if swept is None:
        return None
    made, value, pull = swept
    kept = map_leaves(copied, values) if made.has_arrays else values
    safe = SafePull(rewritten, kept, pull, functools.partial(traced_instead, made, traced_pullback))

    def native_pullback(bars: Any) -> list[Any]:
        entries = iter(bars)
        found = safe(map_leaves(lambda _: next(entries), value, other=lambda _: None))
        parts: list[Any] = []
        for argument, bar in zip(values, found, strict=True):
            # an object that the function does not look at has None
            parts += [None] * len(leaves(argument)) if bar is None else leaves(bar)
        return [bar for bar, on in zip(parts, chosen, strict=True) if on]

    outputs = iter(record(tape, operands, tuple(leaves(value)), native_pullback))
    return (map_leaves(lambda _: next(outputs), value),)


def _swept(f: FunctionType, values: tuple) -> tuple[Any, Any, Callable] | None:
    """Plan, value and pullback of a call by generated code, None where it is not taken."""
    from workbench.autodiff.native import Refusal

    if any(type(leaf) in TRACED for leaf in leaves(values)):
        return None  # the function belongs to an outer derivative too
    made = plan_or_refusal(f, values, inside=True)
    if isinstance(made, Refusal) or made.writes:
        return None
    if any(current(array) is not array for array in made.outside_data()):
        return None  # a traced value has been written into an array that it reads from outside
    made = made.frozen()
    swept = forward_sweep(made, values)
    if swept is None or swept[1].shares:  # the result is a view of an argument, or of another result
        return None
    if made.outside_data() and any(isinstance(leaf, np.ndarray) for leaf in leaves(swept[0])):
        return None  # the result may be an array from outside, which the program may write into
    return made, *swept
