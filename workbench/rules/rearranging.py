"""NumPy functions that only pick, repeat and arrange elements.

Such a function is its own derivative: applied to the *positions* of the elements instead of the elements, it tells
where each element of the result came from, and the pullback adds each cotangent up at that position. Position 0
stands for everything that is not traced (fill values, constants). Views need no rule: they share their memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.autodiff.application import converted, without_out
from workbench.autodiff.arrays import TracedArray, beneath, current, overlaps, owner_of
from workbench.autodiff.calls import resolve, seen
from workbench.autodiff.dressing import undressed
from workbench.autodiff.elementwise import add_at
from workbench.autodiff.operations import record
from workbench.autodiff.records import by_fields, is_structured
from workbench.autodiff.registry import DOORS, positions, put_in_position
from workbench.autodiff.scalars import TRACED, innermost, lost
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import SEQUENCES, contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.autodiff.writing import refuse_overlap, set_item

# function: positions of the arguments whose elements are arranged
_ALL = tuple(range(32))  # as many arrays as there may be
ARRANGING: dict[Callable, tuple[int, ...]] = {
    np.append: (0, 1),
    np.array_split: (0,),
    np.atleast_1d: _ALL,
    np.atleast_2d: _ALL,
    np.atleast_3d: _ALL,
    np.block: (0,),
    np.broadcast_arrays: _ALL,
    np.broadcast_to: (0,),
    np.choose: (1,),
    np.column_stack: (0,),
    np.compress: (1,),
    np.concatenate: (0,),
    np.delete: (0,),
    np.diag: (0,),
    np.diagflat: (0,),
    np.diagonal: (0,),
    np.dsplit: (0,),
    np.dstack: (0,),
    np.expand_dims: (0,),
    np.extract: (1,),
    np.flip: (0,),
    np.fliplr: (0,),
    np.flipud: (0,),
    np.full: (1,),
    np.full_like: (1,),
    np.hsplit: (0,),
    np.hstack: (0,),
    np.insert: (0, 2),
    np.matrix_transpose: (0,),
    np.meshgrid: _ALL,
    np.moveaxis: (0,),
    np.ravel: (0,),
    np.repeat: (0,),
    np.reshape: (0,),
    np.resize: (0,),
    np.roll: (0,),
    np.rollaxis: (0,),
    np.rot90: (0,),
    np.select: (1, 2),
    np.split: (0,),
    np.squeeze: (0,),
    np.stack: (0,),
    np.swapaxes: (0,),
    np.take: (0,),
    np.take_along_axis: (0,),
    np.tile: (0,),
    np.transpose: (0,),
    np.tril: (0,),
    np.triu: (0,),
    np.unstack: (0,),
    np.vsplit: (0,),
    np.vstack: (0,),
    np.where: (1, 2),
    np.lib.stride_tricks.sliding_window_view: (0,),
}


_RESHAPING = {np.reshape: 2, np.ravel: 1}
"""Functions that keep the order of the elements, and how many arguments say so without an ``order``."""


# functions that call the method of their name, of whatever their first argument is
_BY_METHOD = frozenset(
    {
        np.choose,
        np.compress,
        np.diagonal,
        np.repeat,
        np.reshape,
        np.squeeze,
        np.swapaxes,
        np.take,
        np.transpose,
    }
)


def _goes_on(function: Callable, x: Any) -> bool:
    return function in _BY_METHOD and hasattr(type(x), function.__name__)


def arranged(function: Callable, places: tuple[int, ...]) -> Callable:
    """The door of a function that arranges the elements of its arguments at ``places``."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return function(*args, **kwargs)
        out, args, kwargs = without_out(function, args, kwargs)
        if out is not None:
            if kwargs.get("dtype") is not None:
                function(*plain(args), out=plain(out), **plain(kwargs))  # NumPy's own error
            if contains_traced(made := call(*args, **kwargs)):
                refuse_overlap(out, *_parts(args))
            set_item(made, out, ...)
            return out
        args = tuple(a if k == 0 and _goes_on(function, a) else converted(a) for k, a in enumerate(args))
        if not any(map(contains_traced, (*args, *kwargs.values()))):
            return call_watched(function, args, kwargs)
        if kwargs:
            args, kwargs = put_in_position(_names(function), args, kwargs)
        args = tuple(current_inside(a) if k in places else plain(a) for k, a in enumerate(args))
        tape = innermost_inside(args)
        if tape is None:
            return function(*args, **kwargs)
        if any(is_structured(part) for part in _parts(args)):
            return _arranged_records(call, function, args, kwargs)
        return arrange(tape, function, args, kwargs, places)

    return call


