"""Least squares of ``scipy.optimize``: minimisers of half the sum of squared residuals, differentiated implicitly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.operators import pushforward
from workbench.autodiff.registry import DOORS, by_name, positions
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import quiet, unknown
from workbench.rules.keeping import Around
from workbench.rules.scipy_callbacks import with_told
from workbench.rules.scipy_optimize import _as_tuple, _guarded
from workbench.rules.scipy_stationary import conditions_of, minimiser, slope_of
from workbench.rules.stand_ins import no_rule, settled, with_value

# ρ(z) of the robust losses, as SciPy defines them
LOSSES: dict[str, Callable] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2.0 * (np.sqrt(1.0 + z) - 1.0),
    "huber": lambda z: np.where(z <= 1.0, z, 2.0 * np.sqrt(np.where(z <= 1.0, 1.0, z)) - 1.0),
    "cauchy": lambda z: np.log1p(z),
    "arctan": lambda z: np.arctan(z),
}


def _cost(function: Callable, residuals: Callable, options: dict[str, Any]) -> Callable:
    """Half the sum of ρ of the squared residuals, as the options ``loss`` and ``f_scale`` say."""
    loss, scale = options.get("loss", "linear"), settled(options.get("f_scale", 1.0))
    if loss not in LOSSES:
        raise no_rule(function, "a loss of one's own")
    return lambda x: 0.5 * scale**2 * np.sum(LOSSES[loss]((residuals(x) / scale) ** 2))


def _bounds_as_pairs(bounds: Any, n: int) -> Any:
    if isinstance(bounds, so.Bounds):
        return bounds
    low, high = (settled(b) for b in bounds)
    pick = lambda b, k: b[k] if np.ndim(plain(b)) else b  # noqa: E731
    return [(pick(low, k), pick(high, k)) for k in range(n)]


def _least_squares(
    fun: Callable, x0: Any, jac: Any = "2-point", bounds: Any = (-np.inf, np.inf), **options: Any
) -> Any:
    """``least_squares``: ``x``, ``fun`` and ``cost`` of its result are traced."""
    if not OPEN:
        return so.least_squares(fun, x0, jac, bounds, **options)
    args, given = _as_tuple(options.pop("args", ())), options.pop("kwargs", {})
    new = resolve(fun)

    def residuals(x: Any, *rest: Any) -> Any:
        return settled(new(x, *args, **given))

    cost = _cost(so.least_squares, residuals, options)
    low_high = bounds if isinstance(bounds, so.Bounds) else tuple(plain(settled(b)) for b in bounds)
    own_jac = quiet(jac, args, given)
    around = Around(fun, jac, args=args)
    with around.during():
        report = so.least_squares(
            quiet(fun, args, given), plain(settled(x0)), own_jac, low_high, **with_told(plain(options))
        )
    with around.aside():
        conditions = conditions_of(report.x, _bounds_as_pairs(bounds, report.x.size))
        where, start = "scipy.optimize.least_squares", plain(settled(x0))
        report.x = minimiser(
            slope_of(around.anew(cost)), report.x, where=where, start=start, conditions=conditions
        )
        report.fun = with_value(np.atleast_1d(around.anew(residuals)(report.x)), report.fun)
        report.cost = with_value(around.anew(cost)(report.x), report.cost)
    return _guarded(report, report.x, ("jac", "grad"))


DOORS[so.least_squares] = by_name(so.least_squares, _least_squares)


def _curve_fit(
    f: Callable,
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: Any = None,
    jac: Any = None,
    **options: Any,
) -> Any:
    """``curve_fit``: parameters and their covariance by the data, sigma and the function's own parameters."""
    if not OPEN:
        return so.curve_fit(
            f, xdata, ydata, p0, sigma, absolute_sigma, check_finite, bounds, method, jac, **options
        )
    if options.get("nan_policy"):
        raise no_rule(so.curve_fit, "nan_policy")
    new, xdata, ydata = resolve(f), settled(xdata), settled(ydata)
    if isinstance(xdata, list | tuple):  # as SciPy hands them to ``f``
        xdata = np.asarray(xdata, float)
    sigma = None if sigma is None else settled(sigma)
    limits = bounds if isinstance(bounds, so.Bounds) else tuple(plain(settled(b)) for b in bounds)
    given_p0 = None if p0 is None else plain(settled(p0))
    if given_p0 is None:
        given_p0 = _first_guess(f, limits)
    around = Around(f, jac)
    with around.during():
        popt, pcov, *rest = so.curve_fit(
            quiet(f), plain(xdata), plain(ydata), given_p0, plain(sigma), absolute_sigma, check_finite, limits,
            method, quiet(jac), **plain(options),
        )  # fmt: skip

    def residuals(p: Any) -> Any:
        apart = settled(new(xdata, *[p[k] for k in range(popt.size)])) - ydata
        if sigma is None:
            return apart
        if np.ndim(plain(sigma)) < 2:
            return apart / sigma
        return np.reshape(np.linalg.solve(np.linalg.cholesky(sigma), np.reshape(apart, (-1, 1))), (-1,))

    with around.aside():
        slope = slope_of(_cost(so.curve_fit, residuals, options))
        conditions = conditions_of(popt, _bounds_as_pairs(bounds, popt.size))
        p = minimiser(slope, popt, where="scipy.optimize.curve_fit", start=given_p0, conditions=conditions)
        if type(p) not in TRACED:
            return p, pcov, *rest
        if rest:
            rest[0] = _information(rest[0], residuals(p))
        if not np.all(np.isfinite(pcov)) or options.get("loss", "linear") != "linear":
            return p, unknown(pcov, "the solver's 'pcov'"), *rest
        return p, with_value(_covariance(residuals, p, absolute_sigma), pcov), *rest


