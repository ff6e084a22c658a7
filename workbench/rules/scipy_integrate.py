"""``scipy.integrate``: integrals of functions and of samples.

``quad`` chooses its intervals with plain numbers. The derivative is that of a Gauss–Legendre sum over those intervals,
each cut further, in which the integrand is traced: whatever it takes from its closure, its arguments or elsewhere. The
limits have the integrand's values there for derivatives (Leibniz). If that sum disagrees with the integral, the
integrand is singular at an end, and a double exponential rule is taken; if that disagrees too, it is refused. Where
the program asks for less accuracy than SciPy's default, and the sums disagree, the intervals are chosen to the default.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as si
from scipy import LowLevelCallable

from workbench.autodiff.attributes import get_attribute
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.implicit import quiet
from workbench.rules.keeping import Around
from workbench.rules.stand_ins import as_number, no_rule, refuses, settled, stands_in, with_value

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_DEFAULT = 1.49e-8  # epsabs and epsrel of ``quad``
_PANELS = 4  # at least so many in all, lest the derivative oscillate where the integrand does not


def _double_exponential() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [-1, 1] (Takahasi and Mori, 1974), with the distance to the nearer end as node."""
    t = np.arange(-52, 53) / 16.0
    inner = 0.5 * np.pi * np.sinh(t)
    distance = np.exp(-np.abs(inner)) / np.cosh(inner)
    weights = 0.5 * np.pi * np.cosh(t) / np.cosh(inner) ** 2 / 16.0
    return np.copysign(distance, t), weights


_NAMES = tuple(inspect.signature(si.quad).parameters)[5:]


def _quad(
    func: Callable, a: Any, b: Any, args: Any = (), full_output: int = 0, *rest: Any, **options: Any
) -> Any:
    """``quad``; the error estimate and the further output are constants."""
    a, b = as_number(a), as_number(b)
    if isinstance(func, LowLevelCallable) and contains_traced([a, b, args]):
        raise no_rule(si.quad, "a compiled integrand where limits or arguments vary")
    if not OPEN or isinstance(func, LowLevelCallable) or len(rest) > len(_NAMES):
        return si.quad(func, a, b, args, full_output, *rest, **options)
    options = {**dict(zip(_NAMES, rest, strict=False)), **options}
    given = func, (a, b), args if isinstance(args, tuple) else (args,), full_output
    if not options.pop("complex_func", False):
        return _real_quad(*given, options)
    real, imag = (_real_quad(*given, options, part) for part in ("real", "imag"))
    parts = plain(real[0]), plain(imag[0])
    value = with_value(real[0] + 1j * imag[0], parts[0] + 1j * parts[1])
    more = ({"real": real[2:], "imag": imag[2:]},) if full_output else ()
    return (value, real[1] + 1j * imag[1], *more)


def _real_quad(
    func: Callable, limits: tuple, args: tuple, full_output: int, options: dict, part: str | None = None
) -> Any:
    """``quad`` of a real integrand, or of one part of a complex one."""
    low, high = map(plain, limits)
    points, named = options.get("points"), _bare(options)
    around, new = Around(func, args=args), resolve(func)
    quieted = integrand = quiet(func, args, fixed=not contains_traced([limits, points]))
    if part is not None:
        integrand, whole = lambda x: getattr(quieted(x), part), new
        new = lambda *x: get_attribute(whole(*x), part)  # noqa: E731
    asked = functools.partial(si.quad, integrand, low, high, (), 1)
    with around.during():
        found = asked(**named)
    value, report, beside = found[0], found[2], None
    weight = options.get("weight")
    if weight is not None:
        wvar = options["wvar"]
        if weight == "cauchy":
            new, beside = _principal(new, args, limits, as_number(wvar))
        else:
            new = _weighted(new, *limits, weight, wvar)
        if weight in ("cos", "sin", "cauchy"):
            # QUADPACK keeps its intervals to itself, or has the pole in one
            waves = 0 if weight == "cauchy" else int(abs(plain(wvar) * (high - low)))
            edges = np.linspace(*sorted((low, high)), 8 + waves)
            report = {"alist": edges[:-1], "blist": edges[1:], "last": len(edges) - 1}
    default = {**named, "epsabs": _DEFAULT, "epsrel": _DEFAULT}
    finer = functools.partial(asked, **default) if _loose(named) else None
    with around.aside():
        left = 0.0 if beside is None else beside()
        traced = value - plain(left)
        if quieted.varies or contains_traced([left, options.get("wvar")]):
            traced = _integral(lambda x: new(x, *args), (low, high), (traced, found[1], report), finer)
        traced = _with_ends(traced, new, args, (*limits, points)) + left
    result = with_value(traced, value) if type(traced) in TRACED else value
    if full_output:
        return (result, *found[1:])
    return (result, found[1]) if len(found) == 3 else _warned(si.quad, found, result)


