"""Drop what nobody uses, and what a loop carries without changing it.

An operation that may stop the sweep stays even when its result is unused: Python would raise there.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.autodiff.native.arrays import is_inside
from workbench.autodiff.native.ir import (
    Atom,
    Block,
    Call,
    If,
    Load,
    Loop,
    Op,
    Stop,
    Store,
    Value,
    atoms_of,
    blocks_of,
    is_array,
)
from workbench.autodiff.native.primitives import PRIMITIVES


def simplify(block: Block) -> None:
    """Simplify a function's block in place."""
    replaced: dict[Value, Atom] = {}
    _find_invariants(block, replaced)
    _replace(block, replaced)
    checks: dict[Value, Atom] = {}
    _drop_checks(block, checks)
    _replace(block, checks)
    _remove(block, checks)
    live = _Live()
    for atom in block.yields:
        live.mark(atom)
    while True:
        size = len(live.values), len(live.nodes)
        live.effects(block)
        if size == (len(live.values), len(live.nodes)):
            break
    _prune(block, live)


def _find_invariants(block: Block, replaced: dict[Value, Atom]) -> None:
    """What a loop carries and always finds as it was before: alone, or changing places with its like."""
    for node in block.nodes:
        if isinstance(node, Loop):
            params = node.body.params
            same = {param: _resolve(init, replaced) for param, init in zip(params, node.inits, strict=True)}
            while True:
                moved = [
                    param
                    for param, end in zip(params, node.body.yields, strict=True)
                    if param in same and not _is(same.get(end, _resolve(end, replaced)), same[param])
                ]
                if not moved:
                    break
                for param in moved:
                    del same[param]
            for param, out in zip(params, node.outs, strict=True):
                if param in same and not is_array(param):
                    replaced[param] = replaced[out] = same[param]
        for inner in blocks_of(node):
            _find_invariants(inner, replaced)


def _is(a: Atom, b: Atom) -> bool:
    if isinstance(a, Value) or isinstance(b, Value):
        return a is b
    return type(a) is type(b) and repr(a) == repr(b)


def _resolve(atom: Atom, replaced: dict[Value, Atom]) -> Atom:
    while isinstance(atom, Value) and atom in replaced:
        atom = replaced[atom]
    return atom


def _drop_checks(block: Block, replaced: dict[Value, Atom]) -> None:
    """Drop the checks of indices that are now seen to lie inside."""
    for node in block.nodes:
        if isinstance(node, Op) and node.name in ("index", "same"):
            i, n = node.args
            if (node.name == "index" and is_inside(i, n)) or (node.name == "same" and _is(i, n)):
                replaced[node.out] = i
        for inner in blocks_of(node):
            _drop_checks(inner, replaced)


def _remove(block: Block, values: dict[Value, Atom]) -> None:
    block.nodes = [node for node in block.nodes if not (isinstance(node, Op) and node.out in values)]
    for node in block.nodes:
        for inner in blocks_of(node):
            _remove(inner, values)


def _replace(block: Block, replaced: dict[Value, Atom]) -> None:
    def new(atom: Atom) -> Atom:
        return _resolve(atom, replaced)

    block.yields = [new(atom) for atom in block.yields]
    for node in block.nodes:
        if isinstance(node, Op | Call):
            node.args = [new(atom) for atom in node.args]
        if isinstance(node, Load | Store):
            node.data, node.at = new(node.data), new(node.at)
            node.index = [new(atom) for atom in node.index]
            node.strides = [new(atom) for atom in node.strides]
        if isinstance(node, Store):
            node.value = new(node.value)
        if isinstance(node, If):
            node.cond = new(node.cond)
        if isinstance(node, Loop):
            node.inits = [new(atom) for atom in node.inits]
            node.until = new(node.until)
            if node.bounds is not None:
                node.bounds = tuple(new(atom) for atom in node.bounds)
        for inner in blocks_of(node):
            _replace(inner, replaced)


class _Live:
    """The values and nodes that matter."""

    def __init__(self) -> None:
        self.values: set[Value] = set()
        self.nodes: set[object] = set()

    def mark(self, atom: Atom) -> None:
        """A value is used: so is what it is made of, back to the arguments."""
        used = [atom]
        while used:
            atom = used.pop()
            if isinstance(atom, Value) and atom not in self.values:
                self.values.add(atom)
                used += self._made_of(atom)

    def _made_of(self, value: Value) -> Iterator[Atom]:
        node = value.node
        if isinstance(node, Op | Load | Call | If | Loop):
            yield from self._decided_by(node)
        if isinstance(node, If):
            position = node.outs.index(value)
            yield from (node.then.yields[position], node.orelse.yields[position])
        elif isinstance(node, Loop) and value is not node.index and value is not node.count:
            carried = node.outs if value in node.outs else node.body.params
            position = carried.index(value)
            yield from (node.outs[position], node.body.params[position])
            yield from (node.inits[position], node.body.yields[position])

    def _decided_by(self, node: object) -> Iterator[Atom]:
        """A node runs: what decides how."""
        if node in self.nodes:
            return
        self.nodes.add(node)
        if isinstance(node, Loop):
            yield from (*(node.bounds or ()), node.until, *(node.test.yields if node.test else ()))
        else:
            yield from atoms_of(node)
            if isinstance(node, Load | Store):
                yield from (node.at, *node.strides)

    def effects(self, block: Block) -> bool:
        """Mark what may stop the sweep; whether there is any such thing, or a live node, in the block."""
        found = False
        for node in block.nodes:
            inside = [self.effects(inner) for inner in blocks_of(node)]
            effect = isinstance(node, Stop | Store | Call) or (
                isinstance(node, Op) and PRIMITIVES[node.name].stops
            )
            if effect or any(inside):
                for atom in self._decided_by(node):
                    self.mark(atom)
            found = found or node in self.nodes
        return found


def _prune(block: Block, live: _Live) -> None:
    block.nodes = [node for node in block.nodes if node in live.nodes]
    for node in block.nodes:
        for inner in blocks_of(node):
            _prune(inner, live)
        if isinstance(node, If):
            kept = [k for k, out in enumerate(node.outs) if out in live.values]
            node.outs = [node.outs[k] for k in kept]
            for inner in (node.then, node.orelse):
                inner.yields = [inner.yields[k] for k in kept] if inner.yields else []
        if isinstance(node, Loop):
            kept = [k for k, out in enumerate(node.outs) if out in live.values]
            node.outs = [node.outs[k] for k in kept]
            node.inits = [node.inits[k] for k in kept]
            node.body.params = [node.body.params[k] for k in kept]
            node.body.yields = [node.body.yields[k] for k in kept]
