"""Distribution functions of ``scipy.special``: binomial to noncentral ones, and inverses by their variable.

An inverse has its derivatives by the implicit function theorem from those of the distribution function. Inverses by a
parameter have no rule: SciPy searches for them within bounds, and returns a bound where there is no solution. Those of
noncentral distributions are sums over Poisson weights, or integrals over the chi distribution, of positive terms.
Whole numbers (counts, numbers of trials) do not vary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import PARTIALS
from workbench.autodiff.telling import plain
from workbench.rules.scipy_special import TABLE, Partial, _normal
from workbench.rules.scipy_special_densities import beta_density, gamma_density

Partials = tuple[Partial | None, ...]

_SQRT_2PI = math.sqrt(2.0 * math.pi)


def implicit(forward: Partials, solved: int) -> Partials:
    """Partials of the inverse of F(x₀, x₁, …) by ``x_solved``, whose argument in that place is F's value.

    Args:
        forward: the partials of F.
        solved: which argument the inverse returns.
    """

    def given(m: Any, y: Any, *x: Any) -> Any:
        return 1.0 / forward[solved](m, x[solved], *x[:solved], y, *x[solved + 1 :])

    def parameter(k: int) -> Partial | None:
        if forward[k] is None:
            return None

        def partial(m: Any, y: Any, *x: Any) -> Any:
            at = (*x[:solved], y, *x[solved + 1 :])
            return -forward[k](m, x[solved], *at) / forward[solved](m, x[solved], *at)

        return partial

    return tuple(given if k == solved else parameter(k) for k in range(len(forward)))


def _negative(partials: Partials) -> Partials:
    return tuple(p if p is None else (lambda m, y, *x, p=p: -p(m, y, *x)) for p in partials)


def _row(x: Any) -> Any:
    """With an axis for the terms of a sum."""
    return np.expand_dims(x, -1)


# ------------------------------------------------------------------------------------ central distributions

_BETA, _BETA_C, _GAMMA = (TABLE[n] for n in ("betainc", "betaincc", "gammainc"))
# P(at most k of n successes) = I_{1−p}(n − k, k + 1) (DLMF 8.17.5)
_BINOMIAL: Partials = (
    None,
    None,
    lambda m, y, k, n, p: -beta_density(np.floor(k) + 1.0, np.trunc(n) - np.floor(k), p),
)
# P(at most k failures before n successes) = I_p(n, k + 1), of which SciPy cuts both to whole numbers
_NEGATIVE: Partials = (None, None, lambda m, y, k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1.0, p))
_POISSON: Partials = (None, lambda m, y, k, rate: -gamma_density(np.floor(k) + 1.0, rate))
# I_a·x(b), the gamma distribution
_GDTR: Partials = (
    lambda m, y, a, b, x: x * gamma_density(b, a * x),
    lambda m, y, a, b, x: _GAMMA[0](m, y, b, a * x),
    lambda m, y, a, b, x: a * gamma_density(b, a * x),
)


# ------------------------------------------------------------------------------------ noncentral χ² and F


def _poisson_sum(nc: Any, peak: Any, term: Callable) -> Any:
    """Σ_j e^(−nc/2) (nc/2)^j / j! · term(j), over the j around ``peak``, where weight times term is largest."""
    middle = np.concatenate([np.ravel(plain(peak)), np.ravel(0.5 * plain(nc))])
    middle = middle[np.isfinite(middle)] if np.any(np.isfinite(middle)) else np.zeros(1)
    low, high = np.clip([np.min(middle), np.max(middle)], 0.0, None)
    first = max(0.0, math.floor(low - 9.0 * math.sqrt(low) - 20.0))
    j = np.arange(first, high + 9.0 * math.sqrt(high) + 40.0)
    rate = 0.5 * _row(nc)
    weight = np.exp(sp.xlogy(j, rate) - rate - sp.gammaln(j + 1.0))
    return np.sum(weight * term(j), axis=-1)


def _chi_peak(x: Any, df: Any, nc: Any) -> Any:
    """Where nc/2 · x/2 = j (df/2 + j)."""
    x, df, nc = np.abs(plain(x)), plain(df), np.abs(plain(nc))
    return np.sqrt(0.25 * x * nc + (0.25 * df) ** 2) - 0.25 * df


def noncentral_chi_density(x: Any, df: Any, nc: Any) -> Any:
    """½ Σ Poisson(j; nc/2) γ(df/2 + j, x/2)."""
    return 0.5 * _poisson_sum(
        nc, _chi_peak(x, df, nc), lambda j: gamma_density(0.5 * _row(df) + j, 0.5 * _row(x))
    )


_CHNDTR: Partials = (
    lambda m, y, x, df, nc: noncentral_chi_density(x, df, nc),
    lambda m, y, x, df, nc: (
        0.5
        * _poisson_sum(
            nc, _chi_peak(x, df, nc), lambda j: _GAMMA[0](m, None, 0.5 * _row(df) + j, 0.5 * _row(x))
        )
    ),
    lambda m, y, x, df, nc: -noncentral_chi_density(x, df + 2.0, nc),
)


def _f_peak(a: Any, b: Any, w: Any, nc: Any) -> Any:
    """Where nc/2 · w (a + b + j) = j (a + j)."""
    a, b, rate = plain(a), plain(b), 0.5 * np.abs(plain(nc)) * np.clip(plain(w), 0.0, 1.0)
    return 0.5 * (rate - a + np.sqrt((rate - a) ** 2 + 4.0 * rate * (a + b)))


def _f_sum(dfn: Any, dfd: Any, nc: Any, f: Any, term: Callable) -> Any:
    """Σ Poisson(j; nc/2) term(a + j, b, w) with a = dfn/2, b = dfd/2, w = dfn f / (dfn f + dfd)."""
    a, b, w = 0.5 * dfn, 0.5 * dfd, dfn * f / (dfn * f + dfd)
    return _poisson_sum(nc, _f_peak(a, b, w, nc), lambda j: term(_row(a) + j, _row(b), _row(w)))


def noncentral_f_density(dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    """Σ Poisson(j; nc/2) β(dfn/2 + j, dfd/2; w) dw/df."""
    return _f_sum(dfn, dfd, nc, f, beta_density) * dfn * dfd / (dfn * f + dfd) ** 2


def _f_step(a: Any, b: Any, w: Any) -> Any:
    """I_w(a, b) − I_w(a + 1, b) (DLMF 8.17.20)."""
    return np.exp(sp.xlogy(a, w) + sp.xlog1py(b, -w) - sp.betaln(a, b) - np.log(a))


_NCFDTR: Partials = (
    lambda m, y, n, d, nc, f: (
        0.5 * _f_sum(n, d, nc, f, lambda *t: _BETA[0](m, None, *t))
        + noncentral_f_density(n, d, nc, f) * f / n
    ),
    lambda m, y, n, d, nc, f: (
        0.5 * _f_sum(n, d, nc, f, lambda *t: _BETA[1](m, None, *t))
        - noncentral_f_density(n, d, nc, f) * f / d
    ),
    lambda m, y, n, d, nc, f: -0.5 * _f_sum(n, d, nc, f, _f_step),
    lambda m, y, n, d, nc, f: noncentral_f_density(n, d, nc, f),
)

# ------------------------------------------------------------------------------------ noncentral t


def chi_mean(df: Any, nc: Any, function: Callable) -> Any:
    """The mean of function(s) over s = χ_df / √df, by the trapezoidal rule in log s, which converges exponentially.

    Args:
        df: degrees of freedom.
        nc: the noncentrality; the integrands vary over lengths 1 / |nc|.
        function: of log s, an array with an axis for the nodes.
    """
    n, delta = np.broadcast_arrays(np.asarray(plain(df), float), np.asarray(plain(nc), float))
    low, high = (
        -np.sqrt(40.0 / n) * (1.0 + np.sqrt(40.0 / n)),
        0.5 * np.log1p(80.0 / n + 9.0 * np.sqrt(2.0 / n)),
    )
    step = np.minimum(0.05, 0.5 / np.sqrt(2.0 * n + delta**2))
    steps = (high - low) / step
    count = np.max(steps[np.isfinite(steps)], initial=1.0)
    u = _row(low) + _row(high - low) * np.linspace(0.0, 1.0, int(min(count, 1e6)) + 1)
    density = np.exp(_row(df) * (u + 0.5 - 0.5 * np.exp(2.0 * u)))
    return np.sum(density * function(u), axis=-1) / np.sum(density, axis=-1)


def noncentral_t_density(df: Any, nc: Any, t: Any) -> Any:
    """E[s φ(t s − nc)]: F = E[Φ(t s − nc)]."""
    return chi_mean(df, nc, lambda u: np.exp(u) * _normal(_row(t) * np.exp(u) - _row(nc)))


def _nct_by_df(m: Any, y: Any, df: Any, nc: Any, t: Any) -> Any:
    """The covariance of the score of s and Φ(t s − nc), by the smaller one of Φ and 1 − Φ."""
    sign = np.where(plain(y) > 0.5, -1.0, 1.0)

    def tail(u: Any) -> Any:
        return sp.ndtr(_row(sign) * (_row(t) * np.exp(u) - _row(nc)))

    mean = chi_mean(df, nc, lambda u: u - 0.5 * np.exp(2.0 * u))
    return sign * chi_mean(df, nc, lambda u: (u - 0.5 * np.exp(2.0 * u) - _row(mean)) * tail(u))


def _normal_at_infinity(partial: Partial, limit: Callable) -> Partial:
    """With an infinite number of degrees of freedom the distribution is the normal one around nc."""

    def call(m: Any, y: Any, df: Any, nc: Any, t: Any) -> Any:
        endless = np.isinf(plain(df))
        if not np.any(endless):
            return partial(m, y, df, nc, t)
        return np.where(endless, limit(t - nc), partial(m, y, np.where(endless, 1.0, df), nc, t))

    return call


_NCTDTR: Partials = (
    _normal_at_infinity(_nct_by_df, lambda away: 0.0 * away),
    _normal_at_infinity(
        lambda m, y, df, nc, t: -chi_mean(df, nc, lambda u: _normal(_row(t) * np.exp(u) - _row(nc))),
        lambda away: -_normal(away),
    ),
    _normal_at_infinity(lambda m, y, df, nc, t: noncentral_t_density(df, nc, t), lambda away: _normal(away)),
)

# ------------------------------------------------------------------------------------ Kolmogorov and Smirnov


def kolmogorov_density(x: Any) -> Any:
    """8 x Σ (−1)^(k−1) k² exp(−2 k² x²), and its theta-transformed series for small x."""
    small = plain(x) < 1.0
    k = np.arange(1.0, 9.0)
    far, near = _row(np.where(small, 1.0, x)), _row(np.where(small & (plain(x) > 0), x, 1.0))
    above = 8.0 * far * (-1.0) ** (k - 1.0) * k**2 * np.exp(-2.0 * k**2 * far**2)
    rate = (2.0 * k - 1.0) ** 2 * math.pi**2 / 8.0
    below = _SQRT_2PI * (2.0 * rate / near**4 - 1.0 / near**2) * np.exp(-rate / near**2)
    inside = np.where(small, np.sum(below, axis=-1), np.sum(above, axis=-1))
    return np.where(plain(x) > 0, inside, 0.0)


_KOLMOGOROV: Partials = (lambda m, y, x: -kolmogorov_density(x),)
_KOLMOGOROV_CDF: Partials = (lambda m, y, x: kolmogorov_density(x),)
_SMIRNOV: Partials = (None, lambda m, y, n, d: sp._ufuncs._smirnovp(n, d))

# ------------------------------------------------------------------------------------ Tukey's lambda


def _tukey_slope(p: Any, q: Any, shape: Any) -> Any:
    """Q′(p) for the quantiles Q = (p^λ − (1 − p)^λ) / λ, with q = 1 − p."""
    return p ** (shape - 1.0) + q ** (shape - 1.0)


def _tukey_power(p: Any, shape: Any) -> Any:
    """The derivative of (p^λ − 1) / λ by λ: log² p · (e^v (v − 1) + 1) / v² with v = λ log p."""
    log = np.log(p)
    v = shape * log
    near = np.abs(plain(v)) < 0.3
    series = sum(np.where(near, v, 0.0) ** k / (math.factorial(k) * (k + 2)) for k in range(12))
    far = np.where(near, 1.0, v)
    return log**2 * np.where(near, series, (np.exp(far) * (far - 1.0) + 1.0) / far**2)


def _tukey(formula: Callable) -> Partial:
    """0 where p is 0 or 1, outside of the support."""

    def partial(m: Any, y: Any, x: Any, shape: Any) -> Any:
        inside = (plain(y) > 0) & (plain(y) < 1)
        p = np.where(inside, y, 0.5)
        q = np.where(inside, sp.tklmbda(-x, shape), 0.5)
        return np.where(inside, formula(p, q, shape), 0.0)

    return partial


_TUKEY: Partials = (
    _tukey(lambda p, q, k: 1.0 / _tukey_slope(p, q, k)),
    _tukey(lambda p, q, k: (_tukey_power(q, k) - _tukey_power(p, k)) / _tukey_slope(p, q, k)),
)

PARTIALS.update(
    {
        sp.bdtr: _BINOMIAL,
        sp.bdtrc: _negative(_BINOMIAL),
        sp.bdtri: implicit(_BINOMIAL, 2),
        sp.nbdtr: _NEGATIVE,
        sp.nbdtrc: _negative(_NEGATIVE),
        sp.nbdtri: implicit(_NEGATIVE, 2),
        sp.pdtr: _POISSON,
        sp.pdtrc: _negative(_POISSON),
        sp.pdtri: implicit(_POISSON, 1),
        sp.gdtr: _GDTR,
        sp.gdtrc: _negative(_GDTR),
        sp.gdtria: implicit(_GDTR, 0),
        sp.gdtrix: implicit(_GDTR, 2),
        sp.chndtr: _CHNDTR,
        sp.chndtrix: implicit(_CHNDTR, 0),
        sp.ncfdtr: _NCFDTR,
        sp.nctdtr: _NCTDTR,
        sp.nctdtrit: implicit(_NCTDTR, 2),
        sp.nrdtrimn: (
            lambda m, y, p, sd, x: -sd / _normal(sp.ndtri(p)),
            lambda m, y, p, sd, x: -sp.ndtri(p),
            lambda m, y, p, sd, x: 1.0,
        ),
        sp.nrdtrisd: (
            lambda m, y, mean, p, x: -1.0 / sp.ndtri(p),
            lambda m, y, mean, p, x: -y / (sp.ndtri(p) * _normal(sp.ndtri(p))),
            lambda m, y, mean, p, x: 1.0 / sp.ndtri(p),
        ),
        sp.kolmogorov: _KOLMOGOROV,
        sp.kolmogi: implicit(_KOLMOGOROV, 0),
        sp._ufuncs._kolmogc: _KOLMOGOROV_CDF,
        sp._ufuncs._kolmogci: implicit(_KOLMOGOROV_CDF, 0),
        sp.smirnov: _SMIRNOV,
        sp.smirnovi: implicit(_SMIRNOV, 1),
        sp._ufuncs._smirnovc: _negative(_SMIRNOV),
        sp._ufuncs._smirnovci: implicit(_negative(_SMIRNOV), 1),
        sp.tklmbda: _TUKEY,
    }
)