DOORS[so.curve_fit] = _curve_fit


def _first_guess(f: Callable, limits: Any) -> Any:
    """SciPy counts the parameters from the signature, which the wrapped function does not show."""
    n = len(positions(f)) - 1
    low, high = limits if isinstance(limits, tuple) else (limits.lb, limits.ub)
    low, high = np.broadcast_to(low, n), np.broadcast_to(high, n)
    guess = np.ones(n)
    both = np.isfinite(low) & np.isfinite(high)
    guess[both] = 0.5 * (low[both] + high[both])
    only_low = np.isfinite(low) & ~np.isfinite(high)
    guess[only_low] = low[only_low] + 1.0
    only_high = ~np.isfinite(low) & np.isfinite(high)
    guess[only_high] = high[only_high] - 1.0
    return guess


def _covariance(residuals: Callable, p: Any, absolute: bool) -> Any:
    """(JᵀJ)⁻¹, times the mean squared residual unless sigma is absolute."""
    rest, push = pushforward(residuals, p)
    m, n = np.size(plain(rest)), np.size(plain(p))
    jacobian = resolve(np.stack)([push(direction) for direction in np.eye(n)], axis=1)
    covariance = np.linalg.inv(np.matmul(np.swapaxes(jacobian, 0, 1), jacobian))
    return covariance if absolute else covariance * np.sum(rest**2) / (m - n)


def _information(found: dict[str, Any], residuals: Any) -> dict[str, Any]:
    """A solver's ``infodict``: the residuals are traced, the rest is not known."""
    report = {name: unknown(value, f"the solver's {name!r}") for name, value in found.items()}
    return report | {"nfev": found["nfev"], "fvec": with_value(residuals, found["fvec"])}


def _leastsq(
    func: Callable, x0: Any, args: Any = (), Dfun: Any = None, full_output: bool = False, **options: Any
) -> Any:
    """``leastsq``: solution, covariance and residuals are traced; the rest of the full output is not known."""
    if not OPEN:
        return so.leastsq(func, x0, args, Dfun, full_output, **options)
    args = _as_tuple(args)
    around = Around(func, Dfun, args=args)
    with around.during():
        found = so.leastsq(
            quiet(func, args), plain(settled(x0)), (), quiet(Dfun, args), full_output, **plain(options)
        )
    new = resolve(func)

    def residuals(x: Any) -> Any:
        return resolve(np.ravel)(settled(new(x, *args)))

    slope = slope_of(lambda x: 0.5 * np.sum(residuals(x) ** 2))
    start = plain(settled(x0))
    with around.aside():
        x = minimiser(slope, np.atleast_1d(found[0]), where="scipy.optimize.leastsq", start=start)
    if not full_output or type(x) not in TRACED:
        return (x, *found[1:])
    covariance = found[1]
    with around.aside():
        if covariance is not None:
            covariance = with_value(_covariance(residuals, x, True), covariance)
        return (x, covariance, _information(found[2], residuals(x)), *found[3:])


DOORS[so.leastsq] = by_name(so.leastsq, _leastsq)
