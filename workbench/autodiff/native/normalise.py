"""Statements without jumps: ``break``, ``continue`` and early ``return`` become branches and flags.

``if c: ...; return x`` followed by a rest becomes ``if c: ...; result = x`` / ``else: rest``, which needs no flag.
Where a branch only sometimes leaves, a flag says so, and the rest is put under ``if not flag``. A loop that can be
left carries the flags in ``until``: the sweep leaves it after the iteration that sets one. Flags have names no
program can have (they contain a dot).
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

RESULT, RETURNED = "result.", "returned."


@dataclass
class _Rewritten:
    body: list[ast.stmt]
    flags: set[str]  # flags that may be set in it
    leaves: bool  # no path runs through to the end


def normalise(definition: ast.FunctionDef | ast.Lambda) -> list[ast.stmt]:
    """The body as statements that leave their result in ``RESULT`` and run through to the end."""
    if isinstance(definition, ast.Lambda):
        return [_set(RESULT, definition.body, definition.body)]
    body = definition.body
    if not _leaves(body):
        none = ast.Return(ast.Constant(None))
        body = [
            *body,
            ast.copy_location(ast.fix_missing_locations(ast.copy_location(none, body[-1])), body[-1]),
        ]
    return [_set(RETURNED, ast.Constant(False), definition), *_Normaliser().block(body, None).body]


def _set(name: str, value: ast.expr, at: ast.AST) -> ast.Assign:
    statement = ast.Assign([ast.Name(name, ast.Store())], value)
    return _at(statement, at)


def _at(node, at):
    for inner in ast.walk(node):
        if not hasattr(inner, "lineno") and isinstance(inner, ast.expr | ast.stmt):
            ast.copy_location(inner, at)
    return node


def _any(flags: set[str], at: ast.AST) -> ast.expr:
    names: list[ast.expr] = [ast.Name(flag, ast.Load()) for flag in sorted(flags)]
    return _at(names[0] if len(names) == 1 else ast.BoolOp(ast.Or(), names), at)


def _leaves(statements: list[ast.stmt]) -> bool:
    """Whether control surely does not run through to the end."""
    for statement in statements:
        if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return True
        if isinstance(statement, ast.If) and _leaves(statement.body) and _leaves(statement.orelse):
            return True
        if isinstance(statement, ast.While) and _endless(statement):
            return True
    return False


def _endless(loop: ast.While) -> bool:
    return isinstance(loop.test, ast.Constant) and bool(loop.test.value) and not _breaks(loop.body)


def _breaks(statements: list[ast.stmt]) -> bool:
    for statement in statements:
        if isinstance(statement, ast.Break):
            return True
        if isinstance(statement, ast.If) and (_breaks(statement.body) or _breaks(statement.orelse)):
            return True
        if isinstance(statement, ast.For | ast.While) and _breaks(statement.orelse):
            return True
    return False


class _Normaliser:
    def __init__(self) -> None:
        self.loops = 0

    def block(self, statements: list[ast.stmt], loop: int | None) -> _Rewritten:
        done = _Rewritten([], set(), False)
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            if isinstance(statement, ast.Return):
                value = statement.value or ast.copy_location(ast.Constant(None), statement)
                done.body.append(_set(RESULT, value, statement))
                return self.leave(done, RETURNED, statement)
            if isinstance(statement, ast.Break | ast.Continue):
                return self.leave(done, f"{type(statement).__name__.lower()}.{loop}", statement)
            if isinstance(statement, ast.Raise):
                done.body.append(statement)
                done.leaves = True
                return done
            if isinstance(statement, ast.If):
                if self.branch(done, statement, rest, loop):
                    return done
            elif isinstance(statement, ast.For | ast.While):
                if self.loop(done, statement, rest, loop):
                    return done
            else:
                done.body.append(statement)
        return done

    def leave(self, done: _Rewritten, flag: str, at: ast.AST) -> _Rewritten:
        done.body.append(_set(flag, ast.Constant(True), at))
        done.flags.add(flag)
        done.leaves = True
        return done

    def branch(self, done: _Rewritten, node: ast.If, rest: list[ast.stmt], loop: int | None) -> bool:
        """Append the branch; True when it has taken the rest of the block with it."""
        then, orelse = self.block(node.body, loop), self.block(node.orelse, loop)
        flags = then.flags | orelse.flags
        takes_rest = bool(flags) and bool(rest)
        if takes_rest and then.leaves and not orelse.leaves:
            orelse = self.block([*node.orelse, *rest], loop)
        elif takes_rest and orelse.leaves and not then.leaves:
            then = self.block([*node.body, *rest], loop)
        else:
            takes_rest = False
        new = ast.If(node.test, then.body or [_at(ast.Pass(), node)], orelse.body)
        done.body.append(ast.copy_location(new, node))
        done.flags |= then.flags | orelse.flags
        if takes_rest or (then.leaves and orelse.leaves):
            done.leaves = then.leaves and orelse.leaves
            return True
        return self.guarded(done, flags, rest, loop=loop, at=node)

    def guarded(
        self, done: _Rewritten, flags: set[str], rest: list[ast.stmt], *, loop: int | None, at: ast.AST
    ) -> bool:
        """Put the rest under "no flag is set"; True when that was needed."""
        if not flags or not rest:
            return False
        after = self.block(rest, loop)
        done.body.append(_at(ast.If(_any(flags, at), [_at(ast.Pass(), at)], after.body), at))
        done.flags |= after.flags
        done.leaves = after.leaves
        return True

    def loop(
        self, done: _Rewritten, node: ast.For | ast.While, rest: list[ast.stmt], loop: int | None
    ) -> bool:
        self.loops += 1
        own = self.loops
        breaks, continues = f"break.{own}", f"continue.{own}"
        body = self.block(node.body, own)
        new = copy.copy(node)
        new.body = [_set(continues, ast.Constant(False), node)] if continues in body.flags else []
        new.body = [*new.body, *body.body]
        new.orelse = []
        leaving = body.flags & {breaks, RETURNED}
        new.until = _any(leaving, node) if leaving else None
        if breaks in body.flags:
            done.body.append(_set(breaks, ast.Constant(False), node))
        done.body.append(new)
        returned = body.flags & {RETURNED}
        done.flags |= returned
        if isinstance(node, ast.While) and _endless(node):
            done.leaves = True
            return True
        if node.orelse:
            if leaving:
                orelse = self.block(node.orelse, loop)
                done.body.append(_at(ast.If(_any(leaving, node), [_at(ast.Pass(), node)], orelse.body), node))
                returned |= orelse.flags
                done.flags |= orelse.flags
            else:
                rest = [*node.orelse, *rest]
                after = self.block(rest, loop)
                done.body += after.body
                done.flags |= after.flags
                done.leaves = after.leaves
                return True
        return self.guarded(done, returned, rest, loop=loop, at=node)
