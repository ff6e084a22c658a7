"""What refers to a part of an argument without being one: methods, partials, weak references, closures, iterators,
modules, classes.

A program gets a copy of what it is differentiated by. What stands in the copy and refers to the original would bring
numbers that no tape knows. Methods, partials and weak references are made anew; the rest is refused.
"""

from __future__ import annotations

import functools
import gc
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, owner_of
from workbench.autodiff.met import BUILT_IN
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.subarrays import DRESSED
from workbench.autodiff.tape import OPEN
from workbench.errors import NotDifferentiableError

Copied = dict[int, tuple[Any, Any]]
"""Containers by their id: each with what it has become."""

FOLLOWED = frozenset({MethodType, functools.partial, weakref.ref, *weakref.ProxyTypes})


def follow(x: Any, copied: Copied) -> Any:
    """A method, a partial or a weak reference, of the copies where it refers to containers that have been copied."""
    if id(x) in copied:
        return copied[id(x)][1]
    if type(x) is MethodType:
        owner = follow(x.__self__, copied)
        return x if owner is x.__self__ else MethodType(x.__func__, owner)
    if type(x) is weakref.ref:
        target = follow(x(), copied)
        return x if target is x() else weakref.ref(target)
    if type(x) in weakref.ProxyTypes:
        target = follow(x.__repr__.__self__, copied)
        return x if target is x.__repr__.__self__ else weakref.proxy(target)
    if type(x) is functools.partial:
        given = (x.func, *x.args, *x.keywords.values())
        new = [follow(part, copied) for part in given]
        if any(a is not b for a, b in zip(given, new, strict=True)):
            n = len(x.args) + 1
            return functools.partial(new[0], *new[1:n], **dict(zip(x.keywords, new[n:], strict=True)))
    return x


class Parts:
    """What an argument is made of: filled while it is copied, and then asked what was left behind.

    Attributes:
        copied: its containers; what has been followed is among them.
        others: what stands in it and is no container.
        arrays: the ids of the arrays that own its memory.
    """

    def __init__(self) -> None:
        self.copied: Copied = {}
        self.others: list[Any] = []
        self.arrays: set[int] = set()

    def other(self, x: Any) -> Any:
        """``x``, which is no container."""
        if type(x) not in _ATOMS or isinstance(x, type | ModuleType):
            self.others.append(x)
        return x

    def leaf(self, x: Any) -> Any:
        """``x``, a number or an array."""
        if isinstance(x, np.ndarray):
            self.arrays.add(id(owner_of(getattr(x, "array", x))))
        return x

    def left_behind(self, varies: Callable[[Any], Any]) -> tuple[str, str] | None:
        """What refers to the original of a part in which something ``varies``, and what to do about it; or None."""
        for x in self.others:
            if id(x) in self.copied or (type(x) is FunctionType and x.__module__ == "weakref"):
                continue
            for target in vars(x).values() if isinstance(x, type | ModuleType) else _referred_to(x):
                part = id(target) in self.copied and (
                    issubclass(type(x), BuiltinFunctionType) or varies(target)
                )
                if part or (isinstance(target, np.ndarray) and id(owner_of(target)) in self.arrays):
                    return f"{x!r:.60} in it refers to a part of it, and not to the copy", _ways(x)
        for held, _ in list(self.copied.values()):
            if isinstance(held, dict) and any(id(k) in self.copied and varies(k) for k in _keys(held)):
                return "a part of it is a key of a dict in it", "use names or numbers as keys"
            for name, value in getattr(held, "__dict__", {}).items():
                if _is_number(value) and isinstance(
                    getattr(type(held), name, None), functools.cached_property
                ):
                    return f"{name!r} in it has been computed before, and kept", f"forget it: del x.{name}"
        return None

    def check(self, varies: Callable[[Any], Any]) -> None:
        """Refuse an argument that is not copied as a whole."""
        if found := self.left_behind(varies):
            raise NotDifferentiableError(
                "an argument cannot be differentiated by as a whole",
                found=f"the program gets a copy of it; {found[0]}, and the gradient would be silently wrong",
                fix=f"{found[1]}, or differentiate by the numbers alone",
            )


def _ways(x: Any) -> str:
    """What to do where ``x`` refers to a part of an argument."""
    if isinstance(x, type | ModuleType | ContextVar):
        return "keep the part in one of the two places"
    return "make it a method"


def _keys(held: dict) -> Iterator[Any]:
    """The keys of a dict that may be objects, also in tuples and where they are referred to weakly."""
    for key in dict.keys(held):
        if isinstance(key, weakref.ref):
            yield key()
        elif type(key) not in _ATOMS:
            yield from key if isinstance(key, tuple) else (key,)


def _is_number(x: Any) -> bool:
    """Whether it is a number that may vary, an array of them, or a tuple or list that begins with one."""
    if isinstance(x, list | tuple) and x:
        x = x[0]
    return isinstance(x, float | complex | np.inexact) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc")


_MOST = 1000  # references that are looked at
_ATOMS = frozenset({str, bytes, int, bool, float, complex, type(None), type, CodeType, ModuleType})
_PASSED = (FunctionType, functools.partial, functools._lru_cache_wrapper, weakref.ref)


def hides_traced(x: Any) -> bool:
    """Whether something that is no container holds traced values, or arrays in traced memory."""
    if type(x) in _ATOMS or type(x) is np.ufunc or isinstance(x, type) or not OPEN:
        return False
    return any(type(current(target)) in _TRACED for target in _referred_to(x, objects=True))


def _referred_to(x: Any, *, objects: bool = False) -> Iterator[Any]:
    """What something that is no container refers to, itself and through containers, iterators and functions.

    ``objects`` says whether also through objects of the program.
    """
    met: dict[int, Any] = {}
    ahead = [x]
    while ahead and len(met) < _MOST:
        for target in _targets(ahead.pop()):
            if id(target) in met or type(target) in _ATOMS or isinstance(target, type):
                continue
            met[id(target)] = target
            yield target
            if type(target) in _TRACED:
                continue
            if objects or isinstance(target, _PASSED) or type(target).__flags__ & BUILT_IN:
                ahead.append(target)


_TRACED = TRACED | DRESSED


def _targets(x: Any) -> Iterable[Any]:
    if type(x) is FunctionType:  # not its globals
        cells = [content for cell in x.__closure__ or () for content in gc.get_referents(cell)]
        return (*cells, *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values())
    if isinstance(x, weakref.ref):
        return (x(),)
    if type(x) in weakref.ProxyTypes:
        return (x.__repr__.__self__,)
    if isinstance(x, np.ndarray):
        return x.ravel().tolist() if x.dtype.hasobject else ()
    if type(x) in _OVER:
        return _OVER[type(x)](x)
    return gc.get_referents(x)


# types of what lies over arrays, or stores elsewhere -> what it refers to
_OVER: dict[type, Callable] = {
    memoryview: lambda x: (x.obj,),
    np.flatiter: lambda x: (x.base,),
    np.nditer: lambda x: x.operands,
    threading.local: lambda x: vars(x).values(),
    ContextVar: lambda x: (x.get(None),),
}
