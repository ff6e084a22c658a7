"""What the backward half takes from the tape, written when it is known what the forward half keeps.

The backward half is written first: it says what it needs. Until it has been decided what of that is kept and what is
computed again, places in its text stand for the pops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.autodiff.native.copies import Copy
from workbench.autodiff.native.emit import Writer
from workbench.autodiff.native.forward import iteration_of, reserve, row_slot, window_slot
from workbench.autodiff.native.ir import Block, Load, Loop, Op
from workbench.autodiff.native.storage import Kept


@dataclass
class Restore:
    """Stands for the pops at the beginning of a block's backward sweep, until it is known what they are.

    ``otherwise`` says that this is the sweep for when the checks of a loop in parts do not hold.
    """

    block: Block
    level: int
    otherwise: bool = False


@dataclass
class GiveBack:
    """Stands before the backward loop: a straight loop gives the place of all its iterations back at once."""

    block: Block
    level: int
    otherwise: bool = False


@dataclass
class Begin:
    """Stands behind a loop's backward sweep: back to where the copies begin that were made before the loop."""

    loop: Loop
    level: int


def filled(
    lines: list[Any],
    kept: dict[Block, Kept],
    writer: Writer,
    begins: dict[Loop, list[Copy]],
    copied: dict[Load, str],
) -> list[str]:
    """The backward half's text with the pops filled in.

    Args:
        lines: the text, with ``Restore``, ``GiveBack`` and ``Begin`` between.
        kept: what each block keeps.
        writer: writes expressions with the half's names.
        begins: the copies made before each loop.
        copied: what is read from copies, as text.
    """
    text: list[str] = []
    for line in lines:
        if isinstance(line, str):
            text.append(line)
            continue
        writer.lines, writer.level = [], line.level
        if isinstance(line, Begin):
            if line.loop in begins:
                writer.add(f"pos = {writer.names.of(begins[line.loop][0].begins)}")
            text += writer.lines
            continue
        plan = kept[line.block]
        if line.otherwise and plan.otherwise is not None:
            plan = plan.otherwise
        if isinstance(line, GiveBack):
            if plan.rows is not None:
                writer.add(f"pos -= {reserve(writer, plan)[1]}")
            text += writer.lines
            continue
        if plan.slots and plan.rows is None:
            writer.add(f"pos -= {len(plan.slots)}")
        for k, value in enumerate(plan.slots):
            slot = f"tape[pos{f' + {k}' if k else ''}]" if plan.rows is None else row_slot(writer, plan, k)
            form = {"float": "{}", "int": "int({})", "bool": "{} != 0.0"}[value.type]
            writer.add(f"{writer.names.of(value)} = {form.format(slot)}")
        for window in plan.windows:
            for load, shift in window.loads.items():
                slot = window_slot(writer, plan, window, iteration_of(writer, plan, shift - window.low))
                writer.add(f"{writer.names.of(load.out)} = {slot}")
        for node in plan.again:
            source = writer.expression(node) if isinstance(node, Op) else copied[node]
            writer.add(f"{writer.names.of(node.out)} = {source}")
        text += writer.lines
    return _with_passes(text)


def _with_passes(text: list[str]) -> list[str]:
    """The text with ``pass`` where a block came out empty."""
    done: list[str] = []
    for line, following in zip(text, [*text[1:], ""], strict=True):
        done.append(line)
        indent = len(line) - len(line.lstrip())
        if line.partition("  #")[0].endswith(":") and len(following) - len(following.lstrip()) <= indent:
            done.append(" " * (indent + 4) + "pass")
    return done
