"""The names of a function that is being read, and which of them it assigns."""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Scope:
    """The names of one function; ``outer`` for a function defined inside another."""

    function: types.FunctionType
    file: str
    locals: frozenset[str]
    vars: dict[str, Any] = field(default_factory=dict)
    outer: Scope | None = None
    lent: set[str] = field(default_factory=set)  # names of dictionaries that may have another name
    written: set[str] = field(default_factory=set)  # names of dictionaries that are written into
    definition: Any = None  # the function's syntax
    stands_for: Scope | None = None  # the scope of another function, of which some names were handed over


def assigned_names(nodes: list[ast.AST] | ast.AST) -> frozenset[str]:
    """The names that statements assign, not counting functions defined in them; also ``p`` in ``p["key"] = …``."""
    names: set[str] = set()
    waiting = list(nodes) if isinstance(nodes, list) else [nodes]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
        ):
            key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names.add(node.value.id)
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            # its targets are its own; what ``:=`` in it assigns belongs to the function
            named = [inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)]
            names |= {target.id for target in named}
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)
