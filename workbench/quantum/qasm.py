"""OpenQASM: circuits read from text and written to it, of version 2 (``qasm2``) or 3 (``qasm3``)."""

from __future__ import annotations

import re

from workbench.errors import CircuitError
from workbench.quantum import qasm2, qasm2_write, qasm3, qasm3_write
from workbench.quantum.circuit import Circuit


def from_qasm(text: str) -> Circuit:
    """The circuit that an OpenQASM program describes, of version 2 or 3.

    Qubits are counted through the registers in the order of their declaration. Measurements keep the name of their
    classical bit, "c[0]". The ``input`` numbers of a program of version 3 are the circuit's parameters.

    Raises:
        QasmError: with line, column and caret.
        MachineError: a program of version 3, and the package ``openqasm3`` is not installed.
    """
    if re.match(r"(\s|//[^\n]*\n|/\*.*?\*/)*OPENQASM\s+3", text, re.DOTALL):
        return qasm3.read(text)
    return qasm2.read(text)


def to_qasm(circuit: Circuit, version: int = 2) -> str:
    """The circuit as an OpenQASM program.

    Args:
        circuit: gates, measurements and what depends on them.
        version: 2, or 3, which can hold the circuit's parameters.
    Raises:
        CircuitError: parameters without values in version 2, or a gate that OpenQASM has no name for.
    """
    if version not in (2, 3):
        raise CircuitError("OpenQASM is written as version 2 or 3", found=f"got {version!r}", where="version")
    if version == 3:
        return qasm3_write.write(circuit)
    return qasm2_write.write(circuit)
