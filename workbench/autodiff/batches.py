"""A function of single numbers, applied to many rows at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, finish
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.given import checked_program, described
from workbench.autodiff.location import name_of
from workbench.autodiff.registry import INSTANCE_DOORS, positions, put_in_position
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.telling import plain
from workbench.autodiff.tracing import traced_pullback
from workbench.errors import NotDifferentiableError, OptionError


class Vectorized:
    """``f`` applied to each row of its arguments; see ``vectorize``."""

    def __init__(self, f: Callable, rows: tuple[int | str, ...] | None = None) -> None:
        self.function, self.rows = f, rows
        functools.update_wrapper(self, f, updated=())
        self._compiled: set[Any] = set()

    def __call__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        call = self.arranged(args, kwargs)
        found = call.native()
        return np.array(call.applied(self.function)) if found is None else found[0]

    def tier(self, *args: Any, **kwargs: Any) -> str:
        """Which code runs rows like those of ``args``: "machine code", "generated Python", or "traced: …why"."""
        from workbench.autodiff import native

        made = self.arranged(args, kwargs).plan()
        if isinstance(made, native.Refusal):
            return f"traced: {made}"
        return "machine code" if made.batches.state == "compiled" else "generated Python"

    def arranged(self, args: tuple, kwargs: dict[str, Any]) -> Rows:
        """One call: its arguments by position as far as the function's signature tells, and which of them have rows."""
        if kwargs:
            args, kwargs = put_in_position(positions(self.function), args, kwargs)
        names = tuple(kwargs)
        values = (*args, *kwargs.values())
        places = [*range(len(args)), *names]
        if self.rows is None:
            varies = [bool(np.shape(plain(a))) for a in values]
        else:
            chosen = {self._place(place, len(args), names) for place in self.rows}
            varies = [place in chosen for place in places]
        for place, a, has_rows in zip(places, values, varies, strict=True):
            if has_rows and not np.shape(plain(a)):
                raise OptionError(
                    f"argument {place!r} of a vectorized function was said to have rows, and is one number",
                    found=f"got {a!r:.40} and rows={self.rows!r}",
                    where=f"argument {place!r}",
                    fix="pass an array whose first axis counts rows, or leave the argument out of rows",
                )
        return Rows(self.function, values, names, tuple(varies))

    def _place(self, place: int | str, count: int, names: tuple[str, ...]) -> int | str:
        if isinstance(place, str) and place not in names:
            parameters = positions(self.function)
            place = parameters.index(place) if place in parameters else place
        if place not in names and not (isinstance(place, int) and 0 <= place < count):
            raise OptionError(
                f"there is no argument {place!r} with rows in this call of a vectorized function",
                found=f"got {count} by position and {list(names)} by name, and rows={self.rows!r}",
                where="rows",
                fix="name arguments by their position, counted from 0, or by name",
            )
        return place


@dataclass(frozen=True)
class Rows:
    """One call of a vectorized function.

    Attributes:
        function: what is applied to each row.
        values: its arguments, those given by name last.
        names: the names of the last ones.
        varies: for each of them, whether it has a row for each call; the others are the same in all.
    """

    function: Callable
    values: tuple
    names: tuple[str, ...]
    varies: tuple[bool, ...]

    def native(self) -> tuple[np.ndarray, Callable] | None:
        """Values and pullback of the rows by generated code, None where it does not take the function."""
        from workbench.autodiff import native

        made = self.plan()
        if isinstance(made, native.Refusal):
            return None
        if any(current(array) is not array for array in made.outside_data()):
            return None  # a traced value has been written into an array that it reads from outside
        try:
            found = native.batch(self.function, self.values)
        except native.DeclinedError:
            return None
        return None if isinstance(found, native.Refusal) else found

    def plan(self) -> Any:
        """The plan for rows like these. Compiles before the first use, so that every run computes the same."""
        from workbench.autodiff import native
        from workbench.autodiff.native.compile import mode

        if mode() == "off":
            return native.Refusal("WORKBENCH_NATIVE is off")
        if self.names:
            return native.Refusal("an argument can only be given by name")
        if any(np.ndim(a) > has_rows for a, has_rows in zip(self.values, self.varies, strict=True)):
            return native.Refusal("the rows of an argument are arrays, or it is an array that has none")
        made = native.batch_plan(self.function, next(iter(self.each()), ()))
        if not isinstance(made, native.Refusal) and made.batches.state == "python" and mode() != "python":
            made.batches.load()
        return made

    def each(self) -> Iterator[tuple]:
        """The arguments of each row."""
        pairs = list(zip(self.values, self.varies, strict=True))
        lengths = {np.shape(plain(a))[0] for a, has_rows in pairs if has_rows}
        if len(lengths) > 1:
            raise OptionError(
                f"the arguments of a vectorized function have different lengths: {sorted(lengths)}",
                found=f"got {', '.join(str(np.shape(plain(a))) for a, has_rows in pairs if has_rows)}",
                where="the arguments",
                fix="pass arrays with as many rows each, or say with rows=… which arguments have rows",
            )
        for k in range(lengths.pop() if lengths else 1):
            yield tuple(_plain_number(a[k]) if has_rows else a for a, has_rows in pairs)

    def applied(self, function: Callable) -> list[Any]:
        """The results of all rows, each a number or a tuple of as many numbers as the first."""
        results: list[Any] = []
        count = len(self.values) - len(self.names)
        for k, row in enumerate(self.each()):
            try:
                results.append(function(*row[:count], **dict(zip(self.names, row[count:], strict=True))))
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


