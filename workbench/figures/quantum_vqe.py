"""Figures of the quantum showcase: energies, states, depths, plateaus, natural gradient, noise and shots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, DASHES, GREEN, INK, ORANGE, SERIES, VERMILION

LEAST = 1e-16
"""Gaps are drawn down to here: rounding errors lie below."""

PALE_BLUE = "rgba(0, 114, 178, 0.18)"


def energy_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """The energies of all starts over the iterations, with the ring's lowest levels.

    Args:
        arrays: kept_iterations (rows,), energies (rows, starts) and levels, as ``evaluate`` returns them.
    """
    at, energies, levels = arrays["kept_iterations"], arrays["energies"], arrays["levels"]
    n = energies.shape[1]
    figure = blank_figure(
        "Energies while the angles are learnt",
        x="iteration",
        y="energy",
        alt=f"The median energy of {n} starts falls from {np.median(energies[0]):.2f} to "
        f"{np.median(energies[-1]):.3f}; the ground state has {levels[0]:.3f}. The worst start ends at "
        f"{energies[-1].max():.3f}.",
    )
    low, high = np.quantile(energies, (0.05, 0.95), axis=1)
    figure.add_scatter(
        x=[*at, *at[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=PALE_BLUE,
        line={"width": 0},
        name="90 % of the starts",
        hoverinfo="skip",
    )
    for name, row, color, dash in (
        ("median", np.median(energies, axis=1), BLUE, "solid"),
        ("best", energies.min(1), GREEN, "dash"),
        ("worst", energies.max(1), VERMILION, "dot"),
    ):
        figure.add_scatter(
            x=at, y=row, mode="lines", name=name, line={"color": color, "width": 2.5, "dash": dash}
        )
    _mark_levels(figure, levels)
    return figure


def gap_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """How far above the ground energy the starts have ended, the nearest first.

    Args:
        arrays: gaps. Shape (starts,).
    """
    gaps = np.maximum(np.sort(arrays["gaps"]), LEAST)
    near = (gaps < 1e-3).mean()
    figure = blank_figure(
        "How near the starts have come",
        x="share of the starts",
        y="energy above the ground state",
        log_y=True,
        height=360,
        alt=f"{near:.0%} of the starts end within 0.001 of the ground energy; the worst is {gaps[-1]:.2g} above it.",
    )
    figure.add_scatter(
        x=np.arange(1, len(gaps) + 1) / len(gaps),
        y=gaps,
        mode="lines+markers",
        line={"color": BLUE, "shape": "hv"},
        marker={"size": 5},
        showlegend=False,
    )
    for limit in (1e-3, 1e-6):
        figure.add_hline(y=limit, line={"color": INK, "dash": "dot", "width": 1})
    figure.update_xaxes(tickformat=".0%", range=[0, 1.02])
    _decades(figure, gaps)
    return figure


def state_figure(arrays: Mapping[str, np.ndarray], shown: int = 64) -> go.Figure:
    """Probabilities of the basis states: in the best start and in the ground state.

    Args:
        arrays: probabilities and ground_probabilities. Shapes (2**sites,).
        shown: so many basis states, the likeliest.
    """
    found, aim = arrays["probabilities"], arrays["ground_probabilities"]
    n = len(found).bit_length() - 1
    kept = np.sort(np.argsort(-aim, kind="stable")[:shown])
    names = [f"|{k:0{n}b}⟩" for k in kept]
    figure = blank_figure(
        "The state that was learnt",
        x="basis state",
        y="probability",
        height=360,
        alt=f"Probabilities of {len(kept)} basis states; the learnt ones differ from those of the ground state by at "
        f"most {np.abs(found - aim).max():.2g}.",
    )
    figure.add_bar(x=names, y=found[kept], name="best start", marker={"color": BLUE})
    figure.add_scatter(
        x=names,
        y=aim[kept],
        mode="markers",
        name="ground state",
        marker={"symbol": "diamond-open", "size": 10, "color": VERMILION, "line": {"width": 2}},
    )
    figure.update_xaxes(type="category", tickangle=-90)
    return figure


def correlation_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """⟨S·S⟩ over the distance of two spins, learnt and exact.

    Args:
        arrays: distances, found_correlations and exact_correlations. Shapes (n,).
    """
    distances, found, aim = (arrays[k] for k in ("distances", "found_correlations", "exact_correlations"))
    figure = blank_figure(
        "Spin correlations",
        x="distance on the ring",
        y="⟨S·S⟩",
        height=320,
        alt="Correlations by distance: "
        + ", ".join(f"{v:+.2f} at {d}" for d, v in zip(distances, found, strict=True)),
    )
    figure.add_scatter(
        x=distances,
        y=found,
        mode="lines+markers",
        name="best start",
        line={"color": BLUE},
        marker={"size": 8},
    )
    figure.add_scatter(
        x=distances,
        y=aim,
        mode="markers",
        name="ground state",
        marker={"symbol": "diamond-open", "size": 13, "color": VERMILION, "line": {"width": 2}},
    )
    figure.update_xaxes(dtick=1)
    return figure


def depth_figure(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Where the starts of each circuit end.

    Args:
        rows: as ``depth_study`` returns them.
    """
    names = [
        f"{row['ansatz']}<br>{row['sites']} sites, {row['layers']} layer{'s' if row['layers'] > 1 else ''}"
        for row in rows
    ]
    reached = [
        name.replace("<br>", ", ") for name, row in zip(names, rows, strict=True) if row["gaps"].max() < 1e-6
    ]
    figure = blank_figure(
        "Which circuits reach the ground state",
        x="circuit",
        y="energy above the ground state",
        log_y=True,
        height=480,
        alt="A point for each start. Every start reaches the ground state with: "
        + ("; ".join(reached) or "none"),
    )
    for name, row in zip(names, rows, strict=True):
        gaps = np.maximum(row["gaps"], LEAST)
        published = row["ansatz"] == "published"
        figure.add_scatter(
            x=[name] * len(gaps),
            y=gaps,
            mode="markers",
            marker={
                "color": VERMILION if published else BLUE,
                "symbol": "x-thin" if published else "circle-open",
                "size": 9,
                "line": {"width": 2, "color": VERMILION if published else BLUE},
            },
            hovertemplate=f"{row['angles']} angles, rank {row['rank']}<br>%{{y:.2g}} above<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(type="category", tickangle=-90)
    _decades(figure, np.concatenate([np.maximum(row["gaps"], LEAST) for row in rows]))
    return figure


def plateau_figure(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """How large derivatives are at random angles, against the number of sites.

    Args:
        rows: as ``plateau_study`` returns them.
    """
    words = [f"{row['name']}: a factor of {10 ** -row['decades']:.1f} for each site" for row in rows]
    figure = blank_figure(
        "How large the gradient is at random angles",
        x="sites",
        y="mean square of a derivative",
        log_y=True,
        alt="The squared derivatives shrink with the number of sites. " + "; ".join(words) + ".",
    )
    symbols = ("circle", "square", "diamond")
    for row, color, dash, symbol in zip(rows, SERIES, DASHES, symbols, strict=False):
        figure.add_scatter(
            x=row["sites"],
            y=row["variances"],
            mode="lines+markers",
            name=row["name"],
            line={"color": color, "dash": dash, "width": 2.5},
            marker={"symbol": symbol, "size": 8},
        )
    figure.update_xaxes(dtick=2)
    figure.update_yaxes(exponentformat="power")
    return figure


def natural_figure(gaps: Mapping[str, np.ndarray]) -> go.Figure:
    """Gaps to the ground energy over the iterations: each start thin, the median thick.

    Args:
        gaps: by method. Shapes (iterations + 1, starts).
    """
    words = [f"{name} {max(np.median(rows[-1]), LEAST):.1g}" for name, rows in gaps.items()]
    figure = blank_figure(
        "Natural gradient and Adam, from the same starts",
        x="iteration",
        y="energy above the ground state",
        log_y=True,
        alt=f"Median gap after {len(next(iter(gaps.values()))) - 1} iterations: {', '.join(words)}.",
    )
    for (name, rows), color, dash in zip(gaps.items(), (BLUE, VERMILION), ("solid", "dash"), strict=True):
        shown = np.maximum(rows, LEAST)
        for start in shown.T:
            figure.add_scatter(
                y=start,
                mode="lines",
                line={"color": color, "width": 1},
                opacity=0.3,
                showlegend=False,
                hoverinfo="skip",
            )
        figure.add_scatter(
            y=np.median(shown, axis=1),
            mode="lines",
            name=name,
            line={"color": color, "width": 3, "dash": dash},
        )
    _decades(figure, np.concatenate([np.maximum(rows, LEAST).ravel() for rows in gaps.values()]))
    return figure


def noise_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """The best start's energy with noise after each gate.

    Args:
        arrays: noises and noisy_energies (n,), levels.
    """
    noises, energies, levels = arrays["noises"], arrays["noisy_energies"], arrays["levels"]
    lost = noises[energies > levels[1]][:1] if len(levels) > 1 else []
    ending = f" Beyond {lost[0]:g} it lies above the next level." if len(lost) else ""
    figure = blank_figure(
        "The same angles on a noisy device",
        x="chance of an error, for each qubit a gate touches",
        y="energy",
        height=360,
        alt=f"Without noise the energy is {energies[0]:.3f}, with noise {noises[-1]:g} {energies[-1]:.3f}.{ending}",
    )
    figure.add_scatter(
        x=noises,
        y=energies,
        mode="lines+markers",
        name="energy",
        line={"color": BLUE, "width": 2.5},
        showlegend=False,
    )
    _mark_levels(figure, levels)
    return figure


def shot_figure(arrays: Mapping[str, np.ndarray]) -> go.Figure:
    """How far measured energies scatter, against the number of shots.

    Args:
        arrays: shots, scatter and predicted_scatter. Shapes (n,).
    """
    shots, scatter, predicted = (arrays[name] for name in ("shots", "scatter", "predicted_scatter"))
    figure = blank_figure(
        "The scatter of measured energies",
        x="shots for each setting",
        y="standard deviation",
        log_y=True,
        height=340,
        alt=f"The scatter falls from {scatter[0]:.2g} at {shots[0]} shots to {scatter[-1]:.2g} at {shots[-1]}, as one "
        "over the square root of the shots.",
    )
    figure.add_scatter(
        x=shots, y=predicted, mode="lines", name="∝ 1/√shots", line={"color": ORANGE, "width": 5}
    )
    figure.add_scatter(
        x=shots,
        y=scatter,
        mode="markers",
        name="measured",
        marker={"color": BLUE, "size": 10, "symbol": "circle"},
    )
    figure.update_xaxes(type="log", dtick=1)
    return figure


def summary_figures(result: Mapping[str, Any], history: Any) -> dict[str, go.Figure]:
    """The figures of a finished run.

    Args:
        result: as the showcase's ``evaluate`` returned it.
        history: of the training; the energies of all starts, which ``result`` holds, say more.
    """
    arrays = result["arrays"]
    figures = {
        "energies": energy_figure(arrays),
        "gaps": gap_figure(arrays),
        "state": state_figure(arrays),
        "correlations": correlation_figure(arrays),
        "shots": shot_figure(arrays),
    }
    if len(arrays["noises"]) > 1:
        figures["noise"] = noise_figure(arrays)
    return figures


def _mark_levels(figure: go.Figure, levels: np.ndarray) -> None:
    """The two lowest levels of the ring as lines across the figure."""
    for name, level in zip(("ground state", "next level"), levels[:2], strict=False):
        figure.add_hline(
            y=level,
            line={"color": INK, "dash": "dot", "width": 1},
            annotation_text=name,
            annotation_position="bottom right",
        )


def _decades(figure: go.Figure, values: np.ndarray) -> None:
    """Ticks not closer than can be read, over the decades of positive values."""
    low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    figure.update_yaxes(dtick=max(1, int(np.ceil((high - low) / 8))), exponentformat="power")
