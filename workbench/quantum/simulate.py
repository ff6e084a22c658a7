"""States, expectations and their reversible gradients, on plain arrays.

The gradient is reversible: the backward sweep undoes each gate instead of having kept the state before it, so it
needs the same few statevectors whatever the depth.

Source: Jones & Gacon, Efficient calculation of gradients in classical simulations of variational quantum
algorithms, 2020, arXiv:2009.02823; Luo et al., Yao.jl, 2020, doi:10.22331/q-2020-10-11-341.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import psutil

from workbench.errors import CircuitError, StateTooLargeError
from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.paulis import PauliSum
from workbench.quantum.reference import apply_gate, gate_matrix

Parameters = Mapping[str, float] | Sequence[float] | np.ndarray


def statevector(circuit: Circuit, parameters: Parameters = (), state: np.ndarray | None = None) -> np.ndarray:
    """The state after the circuit.

    Args:
        circuit: gates only.
        parameters: shape (…, n_parameters), or numbers by name.
        state: where to start from, |0…0⟩ if not given. Shape (…, 2**n).
    Returns:
        Shape (…, 2**n), complex128; the batch axes of parameters and states are broadcast.
    """
    circuit.check_unitary("statevector")
    return run_gates(circuit, parameters, state)


def run_gates(circuit: Circuit, parameters: Parameters, state: np.ndarray | None = None) -> np.ndarray:
    """``statevector`` for gates whose matrices need not be unitary, as those of noise on density matrices."""
    values, states, shape = _batches(circuit, parameters, state)
    return np.array([_forward(circuit, v, s) for v, s in zip(values, states, strict=True)]).reshape(
        *shape, -1
    )


def expectation(
    circuit: Circuit, observable: PauliSum, parameters: Parameters = (), state: np.ndarray | None = None
) -> float | np.ndarray:
    """⟨ψ|observable|ψ⟩ after the circuit: a float, or an array of the shape of the batch."""
    psi = statevector(circuit, parameters, state)
    values = np.einsum("...i,...i->...", psi.conj(), observable.apply(psi)).real
    return values if values.ndim else float(values)


def expectation_and_gradient(
    circuit: Circuit, observable: PauliSum, parameters: Parameters, state: np.ndarray | None = None
) -> tuple[float | np.ndarray, np.ndarray]:
    """The expectation and its gradient by the parameters.

    Returns:
        The expectation, and the gradient of shape (…, n_parameters) in the order of ``circuit.parameter_names``.
    """
    circuit.check_unitary("expectation_and_gradient")
    values, states, shape = _batches(circuit, parameters, state)
    found, gradients = [], []
    for v, s in zip(values, states, strict=True):
        psi = _forward(circuit, v, s)
        bar = observable.apply(psi)
        found.append(np.vdot(psi, bar).real)
        gradients.append(_backward(circuit, v, psi, 2.0 * bar)[0])
    energies = np.array(found).reshape(shape)
    return (energies if shape else float(energies)), np.array(gradients).reshape(*shape, circuit.n_parameters)


def state_pullback(
    circuit: Circuit, parameters: Parameters, psi: np.ndarray, psi_bar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """From the cotangent of the state after the circuit to those of the parameters and of the state before.

    Args:
        psi: the state after the circuit. Shape (2**n,).
        psi_bar: ∂L/∂Re ψ + i ∂L/∂Im ψ. Shape (2**n,).
    Returns:
        Shapes (n_parameters,) and (2**n,).
    """
    return _backward(circuit, circuit.parameter_array(parameters), psi, psi_bar)


def _forward(circuit: Circuit, values: np.ndarray, state: np.ndarray) -> np.ndarray:
    named = dict(zip(circuit.parameter_names, values.tolist(), strict=True))
    for gate in circuit.gates:
        state = apply_gate(gate, gate_matrix(gate, named), state, circuit.n_qubits)
    return state


def _backward(circuit: Circuit, values: np.ndarray, psi: np.ndarray, bar: np.ndarray) -> tuple:
    named = dict(zip(circuit.parameter_names, values.tolist(), strict=True))
    places = {name: k for k, name in enumerate(circuit.parameter_names)}
    gradient = np.zeros(len(values))
    for gate in reversed(circuit.gates):
        undo = gate_matrix(gate, named).conj().T
        psi = apply_gate(gate, undo, psi, circuit.n_qubits)
        for k, angle in enumerate(gate.angles):
            if isinstance(angle, Angle):
                slope = _slope(gate, k, named)
                turned = apply_gate(gate, slope, psi, circuit.n_qubits)
                if gate.controls:
                    turned -= apply_gate(gate, np.zeros_like(slope), psi, circuit.n_qubits)
                gradient[places[angle.name]] += angle.scale * np.vdot(bar, turned).real
        bar = apply_gate(gate, undo, bar, circuit.n_qubits)
    return gradient, bar


def _slope(gate, k: int, named: Mapping[str, float]) -> np.ndarray:
    """The derivative of a gate's matrix by its angle k, from the matrix half a turn on."""

    from workbench.quantum.gates import matrix_of

    angles = [a.at(named) if isinstance(a, Angle) else a for a in gate.angles]
    if gate.name == "Phase" or (gate.name == "U3" and k > 0):
        ahead, behind = list(angles), list(angles)
        ahead[k] += np.pi / 2
        behind[k] -= np.pi / 2
        return (matrix_of(gate.name, ahead) - matrix_of(gate.name, behind)) / 2
    ahead = list(angles)
    ahead[k] += np.pi
    return matrix_of(gate.name, ahead) / 2


def _batches(circuit: Circuit, parameters: Parameters, state: np.ndarray | None) -> tuple:
    check_memory(circuit.n_qubits)
    values = circuit.parameter_array(parameters)
    if state is None:
        state = np.zeros(2**circuit.n_qubits, dtype=complex)
        state[0] = 1.0
    state = np.asarray(state, dtype=complex)
    if state.ndim == 0 or state.shape[-1] != 2**circuit.n_qubits:
        raise CircuitError(
            "the state does not fit the circuit",
            found=f"got shape {state.shape}, expected (…, {2**circuit.n_qubits})",
            where="state",
            fix=f"give the 2**{circuit.n_qubits} amplitudes of {circuit.n_qubits} qubits; batches go first",
        )
    shape = np.broadcast_shapes(values.shape[:-1], state.shape[:-1])
    rows = math.prod(shape)
    return (
        np.broadcast_to(values, (*shape, values.shape[-1])).reshape(rows, values.shape[-1]),
        np.broadcast_to(state, (*shape, state.shape[-1])).reshape(rows, state.shape[-1]),
        shape,
    )


def check_memory(n_qubits: int, states: int = 3) -> None:
    """Refuse what does not fit.

    Raises:
        StateTooLargeError: ``states`` states of 2**n_qubits amplitudes need more memory than is free.
    """
    if n_qubits <= 20:
        return
    need, free = states * 16 * 2**n_qubits, psutil.virtual_memory().available
    if need > free:
        most = (free // (states * 16)).bit_length() - 1
        raise StateTooLargeError(
            f"{n_qubits} qubits are too many for this machine's memory",
            found=f"{states} states of 2**{n_qubits} amplitudes need {need / 2**30:.3g} GiB, "
            f"{free / 2**30:.3g} GiB are free",
            where="circuit",
            fix=f"use at most {most} qubits here",
        )
