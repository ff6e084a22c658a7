"""What a block keeps for its backward sweep, and what is computed again instead.

The backward sweep says which values it reads. At the end of each block's forward sweep those are pushed on the tape,
at the beginning of its backward sweep they are popped: one slot per value and run of the block. A cheap operation is
computed again instead, when that needs at most one value more than is kept anyway; so the number of slots never grows.

A loop that reads an array at several places around its counter, and writes nothing there, keeps that part of the array
once (a window) instead of several values of each iteration. What loops read again and again from an array that does not
change meanwhile, stands on the tape once (``copies``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from workbench.autodiff.native.copies import Copy
from workbench.autodiff.native.ir import Atom, Block, Call, Load, Loop, Op, Value, blocks_of, outs_of
from workbench.autodiff.native.primitives import PRIMITIVES
from workbench.autodiff.native.split import Split, Window

LONGEST = 12  # operations computed again for the sake of one value


@dataclass
class Kept:
    """What one block keeps (``slots``), and what it computes or reads again, in order (``again``).

    ``rows`` is the loop whose body this is, where the place for all its iterations can be taken at once. ``windows``
    are parts of arrays kept beside the slots of such a loop, and ``otherwise`` is what is kept where ``checks`` do not
    hold when it runs: there the loop writes into what it reads.
    """

    slots: list[Value] = field(default_factory=list)
    again: list[Op | Load] = field(default_factory=list)
    rows: Loop | None = None
    windows: list[Window] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    otherwise: Kept | None = None


def decide(
    block: Block,
    needed: dict[Block, set[Value]],
    free: set[Value],
    calls: Collection[Call],
    parts: dict[Loop, Split],
    copies: dict[Loop, list[Copy]],
) -> dict[Block, Kept]:
    """Decide for a block and all in it.

    ``needed`` grows by what computing again needs; ``free`` are counters, and what is read from copies; ``parts`` are
    the loops swept in parts, ``copies`` those that copies are made for.
    """
    decided: dict[Block, Kept] = {}
    for node in block.nodes:
        for inner in blocks_of(node):
            decided |= decide(inner, needed, free, calls, parts, copies)
        if isinstance(node, Loop) and _is_straight(node, decided, {*calls, *copies}):
            decided[node.body].rows = node
            if node in parts:
                _through_windows(decided, parts[node], needed, free)
            _need(needed, node.bounds[:2])
    decided[block] = _kept(block, needed, free)
    decided[block].slots += [copy.begins for node in block.nodes if node in copies for copy in copies[node]]
    return decided


def _through_windows(
    decided: dict[Block, Kept], part: Split, needed: dict[Block, set[Value]], free: set[Value]
) -> None:
    """Keep windows instead of values where that makes the tape shorter."""
    body, plain = part.loop.body, decided[part.loop.body]
    windows = [w for w in part.windows if len(w.loads) > 1 and not free.intersection(x.out for x in w.loads)]
    there = {load.out for window in windows for load in window.loads}
    made = _kept(body, needed, free | there)
    made.again = [node for node in made.again if node.out not in there]
    read = needed.get(body, set()) | {arg for op in made.again if isinstance(op, Op) for arg in op.args}
    made.windows = [window for window in windows if any(load.out in read for load in window.loads)]
    if made.windows and len(made.slots) + len(made.windows) < len(plain.slots):
        made.rows, made.checks = part.loop, part.checks
        made.otherwise = plain if part.checks else None
        decided[body] = made


def _kept(block: Block, needed: dict[Block, set[Value]], free: set[Value]) -> Kept:
    """What one block keeps, and what it computes again."""
    order: list[Value] = list(block.params)
    for node in block.nodes:
        order += outs_of(node)
    keep = {value for value in needed.get(block, set()) if value not in free}
    there = keep | free
    again: set[Value] = set()
    for value in reversed(order):
        if value not in keep:
            continue
        ops, bases = _closure(value, block, there)
        if ops is None or len(bases) > 1 or len(ops) > LONGEST:
            continue
        again |= {op.out for op in ops}
        for values in (keep, there):
            values.discard(value)
            values |= bases
    again -= keep
    made = Kept([value for value in order if value in keep])
    ops = {node for node in block.nodes if isinstance(node, Op) and node.out in again}
    read = needed.get(block, set()) | {arg for op in ops for arg in op.args}
    loads = {n for n in block.nodes if isinstance(n, Load) and n.out in free and n.out in read}
    made.again = [node for node in block.nodes if node in loads or node in ops]
    _need(needed, [arg for op in ops for arg in op.args if isinstance(arg, Value) and arg.block is not block])
    return made


def _need(needed: dict[Block, set[Value]], atoms: Iterable[Atom]) -> None:
    for atom in atoms:
        if isinstance(atom, Value):
            needed.setdefault(atom.block, set()).add(atom)


def _is_straight(node: Loop, decided: dict[Block, Kept], keeping: Collection[Call | Loop]) -> bool:
    """Whether each iteration of a loop keeps the same number of values, known before it begins."""
    if node.bounds is None or node.until is not False or node.bounds[2] != 1 or not decided[node.body].slots:
        return False
    return not _keeps_inside(node.body, decided, keeping)


def _keeps_inside(block: Block, decided: dict[Block, Kept], keeping: Collection[Call | Loop]) -> bool:
    for node in block.nodes:
        if node in keeping:
            return True
        for inner in blocks_of(node):
            kept = decided.get(inner)
            if (kept is not None and (kept.slots or kept.windows)) or _keeps_inside(inner, decided, keeping):
                return True
    return False


def _closure(value: Value, block: Block, there: set[Value]) -> tuple[list[Op] | None, set[Value]]:
    """The cheap operations that make a value from what is there, and the values missing for it."""
    ops: list[Op] = []
    missing: set[Value] = set()
    waiting, seen = [value], set()
    while waiting:
        current = waiting.pop()
        if current in seen or current.block is not block or (current in there and current is not value):
            continue
        seen.add(current)
        node = current.node
        if isinstance(node, Op) and PRIMITIVES[node.name].cheap:
            ops.append(node)
            waiting += [arg for arg in node.args if isinstance(arg, Value)]
        elif current is value:
            return None, set()
        else:
            missing.add(current)
        if len(ops) > LONGEST or len(missing) > 1:
            break
    return ops, missing


def counters(block: Block) -> set[Value]:
    """The counters of the loops in a block: the backward sweep counts them again."""
    found: set[Value] = set()
    for node in block.nodes:
        if isinstance(node, Loop) and node.index is not None:
            found.add(node.index)
        for inner in blocks_of(node):
            found |= counters(inner)
    return found
