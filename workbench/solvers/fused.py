"""The whole time loop as one operation of torch's autograd, for equations that can be recorded.

Same steps, same noise, same gradient as the plain loop, to rounding; some ten to a hundred times less overhead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from workbench.errors import LostGradientError
from workbench.solvers.adjoint import blow_up
from workbench.solvers.machine import LINEAR, SUM, run_program
from workbench.solvers.probes import CannotRecord
from workbench.solvers.problem import States
from workbench.solvers.record import Recording, record
from workbench.solvers.replay import Changed, Kept, Script, identity
from workbench.solvers.sde_steps import Equation
from workbench.solvers.sweep import sweep_back, sweep_forward
from workbench.solvers.tableaus import StochasticTableau

ROWS = 5
REPORTS = 20
"""Times that progress is told of, at least, where there are as many steps."""
AGREEMENT = {torch.float64: 1e-9, torch.float32: 1e-4}


@dataclass(frozen=True)
class Loop:
    """A recorded equation and a tableau, as the compiled time loop takes them."""

    tableau: tuple[np.ndarray, ...]
    used: np.ndarray
    programs: tuple[np.ndarray, np.ndarray]
    shape: np.ndarray
    captured: list[torch.Tensor]
    places: tuple[tuple[int, bool], ...]
    """For each captured tensor: how many constant columns it fills, or 0 for a matrix; and whether it is turned."""

    @property
    def channels(self) -> int:
        """Of the noise."""
        return int(self.shape[1])

    def packed(self) -> tuple[np.ndarray, np.ndarray]:
        """The values of the constants, one for each column, and of the matrices, one after the other."""
        values = [
            (value.detach().T if turned else value.detach()).double().numpy().ravel()
            for value, (_, turned) in zip(self.captured, self.places, strict=True)
        ]
        constants = [v for v, (columns, _) in zip(values, self.places, strict=True) if columns]
        matrices = [v for v, (columns, _) in zip(values, self.places, strict=True) if not columns]
        return _joined(constants), _joined(matrices)

    def unpacked(self, constants_bar: np.ndarray, matrices_bar: np.ndarray) -> list[torch.Tensor | None]:
        """The cotangents of the captured tensors."""
        found: list[torch.Tensor | None] = []
        at = [0, 0]
        for value, (columns, turned) in zip(self.captured, self.places, strict=True):
            which, size = (0, columns) if columns else (1, value.numel())
            flat = (constants_bar, matrices_bar)[which][at[which] : at[which] + size]
            at[which] += size
            shape = value.T.shape if turned else value.shape
            bar = torch.from_numpy(flat.reshape(shape)).to(value.dtype)
            found.append((bar.T if turned else bar) if value.requires_grad else None)
        return found


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0)


def recall(method: str, given: tuple[Callable, ...], states: States, noise: str) -> Loop | None:
    """The loop that is kept for these functions, or None if there is none or they do something else now."""
    known = _KEPT.get(_key(method, given, states, noise))
    try:
        return None if known is None else _played(*known, given)
    except _UNRECORDED:
        return None


def fuse(tableau: StochasticTableau, eq: Equation, states: States, t0: float) -> Loop | None:
    """The equation for the compiled loop, or None if it cannot be recorded."""
    y0 = states.y0
    if states.plain or states.axes != 2 or eq.matrix or y0.device.type != "cpu" or y0.dtype not in AGREEMENT:
        return None
    rows = ROWS if states.size != ROWS else ROWS + 2
    try:
        sample = y0.detach()[torch.arange(rows) % states.batch].clone()
        noted = record(list(eq.given), t0, sample, [states.size, states.size])
        loop = _loop(tableau, noted, eq)
        _check_values(loop, noted, (t0, sample))
        _KEPT.put(_key(tableau.name, eq.given, states, eq.noise), _for_later(loop, noted))
    except _UNRECORDED:
        return None
    return loop


_UNRECORDED = (
    CannotRecord,
    # the plain loop runs the function again, and shows the caller's own error
    TypeError,
    ValueError,
    RuntimeError,
    AttributeError,
    IndexError,
    NotImplementedError,
)
_KEPT = Kept()
"""Loops without what they capture, each with the script that says whether it is still the function's."""


