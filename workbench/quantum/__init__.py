"""Quantum circuits on a simulator that is exact and differentiable.

    gates, angles, circuit    circuits as values; parameters have names
    paulis                    observables, sums of products of Pauli matrices
    simulate                  states, expectations, and their reversible gradients
    reference                 the same in plain NumPy, which the engine differentiates

Qubit 0 is the first letter of |q0 q1 …⟩ and the most significant bit of an index into a state, as in PennyLane
and Cirq; Qiskit counts from the other end. RX(θ) = exp(-iθX/2). A new gate goes into ``gates``.
"""

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import (
    CNOT,
    CZ,
    RX,
    RXX,
    RY,
    RYY,
    RZ,
    RZZ,
    SWAP,
    U3,
    Gate,
    H,
    PauliRotation,
    Phase,
    S,
    T,
    Unitary,
    X,
    Y,
    Z,
    controlled,
)
from workbench.quantum.paulis import PauliSum, heisenberg_ring, pauli
from workbench.quantum.reference import reference_expectation, reference_state
from workbench.quantum.simulate import expectation, expectation_and_gradient, state_pullback, statevector

__all__ = [
    "CNOT",
    "CZ",
    "RX",
    "RXX",
    "RY",
    "RYY",
    "RZ",
    "RZZ",
    "SWAP",
    "U3",
    "Angle",
    "Circuit",
    "Gate",
    "H",
    "PauliRotation",
    "PauliSum",
    "Phase",
    "S",
    "T",
    "Unitary",
    "X",
    "Y",
    "Z",
    "controlled",
    "expectation",
    "expectation_and_gradient",
    "heisenberg_ring",
    "pauli",
    "reference_expectation",
    "reference_state",
    "state_pullback",
    "statevector",
]
