"""Compiled code may change arrays that it is given. What it changed is put on the tapes that know the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import is_writeable, owner_of
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.subarrays import DRESSED
from workbench.autodiff.tape import OPEN


def call_watched(f: Callable, args: Any, kwargs: dict) -> Any:
    """``f(*args, **kwargs)``, after which the arrays that it changed can be restored on the way back."""
    known = _known_arrays(f, args, kwargs)
    if not known:
        return f(*args, **kwargs)
    before = [array.copy() for array in known]
    try:
        return f(*args, **kwargs)
    finally:
        for array, old in zip(known, before, strict=True):
            _note_change(f, array, old)


def _known_arrays(f: Callable, args: Any, kwargs: dict) -> list[np.ndarray]:
    """The plain arrays among the arguments, and ``f``'s own, that a tape has used and compiled code may write into."""
    if not any(tape.memories or tape.given for tape in OPEN):
        return []
    found: list[np.ndarray] = []
    for x in (getattr(f, "__self__", None), *args, *kwargs.values()):
        for array in x if type(x) is tuple or type(x) is list else (x,):
            if isinstance(array, np.ndarray) and type(array) not in _FOLLOWED and is_writeable(array):
                bare = np.ndarray.view(array, np.ndarray)
                found += [bare] if is_known(bare) else []
    return found


_FOLLOWED = TRACED | DRESSED


def is_known(array: np.ndarray) -> bool:
    """Whether an open tape has used the memory of ``array``, or it is an argument's."""
    owner = id(owner_of(array))
    return any(owner in tape.memories or owner in tape.given or owner in tape.copies for tape in OPEN)


def are_equal(a: Any, b: Any) -> bool:
    """Whether two arrays, or numbers, are the same, where NaN is equal to NaN."""
    return np.array_equal(a, b, equal_nan=np.result_type(a).kind in "fc")


def _note_change(f: Callable, array: np.ndarray, old: np.ndarray) -> None:
    from workbench.autodiff.writing import check_shape_is_kept, set_item

    check_shape_is_kept(f, array, old)
    if not are_equal(array, old):
        new = array.copy()
        array[...] = old
        set_item(new, array, ...)
