"""Generated text as Numba gets it: what it is told about indices and recursion, and what it cannot compile."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any

import numpy as np

DEEPEST = 400
"""Calls of a function in itself that machine code goes through. Beyond them generated Python takes the call, whose
recursion has Python's limit; the smallest stacks of threads (512 kB on macOS) hold so many."""


def told() -> dict[str, Any]:
    """The functions that ``for_numba`` puts into a text."""
    import numba
    from numba.core import types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic

    @intrinsic
    def widened(context: Any, value: Any) -> Any:
        wide = types.unliteral(value)
        if isinstance(wide, types.Array):
            wide = wide.copy(layout="A")

        def cast(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = context.cast(builder, args[0], signature.args[0], wide)
            return impl_ret_borrowed(
                context, builder, wide, found
            )  # an array has one holder more from now on

        return wide(value), cast

    return {"place": numba.njit(_place), "widened": widened}


def for_numba(text: str, *, only: Collection[str] | None = None) -> ast.Module:
    """The module to compile for a generated text, or of ``only`` these functions, on the lines where they stand."""
    tree = ast.parse(text if only is None else alone(text, only))
    return ast.fix_missing_locations(_Deeper(text).visit(_Unsigned().visit(tree)))


def functions_of(text: str) -> dict[str, str]:
    """The functions of a generated text by their names, each with its decorator, and all lines up to the next."""
    _, *parts = re.split(r"^(?=@)", text, flags=re.MULTILINE)
    return {re.search(r"^def (\w+)", part, re.MULTILINE)[1]: part for part in parts}


def alone(text: str, names: Collection[str]) -> str:
    """``text`` with the lines of all functions but these empty."""
    title = text.partition("\n@")[0].count("\n") + 1
    return "\n" * title + "".join(
        part if name in names else "\n" * part.count("\n") for name, part in functions_of(text).items()
    )


def _place(index):
    return np.uint64(index)


class _Unsigned(ast.NodeTransformer):
    """Tells Numba that no index is negative: generated code counts from the beginning, and has checked it.

    Numba would look at each, since -1 means the last element, and that keeps loops from being vectorised.
    """

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        several = isinstance(node.slice, ast.Tuple)
        parts = node.slice.elts if several else [node.slice]
        if not any(isinstance(part, ast.Slice) for part in parts):
            name = ast.Name("place", ast.Load())
            new = [ast.Call(name, [part], []) for part in parts]
            node.slice = ast.Tuple(new, ast.Load()) if several else new[0]
        return ast.fix_missing_locations(node)


class _Deeper(ast.NodeTransformer):
    """Has functions that call themselves count how deep they are, see ``DEEPEST``.

    ``f(x)`` becomes ``f_deeper(x, depth)``, which calls itself one deeper, and ``f(x)``, which begins at the top.
    Whoever calls it, its arguments have the same types: where a function calls itself with other types (a constant,
    a view of an array), Numba 0.68 leaves the call open, and the process ends when the code is loaded from the disk.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | list[ast.AST]:
        calls = [
            n for n in ast.walk(node) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == node.name
        ]
        if not calls:
            return node
        name, depth = f"{node.name}_deeper", "depth"
        while name in self.text:
            name += "_"
        while depth in self.text:
            depth += "_"
        params = [argument.arg for argument in node.args.args]
        for one in calls:
            one.func.id = name
            one.args = [_widened(arg) for arg in one.args] + [ast.parse(f"{depth} + 1", mode="eval").body]
        check = ast.parse(f"if {depth} > {DEEPEST}: raise TooDeep").body
        given = [ast.unparse(_widened(ast.Name(param, ast.Load()))) for param in params]
        text = f"def {node.name}({', '.join(params)}): return {name}({', '.join([*given, 'widened(0)'])})"
        (top,) = ast.parse(text).body
        top.decorator_list = node.decorator_list
        node.name, node.decorator_list = name, [ast.Name("compiled", ast.Load())]
        node.args.args.append(ast.arg(depth))
        node.body = [*check, *node.body]
        for inner in ast.walk(top):
            if hasattr(inner, "lineno"):
                ast.copy_location(inner, node)
        return [node, top]


def _widened(arg: ast.expr) -> ast.expr:
    """An argument with the one type it has in all calls; tape and cotangents always have the same."""
    if isinstance(arg, ast.Name) and arg.id in ("tape", "shadow"):
        return arg
    return ast.Call(ast.Name("widened", ast.Load()), [arg], [])


def call_graph(text: str) -> dict[str, set[str]]:
    """For each function of a generated text those that it names; generated names stand for one thing each."""
    _, *parts = re.split(r"^def (\w+)", text, flags=re.MULTILINE)
    names = set(parts[::2])
    return {
        name: names.intersection(re.findall(r"\w+", body))
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def calls_in_circles(text: str) -> bool:
    """Whether functions call each other in a circle of more than one.

    Numba 0.68 leaves such calls open: the code fails when it runs, and ends the process when it is loaded from the
    cache. So they stay generated Python.
    """
    calls = {name: callees - {name} for name, callees in call_graph(text).items()}
    for start in calls:
        reached, waiting = set(), [start]
        while waiting:
            for callee in calls[waiting.pop()] - reached:
                reached.add(callee)
                waiting.append(callee)
        if start in reached:
            return True
    return False
