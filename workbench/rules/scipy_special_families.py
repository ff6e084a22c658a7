"""Families of ``scipy.special``: Bessel, elliptic and hypergeometric functions, orthogonal polynomials, and those
functions that return several values or work along axes.

Source of the formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the numbers in the
comments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import PARTIALS, Rule, add_rule
from workbench.autodiff.telling import plain
from workbench.rules.scipy_special import by_difference, to_gamma_pole, to_zero_or_one
from workbench.rules.stand_ins import no_rule, stands_in

_jn, _jn_d = sp._spherical_bessel._spherical_jn, sp._spherical_bessel._spherical_jn_d
_yn, _yn_d = sp._spherical_bessel._spherical_yn, sp._spherical_bessel._spherical_yn_d
_in, _in_d = sp._spherical_bessel._spherical_in, sp._spherical_bessel._spherical_in_d
_kn, _kn_d = sp._spherical_bessel._spherical_kn, sp._spherical_bessel._spherical_kn_d

# ------------------------------------------------------------------------------------ Bessel (DLMF 10.6, 10.29)


def _order(function: Callable, low: float, high: float, *, scaled: float = 0.0) -> None:
    """Register y′ = low·f(v − 1) + high·f(v + 1) + scaled·y, and a difference by the order."""

    def by_argument(m: Any, y: Any, v: Any, z: Any) -> Any:
        slope = low * function(v - 1, z) + high * function(v + 1, z)
        if not scaled:
            return slope
        return slope + scaled * (np.sign(plain(z)) if scaled < 0 else 1.0) * y

    PARTIALS[function] = (by_difference(function, 0, room=None), by_argument)


for _function in (sp.jv, sp.yv, sp.jve, sp.yve, sp.hankel1, sp.hankel2):
    _order(_function, 0.5, -0.5)
_order(sp.iv, 0.5, 0.5)
_order(sp.ive, 0.5, 0.5, scaled=-1.0)
_order(sp.kv, -0.5, -0.5)
_order(sp.kve, -0.5, -0.5, scaled=1.0)


def _away_from_zero(function: Callable, z: Any) -> Any:
    """``function(z)`` with 0 where z is 0."""
    zero = plain(z) == 0
    return np.where(zero, 0.0, function(np.where(zero, 1.0, z)))


def _spherical(first: Any, slope: Any, sign: float) -> None:
    """f″ = −(2/z) f′ + (n(n+1)/z² − sign) f (DLMF 10.47.1, 10.47.2)."""
    PARTIALS[first] = (None, lambda m, y, n, z: slope(n, z))
    PARTIALS[slope] = (
        None,
        lambda m, y, n, z: -2.0 * y / z + (n * (n + 1) / z**2 - sign) * first(n, z),
    )


for _first, _slope, _sign in ((_jn, _jn_d, 1.0), (_yn, _yn_d, 1.0), (_in, _in_d, -1.0), (_kn, _kn_d, -1.0)):
    _spherical(_first, _slope, _sign)

PARTIALS.update(
    {
        sp.yn: (None, lambda m, y, n, x: 0.5 * (sp.yn(n - 1, x) - sp.yn(n + 1, x))),
        sp.kn: (None, lambda m, y, n, x: -0.5 * (sp.kn(n - 1, x) + sp.kn(n + 1, x))),
        sp.j0: (lambda m, y, x: -sp.j1(x),),
        sp.j1: (lambda m, y, x: 0.5 * (sp.j0(x) - sp.jv(2, x)),),
        sp.y0: (lambda m, y, x: -sp.y1(x),),
        sp.y1: (lambda m, y, x: 0.5 * (sp.y0(x) - sp.yn(2, x)),),
        sp.i0: (lambda m, y, x: sp.i1(x),),
        sp.i1: (lambda m, y, x: 0.5 * (sp.i0(x) + sp.iv(2, x)),),
        sp.i0e: (lambda m, y, x: sp.i1e(x) - np.sign(plain(x)) * y,),
        sp.i1e: (lambda m, y, x: 0.5 * (sp.i0e(x) + sp.ive(2, x)) - np.sign(plain(x)) * y,),
        sp.k0: (lambda m, y, x: -sp.k1(x),),
        sp.k1: (lambda m, y, x: -0.5 * (sp.k0(x) + sp.kn(2, x)),),
        sp.k0e: (lambda m, y, x: y - sp.k1e(x),),
        sp.k1e: (lambda m, y, x: y - 0.5 * (sp.k0e(x) + sp.kve(2, x)),),
        sp.struve: (
            by_difference(sp.struve, 0, room=None),
            lambda m, y, v, x: sp.struve(v - 1, x) - v / x * y,  # DLMF 11.4.27
        ),
        sp.modstruve: (
            by_difference(sp.modstruve, 0, room=None),
            lambda m, y, v, x: sp.modstruve(v - 1, x) - v / x * y,
        ),
    }
)

# ------------------------------------------------------------------------------------ elliptic (DLMF 19.4)


def _ellipk(m: Any, y: Any, k: Any) -> Any:
    slope = _away_from_zero(lambda k: (sp.ellipe(k) - (1.0 - k) * sp.ellipk(k)) / (2.0 * k * (1.0 - k)), k)
    return slope + np.where(plain(k) == 0, math.pi / 8.0, 0.0)


def _ellipe(m: Any, y: Any, k: Any) -> Any:
    slope = _away_from_zero(lambda k: (sp.ellipe(k) - sp.ellipk(k)) / (2.0 * k), k)
    return slope - np.where(plain(k) == 0, math.pi / 8.0, 0.0)


def _near_zero(function: Callable, k: Any, formula: Any, around: tuple) -> Any:
    """``formula``, with a difference where it would be a quotient of small numbers."""
    near = np.abs(plain(k)) < 0.02
    if not np.any(near):
        return formula
    phi = around[0]
    return np.where(
        near, by_difference(function, 1, room=None)(np, None, phi, np.where(near, k, 0.0)), formula
    )


def _ellipkinc(m: Any, y: Any, phi: Any, k: Any) -> Any:
    """∂F/∂m (DLMF 19.4.5)."""
    safe = np.where(plain(k) == 0, 1e-3, k)
    root = np.sqrt(1.0 - safe * np.sin(phi) ** 2)
    first = (sp.ellipeinc(phi, safe) - (1.0 - safe) * sp.ellipkinc(phi, safe)) / (2.0 * safe * (1.0 - safe))
    return _near_zero(sp.ellipkinc, k, first - np.sin(2.0 * phi) / (4.0 * (1.0 - safe) * root), (phi,))


def _ellipeinc(m: Any, y: Any, phi: Any, k: Any) -> Any:
    """∂E/∂m (DLMF 19.4.6)."""
    safe = np.where(plain(k) == 0, 1e-3, k)
    formula = (sp.ellipeinc(phi, safe) - sp.ellipkinc(phi, safe)) / (2.0 * safe)
    return _near_zero(sp.ellipeinc, k, formula, (phi,))


PARTIALS.update(
    {
        sp.ellipk: (_ellipk,),
        sp.ellipe: (_ellipe,),
        sp.ellipkm1: (lambda m, y, p: -_ellipk(m, y, 1.0 - p),),
        sp.ellipkinc: (lambda m, y, phi, k: 1.0 / np.sqrt(1.0 - k * np.sin(phi) ** 2), _ellipkinc),
        sp.ellipeinc: (lambda m, y, phi, k: np.sqrt(1.0 - k * np.sin(phi) ** 2), _ellipeinc),
        **{f: tuple(by_difference(f, k) for k in range(f.nin)) for f in (sp.elliprd, sp.elliprf, sp.elliprg)},
        sp.elliprc: (by_difference(sp.elliprc, 0), by_difference(sp.elliprc, 1)),
        sp.elliprj: tuple(by_difference(sp.elliprj, k) for k in range(4)),
    }
)

# ------------------------------------------------------------------------------------ hypergeometric (DLMF 13.3, 15.5)


def _parameters(function: Callable) -> tuple[Callable, ...]:
    """The last parameter has poles at 0, −1, −2, …"""
    last = function.nin - 2
    return tuple(
        by_difference(function, k, room=to_gamma_pole if k == last else None) for k in range(last + 1)
    )


PARTIALS.update(
    {
        sp.hyp0f1: (*_parameters(sp.hyp0f1), lambda m, y, b, z: sp.hyp0f1(b + 1.0, z) / b),
        sp.hyp1f1: (
            *_parameters(sp.hyp1f1),
            lambda m, y, a, b, z: a / b * sp.hyp1f1(a + 1.0, b + 1.0, z),
        ),
        sp.hyp2f1: (
            *_parameters(sp.hyp2f1),
            lambda m, y, a, b, c, z: a * b / c * sp.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z),
        ),
        sp.hyperu: (*_parameters(sp.hyperu), lambda m, y, a, b, z: -a * sp.hyperu(a + 1.0, b + 1.0, z)),
    }
)

# ------------------------------------------------------------------------------------ polynomials (DLMF 18.9.15)


def _polynomial(function: Callable, slope: Callable) -> None:
    """The degree does not vary; the other parameters by differences; ``slope(n, …, x)`` for n > 0."""

    def by_argument(m: Any, y: Any, n: Any, *rest: Any) -> Any:
        constant = np.asarray(plain(n)) == 0
        return np.where(constant, 0.0, slope(np.where(constant, 1, n), *rest))

    between = tuple(by_difference(function, k, room=None) for k in range(1, function.nin - 1))
    PARTIALS[function] = (None, *between, by_argument)


_polynomial(sp.eval_legendre, lambda n, x: 0.5 * (n + 1) * sp.eval_jacobi(n - 1, 1.0, 1.0, x))
_polynomial(sp.eval_chebyt, lambda n, x: n * sp.eval_chebyu(n - 1, x))
_polynomial(sp.eval_chebyu, lambda n, x: 2.0 * sp.eval_gegenbauer(n - 1, 2.0, x))
_polynomial(sp.eval_gegenbauer, lambda n, a, x: 2.0 * a * sp.eval_gegenbauer(n - 1, a + 1.0, x))
_polynomial(sp.eval_hermite, lambda n, x: 2.0 * n * sp.eval_hermite(n - 1, x))
_polynomial(sp.eval_hermitenorm, lambda n, x: n * sp.eval_hermitenorm(n - 1, x))
_polynomial(sp.eval_laguerre, lambda n, x: -sp.eval_genlaguerre(n - 1, 1.0, x))
_polynomial(sp.eval_genlaguerre, lambda n, a, x: -sp.eval_genlaguerre(n - 1, a + 1.0, x))
_polynomial(
    sp.eval_jacobi, lambda n, a, b, x: 0.5 * (n + a + b + 1) * sp.eval_jacobi(n - 1, a + 1.0, b + 1.0, x)
)

# ------------------------------------------------------------------------------------ several values at once


def _several(function: Callable, slopes: Callable) -> None:
    """A function of one variable with several values: ``slopes(values, x)`` are their derivatives."""

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        if len(args) > 1:
            raise no_rule(function, "results written into given arrays")
        (x,) = args
        values = function(x, **kwargs)

        def several_pullback(bars: Any) -> list[Any]:
            return [sum(bar * s for bar, s in zip(bars, slopes(values, x), strict=True))]

        return values, several_pullback

    add_rule(Rule(function, forward, leaves=(0,)))


_several(sp.airy, lambda v, x: (v[1], x * v[0], v[3], x * v[2]))
_several(sp.fresnel, lambda v, x: (np.sin(0.5 * math.pi * x * x), np.cos(0.5 * math.pi * x * x)))
_several(sp.sici, lambda v, x: (np.sinc(x / math.pi), np.cos(x) / x))
_several(sp.shichi, lambda v, x: (np.sinh(x) / x, np.cosh(x) / x))


def _ellipj(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Jacobi's sn, cn, dn and the amplitude (DLMF 22.13.1); by the parameter, differences of order eight."""
    u, k = args
    values = sp.ellipj(u, k)

    def ellipj_pullback(bars: Any) -> list[Any]:
        sn, cn, dn, _ = values
        by_u = (cn * dn, -sn * dn, -k * sn * cn, dn)
        found = [sum(bar * s for bar, s in zip(bars, by_u, strict=True))]
        by_m = [by_difference(lambda u, m, j=j: sp.ellipj(u, m)[j], 1, room=to_zero_or_one) for j in range(4)]
        found.append(
            sum(bar * s(np, None, u, k) for bar, s in zip(bars, by_m, strict=True)) if 1 in needs else 0
        )
        return [found[n] for n in needs]

    return values, ellipj_pullback


