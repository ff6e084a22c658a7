"""Exponentially scaled Bessel functions of complex arguments.

|Re z| and |Im z| have no complex derivative, so these functions have none as a whole. Near 0 they are the functions
without the scale times e^{−|Im z|}, elsewhere Hankel functions with scales of their own (DLMF 10.4.4, 10.27.6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.elementwise import apply_ufunc
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import settled, with_value

_FAR = 300.0  # before e^z overflows, and where Hankel functions do not cancel


def _apart(z: Any, near: Callable, far: Callable) -> Any:
    """``near`` of small arguments and ``far`` of large ones."""
    is_far = np.abs(plain(z)) > _FAR
    if np.all(is_far):
        return far(z)
    if not np.any(is_far):
        return near(z)
    return np.where(is_far, far(np.where(is_far, z, 2.0 * _FAR)), near(np.where(is_far, 1.0, z)))


def _by_hankel(v: Any, z: Any, sign: float) -> Any:
    """(H¹ ± H²) e^{−|Im z|}."""
    height = np.abs(np.imag(z))
    first, second = np.exp(1j * z - height), np.exp(-1j * z - height)
    return sp.hankel1e(v, z) * first + sign * sp.hankel2e(v, z) * second


def _jve(v: Any, z: Any) -> Any:
    return _apart(
        z, lambda z: sp.jv(v, z) * np.exp(-np.abs(np.imag(z))), lambda z: 0.5 * _by_hankel(v, z, 1.0)
    )


def _yve(v: Any, z: Any) -> Any:
    return _apart(
        z, lambda z: sp.yv(v, z) * np.exp(-np.abs(np.imag(z))), lambda z: -0.5j * _by_hankel(v, z, -1.0)
    )


def _ive(v: Any, z: Any) -> Any:
    def far(z: Any) -> Any:
        turn = np.where(np.imag(plain(z)) > 0, -1.0, 1.0)
        return np.exp(-0.5j * np.pi * turn * v) * 0.5 * _by_hankel(v, 1j * turn * z, 1.0)

    return _apart(z, lambda z: sp.iv(v, z) * np.exp(-np.abs(np.real(z))), far)


def _of_complex(function: Callable, form: Callable) -> None:
    def call(v: Any, z: Any, *rest: Any, **options: Any) -> Any:
        if rest or options or not contains_traced((v, z)) or not np.iscomplexobj(plain(settled(z))):
            return apply_ufunc(function, (v, z, *rest), options)
        v, z = settled(v), settled(z)
        with np.errstate(all="ignore"):
            return with_value(form(v, z), function(plain(v), plain(z)))

    DOORS[function] = call


for _function, _form in ((sp.jve, _jve), (sp.yve, _yve), (sp.ive, _ive)):
    _of_complex(_function, _form)
