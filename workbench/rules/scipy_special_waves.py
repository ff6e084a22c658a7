"""Mathieu and spheroidal wave functions of ``scipy.special``, and integrals of Airy functions.

Each function comes with its derivative by its argument; the second derivative is from the equation that it solves.
Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the numbers in the comments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import PARTIALS
from workbench.autodiff.telling import plain
from workbench.rules.scipy_special import by_difference, to_zero
from workbench.rules.scipy_special_several import several
from workbench.rules.stand_ins import no_rule

_DEGREE = math.pi / 180.0

PARTIALS[sp.mathieu_a] = (None, by_difference(sp.mathieu_a, 1, room=None))
PARTIALS[sp.mathieu_b] = (None, by_difference(sp.mathieu_b, 1, room=None))


def _by_parameter(function: Callable, position: int) -> Callable:
    def slopes(w: Any, *args: Any) -> tuple:
        return tuple(
            by_difference(lambda *x, j=j: function(*x)[j], position, room=to_zero)(np, None, *args)
            for j in range(2)
        )

    return slopes


def _mathieu(function: Callable, value: Callable, *, modified: bool) -> None:
    """w″ = −(a − 2 q cos 2x) w with x in degrees, and modified w″ = (a − 2 q cosh 2x) w (DLMF 28.2.1, 28.20.1)."""

    def slopes(w: Any, m: Any, q: Any, x: Any) -> tuple:
        if modified:
            return w[1], (value(m, q) - 2.0 * q * np.cosh(2.0 * x)) * w[0]
        bend = -(value(m, q) - 2.0 * q * np.cos(2.0 * _DEGREE * x)) * w[0]
        return _DEGREE * w[1], _DEGREE * bend

    several(function, None, _by_parameter(function, 1), slopes)


_mathieu(sp.mathieu_cem, sp.mathieu_a, modified=False)
_mathieu(sp.mathieu_sem, sp.mathieu_b, modified=False)
for _function in (sp.mathieu_modcem1, sp.mathieu_modcem2):
    _mathieu(_function, sp.mathieu_a, modified=True)
for _function in (sp.mathieu_modsem1, sp.mathieu_modsem2):
    _mathieu(_function, sp.mathieu_b, modified=True)


def _spheroidal(name: str, value: Callable, sign: float, *, radial: bool) -> None:
    """((1 − x²) w′)′ = −(λ − γ² x² − m² / (1 − x²)) w with γ² = ± c² (DLMF 30.2.1); oblate radial with x → i x."""

    def second(w: Any, m: Any, eigenvalue: Any, c: Any, x: Any) -> Any:
        if radial and sign < 0:
            s = 1.0 + x * x
            return ((eigenvalue - c * c * x * x - m * m / s) * w[0] - 2.0 * x * w[1]) / s
        s = 1.0 - x * x
        return (2.0 * x * w[1] - (eigenvalue - sign * c * c * x * x - m * m / s) * w[0]) / s

    def slopes(w: Any, m: Any, n: Any, c: Any, eigenvalue: Any, x: Any) -> tuple:
        if name.endswith("2"):
            _check_digits(
                own, first(*map(plain, (m, n, c, x))), plain(tuple(w)), plain(c), plain(x) ** 2 - sign
            )
        return w[1], second(w, m, eigenvalue, c, x)

    own, given = getattr(sp, name), getattr(sp, f"{name}_cv")
    first = getattr(sp, f"{name[:-1]}1")
    several(own, None, None, None, lambda w, m, n, c, x: slopes(w, m, n, c, value(m, n, c), x))
    several(given, None, None, None, None, slopes)


def _check_digits(function: Callable, first: tuple, w: tuple, c: Any, s: Any) -> None:
    """The Wronskian is 1 / (c (x² ∓ 1)) (DLMF 30.11.7)."""
    if not np.all(np.abs((first[0] * w[1] - first[1] * w[0]) * c * s - 1.0) < 1e-7):
        raise no_rule(function, "this argument: SciPy's values lack digits there")


_spheroidal("pro_ang1", sp.pro_cv, 1.0, radial=False)
_spheroidal("pro_rad1", sp.pro_cv, 1.0, radial=True)
_spheroidal("pro_rad2", sp.pro_cv, 1.0, radial=True)
_spheroidal("obl_ang1", sp.obl_cv, -1.0, radial=False)
_spheroidal("obl_rad1", sp.obl_cv, -1.0, radial=True)
_spheroidal("obl_rad2", sp.obl_cv, -1.0, radial=True)
PARTIALS[sp.pro_cv] = (None, None, by_difference(sp.pro_cv, 2, room=to_zero))
PARTIALS[sp.obl_cv] = (None, None, by_difference(sp.obl_cv, 2, room=to_zero))


def _itairy(v: Any, x: Any) -> tuple:
    ahead, behind = sp.airy(x), sp.airy(-x)
    return ahead[0], ahead[2], behind[0], behind[2]


several(sp.itairy, _itairy)
