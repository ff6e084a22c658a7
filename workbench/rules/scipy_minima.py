"""``scipy.optimize.minimize`` by the implicit function theorem (see ``implicit`` and ``scipy_stationary``).

SciPy finds the value with plain numbers. A minimiser is differentiated through the vanishing of its gradient, with
active bounds and constraints as further equations.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, by_name
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import quiet
from workbench.rules.keeping import Around
from workbench.rules.scipy_callbacks import told
from workbench.rules.scipy_optimize import _as_tuple, _guarded, _with
from workbench.rules.scipy_sparse_elements import is_sparse, plain_sparse
from workbench.rules.scipy_stationary import conditions_of, listed, minimiser, number, read_once, slope_of
from workbench.rules.stand_ins import settled, with_value


def _quiet_constraints(constraints: Any) -> Any:
    def one(c: Any) -> Any:
        if isinstance(c, dict):
            args = _as_tuple(c.get("args", ()))
            new = {**c, "fun": quiet(c["fun"], args), "args": ()}
            return {**new, "jac": quiet(c["jac"], args)} if "jac" in c else new
        new = copy.copy(c)
        for name, value in vars(c).items():
            setattr(new, name, _bare(value))
        return new

    return [one(c) for c in listed(constraints)]


def _bare(x: Any, args: tuple = ()) -> Any:
    """A function for a solver, which calls it with ``args`` too, or anything else without traces."""
    if is_sparse(x):
        return plain_sparse(x)
    return quiet(x, args) if callable(x) else plain(settled(x))


def _functions(constraints: Any) -> list[Any]:
    """The functions of constraints."""
    return [c["fun"] if isinstance(c, dict) else getattr(c, "fun", None) for c in listed(constraints)]


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
    args, bounds, constraints = _as_tuple(args), read_once(bounds), listed(constraints)
    around = Around(fun, jac, hess, hessp, *_functions(constraints), args=args)
    with around.during():
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
    value = around.anew((lambda x: new(x, *args)[0]) if jac is True else (lambda x: new(x, *args)))
    slope = slope_of(value)
    if callable(jac):
        slope = around.anew(lambda x: settled(resolve(jac)(x, *args)))
    with around.aside():
        return _finished(so.minimize, report, value, slope, (x0, bounds, constraints))


def _finished(function: Callable, report: Any, value: Callable, slope: Callable, given: tuple) -> Any:
    """A report with a traced minimiser and minimum; what else in it depends on the inputs is not known.

    ``given`` are the starting point, the bounds and the constraints.
    """
    start, bounds, constraints = given
    report.x = minimiser(
        slope,
        report.x,
        where=f"scipy.optimize.{function.__name__}",
        start=plain(settled(start)),
        conditions=conditions_of(report.x, bounds, constraints),
    )
    report.fun = with_value(number(value(report.x)), report.fun)
    return _guarded(report, report.x, _INTERNAL)


# of ``minimize``, and of the searches for a global minimum
_INTERNAL = (
    "jac", "hess", "hess_inv", "final_simplex", "population", "population_energies", "lowest_optimization_result", "xl",
    "funl", "allvecs", "multipliers", "grad", "lagrangian_grad", "v", "constr", "direc",
    "optimality", "maxcv", "constr_violation",
)  # fmt: skip

DOORS[so.minimize] = _minimize


def between(value: Callable, x: Any, bounds: Any, where: str) -> Any:
    """The minimiser of a function of one number between two bounds, with its derivatives."""
    at, slope = np.array([float(x)]), slope_of(lambda z: value(z[0]))
    conditions = conditions_of(at, [tuple(bounds)])
    return minimiser(slope, at, where=where, start=plain(list(bounds)), conditions=conditions)[0]


def _minimize_scalar(
    fun: Callable, bracket: Any = None, bounds: Any = None, args: Any = (), **options: Any
) -> Any:
    """``minimize_scalar``."""
    if not OPEN:
        return so.minimize_scalar(fun, bracket, bounds, args, **options)
    args = _as_tuple(args)
    plain_bounds = None if bounds is None else tuple(plain(list(bounds)))
    around = Around(fun, args=args)
    with around.during():
        report = so.minimize_scalar(quiet(fun, args), plain(bracket), plain_bounds, **plain(options))
    value, own, where = around.anew(_with(fun, args)), report.x, "scipy.optimize.minimize_scalar"
    with around.aside():
        if bounds is None:
            found = minimiser(slope_of(value), float(own), where=where, start=None)
        else:
            found = between(value, own, bounds, where)
        report.x = with_value(found, own)
        report.fun = with_value(number(value(report.x)), report.fun)
    return report


DOORS[so.minimize_scalar] = by_name(so.minimize_scalar, _minimize_scalar)

from workbench.rules import (  # noqa: E402, F401  the rest
    scipy_fitting,
    scipy_linear_fits,
    scipy_minimisers,
    scipy_searches,
)
