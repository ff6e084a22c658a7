"""The minimisers of ``scipy.optimize`` that are functions of their own: ``fmin`` and its kin, by the implicit function
theorem as ``minimize`` is (see ``scipy_minima``).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import quiet, unknown
from workbench.rules.keeping import Around
from workbench.rules.scipy_callbacks import told
from workbench.rules.scipy_minima import _plain_bounds, between
from workbench.rules.scipy_optimize import _as_tuple, _with
from workbench.rules.scipy_stationary import conditions_of, minimiser, number, read_once, slope_of
from workbench.rules.stand_ins import refuses, settled, with_value


def _own_function(function: Callable) -> None:
    signature = inspect.signature(function)
    loss = next(iter(signature.parameters))

    @functools.wraps(function)
    def call(*given: Any, **options: Any) -> Any:
        if not OPEN:
            return function(*given, **options)
        bound = signature.bind(*given, **options).arguments
        if "bounds" in bound:
            bound["bounds"] = read_once(bound["bounds"])
        args, bounds = _as_tuple(bound.pop("args", ())), bound.get("bounds")
        around = Around(*filter(callable, bound.values()), args=args)
        with around.during():
            found = function(**{name: _plain(name, value, args) for name, value in bound.items()})
        value = around.anew(_with(bound[loss], args))
        if "approx_grad" in signature.parameters and not (bound.get("fprime") or bound.get("approx_grad")):
            both = value
            value = lambda x: both(x)[0]  # noqa: E731  the function returns its slope too
        own, *rest = found if isinstance(found, tuple) else (found,)
        with around.aside():
            where = f"scipy.optimize.{function.__name__}"
            if function is so.fminbound:
                x = between(value, own, (bound["x1"], bound["x2"]), where)
            else:
                x = minimiser(
                    slope_of(value),
                    np.asarray(own, float) if np.ndim(own) else float(own),
                    where=where,
                    start=plain(settled(bound["x0"])) if "x0" in bound else None,
                    conditions=conditions_of(own, bounds),
                )
            x = with_value(x, own)
            if rest and isinstance(rest[0], float):  # the minimum
                rest[0] = with_value(number(value(x)), rest[0])
        known = 1 if rest and type(rest[0]) in TRACED else 0
        rest[known:] = [unknown(part, f"what {function.__name__} returns beside it") for part in rest[known:]]
        return (x, *rest) if isinstance(found, tuple) else x

    DOORS[function] = call


def _plain(name: str, value: Any, args: tuple) -> Any:
    if name == "bounds":
        return _plain_bounds(value)
    if callable(value):
        return told(value) if name == "callback" else quiet(value, args)
    return plain(settled(value))


for _function in (
    so.fmin,
    so.fmin_powell,
    so.fmin_cg,
    so.fmin_bfgs,
    so.fmin_ncg,
    so.fmin_l_bfgs_b,
    so.fmin_tnc,
):
    _own_function(_function)
for _function in (so.golden, so.brent, so.fminbound):
    _own_function(_function)

refuses(
    so.fmin_cobyla, so.fmin_slsqp,
    why="use minimize, root or minimize_scalar, which have rules, or stop_gradient(x)",
)  # fmt: skip
