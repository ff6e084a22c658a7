"""Densities of the distributions whose probabilities ``scipy.special`` has, with their digits at large parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.telling import plain

_SQRT_2PI = math.sqrt(2.0 * math.pi)
_LARGE = 1e3  # from here on the terms of a density's logarithm are so large that their sum has too few digits


def _stirling(a: Any) -> Any:
    """Γ(a) √(a / 2π) (e / a)ᵃ, the correction to Stirling's formula, for large a (DLMF 5.11.3)."""
    return np.exp(1.0 / (12.0 * a) - 1.0 / (360.0 * a**3))


def gamma_density(a: Any, x: Any) -> Any:
    """For large a as √(a / 2π) / x times exp(a (log(1 + u) − u)) with u = x/a − 1."""
    large = (plain(a) > _LARGE) & (plain(x) > 0)
    few, many, there = np.where(large, 1.0, a), np.where(large, a, _LARGE), np.where(large, x, 1.0)
    peak = np.exp(many * sp._ufuncs._log1pmx((there - many) / many))
    peak = peak * np.sqrt(many / (2.0 * math.pi)) / (there * _stirling(many))
    return np.where(large, peak, np.exp(sp.xlogy(few - 1.0, x) - x - sp.gammaln(few)))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """For large a and b by the distances of x from the mean a / (a + b), and of 1 − x from b / (a + b)."""
    large = (np.minimum(plain(a), plain(b)) > _LARGE) & (plain(x) > 0) & (plain(x) < 1)
    a_few, b_few = np.where(large, 1.0, a), np.where(large, 1.0, b)
    a, b, there = np.where(large, a, _LARGE), np.where(large, b, _LARGE), np.where(large, x, 0.5)
    n, away = a + b, there * (a + b) - a
    peak = np.exp(a * sp._ufuncs._log1pmx(away / a) + b * sp._ufuncs._log1pmx(-away / b))
    peak = peak * np.sqrt(a * b / (2.0 * math.pi * n)) / (there * (1.0 - there))
    peak = peak * _stirling(n) / (_stirling(a) * _stirling(b))
    plainly = sp.xlogy(a_few - 1.0, x) + sp.xlog1py(b_few - 1.0, -x) - sp.betaln(a_few, b_few)
    return np.where(large, peak, np.exp(plainly))


def t_density(df: Any, t: Any) -> Any:
    """The density of Student's distribution; ln(Γ(v + ½)/Γ(v)) − ½ ln v of a large v = df/2 by DLMF 5.11.13."""
    df = np.minimum(df, 1e100)
    large = plain(df) > 1e3
    few, u = np.where(large, 1.0, df), 2.0 / np.where(large, df, 1e3)
    series = u * (-1.0 / 8.0 + u * u * (1.0 / 192.0 - u * u / 640.0))
    exact = sp.gammaln(0.5 * (few + 1.0)) - sp.gammaln(0.5 * few) - 0.5 * np.log(0.5 * few)
    return np.exp(np.where(large, series, exact) - 0.5 * (df + 1.0) * np.log1p(t * t / df)) / _SQRT_2PI


def f_density(n: Any, d: Any, x: Any) -> Any:
    share = n * x / (n * x + d)
    return beta_density(0.5 * n, 0.5 * d, share) * n * d / (n * x + d) ** 2
