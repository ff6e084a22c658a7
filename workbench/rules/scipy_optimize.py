"""``scipy.optimize``: roots by the implicit function theorem (see ``implicit``); minimisers in ``scipy_minima``.

SciPy finds the value with plain numbers. A root is differentiated through F(x; θ) = 0. Starting points and brackets
have the derivative zero. Linear programs are refused: their solutions jump.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, by_name
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import quiet, solved, unknown
from workbench.rules.keeping import Around
from workbench.rules.scipy_callbacks import with_told
from workbench.rules.stand_ins import refuses, settled, with_value


def _as_tuple(args: Any) -> tuple:
    return args if isinstance(args, tuple) else (args,)


def _with(function: Callable, args: tuple) -> Callable:
    new = resolve(function)
    return lambda x: new(x, *args)


def _plain_options(options: dict) -> dict:
    def bare(name: str, value: Any) -> Any:
        if name == "callback":
            return value
        return quiet(value) if callable(value) else plain(value)

    return with_told({name: bare(name, value) for name, value in options.items()})


# ------------------------------------------------------------------------------------ roots of one equation


def _first(functions: tuple, solve: Callable, change: Callable, args: tuple = ()) -> Any:
    """What ``solve()`` gives with its solution changed: alone, or first in a tuple.

    ``functions`` are those that the solver calls with ``args``.
    """
    around = Around(*functions, args=args)
    with around.during():
        found = solve()
    with around.aside():
        return _changed(found, functools.partial(change, around.anew))


def _changed(found: Any, change: Callable) -> Any:
    if isinstance(found, tuple):
        root = change(found[0])
        report = found[1]
        if isinstance(report, so.RootResults):
            report.root = root
        return found._replace(root=root) if hasattr(found, "_replace") else (root, *found[1:])
    return change(found)


def _bracketed(function: Callable) -> None:
    def call(f: Callable, a: Any, b: Any, args: Any = (), **options: Any) -> Any:
        if not OPEN:
            return function(f, a, b, args, **options)
        args = _as_tuple(args)
        name = f"scipy.optimize.{function.__name__}"
        return _first(
            (f,),
            lambda: function(quiet(f, args), plain(a), plain(b), **plain(options)),
            lambda anew, x: solved(anew(_with(f, args)), x, where=name, start=plain([a, b])),
            args,
        )

    DOORS[function] = by_name(function, call)


for _function in (so.brentq, so.brenth, so.bisect, so.ridder, so.toms748):
    _bracketed(_function)


def _newton(func: Callable, x0: Any, fprime: Any = None, args: Any = (), **options: Any) -> Any:
    """``newton``, for one starting point or an array of them (one equation each)."""
    if not OPEN:
        return so.newton(func, x0, fprime, args, **options)
    args = tuple(args)  # to the others a list is one argument
    if callable(options.get("fprime2")):
        options["fprime2"] = quiet(options["fprime2"], args)
    return _first(
        (func, fprime),
        lambda: so.newton(quiet(func, args), plain(x0), quiet(fprime, args), **_plain_options(options)),
        lambda anew, x: solved(anew(_with(func, args)), x, where="scipy.optimize.newton", start=plain(x0)),
        args,
    )


DOORS[so.newton] = by_name(so.newton, _newton)


def _root_scalar(f: Callable, args: Any = (), method: Any = None, **options: Any) -> Any:
    """``root_scalar``."""
    if not OPEN:
        return so.root_scalar(f, args, method, **options)
    args = _as_tuple(args)
    for name in ("fprime", "fprime2"):
        options[name] = quiet(options.get(name), args)
    around = Around(f, args=args)
    with around.during():
        report = so.root_scalar(quiet(f, args), (), method, **_plain_options(options))

    def value(x: Any) -> Any:
        found = resolve(f)(x, *args)
        return found[0] if isinstance(found, tuple) else found

    with around.aside():
        report.root = solved(around.anew(value), report.root, where="scipy.optimize.root_scalar")
    return report


DOORS[so.root_scalar] = by_name(so.root_scalar, _root_scalar)

# ------------------------------------------------------------------------------------ systems of equations


def _fsolve(func: Callable, x0: Any, args: Any = (), fprime: Any = None, **options: Any) -> Any:
    """``fsolve``."""
    if not OPEN:
        return so.fsolve(func, x0, args, fprime, **options)
    args = _as_tuple(args)
    start = plain(settled(x0))
    return _first(
        (func, fprime),
        lambda: so.fsolve(quiet(func, args), start, (), quiet(fprime, args), **plain(options)),
        lambda anew, x: solved(anew(_with(func, args)), x, where="scipy.optimize.fsolve", start=start),
        args,
    )


DOORS[so.fsolve] = by_name(so.fsolve, _fsolve)


def _root(
    fun: Callable, x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, **options: Any
) -> Any:
    """``root``: its result with a traced ``x``."""
    if not OPEN:
        return so.root(fun, x0, args, method, jac, **options)
    args = _as_tuple(args)
    around = Around(fun, jac, args=args)
    with around.during():
        report = so.root(
            quiet(fun, args),
            plain(settled(x0)),
            (),
            method,
            quiet(jac, args),
            **_plain_options(options),
        )
    # SciPy's other methods leave it unread
    paired = not callable(jac) and bool(jac) and method.lower() in ("hybr", "lm")

    def value(x: Any) -> Any:
        found = resolve(fun)(x, *args)
        return found[0] if paired else found

    with around.aside():
        report.x = solved(around.anew(value), report.x, where="scipy.optimize.root", start=plain(settled(x0)))
    return _guarded(report, report.x, ("fjac", "r", "qtf"))


DOORS[so.root] = by_name(so.root, _root)


def _guarded(report: Any, x: Any, names: tuple[str, ...]) -> Any:
    if type(x) in TRACED:
        for name in names:
            if name in report:
                report[name] = unknown(report[name], f"the solver's {name!r}")
    return report


def _fixed_point(func: Callable, x0: Any, args: Any = (), **options: Any) -> Any:
    """``fixed_point``: F(x) = f(x) − x."""
    if not OPEN:
        return so.fixed_point(func, x0, args, **options)
    args = tuple(args)
    new, start = resolve(func), plain(settled(x0))
    return _first(
        (func,),
        lambda: _bare_number(so.fixed_point(quiet(func, args), start, **plain(options))),
        lambda anew, x: solved(
            anew(lambda x: settled(new(x, *args)) - x), x, where="scipy.optimize.fixed_point", start=start
        ),
        args,
    )


def _bare_number(x: Any) -> Any:
    return x if np.ndim(x) else float(x)


DOORS[so.fixed_point] = by_name(so.fixed_point, _fixed_point)


def _nonlinear(function: Callable) -> None:
    """Solvers of large systems, which take no arguments for the equations."""

    @functools.wraps(function)
    def call(F: Callable, xin: Any, *given: Any, **options: Any) -> Any:
        if not OPEN:
            return function(F, xin, *given, **options)
        name, start = f"scipy.optimize.{function.__name__}", plain(settled(xin))
        return _first(
            (F,),
            lambda: function(quiet(F), start, *plain(given), **_plain_options(options)),
            lambda anew, x: solved(anew(resolve(F)), x, where=name, start=start),
        )

    DOORS[function] = call


for _function in (
    so.broyden1,
    so.broyden2,
    so.anderson,
    so.newton_krylov,
    so.diagbroyden,
    so.excitingmixing,
    so.linearmixing,
):
    _nonlinear(_function)


def _difference_quotients(xk: Any, f: Callable, epsilon: Any = 2.0**-26, *args: Any) -> Any:
    """``approx_fprime``: (f(x + ε e_k) − f(x)) / ε, for a number or an array f(x)."""
    value = so.approx_fprime(plain(settled(xk)), quiet(f), epsilon, *plain(list(args)))
    x, new = resolve(np.atleast_1d)(settled(xk)), resolve(f)
    here = settled(new(x, *args))
    steps = np.broadcast_to(plain(settled(epsilon)), np.shape(plain(x)))
    columns = [
        (settled(new(x + np.where(np.arange(len(steps)) == k, step, 0.0), *args)) - here) / step
        for k, step in enumerate(steps)
    ]
    return with_value(np.reshape(resolve(np.stack)(columns, axis=-1), np.shape(value)), value)


DOORS[so.approx_fprime] = _difference_quotients


refuses(
    so.linprog, so.milp, so.direct, so.quadratic_assignment, so.check_grad,
    why="its solution jumps or is not known by equations; use minimize, least_squares or root, or stop_gradient(x)",
)  # fmt: skip

from workbench.rules import scipy_minima  # noqa: E402, F401  the rest
