"""Reading from arrays and writing into them: ``a[i]``, ``a[i] = v``, ``a += v``, and every other in-place change."""

from __future__ import annotations

import inspect
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
    accumulate,
    add_into,
    beneath,
    can_vary,
    current,
    memory_of,
    overlaps,
    owner_of,
    record_view,
    reduce_to,
    traced_view,
)
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.operations import record
from workbench.autodiff.records import by_fields, write_records
from workbench.autodiff.registry import OWNER_DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, TracedFloat, innermost, lost, recorded, strip
from workbench.autodiff.settling import note, note_elements
from workbench.autodiff.stored import BARE, TABLES, checked_key
from workbench.autodiff.tape import OPEN, Entry, Tape
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.unseen import seen_write
from workbench.errors import LostGradientError, MissingRuleError

_BUILT_IN = frozenset({list, dict, tuple, str})
_WATCHED = frozenset({re.Match, memoryview})  # compiled, with doors of their own


def get_item(container: Any, index: Any) -> Any:
    """``container[index]``."""
    kind = type(container)
    if type(index) not in BARE and isinstance(container, TABLES):
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
    if kind is TracedFloat and isinstance(
        strip(container), np.generic
    ):  # NumPy's numbers know x[()] and x[None]
        return (
            container
            if type(index) is tuple and not index
            else get_item(as_array([container]).reshape(()), index)
        )
    if isinstance(container, type):  # ``Class[index]``
        return _of_class(container, index)
    if OPEN and issubclass(kind, VIEWS) and type(seen := current(container)) is TracedArray:
        return _read(seen, index)
    own = python_method(kind, "__getitem__")
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
    set_item(value := resolve(factory)(), container, key)
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
    return tuple(map(kept_index, index)) if kind is tuple else index


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
        if bar or type(bar) is TracedFloat:
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
        if type(index) is str and not found.ndim:
            return _read(source=current(found), index=())
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


# ------------------------------------------------------------------------------------ writing


class Write(Entry):
    """``array[index] = source``: the old contents are kept, and put back on the way back."""

    __slots__ = ("array", "index", "memory", "old", "source")
    is_write = True

    def __init__(self, memory: Memory, array: np.ndarray, index: Any, source: Any, old: Any) -> None:
        self.memory, self.array, self.source, self.old = memory, array, source, old
        self.index = index if type(index) in _IMMUTABLE else kept_index(index)
        if not array.flags.c_contiguous and overlaps(self.target()):
            raise MissingRuleError(
                "a view whose elements share places was about to be written into",
                found="several of its elements are one number, of which the last one written stays",
                where=user_line(),
                fix="write into the array that the view was made of",
            )

    def target(self) -> np.ndarray:
        """What is written into, as far as it is a view."""
        found = self.array[self.index]
        return found if type(found) is np.ndarray else self.array[:0]

    def back(self) -> None:
        if self.memory.store is not None:
            view = self.memory.view_like(self.array)
            bar = traced_view(view)[self.index] if OPEN else view[self.index]
            if isinstance(bar, np.ndarray):
                bar = bar.copy()  # not a view: the shadow is cleared next
            if OPEN:
                set_item(0.0, view, self.index)
            else:
                view[self.index] = 0.0
            if self.source is not None:
                if (
                    isinstance(bar, np.ndarray)
                    and (lost_to := _written_twice(self.array, self.index)) is not None
                ):
                    bar = resolve(np.where)(lost_to, 0.0, bar)
                accumulate(self.source, reduce_to(bar, np.shape(_shape_of(self.source))))
        self.redo()

    def redo(self) -> None:
        """Exchange the present contents with the kept ones, also in the eyes of outer derivatives."""
        now = _contents(self.array, self.index) if OPEN else np.array(self.array[self.index], copy=True)
        locked = _unlocked(self.array)
        if OPEN:
            set_item(self.old, self.array, self.index)
        else:
            self.array[self.index] = plain(self.old)
        for array in locked:
            array.flags.writeable = False
        self.old = now


