"""Figures of many runs together: their histories over one another, and results against a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import DASHES, FAINT, INK, SERIES

MOST_POINTS = 400
NAMED = 12
MOST_TICKS = 10
FEW_DECADES = 30  # a logarithmic axis of less may have one tick only


def histories_figure(
    histories: Mapping[str, tuple[np.ndarray, np.ndarray]], *, name: str = "loss"
) -> go.Figure:
    """One column of several histories.

    Args:
        histories: run's name → iterations and values, each of shape (n,).
        name: of the column.
    """
    finite = np.concatenate([np.empty(0), *(values[np.isfinite(values)] for _, values in histories.values())])
    log_y = bool(len(finite)) and finite.min() > 0 and finite.max() > FEW_DECADES * finite.min()
    last = {run: float(values[-1]) for run, (_, values) in histories.items() if len(values)}
    alt = f"{name.capitalize()} of {len(histories)} runs over their iterations."
    if last:
        best = min(last, key=last.__getitem__)
        alt += f" The lowest at the end is {last[best]:.3g}, of {best}."
    label = name.replace("_", " ")
    figure = blank_figure("All runs together", x="iteration", y=label, alt=alt, log_y=bool(log_y))
    many = len(histories) > NAMED
    for index, (run, (iterations, values)) in enumerate(histories.items()):
        thin = slice(None, None, max(1, -(-len(values) // MOST_POINTS)))
        line = {"color": SERIES[index % len(SERIES)], "dash": DASHES[index % len(DASHES)], "width": 1.5}
        figure.add_scatter(
            x=iterations[thin],
            y=values[thin],
            mode="lines",
            name=run,
            line={**line, "color": FAINT if many else line["color"]},
            showlegend=not many,
        )
    figure.update_layout(legend={"yref": "paper", "y": -0.3, "yanchor": "top", "x": 0.0, "xanchor": "left"})
    return figure


def response_figure(
    values: Sequence[Any], results: Sequence[float], *, parameter: str, result: str, log_x: bool = False
) -> go.Figure:
    """One result against one parameter: a point for each run, and the median of those with equal values.

    Args:
        values: of the parameter, numbers or texts, one for each run.
        results: the result of each run.
        parameter, result: their names, units included.
        log_x: a logarithmic axis for the parameter.
    """
    levels = sorted(set(values))
    medians = [
        float(np.median([r for v, r in zip(values, results, strict=True) if v == level])) for level in levels
    ]
    best = levels[int(np.argmin(medians))] if medians else None
    figure = blank_figure(
        f"{result.replace('_', ' ')} against {parameter.replace('_', ' ')}",
        x=parameter.replace("_", " "),
        y=result.replace("_", " "),
        alt=f"{result.replace('_', ' ')} of {len(values)} runs; its median is lowest at {parameter} = {best}.",
    )
    figure.add_scatter(
        x=[_place(value) for value in values],
        y=list(results),
        mode="markers",
        name="each run",
        marker={"color": SERIES[0], "size": 7, "opacity": 0.6},
    )
    figure.add_scatter(
        x=[_place(level) for level in levels],
        y=medians,
        mode="lines+markers",
        name="median",
        line={"color": INK, "width": 1.5, "dash": "dot"},
        marker={"symbol": "diamond", "size": 8, "color": INK},
    )
    if log_x:
        figure.update_xaxes(type="log")
    if len(levels) <= MOST_TICKS and not any(isinstance(level, (bool, str)) for level in levels):
        figure.update_xaxes(tickvals=levels, ticktext=[f"{level:.4g}" for level in levels])
    return figure


def _place(value: Any) -> float | str:
    """Where a parameter's value stands on an axis: numbers on a scale, everything else by name."""
    return str(value) if isinstance(value, (bool, str)) else value
