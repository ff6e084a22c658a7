"""Backward loops whose iterations do not meet: swept in parts that a machine runs through several at a time.

A loop of the program that writes one array from others, element by element, adds to the cotangents of neighbours on
its way back: each addition waits for the one before. Where the places written and those read lie apart, the order of
the iterations does not matter. Then the contributions go into an array of their own first, and are added from there
place by place: loops without any dependence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.autodiff.native.ir import Atom, Load, Loop, Op, Store, Value, is_float_array
from workbench.autodiff.native.primitives import PRIMITIVES

if TYPE_CHECKING:
    from workbench.autodiff.native.emit import Names
    from workbench.autodiff.native.reverse import Backward


@dataclass
class Split:
    """A loop that is swept in parts: what it stores, and what has to be apart for that when it runs."""

    loop: Loop
    store: Store
    checks: list[str] = field(default_factory=list)
    rows: list[str] = field(
        default_factory=list
    )  # what each iteration leaves in its place of the array of its own
    after: list[tuple[str, int]] = field(default_factory=list)  # where a row goes: a place, or a name

    def keep(self, text: str, target: str, lines: list[Any]) -> None:
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
        return counter if shift == 0 else f"{counter} {'+' if shift > 0 else '-'} {abs(shift)}"


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
        if store.root is None or group[0].root is None or store.root == group[0].root:
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