def _unlocked(array: np.ndarray) -> list[np.ndarray]:
    """Make an array writeable that the program has locked after it wrote into it; what was locked."""
    if array.flags.writeable:
        return []
    locked = _unlocked(array.base) if isinstance(array.base, np.ndarray) else []
    array.flags.writeable = True
    return [*locked, array]


def _contents(array: np.ndarray, index: Any) -> Any:
    """A copy of a part of an array, traced by the tapes that find its memory active."""
    part = get_item(traced_view(array), index)
    return (
        resolve(np.copy)(part)
        if type(part) is TracedArray
        else part
        if type(part) in TRACED
        else np.array(part)
    )


_IMMUTABLE = frozenset({int, slice, type(...), np.int64})


def _written_twice(array: np.ndarray, index: Any) -> np.ndarray | None:
    """Where an index names a position that it names again later, which is what stays; None if nowhere."""
    parts = index if type(index) is tuple else (index,)
    if not any(type(part) is np.ndarray and part.ndim and part.dtype.kind != "b" for part in parts):
        return None
    places = np.arange(array.size).reshape(array.shape)[index]
    order = np.arange(places.size).reshape(places.shape)
    last = np.zeros(array.size, int)
    last[places] = order
    twice = last[places] != order
    return twice if twice.any() else None


def _shape_of(source: Any) -> Any:
    return source.array if type(source) is TracedArray else 0.0


def set_item(value: Any, container: Any, index: Any) -> None:
    """``container[index] = value``."""
    kind = type(container)
    if kind is list or kind is dict:
        note(container, value)
        if type(index) not in BARE:  # what stays in a key is settled too
            note_elements(container)
        container[index] = iterate(value) if kind is list and type(index) is slice else value
        return
    if kind is np.ndarray or kind is TracedArray:
        _write(container.array if kind is TracedArray else container, plain_index(index), value)
        return
    own = python_method(kind, "__setitem__")
    if own is None and OPEN and issubclass(kind, VIEWS):
        bare = record_view(container) if issubclass(kind, np.void) else container.view(np.ndarray)
        _write(container if bare is None else bare, plain_index(index), value)
    elif own is None:
        note_elements(container)
        container[index] = value
    else:
        resolve(own)(container, index, value)


def _write(array: np.ndarray, index: Any, value: Any) -> None:
    """Write into memory that one or several tapes may know, outermost first."""
    value = current(value)
    if array.dtype.names is not None:
        if type(index) is str or (type(index) is int and not array.ndim):
            _write(array[index if type(index) is str else array.dtype.names[index]], ..., value)
            return
        if contains_traced(value):
            write_records(_write, array, index, value)
            return
    if isinstance(value, list | tuple) and contains_traced(value):
        value = as_array(value)
    tape = innermost(value)
    if tape is not None and not can_vary(array):
        if array.dtype.kind == "O":
            array[index] = value
            return
        raise LostGradientError(
            f"a traced value was about to be written into an array of {array.dtype}",
            found="whole numbers cannot vary, so the derivative would be lost",
            where=lost("").where,
            fix="make the array with a floating point type, for instance numpy.zeros(n) instead of numpy.zeros(n, int)",
        )
    if array.dtype.kind == "f" and np.iscomplexobj(plain(value)):
        array[index] = plain(value)  # NumPy's own error or warning
    before = [(tape, len(tape.writes)) for tape in OPEN]
    _write_from(array, index, value, OPEN[:])
    try:
        array[index] = plain(value)
    except Exception:  # the program may catch it and go on
        for tape, count in before:
            _forget_writes(tape, count)
        raise
    if OPEN and (changed := OPEN[-1].changed) is not None:
        changed[id(owner_of(array))] = array
    seen_write(array, index)


def _forget_writes(tape: Tape, count: int) -> None:
    """Take the writes after the first ``count`` off a tape: they have failed."""
    failed = set(map(id, tape.writes[count:]))
    tape[:] = [node for node in tape if id(node) not in failed]
    del tape.writes[count:]


