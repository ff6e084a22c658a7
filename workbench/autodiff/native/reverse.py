"""The reverse sweep: for each function a forward half, which keeps what is needed, and a backward half.

What the halves hand over goes through ``tape``, a stack of numbers: a block pushes at its end and pops at its
beginning, a call leaves its own on top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workbench.autodiff.native import copies
from workbench.autodiff.native.activity import active_values
from workbench.autodiff.native.backward import Backward
from workbench.autodiff.native.copies import Copy
from workbench.autodiff.native.emit import Names, Writer, bare
from workbench.autodiff.native.forward import Forward
from workbench.autodiff.native.ir import Block, Call, Loop, Value
from workbench.autodiff.native.pops import filled
from workbench.autodiff.native.program import Function
from workbench.autodiff.native.split import Split
from workbench.autodiff.native.storage import counters, decide


@dataclass
class Reversed:
    """A function's two halves, for one choice of active arguments and of results that matter."""

    name: str
    function: Function
    mask: tuple[bool, ...]  # which parameters are active
    out_mask: tuple[bool, ...]  # which results have a cotangent
    forward: list[str] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)


class ReverseSweep:
    """All reversed functions of a program."""

    def __init__(self, taken: set[str]) -> None:
        self.made: dict[Any, Reversed] = {}
        self.taken = taken
        self.memory = False  # whether the program has arrays: then the backward halves share their cotangents
        self.entry: Function | None = None  # the function at the top, when nothing writes into its arguments

    def of(self, function: Function, mask: tuple[bool, ...], out_mask: tuple[bool, ...]) -> Reversed:
        """The halves of a function, for the active arguments and the results that ``mask`` and ``out_mask`` mark."""
        key = (function, mask, out_mask)
        if key not in self.made:
            name, number = function.name, 1
            while {f"{name}_forward", f"{name}_backward"} & self.taken:
                number += 1
                name = f"{function.name}_{number}"
            self.taken |= {f"{name}_forward", f"{name}_backward"}
            self.made[key] = Reversed(name, function, mask, out_mask)
            FunctionSweep(self, self.made[key]).write()
        return self.made[key]


class FunctionSweep:
    """Writes the two halves of one function."""

    def __init__(self, sweep: ReverseSweep, made: Reversed) -> None:
        self.sweep, self.made = sweep, made
        self.block = made.function.block
        params = made.function.params
        self.names = Names(sweep.taken)
        self.names.share_loops(self.block)
        inputs = {p for p, on in zip(params, made.mask, strict=True) if on}
        outputs = {end for end, on in zip(self.block.yields, made.out_mask, strict=True) if on}
        self.active = active_values(self.block, inputs, outputs)
        self.calls: dict[Call, Reversed] = {}  # the calls that the backward half goes into
        self.parts: dict[Loop, Split] = {}  # the loops that the backward half sweeps in parts
        self.needed: dict[Block, set[Value]] = {}
        self.arguments: list[Copy] = []  # copies that the tape begins with
        self.rows: dict[Loop, list[Copy]] = {}  # copies that are made before a loop

    def write(self) -> None:
        """Both halves, as text."""
        made, names = self.made, self.names
        params = ", ".join(names.of(p) for p in made.function.params)
        bars = [
            names.fresh("result_bar" if len(made.out_mask) == 1 else f"result_{k}_bar")
            for k, on in enumerate(made.out_mask)
            if on
        ]
        back = Backward(self)
        lines = back.function(bars)
        if made.function is self.sweep.entry:
            self.arguments = copies.of_arguments(made.function, self.needed)
        done = {load.out for copy in self.arguments for load in copy.loads}
        self.rows = copies.of_rows(made.function, self.needed, done)
        back.read_copies(lines)
        read = {load.out for load in back.copied}
        kept = decide(self.block, self.needed, counters(self.block) | read, self.calls, self.parts, self.rows)
        forward = Forward(self, kept)
        comma = ", " if params else ""
        forward.lines.append(f"def {made.name}_forward({params}{comma}tape, pos):")
        for copy in self.arguments:
            forward.copy(copy)
        forward.block(self.block)
        results = ", ".join([*(bare(forward.atom(a)) for a in self.block.yields), "pos"])
        forward.add(f"return {results}")
        made.forward = forward.lines
        shadow = ["shadow"] if self.sweep.memory else []
        made.backward = [f"def {made.name}_backward({', '.join([*bars, *shadow, 'tape', 'pos'])}):"]
        made.backward += filled(lines, kept, Writer(names), self.rows, back.copied)
