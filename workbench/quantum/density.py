"""Density matrices: circuits with noise, exactly, to about ten qubits.

The density matrix of n qubits is a state of 2n qubits, rows first: a gate U acts as U on the rows and as U* on the
columns, a channel as Σ K ⊗ K* on a row and a column at once. So the statevector simulator does all the work.

Source: Nielsen & Chuang, Quantum Computation and Quantum Information, 2010, section 8.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.errors import StateTooLargeError
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import FIXED, Gate
from workbench.quantum.operations import Channel, Operation
from workbench.quantum.paulis import PauliSum
from workbench.quantum.simulate import Parameters, run_gates

MOST_QUBITS = 12
_CONJUGATES = {"S": "Sdg", "Sdg": "S", "T": "Tdg", "Tdg": "T"}


def density_matrix(
    circuit: Circuit, parameters: Parameters = (), state: np.ndarray | None = None
) -> np.ndarray:
    """The density matrix after a circuit of gates and channels.

    Args:
        circuit: gates and channels, no measurements.
        parameters: shape (…, n_parameters), or numbers by name.
        state: the statevector to start from, |0…0⟩ if not given. Shape (…, 2**n).
    Returns:
        Shape (…, 2**n, 2**n).
    Raises:
        StateTooLargeError: more than twelve qubits.
    """
    size = 2**circuit.n_qubits
    start = None
    if state is not None:
        state = np.asarray(state, dtype=complex)
        start = (state[..., :, None] * state[..., None, :].conj()).reshape(*state.shape[:-1], size**2)
    found = run_gates(doubled(circuit), circuit.parameter_array(parameters), start)
    return found.reshape(*found.shape[:-1], size, size)


def noisy_expectation(
    circuit: Circuit, observable: PauliSum, parameters: Parameters = (), state: np.ndarray | None = None
) -> float | np.ndarray:
    """tr(observable · ρ) after a circuit of gates and channels: a float, or an array of the batch's shape."""
    return expectation_of(density_matrix(circuit, parameters, state), observable)


def expectation_of(rho: np.ndarray, observable: PauliSum) -> float | np.ndarray:
    """tr(observable · ρ). Shape (…, 2**n, 2**n) in, (…) out."""
    index = np.arange(rho.shape[-1])
    total = np.zeros(rho.shape[:-2])
    for x, z, weight in observable.masks(rho.shape[-1].bit_length() - 1):
        signs = weight * (1.0 - 2.0 * (np.bitwise_count(index & z) & 1))
        total = total + (signs * rho[..., index, index ^ x]).sum(axis=-1).real
    return total if total.ndim else float(total)


def doubled(circuit: Circuit) -> Circuit:
    """The circuit on rows and columns: twice the qubits, twice the gates, channels as matrices."""
    n = circuit.n_qubits
    if n > MOST_QUBITS:
        raise StateTooLargeError(
            f"a density matrix of {n} qubits is too large",
            found=f"its 4**{n} entries need {16 * 4.0**n / 2**30:.3g} GiB",
            where="circuit",
            fix=f"use at most {MOST_QUBITS} qubits; without noise, statevector goes much further",
        )
    circuit.check_no_measurements("a density matrix")
    return Circuit(2 * n, [part for gate in circuit.gates for part in on_rows_and_columns(gate, n)])


def on_rows_and_columns(gate: Operation, n_qubits: int) -> tuple[Gate, ...]:
    """A gate or channel on n qubits as gates on the rows and columns of a density matrix."""
    if isinstance(gate, Channel):
        rows = tuple(tuple(row) for row in gate.superoperator.tolist())
        return (Gate("Channel", (gate.qubit, gate.qubit + n_qubits), entries=rows),)
    return gate, _conjugate(gate).on(range(n_qubits, 2 * n_qubits))


def _conjugate(gate: Gate) -> Gate:
    """The gate with the complex conjugate of its matrix."""
    if gate.name == "Y" or gate.entries is not None:
        matrix = np.array(gate.entries) if gate.entries is not None else FIXED["Y"]
        return replace(gate, name="Unitary", entries=tuple(tuple(row) for row in matrix.conj().tolist()))
    if gate.name == "U3":
        theta, phi, lam = gate.angles
        return replace(gate, angles=(theta, -phi, -lam))
    sign = -1.0 if not gate.pauli or gate.pauli.count("Y") % 2 == 0 else 1.0
    return replace(
        gate, name=_CONJUGATES.get(gate.name, gate.name), angles=tuple(sign * a for a in gate.angles)
    )
