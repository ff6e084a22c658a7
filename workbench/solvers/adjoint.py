"""Three ways back through a solution, which differ in memory and time and not in the gradient.

"direct" keeps every step; "checkpoint" keeps the states at the ends of √n segments and solves each again on the way
back; "backsolve" takes the steps of reversible Heun backwards and keeps one state. All differentiate the steps that
were taken (discretise, then optimise): the first two exactly, the third up to the rounding of going back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from workbench.errors import LostGradientError
from workbench.solvers.problem import refuse_second_derivative
from workbench.solvers.sde_adaptive import blow_up
from workbench.solvers.sde_grid import Hit
from workbench.solvers.sde_steps import ReversibleHeunStep

Pieces = list[tuple[Hit, torch.Tensor]]
CHECK = 64
"""Steps between two looks at whether the state is finite."""


def integrate(stepper: Any, grid: Any, y0: torch.Tensor, progress: Callable | None) -> torch.Tensor:
    """The states at the outputs, (times, batch, state), keeping what torch keeps."""
    state = stepper.start(_time(grid, y0), y0)
    _, pieces = _run(stepper, grid, (0, grid.n), state, progress)
    return assembled(y0, pieces, len(grid.times))


def integrate_checkpointed(
    stepper: Any, grid: Any, y0: torch.Tensor, progress: Callable | None
) -> torch.Tensor:
    """The states at the outputs, keeping the state at √n steps and one segment between them."""
    size = max(1, math.isqrt(grid.n))
    state, pieces = stepper.start(_time(grid, y0), y0), []
    for a in range(0, grid.n, size):
        b, hits = min(a + size, grid.n), []

        def segment(
            *state: torch.Tensor, a: int = a, b: int = b, hits: list = hits
        ) -> tuple[torch.Tensor, ...]:
            after, found = _run(stepper, grid, (a, b), state, progress)
            hits[:] = [hit for hit, _ in found]
            return (*after, *(y for _, y in found))

        found = checkpoint(segment, *state, use_reentrant=False, preserve_rng_state=False)
        state, outputs = found[: len(state)], found[len(state) :]
        pieces += zip(hits, outputs, strict=True)
    return assembled(y0, pieces, len(grid.times))


def _time(grid: Any, y0: torch.Tensor) -> torch.Tensor:
    return torch.tensor(grid.times[0], dtype=y0.dtype, device=y0.device)


def _run(
    stepper: Any, grid: Any, span: tuple[int, int], state: tuple[torch.Tensor, ...], progress: Callable | None
) -> tuple[tuple[torch.Tensor, ...], Pieces]:
    """The state after a range of steps, and the states at the outputs within."""
    pieces: Pieces = []
    kept, n = (span[0], state), 0
    for n, (step, hit) in enumerate(grid.steps(*span), span[0] + 1):
        state = stepper(state, step)
        if hit is not None:
            pieces.append((hit, _hit(hit, state[0])))
        if n % CHECK == 0 or n == span[1]:
            if not torch.isfinite(state[0]).all():
                raise _found(stepper, grid, kept[0], kept[1])
            kept = n, state
            if progress is not None:
                progress(n / grid.n)
    return state, pieces


def _hit(hit: Hit, y: torch.Tensor) -> torch.Tensor:
    return y if isinstance(hit, int) else y[hit[1].to(y.device)]


def _found(stepper: Any, grid: Any, a: int, state: tuple[torch.Tensor, ...]) -> Exception:
    """The error that says when a state ceased to be finite."""
    with torch.no_grad():
        for step, _ in grid.steps(a, grid.n):
            state = stepper(state, step)
            bad = (~torch.isfinite(state[0])).nonzero()
            if len(bad):
                row, component = bad[0].tolist()
                t = (step.t + step.h).expand(len(state[0]), 1)[row, 0]
                return blow_up(float(t), row, component)
    raise AssertionError("a state that was not finite is finite when solved again")


def assembled(y0: torch.Tensor, pieces: Pieces, n_times: int) -> torch.Tensor:
    """The outputs in their places, (times, batch, state)."""
    if all(isinstance(hit, int) for hit, _ in pieces):
        return torch.stack([y0, *(y for _, y in pieces)])
    batch = len(y0)
    order = torch.cat([torch.arange(batch), *(hit[0] * batch + hit[1] for hit, _ in pieces)])
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    flat = torch.cat([y0, *(y for _, y in pieces)])
    return flat[inverse.to(y0.device)].reshape(n_times, batch, -1)


# ------------------------------------------------------------------------------------ backsolve


def backsolve(
    stepper: ReversibleHeunStep, grid: Any, y0: torch.Tensor, progress: Callable | None
) -> torch.Tensor:
    """The states at the outputs, keeping only the last state of reversible Heun."""
    t = _time(grid, y0)
    learnt = leaves_of(stepper.eq.both(t, y0.detach())) if torch.is_grad_enabled() else []
    return _Backsolve.apply((stepper, grid, progress), y0, *learnt)


class _Backsolve(torch.autograd.Function):
    """Reversible Heun forwards; on the way back each step is undone and differentiated by itself."""

    @staticmethod
    def forward(ctx: Any, given: tuple, y0: torch.Tensor, *learnt: torch.Tensor) -> torch.Tensor:
        stepper, grid, progress = given
        state = stepper.start(_time(grid, y0), y0)
        state, pieces = _run(stepper, grid, (0, grid.n), state, progress)
        ctx.given, ctx.learnt = (stepper, grid), learnt
        ctx.save_for_backward(y0, *state)
        return assembled(y0, pieces, len(grid.times))

    @staticmethod
    def backward(ctx: Any, ys_bar: torch.Tensor) -> tuple[Any, ...]:
        refuse_second_derivative('gradient="backsolve"', fix='gradient="direct" or "checkpoint"')
        stepper, grid = ctx.given
        y0, *state = ctx.saved_tensors
        state_bar = [torch.zeros_like(x) for x in state]
        learnt_bar = [torch.zeros_like(p) for p in ctx.learnt]
        block = 32
        for a in range((grid.n - 1) // block * block, -1, -block):
            for step, hit in reversed(list(grid.steps(a, min(a + block, grid.n)))):
                if hit is not None:
                    state_bar[0] = state_bar[0] + ys_bar[hit]
                before = [x.detach().requires_grad_() for x in stepper.back(state, step)]
                with torch.enable_grad():
                    after = stepper(tuple(before), step)
                state_bar = _pulled_back(after, before, state_bar, (ctx.learnt, learnt_bar))
                state = [x.detach() for x in before]
        start = y0.detach().requires_grad_()
        with torch.enable_grad():
            first = stepper.start(_time(grid, y0), start)
        (y0_bar,) = _pulled_back(first, [start], state_bar, (ctx.learnt, learnt_bar))
        return None, y0_bar + ys_bar[0], *learnt_bar


def _pulled_back(
    after: Any, before: list[torch.Tensor], after_bar: list[torch.Tensor], learnt: tuple
) -> list:
    """The cotangents of a step's begin; those of the learnt tensors are added up."""
    tensors, bars = learnt
    known = {id(p) for p in (*tensors, *before)}
    if any(id(leaf) not in known for leaf in leaves_of(after)):
        raise LostGradientError(
            'gradient="backsolve" met a tensor that the equation did not use at the first time',
            found="the drift or the diffusion uses other parameters at other times or states",
            where="gradient",
            fix='gradient="checkpoint"',
        )
    pairs = [(y, bar) for y, bar in zip(after, after_bar, strict=True) if y.requires_grad]
    found = torch.autograd.grad(
        [y for y, _ in pairs],
        [*before, *tensors],
        [bar for _, bar in pairs],
        allow_unused=True,
        retain_graph=True,  # what the equation computed beforehand is shared by all steps
    )
    for bar, part in zip(bars, found[len(before) :], strict=True):
        if part is not None:
            bar += part
    return [
        torch.zeros_like(x) if part is None else part
        for x, part in zip(before, found[: len(before)], strict=True)
    ]


def leaves_of(tensors: Any) -> list[torch.Tensor]:
    """The tensors requiring a gradient from which others were computed."""
    found: list[torch.Tensor] = []
    waiting = []
    for tensor in tensors:
        if tensor.grad_fn is not None:
            waiting.append(tensor.grad_fn)
        elif tensor.requires_grad:
            found.append(tensor)
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None and all(variable is not f for f in found):
            found.append(variable)
        waiting += [parent for parent, _ in node.next_functions]
    return found
