"""Which functions of a program may keep what a solver hands them: those that write somewhere, as their code tells."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from workbench.autodiff.location import is_engine_file
from workbench.autodiff.registry import DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS

_MOST = 200  # functions that are looked at
_CHANGING = frozenset("append appendleft extend insert add update setdefault put write setattr".split())
_STORES = frozenset({"STORE_ATTR", "STORE_SUBSCR", "STORE_GLOBAL"})


def may_keep(f: Any) -> bool:
    """Whether ``f`` may put its arguments, or what it makes of them, where they outlive its call.

    It may where its code, or that of a function of the program which it names, sets an item, an attribute, a global or
    a variable of a function around it, or calls a method that changes a container.
    """
    met: set[int] = set()
    waiting = [f]
    while waiting:
        f = waiting.pop()
        plainly = isinstance(f, FunctionType)
        if id(f) in met or (plainly and f in DOORS):
            continue
        met.add(id(f))
        if plainly and not is_engine_file(f.__code__.co_filename) and _writes(f.__code__):
            return True
        if len(met) > _MOST:
            return True
        waiting += _named(f)
    return False


@functools.lru_cache(maxsize=4096)
def _writes(code: CodeType) -> bool:
    outside = set(code.co_freevars)
    for step in dis.get_instructions(code):
        if step.opname in _STORES or (step.opname == "STORE_DEREF" and step.argval in outside):
            return True
    doors = [REWRITTEN_DOORS[name] for name in ("set_item", "set_attribute", "changes_globals")]
    rewritten = any(constant is door for constant in code.co_consts for door in doors)
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return rewritten or not _CHANGING.isdisjoint(code.co_names) or any(map(_writes, inner))


def _named(f: Any) -> Iterator[Any]:
    """Functions of the program that ``f`` may call."""
    if isinstance(f, functools.partial):
        yield from (f.func, *f.args, *f.keywords.values())
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
    elif not isinstance(f, type | ModuleType) and isinstance(
        inspect.getattr_static(type(f), "__call__", None), FunctionType
    ):
        yield MethodType(type(f).__call__, f)


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _methods(x: Any, names: set[str]) -> Iterator[Any]:
    """What ``x`` has under these names and a program may call: methods of its class, functions of a module."""
    place = x if isinstance(x, ModuleType | type) else type(x)
    if getattr(place, "__module__", getattr(place, "__name__", "")).partition(".")[0] in _LIBRARIES:
        return
    for name in names:
        found = inspect.getattr_static(place, name, None)
        found = getattr(found, "__func__", found)
        if isinstance(found, property):
            found = found.fget
        if isinstance(found, FunctionType):
            yield found if isinstance(x, ModuleType | type) else MethodType(found, x)
        elif name in getattr(x, "__dict__", {}) and callable(x.__dict__[name]):
            yield x.__dict__[name]


_LIBRARIES = frozenset(
    {"builtins", "numpy", "scipy", "math", "cmath", "workbench", "functools", "collections"}
)
