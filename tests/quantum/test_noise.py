"""Noise, shots and measurements on the way, against closed forms and exact numbers."""

import numpy as np
import pytest

from tests.quantum.circuits import random_circuit, random_observable
from workbench.errors import CircuitError
from workbench.quantum import (
    CNOT,
    RX,
    RY,
    AmplitudeDamping,
    Circuit,
    Dephasing,
    Depolarizing,
    H,
    Measure,
    When,
    X,
    Z,
    density_matrix,
    expectation,
    noisy_expectation,
    parameter_shift_gradient,
    pauli,
    sample,
    sampled_expectation,
    statevector,
)


def test_without_noise_the_density_matrix_is_the_state_s():
    rng = np.random.default_rng(0)
    for _ in range(5):
        circuit = random_circuit(rng, 4, 25)
        values = rng.uniform(-3, 3, circuit.n_parameters)
        psi = statevector(circuit, values)
        assert density_matrix(circuit, values) == pytest.approx(np.outer(psi, psi.conj()), abs=1e-12)


def test_channels_in_closed_form():
    plus = Circuit(1, [H(0)])
    assert noisy_expectation(plus + Depolarizing(0.3, 0), pauli("X")) == pytest.approx(1 - 0.4)
    assert noisy_expectation(plus + Dephasing(0.3, 0), pauli("X")) == pytest.approx(1 - 0.6)
    damped = density_matrix(Circuit(1, [X(0), AmplitudeDamping(0.3, 0)]))
    assert damped == pytest.approx(np.diag([0.3, 0.7]))
    assert noisy_expectation(plus + AmplitudeDamping(0.3, 0), pauli("X")) == pytest.approx(np.sqrt(0.7))


def test_gradients_with_noise_agree_with_differences():
    rng = np.random.default_rng(2)
    circuit = random_circuit(rng, 3, 12).noisy(depolarizing=0.02, dephasing=0.01, amplitude_damping=0.03)
    observable = random_observable(rng, 3)
    values = rng.uniform(-3, 3, circuit.n_parameters)
    gradient = parameter_shift_gradient(circuit, observable, values)
    for k, step in enumerate(np.eye(len(values)) * 1e-5):
        ahead = noisy_expectation(circuit, observable, values + step)
        behind = noisy_expectation(circuit, observable, values - step)
        assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, abs=1e-9)


def test_samples_follow_the_probabilities():
    circuit = Circuit(2, [RY("a", 0), CNOT(0, 1)])
    samples = sample(circuit, [1.1], shots=20000, rng=np.random.default_rng(1))
    assert set(samples.counts()) == {"00", "11"}
    share = np.sin(0.55) ** 2
    assert samples.bits[:, 1].mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20000))
    again = sample(circuit, [1.1], shots=20000, rng=np.random.default_rng(1))
    assert np.array_equal(samples.bits, again.bits)


def test_teleportation_needs_its_feedback():
    send = [RY("a", 0), RX(0.4, 0), H(1), CNOT(1, 2), CNOT(0, 1), H(0), Measure(0, "z"), Measure(1, "x")]
    teleport = Circuit(3, [*send, When("x", X(2)), When("z", Z(2)), RX(-0.4, 2), RY(-1.1, 2)])
    rng = np.random.default_rng(2)
    arrived = sample(teleport, [1.1], shots=500, rng=rng)
    assert not arrived.bits[:, 2].any()
    assert 0.4 < arrived.outcomes["x"].mean() < 0.6
    lost = sample(Circuit(3, [*send, RX(-0.4, 2), RY(-1.1, 2)]), [1.1], shots=500, rng=rng)
    assert lost.bits[:, 2].any()
    noisy = sample(teleport.noisy(depolarizing=0.02), [1.1], shots=500, rng=rng)
    assert 0 < noisy.bits[:, 2].mean() < 0.3


def test_readout_errors_in_shots_and_on_average():
    circuit, observable = Circuit(2, [RY(0.7, 0), CNOT(0, 1)]), pauli("ZZ") + 0.5 * pauli("XX")
    readout = (0.1, 0.03)
    exact = expectation(circuit, observable.read_with_errors(*readout))
    rng = np.random.default_rng(3)
    found = sampled_expectation(circuit, observable, shots=40000, rng=rng, readout=readout)
    assert found == pytest.approx(exact, abs=0.02)
    assert abs(exact - expectation(circuit, observable)) > 0.1


def test_what_needs_gates_only_says_so():
    measured = Circuit(1, [H(0), Measure(0, "m")])
    with pytest.raises(CircuitError, match="gates only"):
        statevector(measured)
    with pytest.raises(CircuitError, match="without measurements"):
        density_matrix(measured)
    with pytest.raises(CircuitError, match="gates only"):
        measured.dagger()
    with pytest.raises(CircuitError, match="has not been made"):
        Circuit(1, [When("m", X(0))])
    with pytest.raises(CircuitError, match="probability"):
        Dephasing(1.5, 0)