def _principal(function: Callable, args: tuple, limits: tuple, pole: Any) -> tuple[Callable, Callable]:
    """Cauchy's principal value of f(x) / (x − c), as the integral of (f(x) − f(c)) / (x − c) and what is left of it."""

    def slope(x: Any, *args: Any) -> Any:
        return (function(x, *args) - function(pole, *args)) / (x - pole)

    def left() -> Any:
        a, b = limits
        return function(pole, *args) * resolve(math.log)(abs((b - pole) / (a - pole)))

    return slope, left


def _loose(named: dict[str, Any]) -> bool:
    """Whether the program asks ``quad`` for less accuracy than its default; intervals of weights are made here."""
    least = max(named.get("epsabs", _DEFAULT), named.get("epsrel", _DEFAULT))
    return least > _DEFAULT and named.get("weight") is None


def _weighted(function: Callable, a: Any, b: Any, weight: str, wvar: Any) -> Callable:
    """The integrand with its weight, as ``quad`` has it over a finite interval."""
    low, high = sorted((plain(a), plain(b)))
    if weight in ("cos", "sin") and np.isfinite(low) and np.isfinite(high):
        wave, wvar = resolve({"cos": math.cos, "sin": math.sin}[weight]), as_number(wvar)
        return lambda x, *args: function(x, *args) * wave(wvar * x)
    if not weight.startswith("alg") or contains_traced([a, b]):
        raise no_rule(si.quad, f"weight={weight!r} with these limits")
    alpha, beta = map(as_number, wvar)
    log_a, log_b = weight in ("alg-loga", "alg-log"), weight in ("alg-logb", "alg-log")

    def weighted(x: float, *args: Any) -> Any:
        left, right = x - low, high - x
        logs = (math.log(left) if log_a else 1.0) * (math.log(right) if log_b else 1.0)
        return function(x, *args) * (left**alpha * right**beta * logs)

    return weighted


def _warned(function: Callable, found: tuple, result: Any) -> tuple:
    import warnings

    warnings.warn(found[3], si.IntegrationWarning, stacklevel=4)
    return result, found[1]


