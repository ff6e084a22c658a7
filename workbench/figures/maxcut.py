"""Figures of a graph that is cut: the likeliest division, and how many edges a measured one cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, GREEN, INK, SKY, VERMILION


def cut_figure(edges: Sequence[tuple[int, int]], division: str) -> go.Figure:
    """A graph on a circle, divided in two: cut edges thick, the others thin and dotted.

    Args:
        edges: pairs of nodes.
        division: "0" or "1" for each node.
    """
    n = len(division)
    turn = 2.0 * np.pi * np.arange(n) / n
    x, y = np.sin(turn), np.cos(turn)
    cut = [division[a] != division[b] for a, b in edges]
    figure = blank_figure(
        f"The likeliest cut: {sum(cut)} of {len(edges)} edges",
        x="",
        y="",
        equal=True,
        height=340,
        alt=f"A graph of {n} nodes; the division {division} cuts {sum(cut)} of its {len(edges)} edges.",
    )
    for name, wanted, style in (
        ("cut", True, {"color": BLUE, "width": 4}),
        ("not cut", False, {"color": INK, "width": 1.5, "dash": "dot"}),
    ):
        line_x, line_y = [], []
        for (a, b), is_cut in zip(edges, cut, strict=True):
            if is_cut == wanted:
                line_x += [x[a], x[b], None]
                line_y += [y[a], y[b], None]
        figure.add_scatter(x=line_x, y=line_y, mode="lines", line=style, name=name, hoverinfo="skip")
    for part, color, symbol in (("0", GREEN, "circle"), ("1", VERMILION, "square")):
        rows = [k for k in range(n) if division[k] == part]
        figure.add_scatter(
            x=x[rows],
            y=y[rows],
            mode="markers+text",
            text=[str(k) for k in rows],
            textfont={"color": "white"},
            marker={"size": 26, "color": color, "symbol": symbol},
            name=f"part {part}",
        )
    figure.update_layout(margin={"b": 16})
    figure.update_xaxes(visible=False, range=[-1.5, 1.5])
    figure.update_yaxes(visible=False, range=[-1.3, 1.3])
    return figure


def round_figure(sizes: np.ndarray, chances: Mapping[str, np.ndarray]) -> go.Figure:
    """How likely each number of cut edges is.

    Args:
        sizes: edges cut by each division. Shape (2**nodes,).
        chances: by name, the probability of each division. Shapes (2**nodes,).
    """
    counts = np.arange(sizes.max() + 1)
    best = {name: row[sizes == sizes.max()].sum() for name, row in chances.items()}
    figure = blank_figure(
        "How many edges a measured division cuts",
        x="edges cut",
        y="probability",
        height=360,
        alt=f"The chance of a best cut, of {sizes.max()} edges: "
        + ", ".join(f"{chance:.0%} with {name}" for name, chance in best.items())
        + ".",
    )
    for (name, row), color, dash in zip(
        chances.items(), (INK, SKY, BLUE), ("dot", "dash", "solid"), strict=True
    ):
        figure.add_scatter(
            x=counts,
            y=np.bincount(sizes, weights=row, minlength=len(counts)),
            mode="lines+markers",
            name=name,
            line={"color": color, "dash": dash, "width": 2.5},
        )
    figure.update_xaxes(dtick=1)
    return figure
