"""The points on the way to a solution, as the ``callback`` of a solver gets them.

A callback may print them, count, and stop the solver. How they depend on the inputs is not known: they are on the tape
as results without operands, and a derivative that would go back through one of them is an error.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.operations import record
from workbench.autodiff.tape import OPEN
from workbench.errors import MissingRuleError
from workbench.rules.implicit import plain_inside


def told(callback: Callable | None) -> Callable | None:
    """``callback`` as a solver may call it: it gets points whose derivatives are refused, and answers plainly."""
    if not callable(callback):
        return callback
    new, where = resolve(callback), user_line()

    @functools.wraps(callback, updated=())  # SciPy asks for the names of the parameters
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [_on_the_way(x, where) for x in args]
        return plain_inside(new(*given, **{name: _on_the_way(x, where) for name, x in kwargs.items()}))

    return call


def with_told(options: dict) -> dict:
    """A solver's options by name with their callback ``told``, and that of a local minimiser among them."""
    new = {**options, "callback": told(options["callback"])} if "callback" in options else dict(options)
    if new.get("minimizer_kwargs"):
        new["minimizer_kwargs"] = with_told(new["minimizer_kwargs"])
    return new


def _on_the_way(x: Any, where: Any) -> Any:
    """A number, an array or a report of a solver, with every float in it on all open tapes."""
    if isinstance(x, so.OptimizeResult):
        report = copy.copy(x)
        report.update({name: _on_the_way(part, where) for name, part in x.items()})
        return report
    if type(x) in (list, tuple):
        return type(x)([_on_the_way(part, where) for part in x])
    if not (isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc")):
        return x
    found = x.copy() if isinstance(x, np.ndarray) else x
    for tape in OPEN:
        found = record(tape, [], found, functools.partial(_refuse, where))
    return found


def _refuse(where: Any, bar: Any) -> list:
    raise MissingRuleError(
        "the derivative of what a solver hands to its callback is not known",
        found="the result depends on a point that the callback has kept",
        where=where,
        fix="use the solution that the solver returns, or keep workbench.stop_gradient(x) in the callback",
    )
