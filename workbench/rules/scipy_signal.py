"""``scipy.signal``: convolutions and recursive filters. What is written in Python around them is traced through."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage as nd
import scipy.signal as sg
from scipy.signal import _peak_finding

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules import scipy_ndimage  # noqa: F401  savgol_filter uses it
from workbench.rules.named import named_rule
from workbench.rules.stand_ins import must_agree, no_rule, refuses, settled, stands_in, with_value

# ------------------------------------------------------------------------------------ convolutions


def _spread(bar: Any, call: Any, axes: tuple) -> Any:
    """A cotangent of the part that ``mode`` keeps, as one of the full convolution."""
    width = []
    for axis, kept in enumerate(np.shape(plain(bar))):
        a, b = (np.shape(plain(x))[axis] for x in (call.in1, call.in2))
        whole = a + b - 1 if axis in axes else max(a, b)
        # "same" keeps the middle along stretched axes too
        start = min(a, b) - 1 if call.mode == "valid" and axis in axes else (whole - kept) // 2
        width.append((start, whole - start - kept))
    return np.pad(bar, width)


def _reversed(x: Any, axes: Any = None) -> Any:
    turned = np.flip(x, axes)
    return np.conj(turned) if np.iscomplexobj(plain(x)) else turned


def _added_up(x: Any, shape: tuple) -> Any:
    """The cotangent of an operand that was stretched along some axes."""
    stretched = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(plain(x))[k] > 1)
    return np.sum(x, axis=stretched, keepdims=True) if stretched else x


def _bilinear(function: Callable) -> None:
    @named_rule(function, "in1", "in2")
    def _rule(y: Any, call: Any) -> Callable:
        """Each operand's cotangent is the correlation of the full one with the other operand."""
        axes, count = getattr(call, "axes", None), np.ndim(plain(call.in1))
        along = tuple(range(count)) if axes is None else tuple(k % count for k in np.atleast_1d(axes))

        def convolution_pullback(bar: Any) -> tuple[Any, Any]:
            if not count:
                return bar * np.conj(call.in2), bar * np.conj(call.in1)
            full, found = _spread(bar, call, along), []
            for one, other in ((call.in1, call.in2), (call.in2, call.in1)):
                turned = _reversed(other, along)
                if axes is None:
                    part = resolve(sg.convolve)(full, turned, mode="valid")
                else:
                    part = resolve(sg.fftconvolve)(full, turned, mode="valid", axes=along)
                found.append(_added_up(part, np.shape(plain(one))))
            return tuple(found)

        return convolution_pullback


for _function in (sg.convolve, sg.fftconvolve, sg.oaconvolve):
    _bilinear(_function)


