"""The whole generated module of one program: its functions as they are, and their two halves."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.ir import Block, blocks_of, is_array, is_float_array, outs_of, type_of
from workbench.autodiff.native.program import Function, Program
from workbench.autodiff.native.reverse import Reversed, ReverseSweep
from workbench.autodiff.native.simplify import simplify
from workbench.autodiff.native.structures import leaves
from workbench.autodiff.native.tangent import TangentSweep


@dataclass(frozen=True)
class Generated:
    """A text, and the names of its entries: those of the two halves, or of one that is made when it is asked for."""

    text: str
    primal: str
    forward: str = ""
    backward: str = ""
    batch: str = ""
    pushforward: str = ""
    out_mask: tuple[bool, ...] = ()  # which numbers of the result have a cotangent
    memory: bool = False  # whether there are arrays
    signatures: dict[str, list[str]] = field(default_factory=dict)  # the types of the entries' arguments


class Generator:
    """Makes the generated texts of one program, differentiated by the parameters that ``mask`` marks."""

    def __init__(self, program: Program, entry: Function, mask: tuple[bool, ...]) -> None:
        self.program, self.entry, self.mask = program, entry, mask
        taken: set[str] = set()
        for function in program.functions.values():
            simplify(function.block)
            stem, number, name = function.name, 1, function.name
            while name in Names(taken).taken:
                number += 1
                name = f"{stem}_{number}"
            function.name = name
            taken.add(name)
        self.primals = taken
        source = entry.source
        self.title = (
            f"# The derivative of {source.name}, generated from {source.file}:{source.definition.lineno}"
        )
        self.sweep = ReverseSweep(set(taken))
        self.sweep.entry = None if program.writes_inputs or entry.recursive else entry
        self.sweep.memory = any(_has_arrays(function.block) for function in program.functions.values())
        floats = tuple(type_of(end) == "float" for end in entry.block.yields)
        self.top = self.sweep.of(entry, mask, floats)

    def _text(self, made: list[tuple[str, list[str]]], entries: set[str]) -> str:
        lines = [self.title]
        for function in self.program.functions.values():
            lines += _definition(function.name, primal(function, self.primals), entries)
        for name, text in made:
            lines += _definition(name, text, entries)
        return "\n".join(lines) + "\n"

    def _halves(self) -> list[tuple[str, list[str]]]:
        return [
            pair
            for made in self.sweep.made.values()
            for pair in ((f"{made.name}_forward", made.forward), (f"{made.name}_backward", made.backward))
        ]

    def halves(self) -> Generated:
        """The primal and the two halves of its pullback."""
        entry, top, sweep = self.entry, self.top, self.sweep
        forward, backward = f"{top.name}_forward", f"{top.name}_backward"
        types = [param.type for param in entry.params]
        signatures = {
            entry.name: types,
            forward: [*types, "tape", "int"],
            backward: [
                *["float"] * sum(top.out_mask),
                *(["tape"] if sweep.memory else []),
                "tape",
                "int",
            ],
        }
        return Generated(
            self._text(self._halves(), set(signatures)),
            entry.name,
            forward=forward,
            backward=backward,
            out_mask=top.out_mask,
            memory=sweep.memory,
            signatures=signatures,
        )

    @property
    def n_in_row(self) -> int:
        """How many of the function's numbers a row of a batch holds; the others are arrays from outside."""
        outside = sum(len(leaves(thing)) for thing in self.entry.outside.values())
        return len(self.entry.params) - outside

    def batch(self) -> Generated:
        """The halves, and a function that runs them over the rows of a table. For programs of numbers."""
        name = Names(self.sweep.taken).fresh(f"{self.top.name}_batch")
        made = [*self._halves(), (name, _batch(name, self.top, self.sweep.memory, self.n_in_row))]
        outside = [param.type for param in self.entry.params[self.n_in_row :]]
        signatures = {name: ["table", "table", "table", "table", "tape", "counts", *outside, "int"]}
        return Generated(
            self._text(made, {name}),
            self.entry.name,
            batch=name,
            memory=self.sweep.memory,
            signatures=signatures,
        )

    def pushforward(self) -> Generated:
        """The function that returns results and their tangents."""
        entry, tangents = self.entry, TangentSweep(set(self.sweep.taken))
        push = tangents.of(entry, self.mask)
        dots = [p.type for p, on in zip(entry.params, self.mask, strict=True) if on or is_float_array(p)]
        signatures = {push.name: [*(param.type for param in entry.params), *dots]}
        made = [(one.name, one.text) for one in tangents.made.values()]
        text = self._text(made, {push.name})
        return Generated(text, entry.name, pushforward=push.name, signatures=signatures)


def _definition(name: str, text: list[str], entries: set[str]) -> list[str]:
    return ["", "", "@compiled_entry" if name in entries else "@compiled", *text]


def _has_arrays(block: Block) -> bool:
    """Whether there is an array in a block."""
    return any(map(is_array, block.params)) or any(
        any(map(is_array, outs_of(node))) or any(map(_has_arrays, blocks_of(node))) for node in block.nodes
    )


def _batch(name: str, top: Reversed, memory: bool, n_in_row: int) -> list[str]:
    """Many runs in one call: row after row of a table, each with its seeds; ``rows`` says which and how far it got.

    Arrays from outside come after that, and ``places``, the number of cotangents of their elements.
    """
    casts = {"float": "{}", "int": "int({})", "bool": "{} != 0.0"}
    params = top.function.params
    inputs = [casts[p.type].format(f"inputs[row, {k}]") for k, p in enumerate(params[:n_in_row])]
    outside = [f"outside_{k}" for k in range(len(params) - n_in_row)]
    n_results = len(top.function.block.yields)
    seeds = [f"seeds[row, {k}]" for k in range(sum(top.out_mask))]
    parts = [f"part_{k}" for k, on in enumerate(top.mask) if on]
    lines = [
        f"def {name}({', '.join(['inputs, results, seeds, cotangents, tape, rows', *outside, 'places'])}):",
        "    for row in range(rows[0], rows[1]):",
        "        rows[0] = row",
        *(["        tape[0] = float(places)"] if memory else []),
        f"        {''.join(f'r_{k}, ' for k in range(n_results))}pos = "
        f"{top.name}_forward({', '.join([*inputs, *outside, 'tape', '1' if memory else '0'])})",
        *(f"        results[row, {k}] = r_{k}" for k in range(n_results)),
        *(["        shadow = np.zeros(int(tape[0]))"] if memory else []),
        f"        {''.join(f'{part}, ' for part in parts)}pos = "
        f"{top.name}_backward({', '.join([*seeds, *(['shadow'] if memory else []), 'tape', 'pos'])})",
        *(f"        cotangents[row, {k}] = {part}" for k, part in enumerate(parts)),
        "    rows[0] = rows[1]",
    ]
    return lines


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
