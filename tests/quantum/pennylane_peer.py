"""Our circuits as PennyLane's, to compare with."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from workbench.quantum import Circuit, Gate, PauliSum
from workbench.quantum.angles import Angle
from workbench.quantum.operations import Channel

_NAMED = {
    **{name: getattr(qml, name) for name in ("S", "T", "SWAP", "RX", "RY", "RZ", "U3")},
    "X": qml.PauliX,
    "Y": qml.PauliY,
    "Z": qml.PauliZ,
    "H": qml.Hadamard,
    "Phase": qml.PhaseShift,
    "Sdg": lambda wires: qml.adjoint(qml.S(wires)),
    "Tdg": lambda wires: qml.adjoint(qml.T(wires)),
    "RXX": qml.IsingXX,
    "RYY": qml.IsingYY,
    "RZZ": qml.IsingZZ,
}
_CHANNELS = {
    "Depolarizing": qml.DepolarizingChannel,
    "Dephasing": qml.PhaseFlip,
    "AmplitudeDamping": qml.AmplitudeDamping,
}


def apply(circuit: Circuit, x) -> None:
    """Queue PennyLane's operations."""
    places = {name: k for k, name in enumerate(circuit.parameter_names)}
    for gate in circuit:
        if isinstance(gate, Channel):
            _CHANNELS[gate.name](gate.probability, wires=gate.qubit)
            continue
        # numbers become of the type of the parameters: U3 does not take a mixture
        angles = [
            a.scale * x[places[a.name]] + a.offset
            if isinstance(a, Angle)
            else (a + 0.0 * x[0] if len(x) else a)
            for a in gate.angles
        ]
        if gate.controls:
            with qml.QueuingManager.stop_recording():
                inner = _made(gate, angles)
            qml.ctrl(inner, control=list(gate.controls))
        else:
            _made(gate, angles)


def _made(gate: Gate, angles):
    wires = list(gate.targets)
    if gate.entries is not None:
        return qml.QubitUnitary(np.array(gate.entries), wires=wires)
    if gate.name in _NAMED:
        return _NAMED[gate.name](*angles, wires=wires)
    return qml.PauliRot(angles[0], gate.pauli, wires=wires)


def _hamiltonian(observable: PauliSum):
    letters = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}
    words = [
        qml.prod(*[letters[p](q) for q, p in product]) if product else qml.Identity(0)
        for product in observable.terms
    ]
    return qml.dot(list(observable.terms.values()), words)


def peer_state(circuit: Circuit, values: np.ndarray) -> np.ndarray:
    """The state after the circuit, as PennyLane has it."""

    @qml.qnode(qml.device("default.qubit", wires=circuit.n_qubits))
    def node(x):
        apply(circuit, x)
        return qml.state()

    return np.asarray(node(values))


def peer_density_matrix(circuit: Circuit, values: np.ndarray) -> np.ndarray:
    """The density matrix after a circuit with noise, as PennyLane has it."""

    @qml.qnode(qml.device("default.mixed", wires=circuit.n_qubits))
    def node(x):
        apply(circuit, x)
        return qml.density_matrix(wires=range(circuit.n_qubits))

    return np.asarray(node(values))


def peer_expectation_and_gradient(
    circuit: Circuit, observable: PauliSum, values: np.ndarray
) -> tuple[float, np.ndarray]:
    """By backpropagation through default.qubit in torch."""
    import torch

    @qml.qnode(qml.device("default.qubit", wires=circuit.n_qubits), interface="torch", diff_method="backprop")
    def node(x):
        apply(circuit, x)
        return qml.expval(_hamiltonian(observable))

    leaf = torch.tensor(values, requires_grad=True)
    value = node(leaf)
    if not value.requires_grad:
        return float(value), np.zeros(values.shape)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.item(), gradient.numpy()
