"""``scipy.stats``: distributions and statistics are Python and are traced through.

Here stand the compiled functions they end in, and short forms of the densities used most, so that a likelihood costs
a few array operations instead of SciPy's whole argument handling.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats as st
from scipy.stats._ansari_swilk_statistics import swilk
from scipy.stats._distn_infrastructure import rv_frozen

from workbench.autodiff.attributes import get_attribute
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, PARTIALS, add_constant, by_position
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_special import by_difference
from workbench.rules.scipy_special_densities import beta_density
from workbench.rules.stand_ins import must_agree, no_rule, refuses, settled, with_value

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

# distribution: log density, distribution function, survival function, quantiles; of (z, *shape) in standard form
FORMS: dict[type, dict[str, Callable]] = {
    type(st.norm): {
        "logpdf": lambda z: -0.5 * z * z - _HALF_LOG_2PI,
        "cdf": lambda z: sp.ndtr(z),
        "sf": lambda z: sp.ndtr(-z),
        "logcdf": lambda z: sp.log_ndtr(z),
        "ppf": lambda q: sp.ndtri(q),
    },
    type(st.expon): {
        "logpdf": lambda z: -z,
        "cdf": lambda z: -np.expm1(-z),
        "sf": lambda z: np.exp(-z),
        "ppf": lambda q: -np.log1p(-q),
    },
    type(st.uniform): {"logpdf": lambda z: 0.0 * z, "cdf": lambda z: z, "sf": lambda z: 1.0 - z, "ppf": lambda q: q},
    type(st.gamma): {
        "logpdf": lambda z, a: sp.xlogy(a - 1.0, z) - z - sp.gammaln(a),
        "cdf": lambda z, a: sp.gammainc(a, z),
        "sf": lambda z, a: sp.gammaincc(a, z),
        "ppf": lambda q, a: sp.gammaincinv(a, q),
    },
    type(st.chi2): {
        "logpdf": lambda z, df: sp.xlogy(0.5 * df - 1.0, 0.5 * z) - 0.5 * z - sp.gammaln(0.5 * df) - math.log(2.0),
        "cdf": lambda z, df: sp.gammainc(0.5 * df, 0.5 * z),
        "sf": lambda z, df: sp.gammaincc(0.5 * df, 0.5 * z),
        "ppf": lambda q, df: 2.0 * sp.gammaincinv(0.5 * df, q),
    },
    type(st.beta): {
        "logpdf": lambda z, a, b: sp.xlogy(a - 1.0, z) + sp.xlog1py(b - 1.0, -z) - sp.betaln(a, b),
        "cdf": lambda z, a, b: sp.betainc(a, b, z),
        "sf": lambda z, a, b: sp.betaincc(a, b, z),
        "ppf": lambda q, a, b: sp.betaincinv(a, b, q),
    },
    type(st.t): {
        "logpdf": lambda z, df: sp.gammaln(0.5 * (df + 1.0)) - sp.gammaln(0.5 * df)
        - 0.5 * np.log(df * math.pi) - 0.5 * (df + 1.0) * np.log1p(z * z / df),
        "cdf": lambda z, df: sp.stdtr(df, z),
        "sf": lambda z, df: sp.stdtr(df, -z),
        "ppf": lambda q, df: sp.stdtrit(df, q),
    },
    type(st.lognorm): {
        "logpdf": lambda z, s: -0.5 * (np.log(z) / s) ** 2 - np.log(s * z) - _HALF_LOG_2PI,
        "cdf": lambda z, s: sp.ndtr(np.log(z) / s),
        "sf": lambda z, s: sp.ndtr(-np.log(z) / s),
        "ppf": lambda q, s: np.exp(s * sp.ndtri(q)),
    },
}  # fmt: skip


def _short(name: str) -> None:
    """The door of a method of continuous distributions: by its form where there is one, else traced through."""
    method = getattr(st.rv_continuous, name)

    def call(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if not contains_traced([x, *args, *kwargs.values()]):
            return method(self, x, *args, **kwargs)
        form = FORMS.get(type(self), {}).get("logpdf" if name == "pdf" else name)
        shapes, loc, scale = self._parse_args(*args, **kwargs)
        if form is None or len(shapes) != self.numargs:
            return traced_through(method)(self, x, *args, **kwargs)
        value = method(self, plain(settled(x)), *plain(args), **plain(kwargs))
        x, loc, scale, *shapes = (_numbers(v) for v in (x, loc, scale, *shapes))
        with np.errstate(all="ignore"):
            traced = _standardised(name, form, (x, loc, scale), shapes)
        inside = np.isfinite(value)
        if name != "ppf":
            low, high = self._get_support(*map(plain, shapes))
            z = (plain(x) - plain(loc)) / plain(scale)
            inside = inside & (value != 0) & (low <= z) & (z <= high)
        if not np.all(inside):  # outside of the support, and where the value has run to its limit
            traced = np.where(inside, traced, 0.0)
        return with_value(traced, value)

    DOORS[method] = by_position(method, call)


def _numbers(x: Any) -> Any:
    x = settled(x)
    return np.asarray(x) if isinstance(x, list | tuple) else x


def _standardised(name: str, form: Callable, operands: tuple, shapes: list[Any]) -> Any:
    x, loc, scale = operands
    if name == "ppf":
        return loc + scale * form(x, *shapes)
    found = form((x - loc) / scale, *shapes)
    if name in ("logpdf", "pdf"):
        found = found - np.log(scale)
    return np.exp(found) if name == "pdf" else found


_through: dict[Callable, Callable] = {}


def traced_through(method: Callable) -> Callable:
    """SciPy's own Python, rewritten."""
    from workbench.autodiff.code_objects import with_code
    from workbench.autodiff.rewritten import rewritten_code

    if method not in _through:
        code = rewritten_code(method)
        _through[method] = method if code is None else with_code(method, code)
    return _through[method]


