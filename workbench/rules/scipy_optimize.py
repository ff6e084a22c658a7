"""``scipy.optimize``: roots and minimisers by the implicit function theorem (see ``implicit``).

SciPy finds the value with plain numbers. A root is differentiated through F(x; θ) = 0, a minimiser through the
vanishing of its gradient, with active bounds and constraints as further equations (Karush, Kuhn and Tucker). Starting
points and brackets have the derivative zero. Linear programs are refused: their solutions jump.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.errors import MissingRuleError
from workbench.rules.implicit import Unknown, quiet, solved
from workbench.rules.stand_ins import no_rule, refuses, settled, with_value


def _as_tuple(args: Any) -> tuple:
    return args if isinstance(args, tuple) else (args,)


def _with(function: Callable, args: tuple) -> Callable:
    new = resolve(function)
    return lambda x: new(x, *args)


def _plain_options(options: dict) -> dict:
    return {name: quiet(v) if callable(v) else plain(v) for name, v in options.items()}


# ------------------------------------------------------------------------------------ roots of one equation


def _first(found: Any, change: Callable) -> Any:
    """``found`` with its solution changed: alone, or first in a tuple."""
    if isinstance(found, tuple):
        root = change(found[0])
        report = found[1]
        if isinstance(report, so.RootResults):
            report.root = root
        return (root, *found[1:])
    return change(found)


def _bracketed(function: Callable) -> None:
    @functools.wraps(function)
    def call(f: Callable, a: Any, b: Any, args: Any = (), **options: Any) -> Any:
        if not OPEN:
            return function(f, a, b, args, **options)
        args = _as_tuple(args)
        found = function(quiet(f, args), plain(a), plain(b), **plain(options))
        name = f"scipy.optimize.{function.__name__}"
        return _first(found, lambda x: solved(_with(f, args), x, where=name))

    DOORS[function] = call


for _function in (so.brentq, so.brenth, so.bisect, so.ridder, so.toms748):
    _bracketed(_function)


def _newton(func: Callable, x0: Any, fprime: Any = None, args: Any = (), **options: Any) -> Any:
    """``newton``, for one starting point or an array of them (one equation each)."""
    if not OPEN:
        return so.newton(func, x0, fprime, args, **options)
    args = tuple(args)  # to the others a list is one argument
    if callable(options.get("fprime2")):
        options["fprime2"] = quiet(options["fprime2"], args)
    found = so.newton(quiet(func, args), plain(x0), quiet(fprime, args), **_plain_options(options))
    return _first(found, lambda x: solved(_with(func, args), x, where="scipy.optimize.newton"))


DOORS[so.newton] = _newton


def _root_scalar(f: Callable, args: Any = (), method: Any = None, **options: Any) -> Any:
    """``root_scalar``."""
    if not OPEN:
        return so.root_scalar(f, args, method, **options)
    args = _as_tuple(args)
    for name in ("fprime", "fprime2"):
        options[name] = quiet(options.get(name), args)
    report = so.root_scalar(quiet(f, args), (), method, **_plain_options(options))

    def value(x: Any) -> Any:
        found = resolve(f)(x, *args)
        return found[0] if isinstance(found, tuple) else found

    report.root = solved(value, report.root, where="scipy.optimize.root_scalar")
    return report


DOORS[so.root_scalar] = _root_scalar

# ------------------------------------------------------------------------------------ systems of equations


def _fsolve(func: Callable, x0: Any, args: Any = (), fprime: Any = None, **options: Any) -> Any:
    """``fsolve``."""
    if not OPEN:
        return so.fsolve(func, x0, args, fprime, **options)
    args = _as_tuple(args)
    found = so.fsolve(quiet(func, args), plain(settled(x0)), (), quiet(fprime, args), **plain(options))
    return _first(found, lambda x: solved(_with(func, args), x, where="scipy.optimize.fsolve"))


DOORS[so.fsolve] = _fsolve


def _root(
    fun: Callable, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, *rest: Any, **options: Any
) -> Any:
    """``root``: its result with a traced ``x``."""
    if not OPEN:
        return so.root(fun, x0, args, method, jac, *rest, **options)
    args = _as_tuple(args)
    report = so.root(
        quiet(fun, args),
        plain(settled(x0)),
        (),
        method,
        quiet(jac, args),
        *plain(rest),
        **_plain_options(options),
    )
    paired = jac is True

    def value(x: Any) -> Any:
        found = resolve(fun)(x, *args)
        return found[0] if paired else found

    report.x = solved(value, report.x, where="scipy.optimize.root")
    return _guarded(report, report.x, ("fjac", "r", "qtf"))


DOORS[so.root] = _root


def _guarded(report: Any, x: Any, names: tuple[str, ...]) -> Any:
    if type(x) in TRACED:
        for name in names:
            if name in report:
                report[name] = Unknown(name, report[name])
    return report


def _fixed_point(func: Callable, x0: Any, args: Any = (), **options: Any) -> Any:
    """``fixed_point``: F(x) = f(x) − x."""
    if not OPEN:
        return so.fixed_point(func, x0, args, **options)
    args = tuple(args)
    found = so.fixed_point(quiet(func, args), plain(settled(x0)), **plain(options))
    new = resolve(func)
    found = found if np.ndim(found) else float(found)
    return solved(lambda x: settled(new(x, *args)) - x, found, where="scipy.optimize.fixed_point")


DOORS[so.fixed_point] = _fixed_point

# ------------------------------------------------------------------------------------ minimisers


class _Problem:
    """min f(x; θ) with the active conditions c(x; θ) = 0: stationary points of f + λ·c.

    Attributes:
        slope: x ↦ ∂f/∂x, traced in θ.
        active: functions c whose zeros hold at the minimiser.
    """

    def __init__(self, slope: Callable, active: list[Callable], name: str) -> None:
        self.slope, self.active, self.name = slope, active, name

    def minimiser(self, x: Any) -> Any:
        """``x`` with its derivatives."""
        self._check(x)
        if not self.active:
            return solved(self.slope, x, where=self.name)
        n = np.size(x)
        rows = np.array([np.ravel(plain(_slope_of(c)(x))) for c in self.active])
        multipliers = np.linalg.lstsq(-rows.T, np.ravel(plain(self.slope(x))), rcond=None)[0]

        def conditions(z: Any) -> Any:
            x, factors = z[:n], z[n:]
            slope = self.slope(x)
            for k, c in enumerate(self.active):
                slope = slope + factors[k] * _slope_of(c)(x)
            values = [settled(c(x)) for c in self.active]
            return resolve(np.concatenate)([slope, resolve(np.array)(values)])

        z = np.concatenate([np.ravel(x), multipliers])
        return solved(conditions, z, where=self.name)[:n]

    def _check(self, x: Any) -> None:
        """The slope along the directions that are free must have vanished."""
        slope = np.ravel(plain(self.slope(x)))
        if self.active:
            rows = np.array([np.ravel(plain(_slope_of(c)(x))) for c in self.active])
            slope = slope - rows.T @ np.linalg.lstsq(rows.T, slope, rcond=None)[0]
        size = max(1.0, float(np.max(np.abs(x), initial=0.0)))
        if not np.all(np.abs(slope) <= 1e-2 * size):
            raise MissingRuleError(
                f"the point found by {self.name} is no minimum, so its derivative is not known",
                found=f"the gradient there is {slope!r:.100}",
                where=user_line(),
                fix="ask for a smaller tolerance or more iterations",
            )


def _slope_of(f: Callable) -> Callable:
    """x ↦ ∂f/∂x by the engine, traced in what else ``f`` uses."""
    new = resolve(f)

    def slope(x: Any) -> Any:
        value, back = pullback(lambda z: _number(new(z)), x)
        return back(1.0)[0] if np.ndim(plain(value)) == 0 else back(np.ones(np.shape(plain(value))))[0]

    return slope


def _number(value: Any) -> Any:
    """What a loss function returns, as one number: arrays of one element count."""
    value = settled(value)
    return np.sum(value) if np.ndim(plain(value)) else value


def _at_bounds(x: np.ndarray, bounds: Any) -> list[Callable]:
    """x_i = bound for every component that stands at one."""
    if bounds is None:
        return []
    if isinstance(bounds, so.Bounds):
        sides = [resolve(np.broadcast_to)(settled(b), x.shape) for b in (bounds.lb, bounds.ub)]
        low, high = map(plain, sides)
        edge = lambda side, k: sides[side][k]  # noqa: E731
    else:
        pairs = [(-np.inf if a is None else a, np.inf if b is None else b) for a, b in bounds]
        low, high = np.array([plain(a) for a, _ in pairs]), np.array([plain(b) for _, b in pairs])
        edge = lambda side, k: pairs[k][side]  # noqa: E731
    found = []
    for side, bound in enumerate((low, high)):
        for k in np.flatnonzero(np.abs(x - bound) <= 1e-9 * np.maximum(1.0, np.abs(x))):
            found.append(functools.partial(lambda x, k, limit: x[k] - limit, k=int(k), limit=edge(side, k)))
    return found


def _active_constraints(x: np.ndarray, constraints: Any) -> list[Callable]:
    """Equalities, and those inequalities that hold as equalities at ``x``."""
    found = []
    for constraint in [constraints] if isinstance(constraints, dict) else constraints:
        if not isinstance(constraint, dict):
            raise no_rule(so.minimize, f"constraints of the class {type(constraint).__name__}")
        new, args = resolve(constraint["fun"]), _as_tuple(constraint.get("args", ()))
        values = np.ravel(plain(settled(new(x, *args))))
        for k, value in enumerate(values):
            if constraint["type"] == "eq" or abs(value) <= 1e-6:
                found.append(lambda x, k=k, new=new, args=args: resolve(np.ravel)(settled(new(x, *args)))[k])
    return found


def _quiet_constraints(constraints: Any) -> Any:
    def one(c: Any) -> Any:
        if not isinstance(c, dict):
            return c
        args = _as_tuple(c.get("args", ()))
        new = {**c, "fun": quiet(c["fun"], args), "args": ()}
        return {**new, "jac": quiet(c["jac"], args)} if "jac" in c else new

    return one(constraints) if isinstance(constraints, dict) else [one(c) for c in constraints]


def _plain_bounds(bounds: Any) -> Any:
    if isinstance(bounds, so.Bounds):
        return so.Bounds(plain(settled(bounds.lb)), plain(settled(bounds.ub)), bounds.keep_feasible)
    return None if bounds is None else [tuple(plain(b)) for b in bounds]


def _minimize(
    fun: Callable,
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """``minimize``: ``x`` and ``fun`` of its result are traced."""
    if not OPEN:
        return so.minimize(
            fun, x0, args, method, jac, hess, hessp, bounds, constraints, tol, callback, options
        )
    args = _as_tuple(args)
    report = so.minimize(
        quiet(fun, args),
        plain(settled(x0)),
        (),
        method,
        quiet(jac, args),
        quiet(hess, args),
        quiet(hessp, args),
        _plain_bounds(bounds),
        _quiet_constraints(constraints),
        tol,
        callback,
        options,
    )
    new = resolve(fun)
    value = (lambda x: new(x, *args)[0]) if jac is True else (lambda x: new(x, *args))
    slope = _slope_of(value)
    if callable(jac):
        slope = lambda x: settled(resolve(jac)(x, *args))  # noqa: E731
    active = _at_bounds(report.x, bounds) + _active_constraints(report.x, constraints)
    report.x = _Problem(slope, active, "scipy.optimize.minimize").minimiser(report.x)
    report.fun = with_value(_number(value(report.x)), report.fun)
    return _guarded(report, report.x, ("jac", "hess", "hess_inv", "final_simplex"))


DOORS[so.minimize] = _minimize


def _minimize_scalar(
    fun: Callable, bracket: Any = None, bounds: Any = None, args: Any = (), **options: Any
) -> Any:
    """``minimize_scalar``."""
    if not OPEN:
        return so.minimize_scalar(fun, bracket, bounds, args, **options)
    args = _as_tuple(args)
    plain_bounds = None if bounds is None else tuple(plain(list(bounds)))
    report = so.minimize_scalar(quiet(fun, args), plain(bracket), plain_bounds, **plain(options))
    value, x = _with(fun, args), float(report.x)
    edges = [] if bounds is None else [b for b in bounds if abs(plain(b) - x) <= 1e-4 * max(1.0, abs(x))]
    slope = plain(_slope_of(value)(x))
    if edges and abs(slope) > 1e-3:
        report.x = with_value(edges[0], report.x)
    else:
        report.x = _Problem(_slope_of(value), [], "scipy.optimize.minimize_scalar").minimiser(x)
        report.x = with_value(report.x, x)
    report.fun = with_value(_number(value(report.x)), report.fun)
    return report


DOORS[so.minimize_scalar] = _minimize_scalar


def _global(function: Callable) -> None:
    """A search for the global minimum, whose end is a local minimum like any other."""

    @functools.wraps(function)
    def call(func: Callable, bounds: Any, args: Any = (), **options: Any) -> Any:
        if not OPEN:
            return function(func, bounds, args=args, **options)
        args = _as_tuple(args)
        report = function(quiet(func, args), _plain_bounds(bounds), **options)
        value = _with(func, args)
        problem = _Problem(
            _slope_of(value), _at_bounds(report.x, bounds), f"scipy.optimize.{function.__name__}"
        )
        report.x = problem.minimiser(report.x)
        report.fun = with_value(_number(value(report.x)), report.fun)
        return _guarded(
            report, report.x, ("jac", "population", "population_energies", "lowest_optimization_result")
        )

    DOORS[function] = call


_global(so.differential_evolution)
_global(so.dual_annealing)

refuses(
    so.linprog, so.milp, so.shgo, so.direct, so.brute, so.basinhopping, so.quadratic_assignment, so.broyden1,
    so.broyden2, so.anderson, so.newton_krylov, so.approx_fprime, so.check_grad,
    why="its solution jumps or is not known by equations; use minimize, least_squares or root, or stop_gradient(x)",
)  # fmt: skip

from workbench.rules import scipy_fitting, scipy_linear_fits, scipy_minimisers  # noqa: E402, F401  the rest
