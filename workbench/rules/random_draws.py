"""Random draws of NumPy that vary: standard draws, transformed, and elements of arrays, chosen or rearranged.

``rng.normal(mu, sigma)`` is mu + sigma z with a z that depends on neither. The value is the generator's own, to the
last bit, and so is its state afterwards; z is what the generator gives for the standard distribution from the same
state. Shapes of distributions that are drawn by rejection (gamma, beta, Student's t, Poisson …) have no derivative.
What ``choice``, ``permutation``, ``permuted`` and ``shuffle`` do to an array, they do to its positions; the positions
that ``choice`` draws do not vary with its probabilities.
"""

from __future__ import annotations

import functools
import inspect
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import own_copy
from workbench.autodiff.draws import rewind, state_of
from workbench.autodiff.hashes import ToldHash
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.rules.stand_ins import no_rule, settled, with_value

Transform = Callable[..., Any]


def _scale(z: Any, scale: Any = 1.0) -> Any:
    return scale * z


def _location_and_scale(z: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return loc + scale * z


def _bounds(z: Any, low: Any = 0.0, high: Any = 1.0) -> Any:
    return low + (high - low) * z


def _lognormal(z: Any, mean: Any = 0.0, sigma: Any = 1.0) -> Any:
    return np.exp(mean + sigma * z)


def _weibull(z: Any, a: Any) -> Any:
    """The transform of a standard exponential draw."""
    return z ** (1.0 / a)


def _pareto(z: Any, a: Any) -> Any:
    return np.expm1(z / a)


def _power(z: Any, a: Any) -> Any:
    return (-np.expm1(-z)) ** (1.0 / a)


def _triangular(u: Any, left: Any, mode: Any, right: Any) -> Any:
    """The inverse of the distribution function: of u below and above its value at the mode."""
    low, high = mode - left, right - mode
    below = plain(u * (right - left)) <= plain(low)
    inside = np.where(below, u * low, (1.0 - u) * high)  # the other branch would have roots of zero slope
    root = np.sqrt(inside * (right - left))
    return np.where(below, left + root, right - root)


def _gamma(z: Any, shape: Any, scale: Any = 1.0) -> Any:
    return scale * z


# method: the standard draw (its name and parameters) and the transform of it
STANDARD: dict[str, tuple[str, tuple, Transform]] = {
    "normal": ("standard_normal", (), _location_and_scale),
    "uniform": ("random", (), _bounds),
    "exponential": ("standard_exponential", (), _scale),
    "laplace": ("laplace", (0.0, 1.0), _location_and_scale),
    "logistic": ("logistic", (0.0, 1.0), _location_and_scale),
    "gumbel": ("gumbel", (0.0, 1.0), _location_and_scale),
    "lognormal": ("standard_normal", (), _lognormal),
    "rayleigh": ("rayleigh", (1.0,), _scale),
    "weibull": ("standard_exponential", (), _weibull),
    "pareto": ("standard_exponential", (), _pareto),
    "power": ("standard_exponential", (), _power),
    "triangular": ("random", (), _triangular),
    "gamma": ("standard_gamma", ("shape",), _gamma),
}


def _reparametrised(method: Callable, standard: str, fixed: tuple, transform: Transform) -> Callable:
    names = list(inspect.signature(transform).parameters)[1:]

    @functools.wraps(method, updated=())
    def call(source: Any, *args: Any, **kwargs: Any) -> Any:
        if not contains_traced([*args, *kwargs.values()]):
            return method(source, *args, **kwargs)
        given = dict(zip((*names, "size"), args, strict=False)) | kwargs
        parameters = {name: settled(given[name]) for name in names if name in given}
        of_standard = tuple(parameters[p] if p in names else p for p in fixed)
        if contains_traced(list(of_standard)):
            raise no_rule(method, f"its argument {fixed[0]!r}: it is drawn by rejection")
        before = state_of(source)
        value = method(source, *map(plain, args), **{name: plain(v) for name, v in kwargs.items()})
        after = state_of(source)
        rewind(source, before)
        z = getattr(source, standard)(*of_standard, size=np.shape(value) or None)
        rewind(source, after)
        with np.errstate(all="ignore"):
            return with_value(transform(z, **parameters), value)

    return call


def _factor(method: Callable, cov: Any, way: str) -> Any:
    """The matrix F with F Fᵀ = Σ that the draws are multiplied with."""
    if way == "cholesky":
        return np.linalg.cholesky(cov)
    if way == "eigh":
        s, u = np.linalg.eigh(cov)
    else:  # old generators take the other side's vectors, which differ if cov is varied on one side of its diagonal
        u, s, vh = np.linalg.svd(cov)
        u = vh.T if method is np.random.RandomState.multivariate_normal else u
    values = np.sort(plain(s))[::-1]
    if np.any(values - np.append(values[1:], 0.0) <= 1e-9 * values[0]):
        raise no_rule(method, f"a covariance with repeated or zero eigenvalues and method={way!r}")
    return u * np.sqrt(s)


def _multivariate_normal(method: Callable) -> Callable:
    """μ + F z, with the factor F that the method names; the value is NumPy's, for which F is unique up to signs."""

    @functools.wraps(method, updated=())
    def call(source: Any, mean: Any, cov: Any, *args: Any, **kwargs: Any) -> Any:
        if not contains_traced([mean, cov]):
            return method(source, mean, cov, *args, **kwargs)
        mean, cov = settled(mean), settled(cov)
        value = method(source, plain(mean), plain(cov), *args, **kwargs)
        away = value - plain(mean)
        if not contains_traced(cov):
            return with_value(mean + away, value)
        factor = _factor(method, cov, kwargs.get("method", "svd"))
        z = np.linalg.solve(plain(factor), away[..., None])
        return with_value(mean + np.matmul(factor, z)[..., 0], value)

    return call


def _constant(x: Any) -> Any:
    """An argument as a plain one, an array in memory of its own."""
    return own_copy(plain(settled(x)))


def _of_positions(method: Callable, name: str, *, in_place: bool) -> Callable:
    """A method that takes elements of an array, as the rule of taking elements."""

    @functools.wraps(method, updated=())
    def call(source: Any, *args: Any, **kwargs: Any) -> Any:
        x, *args = (kwargs.pop(name), *args) if name in kwargs else args
        x = settled(x)
        if name == "a":  # the probabilities decide which are chosen: whole numbers, which do not vary
            args, kwargs = [_constant(v) for v in args], {k: _constant(v) for k, v in kwargs.items()}
        varies = contains_traced([*args, *kwargs.values()])
        if not varies and (not contains_traced(x) or np.ndim(plain(x)) == 0):
            return call_watched(method, (source, x, *args), kwargs)
        if varies or "out" in kwargs:
            raise no_rule(method, "arguments other than the array")
        positions = np.arange(np.size(plain(x))).reshape(np.shape(plain(x)))
        moved = method(source, positions, *args, **kwargs)
        found = np.ravel(x)[positions if in_place else moved]
        if not in_place:
            return found
        x[...] = found
        return None

    return call


for _kind in (np.random.Generator, np.random.RandomState):
    for _name, (_standard, _fixed, _transform) in STANDARD.items():
        _method = getattr(_kind, _name)
        DOORS[_method] = _reparametrised(_method, _standard, _fixed, _transform)
    for _name in {"choice", "permutation", "permuted", "shuffle"} & set(dir(_kind)):
        _method = getattr(_kind, _name)
        DOORS[_method] = _of_positions(
            _method, "a" if _name == "choice" else "x", in_place=_name == "shuffle"
        )
    DOORS[_kind.multivariate_normal] = _multivariate_normal(_kind.multivariate_normal)


def _seeded(function: Callable) -> None:
    """Python's generator would begin with a number that no other run has."""

    def call(*args: Any, **kwargs: Any) -> Any:
        for seed in (*args, *kwargs.values()):
            if type(seed) is ToldHash:
                seed.__int__()
        return function(*args, **kwargs)

    DOORS[function] = call


_seeded(random.Random)
_seeded(random.Random.seed)
