"""The simulator in ordinary torch operations: differentiated by torch's autograd itself, any number of times.

It keeps every state on the way, so it is for small circuits, for higher derivatives, and as a second opinion.
"""

from __future__ import annotations

import numpy as np
import torch

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import FIXED, Gate, pauli_matrix
from workbench.quantum.paulis import PauliSum


def autograd_state(
    circuit: Circuit, parameters: torch.Tensor, state: torch.Tensor | None = None
) -> torch.Tensor:
    """The state after the circuit, gate by gate in torch.

    Args:
        circuit: gates only.
        parameters: float64. Shape (…, n_parameters).
        state: where to start from, |0…0⟩ if not given. Shape (…, 2**n) or (2**n,).
    Returns:
        complex128. Shape (…, 2**n).
    """
    circuit.check_unitary("autograd_state")
    n, batch = circuit.n_qubits, parameters.shape[:-1]
    named = {name: parameters[..., k] for k, name in enumerate(circuit.parameter_names)}
    if state is None:
        state = torch.zeros(2**n, dtype=torch.complex128, device=parameters.device)
        state[0] = 1.0
    tensor = state.expand(*batch, 2**n).reshape(-1, *(2,) * n)
    for gate in circuit.gates:
        tensor = _apply(gate, _matrix(gate, named, parameters.device), tensor)
    return tensor.reshape(*batch, 2**n)


def autograd_expectation(circuit: Circuit, observable: PauliSum, parameters: torch.Tensor) -> torch.Tensor:
    """⟨observable⟩ after the circuit. Shape (…, n_parameters) in, (…) out."""
    psi = autograd_state(circuit, parameters)
    index = torch.arange(psi.shape[-1], device=psi.device)
    total = torch.zeros(psi.shape[:-1], dtype=torch.float64, device=psi.device)
    for x, z, weight in observable.masks(circuit.n_qubits):
        odd = np.bitwise_count(np.arange(psi.shape[-1]) & z) & 1
        signs = torch.as_tensor(weight * (1.0 - 2.0 * odd), device=psi.device)
        total = total + (psi[..., index ^ x].conj() * signs * psi).sum(-1).real
    return total


def _matrix(gate: Gate, named: dict[str, torch.Tensor], device: torch.device) -> torch.Tensor:
    """Shape (batch or 1, 2**k, 2**k)."""

    def constant(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.asarray(array, dtype=complex), device=device)

    if gate.entries is not None or gate.name in FIXED:
        return constant(FIXED[gate.name] if gate.entries is None else np.array(gate.entries))[None]
    angles = [
        (a.scale * named[a.name] + a.offset if isinstance(a, Angle) else constant(a).real)
        .reshape(-1, 1, 1)
        .to(torch.complex128)
        for a in gate.angles
    ]
    zero, one = constant(np.diag([1.0, 0.0])), constant(np.diag([0.0, 1.0]))
    if gate.name == "Phase":
        return zero + torch.exp(1j * angles[0]) * one
    if gate.name == "U3":
        theta, phi, lam = angles
        turn = torch.cos(theta / 2) * constant(np.eye(2)) - 1j * torch.sin(theta / 2) * constant(
            pauli_matrix("Y")
        )
        return (zero + torch.exp(1j * phi) * one) @ turn @ (zero + torch.exp(1j * lam) * one)
    string = constant(pauli_matrix(gate.pauli or ""))
    return torch.cos(angles[0] / 2) * constant(np.eye(len(string))) - 1j * torch.sin(angles[0] / 2) * string


def _apply(gate: Gate, matrix: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Shape (batch, 2, …, 2) in and out."""
    n, k = tensor.ndim - 1, len(gate.targets)
    order = [q + 1 for q in (*gate.controls, *gate.targets)]
    rest = [q + 1 for q in range(n) if q not in gate.qubits]
    moved = tensor.permute(0, *order, *rest)
    shape = moved.shape
    split = moved.reshape(shape[0], 2 ** len(gate.controls), 2**k, -1)
    last = matrix @ split[:, -1]
    rows = torch.cat([split[:, :-1], last[:, None]], dim=1).reshape(shape)
    back = np.argsort([0, *order, *rest]).tolist()
    return rows.permute(*back)
