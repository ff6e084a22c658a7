"""What limits the learning: circuits too shallow, and gradients that vanish.

How deep is deep enough? The states near a circuit's state form a surface; its dimension is the rank of the
Fubini–Study metric. A circuit whose rank has reached the most that its gates allow can move in every direction there
is, and traps become rare (overparametrisation). With fewer angles the surface bends past the ground state.

Why not go deeper at once? In random deep circuits of gates without structure the gradient is exponentially small in
the number of qubits (a barren plateau).

Source: Larocca et al., "Theory of overparametrization in quantum neural networks", 2023,
doi:10.1038/s43588-023-00467-6; McClean et al., "Barren plateaus in quantum neural network training landscapes", 2018,
doi:10.1038/s41467-018-07090-4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from workbench.quantum import Circuit, expectation_and_gradient, heisenberg_ring, quantum_geometric_tensor
from workbench.showcases.quantum_vqe.ansatz import make_circuit
from workbench.showcases.quantum_vqe.exact import diagonalised
from workbench.showcases.quantum_vqe.loss import make_training
from workbench.showcases.quantum_vqe.parameters import VQEParameters

PUBLISHED_DEPTHS = (1, 2, 3, 5)
"""Rings of CNOTs tried on four sites."""

RANK_TOLERANCE = 1e-9
RANK_SEED, PLATEAU_SEED = 27, 37

ITERATIONS, RATE = 600, 0.05
"""Of Adam with a cosine schedule, in the study of depths."""


def depth_study(parameters: VQEParameters) -> list[dict[str, Any]]:
    """Which circuits reach the ground state: the published one by depth, the Hamiltonian-variational one by length.

    Returns:
        for each circuit: ansatz, sites, layers, angles, the metric's ``rank``, and ``gaps`` (starts,) after training.
    """
    cases = [("published", 4, layers) for layers in PUBLISHED_DEPTHS]
    for sites in range(4, parameters.study_sites + 1, 2):
        cases += [("hamiltonian", sites, max(1, sites // 4)), ("hamiltonian", sites, sites)]
    return [reach(parameters, *case) for case in cases]


def reach(parameters: VQEParameters, ansatz: str, sites: int, layers: int) -> dict[str, Any]:
    """Train one circuit from ``study_starts`` random starts."""
    asked = parameters.changed(
        ansatz=ansatz,
        sites=sites,
        layers=layers,
        starts=parameters.study_starts,
        iterations=min(ITERATIONS, 3 * parameters.iterations),
        learning_rate=RATE,
        schedule="cosine",
        noise=0.0,
        shots=0,
    )
    training = make_training(asked)
    for _ in training:
        pass
    circuit = make_circuit(ansatz, sites, layers)
    gaps = training.problem.energies() - diagonalised(sites, parameters.coupling).energy
    return {
        "ansatz": ansatz,
        "sites": sites,
        "layers": layers,
        "angles": circuit.n_parameters,
        "rank": metric_rank(circuit),
        "gaps": np.sort(gaps),
    }


def metric_rank(circuit: Circuit) -> int:
    """The dimension of the surface of states that the circuit can reach, near random angles.

    At most 2 · 2**n - 2: a state's real numbers, less its length and its phase.
    """
    rng = np.random.default_rng(RANK_SEED)
    angles = rng.uniform(0.0, 2.0 * math.pi, circuit.n_parameters)
    values = np.linalg.eigvalsh(quantum_geometric_tensor(circuit, angles).real)
    return int((values > RANK_TOLERANCE * values.max()).sum())


def plateau_study(parameters: VQEParameters) -> list[dict[str, Any]]:
    """The variance of the energy's derivatives at random angles, against the number of sites.

    Per site, over all angles and ``samples`` random points: of deep circuits of both kinds, as many layers as sites
    (twice as many in the published one), and of the published one with a single layer.

    Returns:
        for each kind: ``name``, ``sites`` (n,), ``variances`` (n,), and ``decades``: powers of 10 for each site.
    """
    sizes = np.arange(4, parameters.plateau_sites + 1, 2)
    kinds = {
        "published, 1 layer": ("published", lambda n: 1),
        "published, 2 n layers": ("published", lambda n: 2 * n),
        "hamiltonian, n layers": ("hamiltonian", lambda n: n),
    }
    found = []
    for name, (ansatz, depth) in kinds.items():
        variances = [
            gradient_variance(make_circuit(ansatz, int(n), depth(int(n))), parameters.samples) for n in sizes
        ]
        slope = np.polyfit(sizes, np.log10(variances), 1)[0] if len(sizes) > 1 else math.nan
        found.append(
            {"name": name, "sites": sizes, "variances": np.array(variances), "decades": float(slope)}
        )
    return found


def gradient_variance(circuit: Circuit, samples: int) -> float:
    """The mean square of the derivatives of the ring's energy per site at random angles."""
    sites, rng = circuit.n_qubits, np.random.default_rng(PLATEAU_SEED)
    angles = rng.uniform(0.0, 2.0 * math.pi, (samples, circuit.n_parameters))
    ring = heisenberg_ring(sites) / sites
    return float(np.square(expectation_and_gradient(circuit, ring, angles)[1]).mean())
