"""Functions of the program that NumPy applies: element by element, core by core, or along an axis."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import _function_base_impl as _numpy

from workbench.autodiff.application import as_array, laid_out_like, written_apart
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.dressing import as_shown, is_subarray, no_rule, stand_in, undressed
from workbench.autodiff.elementwise import settled_input
from workbench.autodiff.indexing import get_item
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS, door
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.errors import MissingRuleError

# ------------------------------------------------------------------------------------ numpy.vectorize


def _vectorized(instance: np.vectorize) -> Callable:
    """A ``numpy.vectorize`` object: its function is called, rewritten, as often as NumPy calls it."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN or instance.pyfunc is np._NoValue:  # a decorator with options gets its function only now
            return instance(*args, **kwargs)
        function, given = _without_fixed(instance, args, kwargs)
        if any(map(is_subarray, given)):
            return _of_subclasses(instance, function, given)
        varying = [settled_input(x) for x in given]
        if instance.signature is not None:
            return _by_cores(instance, function, varying)
        if 0 in np.broadcast_shapes(*[np.shape(plain(x)) for x in varying]):
            return instance(*plain(args), **plain(kwargs))
        return _by_elements(instance, function, varying)

    return call


INSTANCE_DOORS[np.vectorize] = _vectorized


def _of_subclasses(instance: np.vectorize, function: Callable, given: list[Any]) -> Any:
    """Of arrays of subclasses: the function gets their elements, and the results get the classes that NumPy gives."""
    if instance.signature is not None:
        raise no_rule(instance, "arrays of subclasses beside a signature")
    results = _by_elements(instance, function, [settled_input(undressed(x)) for x in given])
    outs = len(results) if isinstance(results, tuple) else 1
    shown = np.frompyfunc(lambda *_: (0.0,) * outs if outs > 1 else 0.0, len(given), outs)(
        *map(stand_in, given)
    )
    return as_shown(results, shown, tuple(given))


def _without_fixed(instance: np.vectorize, args: tuple, kwargs: dict) -> tuple[Callable, list[Any]]:
    """The function of the arguments that vary from element to element, and these."""
    function = resolve(instance.pyfunc)
    if not kwargs and not instance.excluded:
        return function, list(args)
    places = [k for k in range(len(args)) if k not in instance.excluded]
    names = [name for name in kwargs if name not in instance.excluded]

    def of_varying(*values: Any) -> Any:
        new, named = list(args), dict(kwargs)
        for k, value in zip(places, values, strict=False):
            new[k] = value
        named.update(zip(names, values[len(places) :], strict=True))
        return function(*new, **named)

    return of_varying, [args[k] for k in places] + [kwargs[name] for name in names]


def _by_elements(instance: np.vectorize, function: Callable, args: list[Any]) -> Any:
    shape = np.broadcast_shapes(*[np.shape(plain(x)) for x in args])
    wide = [x if np.ndim(plain(x)) == 0 else resolve(np.broadcast_to)(x, shape) for x in args]
    places = list(np.ndindex(*shape))

    def value(place: tuple) -> Any:
        return function(*[x if np.ndim(plain(x)) == 0 else get_item(x, place) for x in wide])

    first = value(places[0]) if instance.otypes is None else None  # it tells the types of the results
    kept = first is not None and instance.cache
    values = [first, *map(value, places[1:])] if kept else list(map(value, places))
    if not contains_traced(args) and not contains_traced(values):
        again = iter(values)
        return np.vectorize(lambda *_: next(again), otypes=_types(instance, values[0]), cache=True)(*args)
    several = isinstance(values[0], tuple)
    columns = list(zip(*values, strict=True)) if several else [values]
    kinds = _types(instance, values[0] if first is None else first)
    results = tuple(_shaped(column, shape, kind) for column, kind in zip(columns, kinds, strict=True))
    if len(args) == 1 and shape:
        results = tuple(laid_out_like(result, np.empty_like(plain(wide[0]))) for result in results)
    return results if several else results[0]


def _types(instance: np.vectorize, first: Any) -> str:
    """The types of the results, as letters: those asked for, or of the function's first results."""
    if instance.otypes is not None:
        return instance.otypes
    parts = first if isinstance(first, tuple) else (first,)
    return "".join(np.asarray(plain(x)).dtype.char for x in parts)


def _shaped(values: Any, shape: tuple[int, ...], kind: str | None) -> Any:
    found = resolve(np.asarray)(list(values))
    if kind is not None and np.dtype(kind) != plain(found).dtype:
        found = found.astype(kind)
    found = resolve(np.reshape)(found, shape + np.shape(plain(found))[1:])
    return found if shape else get_item(found, ())


