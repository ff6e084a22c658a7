"""Backward loops whose iterations do not meet: swept in parts that a machine runs through several at a time.

A loop of the program that writes one array from others, element by element, adds to the cotangents of neighbours on
its way back: each addition waits for the one before. Where the places written and those read lie apart, the order of
the iterations does not matter. Then the contributions go into an array of their own first, and are added from there
place by place: loops without any dependence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native.ir import Atom, Load, Loop, Op, Store, Value, are_apart, is_float_array
from workbench.autodiff.native.primitives import PRIMITIVES

if TYPE_CHECKING:
    from workbench.autodiff.native.backward import Backward
    from workbench.autodiff.native.emit import Names


@dataclass(eq=False)
class Window:
    """A row of an array that a loop reads at several places from its counter, the lowest and the highest of them."""

    loads: dict[Load, int]  # how far each place is from the counter

    @property
    def low(self) -> int:
        """The lowest place from the counter."""
        return min(self.loads.values())

    @property
    def span(self) -> int:
        """How many more places there are than iterations."""
        return max(self.loads.values()) - self.low


@dataclass
class Split:
    """A loop that is swept in parts: what it stores, and what has to be apart for that when it runs."""

    loop: Loop
    store: Store
    checks: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)  # arrays that the loop only reads, at several places
    rows: list[str] = field(
        default_factory=list
    )  # what each iteration leaves in its place of the array of its own
    after: list[tuple[Load | str, int]] = field(default_factory=list)  # where a row goes: places, or a name

    def keep(self, text: str, target: Load | str, lines: list[Any]) -> None:
        """Leave a contribution to ``target`` for later; what ``lines`` only rename is kept once."""
        words = [line.split() for line in lines if isinstance(line, str)]
        renamed = {
            w[0]: w[2]
            for w in words
            if len(w) >= 3 and w[1] == "=" and w[2].isidentifier() and w[3:4] in ([], ["#"])
        }
        for line in words:
            if line[1:2] == ["+="]:
                renamed.pop(line[0], None)
        while text in renamed:
            text = renamed[text]
        if text not in self.rows:
            self.rows.append(text)
        self.after.append((target, self.rows.index(text)))

    def index(self, names: Names, node: Load | Store) -> str:
        """The last index of a place, written with the loop's counter."""
        shift = _shift(self.loop, node)
        counter = names.of(self.loop.index)
        return plus(counter, shift)

    def additions(self, sweep: Backward, work: str, width: str, bounds: tuple[str, str]) -> list[str]:
        """The statements that add the rows of ``work`` to where they go.

        The places that all of the rows for one array reach are gone through once, those at its ends by each row.
        """
        counter, (start, stop) = sweep.names.of(self.loop.index), bounds
        lines: list[str] = []

        def row(k: int, shift: int) -> str:
            first = "" if k == 0 else f"{width} + " if k == 1 else f"{k} * {width} + "
            index = (
                plus(counter, -shift - int(start))
                if start.isdigit()
                else f"{plus(counter, -shift)} - {start}"
            )
            return f"{work}[{first}{index}]"

        def add(place: str, first: str, last: str, rows: list[tuple[int, int]]) -> None:
            run = f"{counter} in range({'' if first == '0' else f'{first}, '}{last})"
            texts = " + ".join(row(k, shift) for shift, k in rows)
            form = f"{place} += {texts}" if len(rows) == 1 else f"{place} = {place} + {texts}"
            lines.extend([f"for {run}:", f"    {form}"])

        groups: dict[tuple, list[tuple[Load, int]]] = {}
        for target, k in self.after:
            if isinstance(target, str):
                lines.append(f"{target} += total({work}, {'0' if k == 0 else f'{k} * {width}'}, {width})")
            else:
                groups.setdefault(_row(target), []).append((target, k))
        for group in groups.values():
            place = f"shadow[{sweep.place_of(group[0][0], counter)}]"
            rows = [(_shift(self.loop, load), k) for load, k in group]
            low, high = min(rows)[0], max(rows)[0]
            if low == high:
                add(place, plus(start, low), plus(stop, low), rows)
                continue
            inner = plus(start, high), f"max({plus(start, high)}, {plus(stop, low)})"
            add(place, *inner, rows)
            for shift, k in rows:
                if shift < high:
                    add(place, plus(start, shift), f"min({inner[0]}, {plus(stop, shift)})", [(shift, k)])
                if shift > low:
                    add(place, inner[1], plus(stop, shift), [(shift, k)])
        return lines


