"""What a derivative did, for people to read: a table, a page of HTML, a picture of where the time went."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.autodiff.account import Contents, Row, Span, contents, watched_pullback
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.given import checked_positions, checked_program, one_like
from workbench.autodiff.location import name_of, place
from workbench.autodiff.structure import leaves, map_leaves
from workbench.autodiff.tiers import Choice, tier_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

_HEAD = ("function", "how", "calls", "operations", "forward", "backward", "why")
_SIDES = ("left", "left", "right", "right", "right", "right", "left")
_STYLES = (*(f"text-align: {side}" for side in _SIDES[:-1]), "text-align: left; min-width: 14em")


@dataclass(frozen=True)
class Explanation:
    """What ``explain`` found.

    Attributes:
        name: of the program.
        value: what the program returned.
        choice: the tier that took the whole program, and why and where the native tier stopped if it did.
        rows: the functions that ran, by the time in them; of a program that the native tier took, itself alone.
        contents: of the tape; None where the native tier took the whole program.
        forward, backward: seconds of the two sweeps, watched: a run that nobody watches is faster.
        preparing: seconds of rewriting functions and importing rules, or of generating code, which is done once.
        spans: the calls in the order in which they ended, for ``timeline``.
    """

    name: str
    value: Any
    choice: Choice
    rows: tuple[Row, ...]
    contents: Contents | None
    forward: float
    backward: float
    preparing: float
    spans: tuple[Span, ...]

    def _lines(self) -> list[str]:
        choice, tape = self.choice, self.contents
        lines = [f"{self.name}: {choice.tier}" + (f", because {choice.reason}" if choice.reason else "")]
        if choice.line:
            lines.append(f"{place(choice.file, choice.line)}\n{choice.caret}")
        if tape is not None:
            kinds = f"{tape.scalars} on numbers, {tape.arrays} on arrays or by rules and native calls"
            lines.append(f"{tape.operations} operations on the tape: {kinds}, {tape.writes} writes")
            held = f", which keeps arrays of {_bytes(tape.array_bytes)}" if tape.array_bytes else ""
            lines.append(f"{_bytes(tape.tape_bytes)} of tape{held}")
        times = f"{_seconds(self.forward)} forward, {_seconds(self.backward)} back"
        lines.append(f"{times}; {_seconds(self.preparing)} of preparation, once")
        return lines

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row.name,
                row.way,
                str(row.calls),
                str(row.operations),
                _seconds(row.forward),
                _seconds(row.backward),
                row.why,
            )
            for row in self.rows
        ]

    def __str__(self) -> str:
        cells = [_HEAD, *self._cells()]
        widths = [max(len(line[k]) for line in cells) for k in range(len(_HEAD) - 1)]
        table = [
            "  ".join(
                [
                    c.ljust(w) if side == "left" else c.rjust(w)
                    for c, w, side in zip(line, widths, _SIDES, strict=False)
                ]
                + [line[-1]]
            ).rstrip()
            for line in cells
        ]
        return "\n".join([*self._lines(), "", *table])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def cells(tag: str, line: tuple[str, ...]) -> str:
            return "".join(
                f'<{tag} style="{style}">{html.escape(text)}</{tag}>'
                for style, text in zip(_STYLES, line, strict=True)
            )

        rows = "".join(
            f'<tr title="{html.escape(row.where, quote=True)}">' + cells("td", line) + "</tr>"
            for row, line in zip(self.rows, self._cells(), strict=True)
        )
        first, *others = self._lines()
        return (
            f"<p><b>{html.escape(first)}</b></p><pre>{html.escape(chr(10).join(others))}</pre>"
            f"<table><thead><tr>{cells('th', _HEAD)}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def timeline(self) -> go.Figure:
        """The calls over time, forward and on the way back, as a plotly figure."""
        from workbench.figures.explanation import timeline_figure

        return timeline_figure(self.name, self.spans)


def explain(f: Callable, *args: Any, wrt: int | tuple[int, ...] = 0) -> Explanation:
    """Differentiate ``f`` at ``args`` and tell what happened: which functions ran how and why, at what cost.

    Args:
        f: a program, as for ``pullback``; a result that is not one real number is pulled back with ones.
        args: where to differentiate.
        wrt: the position, or positions, of the arguments to differentiate by.
    Returns:
        an ``Explanation``: a table as text and in a notebook, and ``timeline()``.
    Raises:
        DifferentiationError: whatever the derivative itself raises.

    A function is *rewritten* (its operations are recorded one by one), taken by a *rule*, *native* (its derivative
    generated from its source), *constant*, or called *as it is*.
    """
    checked_program(f, "explain")
    positions = checked_positions(args, wrt)
    preparing = time.perf_counter()
    choice = tier_of(f, *args)
    began = time.perf_counter()
    preparing = began - preparing
    account = None
    if choice.tier == "trace":
        value, back, account = watched_pullback(f, args, positions)
        preparing += account.preparing
        began += account.preparing
    else:
        value, back = pullback(f, *args, wrt=positions)
    turned = time.perf_counter()
    if leaves(value):
        back(map_leaves(one_like, value, other=lambda _: None))
    ended = time.perf_counter()
    if account is None:
        own = Row(name_of(f), "", "native", choice.tier, 1, 0, turned - began, ended - turned)
        rows, spans = [own], [Span(own, 0, began, turned, turned, ended)]
    else:
        rows, spans = account.rows.values(), account.spans
    return Explanation(
        name=name_of(f),
        value=value,
        choice=choice,
        rows=tuple(sorted(rows, key=lambda row: -row.forward - row.backward)),
        contents=contents(back.tape) if account is not None else None,
        forward=turned - began,
        backward=ended - turned,
        preparing=preparing,
        spans=tuple(spans),
    )


def _seconds(t: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-9:.0f} ns" if t > 0 else "0"


def _bytes(n: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n} bytes"
