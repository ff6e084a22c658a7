"""Arrays, lists, dicts and objects that two arguments of a program hold."""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import owner_of
from workbench.autodiff.calls import resolve
from workbench.autodiff.other_names import places
from workbench.autodiff.references import FOLLOWED
from workbench.autodiff.structure import is_leaf, map_leaves
from workbench.autodiff.telling import plain
from workbench.autodiff.watch import are_equal
from workbench.errors import NotDifferentiableError


def checked_sharing(f: Callable, args: tuple) -> Callable:
    """``f``, which is refused if it writes into something that two arguments hold.

    Each argument is a variable of its own, so the second would not have what was written into the first.

    Args:
        f: the program.
        args: its arguments, those by position and then those by name.
    """
    places = _in_two_arguments(args)
    if not places:
        return f

    @functools.wraps(f, updated=())
    def program(*given: Any, **by_name: Any) -> Any:
        held = [_held(a) for a in (*given, *by_name.values())]
        shared = [held[k][i] for k, i in places]
        before = [_contents(x) for x in shared]
        result = resolve(f)(*given, **by_name)
        if not all(map(_is_unchanged, shared, before)):
            raise NotDifferentiableError(
                "the program writes into something that two arguments hold",
                found="each argument is a variable of its own, so what is written into one is not in the other",
                fix="pass a copy as one of the arguments, or what they share once",
            )
        return result

    return program


def _in_two_arguments(args: tuple) -> list[tuple[int, int]]:
    """Where things stand that two arguments hold: the argument's number, and theirs among what it holds."""
    if sum(not isinstance(a, float | int | str) for a in args) < 2:
        return []
    keys = [[_identity(x) for x in _held(a)] for a in args]
    counts = Counter(key for one in keys for key in set(one))
    return [(k, i) for k, one in enumerate(keys) for i, key in enumerate(one) if counts[key] > 1]


def _held(argument: Any) -> list[Any]:
    """The arrays in an argument and the containers that can be changed, in an order that its copies have too."""
    if isinstance(argument, list | tuple) and all(type(x) is float for x in argument):
        return [argument] if isinstance(argument, list) else []
    arrays: list[Any] = []

    def noted(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            arrays.append(x)
        return x

    containers: dict[int, tuple[Any, Any]] = {}
    map_leaves(noted, argument, other=noted, copied=containers)
    fixed = (tuple, *FOLLOWED)
    return [*arrays, *(x for x, _ in containers.values() if not isinstance(x, fixed))]


def _identity(x: Any) -> int:
    return id(owner_of(plain(x))) if isinstance(x, np.ndarray) else id(x)


def _contents(x: Any) -> Any:
    """What stands in an array, or directly in a container, by place."""
    return np.array(plain(x)) if isinstance(x, np.ndarray) else places(x)


def _is_unchanged(x: Any, before: Any) -> bool:
    after = _contents(x)
    if isinstance(x, np.ndarray):
        return are_equal(before, after)
    if len(before) != len(after) and isinstance(x, list | deque | dict):
        return False
    return all(place in after and _is_same(old, after[place]) for place, old in before.items())


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (is_leaf(a) and is_leaf(b) and are_equal(plain(a), plain(b)))