for _name in ("logpdf", "pdf", "cdf", "sf", "logcdf", "ppf"):
    _short(_name)

# making a frozen distribution is book-keeping: it need not be rewritten
DOORS[rv_frozen.__init__] = rv_frozen.__init__

# ------------------------------------------------------------------------------------ many variables


def _normal_logpdf(x: Any, mean: Any, cov: Any) -> Any:
    """−½ |L⁻¹(x − μ)|² − Σ log L_ii − ½ d log 2π, with Σ = L Lᵀ: SciPy's eigenvectors are not unique, L is."""
    d = np.shape(plain(cov))[-1]
    low = np.linalg.cholesky(cov)
    away = np.reshape(x - mean, (-1, d))
    z = np.linalg.solve(low, np.swapaxes(away, 0, 1))
    total = -0.5 * np.sum(z * z, axis=0) - np.sum(np.log(np.diagonal(low))) - d * _HALF_LOG_2PI
    shape = np.shape(plain(x))
    return np.reshape(total, shape[:-1] if len(shape) and shape[-1] == d else shape)


def _full(mean: Any, cov: Any) -> tuple[Any, Any]:
    """Mean and covariance with their axes, as SciPy reads numbers and vectors of variances."""
    cov = settled(1.0 if cov is None else cov)
    sizes = [np.shape(plain(settled(v))) for v in (mean, cov) if v is not None]
    d = max([s[0] for s in sizes if s], default=1)
    mean = np.zeros(d) if mean is None else settled(mean)
    if np.ndim(plain(cov)) == 0:
        cov = cov * np.eye(d)
    elif np.ndim(plain(cov)) == 1:
        cov = resolve(np.diag)(cov)
    return mean, cov


