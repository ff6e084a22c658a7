"""Universal functions of ``scipy.special``: one partial for each operand.

Where a derivative by a parameter (the order of a Bessel function, the shape of an incomplete gamma function) has no
closed form, it is a central difference of order eight in that parameter: about eleven digits of the function's own
scale. Source of the closed forms: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the
numbers in the comments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import NON_DIFFERENTIABLE, PARTIALS
from workbench.autodiff.telling import plain
from workbench.rules.scipy_special_densities import beta_density, f_density, gamma_density, t_density
from workbench.rules.scipy_special_gamma import trigamma

_SQRT_PI = math.sqrt(math.pi)
_SQRT_2PI = math.sqrt(2.0 * math.pi)
_DEGREE = math.pi / 180.0
# where the series of w in 1/z² takes the place of formulas that lose |z|² in digits
_FAR = 100.0
# weights of f(p + k h) - f(p - k h), k = 1 … 4
_STENCIL = (4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0)

Partial = Callable[..., Any]


def to_zero(p: np.ndarray) -> np.ndarray:
    """The distance to the end of the positive numbers."""
    return np.abs(p)


def to_gamma_pole(p: np.ndarray) -> np.ndarray:
    """The distance to the nearest of 0, −1, −2, …"""
    return np.where(p > 0, p, np.abs(p - np.round(p)))


def to_one(p: np.ndarray) -> np.ndarray:
    """The distance to 1."""
    return np.abs(p - 1.0)


def to_zero_or_one(p: np.ndarray) -> np.ndarray:
    """The distance to the nearer end of the unit interval."""
    return np.minimum(np.abs(p), np.abs(1.0 - p))


def by_difference(
    function: Callable, position: int, *, room: Callable[[np.ndarray], np.ndarray] | None = to_zero
) -> Partial:
    """The partial by a parameter in which ``function`` is smooth, from its values around.

    Args:
        function: a universal function.
        position: of the parameter.
        room: how far the parameter is from where the function ends or has a pole; None where it is entire.
    """

    def partial(m: Any, y: Any, *x: Any) -> Any:
        here = np.asarray(plain(x[position]), float)
        step = 0.02 * np.maximum(1.0, np.sqrt(np.abs(here)))
        if room is not None:
            step = np.minimum(step, 0.01 * room(here))
        return stencil(function, position, step, x)

    return partial


def by_ratio(function: Callable, position: int) -> Partial:
    """The same for a homogeneous ``function``: steps along the ray from 0 suit any size and cross no complex cut."""
    return lambda m, y, *x: stencil(function, position, 0.01 * np.asarray(plain(x[position])), x)


def stencil(function: Callable, position: int, step: Any, x: tuple) -> Any:
    """The central difference of order eight."""
    total: Any = 0.0
    for k, weight in enumerate(_STENCIL, start=1):
        up, down = (function(*x[:position], x[position] + s * k * step, *x[position + 1 :]) for s in (1, -1))
        total = total + weight * (up - down)
    return total / step


def over(y: Any, x: Any, limit: float) -> Any:
    """y / x with its limit where x is 0."""
    zero = plain(x) == 0
    return np.where(zero, limit, y / np.where(zero, 1.0, x))


def _expn_slope(n: Any, x: Any) -> Any:
    """−E_{n−1}(x), which SciPy does not have for n = 0; the order is a whole number there."""
    below = np.exp(-x) * (1.0 + x) / (x * x)
    return -np.where(plain(n) == 0, below, sp.expn(np.maximum(n - 1, 0), x))


def _off_poles(function: Callable, position: int, formula: Partial) -> Partial:
    """``formula`` where it is finite: at poles of its digamma functions, a difference."""
    around = by_difference(function, position, room=None)

    def partial(m: Any, y: Any, *x: Any) -> Any:
        found = formula(m, y, *x)
        finite = np.isfinite(plain(found))
        return found if np.all(finite) else np.where(finite, found, around(m, y, *x))

    return partial


def _normal(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return np.exp(-0.5 * x * x) / _SQRT_2PI


def _inverse(density: Callable, forward: Callable, count: int, sign: float) -> tuple[Partial, ...]:
    """Partials of the inverse of ``p = forward(*parameters, x)`` whose last operand is p."""

    def last(m: Any, y: Any, *args: Any) -> Any:
        return sign / density(*args[:-1], y)

    def parameter(position: int) -> Partial:
        slope = by_difference(forward, position)
        return lambda m, y, *args: -sign * slope(m, None, *args[:-1], y) / density(*args[:-1], y)

    return (*(parameter(k) for k in range(count)), last)


def _exprel(m: Any, y: Any, x: Any) -> Any:
    near = np.abs(plain(x)) < 1e-2
    series = 0.5 + x / 3.0 + x**2 / 8.0 + x**3 / 30.0 + x**4 / 144.0 + x**5 / 840.0
    return np.where(near, series, (np.exp(x) - y) / np.where(near, 1.0, x))


def near_zero(x: Any, inside: Callable, beside: Callable) -> Any:
    """``inside(x)`` within 0.1 of 0 and ``beside(x)`` elsewhere; neither is asked for what is the other's.

    ``inside`` is the series of a quotient of small numbers: its derivatives are right at 0 and digits are not lost.
    """
    near = np.abs(plain(x)) < 0.1
    return np.where(near, inside(np.where(near, x, 0.05)), beside(np.where(near, 0.5, x)))


def _spence(m: Any, y: Any, x: Any) -> Any:
    """ln x / (1 − x), near 1 by DLMF 15.4.1."""
    return near_zero(1.0 - x, lambda t: -sp.hyp2f1(1.0, 1.0, 2.0, t), lambda t: np.log(x) / t)


def _huber_by_delta(m: Any, y: Any, d: Any, r: Any) -> Any:
    return np.where(np.abs(plain(r)) > plain(d), np.abs(r) - d, 0.0)


def _pseudo_huber(d: Any, r: Any) -> Any:
    return np.sqrt(1.0 + (r / d) ** 2)


def _far(t: Any, weights: tuple[float, ...]) -> Any:
    """Σ weights_k t^k."""
    total: Any = weights[-1]
    for weight in weights[-2::-1]:
        total = weight + t * total
    return total


_SLOPE_FAR, _BEND_FAR = (1.0, 3.0, 15.0, 105.0, 945.0), (1.0, 6.0, 45.0, 420.0, 4725.0)


def _wofz_slope(z: Any) -> Any:
    """w′(z) = −2 z w(z) + 2 i/√π (DLMF 7.10.2), which is all rounding far from 0: there by DLMF 7.12.1."""
    far = np.abs(plain(z)) > _FAR
    near = -2.0 * z * sp.wofz(z) + 2.0j / _SQRT_PI
    if not np.any(far):
        return near
    u = 1.0 / np.where(far, z, _FAR)
    w = np.where(far & (np.imag(plain(z)) < 0), z, 0.0)
    beyond = -1.0j / _SQRT_PI * u * u * _far(0.5 * u * u, _SLOPE_FAR) - 4.0 * w * np.exp(-w * w)
    return np.where(far, beyond, near)


def _wofz_bend(z: Any) -> Any:
    """w″(z) = −2 w(z) − 2 z w′(z) for z in the upper half-plane, far from 0 by its series."""
    far = np.abs(plain(z)) > _FAR
    u = 1.0 / np.where(far, z, _FAR)
    beyond = 2.0j / _SQRT_PI * u * u * u * _far(0.5 * u * u, _BEND_FAR)
    return np.where(far, beyond, -2.0 * sp.wofz(z) - 2.0 * z * _wofz_slope(z))


def _erfcx(m: Any, y: Any, x: Any) -> Any:
    """2 x y − 2/√π, which is i w′(i x)."""
    if np.iscomplexobj(plain(x)):
        return 1.0j * _wofz_slope(1.0j * x)
    far = plain(x) > _FAR
    u = 1.0 / np.where(far, x, _FAR)
    return np.where(far, -u * u * _far(-0.5 * u * u, _SLOPE_FAR) / _SQRT_PI, 2.0 * x * y - 2.0 / _SQRT_PI)


def _dawsn(m: Any, y: Any, x: Any) -> Any:
    """1 − 2 x y, which is −i √π (x exp(−x²) + w′(x) / 2)."""
    if np.iscomplexobj(plain(x)):
        return -1.0j * _SQRT_PI * (x * np.exp(-x * x) + 0.5 * _wofz_slope(x))
    far = np.abs(plain(x)) > _FAR
    u = 1.0 / np.where(far, x, _FAR)
    return np.where(far, -0.5 * u * u * _far(0.5 * u * u, _SLOPE_FAR), 1.0 - 2.0 * x * y)


def _log_ndtr(x: Any) -> Any:
    """The density over the distribution; in the lower tail, where both vanish, √(2/π) / erfcx(−x/√2)."""
    low = np.real(plain(x)) < -1.0
    tail = math.sqrt(2.0 / math.pi) / sp.erfcx(-np.where(low, x, -1.0) / math.sqrt(2.0))
    x = np.where(low, 0.0, x)
    return np.where(low, tail, np.exp(-0.5 * x * x - sp.log_ndtr(x)) / _SQRT_2PI)


def _voigt(x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any]:
    """Argument and scale of V = Re w(z) / (σ √2π), z = (x + iγ)/(σ √2)."""
    z = (x + 1.0j * gamma) / (sigma * math.sqrt(2.0))
    return z, 1.0 / (sigma * _SQRT_2PI)


def _voigt_by_x(m: Any, y: Any, x: Any, s: Any, g: Any) -> Any:
    z, scale = _voigt(x, s, g)
    return np.real(_wofz_slope(z)) * scale / (s * math.sqrt(2.0))


def _voigt_by_sigma(m: Any, y: Any, x: Any, s: Any, g: Any) -> Any:
    """σ ∂²V/∂x²: a normal distribution spreads as heat does."""
    z, scale = _voigt(x, s, g)
    return 0.5 * np.real(_wofz_bend(z)) * scale / s


def _voigt_by_gamma(m: Any, y: Any, x: Any, s: Any, g: Any) -> Any:
    z, scale = _voigt(x, s, g)
    return -np.imag(_wofz_slope(z)) * scale / (s * math.sqrt(2.0))


# name: one partial per operand, each (m, y, *x)
TABLE: dict[str, tuple[Partial | None, ...]] = {
    # error functions (DLMF 7.10)
    "erf": (lambda m, y, x: 2.0 / _SQRT_PI * np.exp(-x * x),),
    "erfc": (lambda m, y, x: -2.0 / _SQRT_PI * np.exp(-x * x),),
    "erfcx": (_erfcx,),
    "erfi": (lambda m, y, x: 2.0 / _SQRT_PI * np.exp(x * x),),
    "erfinv": (lambda m, y, x: 0.5 * _SQRT_PI * np.exp(y * y),),
    "erfcinv": (lambda m, y, x: -0.5 * _SQRT_PI * np.exp(y * y),),
    "dawsn": (_dawsn,),
    "wofz": (lambda m, y, z: _wofz_slope(z),),
    "voigt_profile": (_voigt_by_x, _voigt_by_sigma, _voigt_by_gamma),
    "ndtr": (lambda m, y, x: _normal(x),),
    "ndtri": (lambda m, y, p: 1.0 / _normal(y),),
    "log_ndtr": (lambda m, y, x: _log_ndtr(x),),
    "ndtri_exp": (lambda m, y, x: 1.0 / _log_ndtr(y),),
    "owens_t": (
        lambda m, y, h, a: -0.5 * _normal(h) * sp.erf(a * h / math.sqrt(2.0)),
        lambda m, y, h, a: np.exp(-0.5 * h * h * (1.0 + a * a)) / (2.0 * math.pi * (1.0 + a * a)),
    ),
    # logistic and entropies
    "expit": (lambda m, y, x: y * (1.0 - y),),
    "logit": (lambda m, y, x: 1.0 / (x * (1.0 - x)),),
    "log_expit": (lambda m, y, x: sp.expit(-x),),
    "entr": (lambda m, y, x: -np.log(x) - 1.0,),
    "rel_entr": (lambda m, y, a, b: np.log(a / b) + 1.0, lambda m, y, a, b: -a / b),
    "kl_div": (lambda m, y, a, b: np.log(a / b), lambda m, y, a, b: 1.0 - a / b),
    "xlogy": (lambda m, y, a, b: np.log(b), lambda m, y, a, b: a / b),
    "xlog1py": (lambda m, y, a, b: np.log1p(b), lambda m, y, a, b: a / (1.0 + b)),
    "huber": (_huber_by_delta, lambda m, y, d, r: np.clip(r, -d, d)),
    "pseudo_huber": (
        lambda m, y, d, r: 2.0 * d * (_pseudo_huber(d, r) - 1.0) - r * r / (d * _pseudo_huber(d, r)),
        lambda m, y, d, r: r / _pseudo_huber(d, r),
    ),
    "boxcox": (lambda m, y, x, k: np.power(x, k - 1.0), by_difference(sp.boxcox, 1, room=None)),
    "boxcox1p": (lambda m, y, x, k: np.power(1.0 + x, k - 1.0), by_difference(sp.boxcox1p, 1, room=None)),
    "inv_boxcox": (lambda m, y, x, k: y ** (1.0 - k), by_difference(sp.inv_boxcox, 1, room=None)),
    "inv_boxcox1p": (
        lambda m, y, x, k: (1.0 + y) ** (1.0 - k),
        by_difference(sp.inv_boxcox1p, 1, room=None),
    ),
    # elementary functions in another form
    "cbrt": (lambda m, y, x: 1.0 / (3.0 * y * y),),
    "cosdg": (lambda m, y, x: -_DEGREE * sp.sindg(x),),
    "sindg": (lambda m, y, x: _DEGREE * sp.cosdg(x),),
    "tandg": (lambda m, y, x: _DEGREE * (1.0 + y * y),),
    "cotdg": (lambda m, y, x: -_DEGREE * (1.0 + y * y),),
    "cosm1": (lambda m, y, x: -np.sin(x),),
    "exp2": (lambda m, y, x: math.log(2.0) * y,),
    "exp10": (lambda m, y, x: math.log(10.0) * y,),
    "expm1": (lambda m, y, x: y + 1.0,),
    "exprel": (_exprel,),
    "log1p": (lambda m, y, x: 1.0 / (1.0 + x),),
    "powm1": (lambda m, y, a, b: b * a ** (b - 1.0), lambda m, y, a, b: (y + 1.0) * np.log(a)),
    "radian": (
        lambda m, y, d, a, b: _DEGREE,
        lambda m, y, d, a, b: _DEGREE / 60.0,
        lambda m, y, d, a, b: _DEGREE / 3600.0,
    ),
    "agm": (by_ratio(sp.agm, 0), by_ratio(sp.agm, 1)),
    # gamma functions (DLMF 5.2, 8.8, 8.17)
    "gamma": (lambda m, y, x: y * sp.psi(x),),
    "gammaln": (lambda m, y, x: sp.psi(x),),
    "loggamma": (lambda m, y, x: sp.psi(x),),
    "rgamma": (_off_poles(sp.rgamma, 0, lambda m, y, x: -y * sp.psi(x)),),
    "psi": (lambda m, y, x: trigamma(x),),
    "digamma": (lambda m, y, x: trigamma(x),),
    "beta": (
        lambda m, y, a, b: y * (sp.psi(a) - sp.psi(a + b)),
        lambda m, y, a, b: y * (sp.psi(b) - sp.psi(a + b)),
    ),
    "betaln": (
        lambda m, y, a, b: sp.psi(a) - sp.psi(a + b),
        lambda m, y, a, b: sp.psi(b) - sp.psi(a + b),
    ),
    "binom": (
        _off_poles(sp.binom, 0, lambda m, y, n, k: y * (sp.psi(n + 1.0) - sp.psi(n - k + 1.0))),
        _off_poles(sp.binom, 1, lambda m, y, n, k: y * (sp.psi(n - k + 1.0) - sp.psi(k + 1.0))),
    ),
    "poch": (
        _off_poles(sp.poch, 0, lambda m, y, z, k: y * (sp.psi(z + k) - sp.psi(z))),
        _off_poles(sp.poch, 1, lambda m, y, z, k: y * sp.psi(z + k)),
    ),
    "gammainc": (by_difference(sp.gammainc, 0), lambda m, y, a, x: gamma_density(a, x)),
    "gammaincc": (by_difference(sp.gammaincc, 0), lambda m, y, a, x: -gamma_density(a, x)),
    "gammaincinv": _inverse(gamma_density, sp.gammainc, 1, 1.0),
    "gammainccinv": _inverse(gamma_density, sp.gammaincc, 1, -1.0),
    "betainc": (
        by_difference(sp.betainc, 0),
        by_difference(sp.betainc, 1),
        lambda m, y, a, b, x: beta_density(a, b, x),
    ),
    "betaincc": (
        by_difference(sp.betaincc, 0),
        by_difference(sp.betaincc, 1),
        lambda m, y, a, b, x: -beta_density(a, b, x),
    ),
    "betaincinv": _inverse(beta_density, sp.betainc, 2, 1.0),
    "betainccinv": _inverse(beta_density, sp.betaincc, 2, -1.0),
    # distributions
    "stdtr": (by_difference(sp.stdtr, 0), lambda m, y, n, t: t_density(n, t)),
    "stdtrit": _inverse(t_density, sp.stdtr, 1, 1.0),
    "chdtr": (by_difference(sp.chdtr, 0), lambda m, y, n, x: 0.5 * gamma_density(0.5 * n, 0.5 * x)),
    "chdtrc": (by_difference(sp.chdtrc, 0), lambda m, y, n, x: -0.5 * gamma_density(0.5 * n, 0.5 * x)),
    "chdtri": _inverse(lambda n, x: 0.5 * gamma_density(0.5 * n, 0.5 * x), sp.chdtrc, 1, -1.0),
    "fdtr": (by_difference(sp.fdtr, 0), by_difference(sp.fdtr, 1), lambda m, y, *x: f_density(*x)),
    "fdtrc": (by_difference(sp.fdtrc, 0), by_difference(sp.fdtrc, 1), lambda m, y, *x: -f_density(*x)),
    "fdtri": _inverse(f_density, sp.fdtr, 2, 1.0),
    # exponential and other integrals (DLMF 6.2, 25.12)
    "expi": (lambda m, y, x: np.exp(x) / x,),
    "exp1": (lambda m, y, x: -np.exp(-x) / x,),
    "expn": (None, lambda m, y, n, x: _expn_slope(np.trunc(n), x)),
    "spence": (_spence,),
    "wrightomega": (lambda m, y, x: y / (1.0 + y),),
    # zeta (DLMF 25.11.17)
    "zetac": (by_difference(sp.zetac, 0, room=to_one),),
    "_zeta": (
        by_difference(sp._ufuncs._zeta, 0, room=to_one),
        lambda m, y, s, q: -s * sp._ufuncs._zeta(s + 1.0, q),
    ),
    "_riemann_zeta": (by_difference(sp._ufuncs._riemann_zeta, 0, room=to_one),),
    "_log1pmx": (lambda m, y, x: -x / (1.0 + x),),
    "_lambertw": (lambda m, y, z, k, tol: 1.0 / (np.exp(y) * (1.0 + y)), None, None),
}

for _name, _partials in TABLE.items():
    PARTIALS[getattr(sp._ufuncs if _name.startswith("_") else sp, _name)] = _partials
for _name in ("gammasgn", "round"):
    NON_DIFFERENTIABLE.add(getattr(sp, _name))

from workbench.rules import (  # noqa: E402, F401  the rest of the package
    scipy_special_branches,
    scipy_special_distributions,
    scipy_special_families,
    scipy_special_legendre,
    scipy_special_parameters,
    scipy_special_scaled,
    scipy_special_several,
    scipy_special_waves,
)
