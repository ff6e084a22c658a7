"""Gradients four ways, Hessians and the geometric tensor: they agree."""

import numpy as np
import pytest
import torch

import workbench
from tests.quantum.circuits import random_circuit, random_observable, random_state
from workbench.errors import DifferentiationError
from workbench.quantum import (
    CNOT,
    CZ,
    RX,
    RY,
    RYY,
    U3,
    Angle,
    Circuit,
    Depolarizing,
    Phase,
    Unitary,
    expectation,
    expectation_and_gradient,
    hessian,
    noisy_expectation,
    parameter_shift_gradient,
    pauli,
    quantum_geometric_tensor,
    reference_expectation,
    reference_state,
    state_jacobian,
    statevector,
    torch_expectation,
    torch_statevector,
)
from workbench.quantum.torch_simulator import autograd_expectation, autograd_state


def problem(seed, n_qubits=4, n_gates=24):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, n_qubits, n_gates)
    return circuit, random_observable(rng, n_qubits), rng.uniform(-3, 3, circuit.n_parameters), rng


@pytest.mark.parametrize("seed", range(6))
def test_four_ways_agree(seed):
    circuit, observable, values, _ = problem(seed)
    reversible = expectation_and_gradient(circuit, observable, values)[1]
    leaf = torch.tensor(values, requires_grad=True)
    (by_torch,) = torch.autograd.grad(autograd_expectation(circuit, observable, leaf), leaf)
    by_engine = workbench.gradient(lambda v: reference_expectation(circuit, observable, v))(values)
    assert by_torch.numpy() == pytest.approx(reversible, abs=1e-12)
    assert parameter_shift_gradient(circuit, observable, values) == pytest.approx(reversible, abs=1e-12)
    assert by_engine == pytest.approx(reversible, abs=1e-12)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    "make",
    [
        CNOT,
        CZ,
        lambda a, b: RX("c", b).controlled(a),
        lambda a, b: Phase("c", b).controlled(a),
        lambda a, b: U3("c", 0.2, "d", b).controlled(a),
        lambda a, b: RYY("c", b, 2).controlled(a),
    ],
)
def test_controlled_gates_in_both_orders(make, order):
    circuit = Circuit(3, [RX("a", 0), RY("b", 1), RX(0.4, 2), make(*order), RY(0.3, 0), RX(0.7, 1)])
    observable = pauli("ZXY") + pauli("Z", 0) + 0.3 * pauli("Y", 1)
    values = np.linspace(0.3, 1.1, circuit.n_parameters)
    gradient = expectation_and_gradient(circuit, observable, values)[1]
    assert parameter_shift_gradient(circuit, observable, values) == pytest.approx(gradient, abs=1e-13)
    for k, step in enumerate(np.eye(len(values)) * 1e-5):
        ahead = reference_expectation(circuit, observable, values + step)
        behind = reference_expectation(circuit, observable, values - step)
        assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, abs=1e-9)


def test_the_engine_follows_programs_around_the_simulator():
    circuit, observable, values, _ = problem(7)
    curvature = hessian(circuit, observable, values)
    found = workbench.gradient(lambda v: expectation(circuit, observable, v * v) ** 2)(values)
    value, slope = expectation_and_gradient(circuit, observable, values**2)
    assert found == pytest.approx(4 * value * slope * values, abs=1e-12)
    second = workbench.hessian(lambda v: expectation(circuit, observable, v))(values)
    assert second == pytest.approx(curvature, abs=1e-11)
    target = random_state(np.random.default_rng(0), 4)

    def fidelity(v, run):
        return np.abs(np.sum(np.conj(target) * run(circuit, v))) ** 2

    assert workbench.gradient(lambda v: fidelity(v, statevector))(values) == pytest.approx(
        workbench.gradient(lambda v: fidelity(v, reference_state))(values), abs=1e-12
    )


