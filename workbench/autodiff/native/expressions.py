"""Expressions: one reader per kind; each returns a thing."""

from __future__ import annotations

import ast
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.met import as_written
from workbench.autodiff.native import (
    arrays,
    calls,
    complexes,
    conditions,
    dicts,
    library,
    lists,
    reductions,
    views,
)
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.naming import describe
from workbench.autodiff.native.primitives import BINARY, ON_TRUTHS
from workbench.autodiff.native.statements import make_local
from workbench.autodiff.native.structures import (
    Arr,
    Bound,
    Cplx,
    Dict,
    Lazy,
    Lst,
    Rec,
    Static,
    Tup,
    is_atom,
    thing_of,
)

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering


def evaluate(low: Lowering, node: ast.expr, *, lazy: bool = False) -> Any:
    """Read one expression. An array expression is computed here and now unless it may stay ``lazy``."""
    reader = READERS.get(type(node))
    if reader is None:
        raise low.refuse(f"{type(node).__name__} is not taken", node)
    thing = reader(low, node)
    return arrays.materialise(low, thing, node) if isinstance(thing, Lazy) and not lazy else thing


def quiet(low: Lowering, node: ast.expr) -> bool:
    """Whether evaluating an expression surely changes no array: it calls only what modules and arrays offer."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            base = inner.func.value if isinstance(inner.func, ast.Attribute) else None
            if isinstance(base, ast.Name):
                thing = low.lookup(base.id, base)
                if isinstance(thing, Arr) or (
                    isinstance(thing, Static) and isinstance(thing.value, types.ModuleType)
                ):
                    continue
            if isinstance(inner.func, ast.Name):
                thing = low.lookup(inner.func.id, inner.func)
                if isinstance(thing, Static) and isinstance(
                    thing.value, types.BuiltinFunctionType | type | np.ufunc
                ):
                    continue
            return False
        if isinstance(inner, ast.NamedExpr):
            return False
    return True


def operands(low: Lowering, *nodes: ast.expr) -> list[Any]:
    """The operands of an array operation, left lazy where none of the others can change what they read."""
    lazy = all(quiet(low, node) for node in nodes)
    return [evaluate(low, node, lazy=lazy) for node in nodes]


def arithmetic(low: Lowering, kind: str, left: Any, right: Any, *, node: ast.AST) -> Any:
    """A binary operator, by the name of its syntax node."""
    if isinstance(left, Arr | Lazy) or isinstance(right, Arr | Lazy):
        return array_arithmetic(low, kind, left, right, node=node)
    if complexes.take_part(left, right):
        return complexes.arithmetic(low, kind, left, right, node=node)
    if not (is_atom(left) and is_atom(right)):
        return _on_structures(low, kind, left, right, node=node)
    names = BINARY.get(kind)
    if names is None:
        raise low.refuse(f"the operator {kind} is not taken", node)
    types_ = {type_of(left), type_of(right)}
    if types_ == {"bool"}:
        if kind in ON_TRUTHS:
            return low.op(ON_TRUTHS[kind], left, right, node=node)
        low.program.counts_truths = True
    if kind == "Div" or "float" in types_:
        if not names[0]:
            raise low.refuse(f"it uses the operator {kind} on floats", node)
        if kind == "Pow":
            return power(low, left, right, node)
        left, right = low.convert(left, "float", node), low.convert(right, "float", node)
        return low.op(names[0], left, right, node=node)
    left, right = low.convert(left, "int", node), low.convert(right, "int", node)
    return _integers(low, names[1], left, right, node=node)


def array_arithmetic(low: Lowering, kind: str, left: Any, right: Any, *, node: ast.AST) -> Any:
    """A binary operator on whole arrays."""
    if kind == "MatMult":
        return reductions.matmul(low, left, right, node)
    kinds = [
        getattr(thing, "kind", None) or type_of(thing)
        for thing in (left, right)
        if not isinstance(thing, Tup)
    ]
    kind_out = "float" if "float" in kinds or kind == "Div" else "int"
    if set(kinds) == {"bool"}:
        if kind not in ON_TRUTHS:
            raise low.refuse(f"it uses {kind} of arrays of truth values", node)
        kind_out = "bool"
    if kind_out == "int" and kind == "Pow":
        raise low.refuse("it uses a power of integer arrays", node)

    def function(a: Atom, b: Atom) -> Atom:
        if kind == "Pow" and not isinstance(b, Value) and b == 2:
            return low.op("mul", a, a, node=node)  # as NumPy does
        return arithmetic(low, kind, a, b, node=node)

    return arrays.elementwise(low, function, [left, right], kind_out, node=node)


def _integers(low: Lowering, name: str, left: Atom, right: Atom, *, node: ast.AST) -> Atom:
    small = 2**20
    if name in ("add_int", "sub_int"):
        if type(right) is int and abs(right) < small:
            return low.op("step_int", left, -right if name == "sub_int" else right, node=node)
        if type(left) is int and abs(left) < small and name == "add_int":
            return low.op("step_int", right, left, node=node)
    if name == "power_int" and isinstance(right, int) and right < 0:
        return power(low, low.convert(left, "float", node), float(right), node)
    return low.op(name, left, right, node=node)


def power(low: Lowering, base: Any, exponent: Any, node: ast.AST) -> Atom:
    """base ** exponent, with whole constant exponents up to three told apart."""
    base = low.convert(base, "float", node)
    if isinstance(base, Value) and not isinstance(exponent, Value):
        if exponent == 2:
            return low.op("square", base, node=node)
        if exponent == 3:
            return low.op("cube", base, node=node)
        if exponent == 1:
            return base
    return low.op("power", base, low.convert(exponent, "float", node), node=node)


def _on_structures(low: Lowering, kind: str, left: Any, right: Any, *, node: ast.AST) -> Any:
    both = isinstance(left, Tup) and isinstance(right, Tup) and left.kind is right.kind
    if kind == "Add" and both and left.kind in (tuple, list):
        return Tup(left.items + right.items, left.kind)
    if kind == "Mult" and isinstance(right, Tup) and right.kind is list:
        left, right = right, left
    if kind == "Mult" and isinstance(left, Tup) and left.kind is list and lists.is_long(right):
        return lists.repeated(low, left, right, node)
    if kind == "Mult" and isinstance(left, Tup) and type(right) is int and left.kind in (tuple, list):
        return Tup(left.items * right, left.kind)
    for this, other, form in ((left, right, "__{}__"), (right, left, "__r{}__")):
        method = _operator(low, this, form.format(_DUNDER.get(kind, "")))
        if method is not None:
            return calls.call_thing(low, Bound(Static(method), (this,)), [other], {}, node=node)
    raise low.refuse(f"it uses {kind} of {describe(left)} and {describe(right)}", node)


_DUNDER = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul",
}  # fmt: skip


def _operator(low: Lowering, thing: Any, name: str) -> Any:
    if not isinstance(thing, Rec | Tup):
        return None
    method = as_written(getattr(thing.kind, name, None))
    if not isinstance(method, types.FunctionType):
        return None
    low.program.watch(thing.kind, name, method)
    return method


# ------------------------------------------------------------------------------------------- readers


def _constant(low: Lowering, node: ast.Constant) -> Any:
    if type(node.value) is int and abs(node.value) > 2**53:
        raise low.refuse("it uses an integer beyond 2**53", node)
    return thing_of(node.value)


def _unary(low: Lowering, node: ast.UnaryOp) -> Any:
    thing = evaluate(low, node.operand, lazy=True)
    if isinstance(thing, Arr | Lazy) and isinstance(node.op, ast.USub):
        if thing.kind == "bool":
            raise low.refuse("it uses the negative of an array of truth values", node)
        name = "neg" if thing.kind == "float" else "neg_int"
        return arrays.elementwise(low, lambda a: low.op(name, a, node=node), [thing], thing.kind, node=node)
    if isinstance(node.op, ast.Not):
        return low.op("not", low.truth(thing, node), node=node)
    if isinstance(thing, Cplx) and isinstance(node.op, ast.UAdd | ast.USub):
        return complexes.negative(low, thing, node) if isinstance(node.op, ast.USub) else thing
    if not is_atom(thing):
        method = _operator(low, thing, "__neg__")
        if isinstance(node.op, ast.USub) and method is not None:
            return calls.call_thing(low, Bound(Static(method), (thing,)), [], {}, node=node)
        raise low.refuse(f"it uses {type(node.op).__name__} of {describe(thing)}", node)
    if type_of(thing) == "bool":
        low.program.counts_truths = True
        thing = low.convert(thing, "int", node)
    if isinstance(node.op, ast.UAdd):
        return thing
    if isinstance(node.op, ast.USub):
        return low.op("neg" if type_of(thing) == "float" else "neg_int", thing, node=node)
    raise low.refuse("it uses the operator ~", node)


def _compare(low: Lowering, node: ast.Compare) -> Any:
    if len(node.ops) == 1:
        left, right = operands(low, node.left, node.comparators[0])
        return conditions.comparison(low, node.ops[0], left, right, node=node)
    return conditions.chain(low, node, evaluate(low, node.left), 0)


def _display(low: Lowering, node: ast.Tuple | ast.List) -> Tup:
    items: list[Any] = []
    for item in node.elts:
        if isinstance(item, ast.Starred):
            items += dicts.items(low, evaluate(low, item.value), item)
        else:
            items.append(evaluate(low, item))
    return Tup(tuple(items), tuple if isinstance(node, ast.Tuple) else list)


def _attribute(low: Lowering, node: ast.Attribute) -> Any:
    thing = dicts.peek(low, node.value, lazy=True)
    return attribute(low, thing, node.attr, node)


def attribute(low: Lowering, thing: Any, name: str, node: ast.AST) -> Any:
    """An attribute of a thing: a field, a method, a property, or something in a module."""
    if isinstance(thing, Arr | Lazy):
        return library.array_attribute(low, thing, name, node)
    if (is_atom(thing) or isinstance(thing, Cplx)) and name in complexes.ATTRIBUTES:
        return complexes.ATTRIBUTES[name](low, thing, node)
    if isinstance(thing, Dict):
        return dicts.method(low, thing, name, node)
    if isinstance(thing, Rec) and name in thing.fields:
        return thing.fields[name]
    if isinstance(thing, Tup) and name in getattr(thing.kind, "_fields", ()):
        return thing.items[thing.kind._fields.index(name)]
    if isinstance(thing, Tup) and name == "_replace" and hasattr(thing.kind, "_fields"):
        return Bound(Static(calls.replace_named), (thing,))
    if isinstance(thing, Rec | Tup):
        found = as_written(
            next((vars(kind)[name] for kind in thing.kind.__mro__ if name in vars(kind)), None)
        )
        if isinstance(found, types.FunctionType | property):
            low.program.watch(thing.kind, name, found)
        if isinstance(found, types.FunctionType):
            return Bound(Static(found), (thing,))
        if type(found) is property and isinstance(found.fget, types.FunctionType):
            return calls.call_thing(low, Static(found.fget), [thing], {}, node=node)
        if isinstance(found, staticmethod):
            low.program.watch(thing.kind, name, found.__func__)
            return Static(found.__func__)
        if isinstance(found, classmethod):
            return Bound(Static(found.__func__), (Static(thing.kind),))
        if found is not None and (is_atom(thing_of(found)) or isinstance(found, tuple)):
            return low.taken(thing.kind, name, found)
    if isinstance(thing, Static) and isinstance(thing.value, types.ModuleType | type):
        if not hasattr(thing.value, name):
            raise low.refuse(f"{thing.value.__name__} has no {name}", node)
        return low.taken(thing.value, name, getattr(thing.value, name))
    raise low.refuse(f"it uses the attribute {name} of {describe(thing)}", node)


def _subscript(low: Lowering, node: ast.Subscript) -> Any:
    thing = dicts.peek(low, node.value)
    if isinstance(thing, Lazy):
        thing = arrays.materialise(low, thing, node)
    if isinstance(thing, Arr):
        return views.subscript(low, thing, node)
    if isinstance(thing, Lst):
        return lists.item(low, thing, node)
    if isinstance(thing, Dict):
        return dicts.entry(low, thing, evaluate(low, node.slice), node)
    if isinstance(thing, Tup):
        if isinstance(node.slice, ast.Slice):
            parts = [
                None if p is None else evaluate(low, p)
                for p in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            if all(p is None or type(p) is int for p in parts):
                return Tup(thing.items[slice(*parts)], tuple if thing.kind is not list else list)
        else:
            return _item(low, thing, evaluate(low, node.slice), node)
    raise low.refuse(f"it uses the subscript of {describe(thing)}", node)


def _item(low: Lowering, thing: Tup, index: Any, node: ast.AST) -> Any:
    size = len(thing.items)
    if type(index) in (int, bool):
        if not -size <= index < size:
            low.stop(node)
        return thing.items[index]
    if not is_atom(index) or type_of(index) == "float":
        raise low.refuse(f"it uses the index {describe(index)}", node)
    index = low.convert(index, "int", node)

    def pick(position: int) -> Any:
        if position == size:
            return low.stop(node)
        here = low.op("eq", index, position, node=node)
        below = low.op("eq", index, position - size, node=node)
        return low.branch(
            low.op("or", here, below, node=node),
            lambda: thing.items[position],
            lambda: pick(position + 1),
            node,
        )

    return pick(0)


def _named(low: Lowering, node: ast.NamedExpr) -> Any:
    thing = evaluate(low, node.value)
    low.assign(node.target, thing)
    return thing


def _comprehension(low: Lowering, node: ast.ListComp | ast.GeneratorExp) -> Tup | Lst:
    """A comprehension. Over tuples it is written out: its length belongs to their types."""
    made: list[Any] = []
    open_ended = lists.is_open_ended(low, node.generators[0].iter)
    targets = [name for g in node.generators for name in _target_names(g.target)]
    kept = {name: low.scope.vars[name] for name in targets if name in low.scope.vars}
    locals_ = low.scope.locals
    low.scope.locals = locals_ | set(targets)

    def run(depth: int) -> None:
        if depth == len(node.generators):
            made.append(evaluate(low, node.elt))
            return
        generator = node.generators[depth]
        for item in dicts.items(low, evaluate(low, generator.iter), generator.iter):
            low.assign(generator.target, item)
            tests = [low.truth(evaluate(low, test), test) for test in generator.ifs]
            if any(isinstance(test, Value) for test in tests):
                raise low.refuse("it uses a comprehension filtered by a number", node)
            if all(tests):
                run(depth + 1)

    if open_ended:
        grown = lists.comprehension(low, node)
    else:
        run(0)
    low.scope.locals = locals_
    for name in targets:
        low.scope.vars.pop(name, None)
    low.scope.vars |= kept
    return grown if open_ended else Tup(tuple(made), list)


def _target_names(target: ast.expr) -> list[str]:
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]


READERS: dict[type[ast.expr], Any] = {
    ast.Constant: _constant,
    ast.Name: dicts.name,
    ast.Dict: dicts.display,
    ast.DictComp: dicts.comprehension,
    ast.BinOp: lambda low, node: arithmetic(
        low, type(node.op).__name__, *operands(low, node.left, node.right), node=node
    ),
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: conditions.boolean,
    ast.IfExp: conditions.conditional,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.NamedExpr: _named,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Lambda: make_local,
    ast.Call: calls.call,
}
