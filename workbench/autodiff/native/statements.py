"""Statements: one reader per kind. What has no reader is refused."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import arrays, dicts, lists
from workbench.autodiff.native.loops import loop
from workbench.autodiff.native.structures import Arr, Lazy, Local, Lst, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering

UNROLLED = 64  # a loop over a tuple is written out up to this length; its length belongs to the tuple's type


def statement(low: Lowering, node: ast.stmt) -> None:
    """Read one statement."""
    reader = READERS.get(type(node))
    if reader is None:
        raise low.refuse(f"{type(node).__name__.lower()} is not taken", node)
    reader(low, node)


def _assign(low: Lowering, node: ast.Assign) -> None:
    lazy = len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript)
    returned = dicts.returned(low, node)
    thing = low.evaluate(node.value, lazy=lazy) if returned is None else returned
    if len(node.targets) == 1:
        thing = lists.born(low, node.targets[0], node.value, thing)
    for target in node.targets:
        low.assign(target, thing, fresh=returned is not None or dicts.makes(node))


def _annotated(low: Lowering, node: ast.AnnAssign) -> None:
    if node.value is not None:
        low.assign(node.target, lists.born(low, node.target, node.value, low.evaluate(node.value)))


def _augmented(low: Lowering, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Subscript) and dicts.is_entry(low, node.target):
        dicts.update(low, node)
        return
    if isinstance(node.target, ast.Subscript):
        arrays.update(low, node, None)
        return
    if not isinstance(node.target, ast.Name):
        raise low.refuse("an attribute is updated in place", node)
    thing = low.lookup(node.target.id, node.target)
    if isinstance(thing, Arr):
        arrays.update(low, node, thing)
        return
    left = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
    value = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
    if isinstance(thing, Tup) and thing.kind is list:
        raise low.refuse("a list grows in place", node)
    low.assign(node.target, low.evaluate(value))


def _expression(low: Lowering, node: ast.Expr) -> None:
    if isinstance(node.value, ast.Constant):
        return
    thing = low.evaluate(node.value)
    if isinstance(thing, Lazy):
        arrays.materialise(low, thing, node)


def _if(low: Lowering, node: ast.If) -> None:
    cond = low.truth(low.evaluate(node.test), node.test)
    low.branch(cond, lambda: low.statements(node.body), lambda: low.statements(node.orelse), node)


def _assert(low: Lowering, node: ast.Assert) -> None:
    if not __debug__:
        return
    cond = low.truth(low.evaluate(node.test), node.test)
    low.branch(cond, lambda: None, lambda: low.stop(node), node)


def _raise(low: Lowering, node: ast.Raise) -> None:
    low.stop(node)


def _while(low: Lowering, node: ast.While) -> None:
    if any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node.test)):
        raise low.refuse("it uses an assignment in a loop's test", node.test)
    loop(low, node, bounds=None)


def _for(low: Lowering, node: ast.For) -> None:
    if _is_range(low, node.iter):
        loop(low, node, bounds=_bounds(low, node.iter))
        return
    items = dicts.keys_of(low.evaluate(node.iter))
    if isinstance(items, Lazy):
        items = arrays.materialise(low, items, node.iter)
    if isinstance(items, Lst) and items.item is None:
        return  # it has never had an element
    sequence = arrays.items_of(low, items, node.iter)
    if sequence is not None:
        loop(low, node, bounds=(0, sequence[0], 1), item=sequence[1])
        return
    if not isinstance(items, Tup):
        raise low.refuse("the loop runs over something other than range(...) or a tuple", node.iter)
    if len(items.items) > UNROLLED:
        raise low.refuse(f"it uses a loop over a tuple of more than {UNROLLED} items", node.iter)
    _unroll(low, node, list(items.items))


def _unroll(low: Lowering, node: ast.For, items: list[Any]) -> None:
    for position, item in enumerate(items):
        low.assign(node.target, item)
        low.statements(node.body)
        if node.until is None:
            continue
        left = low.truth(low.evaluate(node.until), node)
        if left is True:
            return
        if left is not False:
            rest = items[position + 1 :]
            low.branch(left, lambda: None, lambda rest=rest: _unroll(low, node, rest), node)
            return


def _is_range(low: Lowering, node: ast.expr) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords):
        return False
    if node.func.id == "reversed" and len(node.args) == 1:
        return _is_range(low, node.args[0]) and low.lookup("reversed", node.func) == Static(reversed)
    return node.func.id == "range" and low.lookup("range", node.func) == Static(range)


def _bounds(low: Lowering, node: ast.Call) -> tuple[Any, Any, Any]:
    if node.func.id == "reversed":
        start, stop, step = _bounds(low, node.args[0])
        n = low.op("count_range", start, stop, step, node=node)
        before = low.op("sub_int", start, step, node=node)
        last = low.op("add_int", before, low.op("mul_int", n, step, node=node), node=node)
        return last, before, low.op("neg_int", step, node=node)
    args = [low.evaluate(arg) for arg in node.args]
    if not 1 <= len(args) <= 3 or not all(is_atom(arg) for arg in args):
        raise low.refuse("it uses range() of something other than integers", node)
    start, stop, step = {1: lambda: (0, *args, 1), 2: lambda: (*args, 1), 3: lambda: tuple(args)}[len(args)]()
    start, stop, step = (low.convert(arg, "int", node) for arg in (start, stop, step))
    if type(step) is not int or step == 0:
        raise low.refuse("it uses range() with a step that is not a constant", node)
    return start, stop, step


def _function(low: Lowering, node: ast.FunctionDef) -> None:
    if node.decorator_list:
        raise low.refuse("it uses a decorated function inside the function", node)
    low.scope.vars[node.name] = Local(node, low.scope, _defaults(low, node.args))


def _defaults(low: Lowering, arguments: ast.arguments) -> dict[str, Any]:
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args]]
    found = dict(zip(reversed(names), map(low.evaluate, reversed(arguments.defaults)), strict=False))
    for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            found[name.arg] = low.evaluate(default)
    return found


def make_local(low: Lowering, node: ast.Lambda) -> Local:
    """A lambda."""
    return Local(copy.copy(node), low.scope, _defaults(low, node.args))


READERS: dict[type[ast.stmt], Any] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.If: _if,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.While: _while,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Pass: lambda low, node: None,
}
