"""The simulator in a few lines of plain NumPy: slow, easy to check, and the judge of the fast one.

Nothing here knows the engine, and nothing is compiled: the engine differentiates it like any program.
"""

from __future__ import annotations

import numpy as np

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate, matrix_of
from workbench.quantum.paulis import PauliSum


def reference_state(circuit: Circuit, parameters, state=None):
    """The state after the circuit, one gate at a time.

    Args:
        circuit: gates only.
        parameters: one number for each of ``circuit.parameter_names``, or a mapping by name.
        state: where to start from, |0…0⟩ if not given. Shape (2**n,).
    Returns:
        Shape (2**n,).
    """
    n = circuit.n_qubits
    if not isinstance(parameters, dict):
        parameters = {name: parameters[k] for k, name in enumerate(circuit.parameter_names)}
    if state is None:
        state = np.zeros(2**n, dtype=complex)
        state[0] = 1.0
    for gate in circuit.gates:
        state = apply_gate(gate, gate_matrix(gate, parameters), state, n)
    return state


def gate_matrix(gate: Gate, parameters) -> np.ndarray:
    """The matrix of a gate on its targets, without its controls."""
    if gate.entries is not None:
        return np.array(gate.entries)
    angles = [a.scale * parameters[a.name] + a.offset if isinstance(a, Angle) else a for a in gate.angles]
    return matrix_of(gate.name, angles)


def apply_gate(gate: Gate, matrix, state, n_qubits: int):
    """The matrix on the gate's targets, where all its controls are 1."""
    targets, controls = gate.targets, gate.controls
    shape, block = (2,) * n_qubits, (2,) * len(targets)
    tensor = np.reshape(state, shape)
    factors = np.reshape(matrix, block + block)
    axes = (tuple(range(len(targets), 2 * len(targets))), targets)
    turned = np.moveaxis(np.tensordot(factors, tensor, axes), tuple(range(len(targets))), targets)
    if controls:
        acts = np.zeros(shape)
        acts[tuple(1 if q in controls else slice(None) for q in range(n_qubits))] = 1.0
        turned = acts * turned + (1.0 - acts) * tensor
    return np.reshape(turned, (2**n_qubits,))


def reference_expectation(circuit: Circuit, observable: PauliSum, parameters, state=None):
    """⟨ψ|observable|ψ⟩ after the circuit, a real number."""
    psi = reference_state(circuit, parameters, state)
    index = np.arange(2**circuit.n_qubits)
    total = 0.0
    for x, z, weight in observable.masks(circuit.n_qubits):
        signs = 1.0 - 2.0 * (np.bitwise_count(index & z) & 1)
        total = total + np.real(np.sum(np.conj(psi[index ^ x]) * (weight * signs) * psi))
    return total