def test_torch_layers_compose_with_networks():
    circuit, observable, values, _ = problem(8)
    leaf = torch.tensor(values, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: torch_expectation(circuit, observable, torch.tanh(v)), leaf)
    assert torch.autograd.gradgradcheck(lambda v: torch_expectation(circuit, observable, v), leaf)
    second = torch.autograd.functional.hessian(lambda v: autograd_expectation(circuit, observable, v), leaf)
    assert second.numpy() == pytest.approx(hessian(circuit, observable, values), abs=1e-11)
    start = torch.tensor(random_state(np.random.default_rng(1), 4), requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, s: torch_statevector(circuit, v, s), (leaf, start))
    assert torch.allclose(
        torch_statevector(circuit, leaf, start), autograd_state(circuit, leaf, start), atol=1e-13
    )
    batch = torch.tensor(np.stack([values, values + 0.1]), requires_grad=True)
    torch_expectation(circuit, observable, batch).sum().backward()
    assert batch.grad[1].numpy() == pytest.approx(
        expectation_and_gradient(circuit, observable, values + 0.1)[1], abs=1e-13
    )


def test_shots_estimate_the_gradient_without_bias():
    circuit = Circuit(2, [RX("a", 0), RY("b", 1).controlled(0), RX("a", 1)])
    observable, values = pauli("ZZ") + 0.5 * pauli("XI"), [0.7, 1.2]
    exact = expectation_and_gradient(circuit, observable, values)[1]
    rng = np.random.default_rng(4)
    found = np.array(
        [parameter_shift_gradient(circuit, observable, values, shots=50, rng=rng) for _ in range(200)]
    )
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4 * error + 1e-12)


def test_the_geometric_tensor_of_one_qubit():
    """|ψ⟩ = RZ(b) RX(a) |0⟩ moves on the sphere: the metric is diag(1, sin² a)/4."""
    tensor = quantum_geometric_tensor(Circuit(1, [RX("a", 0), Phase("b", 0)]), {"a": 0.6, "b": 0.2})
    assert tensor.real == pytest.approx(np.diag([1, np.sin(0.6) ** 2]) / 4, abs=1e-14)
    circuit, _, values, _ = problem(9)
    psi, jacobian = state_jacobian(circuit, values)
    for k, step in enumerate(np.eye(len(values)) * 1e-5):
        slope = (statevector(circuit, values + step) - statevector(circuit, values - step)) / 2e-5
        assert jacobian[k] == pytest.approx(slope, abs=1e-8)
    assert np.linalg.norm(psi) == pytest.approx(1.0)


ONE = Circuit(1, [RX("x", 0)])
HEIGHT = pauli("Z")


def by_list(x):
    return expectation(ONE, HEIGHT, [x])


def by_name(x):
    return expectation(ONE, HEIGHT, {"x": x})


def batch(x):
    return np.sum(expectation(ONE, HEIGHT, np.array([[x], [x]]))) / 2


@pytest.mark.parametrize("program", [by_list, by_name, batch])
def test_parameters_in_every_form_are_followed(program):
    assert workbench.gradient(program)(0.3) == pytest.approx(-np.sin(0.3), abs=1e-14)


def test_the_state_an_expectation_starts_from_is_followed():
    circuit, observable, values, rng = problem(11)
    start = random_state(rng, 4).real.copy()

    def program(r):
        return expectation(circuit, observable, values, r + 0j)

    gradient = workbench.gradient(program)(start)
    step = 1e-5 * np.eye(16)[3]
    slope = (program(start + step) - program(start - step)) / 2e-5
    assert gradient[3] == pytest.approx(slope, abs=1e-8)


def by_angle(x):
    return expectation(Circuit(1, [RX(x, 0)]), HEIGHT)


def by_bound_angle(x):
    return expectation(ONE.bind({"x": x}), HEIGHT)


def by_scale(x):
    return expectation(Circuit(1, [RX(x * Angle("y"), 0)]), HEIGHT, [0.3])


def by_weight(x):
    return expectation(ONE, x * HEIGHT, [0.3])


def by_matrix(x):
    turn = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
    return expectation(Circuit(1, [Unitary(turn, 0)]), HEIGHT)


def by_noise(x):
    return noisy_expectation(ONE + Depolarizing(x, 0), HEIGHT, [0.3])


def by_gradient(x):
    return expectation_and_gradient(ONE, HEIGHT, [x])[0]


@pytest.mark.parametrize(
    "program", [by_angle, by_bound_angle, by_scale, by_weight, by_matrix, by_noise, by_gradient]
)
def test_numbers_in_circuits_and_observables_are_constants_and_never_silent_zeros(program):
    with pytest.raises(DifferentiationError):
        workbench.gradient(program)(0.3)
