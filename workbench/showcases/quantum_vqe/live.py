"""What the live views draw while the circuits learn.

The keys are those of ``workbench.training.Problem.snapshot``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quantum import Circuit, expectation, heisenberg_ring, statevector
from workbench.showcases.quantum_vqe.exact import Exact, correlation, diagonalised
from workbench.showcases.quantum_vqe.parameters import VQEParameters

if TYPE_CHECKING:
    from workbench.showcases.quantum_vqe.loss import Angles

Picture = dict[str, Any]

SHOWN_STATES = 64
"""Basis states drawn: those that matter most in the ground state."""

FEW = 5
"""So many starts get a line each; of more, the best, the median and the worst are drawn."""


def training_picture(circuit: Circuit, modules: Angles, parameters: VQEParameters, every: int) -> Picture:
    """Energies, amplitudes and correlations.

    Args:
        circuit: without noise.
        modules: the angles and the energies so far.
        parameters: of the training.
        every: iterations between two kept energies.
    """
    exact = diagonalised(parameters.sites, parameters.coupling)
    energies = modules.energies.numpy()
    known = energies[np.isfinite(energies).all(axis=1)]
    angles = modules.angles.detach().numpy()
    now = expectation(circuit, heisenberg_ring(parameters.sites, parameters.coupling), angles)
    best = angles[int(now.argmin())]
    return {
        **energy_picture(known, exact, every),
        "text:gaps": gap_text(now - exact.energy),
        "picture:Amplitudes": amplitude_picture(statevector(circuit, best), exact),
        "picture:Correlations": correlation_picture(circuit, best, exact),
    }


def energy_picture(energies: np.ndarray, exact: Exact, every: int) -> Picture:
    """The energies of the starts over the iterations, with the two lowest levels of the ring.

    Args:
        energies: shape (rows, starts).
        exact: the levels.
        every: iterations from row to row.
    """
    at = np.arange(len(energies)) * every
    if energies.shape[1] <= FEW:
        rows = {f"start {i + 1}": energies[:, i] for i in range(energies.shape[1])}
    else:
        rows = {"best": energies.min(1), "median": np.median(energies, axis=1), "worst": energies.max(1)}
    picture: Picture = {"text:title": "Energy", "text:x": "iteration", "text:y": "energy"}
    for name, row in rows.items():
        picture[f"curve:{name}"] = np.column_stack([at, row])
    for name, level in zip(("ground state", "next level"), exact.levels[:2], strict=False):
        picture[f"curve:{name}"] = np.array([[0.0, level], [max(at[-1:], default=1), level]])
    return picture


def amplitude_picture(psi: np.ndarray, exact: Exact) -> Picture:
    """Probabilities of the basis states in the best start, as lines, and in the ground state, as markers.

    Only where the ground state is one state, as otherwise any combination is as good.
    """
    aim = np.abs(exact.ground) ** 2
    aim = aim.mean(0)
    kept = np.sort(np.argsort(-aim, kind="stable")[:SHOWN_STATES])
    place, seen = np.arange(len(kept)), (np.abs(psi) ** 2)[kept]
    stems = np.stack(
        [
            np.column_stack([place, np.zeros(len(kept))]),
            np.column_stack([place, seen]),
            np.full((len(kept), 2), np.nan),
        ],
        axis=1,
    )
    return {
        "text:title": "Probabilities",
        "text:x": "basis state" + (f" (the {len(kept)} likeliest)" if len(kept) < len(psi) else ""),
        "text:y": "probability",
        "curve:best start": stems.reshape(-1, 2),
        "point:ground state": np.column_stack([place, aim[kept]]),
    }


def correlation_picture(circuit: Circuit, angles: np.ndarray, exact: Exact) -> Picture:
    """⟨S·S⟩ over the distance of two spins: in the best start as a line, in the ground state as markers."""
    distances, found, aim = correlations(circuit, angles, exact)
    return {
        "text:title": "Spin correlations",
        "text:x": "distance on the ring",
        "text:y": "⟨S·S⟩",
        "curve:best start": np.column_stack([distances, found]),
        "point:ground state": np.column_stack([distances, aim]),
    }


def correlations(
    circuit: Circuit, angles: np.ndarray, exact: Exact
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances 0, 1, …, sites/2; the correlations of the prepared state; those of the ground level. Shapes (n,)."""
    sites = circuit.n_qubits
    distances = np.arange(1, sites // 2 + 1)
    found, aim = [0.75], [0.75]
    for distance in distances:
        observable = correlation(sites, int(distance))
        found.append(expectation(circuit, observable, angles))
        aim.append(
            np.mean([np.vdot(state, observable.apply(state.astype(complex))).real for state in exact.ground])
        )
    return np.arange(sites // 2 + 1), np.array(found), np.array(aim)


def gap_text(gaps: np.ndarray) -> str:
    """How many starts have come how near."""
    near = ", ".join(f"{(gaps < limit).sum()} within {limit:g}" for limit in (1e-3, 1e-6))
    return (
        f"Of {len(gaps)} starts {near} of the ground energy; the best is {max(gaps.min(), 0.0):.1e} above it"
    )
