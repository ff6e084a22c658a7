"""OpenQASM 3 written, with the parameters as inputs of the program.

Source: Cross et al., OpenQASM 3: a broader and deeper quantum assembly language, 2022, doi:10.1145/3505636.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.errors import CircuitError
from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate
from workbench.quantum.operations import Conditional, Measurement, Operation
from workbench.quantum.qasm3 import CONSTANTS, FUNCTIONS
from workbench.quantum.qasm3_gates import Number
from workbench.quantum.qasm_gates import KNOWN

_HEADER = """\
OPENQASM 3.0;
include "stdgates.inc";
gate rxx(a) x, y { h x; h y; cx x, y; rz(a) y; cx x, y; h x; h y; }
gate ryy(a) x, y { rx(pi/2) x; rx(pi/2) y; cx x, y; rz(a) y; cx x, y; rx(-pi/2) x; rx(-pi/2) y; }
gate rzz(a) x, y { cx x, y; rz(a) y; cx x, y; }
"""


def write(circuit: Circuit) -> str:
    """The circuit as an OpenQASM 3 program, its parameters as ``input float``.

    Names that OpenQASM would not take are changed; a comment says which is which.

    Raises:
        CircuitError: noise, or a gate without a name.
    """
    names = _identifiers(circuit.parameter_names)
    bits = _identifiers(dict.fromkeys(op.name for op in circuit if isinstance(op, Measurement)))
    lines = [_HEADER.rstrip()]
    lines += [f"input float {new};" + (f" // {old}" if new != old else "") for old, new in names.items()]
    lines += [f"qubit[{circuit.n_qubits}] q;", *(f"bit {bit};" for bit in bits.values())]
    for position, operation in enumerate(circuit):
        if isinstance(operation, Measurement):
            lines.append(f"{bits[operation.name]} = measure q[{operation.qubit}];")
        elif isinstance(operation, Conditional):
            condition = f"if ({bits[operation.name]} == {operation.value})"
            lines.append(f"{condition} {{ {_written(operation.gate, names, position)} }}")
        else:
            lines.append(_written(operation, names, position))
    return "\n".join(lines) + "\n"


def _identifiers(names: Iterable[str]) -> dict[str, str]:
    """A name that OpenQASM takes for each of these, all different."""
    found: dict[str, str] = {}
    taken = {"q", *KNOWN, *CONSTANTS, *FUNCTIONS}
    for name in names:
        new = re.sub(r"\W", "_", name, flags=re.ASCII)
        new = f"p_{new}" if not re.match(r"[A-Za-z_]", new) or new in taken else new
        while new in taken:
            new += "_"
        taken.add(new)
        found[name] = new
    return found


def _written(gate: Operation, names: dict[str, str], position: int) -> str:
    name = {"Phase": "p", "U3": "u3"}.get(getattr(gate, "name", ""), gate.name.lower())
    if not isinstance(gate, Gate) or gate.entries is not None or name not in KNOWN:
        raise CircuitError(
            f"OpenQASM has no name for {gate}",
            where=f"gate {position}",
            fix="write it with rotations, cx, ccx, swap, …",
        )
    angles = f"({', '.join(_angle(a, names) for a in gate.angles)})" if gate.angles else ""
    control = {0: "", 1: "ctrl @ "}.get(len(gate.controls), f"ctrl({len(gate.controls)}) @ ")
    wires = ", ".join(f"q[{q}]" for q in gate.qubits)
    if name == "u3" and gate.controls:  # whose phase in OpenQASM 3 is another one
        theta, phi, lam = (_angle(a, names) for a in gate.angles)
        shift = f"{control}gphase((({phi}) + ({lam})) / 2) {', '.join(f'q[{q}]' for q in gate.controls)}; "
        return f"{shift}{control}u3({theta}, {phi}, {lam}) {wires};"
    return f"{control}{name}{angles} {wires};"


def _angle(angle: Number, names: dict[str, str]) -> str:
    if not isinstance(angle, Angle):
        return repr(float(angle))
    text = names[angle.name] if angle.scale == 1.0 else f"{angle.scale!r} * {names[angle.name]}"
    return text if angle.offset == 0.0 else f"{text} + ({angle.offset!r})"
