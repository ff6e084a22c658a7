"""The methods of universal functions: ``reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, laid_out_like, written
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.elementwise import add_at, apply_ufunc, settled_input
from workbench.autodiff.location import user_line
from workbench.autodiff.overrides import ufunc_overridden
from workbench.autodiff.registry import OWNER_DOORS
from workbench.autodiff.scalars import innermost
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.watch import call_watched
from workbench.errors import MissingRuleError

_PLACE_OF_OUT = {"reduce": 3, "accumulate": 3, "reduceat": 4}
_REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}


@functools.cache
def ufunc_method_door(ufunc: np.ufunc, name: str) -> Callable:
    """What a rewritten program calls for ``ufunc.reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at``."""
    method, traced = getattr(ufunc, name), _METHODS.get(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(settled_input(a) for a in args)
        kwargs = {option: current(value) for option, value in kwargs.items()}
        if name == "at" and OPEN:
            return add_at_method(ufunc, *args)
        if innermost(*args, *kwargs.values()) is None:
            return call_watched(method, [plain(a) for a in args], kwargs)
        out, place = kwargs.pop("out", None), _PLACE_OF_OUT.get(name, len(args))
        if len(args) > place:
            out, options = (
                args[place],
                dict(zip(("keepdims", "initial", "where"), args[place + 1 :], strict=False)),
            )
            args, kwargs = args[:place], {**options, **kwargs}
        if out is not None:
            return written(call(*args, **kwargs), out[0] if isinstance(out, tuple) else out)
        if traced is None:
            raise MissingRuleError(
                f"numpy.{ufunc.__name__}.{name} has no rule", where=user_line(), fix="write it as a loop"
            )
        return traced(ufunc, *args, **kwargs)

    return ufunc_overridden(ufunc, name, call)


def _door_of_method(method: Any, ufunc: np.ufunc) -> Callable:
    name = method.__name__
    return resolve(ufunc) if name == "__call__" else ufunc_method_door(ufunc, name)


OWNER_DOORS[np.ufunc] = _door_of_method


def _reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    initial = None if initial is np._NoValue else initial
    if ufunc in _REDUCTIONS:
        options = {"dtype": dtype, "initial": initial, "where": where}
        given = {k: v for k, v in options.items() if v is not None and v is not True}
        given |= {"keepdims": True} if keepdims else {}
        return resolve(_REDUCTIONS[ufunc])(array, axis=axis, **given)
    array = array if dtype is None else resolve(np.astype)(array, dtype)
    shape = np.shape(plain(array))
    axes = (
        tuple(range(len(shape))) if axis is None else tuple(int(k) % len(shape) for k in np.atleast_1d(axis))
    )
    whole = len(axes) == len(shape) and where is True
    rows, taken = resolve(np.ravel)(array, "K") if whole else _rows(array, axes), None
    if where is not True:
        taken = _rows(np.broadcast_to(plain(where), shape), axes)
        initial = ufunc.identity if initial is None else initial
    if not len(plain(rows)) or (taken is not None and initial is None):
        return ufunc.reduce(plain(array), axis=axis, where=plain(where))  # the identity, or NumPy's own error
    total = rows[0] if initial is None else initial
    for k in range(initial is None, len(plain(rows))):
        following = apply_ufunc(ufunc, (total, rows[k]), {})
        total = following if taken is None else resolve(np.where)(taken[k], following, total)
    if initial is None and not np.allclose(
        plain(total), ufunc.reduce(plain(array), axis=axes), equal_nan=True
    ):
        raise MissingRuleError(  # NumPy 2.4 does so for power and arctan2 along the last axis
            f"numpy.{ufunc.__name__}.reduce gives something else than its elements one after the other",
            where=user_line(),
            fix="write it as a loop",
        )
    return resolve(np.expand_dims)(total, axes) if keepdims else total


def _rows(array: Any, axes: tuple[int, ...]) -> Any:
    """``array`` with ``axes`` as one axis in front, in the order in which NumPy goes along them."""
    moved = resolve(np.moveaxis)(array, axes, range(len(axes)))
    return resolve(np.reshape)(moved, (-1, *np.shape(plain(moved))[len(axes) :]))


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    array = array if dtype is None else resolve(np.astype)(array, dtype)
    if ufunc is np.add:
        return resolve(np.cumsum)(array, axis=axis)
    rows = resolve(np.moveaxis)(array, axis, 0)
    if not len(rows):
        return array
    totals = [rows[0]]
    for k in range(1, len(rows)):
        totals.append(apply_ufunc(ufunc, (totals[-1], rows[k]), {}))
    return laid_out_like(resolve(np.stack)(totals, axis=axis), np.positive(plain(array)))


def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Of every place in ``indices`` to the next one; the element itself where the next one is not after it."""
    array = array if dtype is None else resolve(np.astype)(array, dtype)
    rows, places = resolve(np.moveaxis)(array, axis, 0), np.array(plain(indices))
    like = ufunc.reduceat(plain(array), places, axis)  # or NumPy's own error
    ends = [*places[1:], len(plain(rows))]
    parts = [
        rows[start]
        if start >= end - 1
        else _sum(rows[start:end])
        if ufunc is np.add
        else _reduce(ufunc, rows[start:end])
        for start, end in zip(places.tolist(), ends, strict=True)
    ]
    return laid_out_like(resolve(np.stack)(parts, axis=axis), like)


def _sum(rows: Any) -> Any:
    """The sum of rows as ``numpy.add.reduceat`` rounds it: the others pairwise, and then the first."""
    others = resolve(np.ascontiguousarray)(resolve(np.moveaxis)(rows[1:], 0, -1))
    return rows[0] + resolve(np.sum)(others, -1)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    wide = resolve(np.reshape)(a, np.shape(plain(a)) + (1,) * np.ndim(plain(b)))
    return apply_ufunc(ufunc, (wide, b), kwargs)


_METHODS = {"reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer}


def add_at_method(ufunc: np.ufunc, array: Any, index: Any, values: Any = None) -> None:
    """``ufunc.at(array, index, values)``: unbuffered, so that repeated positions count each time."""
    from workbench.autodiff.indexing import kept_index, plain_index
    from workbench.autodiff.writing import mutate, set_item

    target, index = (array.array if type(array) is TracedArray else array), kept_index(plain_index(index))
    seen = current(target)
    if type(seen) is not TracedArray and innermost(values) is None:
        mutate(target, ufunc.at, target, index, *(() if values is None else (values,)))
    elif ufunc is np.add:
        set_item(current(add_at(target, index, values)), target, ...)
    elif ufunc is np.subtract:
        set_item(current(add_at(target, index, resolve(np.negative)(values))), target, ...)
    else:
        positions = np.arange(target.size).reshape(target.shape)[index]
        flat = resolve(np.ravel)(seen)
        result = [flat[k] for k in range(target.size)]
        picked = (
            None if values is None else resolve(np.ravel)(resolve(np.broadcast_to)(values, positions.shape))
        )
        for place, position in enumerate(np.ravel(positions)):
            operands = (result[position],) if picked is None else (result[position], picked[place])
            result[position] = apply_ufunc(ufunc, operands, {})
        set_item(resolve(np.reshape)(as_array(result), target.shape), target, ...)
