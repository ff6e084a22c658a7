"""The quantum geometric tensor of the states that a circuit can reach: their distances, seen from the parameters."""

from __future__ import annotations

import numpy as np

from workbench.quantum.circuit import Circuit
from workbench.quantum.simulate import Parameters, statevector


def state_jacobian(
    circuit: Circuit, parameters: Parameters, state: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The state and its derivative by each parameter.

    Every matrix element is a combination of 1, e^{±iθ/2} and e^{±iθ}: differences at two shifts are exact.

    Returns:
        Shapes (2**n,) and (n_parameters, 2**n).
    """
    free, positions, scales, offsets = circuit.separated
    values = circuit.parameter_vector(parameters)
    angles = values[positions] * scales + offsets
    psi = statevector(free, angles, state)
    jacobian = np.zeros((circuit.n_parameters, psi.size), dtype=complex)
    for k, step in enumerate(np.eye(len(angles))):
        slope = sum(
            weight * statevector(free, angles + shift * step, state) for weight, shift in _PERIOD_RULE
        )
        jacobian[positions[k]] += scales[k] * slope
    return psi, jacobian


def quantum_geometric_tensor(
    circuit: Circuit, parameters: Parameters, state: np.ndarray | None = None
) -> np.ndarray:
    """Q_jk = ⟨∂_j ψ|∂_k ψ⟩ - ⟨∂_j ψ|ψ⟩⟨ψ|∂_k ψ⟩.

    Its real part is the Fubini–Study metric, a quarter of the quantum Fisher information; its imaginary part
    minus half the Berry curvature.

    Returns:
        Shape (n_parameters, n_parameters), Hermitian.

    Source: Stokes et al., Quantum natural gradient, 2020, doi:10.22331/q-2020-05-25-269.
    """
    psi, jacobian = state_jacobian(circuit, parameters, state)
    overlaps = jacobian.conj() @ psi
    return jacobian.conj() @ jacobian.T - np.outer(overlaps, overlaps.conj())


def _period_rule() -> tuple[tuple[float, float], ...]:
    """Weights and shifts that differentiate 1, e^{±iθ/2} and e^{±iθ} exactly."""
    found = []
    for shift, weight in zip((np.pi / 2, 3 * np.pi / 2), _solve(), strict=True):
        found += [(weight, shift), (-weight, -shift)]
    return tuple(found)


def _solve() -> np.ndarray:
    """2 Σ w sin(ω s) = ω for the frequencies ω = ½ and 1, with shifts s of a quarter and three quarters of a turn."""
    shifts = np.array([np.pi / 2, 3 * np.pi / 2])
    frequencies = np.array([0.5, 1.0])
    return np.linalg.solve(2 * np.sin(np.outer(frequencies, shifts)), frequencies)


_PERIOD_RULE = _period_rule()
