"""The ring's levels and its ground state, by diagonalisation: what the learning is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from workbench.quantum import PauliSum, heisenberg_ring, pauli

DENSE_SITES = 8
"""Up to here the whole matrix is diagonalised."""

LEVELS = 12
"""Found on longer rings."""

SAME = 1e-8
"""Energies closer than this are one level."""


@dataclass(frozen=True)
class Exact:
    """What is known of a ring.

    Attributes:
        levels: different energies, the lowest first.
        ground: orthonormal states of the lowest level. Shape (states, 2**sites).
    """

    levels: np.ndarray
    ground: np.ndarray

    @property
    def energy(self) -> float:
        """Of the ground state."""
        return float(self.levels[0])


@lru_cache(maxsize=32)
def diagonalised(sites: int, coupling: float) -> Exact:
    """The levels of the ring. All of them up to ``DENSE_SITES``, the lowest few beyond."""
    ring = heisenberg_ring(sites, coupling)
    if sites <= DENSE_SITES:
        energies, states = np.linalg.eigh(ring.matrix(sites))
    else:
        size = 2**sites
        operator = LinearOperator(
            (size, size), matvec=lambda v: ring.apply(v.reshape(size).astype(complex)).real, dtype=float
        )
        start = np.random.default_rng(0).normal(size=size)
        energies, states = eigsh(operator, LEVELS, which="SA", v0=start, tol=1e-13)
        order = np.argsort(energies)
        energies, states = energies[order], states[:, order]
    ground = states[:, energies < energies[0] + SAME].T
    kept = np.concatenate([[True], np.diff(energies) > SAME])
    return Exact(energies[kept], ground)


def correlation(sites: int, distance: int) -> PauliSum:
    """⟨S·S⟩ of two spins so far apart, S being half the Pauli matrices, averaged over the ring."""
    pairs = [(q, (q + distance) % sites) for q in range(sites)]
    return sum((pauli(2 * letter, *pair) for pair in pairs for letter in "XYZ"), PauliSum({})) / (4.0 * sites)