def _by_cores(instance: np.vectorize, function: Callable, args: list[Any]) -> Any:
    """With a signature: the function gets whole rows, matrices … of its arguments."""
    inputs, outputs = _numpy._parse_gufunc_signature(instance.signature)
    if len(inputs) != len(args):
        return instance(*plain(args))  # NumPy's own error
    args = [resolve(np.asarray)(x) for x in args]
    shape, sizes = _numpy._parse_input_dimensions([plain(x) for x in args], inputs)
    cores = [tuple(sizes[name] for name in core) for core in inputs]
    wide = [resolve(np.broadcast_to)(x, shape + core) for x, core in zip(args, cores, strict=True)]
    values = [function(*[get_item(x, place) for x in wide]) for place in np.ndindex(*shape)]
    if not contains_traced(args) and not contains_traced(values):
        again = iter(values)
        options = {"otypes": instance.otypes, "signature": instance.signature}
        return np.vectorize(lambda *_: next(again), **options)(*args)
    columns = list(zip(*values, strict=True)) if len(outputs) > 1 else [values]
    kinds = instance.otypes or [None] * len(outputs)
    results = tuple(_shaped(column, shape, kind) for column, kind in zip(columns, kinds, strict=True))
    return results if len(outputs) > 1 else results[0]


# ------------------------------------------------------------------------------------ numpy.frompyfunc


def _of_python(ufunc: np.ufunc) -> Callable:
    """What ``numpy.frompyfunc`` has made: of traced values it gives arrays of numbers, not of objects."""
    function = next(x for x in gc.get_referents(ufunc) if callable(x))
    made = np.frompyfunc(resolve(function), ufunc.nin, ufunc.nout)

    def call(*inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        inputs, out = inputs[: ufunc.nin], inputs[ufunc.nin :] or (out if isinstance(out, tuple) else (out,))
        inputs = [settled_input(x) for x in inputs]
        if not any(map(contains_traced, inputs)):
            return call_watched(made, inputs, {**kwargs, "out": out} if out else kwargs)
        if kwargs:
            raise MissingRuleError(
                f"a function made by numpy.frompyfunc has no rule for its option {min(kwargs)!r}",
                where=user_line(),
                fix="leave the option out, and use numpy.where afterwards",
            )
        shape = np.broadcast_shapes(*[np.shape(plain(x)) for x in inputs])
        wide = [resolve(np.broadcast_to)(x, shape) if shape else x for x in inputs]
        rewritten = resolve(function)
        values = [
            rewritten(*[get_item(x, place) if shape else x for x in wide]) for place in np.ndindex(*shape)
        ]
        columns = list(zip(*values, strict=True)) if ufunc.nout > 1 else [values]
        results = tuple(_shaped(column, shape, None) for column in columns)
        results = written_apart(results, out)
        return results if ufunc.nout > 1 else results[0]

    return call


INSTANCE_DOORS[np.ufunc] = _of_python


@door(np.frompyfunc)
def frompyfunc(function: Callable, *shapes: int, **options: Any) -> Any:
    """``numpy.frompyfunc``: the function is rewritten when it is called."""
    return np.frompyfunc(function, *shapes, **options)


# ------------------------------------------------------------------------------------ along axes


def _apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``numpy.apply_along_axis`` with a rewritten function."""
    function, array = func1d, current(arr)
    if not OPEN:
        return np.apply_along_axis(function, axis, array, *args, **kwargs)
    array = resolve(np.asarray)(array)
    moved = resolve(np.moveaxis)(array, axis, -1)
    lead = np.shape(plain(moved))[:-1]
    new = resolve(function)
    values = [current(new(moved[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    if not contains_traced(values):
        again = iter(values)
        return np.apply_along_axis(lambda *_, **__: next(again), axis, plain(array))
    inner = np.shape(plain(values[0]))
    result = (
        resolve(np.reshape)(resolve(np.stack)(values), (*lead, *inner))
        if inner
        else resolve(np.reshape)(as_array(values), lead)
    )
    if not inner:
        return result
    place = axis % np.ndim(plain(array))
    count = len(inner)
    return resolve(np.moveaxis)(result, range(-count, 0), range(place, place + count))


DOORS[np.apply_along_axis] = _apply_along_axis


def _apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    """``numpy.apply_over_axes`` with a rewritten function."""
    function, result = func, current(a)
    if type(result) is not TracedArray:
        return np.apply_over_axes(function, a, axes)
    for axis in np.atleast_1d(axes):
        reduced = resolve(function)(result, int(axis))
        same = np.ndim(plain(reduced)) == np.ndim(plain(result))
        result = reduced if same else resolve(np.expand_dims)(reduced, int(axis))
    return result


DOORS[np.apply_over_axes] = _apply_over_axes
