"""The forward half of a function: the program, and what it keeps on the tape for the backward half."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.autodiff.native.copies import Copy
from workbench.autodiff.native.emit import Writer, bare
from workbench.autodiff.native.ir import Block, Call, Loop, Op, Value
from workbench.autodiff.native.split import Window, plus
from workbench.autodiff.native.storage import Kept

if TYPE_CHECKING:
    from workbench.autodiff.native.reverse import FunctionSweep


class Forward(Writer):
    """The forward half: the program, and what it keeps."""

    def __init__(self, owner: FunctionSweep, kept: dict[Block, Kept]) -> None:
        used = {value for values in owner.needed.values() for value in values}
        used |= {value for one in kept.values() for value in one.slots}
        super().__init__(owner.names, kept=used)
        self.owner, self.storage = owner, kept

    def expression(self, op: Op) -> str:
        return f"claim(tape, {bare(self.atom(op.args[0]))})" if op.name == "claim" else super().expression(op)

    def call(self, node: Call) -> None:
        reverse = self.owner.calls.get(node)
        if reverse is None:
            super().call(node)
            return
        args = "".join(f"{bare(self.atom(arg))}, " for arg in node.args)
        outs = "".join(f"{self.names.of(out)}, " for out in node.outs)
        self.add(f"{outs}pos = {reverse.name}_forward({args}tape, pos)", node.line)

    def loop(self, node: Loop) -> None:
        for copy in self.owner.rows.get(node, []):
            self.copy(copy)
        kept = self.storage.get(node.body)
        if kept is None or kept.rows is None:
            super().loop(node)
            return
        if kept.otherwise is None:
            self.straight(node, kept)
            return
        self.add(f"if {' and '.join(kept.checks)}:", node.line)
        self.nested(lambda: self.straight(node, kept))
        self.add("else:")
        self.storage[node.body] = kept.otherwise
        self.nested(lambda: self.straight(node, kept.otherwise))
        self.storage[node.body] = kept

    def straight(self, node: Loop, kept: Kept) -> None:
        """A loop that takes the place for what all its iterations keep before it begins."""
        size = reserve(self, kept)[1]
        self.add(f"if pos + {size} > len(tape):")
        self.nested(lambda: self.add("raise TapeFull"))
        super().loop(node)
        for window in kept.windows:
            self.window(node, kept, window)
        self.add(f"pos += {size}")

    def copy(self, copy: Copy) -> None:
        """Keep a copy of an array."""
        data = self.names.of(copy.data)
        lengths = [f"len({data})"] if copy.array is None else [self.names.of(n) for n in copy.array.dims]
        size = " * ".join(lengths)
        self.add(f"{self.names.of(copy.begins)} = pos")
        self.add(f"if pos + {size} > len(tape):")
        self.nested(lambda: self.add("raise TapeFull"))
        level, place = self.level, "pos"
        counters = [self.names.fixed((copy, k), "k") for k in range(len(lengths))]
        for k, (counter, n) in enumerate(zip(counters, lengths, strict=True)):
            self.add(f"for {counter} in range({n}):")
            self.level += 1
            place += f" + {' * '.join([counter, *lengths[k + 1 :]])}"
        self.add(f"tape[{place}] = float({data}[{', '.join(counters)}])")
        self.level = level
        self.add(f"pos += {size}")

    def window(self, node: Loop, kept: Kept, window: Window) -> None:
        """Keep a part of an array. Behind the loop, which has found by then that all its places are inside."""
        load = next(iter(window.loads))
        k = self.names.fixed((window, "k"), "k")
        start = self.atom(node.bounds[0])
        last = plus(k, int(start) + window.low) if start.isdigit() else f"{start} + {plus(k, window.low)}"
        index = ", ".join([*(bare(self.atom(i)) for i in load.index[:-1]), last])
        rows = rows_of(self, kept)
        self.add(f"if {rows} > 0:")
        self.level += 1
        self.add(f"for {k} in range({rows} + {window.span}):")
        self.add(f"    {window_slot(self, kept, window, k)} = float({self.names.of(load.data)}[{index}])")
        self.level -= 1

    def end_of_block(self, block: Block) -> None:
        slots = self.storage[block].slots if block in self.storage else []
        if not slots:
            return
        if self.storage[block].rows is not None:
            for k, value in enumerate(slots):
                self.add(f"{row_slot(self, self.storage[block], k)} = {self.number(value)}")
            return
        self.add(f"if pos + {len(slots)} > len(tape):")
        self.nested(lambda: self.add("raise TapeFull"))
        for k, value in enumerate(slots):
            self.add(f"tape[pos{f' + {k}' if k else ''}] = {self.number(value)}")
        self.add(f"pos += {len(slots)}")

    def number(self, value: Value) -> str:
        """A value as it is kept."""
        name = self.names.of(value)
        return {"float": "{}", "int": "exact({})", "bool": "1.0 if {} else 0.0"}[value.type].format(name)


def reserve(writer: Writer, kept: Kept) -> tuple[str, str]:
    """The number of iterations of a straight loop, written into a variable; the number of slots it takes."""
    rows = rows_of(writer, kept)
    many, more = len(kept.slots) + len(kept.windows), sum(window.span for window in kept.windows)
    if rows.isdigit():
        return rows, str(many * int(rows) + more)
    start, stop, _ = kept.rows.bounds
    begin = "" if not isinstance(start, Value) and start == 0 else f" - {writer.atom(start)}"
    writer.add(f"{rows} = max({writer.atom(stop)}{begin}, 0)")
    return rows, (rows if many == 1 else f"{many} * {rows}") + (f" + {more}" if more else "")


def rows_of(writer: Writer, kept: Kept) -> str:
    """The name of the number of iterations of a straight loop, or the number itself."""
    start, stop, _ = kept.rows.bounds
    if not isinstance(start, Value) and start == 0 and not isinstance(stop, Value):
        return str(max(stop, 0))
    return writer.names.fixed((kept.rows, "rows"), "rows")


def iteration_of(writer: Writer, kept: Kept, more: int) -> str:
    """How many iterations of a straight loop came before the present one, and ``more``."""
    counter, start = writer.names.of(kept.rows.index), writer.atom(kept.rows.bounds[0])
    return plus(counter, more - int(start)) if start.isdigit() else f"{plus(counter, more)} - {start}"


def window_slot(writer: Writer, kept: Kept, window: Window, place: str) -> str:
    """Where a place of a window is kept: behind the slots of all iterations, and the windows before it."""
    at = kept.windows.index(window)
    rows, many = rows_of(writer, kept), len(kept.slots) + at
    before = "" if many == 0 else f" + {rows}" if many == 1 else f" + {many} * {rows}"
    more = sum(earlier.span for earlier in kept.windows[:at])
    return f"tape[pos{before} + {place}{f' + {more}' if more else ''}]"


def row_slot(writer: Writer, kept: Kept, k: int) -> str:
    """Where a straight loop keeps its k-th value in the present iteration."""
    start, rows = kept.rows.bounds[0], rows_of(writer, kept)
    before = "" if k == 0 else f" + {rows}" if k == 1 else f" + {k} * {rows}"
    shift = "" if not isinstance(start, Value) and start == 0 else f" - {writer.atom(start)}"
    return f"tape[pos{before} + {writer.names.of(kept.rows.index)}{shift}]"
