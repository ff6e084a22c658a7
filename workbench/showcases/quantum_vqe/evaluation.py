"""How near each start has come to the ground state, and what noise and shots do to the best of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.quantum import PauliSum, expectation, noisy_expectation, sampled_expectation, statevector
from workbench.showcases.quantum_vqe.exact import diagonalised
from workbench.showcases.quantum_vqe.live import correlations
from workbench.showcases.quantum_vqe.loss import EnergyProblem, kept_every
from workbench.showcases.quantum_vqe.parameters import VQEParameters
from workbench.training import Training

NOISES = np.array([0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1])
"""Chances of an error after each gate, for each qubit it touched."""

NOISY_SITES = 6
"""Density matrices of longer rings take too long for a notebook."""

SHOTS = np.array([10, 100, 1000, 10_000])
REPEATS = 200
SHOT_SEED = 17


def evaluate(training: Training, parameters: VQEParameters) -> dict[str, Any]:
    """The starts against exact diagonalisation.

    Returns:
        ``metrics``: exact and reached energies, shares of the starts within 1e-3 and 1e-6, the best start's overlap
        with the ground level; ``tables``: spin correlations; ``arrays``: energies on the way, gaps, probabilities,
        the energy over the noise, the scatter over the shots; ``timings``: seconds_of_training.
    """
    problem: EnergyProblem = training.problem
    exact = diagonalised(parameters.sites, parameters.coupling)
    angles = problem.modules.angles.detach().numpy()
    energies = expectation(problem.circuit, problem.ring, angles)
    gaps = energies - exact.energy
    best = angles[int(gaps.argmin())]
    psi = statevector(problem.circuit, best)
    distances, found, aim = correlations(problem.circuit, best, exact)
    kept = problem.modules.energies.numpy()
    return {
        "metrics": {
            "ground_energy": exact.energy,
            "lowest_energy": float(energies.min()),
            "lowest_gap": float(gaps.min()),
            "median_gap": float(np.median(gaps)),
            "largest_gap": float(gaps.max()),
            "share_within_1e-3": float((gaps < 1e-3).mean()),
            "share_within_1e-6": float((gaps < 1e-6).mean()),
            "overlap_with_the_ground_level": float((np.abs(exact.ground.conj() @ psi) ** 2).sum()),
            "angles": problem.circuit.n_parameters,
            "gates": len(problem.circuit),
        },
        "tables": {
            "correlations": [
                {"distance": int(d), "found": round(float(f), 6), "exact": round(float(a), 6)}
                for d, f, a in zip(distances, found, aim, strict=True)
            ]
        },
        "arrays": {
            "kept_iterations": np.arange(len(kept)) * kept_every(parameters),
            "energies": kept,
            "levels": exact.levels[:6],
            "gaps": np.sort(gaps),
            "probabilities": np.abs(psi) ** 2,
            "ground_probabilities": (np.abs(exact.ground) ** 2).mean(0),
            "distances": distances,
            "found_correlations": found,
            "exact_correlations": aim,
            **_noise_arrays(problem, best),
            **shot_scatter(problem, best),
        },
        "timings": {"seconds_of_training": training.seconds},
    }


def _noise_arrays(problem: EnergyProblem, angles: np.ndarray) -> dict[str, np.ndarray]:
    """The best start's energy for each strength of noise; no strengths for rings too long for density matrices."""
    noises = NOISES if problem.parameters.sites <= NOISY_SITES else NOISES[:1]
    energies = [noisy_energy(problem, float(noise), angles) for noise in noises]
    return {"noises": noises, "noisy_energies": np.array(energies)}


def noisy_energy(problem: EnergyProblem, noise: float, angles: np.ndarray) -> float:
    """The energy of the prepared state with noise after each gate."""
    circuit = problem.circuit.noisy(depolarizing=noise)
    return float((noisy_expectation if noise else expectation)(circuit, problem.ring, angles))


def shot_scatter(problem: EnergyProblem, angles: np.ndarray) -> dict[str, np.ndarray]:
    """How far measured energies scatter at the first start's angles, and what quantum mechanics says.

    Returns:
        shots (n,), measured and predicted standard deviations (n,). At the angles of a random state: in the ground
        state itself, an eigenstate, the energy scatters only because its terms are measured one setting at a time.
    """
    rng = np.random.default_rng(SHOT_SEED)
    rows = np.repeat(angles[None], REPEATS, axis=0)
    measured = [
        np.std(sampled_expectation(problem.circuit, problem.ring, rows, shots=int(shots), rng=rng), ddof=1)
        for shots in SHOTS
    ]
    one = np.sqrt(setting_variance(problem, angles))
    return {"shots": SHOTS, "scatter": np.array(measured), "predicted_scatter": one / np.sqrt(SHOTS)}


def setting_variance(problem: EnergyProblem, angles: np.ndarray) -> float:
    """The variance of an energy measured with one shot for each of the settings XX, YY and ZZ: Σ ⟨A²⟩ - ⟨A⟩²."""
    psi = statevector(problem.circuit, angles)
    total = 0.0
    for letter in "XYZ":
        part = PauliSum(
            {key: weight for key, weight in problem.ring.terms.items() if key[0][1] == letter}
        ).apply(psi)
        total += np.vdot(part, part).real - np.vdot(psi, part).real ** 2
    return float(total)
