"""Arrays: elements and whole-array expressions, read and stored as loops over elements.

A whole-array expression is not computed operation by operation: it stays a recipe for one element (``Lazy``) until
it is stored, named or summed up, and then is one loop. When what it reads may overlap what it is stored into, it goes
through an array of its own first, as in NumPy.

The cotangents of all arrays lie in one long array; each array knows its place there (``Arr.at``), and a view has the
place and strides of what it shows.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import lists, views
from workbench.autodiff.native.ir import Atom, Block, Load, Loop, Store, Value, are_apart, type_of
from workbench.autodiff.native.structures import Arr, Lazy, Lst, Sequence, Tup, is_atom, met

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def strides_of(low: Lowering, array: Arr, node: ast.AST) -> tuple[Atom, ...]:
    """The strides of an array, in elements."""
    if array.strides is not None:
        return array.strides
    strides: list[Atom] = [1]
    for n in reversed(array.dims[1:]):
        strides.insert(0, low.op("size", strides[0], n, node=node) if strides[0] != 1 else n)
    return tuple(strides)


def with_strides(low: Lowering, array: Arr, node: ast.AST) -> Arr:
    """The same array, its strides written out."""
    return dataclasses.replace(array, strides=strides_of(low, array, node))


# ------------------------------------------------------------------------------------------- elements


def load(low: Lowering, array: Arr, index: tuple[Atom, ...], node: ast.AST) -> Value:
    """One element, at an index known to be inside; it is read once as long as nothing is written."""
    key = ("load", low.writes, array.data, *(i if isinstance(i, Value) else (i,) for i in index))
    block: Block | None = low.block
    while block is not None:
        if key in block.known:
            return block.known[key]
        block = block.parent
    out = low.value(array.kind)
    strides = list(strides_of(low, array, node))
    out.node = Load(out, array.data, list(index), array.at, strides, node.lineno, array.root, array.since)
    low.block.nodes.append(out.node)
    low.block.known[key] = out
    return out


def put(low: Lowering, array: Arr, index: tuple[Atom, ...], value: Atom, *, node: ast.AST) -> None:
    """Write one element, at an index known to be inside."""
    if type_of(value) == "float" and array.kind != "float":
        raise low.refuse(f"a float is stored in an array of {array.kind}", node)
    if array.root in low.program.outside_roots:
        raise low.refuse("it writes into an array from outside of the function", node)
    if array.root is None or array.root < 0:
        low.program.writes_inputs = True
        low.program.writes_anywhere |= array.root is None
    low.writes += 1
    strides = list(strides_of(low, array, node))
    value = low.convert(value, array.kind, node)
    low.block.nodes.append(
        Store(array.data, list(index), value, array.at, strides, node.lineno, array.root, array.since)
    )


def element_index(low: Lowering, index: Atom, n: Atom, node: ast.AST) -> Atom:
    """An index counted from the beginning, checked."""
    if type_of(index) != "int":
        raise low.refuse(f"it uses an index of type {type_of(index)}", node)
    return index if is_inside(index, n) else low.op("index", index, n, node=node)


def is_inside(index: Atom, n: Atom) -> bool:
    """Whether an index surely lies in range(n): a loop's counter, give or take a constant."""
    shift = 0
    if isinstance(index, Value) and getattr(index.node, "name", "") == "step_int":
        index, shift = index.node.args
    loop = index.node if isinstance(index, Value) else None
    if not isinstance(loop, Loop) or index is not loop.index or type(shift) is not int:
        return type(index) is int and type(n) is int and 0 <= index < n
    start, stop, step = loop.bounds
    if type(start) is not int or step <= 0 or start + shift < 0:
        return False
    if type(stop) is int and type(n) is int:
        return stop + shift <= n
    room = 0
    if isinstance(stop, Value) and stop is not n and getattr(stop.node, "name", "") == "step_int":
        stop, room = stop.node.args
    return stop is n and room + shift <= 0


# ------------------------------------------------------------------------------------------- loops over elements


