"""A plan: the derivative of one function for one kind of arguments, and how calls go through generated code."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from workbench.autodiff.met import as_written
from workbench.autodiff.native.called import (
    called_function,
    captured,
    function_behind,
    parameters_of,
    value_now,
)
from workbench.autodiff.native.compile import Compiled
from workbench.autodiff.native.fence import Refusal, RefusedError, refuse
from workbench.autodiff.native.functions import Stop
from workbench.autodiff.native.generate import Generated, Generator
from workbench.autodiff.native.program import Program
from workbench.autodiff.native.shapes import (
    assemble,
    cotangent_leaves,
    has_complex,
    has_dict,
    has_list,
    leaf_types,
    object_of,
    shape_of,
)
from workbench.autodiff.native.structures import Arr, Given, leaves, thing_of
from workbench.autodiff.native.work import Work

Back = Callable[[Any], tuple[Any, ...]]


class DeclinedError(Exception):
    """This call left what the native tier can do; the trace tier takes it. Nothing has been changed."""


DEEPEST = 90  # Python reads text of up to 100 levels; the code for many runs has some more
STOPS = (Stop, ArithmeticError, ValueError, IndexError, RecursionError)
LEAVES = (*STOPS, DeclinedError)


class Plan:
    """The derivative of one function for one kind of arguments.

    ``state`` is "python", "compiling" or "compiled".
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function = function
        self.program = Program()
        target, things, self.offset = called_function(function, args)
        for k, thing in enumerate(things):
            if isinstance(thing, Arr):
                thing.root = -k - 1  # arguments that overlap are declined where it matters
        names = parameters_of(target, things)
        defaults = frozenset(list(names)[len(things) :])
        names |= {f"outer.{name}": number for name, number in captured(target).items()}
        entry = self.program.specialise(target, names, defaults)
        if self.program.outside and self.program.writes_anywhere:
            raise refuse("it writes into an array that may be one from outside of the function")
        own = {id(cell) for cell in target.__closure__ or ()}
        if has_dict(entry.result, shared=True):
            raise refuse("its result holds a dict that it may have from elsewhere, or twice")
        if has_list(entry.result):
            raise refuse("it returns a list whose length is not constant")
        if self.program.widened_kinds and self.program.asked_kinds:
            raise refuse("it asks for the class of a number, which may be a whole number on one path only")
        if self.program.widened and has_complex(entry.result):
            raise refuse("its result is a complex number on one path, and may be a real one on another")
        # where the arrays from outside are; a home of None is the function's own closure
        self.places = [
            (None if id(home) in own else home, name, shape)
            for home, name, shape in map(self.program.outside.get, entry.outside)
        ]
        self.frozen_arrays: list[Any] | None = None
        self.arg_shapes = [shape_of(thing) for thing in things]
        self.result_shape = entry.result
        types_ = [type_ for shape in self.arg_shapes for type_ in leaf_types(shape)]
        self.has_arrays = any("[" in type_ for type_ in types_)
        self.numpy = self.program.numpy or self.has_arrays or bool(self.places)
        self.of_python = [self.program.is_of_python(atom) for atom in entry.block.yields]
        if self.program.counts_truths and self.numpy:
            raise refuse("it computes with truth values as if they were numbers, and NumPy's are none")
        self.active = tuple(type_ == "float" for type_ in types_)
        self.active += (False,) * (len(entry.params) - len(types_))
        self.generator = Generator(self.program, entry, self.active)
        self.generated: Generated = self.generator.halves()
        if any(line.startswith(" " * 4 * DEEPEST) for line in self.generated.text.splitlines()):
            raise refuse(f"its branches lie {DEEPEST} deep in each other")
        self.compiled = Compiled(self.generated, (self.generated.forward, self.generated.backward))
        self.program.let_go(target.__closure__ or ())
        self.n_args = len(args)
        plain = type(function) is types.FunctionType and not captured(target) and not self.places
        self.only_numbers = plain and all(isinstance(shape, str) for shape in self.arg_shapes)
        self.work = Work(entry.block, entry.params)
        self.has_dicts = any(map(has_dict, self.arg_shapes))
        # shared by the plans of functions with the same code:
        self.on_demand: dict[str, Compiled] = {}
        self.tally = {"stops": 0}

    def of(self, function: Callable[..., Any] | None) -> Plan:
        """This plan for a function with the same code and other captured values; None where none is held."""
        if self.function is function:
            return self
        made = copy.copy(self)
        made.function = function
        return made

    @property
    def given(self) -> slice:
        """Which of the arguments are those of the call; the others come from a method or a partial."""
        return slice(self.offset, self.offset + self.n_args)

    @property
    def batches(self) -> Compiled:
        """The code for many runs in one call."""
        if "batch" not in self.on_demand:
            made = self.generator.batch()
            self.on_demand["batch"] = Compiled(made, (made.batch,))
        return self.on_demand["batch"]

    @property
    def pushes(self) -> Compiled:
        """The code of the pushforward."""
        if "push" not in self.on_demand:
            made = self.generator.pushforward()
            self.on_demand["push"] = Compiled(made, (made.pushforward,))
        return self.on_demand["push"]

    @property
    def state(self) -> str:
        """Which code runs at present."""
        return self.compiled.state

    @property
    def writes(self) -> bool:
        """Whether the program writes into arrays it is given. The plan never does: it works on copies of them."""
        return self.program.writes_inputs

    @property
    def stops(self) -> int:
        """How many calls have left what machine numbers can do."""
        return self.tally["stops"]

    def stopped(self) -> None:
        """Note that a call was given up."""
        self.tally["stops"] += 1

    def source(self) -> str:
        """The generated derivative, as Python text."""
        return self.generated.text

    def fits(self) -> bool:
        """Whether everything outside that the program was read with is still the same, arrays in kind."""
        return all(
            as_written(value_now(home, name)) is value for home, name, value in self.program.guards.values()
        ) and self.fitting(self.outside())

    def outside(self) -> list[Any]:
        """What holds the arrays from outside, as it is now."""
        if not self.places:
            return []
        target, _, _ = function_behind(self.function)
        cells = dict(zip(target.__code__.co_freevars, target.__closure__ or (), strict=True))
        return [
            thing_of(value_now(cells[name] if home is None else home, name)) for home, name, _ in self.places
        ]

    def outside_data(self) -> list[np.ndarray]:
        """The arrays from outside."""
        return [leaf.array for leaf in _leaves(self.outside()) if isinstance(leaf, Given)]

    def fitting(self, things: list[Any]) -> bool:
        """Whether these have the kinds that the program was read with."""
        return all(shape_of(thing) == shape for thing, (_, _, shape) in zip(things, self.places, strict=True))

    def frozen(self) -> Plan:
        """This plan with what the arrays from outside hold now, for whatever is asked of it later."""
        if not self.places:
            return self
        made = copy.copy(self)
        made.frozen_arrays = [_copied(thing) for thing in self.outside()]
        return made

    def unchanged(self) -> bool:
        """Whether the arrays from outside still hold what they held when this plan was frozen."""
        if self.frozen_arrays is None:
            return True
        things = self.outside()
        return self.fitting(things) and all(
            np.array_equal(a.array, b.array, equal_nan=True) if isinstance(a, Given) else a == b
            for a, b in zip(_leaves(things), _leaves(self.frozen_arrays), strict=True)
        )

    def numbers(self, args: tuple[Any, ...]) -> tuple[list[Any], int]:
        """What the generated functions take for these arguments, and how many cotangents of elements they need."""
        if self.only_numbers and all(type(arg) in (float, int, bool) for arg in args):
            return list(args), 0
        numbers: list[Any] = []
        arrays: list[np.ndarray] = []
        size = 0
        target, things, _ = called_function(self.function, args)
        outside = self.outside() if self.frozen_arrays is None else self.frozen_arrays
        if not self.fitting(outside):
            raise DeclinedError("what the program reads from outside has become something else")
        for thing in [*things, *captured(target).values(), *outside]:
            for leaf in leaves(thing):
                if not isinstance(leaf, Given):
                    numbers.append(leaf)
                    continue
                array = leaf.array
                solid = array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
                arrays.append(array)
                numbers.append(array if solid and not self.program.writes_inputs else array.copy())
        for k, number in enumerate(numbers):
            if isinstance(number, np.ndarray) and number.dtype == np.float64:
                numbers[k + 1] = size
                size += number.size
        if self.program.writes_inputs and any(
            np.may_share_memory(a, b) for k, a in enumerate(arrays) for b in arrays[:k]
        ):
            raise DeclinedError("arrays that overlap are written into")
        return numbers, size

    def pullback(self, args: tuple[Any, ...]) -> tuple[Any, Back]:
        """The value, and the map from a cotangent of the result to the cotangents of the arguments.

        Raises:
            DeclinedError: the program would leave what machine numbers can do; nothing has been changed.
            Exception: whatever the program itself raises.
        """
        try:
            return self.sweep(args)
        except STOPS as error:
            self.explain(args, error)

    def sweep(self, args: tuple[Any, ...]) -> tuple[Any, Back]:
        """As ``pullback``, but whatever stops the sweep (one of ``LEAVES``) is raised as it is."""
        numbers, results, tape, pos = self.compiled.forward(lambda: self.numbers(args))
        value = object_of(
            self.result_shape, iter([self.shown(k, results, numbers) for k in range(len(results))])
        )

        def back(value_bar: Any) -> tuple[Any, ...]:
            seeds = cotangent_leaves(self.result_shape, value_bar)
            bars = [float(seed) for seed, on in zip(seeds, self.generated.out_mask, strict=True) if on]
            shadow = None
            if self.generated.memory:
                shadow = np.zeros(int(tape.numbers[0]))
                for k, seed in enumerate(seeds):
                    if isinstance(results[k], np.ndarray) and seed is not None:
                        _seed(shadow, seed, results, k)
            parts, shadow = self.compiled.backward(bars, shadow, tape, pos)
            return self.cotangents(numbers, iter(parts), shadow)

        back.kept = pos + int(tape.numbers[0]) if self.generated.memory else pos
        back.shares = _share_memory(results, numbers)
        return value, back

    def shown(self, k: int, results: list[Any], numbers: list[Any]) -> Any:
        """One of the results as the program returns it; an array that belongs to nobody else."""
        result = results[k]
        if isinstance(result, np.ndarray):
            own = result.base is None and not any(result is number for number in numbers)
            return result if own else result.copy()
        of_numpy = self.numpy and not self.of_python[k]
        return np.float64(result) if of_numpy and type(result) is float else result

    def cotangents(self, numbers: list[Any], parts: Any, shadow: Any) -> tuple[Any, ...]:
        """The arguments' cotangents, in their structure; None for what cannot vary."""
        full: list[Any] = []
        for k, (number, on) in enumerate(zip(numbers, self.active, strict=True)):
            if on:
                full.append(next(parts))
            elif isinstance(number, np.ndarray) and number.dtype == np.float64:
                at = numbers[k + 1]
                full.append(np.asarray(shadow[at : at + number.size]).reshape(number.shape))
            else:
                full.append(None)
        leaves_ = iter(full)
        return tuple(object_of(shape, leaves_, static=False) for shape in self.arg_shapes)[self.given]

    def pushforward(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        """The value, and the tangent of the value for tangents of the arguments; see ``pullback`` for errors."""
        try:
            return self.push(args, tangents)
        except STOPS as error:
            self.explain(args, error)

    def push(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        """As ``pushforward``, but whatever stops the sweep (one of ``LEAVES``) is raised as it is."""
        numbers: list[Any] = []

        def arguments() -> list[Any]:
            numbers[:] = self.numbers(args)[0]
            return [*numbers, *self.dots(numbers, args, tangents)]

        results = self.pushes.call(self.pushes.generated.pushforward, arguments)
        n = len(self.generated.out_mask)
        types_ = leaf_types(self.result_shape)
        parts = iter(results[n:])
        full = iter([next(parts) if t == "float" or t.startswith("float[") else None for t in types_])
        value = object_of(self.result_shape, iter([self.shown(k, results, numbers) for k in range(n)]))
        return value, object_of(self.result_shape, full, static=False)

    def dots(self, numbers: list[Any], args: tuple[Any, ...], tangents: tuple[Any, ...]) -> list[Any]:
        """The tangents that the generated functions take."""
        given = [
            leaf
            for s, t in zip(self.arg_shapes[self.given], tangents, strict=True)
            for leaf in cotangent_leaves(s, t)
        ]
        first = self.arg_shapes[: self.offset]
        given = [None] * sum(len(leaf_types(shape)) for shape in first) + given
        given += [None] * (len(numbers) - len(given))
        dots: list[Any] = []
        for number, dot, on in zip(numbers, given, self.active, strict=True):
            if on:
                dots.append(0.0 if dot is None else float(dot))
            elif isinstance(number, np.ndarray) and number.dtype == np.float64:
                dots.append(np.zeros_like(number) if dot is None else np.array(dot, dtype=float))
        return dots

    def hessian_vector_product(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, ...]:
        """The derivative of the gradient in one direction, for a program whose result is one float.

        H v, by the reverse sweep of the tangent sweep: the generated function goes through the same pipeline again.
        See ``pullback`` for errors.

        Raises:
            RefusedError: the result is not one float, or the tangent sweep is not taken.
        """
        from workbench.autodiff.native.plans import plan

        if self.result_shape != "float":
            raise refuse("it uses a Hessian of other than one float")
        numbers, _ = self.numbers(args)
        dots = self.dots(numbers, args, tangents)
        function = self.pushes.as_written[self.pushes.generated.pushforward]
        made = plan(function, (*numbers, *dots))
        if isinstance(made, Refusal):
            raise RefusedError(made)
        try:
            _, back = made.pullback((*numbers, *dots))
        except DeclinedError as error:
            self.explain(args, error)
        bars = back((0.0, 1.0))[: len(numbers)]
        leaves_ = iter(
            [
                bar if on or isinstance(bar, np.ndarray) else None
                for bar, on in zip(bars, self.active, strict=True)
            ]
        )
        return tuple(object_of(shape, leaves_, static=False) for shape in self.arg_shapes)[self.given]

    def explain(self, args: tuple[Any, ...], error: BaseException) -> NoReturn:
        """After a stop: the program's own error, or the word that the trace tier has to take this call."""
        self.function(*args)
        raise DeclinedError(f"{self.function} left what machine numbers can do") from error


def _share_memory(results: list[Any], numbers: list[Any]) -> bool:
    """Whether an array that a program returns lies in one of its arguments, or in another one that it returns."""
    arrays, given = ([x for x in xs if isinstance(x, np.ndarray)] for xs in (results, numbers))
    return any(np.may_share_memory(a, b) for k, a in enumerate(arrays) for b in (*given, *arrays[:k]))


def _seed(shadow: np.ndarray, bar: np.ndarray, results: list[Any], k: int) -> None:
    """Put the cotangent of a resulting array where the backward half looks for it."""
    data = results[k]
    at, strides = results[k + 1], [step // data.itemsize for step in data.strides]
    places = np.full(data.shape, at)
    for axis, stride in enumerate(strides):
        places += stride * np.arange(data.shape[axis]).reshape(
            [-1 if a == axis else 1 for a in range(data.ndim)]
        )
    np.add.at(shadow, places, np.broadcast_to(bar, data.shape))


def _leaves(things: list[Any]) -> list[Any]:
    return [leaf for thing in things for leaf in leaves(thing)]


def _copied(thing: Any) -> Any:
    """A thing with arrays of its own."""
    numbers = iter(leaves(thing))

    def copied(type_: str, name: str) -> Any:
        leaf = next(numbers)
        return Given(leaf.type, array=leaf.array.copy()) if isinstance(leaf, Given) else leaf

    return assemble(shape_of(thing), copied)
