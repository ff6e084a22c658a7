"""Applications of rules on a tape: results, operands, and the pullback between their cotangents."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from workbench.autodiff.arrays import (
    TracedArray,
    activate,
    can_vary,
    complex_number,
    current,
    is_writeable,
    memory_of,
    owner_of,
)
from workbench.autodiff.cotangents import accumulate, take_bar
from workbench.autodiff.location import user_line
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat, lost, recorded, strip
from workbench.autodiff.tape import OPEN, Entry, Tape
from workbench.errors import LostGradientError


class Operation(Entry):
    """One application of a rule: results, operands and the pullback between their cotangents."""

    __slots__ = ("operands", "pullback", "results", "several")
    is_write = False

    def __init__(self, operands: list[Any], results: list[Any], pullback: Any, several: bool) -> None:
        self.operands, self.results, self.pullback, self.several = operands, results, pullback, several

    def back(self) -> None:
        bars = [take_bar(r) if type(r) in TRACED else None for r in self.results]
        if not self.several:
            if bars[0] is None:
                return
            cotangents = self.pullback(bars[0])
        elif all(bar is None for bar in bars):
            return
        else:
            bars = [
                np.zeros_like(r.array)
                if bar is None and type(r) is TracedArray
                else 0.0
                if bar is None
                else bar
                for bar, r in zip(bars, self.results, strict=True)
            ]
            cotangents = self.pullback(tuple(bars))
        # a pullback may have filled an array of its own with values that an outer derivative traces
        if OPEN.stack:
            cotangents = [current(c) for c in cotangents]
        given = [id(c) for c in cotangents]
        for operand, cotangent in zip(self.operands, cotangents, strict=True):
            if cotangent is not None:
                own = cotangent is not bars[0] and given.count(id(cotangent)) == 1
                accumulate(operand, cotangent, fresh=own)


def record(tape: Tape, operands: list[Any], outputs: Any, pullback: Any) -> Any:
    """Put one application of a rule on the tape and return its results, traced.

    Args:
        operands: the traced operands, all of ``tape``.
        outputs: the value, or a tuple of values, as the primitive returned them.
        pullback: from the cotangent of the value (a tuple of them for a tuple) to one cotangent per operand.
    """
    several = isinstance(outputs, tuple)
    operation = Operation(operands, [], pullback, several)
    tape.append(operation)
    results = [as_result(tape, output) for output in (outputs if several else (outputs,))]
    operation.results = results
    if not several:
        return results[0]
    remake = getattr(type(outputs), "_make", type(outputs))
    return remake(results)


def as_result(tape: Tape, output: Any) -> Any:
    """A fresh output of an operation, traced by ``tape`` if it can vary at all."""
    kind = type(output)
    if kind is not TracedArray and kind is not np.ndarray:
        if kind is TracedFloat or isinstance(output, float | np.floating):
            return recorded(output, tape)
        if isinstance(output, COMPLEX):
            output, kind = complex_number(output), np.ndarray
    if kind is TracedArray or kind is np.ndarray:
        array = output.array if kind is TracedArray else output
        if not can_vary(array):
            if array.dtype.names is not None:
                raise lost("a structured array was about to be computed from traced values")
            if array.dtype.hasobject:
                raise lost("an array of objects was about to be computed from traced values")
            return output
        memory = memory_of(tape, array)
        if memory.active:
            raise lost("a result was about to be recorded that lies in the memory of a traced array")
        activate(memory)
        return TracedArray(array, memory)
    if isinstance(output, np.ndarray):
        raise LostGradientError(
            f"a result of the array subclass {kind.__name__} cannot be traced",
            found=f"got {kind.__name__}, expected numpy.ndarray",
            where=user_line(),
            fix="convert it with numpy.asarray before the differentiated part",
        )
    return output


def know_constant(tape: Tape, value: Any) -> None:
    """A plain array was used by an operation: later writes into it must be undone on the way back."""
    if type(value) is np.ndarray and (is_writeable(value) or is_writeable(owner_of(value))):
        memory_of(tape, value)


def number_attribute(number: TracedFloat, name: str) -> Any:
    """An attribute of a traced NumPy number, which behaves like an array with no axes."""
    from workbench.autodiff.methods import METHODS

    if name == "T":
        return number
    if name == "copy":
        return lambda *order: number
    plain = strip(number)
    found = getattr(plain, name)
    if name == "view":
        return functools.partial(_seen_as, number)
    if name in METHODS and name not in _OF_ARRAYS_ONLY:
        return METHODS[name].__get__(number)
    if name in ("item", "tolist"):
        from workbench.autodiff.registry import DOORS

        return lambda: DOORS[float](number)
    if callable(found) or name in _OF_ARRAYS_ONLY:
        raise lost(f"{name!r} of a number has no rule")
    return found


def array_attribute(array: TracedArray, name: str) -> Any:
    """An attribute that NumPy's arrays have and traced ones have not."""
    found = getattr(array.array, name)
    if name == "__array_priority__":
        return found
    raise lost(f"the bytes of a traced array were about to be read, by {name!r}")


def _seen_as(number: TracedFloat, *kinds: Any, **named: Any) -> TracedFloat:
    """``number.view(kind)``: a number stays a number, whatever class of arrays is asked for."""
    for kind in (*kinds, *named.values()):
        of_arrays = isinstance(kind, type) and issubclass(kind, np.ndarray)
        if not of_arrays and np.dtype(kind) != strip(number).dtype:
            raise lost(f"the bytes of a traced number were about to be read as {kind}")
    return number


# they give, or change, the memory of an array
_OF_ARRAYS_ONLY = frozenset({"data", "flat", "sort", "__array_interface__", "__array_struct__"})
