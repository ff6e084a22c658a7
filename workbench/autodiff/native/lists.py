"""Lists of numbers, or of tuples of numbers, whose length is known only when the program runs.

A list is one array for each number of an element, longer than it has to be, and a length. Appending writes the next
element, and takes arrays twice as long when they are full; ``pop`` makes the length smaller. The elements are elements
of arrays for both sweeps, so there is nothing to undo. Which lists may grow, so that no other name would have to see
it, says ``names_of_lists``; the other names of a list that does not grow share its arrays, as in Python.
"""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import arrays
from workbench.autodiff.native.ir import Atom, type_of
from workbench.autodiff.native.names_of_lists import GROWING, changed_names, is_fresh, second_name
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.shapes import assemble, is_numbers, join_shapes, leaf_types, shape_of
from workbench.autodiff.native.structures import (
    LISTS,
    Arr,
    Dict,
    Lst,
    Maybe,
    Rec,
    Sequence,
    Static,
    Tup,
    is_atom,
    leaves,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workbench.autodiff.native.lower import Lowering

FIRST_CAPACITY = 4
UNROLLED = 64  # up to here displays are written out, see ``statements``
READERS = (len, sum, enumerate, zip, reversed, np.sum, np.array)


# ------------------------------------------------------------------------------------------- making


def born(low: Lowering, target: ast.AST, value: ast.expr, thing: Any) -> Any:
    """What a name is set to: a list display becomes a list of its own where its elements or its length change."""
    if not (isinstance(target, ast.Name) and isinstance(thing, Tup) and thing.kind is list):
        return thing
    if (
        target.id not in changed_names(low.scope.definition)
        or isinstance(value, ast.Call)
        or not is_fresh(value)
    ):
        return thing
    item = None
    for one in thing.items:
        item = shape_of(one) if item is None else join_shapes(item, shape_of(one))
        if not is_numbers(item):
            return thing
    return of_items(low, thing, item, value)


def of_items(low: Lowering, thing: Tup, item: Any, node: ast.AST) -> Lst:
    """A list of these elements."""
    if item is None:
        return Lst((), 0, None)
    made = empty(low, item, max(len(thing.items), FIRST_CAPACITY), node)
    for position, one in enumerate(thing.items):
        _write(low, made, position, low.coerce(one, item, node), node)
    return dataclasses.replace(made, n=len(thing.items))


def as_list(low: Lowering, thing: Any, shape: Any, node: ast.AST) -> Lst:
    """A list, or a list display, as a list of this shape."""
    if isinstance(thing, Tup):
        return dataclasses.replace(of_items(low, thing, shape[1], node), frozen=True)
    if thing.item is None and shape[1] is not None:
        thing = empty(low, shape[1], FIRST_CAPACITY, node)
    return dataclasses.replace(thing, frozen=shape[2])


def empty(low: Lowering, item: Any, capacity: Atom, node: ast.AST) -> Lst:
    """A list without elements, with room for some."""
    parts = [arrays.new_array(low, (capacity,), type_, "empty", node=node) for type_ in leaf_types(item)]
    return Lst(tuple(dataclasses.replace(part, root=LISTS) for part in parts), 0, item)


def is_long(n: Any) -> bool:
    """Whether a list of so many elements is not written out one by one."""
    return is_atom(n) and type_of(n) == "int" and (type(n) is not int or n > UNROLLED)


def repeated(low: Lowering, thing: Tup, n: Atom, node: ast.AST) -> Lst:
    """``[element] * n``."""
    if len(thing.items) != 1 or not is_numbers(shape_of(thing.items[0])):
        raise low.refuse("a list is repeated that is not made of one number, or one tuple of numbers", node)
    n = low.convert(n, "int", node)
    n = low.branch(low.op("lt", n, 0, node=node), lambda: 0, lambda: n, node)
    made = empty(low, shape_of(thing.items[0]), n, node)

    def body(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        _write(low, made, index[0], thing.items[0], node)
        return []

    arrays.for_each(low, (n,), body, start=[], node=node, aside=True)
    return dataclasses.replace(made, n=n)


# ------------------------------------------------------------------------------------------- elements


def _write(low: Lowering, made: Lst, index: Atom, thing: Any, node: ast.AST) -> None:
    for part, atom in zip(made.parts, leaves(thing), strict=True):
        arrays.put(low, part, (index,), atom, node=node)


def element(low: Lowering, made: Lst, index: Atom, node: ast.AST) -> Any:
    """The element at an index known to be inside."""
    if made.item is None:
        low.stop(node)
    parts = iter(made.parts)
    return assemble(made.item, lambda type_, _: arrays.load(low, next(parts), (index,), node))


def item(low: Lowering, made: Lst, node: ast.Subscript) -> Any:
    """``list[index]``."""
    if isinstance(node.slice, ast.Slice):
        raise low.refuse("it uses a slice of a list whose length is not constant", node)
    index = low.evaluate(node.slice)
    if not is_atom(index):
        raise low.refuse("a list is indexed by something other than an integer", node)
    if made.item is None:
        low.stop(node)
    return element(low, made, arrays.element_index(low, index, made.n, node), node)


def set_item(
    low: Lowering, made: Lst, target: ast.Subscript, compute: Callable[[Any], Any], node: ast.AST
) -> None:
    """``list[index] = compute(the element before)``."""
    if made.frozen:
        raise low.refuse("an element is set of a list that has another name elsewhere", node)
    index = None if isinstance(target.slice, ast.Slice) else low.evaluate(target.slice)
    if not is_atom(index):
        raise low.refuse("a list is set at something other than an integer", node)
    if made.item is None:
        low.stop(node)
    index = arrays.element_index(low, index, made.n, node)
    thing = compute(element(low, made, index, node))
    _write(low, made, index, _fitting(low, made, thing, node), node)


def _fitting(low: Lowering, made: Lst, thing: Any, node: ast.AST) -> Any:
    """A thing as an element of a list."""
    shape = shape_of(thing)
    if not is_numbers(shape):
        raise low.refuse(f"a list gets {describe(thing)}: only numbers and tuples of numbers are taken", node)
    if join_shapes(made.item, shape) != made.item:
        raise low.refuse(f"a list whose elements are {_words(made.item)} gets {describe(thing)}", node)
    return low.coerce(thing, made.item, node)


def _words(shape: Any) -> str:
    return f"numbers ({shape})" if isinstance(shape, str) else f"tuples of {len(shape) - 2}"


# ------------------------------------------------------------------------------------------- growing


def is_method(low: Lowering, node: ast.Call) -> bool:
    """Whether this is ``name.append(...)`` or ``name.pop(...)`` of a list."""
    function = node.func
    if not (
        isinstance(function, ast.Attribute)
        and function.attr in GROWING
        and isinstance(function.value, ast.Name)
    ):
        return False
    thing = low.scope.vars.get(function.value.id)
    thing = thing.thing if isinstance(thing, Maybe) else thing
    return isinstance(thing, Lst) or (isinstance(thing, Tup) and thing.kind is list)


def method(low: Lowering, node: ast.Call) -> Any:
    """``name.append(value)`` or ``name.pop()``."""
    name, what = node.func.value.id, node.func.attr
    if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
        raise low.refuse(f"it uses {what} of a list in another way than by position", node)
    given = [low.evaluate(arg) for arg in node.args]
    made = low.lookup(name, node.func.value)
    place = None if "." in name else second_name(low.scope.definition, name)
    if not isinstance(made, Lst) or made.frozen or place is not None:
        line = getattr(place, "lineno", None)
        other = f", in line {line}" if line else ""
        raise low.refuse(f"{what} changes a list that may have another name{other}", node)
    if what == "append" and len(given) == 1:
        low.scope.vars[name] = _appended(low, made, given[0], node)
        return Static(None)
    if what == "pop" and (given == [] or (type(given[0]) is int and given == [-1])):
        if made.item is None:
            low.stop(node)
        last = low.op("index", -1, made.n, node=node)
        low.scope.vars[name] = dataclasses.replace(made, n=last)
        return element(low, made, last, node)
    raise low.refuse(f"it uses {what} of a list elsewhere than at its end", node)


def _appended(low: Lowering, made: Lst, thing: Any, node: ast.AST) -> Lst:
    if made.item is None:
        if not is_numbers(shape_of(thing)):
            raise low.refuse(
                f"a list gets {describe(thing)}: only numbers and tuples of numbers are taken", node
            )
        made = empty(low, shape_of(thing), FIRST_CAPACITY, node)
    thing = _fitting(low, made, thing, node)
    full = low.op("eq", made.n, made.parts[0].dims[0], node=node)
    parts = low.branch(full, lambda: Tup(_longer(low, made, node)), lambda: Tup(made.parts), node).items
    made = Lst(tuple(dataclasses.replace(part, root=LISTS) for part in parts), made.n, made.item)
    _write(low, made, made.n, thing, node)
    return dataclasses.replace(made, n=low.op("step_int", made.n, 1, node=node))


def _longer(low: Lowering, made: Lst, node: ast.AST) -> tuple[Arr, ...]:
    """The arrays of a list, twice as long."""
    capacity = low.op("step_int", low.op("size", made.n, 2, node=node), FIRST_CAPACITY, node=node)
    longer = empty(low, made.item, capacity, node)

    def body(index: tuple[Atom, ...], carried: list[Atom]) -> list[Atom]:
        _write(low, longer, index[0], element(low, made, index[0], node), node)
        return []

    arrays.for_each(low, (made.n,), body, start=[], node=node, aside=True)
    return longer.parts


# ------------------------------------------------------------------------------------------- going through, handing on


def sequence(low: Lowering, made: Lst, node: ast.AST) -> tuple[Atom, Callable[[Atom], Any]]:
    """The length of a list, and what it gives for a counter."""
    return made.n, lambda index: element(low, made, index, node)


def backwards(low: Lowering, made: Lst, node: ast.AST) -> Sequence:
    """``reversed(list)``."""
    last = low.op("step_int", made.n, -1, node=node)
    return Sequence(made.n, lambda index: element(low, made, low.op("sub_int", last, index, node=node), node))


def check_handed(low: Lowering, function: Any, node: ast.Call) -> None:
    """Refuse to hand a list that changes to something that may keep it, for a function that is not the user's."""
    target = function.value if isinstance(function, Static) else None
    if any(target is reader for reader in READERS):
        return
    for arg in (*node.args, *(keyword.value for keyword in node.keywords)):
        changes = isinstance(arg, ast.Name) and arg.id in changed_names(low.scope.definition)
        if changes and has_list(low.scope.vars.get(arg.id)):
            raise low.refuse("a list that changes is handed to something that may keep it", arg)


def has_list(thing: Any) -> bool:
    """Whether there is a list in a thing."""
    if isinstance(thing, Maybe):
        return has_list(thing.thing)
    return isinstance(thing, Lst) or any(map(has_list, _inside(thing)))


def _inside(thing: Any) -> Iterable[Any]:
    """What a thing holds."""
    if isinstance(thing, Dict):
        return thing.entries.values()
    return thing.items if isinstance(thing, Tup) else thing.fields.values() if isinstance(thing, Rec) else ()


def frozen(thing: Any) -> Any:
    """A thing whose lists may be read, but not changed."""
    if not has_list(thing):
        return thing
    if isinstance(thing, Lst):
        return dataclasses.replace(thing, frozen=True)
    if isinstance(thing, Tup):
        return Tup(tuple(map(frozen, thing.items)), thing.kind)
    if isinstance(thing, Rec):
        return Rec({name: frozen(inner) for name, inner in thing.fields.items()}, thing.kind)
    if isinstance(thing, Dict):
        return Dict({name: frozen(inner) for name, inner in thing.entries.items()}, thing.fresh)
    return Maybe(frozen(thing.thing), thing.flag)


def check_result(low: Lowering, thing: Any, node: ast.AST) -> Any:
    """Refuse a call's result that holds a list somebody else knows too."""
    for inner in _inside(thing):
        check_result(low, inner, node)
    if isinstance(thing, Lst) and thing.frozen:
        raise low.refuse("a function returns a list that it was given", node)
    return thing


# ------------------------------------------------------------------------------------------- comprehensions


def is_open_ended(low: Lowering, node: ast.expr) -> bool:
    """Whether what a comprehension goes through has a length that is not constant."""
    if isinstance(node, ast.Name):
        return isinstance(low.lookup(node.id, node), Arr | Lst | Sequence)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    called = low.lookup(node.func.id, node.func)
    if called == Static(range):
        args = [low.evaluate(arg) for arg in node.args]
        return not all(type(arg) is int for arg in args) or len(range(*args)) > UNROLLED
    return called in map(Static, (enumerate, zip, reversed)) and any(
        is_open_ended(low, arg) for arg in node.args
    )


def comprehension(low: Lowering, node: ast.ListComp | ast.GeneratorExp) -> Lst:
    """A comprehension whose length is known only when it runs: a loop that appends."""
    name = f"list.{node.lineno}.{node.col_offset}"
    append = ast.Call(ast.Attribute(ast.Name(name, ast.Load()), "append", ast.Load()), [node.elt], [])
    body: ast.stmt = ast.Expr(append)
    for generator in reversed(node.generators):
        for test in reversed(generator.ifs):
            body = ast.If(test, [body], [])
        body = ast.For(generator.target, generator.iter, [body], [])
        body.until = None
    for inner in ast.walk(body):
        if not hasattr(inner, "lineno") and isinstance(inner, ast.expr | ast.stmt):
            ast.copy_location(inner, node)
    low.scope.vars[name] = Lst((), 0, None)
    low.statements([body])
    return low.scope.vars.pop(name)
