"""Applying a rule: which arguments are traced, on which tape, and what goes on it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, beneath, current, owner_of
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operations import know_constant, record
from workbench.autodiff.overrides import ASKED_NEVER
from workbench.autodiff.registry import DOORS, Rule, positions, put_in_position
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.subarrays import DRESSED, bare_part, class_of
from workbench.autodiff.telling import SEQUENCES, contains_traced, plain
from workbench.errors import DifferentiationError, MissingRuleError


def ruled_call(rule: Rule) -> Callable:
    """The door of a primitive that has a rule."""
    primitive = rule.primitive

    @functools.wraps(primitive, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return apply_rule(rule, args, kwargs)

    return call


def apply_rule(rule: Rule, args: tuple, kwargs: dict) -> Any:
    """Call a primitive that has a rule; put it on the innermost tape that an argument belongs to."""
    out, args, kwargs = without_out(rule.primitive, args, kwargs)
    result = _apply(rule, [_bare(a) for a in args], kwargs)
    return result if out is None else written(result, out)


def _bare(x: Any) -> Any:
    """An argument as it is read now, a value of a subclass without its class."""
    x = current(x)
    return without_class(x) if type(x) in DRESSED else x


def without_class(x: Any) -> Any:
    """A value of a subclass as NumPy reads it: a number by the ``__float__`` of its class, if that has one."""
    cls = class_of(x)
    own = (
        python_method(cls, "__float__")
        if issubclass(cls, float) and not issubclass(cls, np.generic)
        else None
    )
    if own is not None:
        return current(resolve(own)(x))
    return current(bare_part(x)) if type(x) in DRESSED else x


def without_out(function: Callable, args: tuple, kwargs: dict) -> tuple[Any, tuple, dict]:
    """What is given for ``out``, by name or by position, and the arguments without it."""
    if "out" in kwargs:
        kwargs = dict(kwargs)
        return kwargs.pop("out"), args, kwargs
    place = _place_of_out(function)
    if place is None or len(args) <= place:
        return None, args, kwargs
    rest = args[place + 1 :]
    return args[place], (*args[:place], None, *rest) if rest else args[:place], kwargs


@functools.cache
def _place_of_out(function: Callable) -> int | None:
    names = _positions(function)
    return names.index("out") if "out" in names else None


def _apply(rule: Rule, args: list[Any], kwargs: dict) -> Any:
    for position in rule.leaves:
        if position < len(args):
            args[position] = _as_operand(args[position])
    if kwargs:
        args, kwargs = positional(rule.primitive, tuple(args), kwargs, rule.leaves)
    tape = innermost(*args)
    if tape is None:
        return rule.primitive(*args, **kwargs)
    args = [of_objects(a) for a in args]
    tape = innermost(*args)
    needs = tuple(k for k, a in enumerate(args) if type(a) in TRACED and a.tape is tape)
    values = tuple(a.value if k in needs else a for k, a in enumerate(args))
    value, pullback = beneath(tape, rule.forward, needs, values, kwargs)
    return finish(tape, [args[k] for k in needs], values, value, pullback)


def _as_operand(x: Any) -> Any:
    """Lists, and objects that turn themselves into arrays, as arrays."""
    if type(x) in ASKED_NEVER:
        return x
    if isinstance(x, SEQUENCES):
        return as_array(x)
    own = python_method(type(x), "__array__")
    if own is not None:
        return current(resolve(own)(x))
    return as_array(x) if is_sequence(x) else x


def converted(x: Any) -> Any:
    """Objects that turn themselves into arrays, in lists and tuples too, as these arrays."""
    kind = type(x)
    if kind is list or kind is tuple:
        return x if all(type(e) in ASKED_NEVER for e in x) else kind([converted(e) for e in x])
    if kind in DRESSED:
        return _bare(x)
    own = None if kind in ASKED_NEVER else python_method(kind, "__array__")
    return x if own is None else current(resolve(own)(x))


def is_sequence(x: Any) -> bool:
    """Whether ``x`` is of a class of the program that NumPy takes for a sequence of elements: it has a length."""
    kind = type(x)
    length = python_method(kind, "__len__")
    if length is None or python_method(kind, "__getitem__") is None:
        return False
    if kind in TRACED or hasattr(kind, "keys") or hasattr(kind, "__array_interface__"):
        return False
    try:
        return resolve(length)(x) >= 0
    except DifferentiationError:
        raise
    except Exception:  # NumPy takes it for an object then, whatever the error
        return False


def laid_out_like(made: Any, like: np.ndarray) -> Any:
    """``made`` with its axes in the order in memory that those of ``like`` have, as NumPy keeps it in copies."""
    if like.flags.c_contiguous or np.ndim(plain(made)) != like.ndim:
        return made
    order = sorted(range(like.ndim), key=lambda k: -abs(like.strides[k]))
    if order == list(range(like.ndim)):
        return made
    outer = resolve(np.copy)(resolve(np.transpose)(made, order), "C")
    return resolve(np.transpose)(outer, [order.index(k) for k in range(like.ndim)])


def written(result: Any, out: Any) -> Any:
    """The result of a function called with ``out=``, which is that array: computed aside, then written."""
    REWRITTEN_DOORS["set_item"](result, out, ...)
    return out


def written_apart(results: tuple, outs: Any) -> tuple:
    """The results of a function with several, each written where ``outs`` has an array for it."""
    places = (*outs, *[None] * (len(results) - len(outs)))
    return tuple(r if out is None else written(r, out) for r, out in zip(results, places, strict=True))


def finish(tape: Any, operands: list[Any], values: tuple, value: Any, pullback: Callable) -> Any:
    """Record an operation, unless its value is a view of memory that is traced already."""
    array = value.array if type(value) is TracedArray else value
    if type(array) is np.ndarray:
        memory = tape.memories.get(id(owner_of(array)))
        if memory is not None and memory.active:
            return TracedArray(array, memory)
    for constant in values:
        if type(constant) is np.ndarray:
            know_constant(tape, constant)
    return record(tape, operands, value, pullback)


def of_objects(x: Any) -> Any:
    """An array of objects, some of them traced numbers, as an array of numbers; anything else as it is."""
    return as_array(x.tolist()) if type(x) is np.ndarray and x.dtype.hasobject else x


def as_array(nested: Any) -> Any:
    """A list or tuple as an array, traced if anything in it is."""
    return DOORS[np.array](nested)


_positions = functools.cache(positions)


def positional(
    primitive: Callable, args: tuple, kwargs: dict, leaves: tuple[int, ...] = ()
) -> tuple[tuple, dict]:
    """Keyword arguments that are traced are moved to their positions, lists at ``leaves`` as arrays."""
    kwargs = {name: current(value) for name, value in kwargs.items()}
    names = _positions(primitive)
    for name in [names[k] for k in leaves if k < len(names)]:
        if isinstance(kwargs.get(name), SEQUENCES) and contains_traced(kwargs[name]):
            kwargs[name] = as_array(kwargs[name])
    if not any(type(value) in TRACED for value in kwargs.values()):
        return args, kwargs
    args, kwargs = put_in_position(names, args, kwargs)
    left = [name for name, value in kwargs.items() if type(value) in TRACED]
    if left:
        raise MissingRuleError(
            f"{name_of(primitive)} has no rule for its argument {left[0]!r}",
            found=f"got a traced value for the keyword {left[0]!r}",
            where=user_line(),
            fix="pass it by position if the function allows that, or register a rule with @workbench.rule",
        )
    return args, kwargs


def constant_call(function: Callable) -> Callable:
    """The door of a function whose result does not vary: it gets plain values."""
    of_numpy = (getattr(function, "__module__", None) or "").startswith("numpy")

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        out, args, kwargs = without_out(function, args, kwargs) if of_numpy else (None, args, kwargs)
        result = function(*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()})
        return result if out is None else written(result, out)

    return call
