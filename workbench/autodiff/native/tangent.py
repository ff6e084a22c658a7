"""The tangent sweep: each function together with the derivative of its results in one direction.

Each value ``x`` that takes part is followed by its tangent ``x_dot``; nothing is kept and nothing runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workbench.autodiff.native.activity import active_values
from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.ir import Atom, Block, Call, Op, Value, blocks_of, type_of
from workbench.autodiff.native.lower import Function
from workbench.autodiff.native.primitives import PRIMITIVES, fill


@dataclass
class Pushed:
    """A function's tangent form, for one choice of active arguments."""

    name: str
    text: list[str] = field(default_factory=list)


class TangentSweep:
    """All functions of a program in their tangent form."""

    def __init__(self, taken: set[str]) -> None:
        self.made: dict[Any, Pushed] = {}
        self.taken = taken

    def of(self, function: Function, mask: tuple[bool, ...]) -> Pushed:
        """The tangent form of a function whose arguments are active where ``mask`` says."""
        key = (function, mask)
        if key not in self.made:
            name = Names(self.taken).fresh(f"{function.name}_pushforward")
            self.taken.add(name)
            made = self.made[key] = Pushed(name)
            made.text = self.write(name, function, mask)
        return self.made[key]

    def write(self, name: str, function: Function, mask: tuple[bool, ...]) -> list[str]:
        """The text of one function."""
        block = function.block
        floats = {end for end in block.yields if isinstance(end, Value) and end.type == "float"}
        active = active_values(block, {p for p, on in zip(function.params, mask, strict=True) if on}, floats)
        writer = _Writer(self, Names(self.taken), active, block)
        params = [writer.names.of(p) for p in function.params]
        params += [writer.names.of(p, "_dot") for p, on in zip(function.params, mask, strict=True) if on]
        writer.lines.append(f"def {name}({', '.join(params)}):")
        writer.block(block)
        results = [bare(writer.atom(end)) for end in block.yields]
        results += [writer.dot(end) for end in block.yields if type_of(end) == "float"]
        writer.add(
            f"return {', '.join(results)}{',' if len(results) == 1 else ''}" if results else "return ()"
        )
        return writer.lines


class _Writer(Writer):
    def __init__(self, sweep: TangentSweep, names: Names, active: set[Value], block: Block) -> None:
        names.share_loops(block)
        super().__init__(names, kept=_all_active(block, active))
        self.sweep, self.active = sweep, active

    def dot(self, atom: Atom) -> str:
        """The tangent of an atom."""
        return self.names.of(atom, "_dot") if isinstance(atom, Value) and atom in self.active else "0.0"

    def pairs(self, target: Value, source: Atom) -> list[tuple[str, str]]:
        pairs = super().pairs(target, source)
        return [*pairs, (self.dot(target), self.dot(source))] if target in self.active else pairs

    def operation(self, node: Op) -> None:
        super().operation(node)
        if node.out not in self.active:
            return
        terms = []
        for arg, template in zip(node.args, PRIMITIVES[node.name].partials or (), strict=True):
            if isinstance(arg, Value) and arg in self.active and template:
                terms.append(
                    fill(
                        template,
                        b=self.dot(arg),
                        of=lambda word: self.atom(node.out if word == "r" else node.args[int(word)]),
                        known=lambda name, k: f"{name}({self.atom(node.args[k])})",
                    )
                )
        self.add(f"{self.dot(node.out)} = {' + '.join(terms) or '0.0'}")

    def call(self, node: Call) -> None:
        if not any(out in self.active for out in node.outs):
            super().call(node)
            return
        mask = tuple(isinstance(arg, Value) and arg in self.active for arg in node.args)
        callee = self.sweep.of(node.callee, mask)
        args = [bare(self.atom(arg)) for arg in node.args]
        args += [self.dot(arg) for arg in node.args if arg in self.active]
        outs = [self.names.of(out) for out in node.outs]
        for out in node.outs:
            if out.type == "float":
                outs.append(self.dot(out) if out in self.active else self.names.fresh("unused"))
        self.add(
            f"{', '.join(outs)}{',' if len(outs) == 1 else ''} = {callee.name}({', '.join(args)})", node.line
        )


def _all_active(block: Block, active: set[Value]) -> set[Value]:
    """The active values, and what their tangents are computed from."""
    kept = set(active)
    for node in block.nodes:
        if isinstance(node, Op) and node.out in active:
            kept.update(arg for arg in node.args if isinstance(arg, Value))
        for inner in blocks_of(node):
            kept |= _all_active(inner, active)
    return kept
