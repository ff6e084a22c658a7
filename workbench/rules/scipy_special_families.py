"""Families of ``scipy.special``: Bessel, elliptic and hypergeometric functions, orthogonal polynomials, and those
functions that work along axes.

Source of the formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the numbers in the
comments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import PARTIALS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_special import by_difference, by_ratio, near_zero, over, stencil, to_gamma_pole
from workbench.rules.stand_ins import no_rule, stands_in

_jn, _jn_d = sp._spherical_bessel._spherical_jn, sp._spherical_bessel._spherical_jn_d
_yn, _yn_d = sp._spherical_bessel._spherical_yn, sp._spherical_bessel._spherical_yn_d
_in, _in_d = sp._spherical_bessel._spherical_in, sp._spherical_bessel._spherical_in_d
_kn, _kn_d = sp._spherical_bessel._spherical_kn, sp._spherical_bessel._spherical_kn_d

# ------------------------------------------------------------------------------------ Bessel (DLMF 10.6, 10.29)


def _by_order(function: Callable) -> Callable:
    """The partial by the order v, from values around: they grow or fall by a factor of 2 |v| / |z| for a step of one,
    and those of negative orders have sin(π v) in them."""

    def partial(m: Any, y: Any, v: Any, z: Any) -> Any:
        here, size = np.asarray(plain(v), float), np.maximum(np.abs(plain(z)), 1e-300)
        rate = np.log(np.maximum(2.0 * np.abs(here) / size, 1.0)) + np.where(here < 0, math.pi, 0.0)
        step = np.minimum(0.02 * np.maximum(1.0, np.sqrt(np.abs(here))), 0.05 / np.maximum(rate, 1e-3))
        return stencil(function, 0, step, (v, z))

    return partial


def _order(function: Callable, low: float, high: float, *, scaled: complex = 0.0) -> None:
    """Register y′ = low·f(v − 1) + high·f(v + 1) + scaled·y, and a difference by the order."""

    def by_argument(m: Any, y: Any, v: Any, z: Any) -> Any:
        return low * function(v - 1, z) + high * function(v + 1, z) + scaled * y

    PARTIALS[function] = (_by_order(function), by_argument)


def _of_real(function: Callable, formula: Callable) -> Callable:
    """A partial by a real argument: with |Re z| or |Im z| in it the function has no complex derivative."""

    def partial(m: Any, y: Any, *x: Any) -> Any:
        if np.iscomplexobj(plain(x[-1])):
            raise no_rule(function, "complex arguments")
        return formula(m, y, *x)

    return partial


for _function in (sp.jv, sp.yv, sp.jve, sp.yve, sp.hankel1, sp.hankel2):
    _order(_function, 0.5, -0.5)
_order(sp.iv, 0.5, 0.5)
_order(sp.hankel1e, 0.5, -0.5, scaled=-1.0j)
_order(sp.hankel2e, 0.5, -0.5, scaled=1.0j)
PARTIALS[sp.ive] = (
    _by_order(sp.ive),
    lambda m, y, v, x: 0.5 * (sp.ive(v - 1, x) + sp.ive(v + 1, x)) - np.sign(plain(x)) * y,
)
for _function in (sp.jve, sp.yve, sp.ive):
    PARTIALS[_function] = (PARTIALS[_function][0], _of_real(_function, PARTIALS[_function][1]))
_order(sp.kv, -0.5, -0.5)
_order(sp.kve, -0.5, -0.5, scaled=1.0)


def _struve(function: Callable, sign: float) -> Callable:
    """f_v′ = f_{v−1} − v f_v / x; near 0 without a quotient (DLMF 11.4.23 to 11.4.27)."""

    def slope(m: Any, y: Any, v: Any, x: Any) -> Any:
        def inside(x: Any) -> Any:
            rest = (x / 2.0) ** v / (math.sqrt(math.pi) * sp.gamma(v + 1.5))
            return 0.5 * (function(v - 1.0, x) + sign * function(v + 1.0, x) + rest)

        return near_zero(x, inside, lambda x: function(v - 1.0, x) - v * function(v, x) / x)

    return slope


def _besselpoly(m: Any, y: Any, a: Any, k: Any, v: Any) -> Any:
    if np.any(np.abs(plain(a)) > 10.0):
        raise no_rule(sp.besselpoly, "numbers above 10: SciPy's series lacks digits there")
    return sp.besselpoly(a, k + 1.0, v - 1.0) - sp.besselpoly(a, k + 1.0, v + 1.0)


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
        sp.yn: (None, lambda m, y, n, x: 0.5 * (sp.yn(np.trunc(n) - 1, x) - sp.yn(np.trunc(n) + 1, x))),
        sp.kn: (None, lambda m, y, n, x: -0.5 * (sp.kn(np.trunc(n) - 1, x) + sp.kn(np.trunc(n) + 1, x))),
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
            _struve(sp.struve, -1.0),
        ),
        sp.modstruve: (
            by_difference(sp.modstruve, 0, room=None),
            _struve(sp.modstruve, 1.0),
        ),
        # Kelvin functions (DLMF 10.61.2): w = ber + i bei and ker + i kei have x² w″ + x w′ = i x² w
        sp.ber: (lambda m, y, x: sp.berp(x),),
        sp.bei: (lambda m, y, x: sp.beip(x),),
        sp.ker: (lambda m, y, x: sp.kerp(x),),
        sp.kei: (lambda m, y, x: sp.keip(x),),
        sp.berp: (lambda m, y, x: -sp.bei(x) - over(y, x, 0.0),),
        sp.beip: (lambda m, y, x: sp.ber(x) - over(y, x, 0.5),),
        sp.kerp: (lambda m, y, x: -sp.kei(x) - y / x,),
        sp.keip: (lambda m, y, x: sp.ker(x) - y / x,),
        # integrals of J (DLMF 10.6.1), and of Struve functions
        sp.besselpoly: (_besselpoly, None, None),
        sp.itstruve0: (lambda m, y, x: sp.struve(0, x),),
        sp.itmodstruve0: (lambda m, y, x: sp.modstruve(0, x),),
        sp.it2struve0: (lambda m, y, x: -over(sp.struve(0, x), x, 2.0 / math.pi),),
        # Wright's function: Σ x^k / (k! Γ(a k + b))
        sp.wright_bessel: (None, None, lambda m, y, a, b, x: sp.wright_bessel(a, a + b, x)),
        sp.log_wright_bessel: (
            None,
            None,
            lambda m, y, a, b, x: np.exp(sp.log_wright_bessel(a, a + b, x) - y),
        ),
    }
)

# ------------------------------------------------------------------------------------ elliptic (DLMF 19.4)


def _ellipk(m: Any, y: Any, k: Any) -> Any:
    return near_zero(
        k,
        lambda k: math.pi / 8.0 * sp.hyp2f1(1.5, 1.5, 2.0, k),
        lambda k: (sp.ellipe(k) - (1.0 - k) * sp.ellipk(k)) / (2.0 * k * (1.0 - k)),
    )


def _ellipe(m: Any, y: Any, k: Any) -> Any:
    return near_zero(
        k,
        lambda k: -math.pi / 8.0 * sp.hyp2f1(0.5, 1.5, 2.0, k),
        lambda k: (sp.ellipe(k) - sp.ellipk(k)) / (2.0 * k),
    )


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
        **{f: tuple(by_ratio(f, k) for k in range(f.nin)) for f in (sp.elliprd, sp.elliprf, sp.elliprg)},
        sp.elliprc: (by_ratio(sp.elliprc, 0), by_ratio(sp.elliprc, 1)),
        sp.elliprj: tuple(by_ratio(sp.elliprj, k) for k in range(4)),
    }
)

# ------------------------------------------------------------------------------------ hypergeometric (DLMF 13.3, 15.5)


def _parameters(function: Callable) -> tuple[Callable, ...]:
    """The last parameter has poles at 0, −1, −2, …"""
    last = function.nin - 2
    return tuple(
        by_difference(function, k, room=to_gamma_pole if k == last else None) for k in range(last + 1)
    )


def _hyp2f1_by_argument(m: Any, y: Any, a: Any, b: Any, c: Any, z: Any) -> Any:
    """DLMF 15.5.1, next to a pole at 1 by Euler's transformation (15.8.1): SciPy's function is infinite there."""
    if np.iscomplexobj(plain(z)):
        return a * b / c * sp.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z)
    power = c - a - b - 1.0
    near = (plain(z) > 1.0 - 1e-8) & (plain(z) < 1.0) & (plain(power) < 0.0)
    far, close = np.where(near, 0.5, z), np.where(near, z, 0.5)
    by_euler = (1.0 - close) ** power * sp.hyp2f1(c - a, c - b, c + 1.0, close)
    return a * b / c * np.where(near, by_euler, sp.hyp2f1(a + 1.0, b + 1.0, c + 1.0, far))


PARTIALS.update(
    {
        sp.hyp0f1: (*_parameters(sp.hyp0f1), lambda m, y, b, z: sp.hyp0f1(b + 1.0, z) / b),
        sp.hyp1f1: (
            *_parameters(sp.hyp1f1),
            lambda m, y, a, b, z: a / b * sp.hyp1f1(a + 1.0, b + 1.0, z),
        ),
        sp.hyp2f1: (
            *_parameters(sp.hyp2f1),
            _hyp2f1_by_argument,
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

_polynomial(sp.eval_chebyc, lambda n, x: n * sp.eval_chebys(n - 1, x))
_polynomial(sp.eval_chebys, lambda n, x: sp.eval_gegenbauer(n - 1, 2.0, 0.5 * x))
_polynomial(sp.eval_sh_chebyt, lambda n, x: 2.0 * n * sp.eval_sh_chebyu(n - 1, x))
_polynomial(sp.eval_sh_chebyu, lambda n, x: 4.0 * sp.eval_gegenbauer(n - 1, 2.0, 2.0 * x - 1.0))
_polynomial(sp.eval_sh_legendre, lambda n, x: (n + 1) * sp.eval_jacobi(n - 1, 1.0, 1.0, 2.0 * x - 1.0))
_polynomial(sp.eval_sh_jacobi, lambda n, p, q, x: n * sp.eval_sh_jacobi(n - 1, p + 2.0, q + 1.0, x))

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


@stands_in(sp.diric)
def _diric(x, n):
    """The mean of cos((k − (n − 1)/2) x) for k from 0 to n − 1: smooth also at multiples of 2π, where the quotient
    sin(n x/2) / (n sin(x/2)) has no digits left, and SciPy gives ±1 on an interval around."""
    if contains_traced(n):
        raise no_rule(sp.diric, "a period that varies: it is a whole number")
    n = np.asarray(n)[..., None]
    whole = np.where((n > 0) & (n == np.floor(n)), n, np.nan)
    k = np.arange(np.max(whole, initial=1, where=np.isfinite(whole)))
    waves = np.cos(np.expand_dims(x, -1) * (k - (whole - 1) / 2))
    return np.sum(waves * np.where(k >= whole, 0.0, 1.0 / whole), axis=-1)


@stands_in(sp.polygamma)
def _polygamma(n, x):
    """ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x) (DLMF 25.11.12)."""
    n = np.asarray(n)
    higher = (-1.0) ** (n + 1) * sp.gamma(n + 1.0) * sp._ufuncs._zeta(n + 1.0, x)
    return np.where(n == 0, sp.psi(x), higher) if np.any(n == 0) else higher