def _key(method: str, given: tuple[Callable, ...], states: States, noise: str) -> tuple[Hashable, ...]:
    y0 = states.y0
    return (method, noise, states.plain, states.axes, y0.shape[1], y0.dtype, y0.device, *map(identity, given))


def _for_later(loop: Loop, noted: Recording) -> tuple[Loop, Script, list]:
    script = noted.notes.script
    noted.notes.forget()
    places = [script.place(value) for value in loop.captured]
    own = [value if place is None else place for value, place in zip(loop.captured, places, strict=True)]
    return replace(loop, captured=[]), script, own


def _played(loop: Loop, script: Script, own: list, given: tuple[Callable, ...]) -> Loop | None:
    """The loop with what the functions capture now, or None if they do something else than they did."""
    try:
        seen = script.play(list(given))
    except Changed:
        return None
    return replace(loop, captured=[seen[value] if isinstance(value, int) else value for value in own])


def _loop(tableau: StochasticTableau, noted: Recording, eq: Equation) -> Loop:
    notes = noted.notes
    order: dict[int, int] = {}
    for first, value in notes.constants:
        for j in range(value.numel()):
            order[first + j] = len(order)
    n_constants = len(order)
    for column in range(notes.n_columns):
        order.setdefault(column, len(order))
    sizes = [value.numel() for value, _ in notes.matrices]
    places = np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist()
    shared = tableau.same_states
    wanted = (noted.outputs, ()) if shared else (noted.outputs[:1], noted.outputs[1:])
    programs = tuple(_program(noted, outputs, order, places) for outputs in wanted)
    additive = eq.noise == "additive" and not shared
    # one constant column and a state follow each other: see ``sweep``
    shape = [len(noted.values[0][0]), eq.channels, len(order), n_constants]
    shape += [order[noted.outputs[0]], order[noted.outputs[1]], int(shared), int(additive)]
    t = tableau
    coefficients = (t.a0, t.a1, t.b0, t.b1, t.w0, t.w1, t.alpha, t.beta, t.c0, t.c1)
    kinds = [(value.numel(), False) for _, value in notes.constants] + [
        (0, turned) for _, turned in notes.matrices
    ]
    used = np.array([t.used_drifts, t.used_diffusions])
    return Loop(coefficients, used, programs, np.array(shape), noted.captured, tuple(kinds))


def _program(
    noted: Recording, outputs: tuple[int, ...], order: dict[int, int], places: list[int]
) -> np.ndarray:
    """The operations that some results need, with columns and parameters by place."""
    state = len(noted.values[0][0])
    needed = {column for first in outputs for column in range(first, first + state)}
    lines = []
    for op in reversed(noted.notes.operations):
        width = 1 if op.code == SUM else op.width
        if not needed & set(range(op.out, op.out + width)):
            continue
        inputs = op.b if op.code == LINEAR else 1 + (op.width - 1) * op.step_a
        needed |= set(range(op.a, op.a + inputs))
        b = op.b
        if op.code != LINEAR and 1 <= op.code <= 4:
            needed |= set(range(op.b, op.b + 1 + (op.width - 1) * op.step_b))
            b = order[op.b]
        extra = places[op.extra] if op.code == LINEAR else op.extra
        second = places[op.second] if op.code == LINEAR and op.second >= 0 else -1
        lines.append([op.code, order[op.out], order[op.a], b, op.width, op.step_a, op.step_b, extra, second])
    return np.array(lines[::-1], dtype=np.int64).reshape(-1, 9)


