"""Arrays that code which is not followed may write into: a function without source, or whoever was given the memory.

Such a write cannot be put on a tape. Copies tell, when the program has ended, whether there was one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import (
    TracedArray,
    address_of,
    current,
    is_writeable,
    memory_of,
    owner_of,
    part_over,
)
from workbench.autodiff.location import asked_by_engine
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.subarrays import TracedSubarray, bare_part
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import plain
from workbench.errors import WorkbenchError

HANDED_OUT = frozenset({"ctypes", "data", "__array_interface__"})
"""Attributes of an array that hand out its memory."""

FOLLOWED_METHODS: dict[Callable, Callable] = {}
"""Methods of traced arrays, as code that is not followed finds them -> as a rewritten program calls them."""


def run_unfollowed(f: Callable, args: Any, kwargs: dict) -> Any:
    """``f(*args, **kwargs)`` for a function of the program that is not followed."""
    for tape in OPEN:
        tape.kept = {} if tape.kept is None else tape.kept
        if not tape.keeps:
            tape.keeps = True
            for memory in tape.memories.values():
                if not memory.active:
                    tape.kept.setdefault(id(memory.owner), np.array(memory.owner, order="K"))
    lengths = [len(tape) for tape in OPEN]
    try:
        result = f(*args, **kwargs)
    except TypeError as error:
        if isinstance(error, WorkbenchError) or not any(kind.__name__ in str(error) for kind in TRACED):
            raise
        raise lost(f"a function without source handed a traced value to compiled code: {error}") from error
    for tape, length in zip(OPEN, lengths, strict=True):
        if len(tape) == length:
            _note_changes(tape)
        else:  # which operations came before the write, and which after it?
            check_unseen(tape)
    return result


def _note_changes(tape: Tape) -> None:
    """Put what was written during a call that did nothing with traced values on the tapes."""
    from workbench.autodiff.writing import set_item

    for key, kept in list((tape.kept or {}).items()):
        if not _equal(kept, owner := tape.memories[key].owner):
            new = np.array(owner, order="K")
            owner[...] = kept
            set_item(new, owner, ...)


def handed_out(array: np.ndarray) -> None:
    """Somebody is about to get the bare memory of ``array``."""
    for tape in OPEN:
        tape.kept = {} if tape.kept is None else tape.kept
        owner = memory_of(tape, array).owner
        tape.kept.setdefault(id(owner), np.array(owner, order="K"))


class Place:
    """Where an array begins in memory, which can be compared and not read."""

    __slots__ = ("address",)

    def __init__(self, address: int) -> None:
        self.address = address

    def __eq__(self, other: Any) -> bool:
        return self.address == getattr(other, "address", other)

    __hash__ = None


def interface_of(x: Any) -> dict[str, Any]:
    """``x.__array_interface__`` as ``numpy.ma`` asks for it: by it, two arrays that begin at one place are told."""
    array = plain(bare_part(x)) if type(x) is TracedSubarray else x
    return {"data": (Place(address_of(array)), not is_writeable(array))}


def lent(array: np.ndarray) -> None:
    """Somebody is about to share the memory of ``array`` who would read plain numbers where traced ones stand."""
    for tape in OPEN:
        memory_of(tape, array).lent = True


def seen_write(array: np.ndarray, index: Any) -> None:
    """``array[index]`` was written by the program itself."""
    for tape in OPEN:
        if tape.kept and (kept := tape.kept.get(id(owner := owner_of(array)))) is not None:
            part_over(array, owner, kept)[index] = array[index]


def plain_arrays(args: Any, kwargs: dict) -> list[np.ndarray]:
    """The arrays among arguments of NumPy that hold no traced values yet."""
    given = [*args, *(part for x in kwargs.values() for part in (x if type(x) is tuple else (x,)))]
    return [x for x in given if type(x) is np.ndarray and type(current(x)) is not TracedArray]


def check_none_filled(given: list[np.ndarray]) -> None:
    """None of the arrays has been filled with traced values since: who asked reads it as plain numbers afterwards.

    Raises:
        LostGradientError: one was, and it is code that is not followed that has asked the caller for it.
    """
    if are_filled(given) and not asked_by_engine(sys._getframe(2)):
        raise lost(
            "a traced array was about to be written into a plain one by code that is not followed",
            fix="make a new array instead, as in a = a + b, or put the function into a file",
        )


def are_filled(given: list[np.ndarray]) -> bool:
    """Whether one of the arrays holds traced values now."""
    return any(type(current(x)) is TracedArray for x in given)


def check_unseen(tape: Tape) -> None:
    """Compare the arrays with their copies.

    Raises:
        LostGradientError: an array was written into by code that is not followed.
    """
    for key, kept in (tape.kept or {}).items():
        if not _equal(kept, owner := tape.memories[key].owner):
            raise lost(
                f"an array of shape {owner.shape} that takes part in a derivative was written into by code that is "
                "not followed: a function without source, or one that was given the memory",
                fix="write into a copy, make a new array instead, or put the function into a file",
            )


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    a, b = (np.ndarray.view(x, np.ndarray) for x in (a, b))  # whatever their classes call equal
    return bool(np.all(a == b)) if a.dtype.names is not None else a.tobytes() == b.tobytes()
