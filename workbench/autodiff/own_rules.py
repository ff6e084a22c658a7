"""Rules that users register, for their own functions and for other people's, perhaps for certain types only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.application import apply_rule, positional
from workbench.autodiff.arrays import beneath, current, is_writeable
from workbench.autodiff.calls import forget, resolve
from workbench.autodiff.derivatives import stop_gradient
from workbench.autodiff.given import described, fitted, in_words
from workbench.autodiff.location import name_of, user_line
from workbench.autodiff.operations import know_constant, record
from workbench.autodiff.registry import DOORS, OWN, RULES, Rule
from workbench.autodiff.scalars import TRACED, innermost
from workbench.autodiff.structure import is_leaf, leaves, map_leaves
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import plain
from workbench.autodiff.watch import are_equal, call_watched, is_known
from workbench.errors import LostGradientError, MissingRuleError, NotScalarError, RuleError

# primitive -> its rules for certain types, the latest first; the rule for all types stands in RULES
_OF_TYPES: dict[Any, list[tuple[tuple, Rule]]] = {}
# door of a primitive with rules of users -> what is called where none of them fits
_own_doors: dict[Any, Callable] = {}


def rule(primitive: Callable, *, types: tuple[Any, ...] | None = None) -> Callable:
    """Decorator: teach the engine the derivative of ``primitive``, anyone's function or method.

    The decorated function takes the primitive's arguments, all plain, and returns its value and a pullback. The
    pullback takes the cotangent of the value and returns one cotangent for each positional argument (None where
    there is none; those left at their defaults may be counted)::

        @rule(softplus)
        def softplus_rule(x):
            def softplus_pullback(y_bar):
                return (y_bar / (1 + np.exp(-x)),)

            return softplus(x), softplus_pullback

    An argument may also be a list, a dict or an object with numbers in it; its cotangent then has its structure. What
    varies must be an argument, and arguments are not to be changed.

    Args:
        primitive: the function; ``Class.method`` for a method, whose first argument is the object.
        types: the rule is for calls only whose first positional arguments are instances of these types (``object``
            for any, a tuple for several). Of the rules that fit, the one registered last is used; where none fits,
            the rule without types, or what would have been done without rules.
    Raises:
        RuleError: ``types`` holds something that is no type.

    Check it with ``workbench.checks.check_rule(softplus, 0.3)``.
    """
    if not callable(primitive):
        raise RuleError(
            "a rule is for a function or a method",
            found=f"got {primitive!r:.60} of type {type(primitive).__name__}",
            where="@rule(…)",
            fix="name the function itself, as in @rule(softplus)",
        )
    if types is not None and not (isinstance(types, tuple) and all(map(_is_type, types))):
        raise RuleError(
            f"the types of a rule for {name_of(primitive)} are not types",
            found=f"got types={types!r:.80}",
            where="types",
            fix="write types=(numpy.ndarray, float): one type for each of the first arguments",
        )

    def register(function: Callable) -> Callable:
        made = Rule(primitive, functools.partial(_forward, primitive, function))
        if types is None:
            RULES[primitive] = made
        else:
            before = [entry for entry in _OF_TYPES.get(primitive, []) if entry[0] != types]
            _OF_TYPES[primitive] = [(types, made), *before]
        if DOORS.get(primitive) not in _own_doors:
            otherwise = DOORS.get(primitive) or resolve(primitive)
            forget(primitive)
            DOORS[primitive] = own = _door(primitive, otherwise)
            _own_doors[own] = otherwise
        OWN.add(primitive)
        return function

    return register


def _is_type(kind: Any) -> bool:
    return isinstance(kind, type) or (isinstance(kind, tuple) and all(map(_is_type, kind)))


def rule_for(primitive: Callable, args: tuple) -> Rule | None:
    """The rule of ``primitive`` for these arguments, None if there is none."""
    for types, made in _OF_TYPES.get(primitive, ()):
        if len(args) >= len(types) and all(map(isinstance, args, types)):
            return made
    return RULES.get(primitive)


def _is_own(made: Rule) -> bool:
    return isinstance(made.forward, functools.partial) and made.forward.func is _forward


def _forward(primitive: Callable, function: Callable, needs: tuple, args: tuple, kwargs: dict) -> tuple:
    """A user's rule in the form of ``registry.Forward``."""
    traced = innermost(*leaves(args)) is not None  # by an outer derivative, which follows the rule itself
    with _read_only(primitive, needs, args):
        found = (resolve(function) if traced else function)(*args, **kwargs)
    if not isinstance(found, tuple) or len(found) != 2 or not callable(found[1]):
        raise RuleError(
            f"the rule for {name_of(primitive)} must return the value and its pullback",
            found=f"got {described(found)}",
            fix="return value, pullback",
        )
    value, pullback = found
    value = map_leaves(lambda leaf: _apart(leaf, args), value)

    def selected(value_bar: Any) -> list[Any]:
        with _read_only(primitive, needs, args):
            followed = (
                innermost(*map(current, leaves(value_bar))) is not None
            )  # by a derivative of this pullback
            cotangents = (resolve(pullback) if followed else pullback)(value_bar)
        if not isinstance(cotangents, tuple) or len(cotangents) not in (len(args), _most(function)):
            got = len(cotangents) if isinstance(cotangents, tuple) else type(cotangents).__name__
            raise RuleError(
                f"the pullback of the rule for {name_of(primitive)} returned the wrong number of cotangents",
                found=f"got {got}, expected a tuple of {len(args)}",
                fix="return one cotangent for each positional argument, None where there is none",
            )
        return [
            _checked_part(args[k], cotangents[k], "cotangent", f"argument {k} of {name_of(primitive)}")
            if is_leaf(args[k])
            else cotangents[k]
            for k in needs
        ]

    return value, selected


