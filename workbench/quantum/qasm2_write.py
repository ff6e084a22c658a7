"""OpenQASM 2 written. It has no place for a circuit's parameters, which are bound before.

Source: Cross et al., Open Quantum Assembly Language, 2017, arXiv:1707.03429.
"""

from __future__ import annotations

from workbench.errors import CircuitError
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate
from workbench.quantum.operations import Conditional, Measurement, Operation
from workbench.quantum.qasm_gates import KNOWN


def write(circuit: Circuit) -> str:
    """The circuit as an OpenQASM 2 program.

    Raises:
        CircuitError: parameters without values, or a gate that OpenQASM has no name for.
    """
    if circuit.parameter_names:
        raise CircuitError(
            "OpenQASM 2 has no parameters",
            found=f"{circuit.n_parameters} without values, {circuit.parameter_names[0]!r} the first",
            where="to_qasm",
            fix="write to_qasm(circuit, version=3), or give them numbers: to_qasm(circuit.bind({...}))",
        )
    names = [op.name for op in circuit if isinstance(op, Measurement)]
    bits = {name: f"m{k}" for k, name in enumerate(dict.fromkeys(names))}
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{circuit.n_qubits}];"]
    lines += [f"creg {bit}[1];" for bit in bits.values()]
    for position, operation in enumerate(circuit):
        if isinstance(operation, Measurement):
            lines.append(f"measure q[{operation.qubit}] -> {bits[operation.name]}[0];")
        elif isinstance(operation, Conditional):
            lines.append(
                f"if({bits[operation.name]}=={operation.value}) {_written(operation.gate, position)}"
            )
        else:
            lines.append(_written(operation, position))
    return "\n".join(lines) + "\n"


def _written(gate: Operation, position: int) -> str:
    name = "c" * len(gate.controls) + {"Phase": "p"}.get(getattr(gate, "name", ""), gate.name.lower())
    name = {"cp": "cu1", "p": "u1"}.get(name, name)
    if not isinstance(gate, Gate) or name not in KNOWN or gate.entries is not None:
        raise CircuitError(
            f"OpenQASM 2 has no name for {gate}",
            where=f"gate {position}",
            fix="write it with gates of qelib1.inc: rotations, cx, ccx, swap, cu3, …",
        )
    angles = f"({','.join(repr(a) for a in gate.angles)})" if gate.angles else ""
    return f"{name}{angles} {','.join(f'q[{q}]' for q in gate.qubits)};"
