"""The ``statistics`` of the standard library. Their values are exact sums, their derivatives those of the formulas.

What is not here is plain Python, and traced through: covariance, regression, quantiles, kernel densities.
"""

from __future__ import annotations

import functools
import inspect
import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import iterate
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TracedFloat, recorded
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import with_value

_add, _multiply = REWRITTEN_DOORS["add"], REWRITTEN_DOORS["multiply"]


def _statistic(function: Callable) -> Callable:
    """Decorator: the decorated formula gives the derivatives of ``function``, which keeps giving the value."""
    signature = inspect.signature(function)

    def register(formula: Callable) -> Callable:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            named = signature.bind(*args, **kwargs).arguments
            named = {k: [*iterate(v)] if isinstance(v, Iterable) else v for k, v in named.items()}
            if not contains_traced(named):
                return function(**named) if "data" in named else function(*args, **kwargs)
            value = function(**plain(named))
            data = [resolve(float)(x) for x in named.pop("data")]
            if named.get("weights") is not None:
                named["weights"] = [resolve(float)(w) for w in named["weights"]]
            return with_value(formula(data, *named.values()), value)

        DOORS[function] = call
        return formula

    return register


def _sum(data: Iterable) -> Any:
    return resolve(math.fsum)(data)


@_statistic(statistics.mean)
def _mean(data: list) -> Any:
    return _sum(data) / len(data)


@_statistic(statistics.fmean)
def _weighted(data: list, weights: list | None = None) -> Any:
    if weights is None:
        return _mean(data)
    return _sum([w * x for w, x in zip(weights, data, strict=True)]) / _sum(weights)


@_statistic(statistics.harmonic_mean)
def _harmonic(data: list, weights: list | None = None) -> Any:
    weights = [1.0] * len(data) if weights is None else weights
    return _sum(weights) / _sum([w / x for w, x in zip(weights, data, strict=True)])


@_statistic(statistics.geometric_mean)
def _geometric(data: list) -> Any:
    return resolve(math.exp)(_mean([resolve(math.log)(x) for x in data]))


@_statistic(statistics.median)
def _median(data: list) -> Any:
    data = resolve(sorted)(data)
    half = len(data) // 2
    return data[half] if len(data) % 2 else (data[half - 1] + data[half]) / 2


@_statistic(statistics.pvariance)
def _pvariance(data: list, mu: Any = None) -> Any:
    centre = _mean(data) if mu is None else mu
    return _sum([(x - centre) * (x - centre) for x in data]) / len(data)


@_statistic(statistics.variance)
def _variance(data: list, xbar: Any = None) -> Any:
    return _pvariance(data, xbar) * (len(data) / (len(data) - 1))


@_statistic(statistics.pstdev)
def _pstdev(data: list, mu: Any = None) -> Any:
    return resolve(math.sqrt)(_pvariance(data, mu))


@_statistic(statistics.stdev)
def _stdev(data: list, xbar: Any = None) -> Any:
    return resolve(math.sqrt)(_variance(data, xbar))


@door(statistics.NormalDist.from_samples.__func__)
def from_samples(cls: type, data: Iterable) -> Any:
    """``NormalDist.from_samples``."""
    data = [*iterate(data)]
    if not contains_traced(data):
        return cls.from_samples(data)
    return resolve(cls)(resolve(statistics.fmean)(data), resolve(statistics.stdev)(data))


@door(statistics.NormalDist.inv_cdf)
def inv_cdf(self: statistics.NormalDist, p: Any) -> Any:
    """``NormalDist.inv_cdf``: μ + σ z, where dz/dp is one over the density at z."""
    return _add(self._mu, _multiply(self._sigma, _standard_quantile(p)))


def _standard_quantile(p: Any) -> Any:
    if type(p) is not TracedFloat:
        return statistics.NormalDist().inv_cdf(p)
    z = _standard_quantile(p.value)
    return recorded(z, p.tape, p, math.sqrt(2 * math.pi) * resolve(math.exp)(z * z / 2))
