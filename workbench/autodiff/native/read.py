"""Read a function: its syntax tree, its file, and the values its free names stand for.

The tree is taken from the file the code object names and compiled again; only if that gives the same bytecode is it
the function's own source. A file edited after import, or a function whose source cannot be found, is refused.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.autodiff.native.fence import refuse

Definition = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True)
class Source:
    """A function with its definition."""

    function: types.FunctionType
    definition: Definition
    file: str

    @property
    def name(self) -> str:
        """A name for the function that Python accepts."""
        return "function" if isinstance(self.definition, ast.Lambda) else self.definition.name


@lru_cache(maxsize=32)  # the syntax of a file takes a hundred times its size
def _parsed(file: str, text: str) -> tuple[list[Definition], list[types.CodeType]]:
    tree = ast.parse(text)
    codes: list[types.CodeType] = []
    waiting = [compile(tree, file, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        codes.append(code)
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return [node for node in ast.walk(tree) if isinstance(node, Definition)], codes


def _fingerprint(code: types.CodeType) -> tuple[Any, ...]:
    constants = [(type(c), repr(c)) for c in code.co_consts if not isinstance(c, types.CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_firstlineno


def _starts(code: types.CodeType) -> Iterator[tuple[int, int]]:
    for line, _, column, _ in code.co_positions():
        if line is not None and column is not None:
            yield line, column


def _is_definition_of(node: Definition, code: types.CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        if code.co_name != "<lambda>" or node.lineno != code.co_firstlineno:
            return False
        body = node.body
        inside = [
            (body.lineno, body.col_offset) <= place < (body.end_lineno, body.end_col_offset)
            for place in _starts(code)
            if place != (code.co_firstlineno, 0)
        ]
        return bool(inside) and all(inside)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return node.name == code.co_name and first == code.co_firstlineno


def read(function: types.FunctionType) -> Source:
    """The function's definition in its file.

    Raises:
        RefusedError: when there is no source, or it is not what is running.
    """
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise refuse(f"the source of {function.__qualname__} cannot be found")
    try:
        definitions, codes = _parsed(code.co_filename, text)
    except SyntaxError as error:
        raise refuse(f"the source of {function.__qualname__} cannot be parsed: {error}") from None
    found = [node for node in definitions if _is_definition_of(node, code)]
    rewritten_by_pytest = "@pytest_ar" in function.__globals__
    same = rewritten_by_pytest or any(_fingerprint(other) == _fingerprint(code) for other in codes)
    if len(found) != 1 or not same:
        raise refuse(f"the source of {function.__qualname__} in {code.co_filename} is not what is running")
    return Source(function, found[0], code.co_filename)


class Missing:
    """Stands for a name that is nowhere defined."""


def free_value(function: types.FunctionType, name: str) -> tuple[Any, Any]:
    """What a free name stands for, and where it is kept: a closure cell or a dict of names."""
    if name in function.__code__.co_freevars:
        cell = function.__closure__[function.__code__.co_freevars.index(name)]
        try:
            return cell.cell_contents, cell
        except ValueError:
            return Missing, cell
    if name in function.__globals__:
        return function.__globals__[name], function.__globals__
    return getattr(builtins, name, Missing), builtins.__dict__
