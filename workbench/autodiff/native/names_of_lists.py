"""Which names of a function may hold a list that grows: those under which alone their list is known.

A list that grows is a thing that changes, and two names of one would have to change together. So a name whose list
is to grow or shrink stands only where no second name arises: it is set to a fresh list, its elements are read and
written, its length is asked for, a loop goes through it, a function reads it, the function returns it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

GROWING = ("append", "pop")
THROUGH = ("enumerate", "zip", "reversed")  # what goes through a list without a copy of it

Function = ast.FunctionDef | ast.Lambda


def grown_names(nodes: list[ast.AST] | ast.AST) -> frozenset[str]:
    """The names whose lists grow or shrink in some statements."""
    waiting = nodes if isinstance(nodes, list) else [nodes]
    return frozenset(inner.func.value.id for node in waiting for inner in ast.walk(node) if is_growth(inner))


def is_growth(node: ast.AST) -> bool:
    """Whether this is ``name.append(...)`` or ``name.pop(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in GROWING
        and isinstance(node.func.value, ast.Name)
    )


@functools.lru_cache(maxsize=64)
def changed_names(definition: Function) -> frozenset[str]:
    """The names of a function whose lists grow, or get elements."""
    stores = {
        node.value.id
        for node in ast.walk(definition)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }
    return grown_names(definition) | stores


@functools.lru_cache(maxsize=256)
def second_name(definition: Function, name: str) -> ast.AST | None:
    """The first place in a function where the list of ``name`` may get another name; None when there is none."""
    if name in {a.arg for a in ast.walk(definition.args) if isinstance(a, ast.arg)}:
        return definition
    for node, around in _with_parents(definition, ()):
        if isinstance(node, ast.Name) and node.id == name and not _stays_alone(node, around):
            return node
        if is_growth(node) and node.func.value.id == name and not _in_order(node, name, around):
            return node
    return None


def _with_parents(
    node: ast.AST, around: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    for inner in ast.iter_child_nodes(node):
        yield inner, (node, *around)
        yield from _with_parents(inner, (node, *around))


def is_fresh(value: ast.expr) -> bool:
    """Whether an expression makes a list that nobody else knows."""
    repeated = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult)
    return isinstance(value, ast.List | ast.ListComp | ast.Call) or (
        repeated and isinstance(value.left, ast.List)
    )


def _stays_alone(node: ast.Name, around: tuple[ast.AST, ...]) -> bool:
    parent, *outer = around
    if any(isinstance(one, ast.FunctionDef | ast.Lambda) for one in around[:-1]):
        return False
    if isinstance(node.ctx, ast.Store):
        alone = (isinstance(parent, ast.Assign) and parent.targets == [node]) or isinstance(
            parent, ast.AnnAssign
        )
        return alone and parent.value is not None and is_fresh(parent.value)
    if isinstance(parent, ast.Attribute):
        return is_growth(outer[0]) and outer[0].func is parent
    if isinstance(parent, ast.Subscript):
        return parent.value is node and not isinstance(parent.slice, ast.Slice)
    if isinstance(parent, ast.Call):
        through = isinstance(parent.func, ast.Name) and parent.func.id in THROUGH
        return node in parent.args and (not through or _is_gone_through(parent, tuple(outer), node.id))
    if isinstance(parent, ast.Return):
        return True
    if isinstance(parent, ast.Tuple) and isinstance(outer[0], ast.Return):
        return [getattr(item, "id", "") for item in parent.elts].count(node.id) == 1
    return _is_gone_through(node, around, node.id) or _is_test(node, around) or _is_given_up(node, around)


def _is_gone_through(node: ast.AST, around: tuple[ast.AST, ...], name: str) -> bool:
    """Whether a loop, in which the list does not grow, goes through this."""
    parent, *outer = around
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in THROUGH:
        return _is_gone_through(parent, tuple(outer), name)
    if isinstance(parent, ast.For):
        return parent.iter is node and name not in grown_names([*parent.body, *parent.orelse])
    return isinstance(parent, ast.comprehension) and parent.iter is node


def _is_given_up(node: ast.Name, around: tuple[ast.AST, ...]) -> bool:
    """Whether this is ``other = name``, the end of the name's life in each iteration of the one loop that knows it."""
    parent, loop, *_ = *around, None
    if not (
        isinstance(parent, ast.Assign) and parent.value is node and isinstance(loop, ast.For | ast.While)
    ):
        return False

    def mentions(tree: ast.AST) -> int:
        return sum(isinstance(n, ast.Name) and n.id == node.id for n in ast.walk(tree))

    life = [statement for statement in loop.body if mentions(statement)]
    first = life[0] if life else None
    begins = isinstance(first, ast.Assign) and getattr(first.targets[0], "id", "") == node.id
    alone = sum(map(mentions, life)) == mentions(around[-1])
    return begins and alone and mentions(first) == 1 and life[-1] is parent and mentions(parent) == 1


def _is_test(node: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    parent, *outer = around
    if isinstance(parent, ast.If | ast.While):
        return parent.test is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, ast.Not)
    return isinstance(parent, ast.BoolOp) and _is_test(parent, tuple(outer))


def _in_order(node: ast.Call, name: str, around: tuple[ast.AST, ...]) -> bool:
    """Whether nothing holds the list while it grows here."""
    inner: ast.AST = node
    for outer in around:
        if isinstance(outer, ast.comprehension | ast.ListComp | ast.GeneratorExp):
            return False
        if isinstance(outer, ast.While) and outer.test is inner:
            return False
        if isinstance(outer, ast.Call) and name in [getattr(arg, "id", "") for arg in outer.args]:
            return False
        if isinstance(outer, ast.Subscript) and getattr(outer.value, "id", "") == name:
            return False
        if isinstance(outer, ast.AugAssign) and any(
            getattr(n, "id", "") == name for n in ast.walk(outer.target)
        ):
            return False
        inner = outer
    return True
