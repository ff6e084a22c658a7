"""Loops: read again until the types of what they carry hold still."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native.ir import Atom, Block, Call, DeadError, Loop, Store, Value, blocks_of, is_array
from workbench.autodiff.native.names_of_lists import grown_names
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.scopes import assigned_names
from workbench.autodiff.native.shapes import assemble, join_shapes, shape_of
from workbench.autodiff.native.structures import UNDEFINED, Conflict, leaves, met

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def loop(
    low: Lowering,
    node: Any,
    *,
    bounds: tuple[Atom, Atom, Atom] | None,
    item: Callable[[Value], Any] | None = None,
) -> None:
    """A loop over ``bounds``, or while its test holds; ``item`` makes the loop's target of the counter."""
    targets = [node.target] if bounds is not None else []
    grown = {name for name in grown_names(node.body) if name in low.scope.locals or "." in name}
    names = sorted(assigned_names([*targets, *node.body]) | grown)
    entry = {name: low.scope.vars.get(name, UNDEFINED) for name in names}
    shapes = {name: shape_of(thing) for name, thing in entry.items()}
    before, outer = dict(low.scope.vars), low.block
    for _ in range(12):
        low.scope.vars, low.block = dict(before), outer
        made, after = iteration(low, node, shapes, bounds, item)
        joined = {name: join_shapes(shapes[name], shape_of(after[name])) for name in names}
        for name in names:
            if joined[name] is None:
                conflict = Conflict(f"{describe(entry[name])} before, {describe(after[name])} in the loop")
                joined[name] = shapes[name] if isinstance(entry[name], Conflict) else ("static", conflict)
                entry[name] = conflict if not isinstance(entry[name], Conflict) else entry[name]
        if joined == shapes:
            break
        shapes = joined
    else:
        raise low.refuse("the types in this loop do not settle", node)
    finish(low, made, node, entry=entry, after=after, shapes=shapes, outer=outer, before=before)


def iteration(
    low: Lowering, node: Any, shapes: dict[str, Any], bounds: Any, item: Callable[[Value], Any] | None
) -> tuple[Loop, dict[str, Any]]:
    """Read one iteration, for carried things of these shapes."""
    body = Block(parent=low.block)
    low.writes += 1
    made = Loop([], body, [], node.lineno, bounds)

    def param(type_: str, name: str) -> Value:
        value = Value(type_, name, body, made)
        body.params.append(value)
        return value

    for name, shape in shapes.items():
        thing = assemble(shape, param, name)
        if name.startswith(("break.", "returned.")):
            thing = False  # an iteration starts only when the last one did not leave
        low.scope.vars[name] = thing
        if thing is UNDEFINED:
            del low.scope.vars[name]
    try:
        if bounds is None:
            made.test = low.block = Block(parent=body.parent)
            there = next(met)
            cond = low.truth(low.evaluate(node.test), node.test)
            made.test.yields = [cond]
            if writes(made.test, there):
                raise low.refuse("the test of a loop writes into an array", node.test)
        low.block = body
        if bounds is not None:
            made.index = Value("int", "", body, made)
            low.assign(node.target, made.index if item is None else item(made.index))
        low.statements(node.body)
        if node.until is not None:
            made.until = low.truth(low.evaluate(node.until), node)
    except DeadError:
        low.block.dead = True
        raise low.refuse("every iteration of this loop raises", node) from None
    return made, {name: low.scope.vars.get(name, UNDEFINED) for name in shapes}


def finish(low: Lowering, made: Loop, node: Any, *, entry, after, shapes, outer, before) -> None:
    """Connect the loop with what stands before and after it."""
    for name, shape in shapes.items():
        low.block = made.body
        made.body.yields += leaves(low.coerce(after[name], shape, node))
        low.block = outer
        made.inits += leaves(low.coerce(entry[name], shape, node))
    low.block = outer
    outer.nodes.append(made)
    low.scope.vars = before
    low.writes += 1

    def out(type_: str, name: str) -> Value:
        value = Value(type_, name, outer, made)
        made.outs.append(value)
        return value

    for name, shape in shapes.items():
        low.scope.vars[name] = assemble(shape, out, name)
    if made.bounds is None or made.until is not False:
        made.count = Value("int", "count", outer, made)


def writes(block: Block, there: int) -> bool:
    """Whether a block writes into an array that it has not made itself, after ``there`` was counted.

    The backward sweep does not go into a loop's test.
    """
    return any(
        (isinstance(node, Store) and (node.root or 0) < there)
        or (isinstance(node, Call) and any(map(is_array, node.args)) and _callee_writes(node))
        or any(writes(inner, there) for inner in blocks_of(node))
        for node in block.nodes
    )


def _callee_writes(node: Call) -> bool:
    """Whether a function may write into what it is given; it may where it calls itself."""
    return not node.callee.finished or writes(node.callee.block, 1)