def plus(text: str, number: int) -> str:
    """The sum of a name or number and a number, as text."""
    if text.isdigit() and int(text) + number >= 0:
        return str(int(text) + number)
    return text if number == 0 else f"{text} {'+' if number > 0 else '-'} {abs(number)}"


def split(sweep: Backward, node: Loop) -> Split | None:
    """How to sweep a loop in parts, None when its iterations may meet."""
    body = node.body
    if node.whole or node.bounds is None or node.bounds[2] != 1 or node.until is not False or body.params:
        return None
    if not all(
        isinstance(n, Load | Store) or (isinstance(n, Op) and PRIMITIVES[n.name].pure) for n in body.nodes
    ):
        return None
    stores = [n for n in body.nodes if isinstance(n, Store) and is_float_array(n.data)]
    loads = [n for n in body.nodes if isinstance(n, Load) and n.out in sweep.active]
    if len(stores) != 1 or not loads or None in [_shift(node, n) for n in (*stores, *loads)]:
        return None
    (store,) = stores
    made = Split(node, store)
    groups: dict[tuple, list[Load]] = {}
    for load in loads:
        if _row(load) == _row(store):
            first = body.nodes.index(load) < body.nodes.index(store)
            if _shift(node, load) != _shift(node, store) or not first:
                return None
        else:
            groups.setdefault(_row(load), []).append(load)
    for group in groups.values():
        made.windows.append(Window({load: _shift(node, load) for load in group}))
        if not are_apart(store, group[0]):
            shifts = [_shift(node, load) for load in group]
            ends = [*_ends(sweep, store, _shift(node, store), _shift(node, store))]
            ends += _ends(sweep, group[0], min(shifts), max(shifts))
            made.checks.append(f"apart({', '.join(ends)})")
    return made


def _shift(loop: Loop, node: Load | Store) -> int | None:
    """How far a place is from the loop's counter, along a last axis without gaps; None when it is somewhere else."""
    *others, last = node.index
    if any(isinstance(i, Value) and i.block is loop.body for i in others):
        return None
    if type(node.strides[-1]) is not int or node.strides[-1] != 1:
        return None
    op = last.node if isinstance(last, Value) else None
    checked = isinstance(op, Op) and op.name == "index"
    if checked:
        last = op.args[0]
        op = last.node if isinstance(last, Value) else None
    start, shift = loop.bounds[0], _step(loop, last, op)
    if checked and (type(start) is not int or shift is None or start + shift < 0):
        return None  # it may count from the end
    return shift


def _step(loop: Loop, last: Atom, op: Any) -> int | None:
    if last is loop.index:
        return 0
    if isinstance(op, Op) and op.name == "step_int" and op.args[0] is loop.index and type(op.args[1]) is int:
        return op.args[1]
    return None


def _row(node: Load | Store) -> tuple:
    """What says which row of which array a place is in."""
    return (node.at, *node.index[:-1], *node.strides)


def _ends(sweep: Backward, node: Load | Store, low: int, high: int) -> tuple[str, str]:
    """The first and the last place of a row that a loop reaches."""
    start, stop, _ = sweep.current.bounds
    return tuple(
        sweep.place_of(node, f"{sweep.use(bound)} + {shift}" if shift else sweep.use(bound))
        for bound, shift in ((start, low), (stop, high - 1))
    )
