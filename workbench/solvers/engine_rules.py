"""What the engine knows about the solvers: a ∂P program calls them like any other function.

A solver that gets plain functions first solves in plain numbers, as it does for everybody, and so chooses its steps.
If anything varied, the accepted steps are taken once more on the engine's tape, with the functions as the program
wrote them. The value is the solver's own; the derivatives, of any order, are those of the steps that were taken, by the
initial state and by whatever the functions use, wherever they have it from. torch's own functions, which come with
tensors as initial state, are followed by the engine's bridge to torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from workbench.autodiff.application import apply_rule
from workbench.autodiff.calls import resolve
from workbench.autodiff.code_objects import with_code
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, OWN, Rule
from workbench.autodiff.rewritten import rewritten_code
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import LostGradientError, SolverOptionError
from workbench.rules.implicit import on_the_way, plain_inside, solved
from workbench.rules.keeping import Around
from workbench.rules.stand_ins import settled, with_value
from workbench.solvers.by_torchsde import TORCHSDE
from workbench.solvers.events import Crossing, Event
from workbench.solvers.ode import solve_ode
from workbench.solvers.ode_implicit import ImplicitStep
from workbench.solvers.ode_run import Dense, Run
from workbench.solvers.ode_steps import ExplicitStep, Taken
from workbench.solvers.problem import States, refuse_traced
from workbench.solvers.sde import REVERSIBLE, solve_sde
from workbench.solvers.sde_grid import FixedGrid
from workbench.solvers.sde_steps import Equation, ReversibleHeunStep, Step, TableauStep
from workbench.solvers.solution import EventRecord, ODESolution, SDESolution
from workbench.solvers.tableaus import STOCHASTIC


class Still:
    """The caller's functions for the plain solution: constants to every derivative around it.

    Attributes:
        varies: whether one of them has given anything that varies.
        handed: gives what the functions get for a state of the solution.
    """

    def __init__(self, handed: Callable[[Any], Any] = lambda y: y) -> None:
        self.varies, self.handed = False, handed

    def function(self, f: Any) -> Any:
        """f of (t, y), whatever it uses besides being plain; differentiable in t and y, as implicit steps need it."""
        if not callable(f):
            return f
        new = resolve(f)

        def value(t: Any, y: Any) -> Any:
            found = _read(new(t, self.handed(y)))
            self.varies = self.varies or contains_traced(found)
            return plain_inside(found)

        def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
            found, back = pullback(lambda t, y: _read(new(t, y)), *args, wrt=needs)
            return plain_inside(found), lambda bar: [plain_inside(x) for x in back(plain(bar))]

        return lambda t, y: apply_rule(Rule(value, forward), (t, y), {})

    def events(self, events: Iterable[Any]) -> list[Event]:
        """The same for events."""
        given = [event if isinstance(event, Event) else Event(event) for event in events]
        return [replace(event, function=self.function(event.function)) for event in given]


def _solved_plainly(solve: Callable[[Still], Any], *functions: Any) -> tuple[Any, bool, Around]:
    """The plain solution, whether anything in it varied, and what the functions have changed around them.

    Functions that change something may keep states: where those would have derivatives it is solved once more, as if
    it had not been, with states whose derivatives are refused.
    """
    around, still = Around(*functions), Still()
    with torch.no_grad(), around.during():
        found = solve(still)
    if still.varies and around.undone():
        where = user_line()
        with torch.no_grad(), around.during():
            found = solve(Still(lambda y: on_the_way(y, where)))
    return found, still.varies, around


def _read(found: Any) -> Any:
    """What a function gave: lists as arrays, a pair of drift and diffusion as a pair."""
    return tuple(map(settled, found)) if isinstance(found, tuple) else settled(found)


class OnTape:
    """The caller's functions on the engine's tape, taking and giving arrays with a batch axis."""

    def __init__(self, states: States) -> None:
        self.states = states

    def start(self, y0: Any) -> Any:
        """The initial state. Shape (batch, state)."""
        y0 = settled(y0)
        y0 = np.asarray(y0, float) if not contains_traced(y0) else y0
        return resolve(np.reshape)(y0, (self.states.batch, self.states.size))

    def call(self, f: Callable, t: Any, y: Any) -> Any:
        """f(t, y), with copies of arrays, which f may overwrite."""
        y = resolve(np.copy)(y)
        if isinstance(t, float):
            t = float(t)
        elif self.states.axes < 2:
            t = t[0, 0]
        if self.states.axes == 2:
            return _read(resolve(f)(t if type(t) is float else resolve(np.copy)(t), y))
        return _read(resolve(f)(t, y[0] if self.states.axes == 1 else y[0, 0]))

    def batched(self, found: Any) -> Any:
        """What a function gave, as an array of its own with a batch axis."""
        found = resolve(np.array)(found)
        if self.states.axes == 2:
            return found
        return found[None] if self.states.axes == 1 else resolve(np.reshape)(found, (1, 1))

    def function(self, f: Callable) -> Callable[[Any, Any], Any]:
        """f of (t, y)."""
        return lambda t, y: self.batched(self.call(f, t, y))

    def out(self, ys: Any) -> Any:
        """States of shape (…, batch, state) as the caller has them."""
        if self.states.axes < 2:
            ys = ys[..., 0, :]
        return ys[..., 0] if self.states.axes == 0 else ys


def _refuse_memory(gradient: str) -> None:
    """The tape of the engine keeps every step."""
    if gradient != "direct":
        raise SolverOptionError(
            f"gradient={gradient!r} is a way back of torch's",
            found="got a ∂P program around the solver, whose tape keeps every step",
            where="gradient",
            fix='gradient="direct"; where memory is short, workbench.checkpoint around parts of the program',
        )


def _through(solver: Callable) -> Callable:
    """The solver as an ordinary part of the program, for functions and states of torch."""
    return with_code(solver, rewritten_code(solver))


# ------------------------------------------------------------------------------------ ordinary equations


def _solve_ode(f: Callable, y0: Any, ts: Any, **options: Any) -> ODESolution:
    """``solve_ode``."""
    if not OPEN:
        return solve_ode(f, y0, ts, **options)
    if isinstance(y0, torch.Tensor):
        return _through(solve_ode)(f, y0, ts, **options)
    watched, start = [*options.pop("events", ())], plain(settled(y0))

    def solve(still: Still) -> ODESolution:
        return solve_ode(still.function(f), start, ts, events=still.events(watched), **options)

    found, varies, around = _solved_plainly(solve, f, *map(_function_of, watched))
    if not varies and not contains_traced(y0):
        return found
    _refuse_memory(options.get("gradient", "direct"))
    with around.aside():
        return ODEOnTape(found._run, f, watched).solution(found, y0)


def _function_of(event: Any) -> Any:
    return event.function if isinstance(event, Event) else event


class ODEOnTape(OnTape):
    """A solution's accepted steps, taken on the engine's tape."""

    def __init__(self, run: Run, f: Callable, events: list[Any]) -> None:
        super().__init__(run.states)
        self.run, self.plan, self.f = run, run.plan, self.function(f)
        self.events = list(map(_function_of, events))

    def solution(self, found: ODESolution, y0: Any) -> ODESolution:
        """``found``, with its derivatives."""
        run = self.run
        start = self.start(y0)
        kept = self._steps(start)
        moments = {c: self._moment(c, kept[c.step]) for c in run.watch.found}
        pieces, at = [start], np.zeros((len(run.times), run.batch), np.int64)
        at[0], n = np.arange(run.batch), run.batch
        for taken, (outputs, rows, theta) in zip(kept, run.wanted(self.plan), strict=True):
            if len(outputs):
                column = theta[:, None]
                pieces.append(resolve(np.where)(column == 1.0, taken.y1[rows], taken.at(column, rows)))
                at[outputs, rows] = n + np.arange(len(outputs))
                n += len(outputs)
        ends: list[Any] = [run.times[-1]] * run.batch
        for c in run.stops().values():
            time, state = moments[c]
            ends[c.row] = time
            pieces.append(state[None])
            at[run.times > plain(time), c.row] = n
            n += 1
        ys = resolve(np.concatenate)(pieces)[at]
        return replace(
            found,
            ys=with_value(self.out(ys), found.ys),
            events=tuple(self._record(k, record, moments) for k, record in enumerate(found.events)),
            t_end=with_value(resolve(np.array)(ends), found.t_end),
            _at=None if found._at is None else self._dense(found._at, kept, ys),
        )

    def _steps(self, y: Any) -> list[Taken]:
        pair, plan = self.run.stepper.pair, self.plan
        step = self._implicit_steps() if pair.gamma else ExplicitStep(pair, self.f)
        k, kept = self.f(np.full((self.run.batch, 1), self.run.times[0]), y), []
        for t, h in zip(plan.begins[:, :, None], plan.lengths[:, :, None], strict=True):
            taken = step(t, h, y, k)
            y, k = taken.y1, taken.ks[-1]
            kept.append(taken)
        return kept

    def _implicit_steps(self) -> Callable:
        """Steps whose stages are known to rounding, and differentiated by their equations."""
        run, pair = copy(self.run), self.run.stepper.pair
        run.stepper = ImplicitStep(pair, run.stepper.f, None)
        with torch.no_grad():
            exact = iter(run.take(self.plan, keep=True, checkpointed=False)[2])

        def step(t: Any, h: Any, y0: Any, k0: Any) -> Taken:
            ks, base = [k0], y0
            for row, c, slope in zip(
                pair.a.tolist()[1:], pair.c.tolist()[1:], next(exact).ks[1:], strict=True
            ):
                base = y0 + h * sum(a * k for a, k in zip(row, ks, strict=False) if a)

                def rest(k: Any, base: Any = base, c: float = c) -> Any:
                    return k - self.f(t + c * h, base + (pair.gamma * h) * k)

                ks.append(solved(rest, slope.numpy().copy(), where="an implicit step"))
            return Taken(t, h, y0, ks, base + (pair.gamma * h) * ks[-1], pair)

        return step

    def _moment(self, c: Crossing, taken: Taken) -> tuple[Any, Any]:
        """Time () and state (state,) of a crossing, where the event's function is zero inside the step."""
        ones = np.ones((self.run.batch, 1))

        def value(theta: Any) -> Any:
            column = theta * ones
            g = self.call(self.events[c.event], taken.t + column * taken.h, taken.at(column))
            return resolve(np.reshape)(g, (-1,))[c.row]

        theta = solved(value, c.theta, where="an event")
        time = taken.t[c.row, 0] + theta * taken.h[c.row, 0]
        return time, taken.at(theta * ones)[c.row]

    def _record(self, k: int, record: EventRecord, moments: dict[Crossing, Any]) -> EventRecord:
        own = sorted((c for c in moments if c.event == k), key=lambda c: (c.row, float(plain(moments[c][0]))))
        if not own:
            return record
        ts = resolve(np.array)([moments[c][0] for c in own])
        ys = resolve(np.stack)([moments[c][1] for c in own])
        ys = ys[:, 0] if self.states.axes == 0 else ys
        return replace(record, ts=with_value(ts, record.ts), ys=with_value(ys, record.ys))

    def _dense(self, plainly: Dense, kept: list[Taken], ys: Any) -> Callable[[Any], Any]:
        """The solution as a function of time."""

        def at(t: float) -> Any:
            parts = [(own, kept[m].at(theta, own)) for own, m, theta in plainly.places(t)]
            order = np.argsort(np.concatenate([own for own, _ in parts]))
            return resolve(np.concatenate)([y for _, y in parts])[order]

        def dense(t: Any) -> Any:
            refuse_traced("put the time among ts", t=t)
            times = np.asarray(t, float)
            whole = (
                resolve(np.stack)([at(time) for time in times.tolist()]) if times.ndim else at(float(times))
            )
            return with_value(self.out(whole), plainly(times))

        return dense