def _plain_number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _door(vectorized: Vectorized) -> Callable:
    """A vectorized function inside a differentiated program."""

    def call(*args: Any, **kwargs: Any) -> Any:
        rows = vectorized.arranged(
            tuple(map(current, args)), {name: current(a) for name, a in kwargs.items()}
        )
        given = rows.values
        tape = innermost(*given)
        needs = [k for k, a in enumerate(given) if type(a) in TRACED and a.tape is tape]
        values = tuple(a.value if k in needs else a for k, a in enumerate(given))
        plain_rows = replace(rows, values=values)
        found = None if any(type(v) in TRACED for v in values) else plain_rows.native()

        def by_rows(*given: Any) -> Any:
            return as_array(replace(rows, values=given).applied(resolve(vectorized.function)))

        if found is None:  # traced row by row; the function may also hold traced values of its own
            return by_rows(*given)
        value, back = found
        if tape is None:
            return value

        def batch_pullback(bar: Any) -> list[Any]:
            # of this pullback a derivative is being taken; a NaN may come from a branch that was not taken
            again = type(current(bar)) in TRACED
            cotangents = None if again else back(bar)
            if again or any(np.isnan(part).any() for part in cotangents):
                cotangents = traced_pullback(by_rows, *values)[1](bar)
            return [cotangents[k] for k in needs]

        return finish(tape, [given[k] for k in needs], values, value, batch_pullback)

    return call


def _alike(result: Any, first: Any) -> bool:
    parts, firsts = (x if isinstance(x, tuple | list) else [x] for x in map(plain, (result, first)))
    numbers = all(
        isinstance(x, bool | int | float | complex | np.number | np.bool_ | np.ndarray) for x in parts
    )
    return (
        numbers and type(parts) is type(firsts) and list(map(np.shape, parts)) == list(map(np.shape, firsts))
    )


INSTANCE_DOORS[Vectorized] = _door


def vectorize(f: Callable, *, rows: int | str | tuple[int | str, ...] | None = None) -> Vectorized:
    """``f``, a function of single cases, as a function of arrays whose first axis counts rows.

    Where the native tier takes ``f``, a function of numbers, all rows run in one call of machine code, forward and
    backward, on as many threads as torch uses (``WORKBENCH_THREADS`` sets another number). The first call compiles,
    which takes seconds once; later processes find the machine code on disk. Elsewhere the rows are traced one by one.
    Use it inside ``torch_function`` to train a network on batches of simulations.

    Args:
        f: takes numbers and arrays, and returns a number (a tuple of numbers for several results).
        rows: the positions or names of the arguments that have rows; the others are the same in every row, arrays
            among them. By default all arrays have rows.
    Returns:
        A function of ``f``'s arguments, by position or name, with arrays of shape (rows, …) in place of those that have
        rows. It returns an array of shape (rows,) or (rows, results).
    Raises:
        OptionError: arguments of different lengths, or ``rows`` names one that is not given or is a single number.
        NotDifferentiableError: the function returns something else than numbers, or as many for each row.
        Exception: what the function raises in a row, with a note that says which.
    """
    checked_program(f, "vectorize")
    return Vectorized(f, rows if rows is None or isinstance(rows, tuple) else (rows,))
