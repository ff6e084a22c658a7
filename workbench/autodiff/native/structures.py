"""What a name stands for while a program is read: numbers, and structures of numbers taken apart.

A *thing* is an atom (a value or a constant number), a ``Cplx`` (two of them), a ``Static`` (anything else known
beforehand: a function, a string, None), a ``Tup`` or a ``Rec`` of things, or one of the two ways of not being known:
``Maybe`` (set on some paths) and ``Conflict`` (different kinds on different paths; refused when used). Tuples and
dataclasses exist only here: the program that is differentiated consists of numbers.

What they are like without their numbers is a *shape*, see ``shapes``.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import itertools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.autodiff.native.ir import Atom, Value
from workbench.autodiff.structure import leaves as varying

met = itertools.count(1)
"""Numbers for arrays, in the order in which they are met."""

_ELEMENTS = {np.dtype(np.float64): "float", np.dtype(np.int64): "int", np.dtype(np.bool_): "bool"}


@dataclass(eq=False, slots=True)
class Given(Value):
    """An array handed to the program."""

    array: Any = None


class Static:
    """Anything that is known when the program is read and is not a number."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static):
            return NotImplemented
        plain = (str, bytes, type(None), type(Ellipsis))
        if isinstance(self.value, plain):
            return type(self.value) is type(other.value) and self.value == other.value
        return self.value is other.value

    def __hash__(self) -> int:
        return hash(self.value) if isinstance(self.value, str) else id(self.value)


def has_fixed_equality(value: Any) -> bool:
    """Whether comparisons of an object come out the same each time: of a word, a member of an enumeration, or by
    identity."""
    plain = (str, bytes, type(None), enum.Enum)
    return isinstance(value, plain) or type(value).__eq__ in (object.__eq__, type(len).__eq__)


def has_fixed_truth(value: Any) -> bool:
    """Whether an object is always true, or always false."""
    plain = (str, bytes, type(None), enum.Enum)
    return isinstance(value, plain) or not {"__bool__", "__len__"} & set(dir(type(value)))


@dataclass(eq=False)
class Cplx:
    """A complex number: its real and its imaginary part, both floats. See ``complexes``."""

    real: Any
    imag: Any


@dataclass(eq=False)
class Tup:
    """A tuple, named tuple or list display of known length; ``kind`` is its class."""

    items: tuple[Any, ...]
    kind: type = tuple


@dataclass(eq=False)
class Rec:
    """A frozen dataclass; ``kind`` is its class."""

    fields: dict[str, Any]
    kind: type


@dataclass(eq=False)
class Dict:
    """A dictionary whose keys are constant strings. A write makes another thing, see ``dicts``.

    ``fresh`` says that the program has no other way to this dictionary than the one that led here.
    """

    entries: dict[str, Any]
    fresh: bool


@dataclass(eq=False)
class Arr:
    """An array: the array itself, where its cotangents begin, its lengths, and its strides where it has gaps.

    ``strides`` (in elements) is None for an array in one piece. ``root`` tells arrays apart that cannot overlap; None
    may overlap with anything that was there ``since`` then: arrays are numbered as they are met.
    """

    data: Value
    at: Atom
    dims: tuple[Atom, ...]
    strides: tuple[Atom, ...] | None = None
    root: int | None = None
    since: int = field(default_factory=lambda: next(met))

    @property
    def kind(self) -> str:
        """The type of the elements."""
        return self.data.type.split("[")[0]


LISTS = 0
"""The root of all arrays that hold lists: they may overlap with each other, and with nothing else."""


@dataclass(eq=False)
class Lst:
    """A list whose length ``n`` is a number of the program; see ``lists``.

    ``parts`` has an array for each number of an element, ``item`` is the elements' shape, None as long as there was
    none. A ``frozen`` list has another name elsewhere, and is only read here.
    """

    parts: tuple[Arr, ...]
    n: Atom
    item: Any
    frozen: bool = False


@dataclass(eq=False)
class Lazy:
    """An array expression not yet computed: its lengths, and what computes one element.

    ``sources`` are the arrays it reads; without lengths where it reads them in other places than its own.
    """

    dims: tuple[Atom, ...]
    kind: str
    element: Callable[[tuple[Atom, ...]], Atom]
    sources: tuple[Arr, ...] = ()


@dataclass(eq=False)
class Sequence:
    """What a loop can run over: a length, and what it gives for a counter. Made by zip and enumerate of arrays."""

    length: Atom
    item: Callable[[Atom], Any]


@dataclass(eq=False)
class Local:
    """A function or lambda defined inside the program, with the scope it was defined in."""

    definition: Any
    scope: Any
    defaults: dict[str, Any]


