"""Noise, shots and measurements on the way, against closed forms and exact numbers."""

import numpy as np
import pytest

from tests.quantum.circuits import random_circuit, random_observable
from workbench.autodiff import gradient
from workbench.checks import check_gradient
from workbench.errors import CircuitError, MissingRuleError
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
from workbench.quantum.density import expectation_of


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


NOISY = Circuit(2, [RX("a", 0), CNOT(0, 1), RY("b", 1)]).noisy(depolarizing=0.05, amplitude_damping=0.1)


@pytest.mark.parametrize(
    "program",
    [
        lambda a, b: noisy_expectation(NOISY, pauli("ZZ"), np.array([a, b * b])),
        lambda a, b: noisy_expectation(NOISY, pauli("XZ"), {"b": a, "a": a - b}),
        lambda a, b: noisy_expectation(NOISY, pauli("ZZ"), np.array([[a, b], [b, a]])) @ np.array([1.0, 2.0]),
    ],
)
def test_the_engine_differentiates_expectations_with_noise(program):
    check_gradient(program, 0.4, -0.7)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda a: density_matrix(NOISY, np.array([a, a]))[0, 0].real, "density_matrix is not known"),
        (
            lambda a: sampled_expectation(
                NOISY, pauli("ZZ"), np.array([a, a]), shots=5, rng=np.random.default_rng(0)
            ),
            "use parameter_shift_gradient with shots",
        ),
        (lambda a: parameter_shift_gradient(NOISY, pauli("ZZ"), np.array([a, a]))[0], "is not known"),
        (
            lambda a: noisy_expectation(NOISY, pauli("ZZ"), [a, a], np.eye(4)[1]),
            "prepare the state with gates",
        ),
    ],
)
def test_what_has_no_derivative_with_noise_says_so(program, message):
    with pytest.raises(MissingRuleError, match=message):
        gradient(program)(0.3)


def test_ten_qubits_with_every_kind_of_noise():
    n = 10
    gates = [*(RY(0.3 + 0.1 * q, q) for q in range(n)), *(CNOT(q, (q + 1) % n) for q in range(n))]
    circuit = Circuit(n, gates).noisy(depolarizing=0.01, dephasing=0.02, amplitude_damping=0.03)
    rho = density_matrix(circuit)
    assert np.trace(rho) == pytest.approx(1.0)
    assert np.abs(rho - rho.conj().T).max() < 1e-14
    # the first qubit alone, before the ring: RY, then three channels in closed form
    alone = density_matrix(
        Circuit(n, gates[:n]).noisy(depolarizing=0.01, dephasing=0.02, amplitude_damping=0.03)
    )
    x, z = np.sin(0.3), np.cos(0.3)
    x, z = (1 - 4 * 0.01 / 3) * x * (1 - 2 * 0.02) * np.sqrt(0.97), (1 - 4 * 0.01 / 3) * z * 0.97 + 0.03
    assert expectation_of(alone, pauli("X", 0)) == pytest.approx(x)
    assert expectation_of(alone, pauli("Z", 0)) == pytest.approx(z)
