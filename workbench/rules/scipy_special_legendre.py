"""Legendre functions and spherical harmonics of ``scipy.special``: by their arguments, not by degree and order.

SciPy gives derivatives up to the second; the third and higher ones come from Legendre's equation. At the ends of the
interval, where that is singular, they are NaN. Source of the formulas: NIST Digital Library of Mathematical Functions,
https://dlmf.nist.gov, sections 14.2 and 14.10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.calls import resolve
from workbench.autodiff.elementwise import scaled
from workbench.autodiff.registry import DOORS, PARTIALS, Rule, add_rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value


def _by_x(y: Any, slope: Any, bend: Any, c: Any, mm: Any, x: Any) -> Any:
    """The third derivative, with c = n (n + 1): that of (1 − x²) y″ − 2 x y′ + (c − m² / (1 − x²)) y = 0."""
    s = 1.0 - x * x
    return (4.0 * x * bend + (2.0 - c + mm / s) * slope + 2.0 * mm * x / s**2 * y) / s


def _by_angle(y: Any, slope: Any, bend: Any, c: Any, mm: Any, x: Any) -> Any:
    """The same of y″ + cot θ y′ + (c − m² / sin² θ) y = 0."""
    sine, cosine = np.sin(x), np.cos(x)
    whole = slope / sine**2 - cosine / sine * bend - (c - mm / sine**2) * slope
    return whole - 2.0 * mm * cosine / sine**3 * y


def _chain(function: Any, orders: Callable, third: Callable) -> Callable:
    """``at(k, *args, x)``: the k-th derivative of a function by its last argument, k up to 2, for any order of its own.

    Args:
        function: takes ``diff_n``.
        orders: gives (n, m) of the arguments before x.
        third: the third derivative by the other three.
    """

    def at(k: int, fixed: tuple, options: dict, x: Any) -> Any:
        return function(*fixed, x, **options, diff_n=2)[k]

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        k, fixed, options, x = args
        value = (resolve(at) if type(x) in TRACED else at)(k, fixed, options, x)

        def legendre_pullback(bar: Any) -> list[Any]:
            if k < 2:
                slope = resolve(at)(k + 1, fixed, options, x)
            else:
                n, m = map(np.asarray, orders(*fixed))
                slope = third(*[resolve(at)(j, fixed, options, x) for j in range(3)], n * (n + 1), m * m, x)
            with np.errstate(all="ignore"):
                whole = scaled(bar, slope)
            extra = tuple(range(np.ndim(plain(whole)) - np.ndim(plain(x))))
            return [np.sum(whole, axis=extra) if extra else whole]

        return value, legendre_pullback

    add_rule(Rule(at, forward))
    return DOORS[at]


def _function(name: str, orders: Callable, third: Callable) -> None:
    function = getattr(sp, name)
    at = _chain(function, orders, third)

    def call(*args: Any, diff_n: int = 0, **options: Any) -> Any:
        args = tuple(map(settled, args))
        if not contains_traced(list(args)) and not contains_traced(options):
            return function(*args, diff_n=diff_n, **options)
        *fixed, x = args
        if contains_traced(fixed) or contains_traced(options):
            raise no_rule(function, "degree, order and options that vary")
        value = function(*fixed, plain(x), diff_n=diff_n, **options)
        found = resolve(np.stack)([at(k, tuple(fixed), options, x) for k in range(diff_n + 1)])
        must_agree(function, found, value)
        return with_value(found, value)

    DOORS[function] = call


_function("legendre_p", lambda n: (n, 0), _by_x)
_function("assoc_legendre_p", lambda n, m: (n, m), _by_x)
_function("sph_legendre_p", lambda n, m: (n, m), _by_angle)


def _all(name: str, whole: str, ordered: bool) -> None:
    """All degrees up to n, and orders 0, 1, …, m, −m, …, −1."""
    one, function = getattr(sp, name), getattr(sp, whole)

    def call(*args: Any, **options: Any) -> Any:
        args = tuple(map(settled, args))
        if not contains_traced(list(args)):
            return function(*args, **options)
        n, *order, x = args
        value = function(*plain(args), **options)
        stack, each = resolve(np.stack), resolve(one)
        if ordered:
            places = [*range(abs(order[0]) + 1), *range(-abs(order[0]), 0)]
            rows = [stack([each(j, k, x, **options) for k in places], axis=1) for j in range(n + 1)]
        else:
            rows = [each(j, x, **options) for j in range(n + 1)]
        found = stack(rows, axis=1)
        must_agree(function, found, value)
        return with_value(found, value)

    DOORS[function] = call


_all("legendre_p", "legendre_p_all", ordered=False)
_all("assoc_legendre_p", "assoc_legendre_p_all", ordered=True)
_all("sph_legendre_p", "sph_legendre_p_all", ordered=True)

# ------------------------------------------------------------------------------------ spherical harmonics


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """Y(θ, φ) = P(θ) exp(i m φ)."""
    polynomial = resolve(sp.sph_legendre_p)(n, m, theta)
    return polynomial[0] * np.exp(1j * (np.asarray(m) * phi))


def _sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """``sph_harm_y``."""
    n, m, theta, phi = map(settled, (n, m, theta, phi))
    value = sp.sph_harm_y(*plain((n, m, theta, phi)), diff_n=diff_n)
    if not contains_traced([n, m, theta, phi]):
        return value
    if diff_n or contains_traced([n, m]):
        raise no_rule(sp.sph_harm_y, "diff_n > 0, and degree and order that vary")
    found = _harmonic(n, m, theta, phi)
    must_agree(sp.sph_harm_y, found, value)
    return with_value(found, value)


def _sph_harm_y_all(n: int, m: int, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """``sph_harm_y_all``."""
    theta, phi = settled(theta), settled(phi)
    value = sp.sph_harm_y_all(n, m, plain(theta), plain(phi), diff_n=diff_n)
    if not contains_traced([theta, phi]):
        return value
    if diff_n:
        raise no_rule(sp.sph_harm_y_all, "diff_n > 0")
    stack, places = resolve(np.stack), [*range(abs(m) + 1), *range(-abs(m), 0)]
    found = stack([stack([_harmonic(j, k, theta, phi) for k in places]) for j in range(n + 1)])
    must_agree(sp.sph_harm_y_all, found, value)
    return with_value(found, value)


DOORS[sp.sph_harm_y], DOORS[sp.sph_harm_y_all] = _sph_harm_y, _sph_harm_y_all

# ------------------------------------------------------------------------------------ functions of real degree, Q


def _lpmv(m: Any, y: Any, order: Any, v: Any, x: Any) -> Any:
    """(x² − 1) P′ = v x P_v − (v + m) P_{v−1} (DLMF 14.10.5)."""
    return (v * x * y - (v + order) * sp.lpmv(order, v - 1.0, x)) / (x * x - 1.0)


PARTIALS[sp.lpmv] = (None, None, _lpmv)


def _second_kind(function: Callable, orders: Callable) -> None:
    """Q and Q′ of all degrees, and orders: the derivative of the latter is from Legendre's equation."""

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        *fixed, x = args
        if needs != (len(fixed),):
            raise no_rule(function, "degree and order")
        q, slope = (resolve(function) if type(x) in TRACED else function)(*args)

        def second_kind_pullback(bars: Any) -> list[Any]:
            n, m = orders(*fixed)
            lead = (1,) * np.ndim(plain(x))
            c, mm = np.reshape(n * (n + 1.0), (*n.shape, *lead)), np.reshape(m * m, (*m.shape, *lead))
            s = 1.0 - x * x
            with np.errstate(all="ignore"):
                bend = (2.0 * x * slope - (c - mm / s) * q) / s
                whole = scaled(bars[0], slope) + scaled(bars[1], bend)
            return [np.sum(whole, axis=tuple(range(len(fixed))))]

        return (q, slope), second_kind_pullback

    add_rule(Rule(function, forward, leaves=(0, 1, 2)))


_second_kind(sp.lqn, lambda n: (np.arange(n + 1), np.zeros(n + 1)))
_second_kind(sp.lqmn, lambda m, n: (np.arange(n + 1)[None, :], np.arange(m + 1.0)[:, None]))
