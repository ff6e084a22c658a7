"""``scipy.integrate``: integrals of functions and of samples.

``quad`` chooses its intervals with plain numbers. The derivative is that of a Gauss–Legendre sum over those intervals,
each cut further, in which the integrand is traced: whatever it takes from its closure, its arguments or elsewhere. The
limits have the integrand's values there for derivatives (Leibniz). If that sum disagrees with the integral, the
integrand is singular at an end, and a double exponential rule is taken; if that disagrees too, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as si
from scipy import LowLevelCallable

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.implicit import quiet
from workbench.rules.stand_ins import no_rule, refuses, settled, stands_in, with_value

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PANELS = 4  # at least so many in all, lest the derivative oscillate where the integrand does not


def _double_exponential() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [-1, 1] (Takahasi and Mori, 1974), with the distance to the nearer end as node."""
    t = np.arange(-52, 53) / 16.0
    inner = 0.5 * np.pi * np.sinh(t)
    distance = np.exp(-np.abs(inner)) / np.cosh(inner)
    weights = 0.5 * np.pi * np.cosh(t) / np.cosh(inner) ** 2 / 16.0
    return np.copysign(distance, t), weights


def _quad(
    func: Callable, a: Any, b: Any, args: Any = (), full_output: int = 0, *rest: Any, **options: Any
) -> Any:
    """``quad``; the error estimate and the further output are constants."""
    if isinstance(func, LowLevelCallable) and contains_traced([a, b, args]):
        raise no_rule(si.quad, "a compiled integrand where limits or arguments vary")
    if not OPEN or isinstance(func, LowLevelCallable):
        return si.quad(func, a, b, args, full_output, *rest, **options)
    args = args if isinstance(args, tuple) else (args,)
    if len(rest) > 4 or options.get("weight") is not None or options.get("complex_func"):
        raise no_rule(si.quad, "weight, wvar and complex_func")
    low, high = plain(a), plain(b)
    found = si.quad(quiet(func, args), low, high, (), 1, *plain(rest), **plain(options))
    new = resolve(func)
    value = found[0]
    traced = _integral(lambda x: new(x, *args), (low, high), found)
    traced = _with_limit(_with_limit(traced, new, args, b, 1.0), new, args, a, -1.0)
    result = with_value(traced, value) if type(traced) in TRACED else value
    if full_output:
        return (result, *found[1:])
    return (result, found[1]) if len(found) == 3 else _warned(si.quad, found, result)


def _warned(function: Callable, found: tuple, result: Any) -> tuple:
    import warnings

    warnings.warn(found[3], si.IntegrationWarning, stacklevel=4)
    return result, found[1]


def _with_limit(total: Any, function: Callable, args: tuple, limit: Any, sign: float) -> Any:
    """The integral with a limit that varies: ± (limit − its value) times the mean of the integrand there."""
    if type(limit) not in TRACED or not np.isfinite(plain(limit)):
        return total
    if len(OPEN) > 2:
        raise no_rule(si.quad, "a third derivative by a limit")
    here = plain(limit)
    mean = 0.5 * (function(here, *args) + function(limit, *args))
    return total + sign * mean * (limit - here)


def _on_the_line(function: Callable, low: float, high: float) -> Callable:
    """The integrand on the interval that QUADPACK works on: (0, 1] where a limit is infinite."""
    if np.isfinite(low) and np.isfinite(high):
        return function
    if np.isfinite(low):
        return lambda t: function(low + (1.0 - t) / t) / (t * t)
    if np.isfinite(high):
        return lambda t: function(high - (1.0 - t) / t) / (t * t)
    return lambda t: (function((1.0 - t) / t) + function(-(1.0 - t) / t)) / (t * t)


def _integral(function: Callable, limits: tuple[float, float], found: tuple) -> Any:
    """The traced sum that stands for QUADPACK's integral; it is plain if the integrand is."""
    low, high = limits
    value, error, report = found[:3]
    if low == high:
        return 0.0
    sign = -1.0 if low > high and np.isinf(low - high) else 1.0
    if sign < 0:
        low, high = high, low
    function = _on_the_line(function, low, high)
    pieces = list(zip(report["alist"][: report["last"]], report["blist"][: report["last"]], strict=True))
    middle = 0.5 * (pieces[0][0] + pieces[0][1])
    if type(settled(function(middle))) not in TRACED:
        return value
    gauss = sign * _gauss(function, pieces)
    slack = 1e-9 * abs(value) + 10.0 * error + 1e-13
    if abs(plain(gauss) - value) <= min(slack, 1e-6 * abs(value) + 1e-9):
        return gauss
    ends = sign * _to_the_ends(function, pieces)
    if abs(plain(ends) - value) <= 1e-6 * abs(value) + 1e-9:
        return ends
    raise MissingRuleError(
        "the derivative of this integral cannot be computed to its accuracy",
        found=f"the integral is {value!r}, the sum to be differentiated {plain(ends)!r}",
        where=user_line(),
        fix="substitute the variable so that the integrand is smooth, or split the interval at its singular points",
    )


def _gauss(function: Callable, pieces: list[tuple[float, float]]) -> Any:
    cuts = max(2, -(-_PANELS // len(pieces)))
    total: Any = 0.0
    for low, high in pieces:
        edges = np.linspace(low, high, cuts + 1)
        for k in range(cuts):
            half, centre = 0.5 * (edges[k + 1] - edges[k]), 0.5 * (edges[k + 1] + edges[k])
            for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
                total = total + (half * weight) * function(float(centre + half * node))
    return total


def _to_the_ends(function: Callable, pieces: list[tuple[float, float]]) -> Any:
    nodes, weights = _double_exponential()
    total: Any = 0.0
    for low, high in pieces:
        half = 0.5 * (high - low)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            x = low + half * -node if node < 0 else high - half * node
            x = 0.5 * (low + high) if abs(node) == 1.0 else x
            if x in (low, high):
                continue  # closer to the end than numbers are apart
            total = total + (half * weight) * function(float(x))
    return total


DOORS[si.quad] = _quad

# ------------------------------------------------------------------------------------ samples


@stands_in(si.trapezoid)
def _trapezoid(y, x=None, dx=1.0, axis=-1):
    return np.trapezoid(y, x=x, dx=dx, axis=axis)


@stands_in(si.cumulative_trapezoid)
def _cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    rows = np.moveaxis(y, axis, -1) if np.ndim(plain(y)) else y
    if x is not None:
        steps = np.diff(x) if np.ndim(plain(x)) == 1 else np.moveaxis(np.diff(x, axis=axis), axis, -1)
    else:
        steps = dx
    total = np.cumsum(0.5 * steps * (rows[..., 1:] + rows[..., :-1]), axis=-1)
    if initial is not None:
        first = np.zeros((*np.shape(plain(total))[:-1], 1))
        total = resolve(np.concatenate)([first, total], axis=-1)
    return np.moveaxis(total, -1, axis)


refuses(
    si.solve_bvp, si.ode, si.complex_ode, si.quad_vec, si.cubature, si.qmc_quad, si.tanhsinh, si.nsum, si.lebedev_rule,
    why="use quad, solve_ivp or odeint, or register a rule with @workbench.rule",
)  # fmt: skip

from workbench.rules import scipy_ode  # noqa: E402, F401  differential equations
