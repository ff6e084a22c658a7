"""The circuits whose angles are learnt.

Source: published: Rackauckas et al., 2020, and its published code (28 angles for four sites and two layers).
Hamiltonian-variational: Wecker, Hastings & Troyer, "Progress towards practical quantum variational algorithms", 2015,
doi:10.1103/PhysRevA.92.042303; for the ring: Wierichs, Gogolin & Kastoryano, "Avoiding local minima in variational
quantum eigensolvers with the natural gradient optimizer", 2020, doi:10.1103/PhysRevResearch.2.043246.
"""

from __future__ import annotations

from functools import lru_cache

from workbench.errors import ParameterError
from workbench.quantum import CNOT, RX, RXX, RYY, RZ, RZZ, Circuit, H, X
from workbench.showcases.quantum_vqe.parameters import VQEParameters


def circuit_of(parameters: VQEParameters) -> Circuit:
    """The circuit that the parameters describe, without noise."""
    return make_circuit(parameters.ansatz, parameters.sites, parameters.layers)


@lru_cache(maxsize=64)
def make_circuit(ansatz: str, sites: int, layers: int) -> Circuit:
    """A circuit by name.

    Raises:
        ParameterError: the Hamiltonian-variational circuit pairs neighbours, and the ring is odd.
    """
    if ansatz == "published":
        return published_circuit(sites, layers)
    if sites % 2 == 1:
        raise ParameterError(
            "the ansatz 'hamiltonian' pairs the spins of the ring",
            found=f"got sites = {sites}, an odd number",
            where="sites",
            fix=f"use {sites - 1} or {sites + 1} sites, or ansatz = 'published'",
        )
    return hamiltonian_circuit(sites, layers)


def published_circuit(sites: int, layers: int) -> Circuit:
    """Rotations of every qubit with rings of CNOTs between: RX RZ | RZ RX RZ | … | RZ RX.

    Args:
        sites: qubits.
        layers: rings of CNOTs. sites · (3 layers + 1) angles, named by layer, qubit and place: "1.3b".
    """
    gates = []
    for layer in range(layers + 1):
        turns = {0: (RX, RZ), layers: (RZ, RX)}.get(layer, (RZ, RX, RZ))
        gates += [
            turn(f"{layer}.{q}{'abc'[place]}", q) for q in range(sites) for place, turn in enumerate(turns)
        ]
        if layer < layers:
            gates += [CNOT(q, (q + 1) % sites) for q in range(sites if sites > 2 else 1)]
    return Circuit(sites, gates)


def hamiltonian_circuit(sites: int, layers: int) -> Circuit:
    """Singlets on every second bond, then in turn exp(-iθ/2 Σ (XX + YY + ZZ)) over the other bonds and over these.

    The state keeps total spin 0 and the symmetries of the ring, as the ground state has them.

    Args:
        sites: qubits, an even number.
        layers: pairs of such pieces. 2 · layers angles.
    """
    gates = []
    for q in range(0, sites, 2):
        gates += [X(q), H(q), X(q + 1), CNOT(q, q + 1)]
    paired = [(q, q + 1) for q in range(0, sites, 2)]
    between = [(q, (q + 1) % sites) for q in range(1, sites, 2)]
    for layer in range(layers):
        for name, bonds in (("between", between), ("paired", paired)):
            gates += [turn(f"{name} {layer}", *bond) for bond in bonds for turn in (RXX, RYY, RZZ)]
    return Circuit(sites, gates)
