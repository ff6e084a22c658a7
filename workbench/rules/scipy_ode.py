"""Initial value problems of ``scipy.integrate``.

The explicit methods of ``solve_ivp`` (RK45, RK23, DOP853) are Python: they are traced through, step-size control
and events included, so that the gradient is exactly that of the program. The others (Radau, BDF, LSODA, and
``odeint``) have their iterations in compiled code. They give the value; the derivative is that of the differential
equation itself, by collocation.

Collocation: on a mesh of steps h the three-stage Radau IIA equations are Y_i = y_k + h Σ_j a_ij f(t_j, Y_j), with
y_{k+1} = Y_3. Linearised at the solution, with the plain Jacobians J_i, δY = M⁻¹ (1 ⊗ δy_k + h A δF),
M = 1 − h A ⊗ J: one linear operation from (F, y_0) to all stages, whose transpose is the adjoint equation. F is
evaluated traced, so that it depends on whatever the right-hand side uses. Facts: order 5, stiffly accurate, mesh
tolerance 1e-8 to 1e-6.
Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 1996, section IV.8.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.integrate as si
from scipy.integrate import _ode as _ode_classes

from workbench.autodiff.application import apply_rule, written
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.registry import DOORS, Rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import quiet, unknown
from workbench.rules.keeping import Around
from workbench.rules.stand_ins import as_number, no_rule, refuses, settled, with_value

_ROOT6 = math.sqrt(6.0)
_C = np.array([(4.0 - _ROOT6) / 10.0, (4.0 + _ROOT6) / 10.0, 1.0])
_A = np.array(
    [
        [(88 - 7 * _ROOT6) / 360, (296 - 169 * _ROOT6) / 1800, (-2 + 3 * _ROOT6) / 225],
        [(296 + 169 * _ROOT6) / 1800, (88 + 7 * _ROOT6) / 360, (-2 - 3 * _ROOT6) / 225],
        [(16 - _ROOT6) / 36, (16 + _ROOT6) / 36, 1 / 9],
    ]
)
# of a step as long as 1: the cubics that are 1 at one of the beginning and the stages and 0 at the others, their slopes
# at the beginning and at the end, and the quartic without a value at both ends and a slope at the stages
_CUBICS = [np.poly1d(column) for column in np.linalg.inv(np.vander([0.0, *_C])).T]
_AT_START, _AT_END = [np.array([cubic.deriv()(place) for cubic in _CUBICS]) for place in (0.0, 1.0)]
_QUARTIC = np.poly1d(_C, r=True).integ() / -np.prod(_C)  # its slope at the beginning is 1
_EXPLICIT = frozenset({"RK45", "RK23", "DOP853"})


class Mesh:
    """The solution on a mesh, and the linearised equations there.

    Args:
        f: the right-hand side, f(t, y), traced in what it uses.
        y0: the initial state, perhaps traced.
        times: the first time, those where a step has to end, the last time, in order.
        tolerance: relative and absolute, of the mesh.
    """

    def __init__(self, f: Callable, y0: Any, times: np.ndarray, tolerance: tuple[float, float]) -> None:
        self.f, self.y0 = f, y0
        start, rtol, atol = np.array(plain(y0), float), *tolerance
        run = si.solve_ivp(
            quiet(f), (times[0], times[-1]), start, method="Radau", dense_output=True, rtol=rtol, atol=atol
        )
        edges = np.unique(np.concatenate([run.t, times]))
        self.edges = edges if times[-1] >= times[0] else edges[::-1]
        self.steps = np.diff(self.edges)
        self.stage_times = self.edges[:-1, None] + self.steps[:, None] * _C
        self.values = run.sol(self.stage_times.ravel()).T.reshape(len(self.steps), 3, start.size)
        self.values[:, 2][-1] = run.y[:, -1]
        rates, back = pullback(self._rates, self.values)
        self.rates = rates
        self.slopes = np.stack([plain(back(row)[0]) for row in self._components()], axis=2)
        self.inverses = [self._inverse(k) for k in range(len(self.steps))]

    def _components(self) -> Iterator[np.ndarray]:
        """Cotangents of the rates, each of one component at all stages, which do not depend on one another."""
        for i in range(self.values.shape[2]):
            row = np.zeros(self.values.shape)
            row[:, :, i] = 1.0
            yield row

    def _inverse(self, k: int) -> np.ndarray:
        n = self.values.shape[2]
        blocks = self.steps[k] * _A[:, None, :, None] * self.slopes[k].transpose(1, 0, 2)[None]
        return np.linalg.inv(np.eye(3 * n) - blocks.reshape(3 * n, 3 * n))

    def stages(self) -> Any:
        """All stages, traced: shape (steps, 3, n)."""
        found: Any = self.values
        for _ in OPEN:
            rates = self.rates
            if type(found) in TRACED:
                rates = self._rates(found)
                away = found - self.values
                away = np.reshape(away, (*np.shape(plain(away)), 1))
                rates = rates - np.reshape(np.matmul(self.slopes, away), self.values.shape)
            found = apply_rule(Rule(lambda rates, y0: self.values, self._linear), (rates, self.y0), {})
            if type(found) not in TRACED:
                break
        return found

    def _rates(self, stages: Any) -> Any:
        """The right-hand side at all stages."""
        rows = []
        for k, times in enumerate(self.stage_times.tolist()):
            for j, t in enumerate(times):
                rows.append(self.f(t, stages[k, j]))
        return np.reshape(resolve(np.stack)(rows), self.values.shape)

    def _linear(self, needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        """From (F, y_0) to the stages; the pullback is the adjoint equation, step by step from the end."""
        rule = Rule(lambda rates, y0: self.values, self._linear)
        nested = any(type(a) in TRACED for a in args)
        value = apply_rule(rule, args, {}) if nested else self.values.copy()
        n = self.values.shape[2]

        def collocation_pullback(bar: Any) -> list[Any]:
            later, rates_bar = np.zeros(n), []
            for k in range(len(self.steps) - 1, -1, -1):
                stage_bar = resolve(np.concatenate)([np.reshape(bar[k, :2], (-1,)), bar[k, 2] + later])
                solved = np.reshape(np.matmul(self.inverses[k].T, stage_bar), (3, n))
                rates_bar.append(self.steps[k] * np.matmul(_A.T, solved))
                later = np.sum(solved, axis=0)
            found = (resolve(np.stack)(rates_bar[::-1]), later)
            return [found[k] for k in needs]

        return value, collocation_pullback

    def at(self, stages: Any, times: np.ndarray) -> Any:
        """The states at any times of the mesh: shape (times, n).

        Of a step they are the cubic through y_k and the stages, and the quartic that has the slope of the step before
        at y_k too: its error is of order 5 in h, and nothing where a step ends.
        """
        forward = np.sign(self.steps[0])
        k = np.maximum(np.searchsorted(forward * self.edges, forward * times) - 1, 0)
        place = (times - self.edges[k]) / self.steps[k]
        more = _QUARTIC(place)[:, None]
        here = np.stack([cubic(place) for cubic in _CUBICS], axis=1) - more * _AT_START
        before = more * (self.steps[k] / self.steps[k - 1])[:, None] * _AT_END
        before[k == 0] = more[k == 0] * [self.steps[0], 0.0, 0.0, 0.0]
        # y_k and the stages, in a list of the slope at the beginning, the beginning, and all stages
        first = 3 * k[:, None] + 1 + np.arange(4)
        places = np.concatenate([np.where(k[:, None] == 0, 0, first - 3), first], axis=1)
        rows = (self.f(float(self.edges[0]), self.y0), self.y0, *stages.reshape(-1, self.values.shape[2]))
        weights = np.concatenate([before, here], axis=1)[:, :, None]
        return np.sum(weights * resolve(np.stack)(rows)[places], axis=1)


def _solution(f: Callable, y0: Any, times: Any, tolerance: tuple[float, float]) -> Any:
    """The states at ``times``, traced, with the first state at the first of them: shape (times, n)."""
    wanted = np.array(plain(settled(times)), float)
    if np.all(wanted == wanted[0]) and not contains_traced(times):
        return resolve(np.stack)([y0] * len(wanted))
    edges = wanted[[0, -1]]
    if contains_traced(times):  # the clock's speed jumps there
        f, edges = _by_clock(f, times, wanted), wanted
    mesh = Mesh(f, y0, edges, tolerance)
    return mesh.at(mesh.stages(), wanted)


def _by_clock(f: Callable, times: Any, wanted: np.ndarray) -> Callable:
    """The right-hand side by a clock that shows the constants ``wanted`` at ``times``, and runs evenly in between."""
    spans = np.diff(wanted)
    if not spans.all():
        raise no_rule(si.odeint, "times that vary and occur twice")
    speeds = [(times[k + 1] - times[k]) / span for k, span in enumerate(spans)]
    order = np.sign(spans[0]) * wanted

    def rate(shown: float, y: Any) -> Any:
        k = max(0, int(np.searchsorted(order, np.sign(spans[0]) * shown)) - 1)
        return f(times[k] + (shown - wanted[k]) * speeds[k], y) * speeds[k]

    return rate


def _odeint(
    func: Callable, y0: Any, t: Any, args: Any = (), Dfun: Any = None, *rest: Any, **options: Any
) -> Any:
    """``odeint``."""
    if not OPEN:
        return si.odeint(func, y0, t, args, Dfun, *rest, **options)
    args = args if isinstance(args, tuple) else (args,)
    y0, t = settled(y0), settled(t)
    around = Around(func, Dfun, args=args)
    with around.during():
        found = si.odeint(
            quiet(func, args), plain(y0), plain(t), (), quiet(Dfun, args), *plain(rest), **plain(options)
        )
    new, first = resolve(func), options.get("tfirst", False)
    f = _state_like((lambda t, y: new(t, y, *args)) if first else (lambda t, y: new(y, t, *args)))
    y0 = np.reshape(np.asarray(y0, float) if type(y0) not in TRACED else y0, (-1,))
    report = found if not isinstance(found, tuple) else found[0]
    with around.aside():
        if not np.size(plain(t)) or not _varies(f, y0, t):
            return found
        states = _solution(f, y0, t, _mesh_tolerance(options.get("rtol")))
    traced = with_value(states, report)
    return traced if report is found else (traced, *found[1:])


DOORS[si.odeint] = _odeint


def _state_like(function: Callable) -> Callable:
    """The right-hand side with its result as an array with one axis."""

    def f(t: Any, y: Any) -> Any:
        rate = settled(function(t, y))
        return np.reshape(rate if type(rate) in TRACED else np.asarray(rate), (-1,))

    return f


def _varies(f: Callable, y0: Any, times: Any) -> bool:
    if contains_traced(y0) or contains_traced(times):
        return True
    return contains_traced(f(float(np.ravel(plain(times))[0]), np.array(plain(y0), float)))


# ------------------------------------------------------------------------------------ ode


def _ode(integrator: type) -> None:
    """One call of ``ode.integrate``, for each of its integrators."""
    original = integrator.run

    @functools.wraps(original)
    def run(
        self: Any, f: Callable, jac: Any, y0: Any, t0: Any, t1: Any, f_params: Any, jac_params: Any
    ) -> Any:
        if not OPEN:
            return original(self, f, jac, y0, t0, t1, f_params, jac_params)
        if getattr(self, "solout", None) is not None or isinstance(self, _ode_classes.zvode):
            raise no_rule(si.ode, "set_solout and complex states; solve_ivp has events and takes both")
        state, t0, t1 = settled(y0), as_number(t0), as_number(t1)
        start, end = plain(t0), plain(t1)
        given = plain(state).copy()
        around = Around(f, jac)
        with around.during():
            y1, reached = original(
                self, quiet(f, f_params), quiet(jac, jac_params), given, start, end, (), ()
            )
        new, over = resolve(f), np.shares_memory(y1, given)
        rate = _state_like(lambda t, y: new(t, y, *f_params))
        with around.aside():
            if self.success and _varies(rate, state, [t0, t1]):
                reached = t1
                y1 = with_value(_solution(rate, state, [t0, t1], _mesh_tolerance(self.rtol))[-1], y1.copy())
        return (written(y1, y0) if over else y1), reached

    DOORS[original] = run


for _integrator in (_ode_classes.vode, _ode_classes.dopri5, _ode_classes.dop853, _ode_classes.lsoda):
    _ode(_integrator)
for _integrator in (_ode_classes.vode, _ode_classes.lsoda):
    refuses(_integrator.step, _integrator.run_relax, why="integrate to a given time, without step and relax")

# ------------------------------------------------------------------------------------ solve_ivp


def _solve_ivp(
    fun: Callable,
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """``solve_ivp``: explicit methods traced through, the others by collocation."""
    given = {"method": method, "t_eval": t_eval, "dense_output": dense_output, "events": events}
    given |= {"vectorized": vectorized, "args": args, **options}
    if not OPEN:
        return si.solve_ivp(fun, t_span, y0, **given)
    if method in _EXPLICIT or (isinstance(method, type) and method.__name__ in _EXPLICIT):
        return _traced_through()(fun, t_span, y0, **given)
    args, y0 = args or (), settled(y0)
    new = resolve(fun)
    around = Around(fun, *_listed(events), given.get("jac"), args=args)
    with around.during():
        found, watched = _plain_run(fun, t_span, plain(y0), given, args)
    y0 = np.reshape(y0 if type(y0) in TRACED else np.asarray(y0, float), (-1,))
    if np.iscomplexobj(plain(y0)):
        raise no_rule(si.solve_ivp, f"method={method!r} and complex states")
    f = _state_like(lambda t, y: new(t, y, *args))
    times = t_eval if t_eval is not None else t_span
    with around.aside():
        if _varies(f, y0, times) or contains_traced(t_span):
            watching = [lambda t, y, e=e: resolve(e)(t, y, *args) for e in watched]
            tolerance = _mesh_tolerance(options.get("rtol", 1e-3))
            _with_derivatives(found, f, (y0, t_span, t_eval), watching, tolerance)
    return found


def _listed(events: Any) -> list[Callable]:
    return [] if events is None else [events] if callable(events) else list(events)


_through: dict[Callable, Callable] = {}


def _traced_through() -> Callable:
    """SciPy's own Python, rewritten."""
    from workbench.autodiff.code_objects import with_code
    from workbench.autodiff.rewritten import rewritten_code

    if si.solve_ivp not in _through:
        _through[si.solve_ivp] = with_code(si.solve_ivp, rewritten_code(si.solve_ivp))
    return _through[si.solve_ivp]


