"""Functions that find, count and gather elements, and NumPy's helper that turns arguments into arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath

from workbench.autodiff.application import as_array, written_apart
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.dressing import as_shown, is_subarray, stand_in, undressed
from workbench.autodiff.elementwise import apply_ufunc
from workbench.autodiff.indexing import get_item, iterate
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, Rule, add_rule, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError


def _bincount(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """The sum of the weights of each whole number."""

    def named(x: Any, weights: Any = None, minlength: int = 0) -> tuple:
        return np.array(plain(x)), weights, minlength

    x, weights, minlength = named(*args, **kwargs)
    return np.bincount(x, weights, minlength), lambda bar: [
        get_item(bar, x) if k == 1 else None for k in needs
    ]


add_rule(Rule(np.bincount, _bincount, leaves=(1,)))


@door(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **kwargs: Any,
) -> Any:
    """``numpy.unique``: of equal elements the first one is taken."""
    ar = as_array(ar) if contains_traced(ar) else ar
    if type(ar) is not TracedArray and not contains_traced(ar):
        return np.unique(ar, return_index, return_inverse, return_counts, axis, **kwargs)
    _, first, *rest = np.unique(plain(current(ar)), True, return_inverse, return_counts, axis, **kwargs)
    values = resolve(np.take)(ar, first, axis)
    found = [values, *([first] if return_index else []), *rest]
    return tuple(found) if len(found) > 1 else values


def _unique_hash(ar: Any, **options: Any) -> Any:
    """What ``numpy.unique`` begins with, which finds the different elements in an order of its own."""
    values = _multiarray_umath._unique_hash(plain(undressed(ar)), **options)
    if values is NotImplemented or not contains_traced(ar):
        return values
    flat = resolve(np.ravel)(undressed(ar))
    order = np.argsort(plain(flat), kind="stable")
    return get_item(flat, order[np.searchsorted(plain(flat), values, sorter=order)])


if hasattr(_multiarray_umath, "_unique_hash"):
    DOORS[_multiarray_umath._unique_hash] = _unique_hash


@door(np.fromiter)
def fromiter(iter: Iterable, dtype: Any, count: int = -1, **kwargs: Any) -> Any:
    """``numpy.fromiter``."""
    values = []
    for value in iterate(iter):
        if len(values) == count:
            break
        values.append(value)
    if not contains_traced(values):
        return np.fromiter(values, dtype, count, **kwargs)
    return resolve(np.array)(values, dtype)


def _with_outs(ufunc: np.ufunc) -> Callable:
    """Decorator: the door of a universal function with several results, which may be written into arrays."""

    def register(form: Callable) -> Callable:
        @door(ufunc)
        @functools.wraps(form)
        def call(*inputs: Any, out: Any = (), **kwargs: Any) -> tuple:
            outs = inputs[ufunc.nin :] or out
            return written_apart(form(*inputs[: ufunc.nin], **kwargs), outs)

        return form

    return register


@_with_outs(np.divmod)
def divmod_(x: Any, y: Any) -> tuple[Any, Any]:
    """``numpy.divmod``."""
    return apply_ufunc(np.floor_divide, (x, y), {}), apply_ufunc(np.remainder, (x, y), {})


@_with_outs(np.modf)
def modf(x: Any) -> tuple[Any, Any]:
    """``numpy.modf``; the whole part does not vary."""
    whole = np.modf(plain(current(x)))[1]
    return apply_ufunc(np.subtract, (x, whole), {}), whole


@_with_outs(np.frexp)
def frexp(x: Any) -> tuple[Any, Any]:
    """``numpy.frexp``; the exponent does not vary."""
    exponent = np.frexp(plain(current(x)))[1]
    return apply_ufunc(np.ldexp, (x, -exponent), {}), exponent


def _over_last_axes(name: str, a_bar: Callable, b_bar: Callable) -> None:
    """The rule of one of NumPy's products of stacks of vectors and matrices."""
    ufunc = getattr(np, name, None)
    if ufunc is None:  # it came with NumPy 2.2
        return

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        a, b = args
        if kwargs.get("axis", -1) != -1 or set(kwargs) - {"axis"}:
            raise MissingRuleError(
                f"numpy.{name} has no rule for options", where=user_line(), fix="leave them out"
            )

        def product_pullback(bar: Any) -> list[Any]:
            return [(a_bar, b_bar)[k](bar, a, b) for k in needs]

        return ufunc(a, b, **kwargs), product_pullback

    add_rule(Rule(ufunc, forward, leaves=(0, 1)))


_over_last_axes(
    "vecdot",
    lambda bar, a, b: np.conj(np.expand_dims(bar, -1)) * b,
    lambda bar, a, b: np.expand_dims(bar, -1) * a,
)
_over_last_axes(
    "matvec",
    lambda bar, a, b: np.expand_dims(bar, -1) * np.conj(np.expand_dims(b, -2)),
    lambda bar, a, b: np.sum(np.conj(a) * np.expand_dims(bar, -1), axis=-2),
)
_over_last_axes(
    "vecmat",
    lambda bar, a, b: np.sum(np.conj(np.expand_dims(bar, -2)) * b, axis=-1),
    lambda bar, a, b: np.expand_dims(a, -1) * np.expand_dims(bar, -2),
)


class _Converter:
    """What NumPy's own functions turn their arguments into arrays with, keeping traced ones traced, and classes."""

    def __init__(self, *inputs: Any) -> None:
        self.inputs = [current(x) for x in inputs]
        self.plain = _multiarray_umath._array_converter(*map(stand_in, self.inputs))

    @property
    def scalar_input(self) -> tuple[bool, ...]:
        return self.plain.scalar_input

    def __getitem__(self, k: int) -> Any:
        return self.as_arrays()[k]

    def as_arrays(self, *, subok: bool = True, **options: Any) -> tuple[Any, ...]:
        asarray = resolve(np.asanyarray if subok else np.asarray)
        pairs = zip(self.inputs, self.plain.as_arrays(subok=subok, **options), strict=True)
        return tuple(asarray(x) if contains_traced(x) or is_subarray(x) else found for x, found in pairs)

    def result_type(self, *args: Any, **kwargs: Any) -> np.dtype:
        return self.plain.result_type(*args, **kwargs)

    def wrap(self, array: Any, /, to_scalar: bool | None = None) -> Any:
        given = stand_in(array)
        shown = self.plain.wrap(given, to_scalar=to_scalar)
        if shown is given:
            return array
        is_number = not isinstance(shown, np.ndarray)
        return as_shown(get_item(undressed(array), ()) if is_number else undressed(array), shown, ())


if hasattr(_multiarray_umath, "_array_converter"):
    DOORS[_multiarray_umath._array_converter] = _Converter
