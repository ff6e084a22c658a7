"""Shapes: the hashable description of a thing without its numbers; how to make a thing of a shape, and to join two."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from workbench.autodiff.native.ir import Atom, type_of
from workbench.autodiff.native.structures import (
    LISTS,
    UNDEFINED,
    Arr,
    Cplx,
    Dict,
    Lst,
    Maybe,
    Rec,
    Tup,
    is_atom,
)

COMPLEX = ("complex",)


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


def cotangent_leaves(shape: Any, bar: Any) -> list[Any]:
    """The numbers of a cotangent given in the structure of the value; None and missing parts are zeros."""
    if isinstance(shape, str):
        return [0.0 if bar is None else bar]
    if shape == COMPLEX:
        return [0.0, 0.0] if bar is None else [bar.real, bar.imag]
    if shape[0] == "array":
        return [None if bar is None else np.asarray(bar, dtype=float), *[0.0] * (len(leaf_types(shape)) - 1)]
    if shape[0] == "tuple":
        items = [None] * (len(shape) - 2) if bar is None else bar
        return [
            leaf
            for inner, item in zip(shape[2:], items, strict=True)
            for leaf in cotangent_leaves(inner, item)
        ]
    if shape[0] in ("record", "dict"):
        found = []
        for name, inner in shape[2:]:
            item = None if bar is None else bar.get(name) if isinstance(bar, dict) else getattr(bar, name)
            found += cotangent_leaves(inner, item)
        return found
    return []