# ------------------------------------------------------------------------------------ stochastic equations


def _solve_sde(drift: Callable, diffusion: Callable | None, y0: Any, ts: Any, **options: Any) -> SDESolution:
    """``solve_sde``."""
    if not OPEN:
        return solve_sde(drift, diffusion, y0, ts, **options)
    if isinstance(y0, torch.Tensor):
        return _through(solve_sde)(drift, diffusion, y0, ts, **options)
    start = plain(settled(y0))
    generator = options.get("generator") or torch.default_generator
    drawn = generator.get_state()

    def solve(still: Still) -> SDESolution:
        generator.set_state(drawn)
        return solve_sde(still.function(drift), still.function(diffusion), start, ts, **options)

    found, varies, around = _solved_plainly(solve, drift, diffusion)
    if not varies and not contains_traced(y0):
        return found
    _refuse_memory(options.get("gradient", "direct"))
    method = options.get("method", "sosri")
    if method in TORCHSDE:
        raise SolverOptionError(
            f"method={method!r} is not differentiated by the engine",
            found="got a ∂P program around the solver",
            where="method",
            fix="take a method of our own, or tensors and torch's autograd around the solver",
        )
    with around.aside():
        return _sde_on_tape(found, drift, diffusion, y0, method)


def _sde_on_tape(
    found: SDESolution, drift: Callable, diffusion: Callable | None, y0: Any, method: str
) -> SDESolution:
    """``found``, with its derivatives."""
    eq, grid, states = found._taken
    on_tape = OnTape(states)
    eq = _equation(eq, on_tape, drift, diffusion)
    stepper = ReversibleHeunStep(eq) if method == REVERSIBLE else TableauStep(STOCHASTIC[method], eq)
    state = stepper.start(float(grid.times[0]), on_tape.start(y0))
    ys = [state[0]]
    for t, h, w, j in zip(*grid.arrays(0, grid.n), strict=True):
        if isinstance(grid, FixedGrid):
            step = Step(t.item(), h.item(), math.sqrt(h.item()), w, j)
        else:
            step = Step(t[:, None], h[:, None], np.sqrt(np.where(h > 0, h, 1.0))[:, None], w, j)
        state = stepper(state, step)
        ys.append(state[0])
    whole = resolve(np.stack)(ys)
    rows = () if isinstance(grid, FixedGrid) else (np.arange(states.batch),)
    outputs = whole[(grid.out_steps, *rows)]

    def between(t: float) -> Any:
        raise LostGradientError(
            "a state between two outputs has no derivative",
            found=f"got t = {t:g} in a ∂P program around the solver",
            where="solution(t)",
            fix="put the time among ts",
        )

    return replace(found, ys=with_value(on_tape.out(outputs), found.ys), _at=between)


