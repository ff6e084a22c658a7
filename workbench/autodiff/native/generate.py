"""The whole generated module of one program: its functions as they are, and their two halves."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.ir import Block, blocks_of, is_array, is_float_array, outs_of, type_of
from workbench.autodiff.native.lower import Function, Program
from workbench.autodiff.native.reverse import Reversed, ReverseSweep
from workbench.autodiff.native.simplify import simplify
from workbench.autodiff.native.tangent import TangentSweep


@dataclass(frozen=True)
class Generated:
    """The text, and the names of its entries."""

    text: str
    primal: str
    forward: str
    backward: str
    batch: str
    pushforward: str
    out_mask: tuple[bool, ...]  # which numbers of the result have a cotangent
    memory: bool  # whether there are arrays
    signatures: dict[str, list[str]]  # the types of the entries' arguments


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
    sweep.memory = any(_has_arrays(function.block) for function in program.functions.values())
    top = sweep.of(entry, mask, tuple(type_of(end) == "float" for end in entry.block.yields))
    entries = {entry.name, f"{top.name}_forward", f"{top.name}_backward"}
    tangents = TangentSweep(sweep.taken)
    push = tangents.of(entry, mask)
    entries.add(push.name)
    batch = Names(sweep.taken).fresh(f"{top.name}_batch")
    lines = [
        f"# The derivative of {entry.source.name}, generated from {entry.source.file}:{_first_line(entry)}"
    ]
    for function in program.functions.values():
        lines += _definition(function.name, primal(function, taken), entries)
    for made in sweep.made.values():
        lines += _definition(f"{made.name}_forward", made.forward, entries)
        lines += _definition(f"{made.name}_backward", made.backward, entries)
    for made in tangents.made.values():
        lines += _definition(made.name, made.text, entries)
    if not sweep.memory or not any(map(is_array, entry.params)):
        lines += _definition(batch, _batch(batch, top, sweep.memory), {batch})
    text = "\n".join(lines) + "\n"
    types = [param.type for param in entry.params]
    bars = ["float"] * sum(top.out_mask)
    signatures = {
        entry.name: types,
        f"{top.name}_forward": [*types, "tape", "int"],
        f"{top.name}_backward": [*bars, *(["tape"] if sweep.memory else []), "tape", "int"],
        push.name: [
            *types,
            *(p.type for p, on in zip(entry.params, mask, strict=True) if on or is_float_array(p)),
        ],
        batch: ["table", "table", "table", "table", "tape", "counts"],
    }
    names = (entry.name, f"{top.name}_forward", f"{top.name}_backward", batch, push.name)
    return Generated(text, *names, top.out_mask, sweep.memory, signatures)


def _definition(name: str, text: list[str], entries: set[str]) -> list[str]:
    return ["", "", "@compiled_entry" if name in entries else "@compiled", *text]


def _has_arrays(block: Block) -> bool:
    """Whether there is an array in a block."""
    return any(map(is_array, block.params)) or any(
        any(map(is_array, outs_of(node))) or any(map(_has_arrays, blocks_of(node))) for node in block.nodes
    )


def _batch(name: str, top: Reversed, memory: bool) -> list[str]:
    """Many runs in one call: row after row of a table, each with its seeds; ``rows`` says which and how far it got."""
    casts = {"float": "{}", "int": "int({})", "bool": "{} != 0.0"}
    inputs = [casts[p.type].format(f"inputs[row, {k}]") for k, p in enumerate(top.function.params)]
    n_results = len(top.function.block.yields)
    seeds = [f"seeds[row, {k}]" for k in range(sum(top.out_mask))]
    parts = [f"part_{k}" for k, on in enumerate(top.mask) if on]
    lines = [
        f"def {name}(inputs, results, seeds, cotangents, tape, rows):",
        "    for row in range(rows[0], rows[1]):",
        "        rows[0] = row",
        *(["        tape[0] = 0.0"] if memory else []),
        f"        {''.join(f'r_{k}, ' for k in range(n_results))}pos = "
        f"{top.name}_forward({', '.join([*inputs, 'tape', '1' if memory else '0'])})",
        *(f"        results[row, {k}] = r_{k}" for k in range(n_results)),
        *(["        shadow = np.zeros(int(tape[0]))"] if memory else []),
        f"        {''.join(f'{part}, ' for part in parts)}pos = "
        f"{top.name}_backward({', '.join([*seeds, *(['shadow'] if memory else []), 'tape', 'pos'])})",
        *(f"        cotangents[row, {k}] = {part}" for k, part in enumerate(parts)),
        "    rows[0] = rows[1]",
    ]
    return lines


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
