"""What is true: comparisons, ``and`` and ``or``, conditional expressions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native import arrays, complexes
from workbench.autodiff.native.branches import splice
from workbench.autodiff.native.ir import Atom, Block, DeadError, Op, Value, type_of
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.primitives import COMPARE, PRIMITIVES
from workbench.autodiff.native.structures import (
    Arr,
    Cplx,
    Dict,
    Lazy,
    Lst,
    Static,
    Tup,
    has_fixed_equality,
    has_fixed_truth,
    is_atom,
)

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def truth(low: Lowering, thing: Any, node: ast.AST) -> Atom:
    """Whether a thing counts as true."""
    if is_atom(thing):
        if type_of(thing) == "bool":
            return thing
        return low.op("ne", thing, 0.0 if type_of(thing) == "float" else 0, node=node)
    if isinstance(thing, Cplx):
        return complexes.equal(low, thing, 0, negated=True, node=node)
    if isinstance(thing, Tup | Dict):
        return bool(thing.items if isinstance(thing, Tup) else thing.entries)
    if isinstance(thing, Lst):
        return low.op("ne", thing.n, 0, node=node)
    if isinstance(thing, Static):
        if not has_fixed_truth(thing.value):
            raise low.refuse(f"it uses the truth of {describe(thing)}, which may change", node)
        return bool(thing.value)
    raise low.refuse("it uses the truth of an object", node)


def chain(low: Lowering, node: ast.Compare, left: Any, position: int) -> Any:
    right = low.evaluate(node.comparators[position])
    result = comparison(low, node.ops[position], left, right, node=node)
    if position + 1 == len(node.ops):
        return result
    return short_circuit(low, result, lambda: chain(low, node, right, position + 1), "and", node)


def comparison(low: Lowering, op: ast.cmpop, left: Any, right: Any, *, node: ast.AST) -> Any:
    if is_atom(left) and is_atom(right) and type(op).__name__ in COMPARE:
        if type_of(left) != type_of(right):
            wide = "float" if "float" in (type_of(left), type_of(right)) else "int"
            left, right = (_comparable(low, side, wide, node) for side in (left, right))
        return low.op(COMPARE[type(op).__name__], left, right, node=node)
    if complexes.take_part(left, right) and isinstance(op, ast.Eq | ast.NotEq):
        return complexes.equal(low, left, right, negated=isinstance(op, ast.NotEq), node=node)
    has_array = isinstance(left, Arr | Lazy) or isinstance(right, Arr | Lazy)
    if has_array and type(op).__name__ in COMPARE:

        def function(a: Atom, b: Atom) -> Any:
            return comparison(low, op, a, b, node=node)

        return arrays.elementwise(low, function, [left, right], "bool", node=node)
    if isinstance(op, ast.Is | ast.IsNot):
        same = left == right if isinstance(left, Static) and isinstance(right, Static) else None
        if same is None and _is_none(left) != _is_none(right):
            same = False
        if same is not None:
            return same == isinstance(op, ast.Is)
    if isinstance(op, ast.Eq | ast.NotEq) and isinstance(left, Static) and isinstance(right, Static):
        return (_word(low, left, node) == _word(low, right, node)) == isinstance(op, ast.Eq)
    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, Dict) and isinstance(left, Static):
        return (_word(low, left, node) in dict.fromkeys(right.entries)) == isinstance(op, ast.In)
    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, Tup) and isinstance(left, Static):
        if not all(isinstance(item, Static) for item in right.items):
            raise low.refuse("a number is looked for in a tuple", node)
        words = [_word(low, item, node) for item in right.items]
        return (_word(low, left, node) in words) == isinstance(op, ast.In)
    raise low.refuse(
        f"it uses the comparison {type(op).__name__} of {describe(left)} and {describe(right)}", node
    )


def _word(low: Lowering, thing: Static, node: ast.AST) -> Any:
    """A value that is no number, for a comparison that comes out the same each time."""
    if not has_fixed_equality(thing.value):
        raise low.refuse(f"it compares {describe(thing)}, which may change", node)
    return thing.value


def _comparable(low: Lowering, atom: Atom, type_: str, node: ast.AST) -> Atom:
    """A side of a comparison: Python compares a whole number with a float exactly."""
    if type_ == "float" and type_of(atom) == "int":
        return low.op("exact", atom, node=node)
    return low.convert(atom, type_, node)


def _is_none(thing: Any) -> bool:
    return isinstance(thing, Static) and thing.value is None


def short_circuit(low: Lowering, left: Any, right: Any, name: str, node: ast.AST) -> Any:
    """``left and right()`` or ``left or right()``; the right side is read only where Python would."""
    cond = truth(low, left, node)
    if isinstance(cond, Value) and type_of(left) == "bool":
        outer, before = low.block, dict(low.scope.vars)
        low.block = trial = Block(parent=outer)
        thing = None
        try:
            thing = right()
        except DeadError:  # read again below, where it stops on one path alone
            thing = None
        finally:
            low.block = outer
        simple = all(isinstance(n, Op) and not PRIMITIVES[n.name].stops for n in trial.nodes)
        if simple and is_atom(thing) and type_of(thing) == "bool" and low.scope.vars == before:
            splice(low, trial)
            return low.op(name, cond, thing, node=node)
        low.scope.vars = before
    if name == "and":
        return low.branch(cond, right, lambda: left, node)
    return low.branch(cond, lambda: left, right, node)


def boolean(low: Lowering, node: ast.BoolOp) -> Any:
    name = "and" if isinstance(node.op, ast.And) else "or"

    def rest(position: int) -> Any:
        left = low.evaluate(node.values[position])
        if position + 1 == len(node.values):
            return left
        return short_circuit(low, left, lambda: rest(position + 1), name, node)

    return rest(0)


def conditional(low: Lowering, node: ast.IfExp) -> Any:
    cond = truth(low, low.evaluate(node.test), node.test)
    return low.branch(cond, lambda: low.evaluate(node.body), lambda: low.evaluate(node.orelse), node)