def _equation(eq: Equation, on_tape: OnTape, drift: Callable, diffusion: Callable | None) -> Equation:
    """The equation on the engine's tape, its diffusion in the full shape."""
    batch, size = on_tape.states.batch, on_tape.states.size
    shape = (batch, size, eq.channels) if eq.matrix else (batch, size)

    def fitted(value: Any) -> Any:
        value = on_tape.batched(value)
        if eq.noise == "scalar" and np.ndim(value) == 3:
            value = value[..., 0]
        return value if np.shape(value) == shape else resolve(np.broadcast_to)(value, shape)

    def f(t: Any, y: Any) -> Any:
        found = on_tape.call(drift, t, y)
        return on_tape.batched(found[0] if diffusion is None else found)

    def g(t: Any, y: Any) -> Any:
        found = on_tape.call(drift if diffusion is None else diffusion, t, y)
        return fitted(found[1] if diffusion is None else found)

    def both(t: Any, y: Any) -> tuple[Any, Any]:
        if diffusion is not None:
            return f(t, y), g(t, y)
        found = on_tape.call(drift, t, y)
        return on_tape.batched(found[0]), fitted(found[1])

    return replace(eq, drift=f, diffusion=g, both=both)


for _solver, _door in ((solve_ode, _solve_ode), (solve_sde, _solve_sde)):
    DOORS[_solver] = _door
    OWN.add(_solver)
