"""The compiled part of a Brownian path: hashed normals, and walks down the tree of halvings.

A node of the tree is (interval between knots, heap index): 1 is the whole interval, 2i and 2i + 1 the halves of i.
The two normals of a node are numbers 2i and 2i + 1 of a stream that belongs to seed, interval, row and channel;
numbers 0 and 1 of the stream give W and H of the whole interval.

Source: S. Vigna, splitmix64 (the hash), prng.di.unimi.it; G. Marsaglia, W. W. Tsang, The ziggurat method for
generating random variables, 2000, doi:10.18637/jss.v005.i08, with 256 layers.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BITS = 28
"""Binary digits of a place between two knots."""

_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)
_M1, _M2 = _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_30, _27, _31, _11, _1, _8 = _U(30), _U(27), _U(31), _U(11), _U(1), _U(8)
_RETRY = _U(0xD1342543DE82EF95)
_LAYER = _U(255)
_HALF_BIT = _U(256)
_UNIT = 2.0**-53
_TAIL = 3.6541528853610088
_AREA = 0.00492867323399


def _layers() -> tuple[np.ndarray, np.ndarray]:
    """Edges x of the 256 layers of equal area, and the density e^(−x²/2) at them."""
    x = np.zeros(257)
    x[0] = _AREA / math.exp(-0.5 * _TAIL**2)
    x[1] = _TAIL
    for i in range(2, 256):
        x[i] = math.sqrt(-2.0 * math.log(_AREA / x[i - 1] + math.exp(-0.5 * x[i - 1] ** 2)))
    return x, np.exp(-0.5 * x * x)


_X, _F = _layers()


@njit(inline="always")
def _mix(z):
    z = (z ^ (z >> _30)) * _M1
    z = (z ^ (z >> _27)) * _M2
    return z ^ (z >> _31)


@njit(inline="always")
def _uniform(bits):
    return (np.float64(np.int64(bits >> _11)) + 0.5) * _UNIT


@njit
def _rejected(bits, layer, x):
    """The normal for bits that the fast test of the ziggurat did not take: (value, layer of a new try or −1)."""
    while True:
        bits = _mix(bits + _RETRY)
        if layer == 0:
            while True:
                far = -math.log(_uniform(bits)) / _TAIL
                bits = _mix(bits + _RETRY)
                if -2.0 * math.log(_uniform(bits)) > far * far:
                    return math.copysign(_TAIL + far, x)
                bits = _mix(bits + _RETRY)
        if _F[layer] + _uniform(bits) * (_F[layer + 1] - _F[layer]) < math.exp(-0.5 * x * x):
            return x
        bits = _mix(bits + _RETRY)
        layer = np.int64(bits & _LAYER)
        x = _uniform(bits) * _X[layer]
        if (bits & _HALF_BIT) != _U(0):
            x = -x
        if abs(x) < _X[layer + 1]:
            return x


@njit(inline="always")
def _normal(stream, number):
    """Standard normal number ``number`` of a stream."""
    bits = _mix(stream + number * _GOLDEN)
    layer = np.int64(bits & _LAYER)
    x = _uniform(bits) * _X[layer]
    if (bits & _HALF_BIT) != _U(0):
        x = -x
    if abs(x) < _X[layer + 1]:
        return x
    return _rejected(bits, layer, x)


@njit(inline="always")
def _stream(seed, k, row, channel):
    z = _mix(_U(seed) + _GOLDEN)
    z = _mix(z ^ (_U(k) + _GOLDEN))
    z = _mix(z ^ (_U(row) + _M1))
    return _mix(z ^ (_U(channel) + _M2))


@njit(inline="always")
def _halves(stream, node, length, w, h):
    """W₁, H₁, W₂, H₂ of the halves of a node of that length."""
    number = _U(node) << _1
    x = 1.5 * h + 0.25 * math.sqrt(length) * _normal(stream, number)
    d = math.sqrt(length / 12.0) * _normal(stream, number + _1)
    rest = 2.0 * h - x
    return 0.5 * w + x, 0.5 * (rest + d), 0.5 * w - x, 0.5 * (rest - d)


@njit(inline="always")
def _root(stream, length):
    return (
        math.sqrt(length) * _normal(stream, _U(0)),
        math.sqrt(length / 12.0) * _normal(stream, _U(1)),
    )


@njit(cache=True, nogil=True)
def fill_cells(seed, k, first_row, length, level, node, out_w, out_h):
    """W and H of all the cells below one node of a level; the results hold a power of two of them."""
    count, rows, channels = out_w.shape
    ws, hs = np.empty(count), np.empty(count)
    for row in range(rows):
        for channel in range(channels):
            stream = _stream(seed, k, first_row + row, channel)
            w, h = _root(stream, length)
            size, at = length, 1
            for digit in range(level - 1, -1, -1):
                w1, h1, w2, h2 = _halves(stream, at, size, w, h)
                at, size = 2 * at + ((node >> digit) & 1), 0.5 * size
                w, h = (w2, h2) if at & 1 else (w1, h1)
            ws[0], hs[0] = w, h
            width = 1
            while width < count:
                for i in range(width - 1, -1, -1):
                    w1, h1, w2, h2 = _halves(stream, at * width + i, size, ws[i], hs[i])
                    ws[2 * i], hs[2 * i], ws[2 * i + 1], hs[2 * i + 1] = w1, h1, w2, h2
                width, size = 2 * width, 0.5 * size
            for i in range(count):
                out_w[i, row, channel], out_h[i, row, channel] = ws[i], hs[i]


@njit(inline="always")
def _walk(stream, length, place):
    """W and ∫W du from the left end to a place."""
    w, h = _root(stream, length)
    if place >= 1 << BITS:
        return w, length * (0.5 * w + h)
    value, integral, size, at, rest = 0.0, 0.0, length, 1, place
    while rest:
        w1, h1, w2, h2 = _halves(stream, at, size, w, h)
        size *= 0.5
        rest <<= 1
        if rest >> BITS:
            rest -= 1 << BITS
            integral += size * (value + 0.5 * w1 + h1)
            value += w1
            at, w, h = 2 * at + 1, w2, h2
        else:
            at, w, h = 2 * at, w1, h1
    return value, integral


@njit(cache=True, nogil=True)
def fill_grid(seed, k, first_row, length, places, out_w, out_h):
    """W and H between consecutive places, the same for all rows."""
    count, rows, channels = out_w.shape
    for row in range(rows):
        for channel in range(channels):
            stream = _stream(seed, k, first_row + row, channel)
            w0, i0 = _walk(stream, length, places[0])
            for j in range(count):
                w1, i1 = _walk(stream, length, places[j + 1])
                size = (places[j + 1] - places[j]) * 2.0**-BITS * length
                w = w1 - w0
                out_w[j, row, channel] = w
                out_h[j, row, channel] = (i1 - i0 - w0 * size) / size - 0.5 * w
                w0, i0 = w1, i1


@njit(cache=True, nogil=True)
def fill_points(seed, first_row, ks, places, lengths, out_w, out_integral):
    """W and ∫W du from the left end of an interval to a place, both of which each row has its own."""
    rows, channels = out_w.shape
    for row in range(rows):
        k = ks[row]
        for channel in range(channels):
            stream = _stream(seed, k, first_row + row, channel)
            w, integral = _walk(stream, lengths[k], places[row])
            out_w[row, channel], out_integral[row, channel] = w, integral


@njit(cache=True, nogil=True)
def fill_steps(seed, first_row, lengths, counts, out_w, out_h):
    """W and H in the equal steps of all intervals, ``counts`` of them in each."""
    _, rows, channels = out_w.shape
    longest = counts.max()
    ws, hs = np.empty(longest), np.empty(longest)
    for row in range(rows):
        for channel in range(channels):
            first = 0
            for k in range(len(counts)):
                count, length = counts[k], lengths[k]
                stream = _stream(seed, k, first_row + row, channel)
                if count & (count - 1) == 0:
                    ws[0], hs[0] = _root(stream, length)
                    width, size = 1, length
                    while width < count:
                        for i in range(width - 1, -1, -1):
                            w1, h1, w2, h2 = _halves(stream, width + i, size, ws[i], hs[i])
                            ws[2 * i], hs[2 * i], ws[2 * i + 1], hs[2 * i + 1] = w1, h1, w2, h2
                        width, size = 2 * width, 0.5 * size
                else:
                    w0, i0, place = 0.0, 0.0, 0
                    for i in range(count):
                        end = np.int64(np.round((i + 1) / count * (1 << BITS)))
                        w1, i1 = _walk(stream, length, end)
                        size = (end - place) * 2.0**-BITS * length
                        ws[i] = w1 - w0
                        hs[i] = (i1 - i0 - w0 * size) / size - 0.5 * ws[i]
                        w0, i0, place = w1, i1, end
                for i in range(count):
                    out_w[first + i, row, channel], out_h[first + i, row, channel] = ws[i], hs[i]
                first += count


@njit(cache=True, nogil=True)
def fill_replay(seed, first_row, times, lengths, steps, t, h, w, j):
    """Time, length, ΔW and ΔW/2 + H of accepted steps (intervals, begins, ends), each (steps, batch, …)."""
    ks, begins, ends = steps
    n, batch, channels = w.shape
    for row in range(batch):
        for c in range(channels):
            k, place, w0, i0 = np.int64(-1), np.int64(-1), 0.0, 0.0
            stream = _stream(seed, 0, first_row + row, c)
            for m in range(n):
                if ks[m, row] != k:
                    k = ks[m, row]
                    stream = _stream(seed, k, first_row + row, c)
                    place = -1
                if begins[m, row] != place:
                    place = begins[m, row]
                    w0, i0 = _walk(stream, lengths[k], place) if place > 0 else (0.0, 0.0)
                size = (ends[m, row] - place) * (lengths[k] * 2.0**-BITS)
                t[m, row], h[m, row] = times[k] + place * (lengths[k] * 2.0**-BITS), size
                w[m, row, c], j[m, row, c] = 0.0, 0.0
                if size > 0.0:
                    place = ends[m, row]
                    w1, i1 = _walk(stream, lengths[k], place)
                    w[m, row, c] = w1 - w0
                    j[m, row, c] = (i1 - i0 - w0 * size) / size
                    w0, i0 = w1, i1
