"""The variables of a typed program. Every run of it begins with what they held when it had been read."""

from __future__ import annotations

import copy
import random
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from workbench.autodiff.draws import GENERATORS, drawn_again, rewind, state_of

_SHARED = (
    np.random.get_state.__self__,
    random.getstate.__self__,
)  # what np.random.normal and random.gauss draw from

_HOLDERS = (list, dict, set, deque, defaultdict, OrderedDict, Counter)


class TypedVariables:
    """Puts back what runs of a program change: counters, memos, histories, generators of random numbers.

    Otherwise a second run would be another program than the first, and its value beside the central difference of a
    third tell nothing. What cannot be copied (an open file, an iterator) stays as runs leave it.
    """

    def __init__(self, space: dict[str, Any]) -> None:
        self._space = space
        self._names = dict(space)
        self._drawn = {id(generator): (generator, state_of(generator)) for generator in _SHARED}
        seen: set[int] = set()
        values = [value for name, value in space.items() if not name.startswith("__")]
        self._back = [back for value in values for back in self._backs(value, seen)]

    def put_back(self) -> None:
        """The program begins anew."""
        self._space.clear()
        self._space.update(self._names)
        for back in self._back:
            back()
        for generator, state in self._drawn.values():
            rewind(generator, state)

    def _backs(self, value: Any, seen: set[int]) -> Iterator[Callable[[], None]]:
        """Put back what a value holds; a function its defaults, attributes and closure, a class its attributes."""
        if id(value) in seen:
            return
        seen.add(id(value))
        held: list[Any] = []
        if isinstance(value, types.FunctionType) and value.__globals__ is self._space:
            cells = [cell for cell in value.__closure__ or () if cell != types.CellType()]
            yield from (partial(setattr, cell, "cell_contents", cell.cell_contents) for cell in cells)
            held += [vars(value), *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
            held += [cell.cell_contents for cell in cells]
        elif isinstance(value, type) and value.__module__ == self._space["__name__"]:
            names = dict(vars(value))
            yield partial(_put_back_class, value, names)
            held += names.values()
        else:
            own = {kind for kind in self._names.values() if isinstance(kind, type)}
            back = _putting_back(value, own)
            if back is not None:
                yield back
        for part in held:
            yield from self._backs(part, seen)

    def lend(self, name: str, value: Any) -> None:
        """Let the next run find ``value`` under a name, unless the program has its own there."""
        self._space.setdefault(name, value)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What runs inside leaves no trace in the variables, nor in the generators that the notebook shares."""
        with drawn_again(self._drawn):
            try:
                yield
            finally:
                self.put_back()


def _put_back_class(kind: type, names: dict[str, Any]) -> None:
    for name in set(vars(kind)) - set(names):
        delattr(kind, name)
    for name, value in names.items():
        if vars(kind).get(name) is not value:
            setattr(kind, name, value)


def _putting_back(value: Any, own: set[type]) -> Callable[[], None] | None:
    """Gives ``value``, the same object, what it holds now; None where it holds nothing that a run could change."""
    if type(value) in GENERATORS:
        state = state_of(value)
        return lambda: rewind(value, state)
    if type(value) is np.ndarray and value.flags.writeable:
        elements = value.copy()
        return lambda: np.copyto(value, elements)
    if type(value) in own and hasattr(value, "__dict__"):
        value = vars(value)
    if type(value) not in _HOLDERS:
        return None
    try:
        kept = copy.deepcopy(value)
    except (TypeError, ValueError, RuntimeError, AttributeError):
        return None
    fill = value.extend if type(value) in (list, deque) else value.update

    def back() -> None:
        value.clear()
        fill(copy.deepcopy(kept))

    return back
