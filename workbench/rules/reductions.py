"""Sums, means, extremes, sorting and products along axes.

Conventions at ties: ``max`` and ``min`` share the cotangent evenly among equal elements; ``sort`` is stable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import plain, resolve
from workbench.autodiff.registry import DOORS, Rule, add_rule


def _reduction(function: Callable) -> Callable:
    """Decorator: ``make(x, value, spread, **kwargs)`` gives the pullback of ``function`` along an axis.

    ``spread`` turns what has lost its axes back into something that broadcasts against ``x``.
    """

    def register(make: Callable) -> Callable:
        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            x = args[0]
            for name, value in zip(_POSITIONAL.get(function, ("axis",)), args[1:], strict=False):
                kwargs = {**kwargs, name: value}
            value = function(x, **kwargs)
            axis, kept = kwargs.get("axis"), kwargs.get("keepdims", False)
            shape = np.shape(plain(x))
            axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % len(shape)

            def spread(reduced: Any) -> Any:
                if kept or not shape:
                    return reduced
                return np.reshape(reduced, tuple(1 if k in axes else n for k, n in enumerate(shape)))

            count = int(np.prod([shape[k] for k in axes])) if shape else 1
            pullback = make(
                x, value, spread, count, **{k: v for k, v in kwargs.items() if k in ("ddof", "where")}
            )
            return value, lambda bar: [
                np.broadcast_to(pullback(spread(bar)), shape) if shape else pullback(bar)
            ]

        add_rule(Rule(function, forward, leaves=(0,)))
        return make

    return register


_POSITIONAL: dict[Callable, tuple[str, ...]] = {
    np.sum: ("axis", "dtype", "out", "keepdims"),
    np.mean: ("axis", "dtype", "out", "keepdims"),
    np.prod: ("axis", "dtype", "out", "keepdims"),
    np.max: ("axis", "out", "keepdims"),
    np.min: ("axis", "out", "keepdims"),
    np.var: ("axis", "dtype", "out", "ddof", "keepdims"),
    np.std: ("axis", "dtype", "out", "ddof", "keepdims"),
}


@_reduction(np.sum)
def _sum(x: Any, y: Any, spread: Callable, count: int, where: Any = None) -> Callable:
    return (lambda bar: bar) if where is None else (lambda bar: np.where(where, bar, 0.0))


@_reduction(np.nansum)
def _nansum(x: Any, y: Any, spread: Callable, count: int) -> Callable:
    return lambda bar: np.where(np.isnan(plain(x)), 0.0, bar)


@_reduction(np.mean)
def _mean(x: Any, y: Any, spread: Callable, count: int) -> Callable:
    return lambda bar: bar / count


def _extreme(x: Any, y: Any, spread: Callable, count: int) -> Callable:
    def pullback(bar: Any) -> Any:
        best = plain(x) == spread(plain(y))
        share = best / _count_along(best, np.shape(plain(spread(y))))
        return bar * share

    return pullback


def _count_along(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    axes = tuple(k for k, n in enumerate(shape) if n == 1)
    return np.maximum(np.sum(mask, axis=axes, keepdims=True), 1)


for _function in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    _reduction(_function)(_extreme)


@_reduction(np.var)
def _var(x: Any, y: Any, spread: Callable, count: int, ddof: int = 0) -> Callable:
    def pullback(bar: Any) -> Any:
        axes = tuple(k for k, n in enumerate(np.shape(plain(spread(y)))) if n == 1)
        return bar * 2.0 * (x - np.mean(x, axis=axes, keepdims=True)) / (count - ddof)

    return pullback


@_reduction(np.std)
def _std(x: Any, y: Any, spread: Callable, count: int, ddof: int = 0) -> Callable:
    def pullback(bar: Any) -> Any:
        axes = tuple(k for k, n in enumerate(np.shape(plain(spread(y)))) if n == 1)
        away = x - np.mean(x, axis=axes, keepdims=True)
        size = spread(y) * (count - ddof)
        return bar * away / np.where(plain(size) == 0, 1.0, size)

    return pullback


def _sorted(function: Callable, order: Callable) -> None:
    """Sorting picks elements: by the positions that the matching ``arg`` function finds."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = current(x)
        if isinstance(x, list | tuple):
            x = resolve(np.array)(x)
        if type(x) is not TracedArray:
            return function(x, *args, **kwargs)
        axis = kwargs.get("axis", -1)
        places = order(x.array, *args, **kwargs)
        if axis is None:
            return resolve(np.take)(resolve(np.ravel)(x), places)
        return resolve(np.take_along_axis)(x, places, axis=axis)

    DOORS[function] = call


def _argsort(x: np.ndarray, axis: int = -1, **kwargs: Any) -> np.ndarray:
    return np.argsort(x, axis=axis, kind="stable")


_sorted(np.sort, _argsort)
_sorted(np.partition, np.argpartition)


def _exclusive_products(x: Any) -> Any:
    """Along the last axis, the product of all other elements: right at zeros too."""
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    after = np.flip(np.cumprod(np.concatenate([ones, np.flip(x[..., 1:], -1)], axis=-1), axis=-1), -1)
    return before * after


@_reduction(np.prod)
def _prod(x: Any, y: Any, spread: Callable, count: int) -> Callable:
    def pullback(bar: Any) -> Any:
        if np.ndim(plain(x)) == 0:
            return bar
        axes = tuple(k for k, n in enumerate(np.shape(plain(spread(y)))) if n == 1)
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        lead = np.shape(plain(moved))[: np.ndim(plain(moved)) - len(axes)]
        others = np.reshape(_exclusive_products(np.reshape(moved, (*lead, -1))), np.shape(plain(moved)))
        return bar * np.moveaxis(others, range(-len(axes), 0), axes)

    return pullback


def _cumprod(x: Any, axis: int | None = None, **kwargs: Any) -> Any:
    """``numpy.cumprod`` as the products it stands for."""
    x = current(x)
    if type(x) is not TracedArray:
        return np.cumprod(x, axis, **kwargs)
    if axis is None:
        x, axis = resolve(np.ravel)(x), 0
    return resolve(np.multiply.accumulate)(x, axis=axis)


DOORS[np.cumprod] = _cumprod
