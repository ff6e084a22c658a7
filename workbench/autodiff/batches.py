"""A function of single numbers, applied to many rows at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, finish
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.given import checked_program, described
from workbench.autodiff.location import name_of
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.telling import plain
from workbench.autodiff.tracing import traced_pullback
from workbench.errors import NotDifferentiableError


class Vectorized:
    """``f`` applied to each row of its arguments; see ``vectorize``."""

    def __init__(self, f: Callable) -> None:
        self.function = f
        functools.update_wrapper(self, f, updated=())
        self._compiled: set[Any] = set()

    def __call__(self, *args: Any) -> np.ndarray:
        found = self.native(args)
        if found is not None:
            return found[0]
        return np.array(_applied(self.function, args))

    def tier(self, *args: Any) -> str:
        """Which code runs rows like those of ``args``: "machine code", "generated Python", or "traced: …why"."""
        from workbench.autodiff import native

        made = self._plan(args)
        if isinstance(made, native.Refusal):
            return f"traced: {made}"
        return "machine code" if made.batches.state == "compiled" else "generated Python"

    def native(self, args: tuple) -> tuple[np.ndarray, Callable] | None:
        """Values and pullback of the rows by generated code, None where it does not take the function."""
        from workbench.autodiff import native

        made = self._plan(args)
        if isinstance(made, native.Refusal):
            return None
        if any(current(array) is not array for array in made.outside_data()):
            return None  # a traced value has been written into an array that it reads from outside
        try:
            found = native.batch(self.function, args)
        except native.DeclinedError:
            return None
        return None if isinstance(found, native.Refusal) else found

    def _plan(self, args: tuple) -> Any:
        """The plan for rows like these. Compiles before the first use, so that every run computes the same."""
        from workbench.autodiff import native
        from workbench.autodiff.native.compile import mode

        if mode() == "off":
            return native.Refusal("WORKBENCH_NATIVE is off")
        if any(np.ndim(a) > 1 for a in args):
            return native.Refusal("the rows of an argument are arrays")
        made = native.batch_plan(self.function, next(iter(_rows(args)), ()))
        if not isinstance(made, native.Refusal) and made.batches.state == "python" and mode() != "python":
            made.batches.load()
        return made


def _rows(args: tuple) -> Any:
    """The arguments of each row; plain numbers are the same in all."""
    shapes = [np.shape(plain(a)) for a in args]
    lengths = {shape[0] for shape in shapes if shape}
    if len(lengths) > 1:
        raise ValueError(f"the arguments of a vectorized function have different lengths: {sorted(lengths)}")
    count = lengths.pop() if lengths else 1
    for k in range(count):
        yield tuple(_plain_number(a[k]) if shape else a for a, shape in zip(args, shapes, strict=True))


def _plain_number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _door(vectorized: Vectorized) -> Callable:
    """A vectorized function inside a differentiated program."""

    def call(*args: Any) -> Any:
        args = tuple(current(a) for a in args)
        tape = innermost(*args)
        needs = [k for k, a in enumerate(args) if type(a) in TRACED and a.tape is tape]
        values = tuple(a.value if k in needs else a for k, a in enumerate(args))
        found = None if any(type(v) in TRACED for v in values) else vectorized.native(values)
        if found is None:  # traced row by row; the function may also hold traced values of its own
            return by_rows(*args)
        value, back = found
        if tape is None:
            return value

        def batch_pullback(bar: Any) -> list[Any]:
            again = type(current(bar)) in TRACED  # a derivative of this pullback is being taken
            cotangents = (traced_pullback(by_rows, *values)[1] if again else back)(bar)
            return [cotangents[k] for k in needs]

        return finish(tape, [args[k] for k in needs], values, value, batch_pullback)

    def by_rows(*args: Any) -> Any:
        return as_array(_applied(resolve(vectorized.function), args))

    return call


def _applied(function: Callable, args: tuple) -> list[Any]:
    """The results of all rows, each a number or a tuple of as many numbers as the first."""
    results: list[Any] = []
    for k, row in enumerate(_rows(args)):
        try:
            results.append(function(*row))
        except Exception as error:
            error.add_note(f"in row {k} of a vectorized function")
            raise
        if not _alike(results[-1], results[0]):
            raise NotDifferentiableError(
                f"a vectorized function returns a number, or a tuple of numbers; {name_of(function)} does not",
                found=f"row 0 gave {described(results[0])}"
                + (f", row {k} {described(results[k])}" if k else ""),
                where=f"row {k}",
                fix="return the same kind of numbers for each row",
            )
    return results


def _alike(result: Any, first: Any) -> bool:
    parts, firsts = (x if isinstance(x, tuple | list) else [x] for x in map(plain, (result, first)))
    numbers = all(
        isinstance(x, bool | int | float | complex | np.number | np.bool_ | np.ndarray) for x in parts
    )
    return (
        numbers and type(parts) is type(firsts) and list(map(np.shape, parts)) == list(map(np.shape, firsts))
    )


INSTANCE_DOORS[Vectorized] = _door


def vectorize(f: Callable) -> Vectorized:
    """``f``, a function of numbers, as a function of arrays whose first axis counts rows.

    Where the native tier takes ``f``, all rows run in one call of machine code, forward and backward, on as many
    threads as torch uses (``WORKBENCH_THREADS`` sets another number). The first call compiles, which takes seconds
    once; later processes find the machine code on disk. Elsewhere the rows are traced one by one. Use it inside
    ``torch_function`` to train a network on batches of simulations.

    Args:
        f: takes and returns numbers (a tuple of numbers for several results).
    Returns:
        A function of numbers and arrays of shape (rows,), returning an array of shape (rows,) or (rows, results).
    Raises:
        ValueError: arguments of different lengths.
        NotDifferentiableError: the function returns something else than numbers, or as many for each row.
        Exception: what the function raises in a row, with a note that says which.
    """
    checked_program(f, "vectorize")
    return Vectorized(f)
