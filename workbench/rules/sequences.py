"""Convolution, interpolation, padding, Fourier transforms of real sequences, and functions of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import as_array, contains_traced, plain, resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS, Rule, add_rule
from workbench.autodiff.tape import OPEN
from workbench.errors import MissingRuleError
from workbench.rules.rearranging import arranged

# ------------------------------------------------------------------------------------ products of sequences


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``numpy.convolve``: every product of two elements, added up along the diagonals."""
    a, v = current(a), current(v)
    if not contains_traced(a) and not contains_traced(v):
        return np.convolve(a, v, mode)
    a, v = (as_array(x) if isinstance(x, list | tuple) else x for x in (a, v))
    n, m = np.size(plain(a)), np.size(plain(v))
    rows = resolve(np.multiply.outer)(resolve(np.ravel)(a), resolve(np.ravel)(v))
    wide = resolve(np.pad)(rows, ((0, 0), (0, n)))
    skewed = resolve(np.reshape)(resolve(np.ravel)(wide)[: n * (n + m - 1)], (n, n + m - 1))
    full = resolve(np.sum)(skewed, axis=0)
    if mode == "full":
        return full
    length = max(n, m) if mode == "same" else max(n, m) - min(n, m) + 1
    start = (n + m - 1 - length) // 2 if mode == "same" else min(n, m) - 1
    return full[start : start + length]


DOORS[np.convolve] = _convolve
DOORS[np.correlate] = lambda a, v, mode="valid": (
    _convolve(a, resolve(np.flip)(resolve(np.conj)(v)), mode)
    if contains_traced(a) or contains_traced(v)
    else np.correlate(a, v, mode)
)
DOORS[np.vdot] = lambda a, b: resolve(np.dot)(resolve(np.conj)(resolve(np.ravel)(a)), resolve(np.ravel)(b))


def _ediff1d(array: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``numpy.ediff1d``."""
    if not any(map(contains_traced, (array, to_end, to_begin))):
        return np.ediff1d(array, to_end, to_begin)
    steps = resolve(np.diff)(resolve(np.ravel)(array))
    parts = [to_begin, steps, to_end]
    return resolve(np.concatenate)([resolve(np.atleast_1d)(p) for p in parts if p is not None])


DOORS[np.ediff1d] = _ediff1d


def _interp(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Piecewise linear interpolation; at a knot the derivative of the piece to the right is taken."""
    x, xp, fp = args[:3]
    if len(args) > 3 or kwargs:
        raise MissingRuleError(
            "numpy.interp has no rule for left, right and period", where=user_line(), fix="leave them out"
        )
    y = np.interp(x, xp, fp)
    where = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, len(plain(xp)) - 2)
    inside = (plain(x) >= plain(xp)[0]) & (plain(x) <= plain(xp)[-1])

    def interp_pullback(bar: Any) -> list[Any]:
        x0, x1, y0, y1 = xp[where], xp[where + 1], fp[where], fp[where + 1]
        slope = np.where(inside, (y1 - y0) / (x1 - x0), 0.0)
        share = np.clip((x - x0) / (x1 - x0), 0.0, 1.0)
        found = []
        for k in needs:
            if k == 0:
                found.append(bar * slope)
                continue
            low, high = (1.0 - share) * bar, share * bar
            if k == 1:
                low, high = -slope * low, -slope * high
            total = np.zeros(len(plain(xp)))
            np.add.at(total, where, low)
            np.add.at(total, where + 1, high)
            found.append(total)
        return found

    return y, interp_pullback


add_rule(Rule(np.interp, _interp, leaves=(0, 1, 2)))

_ARRANGING_PADS = frozenset({"constant", "edge", "reflect", "symmetric", "wrap", "empty"})


def _pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """``numpy.pad``: every mode that repeats elements or fills with constants."""
    if not contains_traced(array):
        return np.pad(array, pad_width, mode, **kwargs)
    if mode not in _ARRANGING_PADS or kwargs.get("reflect_type", "even") != "even":
        raise MissingRuleError(
            f"numpy.pad has no rule for mode={mode!r}",
            where=user_line(),
            fix=f"use one of {sorted(_ARRANGING_PADS)}",
        )
    if kwargs.get("constant_values", 0):
        ones = np.pad(np.ones(np.shape(plain(array))), pad_width)
        fill = np.pad(np.zeros(np.shape(plain(array))), pad_width, **kwargs)
        return _arranging_pad(array, pad_width, mode) * ones + fill
    return _arranging_pad(array, pad_width, mode)


_arranging_pad = arranged(np.pad, (0,))
DOORS[np.pad] = _pad


# ------------------------------------------------------------------------------------ real Fourier transforms


def _scale(norm: str | None, n: int) -> float:
    return {None: 1.0, "backward": 1.0, "ortho": n**-0.5, "forward": 1.0 / n}[norm]


