"""Results that stand in a dictionary under a key that a traced number is part of.

A memo written by hand outlives the run. Found again by a traced number, what it holds is a constant, though the program
would have computed it from that number. Keys may be numbers, tuples, named tuples, frozen sets, text that a number is
written in, objects with a hash of their own, and weak references to these.
"""

from __future__ import annotations

import weakref
from collections import ChainMap, UserDict, deque
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.equals import note_equal
from workbench.autodiff.kept import found_equal
from workbench.autodiff.scalars import TRACED, Probe, lost
from workbench.autodiff.structure import field, field_names, is_leaf
from workbench.autodiff.subarrays import DRESSED, bare_part, own_part
from workbench.autodiff.surroundings import reachable
from workbench.autodiff.telling import WRITTEN, contains_traced, plain

TABLES = (dict, UserDict, ChainMap)
BARE = frozenset({int, str, bool, float, bytes, slice, type, type(None), type(...), np.int64, np.ndarray})
"""Types of keys and positions that are no traced number and hold none."""


def checked_key(table: Any, key: Any) -> Any:
    """``key``, unless ``table`` holds plain numbers for it that this run did not put there.

    Raises:
        LostGradientError: the derivative of the numbers found by ``key`` is not known any more.
    """
    parts = list(traced_parts(key))
    for one in _dictionaries(table) if parts or _has_float(key) else ():
        if _holds(one, key):
            (_check_found if parts else _check_plain)(one, key, parts)
            break
    return key


def _holds(table: dict, key: Any) -> bool:
    try:
        return dict.__contains__(table, key)
    except TypeError:  # a slice, which sparse matrices that are dictionaries take for a place
        return False


def _has_float(key: Any) -> bool:
    """Whether a key may be equal to one with traced numbers; whole numbers, as of places in a grid, are left alone."""
    kind = type(key)
    return kind is float or kind is np.float64 or (kind is tuple and any(map(_has_float, key)))


def _check_plain(table: dict, key: Any, parts: list[Any]) -> None:
    """A plain number may find what stands under a traced one: then this one must not vary."""
    if contains_traced(dict.__getitem__(table, key)):
        for old in traced_parts(_stored_key(table, key)):
            note_equal(old, plain(old))


def _check_found(table: dict, key: Any, parts: list[Any]) -> None:
    found, stored = dict.__getitem__(table, key), _stored_key(table, key)
    before = list(traced_parts(stored))
    found = found() if isinstance(found, weakref.ref) else found
    if before:
        if contains_traced(found) and len(before) == len(parts):
            for new, old in zip(parts, before, strict=True):
                note_equal(new, old)
    elif _is_left_over(found):
        raise lost(
            "a result that an earlier run had stored was about to be found by a traced number",
            fix="empty the dictionary before differentiating, or use functools.lru_cache, which is followed",
        )
    else:
        found_equal(key, stored)


def _is_left_over(found: Any) -> bool:
    """Whether what was found holds plain numbers alone: by itself, or in functions, methods, sets and iterators."""
    holds = False
    for part in reachable([found]):
        if contains_traced(part):
            return False
        inside = part if isinstance(part, _CONTAINERS) else (part,)
        holds = holds or isinstance(part, Iterator) or any(map(is_leaf, inside))
    return holds


_CONTAINERS = (list, tuple, deque, set, frozenset)


def _dictionaries(table: Any) -> Iterable[dict]:
    """The dictionaries that answer for ``table``, in order."""
    if isinstance(table, dict):
        return (table,)
    within = table.maps if isinstance(table, ChainMap) else (table.data,)
    return (one for part in within if isinstance(part, TABLES) for one in _dictionaries(part))


def traced_parts(key: Any, depth: int = 4) -> Iterator[Any]:
    """The traced numbers and texts that a key is made of, in an order that equal keys share."""
    kind = type(key)
    if kind in TRACED:
        if key.tape.open:
            yield key
    elif kind in WRITTEN:
        if key.tape is not None:
            yield key
    elif kind in DRESSED:
        yield from traced_parts((bare_part(key), *own_part(key).values()), depth)
    elif depth and kind not in BARE:
        for part in _parts(key, kind):
            yield from traced_parts(part, depth - 1)


def _parts(key: Any, kind: type) -> Iterable:
    if isinstance(key, tuple):
        return tuple.__iter__(key)
    if isinstance(key, frozenset):
        return sorted(key, key=hash)
    if issubclass(kind, weakref.ref):
        return (key(),)
    if type(kind.__hash__) is FunctionType:
        return [field(key, name) for name in field_names(key)]
    return ()


def _stored_key(table: dict, key: Any) -> Any:
    """The key that stands in ``table`` and is equal to ``key``."""
    if type(key) in TRACED or isinstance(key, float | tuple) or hasattr(type(key), "__dataclass_fields__"):
        probe = Probe(key)
        try:
            dict.get(table, probe)
        except Exception:  # a key with an ``__eq__`` that knows its own kind only
            probe.stored = None
        if probe.stored is not None:
            return probe.stored
    whole = hash(key)
    return next(k for k in table if k is key or (hash(k) == whole and k == key))
