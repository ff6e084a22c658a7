"""A function differentiated through another form of itself.

The value is the function's own, to the last bit; its derivatives, of every order, are those of a *form*: the same
mathematics written in what has rules. This is how most functions of compiled packages come to have derivatives.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import seen
from workbench.autodiff.compiled import called_back
from workbench.autodiff.dressing import undressed
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operations import record
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TracedFloat, lost, recorded, unswallowed
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.watch import call_watched
from workbench.autodiff.writing import set_item
from workbench.errors import DifferentiationError, MissingRuleError


def with_value(traced: Any, value: Any) -> Any:
    """``traced`` with its value replaced by ``value``, in tuples and lists too; its derivatives stay."""
    if isinstance(traced, tuple | list) and isinstance(value, tuple | list):
        pairs = [with_value(t, v) for t, v in zip(traced, value, strict=True)]
        return type(value)._make(pairs) if hasattr(type(value), "_make") else type(value)(pairs)
    if type(traced) is TracedFloat:
        inner = with_value(traced.value, value)
        number = inner if type(inner) is TracedFloat else _number(inner)
        return recorded(number, traced.tape, traced, 1.0)
    if type(traced) is TracedArray:
        inner = with_value(traced.value, value)
        if type(inner) is np.ndarray:  # every tape has a memory of its own
            inner = inner.copy("K")
        shape = traced.array.shape

        def value_pullback(bar: Any) -> list[Any]:
            return [np.reshape(bar, shape)]

        return record(traced.tape, [traced], inner, value_pullback)
    return value


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def settled(x: Any) -> Any:
    """An argument as it is read now: lists and tuples that hold traced values as arrays."""
    if isinstance(x, list | tuple) and contains_traced(x):
        return as_array(x)
    return undressed(current(x))


def as_number(x: Any) -> Any:
    """An argument that is one number as a number, also where it is an array without axes.

    Of such an array ``plain`` is a view of memory that varies, so that its distance from ``x`` would not.
    """
    x = settled(x)
    return x[()] if type(x) is TracedArray and not x.ndim else x


def stands_in(*functions: Callable, structured: bool = False, overwrites: bool = False) -> Callable:
    """Decorator: the decorated form gives the derivatives of ``functions``.

    The form takes the function's arguments by position or name, as the program passed them. It runs un-rewritten
    on traced values, so it uses operators, NumPy functions and ``resolve``. Its own value must be the function's, or
    the call is refused: it has options that the form does not follow. None stands for what does not vary.

    Args:
        functions: the functions, which keep giving the value.
        structured: lists and tuples among the arguments are kept as they are.
        overwrites: the function has arguments that allow it to overwrite its input.
    """

    def register(form: Callable) -> Callable:
        for function in functions:
            DOORS[function] = _door(function, form, structured, overwrites)
        return form

    return register


def _door(function: Callable, form: Callable, structured: bool, overwrites: bool) -> Callable:
    accepted = inspect.signature(form).parameters

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return function(*args, **kwargs)
        if overwrites:
            kept = {k: v for k, v in kwargs.items() if not k.startswith("overwrite_")}
            if any(v for k, v in kwargs.items() if k not in kept):
                return overwriting(function, lambda: call(*args, **kept), args, kwargs)
            kwargs = kept
        if not any(contains_traced(a) for a in (*args, *kwargs.values())):
            return function(*[plain(a) for a in args], **kwargs)
        value = function(*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()})
        args = tuple(current(a) if structured else settled(a) for a in args)
        kwargs = {k: current(v) if structured else settled(v) for k, v in kwargs.items()}
        ignored = [k for k in kwargs if k not in accepted]
        for name in ignored:
            if contains_traced(kwargs[name]):
                raise no_rule(function, f"its argument {name!r}")
            if name not in _HARMLESS:
                raise no_rule(function, f"{name}={kwargs[name]!r}")
        kwargs = {k: v for k, v in kwargs.items() if k not in ignored}
        try:
            traced = _formed(form, args, kwargs)
        except (TypeError, ValueError, IndexError) as error:  # the function takes what the form does not
            if isinstance(error, DifferentiationError):
                raise
            traced = _formed_of_arrays(function, form, args, kwargs)
        traced = seen(traced)
        must_agree(function, traced, value)
        return with_value(traced, value)

    return call


def _formed(form: Callable, args: Iterable, kwargs: dict) -> Any:
    with np.errstate(all="ignore"):
        return form(*args, **kwargs)


def _formed_of_arrays(function: Callable, form: Callable, args: tuple, kwargs: dict) -> Any:
    """What the form gives where lists of plain numbers are arrays, as the function itself makes them."""
    try:
        return _formed(form, map(_arrayed, args), {k: _arrayed(v) for k, v in kwargs.items()})
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, DifferentiationError):
            raise
        raise no_rule(function, f"these arguments ({error})") from error


def _arrayed(x: Any) -> Any:
    if not isinstance(x, list | tuple):
        return x
    try:
        return as_array(x)
    except ValueError:  # no array: lists of different lengths
        return x


def overwriting(function: Callable, apart: Callable, args: tuple, kwargs: dict) -> Any:
    """A call that allows ``function`` to overwrite its arguments, where a program may look for the result.

    ``apart`` makes the same call without the permission. What SciPy leaves in an argument that is not the result is
    of no use, and the argument keeps what it was.
    """
    given = (*args, *kwargs.values())
    if not any(map(contains_traced, given)):
        return call_watched(function, args, kwargs)
    places = [x for x in map(plain, given) if type(x) is np.ndarray and x.flags.writeable]
    before = [x.copy() for x in places]
    own = function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})
    after = [x.copy() for x in places]
    for x, old in zip(places, before, strict=True):
        x[...] = old
    result = apart()
    own, parts = (list(r) if isinstance(r, tuple) else [r] for r in (own, result))
    for x, old, new in zip(places, before, after, strict=True):
        if not np.array_equal(old, new, equal_nan=True):
            k = next((k for k, part in enumerate(parts) if _is_close(new, plain(part))), None)
            if k is not None:
                set_item(parts[k], x, ...)
                if _are_one(own[k], x):  # what is written into the one is written into the other
                    parts[k] = current(x)
    return tuple(parts) if isinstance(result, tuple) else parts[0]


def _are_one(x: Any, y: np.ndarray) -> bool:
    return isinstance(x, np.ndarray) and x.strides == y.strides and x.ctypes.data == y.ctypes.data


def _is_close(x: np.ndarray, y: Any) -> bool:
    return isinstance(y, np.ndarray) and x.shape == y.shape and np.allclose(x, y, rtol=1e-9, equal_nan=True)


# options that say how, not what
_HARMLESS = frozenset({"check_finite", "lapack_driver", "driver", "workers", "method", "lwork"})


def no_rule(function: Callable, what: str) -> MissingRuleError:
    """The error for a function that has a rule, but not for this."""
    return MissingRuleError(
        f"{name_of(function)} has no rule for {what}",
        found="a traced value among its arguments",
        where=user_line(),
        fix="leave that option out, register a rule with @workbench.rule, or pass workbench.stop_gradient(x)",
    )


def must_agree(function: Callable, traced: Any, value: Any) -> None:
    """Raise unless the value of a form is the function's own, up to rounding; None says that it does not vary.

    Raises:
        MissingRuleError: the form does not cover the call.
    """
    if traced is None:
        return
    if isinstance(value, tuple | list):
        if len(traced) == len(value):
            for one, own in zip(traced, value, strict=True):
                must_agree(function, one, own)
            return
    elif value is None or np.asarray(value).dtype.hasobject:
        return
    else:
        got, expected = np.asarray(plain(traced)), np.asarray(value)
        if got.shape == expected.shape:
            single = {got.dtype, expected.dtype} & {np.dtype(np.float32), np.dtype(np.complex64)}
            close = 1e-4 if single else 1e-8
            scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1e-5)
            if np.allclose(got, expected, close, close * scale, equal_nan=True):
                return
    raise no_rule(function, "this combination of arguments")


def refuses(*functions: Callable, why: str) -> None:
    """Functions that have no derivative here: an error names the user's line when they get a traced value."""
    for function in functions:
        DOORS[function] = _refusing(function, why)


def _refusing(function: Callable, why: str) -> Callable:
    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        own = getattr(args[0], "__dict__", {}) if args else {}  # of a method's object
        if OPEN and any(contains_traced(a) for a in (*args, *kwargs.values(), *own.values())):
            raise MissingRuleError(
                f"{name_of(function)} is not differentiable here",
                found="a traced value among its arguments",
                where=user_line(),
                fix=why,
            )
        if not OPEN:
            return function(*args, **kwargs)
        new = [_constant(a, function, why) for a in args]
        with unswallowed(None):
            return function(*new, **{k: _constant(v, function, why) for k, v in kwargs.items()})

    return call


def _constant(callback: Any, function: Callable, why: str) -> Any:
    """A function of the program, for one that has no derivative: what it returns must not vary."""
    if type(callback) not in (FunctionType, MethodType):
        return callback
    new = called_back(callback, foreign=True)

    @functools.wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = new(*args, **kwargs)
        if contains_traced(result):
            raise lost(
                f"{name_of(function)} is not differentiable here, and was about to use a traced value",
                fix=why,
            )
        return result

    return call
