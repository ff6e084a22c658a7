"""The variables of a typed program. Every run of it begins with what they held when it had been read."""

from __future__ import annotations

import copy
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        own = {value for value in space.values() if isinstance(value, type)}
        found = [_putting_back(value, own) for name, value in space.items() if not name.startswith("__")]
        self._back = [back for back in found if back is not None]

    def put_back(self) -> None:
        """The program begins anew."""
        self._space.clear()
        self._space.update(self._names)
        for back in self._back:
            back()
        for generator, state in self._drawn.values():
            rewind(generator, state)

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
