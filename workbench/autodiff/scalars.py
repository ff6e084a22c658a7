"""A traced number: it answers like the float it stands for, and remembers how it was made.

It is deliberately not a subclass of float. C code that would take the number out and drop the derivative has to ask
for ``__float__``, and that raises an error naming the user's line.
"""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

import numpy as np

from workbench.autodiff.location import user_line
from workbench.autodiff.subarrays import DRESSED, bare_part
from workbench.autodiff.tape import Entry, Tape
from workbench.errors import LostGradientError

EXACT_FROM = 2.0**52
"""Floats from here on are whole numbers."""


class TracedFloat:
    """A real number on a tape, with the partials of the operation that made it.

    Made by ``recorded``: a class without ``__init__`` is called a fifth faster, which shows in every operation.
    ``value`` is a float, a NumPy float, or, inside a derivative of a derivative, a traced number of an outer tape.
    ``parent`` and ``parent2`` are the operands on the same tape (None for a leaf), ``partial`` and ``partial2`` the
    derivatives by them; of a difference from a plain number ``partial2`` is that number. ``bar`` is the cotangent
    while the tape is swept back.
    """

    __slots__ = ("bar", "parent", "parent2", "partial", "partial2", "tape", "value")

    # -- looks like the number it stands for

    @property
    def __class__(self):  # isinstance(x, float) is true
        return self.value.__class__

    def __hash__(self) -> int:
        return hash(self.value)

    def __copy__(self) -> TracedFloat:
        return self

    def __deepcopy__(self, memo: dict) -> TracedFloat:
        return self

    # -- what has no derivative: whole numbers and comparisons

    def __int__(self) -> int:
        refuse_exact_whole_number(self)
        return int(self.value)

    __trunc__ = __int__

    def __floor__(self) -> int:
        refuse_exact_whole_number(self)
        return math.floor(self.value)

    def __ceil__(self) -> int:
        refuse_exact_whole_number(self)
        return math.ceil(self.value)

    def is_integer(self) -> bool:
        return self.value.is_integer()

    def __round__(self, digits: int | None = None) -> Any:
        refuse_exact_whole_number(self, 10.0 ** (digits or 0))
        return round(self.value, digits)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __abs__(self) -> Any:
        return self if self.value >= 0 else -self

    # -- ways off the tape

    def __float__(self) -> float:
        if self.tape.open:
            raise lost("a traced number was about to become a plain float in compiled code")
        return float(self.value)

    def __complex__(self) -> complex:
        if self.tape.open:
            raise lost("a traced number was about to become a plain complex number in compiled code")
        return complex(self.value)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        if self.tape.open:
            raise lost("a traced number was about to be copied into a plain array in compiled code")
        return np.asarray(self.value, *args)

    def __reduce_ex__(self, protocol: int) -> Any:
        if self.tape.open:
            raise lost("a traced number was about to be pickled")
        return self.value.__reduce_ex__(protocol)

    def as_integer_ratio(self) -> tuple[int, int]:
        if self.tape.open:
            raise lost("a traced number was about to become a ratio of whole numbers")
        return self.value.as_integer_ratio()

    def hex(self) -> str:
        if self.tape.open:
            raise lost("a traced number was about to become a hexadecimal string")
        return self.value.hex()

    # -- what a number has besides operators

    @property
    def real(self) -> TracedFloat:
        return self

    @property
    def imag(self) -> float:
        return type(strip(self))(0.0)

    def conjugate(self) -> TracedFloat:
        return self


def _number_attribute(name: str) -> property:
    """An attribute of NumPy's numbers: ``dtype``, ``shape``, ``sum`` …

    Not by ``__getattr__``: Python reads the slots of a class that has one several times slower.
    """

    def get(self: TracedFloat) -> Any:
        from workbench.autodiff.operations import number_attribute

        return number_attribute(self, name)

    return property(get)


for _name in dir(np.float64):
    if (_name[:2] != "__" or _name == "__array_namespace__") and _name not in vars(TracedFloat):
        setattr(TracedFloat, _name, _number_attribute(_name))


def recorded(
    value: Any,
    tape: Tape,
    parent=None,
    partial=None,
    parent2=None,
    partial2=None,
    make=TracedFloat,
) -> TracedFloat:
    """A new traced number, the latest of ``tape``: a leaf, or what one or two operands on that tape gave."""
    made = make()
    made.value = value
    made.tape = tape
    made.parent = parent
    made.partial = partial
    made.parent2 = parent2
    made.partial2 = partial2
    made.bar = 0.0
    tape.append(made)
    return made


_losses = threading.local()


_WAYS = (
    "call a function that has a rule, register one with @workbench.rule(function), or, if no derivative is wanted"
    " here, pass workbench.stop_gradient(x)"
)


COMPLEX = (complex, np.complexfloating)
"""The classes of complex numbers; only complex128 is one of Python's."""