def _plain_run(fun: Callable, t_span: Any, y0: Any, given: dict, args: tuple) -> tuple[Any, list[Callable]]:
    """SciPy's solution in plain numbers, and the events that were watched."""
    events = given["events"]
    watched = _listed(events)
    answers = []
    for event in watched:
        answer = quiet(event, args)
        for name in ("terminal", "direction"):
            if hasattr(event, name):
                setattr(answer, name, getattr(event, name))
        answers.append(answer)
    plain_given = {k: plain(v) for k, v in given.items() if k not in ("events", "args", "jac")}
    if given.get("jac") is not None:
        plain_given["jac"] = quiet(given["jac"], args)
    found = si.solve_ivp(quiet(fun, args), plain(settled(t_span)), y0, events=answers or None, **plain_given)
    return found, watched


def _mesh_tolerance(rtol: Any) -> tuple[float, float]:
    """Ten times the caller's, between 1e-8 and 1e-6: the derivative costs what its accuracy does."""
    given = 1e-8 if rtol is None else float(np.min(plain(rtol)))
    chosen = min(1e-6, max(1e-8, 10.0 * given))
    return chosen, 1e-2 * chosen


def _with_derivatives(
    found: Any, f: Callable, given: tuple, events: list[Callable], tolerance: tuple[float, float]
) -> None:
    """Give the states of ``found``, its events and the time at which it ended their derivatives."""
    y0, t_span, t_eval = given
    ended = found.t_events is not None and found.status == 1
    moments = [float(t) for ts in found.t_events or [] for t in ts]
    if (moments or contains_traced(t_span) or contains_traced(t_eval)) and len(OPEN) > 1:
        raise no_rule(si.solve_ivp, "a second derivative with events or times that vary, by this method")
    start = float(plain(t_span[0]))
    y0 = y0 - f(start, plain(y0)) * (t_span[0] - start)
    forward = 1.0 if plain(t_span[1]) >= start else -1.0
    edges = np.unique([start, *moments, found.t[-1]])[:: int(forward)]
    mesh = Mesh(f, y0, edges, tolerance)
    stages = mesh.stages()
    times = _output_times(found, t_span, t_eval)
    states = {}
    if moments:
        for k, event in enumerate(events):
            pairs = [_moment(mesh, stages, event, float(t)) for t in found.t_events[k]]
            states.update(zip(found.t_events[k].tolist(), pairs, strict=True))
            if pairs:
                found.t_events[k] = with_value(resolve(np.array)([t for t, _ in pairs]), found.t_events[k])
                found.y_events[k] = with_value(resolve(np.stack)([y for _, y in pairs]), found.y_events[k])
    if ended and t_eval is None:
        times[-1] = states[float(found.t[-1])][0]
    states = mesh.at(stages, found.t)
    if any(type(t) in TRACED for t in times):
        moving = with_value(resolve(np.array)(times), found.t)
        still = np.zeros(mesh.values.shape[2])
        rates = [
            f(t, y) if type(time) in TRACED else still
            for t, y, time in zip(found.t.tolist(), plain(states), times, strict=True)
        ]
        states = states + resolve(np.stack)(rates) * (moving - found.t)[:, None]
        found.t = moving
    found.y = with_value(states.T, found.y)
    if found.sol is not None:
        found.sol = unknown(found.sol, "the solver's 'sol'")


def _output_times(found: Any, t_span: Any, t_eval: Any) -> list[Any]:
    """The times of the output, traced where the caller's are; steps of the solver's own choice are constants."""
    if t_eval is not None:
        values = settled(t_eval)
        return [values[k] for k in range(len(found.t))]
    times: list[Any] = found.t.tolist()
    times[0] = t_span[0]
    if found.status == 0:
        times[-1] = t_span[1]
    return times


def _moment(mesh: Mesh, stages: Any, event: Callable, t: float) -> tuple[Any, Any]:
    """Time and state of an event g(t, y) = 0: δt = −(g_y δy + δg) / (g_t + g_y f)."""
    state = mesh.at(stages, np.array([t]))[0]
    rate = mesh.f(t, plain(state))
    _, back = pullback(lambda t, y: event(t, y), t, np.array(plain(state)))
    by_t, by_y = (plain(g) for g in back(1.0))
    crossing = float(by_t + np.sum(by_y * plain(rate)))
    time = with_value(t - settled(event(t, state)) / crossing, t)
    return time, state + rate * (time - t) if type(time) in TRACED else state


DOORS[si.solve_ivp] = _solve_ivp
