"""Universal functions: values by NumPy, derivatives from a table of partials."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import (
    apply_rule,
    as_array,
    converted,
    is_sequence,
    of_objects,
    without_class,
    written_apart,
)
from workbench.autodiff.arrays import TracedArray, beneath, current
from workbench.autodiff.calls import NUMPY_DOORS, numpy_function, python_method, resolve
from workbench.autodiff.compiled import DISPATCHER
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operations import know_constant, record
from workbench.autodiff.overrides import ASKED_NEVER, overridden
from workbench.autodiff.refusing import without_rule
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS, NON_DIFFERENTIABLE, PARTIALS, RULES, learn
from workbench.autodiff.scalars import TRACED, TracedFloat, at_a_pole, innermost, lost, scalar_result
from workbench.autodiff.subarrays import DRESSED, TracedSubnumber
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import SEQUENCES, contains_traced, plain
from workbench.autodiff.unseen import check_none_filled, plain_arrays
from workbench.errors import MissingRuleError


def settled_input(x: Any) -> Any:
    """An operand as it is read now: lists and tuples that hold traced values as arrays."""
    kind = type(x)
    if kind in ASKED_NEVER:
        return current(x)
    if kind is TracedSubnumber:
        return without_class(x)
    if isinstance(x, SEQUENCES):
        x = converted(x)
        return as_array(x) if contains_traced(x) else x
    own = python_method(kind, "__array__")
    if own is not None:
        return current(resolve(own)(x))
    return as_array(x) if is_sequence(x) else current(x)


@functools.cache
def ufunc_door(ufunc: np.ufunc) -> Callable:
    """What a rewritten program calls for a universal function."""

    if made_of_python(ufunc):
        return INSTANCE_DOORS[np.ufunc](ufunc)

    @functools.wraps(ufunc, updated=())
    def call(*inputs: Any, **kwargs: Any) -> Any:
        return apply_ufunc(ufunc, inputs, kwargs)

    call.nin, call.nout = ufunc.nin, ufunc.nout  # asked for by compiled code
    return call


def made_of_python(ufunc: np.ufunc) -> bool:
    """Whether ``numpy.frompyfunc`` made it."""
    return ufunc.__name__.endswith(" (vectorized)")


def apply_ufunc(ufunc: np.ufunc, inputs: tuple, kwargs: dict, by: Callable | None = None) -> Any:
    """``ufunc(*inputs, **kwargs)`` with traced inputs, ``out`` and ``where`` included.

    The value of numbers is computed ``by`` the operator, which may round and raise otherwise.
    """
    out = kwargs.pop("out", None) if "out" in kwargs else None
    if len(inputs) > ufunc.nin:
        inputs, out = inputs[: ufunc.nin], inputs[ufunc.nin :]
    if isinstance(out, tuple):
        if ufunc.nout > 1 and any(place is not None for place in out):
            return written_apart(apply_ufunc(ufunc, inputs, kwargs), out)
        out = out[0] if out else None
    if out is ...:  # NumPy's way to ask for an array even without axes
        return resolve(np.asarray)(apply_ufunc(ufunc, inputs, kwargs))
    inputs = tuple(settled_input(x) for x in inputs)
    if out is not None:
        return _into(ufunc, inputs, out, kwargs)
    if "where" in kwargs:
        kwargs = {**kwargs, "out": None}  # tells NumPy that the elements left out may be anything
    tape = innermost(*inputs)
    if tape is None or (ufunc in NON_DIFFERENTIABLE and not _varies(ufunc, inputs)):
        return ufunc(*[plain(x) for x in inputs], **kwargs)
    partials = PARTIALS.get(ufunc)
    if partials is not None:
        return _by_partials(tape, ufunc, partials, inputs, kwargs, by)
    if learn(ufunc):
        return apply_ufunc(ufunc, inputs, kwargs)
    if ufunc in RULES:
        return apply_rule(RULES[ufunc], inputs, kwargs)
    if made_of_python(ufunc):
        return ufunc_door(ufunc)(*inputs, **kwargs)
    if ufunc in DOORS:  # asked for by code that is not rewritten
        return DOORS[ufunc](*inputs, **kwargs)
    raise without_rule(ufunc)


_NUMBERS_AND_TRACED = frozenset({int, float, np.float64, *TRACED})


def _by_partials(
    tape: Tape, ufunc: np.ufunc, partials: tuple, inputs: tuple, kwargs: dict, by: Callable | None
) -> Any:
    """A universal function whose partial derivatives are known, of operands of which one at least is traced."""
    if not _NUMBERS_AND_TRACED.issuperset(map(type, inputs)):
        inputs = tuple(map(_of_numbers, inputs))
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
    values = tuple(x.value if k in needs else x for k, x in enumerate(inputs))
    value = beneath(tape, by or ufunc, *values, **kwargs)
    bare = plain(value)
    kind = bare.dtype.kind if type(bare) is np.ndarray else np.result_type(bare).kind
    if kind == "O":
        raise lost("an array of objects was about to be computed from traced values")
    if kind not in "fc":
        return bare
    operands = [inputs[k] for k in needs]
    if kind == "f" and not np.ndim(value) and all(type(x) is TracedFloat for x in operands):
        with np.errstate(all="ignore"):
            try:
                found = [beneath(tape, partials[k], np, value, *values) for k in needs]
            except ZeroDivisionError:  # Python's numbers: the derivative is infinite, or there is none
                numbers = [np.float64(plain(v)) for v in (value, *values)]
                found = [partials[k](np, *numbers) for k in needs]
            return scalar_result(value, tape, operands, [_now(partial) for partial in found])
    for constant in inputs:
        if type(constant) is np.ndarray:
            know_constant(tape, constant)

    def elementwise_pullback(bar: Any) -> list[Any]:
        with np.errstate(all="ignore"):
            return [scaled(bar, _partial(partials[k], value, *values)) for k in needs]

    return record(tape, operands, value, elementwise_pullback)


def _of_numbers(x: Any) -> Any:
    """An array of objects, some of them traced numbers, and plain lists as arrays of numbers."""
    if type(x) is np.ndarray:
        return of_objects(x)
    return np.asarray(x) if type(x) not in ASKED_NEVER and isinstance(x, (*SEQUENCES, range)) else x


def _partial(partial: Callable, *given: Any) -> Any:
    try:
        return partial(np, *given)
    except ArithmeticError:  # an array divided by Python's zero: infinite, or NaN
        return at_a_pole(partial, np, *given)


def _varies(ufunc: np.ufunc, inputs: tuple) -> bool:
    """Whether what is constant for real numbers varies for these: the sign of a complex one is its direction."""
    return ufunc in RULES and any(np.iscomplexobj(plain(x)) for x in inputs)


def _now(partial: Any) -> Any:
    """The number that an array without axes holds now: the program may write into it later."""
    from workbench.autodiff.indexing import get_item

    return get_item(partial, ()) if isinstance(partial, np.ndarray) else partial


def scaled(bar: Any, partial: Any) -> Any:
    """``bar · conj(partial)``, where a cotangent of zero stays zero where the partial is infinite or NaN."""
    if type(partial) is float and math.isfinite(partial):
        return bar if partial == 1.0 else bar * partial
    real = type(partial) is np.ndarray and partial.dtype.kind == "f"
    product = bar * (np.conj(partial) if not real and np.iscomplexobj(partial) else partial)
    if np.isnan(
        np.maximum.reduce(plain(product), axis=None, initial=0.0)
    ):  # faster than a sum, and keeps a NaN
        product = np.where((plain(bar) == 0) & ~np.isfinite(plain(partial)), 0.0, product)
    return product


def _into(ufunc: np.ufunc, inputs: tuple, out: Any, kwargs: dict) -> Any:
    """``ufunc(*inputs, out=out, where=mask)``: computed aside, then written."""
    from workbench.autodiff.writing import mutate, set_item

    mask = plain(kwargs.pop("where", True))
    mask = mask if mask is True else np.array(mask, bool)
    given = out
    out = without_class(out) if type(out) in DRESSED else out
    target = out.array if type(out) is TracedArray else out
    seen = current(target)
    target = target if type(target) is np.ndarray else np.ndarray.view(target, np.ndarray)
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
    return given


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
    given = plain_arrays(inputs, kwargs)
    if method == "__call__":
        door = DOORS[ufunc] if ufunc in RULES and ufunc in DOORS else functools.partial(_applied, ufunc)
    else:
        from workbench.autodiff.ufunc_methods import ufunc_method_door

        door = ufunc_method_door(ufunc, method)
    result = door(*inputs, **kwargs)
    check_none_filled(given)
    return result


def _applied(ufunc: np.ufunc, *inputs: Any, **kwargs: Any) -> Any:
    return apply_ufunc(ufunc, inputs, kwargs)


def _array_function(self: Any, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    args = tuple(x.tolist() if type(x) is np.ndarray and x.dtype.hasobject else x for x in args)
    if not contains_traced(args) and not contains_traced(kwargs):
        return function(*plain(tuple(args)), **plain(kwargs))
    given = plain_arrays(args, kwargs)
    result = resolve(function)(*args, **kwargs)
    check_none_filled(given)
    return result


NUMPY_DOORS[np.ufunc] = lambda f, found: overridden(f, found or ufunc_door(f))
NUMPY_DOORS[DISPATCHER] = lambda f, found: overridden(f, found or numpy_function(f))

for _kind in TRACED:
    _kind.__array_ufunc__ = _array_ufunc
    _kind.__array_function__ = _array_function
