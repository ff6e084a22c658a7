"""Writing into arrays and other containers: ``a[i] = v``, ``a += v``, and every other in-place change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, converted
from workbench.autodiff.arrays import (
    VIEWS,
    Memory,
    TracedArray,
    beneath,
    can_vary,
    current,
    is_followed_subclass,
    memory_of,
    overlaps,
    owner_of,
    record_view,
    traced_view,
)
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.cotangents import accumulate, reduce_to
from workbench.autodiff.indexing import get_item, iterate, kept_index, plain_index
from workbench.autodiff.location import user_line
from workbench.autodiff.other_names import check_changed, check_write, takes_part
from workbench.autodiff.overrides import asked_for_ufunc
from workbench.autodiff.records import write_records
from workbench.autodiff.registry import lift_of
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, innermost, lost
from workbench.autodiff.settling import note, note_elements
from workbench.autodiff.stored import BARE
from workbench.autodiff.tape import OPEN, Entry, Tape
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.unseen import seen_write
from workbench.errors import LostGradientError, MissingRuleError


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
        """What is written into: the part that the index gives a view of, or else all of the array."""
        found = self.array[self.index]
        if type(found) is not np.ndarray:
            return self.array[:0]
        return found if owner_of(found) is owner_of(self.array) else self.array

    def back(self) -> None:
        if self.memory.store is not None:
            view = self.memory.view_like(self.array)
            bar = traced_view(view)[self.index] if OPEN else view[self.index]
            if isinstance(bar, np.ndarray):
                bar = bar.copy()  # not a view: the shadow is cleared next
            if OPEN and self._covers():
                self.memory.store = (
                    None  # nothing of what stood there before is left, in outer derivatives either
                )
            elif OPEN:
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

    def _covers(self) -> bool:
        """Whether the whole block of memory is written into."""
        found = self.array[self.index]
        own = type(found) is np.ndarray and owner_of(found) is owner_of(self.array)
        return own and found.nbytes == self.memory.owner.nbytes  # a field of records has as many elements

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
    if own is None and OPEN and is_followed_subclass(kind):
        REWRITTEN_DOORS["set_item_of_subclass"](container, index, value)
    elif own is None and OPEN and issubclass(kind, VIEWS):
        bare = record_view(container) if issubclass(kind, np.void) else np.ndarray.view(container, np.ndarray)
        _write(container if bare is None else bare, plain_index(index), value)
    elif own is None:
        note_elements(container)
        lift = lift_of(kind) if type(value) in TRACED else None
        container[index] = value if lift is None else lift(value, container)
    else:
        resolve(own)(container, index, value)


def _write(array: np.ndarray, index: Any, value: Any) -> None:
    """Write into memory that one or several tapes may know, outermost first."""
    given = current(value)
    value = current(converted(given))
    if array.dtype.names is not None:
        if isinstance(index, str) or (type(index) is int and not array.ndim):
            _write(array[index if isinstance(index, str) else array.dtype.names[index]], ..., value)
            return
        if contains_traced(value):
            write_records(_write, array, index, value)
            return
    if isinstance(value, list | tuple) and contains_traced(value):
        if array.dtype.kind == "O":
            _write_objects(array, index, given)
            return
        value = as_array(value)
    tape = innermost(value)
    if tape is not None and not can_vary(array):
        if array.dtype.kind == "O":
            _write_objects(array, index, given)
            return
        raise LostGradientError(
            f"a traced value was about to be written into an array of {array.dtype}",
            found="whole numbers cannot vary, so the derivative would be lost",
            where=user_line(),
            fix="make the array with a floating point type, for instance numpy.zeros(n) instead of numpy.zeros(n, int)",
        )
    if array.dtype.kind == "f" and np.iscomplexobj(np.asarray(plain(value))):
        array[index] = plain(value)  # NumPy's own error or warning
    if takes_part(owner := owner_of(array)):
        check_write(array, owner, index, value)
    _note_change(array)
    before = [(tape, len(tape.writes)) for tape in OPEN]
    overlapping = type(value) is TracedArray and np.may_share_memory(value.array, array)
    meant = value.array.copy() if overlapping else None
    _write_from(array, index, value, OPEN[:], overlapping=overlapping)
    try:
        array[index] = given if array.dtype.kind == "O" else plain(value)
        if overlapping:
            _check_order(array[index], meant)
    except Exception:  # the program may catch it and go on
        for tape, count in before:
            _forget_writes(tape, count)
        raise
    seen_write(array, index)


def _write_objects(array: np.ndarray, index: Any, value: Any) -> None:
    """Write what is traced, or holds it, into an array of objects."""
    place = np.broadcast_to(False, array.shape)[index]
    array[index] = _objects(value, place.ndim) if isinstance(place, np.ndarray) else value


def _objects(value: Any, n_axes: int) -> np.ndarray:
    """The objects that NumPy finds in ``value`` for so many axes: it opens lists that are as long as each other."""
    seen = current(value)
    if type(seen) is TracedArray and (n_axes or not seen.ndim):  # NumPy takes the element of one without axes
        return resolve(np.array)(value, object)
    if n_axes and isinstance(value, list | tuple):
        parts = [_objects(part, n_axes - 1) for part in value]
        if len({part.shape for part in parts}) == 1:
            return np.stack(parts)
        made = np.empty(len(value), object)
        for k, part in enumerate(value):
            made[k] = part
        return made
    made = np.empty((), object)
    made[()] = value
    return made


def _note_change(array: np.ndarray) -> None:
    """``array`` is about to be changed, which whoever watches the program is told."""
    if OPEN and (changed := OPEN[-1].changed) is not None:
        changed[id(owner_of(array))] = owner_of(array)


def _check_order(written: Any, meant: np.ndarray) -> None:
    """Refuse a copy of part of an array onto itself in which NumPy read what it had just written."""
    meant = np.broadcast_to(
        meant.reshape(meant.shape[max(meant.ndim - np.ndim(written), 0) :]), np.shape(written)
    )
    if not np.array_equal(written, meant.astype(np.asarray(written).dtype), equal_nan=True):
        raise _in_doubtful_order()


def refuse_overlap(target: Any, *sources: Any) -> None:
    """Refuse to write where NumPy does not look whether it still has to read there, as it does in assignments."""
    place = plain(target)
    if any(np.may_share_memory(place, part) for part in map(plain, sources) if isinstance(part, np.ndarray)):
        raise _in_doubtful_order()


def _in_doubtful_order() -> MissingRuleError:
    return MissingRuleError(
        "part of an array was written onto another part that crosses it",
        found="NumPy reads there what it has just written, in an order that it does not promise",
        where=user_line(),
        fix="copy what is written first: a[:, 2] = a[1].copy()",
    )


def _forget_writes(tape: Tape, count: int) -> None:
    """Take the writes after the first ``count`` off a tape: they have failed."""
    failed = set(map(id, tape.writes[count:]))
    tape[:] = [node for node in tape if id(node) not in failed]
    del tape.writes[count:]


def _write_from(array: np.ndarray, index: Any, value: Any, tapes: list[Tape], *, overlapping: bool) -> None:
    """Record the write on every tape that knows the memory or that the value belongs to, outermost first."""
    if not tapes:
        return
    *outer, tape = tapes
    belongs = type(value) in TRACED and value.tape is tape
    known = belongs or (bool(tape.memories) and id(owner_of(array)) in tape.memories)
    old = None
    if known:
        old = beneath(tape, _contents, array, index) if tape.level else np.array(array[index], copy=True)
    _write_from(array, index, value.value if belongs else value, outer, overlapping=overlapping)
    if not known:
        return
    memory = memory_of(tape, array, active=belongs)
    memory.version += 1
    if belongs and overlapping:
        # "a[1:] = a[:-1]" reads everything before it writes
        inner = OPEN[tape.level + 1 :]
        value = beneath(inner[0], resolve(np.copy), value) if inner else resolve(np.copy)(value)
    write = Write(memory, array, index, value if belongs else None, old)
    tape.append(write)
    tape.writes.append(write)


def in_place(op: Any, array: Any, other: Any) -> Any:
    """``array += other`` and its like, for an array that is traced, known to a tape, or about to be."""
    from workbench.autodiff.binary import by_ufunc

    target = array.array if type(array) is TracedArray else array
    if asked_for_ufunc((other,), {}):
        return resolve(op.ufunc)(array, other, out=(target,))
    other = converted(other)
    plain_other = plain(other)
    if isinstance(other, list | tuple) and contains_traced(other):
        other = as_array(other)
    if type(array) is not TracedArray and type(other) not in TRACED:
        mutate(target, op.in_place, plain_other, receiver=True)
        return array
    result = by_ufunc(op, array, other)
    if not np.can_cast(plain(result).dtype, target.dtype, "same_kind"):
        op.in_place(target.copy(), plain_other)  # NumPy's own error
    if np.shape(result) != target.shape:
        op.in_place(target.copy(), plain_other)
    set_item(result, target, ...)
    return array


def _as_now(x: Any) -> Any:
    """An argument as it is now: what turns itself into an array, is filled with traced values, or lists them."""
    x = converted(x)
    return as_array(x) if isinstance(x, list | tuple) and contains_traced(x) else current(x)


def mutate(array: np.ndarray, method: Callable, *args: Any, receiver: bool = False, **kwargs: Any) -> Any:
    """Call something that changes a plain array in place, so that the change can be undone on the way back."""
    args = tuple(map(_as_now, args))
    tape = innermost(*args, *kwargs.values())
    if tape is not None:
        from workbench.autodiff.methods import METHODS

        if method.__name__ not in METHODS:
            raise lost(f"{method.__name__!r} was about to write a traced value into an array, unseen")
        return METHODS[method.__name__](TracedArray(array, memory_of(tape, array)), *args, **kwargs)
    owner = owner_of(array)
    known = any(id(owner) in tape.memories for tape in OPEN)
    before = array.copy() if known or takes_part(owner) else None
    _note_change(array)
    result = method(array, *args, **kwargs) if receiver else method(*args, **kwargs)
    if takes_part(owner):
        check_changed(array, owner, before)
    if known:
        after = array.copy()
        check_shape_is_kept(method, after, before)
        array[...] = before
        _write(array, ..., after)
    return result


REWRITTEN_DOORS["set_item"] = set_item


def check_shape_is_kept(f: Callable, array: np.ndarray, before: np.ndarray) -> None:
    """Refuse what ``f`` made of an array if it has another shape: its cotangents would have no place."""
    if array.shape != before.shape:
        raise MissingRuleError(
            f"{getattr(f, '__name__', f)!r} changed the shape of an array that takes part in a derivative",
            found=f"got shape {array.shape}, expected {before.shape}",
            where=user_line(),
            fix="make a new array instead, for instance with numpy.resize",
        )