def _parts(args: tuple) -> list[Any]:
    return [part for a in args for part in (a if type(a) is list or type(a) is tuple else (a,))]


def _arranged_records(call: Callable, function: Callable, args: tuple, kwargs: dict) -> Any:
    """An arranging function of structured arrays: of each of their fields, unless it gives views of them."""
    found = function(*plain(args), **kwargs)
    if type(found) is not np.ndarray or contains_traced(found):
        return seen(found)

    def of_fields(*parts: Any) -> Any:
        filled = iter(parts)
        new = [type(a)([next(filled) for _ in a]) if type(a) in (list, tuple) else next(filled) for a in args]
        return call(*new, **kwargs)

    return by_fields(of_fields, found, *_parts(args))


_NAMES = {np.full: ("shape", "fill_value"), np.full_like: ("a", "fill_value"), np.reshape: ("a", "shape")}


@functools.cache
def _names(function: Callable) -> Sequence[str]:
    return _NAMES[function] if function in _NAMES else positions(function)


def current_inside(x: Any) -> Any:
    """``x`` as it is now, with lists and tuples of Python's own where classes of the program are made from them."""
    if isinstance(x, SEQUENCES):
        return (tuple if isinstance(x, tuple) else list)([current_inside(e) for e in x])
    return undressed(current(x))


def innermost_inside(x: Any) -> Tape | None:
    """The innermost tape that something in ``x`` is traced by, in lists and tuples however deep."""
    found = None
    for e in x:
        tape = innermost_inside(e) if type(e) is list or type(e) is tuple else innermost(e)
        if tape is not None and (found is None or tape.level > found.level):
            found = tape
    return found


class _Numbering:
    """Replaces every traced operand of a tape by the numbers of its elements, counted from 1."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.operands, self.starts, self.count = tape, [], [], 1

    def values(self, x: Any) -> Any:
        if type(x) is list or type(x) is tuple:
            return type(x)([self.values(e) for e in x])
        return x.value if type(x) in TRACED and x.tape is self.tape else x

    def numbers(self, x: Any) -> Any:
        if type(x) is list or type(x) is tuple:
            return type(x)([self.numbers(e) for e in x])
        if type(x) in TRACED and x.tape is self.tape:
            start, shape = self.count, np.shape(plain(x))
            size = int(np.prod(shape))
            self.operands.append(x)
            self.starts.append(start)
            self.count += size
            counted = np.arange(start, start + size).reshape(shape)
            return _laid_out(counted, current(x).array) if shape else np.int64(start)
        shape = np.shape(plain(x)) if x is not None else ()
        return np.zeros(shape, np.int64) if shape else 0


def _laid_out(numbers: np.ndarray, array: np.ndarray | TracedArray) -> np.ndarray:
    """``numbers`` in memory as ``array`` is, so that the orders K and A read both in the same way."""
    array = plain(array)
    if array.flags.c_contiguous:
        return numbers
    if array.flags.f_contiguous:
        return np.asfortranarray(numbers)
    axes = _axes_as_read(array)
    apart = np.empty((*[array.shape[k] for k in axes], 2), numbers.dtype)[..., 0]
    laid_out = np.transpose(apart, np.argsort(axes))
    laid_out[...] = numbers
    return laid_out


def _axes_as_read(array: np.ndarray) -> list[int]:
    """The axes in the order in which NumPy walks over them, the slowest first: broadcast ones stay where they are."""
    fastest_first: list[int] = []
    for axis in reversed(range(array.ndim)):
        step, place = abs(array.strides[axis]), len(fastest_first)
        for k in reversed(range(len(fastest_first))):
            other = abs(array.strides[fastest_first[k]])
            if step and other:
                if other <= step:
                    break
                place = k
        fastest_first.insert(place, axis)
    return fastest_first[::-1]


def arrange(tape: Tape, function: Callable, args: tuple, kwargs: dict, places: tuple[int, ...]) -> Any:
    """Apply an arranging function and record where every element came from."""
    numbering = _Numbering(tape)
    seen = [numbering.values(a) if k in places else a for k, a in enumerate(args)]
    value = beneath(tape, function if tape.level == 0 else resolve(function), *seen, **kwargs)
    several = isinstance(value, list | tuple)
    values = list(value) if several else [value]
    views = [_is_view(tape, v) for v in values]
    if all(views):
        seen = [_viewed(v) for v in values]
        return type(value)(seen) if several else seen[0]
    if function in _RESHAPING and _in_order(function, args, kwargs):
        return _reshaped(tape, args[0], value)
    whole = {name: v for name, v in kwargs.items() if name != "dtype"}
    if function is np.full or function is np.full_like:  # they take the type of what they fill with
        args = (*args[:2], np.int64, *args[3:])
    source = function(*[numbering.numbers(a) if k in places else a for k, a in enumerate(args)], **whole)
    sources = list(source) if several else [source]
    # among the numbers may have been an empty list, which NumPy takes for one of floats
    sources = [np.asarray(s, np.int64) for s in sources]
    constant = [several and not s.any() for s in sources]  # perhaps a view of a constant's memory
    results = [
        _viewed(v) if is_view or is_constant else _pick(tape, v, s, numbering)
        for v, s, is_view, is_constant in zip(values, sources, views, constant, strict=True)
    ]
    return type(value)(results) if several else results[0]


def _viewed(value: Any) -> Any:
    return current(value.array if type(value) is TracedArray else value)


def _in_order(function: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether a reshaping function takes the elements of one array in the usual order."""
    return (
        type(args[0]) is TracedArray and len(args) <= _RESHAPING[function] and kwargs.get("order", "C") == "C"
    )


