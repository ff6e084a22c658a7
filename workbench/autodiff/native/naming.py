"""Names for generated values, and words for things in messages."""

from __future__ import annotations

from typing import Any

from workbench.autodiff.native.ir import Value, type_of
from workbench.autodiff.native.structures import (
    UNDEFINED,
    Arr,
    Bound,
    Conflict,
    Cplx,
    Dict,
    Lazy,
    Local,
    Lst,
    Maybe,
    Rec,
    Sequence,
    Tup,
    is_atom,
)


def name_leaves(thing: Any, name: str) -> None:
    """Give the nameless values of a thing the name it is bound to."""
    if isinstance(thing, Value):
        thing.hint = thing.hint or name.rstrip(".").replace(".", "_")
    elif isinstance(thing, Cplx):
        name_leaves(thing.real, f"{name}_real")
        name_leaves(thing.imag, f"{name}_imag")
    elif isinstance(thing, Tup):
        names = getattr(thing.kind, "_fields", range(len(thing.items)))
        for key, item in zip(names, thing.items, strict=True):
            name_leaves(item, f"{name}_{key}")
    elif isinstance(thing, Rec | Dict):
        for key, item in (thing.fields if isinstance(thing, Rec) else thing.entries).items():
            name_leaves(item, f"{name}_{key}")
    elif isinstance(thing, Lst):
        for part in thing.parts:
            name_leaves(part, name)
        name_leaves(thing.n, f"{name}_n")
    elif isinstance(thing, Arr):
        thing.data.hint = thing.data.hint or name


def describe(thing: Any) -> str:
    """A thing in the user's words."""
    if is_atom(thing):
        return f"a number ({type_of(thing)})"
    if isinstance(thing, Cplx):
        return "a complex number"
    if thing is UNDEFINED:
        return "not set"
    if isinstance(thing, Tup | Rec):
        size = f" of {len(thing.items)}" if isinstance(thing, Tup) else ""
        return f"a {thing.kind.__name__}{size}"
    if isinstance(thing, Dict):
        return "a dict"
    if isinstance(thing, Maybe):
        return describe(thing.thing)
    if isinstance(thing, Conflict):
        return thing.reason
    if isinstance(thing, Lst):
        return "a list"
    if isinstance(thing, Arr | Lazy):
        return f"an array of {len(thing.dims)} dimensions"
    if isinstance(thing, Bound):
        return "a method"
    if isinstance(thing, Local):
        return "a function made inside"
    if isinstance(thing, Sequence):
        return "something to go through once"
    text = repr(thing.value)
    return f"an object of {type(thing.value).__name__}" if " at 0x" in text.lower() else text
