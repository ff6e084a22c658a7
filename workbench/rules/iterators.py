"""NumPy's iterators over arrays, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.autodiff import indexing, writing
from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import door
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError


@door(np.ndenumerate)
def ndenumerate(arr: Any) -> Any:
    """``numpy.ndenumerate``."""
    array = resolve(np.asarray)(arr)
    return ((place, indexing.get_item(array, place)) for place in np.ndindex(*array.shape))


class _Broadcast:
    """``numpy.broadcast`` of arrays of which some are traced."""

    def __init__(self, arrays: tuple) -> None:
        self.arrays = arrays
        self.plain = np.broadcast(*[a.plain if type(a) is _Broadcast else plain(a) for a in arrays])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def __iter__(self) -> Iterator[tuple]:
        wide = [resolve(np.broadcast_to)(a, self.plain.shape) for a in self.arrays]
        return (tuple(indexing.get_item(a, place) for a in wide) for place in np.ndindex(*self.plain.shape))


@door(np.broadcast)
def broadcast(*arrays: Any) -> Any:
    """``numpy.broadcast``: the common shape, and the elements side by side."""
    if any(type(a) is _Broadcast or contains_traced(a) for a in arrays):
        return _Broadcast(arrays)
    return np.broadcast(*arrays)


_KNOWN = frozenset({"multi_index", "c_index", "f_index", "refs_ok", "zerosize_ok"})


@door(np.nditer)
def nditer(op: Any, flags: Any = None, op_flags: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``numpy.nditer``, in NumPy's order; every element is a view, so that writes are seen."""
    operands = list(op) if isinstance(op, list | tuple) else [op]
    each = [op_flags] if op_flags and isinstance(op_flags[0], str) else op_flags
    writes = [any("write" in flag for flag in own) for own in each or [[]] * len(operands)]
    writes = writes * len(operands) if len(writes) == 1 else writes
    writes = [write or operand is None for write, operand in zip(writes, operands, strict=True)]
    if not OPEN or not (any(writes) or contains_traced(operands)):
        return np.nditer(op, flags, op_flags, *args, **kwargs)
    if not any(writes) and "external_loop" in (flags or ()) and not (args or kwargs.keys() - {"order"}):
        return _runs(operands, flags, kwargs.get("order") or "K")
    options = {k for k, v in kwargs.items() if v is not None and k != "order"} | {*(flags or ())} - _KNOWN
    if options or args:
        raise MissingRuleError(
            f"numpy.nditer has no rule for {', '.join(sorted(options)) or 'options by position'}",
            found="traced values, or arrays that are written into",
            where=user_line(),
            fix="leave the option out, or write a loop over numpy.ndindex(array.shape)",
        )
    return _Elements(operands, writes, flags or (), kwargs.get("order") or "K")


def _runs(operands: list[Any], flags: Any, order: str) -> Iterator[Any]:
    """With ``external_loop``: as many elements at a time as NumPy gives, the same ones of every operand."""
    arrays = [as_array(x) if isinstance(x, list | tuple) else x for x in operands]
    numbers = [np.empty_like(plain(a), np.int64) for a in arrays]  # laid out as the arrays are
    for places in numbers:
        places[...] = np.arange(places.size).reshape(places.shape)
    for run in np.nditer(numbers, flags, order=order):
        runs = run if isinstance(run, tuple) else (run,)
        found = [
            indexing.get_item(current(a), np.unravel_index(places.copy(), np.shape(plain(a))))
            for a, places in zip(arrays, runs, strict=True)
        ]
        yield found[0] if len(found) == 1 else tuple(found)


class _Elements:
    """The elements of several arrays side by side; written into are those that have the whole shape."""

    def __init__(self, operands: list[Any], writes: list[bool], flags: Any, order: str) -> None:
        arrays = [None if x is None else as_array(x) if isinstance(x, list | tuple) else x for x in operands]
        given = [np.asarray(plain(a)) for a in arrays if a is not None]
        shape = np.broadcast_shapes(*[a.shape for a in given])
        arrays = [np.zeros(shape, np.result_type(*given)) if a is None else a for a in arrays]
        index = {"multi_index", *flags}
        walk = np.nditer([np.broadcast_to(plain(a), shape) for a in arrays], sorted(index), order=order)
        has_index = bool(index & {"c_index", "f_index"})
        self.places = [(walk.multi_index, walk.index if has_index else None) for _ in walk]
        self.writes, self.wide = (
            writes,
            [
                a if write else resolve(np.broadcast_to)(a, shape)
                for a, write in zip(arrays, writes, strict=True)
            ],
        )
        self.operands, self.shape, self.ndim = tuple(arrays), shape, len(shape)
        self.nop, self.itersize = len(arrays), len(self.places)
        self.reset()

    def reset(self) -> None:
        self.iterindex, self.begun = 0, False

    @property
    def finished(self) -> bool:
        return self.iterindex >= self.itersize

    @property
    def multi_index(self) -> tuple[int, ...]:
        return self.places[self.iterindex][0]

    @property
    def index(self) -> int:
        return self.places[self.iterindex][1]

    def iternext(self) -> bool:
        self.iterindex += 1
        return not self.finished

    def __getitem__(self, k: int) -> Any:
        return indexing.get_item(current(self.wide[k]), (*self.multi_index, ...))

    def __setitem__(self, k: int, value: Any) -> None:
        writing.set_item(value, self.operands[k], self.multi_index)

    @property
    def value(self) -> Any:
        return self[0] if self.nop == 1 else tuple(self[k] for k in range(self.nop))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.iterindex += self.begun
        self.begun = True
        if self.finished:
            raise StopIteration
        return self.value

    def __len__(self) -> int:
        return self.itersize

    def __enter__(self) -> _Elements:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held back: what was written is in the arrays."""