@contextmanager
def _read_only(primitive: Callable, needs: tuple, args: tuple) -> Iterator[None]:
    """The arrays among arguments while a rule has them: what it would write into them, no tape would know of."""
    parts = [leaf for k, a in enumerate(args) for leaf in (leaves(a) if k in needs else (a,))]
    arrays = [getattr(leaf, "array", leaf) for leaf in parts]
    arrays = [a for a in arrays if isinstance(a, np.ndarray) and (a.ndim or a.dtype.kind != "c")]
    locked = [a for a in arrays if is_writeable(a)]
    try:
        for array in locked:
            array.flags.writeable = False
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise RuleError(
            f"the rule for {name_of(primitive)} writes into an argument",
            found="the program would go on with what no derivative knows of",
            fix="let it compute with a copy, and return it",
        ) from error
    finally:
        for array in locked:
            array.flags.writeable = True


def _know_outside(tape: Tape, rule: Rule) -> None:
    """What a rule reads besides its arguments is constant, and so it stays for its pullback."""
    for function in rule.forward.args:
        for name, value in _outside(function) if type(function) is FunctionType else ():
            if innermost(current(value)) is not None:
                raise RuleError(
                    f"the rule for {name_of(rule.primitive)} reads {name!r}, which varies and is no argument",
                    found="its pullback has no cotangent for it",
                    where=user_line(),
                    fix="make it an argument of the function and of the rule",
                )
            know_constant(tape, value)


def _meets_tapes(function: FunctionType) -> bool:
    """Whether a function reads an array that a tape knows, or a traced number, besides its arguments."""
    read = [current(value) for _, value in _outside(function)]
    return innermost(*read) is not None or any(type(x) is np.ndarray and is_known(x) for x in read)


def _outside(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables that a function shares with its surroundings, by name."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if cell != CellType():
            yield name, cell.cell_contents
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]


