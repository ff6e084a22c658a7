"""Reading from arrays and other containers: ``a[i]``, ``del a[i]``, and what a loop goes over."""

from __future__ import annotations

import inspect
import io
import itertools
import operator
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import (
    VIEWS,
    Memory,
    TracedArray,
    beneath,
    current,
    is_followed_subclass,
    owner_of,
)
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.cotangents import add_into
from workbench.autodiff.operations import record
from workbench.autodiff.records import by_fields
from workbench.autodiff.registry import OWNER_DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.saved import BYTE_STREAMS
from workbench.autodiff.scalars import TRACED, TracedFloat, recorded, strip
from workbench.autodiff.settling import note_going_on
from workbench.autodiff.stored import BARE, TABLES, checked_key
from workbench.autodiff.subarrays import TracedSubarray, class_of
from workbench.autodiff.tape import OPEN, Entry
from workbench.autodiff.telling import plain

_BUILT_IN = frozenset({list, dict, tuple, str})
_WATCHED = frozenset({re.Match, memoryview})  # compiled, with doors of their own


def get_item(container: Any, index: Any) -> Any:
    """``container[index]``."""
    kind = type(container)
    if (type(index) not in BARE or type(index) is float) and isinstance(container, TABLES):
        checked_key(container, index)
    if kind in _BUILT_IN:
        return container[index]
    if kind is np.ndarray or kind is TracedArray:
        container = current(container)
        kind = type(container)
    if kind is TracedArray:
        return _read(container, index)
    if kind is np.ndarray:
        return container[plain_index(index)]
    if kind is TracedFloat and isinstance(strip(container), np.generic):
        return (  # NumPy's numbers know x[()] and x[None]
            container
            if type(index) is tuple and not index
            else get_item(as_array([container]).reshape(()), index)
        )
    if isinstance(container, type):  # ``Class[index]``
        return _of_class(container, index)
    if OPEN and issubclass(kind, VIEWS) and (seen := current(container)) is not container:
        return _read(seen, index) if type(seen) is TracedArray else get_item(seen, index)
    own = python_method(kind if kind is TracedSubarray else class_of(container), "__getitem__")
    if own is not None:
        return resolve(own)(container, index)
    if isinstance(container, dict):
        return _of_dictionary(container, index)
    if kind in _WATCHED:
        return OWNER_DOORS[kind](container.__getitem__, container)(index)
    return container[index]


def _of_class(cls: type, index: Any) -> Any:
    own = python_method(type(cls), "__getitem__")
    if own is not None:
        return resolve(own)(cls, index)
    own = inspect.getattr_static(cls, "__class_getitem__", None)
    if isinstance(own, classmethod) and type(own.__func__) is FunctionType:
        return resolve(own.__func__)(cls, index)
    return cls[index]


def _of_dictionary(container: dict, key: Any) -> Any:
    """An element of a dictionary that may make what it does not have by code of the program."""
    if key in container:
        return container[key]
    missing = python_method(type(container), "__missing__")
    if missing is not None:
        return resolve(missing)(container, key)
    factory = getattr(container, "default_factory", None)
    if factory is None or not hasattr(type(container), "__missing__"):
        return container[key]
    REWRITTEN_DOORS["set_item"](value := resolve(factory)(), container, key)
    return value


def delete_item(container: Any, index: Any) -> None:
    """``del container[index]``."""
    own = python_method(type(container), "__delitem__")
    if own is None:
        del container[index]
    else:
        resolve(own)(container, index)


def plain_index(index: Any) -> Any:
    """An index without traces: masks and whole numbers made from traced values do not vary."""
    if type(index) in TRACED:
        return index.array if type(index) is TracedArray else strip(index)
    if type(index) is tuple and any(type(i) in TRACED for i in index):
        return tuple(plain_index(i) for i in index)
    return index


def kept_index(index: Any) -> Any:
    """An index to be used again on the way back: the program may change its own arrays and lists before that."""
    kind = type(index)
    if kind is np.ndarray:
        return index.copy()
    if kind is list:
        return np.array(index) if index else index.copy()
    if kind is tuple:
        return tuple(map(kept_index, index))
    # a table of pandas is an index, and would answer for the functions that get it
    return (
        np.array(index) if hasattr(kind, "__array_ufunc__") and not isinstance(index, np.generic) else index
    )


def _can_change(index: Any) -> bool:
    """Whether an index of one element is an array, or has one in it, that the program may write into."""
    return type(index) is np.ndarray or (type(index) is tuple and np.ndarray in map(type, index))


class ReadElement(Entry):
    """One number read out of an array."""

    __slots__ = ("array", "index", "memory", "result")
    is_write = False

    def __init__(self, memory: Memory, array: np.ndarray, index: Any) -> None:
        self.memory, self.array, self.index = memory, array, index
        self.result: Any = None

    def back(self) -> None:
        bar = self.result.bar
        if type(bar) is TracedFloat or bar:
            self.result.bar = 0.0
            view = self.memory.view_like(self.array)
            if OPEN:
                add_into(view[_as_view(self.index)], bar)
            else:
                view[self.index] += bar


