"""Sums, means, extremes, sorting and products along axes.

Conventions at ties: ``max`` and ``min`` share the cotangent evenly among equal elements; ``sort`` is stable.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.autodiff.application import laid_out_like, written
from workbench.autodiff.arrays import TracedArray, can_vary, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.elementwise import add_at
from workbench.autodiff.indexing import get_item
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, Rule, add_rule, positions
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.errors import MissingRuleError
from workbench.rules.stand_ins import with_value


@dataclass(frozen=True)
class _Reduced:
    """One reduction that was made: ``y`` out of ``x`` along ``axes``.

    Attributes:
        mask: which elements took part (``where=``), None for all.
        count: how many elements each result was made of; shaped to broadcast against ``x`` when ``mask`` is given.
        ddof: what the divisor of a variance is smaller by.
        initial: what a product begins with.
    """

    x: Any
    y: Any
    axes: tuple[int, ...]
    kept: bool
    mask: np.ndarray | None
    count: Any
    ddof: Any
    initial: Any

    def spread(self, reduced: Any) -> Any:
        """What has lost its axes, as something that broadcasts against ``x``."""
        shape = np.shape(plain(self.x))
        if self.kept or not shape:
            return reduced
        return np.reshape(reduced, tuple(1 if k in self.axes else n for k, n in enumerate(shape)))

    def masked(self, values: Any, otherwise: float) -> Any:
        return values if self.mask is None else np.where(self.mask, values, otherwise)

    def deviation(self) -> Any:
        """``x`` less its mean."""
        total = np.sum(self.masked(self.x, 0.0), axis=self.axes, keepdims=True)
        return self.x - total / self.count


def _reduced(function: Callable, x: Any, named: dict) -> _Reduced:
    named = {name: value for name, value in named.items() if value is not np._NoValue and name != "out"}
    unknown = sorted(set(named) - {"axis", "dtype", "keepdims", "where", "initial", "ddof", "correction"})
    if unknown and unknown[0] not in inspect.signature(function).parameters:
        raise TypeError(f"{function.__name__}() got an unexpected keyword argument {unknown[0]!r}")
    if unknown:
        raise MissingRuleError(
            f"numpy.{function.__name__} has no rule for its argument {unknown[0]!r}",
            where=user_line(),
            fix=f"leave {unknown[0]!r} out, and combine the result afterwards",
        )
    shape, axis, where = np.shape(plain(x)), named.get("axis"), named.get("where", True)
    if axis is None or not shape:
        axes = tuple(range(len(shape)))
    else:
        axes = tuple(int(k) % len(shape) for k in np.atleast_1d(axis))
    mask = None if where is True else np.broadcast_to(np.array(plain(where), bool), shape)
    count = int(np.prod([shape[k] for k in axes])) if mask is None else np.sum(mask, axes, keepdims=True)
    ddof = named.get("ddof", 0) or named.get("correction", 0)
    kept, initial = named.get("keepdims", False), named.get("initial", 1.0)
    return _Reduced(x, function(x, **named), axes, kept, mask, count, ddof, initial)


def _reduction(function: Callable) -> Callable:
    """Decorator: ``make(reduced)`` gives the pullback of ``function`` along axes, for spread cotangents."""

    names = positions(function)[1:]

    def register(make: Callable) -> Callable:
        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            reduced = _reduced(function, args[0], {**dict(zip(names, args[1:], strict=False)), **kwargs})
            pullback, shape = make(reduced), np.shape(plain(args[0]))

            def reduction_pullback(bar: Any) -> list[Any]:
                x_bar = pullback(reduced.spread(bar))
                return [np.broadcast_to(reduced.masked(x_bar, 0.0), shape) if shape else x_bar]

            return reduced.y, reduction_pullback

        add_rule(Rule(function, forward, leaves=(0,)))
        return make

    return register


def _with_initial(function: Callable, combine: np.ufunc) -> None:
    """``initial=`` that varies, as one operand more: the door of a reduction that has one for fixed ones."""
    door, names = DOORS[function], positions(function)[1:]

    @functools.wraps(function, updated=())
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        named = {**dict(zip(names, args, strict=False)), **kwargs}
        initial = current(named.get("initial"))
        if type(initial) not in TRACED:
            return door(a, *args, **kwargs)
        out = named.pop("out", None)
        value = function(plain(current(a)), **{name: plain(v) for name, v in named.items()})
        if can_vary(np.asarray(value)):
            fixed = {np.maximum: -np.inf, np.minimum: np.inf}.get(combine, combine.identity)
            value = with_value(resolve(combine)(door(a, **{**named, "initial": fixed}), initial), value)
        return value if out is None else written(value, out)

    DOORS[function] = call


def _about_a_mean(function: Callable) -> None:
    """``mean=`` of a variance or a standard deviation, and ``ddof``, which may vary by themselves."""
    door, names = DOORS[function], positions(function)[1:]

    @functools.wraps(function, updated=())
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        named = {**dict(zip(names, args, strict=False)), **kwargs}
        off = [named.get(name) for name in ("ddof", "correction")]
        if named.get("mean", np._NoValue) is np._NoValue and not contains_traced(off):
            return door(a, *args, **kwargs)
        out = named.pop("out", None)
        value = function(plain(current(a)), **{name: plain(v) for name, v in named.items()})
        if named.get("mean", np._NoValue) is np._NoValue:
            chosen = {name: named[name] for name in ("axis", "where") if name in named}
            named["mean"] = resolve(np.mean)(a, keepdims=True, **chosen)
        away = current(a) - named.pop("mean")
        ddof = named.pop("ddof", 0) + named.pop("correction", 0)
        if contains_traced(off) or ddof:
            count = np.sum(np.ones(np.shape(plain(away))), **named)
        variance = resolve(np.mean)(np.real(away * np.conj(away)), **named) * (
            count / (count - ddof) if contains_traced(off) or ddof else 1.0
        )
        variance = with_value(variance if function is np.var else resolve(np.sqrt)(variance), value)
        return variance if out is None else written(variance, out)

    DOORS[function] = call


def _running(function: Callable) -> Callable:
    """Decorator: ``make(x, axis)`` gives the pullback of a running ``function`` along an axis."""

    def register(make: Callable) -> Callable:
        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            named = {**dict(zip(("axis", "dtype"), args[1:], strict=False)), **kwargs}
            x, axis, value = args[0], named.get("axis"), function(args[0], **named)
            shape = np.shape(plain(x))
            pullback = make(np.reshape(x, -1) if axis is None else x, 0 if axis is None else axis)
            return value, lambda bar: [np.reshape(pullback(bar), shape)]

        add_rule(Rule(function, forward, leaves=(0,)))
        return make

    return register


@_reduction(np.sum)
def _sum(r: _Reduced) -> Callable:
    return lambda bar: bar


@_reduction(np.nansum)
def _nansum(r: _Reduced) -> Callable:
    return lambda bar: np.where(np.isnan(plain(r.x)), 0.0, bar)


@_reduction(np.mean)
def _mean(r: _Reduced) -> Callable:
    return lambda bar: bar / r.count


def _extreme(r: _Reduced) -> Callable:
    def pullback(bar: Any) -> Any:
        best = r.masked(plain(r.x) == r.spread(plain(r.y)), False)
        return bar * (best / np.maximum(np.sum(best, axis=r.axes, keepdims=True), 1))

    return pullback


for _function in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    _reduction(_function)(_extreme)


@_reduction(np.var)
def _var(r: _Reduced) -> Callable:
    return lambda bar: bar * 2.0 * r.deviation() / (r.count - r.ddof)


@_reduction(np.std)
def _std(r: _Reduced) -> Callable:
    def pullback(bar: Any) -> Any:
        size = r.spread(r.y) * (r.count - r.ddof)
        return bar * r.deviation() / np.where(plain(size) == 0, 1.0, size)

    return pullback


_about_a_mean(np.var)
_about_a_mean(np.std)

for _function, _combine in (
    (np.sum, np.add),
    (np.max, np.maximum),
    (np.min, np.minimum),
    (np.amax, np.maximum),
    (np.amin, np.minimum),
):
    _with_initial(_function, _combine)


@_running(np.cumsum)
def _cumsum(x: Any, axis: int) -> Callable:
    return lambda bar: np.flip(np.cumsum(np.flip(bar, axis), axis=axis), axis)


def _trace(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """The sum of a diagonal."""

    def named(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> tuple:
        return a, offset, axis1, axis2

    a, *place = named(*args, **kwargs)
    shape = np.shape(plain(a))
    positions = np.diagonal(np.arange(int(np.prod(shape))).reshape(shape), *place)

    def trace_pullback(bar: Any) -> list[Any]:
        spread = np.broadcast_to(np.expand_dims(bar, -1), positions.shape)
        flat = np.zeros(int(np.prod(shape)), plain(spread).dtype)
        return [resolve(np.reshape)(current(add_at(flat, positions, spread)), shape)]

    return np.trace(*args, **kwargs), trace_pullback


add_rule(Rule(np.trace, _trace, leaves=(0,)))


def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """``numpy.sort`` picks elements, at the positions that a stable sort finds."""
    a = _array_of(a)
    if type(a) is not TracedArray:
        return np.sort(a, axis, kind, order, stable=stable)
    return _picked(a, np.argsort(a.array, axis=axis, kind="stable", order=order), axis)


def _partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Any:
    """``numpy.partition`` picks elements."""
    a = _array_of(a)
    if type(a) is not TracedArray:
        return np.partition(a, kth, axis, kind, order)
    return _picked(a, np.argpartition(a.array, kth, axis=axis), axis)


def _array_of(x: Any) -> Any:
    x = current(x)
    return resolve(np.array)(x) if isinstance(x, list | tuple) else x


def _picked(x: TracedArray, places: np.ndarray, axis: int | None) -> Any:
    if axis is None:
        return resolve(np.take)(resolve(np.ravel)(x), places)
    if x.array.ndim == 1:  # records too, whose fields may have axes of their own
        return get_item(x, places)
    return laid_out_like(resolve(np.take_along_axis)(x, places, axis=axis), np.empty_like(x.array))


DOORS[np.sort], DOORS[np.partition] = _sort, _partition


def _exclusive_products(x: Any) -> Any:
    """Along the last axis, the product of all other elements: right at zeros too."""
    if not np.shape(plain(x))[-1]:
        return x
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    after = np.flip(np.cumprod(np.concatenate([ones, np.flip(x[..., 1:], -1)], axis=-1), axis=-1), -1)
    return before * after


@_reduction(np.prod)
def _prod(r: _Reduced) -> Callable:
    def pullback(bar: Any) -> Any:
        if not np.shape(plain(r.x)):
            return bar * r.initial
        last = range(-len(r.axes), 0)
        moved = np.moveaxis(r.masked(r.x, 1.0), r.axes, last)
        shape = np.shape(plain(moved))
        lead = shape[: len(shape) - len(r.axes)]
        others = np.reshape(_exclusive_products(np.reshape(moved, (*lead, -1))), shape)
        return bar * np.conj(r.initial * np.moveaxis(others, last, r.axes))

    return pullback


_with_initial(np.prod, np.multiply)


def _cumprod(a: Any, axis: int | None = None, *rest: Any, **kwargs: Any) -> Any:
    """``numpy.cumprod`` as the products it stands for."""
    x, kwargs = current(a), {**dict(zip(("dtype", "out"), rest, strict=False)), **kwargs}
    if not contains_traced(x) and not contains_traced(kwargs):
        return call_watched(np.cumprod, (x, axis), kwargs)
    if axis is None:
        x, axis = resolve(np.ravel)(x), 0
    return resolve(np.multiply.accumulate)(x, axis=axis, **kwargs)


DOORS[np.cumprod] = _cumprod
