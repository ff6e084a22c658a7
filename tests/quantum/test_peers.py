"""The conventions of PennyLane and Qiskit, where these are installed.

A thousand circuits are compared by ``benchmarks/quantum_agreement.py``.
"""

import numpy as np
import pytest

from tests.quantum.circuits import random_circuit, random_observable
from workbench.quantum import (
    CNOT,
    RX,
    RY,
    RZZ,
    U3,
    Circuit,
    H,
    Phase,
    S,
    density_matrix,
    expectation_and_gradient,
    from_qasm,
    statevector,
    to_qasm,
)


def test_pennylane_has_the_same_states_gradients_and_noise():
    pytest.importorskip("pennylane")
    from tests.quantum import pennylane_peer as peer

    for seed in range(12):
        rng = np.random.default_rng(seed)
        circuit, observable = random_circuit(rng, 3, 20), random_observable(rng, 3)
        values = rng.uniform(-3, 3, circuit.n_parameters)
        assert statevector(circuit, values) == pytest.approx(peer.peer_state(circuit, values), abs=1e-10)
        value, gradient = expectation_and_gradient(circuit, observable, values)
        peer_value, peer_gradient = peer.peer_expectation_and_gradient(circuit, observable, values)
        assert value == pytest.approx(peer_value, abs=1e-10)
        assert gradient == pytest.approx(peer_gradient, abs=1e-10)
        noisy = circuit.noisy(depolarizing=0.03, dephasing=0.02, amplitude_damping=0.05)
        rho = peer.peer_density_matrix(noisy, values)
        assert density_matrix(noisy, values) == pytest.approx(rho, abs=1e-10)


def test_qiskit_counts_qubits_from_the_other_end():
    qiskit = pytest.importorskip("qiskit")
    from qiskit.quantum_info import Statevector

    gates = [H(0), RX(0.3, 1), CNOT(1, 0), RY(0.4, 2), U3(0.1, 0.2, 0.3, 2).controlled(0), S(1)]
    circuit = Circuit(3, [*gates, Phase(0.6, 0).controlled(1), RZZ(0.5, 0, 2)])
    theirs = qiskit.QuantumCircuit.from_qasm_str(to_qasm(circuit))
    reversed_state = Statevector(theirs).data.reshape(2, 2, 2).transpose(2, 1, 0).reshape(-1)
    assert statevector(circuit) == pytest.approx(reversed_state, abs=1e-12)
    back = from_qasm(qiskit.qasm2.dumps(theirs))
    assert statevector(back) == pytest.approx(statevector(circuit), abs=1e-12)
