"""Making arrays: of values and of other arrays, in another type or order, or only of another's shape.

Lists of traced values become arrays as any elements are arranged (see ``rearranging``); copies and changes of type
have pullbacks of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import converted, is_sequence
from workbench.autodiff.arrays import TracedArray, beneath, current, is_complex_number
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.dressing import dressed, is_subarray, undressed
from workbench.autodiff.indexing import get_item, iterate
from workbench.autodiff.operations import record
from workbench.autodiff.overrides import ASKED_NEVER
from workbench.autodiff.records import by_fields, of_records
from workbench.autodiff.registry import DOORS, by_position
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, TracedFloat, lost, recorded
from workbench.autodiff.subarrays import TracedSubnumber, class_of
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import lost_in_text, tape_in
from workbench.rules.rearranging import arrange, current_inside, innermost_inside

_ORDERS = {np.ascontiguousarray: "C", np.asfortranarray: "F"}  # and they make one axis of none


def _array(function: Callable, *, copies: bool) -> Callable:
    def call(x: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if OPEN and isinstance(x, np.ndarray) and type(x) not in TRACED:
            if function is np.asanyarray or kwargs.get("subok"):
                if is_subarray(x) and (
                    contains_traced(x) or _elements(x.view(np.ndarray), dtype) is not None
                ):
                    kept = {name: value for name, value in kwargs.items() if name != "subok"}
                    made = call(undressed(x), dtype, *args, **kept)
                    return x if plain(made) is plain(undressed(x)) else dressed(made, class_of(x), x)
            else:
                x = undressed(x) if is_subarray(x) or type(x) is np.ndarray else x.view(np.ndarray)
        x = undressed(x) if type(x) is TracedSubnumber else x
        if type(x) not in TRACED and (own := python_method(type(x), "__array__")) is not None:
            x = resolve(own)(x)
        elif is_sequence(x):
            x = list(iterate(x))
        x = converted(x) if OPEN else x
        if OPEN and isinstance(x, list | tuple) and dtype is not None and np.dtype(dtype).kind == "f":
            x = _as_floats(x)
        if (elements := _elements(x, dtype)) is not None:
            x = elements
        if not contains_traced(x, 6):
            _refuse_texts(x)
            return function(x, dtype, *args, **kwargs)
        return _of_traced(function, copies, x, dtype, args, kwargs)

    return by_position(function, call)


def _as_floats(x: Any) -> Any:
    """Lists and tuples with numbers of the program's classes as the floats that these say they are."""
    kind = type(x)
    if kind is list or kind is tuple:
        return x if all(type(e) in ASKED_NEVER for e in x) else kind([_as_floats(e) for e in x])
    own = None if kind in ASKED_NEVER or kind in TRACED else python_method(kind, "__float__")
    return x if own is None or isinstance(x, float) else resolve(float)(x)


def _of_traced(function: Callable, copies: bool, x: Any, dtype: Any, args: tuple, kwargs: dict) -> Any:
    """An array of what is, or holds, traced values."""
    kind = None if dtype is None else np.dtype(dtype)
    if kind is not None and kind.kind == "O":
        return _of_objects(x)
    if kind is not None and kind.kind in "SUTV" and kind.names is None:
        raise lost(f"traced values were about to become an array of {kind}")
    if kind is not None and kind.names is not None and isinstance(x, list | tuple):
        return of_records(x, kind)
    if kind is not None and kind.kind not in "fc":
        return function(plain(x), dtype, *args, **kwargs)
    made = current_inside(x)
    if type(made) is TracedArray:
        if kind is not None and kind != made.array.dtype:
            made = resolve(np.astype)(made, kind)
        elif is_complex_number(made.array) or (copies and kwargs.get("copy", True) is True):
            # None and False take what is there, and a number is no array
            made = resolve(np.copy)(made)
    else:
        made = arrange(innermost_inside((made,)), np.array, (made,), {}, (0,))
        if kind is not None and kind != plain(made).dtype:
            made = resolve(np.astype)(made, kind)
    order = _ORDERS.get(function) or kwargs.get("order") or (args[0] if args else None)
    if order in ("C", "F") and not plain(made).flags[f"{order}_CONTIGUOUS"]:
        made = resolve(np.copy)(made, order)
    lacking = kwargs.get("ndmin", int(function in _ORDERS)) - np.ndim(plain(made))
    if lacking > 0:
        return resolve(np.reshape)(made, (1,) * lacking + np.shape(plain(made)))
    return x if plain(made) is x else made


