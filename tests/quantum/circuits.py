"""Random circuits and observables that the tests share."""

from __future__ import annotations

import numpy as np

from workbench.quantum import (
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
    Angle,
    Circuit,
    H,
    PauliRotation,
    PauliSum,
    Phase,
    S,
    T,
    Unitary,
    X,
    Y,
    Z,
)

ONE = (X, Y, Z, H, S, T, RX, RY, RZ, Phase)
TWO = (CNOT, CZ, SWAP, RXX, RYY, RZZ)


def random_unitary(rng: np.random.Generator, n_qubits: int) -> np.ndarray:
    size = 2**n_qubits
    q, r = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


def random_gate(rng: np.random.Generator, n_qubits: int, n_parameters: int):
    """Any kind of gate, with up to two controls."""

    def angle():
        if rng.random() < 0.2:
            return float(rng.uniform(-4, 4))
        name = f"p{rng.integers(n_parameters)}"
        return Angle(name, float(rng.choice([1.0, 1.0, -0.5, 2.0])), float(rng.choice([0.0, 0.3])))

    qubits = [int(q) for q in rng.permutation(n_qubits)]
    kinds = ["one", "one", "u3", "unitary1"] + (["two", "two", "unitary2"] if n_qubits > 1 else [])
    kind = rng.choice(kinds + (["pauli"] if n_qubits > 2 else []))
    if kind == "one":
        make = ONE[rng.integers(len(ONE))]
        gate = make(angle(), qubits[0]) if make in (RX, RY, RZ, Phase) else make(qubits[0])
    elif kind == "u3":
        gate = U3(angle(), angle(), angle(), qubits[0])
    elif kind == "two":
        make = TWO[rng.integers(len(TWO))]
        gate = make(angle(), *qubits[:2]) if make in (RXX, RYY, RZZ) else make(*qubits[:2])
    elif kind == "pauli":
        gate = PauliRotation("".join(rng.choice(list("XYZ"), 3)), angle(), *qubits[:3])
    else:
        k = int(kind[-1])
        gate = Unitary(random_unitary(rng, k), *qubits[:k])
    free = qubits[len(gate.qubits) :]
    return gate.controlled(*free[: int(rng.choice([0, 0, 0, 1, 2]))])


def random_circuit(rng: np.random.Generator, n_qubits: int, n_gates: int, n_parameters: int = 5) -> Circuit:
    return Circuit(n_qubits, [random_gate(rng, n_qubits, n_parameters) for _ in range(n_gates)])


def random_observable(rng: np.random.Generator, n_qubits: int, n_terms: int = 6) -> PauliSum:
    return PauliSum(
        {"".join(rng.choice(list("IXYZ"), n_qubits)): float(rng.normal()) for _ in range(n_terms)}
    )


def random_state(rng: np.random.Generator, n_qubits: int) -> np.ndarray:
    state = rng.normal(size=2**n_qubits) + 1j * rng.normal(size=2**n_qubits)
    return state / np.linalg.norm(state)
