"""What the native tier takes, and how it says no.

Every refusal carries the reason, the file, the line and the line's text with a caret under the place. A refusal is
not an error of the user's: the call goes to the trace tier, which takes any Python, and ``explain`` shows the reason.
"""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass

from workbench.autodiff.location import place


@dataclass(frozen=True)
class Refusal:
    """Why a function is not taken, and where."""

    reason: str
    file: str = ""
    line: int = 0
    caret: str = ""

    def __str__(self) -> str:
        where = f"{place(self.file, self.line)}: " if self.line else ""
        return f"{where}{self.reason}" + (f"\n{self.caret}" if self.caret else "")


class RefusedError(Exception):
    """Raised inside the pipeline, caught by ``plan``: carries the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def refuse(reason: str, node: ast.AST | None = None, file: str = "") -> RefusedError:
    """The exception that refuses ``node`` of ``file``; raise it."""
    line = getattr(node, "lineno", 0)
    caret = ""
    if line:
        text = linecache.getline(file, line).rstrip("\n")
        column = len(text.encode()[: node.col_offset].decode(errors="ignore"))
        end = node.end_col_offset if getattr(node, "end_lineno", line) == line else len(text.encode())
        width = max(1, len(text.encode()[node.col_offset : end].decode(errors="ignore")))
        caret = f"    {text.strip()}\n    {' ' * (column - (len(text) - len(text.lstrip())))}{'^' * width}"
    return RefusedError(Refusal(reason, file, line, caret))


STATEMENTS: dict[type[ast.stmt], str] = {
    ast.Try: "it uses try/except: which path an exception takes is only known to the trace tier",
    ast.TryStar: "it uses try/except*",
    ast.With: "it uses with: context managers run arbitrary code",
    ast.AsyncFor: "it is asynchronous",
    ast.AsyncWith: "it is asynchronous",
    ast.AsyncFunctionDef: "it is asynchronous",
    ast.ClassDef: "it defines a class",
    ast.Match: "it uses match",
    ast.Delete: "it uses del",
    ast.Global: "it uses global: it changes state outside of the function",
    ast.Nonlocal: "it uses nonlocal: it changes state outside of the function",
    ast.Import: "it imports a module",
    ast.ImportFrom: "it imports a module",
}

EXPRESSIONS: dict[type[ast.expr], str] = {
    ast.Yield: "it is a generator",
    ast.YieldFrom: "it is a generator",
    ast.Await: "it is asynchronous",
    ast.Set: "it uses a set",
    ast.SetComp: "it uses a set",
}


ITERATORS = ("zip", "enumerate", "reversed")


def is_iterator(node: ast.AST) -> bool:
    """Whether an expression gives something that goes through others later, and only once."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ITERATORS
    return called or isinstance(node, ast.GeneratorExp)


def _is_used_up(node: ast.AST, parent: ast.AST) -> bool:
    """Whether an iterator is gone through where it stands; what calls do with it is looked at when they are read."""
    if isinstance(parent, ast.Assign):
        return all(isinstance(target, ast.Tuple | ast.List) for target in parent.targets)
    if isinstance(parent, ast.For | ast.comprehension):
        return parent.iter is node
    return isinstance(parent, ast.Call | ast.keyword | ast.Starred)


def check_syntax(tree: ast.AST, file: str) -> None:
    """Refuse what no later pass can take, before any of them runs.

    Raises:
        RefusedError: naming the first such statement or expression.
    """
    inside_raise: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.Assert):
            message = node.exc if isinstance(node, ast.Raise) else node.msg
            inside_raise.update(ast.walk(message) if message is not None else ())
    for node in ast.walk(tree):
        reason = STATEMENTS.get(type(node)) or EXPRESSIONS.get(type(node))
        if reason and node not in inside_raise:
            raise refuse(reason, node, file)
        for inner in ast.iter_child_nodes(node):
            if is_iterator(inner) and not _is_used_up(inner, node) and inner not in inside_raise:
                raise refuse("it keeps an iterator, which is empty once it was gone through", inner, file)