def _elements(x: Any, dtype: Any) -> Any:
    """The traced numbers in an array of objects that is to become one of numbers; None for anything else."""
    if (
        type(x) is not np.ndarray
        or not x.dtype.hasobject
        or dtype is None
        or np.dtype(dtype).kind not in "fc"
    ):
        return None
    listed = x.tolist()
    nested = any(isinstance(element, np.ndarray) for element in x.flat)
    return listed if contains_traced(listed) and not nested else None


def _refuse_texts(x: Any) -> None:
    first = x
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, str) and tape_in(x) is not None:
        raise lost_in_text("an array")


def _of_objects(x: Any) -> np.ndarray:
    """An array of objects, which holds traced numbers as it holds any others; those of arrays become Python's."""
    made = np.empty(np.array(_shape_only(x), object).shape, object)
    for place in np.ndindex(*made.shape):
        whole = element = x
        for k in place:
            whole, element = element, get_item(element, k)
        if isinstance(whole, np.ndarray) and not isinstance(element, np.ndarray):
            element = REWRITTEN_DOORS["get_attribute"](element, "item")()
        elif isinstance(element, np.ndarray) and not element.ndim:
            element = resolve(element.item)()
        made[place] = element
    return made


def _shape_only(x: Any) -> Any:
    return [_shape_only(e) for e in x] if isinstance(x, list | tuple) else plain(x)


DOORS[np.array] = _array(np.array, copies=True)
for _function in (np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite):
    DOORS[_function] = _array(_function, copies=False)


def _astype(x: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    """``numpy.astype``: the cotangent goes back in the operand's own type."""
    if isinstance(x, list | tuple):
        np.astype(plain(x), dtype)  # NumPy's own error
    x, kind = current(x), np.dtype(dtype)
    if type(x) is TracedFloat and kind.kind in "fc":
        if kind.kind == "c":
            return _astype(resolve(np.asarray)(x), kind)
        inner = _astype(x.value, kind) if type(x.value) is TracedFloat else kind.type(x.value)
        return recorded(inner, x.tape, x, 1.0)
    if _elements(x, kind) is not None:
        return resolve(np.array)(x, kind)
    if kind.kind == "O" and contains_traced(x):
        return _of_objects(x)
    if type(x) is not TracedArray or kind.kind not in "fc":
        return plain(x).astype(dtype, *args, **kwargs)
    if not kwargs.get("copy", True) and kind == x.array.dtype:
        return x
    value = np.asarray(x.value).astype(kind) if x.tape.level == 0 else beneath(x.tape, _astype, x.value, kind)
    before = x.array.dtype

    def astype_pullback(bar: Any) -> list[Any]:
        if before.kind == "f" and kind.kind == "c":
            bar = np.real(bar)
        return [_astype(bar, before) if type(bar) in TRACED else np.asarray(bar).astype(before)]

    return record(x.tape, [x], value, astype_pullback)


DOORS[np.astype] = _astype


def _copy(x: Any, *args: Any, **kwargs: Any) -> Any:
    """``numpy.copy``."""
    x = current(x)
    if type(x) is not TracedArray:
        return np.copy(x, *args, **kwargs) if not contains_traced(x) else DOORS[np.array](x)
    if x.array.dtype.names is not None:
        return by_fields(_copy, x.array.copy(*args, **kwargs), x)
    value = (
        np.copy(x.array, *args, **kwargs)
        if x.tape.level == 0
        else beneath(x.tape, _copy, x.value, *args, **kwargs)
    )
    return record(x.tape, [x], value, lambda bar: [bar])


DOORS[np.copy] = by_position(np.copy, _copy)


def _like(function: Callable) -> Callable:
    """``zeros_like`` and its kin: only the shape and type of the argument matter."""

    def call(prototype: Any, *args: Any, **kwargs: Any) -> Any:
        return function(plain(prototype), *args, **kwargs)

    return by_position(function, call)


for _function in (np.zeros_like, np.ones_like, np.empty_like):
    DOORS[_function] = _like(_function)
