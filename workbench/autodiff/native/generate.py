"""The whole generated module of one program: its functions as they are, and their two halves."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.lower import Function, Program
from workbench.autodiff.native.reverse import ReverseSweep
from workbench.autodiff.native.simplify import simplify


@dataclass(frozen=True)
class Generated:
    """The text, and the names of its entries."""

    text: str
    primal: str
    forward: str
    backward: str
    out_mask: tuple[bool, ...]  # which numbers of the result have a cotangent


def generate(program: Program, entry: Function, mask: tuple[bool, ...]) -> Generated:
    """The derivative of ``entry`` by the parameters that ``mask`` marks, as Python text."""
    taken: set[str] = set()
    for function in program.functions.values():
        simplify(function.block)
        stem, number, name = function.name, 1, function.name
        while name in Names(taken).taken:
            number += 1
            name = f"{stem}_{number}"
        function.name = name
        taken.add(name)
    sweep = ReverseSweep(set(taken))
    top = sweep.of(entry, mask)
    lines = [f"# The derivative of {entry.source.name}, generated from {entry.source.file}:{_first_line(entry)}"]
    for function in program.functions.values():
        lines += ["", "", "@compiled", *primal(function, taken)]
    for made in sweep.made.values():
        lines += ["", "", "@compiled", *made.forward, "", "", "@compiled", *made.backward]
    text = "\n".join(lines) + "\n"
    return Generated(text, entry.name, f"{top.name}_forward", f"{top.name}_backward", top.out_mask)


def _first_line(function: Function) -> int:
    return function.source.definition.lineno


def primal(function: Function, taken: set[str]) -> list[str]:
    """The function as it is, in three-address form."""
    names = Names(taken)
    names.share_loops(function.block)
    writer = Writer(names)
    writer.lines.append(f"def {function.name}({', '.join(names.of(p) for p in function.params)}):")
    writer.block(function.block)
    results = [bare(writer.atom(a)) for a in function.block.yields]
    writer.add(f"return {', '.join(results)}" if results else "return ()")
    return writer.lines
