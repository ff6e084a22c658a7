"""NumPy's iterators over arrays, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.autodiff import indexing, writing
from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import can_vary, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import door
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.unseen import lent
from workbench.errors import MissingRuleError


@door(np.ndenumerate)
def ndenumerate(arr: Any) -> Any:
    """``numpy.ndenumerate``."""
    array = resolve(np.asarray)(arr)
    return ((place, indexing.get_item(array, place)) for place in np.ndindex(*array.shape))


def _may_be_filled(x: Any) -> bool:
    """Whether a plain array may hold traced values when the iterator that was made of it comes to read it."""
    return isinstance(x, np.ndarray) and can_vary(x)


class _Broadcast:
    """``numpy.broadcast`` of arrays of which some are traced, or may be when they are read."""

    def __init__(self, arrays: tuple) -> None:
        self.arrays = [part for a in arrays for part in (a.arrays if type(a) is _Broadcast else (a,))]
        self.plain = np.broadcast(*map(plain, self.arrays))
        self.wide: list | None = None  # most programs ask for the shape alone
        self.reset()

    def __getattr__(self, name: str) -> Any:
        if name == "iters":
            raise MissingRuleError(
                "numpy.broadcast has no rule for its iters",
                found="arrays that are traced, or may be when they are read",
                where=user_line(),
                fix="iterate over it, or over the flat of its arrays",
            )
        return getattr(self.plain, name)

    def reset(self) -> None:
        self.index, self.places = 0, np.ndindex(*self.plain.shape)

    def __iter__(self) -> _Broadcast:
        return self

    def __next__(self) -> tuple:
        if self.wide is None:
            self.wide = [resolve(np.broadcast_to)(a, self.plain.shape) for a in self.arrays]
        place = next(self.places)
        self.index += 1
        return tuple(indexing.get_item(current(a), place) for a in self.wide)


@door(np.broadcast)
def broadcast(*arrays: Any) -> Any:
    """``numpy.broadcast``: the common shape, and the elements side by side."""
    if OPEN and any(type(a) is _Broadcast or contains_traced(a) or _may_be_filled(a) for a in arrays):
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
    if not OPEN or not (any(writes) or contains_traced(operands) or any(map(_may_be_filled, operands))):
        return np.nditer(op, flags, op_flags, *args, **kwargs)
    if not any(writes) and "external_loop" in (flags or ()) and not (args or kwargs.keys() - {"order"}):
        return _runs(operands, flags, kwargs.get("order") or "K")
    options = {k for k, v in kwargs.items() if v is not None and k != "order"} | {*(flags or ())} - _KNOWN
    if not (any(writes) or contains_traced(operands)) and (options or args):
        for array in filter(_may_be_filled, operands):
            lent(np.asarray(array))
        return np.nditer(op, flags, op_flags, *args, **kwargs)
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


_TOLD = frozenset(
    {"dtypes", "has_index", "has_multi_index", "has_delayed_bufalloc", "iterationneedsapi", "iterrange"}
)


class _Elements:
    """The elements of several arrays side by side; written into are those that have the whole shape."""

    def __init__(self, operands: list[Any], writes: list[bool], flags: Any, order: str) -> None:
        arrays = [None if x is None else as_array(x) if isinstance(x, list | tuple) else x for x in operands]
        given = [np.asarray(plain(a)) for a in arrays if a is not None]
        shape = np.broadcast_shapes(*[a.shape for a in given])
        arrays = [np.zeros(shape, np.result_type(*given)) if a is None else a for a in arrays]
        index = {"multi_index", *flags}
        self.walk = walk = np.nditer(
            [np.broadcast_to(plain(a), shape) for a in arrays], sorted(index), order=order
        )
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

    def __getattr__(self, name: str) -> Any:
        if name in _TOLD:
            return getattr(self.walk, name)
        raise AttributeError(f"'numpy.nditer' object has no attribute {name!r} that is followed")

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
