"""A function of single numbers, applied to many rows at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, finish
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.telling import plain


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
        return np.array([self.function(*row) for row in _rows(args)])

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
            function = resolve(vectorized.function)
            return as_array([function(*row) for row in _rows(args)])
        value, back = found
        if tape is None:
            return value
        return finish(tape, [args[k] for k in needs], values, value, lambda bar: _chosen(back(bar), needs))

    return call


def _chosen(cotangents: tuple, needs: list[int]) -> list[Any]:
    return [cotangents[k] for k in needs]


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
    """
    return Vectorized(f)