def _along(axis: int, ndim: int, part: slice) -> tuple:
    return tuple(part if k == axis % ndim else slice(None) for k in range(ndim))


def _fitted(x: Any, n: int, axis: int) -> Any:
    """``x`` cut or filled with zeros to length ``n`` along ``axis``."""
    shape = np.shape(plain(x))
    length = shape[axis]
    if length >= n:
        return x[_along(axis, len(shape), slice(0, n))]
    width = [(0, 0)] * len(shape)
    width[axis] = (0, n - length)
    return np.pad(x, width)


def _rfft(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    def named(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> tuple:
        return a, n, axis, norm

    a, n, axis, norm = named(*args, **kwargs)
    length = np.shape(plain(a))[axis]
    n = length if n is None else n

    def rfft_pullback(bar: Any) -> list[Any]:
        wide = _fitted(bar, n, axis)
        x_bar = np.real(np.fft.ifft(wide, axis=axis)) * (n * _scale(norm, n))
        return [_fitted(x_bar, length, axis)]

    return np.fft.rfft(a, n, axis, norm), rfft_pullback


def _irfft(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    def named(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> tuple:
        return a, n, axis, norm

    a, n, axis, norm = named(*args, **kwargs)
    shape = np.shape(plain(a))
    n = 2 * (shape[axis] - 1) if n is None else n
    twice = np.full(n // 2 + 1, 2.0)
    twice[0] = 1.0
    if n % 2 == 0:
        twice[-1] = 1.0
    weights = twice.reshape([-1 if k == axis % len(shape) else 1 for k in range(len(shape))])

    def irfft_pullback(bar: Any) -> list[Any]:
        # the inverse's own factor is 1/n for "backward", and 1 for "forward"
        factor = {None: 1.0 / n, "backward": 1.0 / n, "ortho": n**-0.5, "forward": 1.0}[norm]
        return [_fitted(np.fft.rfft(bar, axis=axis) * weights * factor, shape[axis], axis)]

    return np.fft.irfft(a, n, axis, norm), irfft_pullback


add_rule(Rule(np.fft.rfft, _rfft, leaves=(0,)))
add_rule(Rule(np.fft.irfft, _irfft, leaves=(0,)))


# ------------------------------------------------------------------------------------ functions of functions


def _vectorized(instance: np.vectorize) -> Callable:
    """A ``numpy.vectorize`` object: its function is called, rewritten, for each element."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN or kwargs or instance.signature is not None or not any(map(contains_traced, args)):
            return instance(*args, **kwargs)
        args = [as_array(a) if isinstance(a, list | tuple) else current(a) for a in args]
        shape = np.broadcast_shapes(*[np.shape(plain(a)) for a in args])
        wide = [a if np.ndim(plain(a)) == 0 else resolve(np.broadcast_to)(a, shape) for a in args]
        function = resolve(instance.pyfunc)
        values = [
            function(*[a if np.ndim(plain(a)) == 0 else a[place] for a in wide])
            for place in np.ndindex(*shape)
        ]
        if isinstance(values[0], tuple):
            return tuple(
                resolve(np.reshape)(as_array(list(column)), shape) for column in zip(*values, strict=True)
            )
        return resolve(np.reshape)(as_array(values), shape) if shape else values[0]

    return call


INSTANCE_DOORS[np.vectorize] = _vectorized


def _apply_along_axis(function: Callable, axis: int, array: Any, *args: Any, **kwargs: Any) -> Any:
    """``numpy.apply_along_axis`` with a rewritten function."""
    array = current(array)
    if not OPEN or type(array) is not TracedArray:
        return np.apply_along_axis(resolve(function) if OPEN else function, axis, array, *args, **kwargs)
    moved = resolve(np.moveaxis)(array, axis, -1)
    lead = np.shape(plain(moved))[:-1]
    new = resolve(function)
    values = [new(moved[place], *args, **kwargs) for place in np.ndindex(*lead)]
    inner = np.shape(plain(values[0]))
    result = (
        resolve(np.reshape)(resolve(np.stack)(values), (*lead, *inner))
        if inner
        else resolve(np.reshape)(as_array(values), lead)
    )
    if not inner:
        return result
    place = axis % np.ndim(plain(array))
    count = len(inner)
    return resolve(np.moveaxis)(result, range(-count, 0), range(place, place + count))


DOORS[np.apply_along_axis] = _apply_along_axis


def _apply_over_axes(function: Callable, array: Any, axes: Any) -> Any:
    """``numpy.apply_over_axes`` with a rewritten function."""
    result = current(array)
    if type(result) is not TracedArray:
        return np.apply_over_axes(function, array, axes)
    for axis in np.atleast_1d(axes):
        reduced = resolve(function)(result, int(axis))
        same = np.ndim(plain(reduced)) == np.ndim(plain(result))
        result = reduced if same else resolve(np.expand_dims)(reduced, int(axis))
    return result


DOORS[np.apply_over_axes] = _apply_over_axes
