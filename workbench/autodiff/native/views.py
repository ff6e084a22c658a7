"""Parts of arrays: subscripts, and the views that slices make, with their places among the cotangents."""

from __future__ import annotations

import ast
import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import arrays
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.structures import Arr, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def subscript(low: Lowering, array: Arr, node: ast.Subscript) -> Any:
    """``array[...]``: an element, or a view."""
    keys = keys_of(low, array, node)
    if len(keys) == len(array.dims) and all(is_atom(key) for key in keys):
        index = tuple(
            arrays.element_index(low, key, n, node) for key, n in zip(keys, array.dims, strict=True)
        )
        return arrays.load(low, array, index, node)
    return view(low, array, keys, node)


def keys_of(low: Lowering, array: Arr, node: ast.Subscript) -> list[Any]:
    """The parts of a subscript: an atom, a triple of a slice, or None for a new axis; one for each dimension."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    keys: list[Any] = []
    used = 0
    for part in parts:
        if isinstance(part, ast.Slice):
            keys.append(
                tuple(None if p is None else low.evaluate(p) for p in (part.lower, part.upper, part.step))
            )
            used += 1
            continue
        thing = low.evaluate(part)
        if isinstance(thing, Static) and thing.value is None:
            keys.append(None)
        elif isinstance(thing, Static) and thing.value is Ellipsis:
            keys.append(Ellipsis)
        elif isinstance(thing, Tup) and all(map(is_atom, thing.items)):
            keys += thing.items
            used += len(thing.items)
        elif is_atom(thing) and type_of(thing) == "int":
            keys.append(thing)
            used += 1
        else:
            raise low.refuse("an array is indexed by something other than integers and slices", part)
    missing = [(None, None, None)] * (len(array.dims) - used)
    if used > len(array.dims):
        low.stop(node)
    if Ellipsis in [key for key in keys if key is Ellipsis]:
        place = next(k for k, key in enumerate(keys) if key is Ellipsis)
        return [*keys[:place], *missing, *keys[place + 1 :]]
    return [*keys, *missing]


def view(low: Lowering, array: Arr, keys: list[Any], node: ast.AST) -> Arr:
    """A view of an array."""
    at = array.at
    dims: list[Atom] = []
    strides: list[Atom] = []
    text: list[str] = []
    args: list[Atom] = [array.data]
    remaining = iter(zip(array.dims, arrays.strides_of(low, array, node), strict=True))

    def place(atom: Atom) -> str:
        args.append(atom)
        return f"{{{len(args) - 1}}}"

    for key in keys:
        if key is None:
            dims.append(1)
            strides.append(0)
            text.append("None")
            continue
        n, stride = next(remaining)
        if not isinstance(key, tuple):
            key = arrays.element_index(low, key, n, node)
            at = _add(low, at, times(low, key, stride, node), node)
            text.append(place(key))
            continue
        start, length, step = _slice(low, key, n, node)
        at = _add(low, at, times(low, start, stride, node), node)
        dims.append(length)
        strides.append(times(low, stride, step, node))
        stop = _add(low, start, times(low, length, step, node), node)
        if key == (None, None, None):
            text.append(":")
        elif step == 1:
            text.append(f"{place(start)}:{place(stop)}")
        elif step == -1 and key[:2] == (None, None):
            text.append("::-1")
        elif step > 0:
            text.append(f"{place(start)}:{place(stop)}:{place(step)}")
        else:
            raise low.refuse("it uses a slice with a negative step and bounds", node)
    type_ = f"{array.kind}[{len(dims)}]"
    data = shared_view(low, args, type_, f"{{0}}[{', '.join(text)}]", node)
    solid = array.strides is None and all(
        isinstance(key, tuple) and _is_step_one(key[2]) and (k == 0 or key == (None, None, None))
        for k, key in enumerate(_after_integers(keys))
    )
    gaps = None if solid and None not in keys else tuple(strides)
    return dataclasses.replace(array, data=data, at=at, dims=tuple(dims), strides=gaps)


def shared_view(low: Lowering, args: list[Atom], type_: str, text: str, node: ast.AST) -> Value:
    """The view that ``text`` makes of ``args``; the same view of the same array is made once."""
    key = ("view", text, *(a if isinstance(a, Value) else (type(a), a) for a in args))
    if (found := low.known(key)) is None:
        found = low.block.known[key] = low.emit("view", args, type_, node, text=text)
    return found


def _is_step_one(step: Any) -> bool:
    return step is None or (type(step) is int and step == 1)


def _after_integers(keys: list[Any]) -> list[Any]:
    """The keys after the leading integers: only the first of them may be a proper slice in a solid view."""
    return list(itertools.dropwhile(lambda key: key is not None and not isinstance(key, tuple), keys))


def _slice(low: Lowering, key: tuple[Any, Any, Any], n: Atom, node: ast.AST) -> tuple[Atom, Atom, int]:
    """First index, length and step of a slice."""
    lower, upper, step = (None if isinstance(p, Static) and p.value is None else p for p in key)
    step = 1 if step is None else step
    if type(step) is not int or step == 0 or any(p is not None and not is_atom(p) for p in (lower, upper)):
        raise low.refuse("it uses a slice whose step is not a constant", node)
    if any(p is not None and type_of(p) != "int" for p in (lower, upper)):
        raise low.refuse("it uses a slice whose bounds are not integers", node)
    if step < 0:
        if lower is not None or upper is not None:
            raise low.refuse("it uses a slice with a negative step and bounds", node)
        start = low.op("step_int", n, -1, node=node)
        length = n if step == -1 else low.op("count_slice", start, -1, step, node=node)
        return start, length, step
    start: Atom = 0 if lower is None else low.op("clip_index", lower, n, node=node)
    stop: Atom = n if upper is None else low.op("clip_index", upper, n, node=node)
    if step == 1 and start == 0 and type(start) is int:
        return 0, stop, 1
    return start, low.op("count_slice", start, stop, step, node=node), step


def _add(low: Lowering, a: Atom, b: Atom, node: ast.AST) -> Atom:
    if type(b) is int and b == 0:
        return a
    if type(a) is int and a == 0:
        return b
    return low.op("step_int", a, b, node=node)


def times(low: Lowering, a: Atom, b: Atom, node: ast.AST) -> Atom:
    if type(a) is int and a == 1:
        return b
    if type(b) is int and b == 1:
        return a
    return low.op("size", a, b, node=node)
