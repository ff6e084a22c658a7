"""States, expectations and gradients against the plain reference, differences and closed forms."""

import math

import numpy as np
import pytest

from tests.quantum.circuits import random_circuit, random_observable, random_state
from workbench.quantum import (
    CNOT,
    RX,
    RZ,
    Circuit,
    H,
    expectation,
    expectation_and_gradient,
    heisenberg_ring,
    pauli,
    reference_expectation,
    reference_state,
    state_pullback,
    statevector,
)


@pytest.mark.parametrize("seed", range(24))
def test_random_circuits_agree_with_the_reference(seed):
    rng = np.random.default_rng(seed)
    n = 1 + seed % 6
    circuit = random_circuit(rng, n, 20)
    observable, start = random_observable(rng, n), random_state(rng, n)
    values = rng.uniform(-3, 3, circuit.n_parameters)
    psi = reference_state(circuit, values, start)
    assert np.abs(statevector(circuit, values, start) - psi).max() < 1e-12
    value, gradient = expectation_and_gradient(circuit, observable, values, start)
    assert value == pytest.approx(reference_expectation(circuit, observable, values, start), abs=1e-12)
    assert value == pytest.approx(np.vdot(psi, observable.matrix(n) @ psi).real, abs=1e-12)
    for k, step in enumerate(np.eye(len(values)) * 1e-5):
        ahead = expectation(circuit, observable, values + step, start)
        behind = expectation(circuit, observable, values - step, start)
        assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, abs=1e-7)


def test_the_state_s_pullback_agrees_with_differences():
    rng = np.random.default_rng(5)
    circuit = random_circuit(rng, 3, 15)
    values, start = rng.uniform(-3, 3, circuit.n_parameters), random_state(rng, 3)
    bar = random_state(rng, 3)

    def loss(v, s):
        return np.vdot(bar, statevector(circuit, v, s)).real

    values_bar, start_bar = state_pullback(circuit, values, statevector(circuit, values, start), bar)
    for k, step in enumerate(np.eye(len(values)) * 1e-5):
        slope = (loss(values + step, start) - loss(values - step, start)) / 2e-5
        assert values_bar[k] == pytest.approx(slope, abs=1e-8)
    for k, step in enumerate(np.eye(8) * 1e-5):
        slope = (loss(values, start + step) - loss(values, start - step)) / 2e-5
        turned = (loss(values, start + 1j * step) - loss(values, start - 1j * step)) / 2e-5
        assert start_bar[k] == pytest.approx(slope + 1j * turned, abs=1e-8)


def test_qubit_zero_is_the_first_letter():
    assert np.abs(statevector(Circuit(3, [RX(math.pi, 0)])))[0b100] == pytest.approx(1.0)
    bell = statevector(Circuit(2, [H(0), CNOT(0, 1)]))
    assert np.abs(bell) == pytest.approx([math.sqrt(0.5), 0, 0, math.sqrt(0.5)])


def test_the_fidelity_of_one_rotated_qubit():
    """|⟨+|Rz(b)Rx(a)|0⟩|² = (1 + sin a sin b)/2, greatest at a = b = π/2."""
    circuit = Circuit(1, [RX("a", 0), RZ("b", 0)])
    plus = 0.5 + 0.5 * pauli("X")
    for a, b in ((0.3, 1.1), (math.pi / 2, math.pi / 2)):
        value, gradient = expectation_and_gradient(circuit, plus, {"a": a, "b": b})
        assert value == pytest.approx((1 + math.sin(a) * math.sin(b)) / 2, abs=1e-14)
        assert gradient == pytest.approx(
            [math.cos(a) * math.sin(b) / 2, math.sin(a) * math.cos(b) / 2], abs=1e-14
        )


def test_batches_of_parameters_and_of_states():
    rng = np.random.default_rng(3)
    circuit, observable = random_circuit(rng, 3, 15), random_observable(rng, 3)
    values = rng.uniform(-3, 3, (2, 4, circuit.n_parameters))
    states = np.array([random_state(rng, 3) for _ in range(4)])
    energies, gradients = expectation_and_gradient(circuit, observable, values, states)
    assert energies.shape == (2, 4)
    assert gradients.shape == values.shape
    assert statevector(circuit, values, states).shape == (2, 4, 8)
    assert expectation(circuit, observable, values, states) == pytest.approx(energies, abs=1e-14)
    one = expectation_and_gradient(circuit, observable, values[1, 2], states[2])
    assert energies[1, 2] == pytest.approx(one[0], abs=1e-14)
    assert gradients[1, 2] == pytest.approx(one[1], abs=1e-14)


@pytest.mark.parametrize(("n_qubits", "energy"), [(2, -0.75), (4, -2.0), (6, -2.8027756377319946)])
def test_ground_energies_of_the_heisenberg_ring(n_qubits, energy):
    assert np.linalg.eigvalsh(heisenberg_ring(n_qubits).matrix())[0] == pytest.approx(energy, abs=1e-12)