def _multivariate(name: str) -> None:
    method = getattr(type(st.multivariate_normal), name)

    def call(
        self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, **rest: Any
    ) -> Any:
        if not contains_traced([x, mean, cov]) and not isinstance(cov, st.Covariance):
            return method(self, x, mean, cov, allow_singular, **rest)
        if isinstance(cov, st.Covariance) or allow_singular:
            return traced_through(method)(self, x, mean, cov, allow_singular, **rest)
        plain_x, plain_mean, plain_cov = (None if v is None else plain(settled(v)) for v in (x, mean, cov))
        value = method(self, plain_x, plain_mean, plain_cov, **rest)
        found = _normal_logpdf(settled(x), *_full(mean, cov))
        return with_value(np.exp(found) if name == "pdf" else found, value)

    DOORS[method] = call


for _name in ("logpdf", "pdf"):
    _multivariate(_name)


class _Frozen:
    """A frozen normal distribution whose mean or covariance is traced: only its densities are known."""

    def __init__(self, mean: Any, cov: Any) -> None:
        self.mean, self.cov = mean, cov

    def logpdf(self, x: Any) -> Any:
        """The log density."""
        return resolve(st.multivariate_normal.logpdf)(x, self.mean, self.cov)

    def pdf(self, x: Any) -> Any:
        """The density."""
        return resolve(st.multivariate_normal.pdf)(x, self.mean, self.cov)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise no_rule(st.multivariate_normal, f"{name!r} of a frozen distribution")


_call = type(st.multivariate_normal).__call__


def _freeze(self: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, **rest: Any) -> Any:
    if contains_traced([mean, cov]) and not isinstance(cov, st.Covariance) and not allow_singular:
        return _Frozen(mean, cov)
    return _call(self, mean, cov, allow_singular, **rest)


DOORS[_call] = _freeze

# ------------------------------------------------------------------------------------ compiled distributions

_scu = sp._ufuncs


def _skewnorm_z(x: Any, loc: Any, scale: Any, a: Any) -> tuple[Any, Any]:
    z = (x - loc) / scale
    density = 2.0 * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) * sp.ndtr(a * z) / scale
    return z, density


_BETA_SLOPE = (by_difference(sp.betainc, 0), by_difference(sp.betainc, 1))
_SKEW_BY_A = by_difference(_scu._skewnorm_cdf, 3, room=None)


def _skewnorm_inverse(sign: float) -> tuple[Callable, ...]:
    def density(y: Any, p: tuple) -> Any:
        return _skewnorm_z(y, *p)[1]

    return (
        lambda m, y, q, *p: sign / density(y, p),
        lambda m, y, q, *p: 1.0,
        lambda m, y, q, *p: (y - p[0]) / p[1],
        lambda m, y, q, *p: -_SKEW_BY_A(m, None, y, *p) / density(y, p),
    )


