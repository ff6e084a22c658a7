"""What a circuit can do besides gates: noise channels, measurements on the way, and gates that depend on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.errors import CircuitError
from workbench.quantum.angles import constant
from workbench.quantum.gates import PAULIS, Gate


@dataclass(frozen=True)
class Channel:
    """A noise channel ρ → Σ K ρ K† on one qubit.

    Attributes:
        name: "Depolarizing", "Dephasing" or "AmplitudeDamping".
        qubit: the qubit it acts on.
        probability: how strong it is, from 0 to 1.
    """

    name: str
    qubit: int
    probability: float
    angles = ()
    controls = ()

    def __post_init__(self) -> None:
        if not 0.0 <= constant(self.probability) <= 1.0:
            raise CircuitError(
                f"the strength of {self.name} is a probability",
                found=f"got {self.probability!r}, expected 0 to 1",
                where=f"qubit {self.qubit}",
            )

    @property
    def qubits(self) -> tuple[int, ...]:
        """The qubit, as a tuple."""
        return (self.qubit,)

    @property
    def kraus(self) -> list[np.ndarray]:
        """The operators K, shapes (2, 2); ΣK†K = 1."""
        p = self.probability
        if self.name == "Depolarizing":
            return [math.sqrt(1 - p) * PAULIS["I"], *(math.sqrt(p / 3) * PAULIS[letter] for letter in "XYZ")]
        if self.name == "Dephasing":
            return [math.sqrt(1 - p) * PAULIS["I"], math.sqrt(p) * PAULIS["Z"]]
        return [
            np.diag([1.0, math.sqrt(1 - p)]).astype(complex),
            math.sqrt(p) * np.array([[0, 1], [0, 0]], dtype=complex),
        ]

    @cached_property
    def superoperator(self) -> np.ndarray:
        """Σ K ⊗ K*, acting on (row bit, column bit) of the density matrix. Shape (4, 4)."""
        return sum(np.kron(k, k.conj()) for k in self.kraus)

    def on(self, qubits: Sequence[int]) -> Channel:
        """The same channel with qubit i renamed to ``qubits[i]``."""
        return replace(self, qubit=qubits[self.qubit])

    def __str__(self) -> str:
        return f"{self.name}({self.probability:.4g}, {self.qubit})"


@dataclass(frozen=True)
class Measurement:
    """A measurement of one qubit in the basis |0⟩, |1⟩, whose outcome has a name."""

    qubit: int
    name: str
    angles = ()
    controls = ()

    @property
    def qubits(self) -> tuple[int, ...]:
        """The qubit, as a tuple."""
        return (self.qubit,)

    def on(self, qubits: Sequence[int]) -> Measurement:
        """The same measurement with qubit i renamed to ``qubits[i]``."""
        return replace(self, qubit=qubits[self.qubit])

    def __str__(self) -> str:
        return f"Measure({self.qubit}, {self.name!r})"


@dataclass(frozen=True)
class Conditional:
    """A gate that acts only where an earlier measurement had the outcome ``value``."""

    gate: Gate
    name: str
    value: int = 1

    @property
    def qubits(self) -> tuple[int, ...]:
        """The gate's."""
        return self.gate.qubits

    @property
    def angles(self) -> tuple:
        """The gate's."""
        return self.gate.angles

    def on(self, qubits: Sequence[int]) -> Conditional:
        """The same with qubit i renamed to ``qubits[i]``."""
        return replace(self, gate=self.gate.on(qubits))

    def __str__(self) -> str:
        return f"When({self.name!r}={self.value}, {self.gate})"


Operation = Gate | Channel | Measurement | Conditional


def Depolarizing(probability: float, qubit: int) -> Channel:
    """ρ → (1-p) ρ + p/3 (XρX + YρY + ZρZ)."""
    return Channel("Depolarizing", qubit, probability)


def Dephasing(probability: float, qubit: int) -> Channel:
    """ρ → (1-p) ρ + p ZρZ, a phase flip with probability p."""
    return Channel("Dephasing", qubit, probability)


def AmplitudeDamping(probability: float, qubit: int) -> Channel:
    """|1⟩ decays to |0⟩ with probability p."""
    return Channel("AmplitudeDamping", qubit, probability)


def Measure(qubit: int, name: str) -> Measurement:
    """Measure a qubit on the way; its outcome, 0 or 1, is kept under ``name``."""
    return Measurement(qubit, name)


def When(name: str, gate: Gate, *, value: int = 1) -> Conditional:
    """``gate``, only where the measurement ``name`` gave ``value``."""
    return Conditional(gate, name, value)
