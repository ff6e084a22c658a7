"""The frame every figure starts from."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.figures.palette import FAINT, INK, SERIES

HEIGHT = 420
TITLE = 34  # pixels, with what is above it
CLEAR = "rgba(0,0,0,0)"


def blank_figure(
    title: str, *, x: str, y: str, alt: str, height: int = HEIGHT, equal: bool = False, log_y: bool = False
) -> go.Figure:
    """A figure with its title, axis titles and description, and nothing drawn yet.

    It is as wide as its place in the page; the legend below the title takes the rows that it needs there.

    Args:
        title: what is seen, in a few words.
        x, y: axis titles with their units, "distance (m)".
        alt: the figure in a sentence or two, for those who do not see it.
        height: in pixels.
        equal: the same scale on both axes.
        log_y: a logarithmic y axis.
    """
    figure = go.Figure()
    axis = {
        "gridcolor": FAINT,
        "zerolinecolor": FAINT,
        "linecolor": INK,
        "ticks": "outside",
        "tickcolor": INK,
        "automargin": True,
    }
    figure.update_layout(
        template="none",
        title={"text": title, "x": 0.0, "xref": "paper", "xanchor": "left", "font": {"size": 16}}
        | {"y": 1.0, "yref": "container", "yanchor": "top", "pad": {"t": TITLE - 18}},
        height=height,
        margin={"l": 64, "r": 16, "t": 56, "b": 56},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"color": INK, "size": 13},
        colorway=list(SERIES),
        hovermode="closest",
        legend={"orientation": "h", "x": 1.0, "xanchor": "right"}
        | {"y": 1 - TITLE / height, "yref": "container", "yanchor": "top"},
        xaxis={**axis, "title": {"text": x, "standoff": 12}},
        yaxis={**axis, "title": {"text": y, "standoff": 12}, "type": "log" if log_y else "linear"},
        meta={"alt": alt},
    )
    if log_y:
        figure.update_yaxes(dtick=1)
    if equal:
        figure.update_yaxes(scaleanchor="x", scaleratio=1.0)
    return figure


def description(figure: go.Figure) -> str:
    """The figure in words; its title where it has no description."""
    return (figure.layout.meta or {}).get("alt") or figure.layout.title.text or ""
