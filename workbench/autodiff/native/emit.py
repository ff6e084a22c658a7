"""Python text for blocks: names, expressions, statements.

Values keep the names the program gives them; a name already taken gets a number. Intermediate results used once are
written into the expression that uses them.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from typing import Any

from workbench.autodiff.native.elements import HELPERS
from workbench.autodiff.native.fence import refuse
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
)
from workbench.autodiff.native.primitives import PRIMITIVES
from workbench.autodiff.native.runtime import PLAIN
from workbench.autodiff.native.structures import Given

BUILTINS = {"abs", "float", "int", "range", "len", "True", "False", "None", "Stop", "TapeFull", "compiled"}


class Names:
    """Names for the values of one generated function; none is given twice, whatever the program calls things."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {
            *taken,
            *BUILTINS,
            *PLAIN,
            *HELPERS,
            *keyword.kwlist,
            "tape",
            "pos",
            "shadow",
            "max",
            "min",
        }
        self.given: dict[Any, str] = {}
        self.numbers: dict[str, int] = {}  # the last one given to each stem
        self.shared: dict[Value, Value] = {}

    def fresh(self, hint: str) -> str:
        """A new name."""
        hint = re.sub(r"\W", "_", hint.rstrip(".")) or "t"
        name, stem, number = ("t1", "t", 1) if hint == "t" else (hint, f"{hint}_", 1)
        if name in self.taken:
            number = self.numbers.get(stem, number)
            while name in self.taken:
                number += 1
                name = f"{stem}{number}"
            self.numbers[stem] = number
        self.taken.add(name)
        return name

    def of(self, value: Value, suffix: str = "") -> str:
        """The name of a value, or of its cotangent (suffix ``_bar``) or tangent (``_dot``)."""
        value = self.shared.get(value, value)
        if isinstance(value, Given):
            raise refuse("an array from outside is a default, or bound into a function or method")
        key = (value, suffix)
        if key not in self.given:
            self.given[key] = self.fresh(self.of(value) + suffix if suffix else value.hint)
        return self.given[key]

    def fixed(self, key: Any, hint: str) -> str:
        """The name of something that is no value."""
        if key not in self.given:
            self.given[key] = self.fresh(hint)
        return self.given[key]

    def share_loops(self, block: Block) -> None:
        """Let what comes out of each loop have the names of what it carries."""
        for node in block.nodes:
            if isinstance(node, Loop):
                for param, out in zip(node.body.params, node.outs, strict=True):
                    self.shared[out] = param
            for inner in blocks_of(node):
                self.share_loops(inner)


def number(atom: Atom) -> str:
    """A constant as Python text."""
    text = repr(atom)
    if text in ("inf", "-inf", "nan"):
        return text
    return f"({text})" if text.startswith("-") else text


def bare(text: str) -> str:
    """An expression without the parentheses around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1]


class Lines:
    """The lines of a function that is being written: how far they are indented, and the program's line at the last."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.level, self.line = 1, 0

    def add(self, text: str, line: int = 0) -> None:
        """One statement; ``line`` is the program's line it comes from."""
        note = f"  # line {line}" if line and line != self.line else ""
        self.line = line or self.line
        self.lines.append("    " * self.level + text + note)


