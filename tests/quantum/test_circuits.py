"""Circuits as values, observables, drawings, and every refusal."""

import numpy as np
import pytest

from tests.quantum.circuits import random_circuit, random_observable, random_state
from workbench.errors import CircuitError, NotHermitianError, NotUnitaryError, QubitError, StateTooLargeError
from workbench.figures.circuits import circuit_figure
from workbench.figures.layout import description
from workbench.quantum import (
    CNOT,
    RX,
    RZZ,
    SWAP,
    Angle,
    Circuit,
    Depolarizing,
    H,
    Measure,
    PauliRotation,
    PauliSum,
    Phase,
    Unitary,
    When,
    X,
    density_matrix,
    expectation,
    heisenberg_ring,
    pauli,
    reference_state,
    statevector,
)


def test_circuits_are_values():
    half = Circuit(2, [H(0), RX("a", 1)])
    whole = half + CNOT(0, 1) + half
    assert len(whole) == 5
    assert len(half) == 2
    assert whole.parameter_names == ("a",)
    assert whole[:2] == half
    assert hash(whole[:2]) == hash(half)
    assert half.rename({"a": "b"}).parameter_names == ("b",)
    assert (half + half.rename({"a": "b"})).parameter_names == ("a", "b")
    assert half.bind({"a": 0.3}).gates[1] == RX(0.3, 1)
    assert half.on(2, 0).gates == (H(2), RX("a", 0))
    assert str(2 * Angle("a") - 1) == "2*a-1"


def test_the_dagger_undoes():
    rng = np.random.default_rng(0)
    circuit, start = random_circuit(rng, 4, 30), random_state(rng, 4)
    values = rng.uniform(-3, 3, circuit.n_parameters)
    back = circuit + circuit.dagger()
    assert statevector(back, values, start) == pytest.approx(start, abs=1e-12)


def test_parameters_by_name_or_in_order():
    circuit = Circuit(2, [RX("a", 0), RZZ(2 * Angle("b"), 0, 1), RX("a", 1)])
    by_name = expectation(circuit, pauli("ZZ"), {"b": 0.2, "a": 0.7})
    assert by_name == expectation(circuit, pauli("ZZ"), [0.7, 0.2])
    many = expectation(circuit, pauli("ZZ"), {"b": 0.2, "a": np.linspace(0, 1, 3)})
    assert many.shape == (3,)
    with pytest.raises(CircuitError, match="no value for b"):
        expectation(circuit, pauli("ZZ"), {"a": 0.7})
    with pytest.raises(CircuitError, match=r"(?s)no parameter 'bb'.*did you mean 'b'"):
        expectation(circuit, pauli("ZZ"), {"a": 0.7, "b": 0.1, "bb": 0.2})
    with pytest.raises(CircuitError, match="number of parameters"):
        expectation(circuit, pauli("ZZ"), [0.7])


def test_wide_gates_and_chunks_on_many_qubits():
    """A gate with controls on all of 9 qubits, and 14 qubits, where the state no longer fits into one chunk."""
    rng = np.random.default_rng(3)
    start = random_state(rng, 9)
    flipped = statevector(Circuit(9, [X(4).controlled(0, 1, 2, 3, 5, 6, 7, 8)]), (), start)
    expected = start.copy()
    expected[[0b111101111, 0b111111111]] = start[[0b111111111, 0b111101111]]
    assert flipped == pytest.approx(expected)
    circuit = random_circuit(rng, 14, 60)
    values, start = rng.uniform(-3, 3, circuit.n_parameters), random_state(rng, 14)
    assert np.abs(statevector(circuit, values, start) - reference_state(circuit, values, start)).max() < 1e-12


def test_observables():
    rng = np.random.default_rng(1)
    a, b = random_observable(rng, 3), random_observable(rng, 3)
    both = (2 * a - b / 2 + 1.5).matrix(3)
    assert both == pytest.approx(2 * a.matrix(3) - b.matrix(3) / 2 + 1.5 * np.eye(8))
    psi = random_state(rng, 3)
    assert a.apply(psi) == pytest.approx(a.matrix(3) @ psi)
    assert str(pauli("XZ", 0, 2) - 0.5) == "+1 X0 Z2 -0.5 1"
    assert len(heisenberg_ring(2)) == 3
    assert len(heisenberg_ring(5)) == 15


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Circuit(2, [RX("a", 2)]), QubitError, r"(?s)qubit 2.*0 to 1.*gate 0"),
        (lambda: CNOT(1, 1), QubitError, "twice"),
        (lambda: X(-1), QubitError, "cannot be"),
        (lambda: X(0.0), QubitError, "cannot be"),
        (lambda: Unitary([[1, 1], [0, 1]], 0), NotUnitaryError, "row"),
        (lambda: Unitary(np.full((2, 2), np.nan), 0), NotUnitaryError, "unitary"),
        (lambda: Unitary(np.eye(3), 0), CircuitError, "fit its qubits"),
        (lambda: RX(float("nan"), 0), CircuitError, "not an angle"),
        (lambda: RX(None, 0), CircuitError, "not an angle"),
        (lambda: PauliRotation("XI", 0.1, 0, 1), CircuitError, "one letter"),
        (lambda: PauliSum({"XY": 1j}), NotHermitianError, "Hermitian"),
        (lambda: pauli("X") * 1j, NotHermitianError, "Hermitian"),
        (lambda: PauliSum({"XQ": 1.0}), CircuitError, "letters"),
        (lambda: pauli("XX", 0, 0), QubitError, "own"),
        (lambda: expectation(Circuit(1), pauli("ZZ")), QubitError, "qubit 1"),
        (lambda: statevector(Circuit(2), (), np.ones(3)), CircuitError, "does not fit"),
        (lambda: statevector(Circuit(60)), StateTooLargeError, "(?s)60 qubits.*use at most"),
        (lambda: density_matrix(Circuit(13)), StateTooLargeError, "13 qubits"),
        (lambda: Circuit(0), CircuitError, "at least one"),
        (lambda: Circuit(1, ["H"]), CircuitError, "made of gates"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_drawings():
    circuit = Circuit(
        3, [H(0), SWAP(1, 2), CNOT(0, 1), RX(2 * Angle("a"), 1), Phase(0.5, 2), Measure(1, "m")]
    )
    lines = str(circuit).splitlines()
    assert [line[:3] for line in lines[::2]] == ["q0:", "q1:", "q2:"]
    assert "RX(2*a)" in lines[2]
    assert "M m" in lines[2]
    assert lines[0].index("●") == lines[1].index("│") == lines[2].index("⊕")
    figure = circuit_figure(circuit + When("m", X(0)) + Depolarizing(0.1, 2))
    assert "3 qubits" in description(figure)
    assert {text for trace in figure.data if trace.text for text in trace.text} >= {
        "H",
        "RX<br>2*a",
        "M<br>m",
    }
