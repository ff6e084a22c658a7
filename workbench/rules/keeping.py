"""What functions of a program keep around them while a solver calls them, and how it is left as if it alone had."""

from __future__ import annotations

import contextlib
import dis
import functools
import itertools
import operator
import random
from collections.abc import Callable, Iterator
from types import CellType, CodeType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import owner_of
from workbench.autodiff.callees import callees
from workbench.autodiff.surroundings import reachable
from workbench.autodiff.tape import OPEN
from workbench.rules.contents import UNCHANGING, content, content_before, put_back


class Around:
    """What functions change in the variables around them while a solver calls them.

    Once it has run they are called again, for derivatives: then they find what they found before it did, and leave what
    it has left. A function that remembers its last point, or counts its calls, does so as without the engine.
    """

    def __init__(self, *functions: Any, args: tuple = ()) -> None:
        self.watched = bool(OPEN)
        if not self.watched:
            return
        self.functions = [functools.partial(f, *args) if callable(f) else f for f in functions]
        self.called = [g for f in self.functions for g in callees(f)]
        self.cells = [c for g in self.called for c in g.__closure__ or () if c != CellType()]
        self.globals = [(g.__globals__, name) for g in self.called for name in _set_globals(g.__code__)]
        self.before: dict[int, tuple[Any, Any]] = {}
        self.variables = self._variables()

    @functools.cached_property
    def places(self) -> dict[int, Any]:
        """What the functions can reach: gone through where the first change of anything is told, before it is made."""
        return {id(x): x for x in self._reached()}

    def _reached(self) -> Iterator[Any]:
        yield from _SHARED_BY_ALL
        yield from (g.__globals__ for g in self.called)
        around = [*self.functions, *self.called, *self._variables()]
        around += [g.__globals__.get(name) for g in self.called for name in g.__code__.co_names]
        for x in reachable(around):
            if type(x) is np.ndarray and x.base is not None:
                yield owner_of(x)
            if not issubclass(type(x), UNCHANGING):
                yield x

    @contextlib.contextmanager
    def during(self) -> Iterator[None]:
        """While the solver runs."""
        if not self.watched:
            yield
            return
        tape = OPEN[-1]
        outer = tape.changed
        tape.changed = _Changes(self, outer)
        try:
            yield
        finally:
            tape.changed = outer

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """While the functions are called for derivatives."""
        if not self.watched:
            yield
            return
        places = (*itertools.islice(self._reached(), _NEAR), *[x for x, _ in self.before.values()])
        after, variables = {id(x): (x, content(x)) for x in places}, self._variables()
        self._put(self.before, self.variables)
        try:
            with self.during():
                yield
        finally:
            self._put(self.before | after, variables)

    def undone(self) -> bool:
        """Whether the functions have changed anything; then it is as it was before."""
        if not self.watched:
            return False
        changed = bool(self.before) or any(map(operator.is_not, self._variables(), self.variables))
        if changed:
            self._put(self.before, self.variables)
        return changed

    def anew(self, f: Callable) -> Callable:
        """``f``, one of the functions, as it is called aside: each time as if it had not been called before."""
        if not self.watched:
            return f

        def call(*args: Any) -> Any:
            self._put(self.before, self.variables)
            return f(*args)

        return call

    def _variables(self) -> list[Any]:
        shared = [cell.cell_contents if cell != CellType() else _NONE for cell in self.cells]
        return [*shared, *[names.get(name, _NONE) for names, name in self.globals]]

    def _put(self, contents: dict[int, tuple[Any, Any]], variables: list[Any]) -> None:
        for x, held in contents.values():
            put_back(x, held)
        for cell, value in zip(self.cells, variables, strict=False):
            if value is not _NONE:
                cell.cell_contents = value
        for (names, name), value in zip(self.globals, variables[len(self.cells) :], strict=True):
            if value is not _NONE:
                names[name] = value
            else:
                names.pop(name, None)


_NONE = object()
_NEAR = 300
"""Things of which a copy is made before the functions are called for derivatives: not all changes of them are told."""
# the generators behind np.random.normal, random.random
_SHARED_BY_ALL = (np.random.mtrand._rand, random._inst)


class _Changes(dict):
    """What a tape is told of changes: where one is in a known place, what stands there before it."""

    def __init__(self, around: Around, outer: Any) -> None:
        self.around, self.outer = around, outer

    def __setitem__(self, key: int, x: Any) -> None:
        if self.outer is not None:
            self.outer[key] = x
        if key in self.around.places and key not in self.around.before:
            self.around.before[key] = (x, content_before(x))


@functools.lru_cache(maxsize=4096)
def _set_globals(code: CodeType) -> tuple[str, ...]:
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_GLOBAL"}
    inner = [_set_globals(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return tuple(own.union(*inner))
