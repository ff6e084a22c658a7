"""Ordinary differential equations: dy/dt = f(t, y).

A first solution, without derivatives, chooses the steps of each row; where a gradient is wanted, the accepted steps
are taken again with torch watching. Outputs lie on the solution inside the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from workbench.errors import SolverOptionError, nearest
from workbench.solvers.events import Event, Watch
from workbench.solvers.ode_implicit import ImplicitStep
from workbench.solvers.ode_run import Run, column
from workbench.solvers.ode_steps import ExplicitStep
from workbench.solvers.problem import (
    SCALE_TIME,
    States,
    check_choice,
    check_positive,
    output_times,
    refuse_traced,
)
from workbench.solvers.solution import ODESolution
from workbench.solvers.tableaus import PAIRS

GRADIENTS = ("direct", "checkpoint")


def solve_ode(
    f: Callable,
    y0: Any,
    ts: Any,
    *,
    method: str = "tsit5",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    dt: float | None = None,
    events: Iterable[Event | Callable] = (),
    dense: bool = False,
    gradient: str = "direct",
    progress: Callable[[float], None] | None = None,
) -> ODESolution:
    """The solution of dy/dt = f(t, y) at the times ts, every row of the batch with its own steps.

    Args:
        f: function of (t, y) giving the rate of change, in the shape of y: (batch, state), or as y0 if that has no
            batch. t is (batch, 1) and goes with y in any elementwise formula.
        y0: the initial state: a tensor for torch functions; a number, list or array for plain Python ones.
        ts: increasing times of the output, the first being the initial time. Shape (times,).
        method: "tsit5" or "dopri5" (explicit, order 5; for equations that are not stiff), or "kencarp4" (implicit,
            order 4, L-stable; for stiff ones; rows must not depend on each other).
        rtol, atol: tolerances of the error of a step, root mean square over the state of each row.
        dt: the length of fixed steps, which end at the outputs; adaptive steps if None.
        events: events, or functions of (t, y) at whose zeros the rows end.
        dense: whether to keep what it takes to evaluate the solution anywhere.
        gradient: "direct" (keeps every step) or "checkpoint" (memory of √steps).
        progress: called with the share that is done, now and then.
    Returns:
        times, states (times, batch, state), statistics, events; with ``dense`` a function of time.
    Raises:
        SolverOptionError: options that do not go together.
        LostGradientError: a ∂P program around the solver differentiates by ts, dt or a tolerance.
        BlowUpError: the solution is not finite at some time.
        StepLimitError: steps become too short or too many.

    Differentiable in: y0, whatever tensors f uses (in a ∂P program around the solver, whatever traced values), and so
    the times and states of events. Not in: ts, dt, the choice of the steps.
    """
    refuse_traced(SCALE_TIME, ts=ts, dt=dt, rtol=rtol, atol=atol)
    times, states = output_times(ts), States(y0)
    check_choice(gradient, GRADIENTS, "gradient")
    for name, value in (("dt", dt), ("rtol", rtol), ("atol", atol)):
        check_positive(value, name)
    if method not in PAIRS:
        near = nearest(str(method), PAIRS)
        raise SolverOptionError(
            f"method={method!r} is not known",
            found=f"expected one of {', '.join(PAIRS)}",
            where="method",
            fix=f"method={near!r}" if near else None,
        )
    rate = states.function(f, "f")
    pair = PAIRS[method]
    implicit = ImplicitStep(pair, rate, (rtol, atol) if dt is None else None) if pair.gamma else None
    stepper = implicit or ExplicitStep(pair, rate)
    _check_shape(rate, states, times)
    run = Run(stepper, states, times, Watch(events, states), accuracy=(rtol, atol, dt), progress=progress)
    return run.solution(dense=dense, gradient=gradient)


def _check_shape(f: Callable, states: States, times: np.ndarray) -> None:
    with torch.no_grad():
        found = f(column(times[0], states.y0), states.y0.detach())
    if not isinstance(found, torch.Tensor) or found.shape != states.y0.shape:
        got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise SolverOptionError(
            "the right-hand side does not fit the state",
            found=f"got {got}, expected {tuple(states.y0.shape)}",
            where="f",
        )
