"""Functions of a program that may keep what a solver hands them: those that write somewhere, as their code tells."""

from __future__ import annotations

import contextlib
import dis
import functools
import itertools
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, own_copy, owner_of
from workbench.autodiff.callees import MOST, called, callees
from workbench.autodiff.draws import GENERATORS, rewind, state_of
from workbench.autodiff.location import user_line
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import field, own_names, set_field
from workbench.autodiff.surroundings import reachable
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.writing import set_item
from workbench.errors import MissingRuleError

_CHANGING = frozenset(
    "append appendleft extend insert add update setdefault put write setattr send setitem copyto putmask place fill"
    " sort heappush heapreplace heappushpop insort insort_left insort_right shuffle".split()
)
_STORES = frozenset({"STORE_ATTR", "STORE_SUBSCR", "STORE_GLOBAL"})


def may_keep(f: Any) -> bool:
    """Whether ``f`` may put its arguments, or what it makes of them, where they outlive its call.

    It may where its code, or that of a function of the program which it names, sets an item, an attribute, a global or
    a variable of a function around it, or calls a method that changes a container.
    """
    return any(k >= MOST - 1 or _writes_somewhere(g) for k, g in enumerate(called(f)))


def _writes_somewhere(f: Any) -> bool:
    return _writes(f.__code__) if isinstance(f, FunctionType) else f.__name__ in _CHANGING


@functools.lru_cache(maxsize=4096)
def _writes(code: CodeType) -> bool:
    outside = set(code.co_freevars)
    for step in dis.get_instructions(code):
        if step.opname in _STORES or (step.opname == "STORE_DEREF" and step.argval in outside):
            return True
    doors = [REWRITTEN_DOORS[name] for name in ("set_item", "set_attribute", "changes_globals")]
    rewritten = any(constant is door for constant in code.co_consts for door in doors)
    rewritten |= any(type(names) is tuple and "out" in names for names in code.co_consts)
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return rewritten or not _CHANGING.isdisjoint(code.co_names) or any(map(_writes, inner))


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
        self.called = called = [g for f in self.functions for g in callees(f)]
        self.cells = [c for g in called for c in g.__closure__ or () if c != CellType()]
        self.globals = [(g.__globals__, name) for g in called for name in _set_globals(g.__code__)]
        self.before: dict[int, tuple[Any, Any]] = {}
        self.variables = self._variables()

    @functools.cached_property
    def places(self) -> dict[int, Any]:
        """What stands around the functions, by id, as it is when the first of it is about to be changed."""
        around = [*self.functions, *self.called, *[c.cell_contents for c in self.cells if c != CellType()]]
        around += [g.__globals__.get(name) for g in self.called for name in g.__code__.co_names]
        found = {id(x): x for x in reachable(around)}
        return found | {id(owner := owner_of(x)): owner for x in found.values() if type(x) is np.ndarray}

    @contextlib.contextmanager
    def during(self) -> Iterator[None]:
        """While the solver runs.

        Raises:
            MissingRuleError: a function has kept something, and its code did not tell that it would.
        """
        with self._watching():
            yield
        if self.before and not any(map(may_keep, self.functions)):
            for x, content in self.before.values():
                if _has_more(x, content):
                    raise MissingRuleError(
                        "a function that a solver calls keeps what it is handed, or what it makes of that",
                        found=f"it changed a {type(x).__name__} outside of itself, which its code does not name",
                        where=user_line(),
                        fix="name what it changes in the function itself, or keep workbench.stop_gradient(x) after it",
                    )

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
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
        after, variables = {key: _content(x) for key, (x, _) in self.before.items()}, self._variables()
        self._put(self.before, self.variables)
        try:
            with self._watching(), _drawing_apart([*self.functions, *self.variables]):
                yield
        finally:
            self._put({k: (x, after.get(k, was)) for k, (x, was) in self.before.items()}, variables)

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
        for x, content in contents.values():
            _put_back(x, content)
        for cell, value in zip(self.cells, variables, strict=False):
            if value is not _NONE:
                cell.cell_contents = value
        for (names, name), value in zip(self.globals, variables[len(self.cells) :], strict=True):
            if value is not _NONE:
                names[name] = value
            else:
                names.pop(name, None)


