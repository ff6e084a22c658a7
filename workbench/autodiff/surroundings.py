"""What a block of its own finds around itself: variables that it shares, and what it changes and draws there."""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, owner_of
from workbench.autodiff.callees import callees
from workbench.autodiff.draws import Drawn
from workbench.autodiff.location import is_engine_file, is_users_module
from workbench.autodiff.registry import DOORS
from workbench.autodiff.structure import field, field_names, leaves
from workbench.autodiff.tape import OPEN


class Surroundings:
    """The variables of a block, and of the functions that it calls, that are not their own: closures and globals.

    Attributes:
        changed: what it has changed anywhere, by id, once it has run.
        drawn: the generators that it has drawn random numbers from.
    """

    def __init__(self, f: Any) -> None:
        self.f, self.functions = f, list(callees(f))
        self.before = self.variables()
        self.changed: dict[int, Any] = {}
        self.drawn: Drawn = {}

    def variables(self) -> list[Any]:
        found = []
        for f in self.functions:
            for cell in f.__closure__ or ():
                found += [cell.cell_contents] if cell != CellType() else [None]
            found += [f.__globals__.get(name) for name in f.__code__.co_names]
        return [*found, *[x.get(None) for x in found if type(x) is ContextVar]]

    def watched(self, function: Callable, *args: Any) -> Any:
        """``function(*args)``, whose changes and draws are noted."""
        tape = OPEN[-1]
        outer = tape.changed, tape.drawn
        tape.changed, tape.drawn = self.changed, self.drawn
        try:
            return function(*args)
        finally:
            tape.changed, tape.drawn = outer
            for key, x in self.changed.items() if outer[0] is not None else ():
                outer[0][key] = x
            if outer[1] is not None:
                outer[1].update(self.drawn | outer[1])

    def differ(self) -> bool:
        """Whether a variable has got another number or array, or something that it holds has."""
        variables = self.variables()
        if any(now is not was and leaves(now) for was, now in zip(self.before, variables, strict=True)):
            return True
        roots = (self.f, *self.functions, *variables)
        return bool(self.changed) and any(map(self._has_changed, reachable(roots)))

    def _has_changed(self, x: Any) -> bool:
        """Whether a number or an array was put into ``x``."""
        x = x.array if type(x) is TracedArray else x
        if isinstance(x, np.ndarray):
            return id(owner_of(x)) in self.changed
        if id(x) not in self.changed or isinstance(x, array):
            return id(x) in self.changed
        inside = dict(vars(x)) if isinstance(x, FunctionType | type) else x
        return bool(leaves(x[-1:] if type(x) is list else inside))


_DEPTH = 12
_FIRST = 1000  # elements that tell whether there are others than numbers
_CONTAINERS = (list, tuple, dict, deque, set, frozenset)
_VALUES = (str, bytes, int, float, complex, type(None), np.generic)
_ENDS = (*_VALUES, type)
_WEAK = frozenset(weakref.ProxyTypes)  # of what may be gone, which holds what they refer to by another way


def reachable(roots: Iterable[Any]) -> Iterator[Any]:
    """What variables hold, and what that holds in turn; a long list of numbers only as a whole, no installed module."""
    met: dict[int, Any] = {}  # kept alive: some are made when they are asked for
    waiting = deque([(roots, 0)])
    while waiting:  # what is near first
        parts, depth = waiting.popleft()
        for x in parts:
            if id(x) in met:
                continue
            met[id(x)] = x
            gone = type(x) in _WEAK  # perhaps: it may not be asked
            if not gone and isinstance(x, ModuleType) and not is_users_module(x):
                continue
            yield x
            if depth < _DEPTH and not gone and not isinstance(x, _ENDS):
                waiting.append((_inside(x), depth + 1))


def _inside(x: Any) -> Iterable[Any]:
    if isinstance(x, _CONTAINERS):
        parts = dict.values(x) if isinstance(x, dict) else x
        kinds = set(map(type, itertools.islice(parts, _FIRST)))
        return () if all(issubclass(kind, _VALUES) for kind in kinds) else parts
    if isinstance(x, FunctionType):
        cells = () if is_engine_file(x.__code__.co_filename) else x.__closure__ or ()
        return (*cells, *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values(), *vars(x).values())
    if isinstance(x, CellType):
        return (x.cell_contents,) if x != CellType() else ()
    if isinstance(x, ModuleType | threading.local):
        return vars(x).values()
    if isinstance(x, np.ndarray):
        return x.flat if x.dtype.kind == "O" else ()
    if isinstance(x, weakref.ref):
        return (x(),)
    if isinstance(x, MethodType):
        return (x.__func__, x.__self__)
    if isinstance(x, BuiltinFunctionType):
        return (x.__self__,)
    if isinstance(x, functools._lru_cache_wrapper):
        return (x.__wrapped__,)
    if isinstance(x, GeneratorType):
        return () if x.gi_frame is None else x.gi_frame.f_locals.values()
    if isinstance(x, functools.partial):
        return (x.func, *x.args, *x.keywords.values())
    return [field(x, name) for name in field_names(x)]


def frozen(f: Any, copies: dict[int, Any] | None = None) -> Any:
    """``f`` with the variables that it and the functions around it share as they are now, whatever becomes of them."""
    copies = {} if copies is None else copies
    if issubclass(type(f), functools.partial):  # a weak reference may have nothing to ask
        args = [frozen(part, copies) for part in f.args]
        return functools.partial(frozen(f.func, copies), *args, **f.keywords)
    if type(f) is not FunctionType or not f.__closure__ or f in DOORS:
        return f
    if id(f) not in copies:
        cells = tuple(CellType() for _ in f.__closure__)
        new = copies[id(f)] = FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, cells)
        new.__kwdefaults__, new.__qualname__ = f.__kwdefaults__, f.__qualname__
        new.__dict__.update(f.__dict__)
        for cell, shared in zip(cells, f.__closure__, strict=True):
            if shared != CellType():  # a variable without a value has none there either
                cell.cell_contents = frozen(shared.cell_contents, copies)
    return copies[id(f)]
