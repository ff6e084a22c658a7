"""Natural gradient against Adam: steps as long in the space of states as they are meant to be.

θ ← θ - rate · (g + ε)⁻¹ ∇E, where g is the Fubini–Study metric, the real part of the quantum geometric tensor. With
rate ½ τ it is a step τ of imaginary time evolution, within what the circuit can reach.

Source: Stokes et al., "Quantum natural gradient", 2020, doi:10.22331/q-2020-05-25-269.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.quantum import (
    Circuit,
    PauliSum,
    expectation_and_gradient,
    heisenberg_ring,
    quantum_geometric_tensor,
)
from workbench.showcases.quantum_vqe.ansatz import circuit_of
from workbench.showcases.quantum_vqe.exact import diagonalised
from workbench.showcases.quantum_vqe.parameters import VQEParameters

STARTS, SEED = 10, 47
NATURAL_RATE, REGULARISATION = 0.2, 1e-3
ADAM_RATE, MEMORY, SQUARE_MEMORY, FLOOR = 0.1, 0.9, 0.999, 1e-8


def compare(parameters: VQEParameters) -> dict[str, np.ndarray]:
    """Gaps to the ground energy in each iteration, by both methods from the same starts.

    Returns:
        "natural gradient" and "Adam". Shapes (iterations + 1, starts).
    """
    circuit = circuit_of(parameters)
    ring = heisenberg_ring(parameters.sites, parameters.coupling)
    lowest = diagonalised(parameters.sites, parameters.coupling).energy
    starts = np.random.default_rng(SEED).uniform(0.0, 2.0 * math.pi, (STARTS, circuit.n_parameters))
    n = parameters.compared_iterations
    return {
        "natural gradient": np.stack([natural_descent(circuit, ring, row, n) for row in starts], axis=1)
        - lowest,
        "Adam": adam(circuit, ring, starts, n) - lowest,
    }


def natural_descent(circuit: Circuit, ring: PauliSum, angles: np.ndarray, iterations: int) -> np.ndarray:
    """Energies on the way. Shape (iterations + 1,)."""
    energies = []
    for _ in range(iterations + 1):
        energy, slope = expectation_and_gradient(circuit, ring, angles)
        energies.append(energy)
        metric = quantum_geometric_tensor(circuit, angles).real + REGULARISATION * np.eye(len(angles))
        angles = angles - NATURAL_RATE * np.linalg.solve(metric, slope)
    return np.array(energies)


def adam(circuit: Circuit, ring: PauliSum, angles: np.ndarray, iterations: int) -> np.ndarray:
    """Energies on the way, for rows of angles side by side. Shape (iterations + 1, starts)."""
    mean, square = np.zeros_like(angles), np.zeros_like(angles)
    energies = []
    for k in range(1, iterations + 2):
        energy, slope = expectation_and_gradient(circuit, ring, angles)
        energies.append(energy)
        mean = MEMORY * mean + (1.0 - MEMORY) * slope
        square = SQUARE_MEMORY * square + (1.0 - SQUARE_MEMORY) * slope**2
        size = np.sqrt(square / (1.0 - SQUARE_MEMORY**k)) + FLOOR
        angles = angles - ADAM_RATE * mean / (1.0 - MEMORY**k) / size
    return np.array(energies)
