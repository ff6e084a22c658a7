"""Minima of a loss beside bounds and constraints, as they depend on what these use (Karush, Kuhn and Tucker).

A minimum is a stationary point of f(x) − λ·c(x) with c(x) = 0, for the conditions c that are active there. Solvers stop
short of a minimum, and of its conditions, by their own tolerance: which of them are active is what Newton's step says.
Source: J. Nocedal, S. J. Wright, Numerical Optimization, 2006, chapters 12 and 16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.telling import plain
from workbench.rules.implicit import NEAR, far, jacobian_of, size_of, solved, value_and_jacobian
from workbench.rules.scipy_optimize import _as_tuple
from workbench.rules.scipy_sparse import Pattern
from workbench.rules.scipy_sparse_elements import is_sparse
from workbench.rules.stand_ins import settled

Condition = tuple[Callable, np.ndarray, bool]
"""x ↦ numbers none of which is negative at a solution, which of them are zero in any case, and whether it is linear."""


def slope_of(f: Callable) -> Callable:
    """x ↦ ∂f/∂x by the engine, traced in what else ``f`` uses."""
    new = resolve(f)

    def slope(x: Any) -> Any:
        value, back = pullback(lambda z: number(new(z)), x)
        return back(1.0)[0] if np.ndim(plain(value)) == 0 else back(np.ones(np.shape(plain(value))))[0]

    return slope


def number(value: Any) -> Any:
    """What a loss function returns, as one number: arrays of one element count."""
    value = settled(value)
    return np.sum(value) if np.ndim(plain(value)) else value


def minimiser(slope: Callable, x: Any, *, where: str, start: Any, conditions: list[Condition] = ()) -> Any:
    """``x`` with its derivatives.

    Args:
        slope: x ↦ ∂f/∂x, traced in what the loss uses.
        x: a plain minimiser, as a solver found it.
        where: what found it, for messages.
        start: where it began.
        conditions: on ``x``, which is an array with one axis where there are any.
    Raises:
        MissingRuleError: it is no minimum, or not an isolated one.
    """
    if not conditions:
        return solved(slope, x, where=where, start=start)
    return _Beside(slope, x, where, start, conditions).minimiser()


class _Beside:
    """A minimum beside conditions."""

    def __init__(self, slope: Callable, x: np.ndarray, where: str, start: Any, conditions: list) -> None:
        self.slope, self.x, self.where, self.start = slope, x, where, start
        self.functions = [function for function, _, _ in conditions]
        self.equal = np.concatenate([equal for _, equal, _ in conditions])
        self.linear = all(linear for _, _, linear in conditions)
        self.ends = np.cumsum([0, *[equal.size for _, equal, _ in conditions]])
        self.bends: dict[bytes, np.ndarray] = {}

    def minimiser(self) -> Any:
        pairs = [value_and_jacobian(function, self.x) for function in self.functions]
        values = np.concatenate([np.ravel(plain(value)) for value, _ in pairs])
        held, factors = self._held(values, np.concatenate([rows for _, rows in pairs]))
        places, n = np.flatnonzero(held), self.x.size
        if not places.size:
            return solved(self.slope, self.x, where=self.where, start=self.start, jacobian=self._bend)
        weight = self.weight  # the conditions as steep as the slopes

        def equations(z: Any) -> Any:
            slope = self._lagrangian(z[:n], weight * z[n:], places)
            return resolve(np.concatenate)([slope, weight * self._values(z[:n], places)])

        def slopes(z: np.ndarray) -> np.ndarray:
            rows = weight * jacobian_of(lambda x: self._values(x, places), z[:n])
            bends = self._curved(z[:n], weight * z[n:], places)
            return np.block([[bends, -rows.T], [rows, np.zeros((len(rows), len(rows)))]])

        z = np.concatenate([self.x, factors[held] / weight])
        return solved(equations, z, where=self.where, start=self.start, count=n, jacobian=slopes)[:n]

    def _values(self, x: Any, places: np.ndarray) -> Any:
        """c(x) of the conditions at ``places``."""
        parts = []
        for k, function in enumerate(self.functions):
            inside = places[(places >= self.ends[k]) & (places < self.ends[k + 1])] - self.ends[k]
            if inside.size:
                parts.append(function(x)[inside])
        return resolve(np.concatenate)(parts)

    def _lagrangian(self, x: Any, factors: Any, places: np.ndarray) -> Any:
        """∂/∂x of f − λ·c."""
        slope = resolve(np.ravel)(self.slope(x))
        if not places.size:
            return slope
        return slope - pullback(lambda y: self._values(y, places), x)[1](factors)[0]

    def _bend(self, x: np.ndarray) -> np.ndarray:
        """The Hessian of the loss, made once for each point."""
        key = np.asarray(x).tobytes()
        if key not in self.bends:
            self.bends[key] = jacobian_of(self.slope, x)
        return self.bends[key]

    def _held(self, values: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which conditions are active, and the multipliers of all.

        One after the other, those are added beyond which Newton's step leads, and those left that push the other way.
        """
        slope, scale = np.ravel(plain(self.slope(self.x))), size_of(self.x, self.start)
        held, left = self.equal | (values <= 1e-9 * max(scale, 1e-9)), np.zeros(values.size, bool)
        bends = self._bends(slope, rows, self.equal | (values <= NEAR * scale))
        finite = all(np.all(np.isfinite(part)) for part in (slope, bends, rows))
        self.weight = float(np.max(np.abs(bends))) or 1.0
        step, factors = np.zeros(self.x.size), np.zeros(values.size)
        while finite:
            step, factors[:] = _newton(bends, slope, rows, values, held)
            beyond = np.where(held, 0.0, -(rows @ step) / np.where(held, 1.0, np.maximum(values, 1e-200)))
            leaving = held & ~self.equal & (factors < 0)
            if np.max(np.where(left, 0.0, beyond), initial=0.0) > 1.0:
                held[np.argmax(np.where(left, 0.0, beyond))] = True
            elif leaving.any():
                k = int(np.argmin(np.where(leaving, factors, 0.0)))
                held[k], left[k] = False, True
            elif np.max(beyond, initial=0.0) > 1.0 + 1e-6:  # one that has been left
                raise far(self.where, step)
            else:
                break
        if np.max(np.abs(step), initial=0.0) > NEAR * scale:
            raise far(self.where, step)
        return held, factors

    def _bends(self, slope: np.ndarray, rows: np.ndarray, near: np.ndarray) -> np.ndarray:
        """The Hessian of the Lagrangian, with multipliers that suit the conditions nearby."""
        places = np.flatnonzero(near)
        if self.linear or not places.size:
            return self._bend(self.x)
        bound = np.where(self.equal[places], -np.inf, 0.0)
        factors = so.lsq_linear(rows[places].T, slope, (bound, np.inf)).x
        return self._curved(self.x, factors, places)

    def _curved(self, x: np.ndarray, factors: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The Hessian of the Lagrangian."""
        if self.linear:
            return self._bend(x)
        return jacobian_of(lambda x: self._lagrangian(x, factors, places), x)


def _newton(
    bends: np.ndarray, slope: np.ndarray, rows: np.ndarray, values: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The step to the minimum of the quadratic model where the held conditions hold, and the multipliers.

    A model that is flat or bends downwards has its minimum far away, where the slope leads to.
    """
    active, factors = rows[held], np.zeros(values.size)
    inverse = np.linalg.pinv(active)
    start = -inverse @ values[held]
    base = np.eye(slope.size) - inverse @ active
    sizes, base = np.linalg.eigh(0.5 * (base + base.T))
    base = base[:, sizes > 0.5]
    sizes, along = np.linalg.eigh(base.T @ (0.5 * (bends + bends.T)) @ base)
    ridge = max(1e-12 * float(np.max(np.abs(bends), initial=0.0)), 1e-200)
    along = base @ along
    inner = along @ ((along.T @ (slope + bends @ start)) / np.where(sizes > ridge, sizes, ridge))
    step = start - inner
    factors[held] = inverse.T @ (slope + bends @ step)
    return step, factors


def conditions_of(x: Any, bounds: Any, constraints: Any = ()) -> list[Condition]:
    """The bounds and the constraints of a minimum with as many components as ``x``."""
    found = []
    if bounds is not None and np.ndim(x) == 1:
        found += _of_sides(lambda z: z, np.shape(x), sides_of(bounds), linear=True)
    for constraint in listed(constraints):
        args, linear = (), isinstance(constraint, so.LinearConstraint | so.Bounds)
        if isinstance(constraint, dict):
            new, args = resolve(constraint["fun"]), _as_tuple(constraint.get("args", ()))
            sides = (0.0, 0.0 if constraint["type"] == "eq" else np.inf)
        else:
            new = _left_of(constraint)
            sides = (constraint.lb, constraint.ub)
        left = functools.partial(_flat, new=new, args=args)
        found += _of_sides(left, np.shape(plain(left(x))), sides, linear=linear)
    return found


def _left_of(constraint: Any) -> Callable:
    """What one of SciPy's objects bounds: x itself, A x, or the numbers that a function gives."""
    if isinstance(constraint, so.Bounds):
        return lambda x: x
    if not isinstance(constraint, so.LinearConstraint):
        return resolve(constraint.fun)
    if is_sparse(constraint.A):
        pattern = Pattern(constraint.A)
        return functools.partial(pattern.times, pattern.data)
    return functools.partial(np.matmul, settled(constraint.A))


def _flat(x: Any, *, new: Callable, args: tuple) -> Any:
    return resolve(np.ravel)(settled(new(x, *args)))


def sides_of(bounds: Any) -> tuple[Any, Any]:
    """The lower and the upper bounds."""
    if isinstance(bounds, so.Bounds):
        return bounds.lb, bounds.ub
    pairs = [(-np.inf if a is None else a, np.inf if b is None else b) for a, b in bounds]
    return settled([a for a, _ in pairs]), settled([b for _, b in pairs])


def _of_sides(left: Callable, shape: tuple, sides: tuple[Any, Any], *, linear: bool) -> list[Condition]:
    """low ≤ left(x) ≤ high."""
    low, high = (resolve(np.broadcast_to)(settled(side), shape) for side in sides)
    equal = plain(low) == plain(high)
    lower, upper = np.flatnonzero(np.isfinite(plain(low))), np.flatnonzero(np.isfinite(plain(high)) & ~equal)
    found: list[Condition] = []
    if lower.size:
        found.append((lambda x: left(x)[lower] - low[lower], equal[lower], linear))
    if upper.size:
        found.append((lambda x: high[upper] - left(x)[upper], equal[upper], linear))
    return found


def listed(constraints: Any) -> list:
    """The constraints, one by one."""
    one = isinstance(constraints, dict | so.LinearConstraint | so.NonlinearConstraint | so.Bounds)
    return [constraints] if one else list(constraints or ())


def read_once(bounds: Any) -> Any:
    """Bounds that may be read again: an iterator of pairs as a list."""
    return list(bounds) if isinstance(bounds, Iterator) else bounds
