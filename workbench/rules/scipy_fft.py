"""``scipy.fft``: everything by NumPy's Fourier transforms, which have rules. All of it is linear in the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft as sf
from scipy.fft import _pocketfft

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule, stands_in

_SWAPPED = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _as_numpy(function: Callable, twin: Callable, several: bool) -> None:
    if several:

        def form(x, s=None, axes=None, norm=None, overwrite_x=False, workers=None):
            if axes is None:
                count = 2 if function.__name__[-1] == "2" else np.ndim(plain(x)) if s is None else np.size(s)
                axes = tuple(range(-count, 0))
            return twin(x, s, axes, norm)
    else:

        def form(x, n=None, axis=-1, norm=None, overwrite_x=False, workers=None):
            return twin(x, n, axis, norm)

    stands_in(function, overwrites=True)(form)


def _hermitian(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return np.fft.irfftn(np.conj(x), s, axes, _SWAPPED[norm])


def _inverse_hermitian(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return np.conj(np.fft.rfftn(x, s, axes, _SWAPPED[norm]))


_TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
for _name in _TRANSFORMS:
    _as_numpy(getattr(sf, _name), getattr(np.fft, _name), several=False)
for _name in ("fft2", "ifft2", "fftn", "ifftn", "rfft2", "rfftn", "irfft2", "irfftn"):
    _as_numpy(getattr(sf, _name), getattr(np.fft, _name), several=True)
for _function in (sf.hfft2, sf.hfftn):
    _as_numpy(_function, _hermitian, several=True)
for _function in (sf.ihfft2, sf.ihfftn):
    _as_numpy(_function, _inverse_hermitian, several=True)


# ------------------------------------------------------------------------------------ cosine and sine transforms

# type: (a, b, places of the input and of the output that stand for half, or twice, an element of the others)
_COSINES = {
    1: (0.0, 0.0, [0, -1], [0, -1]),
    2: (0.5, 0.0, [], [0]),
    3: (0.0, 0.5, [0], []),
    4: (0.5, 0.5, [], []),
}
_SINES = {1: (1.0, 1.0, [], []), 2: (0.5, 1.0, [], [-1]), 3: (1.0, 0.5, [-1], []), 4: (0.5, 0.5, [], [])}


def _real_transform(x: Any, sine: bool, type: int, norm: Any, orthogonalize: bool | None) -> Any:
    """2 Σ_n w_n x_n cos θ(n + a)(k + b), or with sin, along the last axis.

    The Fourier transform of length 2π/θ = 2N, 2(N − 1) or 2(N + 1), between two phases. w is ½ at the ends where the
    extended sequence has an element once. With ``orthogonalize`` these elements are weighed by √2 on the one side
    and 1/√2 on the other.
    """
    a, b, single_in, single_out = (_SINES if sine else _COSINES)[type]
    n = np.shape(plain(x))[-1]
    whole = 2 * (n + (1 if sine else -1) * (type == 1))
    before, after = np.ones(n), np.full(n, 2.0)
    before[single_in] = 0.5
    if norm == "ortho" if orthogonalize is None else orthogonalize:
        before[single_in] *= np.sqrt(2.0)
        after[single_out] /= np.sqrt(2.0)
    scale = {None: 1.0, "backward": 1.0, "ortho": whole**-0.5, "forward": 1.0 / whole}[norm]
    k, angle = np.arange(n), 2.0 * np.pi / whole
    spectrum = np.fft.fft(x * before * np.exp(-1j * angle * k * b), whole)[..., :n]
    turned = spectrum * np.exp(-1j * angle * a * (k + b))
    return scale * after * (-np.imag(turned) if sine else np.real(turned))


def _sized(x: Any, n: int | None) -> Any:
    """The first ``n`` elements of the last axis, zeros where there are fewer."""
    length = np.shape(plain(x))[-1]
    if n is None or n == length:
        return x
    if n < length:
        return x[..., :n]
    return np.pad(x, [(0, 0)] * (np.ndim(plain(x)) - 1) + [(0, n - length)])


def _one_axis(x, name, type, n, axis, norm, orthogonalize):
    if "i" in name[:1]:
        type, norm = {2: 3, 3: 2}.get(type, type), _SWAPPED[norm]
    rows, sine = _sized(np.moveaxis(x, axis, -1), n), "s" in name[:-1]
    if np.iscomplexobj(plain(rows)):
        # SciPy does not read ``orthogonalize`` here
        real, imaginary = (
            _real_transform(part, sine, type, norm, None) for part in (np.real(rows), np.imag(rows))
        )
        return np.moveaxis(real + 1j * imaginary, -1, axis)
    return np.moveaxis(_real_transform(rows, sine, type, norm, orthogonalize), -1, axis)


def _along_one(function: Callable) -> None:
    def form(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        return _one_axis(x, function.__name__, type, n, axis, norm, orthogonalize)

    stands_in(function, overwrites=True)(form)


def _along_several(function: Callable) -> None:
    def form(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        sizes = None if s is None else np.atleast_1d(s)
        if axes is None:
            axes = range(np.ndim(plain(x))) if s is None else range(-len(sizes), 0)
        for k, axis in enumerate(np.atleast_1d(axes)):
            n = None if sizes is None or sizes[k] == -1 else int(sizes[k])
            x = _one_axis(x, function.__name__[:-1], type, n, int(axis), norm, orthogonalize)
        return x

    stands_in(function, overwrites=True)(form)


for _function in (sf.dct, sf.idct, sf.dst, sf.idst):
    _along_one(_function)
for _function in (sf.dctn, sf.idctn, sf.dstn, sf.idstn):
    _along_several(_function)


def _hankel(function: Callable, inverse: bool) -> None:
    """The fast Hankel transform on a logarithmic grid, with SciPy's coefficients."""

    def form(a, dln, mu, offset=0.0, bias=0.0):
        if contains_traced([dln, mu, offset, bias]):
            raise no_rule(function, "dln, mu, offset and bias")
        n = np.shape(plain(a))[-1]
        u = sf._fftlog_backend.fhtcoeff(n, dln, mu, offset=offset, bias=bias, inverse=inverse)
        away, sign = np.arange(n) - (n - 1) / 2, 1.0 if inverse else -1.0
        a = a * np.exp(sign * bias * (away * dln + (offset if inverse else 0.0)))
        spectrum = np.fft.rfft(a) / np.conj(u) if inverse else np.fft.rfft(a) * u
        turned = np.flip(np.fft.irfft(spectrum, n), axis=-1)
        return turned * np.exp(sign * bias * (away * dln + (0.0 if inverse else offset)))

    stands_in(function)(form)


