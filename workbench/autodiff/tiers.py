"""Between the two tiers: which of them takes a call, and what the native one needs around it.

The operators ask here first. Where the native tier does not take a call, or leaves it in the middle, the trace tier
runs the program from its beginning: native programs have no side effects, so nothing has happened yet.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import is_writeable, overlaps
from workbench.autodiff.given import checked_cotangent, zero
from workbench.autodiff.location import place
from workbench.autodiff.met import CACHES
from workbench.autodiff.references import Parts
from workbench.autodiff.registry import OWN
from workbench.autodiff.scalars import COMPLEX, TRACED
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.tape import OPEN


@dataclass(frozen=True)
class Choice:
    """Which tier takes a call.

    Attributes:
        tier: "machine code", "generated Python" or "trace".
        reason: why it is the trace: what is not taken; empty otherwise.
        file: where that stands, with ``line``, and ``caret``, the line's text with a mark under the place.
    """

    tier: str
    reason: str = ""
    file: str = ""
    line: int = 0
    caret: str = ""


def tier_of(f: Callable, *args: Any) -> Choice:
    """Which tier takes the derivative of ``f`` at ``args``, and where the native tier stops if it does not."""
    from workbench.autodiff.native import Refusal

    found = plan_or_refusal(f, args)
    if isinstance(found, Refusal):
        return Choice("trace", found.reason, found.file, found.line, found.caret)
    return Choice("machine code" if found.state == "compiled" else "generated Python")


def derivative_source(f: Callable, *args: Any) -> str:
    """The generated derivative of ``f`` for arguments like these, as Python text.

    The text holds the program as the native tier reads it, its forward half, which keeps on a tape what is needed
    later, and its backward half. Values have the program's names, ``x_bar`` is the cotangent of ``x``, and comments
    name the program's lines.

    Args:
        f: a function that the native tier takes.
        args: arguments to show it for; their kinds matter, their numbers do not.
    Raises:
        NotDifferentiableError: the native tier does not take the function; says why and where.
    """
    from workbench.autodiff.native import Refusal, plan
    from workbench.errors import NotDifferentiableError

    found = plan(f, args)
    if isinstance(found, Refusal):
        raise NotDifferentiableError(
            f"there is no generated derivative of {getattr(f, '__name__', f)!s}",
            found=found.reason,
            where=f"{place(found.file, found.line)}\n{found.caret}" if found.line else None,
            fix="its derivative is traced; see workbench.explain for what ran",
        )
    return found.source()


def plan_or_refusal(f: Any, args: tuple, *, inside: bool = False) -> Any:
    """The plan that takes a call, or the refusal; a kind of call refused several times is not looked at again."""
    from workbench.autodiff.native import Refusal
    from workbench.autodiff.native.compile import mode

    key = kind_of_call(f, args, inside)
    times, refusal = _refusals.get(key, (0, None))
    if times >= ENOUGH:
        return refusal
    found = _looked_up(f, args, inside)
    if isinstance(found, Refusal) and mode() == "auto":
        if key not in _refusals or refusal is not None:
            if len(_refusals) > MOST_REFUSALS:
                _refusals.clear()
            _refusals[key] = (times + 1, found)
    elif key not in _refusals or refusal is not None:
        _refusals[key] = (0, None)  # it has been taken: calls of this kind are looked at each time
    return found


ENOUGH, MOST_REFUSALS = 3, 10_000
# kind of call -> how often it was refused, and why; None for why once it was taken
_refusals: dict[Any, tuple[int, Any]] = {}
CACHES.append(_refusals)


def given_up(kind: Any) -> bool:
    """Whether calls of this kind (see ``kind_of_call``) were refused so often that they are not looked at any more."""
    return _refusals.get(kind, (0, None))[0] >= ENOUGH


def kind_of_call(f: Any, args: tuple, inside: bool) -> Any:
    """What calls have in common that are probably refused for the same reason: code and types of arguments."""
    if type(f) is MethodType:
        f, args = f.__func__, (f.__self__, *args)
    from workbench.autodiff.native.compile import mode

    if type(f) is functools.partial:
        whole = (*f.args, *args, *f.keywords.values())
        return tuple(f.keywords), len(f.args), len(args), kind_of_call(f.func, whole, inside)
    what = (f.__code__, f.__code__.co_filename) if type(f) is FunctionType else type(f)
    kinds = [(np.ndarray, a.shape) if type(a) is np.ndarray else type(a) for a in args]
    return what, inside, mode(), len(OWN), *kinds


def _looked_up(f: Any, args: tuple, inside: bool) -> Any:
    from workbench.autodiff.native import Plan, Refusal, chosen, holds_other_numbers

    bound = (*f.args, *f.keywords.values()) if type(f) is functools.partial else ()
    for leaf in leaves((bound, args)):
        if isinstance(leaf, np.generic):
            return Refusal("an argument holds numbers of NumPy's, which compute otherwise than Python's")
        if isinstance(leaf, np.ndarray) and overlaps(leaf):
            return Refusal("several elements of an array are one number")
    for argument in (*bound, *args):
        if holds_other_numbers(argument):
            return Refusal(
                "an argument holds numbers that generated code does not know, and it may return them"
            )
        if isinstance(argument, tuple | dict) or hasattr(type(argument), "__dataclass_fields__"):
            if _refers_to_itself(argument):
                return Refusal("something in an argument refers to a part of it")
            if _shares_memory(argument):
                return Refusal("arrays in one argument share memory")
    made = chosen(f, args, inside=inside)
    locked = any(isinstance(leaf, np.ndarray) and not is_writeable(leaf) for leaf in leaves(args))
    if locked and isinstance(made, Plan) and made.writes:
        return Refusal("it writes into arrays, and one of them cannot be written into")
    if bound and isinstance(made, Plan) and made.writes:
        return Refusal("it writes into arrays, and some may be given by name or by a partial")
    return made


def _own(f: Callable) -> Callable:
    """A program with arrays of its own where it is a partial: the caller may change those that are bound into it."""
    if type(f) is not functools.partial:
        return f
    return functools.partial(f.func, *map_leaves(copied, f.args), **map_leaves(copied, f.keywords))


def _refers_to_itself(argument: Any) -> bool:
    parts = Parts()
    map_leaves(parts.leaf, argument, other=parts.other, copied=parts.copied)
    return bool(parts.others) and parts.left_behind(leaves) is not None


def _shares_memory(argument: Any) -> bool:
    arrays = [leaf for leaf in leaves(argument) if isinstance(leaf, np.ndarray)]
    return any(np.may_share_memory(a, b) for k, a in enumerate(arrays) for b in arrays[:k])


def forward_sweep(made: Any, args: tuple) -> tuple[Any, Callable] | None:
    """Value and pullback by generated code, None where it stopped."""
    from workbench.autodiff.native import LEAVES

    try:
        return made.sweep(args)
    except LEAVES:
        made.stopped()
        return None


def _taken(f: Callable, args: tuple, given: tuple) -> Any:
    """The plan of a call outside of any derivative, with what it reads as it is now; None where it is not taken."""
    from workbench.autodiff.native import Refusal

    made = plan_or_refusal(f, args)
    if isinstance(made, Refusal):
        return None
    arrays = [leaf for leaf in leaves(given) if isinstance(leaf, np.ndarray)] if made.writes else []
    if any(np.may_share_memory(a, b) for a in arrays for b in made.outside_data()):
        return None  # it may write into an argument that it also reads as an array from outside
    return made.frozen()


def native_pullback(
    f: Callable, args: tuple, wrt: tuple[int, ...], traced: Callable, *, given: tuple
) -> tuple[Any, Callable] | None:
    """Value and pullback of a call that the native tier takes, else None.

    Args:
        f: the program.
        args: its arguments.
        wrt: positions to differentiate by.
        given: the arguments as the caller has them: some in ``args`` may be copies.
        traced: the trace tier's ``pullback``, for a pull that generated code cannot do: one that stops, or that
            gives NaN, which may come from a branch that was not taken.
    """
    if OPEN or not wrt:
        return None
    f = _own(f)
    made = _taken(f, args, given)
    if made is None:
        return None
    kept = map_leaves(copied, args) if made.has_arrays or made.has_dicts else args
    found = forward_sweep(made, args)
    if found is None:
        return None
    value, pull = found
    safe = SafePull(f, kept, pull, functools.partial(traced_instead, made, traced))

    def back(y_bar: Any = None) -> tuple[Any, ...]:
        parts = safe(checked_cotangent(value, y_bar))
        return tuple(parts[k] for k in wrt)

    return value, back


class SafePull:
    """The pullback of generated code. Where it stops, or gives NaN, the trace tier is asked: a NaN may come from a
    branch that was not taken, and a trace sends no cotangent there."""

    def __init__(self, f: Callable, args: tuple, pull: Callable, traced: Callable) -> None:
        self.f, self.args, self.pull, self.traced = f, args, pull, traced
        self.instead: Callable | None = None

    def __call__(self, bars: Any) -> tuple[Any, ...]:
        if OPEN and any(type(leaf) in TRACED for leaf in leaves(bars)):
            return self.again()(bars)  # a derivative of this pullback is being taken
        if self.instead is None:
            parts = _tried(self.pull, bars)
            if parts is not None:
                return parts
            self.instead = self.again()
        return self.instead(bars)

    def again(self) -> Callable:
        """The pullback by the trace tier."""
        value, back = self.traced(self.f, *self.args)
        return lambda bars: back(_fitted(bars, value))


def _fitted(bars: Any, value: Any) -> Any:
    """Cotangents of what generated code has returned, for what a trace returns: that may be a whole number here or
    there, which generated code makes a float where another path gives one."""
    if len(leaves(bars)) == len(leaves(value)):
        return bars
    varies: list[bool] = []
    map_leaves(lambda _: varies.append(True), value, other=lambda _: varies.append(False))
    on = iter(varies)
    fitted = map_leaves(lambda bar: bar if next(on) else None, bars, other=lambda _: next(on) and None)
    return () if fitted is None else fitted  # nothing varies


def native_value(f: Callable, args: tuple) -> tuple[Any, int] | None:
    """The value of a call by generated code, and how many numbers its pullback keeps; None where it is not taken.

    What writes into its arguments is not taken, since generated code writes into copies.
    """
    from workbench.autodiff.native import Refusal

    made = plan_or_refusal(f, args)
    found = None if isinstance(made, Refusal) or made.writes else forward_sweep(made, args)
    return None if found is None else (found[0], found[1].kept)


def native_pushforward(
    f: Callable, args: tuple, traced: Callable, *, given: tuple
) -> tuple[Any, Callable] | None:
    """Value and pushforward of a call that the native tier takes, else None; see ``native_pullback``."""
    from workbench.autodiff.native import LEAVES

    if OPEN:
        return None
    f = _own(f)
    made = _taken(f, args, given)
    if made is None:
        return None
    kept = map_leaves(copied, args) if made.has_arrays or made.has_dicts else args
    try:
        value, _ = made.push(args, map_leaves(zero, args, other=lambda _: None))
    except LEAVES:
        made.stopped()
        return None
    instead: list[Callable] = []

    def push(*x_dots: Any) -> Any:
        if not instead and not (OPEN and any(type(leaf) in TRACED for leaf in leaves(x_dots))):
            found = _tried(lambda dots: (made.push(kept, dots)[1],), x_dots)
            if found is not None:
                return found[0]
        if not instead:
            instead.append(traced_instead(made, traced, f, *kept)[1])
        return instead[0](*x_dots)

    return value, push


def native_curvature(f: Callable, args: tuple, k: int) -> Callable | None:
    """``direction ↦ H direction``, H the second derivatives by argument ``k``, by generated code; None where it is not
    taken. The map gives None where generated code stops or gives NaN: the trace tier has to take all of it.
    """
    from workbench.autodiff.native import LEAVES, RefusedError

    by = leaves(args[k])
    if OPEN or not by or any(isinstance(leaf, COMPLEX) for leaf in by):
        return None
    made = _taken(_own(f), args, args)
    if made is None or made.result_shape != "float":
        return None
    shapes = [np.shape(leaf) for leaf in by]

    def product(direction: Any) -> Any:
        parts = leaves(direction)
        if [np.shape(leaf) for leaf in parts] != shapes or any(type(leaf) in TRACED for leaf in parts):
            return None
        tangents = [None] * len(args)
        tangents[k] = direction
        try:
            found = made.hessian_vector_product(args, tuple(tangents))[k]
        except (*LEAVES, RefusedError):
            return None
        return None if _has_nan(found) else found

    return product


def traced_instead(made: Any, traced: Callable, f: Callable, *args: Any) -> tuple[Any, Callable]:
    """What the trace tier makes of a call that the plan ``made`` took earlier."""
    from workbench.errors import NotDifferentiableError

    if not made.unchanged():
        raise NotDifferentiableError(
            f"the derivative of {getattr(f, '__name__', f)!s} has to run it once more, and cannot",
            found="an array that it reads from outside has been changed since it ran",
            fix="ask for the derivative before the array is changed, or hand the array over as an argument",
        )
    return traced(f, *args)


def _tried(derivative: Callable, given: Any) -> tuple | None:
    """What generated code gives; None where it stops or gives NaN."""
    from workbench.autodiff.native import LEAVES

    try:
        found = derivative(given)
    except LEAVES:
        return None
    return None if _has_nan(found) else found


def copied(leaf: Any) -> Any:
    """A leaf of an argument in memory of its own."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _has_nan(found: Any) -> bool:
    return any(
        bool(np.isnan(leaf).any()) if isinstance(leaf, np.ndarray) else leaf != leaf for leaf in leaves(found)
    )
