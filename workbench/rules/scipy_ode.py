"""Initial value problems of ``scipy.integrate``.

The explicit methods of ``solve_ivp`` (RK45, RK23, DOP853) are Python: they are traced through, step-size control
and events included, so that the gradient is exactly that of the program. The others (Radau, BDF, LSODA, and
``odeint``) have their iterations in compiled code. They give the value; the derivative is that of the differential
equation itself (see ``collocation``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as si
from scipy.integrate import _ode as _ode_classes

from workbench.autodiff.application import written
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.collocation import Mesh
from workbench.rules.implicit import quiet, unknown
from workbench.rules.keeping import Around
from workbench.rules.stand_ins import as_number, no_rule, refuses, settled, with_value

_EXPLICIT = frozenset({"RK45", "RK23", "DOP853"})


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
