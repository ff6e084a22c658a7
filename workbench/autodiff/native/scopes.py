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
    stands_for: Scope | None = None  # the scope of another function, of which some names were handed over


def assigned_names(nodes: list[ast.AST] | ast.AST) -> frozenset[str]:
    """The names that statements assign, not counting functions defined in them."""
    names: set[str] = set()
    waiting = list(nodes) if isinstance(nodes, list) else [nodes]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)
