"""Arrays that the tape holds once, where loops read them again and again.

An element that the backward sweep needs is kept each time it is read, since it may have changed by then. Where it
cannot have changed, a copy of the array takes its place: of an argument that nothing writes into, at the beginning of
the tape; of a row of numbers, before the loops that only read it. A copy is worth its place where more loops go around
what is read than the array has dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.autodiff.native.ir import (
    Block,
    Call,
    Load,
    Loop,
    Store,
    Value,
    are_apart,
    blocks_of,
    is_float_array,
)
from workbench.autodiff.native.program import Function
from workbench.autodiff.native.structures import Arr


@dataclass(eq=False)
class Copy:
    """A copy of an argument (``array``) or of a row, where it ``begins`` on the tape, and what is read from there."""

    data: Value
    array: Arr | None
    begins: Value
    loads: list[Load] = field(default_factory=list)


def of_arguments(function: Function, needed: dict[Block, set[Value]]) -> list[Copy]:
    """The copies of arguments of a function that writes into none; ``needed`` is what the backward sweep reads."""
    arrays = {one.root: one for one in function.arrays}
    made: dict[Arr, Copy] = {}
    for node, loops in _loads(function.block, needed):
        array = arrays.get(node.root)
        if array is not None and len(loops) > len(array.dims):
            begins = Value("int", f"{array.data.hint}_begins", function.block)
            made.setdefault(array, Copy(array.data, array, begins)).loads.append(node)
    return list(made.values())


def of_rows(function: Function, needed: dict[Block, set[Value]], done: set[Value]) -> dict[Loop, list[Copy]]:
    """The copies of rows before the loops that only read them, except of what is ``done``."""
    made: dict[Loop, dict[Value, Copy]] = {}
    changes: dict[Loop, tuple[list[Store], bool]] = {}  # see ``_changes``
    for node, loops in _loads(function.block, needed):
        if len(node.index) > 1 or node.out in done:
            continue
        for loop, block in loops[:-1]:
            if loop not in changes:
                changes[loop] = _changes(loop)
            stores, calls = changes[loop]
            if _is_made_before(node.data, block) and not calls and all(are_apart(s, node) for s in stores):
                begins = Value("int", f"{node.data.hint}_begins", block)
                made.setdefault(loop, {}).setdefault(node.data, Copy(node.data, None, begins)).loads.append(
                    node
                )
                break
    return {loop: list(copies.values()) for loop, copies in made.items()}


def _loads(block: Block, needed: dict[Block, set[Value]], loops: tuple = ()) -> list[tuple[Load, tuple]]:
    """What is read in a block and the backward sweep needs; the loops around it, and the blocks these stand in."""
    found: list[tuple[Load, tuple]] = []
    for node in block.nodes:
        if isinstance(node, Load) and node.out.type == "float" and node.out in needed.get(block, ()):
            found.append((node, loops))
        for inner in blocks_of(node):
            found += _loads(inner, needed, (*loops, (node, block)) if isinstance(node, Loop) else loops)
    return found


def _changes(node: Loop) -> tuple[list[Store], bool]:
    """What is written into arrays in a loop, and whether arrays are handed to functions there."""
    stores, calls = [], False
    for block in blocks_of(node):
        for inner in block.nodes:
            if isinstance(inner, Store):
                stores.append(inner)
            calls = calls or (isinstance(inner, Call) and any(map(is_float_array, inner.args)))
            below = _changes(inner)
            stores, calls = stores + below[0], calls or below[1]
    return stores, calls


def _is_made_before(data: Value, block: Block | None) -> bool:
    """Whether an array is there before a loop of ``block`` begins."""
    while block is not None and block is not data.block:
        block = block.parent
    return block is not None
