"""The tangent sweep: each function together with the derivative of its results in one direction.

Each value ``x`` that takes part is followed by its tangent ``x_dot``; nothing is kept and nothing runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workbench.autodiff.native.activity import active_values
from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.ir import (
    Atom,
    Block,
    Call,
    Load,
    Op,
    Store,
    Value,
    blocks_of,
    is_float_array,
    type_of,
)
from workbench.autodiff.native.primitives import PRIMITIVES, fill
from workbench.autodiff.native.program import Function


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
        params += [
            writer.names.of(p, "_dot")
            for p, on in zip(function.params, mask, strict=True)
            if on or is_float_array(p)
        ]
        writer.lines.append(f"def {name}({', '.join(params)}):")
        writer.block(block)
        results = [bare(writer.atom(end)) for end in block.yields]
        results += [writer.dot(end) for end in block.yields if type_of(end) == "float" or is_float_array(end)]
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
        return self.names.of(atom, "_dot") if self.follows(atom) else "0.0"

    def follows(self, atom: Atom) -> bool:
        """Whether an atom has a tangent."""
        return isinstance(atom, Value) and (atom in self.active or is_float_array(atom))

    def load(self, node: Load) -> None:
        super().load(node)
        if node.out in self.active:
            self.add(f"{self.dot(node.out)} = float({self.element(self.dot(node.data), node.index)})")

    def store(self, node: Store) -> None:
        super().store(node)
        if is_float_array(node.data):
            self.add(f"{self.element(self.dot(node.data), node.index)} = {self.dot(node.value)}")

    def pairs(self, target: Value, source: Atom) -> list[tuple[str, str]]:
        pairs = super().pairs(target, source)
        return [*pairs, (self.dot(target), self.dot(source))] if self.follows(target) else pairs

    def operation(self, node: Op) -> None:
        super().operation(node)
        if is_float_array(node.out):
            args = [self.dot(arg) if is_float_array(arg) else bare(self.atom(arg)) for arg in node.args]
            text = node.text.replace("np.empty", "np.zeros").replace("np.ones", "np.zeros")
            self.add(f"{self.dot(node.out)} = {text.format(*args)}")
            return
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
        memory = any(map(is_float_array, [*node.args, *node.outs]))
        if not memory and not any(out in self.active for out in node.outs):
            super().call(node)
            return
        mask = tuple(isinstance(arg, Value) and arg in self.active for arg in node.args)
        callee = self.sweep.of(node.callee, mask)
        args = [bare(self.atom(arg)) for arg in node.args]
        args += [self.dot(arg) for arg in node.args if self.follows(arg)]
        outs = [self.names.of(out) for out in node.outs]
        for out in node.outs:
            if out.type == "float" or is_float_array(out):
                outs.append(self.dot(out) if self.follows(out) else self.names.fresh("unused"))
        targets = f"{', '.join(outs)}{',' if len(outs) == 1 else ''} = " if outs else ""
        self.add(f"{targets}{callee.name}({', '.join(args)})", node.line)


def _all_active(block: Block, active: set[Value]) -> set[Value]:
    """The active values, and what their tangents are computed from."""
    kept = set(active)
    for node in block.nodes:
        if isinstance(node, Op) and node.out in active:
            kept.update(arg for arg in node.args if isinstance(arg, Value))
        for inner in blocks_of(node):
            kept |= _all_active(inner, active)
    return kept