_hankel(sf.fht, inverse=False)
_hankel(sf.ifht, inverse=True)


@stands_in(sf.fftshift)
def _fftshift(x, axes=None):
    return resolve(np.fft.fftshift)(x, axes)


@stands_in(sf.ifftshift)
def _ifftshift(x, axes=None):
    return resolve(np.fft.ifftshift)(x, axes)


# ------------------------------------------------------------------------------------ scipy.fftpack

_KINDS = (*_TRANSFORMS, "dct", "idct", "dst", "idst")
for _name in (*_KINDS, *(name + "n" for name in _KINDS)):  # which scipy.fftpack calls
    DOORS[getattr(_pocketfft, _name)] = DOORS[getattr(sf, _name)]


@stands_in(_pocketfft.basic.r2r_fftpack, overwrites=True)
def _packed(forward, x, n=None, axis=-1, norm=None, overwrite_x=False):
    """Real and imaginary parts in turn, without the imaginary parts that are zero."""
    rows = _sized(np.moveaxis(x, axis, -1), n)
    size = np.shape(plain(rows))[-1]
    if forward:
        waves = np.fft.rfft(rows)
        parts = np.stack([np.real(waves), np.imag(waves)], -1)
        parts = np.reshape(parts, (*np.shape(plain(rows))[:-1], -1))
        found = parts[..., [0, *range(2, size + 1)]]
    else:
        zero = np.zeros_like(plain(rows)[..., :1])
        parts = np.concatenate([rows[..., :1], zero, rows[..., 1:], zero][: 4 - size % 2], -1)
        found = np.fft.irfft(parts[..., 0::2] + 1j * parts[..., 1::2], size)
    return np.moveaxis(found, -1, axis)
