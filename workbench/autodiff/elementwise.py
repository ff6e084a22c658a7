"""Universal functions: values by NumPy, derivatives from a table of partials."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import apply_rule, as_array, of_objects, written, written_apart
from workbench.autodiff.arrays import TracedArray, beneath, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operations import know_constant, record
from workbench.autodiff.registry import DOORS, NON_DIFFERENTIABLE, OWNER_DOORS, PARTIALS, RULES, learn
from workbench.autodiff.scalars import TRACED, TracedFloat, innermost, lost, scalar_result
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.errors import MissingRuleError


def _input(x: Any) -> Any:
    if isinstance(x, list | tuple) and contains_traced(x):
        return as_array(x)
    return current(x)


@functools.cache
def ufunc_door(ufunc: np.ufunc) -> Callable:
    """What a rewritten program calls for a universal function."""

    @functools.wraps(ufunc, updated=())
    def call(*inputs: Any, **kwargs: Any) -> Any:
        return apply_ufunc(ufunc, inputs, kwargs)

    return call


def apply_ufunc(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    """``ufunc(*inputs, **kwargs)`` with traced inputs, ``out`` and ``where`` included."""
    out = kwargs.pop("out", None) if "out" in kwargs else None
    if len(inputs) > ufunc.nin:
        inputs, out = inputs[: ufunc.nin], inputs[ufunc.nin :]
    if isinstance(out, tuple):
        if ufunc.nout > 1 and any(place is not None for place in out):
            return written_apart(apply_ufunc(ufunc, inputs, kwargs), out)
        out = out[0] if out else None
    if out is ...:  # NumPy's way to ask for an array even without axes
        return resolve(np.asarray)(apply_ufunc(ufunc, inputs, kwargs))
    inputs = tuple(_input(x) for x in inputs)
    if out is not None:
        return _into(ufunc, inputs, out, kwargs)
    if "where" in kwargs:
        kwargs = {**kwargs, "out": None}  # tells NumPy that the elements left out may be anything
    tape = innermost(*inputs)
    if tape is None or (ufunc in NON_DIFFERENTIABLE and not _varies(ufunc, inputs)):
        return ufunc(*[plain(x) for x in inputs], **kwargs)
    partials = PARTIALS.get(ufunc)
    if partials is None and learn(ufunc):
        return apply_ufunc(ufunc, inputs, kwargs)
    if partials is None:
        if ufunc in RULES:
            return apply_rule(RULES[ufunc], inputs, kwargs)
        made = "(vectorized)" in ufunc.__name__
        raise MissingRuleError(
            f"{name_of(ufunc)} has no rule",
            found="it is compiled code and got a traced value",
            where=user_line(),
            fix="make it with numpy.vectorize in place of numpy.frompyfunc"
            if made
            else f"register a rule with @workbench.rule(numpy.{ufunc.__name__})",
        )
    inputs = tuple(map(of_objects, inputs))
    tape = innermost(*inputs)
    needs = [k for k, x in enumerate(inputs) if type(x) in TRACED and x.tape is tape]
    for k in needs:
        if partials[k] is None:
            raise MissingRuleError(
                f"{name_of(ufunc)} has no rule for its argument {k}",
                found="got a traced value there",
                where=user_line(),
                fix=f"register a rule with @workbench.rule({name_of(ufunc)}), or pass workbench.stop_gradient(x)",
            )
    inputs = tuple(np.asarray(x) if isinstance(x, list | tuple) else x for x in inputs)
    values = tuple(x.value if k in needs else x for k, x in enumerate(inputs))
    value = beneath(tape, ufunc, *values, **kwargs)
    kind = np.result_type(plain(value)).kind
    if kind == "O":
        raise lost("an array of objects was about to be computed from traced values")
    if kind not in "fc":
        return plain(value)
    operands = [inputs[k] for k in needs]
    if not np.ndim(value) and not np.iscomplexobj(value) and all(type(x) is TracedFloat for x in operands):
        with np.errstate(all="ignore"):
            found = [beneath(tape, partials[k], np, value, *values) for k in needs]
            return scalar_result(value, tape, operands, [_now(partial) for partial in found])
    for constant in values:
        if type(constant) is np.ndarray:
            know_constant(tape, constant)

    def elementwise_pullback(bar: Any) -> list[Any]:
        with np.errstate(all="ignore"):
            return [_scaled(bar, partials[k](np, value, *values)) for k in needs]

    return record(tape, operands, value, elementwise_pullback)


def _varies(ufunc: np.ufunc, inputs: tuple) -> bool:
    """Whether what is constant for real numbers varies for these: the sign of a complex one is its direction."""
    return ufunc in RULES and any(np.iscomplexobj(plain(x)) for x in inputs)


def _now(partial: Any) -> Any:
    """The number that an array without axes holds now: the program may write into it later."""
    from workbench.autodiff.indexing import get_item

    return get_item(partial, ()) if isinstance(partial, np.ndarray) else partial


def _scaled(bar: Any, partial: Any) -> Any:
    """``bar · conj(partial)``, where a cotangent of zero stays zero whatever the partial is."""
    if type(partial) is float:
        return bar if partial == 1.0 else bar * partial
    product = bar * (np.conj(partial) if np.iscomplexobj(partial) else partial)
    total = np.sum(plain(product))
    if not np.isfinite(total):
        product = np.where(plain(bar) == 0, 0.0, product)
    return product


def _into(ufunc: np.ufunc, inputs: tuple, out: Any, kwargs: dict) -> Any:
    """``ufunc(*inputs, out=out, where=mask)``: computed aside, then written."""
    from workbench.autodiff.indexing import mutate, set_item

    mask = plain(kwargs.pop("where", True))
    mask = mask if mask is True else np.array(mask, bool)
    target = out.array if type(out) is TracedArray else out
    seen = current(target)
    target = target if type(target) is np.ndarray else target.view(np.ndarray)
    if innermost(*inputs) is None and type(seen) is not TracedArray:
        return (
            mutate(target, ufunc, *inputs, out=target, where=mask, **kwargs)
            if OPEN
            else ufunc(*[plain(x) for x in inputs], out=target, where=mask, **kwargs)
        )
    result = apply_ufunc(ufunc, inputs, kwargs if mask is True else {**kwargs, "where": mask})
    if not np.can_cast(plain(result).dtype, target.dtype, kwargs.get("casting", "same_kind")):
        ufunc(*[plain(x) for x in inputs], out=target.copy(), where=mask, **kwargs)  # NumPy's own error
    if mask is not True:
        result = resolve(np.where)(mask, result, seen)
    set_item(result, target, ...)
    return current(target)


# ------------------------------------------------------------------------------------ methods of ufuncs

_REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}


@functools.cache
def ufunc_method_door(ufunc: np.ufunc, name: str) -> Callable:
    """What a rewritten program calls for ``ufunc.reduce``, ``accumulate``, ``outer``, ``at`` and ``reduceat``."""
    method, traced = getattr(ufunc, name), _METHODS.get(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(_input(a) for a in args)
        if name == "at" and OPEN:
            return add_at_method(ufunc, *args)
        if innermost(*args) is None:
            return call_watched(method, [plain(a) for a in args], kwargs)
        if (out := kwargs.pop("out", None)) is not None:
            return written(call(*args, **kwargs), out[0] if isinstance(out, tuple) else out)
        if traced is None:
            raise MissingRuleError(
                f"numpy.{ufunc.__name__}.{name} has no rule", where=user_line(), fix="write it as a loop"
            )
        return traced(ufunc, *args, **kwargs)

    return call


OWNER_DOORS[np.ufunc] = lambda method, ufunc: ufunc_method_door(ufunc, method.__name__)


def _reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if ufunc in _REDUCTIONS:
        options = {"axis": axis, "dtype": dtype, "keepdims": keepdims, "initial": initial, "where": where}
        unset = (None, np._NoValue, True, False)
        given = {k: v for k, v in options.items() if k == "axis" or not any(v is u for u in unset)}
        return resolve(_REDUCTIONS[ufunc])(array, **given, **({"keepdims": True} if keepdims else {}))
    if where is not True or (initial is not None and initial is not np._NoValue):
        raise MissingRuleError(
            f"numpy.{ufunc.__name__}.reduce has no rule for where and initial",
            where=user_line(),
            fix="reduce without them, and combine the result afterwards",
        )
    if dtype is not None:
        array = resolve(np.astype)(array, dtype)
    if axis is None:
        whole = (1,) * np.ndim(plain(array))
        total = _reduce(ufunc, resolve(np.ravel)(array))
        return resolve(np.reshape)(total, whole) if keepdims else total
    rows = resolve(np.moveaxis)(array, axis, 0)
    total = rows[0]
    for k in range(1, len(rows)):
        total = apply_ufunc(ufunc, (total, rows[k]), {})
    return resolve(np.expand_dims)(total, axis) if keepdims else total


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    if dtype is not None:
        array = resolve(np.astype)(array, dtype)
    if ufunc is np.add:
        return resolve(np.cumsum)(array, axis=axis)
    rows = resolve(np.moveaxis)(array, axis, 0)
    totals = [rows[0]]
    for k in range(1, len(rows)):
        totals.append(apply_ufunc(ufunc, (totals[-1], rows[k]), {}))
    return resolve(np.stack)(totals, axis=axis)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    wide = resolve(np.reshape)(a, np.shape(plain(a)) + (1,) * np.ndim(plain(b)))
    return apply_ufunc(ufunc, (wide, b), kwargs)


_METHODS = {"reduce": _reduce, "accumulate": _accumulate, "outer": _outer}


def add_at_method(ufunc: np.ufunc, array: Any, index: Any, values: Any = None) -> None:
    """``ufunc.at(array, index, values)``: unbuffered, so that repeated positions count each time."""
    from workbench.autodiff.indexing import kept_index, mutate, plain_index, set_item

    target, index = (array.array if type(array) is TracedArray else array), kept_index(plain_index(index))
    seen = current(target)
    if type(seen) is not TracedArray and innermost(values) is None:
        mutate(target, ufunc.at, target, index, *(() if values is None else (values,)))
    elif ufunc is np.add:
        set_item(current(add_at(target, index, values)), target, ...)
    elif ufunc is np.subtract:
        set_item(current(add_at(target, index, resolve(np.negative)(values))), target, ...)
    else:
        positions = np.arange(target.size).reshape(target.shape)[index]
        values = resolve(np.broadcast_to)(values, positions.shape)
        flat = resolve(np.ravel)(seen)
        picked = resolve(np.ravel)(values)
        result = [flat[k] for k in range(target.size)]
        for place, position in enumerate(positions.ravel()):
            result[position] = apply_ufunc(ufunc, (result[position], picked[place]), {})
        set_item(resolve(np.reshape)(as_array(result), target.shape), target, ...)


def add_at(array: Any, index: Any, values: Any) -> Any:
    """A copy of ``array`` with ``values`` added at ``index``, repeated positions counted each time."""
    return _add_at(current(array), index, current(values))


def _add_at(array: Any, index: Any, values: Any) -> Any:
    tape = innermost(array, values)
    if tape is None:
        result = np.array(array, copy=True)
        np.add.at(result, index, values)
        return result
    varies = [type(x) in TRACED and x.tape is tape for x in (array, values)]
    value = _add_at(array.value if varies[0] else array, index, values.value if varies[1] else values)

    def add_at_pullback(bar: Any) -> list[Any]:
        cotangents = [bar, resolve_get(bar, index)]
        return [c for c, needed in zip(cotangents, varies, strict=True) if needed]

    operands = [x for x, needed in zip((array, values), varies, strict=True) if needed]
    return record(tape, operands, value, add_at_pullback)


def resolve_get(array: Any, index: Any) -> Any:
    """``array[index]`` as a rewritten program would read it."""
    from workbench.autodiff.indexing import get_item

    return get_item(array, index)


def _array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    if method == "__call__":
        if ufunc in RULES and ufunc in DOORS:
            return DOORS[ufunc](*inputs, **kwargs)
        return apply_ufunc(ufunc, inputs, kwargs)
    return ufunc_method_door(ufunc, method)(*inputs, **kwargs)


def _array_function(self: Any, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    if not contains_traced(args) and not contains_traced(kwargs):
        return function(*plain(tuple(args)), **plain(kwargs))
    return resolve(function)(*args, **kwargs)


for _kind in TRACED:
    _kind.__array_ufunc__ = _array_ufunc
    _kind.__array_function__ = _array_function
