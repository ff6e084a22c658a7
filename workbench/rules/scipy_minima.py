"""``scipy.optimize.minimize`` by the implicit function theorem (see ``implicit``).

SciPy finds the value with plain numbers. A minimiser is differentiated through the vanishing of its gradient, with
active bounds and constraints as further equations (Karush, Kuhn and Tucker).
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.errors import MissingRuleError
from workbench.rules.implicit import jacobian_of, quiet, solved
from workbench.rules.scipy_callbacks import told
from workbench.rules.scipy_optimize import _as_tuple, _guarded, _with
from workbench.rules.stand_ins import settled, with_value


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


def _at_bounds(x: np.ndarray, bounds: Any, slope: Callable | None) -> list[Callable]:
    """x_i = bound for every component that stands at one, or was on its way there when the solver stopped.

    The latter is asked of ``slope``, which is None where constraints hold too: it does not vanish at a minimum then.
    """
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
    room = np.array([low - x, high - x])
    active = np.abs(room) <= 1e-9 * np.maximum(1.0, np.abs(x))
    if slope is not None:
        _press(active, room, np.maximum(1.0, np.abs(x)), x, slope)
    return [
        functools.partial(lambda x, k, limit: x[k] - limit, k=int(k), limit=edge(side, k))
        for side, k in np.argwhere(active)
    ]


def _press(active: np.ndarray, room: np.ndarray, size: np.ndarray, x: np.ndarray, slope: Callable) -> None:
    """Mark the bounds beyond which Newton's step leads, one after the other. ``active`` and ``room`` have shape (2, n).

    The step is of all components that are still free. One that bends downwards, the others being at their best, has its
    minimum beyond the bound that the slope leads to.
    """
    if active.any(axis=0).all() or not np.isfinite(room).any():
        return
    slopes, bends = np.ravel(plain(slope(x))), jacobian_of(slope, x)
    if not (np.all(np.isfinite(slopes)) and np.all(np.isfinite(bends))):
        return
    moves = np.zeros(x.size)  # to the bounds that are found
    ridge = np.eye(x.size) * max(1e-12 * np.max(np.abs(bends)), 1e-200)  # a loss may be flat, or linear
    while not active.any(axis=0).all():
        free = np.flatnonzero(~active.any(axis=0))
        inverse = np.linalg.inv((bends + ridge)[np.ix_(free, free)])
        steps = -inverse @ (slopes + bends @ moves)[free]
        steps = np.where(np.diag(inverse) > 0, steps, -1e200 * np.sign(steps))
        beyond = np.zeros(room.shape)
        beyond[:, free] = steps / np.where(active[:, free], 1.0, room[:, free])
        side, k = np.unravel_index(np.argmax(beyond), beyond.shape)
        if beyond[side, k] <= 1:
            return
        if abs(room[side, k]) > 1e-2 * size[k]:
            raise MissingRuleError(
                "the point that the solver found is no minimum, so its derivative is not known",
                found=f"it stopped {abs(room[side, k]):.3g} short of the bound on component {k}",
                where=user_line(),
                fix="ask for a smaller tolerance or more iterations",
            )
        active[side, k], moves[k] = True, room[side, k]


def _listed(constraints: Any) -> list:
    """The constraints, one by one."""
    one = isinstance(constraints, dict | so.LinearConstraint | so.NonlinearConstraint)
    return [constraints] if one else list(constraints)


def _active_constraints(x: np.ndarray, constraints: Any) -> list[Callable]:
    """Equalities, and those inequalities that hold as equalities at ``x``."""
    found = []
    for constraint in _listed(constraints):
        args: tuple = ()
        if isinstance(constraint, dict):
            new, args = resolve(constraint["fun"]), _as_tuple(constraint.get("args", ()))
            sides = (0.0, 0.0 if constraint["type"] == "eq" else np.inf)
        else:
            linear = isinstance(constraint, so.LinearConstraint)
            new = functools.partial(np.matmul, settled(constraint.A)) if linear else resolve(constraint.fun)
            sides = (constraint.lb, constraint.ub)
        left = functools.partial(
            lambda x, new, args: resolve(np.ravel)(settled(new(x, *args))), new=new, args=args
        )
        values = plain(left(x))
        low, high = (resolve(np.broadcast_to)(settled(side), values.shape) for side in sides)
        equal = plain(low) == plain(high)
        for side, active in (
            (low, equal | (np.abs(values - plain(low)) <= 1e-6)),
            (high, ~equal & (np.abs(values - plain(high)) <= 1e-6)),
        ):
            for k in np.flatnonzero(active):
                found.append(functools.partial(_excess, left=left, side=side, k=int(k)))
    return found


def _excess(x: Any, left: Callable, side: Any, k: int) -> Any:
    """What is zero where the k-th condition of a constraint holds as an equality."""
    return left(x)[k] - side[k]


def _quiet_constraints(constraints: Any) -> Any:
    def one(c: Any) -> Any:
        if isinstance(c, dict):
            args = _as_tuple(c.get("args", ()))
            new = {**c, "fun": quiet(c["fun"], args), "args": ()}
            return {**new, "jac": quiet(c["jac"], args)} if "jac" in c else new
        new = copy.copy(c)
        for name, value in vars(c).items():
            setattr(new, name, quiet(value) if callable(value) else plain(settled(value)))
        return new

    return [one(c) for c in _listed(constraints)]


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
        told(callback),
        options,
    )
    new = resolve(fun)
    value = (lambda x: new(x, *args)[0]) if jac is True else (lambda x: new(x, *args))
    slope = _slope_of(value)
    if callable(jac):
        slope = lambda x: settled(resolve(jac)(x, *args))  # noqa: E731
    return _finished(so.minimize, report, value, slope, bounds, constraints)


def _finished(
    function: Callable, report: Any, value: Callable, slope: Callable, bounds: Any, constraints: Any
) -> Any:
    """A report with a traced minimiser and minimum; what else in it depends on the inputs is not known."""
    held = _active_constraints(report.x, constraints)
    active = _at_bounds(report.x, bounds, None if held else slope) + held
    report.x = _Problem(slope, active, f"scipy.optimize.{function.__name__}").minimiser(report.x)
    report.fun = with_value(_number(value(report.x)), report.fun)
    return _guarded(report, report.x, _INTERNAL)


# of ``minimize``, and of the searches for a global minimum
_INTERNAL = (
    "jac", "hess", "hess_inv", "final_simplex", "population", "population_energies", "lowest_optimization_result", "xl",
    "funl", "allvecs", "multipliers", "grad", "lagrangian_grad", "v", "constr",
)  # fmt: skip

DOORS[so.minimize] = _minimize


def _is_pressed(value: Callable, x: float, room: float) -> bool:
    """Whether the minimum of a number's function lies beyond the bound at ``x + room``."""
    slope = float(plain(_slope_of(value)(x)))
    bend = jacobian_of(_slope_of(value), x)[0, 0]
    return slope * room <= 0 and abs(slope) > bend * abs(room)


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
    if edges and _is_pressed(value, x, plain(edges[0]) - x):
        report.x = with_value(edges[0], report.x)
    else:
        report.x = _Problem(_slope_of(value), [], "scipy.optimize.minimize_scalar").minimiser(x)
        report.x = with_value(report.x, x)
    report.fun = with_value(_number(value(report.x)), report.fun)
    return report


DOORS[so.minimize_scalar] = _minimize_scalar

from workbench.rules import (  # noqa: E402, F401  the rest
    scipy_fitting,
    scipy_linear_fits,
    scipy_minimisers,
    scipy_searches,
)
