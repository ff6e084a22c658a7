"""Nested values: numbers and arrays inside lists, tuples, dicts, dataclasses and plain objects.

A *leaf* is a number or array that can vary: a float, a complex number, a floating-point array. Whole numbers,
booleans, strings and None cannot vary. Everything else with fields or elements is a container and is copied, never
changed.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, MutableMapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from workbench.autodiff.met import by_class
from workbench.autodiff.references import FOLLOWED, Copied, follow
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.subarrays import DRESSED

_CANNOT_VARY = (
    Enum,
    bool,
    int,
    str,
    bytes,
    type(None),
    range,
    slice,
    type,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    ModuleType,
    np.dtype,
    np.ufunc,
)


WHOLE: list[type] = []
"""Classes whose cotangents and tangents have what cannot vary, too: without it they are of no use."""


def is_leaf(x: Any) -> bool:
    """Whether ``x`` is a number or array that can vary."""
    if type(x) in TRACED or type(x) in DRESSED:
        return True
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "fc"
    return isinstance(x, float | complex | np.inexact) and not isinstance(x, Enum)


def map_leaves(
    function: Callable[[Any], Any],
    x: Any,
    *,
    other: Callable[[Any], Any] = lambda x: x,
    copied: Copied | None = None,
) -> Any:
    """``x`` with every leaf replaced by ``function(leaf)`` and everything that cannot vary by ``other(it)``.

    A container met twice gives the same container twice; each leaf is replaced on its own. What refers to a container
    that has been met before (its methods, partials, weak references) refers to the new one. ``copied`` is filled.
    """
    return _map(function, other, x, {} if copied is None else copied)


def _map(function: Callable, other: Callable, x: Any, memo: Copied) -> Any:
    if id(x) in memo:
        return memo[id(x)][1]
    if is_leaf(x):
        return function(x)
    if type(x) in FOLLOWED:
        new = other(x)
        if new is x and (new := follow(x, memo)) is not x:
            memo[id(x)] = (x, new)
        return new
    if isinstance(x, (*_CANNOT_VARY, np.ndarray, np.generic)):
        return other(x)
    elif isinstance(x, list | deque):
        new, base = _empty(x, (list, deque))
        memo[id(x)] = (x, new)
        base.extend(new, [_map(function, other, e, memo) for e in base.__iter__(x)])
        _map_fields(function, other, x, new, memo)
    elif isinstance(x, tuple):
        new = _remade(x, [_map(function, other, e, memo) for e in tuple.__iter__(x)])
    elif isinstance(x, dict):
        new, base = _empty(x, (OrderedDict, defaultdict, dict))
        memo[id(x)] = (x, new)
        for key, value in base.items(x):
            base.__setitem__(new, _key(other, key), _map(function, other, value, memo))
        _map_fields(function, other, x, new, memo)
    elif field_names(x):
        new = (SimpleNamespace if isinstance(x, SimpleNamespace) else object).__new__(type(x))
        memo[id(x)] = (x, new)
        _map_fields(function, _kept(other) if isinstance(x, tuple(WHOLE)) else other, x, new, memo)
    else:
        return other(x)
    memo[id(x)] = (x, new)
    return new


def _kept(other: Callable) -> Callable:
    """``other``, except that what it leaves out stays, as a copy."""

    def call(x: Any) -> Any:
        new = other(x)
        return new if new is not None else x.copy() if isinstance(x, np.ndarray) else x

    return call


def _key(other: Callable, key: Any) -> Any:
    """A key of a dict: a number that varies does not vary there."""
    if type(key) is tuple:
        new = tuple([_key(other, part) for part in key])
        return key if all(a is b for a, b in zip(key, new, strict=True)) else new
    return other(key) if type(key) in TRACED else key


def _map_fields(function: Callable, other: Callable, x: Any, new: Any, memo: dict) -> None:
    """Fields of an object; those of one made from a list or dict stay as they are where nothing in them can vary."""
    contains = isinstance(x, _BUILT_IN)
    for name in field_names(x):
        stored = field(x, name)
        stays = contains and id(stored) not in memo and not leaves(stored)
        set_field(new, name, stored if stays else _map(function, other, stored, memo))


def with_elements(x: Any, elements: list) -> Any:
    """A list, deque or tuple, or an object of a class made from one, with other elements."""
    if isinstance(x, tuple):
        return _remade(x, elements)
    new, base = _empty(x, (list, deque))
    base.extend(new, elements)
    for name in field_names(x):
        set_field(new, name, field(x, name))
    return new


def _empty(x: Any, built_in: tuple[type, ...]) -> tuple[Any, type]:
    """An empty container like ``x``, and the built-in type under it.

    By that type's own methods it is filled and read, since those of its class may do anything with what they store.
    """
    base = next(kind for kind in built_in if isinstance(x, kind))
    new = base.__new__(type(x))
    if base is defaultdict:
        new.default_factory = x.default_factory
    if base is deque:
        deque.__init__(new, (), x.maxlen)
    return new, base


def _remade(x: tuple, elements: list) -> tuple:
    """A tuple, or an object of a class made from it, with other elements."""
    kind = type(x)
    if hasattr(kind, "_make"):
        return kind._make(elements)
    if kind.__new__ is tuple.__new__:
        return kind(elements)
    new = tuple.__new__(kind, elements)  # whatever its own ``__new__`` takes
    if hasattr(x, "__dict__"):
        new.__dict__.update(x.__dict__)
    return new


def field_names(x: Any) -> list[str]:
    """The names of an object's own fields, in ``__dict__`` and ``__slots__``; empty for C objects and tuples."""
    kind = type(x)
    if kind in _BUILT_IN:
        return []
    if (
        not isinstance(x, _BUILT_IN)
        and kind.__new__ not in _MADE_BY
        and not hasattr(kind, "__dataclass_fields__")
    ):
        return []
    return own_names(x)