def refuse_exact_whole_number(x: Any, scale: float = 1.0) -> None:
    """Refuse to make a whole number of ``scale`` times a traced number so large that nothing is rounded away.

    Below 2⁵² a whole number is a step function of x, whose derivative is 0 wherever it exists. From there on it is x
    itself, written down exactly, as libraries of long arithmetic take floats apart.
    """
    value = strip(x)
    if type(x) is TracedFloat and math.isfinite(value) and abs(value) * scale >= EXACT_FROM:
        raise lost("a traced number was about to become a whole number that holds all of its digits")


def lost(what: str, *, fix: str = _WAYS) -> LostGradientError:
    """The error for a value that would leave the tape, naming the user's line."""
    error = LostGradientError(
        what,
        found="the result would no longer depend on the inputs, and the gradient would be silently wrong",
        where=user_line(),
        fix=fix,
    )
    _losses.latest = error
    return error


class unswallowed:
    """Around compiled code: an error for a lost value comes out even if the code swallows or replaces it.

    ``function`` is what is called; None for a package's function that may call compiled code in turn.
    """

    __slots__ = ("before", "function")

    def __init__(self, function: Any) -> None:
        self.function = function

    def __enter__(self) -> None:
        self.before = getattr(_losses, "latest", None)  # compiled code around may go on after an error
        _losses.latest = None

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        latest = _losses.latest
        if latest is None:
            _losses.latest = self.before
        elif error is not latest and (
            self.function is None
            or issubclass(type(self.function), BuiltinFunctionType)
            or kind is SystemError
        ):
            raise latest from error


def strip(x: Any) -> Any:
    """The plain number under all tapes."""
    while type(x) is TracedFloat:
        x = x.value
    return x


def at_a_pole(partial: Callable, *given: Any) -> Any:
    """A partial where Python divides by zero: by NumPy's numbers, which do not raise, on the tapes of what is given."""
    with np.errstate(all="ignore"):
        return _of_kind(float, partial(*[_of_kind(np.float64, x) for x in given]))


def _of_kind(kind: type, x: Any) -> Any:
    if type(x) is TracedFloat:
        return recorded(_of_kind(kind, x.value), x.tape, x, 1.0)
    return kind(x) if isinstance(x, float | int) else x


def innermost(*values: Any) -> Tape | None:
    """The open tape of the highest level among traced numbers and arrays, None if there is none."""
    found = None
    for value in values:
        kind = type(value)
        tape = getattr(value, "tape", None) if kind in TRACED else None
        if kind in DRESSED and bare_part(value).tape.open:
            raise lost("a traced value of a subclass was about to be used without its class")
        if tape is not None and tape.open and (found is None or tape.level > found.level):
            found = tape
    return found


# The engine's own value types; arrays.py adds the traced array.
TRACED: set[type] = {TracedFloat}


class ScalarStep(Entry):
    """A scalar result of several operands, or with partials that are found only on the way back."""

    __slots__ = ("operands", "partials", "result")
    is_write = False

    def __init__(self, operands: list[TracedFloat], partials: list[Any]) -> None:
        self.operands, self.partials = operands, partials

    def back(self) -> None:
        bar = self.result.bar
        if type(bar) is TracedFloat or bar:
            self.result.bar = 0.0
            for operand, partial in zip(self.operands, self.partials, strict=True):
                operand.bar += partial * bar


def scalar_result(value: Any, tape: Tape, operands: list[TracedFloat], partials: list[Any]) -> TracedFloat:
    """A traced number made from any number of operands of ``tape``."""
    if len(operands) == 1:
        return recorded(value, tape, operands[0], partials[0])
    if len(operands) == 2:
        return recorded(value, tape, operands[0], partials[0], operands[1], partials[1])
    tape.append(step := ScalarStep(operands, partials))
    step.result = recorded(value, tape)
    return step.result


class Probe:
    """Stands for a key while it is looked up, and sees the key that is stored."""

    __slots__ = ("key", "stored")
    __array_ufunc__ = None  # NumPy's numbers would compare a copy of theirs

    def __init__(self, key: Any) -> None:
        self.key, self.stored = key, None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        same = other is self.key or bool(other == self.key)
        if same:
            self.stored = other
        return same


_OF_MEMOS = (operator.eq, operator.ne)


def _compare(compare) -> Any:
    def method(self: TracedFloat, other: Any) -> Any:
        if type(other) is TracedFloat:
            left_over = self.tape.open and not other.tape.open
            other = other.value
            if left_over and compare in _OF_MEMOS and compare(self.value, other) is (compare is operator.eq):
                raise lost(
                    "a traced number was found equal to one of a run before, in code that is not followed"
                )
        elif type(other) is Probe:
            return NotImplemented  # it has to see this number itself
        return compare(self.value, other)

    return method


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(TracedFloat, f"__{_name}__", _compare(getattr(operator, _name)))
