"""The points on the way to a solution, as the ``callback`` of a solver gets them.

A callback may print them, count, and stop the solver. How they depend on the inputs is not known: they are on the tape
as results without operands, and a derivative that would go back through one of them is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.rules.implicit import on_the_way, plain_inside


def told(callback: Callable | None) -> Callable | None:
    """``callback`` as a solver may call it: it gets points whose derivatives are refused, and answers plainly."""
    if not callable(callback):
        return callback
    new, where = resolve(callback), user_line()

    @functools.wraps(callback, updated=())  # SciPy asks for the names of the parameters
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [on_the_way(x, where) for x in args]
        return plain_inside(new(*given, **{name: on_the_way(x, where) for name, x in kwargs.items()}))

    return call


def with_told(options: dict) -> dict:
    """A solver's options by name with their callback ``told``, and that of a local minimiser among them."""
    new = {**options, "callback": told(options["callback"])} if "callback" in options else dict(options)
    if new.get("minimizer_kwargs"):
        new["minimizer_kwargs"] = with_told(new["minimizer_kwargs"])
    return new
