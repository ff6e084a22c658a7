"""Figures of the damped oscillation: how it was learnt, and the motion beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from workbench.figures.history import loss_figure
from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, VERMILION


# Yours: everything that the notebook shows of a result. `alt` tells it to those who do not see it.
def fit_figure(result: Mapping[str, Any]) -> go.Figure:
    """The measured positions, and the motion of the spring that was found."""
    arrays, distance = result["arrays"], result["metrics"]["rms_distance_in_m"]
    figure = blank_figure(
        "The motion that was found",
        x="time (s)",
        y="position (m)",
        alt=f"A damped oscillation among {len(arrays['times'])} measured positions, {distance:.3f} m from them "
        "on average (root mean square).",
    )
    figure.add_scatter(
        x=arrays["times"], y=arrays["measured"], mode="markers", name="measured", marker={"color": VERMILION}
    )
    figure.add_scatter(
        x=arrays["times"], y=arrays["simulated"], mode="lines", name="simulated", line={"color": BLUE}
    )
    return figure


def summary_figures(result: Mapping[str, Any], history: Any) -> dict[str, go.Figure]:
    """Every figure of a finished run, by name."""
    return {"training": loss_figure(history, unit="m²", smoothing=10), "fit": fit_figure(result)}