add_rule(Rule(sp.ellipj, _ellipj, leaves=(0, 1)))

# ------------------------------------------------------------------------------------ along axes


@stands_in(sp.logsumexp)
def _logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log Σ b exp(a), with the largest element taken out."""
    top = np.max(plain(a), axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    terms = np.exp(a - top) if b is None else b * np.exp(a - top)
    total = np.sum(terms, axis=axis, keepdims=keepdims)
    top = top if keepdims else np.reshape(top, np.shape(plain(total)))
    if return_sign:
        sign = np.sign(plain(total))
        return np.log(total * sign) + top, sign
    return np.log(total) + top


@stands_in(sp.softmax)
def _softmax(x, axis=None):
    shifted = np.exp(x - np.max(plain(x), axis=axis, keepdims=True))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


@stands_in(sp.log_softmax)
def _log_softmax(x, axis=None):
    shifted = x - np.max(plain(x), axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@stands_in(sp.multigammaln)
def _multigammaln(a, d):
    """log Γ_d(a) = d(d−1)/4 log π + Σ log Γ(a − j/2) (DLMF 35.3.4)."""
    total = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(d):
        total = total + sp.gammaln(a - 0.5 * j)
    return total


@stands_in(sp.polygamma)
def _polygamma(n, x):
    """ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x) (DLMF 25.11.12)."""
    n = np.asarray(n)
    higher = (-1.0) ** (n + 1) * sp.gamma(n + 1.0) * sp._ufuncs._zeta(n + 1.0, x)
    return np.where(n == 0, sp.psi(x), higher) if np.any(n == 0) else higher
