"""Functions of NumPy that are written in Python, but in a way that cannot be followed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import _nanfunctions_impl as _nanfunctions
from numpy.lib.array_utils import normalize_axis_tuple

from workbench.autodiff.application import written
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, Rule, add_rule, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import stands_in


@stands_in(np.arange)
def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """x_k = start + k step; how many there are does not vary."""
    if stop is None:
        start, stop = 0, start
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        return None
    return start + step * np.arange(len(np.arange(plain(start), plain(stop), plain(step))))


@stands_in(np.kaiser)
def _kaiser(M: int, beta: Any) -> Any:
    """The window I₀(β √(1 - t²)) / I₀(β), t from -1 to 1."""
    middle, i0 = (M - 1) / 2.0, resolve(np.i0)
    t = (np.arange(0, plain(M)) - middle) / middle
    return i0(beta * np.sqrt(1.0 - t * t)) / i0(beta)


@stands_in(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """a x = b, where both stand for matrices whose axes are tensors themselves."""
    ndim = np.ndim(plain(a))
    order = [k for k in range(ndim) if k not in (axes or ())] + list(axes or ())
    moved = np.transpose(a, order)
    shape = np.shape(plain(moved))[np.ndim(plain(b)) - ndim :]
    found = np.linalg.solve(np.reshape(moved, (-1, int(np.prod(shape)))), np.ravel(b))
    return np.reshape(found, shape)


@door(np.linalg._umath_linalg.solve1)
def _solve_vector(a: Any, b: Any, **options: Any) -> Any:
    """What stands behind ``solve`` for one right-hand side in array libraries built on NumPy's."""
    return resolve(np.squeeze)(resolve(np.linalg.solve)(a, resolve(np.expand_dims)(b, -1)), -1)


@door(np.linalg._umath_linalg.solve)
def _solve_matrix(a: Any, b: Any, **options: Any) -> Any:
    """The same for several."""
    return resolve(np.linalg.solve)(a, b)


@door(_nanfunctions._nanmedian_small)
def _nanmedian_small(a: Any, axis: int | None = None, out: Any = None, overwrite_input: bool = False) -> Any:
    """The median of each short row: NumPy's form for long ones, which needs no masked array."""
    if not contains_traced(a):
        return _short_rows(a, axis, out, overwrite_input)
    found = resolve(np.apply_along_axis)(_nanfunctions._nanmedian1d, axis, a)
    return found if out is None else written(found, out)


_short_rows = _nanfunctions._nanmedian_small


@stands_in(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slope at each point of the parabola through it and its neighbours, one array for each axis."""
    ndim = np.ndim(plain(f))
    axes = normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)
    distances = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    slopes = [_along(f, x, k, edge_order) for x, k in zip(distances, axes, strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _along(f: Any, x: Any, axis: int, edge_order: int) -> Any:
    """The slopes along one axis, with points ``x`` or the distance ``x``; at the ends of a line or a parabola."""
    f = np.moveaxis(f, axis, -1)
    h = np.diff(x) if np.ndim(plain(x)) else x * np.ones(np.shape(plain(f))[-1] - 1)
    left, right, both, secants = h[:-1], h[1:], h[:-1] + h[1:], np.diff(f) / h
    first, last = secants[..., :1], secants[..., -1:]
    bends = (secants[..., 1:] - secants[..., :-1]) / both
    if edge_order == 2:
        first, last = first - (bends * left)[..., :1], last + (bends * right)[..., -1:]
    return np.moveaxis(np.concatenate([first, secants[..., :-1] + bends * left, last], axis=-1), -1, axis)


_by_points = DOORS[np.gradient]


@door(np.gradient)
def gradient(f: Any, *varargs: Any, **options: Any) -> Any:
    """``numpy.gradient``, whose code for points at equal distances forgets all but the first two of them."""
    points = any(np.ndim(plain(x)) and contains_traced(x) for x in varargs)
    return (_by_points if points else resolve(np.gradient.__wrapped__))(f, *varargs, **options)


def _sinc(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """sin πx / πx, whose derivative (cos πx − sinc x) / x is a power series near 0."""
    x = args[0]
    y = np.sinc(x)

    def sinc_pullback(bar: Any) -> list[Any]:
        near = np.abs(plain(x)) < 0.05
        t = math.pi * np.where(near, x, 0.0)
        series = -t / 3 * (1 - t**2 / 10 * (1 - t**2 / 28 * (1 - t**2 / 54 * (1 - t**2 / 88))))
        rest = (np.cos(math.pi * x) - np.sinc(x)) / np.where(near, 1.0, x)
        return [bar * np.conj(np.where(near, math.pi * series, rest))]

    return y, sinc_pullback


add_rule(Rule(np.sinc, _sinc, leaves=(0,)))


def _i0(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """I₀, whose derivative is I₁. NumPy's own code takes |x|, which hides the second derivative at 0."""
    from scipy.special import i1

    x = args[0]
    return np.i0(x), lambda bar: [bar * i1(x)]


add_rule(Rule(np.i0, _i0, leaves=(0,)))
