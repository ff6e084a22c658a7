"""Figures of the trebuchet: the machine and its throw, how far it reaches, and how well the network aims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.history import loss_figure
from workbench.figures.layout import blank_figure
from workbench.figures.palette import (
    BLUE,
    DASHES,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SEQUENTIAL,
    SERIES,
    SHADE,
    VERMILION,
)
from workbench.showcases.trebuchet.aiming import Reach
from workbench.showcases.trebuchet.trajectory import Simulation, pose

PHASES = {
    "ground": ("sliding on the ground", ORANGE),
    "sling": ("swinging in the sling", VERMILION),
    "flight": ("in flight", BLUE),
}


def machine_figure(simulation: Simulation, poses: int = 7) -> go.Figure:
    """The machine at the start, at lift-off and at the release, with its motion between as faint poses."""
    ground, sling, _ = simulation.phases
    states = [*ground.states[:-1], *sling.states]
    result = simulation.throw
    figure = blank_figure(
        "The machine from start to release",
        x="distance from the pivot (m)",
        y="height (m)",
        equal=True,
        height=460,
        alt=f"The arm turns over its pivot and whips the sling round. The projectile leaves the ground after "
        f"{result.lift_off_time:.2f} s and the sling lets go after {result.release_time:.2f} s.",
    )
    for i in np.linspace(0, len(states) - 1, poses + 2).astype(int)[1:-1]:
        _add_machine(figure, pose(states[i], simulation.machine), color=FAINT, width=2)
    named = (
        ("start", states[0], GREEN),
        ("lift-off", sling.states[0], ORANGE),
        ("release", states[-1], BLUE),
    )
    for name, state, color in named:
        _add_machine(figure, pose(state, simulation.machine), color=color, width=4, name=name)
    for phase in (ground, sling):
        _add_path(figure, phase, width=1.5)
    figure.add_hline(y=0.0, line={"color": INK, "width": 1})
    return figure


def flight_figure(simulation: Simulation, target: float | None = None) -> go.Figure:
    """The projectile's whole path, phase by phase, over the machine at the release; and the target."""
    result = simulation.throw
    height = max(y for _, y in simulation.path)
    words = f"The projectile rises to {height:.1f} m and lands {result.distance:.1f} m from the pivot"
    if target is not None:
        words += f", {abs(result.distance - target):.1f} m from the target at {target:.0f} m"
    figure = blank_figure(
        f"A throw of {result.distance:.1f} m",
        x="distance from the pivot (m)",
        y="height (m)",
        equal=True,
        height=360,
        alt=words + ".",
    )
    _add_machine(figure, pose(result.release, simulation.machine), color=INK, width=2)
    for phase in simulation.phases:
        _add_path(figure, phase, width=2.5)
    if target is not None:
        marker = {"symbol": "x", "size": 12, "color": PURPLE}
        figure.add_scatter(x=[target], y=[0.0], mode="markers", marker=marker, name="target")
    figure.add_hline(y=0.0, line={"color": INK, "width": 1})
    return figure


def slope_figure(
    angles: Sequence[float], distances: Sequence[float], slopes: Mapping[float, tuple[float, float]]
) -> go.Figure:
    """The distance over the release angle, with tangents from the engine's gradient.

    Args:
        angles: release angles, in degrees.
        distances: in m.
        slopes: angle in degrees → (distance in m, derivative in m per degree).
    """
    best = int(np.argmax(distances))
    figure = blank_figure(
        "The distance and its derivative",
        x="release angle (°)",
        y="distance (m)",
        height=360,
        alt=f"The distance is greatest, {distances[best]:.1f} m, at {angles[best]:.0f}°. Straight lines with the "
        f"slopes that the engine computed touch the curve at {', '.join(f'{a:g}°' for a in slopes)}.",
    )
    figure.add_scatter(
        x=list(angles), y=list(distances), mode="lines", name="simulated", line={"color": BLUE, "width": 2.5}
    )
    for i, (angle, (distance, slope)) in enumerate(slopes.items()):
        reach = np.array([-9.0, 9.0])
        figure.add_scatter(
            x=angle + reach,
            y=distance + slope * reach,
            mode="lines",
            name=f"{slope:+.2f} m/° at {angle:g}°",
            line={"color": SERIES[1 + i % 5], "width": 2, "dash": DASHES[1 + i % 5]},
        )
    return figure


def range_figure(
    angles: np.ndarray, weights: np.ndarray, distances: np.ndarray, target: float | None = None
) -> go.Figure:
    """How far each setting throws, and the settings that hit the target.

    Args:
        angles: in degrees. Shape (n,).
        weights: in lb. Shape (m,).
        distances: in m. Shape (m, n).
        target: distance in m to draw as a line.
    """
    figure = blank_figure(
        "How far each setting throws",
        x="release angle (°)",
        y="counterweight (lb)",
        alt=f"Distances from {distances.min():.0f} to {distances.max():.0f} m over angle and counterweight. "
        "A whole line of settings hits any one target.",
    )
    figure.add_contour(
        x=angles,
        y=weights,
        z=distances,
        colorscale=SEQUENTIAL,
        contours={"start": 0, "end": 100, "size": 10, "showlabels": True},
        colorbar={"title": {"text": "distance (m)"}},
        line={"width": 0.5},
        name="distance",
    )
    if target is not None:
        figure.add_contour(
            x=angles,
            y=weights,
            z=distances,
            contours={"type": "constraint", "operation": "=", "value": target},
            line={"width": 3, "color": VERMILION},
            name=f"hits the target at {target:g} m",
            showlegend=True,
        )
    return figure


