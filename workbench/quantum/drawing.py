"""Where each gate stands in a drawing of a circuit: in text here, in plotly in ``workbench.figures.circuits``."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate
from workbench.quantum.operations import Conditional, Measurement, Operation


@dataclass(frozen=True)
class Placed:
    """An operation, its column, and what is written on each of its qubits; "●" is a control."""

    operation: Operation
    column: int
    labels: dict[int, str]


def placed(circuit: Circuit) -> list[Placed]:
    """Every operation as far left as it goes without crossing another one."""
    free = [0] * circuit.n_qubits
    ready: dict[str, int] = {}
    found = []
    for operation in circuit:
        low, high = min(operation.qubits), max(operation.qubits)
        column = max(free[low : high + 1])
        if isinstance(operation, Conditional):
            column = max(column, ready[operation.name])
        free[low : high + 1] = [column + 1] * (high - low + 1)
        if isinstance(operation, Measurement):
            ready[operation.name] = column + 1
        found.append(Placed(operation, column, labels(operation)))
    return found


def labels(operation: Operation) -> dict[int, str]:
    """What is written on each qubit of an operation."""
    if isinstance(operation, Measurement):
        return {operation.qubit: f"M {operation.name}"}
    if isinstance(operation, Conditional):
        inner = labels(operation.gate)
        return {
            qubit: text if text == "●" else f"{text} if {operation.name}={operation.value}"
            for qubit, text in inner.items()
        }
    if not isinstance(operation, Gate):
        return {operation.qubit: f"{operation.name} {operation.probability:.3g}"}
    found = dict.fromkeys(operation.controls, "●")
    if operation.name == "SWAP":
        return found | dict.fromkeys(operation.targets, "x")
    if operation.name == "X" and operation.controls:
        return found | {operation.targets[0]: "⊕"}
    written = ", ".join(str(a) if isinstance(a, Angle) else f"{a:.3g}" for a in operation.angles)
    title = f"{operation.name}({written})" if written else operation.name
    return found | dict.fromkeys(operation.targets, title)


def as_text(circuit: Circuit) -> str:
    """The circuit as lines of text, one for each qubit and one between two."""
    items = placed(circuit)
    n = circuit.n_qubits
    columns = 1 + max((item.column for item in items), default=-1)
    wires = [[""] * columns for _ in range(n)]
    links = [[False] * columns for _ in range(n)]
    for item in items:
        low, high = min(item.labels), max(item.labels)
        for qubit in range(low, high + 1):
            wires[qubit][item.column] = item.labels.get(qubit, "│" if low < qubit < high else "")
            links[qubit][item.column] = qubit < high
    widths = [max(1, *(len(wires[q][c]) for q in range(n))) for c in range(columns)]
    head = len(f"q{n - 1}: ")
    lines = []
    for qubit in range(n):
        wire = "".join(
            f"─{text.center(width, '─')}─" for text, width in zip(wires[qubit], widths, strict=True)
        )
        lines.append(f"q{qubit}:".ljust(head) + wire)
        link = "".join(
            f" {'│'.center(width) if linked else ' ' * width} "
            for linked, width in zip(links[qubit], widths, strict=True)
        )
        lines.append((" " * head + link).rstrip())
    return "\n".join(lines[:-1])
