"""One pass over a function's syntax tree, so that everything it does goes through the engine's doors.

``f(x)`` becomes ``resolve(f)(x)``, ``a + b`` becomes ``add(a, b)``, ``a[i]`` becomes ``get_item(a, i)`` and so on.
``code_objects`` makes code of it.
"""

from __future__ import annotations

import ast
import itertools

# Called with no argument or by name these look at their caller's frame, so they are left as they stand.
FRAME_READERS = frozenset({"super", "locals", "vars", "dir", "globals", "eval", "exec"})

# Of these, the ones that read a program out of text.
RUNNERS = frozenset({"eval", "exec"})

BINARY = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "modulo",
    ast.Pow: "power",
    ast.MatMult: "matrix_multiply",
    ast.BitAnd: "bit_and",
    ast.BitOr: "bit_or",
    ast.BitXor: "bit_xor",
    ast.LShift: "left_shift",
    ast.RShift: "right_shift",
}
UNARY = {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "invert"}
COMPARE = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.In: "is_in",
    ast.NotIn: "is_not_in",
}

DOOR = "\x00door:"
"""How the constants begin that stand for doors until the code is compiled."""
TEMPORARY = "<temporary "
"""How the names of variables begin that the pass needs."""


def _is_super(node: ast.expr) -> bool:
    """Whether an expression is ``super()``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


class Rewriter(ast.NodeTransformer):
    """The pass.

    Args:
        modules: global names bound to modules: their attributes are plain.
        class_name: the class that the program stands in, whose private names are mangled.
    """

    def __init__(self, modules: frozenset[str], class_name: str | None) -> None:
        self.modules = modules
        self.private = f"_{class_name.lstrip('_')}" if class_name and class_name.strip("_") else None
        self.in_source = self.in_class = False
        self.supers: set[str] = set()  # variables that ``super()`` has been assigned to
        self.temporaries = (f"{TEMPORARY}{n}>" for n in itertools.count())

    # -- small makers

    def door(self, name: str, args: list[ast.expr], at: ast.AST) -> ast.Call:
        call = ast.Call(func=ast.Constant(DOOR + name), args=args, keywords=[])
        for node in (call, call.func):
            ast.copy_location(node, at)
        return call

    def load(self, name: str, at: ast.AST) -> ast.Name:
        return ast.copy_location(ast.Name(name, ast.Load()), at)

    def keep(self, value: ast.expr, at: ast.AST) -> tuple[str, ast.Assign]:
        name = next(self.temporaries)
        store = ast.copy_location(ast.Name(name, ast.Store()), at)
        return name, ast.copy_location(ast.Assign([store], value), at)

    def index(self, node: ast.expr) -> ast.expr:
        """An index as an ordinary value: slices become ``slice`` objects."""
        if isinstance(node, ast.Slice):
            nothing = ast.copy_location(ast.Constant(None), node)
            parts = [self.visit(part) if part else nothing for part in (node.lower, node.upper, node.step)]
            return self.door("slice", parts, node)
        if isinstance(node, ast.Tuple):
            elements = [
                ast.copy_location(ast.Starred(self.visit(e.value), ast.Load()), e)
                if isinstance(e, ast.Starred)
                else self.index(e)
                for e in node.elts
            ]
            return ast.copy_location(ast.Tuple(elements, ast.Load()), node)
        return self.visit(node)

    # -- names (private names of a class are mangled, since the class around them is gone)

    def mangle(self, name: str) -> str:
        if self.private and name.startswith("__") and not name.endswith("__"):
            return self.private + name
        return name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Name(self.mangle(node.id), node.ctx), node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg(self.mangle(node.arg), node.annotation), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer = self.private, self.in_class
        self.private, self.in_class = f"_{node.name.lstrip('_')}", True
        node = self.generic_visit(node)
        self.private, self.in_class = outer
        return node

    # -- expressions

    def visit_Call(self, node: ast.Call) -> ast.expr:
        callee = node.func
        args = [self.visit(a) for a in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        if isinstance(callee, ast.Name) and callee.id in FRAME_READERS:
            target = self.visit(callee)
            if callee.id in RUNNERS and args:
                mode = ast.copy_location(ast.Constant(callee.id), node)
                args[0] = self.door("program_text", [args[0], mode], node)
        else:
            if isinstance(callee, ast.Attribute) and not self.is_super(callee.value):
                callee = self.visit_Attribute(callee, "get_method")
            else:
                callee = self.visit(callee)
            target = self.door("resolve", [callee], node)
        return ast.copy_location(ast.Call(target, args, keywords), node)

    def is_super(self, node: ast.expr) -> bool:
        """Whether an expression is ``super()``: its methods are not always those that Python would bind."""
        return _is_super(node) or (isinstance(node, ast.Name) and node.id in self.supers)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string: text that numbers are written in is not read again unnoticed."""
        if all(isinstance(part, ast.Constant) for part in node.values):
            return node
        return self.door("joined", [self.visit(part) for part in node.values], node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        spec = self.visit(node.format_spec) if node.format_spec else ast.Constant("")
        parts = [self.visit(node.value), ast.Constant(node.conversion), spec]
        for part in parts[1:]:
            ast.copy_location(part, node)
        return self.door("formatted", parts, node)

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        if isinstance(node.ctx, ast.Load):
            inner = self.door("iterate", [self.visit(node.value)], node)
            return ast.copy_location(ast.Starred(inner, ast.Load()), node)
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return self.door(BINARY[type(node.op)], [self.visit(node.left), self.visit(node.right)], node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        number = isinstance(node.operand, ast.Constant) and type(node.op) is not ast.Not
        if number or type(node.op) is ast.Not:
            return self.generic_visit(node)
        return self.door(UNARY[type(node.op)], [self.visit(node.operand)], node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) > 1 and self.in_source:
            return self.generic_visit(node)
        left, tests = self.visit(node.left), []
        for k, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.visit(right)
            following = None
            if k + 1 < len(node.ops):
                name = next(self.temporaries)
                store = ast.copy_location(ast.Name(name, ast.Store()), right)
                right = ast.copy_location(ast.NamedExpr(store, right), right)
                following = self.load(name, right)
            if type(op) in COMPARE:
                tests.append(self.door(COMPARE[type(op)], [left, right], node))
            else:
                tests.append(ast.copy_location(ast.Compare(left, [op], [right]), node))
            left = following
        return tests[0] if len(tests) == 1 else ast.copy_location(ast.BoolOp(ast.And(), tests), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if not isinstance(node.ctx, ast.Load):
            return self.generic_visit(node)
        return self.door("get_item", [self.visit(node.value), self.index(node.slice)], node)

    def visit_Attribute(self, node: ast.Attribute, door: str = "get_attribute") -> ast.expr:
        name = self.mangle(node.attr)
        of_module = isinstance(node.value, ast.Name) and node.value.id in self.modules
        value = self.visit(node.value)
        if of_module or not isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Attribute(value, name, node.ctx), node)
        return self.door(door, [value, ast.copy_location(ast.Constant(name), node)], node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        outer, self.in_source = self.in_source, True  # Python allows no assignment expression there
        source = self.visit(node.iter)
        self.in_source = outer
        unpacks = isinstance(node.target, ast.Tuple | ast.List)
        iterates = "async_iterate" if node.is_async else "iterate_rows" if unpacks else "iterate"
        source = self.door(iterates, [source], node.iter)
        tests = [self.visit(test) for test in node.ifs]
        return ast.comprehension(self.visit(node.target), source, tests, node.is_async)

    # -- statements

    def store(self, target: ast.expr, value: ast.expr, *, displayed: bool = False) -> list[ast.stmt]:
        """``target = value`` in Python's order: the parts of a target are stored from left to right.

        ``displayed`` says that the value is written out as a tuple or list and needs no iteration.
        """
        if isinstance(target, ast.Subscript):
            return [self.set_item(value, target)]
        if isinstance(target, ast.Attribute):
            return [self.set_attribute(value, target)]
        if not isinstance(target, ast.Tuple | ast.List):
            return [ast.copy_location(ast.Assign([self.visit(target)], value), target)]
        if not displayed:
            value = self.door("iterate", [value], value)
        names = [part.value if isinstance(part, ast.Starred) else part for part in target.elts]
        if all(isinstance(name, ast.Name) for name in names):
            return [ast.copy_location(ast.Assign([self.visit(target)], value), target)]
        kept, after = [], []
        for part, name in zip(target.elts, names, strict=True):
            temporary = next(self.temporaries)
            new = ast.copy_location(ast.Name(temporary, ast.Store()), part)
            starred = isinstance(part, ast.Starred)
            kept.append(ast.copy_location(ast.Starred(new, ast.Store()), part) if starred else new)
            after += self.store(name, self.load(temporary, part))
        whole = ast.copy_location(ast.Tuple(kept, ast.Store()), target)
        return [ast.copy_location(ast.Assign([whole], value), target), *after]

    def target(self, node: ast.expr) -> tuple[ast.expr, list[ast.stmt]]:
        """A target for a statement that stores by itself, and what is to be stored after it."""
        if isinstance(node, ast.Name):
            return self.visit(node), []
        name = next(self.temporaries)
        stored = ast.copy_location(ast.Name(name, ast.Store()), node)
        return stored, self.store(node, self.load(name, node))

    def set_item(self, value: ast.expr, node: ast.Subscript) -> ast.stmt:
        arguments = [value, self.visit(node.value), self.index(node.slice)]
        return ast.copy_location(ast.Expr(self.door("set_item", arguments, node)), node)

    def set_attribute(self, value: ast.expr, node: ast.Attribute) -> ast.stmt:
        name = ast.copy_location(ast.Constant(self.mangle(node.attr)), node)
        call = self.door("set_attribute", [value, self.visit(node.value), name], node)
        return ast.copy_location(ast.Expr(call), node)

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        if _is_super(node.value):
            self.supers |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        value = self.visit(node.value)
        if len(node.targets) == 1:
            displayed = isinstance(node.value, ast.Tuple | ast.List)
            return self.store(node.targets[0], value, displayed=displayed)
        name, keep = self.keep(value, node)
        return [keep, *(s for t in node.targets for s in self.store(t, self.load(name, node)))]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if self.in_class:  # a dataclass reads the annotations
            node.value = self.visit(node.value) if node.value is not None else None
            return [node]
        if node.value is None:
            return [ast.copy_location(ast.Pass(), node)] if not isinstance(node.target, ast.Name) else [node]
        plain = ast.copy_location(ast.Assign([node.target], node.value), node)
        return self.visit_Assign(plain)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        operation, target, before = f"in_place_{BINARY[type(node.op)]}", node.target, []
        if isinstance(target, ast.Name):
            old: ast.expr = self.load(self.mangle(target.id), target)
        else:
            owner, first = self.keep(self.visit(target.value), target)
            before = [first]
            if isinstance(target, ast.Attribute):
                plain = ast.Attribute(self.load(owner, target), target.attr, ast.Load())
                old = self.visit_Attribute(ast.copy_location(plain, target))
            else:
                place, second = self.keep(self.index(target.slice), target)
                before.append(second)
                pair = [self.load(owner, target), self.load(place, target)]
                old = self.door("get_item", pair, target)
        new = self.door(operation, [old, self.visit(node.value)], node)
        if isinstance(target, ast.Name):
            return [ast.copy_location(ast.Assign([self.visit(target)], new), node)]
        if isinstance(target, ast.Attribute):
            name = ast.copy_location(ast.Constant(self.mangle(target.attr)), target)
            call = self.door("set_attribute", [new, self.load(owner, target), name], target)
            return [*before, ast.copy_location(ast.Expr(call), node)]
        pair = [self.load(owner, target), self.load(place, target)]
        return [*before, ast.copy_location(ast.Expr(self.door("set_item", [new, *pair], node)), node)]

    def visit_Delete(self, node: ast.Delete) -> list[ast.stmt]:
        deleted: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Tuple | ast.List):
                deleted += self.visit_Delete(ast.copy_location(ast.Delete(target.elts), target))
                continue
            if isinstance(target, ast.Subscript):
                place = [self.visit(target.value), self.index(target.slice)]
                new: ast.stmt = ast.Expr(self.door("delete_item", place, target))
            elif isinstance(target, ast.Attribute):
                name = ast.copy_location(ast.Constant(self.mangle(target.attr)), target)
                new = ast.Expr(self.door("delete_attribute", [self.visit(target.value), name], target))
            else:
                new = ast.Delete([self.visit(target)])
            deleted.append(ast.copy_location(new, target))
        return deleted

    def visit_For(self, node: ast.For | ast.AsyncFor) -> ast.For | ast.AsyncFor:
        target, after = self.target(node.target)
        iterates = "async_iterate" if isinstance(node, ast.AsyncFor) else "iterate"
        source = self.door(iterates, [self.visit(node.iter)], node.iter)
        body = after + self.block(node.body)
        return ast.copy_location(type(node)(target, source, body, self.block(node.orelse)), node)

    visit_AsyncFor = visit_For

    def visit_Await(self, node: ast.Await) -> ast.Await:
        return ast.copy_location(ast.Await(self.door("awaited", [self.visit(node.value)], node)), node)

    def visit_Global(self, node: ast.Global) -> list[ast.stmt]:
        names = ast.copy_location(ast.Constant(tuple(node.names)), node)
        return [node, ast.copy_location(ast.Expr(self.door("changes_globals", [names], node)), node)]

    def visit_With(self, node: ast.With | ast.AsyncWith) -> ast.With | ast.AsyncWith:
        items, after = [], []
        enters = "async_context" if isinstance(node, ast.AsyncWith) else "context"
        for item in node.items:
            context = self.door(enters, [self.visit(item.context_expr)], item.context_expr)
            stored = None
            if item.optional_vars is not None:
                stored, more = self.target(item.optional_vars)
                after += more
            items.append(ast.withitem(context, stored))
        return ast.copy_location(type(node)(items, after + self.block(node.body)), node)

    visit_AsyncWith = visit_With

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.YieldFrom:
        return ast.copy_location(ast.YieldFrom(self.door("iterate", [self.visit(node.value)], node)), node)

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            new = self.visit(statement)
            out.extend(new if isinstance(new, list) else [new])
        return out

    def visit_FunctionDef(self, node):
        node.name = self.mangle(node.name)
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        node.args = self.arguments(node.args)
        outer, self.in_class = self.in_class, False
        node.body = self.block(node.body)
        self.in_class = outer
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = self.block(node.body)
        return node

    # -- patterns: the values that they compare with are names, and stay as they are

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.MatchValue:
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.MatchMapping:
        node.patterns = [self.visit(pattern) for pattern in node.patterns]
        return node

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.MatchClass:
        node.patterns = [self.visit(pattern) for pattern in node.patterns]
        node.kwd_patterns = [self.visit(pattern) for pattern in node.kwd_patterns]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        node.args = self.arguments(node.args)
        node.body = self.visit(node.body)
        return node

    def arguments(self, node: ast.arguments) -> ast.arguments:
        return self.generic_visit(node)
