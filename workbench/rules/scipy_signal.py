"""``scipy.signal``: convolutions and recursive filters. What is written in Python around them is traced through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.signal as sg

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules import scipy_ndimage  # noqa: F401  savgol_filter uses it
from workbench.rules.implicit import Unknown
from workbench.rules.named import named_rule
from workbench.rules.stand_ins import no_rule, refuses, settled, stands_in

# ------------------------------------------------------------------------------------ convolutions


def _spread(bar: Any, call: Any) -> Any:
    """A cotangent of the part that ``mode`` keeps, as one of the full convolution."""
    n, m = np.shape(plain(call.in1)), np.shape(plain(call.in2))
    width = []
    for a, b, kept in zip(n, m, np.shape(plain(bar)), strict=True):
        start = {"full": 0, "same": (b - 1) // 2, "valid": min(a, b) - 1}[call.mode]
        width.append((start, a + b - 1 - start - kept))
    return np.pad(bar, width)


def _reversed(x: Any) -> Any:
    turned = np.flip(x)
    return np.conj(turned) if np.iscomplexobj(plain(x)) else turned


def _bilinear(function: Callable) -> None:
    @named_rule(function, "in1", "in2")
    def _rule(y: Any, call: Any) -> Callable:
        """Each operand's cotangent is the correlation of the full one with the other operand."""
        if getattr(call, "axes", None) is not None:
            raise no_rule(function, "axes")
        if getattr(call, "boundary", "fill") != "fill" or getattr(call, "fillvalue", 0) != 0:
            raise no_rule(function, "a boundary other than zeros")

        def convolution_pullback(bar: Any) -> tuple[Any, Any]:
            full, convolve = _spread(bar, call), resolve(sg.convolve)
            if np.ndim(plain(bar)) == 0:
                return bar * _reversed(call.in2), bar * _reversed(call.in1)
            return (
                convolve(full, _reversed(call.in2), mode="valid"),
                convolve(full, _reversed(call.in1), mode="valid"),
            )

        return convolution_pullback


for _function in (sg.convolve, sg.fftconvolve, sg.oaconvolve, sg.convolve2d):
    _bilinear(_function)


@stands_in(sg.correlate, sg.correlate2d)
def _correlate(in1, in2, mode="full", method="auto", boundary="fill", fillvalue=0):
    """c = in1 ∗ conj(reversed in2); "valid" of a longer second operand is reversed again."""
    if boundary != "fill" or fillvalue:
        raise no_rule(sg.correlate2d, "a boundary other than zeros")
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


def _find_peaks(x: Any, *args: Any, **options: Any) -> tuple[Any, dict]:
    """Positions do not vary; their properties would."""
    positions, properties = sg.find_peaks(plain(settled(x)), *plain(args), **plain(options))
    if contains_traced(x):
        properties = {name: Unknown(name, value) for name, value in properties.items()}
    return positions, properties


DOORS[sg.find_peaks] = _find_peaks
DOORS[sg.argrelextrema] = lambda data, *args, **options: sg.argrelextrema(
    plain(settled(data)), *args, **options
)

refuses(
    sg.medfilt, sg.medfilt2d, sg.order_filter, sg.wiener, sg.upfirdn, sg.resample_poly, sg.deconvolve, sg.sepfir2d,
    sg.cspline1d, sg.qspline1d, sg.symiirorder1, sg.symiirorder2, sg.remez, sg.lombscargle, sg.max_len_seq,
    why="use convolve, lfilter, sosfilt, savgol_filter or resample, which have rules",
)  # fmt: skip