def miss_figure(misses: np.ndarray) -> go.Figure:
    """The share of targets that the network hits to within each distance.

    Args:
        misses: over the targets within reach, in m. Shape (trials,).
    """
    ordered = np.sort(np.abs(misses))
    share = np.arange(1, len(ordered) + 1) / len(ordered)
    median, tail = np.median(ordered), np.quantile(ordered, 0.95)
    figure = blank_figure(
        "How near the network's throws land",
        x="miss (m)",
        y="share of the targets within reach",
        height=360,
        alt=f"Half of the throws land within {median:.2f} m of the target, 95 % within {tail:.2f} m.",
    )
    positive = np.maximum(ordered, 1e-3)
    figure.add_scatter(x=positive, y=share, mode="lines", name="throws", line={"color": BLUE, "width": 2.5})
    for name, value, level, symbol, place in (
        ("median", median, 0.5, "circle", "bottom right"),
        ("95th percentile", tail, 0.95, "diamond", "top left"),
    ):
        figure.add_scatter(
            x=[max(value, 1e-3)],
            y=[level],
            mode="markers+text",
            text=[f"{name} {value:.2f} m"],
            textposition=place,
            marker={"size": 10, "color": VERMILION, "symbol": symbol},
            showlegend=False,
        )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.09])
    return figure


def aim_figure(winds: np.ndarray, targets: np.ndarray, misses: np.ndarray, reach: Reach) -> go.Figure:
    """Each trial's miss over wind and target, with what lies out of reach shaded.

    Args:
        winds: in m/s; targets, misses: in m. Shapes (trials,).
        reach: of the machine.
    """
    out = ~reach.covers(winds, targets)
    figure = blank_figure(
        "Where the network misses",
        x="wind along the throw (m/s)",
        y="target (m)",
        alt=f"{len(winds)} winds and targets, coloured by the miss; {out.mean():.0%} of them lie out of the "
        "machine's reach, far targets against the wind.",
    )
    figure.add_scatter(
        x=[*reach.winds, reach.winds[-1], reach.winds[0]],
        y=[*reach.farthest, 200.0, 200.0],
        fill="toself",
        fillcolor=SHADE,
        line={"color": INK, "width": 1, "dash": "dot"},
        name="out of reach",
        hoverinfo="skip",
    )
    near = ~out
    figure.add_scatter(
        x=winds[near],
        y=targets[near],
        mode="markers",
        name="within reach",
        marker={
            "size": 5,
            "color": np.log10(np.maximum(np.abs(misses[near]), 1e-3)),
            "colorscale": SEQUENTIAL,
            "cmin": -3,
            "cmax": 1,
            "colorbar": {
                "title": {"text": "miss (m)"},
                "tickvals": [-3, -2, -1, 0, 1],
                "ticktext": ["0.001", "0.01", "0.1", "1", "10"],
            },
        },
        customdata=np.abs(misses[near]),
        hovertemplate="wind %{x:.1f} m/s<br>target %{y:.1f} m<br>miss %{customdata:.2f} m<extra></extra>",
    )
    margin = 3.0
    figure.update_xaxes(range=[winds.min() - 1, winds.max() + 1])
    figure.update_yaxes(range=[targets.min() - margin, targets.max() + margin])
    return figure


def summary_figures(result: Mapping[str, Any], history: Any) -> dict[str, go.Figure]:
    """The figures of a finished run.

    Args:
        result: as the showcase's ``evaluate`` returned it.
        history: of the training.
    """
    arrays = result["arrays"]
    reach = Reach(arrays["reach_winds"], arrays["reach_nearest"], arrays["reach_farthest"])
    within = np.asarray(arrays["reachable"], bool)
    return {
        "training": loss_figure(history, name="rms_miss", unit="m", title="Misses of the throws trained on"),
        "misses": miss_figure(arrays["misses"][within]),
        "aims": aim_figure(arrays["winds"], arrays["targets"], arrays["misses"], reach),
    }


def _add_machine(
    figure: go.Figure, joints: Any, *, color: str, width: float, name: str | None = None
) -> None:
    """Arm, hanger and sling as one line, the counterweight and the projectile as markers."""
    points = [joints.weight, joints.short_end, joints.pivot, joints.tip, joints.projectile]
    figure.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines+markers",
        line={"color": color, "width": width},
        marker={
            "symbol": ["square", "circle", "triangle-up", "circle", "circle"],
            "size": [4 * width, 1.5 * width, 2.5 * width, 1.5 * width, 2.5 * width],
            "color": color,
        },
        name=name or "",
        showlegend=name is not None,
        hoverinfo="skip",
    )


def _add_path(figure: go.Figure, phase: Any, *, width: float) -> None:
    name, color = PHASES[phase.name]
    figure.add_scatter(
        x=[x for x, _ in phase.path],
        y=[y for _, y in phase.path],
        mode="lines",
        name=name,
        line={"color": color, "width": width, "dash": "solid" if phase.name == "flight" else "dot"},
        customdata=phase.times,
        hovertemplate="%{x:.1f} m, %{y:.1f} m after %{customdata:.2f} s<extra></extra>",
    )