PARTIALS.update(
    {
        _scu._beta_pdf: (
            lambda m, y, x, a, b: y * ((a - 1.0) / x - (b - 1.0) / (1.0 - x)),
            lambda m, y, x, a, b: y * (np.log(x) - sp.psi(a) + sp.psi(a + b)),
            lambda m, y, x, a, b: y * (np.log1p(-x) - sp.psi(b) + sp.psi(a + b)),
        ),
        _scu._beta_ppf: (
            lambda m, y, q, a, b: 1.0 / beta_density(a, b, y),
            lambda m, y, q, a, b: -_BETA_SLOPE[0](m, None, a, b, y) / beta_density(a, b, y),
            lambda m, y, q, a, b: -_BETA_SLOPE[1](m, None, a, b, y) / beta_density(a, b, y),
        ),
        _scu._binom_pmf: (None, None, lambda m, y, k, n, p: y * (k / p - (n - k) / (1.0 - p))),
        _scu._binom_cdf: (None, None, lambda m, y, k, n, p: -n * _scu._binom_pmf(np.floor(k), n - 1, p)),
        _scu._binom_sf: (None, None, lambda m, y, k, n, p: n * _scu._binom_pmf(np.floor(k), n - 1, p)),
        _scu._nbinom_pmf: (
            None,
            by_difference(_scu._nbinom_pmf, 1),
            lambda m, y, k, n, p: y * (n / p - k / (1.0 - p)),
        ),
        _scu._nbinom_cdf: (
            None,
            by_difference(_scu._nbinom_cdf, 1),
            lambda m, y, k, n, p: beta_density(n, np.floor(k) + 1.0, p),
        ),
        _scu._nbinom_sf: (
            None,
            by_difference(_scu._nbinom_sf, 1),
            lambda m, y, k, n, p: -beta_density(n, np.floor(k) + 1.0, p),
        ),
        _scu._cauchy_ppf: (
            lambda m, y, q, c, s: math.pi * s * (1.0 + ((y - c) / s) ** 2),
            lambda m, y, q, c, s: 1.0,
            lambda m, y, q, c, s: (y - c) / s,
        ),
        _scu._cauchy_isf: (
            lambda m, y, q, c, s: -math.pi * s * (1.0 + ((y - c) / s) ** 2),
            lambda m, y, q, c, s: 1.0,
            lambda m, y, q, c, s: (y - c) / s,
        ),
        _scu._skewnorm_cdf: (
            lambda m, y, x, c, s, a: _skewnorm_z(x, c, s, a)[1],
            lambda m, y, x, c, s, a: -_skewnorm_z(x, c, s, a)[1],
            lambda m, y, x, c, s, a: -_skewnorm_z(x, c, s, a)[0] * _skewnorm_z(x, c, s, a)[1],
            _SKEW_BY_A,
        ),
        _scu._skewnorm_ppf: _skewnorm_inverse(1.0),
        _scu._skewnorm_isf: (
            _skewnorm_inverse(-1.0)[0],
            *_skewnorm_inverse(-1.0)[1:3],
            lambda m, y, q, *p: -_SKEW_BY_A(m, None, y, *p) / _skewnorm_z(y, *p)[1],
        ),
    }
)

# ------------------------------------------------------------------------------------ statistics


def _gaussian_kde(method: Callable, finish: Callable) -> Callable:
    """Σ_j w_j N(x; x_j, Σ), or its logarithm: the sum over the data that SciPy does in compiled code."""

    def call(self: Any, points: Any) -> Any:
        if not contains_traced([points, *vars(self).values()]):
            return method(self, points)
        alone = copy.copy(self)
        alone.__dict__ = {name: plain(settled(part)) for name, part in vars(self).items()}
        points = settled(points)
        value = method(alone, plain(points))
        points = resolve(np.atleast_2d)(points)
        d, m = np.shape(plain(points))
        if d != self.d and d == 1 and m == self.d:
            points = resolve(np.reshape)(points, (self.d, 1))
        low = np.linalg.cholesky(get_attribute(self, "covariance"))
        inverse = np.linalg.inv(low)
        data, at = np.matmul(inverse, self.dataset), np.matmul(inverse, points)
        away = np.reshape(data, (self.d, -1, 1)) - np.reshape(at, (self.d, 1, -1))
        norm = (2.0 * math.pi) ** (0.5 * self.d) * np.prod(np.diagonal(low))
        squares = 0.5 * np.sum(away**2, axis=0)
        least = np.min(plain(squares), axis=0)
        terms = np.reshape(self.weights, (-1, 1)) * np.exp(least - squares)
        return with_value(finish(np.sum(terms, axis=0) / norm, least), value)

    return call


_density = _gaussian_kde(st.gaussian_kde.evaluate, lambda total, least: total * np.exp(-least))
for _function in {st.gaussian_kde.evaluate, st.gaussian_kde.__call__, st.gaussian_kde.pdf}:
    DOORS[_function] = by_position(_function, _density)