def _check_values(loop: Loop, noted: Recording, at: tuple[float, torch.Tensor]) -> None:
    """What was recorded gives what the function gave."""
    t, y = at
    rows, size = y.shape
    constants, matrices = loop.packed()
    values = np.zeros((int(loop.shape[2]), rows))
    n = int(loop.shape[3])
    values[:n] = constants[:, None]
    values[n] = t
    values[n + 1 : n + 1 + size] = y.double().numpy().T
    flat = values.ravel()
    for program in loop.programs:
        run_program(program, flat, matrices, rows)
    for column, value in zip(loop.shape[4:6].tolist(), noted.values, strict=True):
        found, expected = values[column : column + size].T, value.double().numpy()
        if not np.allclose(found, expected, rtol=AGREEMENT[y.dtype], atol=AGREEMENT[y.dtype], equal_nan=True):
            raise CannotRecord("operations that do not give what the function gives")


def solve_fused(
    loop: Loop,
    grid: Any,
    y0: torch.Tensor,
    *,
    gradient: str,
    plainly: Callable,
    progress: Callable[[float], None] | None,
) -> torch.Tensor:
    """The states at the outputs, (times, batch, state). ``plainly`` takes the same steps from y0 with torch alone."""
    size = max(1, math.isqrt(grid.n)) if gradient == "checkpoint" else grid.n
    return _Sweep.apply(loop, grid, size, (plainly, progress), y0, *loop.captured)


class _Sweep(torch.autograd.Function):
    """All steps forwards; backwards, segment by segment, each solved again unless there is only one."""

    @staticmethod
    def forward(
        ctx: Any,
        loop: Loop,
        grid: Any,
        size: int,
        calls: tuple[Callable, Callable | None],
        y0: torch.Tensor,
        *captured: torch.Tensor,
    ) -> torch.Tensor:
        packed = loop.packed()
        begins = list(range(0, grid.n, size))
        ys = np.empty((len(grid.times), *y0.shape))
        ys[0] = y = y0.detach().double().numpy()
        kept: list[np.ndarray] = []
        noise = None
        for a in begins:
            b = min(a + size, grid.n)
            noise = grid.arrays(a, b)
            states = _forward(loop, packed, noise, y, (calls[1], a, grid.n))
            if not np.isfinite(states).all():
                raise _blow_up(states, noise)
            _pick(ys, states, grid.out_steps, (a, b))
            y = states[-1]
            kept.append(states if len(begins) == 1 else states[0].copy())
        ctx.run = loop, grid, size, packed
        ctx.kept, ctx.noise = kept, noise if len(begins) == 1 else None
        ctx.dtype, ctx.plainly = y0.dtype, calls[0]
        ctx.save_for_backward(y0, *captured)
        return torch.from_numpy(ys).to(y0.dtype)

    @staticmethod
    def backward(ctx: Any, ys_bar: torch.Tensor) -> tuple[Any, ...]:
        loop, grid, size, packed = ctx.run
        y0 = ctx.saved_tensors[0]  # tells if a parameter was changed in place since
        if torch.is_grad_enabled():
            return (None,) * 4 + _recorded(ctx.plainly, y0, loop.captured, ys_bar)
        given = ys_bar.double().numpy()
        bars = np.zeros_like(packed[0]), np.zeros_like(packed[1])
        y_bar = np.zeros(given.shape[1:])
        for number, a in reversed(list(enumerate(range(0, grid.n, size)))):
            b = min(a + size, grid.n)
            noise = ctx.noise or grid.arrays(a, b)
            states = ctx.kept[number] if ctx.noise else _forward(loop, packed, noise, ctx.kept[number])
            states_bar = np.zeros_like(states)
            _spread(states_bar, given, grid.out_steps, (a, b))
            states_bar[-1] += y_bar
            fixed = (loop.tableau, loop.used, loop.programs, *packed, loop.shape)
            sweep_back(states, states_bar, noise, *fixed, *bars)
            y_bar = states_bar[0]
        y0_bar = torch.from_numpy(y_bar + given[0]).to(ctx.dtype)
        return None, None, None, None, y0_bar, *loop.unpacked(*bars)


