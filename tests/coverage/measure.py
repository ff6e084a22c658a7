"""What becomes of one function in a differentiated program, found out by running it."""

from __future__ import annotations

import contextlib
import inspect
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.autodiff import pullback, pushforward
from workbench.autodiff.structure import leaves, map_leaves
from workbench.checks import central_difference
from workbench.errors import DifferentiationError

SUPPORTED, CONSTANT, REFUSED, WRONG, UNTRIED = "supported", "constant", "refused", "WRONG", "not tried"


@dataclass(frozen=True)
class Found:
    """How a function fared, and why, where it is not simply supported."""

    status: str
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """A program that calls the function, and what it is called with. Floats and arrays of floats are varied."""

    program: Callable
    args: tuple

    def __call__(self) -> Any:
        return self.program(*map_leaves(_copied, self.args))


def call(function: Callable, *args: Any, **options: Any) -> Case:
    """The case of a plain call."""

    def program(*given: Any) -> Any:
        return function(*given, **options)

    return Case(program, args)


def measure(case: Case) -> Found:
    """Run a case forward, backward and by central differences, and compare."""
    with quiet():
        try:
            value = leaves(case())
        except Exception as error:
            return Found(UNTRIED, f"{type(error).__name__}: {error}")
        if not all(np.all(np.isfinite(v)) for v in value):
            return Found(UNTRIED, "the case's value is not finite")
        return _compared(case, value)


def _compared(case: Case, value: list[Any]) -> Found:
    directions = [_signs(x) for x in leaves(case.args)]
    try:
        steps = (2e-4, 2e-5)
        coarse, expected = (
            central_difference(case.program, map_leaves(_copied, case.args), directions, step)
            for step in steps
        )
    except Exception as error:
        return Found(UNTRIED, f"{type(error).__name__}: {error}")
    shapes = [[np.shape(x) for x in part] for part in (coarse, expected, value)]
    if shapes[0] != shapes[2] or shapes[1] != shapes[2]:
        return Found(UNTRIED, "the case's shape varies")
    smooth = all(np.allclose(a, b, 1e-3, 1e-4) for a, b in zip(coarse, expected, strict=True))
    varies = any(np.any(np.abs(e) > 1e-6) for e in expected)
    try:
        traced, back = pullback(case.program, *case.args)
        if not value:
            return Found(CONSTANT)
        bars = [_signs(v) for v in value]
        pulled = leaves(back(_like(traced, bars)))
        pushed = leaves(pushforward(case.program, *case.args)[1](*_like(case.args, directions)))
    except DifferentiationError as error:
        return Found(REFUSED if varies else CONSTANT, error.what)
    except Exception as error:
        return Found(WRONG, f"{type(error).__name__}: {error}")
    if not smooth:
        return Found(UNTRIED, "the case is not smooth")
    if not all(np.allclose(a, b, 1e-9, 1e-12) for a, b in zip(leaves(traced), value, strict=True)):
        return Found(WRONG, "another value")
    if [np.shape(p) for p in pulled] != [np.shape(d) for d in directions]:
        return Found(WRONG, f"cotangents of the shapes {[np.shape(p) for p in pulled]}")
    there, back_again = _inner(bars, expected), _inner(pulled, directions)
    scale = max(1.0, abs(there))
    if not all(np.allclose(p, e, 2e-4, 2e-5) for p, e in zip(pushed, expected, strict=True)):
        return Found(WRONG, f"forward {pushed!r:.50}, difference {expected!r:.50}")
    if abs(there - back_again) > 2e-4 * scale:
        return Found(WRONG, f"backward {back_again}, difference {there}")
    return Found(SUPPORTED if varies else CONSTANT)


def _signs(x: Any) -> Any:
    """A direction in which nothing cancels: 1.0, -0.7, 1.3 …, and as much in the imaginary parts."""
    pattern = np.resize([1.0, -0.7, 1.3, 0.4, -1.1], np.shape(x))
    if np.iscomplexobj(x):
        pattern = pattern * (1 - 0.6j)
    return pattern if np.ndim(x) else pattern.item()


def _like(structure: Any, entries: list[Any]) -> Any:
    rest = iter(entries)
    return map_leaves(lambda _: next(rest), structure)


def _inner(bars: list[Any], directions: list[Any]) -> float:
    return float(
        sum(np.sum(np.real(np.conj(b) * np.asarray(d))) for b, d in zip(bars, directions, strict=True))
    )


def _copied(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What functions print and warn of does not matter here."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def settle(cases: Iterable[Case] | dict[str, Case]) -> Found:
    """The best of what the cases give, unless one of them is wrong; of methods by name, what they have in common."""
    if isinstance(cases, dict):
        return _of_methods({name: measure(case) for name, case in cases.items()})
    order = (WRONG, SUPPORTED, REFUSED, CONSTANT, UNTRIED)
    return min(map(measure, cases), key=lambda found: order.index(found.status))


def _of_methods(found: dict[str, Found]) -> Found:
    statuses = {one.status for one in found.values()}
    if len(statuses) == 1:
        return Found(statuses.pop(), next(iter(found.values())).reason)
    rest = {name: one for name, one in found.items() if one.status != SUPPORTED}
    if any(one.status in (WRONG, UNTRIED) for one in rest.values()) or SUPPORTED not in statuses:
        return Found(WRONG, "; ".join(f"{name}: {one.status} {one.reason}" for name, one in rest.items()))
    told = "; ".join(f"`{name}` {one.status}" for name, one in rest.items())
    return Found(SUPPORTED, told)


def public(module: Any) -> dict[str, Any]:
    """The functions, and other things to be called, that a module names as its own."""
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    things = {name: getattr(module, name) for name in sorted(set(names)) if hasattr(module, name)}
    left_out = (np.generic, np.dtype, BaseException)
    return {
        name: thing
        for name, thing in things.items()
        if callable(thing)
        and not name.startswith("_")
        and not inspect.ismodule(thing)
        and not (isinstance(thing, type) and issubclass(thing, left_out))
    }