def _reshaped(tape: Tape, x: TracedArray, value: Any) -> Any:
    """A reshaped copy: the elements of x in their order, so that nothing has to be numbered."""
    shape = x.array.shape

    def reshaping_pullback(bar: Any) -> list[Any]:
        return [resolve(np.reshape)(bar, shape)]

    return record(tape, [x], value, reshaping_pullback)


def _is_view(tape: Tape, value: Any) -> bool:
    array = value.array if type(value) is TracedArray else value
    if type(array) is not np.ndarray:
        return False
    memory = tape.memories.get(id(owner_of(array)))
    return memory is not None and memory.active


def _pick(tape: Tape, value: Any, source: np.ndarray, numbering: _Numbering) -> Any:
    array = value.array if type(value) is TracedArray else value
    if type(array) is np.ndarray and array.dtype.kind == "O":
        raise lost("traced values were about to become an array of objects")
    if type(array) is np.ndarray and overlaps(array) and array.size:
        value = resolve(np.copy)(value) if type(value) is TracedArray else array.copy()
    operands, starts, count = list(numbering.operands), list(numbering.starts), numbering.count

    def arranging_pullback(bar: Any) -> list[Any]:
        bar = bar if type(bar) in TRACED else np.asarray(bar)
        whole = type(bar) is np.ndarray and np.can_cast(
            bar.dtype, complex
        )  # what bincount adds up without loss
        if whole and bar.dtype.kind == "f":
            flat = np.bincount(source.ravel(), weights=bar.ravel(), minlength=count)
        elif whole and bar.dtype.kind == "c":
            parts = [
                np.bincount(source.ravel(), weights=b.ravel(), minlength=count) for b in (bar.real, bar.imag)
            ]
            flat = parts[0] + 1j * parts[1]
        else:
            flat = current(add_at(np.zeros(count, np.result_type(plain(bar))), source, bar))
        cotangents = []
        for operand, start in zip(operands, starts, strict=True):
            shape = np.shape(plain(operand))
            part = flat[start : start + int(np.prod(shape))]
            cotangents.append(resolve(np.reshape)(part, shape) if shape else part[0])
        return cotangents

    return record(tape, operands, value, arranging_pullback)


for _function, _places in ARRANGING.items():
    DOORS[_function] = arranged(_function, _places)
_split = DOORS[np.array_split]
DOORS[np.array_split] = lambda ary, *args, **kwargs: _split(
    DOORS[np.array](ary) if isinstance(ary, list | tuple) else ary, *args, **kwargs
)  # the parts are views of one array


def _as_strided(x: Any, *args: Any, **kwargs: Any) -> Any:
    """``as_strided``: a view like any other, whose elements may be one place in memory."""
    x = current(x)
    if type(x) is not TracedArray:
        return _original_as_strided(x, *args, **kwargs)
    return current(_original_as_strided(x.array, *args, **kwargs))


_original_as_strided = np.lib.stride_tricks.as_strided
DOORS[_original_as_strided] = _as_strided