def _write_from(array: np.ndarray, index: Any, value: Any, tapes: list[Tape]) -> None:
    """Record the write on every tape that knows the memory or that the value belongs to, outermost first."""
    if not tapes:
        return
    *outer, tape = tapes
    belongs = type(value) in TRACED and value.tape is tape
    known = belongs or (bool(tape.memories) and id(owner_of(array)) in tape.memories)
    old = None
    if known:
        old = beneath(tape, _contents, array, index) if tape.level else np.array(array[index], copy=True)
    _write_from(array, index, value.value if belongs else value, outer)
    if not known:
        return
    memory = memory_of(tape, array, active=belongs)
    memory.version += 1
    if belongs and type(value) is TracedArray and np.may_share_memory(value.array, array):
        # "a[1:] = a[:-1]" reads everything before it writes
        inner = OPEN[tape.level + 1 :]
        value = beneath(inner[0], resolve(np.copy), value) if inner else resolve(np.copy)(value)
    write = Write(memory, array, index, value if belongs else None, old)
    tape.append(write)
    tape.writes.append(write)


def in_place(ufunc: np.ufunc, operator: Callable, array: Any, other: Any) -> Any:
    """``array += other`` and its like, for an array that is traced, known to a tape, or about to be."""
    from workbench.autodiff.elementwise import apply_ufunc

    target = array.array if type(array) is TracedArray else array
    plain_other = plain(other)
    if isinstance(other, list | tuple) and contains_traced(other):
        other = as_array(other)
    if type(array) is not TracedArray and type(other) not in TRACED:
        mutate(target, operator, plain_other, receiver=True)
        return current(target)
    result = apply_ufunc(ufunc, (array, other), {})
    if not np.can_cast(plain(result).dtype, target.dtype, "same_kind"):
        operator(target.copy(), plain_other)  # NumPy's own error
    if np.shape(result) != target.shape:
        operator(target.copy(), plain_other)
    set_item(result, target, ...)
    return current(target)


def mutate(array: np.ndarray, method: Callable, *args: Any, receiver: bool = False, **kwargs: Any) -> Any:
    """Call something that changes a plain array in place, so that the change can be undone on the way back."""
    tape = innermost(*args, *kwargs.values())
    if tape is not None:
        from workbench.autodiff.methods import METHODS

        if method.__name__ not in METHODS:
            raise lost(f"{method.__name__!r} was about to write a traced value into an array, unseen")
        return METHODS[method.__name__](TracedArray(array, memory_of(tape, array)), *args, **kwargs)
    before = array.copy() if any(id(owner_of(array)) in tape.memories for tape in OPEN) else None
    result = method(array, *args, **kwargs) if receiver else method(*args, **kwargs)
    if OPEN and (changed := OPEN[-1].changed) is not None:
        changed[id(owner_of(array))] = array
    if before is not None:
        after = array.copy()
        if after.shape != before.shape:
            raise MissingRuleError(
                f"{method.__name__!r} changed the shape of an array that takes part in a derivative",
                found=f"got shape {after.shape}, expected {before.shape}",
                where=user_line(),
                fix="make a new array instead, for instance with numpy.resize",
            )
        array[...] = before
        _write(array, ..., after)
    return result


def iterate(source: Any) -> Any:
    """What a ``for`` loop runs over."""
    kind = type(source)
    if kind is np.ndarray or kind is TracedArray:
        return _rows(plain(source)) if OPEN else source
    if kind in _BUILT_IN or kind is range:
        return source
    if kind is memoryview:
        return (get_item(source, k) for k in range(len(source)))
    if issubclass(kind, VIEWS) and type(seen := current(source)) is TracedArray:
        return _rows(seen.array)
    own = python_method(kind, "__iter__")
    if own is not None:
        made = resolve(own)(source)
        step = python_method(type(made), "__next__")
        return made if step is None else _steps(made, resolve(step))
    if not hasattr(kind, "__iter__") and (own := python_method(kind, "__getitem__")) is not None:
        return _items(source, resolve(own))
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
    set_item=set_item,
    delete_item=delete_item,
    iterate=iterate,
    iterate_rows=iterate_rows,
)
