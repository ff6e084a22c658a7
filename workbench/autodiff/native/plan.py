"""One entry per function and kind of arguments: ``plan`` finds or makes it, or says why there is none."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any, NoReturn

from workbench.autodiff.native.compile import Compiled
from workbench.autodiff.native.fence import Refusal, RefusedError, refuse
from workbench.autodiff.native.generate import Generated, generate
from workbench.autodiff.native.lower import Program
from workbench.autodiff.native.runtime import Stop, TapeFull
from workbench.autodiff.native.structures import (
    Bound,
    Static,
    is_atom,
    leaf_types,
    leaves,
    object_of,
    shape_of,
    thing_of,
)

Back = Callable[[Any], tuple[Any, ...]]


STOPS = (Stop, ArithmeticError, ValueError, IndexError, RecursionError)


class DeclinedError(Exception):
    """This call left what the native tier can do; the trace tier takes it. Nothing has been changed."""


class Plan:
    """The derivative of one function for one kind of arguments.

    ``state`` is "python", "compiling" or "compiled".
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function = function
        self.program = Program()
        target, things = _target(function, args)
        names = _parameters(target, things)
        defaults = frozenset(list(names)[len(things) :])
        self.program.watch(target, "__defaults__", target.__defaults__)
        self.program.watch(target, "__kwdefaults__", target.__kwdefaults__)
        entry = self.program.specialise(target, names, defaults)
        self.arg_shapes = [shape_of(thing) for thing in things]
        self.result_shape = entry.result
        types_ = [type_ for shape in self.arg_shapes for type_ in leaf_types(shape)]
        self.active = tuple(type_ == "float" for type_ in types_)
        self.generated: Generated = generate(self.program, entry, self.active)
        made = self.generated
        self.compiled = Compiled(made, (made.forward, made.backward))
        self.batches = Compiled(made, (made.batch,))
        self.pushes = Compiled(made, (made.pushforward,))
        self.offset = len(things) - len(args)

    @property
    def state(self) -> str:
        """Which code runs at present."""
        return self.compiled.state

    def source(self) -> str:
        """The generated derivative, as Python text."""
        return self.generated.text

    def fits(self) -> bool:
        """Whether everything outside that the program was read with is still the same."""
        return all(_current(home, name) is value for home, name, value in self.program.guards.values())

    def numbers(self, args: tuple[Any, ...]) -> list[Any]:
        """The numbers in the arguments, in order."""
        return [leaf for thing in _target(self.function, args)[1] for leaf in leaves(thing)]

    def pullback(self, args: tuple[Any, ...]) -> tuple[Any, Back]:
        """The value, and the map from a cotangent of the result to the cotangents of the arguments.

        Raises:
            DeclinedError: the program would leave what machine numbers can do; nothing has been changed.
            Exception: whatever the program itself raises.
        """
        numbers = self.numbers(args)
        try:
            results, tape, pos = self.compiled.forward(numbers)
        except STOPS as error:
            self.explain(args, error)
        value = object_of(self.result_shape, iter(results))

        def back(value_bar: Any) -> tuple[Any, ...]:
            bars = [
                float(bar)
                for bar, on in zip(
                    cotangent_leaves(self.result_shape, value_bar), self.generated.out_mask, strict=True
                )
                if on
            ]
            parts = iter(self.compiled.backward(bars, tape, pos))
            full = iter([next(parts) if on else 0.0 for on in self.active])
            found = tuple(object_of(shape, full) for shape in self.arg_shapes)
            return found[self.offset :]

        return value, back

    def pushforward(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        """The value, and the tangent of the value for tangents of the arguments; see ``pullback`` for errors."""
        numbers = self.numbers(args)
        dots = [
            float(dot)
            for shape, tangent in zip(self.arg_shapes[self.offset :], tangents, strict=True)
            for dot, type_ in zip(cotangent_leaves(shape, tangent), leaf_types(shape), strict=True)
            if type_ == "float"
        ]
        dots = [0.0] * (sum(self.active) - len(dots)) + dots
        try:
            results = self.pushes.call(self.generated.pushforward, [*numbers, *dots])
        except STOPS as error:
            self.explain(args, error)
        n = len(self.generated.out_mask)
        parts = iter(results[n:])
        full = iter([next(parts) if on else 0.0 for on in self.generated.out_mask])
        return object_of(self.result_shape, iter(results[:n])), object_of(self.result_shape, full)

    def explain(self, args: tuple[Any, ...], error: BaseException) -> NoReturn:
        """After a stop: the program's own error, or the word that the trace tier has to take this call."""
        self.function(*args)
        raise DeclinedError(f"{self.function} left what machine numbers can do") from error


def cotangent_leaves(shape: Any, bar: Any) -> list[Any]:
    """The numbers of a cotangent given in the structure of the value; None and missing parts are zeros."""
    if isinstance(shape, str):
        return [0.0 if bar is None else bar]
    if shape[0] == "tuple":
        items = [None] * (len(shape) - 2) if bar is None else bar
        return [
            leaf
            for inner, item in zip(shape[2:], items, strict=True)
            for leaf in cotangent_leaves(inner, item)
        ]
    if shape[0] == "record":
        found = []
        for name, inner in shape[2:]:
            item = None if bar is None else bar.get(name) if isinstance(bar, dict) else getattr(bar, name)
            found += cotangent_leaves(inner, item)
        return found
    return []


def _current(home: Any, name: str) -> Any:
    if isinstance(home, dict):
        return home.get(name)
    if isinstance(home, types.CellType):
        return home.cell_contents
    return getattr(home, name, None)


def _target(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[types.FunctionType, list[Any]]:
    thing = thing_of(function)
    things = [thing_of(arg) for arg in args]
    while isinstance(thing, Bound):
        things = [*thing.args, *things]
        thing = thing.function
    if not isinstance(thing, Static) or not isinstance(thing.value, types.FunctionType):
        raise refuse(f"{function!r} is not a function with source")
    return thing.value, things


def _parameters(target: types.FunctionType, things: list[Any]) -> dict[str, Any]:
    code = target.__code__
    if code.co_flags & 0x0C:
        raise refuse("* or ** in the function's parameters")
    names = code.co_varnames[: code.co_argcount]
    defaults = target.__defaults__ or ()
    found = dict(zip(names, things, strict=False))
    for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        found.setdefault(name, thing_of(default))
    for name in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        found[name] = thing_of((target.__kwdefaults__ or {}).get(name))
    if len(things) > len(names) or len(found) != len(names) + code.co_kwonlyargcount:
        raise refuse(f"{target.__qualname__} does not take {len(things)} arguments")
    if not any(type_ == "float" for thing in things for type_ in leaf_types(shape_of(thing))):
        raise refuse("no argument is, or holds, a float")
    return found


_plans: dict[Any, Plan | Refusal] = {}
_lock = threading.RLock()


def plan(function: Callable[..., Any], args: tuple[Any, ...]) -> Plan | Refusal:
    """The plan for calling ``function`` with arguments like ``args``, or why there is none."""
    try:
        target, things = _target(function, args)
    except RefusedError as error:
        return error.refusal
    key = (target.__code__, getattr(function, "__self__", None) is None, tuple(map(shape_of, things)))
    with _lock:
        found = _plans.get(key)
        if found is None or (isinstance(found, Plan) and not found.fits()):
            try:
                found = Plan(function, args)
            except RefusedError as error:
                found = error.refusal
            _plans[key] = found
    return found


__all__ = ["DeclinedError", "Plan", "Refusal", "Stop", "TapeFull", "is_atom", "plan"]
