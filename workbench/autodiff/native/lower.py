"""From syntax to three-address form, with the types found on the way.

The function is run on things instead of numbers: structures come apart, constants are folded, branches on constants
are decided, functions are specialised for the kinds of their arguments. Branches and loops on numbers become nodes,
see ``branches`` and ``loops``.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from typing import Any

from workbench.autodiff.native import complexes, dicts, lists
from workbench.autodiff.native.arrays import materialise, store, with_strides
from workbench.autodiff.native.fence import refuse
from workbench.autodiff.native.ir import (
    Atom,
    Block,
    Call,
    DeadError,
    Op,
    Stop,
    Value,
    is_array,
    type_of,
)
from workbench.autodiff.native.naming import describe, name_leaves
from workbench.autodiff.native.normalise import RESULT, normalise
from workbench.autodiff.native.primitives import PRIMITIVES, fold
from workbench.autodiff.native.program import Function, Program
from workbench.autodiff.native.read import Missing, free_value
from workbench.autodiff.native.scopes import Scope, assigned_names
from workbench.autodiff.native.shapes import COMPLEX, assemble, join_shapes, shape_of
from workbench.autodiff.native.structures import (
    UNDEFINED,
    Arr,
    Conflict,
    Cplx,
    Dict,
    Given,
    Lazy,
    Local,
    Lst,
    Maybe,
    Rec,
    Static,
    Tup,
    is_atom,
    leaves,
    met,
    thing_of,
)

ZERO = {"float": 0.0, "int": 0, "bool": False}


class _Lowering:
    """Reads one function into blocks."""

    def __init__(self, program: Program, function: Function) -> None:
        self.program, self.target = program, function
        self.block = Block()
        self.writes = 0  # grows with whatever may change an array's elements
        source = function.source
        parameters = [a.arg for a in ast.walk(source.definition.args) if isinstance(a, ast.arg)]
        body = source.definition.body
        names = assigned_names(body) | set(parameters)
        self.scope = Scope(source.function, source.file, names, definition=source.definition)
        self.scope.outer = Scope(source.function, source.file, frozenset(), stands_for=function.home)

    # ------------------------------------------------------------------------------------ the function

    def function(self, args: dict[str, Any], constants: frozenset[str], apart: bool) -> Any:
        """Read the function for arguments like these; returns the shape of its result."""
        target = self.target
        target.params, target.arrays = [], []
        target.block = self.block

        def param(type_: str, name: str) -> Value:
            value = Value(type_, name, self.block)
            target.params.append(value)
            return value

        for name, thing in args.items():
            made = (
                thing if name in constants else assemble(shape_of(thing), param, name.removeprefix("outer."))
            )
            if apart and isinstance(thing, Arr):
                made.root = -next(met)
                target.arrays.append(made)
            if name.startswith("outer."):
                self.scope.outer.vars[name.removeprefix("outer.")] = made
                self.scope.outer.locals |= {name.removeprefix("outer.")}
            else:
                self.scope.vars[name] = made
        self.block.params = target.params
        places, target.outside = list(target.outside), {}
        for place in places:
            self.outside_arrays(place)
        try:
            self.statements(normalise(target.source.definition))
        except DeadError:
            self.block.dead = True
        definition = target.source.definition
        result = self.scope.vars.get(RESULT, UNDEFINED)
        if isinstance(result, Maybe):
            result = result.thing
        if self.block.dead:
            if target.result is None:
                raise self.refuse("the function only raises, or its recursion never ends", definition)
            return target.result
        if isinstance(result, Conflict):
            raise self.refuse(f"the function returns different kinds of things: {result.reason}", definition)
        if isinstance(result, Lazy):
            result = materialise(self, result, definition)
        self.no_locals(result, definition)
        shape = shape_of(result) if target.result is None else join_shapes(target.result, shape_of(result))
        if shape is None:
            raise self.refuse("the function returns different kinds of things", definition)
        self.block.yields = leaves(self.coerce(result, shape))
        return shape

    def no_locals(self, thing: Any, node: ast.AST) -> None:
        if isinstance(thing, Tup | Rec | Dict):
            parts = (
                thing.items
                if isinstance(thing, Tup)
                else thing.fields
                if isinstance(thing, Rec)
                else thing.entries
            )
            for item in parts if isinstance(thing, Tup) else parts.values():
                self.no_locals(item, node)
        elif not is_atom(thing) and not isinstance(thing, Cplx | Static | Arr | Lst):
            raise self.refuse("a function made inside leaves the function", node)

    def refuse(self, reason: str, node: ast.AST | None) -> Exception:
        """The refusal at a node of the function being read."""
        return refuse(reason, node, self.scope.file)

    def no_options(self, keywords: dict[str, Any], node: ast.AST, *known: str) -> None:
        """Refuse a call that is given other options than the known ones."""
        for name in keywords:
            if name not in known:
                raise self.refuse(f"it uses the option {name}=", node)

    # ------------------------------------------------------------------------------------ nodes

    def value(self, type_: str, hint: str = "") -> Value:
        return Value(type_, hint, self.block)

    def op(self, name: str, *args: Atom, node: ast.AST) -> Atom:
        """An operation on atoms already of the right types; constants are folded, known results are taken again."""
        primitive = PRIMITIVES[name]
        if not primitive.pure:
            return self.emit(name, list(args), primitive.type, node)
        if not any(isinstance(arg, Value) for arg in args):
            result = fold(name, list(args))
            if result is None:
                self.stop(node)
            return result
        key = (name, *(a if isinstance(a, Value) else (type(a), repr(a)) for a in args))
        if (known := self.known(key)) is not None:
            return known
        out = self.value(primitive.type)
        made = Op(out, name, list(args), node.lineno)
        out.node = made
        self.block.nodes.append(made)
        self.block.known[key] = out
        return out

    def known(self, key: Any) -> Any:
        """What has been computed already, in this block or around it."""
        block: Block | None = self.block
        while block is not None:
            if key in block.known:
                return block.known[key]
            block = block.parent
        return None

    def emit(self, name: str, args: list[Atom], type_: str, node: ast.AST, *, text: str = "") -> Value:
        """An operation that is never shared with another."""
        out = self.value(type_)
        out.node = Op(out, name, args, node.lineno, text)
        self.block.nodes.append(out.node)
        return out

    def stop(self, node: ast.AST) -> None:
        """Python raises here: nothing after this point is reached."""
        self.block.nodes.append(Stop(node.lineno))
        raise DeadError

    def convert(self, atom: Atom, type_: str, node: ast.AST) -> Atom:
        """An atom as a value of a wider type."""
        if type_of(atom) == type_:
            return atom
        if not isinstance(atom, Value):
            return {"float": float, "int": int, "bool": bool}[type_](atom)
        if type_ == "int" and atom.type != "bool":
            raise self.refuse(f"an integer was expected, not {atom.type}", node)
        name = "to_int" if type_ == "int" else "bool_to_float" if atom.type == "bool" else "to_float"
        return self.op(name, atom, node=node)

    def coerce(self, thing: Any, shape: Any, node: ast.AST | None = None) -> Any:
        """A thing as one of a wider shape (see ``join_shapes``)."""
        node = node or self.target.source.definition
        if isinstance(shape, str):
            self.program.widened_kinds |= type_of(thing) != shape
            return self.convert(thing, shape, node)
        if shape == COMPLEX:
            self.program.widened |= not isinstance(thing, Cplx)
            return complexes.as_complex(self, thing, node)
        if shape[0] == "maybe":
            if thing is UNDEFINED:
                return assemble(shape, lambda type_, _: self.nothing(type_, node))
            if isinstance(thing, Maybe):
                return Maybe(self.coerce(thing.thing, shape[1], node), thing.flag)
            return Maybe(self.coerce(thing, shape[1], node), True)
        if shape[0] == "static":
            return shape[1]
        if shape[0] == "list":
            return lists.as_list(self, thing, shape, node)
        if shape[0] == "array":
            return thing if shape[3] else with_strides(self, thing, node)
        if shape[0] == "tuple":
            items = zip(thing.items, shape[2:], strict=True)
            return Tup(tuple(self.coerce(item, inner, node) for item, inner in items), thing.kind)
        if shape[0] == "dict":
            items = ((key, self.coerce(thing.entries[key], inner, node)) for key, inner in shape[2:])
            return Dict(dict(items), shape[1])
        if shape[0] == "record":
            return Rec(
                {key: self.coerce(thing.fields[key], inner, node) for key, inner in shape[2:]}, thing.kind
            )
        return thing

    def nothing(self, type_: str, node: ast.AST) -> Atom:
        """What stands for a number or array that is not set."""
        if type_ in ZERO:
            return ZERO[type_]
        rank = int(type_.partition("[")[2][:-1])
        return self.emit("new", [], type_, node, text=f"np.empty(({'0, ' * rank}))")

    # ------------------------------------------------------------------------------------ names

    def lookup(self, name: str, node: ast.AST) -> Any:
        """What a name stands for."""
        scope: Scope | None = self.scope
        while scope is not None and name not in scope.locals and "." not in name:
            scope, last = scope.outer, scope
        if scope is None:
            return self.outside(last, name, node)
        thing = scope.vars.get(name, UNDEFINED)
        if thing is UNDEFINED:
            raise self.refuse(f"{name} is used before it is set", node)
        if isinstance(thing, Conflict):
            raise self.refuse(f"{name} is {thing.reason}", node)
        if isinstance(thing, Maybe):
            if "." not in name:
                self.branch(thing.flag, lambda: None, lambda: self.stop(node), node)
            thing = thing.thing
            scope.vars[name] = thing
        return thing

    def outside(self, scope: Scope, name: str, node: ast.AST) -> Any:
        """What a global, a builtin or a name of an enclosing function stands for; it is watched from now on."""
        value, home = free_value(scope.function, name)
        if value is Missing:
            raise self.refuse(f"{name} is not defined", node)
        return self.taken(home, name, value)

    def taken(self, home: Any, name: str, value: Any) -> Any:
        """What ``name`` in ``home`` stands for: constants, which are watched, or arrays, read at each call."""
        thing = thing_of(value)
        if not any(isinstance(leaf, Given) for leaf in leaves(thing)):
            self.program.watch(home, name, value)
            return thing
        place = (id(home), name)
        self.program.outside.setdefault(place, (home, name, shape_of(thing)))
        return self.outside_arrays(place)

    def outside_arrays(self, place: tuple[int, str]) -> Any:
        """What a place outside holds, as parameters of the function being read."""
        if place not in self.target.outside:
            _, name, shape = self.program.outside[place]

            def param(type_: str, hint: str) -> Value:
                value = Value(type_, hint, self.target.block)
                self.target.params.append(value)
                return value

            made = self.target.outside[place] = assemble(shape, param, name)
            if isinstance(made, Arr):
                made.root = -next(met)
                self.target.arrays.append(made)
                self.program.outside_roots.add(made.root)
        return self.target.outside[place]

    def assign(self, target: ast.expr, thing: Any, *, fresh: bool = False) -> None:
        """Bind a target to a thing; ``fresh`` says that a dictionary has no other name than this."""
        if isinstance(thing, Lazy) and not isinstance(target, ast.Subscript):
            thing = materialise(self, thing, target)
        if isinstance(target, ast.Name):
            self.scope.vars[target.id] = thing if fresh else dicts.lent(thing)
            name_leaves(thing, target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            if not isinstance(thing, Tup):
                raise self.refuse(f"cannot unpack {describe(thing)}", target)
            stars = [k for k, item in enumerate(target.elts) if isinstance(item, ast.Starred)]
            items = list(thing.items)
            if stars:
                end = len(items) - (len(target.elts) - stars[0] - 1)
                if end < stars[0]:
                    self.stop(target)
                items[stars[0] : end] = [Tup(tuple(items[stars[0] : end]), list)]
            if len(items) != len(target.elts):
                self.stop(target)
            for item, part in zip(target.elts, items, strict=True):
                self.assign(item.value if isinstance(item, ast.Starred) else item, part)
        elif isinstance(target, ast.Attribute):
            raise self.refuse("an attribute is set: only frozen objects are taken", target)
        elif isinstance(target, ast.Subscript) and dicts.is_entry(self, target):
            dicts.write(self, target, thing)
        elif isinstance(target, ast.Subscript):
            store(self, target, thing)
        else:
            raise self.refuse(f"{type(target).__name__} cannot be set", target)

    # ------------------------------------------------------------------------------------ the other files

    def statements(self, nodes: list[ast.stmt]) -> None:
        from workbench.autodiff.native.statements import statement

        for node in nodes:
            statement(self, node)

    def evaluate(self, node: ast.expr, *, lazy: bool = False) -> Any:
        from workbench.autodiff.native.expressions import evaluate

        return evaluate(self, node, lazy=lazy)

    def branch(self, cond: Atom, then: Callable[[], Any], orelse: Callable[[], Any], node: ast.AST) -> Any:
        from workbench.autodiff.native.branches import branch

        return branch(self, cond, then, orelse, node)

    def truth(self, thing: Any, node: ast.AST) -> Atom:
        from workbench.autodiff.native.conditions import truth

        return truth(self, thing, node)

    def call_function(self, function: types.FunctionType | Local, args: dict[str, Any], node: ast.AST) -> Any:
        """Call another function of the program."""
        args = {name: materialise(self, a, node) if isinstance(a, Lazy) else a for name, a in args.items()}
        args = {name: lists.frozen(dicts.lent(a)) for name, a in args.items()}
        constants = self.program.constants(function, args)
        callee = self.program.specialise(function, args, constants, within=self.scope)
        if not callee.finished:
            callee.recursive = True
            if callee.result is None:
                self.stop(node)
        atoms = [leaf for name, thing in args.items() if name not in constants for leaf in leaves(thing)]
        atoms += [leaf for place in callee.outside for leaf in leaves(self.outside_arrays(place))]
        pure = callee.finished and not any(map(is_array, [*atoms, *callee.block.yields]))
        key = ("call", callee, *(a if isinstance(a, Value) else (type(a), repr(a)) for a in atoms))
        if pure and (known := self.known(key)) is not None:
            outs = iter(known)
            return assemble(callee.result, lambda type_, _: next(outs))
        made = Call([], callee, atoms, node.lineno)

        def out(type_: str, _: str) -> Value:
            value = Value(type_, "", self.block, made)
            made.outs.append(value)
            return value

        self.block.nodes.append(made)
        if not pure:
            self.writes += 1
        result = lists.check_result(self, assemble(callee.result, out), node)
        if pure:
            self.block.known[key] = made.outs
        return result


Lowering = _Lowering