def for_each(
    low: Lowering,
    dims: tuple[Atom, ...],
    body: Callable[..., list[Atom]],
    *,
    start: list[Atom],
    node: ast.AST,
    aside: bool = False,
) -> list[Atom]:
    """Nested loops over all indices; ``body(index, carried)`` returns what is carried on; the result is the last."""

    def nest(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        if len(index) == len(dims):
            return body(index, carried)
        outer = low.block
        inner = Block(parent=outer)
        made = Loop(list(carried), inner, [], node.lineno, (0, dims[len(index)], 1), whole=True, aside=aside)
        made.index = Value("int", "", inner, made)
        inner.params = [Value(type_of(atom), "", inner, made) for atom in carried]
        low.block = inner
        low.writes += 1
        inner.yields = nest((*index, made.index), list(inner.params))
        low.writes += 1
        low.block = outer
        outer.nodes.append(made)
        made.outs = [Value(type_of(atom), "", outer, made) for atom in carried]
        return list(made.outs)

    return nest((), start)


def as_lazy(low: Lowering, thing: Any, node: ast.AST) -> Lazy:
    """Anything that can stand in a whole-array expression."""
    if isinstance(thing, Lazy):
        return thing
    if is_atom(thing):
        return Lazy((), type_of(thing), lambda index: thing)
    if isinstance(thing, Arr):
        return Lazy(thing.dims, thing.kind, lambda index: load(low, thing, index, node), (thing,))
    if isinstance(thing, Tup) and thing.items:
        return as_lazy(low, array_of(low, thing, node), node)
    if isinstance(thing, Lst) and isinstance(thing.item, str | None):
        return Lazy(
            (thing.n,),
            thing.item or "float",
            lambda index: lists.element(low, thing, index[0], node),
            thing.parts,
        )
    raise low.refuse("an array expression with something that is no number and no array", node)


def broadcast(low: Lowering, parts: list[Lazy], node: ast.AST) -> tuple[Atom, ...]:
    """The lengths of an expression of these parts. A length 1 stretches only where it is written as 1."""
    rank = max(len(part.dims) for part in parts)
    dims: list[Atom] = []
    for axis in range(-rank, 0):
        found: Atom = 1
        for part in parts:
            if len(part.dims) < -axis:
                continue
            n = part.dims[axis]
            if (
                found is n
                or (type(n) is int and n == 1)
                or (type(n) is int and type(found) is int and n == found)
            ):
                continue
            found = n if type(found) is int and found == 1 else low.op("same", found, n, node=node)
        dims.append(found)
    return tuple(dims)


def elementwise(
    low: Lowering, function: Callable[..., Atom], things: list[Any], kind: str, *, node: ast.AST
) -> Lazy:
    """A function of numbers applied to arrays, element by element."""
    parts = [as_lazy(low, thing, node) for thing in things]
    dims = broadcast(low, parts, node)

    def element(index: tuple[Atom, ...]) -> Atom:
        atoms = []
        for part in parts:
            own = index[len(index) - len(part.dims) :]
            pairs = zip(own, part.dims, strict=True)
            atoms.append(part.element(tuple(0 if type(n) is int and n == 1 else i for i, n in pairs)))
        return function(*atoms)

    return Lazy(dims, kind, element, tuple(source for part in parts for source in part.sources))


def materialise(low: Lowering, lazy: Lazy, node: ast.AST, *, between: bool = False) -> Arr:
    """Compute an array expression into an array of its own, which may be one that only goes ``between`` two loops."""
    made = new_array(low, lazy.dims, lazy.kind, "empty", node=node, between=between)

    def body(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        put(low, made, index, lazy.element(index), node=node)
        return []

    for_each(low, lazy.dims, body, start=[], node=node)
    return made


def reduce(
    low: Lowering, thing: Any, function: Callable[[Atom, Atom], Atom], first: Atom, *, node: ast.AST
) -> Atom:
    """All elements of an array put together with a function of two numbers."""
    lazy = as_lazy(low, thing, node)

    def body(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        return [function(carried[0], lazy.element(index))]

    return for_each(low, lazy.dims, body, start=[first], node=node)[0]


def copy_into(low: Lowering, target: Arr, thing: Any, node: ast.AST) -> None:
    """``target[...] = thing``."""
    if isinstance(thing, Arr) and _copied_in_doubtful_order(low, target, thing, node):
        raise low.refuse("an array is copied over a part of itself with another step", node)
    lazy = as_lazy(low, thing, node)
    between = None
    if any(_may_overlap(target, source) for source in lazy.sources):
        once = len(lazy.dims) == len(target.dims) and lazy.kind == "float" and 1 not in lazy.dims
        made = materialise(low, lazy, node, between=once)
        lazy, between = as_lazy(low, made, node), made.data if once else None
    parts = [Lazy(target.dims, target.kind, lambda index: 0.0), lazy]
    if len(lazy.dims) > len(target.dims):
        raise low.refuse("the value has more dimensions than its place", node)
    dims = broadcast(low, parts, node)
    if any(
        type(n) is int and n == 1 and not (type(m) is int and m == 1)
        for n, m in zip(target.dims, dims, strict=True)
    ):
        low.stop(node)

    def body(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        own = index[len(index) - len(lazy.dims) :]
        pairs = zip(own, lazy.dims, strict=True)
        value = lazy.element(tuple(0 if type(n) is int and n == 1 else i for i, n in pairs))
        put(low, target, index, value, node=node)
        return []

    for_each(low, target.dims, body, start=[], node=node)
    low.block.nodes[-1].between = between


def _may_overlap(target: Arr, source: Arr) -> bool:
    """Whether writing ``target`` element by element could change what is still to be read from ``source``."""
    same = target.at is source.at and target.strides == source.strides and target.dims == source.dims
    return not same and not are_apart(target, source)


def read_elsewhere(sources: tuple[Arr, ...]) -> tuple[Arr, ...]:
    """Sources of an expression whose elements are made of more than the source's element in the same place."""
    return tuple(dataclasses.replace(source, dims=()) for source in sources)


def _copied_in_doubtful_order(low: Lowering, target: Arr, source: Arr, node: ast.AST) -> bool:
    """Whether NumPy may copy overlapping parts in an order that loses values: 2.4 gives y[::2] = y[:3] wrongly."""
    if len(target.dims) != 1 or len(source.dims) != 1 or not _may_overlap(target, source):
        return False
    (a,), (b,) = strides_of(low, target, node), strides_of(low, source, node)
    if type(a) is int and type(b) is int:
        return a != b and a * b > 0
    return a is not b


def store(low: Lowering, target: ast.Subscript, thing: Any) -> None:
    """``array[...] = thing``."""
    array = low.evaluate(target.value)
    if isinstance(array, Lst):
        lists.set_item(low, array, target, lambda before: thing, target)
        return
    if not isinstance(array, Arr):
        raise low.refuse("an item of something other than an array is set", target)
    keys = views.keys_of(low, array, target)
    if len(keys) == len(array.dims) and all(is_atom(key) for key in keys):
        if not is_atom(thing):
            raise low.refuse("an element is set to something other than a number", target)
        index = tuple(element_index(low, key, n, target) for key, n in zip(keys, array.dims, strict=True))
        put(low, array, index, thing, node=target)
        return
    copy_into(low, views.view(low, array, keys, target), thing, target)


def update(low: Lowering, node: ast.AugAssign, array: Arr | None) -> None:
    """``array += thing`` and ``array[...] += thing``, in place."""
    from workbench.autodiff.native.expressions import arithmetic

    kind = type(node.op).__name__
    if array is not None:
        copy_into(
            low, array, arithmetic(low, kind, array, low.evaluate(node.value, lazy=True), node=node), node
        )
        return
    target = node.target
    array = low.evaluate(target.value)
    if isinstance(array, Lst):

        def updated(before: Any) -> Any:
            return arithmetic(low, kind, before, low.evaluate(node.value), node=node)

        lists.set_item(low, array, target, updated, node)
        return
    if not isinstance(array, Arr):
        raise low.refuse("an item of something other than an array is updated", node)
    keys = views.keys_of(low, array, target)
    if len(keys) == len(array.dims) and all(is_atom(key) for key in keys):
        index = tuple(element_index(low, key, n, node) for key, n in zip(keys, array.dims, strict=True))
        before = load(low, array, index, node)
        value = arithmetic(low, kind, before, low.evaluate(node.value), node=node)
        put(low, array, index, value, node=node)
        return
    part = views.view(low, array, keys, node)
    copy_into(low, part, arithmetic(low, kind, part, low.evaluate(node.value, lazy=True), node=node), node)


# ------------------------------------------------------------------------------------------- new arrays


def new_array(
    low: Lowering, dims: tuple[Atom, ...], kind: str, how: str, *, node: ast.AST, between: bool = False
) -> Arr:
    """A new array; ``how`` is ``empty``, ``zeros`` or ``ones``.

    One that only goes ``between`` two loops has no place among the cotangents.
    """
    if not dims:
        raise low.refuse("it uses an array without dimensions", node)
    size: Atom = 1
    for n in dims:
        size = views.times(low, size, n, node)
    places = ", ".join(f"{{{k}}}" for k in range(len(dims)))
    kinds = {"float": "np.float64", "int": "np.int64", "bool": "np.bool_"}
    shape = f"({places})" if len(dims) > 1 else places
    text = f"np.{how}({shape}, {kinds[kind]})" if kind != "float" else f"np.{how}({shape})"
    data = low.emit("new", list(dims), f"{kind}[{len(dims)}]", node, text=text)
    at = low.op("claim", size, node=node) if kind == "float" and not between else 0
    number = next(met)
    return Arr(data, at, dims, None, number, number)


def array_of(low: Lowering, thing: Any, node: ast.AST) -> Arr:
    """``np.array(...)`` of numbers, of nested tuples of numbers, of arrays, or of a list of numbers."""
    if isinstance(thing, Arr | Lazy | Lst):
        return materialise(low, as_lazy(low, thing, node), node)
    dims: list[int] = []
    probe = thing
    while isinstance(probe, Tup):
        dims.append(len(probe.items))
        if not probe.items:
            raise low.refuse("it uses an empty array", node)
        probe = probe.items[0]
    numbers = _numbers(low, thing, dims, node)
    kinds = {type_of(atom) for atom in numbers}
    kind = "float" if "float" in kinds else "int" if "int" in kinds else "bool"
    made = new_array(low, tuple(dims), kind, "empty", node=node)
    for index, atom in zip(itertools.product(*map(range, dims)), numbers, strict=True):
        put(low, made, index, low.convert(atom, kind, node), node=node)
    return made


def _numbers(low: Lowering, thing: Any, dims: list[int], node: ast.AST) -> list[Atom]:
    if not dims:
        if not is_atom(thing):
            raise low.refuse("it uses an array of something other than numbers", node)
        return [thing]
    if not isinstance(thing, Tup) or len(thing.items) != dims[0]:
        raise low.refuse("it uses an array of parts of different lengths", node)
    return [atom for item in thing.items for atom in _numbers(low, item, dims[1:], node)]


def items_of(low: Lowering, thing: Any, node: ast.AST) -> tuple[Atom, Callable[[Atom], Any]] | None:
    """The length of something a loop can run over, and what it gives for a counter; None for a tuple."""
    if isinstance(thing, Sequence):
        return thing.length, thing.item
    if isinstance(thing, Lst):
        return lists.sequence(low, thing, node)
    if isinstance(thing, Arr):
        keys = [(None, None, None)] * (len(thing.dims) - 1)

        def item(index: Atom) -> Any:
            return views.view(low, thing, [index, *keys], node) if keys else load(low, thing, (index,), node)

        return thing.dims[0], item
    return None
