"""Where a NaN is born: the line of the program, on the way forward or on the way back.

While the program runs, every return from the engine into the program is looked at, and so is known which line put
which entries on the tape.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray
from workbench.autodiff.calls import resolve
from workbench.autodiff.given import checked_positions, checked_program, one_like
from workbench.autodiff.location import describe, is_engine_file, is_library_file
from workbench.autodiff.operations import Operation
from workbench.autodiff.scalars import TRACED, ScalarStep, TracedFloat, strip
from workbench.autodiff.settling import settle_all
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.tape import OPEN, Tape, sweep_back
from workbench.autodiff.telling import plain
from workbench.autodiff.tracing import TracedPullback, traced_pullback


@dataclass(frozen=True)
class NanBirth:
    """Where a NaN is born.

    Attributes:
        way: "forward" or "backward".
        where: file, line and function, the line's text and a caret under the expression.
        what: the operands there, or the cotangent and the operand's value.
        infinity: where an infinity among them was born, in the form of ``where``; None if there is none.
    """

    way: str
    where: str
    what: str
    infinity: str | None = None

    def __str__(self) -> str:
        way = "on the way forward" if self.way == "forward" else "on the way back"
        lines = [f"a NaN is born {way}, of {self.what}", f"  where: {self.where}"]
        if self.infinity:
            lines.append(f"  the infinity in it: {self.infinity}")
        return "\n".join(lines)

    __repr__ = __str__


def find_nan(f: Callable, *args: Any, wrt: int | tuple[int, ...] | None = None) -> NanBirth | None:
    """The line of ``f`` where the first NaN in its result or its gradient is born; None if there is none.

    Args:
        f: a program, as for ``pullback``; a result that is not one real number is pulled back with ones.
        args: where to look.
        wrt: the position, or positions, of the arguments to differentiate by; all by default.
    Returns:
        a ``NanBirth``, which prints file, line, expression and operands.
    Raises:
        DifferentiationError: whatever the derivative itself raises.

    Follows one operation after the other, so it is slower than a gradient. A NaN that reaches neither the result nor
    the gradient is not reported.
    """
    checked_program(f, "find_nan")
    record = _Watch()
    back = record.run(f, args, checked_positions(args, wrt))
    if any(_is_nan(leaf) for leaf in leaves(back.value)):
        return record.birth(back)
    with np.errstate(all="ignore"):  # the report says it, with the line
        return _sweep(back, record) if leaves(back.value) else None


@dataclass(frozen=True)
class _Place:
    """A line of the program at work; ``end`` is how long the tape was afterwards."""

    end: int
    code: CodeType
    instruction: int
    line: int

    def __str__(self) -> str:
        return describe(self.code, self.instruction, self.line)


class _Watch:
    """What a run put on its tape, looked at as it came."""

    def __init__(self) -> None:
        self.tape: Tape | None = None
        self.places: list[_Place] = []
        self.seen = 0
        self.with_nan: set[int] = set()  # entries with a NaN in their results
        self.births: dict[int, str] = {}  # entries with a NaN in their results and none in their operands
        self.infinity: int | None = None  # the first entry with an infinity
        self.of_infinity: set[int] = set()

    def run(self, f: Callable, args: tuple, positions: tuple[int, ...]) -> TracedPullback:
        def watched(*given: Any) -> Any:
            self.tape = OPEN[-1]
            self.tape.traces_all = True
            self.seen = len(self.tape)
            program, before = resolve(f), sys.getprofile()
            sys.setprofile(self.note)
            try:
                return program(*given)
            finally:
                sys.setprofile(before)

        _, back = traced_pullback(watched, *args, wrt=positions)
        settle_all(back.tape, f)
        return back

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """Called by Python at each call and return: entries that came since are those of the line it goes back to."""
        if event not in ("return", "c_return") or len(self.tape) == self.seen:
            return
        in_engine = is_engine_file(frame.f_code.co_filename)
        if in_engine != (event == "return"):
            return
        place: FrameType | None = frame.f_back if in_engine else frame
        while place is not None and is_library_file(place.f_code.co_filename):
            place = place.f_back
        if place is None or is_engine_file(place.f_code.co_filename):
            return  # the engine goes on, and goes back to the program later
        for k in range(self.seen, len(self.tape)):
            self.look(k)
        self.seen = len(self.tape)
        self.places.append(_Place(self.seen, place.f_code, place.f_lasti, place.f_lineno))

    def look(self, k: int) -> None:
        results, operands = _parts(self.tape[k])
        if any(map(_is_nan, results)):
            self.with_nan.add(k)
            if not any(map(_is_nan, operands)):
                self.births[k] = ", ".join(map(_shown, operands)) or "values that do not vary"
                if any(map(_is_inf, operands)):
                    self.of_infinity.add(k)
        elif self.infinity is None and any(map(_is_inf, results)) and not any(map(_is_inf, operands)):
            self.infinity = k

    def where(self, entry: int) -> str:
        """The place of the entry with this number."""
        k = bisect.bisect_right(self.places, entry, key=lambda place: place.end)
        return str(self.places[min(k, len(self.places) - 1)]) if self.places else "the arguments"

    def birth(self, back: TracedPullback) -> NanBirth:
        """The first birth of those whose NaN reaches the result."""
        reaching = {_key(x) for x in leaves(back.result) if type(x) in TRACED}
        found = None
        for k in sorted(self.with_nan, reverse=True):
            results, operands = _parts(self.tape[k])
            if any(_key(r) in reaching for r in results):
                reaching.update(map(_key, operands))
                found = k if k in self.births else found
        if found is None:
            return NanBirth(
                "forward", "an argument, or a constant of the program", "what was NaN from the beginning"
            )
        infinity = self.infinity if found in self.of_infinity else None
        return NanBirth(
            "forward",
            self.where(found),
            self.births[found],
            self.where(infinity) if infinity is not None else None,
        )


def _key(x: Any) -> int:
    return id(x.memory) if type(x) is TracedArray else id(x)


def _is_nan(x: Any) -> bool:
    return bool(np.isnan(plain(x)).any())


def _is_inf(x: Any) -> bool:
    return bool(np.isinf(plain(x)).any())


def _shown(x: Any) -> str:
    x = plain(x)
    return np.array2string(x, threshold=6, edgeitems=2) if isinstance(x, np.ndarray) else f"{float(x)!r}"


def _parts(node: Any) -> tuple[list[Any], list[Any]]:
    """What an entry gave and the traced values that it took."""
    if type(node) is TracedFloat:
        operands = [p for p in (node.parent, node.parent2) if p is not None]
        return [node] if operands else [], operands
    if type(node) is Operation:
        return [r for r in node.results if type(r) in TRACED], node.operands
    if type(node) is ScalarStep:
        return [node.result], node.operands
    if node.is_write:
        written = TracedArray(node.target(), node.memory)
        return [written], [node.source] if type(node.source) in TRACED else []
    return [node.result], [
        TracedArray(np.array(strip(node.result.value)), node.memory)
    ]  # an element that was read


# ------------------------------------------------------------------------------------ the way back


def _sweep(back: TracedPullback, record: _Watch) -> NanBirth | None:
    """Go back entry by entry until a cotangent is NaN."""
    tape, undone, infinity = back.tape, 0, None
    with tape.lock:
        back.seed(map_leaves(one_like, back.value, other=lambda _: None))
        try:
            for k in reversed(range(len(tape))):
                node, single = tape[k], Tape(tape.level)
                bar = node.bar if type(node) is TracedFloat else None
                list.append(single, node)
                sweep_back(single)
                undone += node.is_write if type(node) is not TracedFloat else 0
                operands = _parts(node)[1] if type(node) in (TracedFloat, Operation, ScalarStep) else []
                bad = [x for x in operands if np.isnan(_bar(x)).any()]
                if bad:
                    what = f"the cotangent {strip(bar)!r} times " if bar is not None else ""
                    what += f"the slope at {_shown(bad[0])}"
                    return NanBirth("backward", record.where(k), what, infinity)
                if infinity is None and any(np.isinf(_bar(x)).any() for x in operands):
                    infinity = record.where(k)
        finally:
            for write in tape.writes[len(tape.writes) - undone :]:
                write.redo()
    return None


def _bar(x: Any) -> Any:
    """The cotangent that has gathered on an operand; for an array, on all of its memory."""
    if type(x) is TracedFloat:
        return strip(x.bar)
    return 0.0 if x.memory.store is None else x.memory.store
