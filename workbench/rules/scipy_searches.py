"""The searches of ``scipy.optimize`` for a global minimum, whose end is a local minimum like any other (see
``scipy_minima``). Which of several minima it is does not vary.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import quiet, unknown
from workbench.rules.keeping import Around
from workbench.rules.scipy_callbacks import told, with_told
from workbench.rules.scipy_minima import (
    _bare,
    _finished,
    _functions,
    _plain_bounds,
    _quiet_constraints,
)
from workbench.rules.scipy_optimize import _as_tuple, _plain_options, _with
from workbench.rules.scipy_stationary import listed, minimiser, number, read_once, sides_of, slope_of
from workbench.rules.stand_ins import no_rule, settled, with_value


def _within_bounds(function: Callable) -> None:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*given: Any, **options: Any) -> Any:
        if not OPEN:
            return function(*given, **options)
        try:
            bound = signature.bind(*given, **options).arguments
        except TypeError:
            return function(*given, **options)  # its own error
        args, func = _as_tuple(bound.get("args", ())), bound["func"]
        bounds, constraints = read_once(bound["bounds"]), listed(bound.get("constraints"))
        instead = {
            "func": quiet(func, args),
            "bounds": _plain_bounds(bounds),
            "args": (),
            "constraints": _quiet_constraints(constraints),
        }
        # by position or name as they were given, which SciPy's random numbers depend on
        positions = zip(signature.parameters, given, strict=False)
        given = tuple(_instead(name, value, args, instead) for name, value in positions)
        options = {name: _instead(name, value, args, instead) for name, value in options.items()}
        around = Around(func, *_functions(constraints), args=args)
        with around.during():
            report = function(*given, **options)
        value = around.anew(_with(func, args))
        whole = np.broadcast_to(bound.get("integrality", False), report.x.shape)
        if np.any(whole):  # they do not vary
            sides = [resolve(np.where)(whole, report.x, settled(side)) for side in sides_of(bounds)]
            bounds = so.Bounds(*sides)
        with around.aside():
            return _finished(function, report, value, slope_of(value), (None, bounds, constraints))

    DOORS[function] = call


def _instead(name: str, value: Any, args: tuple, instead: dict) -> Any:
    if name in instead:
        return instead[name]
    if name == "callback":
        return told(value)
    if name in ("minimizer_kwargs", "options") and value:
        return with_told({k: v if k == "callback" else _bare(v, args) for k, v in value.items()})
    return plain(settled(value))


_within_bounds(so.differential_evolution)
_within_bounds(so.dual_annealing)
_within_bounds(so.shgo)


def _basinhopping(func: Callable, x0: Any, *given: Any, **options: Any) -> Any:
    """``basinhopping``: arguments, bounds and constraints are those of its local minimiser."""
    if not OPEN:
        return so.basinhopping(func, x0, *given, **options)
    if len(given) > 3:
        raise no_rule(so.basinhopping, "its minimizer_kwargs by position; name them")
    local = dict(options.pop("minimizer_kwargs", None) or {})
    args, bounds, constraints = (
        _as_tuple(local.pop("args", ())),
        read_once(local.get("bounds")),
        listed(local.get("constraints")),
    )
    if local.get("jac") is True:
        raise no_rule(so.basinhopping, "a function that returns its slope too")
    local = {name: quiet(v, args) if callable(v) and name != "callback" else v for name, v in local.items()}
    local.update(bounds=_plain_bounds(bounds), constraints=_quiet_constraints(constraints))
    around = Around(func, *_functions(constraints), args=args)
    with around.during():
        found = so.basinhopping(
            quiet(func, args),
            plain(settled(x0)),
            *plain(list(given)),
            minimizer_kwargs=with_told(local),
            **_plain_options(options),
        )
    value = around.anew(_with(func, args))
    with around.aside():
        return _finished(so.basinhopping, found, value, slope_of(value), (x0, bounds, constraints))


DOORS[so.basinhopping] = _basinhopping


def _brute(
    func: Callable,
    ranges: Any,
    args: Any = (),
    Ns: int = 20,
    full_output: Any = 0,
    finish: Any = so.fmin,
    *rest: Any,
    **options: Any,
) -> Any:
    """``brute``: a point of the grid is a constant; where it is finished, the minimum nearby."""
    if not OPEN:
        return so.brute(func, ranges, args, Ns, full_output, finish, *rest, **options)
    if contains_traced([(r.start, r.stop, r.step) if isinstance(r, slice) else r for r in ranges], 4):
        raise no_rule(so.brute, "ranges that vary")
    args = _as_tuple(args)
    around = Around(func, args=args)
    with around.during():
        x, least, grid, values = so.brute(quiet(func, args), ranges, (), Ns, True, finish, *rest, **options)
    value = around.anew(_with(func, args))
    with around.aside():
        if finish is not None:
            x = with_value(minimiser(slope_of(value), x, where="scipy.optimize.brute", start=None), x)
    if not full_output:
        return x
    with around.aside():
        least = with_value(number(value(x)), least)
    return x, least, grid, unknown(values, "the solver's 'Jout'")


DOORS[so.brute] = _brute
