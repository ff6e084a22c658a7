"""What a name stands for while a program is read: numbers, and structures of numbers taken apart.

A *thing* is an atom (a value or a constant number), a ``Cplx`` (two of them), a ``Static`` (anything else known
beforehand: a function, a string, None), a ``Tup`` or a ``Rec`` of things, or one of the two ways of not being known:
``Maybe`` (set on some paths) and ``Conflict`` (different kinds on different paths; refused when used). Tuples and
dataclasses exist only here: the program that is differentiated consists of numbers.

A *shape* is the hashable description of a thing without its numbers.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.autodiff.native.ir import Atom, Value, type_of

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
COMPLEX = ("complex",)


def is_atom(thing: Any) -> bool:
    """Whether a thing is a number."""
    return isinstance(thing, Value) or type(thing) in (float, int, bool)


def shape_of(thing: Any) -> Any:
    """The shape of a thing."""
    if is_atom(thing):
        return type_of(thing)
    if isinstance(thing, Cplx):
        return COMPLEX
    if isinstance(thing, Tup):
        return ("tuple", thing.kind, *map(shape_of, thing.items))
    if isinstance(thing, Rec):
        return ("record", thing.kind, *((name, shape_of(item)) for name, item in thing.fields.items()))
    if isinstance(thing, Dict):
        return ("dict", thing.fresh, *((key, shape_of(item)) for key, item in thing.entries.items()))
    if isinstance(thing, Maybe):
        return ("maybe", shape_of(thing.thing))
    if isinstance(thing, Arr):
        return ("array", thing.kind, len(thing.dims), thing.strides is None)
    if isinstance(thing, Lst):
        return ("list", thing.item, thing.frozen)
    return ("static", thing)


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


def assemble(shape: Any, make: Callable[[str, str], Atom], name: str = "") -> Any:
    """A thing of this shape with its numbers from ``make(type, name)``, in the order of ``leaves``."""
    if isinstance(shape, str):
        return make(shape, name)
    kind = shape[0]
    if shape == COMPLEX:
        return Cplx(make("float", f"{name}_real"), make("float", f"{name}_imag"))
    if kind == "tuple":
        names = getattr(shape[1], "_fields", range(len(shape) - 2))
        return Tup(
            tuple(assemble(item, make, f"{name}_{key}") for key, item in zip(names, shape[2:], strict=True)),
            shape[1],
        )
    if kind == "record":
        return Rec({key: assemble(item, make, f"{name}_{key}") for key, item in shape[2:]}, shape[1])
    if kind == "dict":
        return Dict({key: assemble(item, make, f"{name}_{key}") for key, item in shape[2:]}, shape[1])
    if kind == "maybe":
        thing = assemble(shape[1], make, name)
        return Maybe(thing, make("bool", f"{name}_is_set"))
    if kind == "list":
        types_ = [] if shape[1] is None else leaf_types(shape[1])
        parts = [assemble(("array", type_, 1, True), make, name) for type_ in types_]
        parts = [dataclasses.replace(part, root=LISTS) for part in parts]
        return Lst(tuple(parts), make("int", f"{name}_n"), *shape[1:])
    if kind == "array":
        _, element, n, solid = shape
        data, at = make(f"{element}[{n}]", name), make("int", f"{name}_at")
        dims = tuple(make("int", f"{name}_n{k}") for k in range(n))
        return Arr(
            data, at, dims, None if solid else tuple(make("int", f"{name}_stride{k}") for k in range(n))
        )
    return shape[1]


def leaf_types(shape: Any) -> list[str]:
    """The types of the numbers in a shape."""
    types_: list[str] = []

    def note(type_: str, _: str) -> Atom:
        types_.append(type_)
        return 0.0

    assemble(shape, note)
    return types_


def has_list(shape: Any) -> bool:
    """Whether there is a list in a thing of this shape."""
    return isinstance(shape, tuple) and (shape[:1] == ("list",) or any(map(has_list, shape)))


def has_dict(shape: Any, *, shared: bool = False) -> bool:
    """Whether there is a dictionary in a thing of this shape, or one that the program may reach otherwise too."""
    if not isinstance(shape, tuple):
        return False
    here = shape[:1] == ("dict",) and not (shared and shape[1])
    return here or any(has_dict(inner, shared=shared) for inner in shape)


def has_complex(shape: Any) -> bool:
    """Whether there is a complex number in a thing of this shape."""
    return shape == COMPLEX or (isinstance(shape, tuple) and any(map(has_complex, shape)))


def join_shapes(a: Any, b: Any) -> Any:
    """The shape that can hold things of both shapes; None when there is none."""
    if a == b:
        return a
    undefined = ("static", UNDEFINED)
    if a == undefined or b == undefined:
        other = b if a == undefined else a
        return other if other[0] == "maybe" else ("maybe", other)
    if isinstance(a, str) and isinstance(b, str):
        return "float" if "float" in (a, b) else "int"
    if all(isinstance(side, str) or side == COMPLEX for side in (a, b)):
        return COMPLEX
    if isinstance(a, str) or isinstance(b, str):
        if (a[0] == "maybe") != (b[0] == "maybe"):
            return join_maybe(a, b)
        return None
    if "maybe" in (a[0], b[0]):
        return join_maybe(a, b)
    if "list" in (a[0], b[0]):
        return _join_lists(a, b)
    if "array" in (a[0], b[0]):
        return (*a[:3], False) if a[:3] == b[:3] else None
    if a[0] != b[0] or len(a) != len(b) or a[0] == "static" or (a[1] is not b[1] and a[0] != "dict"):
        return None
    if a[0] in ("record", "dict"):
        if [key for key, _ in a[2:]] != [key for key, _ in b[2:]]:
            return None
        items = [(key, join_shapes(x, y)) for (key, x), (_, y) in zip(a[2:], b[2:], strict=True)]
        head = a[:2] if a[0] == "record" else ("dict", a[1] and b[1])
        return None if any(item is None for _, item in items) else (*head, *items)
    joined = [join_shapes(x, y) for x, y in zip(a[2:], b[2:], strict=True)]
    return None if None in joined else (*a[:2], *joined)


def _join_lists(a: Any, b: Any) -> Any:
    """A list display that meets a list becomes one too, frozen: its other names would not see a change."""
    if a[0] == b[0]:
        return None if None not in (a[1], b[1]) and a[1] != b[1] else ("list", a[1] or b[1], a[2] or b[2])
    display, other = (a, b) if b[0] == "list" else (b, a)
    if display[:2] != ("tuple", list):
        return None
    item = other[1]
    for inner in display[2:]:
        item = inner if item is None else item
        if join_shapes(item, inner) != item or not is_numbers(inner):
            return None
    return ("list", item, True)


def is_numbers(shape: Any) -> bool:
    """Whether things of this shape are floats, integers and truth values, or tuples of them."""
    if isinstance(shape, str):
        return True
    return shape is not None and shape[0] == "tuple" and all(map(is_numbers, shape[2:]))


def join_maybe(a: Any, b: Any) -> Any:
    """Join where at least one side may be unset."""
    inner = join_shapes(a[1] if a[0] == "maybe" else a, b[1] if b[0] == "maybe" else b)
    return None if inner is None else ("maybe", inner)


# ------------------------------------------------------------------------------------------- Python's objects


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
    if kind is tuple or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        return Tup(tuple(map(thing_of, value)), kind)
    if is_record(kind):
        return Rec({f.name: thing_of(getattr(value, f.name)) for f in dataclasses.fields(value)}, kind)
    if isinstance(value, types.MethodType):
        return Bound(Static(value.__func__), (thing_of(value.__self__),))
    return Static(value)


def argument_of(value: Any) -> Any:
    """An argument as a thing: a dictionary of strings too, which the program only reads."""
    if type(value) is dict and all(type(key) is str for key in value):
        return Dict({key: argument_of(item) for key, item in value.items()}, fresh=False)
    return thing_of(value)


def object_of(shape: Any, numbers: Iterator[Any], *, static: bool = True) -> Any:
    """A Python object of this shape, its numbers taken in order; with None for what is no number unless ``static``."""
    if isinstance(shape, str):
        return next(numbers)
    kind = shape[0]
    if shape == COMPLEX:
        real, imag = next(numbers), next(numbers)
        return (np.complex128 if isinstance(real, np.float64) else complex)(complex(real, imag))
    if kind == "array":
        data = next(numbers)
        for _ in leaf_types(shape)[1:]:
            next(numbers)
        return data
    if kind == "tuple":
        items = [object_of(item, numbers, static=static) for item in shape[2:]]
        return shape[1]._make(items) if hasattr(shape[1], "_fields") else shape[1](items)
    if kind == "dict":
        return {key: object_of(item, numbers, static=static) for key, item in shape[2:]}
    if kind == "record":
        new = object.__new__(shape[1])
        for name, item in shape[2:]:
            object.__setattr__(new, name, object_of(item, numbers, static=static))
        return new
    return shape[1].value if static else None
