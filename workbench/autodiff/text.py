"""Text of traced numbers: it prints like any text, and remembers that a number that varies is written in it.

A number that is read out of text is a constant, so whatever reads one refuses such text. The mark goes with the
text through f-strings, ``%``, ``format``, ``join`` and every method of strings. Text that is one number and nothing
else is that number where it is read, if enough digits of it are written.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import SLOT_DOORS, python_method, resolve
from workbench.autodiff.kept import COMPARED
from workbench.autodiff.registry import OWNER_DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS, rewritten_code
from workbench.autodiff.scalars import TRACED, TracedFloat, lost, strip
from workbench.autodiff.settling import SETTLED
from workbench.autodiff.subarrays import DRESSED, bare_part, own_part
from workbench.autodiff.tape import Tape
from workbench.autodiff.telling import WRITTEN, plain
from workbench.errors import LostGradientError


class TracedText(str):
    """Text with a number of ``tape`` in it. Outside of the differentiated program it is text like any other."""

    __slots__ = ("_place", "_tape")

    def __new__(cls, text: str, tape: Tape, place: int | None = None) -> TracedText:
        new = super().__new__(cls, text)
        new._tape = weakref.ref(tape)
        new._place = place
        return new

    @property
    def tape(self) -> Tape | None:
        """The tape, as long as its program runs."""
        tape = self._tape()
        return tape if tape is not None and tape.open else None

    @property
    def __class__(self):
        return str

    def __float__(self) -> float:
        refuse_text(self, "a number")
        return float(str.__str__(self))

    def __int__(self) -> int:
        refuse_text(self, "a whole number")
        return int(str.__str__(self))

    def __str__(self) -> str:
        return self

    def __iter__(self) -> Iterator[str]:
        return (marked(letter, self.tape) for letter in str.__iter__(self))

    def __radd__(self, other: Any) -> Any:
        return marked(str(other) + str.__str__(self), self.tape) if isinstance(other, str) else NotImplemented

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        refuse_text(self, "bytes")
        return str.encode(self, *args, **kwargs)

    def __copy__(self) -> TracedText:
        return self

    def __deepcopy__(self, memo: dict) -> TracedText:
        return self

    def __reduce__(self) -> tuple:
        return str, (str.__str__(self),)

    def __reduce_ex__(self, protocol: int) -> tuple:
        refuse_text(self, "bytes")
        return self.__reduce__()


def _method(name: str) -> Callable:
    of_text = getattr(str, name)

    def method(self: TracedText, *args: Any, **kwargs: Any) -> Any:
        return marked(of_text(self, *[plain(a) for a in args], **kwargs), self.tape)

    method.__name__ = name
    return method


def _stripping(name: str) -> Callable:
    strip_off = getattr(str, name)

    def method(self: TracedText, *letters: Any) -> Any:
        stripped = strip_off(self, *letters)
        return TracedText(stripped, self.tape, None if letters else self._place) if self.tape else stripped

    method.__name__ = name
    return method


for _name in ("lstrip", "rstrip", "strip"):
    setattr(TracedText, _name, _stripping(_name))


for _name in (
    "capitalize casefold center expandtabs format format_map join ljust lower partition removeprefix "
    "removesuffix replace rjust rpartition rsplit split splitlines swapcase title translate upper zfill "
    "__add__ __format__ __getitem__ __mod__ __mul__ __repr__ __rmod__ __rmul__"
).split():
    setattr(TracedText, _name, _method(_name))


def marked(text: Any, tape: Tape | None) -> Any:
    """``text``, or the texts in a list, tuple or dict of them, as text with a number of ``tape`` in it."""
    if tape is None:
        return text
    if type(text) is str:
        return TracedText(text, tape)
    if type(text) is dict:
        return {name: marked(part, tape) for name, part in text.items()}
    return type(text)([marked(part, tape) for part in text]) if type(text) in (list, tuple) else text


def written(text: Any, *sources: Any) -> Any:
    """``text``, which was made of ``sources``: marked if a traced number is written in it."""
    return marked(text, tape_in(sources)) if type(text) in (str, list, tuple, dict) else text


def written_by(write: Callable, number: Any) -> Any:
    """``write(number)``, of plain numbers: text that tells nothing but this number, and how it is written."""
    text = write(plain(number))
    tape = tape_in(number)
    if tape is None or type(text) is not str:
        return text
    numbers = tape.caches.setdefault(TracedText, {})
    numbers[len(numbers)] = number, write
    return TracedText(text, tape, len(numbers) - 1)


def number_of(text: TracedText) -> Any:
    """The traced number that ``text`` writes with seven digits at least; None if there is none."""
    if text.tape is None or text._place is None:
        return None
    number, write = text.tape.caches[TracedText][text._place]
    while not number.tape.open:
        number = number.value
    return number if keeps_digits(write, strip(number)) else None


KEPT = 1e-7
"""Numbers that are rounded by less, relative to their size, are taken for what they were, as in single precision."""


def keeps_digits(rounded: Callable[[float], Any], x: float) -> bool:
    """Whether ``rounded``, a number or its text, is x in seven digits, and numbers beside x are as well."""
    size = abs(x) or 1.0
    try:
        return all(abs(float(rounded(v)) - v) <= KEPT * size for v in (x + k * KEPT * size for k in _BESIDE))
    except (ValueError, OverflowError):  # no number, or an infinite one
        return False


_BESIDE = (-37.0, -10.0, 0.0, 13.0, 41.0)

_BARE = frozenset({str, int, float, bool, bytes, type(None), complex, type, np.float64, np.int64})


def tape_in(x: Any, depth: int = 4) -> Tape | None:
    """The tape of a traced number or text in ``x``, the outermost one of its tapes; None if there is none."""
    kind = type(x)
    if kind in _BARE:
        return None
    if kind is TracedText:
        return x.tape
    if kind is np.ndarray:
        x = current(x)
    if type(x) in TRACED:
        while type(x.value) in TRACED:
            x = x.value
        return x.tape if x.tape.open else None
    if not depth:
        return None
    if kind in DRESSED:
        parts: Iterable = (bare_part(x), *own_part(x).values())
    elif isinstance(x, dict):
        parts = (*x, *x.values())
    else:
        parts = x if isinstance(x, _HOLDERS) else _fields(x, kind)
    return next((tape for tape in (tape_in(part, depth - 1) for part in parts) if tape is not None), None)


_HOLDERS = (list, tuple, set, frozenset, deque)


def _fields(x: Any, kind: type) -> Iterable:
    """What the text of an object may tell: nothing where its class does not say how it is written."""
    if python_method(kind, "__repr__") is None and python_method(kind, "__str__") is None:
        return ()
    slots = [getattr(x, name, None) for name in getattr(kind, "__slots__", ()) if type(name) is str]
    return (*getattr(x, "__dict__", {}).values(), *slots)


def bare(x: Any) -> Any:
    """Text without the mark, once the program that wrote it has ended."""
    return str.__str__(x) if type(x) is TracedText and x.tape is None else x


SETTLED[TracedText] = bare
WRITTEN.add(TracedText)
COMPARED.add(TracedText)


def refuse_text(x: Any, what: str) -> None:
    """Stop where a number is about to be read out of text that was written with traced numbers.

    Raises:
        LostGradientError: naming the line.
    """
    if type(x) is TracedText and x.tape is not None:
        raise lost_in_text(what)


def lost_in_text(what: str) -> LostGradientError:
    """The error for text of a traced number that is about to be read as ``what``."""
    return lost(
        f"text that a traced number is written in was about to be read as {what}",
        fix="use the number itself in place of its text (round(x, 3) rounds it), or, if no derivative is wanted here,"
        " pass workbench.stop_gradient(x) to what writes it",
    )


# ------------------------------------------------------------------------------------ how things are written


def _writer(names: tuple[str, ...], write: Callable) -> Callable:
    """``str`` or ``repr`` of anything, by the first of the methods ``names`` that its class has."""

    def call(x: Any) -> str:
        kind = type(x)
        if kind in _BARE:
            return write(x)
        if kind in TRACED or kind is TracedText:
            return write(x)
        own = next((found for name in names if (found := python_method(kind, name)) is not None), None)
        if own is not None and not hasattr(kind, "__dataclass_fields__") and rewritten_code(own) is not None:
            return resolve(own)(x)
        return written(write(x), x)

    return call


str_of = _writer(("__str__", "__repr__"), str)
repr_of = _writer(("__repr__",), repr)


def ascii_of(x: Any) -> str:
    """``ascii(x)``."""
    return written(ascii(x), x)


def format_of(x: Any, spec: str = "") -> str:
    """``format(x, spec)``."""
    kind = type(x)
    if kind in _BARE or kind in TRACED or kind is TracedText:
        return format(x, spec)
    own = python_method(kind, "__format__")
    if own is not None:
        return resolve(own)(x, spec)
    if not spec and kind.__format__ is object.__format__:
        return str_of(x)
    return written(format(x, spec), x)


_CONVERSIONS = {-1: lambda x: x, ord("s"): str_of, ord("r"): repr_of, ord("a"): ascii_of}


def formatted(x: Any, conversion: int, spec: str) -> str:
    """One ``{x!r:spec}`` of an f-string."""
    return format_of(_CONVERSIONS[conversion](x), spec)


def joined(*parts: str) -> str:
    """An f-string of its parts."""
    return parts[0] if len(parts) == 1 else written("".join(parts), parts)


REWRITTEN_DOORS.update(formatted=formatted, joined=joined)

_WRITING = frozenset({"format", "format_map", "join", "replace"})


def _text_method(method: Callable, owner: str) -> Callable:
    """A method of plain text that may write its arguments into the result."""
    name = method.__name__
    if name not in _WRITING:
        return method

    def call(*args: Any, **kwargs: Any) -> str:
        if name == "join":
            args = tuple([*REWRITTEN_DOORS["iterate"](a)] for a in args)
        if name == "format" and len(args) == 1 and not kwargs and type(args[0]) is TracedFloat:
            return written_by(method, *args)
        return written(method(*args, **kwargs), args, kwargs)

    return call


OWNER_DOORS[str] = _text_method


def percent(text: str, values: Any, operator: Callable = str.__mod__) -> str:
    """``text % values``."""
    number = values[0] if type(values) is tuple and len(values) == 1 else values
    if type(number) is TracedFloat:
        return written_by(lambda x: operator(text, (x,) if type(values) is tuple else x), number)
    return written(operator(text, plain(values)), values)


SLOT_DOORS[str, "__mod__"] = percent


def _writes(write: Callable) -> Callable:
    """How a traced value is written: as its value is, with the mark."""

    def method(self: Any, *args: Any) -> str:
        if type(self) is TracedFloat:
            return written_by(lambda x: write(x, *args), self)
        return marked(write(plain(self), *args), tape_in(self))

    return method


for _kind in (TracedFloat, TracedArray):
    _kind.__repr__, _kind.__str__, _kind.__format__ = _writes(repr), _writes(str), _writes(format)
