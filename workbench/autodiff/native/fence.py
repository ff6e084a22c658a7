"""What the native tier takes, and how it says no.

Every refusal carries the reason, the file, the line and the line's text with a caret under the place. A refusal is
not an error of the user's: the call goes to the trace tier, which takes any Python, and ``explain`` shows the reason.
"""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why a function is not taken, and where."""

    reason: str
    file: str = ""
    line: int = 0
    caret: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else ""
        return f"{place}{self.reason}" + (f"\n{self.caret}" if self.caret else "")


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
    ast.Try: "try/except: which path an exception takes is only known to the trace tier",
    ast.TryStar: "try/except*",
    ast.With: "with: context managers run arbitrary code",
    ast.AsyncFor: "async",
    ast.AsyncWith: "async",
    ast.AsyncFunctionDef: "async",
    ast.ClassDef: "a class defined inside the function",
    ast.Match: "match",
    ast.Delete: "del",
    ast.Global: "global: it changes state outside of the function",
    ast.Nonlocal: "nonlocal: it changes state outside of the function",
    ast.Import: "an import inside the function",
    ast.ImportFrom: "an import inside the function",
}

EXPRESSIONS: dict[type[ast.expr], str] = {
    ast.Yield: "yield: a generator",
    ast.YieldFrom: "yield: a generator",
    ast.Await: "async",
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
    ast.Set: "a set",
    ast.SetComp: "a set",
}


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
