"""Hashes of traced values, and of what holds them.

A dictionary finds by them what the plain program would find. A program that asks for one, as a cache does, to see
whether an array or a point is still the one that its results belong to, gets a number that no other run has: what
earlier runs have kept is made anew. Equal values of one run have equal hashes, and must have the same derivatives
(``equals``). Such a number may be compared and be a key, and is refused where the program computes with it.
"""

from __future__ import annotations

import itertools
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.equals import note_equal
from workbench.autodiff.rewritten import rewritten_code
from workbench.autodiff.scalars import innermost, lost
from workbench.autodiff.stored import traced_parts
from workbench.autodiff.subarrays import DRESSED, Dressed, bare_part, class_part, own_part
from workbench.autodiff.telling import WRITTEN, plain

_runs = itertools.count(1)


def stored_hash(x: Dressed) -> int:
    """The hash by which a dictionary finds ``x``: that of the plain value.

    Raises:
        TypeError: the class has none.
    """
    cls = class_part(x)
    if cls.__hash__ is None:
        raise TypeError(f"unhashable type: {cls.__name__!r}")
    if type(cls.__hash__) is not FunctionType:
        return object.__hash__(x) if cls.__hash__ is object.__hash__ else hash(bare_part(x))
    made = plain(x)
    before = dict(getattr(made, "__dict__", ()))
    found = hash(made)
    for name, value in getattr(made, "__dict__", {}).items():
        if before.get(name, before) is not value:  # the class keeps it
            own_part(x)[name] = value
    return found


class ToldHash(int):
    """A hash with the digits of traced numbers in it."""

    __slots__ = ()
    __eq__, __ne__, __hash__ = int.__eq__, int.__ne__, int.__hash__


def _refuse(self: ToldHash, *others: object) -> None:
    raise lost("a hash that holds all digits of a traced number was about to be computed with")


for _name in (
    "add and divmod floordiv lshift mod mul or pow radd rand rdivmod rfloordiv rlshift rmod rmul ror rpow rrshift "
    "rshift rsub rtruediv rxor sub truediv xor abs float ge gt index int invert le lt neg pos round"
).split():
    setattr(ToldHash, f"__{_name}__", _refuse)


def told_hash(x: Any) -> int:
    """The hash of ``x`` where the program asks for it. Numbers in text that is a part of it are not compared."""
    if type(x) in DRESSED:
        return _of_this_run(stored_hash(x), [current(bare_part(x))])
    parts = [*traced_parts(x)]
    if not parts:
        return hash(x)
    own = python_method(type(x), "__hash__")
    if own is not None and rewritten_code(own) is not None:
        found = resolve(own)(x)
        return found if type(found) is ToldHash else hash(found)
    return _of_this_run(hash(x), [current(part) for part in parts])


def _of_this_run(found: int, parts: list) -> int:
    tape = next((part.tape for part in parts if type(part) in WRITTEN), None) or innermost(*parts)
    if tape is None:
        return found
    parts = [part for part in parts if type(part) not in WRITTEN]
    values = tape.caches.setdefault(told_hash, {"run": next(_runs)})
    kept = [
        resolve(np.array)(part) if np.ndim(part) else part for part in parts
    ]  # the program may write into an array
    for part, other in zip(kept, values.setdefault(found, kept), strict=False):
        if np.array_equal(plain(part), plain(other)):
            note_equal(part, other)
    return ToldHash(hash((values["run"], found)))


for _kind in DRESSED:
    _kind.__hash__ = stored_hash
