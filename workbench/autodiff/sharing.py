"""Arrays that two arguments of a program hold."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import owner_of
from workbench.autodiff.calls import resolve
from workbench.autodiff.structure import leaves
from workbench.autodiff.telling import plain
from workbench.errors import NotDifferentiableError


def checked_sharing(f: Callable, args: tuple) -> Callable:
    """``f``, which is refused if it writes into an array that two arguments hold.

    Each argument is a variable of its own, so the second would not have what was written into the first.
    """
    if not _in_two_arguments(args):
        return f

    @functools.wraps(f, updated=())
    def program(*given: Any) -> Any:
        arrays = [x for x in leaves(given) if isinstance(x, np.ndarray)]
        before = [np.array(plain(x)) for x in arrays]
        result = resolve(f)(*given)
        if not all(map(_is_equal, before, map(plain, arrays))):
            raise NotDifferentiableError(
                "the program writes into an array that two arguments hold",
                found="each argument is a variable of its own, so what is written into one is not in the other",
                fix="pass a copy as one of the arguments, or the array once",
            )
        return result

    return program


def _is_equal(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _in_two_arguments(args: tuple) -> bool:
    """Whether two arguments hold memory of one array."""
    holders = [a for a in args if not isinstance(a, float | int | str)]
    met: set[int] = set()
    for argument in holders if len(holders) > 1 else ():
        if type(argument) in (list, tuple):  # most often of many numbers
            argument = [x for x in argument if type(x) is not float]
        held = {id(owner_of(plain(x))) for x in leaves(argument) if isinstance(x, np.ndarray)}
        if held & met:
            return True
        met |= held
    return False
