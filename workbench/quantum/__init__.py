"""Quantum circuits on a simulator that is exact and differentiable.

    gates, angles, circuit    circuits as values; parameters have names
    paulis                    observables, sums of products of Pauli matrices
    simulate                  states, expectations, and their reversible gradients
    program, kernels, lanes   how: gates fused and ordered into passes over the memory; compiled loops; vectors
    reference                 the same in plain NumPy, which the engine differentiates
    shift, geometry           the parameter-shift rule, Hessians; the quantum geometric tensor
    operations                noise channels, measurements on the way, feedback
    density, sampling         density matrices; shots
    torch_layers              expectations and states in torch's autograd; torch_simulator is made of torch operations
    engine_rules              the same in ∂P programs
    drawing, qasm, qasm3      circuits as text, and as OpenQASM 2 and 3

Qubit 0 is the first letter of |q0 q1 …⟩ and the most significant bit of an index into a state, as in PennyLane
and Cirq; Qiskit counts from the other end. RX(θ) = exp(-iθX/2). A new gate goes into ``gates``.
"""

from workbench.quantum import engine_rules  # noqa: F401  teaches the engine
from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.density import density_matrix, noisy_expectation
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
from workbench.quantum.geometry import quantum_geometric_tensor, state_jacobian
from workbench.quantum.operations import AmplitudeDamping, Dephasing, Depolarizing, Measure, When
from workbench.quantum.paulis import PauliSum, heisenberg_ring, pauli
from workbench.quantum.qasm import from_qasm, to_qasm
from workbench.quantum.reference import reference_expectation, reference_state
from workbench.quantum.sampling import Samples, sample, sampled_expectation
from workbench.quantum.shift import hessian, parameter_shift_gradient
from workbench.quantum.simulate import expectation, expectation_and_gradient, state_pullback, statevector
from workbench.quantum.torch_layers import torch_expectation, torch_statevector

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
    "AmplitudeDamping",
    "Angle",
    "Circuit",
    "Dephasing",
    "Depolarizing",
    "Gate",
    "H",
    "Measure",
    "PauliRotation",
    "PauliSum",
    "Phase",
    "S",
    "Samples",
    "T",
    "Unitary",
    "When",
    "X",
    "Y",
    "Z",
    "controlled",
    "density_matrix",
    "expectation",
    "expectation_and_gradient",
    "from_qasm",
    "heisenberg_ring",
    "hessian",
    "noisy_expectation",
    "parameter_shift_gradient",
    "pauli",
    "quantum_geometric_tensor",
    "reference_expectation",
    "reference_state",
    "sample",
    "sampled_expectation",
    "state_jacobian",
    "state_pullback",
    "statevector",
    "to_qasm",
    "torch_expectation",
    "torch_statevector",
]
