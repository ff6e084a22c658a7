"""``scipy.ndimage`` filters along one axis, and ``scipy.fft``: linear in their input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft as sf
from scipy import ndimage as nd

from workbench.autodiff.telling import plain
from workbench.rules.stand_ins import no_rule, refuses, stands_in

# SciPy's names for what lies beyond the edge, and NumPy's
_BEYOND = {
    "reflect": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "constant": "constant",
    "wrap": "wrap",
}


def _windows(x: Any, weights: Any, axis: int, beyond: tuple[str, float], origin: int) -> Any:
    """Σ_k w[k] x[n + k − size//2 − origin], the input continued beyond its edges."""
    mode, fill = beyond
    mode = {"grid-mirror": "reflect", "grid-constant": "constant", "grid-wrap": "wrap"}.get(mode, mode)
    size = np.size(plain(weights))
    before = size // 2 + origin
    rows = np.moveaxis(x, axis, -1)
    length = np.shape(plain(rows))[-1]
    width = [(0, 0)] * (np.ndim(plain(rows)) - 1) + [(before, size - 1 - before)]
    filled = {"constant_values": fill} if mode == "constant" else {}
    wide = np.pad(rows, width, mode=_BEYOND[mode], **filled)
    total: Any = 0.0
    for k in range(size):
        total = total + weights[k] * wide[..., k : k + length]
    return np.moveaxis(total, -1, axis)


@stands_in(nd.correlate1d)
def _correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    if output is not None and not isinstance(output, type):
        raise no_rule(nd.correlate1d, "output")
    return _windows(input, weights, axis, (mode, cval), origin)


@stands_in(nd.convolve1d)
def _convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    if output is not None and not isinstance(output, type):
        raise no_rule(nd.convolve1d, "output")
    even = 1 - np.size(plain(weights)) % 2
    return _windows(input, np.flip(weights), axis, (mode, cval), -origin - even)


@stands_in(nd.gaussian_filter1d)
def _gaussian_filter1d(
    input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None
):
    """A normalised Gaussian, cut at ``truncate`` standard deviations; the cut does not vary."""
    if output is not None or order:
        raise no_rule(nd.gaussian_filter1d, "order and output")
    reach = int(truncate * float(plain(sigma)) + 0.5) if radius is None else radius
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _windows(input, weights / np.sum(weights), axis, (mode, cval), 0)


@stands_in(nd.gaussian_filter)
def _gaussian_filter(
    input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None, axes=None
):
    if output is not None or order or axes is not None or not isinstance(mode, str):
        raise no_rule(nd.gaussian_filter, "order, output, axes and several modes")
    for axis in range(np.ndim(plain(input))):
        width = sigma[axis] if np.ndim(plain(sigma)) else sigma
        input = _gaussian_filter1d(input, width, axis, 0, None, mode, cval, truncate, radius=radius)
    return input


@stands_in(nd.uniform_filter1d)
def _uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    if output is not None:
        raise no_rule(nd.uniform_filter1d, "output")
    return _windows(input, np.full(size, 1.0 / size), axis, (mode, cval), origin)


refuses(
    nd.median_filter, nd.map_coordinates, nd.zoom, nd.rotate, nd.shift, nd.affine_transform, nd.spline_filter,
    nd.convolve, nd.correlate, nd.uniform_filter, nd.maximum_filter, nd.minimum_filter, nd.label,
    nd.distance_transform_edt, nd.sobel, nd.laplace, nd.gaussian_laplace, nd.prewitt, nd.rank_filter,
    nd.percentile_filter, nd.generic_filter, nd.center_of_mass, nd.geometric_transform, nd.spline_filter1d,
    why="use gaussian_filter, convolve1d or scipy.signal.convolve, which have rules",
)  # fmt: skip

# ------------------------------------------------------------------------------------ Fourier transforms


def _as_numpy(function: Callable, twin: Callable, several: bool) -> None:
    if several:

        def form(x, s=None, axes=None, norm=None, overwrite_x=False, workers=None):
            return twin(x, s, axes if axes is not None or function.__name__[-1] == "n" else (-2, -1), norm)
    else:

        def form(x, n=None, axis=-1, norm=None, overwrite_x=False, workers=None):
            return twin(x, n, axis, norm)

    stands_in(function, overwrites=True)(form)


for _name in ("fft", "ifft", "rfft", "irfft"):
    _as_numpy(getattr(sf, _name), getattr(np.fft, _name), several=False)
for _name in ("fft2", "ifft2", "fftn", "ifftn", "rfft2", "rfftn"):
    _as_numpy(getattr(sf, _name), getattr(np.fft, _name), several=True)


def _by_matrix(function: Callable) -> None:
    """A real transform along one axis as the matrix that it is."""

    def form(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None):
        length = np.shape(plain(x))[axis]
        if n not in (None, length):
            raise no_rule(function, "n")
        matrix = function(np.eye(length), type=type, axis=0, norm=norm)
        return np.moveaxis(np.matmul(np.moveaxis(x, axis, -1), matrix.T), -1, axis)

    stands_in(function, overwrites=True)(form)


for _function in (sf.dct, sf.idct, sf.dst, sf.idst):
    _by_matrix(_function)


@stands_in(sf.fftshift)
def _fftshift(x, axes=None):
    return np.fft.fftshift(x, axes)


@stands_in(sf.ifftshift)
def _ifftshift(x, axes=None):
    return np.fft.ifftshift(x, axes)


refuses(
    sf.hfft, sf.ihfft, sf.hfft2, sf.hfftn, sf.ihfft2, sf.ihfftn, sf.irfft2, sf.irfftn, sf.dctn, sf.idctn, sf.dstn,
    sf.idstn, sf.fht, sf.ifht,
    why="use fft, rfft, irfft or dct along one axis, which have rules",
)  # fmt: skip
