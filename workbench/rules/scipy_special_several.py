"""Functions of ``scipy.special`` that return several values at once.

Most are a function and its derivative: the derivative of the latter comes from the differential equation. Source of
the formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the numbers in the comments.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.elementwise import scaled
from workbench.autodiff.registry import DOORS, Rule, add_rule
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_special import by_difference, over, to_zero_or_one
from workbench.rules.stand_ins import no_rule

# (values, *arguments) -> the derivatives of the values by one argument
Slopes = Callable[..., tuple]


def several(function: Callable, *slopes: Slopes | None) -> None:
    """Register a function with several values: their derivatives by each argument, None where there is no rule."""

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        for k in needs:
            if slopes[k] is None:
                raise no_rule(function, f"its argument {k}")
        values = function(*args, **kwargs)

        def several_pullback(bars: Any) -> list[Any]:
            with np.errstate(all="ignore"):
                return [
                    sum(scaled(bar, s) for bar, s in zip(bars, slopes[k](values, *args), strict=True))
                    for k in needs
                ]

        return values, several_pullback

    add_rule(Rule(function, forward, leaves=tuple(range(len(slopes)))))
    ruled = DOORS[function]

    def call(*args: Any, **kwargs: Any) -> Any:
        if (len(args) > len(slopes) or "out" in kwargs) and contains_traced([list(args), kwargs]):
            raise no_rule(function, "results written into given arrays")
        return ruled(*args, **kwargs)

    DOORS[function] = call


def _less_one(value: Callable, x: Any, sign: float) -> Any:
    """(1 − J₀(x)) / x for sign −1, (I₀(x) − 1) / x for sign 1: near 0 by the series (DLMF 10.2.2)."""
    near = np.abs(plain(x)) < 0.5
    q = 0.25 * x * x * sign
    series = (
        0.25 * x * (1.0 + q / 4.0 * (1.0 + q / 9.0 * (1.0 + q / 16.0 * (1.0 + q / 25.0 * (1.0 + q / 36.0)))))
    )
    far = np.where(near, 1.0, x)
    return np.where(near, series, sign * (value(far) - 1.0) / far)


# ------------------------------------------------------------------------------------ Airy, Fresnel (DLMF 9.2, 7.2)


def _airye(v: Any, x: Any) -> tuple:
    if np.iscomplexobj(plain(x)):
        raise no_rule(sp.airye, "complex arguments")
    root = np.sqrt(np.where(plain(x) > 0, x, 0.0))
    return v[1] + root * v[0], x * v[0] + root * v[1], v[3] - root * v[2], x * v[2] - root * v[3]


several(sp.airy, lambda v, x: (v[1], x * v[0], v[3], x * v[2]))
several(sp.airye, _airye)
several(sp.fresnel, lambda v, x: (np.sin(0.5 * math.pi * x * x), np.cos(0.5 * math.pi * x * x)))


def _modified_fresnel(function: Callable, sign: float) -> None:
    """F = ∫_x^∞ exp(± i t²) dt and K = exp(∓ i (x² + π/4)) F / √π."""

    def slopes(v: Any, x: Any) -> tuple:
        if np.any(plain(x) < 0):
            raise no_rule(function, "x below 0, where SciPy's values are wrong")
        wave, constant = np.exp(sign * 1.0j * x * x), cmath.exp(-0.25j * sign * math.pi) / math.sqrt(math.pi)
        return -wave, -2.0j * sign * x * v[1] - constant

    several(function, slopes)


_modified_fresnel(sp.modfresnelp, 1.0)
_modified_fresnel(sp.modfresnelm, -1.0)

# ------------------------------------------------------------------------------------ integrals (DLMF 6.2, 10.43)

several(sp.sici, lambda v, x: (np.sinc(x / math.pi), np.divide(np.cos(x), x)))
several(sp.shichi, lambda v, x: (over(np.sinh(x), x, 1.0), np.divide(np.cosh(x), x)))
several(sp.itj0y0, lambda v, x: (sp.j0(x), sp.y0(x)))
several(sp.iti0k0, lambda v, x: (sp.i0(x), sp.k0(x)))
several(sp.it2j0y0, lambda v, x: (_less_one(sp.j0, x, -1.0), np.divide(-sp.y0(x), x)))
several(sp.it2i0k0, lambda v, x: (_less_one(sp.i0, x, 1.0), np.divide(-sp.k0(x), x)))

# ------------------------------------------------------------------------------------ Kelvin, parabolic cylinder

# DLMF 10.61.2: x² w″ + x w′ = i x² w
several(sp.kelvin, lambda v, x: (v[2], v[3], _kelvin(v[0], v[2], x, 0.5j), _kelvin(v[1], v[3], x, np.inf)))


def _kelvin(w: Any, slope: Any, x: Any, limit: complex) -> Any:
    zero = plain(x) == 0
    return np.where(zero, limit, 1.0j * w - slope / np.where(zero, 1.0, x))


def _pbdv(w: Any, v: Any, x: Any) -> tuple:
    if np.any((plain(x) < -5.8) & (plain(v) != np.floor(plain(v)))):
        raise no_rule(sp.pbdv, "x below -5.8 at orders that are not whole: SciPy's values lack digits there")
    return w[1], (0.25 * x * x - v - 0.5) * w[0]


def _pbvv(w: Any, v: Any, x: Any) -> tuple:
    at, value, slope = plain(x), *plain(tuple(w))
    d, d_slope = sp.pbdv(plain(v), at)
    wronskian = np.abs(d * slope - d_slope * value - math.sqrt(2.0 / math.pi)) < 1e-6  # DLMF 12.2.19
    if not np.all((np.abs(at) < 5.8) | ((at > 0) & wronskian)):
        raise no_rule(sp.pbvv, "this far from 0: SciPy's values lack digits there")
    return w[1], (0.25 * x * x - v - 0.5) * w[0]


# DLMF 12.2.2, 12.2.3: w″ = (x²/4 + a) w with a = −v − ½, and w″ = (a − x²/4) w
several(sp.pbdv, None, _pbdv)
several(sp.pbvv, None, _pbvv)
several(sp.pbwa, None, lambda w, a, x: (w[1], (a - 0.25 * x * x) * w[0]))

# ------------------------------------------------------------------------------------ elliptic functions (DLMF 22.13.1)


def _ellipj(v: Any, u: Any, k: Any) -> tuple:
    sn, cn, dn, _ = v
    return cn * dn, -sn * dn, -k * sn * cn, dn


def _ellipj_by_parameter(v: Any, u: Any, k: Any) -> tuple:
    """Differences of order eight."""
    return tuple(
        by_difference(lambda u, m, j=j: sp.ellipj(u, m)[j], 1, room=to_zero_or_one)(np, None, u, k)
        for j in range(4)
    )


several(sp.ellipj, _ellipj, _ellipj_by_parameter)
