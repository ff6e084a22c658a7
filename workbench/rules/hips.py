"""Rules taken from the tables of HIPS autograd, for the NumPy functions that our own rules leave.

One difference is bridged here: for complex numbers its cotangents are the conjugates of ours (PyTorch's).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps

from workbench.autodiff.calls import plain
from workbench.autodiff.registry import DOORS, PARTIALS, RULES, Rule, add_rule

# Taken by name from each namespace; what has a rule of ours already is left alone.
_NUMPY = (
    "clip cross cumsum diff dot einsum gradient inner kron linspace matmul nan_to_num outer pad prod real imag "
    "real_if_close sinc tensordot trace angle"
).split()
_LINALG = "cholesky det eig eigh inv norm pinv slogdet solve svd".split()
_FFT = "fft fft2 fftn fftshift ifft ifft2 ifftn ifftshift irfft irfft2 irfftn rfft rfft2 rfftn".split()


def _adopt(primitive: Callable, wrapped: Callable, leaves: tuple[int, ...]) -> None:
    maker = primitive_vjps[wrapped]

    def forward(needs: tuple[int, ...], args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        value = primitive(*args, **kwargs)
        with np.errstate(all="ignore"):
            vjp = maker(needs, value, args, kwargs)

        def hips_pullback(bar: Any) -> list[Any]:
            with np.errstate(all="ignore"):
                cotangents = list(vjp(_conjugated(bar)))
            return [_conjugated(c) for c in cotangents]

        return value, hips_pullback

    add_rule(Rule(primitive, forward, leaves))


def _conjugated(bar: Any) -> Any:
    if isinstance(bar, tuple):
        return tuple(_conjugated(b) for b in bar)
    return np.conjugate(bar) if np.iscomplexobj(plain(bar)) else bar


def _install() -> None:
    for names, ours, theirs in (
        (_NUMPY, np, anp),
        (_LINALG, np.linalg, anp.linalg),
        (_FFT, np.fft, anp.fft),
    ):
        for name in names:
            primitive, wrapped = getattr(ours, name), getattr(theirs, name)
            if primitive in RULES or primitive in DOORS or primitive in PARTIALS:
                continue
            if wrapped in primitive_vjps:
                _adopt(primitive, wrapped, leaves=(0, 1) if names is not _FFT else (0,))


_install()
