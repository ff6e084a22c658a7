"""``scipy.ndimage``: filters. SciPy's Python is traced through; here are the compiled functions beneath it.

A filter that picks (median, minimum, rank) has the derivative of the element that it picks; among equal ones, of the
first in the order of the window.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage as nd
from scipy import special as sp
from scipy._lib._ccallback import LowLevelCallable
from scipy.ndimage import _morphology, _nd_image, _rank_filter_1d
from scipy.ndimage._ni_support import _check_axes, _extend_mode_to_code

from workbench.autodiff.application import as_array, written
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.compiled import writes
from workbench.rules.stand_ins import no_rule, refuses, settled

# SciPy's numbers for what lies beyond the edge. Filters read CONSTANT and GRID_CONSTANT, WRAP and GRID_WRAP alike.
NEAREST, WRAP, REFLECT, MIRROR, CONSTANT, GRID_WRAP, GRID_CONSTANT = range(7)


def folded(index: np.ndarray, n: int, mode: int) -> np.ndarray:
    """Which of ``n`` elements stands at a place beyond the edges; at those that stay outside, any."""
    if mode in (WRAP, GRID_WRAP):
        return index % n
    if mode == REFLECT:
        index = index % (2 * n)
        return np.minimum(index, 2 * n - 1 - index)
    if mode == MIRROR:
        if n == 1:
            return np.zeros_like(index)
        index = index % (2 * n - 2)
        return np.minimum(index, 2 * n - 2 - index)
    return np.clip(index, 0, n - 1)


def _extended(x: Any, axis: int, reach: tuple[int, int], beyond: tuple[int, Any]) -> Any:
    """``x`` with so many elements more before and behind it along an axis."""
    mode, fill = beyond
    n = np.shape(plain(x))[axis]
    if n == 0:
        return x
    index = np.arange(-reach[0], n + reach[1])
    wide = resolve(np.take)(x, folded(index, n, mode), axis=axis)
    if mode not in (CONSTANT, GRID_CONSTANT):
        return wide
    outside = (index < 0) | (index >= n)
    others = [k for k in range(x.ndim) if k != axis % x.ndim]
    return resolve(np.where)(np.expand_dims(outside, others), fill, wide)


def _windows(x: Any, shape: tuple[int, ...], mode: int, fill: Any, origins: Any) -> Any:
    """For each offset in a window, in order, the elements of ``x`` that stand there."""
    lengths = np.shape(plain(x))
    for axis, (size, origin) in enumerate(zip(shape, np.ravel(origins), strict=True)):
        before = size // 2 + int(origin)
        x = _extended(x, axis, (before, size - 1 - before), (mode, fill))
    for offsets in itertools.product(*map(range, shape)):
        yield x[tuple(slice(k, k + n) for k, n in zip(offsets, lengths, strict=True))]


def _along(x: Any, axis: int, size: int, origin: int) -> tuple[tuple[int, ...], list[int]]:
    """The shape and the origins of a window along one axis."""
    shape, origins = [1] * np.ndim(plain(x)), [0] * np.ndim(plain(x))
    shape[axis], origins[axis] = size, origin
    return tuple(shape), origins


def _weighed(x: Any, weights: Any, mode: int, fill: Any, origins: Any) -> Any:
    """Σ_k w[k] x[n + k − size//2 − origin]."""
    total: Any = 0.0
    flat = resolve(np.reshape)(weights, (-1,))
    for k, part in enumerate(_windows(x, np.shape(plain(weights)), mode, fill, origins)):
        total = total + flat[k] * part
    return total


@writes(_nd_image.correlate1d, 3)
def _correlate1d(x, weights, axis, out, mode, fill, origin):
    shape, origins = _along(x, axis, np.size(plain(weights)), origin)
    return _weighed(x, resolve(np.reshape)(weights, shape), mode, fill, origins)


@writes(_nd_image.correlate, 2)
def _correlate(x, weights, out, mode, fill, origins):
    return _weighed(x, weights, mode, fill, origins)


@writes(_nd_image.uniform_filter1d, 3)
def _uniform(x, size, axis, out, mode, fill, origin):
    shape, origins = _along(x, axis, size, origin)
    return _weighed(x, np.full(shape, 1.0 / size), mode, fill, origins)


def _picked(parts: list[Any], rank: int) -> Any:
    """The element of each place that has so many smaller ones."""
    stacked = resolve(np.stack)(parts)
    order = np.argsort(plain(stacked), axis=0, kind="stable")
    return resolve(np.take_along_axis)(stacked, order[rank : rank + 1], axis=0)[0]


@writes(_nd_image.rank_filter, 3)
def _rank(x, rank, footprint, out, mode, fill, origins):
    parts = _windows(x, footprint.shape, mode, fill, origins)
    return _picked([part for part, there in zip(parts, footprint.flat, strict=True) if there], rank)


@writes(_rank_filter_1d.rank_filter, 3)
def _rank1d(x, rank, size, out, mode, fill, origin):
    return _picked(list(_windows(x, (size,), mode, fill, [origin])), rank)


@writes(_nd_image.min_or_max_filter1d, 3)
def _extreme1d(x, size, axis, out, mode, fill, origin, minimum):
    shape, origins = _along(x, axis, size, origin)
    return _picked(list(_windows(x, shape, mode, fill, origins)), 0 if minimum else size - 1)


@writes(_nd_image.min_or_max_filter, 3)
def _extreme(x, footprint, structure, out, mode, fill, origins, minimum):
    """With a structure, of x[n + k] − s[k] or x[n + k] + s[k]."""
    parts = []
    sign = -1.0 if minimum else 1.0
    for k, part in enumerate(_windows(x, footprint.shape, mode, fill, origins)):
        if footprint.flat[k]:
            rise = 0.0 if structure is None else resolve(np.reshape)(structure, (-1,))[k]
            parts.append(part + sign * rise)
    return _picked(parts, 0 if minimum else len(parts) - 1)


def _constant_of_mask(function: Callable) -> None:
    """Distances between cells of a mask do not vary; their sizes would make them vary."""

    def call(input: Any, *args: Any, **options: Any) -> Any:
        if contains_traced([list(args), options]):
            raise no_rule(function, "sampling and output that vary")
        return function(plain(current(input)), *args, **options)

    DOORS[function] = call


def _constant_into(function: Callable) -> None:
    """A function whose result does not vary, also where it goes into ``output``."""
    signature = inspect.signature(function)

    def call(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options).arguments
        output = given.get("output")
        given = {name: plain(current(x)) for name, x in given.items()}
        if not contains_traced(output):
            return function(**given)
        own = given["output"] = given["output"].copy()
        result = function(**given)
        return written(own, output) if result is own else (written(own, output), result)[1]

    add_constant(function, call)


for _function in (nd.find_objects, nd.value_indices):
    add_constant(_function)
for _function in (nd.label, _morphology._binary_erosion, nd.watershed_ift):
    _constant_into(_function)
for _function in (nd.distance_transform_edt, nd.distance_transform_bf, nd.distance_transform_cdt):
    _constant_of_mask(_function)


def _generic_filter(input, function, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0,
                    extra_arguments=(), extra_keywords=None, *, axes=None):  # fmt: skip
    """The program's function of each window, one after the other."""
    x = settled(input)
    x = x if contains_traced(x) else np.asarray(x)
    if not _follows(x, function, output, mode):
        return _refused(
            input,
            function,
            size,
            footprint,
            output,
            mode,
            cval,
            origin,
            extra_arguments,
            extra_keywords,
            axes=axes,
        )
    n = np.ndim(plain(x))
    axes = _check_axes(axes, n)
    if footprint is None:
        there = np.ones(np.broadcast_to(size, len(axes)), bool)
    else:
        there = np.asarray(plain(settled(footprint)), bool)
    origins = np.zeros(n, int)
    origins[list(axes) if len(axes) < n else slice(None)] = origin  # SciPy does not sort all of them
    there = np.expand_dims(there, [k for k in range(n) if k not in axes]) if len(axes) < n else there
    parts = _windows(x, there.shape, _extend_mode_to_code(mode), cval, origins)
    stacked = np.stack([p for p, kept in zip(parts, there.flat, strict=True) if kept], axis=-1)
    rows = np.reshape(stacked, (-1, int(there.sum())))
    call, options = resolve(function), extra_keywords or {}
    found = [settled(call(row, *extra_arguments, **options)) for row in rows]
    return _into(np.reshape(as_array(found), np.shape(plain(x))), output)


def _into(result: Any, output: Any) -> Any:
    return written(result, output) if isinstance(plain(output), np.ndarray) else result


def _generic_filter1d(input, function, filter_size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0,
                      extra_arguments=(), extra_keywords=None):  # fmt: skip
    """The program's function of each line, which it extends at both ends, and of the line that it fills."""
    x = settled(input)
    x = x if contains_traced(x) else np.asarray(x)
    if not _follows(x, function, output, mode):
        return _refused_1d(
            input, function, filter_size, axis, output, mode, cval, origin, extra_arguments, extra_keywords
        )
    before = filter_size // 2 + origin
    wide = _extended(x, axis, (before, filter_size - 1 - before), (_extend_mode_to_code(mode), cval))
    wide = np.moveaxis(wide, axis, -1)
    shape, found = (*np.shape(plain(wide))[:-1], np.shape(plain(x))[axis]), []
    call, options = resolve(function), extra_keywords or {}
    for line in np.reshape(wide, (-1, np.shape(plain(wide))[-1])):
        out = np.zeros(shape[-1])
        call(line, out, *extra_arguments, **options)
        found.append(current(out))
    return _into(np.moveaxis(np.reshape(resolve(np.stack)(found), shape), -1, axis), output)


def _follows(x: Any, function: Any, output: Any, mode: Any) -> bool:
    """Whether the program's function is called here: where results are rounded to another type it is not."""
    out = x if output is None else output
    kind = plain(out).dtype if isinstance(plain(out), np.ndarray) else np.dtype(out)
    simple = kind == np.dtype(float) and isinstance(mode, str)
    return bool(OPEN) and simple and type(function) is not LowLevelCallable


refuses(
    nd.generic_filter, nd.generic_filter1d,
    why="give it an array of float64 or output=float, and one mode",
)  # fmt: skip
_refused, _refused_1d = DOORS[nd.generic_filter], DOORS[nd.generic_filter1d]
DOORS[nd.generic_filter], DOORS[nd.generic_filter1d] = _generic_filter, _generic_filter1d


# ------------------------------------------------------------------------------------ Fourier transforms


def _frequencies(shape: tuple[int, ...], n: int, axis: int) -> list[np.ndarray]:
    """Those of a transform along each axis, in cycles per element; of ``n`` real elements along ``axis``."""
    found = []
    for k, size in enumerate(shape):
        real = n > 0 and k == axis % len(shape)
        frequencies = np.arange(size) / n if real else np.fft.fftfreq(size)
        found.append(np.reshape(frequencies, (-1,) + (1,) * (len(shape) - 1 - k)))
    return found


@writes(_nd_image.fourier_shift, 4)
def _fourier_shift(x, shifts, n, axis, out):
    """Times exp(−2πi Σ_k f_k s_k) with the frequencies f of the transform."""
    if not all(out):
        return x
    phase = sum(shifts[k] * f for k, f in enumerate(_frequencies(out, n, axis)))
    return x * (np.cos(2.0 * np.pi * phase) - 1j * np.sin(2.0 * np.pi * phase))


@writes(_nd_image.fourier_filter, 4)
def _fourier_filter(x, sizes, n, axis, out, kind):
    """Times the transform of a Gaussian, of a box, or of an ellipsoid."""
    if not all(out):
        return x
    at = [sizes[k] * f for k, f in enumerate(_frequencies(out, n, axis))]
    if kind == _GAUSSIAN:
        return x * np.exp(-2.0 * np.pi**2 * sum(z**2 for z in at))
    if kind == _BOX:
        for z in at:
            x = x * np.sinc(z)
        return x
    square = np.pi**2 * sum(z**2 for z in at)
    zero = plain(square) == 0
    r = np.sqrt(np.where(zero, 1.0, square))
    if len(out) == 1:
        kernel = np.sin(r) / r
    elif len(out) == 2:
        kernel = 2.0 * sp.j1(r) / r
    else:
        kernel = 3.0 * (np.sin(r) - r * np.cos(r)) / r**3
    return x * np.where(zero, 1.0, kernel)


_GAUSSIAN, _BOX = 0, 1

from workbench.rules import scipy_ndimage_interpolation  # noqa: E402, F401  the other half of the package
