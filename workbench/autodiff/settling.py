"""What a program leaves behind in lists, dicts, objects and globals becomes plain numbers and arrays again.

While a tape is open, every place that got something traced is noted; when it is closed, those places are settled.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.location import is_engine_file
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import with_elements
from workbench.autodiff.tape import OPEN, Tape

# type -> what becomes of such a value
SETTLED: dict[type, Callable] = dict.fromkeys(TRACED, current)
_CONTAINERS = (list, tuple, dict, deque, set)
_VARYING = frozenset({float, np.float64, np.ndarray})


def note(container: Any, value: Any, name: str | None = None) -> None:
    """``value`` was put into ``container``, under ``name`` if that is an attribute or a global."""
    if stack := OPEN.stack:
        tape = stack[-1]
        if type(value) in SETTLED or isinstance(value, _CONTAINERS):
            tape.touched[id(container), name] = container
            if tape.fresh and name is not None:
                tape.fresh.discard((id(container), name))
        elif name is not None and type(value) in _VARYING:
            tape.fresh.add((id(container), name))
        if tape.changed is not None:
            tape.changed[id(container)] = container


def note_elements(container: Any) -> None:
    """Something may have been put into ``container``."""
    if stack := OPEN.stack:
        tape = stack[-1]
        tape.touched[id(container), None] = container
        if tape.changed is not None:
            tape.changed[id(container)] = container


def changes_globals(names: tuple[str, ...]) -> None:
    """The function that calls this declares ``names`` global."""
    if OPEN.stack:
        namespace = sys._getframe(1).f_globals
        for name in names:
            OPEN.stack[-1].touched[id(namespace), name] = namespace


def settle_all(tape: Tape, function: Any) -> None:
    """Settle every place noted on a closed tape, and the variables that ``function`` shares with its surroundings."""
    done: set[int] = set()
    for (_, name), container in tape.touched.items():
        if name is None:
            _settled(container, done)
        elif type(container) is dict:
            if name in container:
                container[name] = _settled(container[name], done)
        else:
            _settle_attribute(container, name, done)
    function = _behind(function)
    if type(function) is FunctionType and not is_engine_file(function.__code__.co_filename):
        for cell in function.__closure__ or ():
            _settle_cell(cell, done)
    if OPEN.stack:  # what was traced by this tape may still be traced by an outer one
        OPEN.stack[-1].touched.update(tape.touched)
    tape.touched.clear()


def _behind(function: Any) -> Any:
    """The function of the program behind methods, partials, and what the engine has put around it."""
    if isinstance(function, MethodType):
        return _behind(function.__func__)
    if isinstance(function, functools.partial):
        return _behind(function.func)
    by_engine = type(function) is FunctionType and is_engine_file(function.__code__.co_filename)
    return _behind(function.__wrapped__) if by_engine and hasattr(function, "__wrapped__") else function


def settle_in_place(container: Any) -> None:
    """A list, dict or set that a program was given holds plain values again, whoever put something into it."""
    if type(container) in (list, dict, set, deque):
        _settled(container, set())


def settle_error(error: BaseException) -> None:
    """The numbers that an error of the program tells are plain."""
    done: set[int] = set()
    error.args = _settled(error.args, done)
    for name in list(vars(error)):
        _settle_attribute(error, name, done)


def _settle_attribute(obj: Any, name: str, done: set[int]) -> None:
    try:
        before = getattr(obj, name)
    except (AttributeError, LookupError):  # the program failed before it was set
        return
    if (after := _settled(before, done)) is not before:
        (setattr if isinstance(obj, type | threading.local) else object.__setattr__)(obj, name, after)


def _settle_cell(cell: Any, done: set[int]) -> None:
    try:
        before = cell.cell_contents
    except ValueError:  # a variable without a value
        return
    if (after := _settled(before, done)) is not before:
        cell.cell_contents = after


def settled(x: Any) -> Any:
    """``x`` with plain values in it, as far as their tapes are closed; lists, dicts and sets are changed in place."""
    return _settled(x, set())


def _settled(x: Any, done: set[int]) -> Any:
    """``x`` with plain values in it; lists, dicts and sets are changed in place, past what their classes do then."""
    kind = type(x)
    if (settle := SETTLED.get(kind)) is not None:
        return settle(x)
    if kind is np.ndarray and x.dtype.hasobject and x.dtype.names is None and x.flags.writeable:
        for place in np.ndindex(x.shape):
            x[place] = _settled(x[place], done)
        return x
    if kind is FunctionType and x.__closure__ and id(x) not in done:
        done.add(id(x))
        for cell in () if is_engine_file(x.__code__.co_filename) else x.__closure__:
            _settle_cell(cell, done)
        return x
    if kind is frozenset:
        return x if all(type(e) not in SETTLED for e in x) else frozenset(_settled(e, done) for e in x)
    base = (
        kind
        if kind in _CONTAINERS
        else next((k for k in (OrderedDict, *_CONTAINERS) if isinstance(x, k)), None)
    )
    if base is None or id(x) in done:
        return x
    if base is tuple:
        parts = [(e, _settled(e, done)) for e in tuple.__iter__(x)]
        return x if all(a is b for a, b in parts) else with_elements(x, [b for _, b in parts])
    done.add(id(x))
    if issubclass(base, dict):
        parts = [(_settled(key, done), _settled(value, done)) for key, value in base.items(x)]
        if any(key is not before for (key, _), before in zip(parts, base.keys(x), strict=True)):
            base.clear(x)
        for key, value in parts:
            base.__setitem__(x, key, value)
    elif base is set:
        plain = [_settled(e, done) for e in x]
        set.clear(x)
        set.update(x, plain)
    else:
        for k, element in enumerate(base.__iter__(x)):
            base.__setitem__(x, k, _settled(element, done))
    return x
