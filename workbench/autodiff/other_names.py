"""What a program is given, and finds under another name too: by a global, a closure, an attribute.

The program has a copy as its argument. What it writes under one of the names is not under the other, so reading there
would give another number than the program reads without the engine. As long as nothing changes, both are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from workbench.autodiff.location import user_line
from workbench.autodiff.references import FOLLOWED
from workbench.autodiff.structure import field, field_names, is_leaf, leaves
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import plain
from workbench.autodiff.watch import are_equal
from workbench.errors import NotDifferentiableError


def give(tape: Tape, given: np.ndarray, owner: np.ndarray, copy: np.ndarray) -> None:
    """The program of ``tape`` has ``copy``, which owns its memory, for ``given``, a part of the caller's ``owner``."""
    arrays, _ = tape.given.setdefault(id(owner), ([], owner))
    arrays.append(given)
    tape.copies[id(copy)] = id(owner)


def takes_part(owner: np.ndarray) -> bool:
    """Whether memory holds an argument of a program that is running: the caller's, or a copy not yet changed."""
    key = id(owner)
    return any(
        key in tape.given or (key in tape.copies and tape.copies[key] not in tape.stale) for tape in OPEN
    )


def check_write(array: np.ndarray, owner: np.ndarray, index: Any, value: Any) -> None:
    """``array[index] = value`` is about to happen in memory of an argument.

    Raises:
        NotDifferentiableError: it changes the caller's array.
    """
    if not _same(array[index], plain(value)):
        parts = index if type(index) is tuple else (index,)
        part = array[index] if any(part is ... for part in parts) else array[(*parts, ...)]
        _check_change(part if np.may_share_memory(part, array) else array, owner)


def check_changed(array: np.ndarray, owner: np.ndarray, before: np.ndarray) -> None:
    """As ``check_write`` for an array that was changed in place; if it is the caller's it is put back."""
    if array.shape != before.shape or _same(array, before):
        return
    after = array.copy()
    array[...] = before
    _check_change(array, owner)
    array[...] = after


def _check_change(part: np.ndarray, owner: np.ndarray) -> None:
    for tape in OPEN:
        if id(owner) in tape.copies:
            tape.stale.add(tape.copies[id(owner)])
        if _meets(tape, part, id(owner)):
            raise NotDifferentiableError(
                "an argument is about to be written into under another name",
                found="the program has a copy of the argument, which would not see what is written",
                where=user_line(),
                fix="write into the argument itself, or pass a copy of the array, as in gradient(f)(x.copy())",
            )


def check_read(tape: Tape, array: np.ndarray, owner: int) -> None:
    """``array`` is about to be read in memory of the caller's, after the program has changed its copy.

    Raises:
        NotDifferentiableError: it is an argument of the program.
    """
    if _meets(tape, array, owner):
        raise NotDifferentiableError(
            "an argument that has been written into is about to be read under another name",
            found="the program has a copy of the argument, and what it wrote is not in the array",
            where=user_line(),
            fix="read the argument itself, or pass a copy of the array, as in gradient(f)(x.copy())",
        )


def _meets(tape: Tape, part: np.ndarray, owner: int) -> bool:
    """Whether a part of memory holds an element of an argument."""
    return owner in tape.given and any(np.shares_memory(part, given) for given in tape.given[owner][0])


def _same(old: Any, new: Any) -> bool:
    """Whether what stands in an array is what is put there; what does not fit is NumPy's error, a little later."""
    if isinstance(old, float) and isinstance(new, float):
        return bool(old == new or (old != old and new != new))
    new = np.asarray(new)
    if np.asarray(old).dtype.kind not in _NUMBERS or new.dtype.kind not in _NUMBERS:
        return False
    fits = all(n in (1, m) for n, m in zip(new.shape[::-1], np.shape(old)[::-1], strict=False))
    return fits and bool(np.all((old == new) | ((old != old) & (new != new))))


_NUMBERS = frozenset("biufc")


Contents = list[tuple[Any, dict[Any, Any]]]
"""Lists, dicts and objects of the caller's, and what stands in each, by place."""


def contents(containers: Iterable[Any]) -> Contents:
    """What stands in lists, dicts and objects now."""
    return [(x, places(x)) for x in containers if not isinstance(x, (tuple, *FOLLOWED))]


def check_contents(before: Contents) -> None:
    """Compare what the caller's containers hold with what they held.

    Raises:
        NotDifferentiableError: the program has put another number into one of them.
    """
    for x, was in before:
        now = places(x)
        for place in was.keys() | now.keys():
            if not _is_kept(was.get(place), now.get(place)):
                raise NotDifferentiableError(
                    "the program writes into an argument under another name",
                    found=f"{place!r} of a {type(x).__name__} was changed, and the program has a copy of the argument, "
                    "which would not see that",
                    where="a global, a variable of a function around it, or an attribute",
                    fix="write into the argument itself, or pass a copy, as in gradient(f)(copy.deepcopy(x))",
                )


def places(x: Any) -> dict[Any, Any]:
    """What stands directly in a list, a dict or an object, by place."""
    if isinstance(x, list | deque):
        return dict(enumerate(x))
    return dict(x) if isinstance(x, dict) else {name: field(x, name) for name in field_names(x)}


def _is_kept(old: Any, new: Any) -> bool:
    """Whether both are the same thing, or the same number or array; what holds no number may change."""
    if old is new or not (leaves(old) or leaves(new)):
        return True
    return is_leaf(old) and is_leaf(new) and are_equal(plain(old), plain(new))
