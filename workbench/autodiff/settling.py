"""What a program leaves behind in lists, dicts, objects and globals becomes plain numbers and arrays again.

While a tape is open, every place that got something traced is noted; when it is closed, those places are settled.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar
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


def note_going_on(x: Any) -> None:
    """An iterator, a generator of random numbers or a stream is about to go on."""
    if (stack := OPEN.stack) and stack[-1].changed is not None:
        stack[-1].changed[id(x)] = x


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
    tape.handed.clear()


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
    """``settled``, where ``done`` has the ids of the containers that have been gone through."""
    kind = type(x)
    if (settle := SETTLED.get(kind)) is not None:
        return settle(x)
    base = kind if kind in _INSIDE else next((k for k in _BASES if issubclass(kind, k)), None)
    return x if base is None or id(x) in done else _INSIDE[base](x, base, done)


def _in_array(x: np.ndarray, base: type, done: set[int]) -> np.ndarray:
    if x.dtype.hasobject and x.dtype.names is None and x.flags.writeable:
        for place in np.ndindex(x.shape):
            x[place] = _settled(x[place], done)
    return x


def _in_function(x: FunctionType, base: type, done: set[int]) -> FunctionType:
    done.add(id(x))
    for cell in () if is_engine_file(x.__code__.co_filename) else x.__closure__ or ():
        _settle_cell(cell, done)
    return x


def _in_frozenset(x: frozenset, base: type, done: set[int]) -> frozenset:
    return x if all(type(e) not in SETTLED for e in x) else frozenset(_settled(e, done) for e in x)


def _in_tuple(x: tuple, base: type, done: set[int]) -> tuple:
    parts = [(e, _settled(e, done)) for e in tuple.__iter__(x)]
    return x if all(a is b for a, b in parts) else with_elements(x, [b for _, b in parts])


def _in_dict(x: dict, base: type, done: set[int]) -> dict:
    done.add(id(x))
    parts = [(_settled(key, done), _settled(value, done)) for key, value in base.items(x)]
    if any(key is not before for (key, _), before in zip(parts, base.keys(x), strict=True)):
        base.clear(x)
    for key, value in parts:
        base.__setitem__(x, key, value)
    return x


def _in_variable(x: ContextVar, base: type, done: set[int]) -> ContextVar:
    before = x.get(None)
    if (after := _settled(before, done)) is not before:
        x.set(after)
    return x


def _in_set(x: set, base: type, done: set[int]) -> set:
    plain = [_settled(e, done) for e in x]
    set.clear(x)
    set.update(x, plain)
    return x


def _in_list(x: list | deque, base: type, done: set[int]) -> list | deque:
    done.add(id(x))
    for k, element in enumerate(base.__iter__(x)):
        base.__setitem__(x, k, _settled(element, done))
    return x


_BASES = (OrderedDict, *_CONTAINERS)  # of which a class of the program may be made
# type -> settles what is in such a thing, of it, the type that it is made of, and what has been gone through
_INSIDE: dict[type, Callable] = {
    **{np.ndarray: _in_array, FunctionType: _in_function, frozenset: _in_frozenset, tuple: _in_tuple},
    **{list: _in_list, deque: _in_list, dict: _in_dict, OrderedDict: _in_dict, set: _in_set},
    ContextVar: _in_variable,
}
