"""Branches: a condition on numbers becomes a node with two blocks, and what names stand for is joined behind it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native.ir import Atom, Block, DeadError, If, Value, blocks_of, outs_of
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.shapes import assemble, join_shapes, shape_of
from workbench.autodiff.native.structures import UNDEFINED, Conflict, leaves

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def branch(
    low: Lowering, cond: Atom, then: Callable[[], Any], orelse: Callable[[], Any], node: ast.AST
) -> Any:
    """Run one of two readers, by a condition; the thing that the one that ran returned."""
    if not isinstance(cond, Value):
        return then() if cond else orelse()
    before = dict(low.scope.vars)
    outer = low.block
    ran = []
    for reader in (then, orelse):
        low.scope.vars = dict(before)
        low.block = Block(parent=outer)
        result = None
        try:
            result = reader()
        except DeadError:
            low.block.dead = True
        ran.append((low.block, low.scope.vars, result))
        low.block = outer
    (then_block, then_vars, then_result), (else_block, else_vars, else_result) = ran
    made = If(cond, then_block, else_block, [], node.lineno)
    if then_block.dead or else_block.dead:
        low.scope.vars = else_vars if then_block.dead else then_vars
        alive = else_block if then_block.dead else then_block
        if then_block.dead and else_block.dead:
            outer.nodes.append(made)
            raise DeadError
        if then_block.dead:
            made.orelse = Block(parent=outer)
        else:
            made.then = Block(parent=outer)
        outer.nodes.append(made)
        splice(low, alive)
        return else_result if then_block.dead else then_result
    low.scope.vars = {}
    outer.nodes.append(made)
    for name in dict.fromkeys([*then_vars, *else_vars]):
        pair = (then_vars.get(name, UNDEFINED), else_vars.get(name, UNDEFINED))
        low.scope.vars[name] = join(low, made, *pair, name)
    return join(low, made, then_result, else_result, "")


def splice(low: Lowering, block: Block) -> None:
    """Make the nodes of a block part of the current one."""
    for node in block.nodes:
        for out in outs_of(node):
            out.block = low.block
        for inner in blocks_of(node):
            inner.parent = low.block
    low.block.nodes += block.nodes
    low.block.known |= block.known


def join(low: Lowering, made: If, a: Any, b: Any, name: str) -> Any:
    """What a name stands for after a branch."""
    if a is b or (shape_of(a) == shape_of(b) and not leaves(a)):
        return a
    shape = join_shapes(shape_of(a), shape_of(b))
    if shape is None:
        return Conflict(f"{describe(a)} on one path, {describe(b)} on another")
    sides = []
    for thing, block in ((a, made.then), (b, made.orelse)):
        outer, low.block = low.block, block
        sides.append(leaves(low.coerce(thing, shape)))
        low.block = outer
    pairs = iter(zip(*sides, strict=True))

    def merge(type_: str, hint: str) -> Atom:
        x, y = next(pairs)
        if x is y or (not isinstance(x, Value) and not isinstance(y, Value) and repr(x) == repr(y)):
            return x
        if x is True and y is False:
            return made.cond
        for out, p, q in zip(made.outs, made.then.yields, made.orelse.yields, strict=True):
            if p is x and q is y and isinstance(x, Value) and isinstance(y, Value):
                return out
        out = low.value(type_, hint)
        out.node = made
        made.outs.append(out)
        made.then.yields.append(x)
        made.orelse.yields.append(y)
        return out

    return assemble(shape, merge, name)
