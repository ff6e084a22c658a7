"""Which functions of the program a function may call, as far as its code names them."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from workbench.autodiff.location import is_engine_file
from workbench.autodiff.met import by_class
from workbench.autodiff.registry import DOORS


def callees(f: Any) -> Iterator[FunctionType]:
    """``f`` and the functions of the program that it may call: named in code, around it, or methods of objects there.

    At most ``_MOST`` of them.
    """
    met: dict[Any, Any] = {}  # by identity, kept alive; a bound method is made anew each time
    waiting, count = [f], 0
    while waiting and count < _MOST:
        f = waiting.pop()
        if type(f) in weakref.ProxyTypes:  # of what may be gone
            continue
        plainly = isinstance(f, FunctionType)
        key = (id(f.__func__), id(f.__self__)) if isinstance(f, MethodType) else id(f)
        if key in met or (plainly and f in DOORS):
            continue
        met[key] = f
        if plainly and not is_engine_file(f.__code__.co_filename):
            count += 1
            yield f
        waiting += _named(f)


def _named(f: Any) -> Iterator[Any]:
    """What ``f`` may call."""
    if isinstance(f, functools.partial):
        given = (*f.args, *f.keywords.values())
        yield from (f.func, *given)
        if isinstance(inner := getattr(f.func, "__func__", f.func), FunctionType):
            for x in given:
                yield from _methods(x, _names(inner.__code__))
    elif isinstance(f, MethodType):
        yield f.__func__
        if isinstance(f.__func__, FunctionType):
            yield from _methods(f.__self__, _names(f.__func__.__code__))
    elif isinstance(f, FunctionType):
        names = _names(f.__code__)
        around = [cell.cell_contents for cell in f.__closure__ or () if cell != CellType()]
        if not is_engine_file(f.__code__.co_filename):
            around += [f.__globals__[name] for name in names if name in f.__globals__]
        for x in (*around, *(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            yield x
            yield from _methods(x, names)
    elif isinstance(f, functools._lru_cache_wrapper):
        yield f.__wrapped__
    elif isinstance(f, type):
        made = (_stored(f, name) for name in ("__init__", "__new__") if _home(f) not in _LIBRARIES)
        yield from (MethodType(own, f) for own in made if isinstance(own, FunctionType))
    elif not isinstance(f, ModuleType):
        own = _stored(type(f), "__call__")
        if isinstance(own, FunctionType):
            yield MethodType(own, f)


@functools.lru_cache(maxsize=4096)
def _names(code: CodeType) -> frozenset[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)


def _methods(x: Any, names: frozenset[str], depth: int = 3) -> Iterator[Any]:
    """What ``x``, or what it holds, has under these names and a program may call: methods, functions of a module."""
    if type(x) in weakref.ProxyTypes or not depth:
        return
    if isinstance(x, list | tuple | dict):
        for e in itertools.islice(dict.values(x) if isinstance(x, dict) else x, _ELEMENTS):
            if isinstance(e, _FUNCTIONS):
                yield e
            yield from _methods(e, names, depth - 1)
    place = x if isinstance(x, ModuleType | type) else type(x)
    if _home(place) in _LIBRARIES:
        if place is not x:  # an object of a library may hold functions of the program
            yield from (f for f in getattr(x, "__dict__", {}).values() if isinstance(f, _FUNCTIONS))
        return
    for name in names if place is x else names | _operators(place):
        found = _stored(place, name)
        found = getattr(found, "__func__", found)
        if isinstance(found, property):
            found = found.fget
        if isinstance(found, FunctionType):
            yield found if place is x else MethodType(found, x)
        elif place is not x and (stored := getattr(x, "__dict__", {}).get(name)) is not None:
            if callable(stored):
                yield stored
            yield from _methods(stored, names, depth - 1)


_MOST = 200  # functions that are looked at
_ELEMENTS = 16  # of a list that are


def _home(place: Any) -> str:
    """The package that a module or a class belongs to."""
    return (place.__name__ if isinstance(place, ModuleType) else place.__module__).partition(".")[0]


@by_class
def _operators(kind: type) -> frozenset[str]:
    """The methods that operators, items and ``with`` call of an object."""
    own = {name for cls in kind.__mro__ if _home(cls) not in _LIBRARIES for name in vars(cls)}
    return frozenset(n for n in own if n.startswith("__") and n.endswith("__") and n not in _MAKING)


_MAKING = frozenset(
    "__init__ __new__ __post_init__ __setstate__ __set_name__ __init_subclass__ __class_getitem__".split()
)


def _stored(place: Any, name: str) -> Any:
    """What a module or a class has under a name, without asking it."""
    homes = (place,) if isinstance(place, ModuleType) else place.__mro__
    return next((vars(home)[name] for home in homes if name in vars(home)), None)


_FUNCTIONS = (FunctionType, MethodType, functools.partial)
_LIBRARIES = frozenset(
    "builtins numpy scipy math cmath workbench functools collections itertools torch".split()
)
