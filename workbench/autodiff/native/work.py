"""Where a program's work is done: the depth of its loops, and its whole-array operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from workbench.autodiff.native.ir import Atom, Block, Call, If, Loop, Op, Value, blocks_of
from workbench.autodiff.native.primitives import fold

SHORT_ARRAY = (
    32  # up to this many elements generated Python is faster than an operation of NumPy that is traced
)


@dataclass(frozen=True)
class _Whole:
    """A whole-array operation.

    ``depth`` is how many loops of the program it stands in, ``dims`` the lengths it goes through; ``product`` says
    that there is a sum for each element, which libraries for matrices do better.
    """

    depth: float
    dims: tuple[Atom, ...]
    known: dict[Value, Atom]
    product: bool


class Work:
    """Where a program's work is done: the depth of its loops, and its whole-array operations."""

    def __init__(self, block: Block, params: list[Value]) -> None:
        self.params = params
        self.depth: float = 0
        self.operations = 0  # of programs without loops
        self.whole: list[_Whole] = []
        self._active: set[Any] = set()
        self._walk(block, 0, {})

    def _walk(self, block: Block, depth: float, known: dict[Value, Atom]) -> None:
        self.depth = max(self.depth, depth)
        self.operations += len(block.nodes)
        for node in block.nodes:
            if isinstance(node, Loop) and node.aside:
                continue
            if isinstance(node, Loop) and node.whole:
                self.whole.append(_Whole(depth, _dims(node), known, _has_sums(node)))
            elif isinstance(node, Loop):
                self._walk(node.body, depth + 1, known)
            elif isinstance(node, If):
                for inner in blocks_of(node):
                    self._walk(inner, depth, known)
            elif isinstance(node, Call):
                self._call(node, depth, known)

    def _call(self, node: Call, depth: float, known: dict[Value, Atom]) -> None:
        callee = node.callee
        if callee in self._active:
            self.depth = math.inf
            return
        self._active.add(callee)
        handed = dict(zip(callee.params, node.args, strict=True))
        self._walk(callee.block, depth, {**known, **handed})
        self._active.discard(callee)

    @property
    def deep(self) -> list[_Whole]:
        """The whole-array operations that stand as deep as anything else."""
        return [one for one in self.whole if one.depth >= self.depth]

    @property
    def repeats(self) -> bool:
        """Whether the whole-array operations stand in loops of the program, and none is a product of matrices."""
        return all(one.depth >= 1 and not one.product for one in self.deep)

    def suits(self, numbers: list[Any]) -> bool:
        """Whether generated Python does this work faster than a trace, for these arguments."""
        values = dict(zip(self.params, numbers, strict=True))
        return all(_size(one, values) <= SHORT_ARRAY for one in self.deep)


def _has_sums(node: Loop) -> bool:
    """Whether each iteration of a loop over elements begins a sum of its own."""
    inner = [n for n in node.body.nodes if isinstance(n, Loop)]
    return any((n.inits and not node.inits) or _has_sums(n) for n in inner)


def _dims(node: Loop) -> tuple[Atom, ...]:
    inner = [n for n in node.body.nodes if isinstance(n, Loop) and n.whole]
    return (node.bounds[1], *(max((_dims(n) for n in inner), key=len) if inner else ()))


def _size(one: _Whole, values: dict[Value, Any]) -> float:
    lengths = [_number(n, one.known, values) for n in one.dims]
    return math.inf if None in lengths else math.prod(lengths)


def _number(atom: Atom, known: dict[Value, Atom], values: dict[Value, Any]) -> int | None:
    """A length, as far as it follows from the arguments."""
    for _ in range(100):
        if not isinstance(atom, Value):
            return atom
        if atom in values:
            return values[atom]
        if atom not in known:
            break
        atom = known[atom]
    if isinstance(atom, Value) and isinstance(atom.node, Op):
        parts = [_number(arg, known, values) for arg in atom.node.args]
        return None if None in parts or atom.node.text else fold(atom.node.name, parts)
    return None