@functools.lru_cache(maxsize=1024)
def _names(code: CodeType) -> frozenset[str]:
    """The names of globals and attributes in a function, and in the functions that it makes."""
    inner = (_names(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(code.co_names).union(*inner)


def _checked_part(leaf: Any, bar: Any, what: str, where: str) -> Any:
    """The cotangent of one number or array as a rule gives it: it may have more axes, which are summed over."""
    if bar is None or (isinstance(bar, int | np.number | np.bool_) and not np.ndim(leaf)):
        return bar
    shape, wanted = np.shape(bar) if is_leaf(bar) or isinstance(bar, np.ndarray) else None, np.shape(leaf)
    if shape == wanted:
        return bar.view() if type(bar) is np.ndarray else bar  # the rule may keep it: nothing is added to it
    if shape is None or len(shape) < len(wanted) or not _stretches(wanted, shape):
        raise RuleError(
            f"the rule returns a {what} of the wrong shape",
            found=f"got {in_words(bar)}, expected {in_words(leaf)}",
            where=where,
            fix="return a number or an array of the argument's shape, or None where there is no derivative",
        )
    return bar


def _stretches(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of one shape is broadcast to the other."""
    return all(n in (1, m) for n, m in zip(reversed(small), reversed(large), strict=False))


def _apart(leaf: Any, args: tuple) -> Any:
    """An array of a result in memory of its own where a rule returns its argument, or a view of it.

    It cannot be written into: the program without the engine would write into the argument.
    """
    array = getattr(leaf, "array", leaf)
    if not isinstance(array, np.ndarray):
        return leaf
    given = (getattr(x, "array", x) for x in leaves(args))
    shares = any(isinstance(x, np.ndarray) and np.may_share_memory(array, x) for x in given)
    if not shares:
        return leaf
    made = leaf.copy() if type(leaf) is np.ndarray else resolve(np.copy)(leaf)
    getattr(made, "array", made).flags.writeable = False
    return made


def _most(function: Callable) -> int:
    """How many positional arguments a function takes, with those that have default values."""
    code = getattr(function, "__code__", None)
    return code.co_argcount if code is not None else 0


def _door(primitive: Callable, otherwise: Callable) -> Callable:
    @functools.wraps(primitive, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return primitive(*args, **kwargs)
        args = tuple(map(current, args))
        own = rule_for(primitive, args)
        if own is None or not _is_own(own):
            return otherwise(*args, **kwargs)
        given = (*args, *kwargs.values())
        inside = [current(leaf) for a in given if type(a) not in TRACED for leaf in leaves(a)]
        tape = innermost(*given, *inside)
        if tape is None:
            stays = type(primitive) is FunctionType and not _meets_tapes(primitive)
            return call_watched(primitive, args, kwargs) if stays else otherwise(*args, **kwargs)
        _know_outside(tape, own)
        if primitive in _of_structures or innermost(*inside) is not None:
            return _structured(own, args, kwargs)
        try:
            return apply_rule(Rule(primitive, functools.partial(_flat_forward, own.forward)), args, kwargs)
        except _StructureError:
            _of_structures.add(primitive)
            return _structured(own, args, kwargs)

    return call


class _StructureError(Exception):
    """The value of a rule holds numbers in lists, dicts or objects."""


_of_structures: set[Any] = set()  # the primitives of such rules


def _flat_forward(forward: Callable, needs: tuple, args: tuple, kwargs: dict) -> tuple:
    """A rule whose value is a number, an array, or a tuple of them."""
    value, pullback = forward(needs, args, kwargs)
    if any(leaves(part) and not is_leaf(part) for part in (value if isinstance(value, tuple) else (value,))):
        raise _StructureError
    return value, pullback


def _structured(own: Rule, args: tuple, kwargs: dict) -> Any:
    """A rule on arguments with traced values inside of them: the rule gets, and gives back, whole structures."""
    primitive = own.primitive
    args, kwargs = positional(primitive, args, kwargs)
    if innermost(*map(current, leaves(kwargs))) is not None:
        raise MissingRuleError(
            f"{name_of(primitive)} has no rule for traced values inside of its keyword arguments",
            where=user_line(),
            fix="pass them by position",
        )
    args = tuple(map_leaves(current, a) for a in args)
    tape = innermost(*leaves(args))
    on = [[type(leaf) in TRACED and leaf.tape is tape for leaf in leaves(a)] for a in args]
    needs = tuple(k for k, chosen in enumerate(on) if any(chosen))
    operands = [leaf for leaf in leaves(args) if type(leaf) in TRACED and leaf.tape is tape]
    values = tuple(
        map_leaves(lambda leaf: leaf.value if type(leaf) in TRACED and leaf.tape is tape else leaf, a)
        for a in args
    )
    value, pullback = beneath(tape, own.forward, needs, values, kwargs)

    def structured_pullback(bars: Any) -> list[Any]:
        entries = iter(bars)
        found = []
        for k, cotangent in zip(needs, pullback(map_leaves(lambda _: next(entries), value)), strict=True):
            try:
                parts = fitted(args[k], cotangent, where=f"argument {k}", part=_checked_part)
            except NotScalarError as error:
                raise RuleError(
                    f"the pullback of the rule for {name_of(primitive)} returned a cotangent of another structure",
                    found=error.found,
                    where=error.where,
                    fix="return floats and arrays of floats in the structure of the argument, or None",
                ) from error
            found += [part for part, chosen in zip(parts, on[k], strict=True) if chosen]
        return found

    outputs = iter(record(tape, operands, tuple(leaves(value)), structured_pullback))
    return map_leaves(lambda _: next(outputs), value)


# ------------------------------------------------------------------------------------ functions without a derivative


def constant_call(function: Callable) -> Callable:
    """The door of a user's function whose results are constants."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [_untraced(a) for a in args], {name: _untraced(a) for name, a in kwargs.items()}
        result = call_watched(function, *given)
        for before, after in zip((*args, *kwargs.values()), (*given[0], *given[1].values()), strict=True):
            if after is not before and not _unchanged(before, after):
                raise LostGradientError(
                    f"{name_of(function)} is declared non_differentiable, and changes an argument that varies",
                    found="it got a copy without derivatives, and the program would go on without the change",
                    where=user_line(),
                    fix="let it return what it computes, or let it be followed",
                )
        return _untraced(result)

    return call


def _untraced(x: Any) -> Any:
    """``x`` itself if nothing in it is traced, otherwise a copy in plain numbers."""
    return x if innermost(*map(current, leaves(x))) is None else stop_gradient(x)


def _unchanged(before: Any, after: Any) -> bool:
    pairs = [[plain(current(leaf)) for leaf in leaves(x)] for x in (before, after)]
    return len(pairs[0]) == len(pairs[1]) and all(are_equal(a, b) for a, b in zip(*pairs, strict=True))
