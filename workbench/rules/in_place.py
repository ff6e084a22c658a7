"""Functions that change what they are given first: an array of NumPy's, or a list."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff import writing
from workbench.autodiff.application import converted
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.registry import DOORS, by_position
from workbench.autodiff.scalars import innermost
from workbench.autodiff.settling import note_elements
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain


def changing(function: Callable) -> Callable:
    """Decorator: how the array's new contents are made, for traced and plain arrays alike.

    The decorated function returns pairs ``(index, values)`` to be written.
    """

    def register(writes: Callable) -> Callable:
        def call(array: Any, *args: Any, **kwargs: Any) -> None:
            if not OPEN:
                return function(array, *args, **kwargs)
            target = array.array if type(array) is TracedArray else array
            args = tuple(map(_as_array, args))
            if type(current(target)) is not TracedArray and innermost(*args) is None:
                return writing.mutate(target, function, target, *args, **kwargs)
            for index, values in writes(target, *args, **kwargs):
                writing.set_item(values, target, index)
            return None

        DOORS[function] = by_position(function, call)
        return writes

    return register


def _as_array(x: Any) -> Any:
    """An argument as it is now, a list of traced numbers, or what turns itself into an array, as an array."""
    x = converted(x)
    return resolve(np.array)(x) if isinstance(x, list | tuple) and contains_traced(x) else current(x)


@changing(np.copyto)
def _copyto(array: np.ndarray, values: Any, casting: str = "same_kind", where: Any = True) -> Any:
    if array.dtype.kind in "biu":  # what does not vary, or NumPy's own error
        constant = np.asarray(plain(values))
        np.copyto(array.copy(), constant, casting=casting)
        values = constant.astype(array.dtype)
    if where is True:
        yield ..., values
    else:
        mask = np.broadcast_to(np.asarray(plain(where), bool), array.shape)
        more = max(np.ndim(plain(values)) - array.ndim, 0)
        if more and np.shape(plain(values))[:more] == (1,) * more:  # NumPy leaves out axes of one element
            values = resolve(np.reshape)(values, np.shape(plain(values))[more:])
        yield mask, resolve(np.broadcast_to)(values, array.shape)[mask]


@changing(np.put)
def _put(array: np.ndarray, places: Any, values: Any, mode: str = "raise") -> Any:
    chosen = np.take(np.arange(array.size), places, mode=mode)
    given = resolve(np.resize)(values, np.shape(chosen)) if np.ndim(plain(values)) else values
    if array.ndim:
        yield np.unravel_index(chosen, array.shape), given
    elif np.size(chosen):  # the one element, that the last value stays in
        yield ..., resolve(np.ravel)(given)[-1]


@changing(np.place)
def _place(array: np.ndarray, mask: Any, values: Any) -> Any:
    mask = np.asarray(plain(mask), bool)
    yield mask, resolve(np.resize)(values, (int(mask.sum()),))


@changing(np.putmask)
def _putmask(array: np.ndarray, mask: Any, values: Any) -> Any:
    mask = np.asarray(plain(mask), bool)
    yield mask, resolve(np.resize)(values, array.shape)[mask] if np.ndim(plain(values)) else values


@changing(np.fill_diagonal)
def _fill_diagonal(array: np.ndarray, values: Any, wrap: bool = False) -> Any:
    places = np.zeros(array.shape, bool)
    np.fill_diagonal(places, True, wrap)
    where = np.nonzero(places)
    count = len(where[0])
    yield where, resolve(np.resize)(values, (count,)) if np.ndim(plain(values)) else values


@changing(np.put_along_axis)
def _put_along_axis(array: np.ndarray, indices: Any, values: Any, axis: int) -> Any:
    positions = np.arange(array.size).reshape(array.shape)
    where = np.unravel_index(np.take_along_axis(positions, indices, axis), array.shape)
    yield where, resolve(np.broadcast_to)(values, np.shape(indices))


def _changes_a_list(function: Callable) -> None:
    def call(elements: list, *args: Any, **kwargs: Any) -> Any:
        note_elements(elements)
        return compiled_door(function)(elements, *args, **kwargs)

    DOORS[function] = by_position(function, call)


for _function in (
    *(heapq.heappush, heapq.heappop, heapq.heapify, heapq.heapreplace, heapq.heappushpop),
    *(bisect.insort_left, bisect.insort_right),
):
    _changes_a_list(_function)
