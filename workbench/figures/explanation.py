"""Where the time of a derivative went: its calls as bars over time, forward and on the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY

WAYS = {"rewritten": BLUE, "native": GREEN, "rule": ORANGE, "constant": PURPLE, "as it is": SKY}
"""How a function ran, and its colour."""

MOST_LEVELS = 8
MOST_BARS = 1500


def timeline_figure(name: str, spans: Sequence[Any]) -> go.Figure:
    """Calls over time: callers above what they call; the way back to the right of the way forward.

    Args:
        name: of the program.
        spans: with ``row.name``, ``row.way``, ``depth``, ``start``, ``end``, ``back_start``, ``back_end`` in seconds,
            as those of ``workbench.explain``.
    """
    shown = [s for s in spans if s.depth < MOST_LEVELS]
    shown = sorted(shown, key=lambda s: s.start - s.end)[:MOST_BARS]
    left_out = len(spans) - len(shown)
    begin = min((s.start for s in shown), default=0.0)
    turn = max((s.end for s in shown), default=0.0)
    back = [s for s in shown if s.back_start is not None and s.back_end is not None]
    back_begin = min((s.back_start for s in back), default=turn)
    shift = turn - back_begin  # what lies between the two sweeps is left out
    levels = 1 + max((s.depth for s in shown), default=0)
    figure = blank_figure(
        f"Where the time of {name} went",
        x="time (ms)",
        y="depth of the call",
        alt=_words(name, shown, back, begin, turn),
        height=184 + 34 * levels,
    )
    for way, colour in WAYS.items():
        bars = [(s.start, s.end, s, "forward") for s in shown if s.row.way == way]
        bars += [(s.back_start + shift, s.back_end + shift, s, "back") for s in back if s.row.way == way]
        if not bars:
            continue
        figure.add_bar(
            orientation="h",
            base=[1e3 * (b[0] - begin) for b in bars],
            x=[1e3 * (b[1] - b[0]) for b in bars],
            y=[b[2].depth for b in bars],
            name=way,
            text=[b[2].row.name.rpartition(".")[2] for b in bars],
            textposition="inside",
            insidetextanchor="middle",
            marker={"color": colour, "line": {"color": "rgba(255,255,255,0.6)", "width": 0.5}},
            customdata=[[b[2].row.name, b[3], 1e3 * (b[1] - b[0])] for b in bars],
            hovertemplate="%{customdata[0]}, %{customdata[1]}: %{customdata[2]:.3g} ms<extra>"
            + way
            + "</extra>",
        )
    figure.update_layout(barmode="overlay", bargap=0.12, uniformtext={"minsize": 9, "mode": "hide"})
    figure.update_yaxes(range=[levels - 0.05, -0.5], dtick=1)  # downwards, with room for words below the bars
    if back:
        figure.add_vline(
            x=1e3 * (turn - begin),
            line={"color": INK, "dash": "dot", "width": 1},
            annotation_text="turns back",
            annotation_position="bottom right",
        )
    if left_out:
        figure.add_annotation(
            text=f"{left_out} short or deep calls are not drawn",
            x=0,
            y=-0.28,
            xref="paper",
            yref="paper",
            showarrow=False,
            xanchor="left",
        )
    return figure


def _words(name: str, shown: list[Any], back: list[Any], begin: float, turn: float) -> str:
    if not shown:
        return f"No calls of {name} were recorded."
    away = sum(s.back_end - s.back_start for s in back if not s.depth)
    return (
        f"Calls of {name} as bars: {1e3 * (turn - begin):.3g} ms forward and {1e3 * away:.3g} ms back, "
        f"{len(shown)} calls on {1 + max(s.depth for s in shown)} levels."
    )