class Writer(Lines):
    """Writes the blocks of one function as Python statements."""

    def __init__(self, names: Names, *, kept: set[Value] = frozenset()) -> None:
        super().__init__()
        self.names, self.kept = names, kept
        self.inlined: dict[Value, str] = {}

    def atom(self, atom: Atom) -> str:
        """An atom as an operand."""
        if not isinstance(atom, Value):
            return number(atom)
        return self.inlined.get(atom) or self.names.of(atom)

    def expression(self, op: Op) -> str:
        """The right-hand side of an operation."""
        text = op.text or PRIMITIVES[op.name].text
        args = map(self.atom, op.args)
        return text.format(*map(bare, args)) if re.match(r"\w+\(", text) else text.format(*args)

    # Hooks that the sweeps fill in
    def pairs(self, target: Value, source: Atom) -> list[tuple[str, str]]:
        """The assignments that give a value to a branch's or loop's result."""
        return [(self.names.of(target), bare(self.atom(source)))]

    def call(self, node: Call) -> None:
        """A call."""
        text = f"{node.callee.name}({', '.join(bare(self.atom(arg)) for arg in node.args)})"
        outs = ", ".join(self.names.of(out) for out in node.outs)
        self.add(f"{outs} = {text}" if outs else text, node.line)

    def end_of_block(self, block: Block) -> None:
        """What is written after the nodes of a block."""

    def block(self, block: Block) -> None:
        """The nodes of a block."""
        single = _used_once(block, self.kept)
        for node in block.nodes:
            if isinstance(node, Op):
                if node.out in single:
                    text = self.expression(node)
                    self.inlined[node.out] = text if _closed(text) else f"({text})"
                else:
                    self.operation(node)
            else:
                writers = {Call: self.call, If: self.branch, Loop: self.loop, Stop: self.stop}
                writers |= {Load: self.load, Store: self.store}
                writers[type(node)](node)
        self.end_of_block(block)

    def operation(self, node: Op) -> None:
        """An operation whose result has a name."""
        self.add(f"{self.names.of(node.out)} = {self.expression(node)}", node.line)

    def element(self, data: str, index: list[Atom]) -> str:
        """An element of an array."""
        return f"{data}[{', '.join(bare(self.atom(i)) for i in index)}]"

    def load(self, node: Load) -> None:
        text = self.element(self.names.of(node.data), node.index)
        self.add(f"{self.names.of(node.out)} = {node.out.type}({text})", node.line)

    def store(self, node: Store) -> None:
        text = self.element(self.names.of(node.data), node.index)
        self.add(f"{text} = {bare(self.atom(node.value))}", node.line)

    def stop(self, node: Stop) -> None:
        self.add("raise Stop", node.line)

    def nested(self, write: Callable[[], None]) -> None:
        """Write one level deeper; something is always written."""
        self.level += 1
        size = len(self.lines)
        write()
        if len(self.lines) == size:
            self.add("pass")
        self.level -= 1

    def branch(self, node: If) -> None:
        """An if statement."""

        def side(block: Block) -> Callable[[], None]:
            def write() -> None:
                self.block(block)
                for out, end in zip(node.outs, block.yields, strict=False):
                    for name, text in self.pairs(out, end):
                        self.add(f"{name} = {text}")

            return write

        self.add(f"if {bare(self.atom(node.cond))}:", node.line)
        self.nested(side(node.then))
        if node.orelse.nodes or node.outs:
            self.add("else:")
            self.nested(side(node.orelse))

    def loop(self, node: Loop) -> None:
        """A for or while statement."""
        names = self.names
        counts = node.count is not None and node.count in self.kept
        for param, init in zip(node.body.params, node.inits, strict=True):
            for name, text in self.pairs(param, init):
                self.add(f"{name} = {text}", node.line)
        if counts:
            self.add(f"{names.of(node.count)} = 0")
        if node.bounds is not None:
            self.add(f"for {names.of(node.index)} in {self.range(node.bounds)}:", node.line)
            self.nested(lambda: self.iteration(node, counts))
            return
        before, self.lines = self.lines, []
        self.level += 1
        self.block(node.test)
        self.level -= 1
        test, self.lines = self.lines, before
        if not test:
            self.add(f"while {bare(self.atom(node.test.yields[0]))}:", node.line)
            self.nested(lambda: self.iteration(node, counts))
            return
        self.add("while True:", node.line)
        self.lines += test
        self.level += 1
        self.add(f"if not {self.atom(node.test.yields[0])}:")
        self.nested(lambda: self.add("break"))
        self.iteration(node, counts)
        self.level -= 1

    def range(self, bounds: tuple[Atom, Atom, Atom]) -> str:
        """The range of a counting loop."""
        start, stop, step = bounds
        if step == 1:
            return (
                f"range({self.atom(stop)})" if start == 0 else f"range({self.atom(start)}, {self.atom(stop)})"
            )
        return f"range({self.atom(start)}, {self.atom(stop)}, {self.atom(step)})"

    def iteration(self, node: Loop, counts: bool) -> None:
        """The body of a loop, and what it hands to the next iteration."""
        kept = self.kept
        self.kept = kept | {node.until} if isinstance(node.until, Value) else kept
        self.block(node.body)
        self.kept = kept
        if counts:
            self.add(f"{self.names.of(node.count)} += 1")
        moves = [
            pair
            for param, end in zip(node.body.params, node.body.yields, strict=True)
            if param is not end
            for pair in self.pairs(param, end)
        ]
        targets = {name for name, _ in moves}
        words = [set(re.findall(r"\w+", text)) - {name} for name, text in moves]
        if len(moves) > 1 and any(word & targets for word in words):
            self.add(", ".join(name for name, _ in moves) + " = " + ", ".join(text for _, text in moves))
        else:
            for name, text in moves:
                self.add(f"{name} = {text}")
        if node.until is not False:
            self.add(f"if {self.atom(node.until)}:")
            self.nested(lambda: self.add("break"))


def _closed(text: str) -> bool:
    return bool(re.fullmatch(r"\w+\([^()]*\)|\w+", text))


def _used_once(block: Block, kept: set[Value]) -> set[Value]:
    """The nameless results that are used once, in the block where they are made, and nowhere else."""
    uses: dict[Value, int] = {}
    outside: set[Value] = set(kept)

    def note(atoms: Iterable[Atom]) -> None:
        for atom in atoms:
            if isinstance(atom, Value):
                uses[atom] = uses.get(atom, 0) + 1

    def deeper(inner: Block) -> None:
        for node in inner.nodes:
            outside.update(a for a in atoms_of(node) if isinstance(a, Value))
            if isinstance(node, Loop) and isinstance(node.until, Value):
                outside.add(node.until)
            for below in blocks_of(node):
                deeper(below)
        outside.update(a for a in inner.yields if isinstance(a, Value))

    for node in block.nodes:
        note(atoms_of(node))
        if isinstance(node, Loop) and isinstance(node.until, Value):
            outside.add(node.until)
        for inner in blocks_of(node):
            deeper(inner)
    note(block.yields)
    return {
        value
        for value, count in uses.items()
        if count == 1 and not value.hint and value not in outside and _pure(value)
    }


def _pure(value: Value) -> bool:
    return isinstance(value.node, Op) and PRIMITIVES[value.node.name].pure
