"""Where a function's source is: the AST node that its code object was compiled from.

A function is matched by name and first line, a lambda by the positions stored in its code object, since several
lambdas may stand on one line. The match is verified by compiling the node again and comparing the names and
numbers it uses, so that an edited file is not mistaken for the program that runs.
"""

from __future__ import annotations

import ast
import functools
import linecache
import warnings
from dataclasses import dataclass
from types import CodeType, FunctionType

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


# the methods that collections.abc gives to classes which name it as their base: compiled into the interpreter
FROZEN_COLLECTIONS = "<frozen _collections_abc>"


class SourceUnavailable(Exception):
    """The source of a function cannot be found, or is not the source of the code that runs."""


@dataclass(frozen=True)
class Located:
    """A function's syntax tree: its node and the class it stands in (for private names), if any."""

    node: FunctionNode
    class_name: str | None


@dataclass(frozen=True)
class _Candidate:
    node: FunctionNode
    class_name: str | None
    first_line: int


@functools.lru_cache(maxsize=512)
def _functions_in(text: str) -> dict[str, list[_Candidate]]:
    """Every function of a source text, by name (a lambda's name is ``<lambda>``)."""
    found: dict[str, list[_Candidate]] = {}

    def walk(node: ast.AST, class_name: str | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                name = getattr(child, "name", "<lambda>")
                decorators = getattr(child, "decorator_list", [])
                first = decorators[0].lineno if decorators else child.lineno
                found.setdefault(name, []).append(_Candidate(child, class_name, first))
            walk(child, child.name if isinstance(child, ast.ClassDef) else class_name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        walk(ast.parse(text), None)
    return found


def locate(function: FunctionType) -> Located:
    """The syntax tree of ``function``. Do not change it: it is shared.

    Raises:
        SourceUnavailable: there is no source (C code, ``exec``), or it changed since it was compiled.
    """
    code = function.__code__
    filename = code.co_filename
    if filename == FROZEN_COLLECTIONS:
        filename = function.__globals__.get("__file__", filename)
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, function.__globals__))
    if not text:
        raise SourceUnavailable(f"no source text for {code.co_filename!r}")
    try:
        candidates = _functions_in(text).get(code.co_name, [])
    except SyntaxError as error:
        raise SourceUnavailable(f"{code.co_filename!r} cannot be parsed: {error}") from None
    matches = [c for c in candidates if c.first_line == code.co_firstlineno]
    if code.co_name == "<lambda>":
        matches = [c for c in candidates if c.node.lineno == code.co_firstlineno and _spans(c.node, code)]
        matches = sorted(matches, key=lambda c: (c.node.body.lineno, c.node.body.col_offset))[
            -1:
        ]  # the inner one
    if len(matches) != 1:
        raise SourceUnavailable(
            f"{code.co_filename!r} line {code.co_firstlineno} does not define {code.co_name!r}"
        )
    if not _same_program(matches[0].node, code):
        raise SourceUnavailable(f"{code.co_filename!r} changed after {code.co_name!r} was defined")
    return Located(matches[0].node, matches[0].class_name)


def node_of(code: CodeType) -> FunctionNode | None:
    """The syntax tree of a running function, rewritten or not, by its name and first line; None where there is none."""
    text = "".join(linecache.getlines(code.co_filename))
    try:
        candidates = _functions_in(text).get(code.co_name, [])
    except SyntaxError:
        return None
    lines = [(c.node, {c.first_line, c.node.lineno}) for c in candidates]
    return next((node for node, first in lines if code.co_firstlineno in first), None)


def _spans(node: ast.Lambda, code: CodeType) -> bool:
    body = node.body
    places = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3] > p[2]]
    if not places:  # a body that is one constant may have left no place since Python 3.12
        return True
    first = min((p[0], p[2]) for p in places)
    last = max((p[1], p[3]) for p in places)
    return (body.lineno, body.col_offset) <= first and last <= (body.end_lineno, body.end_col_offset)


def _same_program(node: FunctionNode, code: CodeType) -> bool:
    """Whether compiling ``node`` gives the arguments, names and numbers of ``code``.

    Names may be fewer: pytest adds its own to the asserts of a test module.
    """
    arguments = node.args
    count = len(arguments.posonlyargs) + len(arguments.args)
    if count != code.co_argcount or len(arguments.kwonlyargs) != code.co_kwonlyargcount:
        return False
    body = node.body if isinstance(node.body, list) else [ast.Expr(node.body)]
    holder = ast.copy_location(ast.FunctionDef("holder", node.args, body, []), node)
    if hasattr(ast, "TypeAlias"):
        holder.type_params = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = compile(ast.fix_missing_locations(ast.Module([holder], [])), "<check>", "exec")
        except SyntaxError:  # "nonlocal x" needs the function around it
            return True
    again = next(
        c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == "holder"
    )  # no default's
    known = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
    private = {name for name in known if name.startswith("_") and "__" in name[1:]}
    names = {n for n in again.co_names if not any(p.endswith(n) for p in private)}
    return names <= known and _numbers(again) <= _numbers(code)


def _numbers(code: CodeType) -> set:
    return {c for c in code.co_consts if type(c) in (int, float, complex)}
