"""What stands in things that change, of every kind: taken as copies, and put back."""

from __future__ import annotations

import io
import operator
import threading
import weakref
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import chain, zip_longest
from types import CellType, GeneratorType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, own_copy
from workbench.autodiff.calls import python_method
from workbench.autodiff.draws import GENERATORS, rewind, state_of
from workbench.autodiff.location import user_line
from workbench.autodiff.met import by_class
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import field, own_names, set_field
from workbench.autodiff.watch import are_equal
from workbench.autodiff.writing import set_item
from workbench.errors import MissingRuleError

UNCHANGING = (str, bytes, int, float, complex, tuple, frozenset, type(None), np.generic, *weakref.ProxyTypes)
"""Types of what cannot change itself; where a proxy leads may be gone."""

_NONE = object()
_KINDS = (list, OrderedDict, dict, set, deque)


def content(x: Any) -> Any:
    """What stands in ``x``: a copy, for ``put_back``."""
    return _ways(type(x))[0](x)


def content_before(x: Any) -> Any:
    """What stands in ``x``, which is about to change: an iterator, which is about to go on, cannot be put back."""
    return _NONE if _ways(type(x))[1] is _check_progress else content(x)


def put_back(x: Any, held: Any) -> None:
    """Let ``x`` hold what it held.

    Raises:
        MissingRuleError: it is an iterator, and has gone on since.
    """
    _ways(type(x))[1](x, held)


@by_class
def _ways(kind: type) -> tuple[Callable, Callable]:
    compiled_iterator = issubclass(kind, Iterator) and python_method(kind, "__next__") is None
    other = (_progress, _check_progress) if compiled_iterator else (_of_object, _into_object)
    return next((ways for base, *ways in _WAYS if issubclass(kind, base)), other)


def _into_array(x: np.ndarray, held: Any) -> None:
    traced = type(held) in TRACED or type(current(x)) in TRACED
    if traced or not (np.array_equal(held, x) or are_equal(held, x)):  # mostly there are no NaN
        set_item(held, x, ...)


def _of_cell(x: CellType) -> Any:
    return x.cell_contents if x != CellType() else _NONE


def _into_cell(x: CellType, held: Any) -> None:
    if held is _NONE:
        del x.cell_contents
    else:
        x.cell_contents = held


def _into_variable(x: ContextVar, held: Any) -> None:
    if x.get(_NONE) is not held:
        x.set(held)


def _into_numbers(x: array | bytearray, held: Any) -> None:
    if x != held:
        x[:] = held


def _into_text(x: Any, held: tuple[Any, int]) -> None:
    if x.getvalue() != held[0]:
        x.seek(0)
        x.truncate()
        x.write(held[0])
    x.seek(held[1])


def _into_names(x: Any, held: dict[str, Any]) -> None:
    for name in vars(x).keys() - held.keys():
        delattr(x, name)
    for name, value in held.items():
        if vars(x).get(name, _NONE) is not value:
            setattr(x, name, value)


def _progress(x: Any) -> Any:
    if isinstance(x, GeneratorType):
        return x.gi_frame and (x.gi_frame.f_lasti, list(map(id, x.gi_frame.f_locals.values())))
    return operator.length_hint(x, -1), repr(x)


def _check_progress(x: Any, held: Any) -> None:
    if _progress(x) != held:
        raise MissingRuleError(
            "a function that a solver calls reads an iterator that it shares",
            found=f"it is called again for derivatives, and would find the {type(x).__name__} further on",
            where=user_line(),
            fix="make the iterator in the function, or count in a variable",
        )


def _of_object(x: Any) -> tuple[list[Any] | None, dict[str, Any]]:
    return _held(x), {name: field(x, name) for name in _names(x)}


def _names(x: Any) -> list[str]:
    return [] if type(x) in _KINDS else own_names(x)


@by_class
def _base(kind: type) -> type | None:
    return next((base for base in _KINDS if issubclass(kind, base)), None)


def _held(x: Any) -> list[Any] | None:
    base = _base(type(x))
    if base is None:
        return None
    return list(chain.from_iterable(base.items(x))) if issubclass(base, dict) else list(base.__iter__(x))


def _into_object(x: Any, held: tuple[list[Any] | None, dict[str, Any]]) -> None:
    parts, fields = held
    now = _held(x)
    if now is not None and _differ(now, parts):
        _refill(x, now, parts)
    now_there = _names(x)
    for name in now_there:
        if name not in fields:
            object.__delattr__(x, name)
    for name, value in fields.items():
        if name not in now_there or field(x, name) is not value:
            set_field(x, name, value)


def _differ(now: list[Any], parts: list[Any]) -> bool:
    return len(now) != len(parts) or any(map(operator.is_not, now, parts))


def _refill(x: Any, now: list[Any], parts: list[Any]) -> None:
    base = _base(type(x))
    if not issubclass(base, dict):
        base.clear(x)
        (base.update if base is set else base.extend)(x, parts)
        return
    kept = set(map(id, parts[::2]))
    for key in now[::2]:
        if id(key) not in kept:
            base.__delitem__(x, key)
    now = _held(x)
    if _differ(now[::2], parts[::2]):  # only then: other threads may read the names of a module here
        base.clear(x)
        now = []
    for key, value, before in zip_longest(parts[::2], parts[1::2], now[1::2], fillvalue=_NONE):
        if before is not value:
            base.__setitem__(x, key, value)


_WAYS: tuple[tuple[Any, Callable, Callable], ...] = (
    (np.ndarray, lambda x: own_copy(current(x)), _into_array),
    (CellType, _of_cell, _into_cell),
    (ContextVar, lambda x: x.get(_NONE), _into_variable),
    (tuple(GENERATORS), state_of, rewind),
    (array | bytearray, lambda x: x[:], _into_numbers),
    (io.StringIO | io.BytesIO, lambda x: (x.getvalue(), x.tell()), _into_text),
    (type | ModuleType | threading.local, lambda x: dict(vars(x)), _into_names),
)