DOORS[st.gaussian_kde.logpdf] = by_position(
    st.gaussian_kde.logpdf,
    _gaussian_kde(st.gaussian_kde.logpdf, lambda total, least: np.log(total) - least),
)


def _winsorize(a, limits=None, inclusive=(True, True), inplace=False, axis=None, nan_policy="propagate"):
    """Each element is itself or the one that it is replaced by: found by winsorizing the ranks."""
    if not contains_traced(a):
        return st.mstats.winsorize(a, limits, inclusive, inplace, axis, nan_policy)
    x = settled(a)
    if inplace or isinstance(x, np.ma.MaskedArray) or not np.all(np.isfinite(plain(x))):
        raise no_rule(st.mstats.winsorize, "inplace=True, masked arrays and NaN")
    value = st.mstats.winsorize(plain(x), limits, inclusive, axis=axis)
    shape, along = np.shape(plain(x)), 0 if axis is None else axis
    flat = np.reshape(x, (-1,)) if axis is None else x
    order = np.argsort(plain(flat), axis=along, kind="stable")
    ranks = np.argsort(order, axis=along).astype(float)
    kept = np.asarray(st.mstats.winsorize(ranks, limits, inclusive, axis=axis)).astype(int)
    found = resolve(np.take_along_axis)(flat, np.take_along_axis(order, kept, axis=along), axis=along)
    found = np.reshape(found, shape)
    must_agree(st.mstats.winsorize, found, np.asarray(value))
    return resolve(np.ma.array)(found)


DOORS[st.mstats.winsorize] = _winsorize


def _swilk(x: Any, a: np.ndarray, init: Any = 0) -> Any:
    """W = (Σ aᵢ (x₍ₙ₊₁₋ᵢ₎ − x₍ᵢ₎))² / Σ (x − x̄)² of sorted data; the weights are written into ``a``.

    Source: P. Royston, Remark AS R94, Applied Statistics 44, 1995: log(1 − W) is almost normal.
    """
    if not contains_traced(x):
        return swilk(x, a, init)
    x = settled(x)
    n = len(plain(x))
    value, p_value, fault = swilk(plain(x), a, init)
    spread = resolve(np.flip)(x)[: len(a)] - x[: len(a)]
    found = np.sum(a * spread) ** 2 / np.sum((x - np.mean(x)) ** 2)
    if n == 3:
        p = 6.0 / np.pi * (np.arcsin(np.sqrt(found)) - np.arcsin(np.sqrt(0.75)))
    else:
        small, size = n <= 11, np.log(n)
        y = np.log(1.0 - found)
        y = -np.log(-2.273 + 0.459 * n - y) if small else y
        mean = (0.544, -0.39978, 0.025054, -6.714e-4) if small else (-1.5861, -0.31082, -0.083751, 0.0038915)
        spread = (1.3822, -0.77857, 0.062767, -0.0020322) if small else (-0.4803, -0.082676, 0.0030302)
        mean, spread = (np.polynomial.polynomial.polyval(n if small else size, c) for c in (mean, spread))
        p = sp.ndtr((mean - y) / np.exp(spread))
    must_agree(swilk, [found, p], [value, p_value])
    return with_value(found, value), with_value(p, p_value), fault


DOORS[swilk] = _swilk

add_constant(st.rankdata)
refuses(
    st.ks_2samp, st.kstest, st.mannwhitneyu, st.permutation_test, st.bootstrap, st.monte_carlo_test,
    st.wilcoxon, st.kruskal, st.friedmanchisquare, st.kendalltau, st.ecdf, st.fit,
    st.goodness_of_fit,
    why="ranks, counts and resampling do not vary smoothly; use the log densities or moments",
)  # fmt: skip

from workbench.rules import (  # noqa: E402  the rest
    scipy_stats_matrices,  # noqa: F401
    scipy_stats_noncentral,  # noqa: F401
    scipy_stats_transforms,  # noqa: F401
)