_NONE = object()


@contextlib.contextmanager
def _drawing_apart(around: list[Any]) -> Iterator[None]:
    """What draws random numbers inside leaves the generators where they are."""
    near = [x for x in itertools.islice(reachable(around), _NEAR) if type(x) in GENERATORS]
    generators = [*near, np.random.mtrand._rand, random._inst]
    states = [state_of(generator) for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            rewind(generator, state)


_NEAR = 100  # things around functions among which generators are looked for


class _Changes(dict):
    """What a tape is told of changes: where one is in a known place, what stands there before it."""

    def __init__(self, around: Around, outer: Any) -> None:
        self.around, self.outer = around, outer

    def __setitem__(self, key: int, x: Any) -> None:
        if self.outer is not None:
            self.outer[key] = x
        if key in self.around.places and key not in self.around.before:
            if isinstance(x, Iterator):
                raise MissingRuleError(
                    "a function that a solver calls reads an iterator that it shares",
                    found="it is called again for derivatives, and would find the iterator further on",
                    where=user_line(),
                    fix="make the iterator in the function, or count in a variable",
                )
            self.around.before[key] = (x, _content(x))


@functools.lru_cache(maxsize=4096)
def _set_globals(code: CodeType) -> tuple[str, ...]:
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_GLOBAL"}
    inner = [_set_globals(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return tuple(own.union(*inner))


_KINDS = (list, OrderedDict, dict, set, deque)


def _content(x: Any) -> Any:
    """A copy of what stands in an array, a list, dict or set, and in the fields of an object."""
    if isinstance(x, np.ndarray):
        return own_copy(current(x))
    base = next((kind for kind in _KINDS if isinstance(x, kind)), None)
    held = None if base is None else list(base.items(x) if issubclass(base, dict) else base.__iter__(x))
    fields = vars(x) if isinstance(x, type) else {name: field(x, name) for name in own_names(x)}
    return held, dict(fields)


def _has_more(x: Any, content: Any) -> bool:
    """Whether something else than a whole number or text was put into what held ``content``."""
    now = _content(x)
    if isinstance(x, np.ndarray):
        return x.dtype.kind not in "biu" and not np.array_equal(plain(now), plain(content), equal_nan=True)
    (held, fields), (held_before, fields_before) = now, content
    before = {id(part) for part in (*(held_before or ()), *fields_before.values())}
    more = [part for part in (*(held or ()), *fields.values()) if id(part) not in before]
    parts = [e for part in more for e in (part if isinstance(part, tuple) else (part,))]
    return not all(isinstance(part, bool | int | str | None) for part in parts)


def _put_back(x: Any, content: Any) -> None:
    if isinstance(x, np.ndarray):
        traced = type(content) in TRACED or type(current(x)) in TRACED
        if traced or not np.array_equal(content, x, equal_nan=x.dtype.kind in "fc"):
            set_item(content, x, ...)
        return
    held, fields = content
    if isinstance(x, list):
        list.__setitem__(x, slice(None), held)
    elif held is not None:
        base = next(kind for kind in _KINDS if isinstance(x, kind))
        base.clear(x)
        if issubclass(base, dict):
            for key, value in held:
                base.__setitem__(x, key, value)
        else:
            (base.extend if base is deque else base.update)(x, held)
    kind = isinstance(x, type)
    for name in list(vars(x)) if kind else own_names(x):
        if name not in fields:
            (type if kind else object).__delattr__(x, name)
    for name, value in fields.items():
        if not kind:
            set_field(x, name, value)
        elif vars(x).get(name, _NONE) is not value:
            setattr(x, name, value)
