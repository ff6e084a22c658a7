"""Convolution, interpolation, padding, and Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import converted
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import get_item
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, Rule, add_rule, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.rearranging import arranged

# ------------------------------------------------------------------------------------ products of sequences


def _whole(bar: Any, n: int, m: int, mode: Any, *, from_right: bool = False) -> Any:
    """The cotangent of all n + m - 1 products' sums, of which ``mode`` keeps the middle."""
    kept = {"full": n + m - 1, "same": max(n, m), "valid": max(n, m) - min(n, m) + 1}[mode]
    start = {"full": 0, "same": (min(n, m) - (not from_right)) // 2, "valid": min(n, m) - 1}[mode]
    return np.pad(bar, (start, n + m - 1 - kept - start))


_MODES = ("valid", "same", "full")  # NumPy takes their positions too


def _convolve(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Every product of two elements, added up along the diagonals."""

    def named(a: Any, v: Any, mode: str | int = "full") -> tuple:
        return a, v, _MODES[mode] if isinstance(mode, int) else mode

    a, v, mode = named(*args, **kwargs)
    n, m, shapes = np.size(plain(a)), np.size(plain(v)), [np.shape(plain(a)), np.shape(plain(v))]

    def convolve_pullback(bar: Any) -> list[Any]:
        bar, both = _whole(bar, n, m, mode), (np.ravel(v), np.ravel(a))
        return [np.reshape(np.correlate(bar, both[k], "valid"), shapes[k]) for k in needs]

    return np.convolve(a, v, mode), convolve_pullback


def _correlate(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """c_k = Σ_n a_{n+k} conj(v_n)."""

    def named(a: Any, v: Any, mode: str | int = "valid") -> tuple:
        return a, v, _MODES[mode] if isinstance(mode, int) else mode

    a, v, mode = named(*args, **kwargs)
    n, m = np.size(plain(a)), np.size(plain(v))

    def correlate_pullback(bar: Any) -> list[Any]:
        bar = _whole(bar, n, m, mode, from_right=n < m)  # NumPy exchanges the two and turns the result round
        found = []
        for k in needs:
            other = (np.conj(np.flip(v)), a)[k]
            cotangent = np.correlate(bar, other, "valid")
            found.append(cotangent if k == 0 else np.conj(np.flip(cotangent)))
        return found

    return np.correlate(a, v, mode), correlate_pullback


add_rule(Rule(np.convolve, _convolve, leaves=(0, 1)))
add_rule(Rule(np.correlate, _correlate, leaves=(0, 1)))
DOORS[np.vdot] = lambda a, b: resolve(np.dot)(resolve(np.conj)(resolve(np.ravel)(a)), resolve(np.ravel)(b))


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``numpy.ediff1d``."""
    if not any(map(contains_traced, (ary, to_end, to_begin))):
        return np.ediff1d(ary, to_end, to_begin)
    steps = resolve(np.diff)(resolve(np.ravel)(ary))
    parts = [to_begin, steps, to_end]
    parts = [resolve(np.ravel)(p) for p in parts if p is not None]
    return resolve(np.concatenate)([resolve(np.astype)(p, plain(steps).dtype) for p in parts])


DOORS[np.ediff1d] = _ediff1d


def _interp(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Piecewise linear interpolation; at a knot the derivative of the piece to the right is taken."""

    def named(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> tuple:
        return x, xp, fp, left, right

    x, xp, fp, left, right = named(*args, **kwargs)
    if (np.diff(plain(xp)) < 0).any():
        raise MissingRuleError(
            "numpy.interp has no derivative where its points xp do not increase",
            found="NumPy's result is meaningless there, as its documentation says",
            where=user_line(),
            fix="sort the points before the call, k = numpy.argsort(xp)",
        )
    y = np.interp(x, xp, fp, left, right)
    where = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, len(plain(xp)) - 2)
    below, above = plain(x) < plain(xp)[0], plain(x) > plain(xp)[-1]
    inside = ~(below | above)
    outside = (below & (left is not None)) | (above & (right is not None))

    def interp_pullback(bar: Any) -> list[Any]:
        x0, x1, y0, y1 = xp[where], xp[where + 1], fp[where], fp[where + 1]
        slope = np.where(inside, (y1 - y0) / (x1 - x0), 0.0)
        share = np.clip((x - x0) / (x1 - x0), 0.0, 1.0)
        bar, slope = np.where(outside, 0.0, bar), np.conj(slope)
        found = []
        for k in needs:
            if k == 0:
                found.append(np.real(bar * slope))
                continue
            low, high = (1.0 - share) * bar, share * bar
            if k == 1:
                low, high = np.real(-slope * low), np.real(-slope * high)
            total = np.zeros(len(plain(xp)), plain(low).dtype)
            np.add.at(total, where, low)
            np.add.at(total, where + 1, high)
            found.append(total)
        return found

    return y, interp_pullback


add_rule(Rule(np.interp, _interp, leaves=(0, 1, 2)))
_by_pieces = DOORS[np.interp]


@door(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """``numpy.interp``: by everything but the period."""
    x, xp, fp = map(converted, (x, xp, fp))
    if not contains_traced([x, xp, fp, left, right, period]):
        return np.interp(x, xp, fp, left, right, period)
    if contains_traced(period):
        raise MissingRuleError(
            "numpy.interp has no rule for a period that varies",
            where=user_line(),
            fix="take x modulo the period, and join the points around it, before the call",
        )
    as_arrays = resolve(np.asarray)
    x, xp, fp = (as_arrays(v) if isinstance(v, list | tuple | range) else current(v) for v in (x, xp, fp))
    if period is not None:
        x, xp = x % abs(period), xp % abs(period)
        order = np.argsort(plain(xp))
        xp, fp, join = xp[order], fp[order], resolve(np.concatenate)
        xp, fp = (
            join([xp[-1:] - abs(period), xp, xp[:1] + abs(period)]),
            join([fp[-1:], fp, fp[:1]]),
        )
        return _by_pieces(x, xp, fp, None, None)
    plainly = [None if contains_traced(end) else end for end in (left, right)]
    found = _by_pieces(x, xp, fp, *plainly)
    for end, beyond in (
        (left, np.less(plain(x), plain(xp)[0])),
        (right, np.greater(plain(x), plain(xp)[-1])),
    ):
        if contains_traced(end):
            found = resolve(np.where)(beyond, end, found)
    return get_item(found, ()) if np.ndim(plain(x)) == 0 and np.ndim(plain(found)) == 0 else found


_ARRANGING_PADS = frozenset({"constant", "edge", "reflect", "symmetric", "wrap", "empty"})


def _pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """``numpy.pad``: every mode that repeats elements or fills with constants."""
    if not contains_traced(array) and not any(map(contains_traced, kwargs.values())):
        return np.pad(array, pad_width, mode, **kwargs)
    fill = kwargs.get("constant_values", 0)
    if mode not in _ARRANGING_PADS or kwargs.get("reflect_type", "even") != "even" or contains_traced(fill):
        return resolve(np.pad.__wrapped__)(array, pad_width, mode, **kwargs)
    if mode == "empty":  # what stands there is no element of the array
        mode = "constant"
    if np.any(fill):
        ones = np.pad(np.ones(np.shape(plain(array))), pad_width)
        filled = np.pad(np.zeros(np.shape(plain(array))), pad_width, **kwargs)
        return _arranging_pad(array, pad_width, mode) * ones + filled
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


def _between(forward: Callable, backward: Callable) -> Callable:
    """The rule of ``fft`` or ``ifft``: each is the other's conjugate transpose, but for the scale."""

    def rule(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        def named(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> tuple:
            return a, n, axis, norm

        a, n, axis, norm = named(*args, **kwargs)
        length = np.shape(plain(a))[axis]
        turned = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}[norm]

        def transform_pullback(bar: Any) -> list[Any]:
            return [_fitted(backward(bar, None, axis, turned), length, axis)]

        return forward(a, n, axis, norm), transform_pullback

    return rule


add_rule(Rule(np.fft.fft, _between(np.fft.fft, np.fft.ifft), leaves=(0,)))
add_rule(Rule(np.fft.ifft, _between(np.fft.ifft, np.fft.fft), leaves=(0,)))
add_rule(Rule(np.fft.rfft, _rfft, leaves=(0,)))
add_rule(Rule(np.fft.irfft, _irfft, leaves=(0,)))
