"""Linear functions of arrays that are known as functions, together with their adjoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import apply_rule
from workbench.autodiff.registry import Rule
from workbench.autodiff.scalars import TRACED


def linear(apply: Callable, adjoint: Callable, x: Any) -> Any:
    """``apply(x)`` of a linear function of plain numbers, whose pullback is ``adjoint``, and so on in turn."""
    if type(x) not in TRACED:
        found = apply(x)
        aliased = isinstance(found, np.ndarray) and np.may_share_memory(found, x)
        return found.copy() if aliased else found  # a solver may give back what it was given

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        return linear(apply, adjoint, args[0]), lambda bar: [linear(adjoint, apply, bar)]

    return apply_rule(Rule(apply, forward), (x,), {})
