"""Cotangents on the way back: summed over what was broadcast, added to an operand's, taken off a result.

Those of arrays gather in the shadow of their memory (see ``arrays``), those of numbers on the numbers themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import address_of, current, overlaps, owner_of, traced_view
from workbench.autodiff.scalars import TracedFloat, lost
from workbench.autodiff.tape import OPEN


def reduce_to(bar: Any, shape: tuple[int, ...]) -> Any:
    """Sum a cotangent over the axes along which its operand was broadcast."""
    extra = np.ndim(bar) - len(shape)
    if extra < 0:  # an assignment takes a source with more axes of length 1 in front
        bar = np.reshape(bar, (1,) * -extra + np.shape(bar))
    if extra > 0:
        bar = np.sum(bar, axis=tuple(range(extra)))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(bar)[k] != 1)
    return np.sum(bar, axis=axes, keepdims=True) if axes else bar


def accumulate(operand: Any, bar: Any, *, fresh: bool = False) -> None:
    """Add a cotangent to an operand's. ``fresh`` says that nobody else holds ``bar``, so that it may be kept."""
    if type(operand) is TracedFloat:
        if isinstance(bar, np.ndarray):
            bar = np.sum(bar)
        operand.bar += bar.real if np.iscomplexobj(bar) else bar
        return
    array, memory = operand.array, operand.memory
    if type(bar) is not np.ndarray or bar.shape != array.shape or bar.dtype != array.dtype:
        if np.shape(bar) != array.shape:
            bar, fresh = reduce_to(bar, array.shape), False
        if array.dtype.kind == "f" and np.iscomplexobj(bar):
            bar, fresh = np.real(bar), False
    if fresh and memory.store is None and array is memory.owner and memory.whole and _is_own(bar, array):
        memory.store = bar.reshape(-1)
        return
    add_into(memory.view_like(array), bar)


def _is_own(bar: Any, array: np.ndarray) -> bool:
    """Whether a cotangent's memory can serve as the shadow of ``array``."""
    if type(bar) is not np.ndarray or bar.base is not None or bar.dtype != array.dtype:
        return False
    return bar.flags.c_contiguous and bar.flags.writeable


def add_into(target: np.ndarray, bar: Any) -> None:
    """``target += bar`` for a piece of a shadow, recorded by the outer derivatives if there are any."""
    if target.flags.c_contiguous and not OPEN.stack:
        target += bar
        return
    repeated = tuple(
        k for k, (n, s) in enumerate(zip(target.shape, target.strides, strict=True)) if n > 1 and s == 0
    )
    if repeated:  # a broadcast view: several elements are one number
        bar = np.sum(
            np.broadcast_to(bar, target.shape) if np.ndim(bar) < target.ndim else bar, repeated, keepdims=True
        )
        target = target[tuple(slice(0, 1) if k in repeated else slice(None) for k in range(target.ndim))]
    if overlaps(target):
        _add_at_places(target, bar)
    elif OPEN:
        from workbench.autodiff.writing import set_item

        seen = traced_view(target)
        set_item(seen + bar, target, ...)
    else:
        target += bar


def _add_at_places(target: np.ndarray, bar: Any) -> None:
    """``target += bar``, every element counted though several are one place."""
    from workbench.autodiff.elementwise import add_at
    from workbench.autodiff.writing import set_item

    owner, unit = owner_of(target), target.itemsize
    first, lead = divmod(address_of(target) - address_of(owner), unit)
    if any(s % unit for s, n in zip(target.strides, target.shape, strict=True) if n > 1):
        raise lost(
            "a view whose elements share places was read in records that are no multiple of its numbers"
        )
    # numbers of the view's type: the memory may be that of complex numbers or records, and the view of their parts
    store = np.ndarray(((owner.nbytes - lead) // unit,), target.dtype, owner, lead)
    numbers = np.arange(store.size)
    strides = tuple(s // unit * numbers.itemsize for s in target.strides)
    places = np.ndarray(target.shape, numbers.dtype, numbers, first * numbers.itemsize, strides)
    if OPEN:
        set_item(current(add_at(store, places, bar)), store, ...)
    else:
        np.add.at(store, places, bar)


def take_bar(result: Any) -> Any:
    """The cotangent that has gathered on an operation's result; None if it is zero. It is forgotten there."""
    if type(result) is TracedFloat:
        bar = result.bar
        if type(bar) is TracedFloat or bar:
            result.bar = 0.0
            return bar
        return None
    memory = result.memory
    if memory.store is None:
        return None
    bar = memory.view_like(result.array)
    memory.store = None
    return traced_view(bar) if OPEN.stack else bar
