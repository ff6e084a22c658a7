"""Read a function: its syntax tree, its file, and the values its free names stand for.

Only if the file, compiled again, has the same bytecode is the tree the function's own. A file edited after import, or a
function whose source cannot be found, is refused.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import types
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.autodiff.native.fence import refuse
from workbench.autodiff.source import SourceUnavailable, locate

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


@lru_cache(maxsize=32)
def _fingerprints(file: str, text: str) -> frozenset[tuple[Any, ...]]:
    """Those of all the code in a file."""
    found, waiting = set(), [compile(text, file, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        found.add(_fingerprint(code))
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return frozenset(found)


def _fingerprint(code: types.CodeType) -> tuple[Any, ...]:
    constants = tuple((type(c), repr(c)) for c in code.co_consts if not isinstance(c, types.CodeType))
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_firstlineno


def read(function: types.FunctionType) -> Source:
    """The function's definition in its file.

    Raises:
        RefusedError: when there is no source, or it is not what is running.
    """
    code = function.__code__
    try:
        node = locate(function).node
    except SourceUnavailable as error:
        raise refuse(f"its source is not known: {error}") from None
    if not isinstance(node, Definition):
        raise refuse("it is asynchronous")
    rewritten_by_pytest = "@pytest_ar" in function.__globals__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not rewritten_by_pytest and _fingerprint(code) not in _fingerprints(code.co_filename, text):
        raise refuse(f"the source of {function.__qualname__} in {code.co_filename} is not what is running")
    return Source(function, node, code.co_filename)


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
