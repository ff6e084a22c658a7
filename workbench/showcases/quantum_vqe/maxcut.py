"""QAOA: cutting a graph in two with as many edges as possible between the parts.

Each node is a qubit, each edge (1 - ZZ)/2. A round turns by the cut, e^{iγ ΣZZ/2}, and mixes, e^{-iβ ΣX}.

Source: Farhi, Goldstone & Gutmann, "A quantum approximate optimization algorithm", 2014, arXiv:1411.4028; starting
rounds p + 1 from those of p: Zhou et al., 2020, doi:10.1103/PhysRevX.10.021067.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from workbench.quantum import (
    RX,
    RZZ,
    Angle,
    Circuit,
    H,
    PauliSum,
    expectation_and_gradient,
    pauli,
    statevector,
)

Edges = tuple[tuple[int, int], ...]

WAGNER: Edges = (*((k, (k + 1) % 8) for k in range(8)), *((k, k + 4) for k in range(4)))
"""Eight nodes on a ring, each also joined with the one opposite: 12 edges, of which 10 can be cut."""


@dataclass(frozen=True)
class Round:
    """What a QAOA circuit of so many rounds has learnt.

    Attributes:
        rounds: pairs of angles.
        angles: γ and β of each round. Shape (2 · rounds,).
        expected: edges cut on average.
        chances: probability of each of the 2**nodes ways to cut.
    """

    rounds: int
    angles: np.ndarray
    expected: float
    chances: np.ndarray


def cut_observable(edges: Edges) -> PauliSum:
    """The number of edges cut."""
    return sum((0.5 - 0.5 * pauli("ZZ", a, b) for a, b in edges), PauliSum({}))


def cut_sizes(edges: Edges) -> np.ndarray:
    """The edges cut by each way to divide the nodes; node 0 is the most significant bit. Shape (2**nodes,)."""
    n = n_nodes(edges)
    index = np.arange(2**n)
    bits = index[:, None] >> np.arange(n - 1, -1, -1) & 1
    return sum((bits[:, a] != bits[:, b]).astype(int) for a, b in edges)


def n_nodes(edges: Edges) -> int:
    """How many nodes, counted from 0."""
    return 1 + max(node for edge in edges for node in edge)


def qaoa_circuit(edges: Edges, rounds: int) -> Circuit:
    """The circuit, with the angles gamma 0, beta 0, gamma 1, …"""
    n = n_nodes(edges)
    gates = [H(q) for q in range(n)]
    for k in range(rounds):
        gates += [RZZ(Angle(f"gamma {k}", scale=-1.0), *edge) for edge in edges]
        gates += [RX(Angle(f"beta {k}", scale=2.0), q) for q in range(n)]
    return Circuit(n, gates)


def learn_cut(edges: Edges, most_rounds: int) -> list[Round]:
    """Learn one round, then two from there, and so on, by BFGS with the simulator's gradient."""
    observable, found = cut_observable(edges), []
    gammas, betas = np.array([0.5]), np.array([0.3])
    for rounds in range(1, most_rounds + 1):
        circuit = qaoa_circuit(edges, rounds)

        def uncut(angles: np.ndarray, circuit: Circuit = circuit) -> tuple[float, np.ndarray]:
            value, slope = expectation_and_gradient(circuit, observable, angles)
            return -value, -slope

        start = np.column_stack([gammas, betas]).ravel()
        angles = minimize(uncut, start, jac=True, method="BFGS").x
        chances = np.abs(statevector(circuit, angles)) ** 2
        found.append(Round(rounds, angles, -uncut(angles)[0], chances))
        gammas, betas = _stretched(angles[::2]), _stretched(angles[1::2])
    return found


def _stretched(angles: np.ndarray) -> np.ndarray:
    """Angles for one round more, along the same curve."""
    p = len(angles)
    padded = np.concatenate([[0.0], angles, [0.0]])
    k = np.arange(1, p + 2)
    return (k - 1) / p * padded[k - 1] + (p - k + 1) / p * padded[k]
