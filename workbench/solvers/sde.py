"""Stochastic differential equations: dy = drift dt + diffusion dW.

``solve_sde`` checks what goes with what, makes the Brownian path and the grid of steps, and runs the steps over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from workbench.errors import LostGradientError, SolverOptionError, nearest
from workbench.solvers.adjoint import backsolve, integrate, integrate_checkpointed
from workbench.solvers.brownian import BrownianPath, Window
from workbench.solvers.by_torchsde import TORCHSDE, TorchsdeRun
from workbench.solvers.fused import Loop, fuse, recall, solve_fused
from workbench.solvers.fused_adaptive import choose_steps_fused
from workbench.solvers.problem import (
    SCALE_TIME,
    States,
    check_choice,
    check_positive,
    output_times,
    refuse_traced,
)
from workbench.solvers.sde_adaptive import Tolerance, choose_steps
from workbench.solvers.sde_grid import FixedGrid, ReplayGrid
from workbench.solvers.sde_steps import Equation, ReversibleHeunStep, TableauStep, equation, known_equation
from workbench.solvers.solution import SDESolution, Statistics
from workbench.solvers.tableaus import NOISES, STOCHASTIC

GRADIENTS = ("direct", "checkpoint", "backsolve")
INTERPRETATIONS = ("ito", "stratonovich")
REVERSIBLE = "reversible_heun"


def solve_sde(
    drift: Callable,
    diffusion: Callable | None,
    y0: Any,
    ts: Any,
    *,
    method: str = "sosri",
    interpretation: str = "ito",
    noise: str = "diagonal",
    dt: float | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-3,
    adaptive: bool | None = None,
    brownian: BrownianPath | None = None,
    generator: torch.Generator | None = None,
    gradient: str = "direct",
    progress: Callable[[float], None] | None = None,
) -> SDESolution:
    """The solution of dy = drift(t, y) dt + diffusion(t, y) dW at the times ts, along one Brownian path a row.

    The steps end exactly at ``ts``. Without ``dt`` the steps are adaptive, each row's its own; with ``dt`` they are
    equal and not longer than it.

    Args:
        drift: function of (t, y). y is (batch, state), or as y0 if that has no batch. t has no axes in fixed steps
            and is (batch, 1) in adaptive ones; both go with y in any elementwise formula.
        diffusion: function of (t, y), giving (batch, state) for diagonal noise; (batch, state) or (batch, state, 1)
            for scalar; (batch, state, channels) for general; either for additive. None: drift returns both.
        y0: the initial state: a tensor for torch functions; a number, list or array for plain Python ones.
        ts: increasing times of the output, the first being the initial time. Shape (times,).
        method: "sosri", "sriw1" (Itô, strong order 1.5), "sosra", "sra1" (additive noise, 1.5), "milstein" (Itô, 1),
            "euler" (Itô, 0.5), "heun", "midpoint", "reversible_heun" (Stratonovich, 1); or one of torchsde's in
            fixed steps: "torchsde:srk" and the like.
        interpretation: "ito" or "stratonovich". With additive noise they are the same.
        noise: "diagonal": component i is driven by channel i alone, and its diffusion depends on no other component
            (orders above 0.5 need that); "scalar": one channel; "additive": independent of y; "general": any matrix.
        dt: the longest step. With ``adaptive=True``, the first one.
        rtol, atol: tolerances of the error of a step, root mean square over the state.
        adaptive: whether each row adapts its steps; by default, if there is no dt.
        brownian: the path to follow. By default one is drawn.
        generator: the source of the seed of the path. One of the two must be given.
        gradient: "direct" (keeps every step), "checkpoint" (memory of √steps), "backsolve" (memory of one step;
            reversible Heun only). See docs/solvers.md.
        progress: called with the share that is done, now and then.
    Returns:
        times, states (times, batch, state), statistics, and the path; a function of time.
    Raises:
        SolverOptionError: options that do not go together.
        LostGradientError: a ∂P program around the solver differentiates by ts, dt or a tolerance.
        BlowUpError: the solution is not finite at some time.
        StepLimitError: adaptive steps become too short or too many.

    Differentiable in: y0 and whatever tensors drift and diffusion use, in a ∂P program around the solver whatever
    traced values. Not in: ts, dt, the choice of adaptive steps.
    """
    refuse_traced(SCALE_TIME, ts=ts, dt=dt, rtol=rtol, atol=atol)
    times, states = output_times(ts), States(y0)
    check_choice(interpretation, INTERPRETATIONS, "interpretation")
    check_choice(noise, NOISES, "noise")
    check_choice(gradient, GRADIENTS, "gradient")
    for name, value in (("dt", dt), ("rtol", rtol), ("atol", atol)):
        check_positive(value, name)
    check_method(method, interpretation, noise)
    adaptive = _adaptive(method, dt, adaptive)
    if gradient == "backsolve" and method != REVERSIBLE:
        raise SolverOptionError(
            'gradient="backsolve" needs a method whose steps can be taken backwards',
            found=f"got method={method!r}",
            where="gradient",
            fix='method="reversible_heun" with interpretation="stratonovich", or gradient="checkpoint"',
        )
    if method in TORCHSDE and gradient != "direct":
        raise SolverOptionError(
            f"gradient={gradient!r} is not for torchsde's methods",
            found=f"got method={method!r}",
            where="gradient",
            fix='gradient="direct", or a method of our own',
        )
    given = (drift,) if diffusion is None else (drift, diffusion)
    loop = recall(method, given, states, noise)
    if loop is not None:  # checked when it was recorded
        eq = known_equation(drift, diffusion, states, noise=noise, channels=loop.channels)
    else:
        eq = equation(drift, diffusion, states, noise=noise, t0=float(times[0]))
        if method in STOCHASTIC:
            loop = fuse(STOCHASTIC[method], eq, states, float(times[0]))
    path = _path(brownian, generator, (times, states.batch, eq.channels))
    return _solve(
        eq,
        loop,
        method,
        (states, times, path),
        interpretation=interpretation,
        dt=dt,
        tolerance=Tolerance(rtol, atol),
        adaptive=adaptive,
        gradient=gradient,
        progress=progress,
    )


def _solve(
    eq: Equation,
    loop: Loop | None,
    method: str,
    given: tuple[States, np.ndarray, BrownianPath],
    *,
    interpretation: str,
    dt: float | None,
    tolerance: Tolerance,
    adaptive: bool,
    gradient: str,
    progress: Callable[[float], None] | None,
) -> SDESolution:
    states, times, own = given
    path = own if own.knots.tobytes() == times.tobytes() else Window(own, times)
    y0 = states.y0
    if method in TORCHSDE:
        return _by_torchsde(TorchsdeRun(method, eq, interpretation), given, float(dt or 0.0), progress)
    stepper = ReversibleHeunStep(eq) if method == REVERSIBLE else TableauStep(STOCHASTIC[method], eq)
    if adaptive:
        how = {"tolerance": tolerance, "first": dt, "progress": progress}
        with torch.no_grad():
            if loop is not None and isinstance(path, BrownianPath):
                chosen = choose_steps_fused(loop, stepper, path, y0, **how)
            else:
                chosen = choose_steps(stepper, path, times, y0, **how)
        grid: FixedGrid | ReplayGrid = ReplayGrid(path, times, chosen.steps, y0)
        accepted, rejected, evaluations, ys = (
            chosen.accepted,
            chosen.rejected,
            chosen.evaluations,
            chosen.ys,
        )
    else:
        grid, ys = FixedGrid(path, times, float(dt or 0.0), y0), None
        accepted, rejected = np.full(states.batch, grid.n), np.zeros(states.batch, np.int64)
        evaluations = grid.n * stepper.evaluations
    if ys is None or _varies(eq, times, y0):
        if loop is not None:
            ys = solve_fused(
                loop,
                grid,
                y0,
                gradient=gradient,
                plainly=lambda y0: integrate(stepper, grid, y0, None),
                progress=None if adaptive else progress,
            )
        else:
            run = {"direct": integrate, "checkpoint": integrate_checkpointed, "backsolve": backsolve}[
                gradient
            ]
            ys = run(stepper, grid, y0, progress)
    counts = Statistics(evaluations, torch.from_numpy(accepted), torch.from_numpy(rejected))
    kept = ys.detach()

    def between(t: float) -> Any:
        _refuse_recorded(ys)
        return states.out(_continued(stepper, (grid, kept), t, (dt, tolerance)))

    shown = torch.as_tensor(times, dtype=y0.dtype, device=y0.device)
    return SDESolution(states.times(shown), states.out(ys), counts, own, (), between, (eq, grid, states))


def _by_torchsde(
    run: TorchsdeRun,
    given: tuple[States, np.ndarray, BrownianPath],
    dt: float,
    progress: Callable[[float], None] | None,
) -> SDESolution:
    states, times, path = given
    y0 = states.y0
    grid = FixedGrid(Window(path, times), times, dt, y0)
    ys = run(grid, y0, progress)
    counts = Statistics(
        run.evaluations,
        torch.full((states.batch,), grid.n),
        torch.zeros(states.batch, dtype=torch.int64),
    )
    shown = torch.as_tensor(times, dtype=y0.dtype, device=y0.device)
    kept = ys.detach()

    def between(t: float) -> Any:
        def on(within: Window, y: torch.Tensor) -> torch.Tensor:
            return run(FixedGrid(within, within.knots, dt, y), y, None)[-1]

        _refuse_recorded(ys)
        return states.out(_continued_by(on, (grid, kept), t))

    return SDESolution(states.times(shown), states.out(ys), counts, path, (), between)


def _refuse_recorded(ys: torch.Tensor) -> None:
    """Between two outputs a solution has no derivative."""
    if torch.is_grad_enabled() and ys.requires_grad:
        raise LostGradientError(
            "a state between two outputs has no gradient",
            found="got a solution that torch's autograd records",
            where="solution(t)",
            fix="put the time among ts; or ask within torch.no_grad(), if no gradient is wanted",
        )


def _continued(stepper: Any, solved: tuple[Any, torch.Tensor], t: float, how: tuple) -> torch.Tensor:
    """The state at a time between two outputs, by the steps of the solution."""
    dt, tolerance = how

    def on(within: Window, y: torch.Tensor) -> torch.Tensor:
        if isinstance(solved[0], FixedGrid):
            return integrate(stepper, FixedGrid(within, within.knots, dt, y), y, None)[-1]
        return choose_steps(
            stepper, within, within.knots, y, tolerance=tolerance, first=None, progress=None
        ).ys[-1]

    return _continued_by(on, solved, t)


def _continued_by(on: Callable, solved: tuple[Any, torch.Tensor], t: float) -> torch.Tensor:
    """The state at a time between two outputs, from the output before it on."""
    grid, ys = solved
    times, path = grid.times, grid.path
    if not times[0] <= t <= times[-1]:
        raise SolverOptionError(
            "a solution was asked for a time outside of its own",
            found=f"got {t}, expected {times[0]} to {times[-1]}",
            where="t",
        )
    k = min(int(np.searchsorted(times, t, side="right")) - 1, len(times) - 2)
    if t == times[k]:
        return ys[k]
    if t == times[k + 1]:
        return ys[k + 1]
    with torch.no_grad():
        within = Window(path.path if isinstance(path, Window) else path, np.array([times[k], t]))
        return on(within, ys[k])


def check_method(method: str, interpretation: str, noise: str) -> None:
    """A method goes with the interpretation and the noise.

    Raises:
        SolverOptionError: it does not.
    """
    known = [*STOCHASTIC, REVERSIBLE, *TORCHSDE]
    if method not in known:
        near = nearest(str(method), known)
        raise SolverOptionError(
            f"method={method!r} is not known",
            found=f"expected one of {', '.join(known)}",
            where="method",
            fix=f"method={near!r}" if near else None,
        )
    own, noises = _facts(method)
    if own not in ("any", interpretation) and noise != "additive":
        fitting = [m for m in known if _fits(m, interpretation, noise)]
        raise SolverOptionError(
            f"method={method!r} solves {_written(own)} equations",
            found=f"got interpretation={interpretation!r}, noise={noise!r}",
            where="method",
            fix=f"method={fitting[0]!r}; or convert the drift: Itô = Stratonovich + ½ (∂g/∂y) g",
        )
    if noise not in noises:
        fitting = [m for m in known if _fits(m, interpretation, noise)]
        raise SolverOptionError(
            f"method={method!r} cannot take {noise} noise",
            found=f"got noise={noise!r}, expected one of {', '.join(noises)}",
            where="noise",
            fix=f"method={fitting[0]!r}",
        )


def _fits(method: str, interpretation: str, noise: str) -> bool:
    own, noises = _facts(method)
    return noise in noises and (own in ("any", interpretation) or noise == "additive")


def _facts(method: str) -> tuple[str, tuple[str, ...]]:
    """The interpretation and the noises of a method."""
    tableau = STOCHASTIC.get(method)
    if tableau is not None:
        return tableau.interpretation, tableau.noises
    return TORCHSDE.get(method, ("stratonovich", NOISES))


def _written(interpretation: str) -> str:
    return {"ito": "Itô", "stratonovich": "Stratonovich"}[interpretation]


def _adaptive(method: str, dt: float | None, adaptive: bool | None) -> bool:
    """Whether the steps are adaptive."""
    embedded = method in STOCHASTIC and STOCHASTIC[method].embedded
    wanted = dt is None if adaptive is None else bool(adaptive)
    if wanted and not embedded:
        able = ", ".join(name for name, tableau in STOCHASTIC.items() if tableau.embedded)
        raise SolverOptionError(
            f"method={method!r} has no error estimate to adapt its steps by",
            found="got no dt" if dt is None else "got adaptive=True",
            where="dt",
            fix=f"give dt, or take one of {able}",
        )
    if not wanted and dt is None:
        raise SolverOptionError(
            "fixed steps need a length", found="got dt=None", where="dt", fix="dt=0.01, say"
        )
    return wanted


def _path(
    brownian: BrownianPath | None, generator: torch.Generator | None, shape: tuple[np.ndarray, int, int]
) -> BrownianPath:
    times, batch, channels = shape
    if (brownian is None) == (generator is None):
        raise SolverOptionError(
            "a Brownian path comes from a path or from a generator",
            found="got both" if brownian is not None else "got neither",
            where="brownian, generator",
            fix="generator=torch.Generator().manual_seed(0)",
        )
    if brownian is None:
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        return BrownianPath(
            float(times[0]), float(times[-1]), rows=batch, channels=channels, seed=seed, knots=times
        )
    if not isinstance(brownian, BrownianPath):
        raise SolverOptionError(
            "the path must be a BrownianPath", found=f"got {type(brownian).__name__}", where="brownian"
        )
    span = brownian.knots[0], brownian.knots[-1]
    if (brownian.rows, brownian.channels) != (batch, channels) or span[0] > times[0] or span[1] < times[-1]:
        raise SolverOptionError(
            "the Brownian path does not fit the equation",
            found=f"got {brownian.rows} rows, {brownian.channels} channels, times {span[0]:g} to {span[1]:g}; "
            f"expected {batch}, {channels}, {times[0]:g} to {times[-1]:g}",
            where="brownian",
        )
    return brownian


def _varies(eq: Equation, times: np.ndarray, y0: torch.Tensor) -> bool:
    """Whether torch would record a derivative."""
    if not torch.is_grad_enabled():
        return False
    if y0.requires_grad:
        return True
    f, g = eq.both(torch.tensor(times[0], dtype=y0.dtype, device=y0.device), y0)
    return f.requires_grad or g.requires_grad