@dataclass(eq=False)
class Bound:
    """A function with its first arguments: a method of a thing, or a ``functools.partial``."""

    function: Any
    args: tuple[Any, ...]
    keywords: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(eq=False)
class Maybe:
    """A thing that is only set when ``flag`` holds."""

    thing: Any
    flag: Atom


@dataclass(eq=False)
class Conflict:
    """A name that stands for different kinds of things on different paths."""

    reason: str


UNDEFINED = Static(object())


def is_atom(thing: Any) -> bool:
    """Whether a thing is a number."""
    return isinstance(thing, Value) or type(thing) in (float, int, bool)


def leaves(thing: Any) -> list[Atom]:
    """The numbers in a thing, in order."""
    if is_atom(thing):
        return [thing]
    if isinstance(thing, Cplx):
        return [thing.real, thing.imag]
    if isinstance(thing, Tup):
        return [leaf for item in thing.items for leaf in leaves(item)]
    if isinstance(thing, Rec):
        return [leaf for item in thing.fields.values() for leaf in leaves(item)]
    if isinstance(thing, Dict):
        return [leaf for item in thing.entries.values() for leaf in leaves(item)]
    if isinstance(thing, Maybe):
        return [*leaves(thing.thing), thing.flag]
    if isinstance(thing, Arr):
        return [thing.data, thing.at, *thing.dims, *(thing.strides or ())]
    if isinstance(thing, Lst):
        return [*(leaf for part in thing.parts for leaf in leaves(part)), thing.n]
    return []


# ------------------------------------------------------------------------------------------- Python's objects


_READING = frozenset(
    "__iter__ __getitem__ __len__ __bool__ __contains__ __reversed__ __getattribute__ __getattr__".split()
)


def is_plain_tuple(kind: type) -> bool:
    """Whether a class is ``tuple``, or a named tuple whose parts are read as they stand."""
    return kind is tuple or (
        issubclass(kind, tuple) and hasattr(kind, "_fields") and _is_read_as_it_stands(kind)
    )


@functools.lru_cache(maxsize=64)  # which keeps the classes
def _is_read_as_it_stands(kind: type) -> bool:
    own = kind.__mro__[: kind.__mro__.index(tuple)]
    home = next(k for k, cls in enumerate(own) if "_fields" in vars(cls))
    reads = any(_READING & vars(cls).keys() for cls in own)
    return not reads and not any(set(kind._fields) & vars(cls).keys() for cls in own[:home])


def is_record(kind: type) -> bool:
    """Whether instances of a class can be taken apart: a frozen dataclass that nothing else gives a life of its own."""
    parameters = getattr(kind, "__dataclass_params__", None)
    return (
        parameters is not None
        and parameters.frozen
        and kind.__new__ is object.__new__
        and "__getattr__" not in dir(kind)
        and kind.__getattribute__ is object.__getattribute__
    )


def thing_of(value: Any) -> Any:
    """A Python object as a thing with constant numbers."""
    kind = type(value)
    if kind in (float, int, bool):
        return value
    if kind is np.ndarray:
        element = _ELEMENTS.get(value.dtype) if value.ndim else None
        if element is None:
            return Static(value)
        return Arr(Given(f"{element}[{value.ndim}]", "", None, None, value), 0, value.shape)
    if kind is complex:
        return Cplx(value.real, value.imag)
    if kind is np.float64:
        return float(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if is_plain_tuple(kind):
        return Tup(tuple(map(thing_of, value)), kind)
    if is_record(kind):
        return Rec({f.name: thing_of(getattr(value, f.name)) for f in dataclasses.fields(value)}, kind)
    if isinstance(value, types.MethodType):
        return Bound(Static(value.__func__), (thing_of(value.__self__),))
    return Static(value)


def holds_other_numbers(value: Any) -> bool:
    """Whether something in an argument varies and is none of this tier's numbers: lists, arrays of single precision.

    A program may ignore it, or hand it on, and its cotangent would be missing.
    """
    return any(isinstance(part, Static) and varying(part.value) for part in _parts(argument_of(value)))


def _parts(thing: Any) -> Iterator[Any]:
    """What a thing is made of that is no tuple, record or dictionary."""
    inner = (
        thing.items if isinstance(thing, Tup)
        else thing.fields.values() if isinstance(thing, Rec)
        else thing.entries.values() if isinstance(thing, Dict)
        else thing.args if isinstance(thing, Bound)
        else None
    )  # fmt: skip
    if inner is None:
        yield thing
    else:
        for part in inner:
            yield from _parts(part)


def argument_of(value: Any) -> Any:
    """An argument as a thing: a dictionary of strings too, which the program only reads."""
    if type(value) is dict and all(type(key) is str for key in value):
        return Dict({key: argument_of(item) for key, item in value.items()}, fresh=False)
    return thing_of(value)