def _in_two_dimensions(in1: Any, in2: Any, mode: str, boundary: str, fillvalue: Any, before: int) -> Any:
    """The convolution of what the boundary makes of ``in1``. ``before``: 1 if the middle of two is the first."""
    if mode == "valid":
        return resolve(sg.convolve)(in1, in2, mode="valid")
    n, m = np.shape(plain(in1)), np.shape(plain(in2))
    sides = [(k - 1, k - 1) for k in m]
    how = {"wrap": "wrap", "symm": "symmetric"}.get(boundary)
    wide = np.pad(in1, sides, how) if how else np.pad(in1, sides, constant_values=fillvalue)
    full = resolve(sg.convolve)(wide, in2, mode="valid")
    if mode == "full":
        return full
    first = [(k - before) // 2 for k in m]
    return full[first[0] : first[0] + n[0], first[1] : first[1] + n[1]]


@stands_in(sg.convolve2d)
def _convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    return _in_two_dimensions(in1, in2, mode, boundary, fillvalue, 1)


@stands_in(sg.correlate2d)
def _correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    if mode == "valid":
        return _correlate(in1, in2, mode)
    return _in_two_dimensions(in1, _reversed(in2), mode, boundary, fillvalue, 0)


@stands_in(sg.correlate)
def _correlate(in1, in2, mode="full", method="auto"):
    """c = in1 ∗ conj(reversed in2); "valid" of a longer second operand is reversed again."""
    sizes = zip(np.shape(plain(in1)), np.shape(plain(in2)), strict=True)
    if mode == "valid" and any(b > a for a, b in sizes):
        return np.flip(np.conj(_correlate(in2, in1, mode)))
    return resolve(sg.convolve)(in1, _reversed(in2), mode=mode)


# ------------------------------------------------------------------------------------ recursive filters


@named_rule(sg.lfilter, "b", "a", "x")
def _lfilter(y: Any, call: Any) -> Callable:
    """A y = B x, as polynomials in the delay: dy = A⁻¹ (dB x − dA y); the transpose runs backwards in time."""
    axis = call.axis

    def lfilter_pullback(bar: Any) -> tuple[Any, Any, Any]:
        filtered = resolve(sg.lfilter)
        back = np.flip(filtered([1.0], call.a, np.flip(bar, axis), axis=axis), axis)
        x_bar = np.flip(filtered(call.b, call.a, np.flip(bar, axis), axis=axis), axis)
        return _delays(back, call.x, call.b, axis), -_delays(back, y, call.a, axis), x_bar

    return lfilter_pullback


def _delays(back: Any, signal: Any, taps: Any, axis: int) -> Any:
    """Σ_n back[n] signal[n − k] for each delay k."""
    back, signal = np.moveaxis(back, axis, -1), np.moveaxis(signal, axis, -1)
    length = np.shape(plain(signal))[-1]
    found = []
    for k in range(np.size(plain(taps))):
        found.append(np.sum(back[..., k:] * signal[..., : length - k]) if k < length else 0.0)
    return resolve(np.array)(found)


_ruled_lfilter = DOORS[sg.lfilter]


def _with_state(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """``lfilter``; with an initial state, the transposed direct form II, one sample after the other."""
    if zi is None:
        return _ruled_lfilter(b, a, x, axis)
    if not any(contains_traced(v) for v in (b, a, x, zi)):
        return sg.lfilter(b, a, x, axis, zi)
    return _stepped(b, a, x, axis, zi)


def _steps(b: Any, a: Any, x: Any, axis: int, zi: Any) -> Any:
    b, a, x, zi = (np.atleast_1d(settled(v)) for v in (b, a, x, zi))
    order = max(np.size(plain(b)), np.size(plain(a)))
    b, a = (np.pad(v / a[0], (0, order - np.size(plain(v)))) for v in (b, a))
    samples = np.moveaxis(x, axis, 0)
    state = [np.moveaxis(zi, axis, 0)[k] for k in range(order - 1)]
    out = []
    for n in range(np.shape(plain(samples))[0]):
        y = b[0] * samples[n] + state[0]
        out.append(y)
        following = [*state[1:], 0.0]
        state = [b[k + 1] * samples[n] + following[k] - a[k + 1] * y for k in range(order - 1)]
    return np.moveaxis(resolve(np.stack)(out), 0, axis), np.moveaxis(resolve(np.stack)(state), 0, axis)


stands_in(sg.lfilter)(_steps)
_stepped = DOORS[sg.lfilter]
DOORS[sg.lfilter] = _with_state


@stands_in(sg.sosfilt)
def _sosfilt(sos, x, axis=-1, zi=None):
    """Second-order sections, one after the other."""
    states = []
    for k in range(np.shape(plain(sos))[0]):
        if zi is None:
            x = resolve(sg.lfilter)(sos[k, :3], sos[k, 3:], x, axis)
        else:
            x, state = resolve(sg.lfilter)(sos[k, :3], sos[k, 3:], x, axis, zi[k])
            states.append(state)
    return x if zi is None else (x, resolve(np.stack)(states))


# ------------------------------------------------------------------------------------ other filters


@stands_in(sg.upfirdn)
def _upfirdn(h, x, up=1, down=1, axis=-1, mode="constant", cval=0):
    """Zeros between the samples, the convolution with h, and every ``down``-th of what comes out."""
    if mode not in ("constant", "zero") or cval:
        return _upfirdn_of_pieces(h, x, up, down, axis, mode, cval)
    rows = np.moveaxis(x, axis, -1)
    *outer, n = np.shape(plain(rows))
    wide = np.concatenate([rows[..., None], np.zeros((*outer, n, up - 1))], axis=-1)
    wide = np.reshape(wide, (*outer, n * up))[..., : (n - 1) * up + 1]
    taps = np.reshape(h, (*[1] * len(outer), -1))
    return np.moveaxis(resolve(sg.convolve)(wide, taps)[..., ::down], -1, axis)


def _upfirdn_of_pieces(h, x, up, down, axis, mode, cval):
    """Linear in h, and in x but for what a constant beyond its ends adds: from the filters of single elements."""
    x, n = np.moveaxis(x, axis, -1), np.shape(plain(x))[axis]
    taps = np.size(plain(h))
    if taps * n * (n * up + taps) // down > 10**7:
        raise no_rule(sg.upfirdn, f"mode={mode!r} and a signal as long as this one")
    shift, maps = [], []
    for unit in np.eye(taps):
        shift.append(sg.upfirdn(unit, np.zeros(n), up, down, -1, mode, cval))
        maps.append(sg.upfirdn(unit, np.eye(n), up, down, -1, mode, cval) - shift[-1])
    by_tap = np.einsum("...n,tnm->...tm", x, np.array(maps)) + np.array(shift)
    return np.moveaxis(np.einsum("...tm,t->...m", by_tap, np.reshape(h, (-1,))), -1, axis)


@stands_in(sg.medfilt2d)
def _medfilt2d(input, kernel_size=3):
    return resolve(sg.medfilt)(input, kernel_size)


@stands_in(sg.sepfir2d)
def _sepfir2d(input, hrow, hcol):
    rows = resolve(nd.convolve1d)(
        input * 1.0, hrow, axis=1, mode="reflect"
    )  # ndimage would keep whole numbers
    return resolve(nd.convolve1d)(rows, hcol, axis=0, mode="reflect")


def _recursive(function: Callable) -> None:
    """Linear in the signal: the matrix is the filter of the unit vectors."""

    def form(signal, *options, **named):
        if contains_traced([list(options), named]):
            raise no_rule(function, "anything that varies but the signal")
        rows = [function(row, *options, **named) for row in np.eye(np.shape(plain(signal))[-1])]
        return np.matmul(signal, np.stack(rows))

    form.__signature__ = inspect.signature(function)
    stands_in(function)(form)


for _function in (sg.symiirorder1, sg.symiirorder2, sg.cspline1d, sg.qspline1d):
    _recursive(_function)

# ------------------------------------------------------------------------------------ peaks


def _inner_of_peaks(function: Callable) -> Callable:
    """Decorator: ``form(result, *args)`` of a compiled function that finds several things at once."""

    def register(form: Callable) -> Callable:
        def call(*args: Any, **named: Any) -> Any:
            args = [settled(a) for a in (*args, *named.values())]  # given by name: the last ones, in order
            if not contains_traced(args):
                return function(*args)
            found = function(*map(plain, args))
            traced = form(found, *args)
            must_agree(function, traced, found)
            return with_value(traced, found)

        DOORS[function] = call
        return form

    return register


@_inner_of_peaks(_peak_finding._peak_prominences)
def _prominences(found, x, peaks, wlen):
    """The height above the higher of the two bases, whose positions do not vary."""
    _, left, right = found
    return resolve(np.minimum)(x[peaks] - x[left], x[peaks] - x[right]), left, right


@_inner_of_peaks(_peak_finding._peak_widths)
def _widths(found, x, peaks, rel_height, prominences, left_bases, right_bases):
    """The line at a height crosses the segment between two samples, or meets a sample."""
    heights = x[peaks] - prominences * rel_height
    ends = []
    for at, direction in ((found[2], 1), (found[3], -1)):
        start = np.floor(at).astype(int) if direction > 0 else np.ceil(at).astype(int)
        crosses = at != start
        after = np.where(crosses, start + direction, start)
        rise = resolve(np.where)(crosses, x[after] - x[start], 1.0)
        ends.append(start + direction * resolve(np.where)(crosses, (heights - x[start]) / rise, 0.0))
    return ends[1] - ends[0], heights, *ends


for _function in (_peak_finding._local_maxima_1d, _peak_finding._select_by_peak_distance, sg.argrelextrema):
    add_constant(_function)

refuses(sg.remez, why="use firwin, firls or iirdesign, which have rules")