def _as_view(index: Any) -> Any:
    """An index of one element, made to give a view without axes: an array as an index would give a copy."""
    parts = index if isinstance(index, tuple) else (index,)
    whole = tuple(part if part is ... else operator.index(part) for part in parts)
    return whole if any(part is ... for part in parts) else (*whole, ...)


def _read(source: TracedArray, index: Any) -> Any:
    index = plain_index(index)
    tape, array = source.tape, source.array
    if not tape.open:
        return array[index]
    if not array.ndim and type(index) is int and array.dtype.names:
        index = array.dtype.names[index]
    found = array[index]
    if isinstance(found, np.void):  # one record of a structured array: a view of its memory
        return current(array[_as_view(index)])
    if type(found) is np.ndarray:
        if isinstance(index, str) and not found.ndim:
            return get_item(current(found), ())
        if found.base is not None and owner_of(found) is owner_of(array):
            return current(found)
        return _gathered(source, index)
    if not isinstance(found, np.inexact):
        return found
    if isinstance(found, np.complexfloating):
        return _gathered(source, index)
    value = found if tape.level == 0 else beneath(tape, get_item, source.value, index)
    place = kept_index(index) if _can_change(index) else index
    tape.append(entry := ReadElement(source.memory, array, place))
    entry.result = recorded(value, tape)
    return entry.result


def _gathered(source: TracedArray, index: Any) -> Any:
    """Elements picked by a mask or by arrays of positions: a copy."""
    if source.array.dtype.names is not None:
        return by_fields(lambda part: get_item(part, index), source.array[index], source)
    tape = source.tape
    value = source.array[index] if tape.level == 0 else beneath(tape, get_item, source.value, index)
    shape, dtype = source.array.shape, source.array.dtype
    index = kept_index(index)

    def gather_pullback(bar: Any) -> list[Any]:
        full = np.zeros(shape, dtype)
        if type(bar) not in TRACED:
            np.add.at(full, index, bar)
            return [full]
        from workbench.autodiff.elementwise import add_at

        return [current(add_at(full, index, bar))]

    return record(source.tape, [source], value, gather_pullback)


TEXT_STREAMS = frozenset({io.StringIO, io.TextIOWrapper})
"""Buffers and files of text, which are read line by line."""
LINES = dict.fromkeys(TEXT_STREAMS, "") | dict.fromkeys(BYTE_STREAMS, b"")
"""Types of what is read line by line -> what it gives at its end."""


def iterate(source: Any) -> Any:
    """What a ``for`` loop runs over."""
    kind = type(source)
    if kind is np.ndarray or kind is TracedArray:
        array = plain(source)
        if type(array) is not np.ndarray or not (array.ndim or array.dtype.names):
            iter(array)  # NumPy's error, or Python's
        return _rows(array) if OPEN else source
    if kind in _BUILT_IN or kind is range:
        return source
    if kind is memoryview:
        return (get_item(source, k) for k in range(len(source)))
    if kind in LINES and OPEN:  # each line remembers what the buffer got
        return iter(OWNER_DOORS[kind](source.readline, source), LINES[kind])
    if issubclass(kind, VIEWS) and (seen := current(source)) is not source:
        return _rows(seen.array) if type(seen) is TracedArray else iterate(seen)
    kind = class_of(source)
    own = python_method(kind, "__iter__")
    if own is not None:
        made = resolve(own)(source)
        step = python_method(type(made), "__next__")
        return made if step is None else _steps(made, resolve(step))
    if not hasattr(kind, "__iter__") and (own := python_method(kind, "__getitem__")) is not None:
        return _items(source, resolve(own))
    if OPEN and is_followed_subclass(kind):
        return (get_item(source, k) for k in range(len(source)))
    if hasattr(kind, "__next__"):
        note_going_on(source)
    return source


def iterate_rows(source: Any) -> Any:
    """What a loop runs over that takes each element apart."""
    return (current(row) if type(row) is np.ndarray else row for row in iterate(source))


def _items(source: Any, read: Callable) -> Any:
    for k in itertools.count():
        try:
            value = read(source, k)
        except IndexError:
            return
        yield value


def _rows(array: np.ndarray) -> Any:
    """The rows as they are when the loop gets there: the program may write into the array in between."""
    if not array.ndim and array.dtype.names is not None:
        yield from (get_item(array, name) for name in array.dtype.names)
        return
    for k, row in enumerate(array):
        yield row if type(current(array)) is np.ndarray else get_item(array, k)


def _steps(iterator: Any, step: Callable) -> Any:
    while True:
        try:
            value = step(iterator)
        except StopIteration:
            return
        yield value


REWRITTEN_DOORS.update(
    get_item=get_item,
    delete_item=delete_item,
    iterate=iterate,
    iterate_rows=iterate_rows,
)
