"""Numbers that a program keeps from one run to the next, met again where it compares.

``if x == self.last: return self.value`` gives x the value that another number had. What an earlier run has kept has no
derivative any more, and is refused; within a run the two numbers must have the same derivatives (see ``equals``). A
number counts as kept if it stands in a variable, an attribute or a container that outlives the call and that the
program also writes: constants are left alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections import deque
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.equals import note_equal
from workbench.autodiff.location import is_engine_file, running_frame
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.source import node_of
from workbench.autodiff.structure import own_slots
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import WRITTEN, contains_traced, plain

COMPARED = {*TRACED, tuple, list}
"""Types that may be, or hold, a traced number or text."""

_FIX = (
    "differentiate with new objects, or forget what they keep before, or keep results with functools.lru_cache, which"
    " is followed; where no derivative is wanted, compare workbench.stop_gradient(x)"
)


def watching(compare: Callable, says: bool) -> Callable:
    """``compare``, which answers ``says`` for what is equal, with a look at what was found to be equal."""

    differs = not says

    def apply(*args: Any, **kwargs: Any) -> Any:
        result = compare(*args, **kwargs)
        if result is differs or not OPEN.stack or len(args) < 2:
            return result
        a, b = args[0], args[1]
        if (type(a) in COMPARED or type(b) in COMPARED) and (
            result is says or (np.size(result) and np.all(np.equal(result, says)))
        ):
            found_equal(a, b)
        return result

    return apply


def found_equal(a: Any, b: Any) -> None:
    """``a`` and ``b`` were found to be equal, or close, by the program's running line.

    Raises:
        LostGradientError: one is traced, and the other a plain number that the program has kept from before.
    """
    for new, kept in ((a, b), (b, a)):
        place = _place(running_frame(), kept) if _varies(new) else None
        if place is None or (type(new) in TRACED and not np.array_equal(plain(new), plain(kept))):
            continue
        if _varies(kept):
            for x, y in zip(_elements(new), _elements(kept), strict=True):
                note_equal(x, y)
            return
        raise lost(
            f"a traced number was found equal to the one that {place} has kept from before",
            fix=_FIX,
        )


def _varies(x: Any) -> bool:
    return x.tape is not None if type(x) in WRITTEN else contains_traced(x)


def _elements(x: Any) -> list[Any]:
    if type(x) in (tuple, list):
        return [e for part in x for e in _elements(part)]
    return [x]


# ------------------------------------------------------------------------------------ what a program keeps

_NEVER_KEPT = (bool, int, type(None))


def _place(frame: FrameType | None, kept: Any) -> str | None:
    """Where the program keeps ``kept``; None for constants and for what does not outlive the call."""
    if frame is None or isinstance(kept, _NEVER_KEPT) or any(kept is c for c in frame.f_code.co_consts):
        return None
    while frame.f_back is not None and (
        frame.f_code.co_name.startswith("<") or is_engine_file(frame.f_code.co_filename)
    ):
        frame = frame.f_back  # out of a comprehension or a lambda
    code, names = frame.f_code, _stored_in(frame.f_code)
    variables = frame.f_locals
    lasting = {*code.co_freevars, *code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
    for name in sorted(names):
        for space, shown in ((variables, name in lasting), (frame.f_globals, name not in variables)):
            if shown and name in space and _holds(space[name], kept):
                return repr(name)
    for name in (*variables, *code.co_names):
        owner = variables[name] if name in variables else frame.f_globals.get(name)
        if found := _attribute_with(owner, kept, names):
            return f"{name}.{found}"
    return None


def _attribute_with(owner: Any, kept: Any, names: frozenset[str], depth: int = 1) -> str | None:
    """The attribute of an object that holds ``kept`` and that the program, or the object's methods, write."""
    kind = type(owner)
    if kind in TRACED or isinstance(owner, ModuleType) or (kind in _BUILT_IN and kind not in _OWNERS):
        return None
    own, slots = getattr(owner, "__dict__", {}), _slots(kind)
    for name in names | _stored_by_methods(owner if isinstance(owner, type) else kind):
        if (name in own or name in slots) and _holds(getattr(owner, name, None), kept):
            return name
    for name in (*own, *slots) if depth else ():
        value = getattr(owner, name, None)
        if not isinstance(value, type) and (found := _attribute_with(value, kept, names, depth - 1)):
            return f"{name}.{found}"
    return None


_OWNERS = (type, FunctionType)
_BUILT_IN = frozenset(kind for kind in vars(builtins).values() if isinstance(kind, type))
_CONTAINERS = (list, tuple, dict, deque)


def _holds(x: Any, kept: Any, depth: int = 3) -> bool:
    if x is kept:
        return True
    if not depth or not isinstance(x, _CONTAINERS):
        return False
    parts = (*x, *x.values()) if isinstance(x, dict) else x
    if id(kept) in map(id, parts):
        return True
    deeper = tuple(kind for kind in set(map(type, parts)) if issubclass(kind, _CONTAINERS))
    return bool(deeper) and any(_holds(part, kept, depth - 1) for part in parts if isinstance(part, deeper))


@functools.lru_cache(maxsize=1024)
def _slots(kind: type) -> frozenset[str]:
    return frozenset(n for cls in kind.__mro__ for n in own_slots(cls))


@functools.lru_cache(maxsize=1024)
def _stored_by_methods(kind: type) -> frozenset[str]:
    """The names of attributes that methods of ``kind`` write after the object was made."""
    found: set[str] = set()
    for cls in kind.__mro__:
        for name, member in vars(cls).items():
            parts = (member, *(getattr(member, part, None) for part in ("fget", "fset", "func", "__func__")))
            if name not in ("__init__", "__new__", "__post_init__", "__setstate__"):
                found.update(*(_stored_in(part.__code__) for part in parts if type(part) is FunctionType))
    return frozenset(found)


_CHANGING = frozenset("append appendleft extend insert setdefault update".split())


@functools.lru_cache(maxsize=4096)
def _stored_in(code: CodeType) -> frozenset[str]:
    """The names of attributes, of shared variables and of containers that a function writes."""
    node = node_of(code)
    return frozenset() if node is None else frozenset(_stores(node))


def _stores(function: ast.AST) -> Iterator[str]:
    shared = {
        name for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names
    }
    for n in ast.walk(function):
        if isinstance(n, ast.Attribute | ast.Name | ast.Subscript) and isinstance(n.ctx, ast.Store):
            if isinstance(n, ast.Name):
                yield from {n.id} & shared
            else:
                yield from _name(n.value if isinstance(n, ast.Subscript) else n)
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in _CHANGING:
            yield from _name(n.func.value)
        elif isinstance(n, ast.Call) and _name(n.func) in (["setattr"], ["__setattr__"]):
            yield from (a.value for a in n.args if isinstance(a, ast.Constant) and type(a.value) is str)


def _name(n: ast.AST) -> list[str]:
    return [n.attr] if isinstance(n, ast.Attribute) else [n.id] if isinstance(n, ast.Name) else []