def _with_limit(total: Any, function: Callable, args: tuple, limit: Any, sign: float) -> Any:
    """The integral with a limit that varies: ± that from the limit's value to the limit.

    It is zero. A Gauss–Legendre sum of n nodes has all its derivatives up to the order 2n, and no more than the open
    tapes can be asked for.
    """
    if type(limit) not in TRACED or not np.isfinite(plain(limit)):
        return total
    here = plain(limit)
    beyond = limit - here
    if len(OPEN) == 1:  # the value alone matters: its own derivative may be infinite, as that of a root at 0
        return total + sign * plain(settled(_at_the_limit(function, here, args))) * beyond
    nodes, weights = np.polynomial.legendre.leggauss((len(OPEN) + 1) // 2)
    for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        there = _at_the_limit(function, here + 0.5 * (1.0 + node) * beyond, args)
        total = total + (0.5 * sign * weight) * there * beyond
    return total


def _at_the_limit(function: Callable, x: Any, args: tuple) -> Any:
    """The integrand at a limit, where QUADPACK never asks for it: it may have no value there."""
    try:
        return function(x, *args)
    except (ArithmeticError, ValueError) as error:
        raise MissingRuleError(
            "the derivative of this integral by its limit is not known",
            found=f"the integrand has no value at {plain(x)!r}: {error}",
            where=user_line(),
            fix="give the integrand its value there, for instance sqrt(max(x, 0.0))",
        ) from error


def _with_ends(total: Any, function: Callable, args: tuple, ends: tuple) -> Any:
    """The integral with limits that vary, and break points: each of those ends one piece and starts another."""
    a, b, points = ends
    low, high = sorted((plain(a), plain(b)))
    given = [] if points is None else list(settled(points))
    inside = [x for x in given if low < plain(x) < high]
    sign = 1.0 if plain(a) < plain(b) else -1.0
    size = np.max(np.abs(plain(total))) / min(1.0, high - low) if inside else 0.0
    for x in inside:
        if type(x) in TRACED:
            if sum(plain(y) == plain(x) for y in inside) > 1:
                raise no_rule(si.quad, "break points that vary and meet")
            beside = 4.0 * np.spacing(max(abs(plain(x)), 1e-8))
            for side in (-1.0, 1.0):
                _check_end(function, args, (plain(x), side * beside), size)
                total = _with_limit(total, function, args, x + side * beside, -side * sign)
    return _with_limit(_with_limit(total, function, args, b, 1.0), function, args, a, -1.0)


def _check_end(function: Callable, args: tuple, place: tuple[float, float], size: float) -> None:
    """Raise unless the integrand, as large as ``size`` elsewhere, has a limit where a piece begins or ends.

    For second derivatives its slope has one too.
    """
    x, step = place
    found = [np.asarray(plain(settled(function(x + k * step, *args)))) for k in (1.0, 2.0, 1e4, 1e8)]
    near, far = ((found[k] - found[0]) / (times * abs(step)) for k, times in ((2, 1e4), (3, 1e8)))
    is_steady = np.abs(near - far) <= 0.1 * np.abs(near) + 1e-18 * size / abs(step)
    has_limit = np.abs(found[1] - found[0]) <= 1e-6 * (size + np.abs(found[0]))
    if not np.all(has_limit & (is_steady | (len(OPEN) < 2))):
        raise no_rule(si.quad, "a break point that varies where the integrand is singular")


def _bare(x: Any) -> Any:
    """An option without traces, a list of numbers that vary among them."""
    return {name: _bare(value) for name, value in x.items()} if isinstance(x, dict) else plain(settled(x))


def _on_the_line(function: Callable, low: float, high: float) -> Callable:
    """The integrand on the interval that QUADPACK works on: (0, 1] where a limit is infinite."""
    if np.isfinite(low) and np.isfinite(high):
        return function
    if np.isfinite(low):
        return lambda t: function(low + (1.0 - t) / t) / (t * t)
    if np.isfinite(high):
        return lambda t: function(high - (1.0 - t) / t) / (t * t)
    return lambda t: (function((1.0 - t) / t) + function(-(1.0 - t) / t)) / (t * t)


def _integral(
    function: Callable, limits: tuple[float, float], found: tuple, finer: Callable | None = None
) -> Any:
    """The traced sum that stands for QUADPACK's integral; it is plain if the integrand is.

    ``finer`` integrates again, to SciPy's default accuracy.
    """
    low, high = limits
    value, error, report = found[:3]
    if low == high:
        return 0.0
    sign = -1.0 if low > high else 1.0
    if sign < 0:
        low, high = high, low
    given, function = function, _on_the_line(function, low, high)
    pieces = list(zip(report["alist"][: report["last"]], report["blist"][: report["last"]], strict=True))
    gauss = sign * _gauss(function, pieces)
    if type(gauss) not in TRACED:
        return value
    slack = 1e-9 * np.abs(value) + 10.0 * error + 1e-13
    if np.all(np.abs(plain(gauss) - value) <= np.minimum(slack, 1e-6 * np.abs(value) + 1e-9)):
        return gauss
    ends = sign * _to_the_ends(function, pieces)
    if np.all(np.abs(plain(ends) - value) <= 1e-6 * np.abs(value) + 1e-9):
        return ends
    if finer is not None and abs((again := finer())[0] - value) <= error:
        return _integral(given, limits, again)
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


_VECTORS = inspect.signature(si.quad_vec)


def _quad_vec(*given: Any, **options: Any) -> Any:
    """``quad_vec``; over an infinite interval, where SciPy has another variable, on even pieces of ``quad``'s."""
    if not OPEN:
        return si.quad_vec(*given, **options)
    bound = _VECTORS.bind(*given, **options).arguments
    f, a, b = bound.pop("f"), as_number(bound.pop("a")), as_number(bound.pop("b"))
    args, full_output = bound.pop("args", ()), bound.pop("full_output", False)
    args, low, high = args if isinstance(args, tuple) else (args,), plain(a), plain(b)
    fixed = not contains_traced((a, b, bound.get("points")))
    around, integrand = Around(f, args=args), quiet(f, args, fixed=fixed)
    with around.during():
        value, error, report = si.quad_vec(integrand, low, high, full_output=True, **_bare(bound))
    finite = np.isfinite(low) and np.isfinite(high)
    edges = np.linspace(0.0, 1.0, 17)
    starts, ends = np.sort(report.intervals, axis=1).T if finite else (edges[:-1], edges[1:])
    new, traced = resolve(f), value
    pieces = {"alist": starts, "blist": ends, "last": len(starts)}
    with around.aside():
        if integrand.varies or bound.get("workers", 1) != 1:  # what others call is not seen here
            traced = _integral(lambda x: settled(new(x, *args)), (low, high), (value, error, pieces))
        traced = _with_ends(traced, lambda *x: settled(new(*x)), args, (a, b, bound.get("points")))
    result = with_value(traced, value) if type(traced) in TRACED else value
    return (result, error, report) if full_output else (result, error)


DOORS[si.quad_vec] = _quad_vec

# ------------------------------------------------------------------------------------ samples


@stands_in(si.trapezoid)
def _trapezoid(y, x=None, dx=1.0, axis=-1):
    if x is not None and np.ndim(x) != 1:
        x = np.broadcast_to(x, np.shape(y))
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
    si.complex_ode, si.cubature, si.qmc_quad, si.tanhsinh, si.nsum, si.lebedev_rule,
    why="use quad, solve_ivp or odeint, or register a rule with @workbench.rule",
)  # fmt: skip

from workbench.rules import scipy_boundary_values, scipy_ode  # noqa: E402, F401  differential equations
