"""OpenQASM 3, read and written."""

import sys

import numpy as np
import pytest

from workbench.errors import CircuitError, MachineError, QasmError
from workbench.quantum import (
    CNOT,
    RX,
    RXX,
    RYY,
    RZ,
    RZZ,
    SWAP,
    U3,
    Angle,
    Circuit,
    Depolarizing,
    H,
    Measure,
    Phase,
    S,
    T,
    Unitary,
    When,
    X,
    from_qasm,
    sample,
    statevector,
    to_qasm,
)

pytest.importorskip("openqasm3")

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
ENTANGLED = "qubit[2] q;\nh q;\ncx q[0], q[1];\nrx(0.3) q[1];\n"
START = [H(0), H(1), CNOT(0, 1), RX(0.3, 1)]


def same_up_to_phase(circuit, other, parameters=()):
    a, b = statevector(circuit, parameters), statevector(other, parameters)
    return abs(abs(np.vdot(a, b)) - 1.0) < 1e-12


def test_inputs_are_parameters_and_registers_are_broadcast():
    circuit = from_qasm(
        HEAD + "input angle[32] a;\ninput float b;\nqubit[2] q;\nqubit r;\nrx(a) q;\nrz(2*b - pi/2) r;"
    )
    assert circuit.parameter_names == ("a", "b")
    assert circuit.gates == (RX("a", 0), RX("a", 1), RZ(2 * Angle("b") - np.pi / 2, 2))


@pytest.mark.parametrize(
    ("text", "gates"),
    [
        ("ctrl @ rx(0.7) q[0], q[1];", [RX(0.7, 1).controlled(0)]),
        ("inv @ t q[0];", [T(0).dagger()]),
        ("pow(3) @ t q[0];", [T(0)] * 3),
        ("pow(-2) @ s q[0];", [S(0).dagger()] * 2),
        ("negctrl @ x q[1], q[0];", [X(1), CNOT(1, 0), X(1)]),
        ("ctrl @ gphase(0.4) q[1];", [Phase(0.4, 1)]),
        # U carries e^{iθ/2} beside the matrix of U3, and u3 e^{-i(φ+λ)/2}: seen once they are controlled
        ("ctrl @ U(0.5, 0.1, 0.2) q[0], q[1];", [U3(0.5, 0.1, 0.2, 1).controlled(0), Phase(0.25, 0)]),
        ("ctrl @ u3(0.5, 0.1, 0.2) q[0], q[1];", [U3(0.5, 0.1, 0.2, 1).controlled(0), Phase(-0.15, 0)]),
        ("ctrl @ inv @ U(0.5, 0, 0) q[0], q[1];", [U3(0.5, 0, 0, 1).dagger().controlled(0), Phase(-0.25, 0)]),
        ("for int i in [0:1] { rz(i * pi / 4) q[i]; }", [RZ(0, 0), RZ(np.pi / 4, 1)]),
        ("for int i in {1, 0} h q[i];", [H(1), H(0)]),
        ("const float k = sin(pi / 6) ** 2; rz(k) q[-1];", [RZ(0.25, 1)]),
        ("gate twist(a) x, y { rx(a / 2) x; ctrl @ rz(-a) x, y; } twist(1) q[1], q[0];",
         [RX(0.5, 1), RZ(-1, 0).controlled(1)]),
        ("gate turn x { gphase(0.3); h x; } ctrl @ turn q[0], q[1];", [H(1).controlled(0), Phase(0.3, 0)]),
    ],
)  # fmt: skip
def test_modifiers_loops_and_definitions_mean_what_the_language_says(text, gates):
    assert same_up_to_phase(from_qasm(HEAD + ENTANGLED + text), Circuit(2, START + gates))


