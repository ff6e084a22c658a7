"""OpenQASM 2, read and written."""

import numpy as np
import pytest

from workbench.errors import CircuitError, QasmError
from workbench.quantum import (
    CNOT,
    RX,
    RZZ,
    SWAP,
    U3,
    Angle,
    Circuit,
    H,
    Measure,
    Phase,
    S,
    Unitary,
    When,
    X,
    from_qasm,
    sample,
    statevector,
    to_qasm,
)

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\n'


def test_written_and_read_again():
    gates = [H(0), RX(0.3, 1), CNOT(1, 0), U3(0.1, 0.2, 0.3, 2).controlled(0), SWAP(0, 2), S(1).dagger()]
    gates += [RZZ(-0.7, 0, 2), Phase(1e-3, 1).controlled(2), X(0).controlled(1, 2), RX(0.1, 0).controlled(1)]
    circuit = Circuit(3, gates)
    assert from_qasm(to_qasm(circuit)) == circuit


def test_definitions_registers_and_arithmetic():
    text = HEAD + (
        "qreg r[3]; // three more\n"
        "gate twist(a, b) x, y { rx(a/2) x; cx x, y; u1(-b + sin(pi/6)^2) y; }\n"
        "h q;\ncx q, r;\nbarrier q[0], r;\ntwist(pi/2, 2*(1-.5)) q[1], r[2];"
    )
    circuit = from_qasm(text)
    assert circuit.n_qubits == 6
    assert circuit.gates[:6] == (H(0), H(1), H(2), CNOT(0, 3), CNOT(1, 4), CNOT(2, 5))
    assert circuit.gates[6:8] == (RX(np.pi / 4, 1), CNOT(1, 5))
    assert circuit.gates[8].angles[0] == pytest.approx(-0.75)


def test_measurements_and_conditions():
    text = HEAD.replace("c[3]", "c[1]") + "x q[0]; measure q[0] -> c[0]; if (c == 1) x q[2];"
    circuit = from_qasm(text)
    assert sample(circuit, shots=3, rng=np.random.default_rng(0)).bits.tolist() == [[1, 0, 1]] * 3
    assert len(from_qasm(HEAD + "measure q -> c;")) == 3
    again = from_qasm(to_qasm(Circuit(2, [H(0), Measure(0, "a"), When("a", X(1))])))
    assert [str(g) for g in again] == ["H(0)", "Measure(0, 'm0[0]')", "When('m0[0]'=1, X(1))"]


@pytest.mark.parametrize(
    ("body", "message", "line", "column"),
    [
        ("h q[3];", "out of range", 5, 5),
        ("h p[0];", "no quantum register p", 5, 3),
        ("\n  hh q[0];", "no gate hh", 6, 3),
        ("cx q[0];", "takes 0 angles and 2 qubits", 5, 1),
        ("rx(0.1 q[0];", "ends within", 5, 13),
        ("rx(1/0) q[0];", "cannot be computed", 5, 4),
        ("rx(b) q[0];", "cannot be computed", 5, 4),
        ("rx(__import__(1)) q[0];", "cannot be computed", 5, 4),
        ("h q[0]", "';' is missing", 5, 7),
        ("h q[0]; $", "a sign", 5, 9),
        ("cx q[0], q[0];", "twice", 5, 1),
        ("reset q[0];", "reset is not simulated", 5, 1),
        ("if (c == 1) x q[0];", "one bit only", 5, 1),
        ("gate loop a { loop a; }", "no gate loop", 5, 15),
        ("qreg q[2];", "declared twice", 5, 6),
        ("measure q[0] -> c;", "3 bits", 5, 9),
    ],
)
def test_malformed_programs(body, message, line, column):
    with pytest.raises(QasmError, match=message) as caught:
        from_qasm(HEAD + body)
    assert f"line {line}, column {column}" in str(caught.value)


def test_what_openqasm_cannot_say():
    with pytest.raises(QasmError, match="OpenQASM 2 and 3"):
        from_qasm("OPENQASM 4.0; qubit q;")
    with pytest.raises(CircuitError, match="no parameters"):
        to_qasm(Circuit(1, [RX(Angle("a"), 0)]))
    with pytest.raises(CircuitError, match="no name"):
        to_qasm(Circuit(1, [Unitary(np.eye(2), 0)]))
    sx = from_qasm(HEAD + "sx q[0]; sx q[0];")
    assert np.abs(statevector(sx))[0b100] == pytest.approx(1.0)
