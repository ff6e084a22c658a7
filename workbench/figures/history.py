"""What a training went through: its loss and learning rate over the iterations."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import FAINT, INK, SERIES

MOST_POINTS = 1500


def loss_figure(
    history: Any, *, name: str = "loss", unit: str = "", title: str = "Training", smoothing: int = 50
) -> go.Figure:
    """One column of a training's history, raw and as a running median, on a logarithmic scale.

    Args:
        history: with ``column(name)``, as ``Training.history``.
        name: the column to draw: "loss" or a metric's name.
        unit: of the column.
        title: of the figure.
        smoothing: iterations in the running median.
    """
    iterations, values = history.column("iteration"), history.column(name)
    kept = np.isfinite(values) & (values > 0)
    iterations, values = iterations[kept], values[kept]
    label = f"{name.replace('_', ' ')} ({unit})" if unit else name.replace("_", " ")
    figure = blank_figure(
        title, x="iteration", y=label, alt=_words(iterations, values, label), log_y=bool(len(values))
    )
    thin = slice(None, None, max(1, -(-len(values) // MOST_POINTS)))
    figure.add_scatter(
        x=iterations[thin],
        y=values[thin],
        mode="lines",
        name="each iteration",
        line={"color": FAINT, "width": 1},
    )
    smooth = running_median(values, smoothing)
    figure.add_scatter(
        x=iterations[thin],
        y=smooth[thin],
        mode="lines",
        name=f"median of {smoothing}",
        line={"color": SERIES[0], "width": 2.5},
    )
    for change in getattr(history, "changes", ()):
        value = f"{change.value:.3g}" if isinstance(change.value, float) else str(change.value)
        figure.add_vline(
            x=change.iteration,
            line={"color": INK, "dash": "dot", "width": 1},
            annotation_text=f"{change.name.replace('_', ' ')} {value}",
        )
    return figure


def running_median(values: np.ndarray, window: int) -> np.ndarray:
    """The median of each value and up to ``window`` − 1 values before it. Shape as ``values``."""
    if not len(values):
        return np.empty(0)
    padded = np.concatenate([np.full(window - 1, np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)
    return np.nanmedian(windows, axis=1)


def _words(iterations: np.ndarray, values: np.ndarray, label: str) -> str:
    if not len(values):
        return f"No {label} recorded yet."
    tail = max(1, len(values) // 20)
    return (
        f"{label.capitalize()} over {int(iterations[-1])} iterations on a logarithmic scale: "
        f"{np.median(values[:tail]):.3g} in the first twentieth of them, {np.median(values[-tail:]):.3g} in the last."
    )