_BUILT_IN = (list, deque, dict, OrderedDict, defaultdict)
_MADE_BY = (object.__new__, SimpleNamespace.__new__)


def own_names(x: Any) -> list[str]:
    """The names of what an object stores, in ``__dict__`` and ``__slots__``."""
    names = [n for cls in type(x).__mro__ for n in own_slots(cls) if _is_filled(x, n)]
    return list(dict.fromkeys([*names, *_dictionary(x)]))  # a subclass may name a slot again


@by_class
def own_slots(cls: type) -> tuple[str, ...]:
    """The names in ``__slots__`` that hold values, private ones as Python stores them."""
    slots = vars(cls).get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else tuple(slots)
    private = f"_{cls.__name__.lstrip('_')}"
    stored = [private + s if s.startswith("__") and not s.endswith("__") else s for s in slots]
    return tuple(s for s in stored if s not in ("__dict__", "__weakref__"))


def _dictionary(x: Any) -> dict[str, Any]:
    try:
        return object.__getattribute__(x, "__dict__")
    except AttributeError:
        return {}


def _is_filled(x: Any, slot: str) -> bool:
    try:
        object.__getattribute__(x, slot)
    except AttributeError:
        return False
    return True


def field(x: Any, name: str) -> Any:
    """An object's field as it is stored: neither a property of that name nor ``__getattribute__`` is asked."""
    own = _dictionary(x)
    return own[name] if name in own else object.__getattribute__(x, name)


def set_field(x: Any, name: str, value: Any) -> None:
    """Store a field where ``field`` finds it."""
    if any(name in own_slots(cls) for cls in type(x).__mro__):
        object.__setattr__(x, name, value)
    else:
        _dictionary(x)[name] = value


class Fields(MutableMapping):
    """What an object with ``__slots__`` stores, in the manner of its ``__dict__``."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __getitem__(self, name: str) -> Any:
        if name not in own_names(self.of):
            raise KeyError(name)
        return field(self.of, name)

    def __setitem__(self, name: str, value: Any) -> None:
        set_field(self.of, name, value)

    def __delitem__(self, name: str) -> None:
        object.__delattr__(self.of, name)

    def __iter__(self) -> Iterator[str]:
        return iter(own_names(self.of))

    def __len__(self) -> int:
        return len(own_names(self.of))


def leaves(x: Any) -> list[Any]:
    """Every leaf of ``x`` in a fixed order."""
    found: list[Any] = []
    map_leaves(lambda leaf: found.append(leaf) or leaf, x)
    return found
