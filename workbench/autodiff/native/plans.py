"""The plans made so far: ``plan`` finds or makes the one for a call, or says why there is none."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any

from workbench.autodiff.native.called import called_function, captured, value_now
from workbench.autodiff.native.compile import mode
from workbench.autodiff.native.fence import Refusal, RefusedError
from workbench.autodiff.native.plan import Plan
from workbench.autodiff.native.shapes import shape_of
from workbench.autodiff.native.structures import Given, leaves, thing_of
from workbench.autodiff.registry import OWN


def _key(target: types.FunctionType, things: list[Any]) -> Any:
    """What a plan depends on besides the names it watches."""
    numbers = captured(target)
    cells = []
    for name, cell in zip(target.__code__.co_freevars, target.__closure__ or (), strict=True):
        content = value_now(cell, name)
        thing = thing_of(content)
        arrays = any(isinstance(leaf, Given) for leaf in leaves(thing))
        cells.append(type(content) if name in numbers else shape_of(thing) if arrays else id(content))
    defaults = [thing_of(d) for d in (*(target.__defaults__ or ()), *(target.__kwdefaults__ or {}).values())]
    constants = [(shape_of(thing), tuple(map(repr, leaves(thing)))) for thing in defaults]
    # Equal code objects may belong to different modules: what their names mean differs.
    home = id(target.__globals__), target.__code__.co_filename
    return target.__code__, home, tuple(map(shape_of, things)), tuple(cells), tuple(constants)


MOST_PLANS = 64  # for one piece of code; making one takes some milliseconds
MOST_OF_ALL = 1000  # of some 100 kB; a notebook's cells are new code each time they run

_plans: dict[Any, Plan | Refusal] = {}
_made: dict[types.CodeType, int] = {}
_lock = threading.RLock()


def plan(function: Callable[..., Any], args: tuple[Any, ...]) -> Plan | Refusal:
    """The plan for calling ``function`` with arguments like ``args``, or why there is none."""
    if mode() == "off":
        return Refusal("WORKBENCH_NATIVE is off")
    try:
        target, things, before = called_function(function, args)
    except RefusedError as error:
        return error.refusal
    key = (_key(target, things), before, len(args), len(OWN))
    with _lock:
        found = _plans.get(key)
        if isinstance(found, Plan):
            found = found.of(function)
        if found is None or (isinstance(found, Plan) and not found.fits()):
            made_before = _made[target.__code__] = _made.get(target.__code__, 0) + 1
            if made_before > MOST_PLANS:
                return Refusal("what it reads from outside, or the kind of its arguments, keeps changing")
            try:
                found = Plan(function, args)
            except RefusedError as error:
                found = error.refusal
            except Exception as error:
                if mode() != "auto":
                    raise
                found = Refusal(f"the native tier cannot read it: {type(error).__name__}: {error}")
            # a function that holds nothing may be held: the same plan is found again
            alone = isinstance(function, types.FunctionType) and function.__closure__ is None
            _plans[key] = found if isinstance(found, Refusal) or alone else found.of(None)
            while len(_plans) > MOST_OF_ALL:
                oldest = next(iter(_plans))
                _made.pop(oldest[0][0], None)
                del _plans[oldest]
    return found