def _recorded(
    plainly: Callable, y0: torch.Tensor, captured: list[torch.Tensor], ys_bar: torch.Tensor
) -> tuple[torch.Tensor | None, ...]:
    """The cotangents of y0 and the captured tensors by steps that torch records, to be differentiated again."""
    inputs = [y0, *captured]
    varying = [k for k, x in enumerate(inputs) if x.requires_grad]
    whole = _again([plainly(y0)], [inputs[k] for k in varying], [ys_bar])
    if any(bar is None for k, bar in zip(varying, whole, strict=True) if k > 0):
        raise LostGradientError(
            "the gradient of this solution cannot be differentiated again",
            found="drift or diffusion compute with parameters alone, anew in every call",
            where="create_graph=True",
            fix="compute what depends on parameters alone before, outside of drift and diffusion",
        )
    # What was found for a tensor holds what comes by way of others that were computed from it: that is theirs.
    later = {
        i: [k for k in varying if k != i and inputs[k].grad_fn is not None and _depends(inputs[k], inputs[i])]
        for i in varying
    }
    bars: dict[int, torch.Tensor | None] = dict(zip(varying, whole, strict=True))
    for i in sorted(varying, key=lambda i: len(later[i])):
        through = [k for k in later[i] if bars[k] is not None]
        if through and bars[i] is not None:
            (theirs,) = _again([inputs[k] for k in through], [inputs[i]], [bars[k] for k in through])
            bars[i] = bars[i] - theirs
    return tuple(bars.get(k) for k in range(len(inputs)))


def _again(outputs: list, inputs: list, bars: list) -> tuple[torch.Tensor | None, ...]:
    return torch.autograd.grad(outputs, inputs, bars, create_graph=True, allow_unused=True)


def _depends(x: torch.Tensor, on: torch.Tensor) -> bool:
    return torch.autograd.grad(x.sum(), on, retain_graph=True, allow_unused=True)[0] is not None


def _forward(
    loop: Loop,
    packed: tuple[np.ndarray, np.ndarray],
    noise: tuple,
    y: np.ndarray,
    report: tuple[Callable[[float], None] | None, int, int] = (None, 0, 0),
) -> np.ndarray:
    """The states after all of some steps; ``report``: whom to tell of progress, steps before these, steps in all."""
    n = len(noise[0])
    states = np.empty((n + 1, *y.shape))
    states[0] = y
    progress, before, whole = report
    size = n if progress is None else max(1, whole // REPORTS)
    for a in range(0, n, size):
        b = min(a + size, n)
        part = tuple(x[a:b] for x in noise)
        sweep_forward(states[a : b + 1], part, loop.tableau, loop.used, loop.programs, *packed, loop.shape)
        if progress is not None:
            progress((before + b) / whole)
    return states


def _pick(ys: np.ndarray, states: np.ndarray, out_steps: np.ndarray, span: tuple[int, int]) -> None:
    """The outputs that are reached within a range of steps."""
    a, b = span
    if out_steps.ndim == 1:
        first, last = np.searchsorted(out_steps, span, side="right")
        ys[first:last] = states[out_steps[first:last] - a]
        return
    output, row = np.nonzero((out_steps > a) & (out_steps <= b))
    ys[output, row] = states[out_steps[output, row] - a, row]


def _spread(states_bar: np.ndarray, given: np.ndarray, out_steps: np.ndarray, span: tuple[int, int]) -> None:
    """The cotangents of the outputs, at the states that they are."""
    a, b = span
    if out_steps.ndim == 1:
        first, last = np.searchsorted(out_steps, span, side="right")
        states_bar[out_steps[first:last] - a] = given[first:last]
        return
    output, row = np.nonzero((out_steps > a) & (out_steps <= b))
    states_bar[out_steps[output, row] - a, row] = given[output, row]


def _blow_up(states: np.ndarray, noise: tuple) -> Exception:
    """The error for the first state that is not finite."""
    step, row, component = (int(i[0]) for i in np.nonzero(~np.isfinite(states)))
    t, h = ((x[step - 1, row] if x.shape[1] > 1 else x[step - 1, 0]) for x in noise[:2])
    return blow_up(float(t + h), row, component)
