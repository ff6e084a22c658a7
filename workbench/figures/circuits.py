"""Pictures of quantum circuits."""

from __future__ import annotations

import re

import plotly.graph_objects as go

from workbench.figures.layout import blank_figure
from workbench.figures.palette import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION
from workbench.quantum import Circuit, Gate
from workbench.quantum.drawing import Placed, placed
from workbench.quantum.operations import Channel, Measurement

_HEIGHT = 56


def circuit_figure(circuit: Circuit, title: str | None = None) -> go.Figure:
    """A circuit as wires from left to right, with its gates as boxes.

    Rotations are blue, other gates green, noise orange, measurements purple. A filled dot is a control, ⊕ the X that
    it controls.

    Args:
        circuit: up to some hundred gates can be read.
        title: made from the circuit if not given.
    """
    items = placed(circuit)
    columns = 1 + max((item.column for item in items), default=0)
    text = f"{circuit.n_qubits} qubits, {len(circuit)} gates, {circuit.n_parameters} parameters"
    figure = blank_figure(
        title or text, x="", y="", alt=f"A circuit of {text}.", height=72 + _HEIGHT * circuit.n_qubits
    )
    for qubit in range(circuit.n_qubits):
        figure.add_shape(
            type="line",
            x0=-0.5,
            x1=columns - 0.5,
            y0=qubit,
            y1=qubit,
            line={"color": INK, "width": 1},
            layer="below",
        )
    for item in items:
        _add(figure, item)
    width = max(360, 100 + _column_width(items) * columns)
    figure.update_layout(width=width, margin={"b": 16}, showlegend=False)
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "showline": False}
    figure.update_xaxes(**axis, showticklabels=False, range=[-0.6, columns - 0.4])
    names = [f"q{q}" for q in range(circuit.n_qubits)]
    figure.update_yaxes(
        **axis,
        tickvals=list(range(circuit.n_qubits)),
        ticktext=names,
        range=[circuit.n_qubits - 0.4, -0.6],
    )
    return figure


def _add(figure: go.Figure, item: Placed) -> None:
    color, x = _color(item), item.column
    qubits = sorted(item.labels)
    if len(qubits) > 1:
        figure.add_shape(
            type="line",
            x0=x,
            x1=x,
            y0=qubits[0],
            y1=qubits[-1],
            line={"color": color, "width": 2},
            layer="below",
        )
    for qubit, label in item.labels.items():
        hover = f"{item.operation}<extra></extra>"
        if label in ("●", "⊕", "x"):
            symbol = {"●": "circle", "⊕": "circle-cross-open", "x": "x-thin-open"}[label]
            size = 10 if label == "●" else 18
            marker = {"symbol": symbol, "size": size, "color": color, "line": {"width": 2, "color": color}}
            figure.add_scatter(x=[x], y=[qubit], mode="markers", marker=marker, hovertemplate=hover)
            continue
        figure.add_shape(
            type="rect",
            x0=x - 0.42,
            x1=x + 0.42,
            y0=qubit - 0.32,
            y1=qubit + 0.32,
            fillcolor=color,
            line={"width": 0},
            layer="below",
        )
        figure.add_scatter(
            x=[x],
            y=[qubit],
            mode="text",
            text=[_two_lines(label)],
            textfont={"color": "white", "size": 11},
            hovertemplate=hover,
        )


def _color(item: Placed) -> str:
    operation = item.operation
    if isinstance(operation, Measurement):
        return PURPLE
    if isinstance(operation, Channel):
        return ORANGE
    if not isinstance(operation, Gate):
        return VERMILION
    return BLUE if operation.angles else GREEN


def _column_width(items: list[Placed]) -> int:
    """What the longest line in a box needs, in pixels."""
    lines = [
        line for item in items for label in item.labels.values() for line in _two_lines(label).split("<br>")
    ]
    return max(40, 8 + 7 * max(map(len, lines), default=0))


def _two_lines(label: str) -> str:
    """A gate's name over its angle or condition, cut to what fits into a box."""
    parts = re.split(r"[ (]", label.removesuffix(")"), maxsplit=1)
    return "<br>".join(map(_cut, parts))


def _cut(text: str) -> str:
    return text if len(text) <= 9 else text[:8] + "…"
