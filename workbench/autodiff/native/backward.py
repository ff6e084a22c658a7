"""The backward half of a function.

It runs through the blocks from the end. Each value ``x`` that takes part has a cotangent ``x_bar``; an operation adds
its contributions to those of its arguments. A branch is taken by the same condition again; a loop runs through its
iterations backwards.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native.emit import Lines
from workbench.autodiff.native.ir import (
    Atom,
    Block,
    Call,
    If,
    Load,
    Loop,
    Op,
    Store,
    Value,
    blocks_of,
    has_memory,
    is_float_array,
)
from workbench.autodiff.native.pops import Begin, GiveBack, Restore
from workbench.autodiff.native.primitives import PRIMITIVES, fill
from workbench.autodiff.native.split import Split, split

if TYPE_CHECKING:
    from workbench.autodiff.native.reverse import FunctionSweep


class Backward(Lines):
    """The backward half of one function."""

    def __init__(self, owner: FunctionSweep) -> None:
        self.owner, self.names, self.active = owner, owner.names, owner.active
        super().__init__()
        self.block: Block = owner.block
        self.started: set[Value] = set()  # cotangents that hold a number, of the block being swept
        self.touched: set[Value] = set()  # cotangents of outer blocks that were added to
        self.split: Split | None = None  # the loop that is being swept in parts
        self.between: dict[Value, str] = {}  # where the cotangents of arrays between two loops are
        self.copied: dict[Load, str] = {}  # what is read from a copy of an argument
        self.rooms: list[str] = []  # names of places for numbers that are used again and again

    # ------------------------------------------------------------------------------------ writing

    def bar(self, value: Value) -> str:
        """The name of a value's cotangent."""
        return self.names.of(value, "_bar")

    def use(self, atom: Atom) -> str:
        """The name of a primal value that the backward half reads."""
        if not isinstance(atom, Value):
            return repr(atom) if not repr(atom).startswith("-") else f"({atom!r})"
        self.owner.needed.setdefault(atom.block, set()).add(atom)
        return self.names.of(atom)

    def contribute(self, atom: Atom, text: str, line: int = 0) -> None:
        """Add to a value's cotangent."""
        if not isinstance(atom, Value) or atom not in self.active:
            return
        if atom.block is not self.block:
            self.touched.add(atom)
            if self.split is not None:
                self.split.keep(text, self.bar(atom), self.lines)
            else:
                self.add(f"{self.bar(atom)} += {text}", line)
        elif atom in self.started:
            self.add(f"{self.bar(atom)} += {text}", line)
        else:
            self.started.add(atom)
            self.add(f"{self.bar(atom)} = {text}", line)

    # ------------------------------------------------------------------------------------ sweeping

    def function(self, bars: list[str]) -> list[Any]:
        """The whole half."""
        made, block = self.owner.made, self.owner.block
        self.lines.append(Restore(block, self.level))
        names = iter(bars)
        for end, on in zip(block.yields, made.out_mask, strict=True):
            if on:
                self.contribute(end, next(names))
        self.nodes(block)
        results = [
            (self.bar(p) if p in self.started else "0.0")
            for p, on in zip(made.function.params, made.mask, strict=True)
            if on
        ]
        self.add(f"return {', '.join([*results, 'pos'])}")
        self.lines[1:1] = [f"    {name} = scratch(0)" for name in self.rooms]
        return self.lines

    def read_copies(self, lines: list[Any]) -> None:
        """Have the lines of this half read from copies; those of arguments stand behind the tape's first number."""
        begins, first = [], "1"
        for copy in self.owner.arguments:
            array, begin = copy.array, self.names.of(copy.begins)
            begins.append(f"    {begin} = {first}")
            first += f" + {' * '.join(self.use(n) for n in array.dims)}"
            for load in copy.loads:
                own = load.at is array.at
                place = self.place_of(
                    dataclasses.replace(load, at=0) if own else load, self.use(load.index[-1])
                )
                self.copied[load] = f"tape[{begin} + {place}{'' if own else f' - {self.use(array.at)}'}]"
        if begins:
            lines[1:1] = begins
            lines.insert(-1, f"    pos -= {first.removeprefix('1 + ')}")
        for copy in [copy for made in self.owner.rows.values() for copy in made]:
            for load in copy.loads:
                self.copied[load] = f"tape[{self.names.of(copy.begins)} + {self.use(load.index[0])}]"

    def nodes(self, block: Block) -> None:
        for node in reversed(block.nodes):
            if isinstance(node, Op):
                self.op(node)
            elif isinstance(node, Load):
                self.load(node)
            elif isinstance(node, Store):
                self.store(node)
            elif isinstance(node, Call):
                self.call(node)
            elif isinstance(node, If):
                self.branch(node)
            elif isinstance(node, Loop):
                self.loop(node)

    def room(self, key: Any, hint: str, size: str) -> str:
        """The name of a place for so many numbers, written where it is needed."""
        name = self.names.fixed((key, "room"), hint)
        if name not in self.rooms:
            self.rooms.append(name)
        self.add(f"{name} = room({name}, {size})")
        return name

    def place(self, node: Load | Store) -> str:
        """Where an element's cotangent is kept."""
        last = self.use(node.index[-1]) if self.split is None else self.split.index(self.names, node)
        return f"{self.between.get(node.data, 'shadow')}[{self.place_of(node, last)}]"

    def place_of(self, node: Load | Store, last: str) -> str:
        """The number of a place, with its last index given as text."""
        terms = [] if node.at == 0 and not isinstance(node.at, Value) else [self.use(node.at)]
        indices = [*map(self.use, node.index[:-1]), last]
        for i, stride in zip(indices, node.strides, strict=True):
            terms.append(i if type(stride) is int and stride == 1 else f"{i} * {self.use(stride)}")
        return " + ".join(terms) or "0"

    def load(self, node: Load) -> None:
        if node.out in self.started:
            if self.split is not None:
                self.split.keep(self.bar(node.out), node, self.lines)
            else:
                sign = "=" if node.data in self.between else "+="
                self.add(f"{self.place(node)} {sign} {self.bar(node.out)}", node.line)

    def store(self, node: Store) -> None:
        if is_float_array(node.data):
            place = self.place(node)
            self.contribute(node.value, place, node.line)
            if self.split is None and node.data not in self.between:
                self.add(f"{place} = 0.0", node.line)

    def op(self, node: Op) -> None:
        if node.out not in self.started:
            return
        b = self.bar(node.out)
        for position, template in enumerate(PRIMITIVES[node.name].partials or ()):
            arg = node.args[position]
            if template and isinstance(arg, Value) and arg in self.active:
                self.contribute(arg, self.partial(template, node, b), node.line)

    def partial(self, template: str, node: Op, b: str) -> str:
        """A row of the table of derivatives with the names filled in."""

        def of(word: str) -> str:
            return self.use(node.out if word == "r" else node.args[int(word)])

        return fill(template, b=b, of=of, known=lambda name, k: self.known(name, node.args[k]))

    def known(self, name: str, arg: Atom) -> str:
        """A function of a value: the program's own result where it has one."""
        key = (name, arg)
        block: Block | None = self.block
        while block is not None:
            found = block.known.get(key)
            if found is not None and found.node in found.block.nodes:
                return self.use(found)
            block = block.parent
        return f"{name}({self.use(arg)})"

    def call(self, node: Call) -> None:
        started = any(out in self.started for out in node.outs)
        if not started and not any(map(is_float_array, [*node.args, *node.outs])):
            return
        mask = tuple(isinstance(a, Value) and a in self.active for a in node.args)
        out_mask = tuple(out in self.started for out in node.outs)
        reverse = self.owner.calls[node] = self.owner.sweep.of(node.callee, mask, out_mask)
        bars = [self.bar(out) for out in node.outs if out in self.started]
        active = [arg for arg, on in zip(node.args, reverse.mask, strict=True) if on]
        targets = [self.names.fresh(f"{self.names.of(arg)}_bar_part") for arg in active]
        args = ", ".join([*bars, *(["shadow"] if self.owner.sweep.memory else []), "tape", "pos"])
        self.add(f"{', '.join([*targets, 'pos'])} = {reverse.name}_backward({args})", node.line)
        for arg, part in zip(active, targets, strict=True):
            self.contribute(arg, part)

    # ------------------------------------------------------------------------------------ nested blocks

    def nested(
        self, block: Block, begin: Any, end: Any = None, *, otherwise: bool = False
    ) -> tuple[list[Any], set[Value]]:
        """Sweep an inner block; its lines, and the cotangents of outer blocks it adds to."""
        outside = self.lines, self.block, self.started, self.touched
        self.lines, self.block, self.started, self.touched = (
            [Restore(block, self.level, otherwise)],
            block,
            set(),
            set(),
        )
        begin()
        self.nodes(block)
        if end is not None:
            end()
        lines, touched = self.lines, self.touched
        self.lines, self.block, self.started, self.touched = outside
        return lines, touched

    def start(self, values: set[Value]) -> None:
        """Give a beginning to cotangents that an inner block will add to."""
        for value in sorted(values, key=lambda v: self.bar(v)):
            if value.block is not self.block:
                self.touched.add(value)
            elif value not in self.started:
                self.started.add(value)
                self.add(f"{self.bar(value)} = 0.0")

    def branch(self, node: If) -> None:
        if not self.reaches(node):
            return
        live = [(k, out) for k, out in enumerate(node.outs) if out in self.started]
        cond = self.use(node.cond)
        sides = []
        self.level += 1
        for block in (node.then, node.orelse):

            def begin(block: Block = block) -> None:
                for k, out in live:
                    self.contribute(block.yields[k], self.bar(out))

            sides.append(self.nested(block, begin))
        self.level -= 1
        (then, touched_then), (orelse, touched_else) = sides
        self.start(touched_then | touched_else)
        self.line = 0
        self.add(f"if {cond}:", node.line)
        self.lines += then
        if len(orelse) > 1 or node.orelse.nodes:
            self.add("else:")
            self.lines += orelse

    def reaches(self, node: If | Loop) -> bool:
        """Whether the backward sweep has anything to do in a node."""
        return any(out in self.started for out in node.outs) or any(map(has_memory, blocks_of(node)))

    def loop(self, node: Loop) -> None:
        if not self.reaches(node):
            return
        body = node.body
        self.current = node
        if node.between is not None:
            size = " * ".join(self.use(n) for n in node.between.node.args)
            self.between[node.between] = self.room(node.between, f"{self.names.of(node.between)}_bar", size)
        parts = split(self, node)
        if parts is not None:
            self.loop_in_parts(node, parts)
            return
        carried = [k for k, param in enumerate(body.params) if param in self.active]
        for k in carried:
            if node.outs[k] not in self.started:
                self.add(f"{self.bar(body.params[k])} = 0.0")
        header = self.header(node)
        self.level += 1
        lines, touched = self.nested(
            body, lambda: self.hand_back(node, carried), lambda: self.reset(node, carried)
        )
        self.level -= 1
        self.start(touched)
        self.lines.append(GiveBack(body, self.level))
        self.line = 0
        for text in header:
            self.add(text, node.line)
        self.lines += lines
        self.lines.append(Begin(node, self.level))
        for k in carried:
            self.contribute(node.inits[k], self.bar(body.params[k]))

    def loop_in_parts(self, node: Loop, parts: Split) -> None:
        """A loop whose iterations do not meet, see ``split``; with the usual loop for when they do after all."""
        body, names, header = node.body, self.names, self.header(node)
        deeper = 1 if parts.checks else 0
        self.level += deeper + 1
        self.split = parts
        store = self.place(parts.store)
        lines, touched = self.nested(body, lambda: None)
        self.split = None
        usual, also = self.nested(body, lambda: None, otherwise=True) if parts.checks else ([], set())
        self.level -= deeper + 1
        self.start(touched | also)
        self.owner.parts[node] = parts
        if parts.checks:
            self.add(f"if {' and '.join(parts.checks)}:", node.line)
            self.level += 1
        self.lines.append(GiveBack(body, self.level))
        start, stop, index = self.use(node.bounds[0]), self.use(node.bounds[1]), names.of(node.index)
        width = names.fresh("width")
        run = f"for {index} in range({'' if start == '0' else f'{start}, '}{stop}):"
        before = "" if start == "0" else f" - {start}"
        self.add(f"{width} = max({stop}{before}, 0)")
        work = self.room(None, "work", f"{len(parts.rows)} * {width}")
        self.add(run, node.line)
        self.lines += lines
        firsts = [
            "" if k == 0 else f"{width} + " if k == 1 else f"{k} * {width} + " for k in range(len(parts.rows))
        ]
        for first, text in zip(firsts, parts.rows, strict=True):
            self.lines.append("    " * (self.level + 1) + f"{work}[{first}{index}{before}] = {text}")
        self.add(run)
        self.add(f"    {store} = 0.0")
        for text in parts.additions(self, work, width, (start, stop)):
            self.add(text)
        if parts.checks:
            self.level -= 1
            self.add("else:")
            self.lines.append(GiveBack(body, self.level + 1, otherwise=True))
            self.lines += ["    " * (self.level + 1) + text for text in header]
            self.lines += usual

    def hand_back(self, node: Loop, carried: list[int]) -> None:
        """The cotangents of what an iteration hands on become those of what it computed."""
        params = node.body.params
        moved: list[tuple[Value, str]] = []
        for k in carried:
            end, bar = node.body.yields[k], self.bar(params[k])
            if end is params[k]:
                moved.append((end, ""))
            elif end in params:
                text = self.names.fresh(f"{bar}_next")
                self.add(f"{text} = {bar}")
                moved.append((end, text))
            else:
                self.contribute(end, bar)
        for end, text in sorted(moved, key=lambda pair: pair[1] != ""):
            if text:
                self.contribute(end, text)
            else:
                self.started.add(end)

    def reset(self, node: Loop, carried: list[int]) -> None:
        for k in carried:
            param = node.body.params[k]
            if param not in self.started:
                self.add(f"{self.bar(param)} = 0.0")

    def header(self, node: Loop) -> list[str]:
        """The statement that runs through the iterations backwards."""
        counted = self.names.fresh("iteration")
        if node.bounds is None:
            return [f"for {counted} in range({self.use(node.count)} - 1, -1, -1):"]
        start, stop, step = node.bounds
        index = self.names.of(node.index)
        if node.count is None and step == 1:
            last = -1 if not isinstance(start, Value) and start == 0 else f"{self.use(start)} - 1"
            return [f"for {index} in range({self.use(stop)} - 1, {last}, -1):"]
        if node.count is None:
            n = f"count_range({self.use(start)}, {self.use(stop)}, {self.use(step)})"
        else:
            n = self.use(node.count)
        if start == 0 and step == 1:
            return [f"for {index} in range({n} - 1, -1, -1):"]
        return [
            f"for {counted} in range({n} - 1, -1, -1):",
            f"    {index} = {self.use(start)} + {counted} * {self.use(step)}",
        ]
