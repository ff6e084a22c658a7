"""``functools.lru_cache``: what a cached function returns is kept as long as the innermost tape is open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import INSTANCE_DOORS, OWNER_DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN


class _Same:
    """A key for a value that stands for itself only: two traced numbers may be equal and have different derivatives."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return type(other) is _Same and other.value is self.value


def _key(x: Any) -> Any:
    if type(x) is tuple:
        return tuple(map(_key, x))
    hash(x)  # as the cache itself would
    return _Same(x) if any(type(leaf) in TRACED for leaf in leaves(x)) else x


def _cached_call(cached: Any) -> Callable:
    """A function behind ``functools.lru_cache``: what it returns is kept as long as the innermost tape is open."""

    @functools.wraps(cached, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return cached(*args, **kwargs)
        kept = OPEN[-1].caches.setdefault(cached, {})
        key = _key(args), tuple((name, _key(value)) for name, value in kwargs.items())
        if cached.cache_parameters()["typed"]:
            key += tuple(x.__class__ for x in (*args, *kwargs.values()))
        if key not in kept:
            kept[key] = resolve(cached.__wrapped__)(*args, **kwargs)
        return kept[key]

    return call


def _method(method: Any, cached: Any) -> Callable:
    """``cached.cache_clear()`` and its like."""

    def call(*args: Any) -> Any:
        if method.__name__ == "cache_clear":
            for tape in OPEN:
                tape.caches.pop(cached, None)
        return method(*args)

    return call


INSTANCE_DOORS[functools._lru_cache_wrapper] = _cached_call
OWNER_DOORS[functools._lru_cache_wrapper] = _method
