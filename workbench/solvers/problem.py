"""What the caller gives, in the one form that the solvers work on: tensors of shape (batch, state).

The initial state decides: a tensor means torch functions; anything else (a number, a list, an array) means functions
of plain Python and NumPy, which the engine makes differentiable, and results that are NumPy arrays again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from workbench.autodiff import torch_function
from workbench.autodiff.telling import contains_traced
from workbench.errors import LostGradientError, SolverOptionError


class States:
    """The initial state, its shape and kind, and the way back from (…, batch, state)."""

    def __init__(self, y0: Any) -> None:
        self.plain = not isinstance(y0, torch.Tensor)
        given = torch.as_tensor(np.asarray(y0, dtype=float)) if self.plain else y0
        if not given.dtype.is_floating_point:
            raise SolverOptionError(
                "the initial state must be of real numbers",
                found=f"got a tensor of {given.dtype}",
                where="y0",
                fix="y0.double()",
            )
        if given.ndim > 2:
            raise SolverOptionError(
                "the initial state must have one or two axes",
                found=f"got shape {tuple(given.shape)}, expected (batch, state) or (state,)",
                where="y0",
                fix="flatten the axes of the state",
            )
        self.axes = given.ndim
        self.y0 = given.reshape(1, -1) if self.axes < 2 else given
        self.batch, self.size = self.y0.shape

    def out(self, ys: torch.Tensor) -> Any:
        """States of shape (…, batch, state) as the caller has them."""
        if self.axes < 2:
            ys = ys[..., 0, :]
        if self.axes == 0:
            ys = ys[..., 0]
        return ys.detach().numpy() if self.plain else ys

    def times(self, ts: torch.Tensor) -> Any:
        """Times as the caller has them."""
        return ts.detach().numpy() if self.plain else ts

    def inside(self, y: torch.Tensor) -> torch.Tensor:
        """A state of shape (batch, state) as the caller's function takes it."""
        return y if self.axes == 2 else y[0] if self.axes == 1 else y[0, 0]

    def function(self, f: Callable, name: str) -> Callable[[Any, torch.Tensor], Any]:
        """The caller's function of (t, y), taking and giving tensors with a batch axis."""
        if not callable(f):
            raise SolverOptionError(
                f"{name} must be a function of (t, y)", found=f"got {type(f).__name__}", where=name
            )

        def plainly(t: Any, y: Any) -> Any:
            found = f(t, y)  # a list of components, as one writes it for SciPy, is an array
            return np.array(found) if isinstance(found, list) else found

        inner = torch_function(plainly) if self.plain else f

        def evaluated(t: Any, y: torch.Tensor) -> Any:
            if self.axes == 2:
                return inner(t, y)
            found = inner(t.reshape(()), self.inside(y))
            if isinstance(found, tuple):
                return tuple(self._with_batch(part) for part in found)
            return self._with_batch(found)

        return evaluated

    def scalar_function(self, f: Callable) -> Callable[[Any, torch.Tensor], Any]:
        """The caller's function of (t, y) that gives one number for each row."""
        inner = torch_function(f) if self.plain else f
        if self.axes == 2:
            return inner
        return lambda t, y: inner(t.reshape(()), self.inside(y))

    def _with_batch(self, found: torch.Tensor) -> torch.Tensor:
        return found[None] if self.axes == 1 else found.reshape(1, 1)


def refuse_traced(fix: str, /, **given: Any) -> None:
    """Refuse what no derivative of a solution is known by.

    Raises:
        LostGradientError: one of the arguments holds a traced value.
    """
    for name, value in given.items():
        if contains_traced(value):
            raise LostGradientError(
                f"the engine cannot differentiate through the solver by {name}",
                found=f"got a traced {name}",
                where=name,
                fix=fix,
            )


def refuse_second_derivative(of: str, *, fix: str) -> None:
    """Refuse, inside of a derivative of our own, to be part of a graph that is differentiated again.

    torch's ``once_differentiable`` lets a constant cotangent pass, and what is added to it may vary.

    Raises:
        LostGradientError: the backward pass is recorded.
    """
    if torch.is_grad_enabled():
        raise LostGradientError(
            f"the derivative of {of} cannot be differentiated again",
            found="got create_graph=True",
            where="the backward pass",
            fix=fix,
        )


SCALE_TIME = "stop_gradient, or scale the time: solve for s = t / t1 from 0 to 1, with t1 f(t1 s, y)"


def output_times(ts: Any) -> np.ndarray:
    """The times of the output, increasing, at least two."""
    times = np.asarray(ts.detach() if isinstance(ts, torch.Tensor) else ts, dtype=float)
    increase = times.ndim == 1 and len(times) > 1 and (times[1:] > times[:-1]).all()
    if not (increase and np.isfinite(times[0]) and np.isfinite(times[-1])):
        raise SolverOptionError(
            "the times of the output must increase, from the initial time on",
            found=f"got {np.array2string(times, threshold=8)}",
            where="ts",
            fix="ts = [t0, ..., t1]; to go backwards in time, change the sign of t and of the right-hand side",
        )
    return times


def check_choice(value: Any, allowed: Any, where: str) -> None:
    """An option is one of those there are."""
    if value not in allowed:
        raise SolverOptionError(
            f"{where}={value!r} is not known", found=f"expected one of {', '.join(allowed)}", where=where
        )


def check_positive(value: float | None, where: str) -> None:
    """A number is positive."""
    if value is not None and not (np.isfinite(value) and value > 0):
        raise SolverOptionError(f"{where} must be positive", found=f"got {value}", where=where)
