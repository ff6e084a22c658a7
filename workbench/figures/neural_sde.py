"""Figures of the neural SDE: ensembles, fields, what each loss prefers, terms found, sunspots and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.history import loss_figure
from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, GREEN, INK, ORANGE, VERMILION

COMPONENTS = (("u₁", BLUE), ("u₂", VERMILION))
TERMS = ("u₁³ in du₁", "u₂³ in du₁", "u₁³ in du₂", "u₂³ in du₂", "u₁² in g₁²", "u₂² in g₂²")


def spiral_figure(paths: np.ndarray, shown: int = 12) -> go.Figure:
    """Some paths in the plane of the two components, and the mean of all.

    Args:
        paths: shape (times, paths, 2).
        shown: how many paths.
    """
    mean = paths.mean(1)
    figure = blank_figure(
        f"{shown} of {paths.shape[1]:,} observed paths",
        x="u₁",
        y="u₂",
        equal=True,
        height=460,
        alt=f"Paths start at (2, 0), turn round the origin and spread. Their mean ends at ({mean[-1, 0]:.2f}, "
        f"{mean[-1, 1]:.2f}), nearer to the origin than any single path need be.",
    )
    for i in range(min(shown, paths.shape[1])):
        figure.add_scatter(
            x=paths[:, i, 0],
            y=paths[:, i, 1],
            mode="lines",
            line={"color": INK, "width": 1},
            opacity=0.5,
            name="paths",
            showlegend=i == 0,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=mean[:, 0],
        y=mean[:, 1],
        mode="lines+markers",
        line={"color": BLUE, "width": 3},
        marker={"size": 6},
        name="mean of all",
    )
    figure.add_scatter(
        x=[paths[0, 0, 0]],
        y=[paths[0, 0, 1]],
        mode="markers",
        marker={"symbol": "diamond", "size": 11, "color": GREEN},
        name="start",
    )
    return figure


def noise_figure(noises: np.ndarray, losses: Mapping[str, np.ndarray], true_noise: float) -> go.Figure:
    """Each loss over the supposed noise, the drift being the true one.

    Args:
        noises: shape (n,).
        losses: by name. Shapes (n,).
        true_noise: marked.
    """
    words = [f"{name} at {noises[row.argmin()]:.2f}" for name, row in losses.items()]
    figure = blank_figure(
        "Which noise each loss prefers",
        x="supposed noise",
        y="loss, lowest 0, highest 1",
        height=360,
        alt=f"With the true drift and a supposed noise, the losses are lowest: {', '.join(words)}. "
        f"The true noise is {true_noise:g}.",
    )
    styles = ((VERMILION, "dash", "x"), (GREEN, "dot", "square"), (BLUE, "solid", "circle"))
    for (name, row), (color, dash, symbol) in zip(losses.items(), styles, strict=True):
        low, high = row.min(), row.max()
        figure.add_scatter(
            x=noises,
            y=(row - low) / (high - low),
            mode="lines+markers",
            name=name,
            line={"color": color, "width": 2.5, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            customdata=row,
            hovertemplate="noise %{x:.2f}<br>loss %{customdata:.4g}<extra></extra>",
        )
    figure.add_vline(
        x=true_noise,
        line={"color": INK, "dash": "dot"},
        annotation_text="true noise",
        annotation_position="top right",
    )
    figure.update_yaxes(range=[-0.05, 1.12])
    return figure


def ensemble_figure(arrays: Mapping[str, np.ndarray], seen_until: float = 1.0) -> go.Figure:
    """Mean and 95 % band of the model's ensemble, with the truth's as lines, on into the forecast.

    Args:
        arrays: ts and the means, lows and highs of "truth" and "model", as ``evaluate`` returns them.
        seen_until: the time of the last observation.
    """
    ts = arrays["ts"]
    off = np.abs(arrays["model_mean"] - arrays["truth_mean"]).max()
    figure = blank_figure(
        "Ensembles of the model and of the truth",
        x="time",
        y="u₁ and u₂",
        alt=f"The model's mean stays within {off:.2f} of the true one up to t = {ts[-1]:g}; its bands of 95 % and "
        "the true bands are drawn over each other.",
    )
    for i, (name, color) in enumerate(COMPONENTS):
        low, high = arrays["model_low"][:, i], arrays["model_high"][:, i]
        figure.add_scatter(
            x=[*ts, *ts[::-1]],
            y=[*high, *low[::-1]],
            fill="toself",
            fillcolor=_pale(color),
            line={"width": 0},
            name=f"{name}: model, 95 %",
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=ts,
            y=arrays["model_mean"][:, i],
            mode="lines",
            line={"color": color, "width": 2.5},
            name=f"{name}: model, mean",
        )
        figure.add_scatter(
            x=ts,
            y=arrays["truth_mean"][:, i],
            mode="markers",
            marker={"color": color, "symbol": "circle-open" if i == 0 else "square-open", "size": 7},
            name=f"{name}: truth, mean",
        )
        for part in ("low", "high"):
            figure.add_scatter(
                x=ts,
                y=arrays[f"truth_{part}"][:, i],
                mode="lines",
                line={"color": color, "width": 1.2, "dash": "dot"},
                name=f"{name}: truth, 95 %",
                showlegend=part == "low",
                hoverinfo="skip",
            )
    figure.add_vline(
        x=seen_until,
        line={"color": INK, "dash": "dash", "width": 1},
        annotation_text="forecast",
        annotation_position="bottom right",
    )
    return figure


def field_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """The learnt and the true drift as arrows at the same states.

    Args:
        arrays: states, model_drift and truth_drift. Shapes (n, 2).
    """
    states, model, truth = (arrays[name] for name in ("states", "model_drift", "truth_drift"))
    off = np.linalg.norm(model - truth, axis=1)
    visited = np.linalg.norm(states, axis=1) <= 2.0
    figure = blank_figure(
        "The drift, learnt and true",
        x="u₁",
        y="u₂",
        equal=True,
        height=560,
        alt=f"Arrows turn round the origin. Within a radius of 2 the learnt drift is off by {off[visited].mean():.2f} "
        f"on average, where the true one is up to {np.linalg.norm(truth[visited], axis=1).max():.0f}.",
    )
    for name, drift, color, width in (("true", truth, ORANGE, 5.0), ("learnt", model, BLUE, 1.8)):
        x, y = _arrows(states, drift)
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": color, "width": width}, name=name, hoverinfo="skip"
        )
    circle = np.linspace(0.0, 2.0 * np.pi, 73)
    figure.add_scatter(
        x=2.0 * np.cos(circle),
        y=2.0 * np.sin(circle),
        mode="lines",
        line={"color": INK, "dash": "dot", "width": 1},
        name="radius 2: most of the data are inside",
        hoverinfo="skip",
    )
    return figure


def diffusion_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """The size of each component's diffusion over the component, learnt and true.

    Args:
        arrays: line (n,), model_diffusion (n, 2), truth_diffusion (n,).
    """
    line, model, truth = arrays["line"], arrays["model_diffusion"], arrays["truth_diffusion"]
    off = np.abs(model - truth[:, None]).mean()
    figure = blank_figure(
        "The diffusion, learnt and true",
        x="the component itself",
        y="|diffusion|",
        height=360,
        alt=f"The true diffusion grows in proportion to the component; the learnt one is off by {off:.3f} on average.",
    )
    figure.add_scatter(
        x=line, y=truth, mode="lines", name="true", line={"color": ORANGE, "width": 6}, opacity=0.6
    )
    for i, ((name, color), dash) in enumerate(zip(COMPONENTS, ("solid", "dash"), strict=True)):
        figure.add_scatter(
            x=line,
            y=model[:, i],
            mode="lines",
            name=f"{name}, learnt",
            line={"color": color, "width": 2, "dash": dash},
        )
    figure.update_yaxes(rangemode="tozero")
    return figure


def term_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """The coefficients found, with their 95 % intervals, as shares of the true ones.

    Args:
        arrays: term_values, term_lows, term_highs and term_truths. Shapes (6,).
    """
    value, low, high, true = (arrays[f"term_{name}"] for name in ("values", "lows", "highs", "truths"))
    middle, ends = value / true, np.sort(np.stack([low / true, high / true]), axis=0)
    inside = int(((ends[0] <= 1.0) & (ends[1] >= 1.0)).sum())
    figure = blank_figure(
        "The coefficients found, as shares of the true ones",
        x="found / true",
        y="term",
        height=340,
        alt=f"Six coefficients with 95 % intervals; the farthest is {100 * np.abs(middle - 1).max():.1f} % off, and "
        f"{inside} of the intervals hold the true value.",
    )
    figure.add_scatter(
        x=middle,
        y=list(TERMS),
        mode="markers",
        marker={"size": 9, "color": BLUE},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": ends[1] - middle,
            "arrayminus": middle - ends[0],
            "thickness": 2,
            "color": BLUE,
        },
        showlegend=False,
    )
    figure.add_vline(x=1.0, line={"color": INK, "dash": "dot"}, annotation_text="true")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def sunspot_figure(bands: Mapping[str, np.ndarray], since: int = 1880) -> go.Figure:
    """Observed, hidden and forecast years with the bands of the latent SDE.

    Args:
        bands: years, counts, seen, lower, median, upper. Shapes (years,).
        since: the first year shown.
    """
    kept = bands["years"] >= since
    years, counts, seen = (bands[name][kept] for name in ("years", "counts", "seen"))
    lower, median, upper = (bands[name][kept] for name in ("lower", "median", "upper"))
    last_seen = int(years[seen].max())
    hidden = ~seen
    inside = ((lower <= counts) & (counts <= upper))[hidden].mean()
    figure = blank_figure(
        "Sunspots: a latent SDE",
        x="year",
        y="sunspot number",
        alt=f"A band of 95 % follows the cycles of eleven years and widens after {last_seen}, where the forecast "
        f"begins. {inside:.0%} of the years that were hidden from the training lie inside.",
    )
    figure.add_scatter(
        x=[*years, *years[::-1]],
        y=[*upper, *lower[::-1]],
        fill="toself",
        fillcolor=_pale(BLUE),
        line={"width": 0},
        name="95 % band",
        hoverinfo="skip",
    )
    figure.add_scatter(x=years, y=median, mode="lines", line={"color": BLUE, "width": 2}, name="median")
    for name, rows, symbol, color in (
        ("seen", seen, "circle", INK),
        ("hidden", hidden, "diamond", VERMILION),
    ):
        figure.add_scatter(
            x=years[rows],
            y=counts[rows],
            mode="markers",
            marker={"symbol": symbol, "size": 6, "color": color},
            name=name,
        )
    figure.add_vline(
        x=last_seen + 0.5,
        line={"color": INK, "dash": "dash", "width": 1},
        annotation_text="forecast",
        annotation_position="top right",
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def market_figure(learnt: np.ndarray, *, rate: float, volatility: float) -> go.Figure:
    """Rate and volatility while they are learnt from the prices of options.

    Args:
        learnt: rate and volatility a year in each iteration. Shape (iterations, 2).
        rate, volatility: the true ones.
    """
    figure = blank_figure(
        "A stock's rate and volatility, learnt from option prices",
        x="iteration",
        y="per year",
        height=360,
        alt=f"In {len(learnt)} iterations the rate comes to {learnt[-1, 0]:.3f}, truth {rate:g}, and the volatility "
        f"to {learnt[-1, 1]:.3f}, truth {volatility:g}.",
    )
    rows = (("volatility", 1, volatility, VERMILION, "dash"), ("rate", 0, rate, BLUE, "solid"))
    for name, column, true, color, dash in rows:
        figure.add_scatter(
            y=learnt[:, column], mode="lines", name=name, line={"color": color, "width": 2.5, "dash": dash}
        )
        figure.add_hline(
            y=true, line={"color": color, "dash": "dot", "width": 1}, annotation_text=f"true {name}"
        )
    figure.update_yaxes(tickformat=".0%")
    return figure


def summary_figures(result: Mapping[str, Any], history: Any) -> dict[str, go.Figure]:
    """The figures of a finished run.

    Args:
        result: as the showcase's ``evaluate`` returned it.
        history: of the training.
    """
    arrays = result["arrays"]
    losses = {
        "single paths (published)": arrays["path_losses"],
        "mean and variance": arrays["moments_losses"],
        "proper score": arrays["score_losses"],
    }
    return {
        "training": loss_figure(history, title="The loss while training"),
        "noise": noise_figure(arrays["noises"], losses, float(arrays["true_noise"])),
        "ensemble": ensemble_figure(arrays),
        "field": field_figure(arrays),
        "diffusion": diffusion_figure(arrays),
        "terms": term_figure(arrays),
    }


def _arrows(states: np.ndarray, drift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Arrows as one broken line: shafts as long as the root of the drift, with two barbs."""
    speed = np.linalg.norm(drift, axis=1, keepdims=True)
    along = drift / np.maximum(speed, 1e-12)
    tip = states + 0.1 * np.sqrt(speed) * along
    across = np.column_stack([-along[:, 1], along[:, 0]])
    size = 0.06 * np.minimum(1.0, np.sqrt(speed))
    left, right = tip + size * (-1.4 * along + 0.7 * across), tip + size * (-1.4 * along - 0.7 * across)
    gap = np.full_like(states, np.nan)
    line = np.stack([states, tip, left, tip, right, gap], axis=1).reshape(-1, 2)
    return line[:, 0], line[:, 1]


def _pale(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.2)"
