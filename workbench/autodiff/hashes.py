"""Hashes of traced values of the program's subclasses, which say themselves what their hash is.

A dictionary finds by them what the plain program would find. A program that asks for one, as a cache does, to see
whether an array is still the one that its results belong to, gets a number that no other run has: what earlier runs
have kept is made anew. Equal arrays of one run have equal hashes, and must have the same derivatives (``equals``).
"""

from __future__ import annotations

import itertools
from types import FunctionType

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.equals import note_equal
from workbench.autodiff.scalars import innermost
from workbench.autodiff.subarrays import DRESSED, Dressed, bare_part, class_part, own_part
from workbench.autodiff.telling import plain

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


def told_hash(x: Dressed) -> int:
    """The hash of ``x`` where the program asks for it."""
    found, bare = stored_hash(x), current(bare_part(x))
    tape = innermost(bare)
    if tape is None:
        return found
    values = tape.caches.setdefault(told_hash, {"run": next(_runs)})
    kept = resolve(np.array)(bare) if np.ndim(bare) else bare  # the program may write into the array
    note_equal(kept, values.setdefault(found, kept))
    return hash((values["run"], found))


for _kind in DRESSED:
    _kind.__hash__ = stored_hash