def test_a_controlled_rotation_about_z_is_what_its_phases_make_of_it():
    # rz(λ) = gphase(-λ/2) U(0, 0, λ), as stdgates.inc defines it
    by_hand = "gate mine(l) x { gphase(-l / 2); U(0, 0, l) x; } ctrl @ mine(0.9) q[0], q[1];"
    assert same_up_to_phase(
        from_qasm(HEAD + ENTANGLED + by_hand), Circuit(2, [*START, RZ(0.9, 1).controlled(0)])
    )


def test_measurements_decide():
    text = HEAD + (
        "qubit[3] q; bit c; bit[2] d;\nx q[0];\nc = measure q[0];\nd[1] = measure q[1];\n"
        "if (c) { x q[1]; } else { h q[2]; }\nif (d[1] == 0) x q[2];\nif (!c) h q[0];"
    )
    assert sample(from_qasm(text), shots=5, rng=np.random.default_rng(0)).bits.tolist() == [[1, 1, 1]] * 5


def test_written_and_read_again():
    gates = [H(0), RX("a 1", 1), CNOT(1, 0), U3(0.1, "b", 0.3, 2).controlled(0), SWAP(0, 2), S(1).dagger()]
    gates += [
        RXX(0.4, 0, 1),
        RYY("q", 1, 2),
        RZZ(-0.7, 0, 2),
        Phase(1e-3, 1).controlled(2),
        X(0).controlled(1, 2),
    ]
    circuit = Circuit(3, gates)
    text = to_qasm(circuit, version=3)
    assert "input float a_1; // a 1" in text
    again = from_qasm(text)
    assert len(again.parameter_names) == 3
    values = np.array([0.3, 1.1, -0.4])
    assert same_up_to_phase(circuit, again, values)


def test_measurements_are_written():
    circuit = Circuit(2, [H(0), Measure(0, "c[0]"), When("c[0]", X(1))])
    again = from_qasm(to_qasm(circuit, version=3))
    bits = sample(again, shots=40, rng=np.random.default_rng(1)).bits
    assert set(map(tuple, bits.tolist())) == {(0, 0), (1, 1)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hh q[0];", "did you mean"),
        ("h r[0];", "no qubits r"),
        ("h q[2];", "index 2 is out of range"),
        ("rx(teta) q[0];", "no number teta"),
        ("rx(theta * theta) q[0];", "one parameter times a number"),
        ("rx(1) q[0], q[1];", "rx takes 1 angles and 1 qubits"),
        ("pow(0.5) @ x q[0];", "a whole number is wanted"),
        ("reset q[0];", "a quantum reset is not read here"),
        ("if (c[0]) x q[0];", "not measured before"),
        ("c = measure q[0];", "1 qubits are measured into 2 bits"),
        ("qubit q;", "declared twice"),
        ("h q[0]", "ends within a statement"),
        ("h q[0;", "is not expected here"),
        ("ctrl @ x q[0], q[0];", "twice"),
        ("int k = 3;", "only bits, const and input numbers"),
        ("while (c[0]) x q[0];", "a while loop is not read here"),
    ],
)
def test_mistakes_are_named_with_line_and_caret(line, message):
    text = HEAD + "input float theta;\nqubit[2] q;\nbit[2] c;\n" + line + "\n"
    with pytest.raises(QasmError, match=message) as caught:
        from_qasm(text)
    assert "line 6" in str(caught.value) or "line 7" in str(caught.value)
    assert "^" in str(caught.value)


def test_a_program_without_qubits_is_refused():
    with pytest.raises(QasmError, match="declares no qubits"):
        from_qasm(HEAD)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(CircuitError, match="no name for Depolarizing"):
        to_qasm(Circuit(1, [Depolarizing(0.1, 0)]), version=3)
    with pytest.raises(CircuitError, match="no name for"):
        to_qasm(Circuit(1, [Unitary(np.eye(2), 0)]), version=3)
    with pytest.raises(CircuitError, match="version 2 or 3"):
        to_qasm(Circuit(1), version=4)


def test_without_the_parser_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openqasm3", None)
    with pytest.raises(MachineError, match="openqasm3"):
        from_qasm(HEAD + "qubit q;")
