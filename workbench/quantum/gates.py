"""Gates: what they are called, which qubits they act on, and their matrices.

The matrix of a gate on qubits (a, b) is written in the basis |ab⟩ = |00⟩, |01⟩, |10⟩, |11⟩: the first qubit is the
first letter. RX(θ) = exp(-iθX/2), and likewise for every product of Pauli matrices; Phase(φ) = diag(1, e^{iφ});
U3(θ, φ, λ) = Phase(φ) RY(θ) Phase(λ).

Source: Nielsen & Chuang, Quantum Computation and Quantum Information, 2010, section 4.2; U3 as in OpenQASM 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from numbers import Integral

import numpy as np

from workbench.errors import CircuitError, NotUnitaryError, QubitError
from workbench.quantum.angles import Angle, as_angle, constant

PAULIS = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]], dtype=complex),
}
FIXED = {
    **{name: PAULIS[name] for name in "XYZ"},
    "H": np.array([[1, 1], [1, -1]], dtype=complex) / math.sqrt(2.0),
    "S": np.diag([1, 1j]),
    "Sdg": np.diag([1, -1j]),
    "T": np.diag([1, np.exp(0.25j * math.pi)]),
    "Tdg": np.diag([1, np.exp(-0.25j * math.pi)]),
    "SWAP": np.eye(4, dtype=complex)[[0, 2, 1, 3]],
}
_DAGGERS = {"S": "Sdg", "Sdg": "S", "T": "Tdg", "Tdg": "T"}
_SHORT = {("X", 1): "CNOT", ("Z", 1): "CZ", ("X", 2): "Toffoli"}
MOST_UNITARY_QUBITS = 6


@dataclass(frozen=True)
class Gate:
    """One gate of a circuit. Made by the functions below, ``RX("a", 0)``, rather than directly.

    Attributes:
        name: "X", "RX", "RZZ", "U3", "Unitary", ...
        targets: the qubits that the matrix acts on.
        angles: in radians, numbers or parameters.
        controls: qubits that must all be 1 for the gate to act.
        entries: the rows of the matrix of a ``Unitary``.
    """

    name: str
    targets: tuple[int, ...]
    angles: tuple[float | Angle, ...] = ()
    controls: tuple[int, ...] = ()
    entries: tuple[tuple[complex, ...], ...] | None = None

    def __post_init__(self) -> None:
        for angle in self.angles:
            if not isinstance(angle, Angle):
                constant(angle)
        for qubit in self.qubits:
            if not isinstance(qubit, Integral) or isinstance(qubit, bool) or qubit < 0:
                raise QubitError(
                    f"{self.name} acts on a qubit that cannot be",
                    found=f"got {qubit!r}, expected 0 or a positive integer",
                    where=f"qubits {self.qubits}",
                    fix="qubits are counted from 0",
                )
        if len(set(self.qubits)) != len(self.qubits):
            raise QubitError(
                f"{self.name} names a qubit twice",
                found=f"controls {self.controls}, targets {self.targets}",
                fix="give each control and target a qubit of its own",
            )

    @property
    def qubits(self) -> tuple[int, ...]:
        """Controls, then targets."""
        return self.controls + self.targets

    @property
    def pauli(self) -> str | None:
        """The Pauli letters P of a rotation exp(-iθP/2), one for each target; None for other gates."""
        letters = self.name[1:]
        return letters if self.name[0] == "R" and letters and set(letters) <= set("XYZ") else None

    @property
    def title(self) -> str:
        """The name with the usual short forms for controlled gates: CNOT, CZ, Toffoli."""
        return _SHORT.get((self.name, len(self.controls))) or "C" * len(self.controls) + self.name

    def controlled(self, *controls: int) -> Gate:
        """The gate that acts only where all of ``controls`` are 1, besides the controls it has."""
        return replace(self, controls=tuple(controls) + self.controls)

    def dagger(self) -> Gate:
        """The inverse, U†."""
        if self.entries is not None:
            return replace(self, entries=_rows(np.array(self.entries).conj().T))
        if self.name == "U3":
            theta, phi, lam = self.angles
            return replace(self, angles=(-theta, -lam, -phi))
        return replace(
            self, name=_DAGGERS.get(self.name, self.name), angles=tuple(-angle for angle in self.angles)
        )

    def on(self, qubits: Sequence[int]) -> Gate:
        """The same gate with qubit i renamed to ``qubits[i]``."""
        return replace(
            self,
            targets=tuple(qubits[q] for q in self.targets),
            controls=tuple(qubits[q] for q in self.controls),
        )

    def __str__(self) -> str:
        arguments = [f"{a:.4g}" if isinstance(a, float) else str(a) for a in self.angles]
        return f"{self.title}({', '.join([*arguments, *map(str, self.qubits)])})"


def matrix_of(name: str, angles: Sequence = ()) -> np.ndarray:
    """The matrix of a named gate on its targets, in plain NumPy: angles may be traced by the engine.

    Args:
        name: a key of ``FIXED``, "Phase", "U3", or "R" followed by Pauli letters.
        angles: in radians.
    Returns:
        Shape (2**targets, 2**targets).
    """
    if name in FIXED:
        return FIXED[name]
    if name == "Phase":
        return np.array([[1.0, 0.0], [0.0, np.exp(1j * angles[0])]])
    if name == "U3":
        theta, phi, lam = angles
        cos, sin = np.cos(theta / 2), np.sin(theta / 2)
        return np.array(
            [
                [cos + 0j, -np.exp(1j * lam) * sin],
                [np.exp(1j * phi) * sin, np.exp(1j * (phi + lam)) * cos],
            ]
        )
    string = pauli_matrix(name[1:])
    return np.cos(angles[0] / 2) * np.eye(len(string)) - 1j * np.sin(angles[0] / 2) * string


def pauli_matrix(letters: str) -> np.ndarray:
    """The Kronecker product of Pauli matrices. Shape (2**n, 2**n)."""
    return reduce(np.kron, [PAULIS[letter] for letter in letters])


def _rows(matrix: np.ndarray) -> tuple[tuple[complex, ...], ...]:
    return tuple(tuple(complex(constant(z.real), constant(z.imag)) for z in row) for row in matrix.tolist())


# ------------------------------------------------------------------------------------------ the gates


def X(qubit: int) -> Gate:
    """The Pauli matrix X, a bit flip."""
    return Gate("X", (qubit,))


def Y(qubit: int) -> Gate:
    """The Pauli matrix Y."""
    return Gate("Y", (qubit,))


def Z(qubit: int) -> Gate:
    """The Pauli matrix Z, a phase flip."""
    return Gate("Z", (qubit,))


def H(qubit: int) -> Gate:
    """The Hadamard gate."""
    return Gate("H", (qubit,))


def S(qubit: int) -> Gate:
    """diag(1, i), the square root of Z."""
    return Gate("S", (qubit,))


def T(qubit: int) -> Gate:
    """diag(1, e^{iπ/4}), the square root of S."""
    return Gate("T", (qubit,))


def RX(angle: float | str | Angle, qubit: int) -> Gate:
    """exp(-iθX/2)."""
    return PauliRotation("X", angle, qubit)


def RY(angle: float | str | Angle, qubit: int) -> Gate:
    """exp(-iθY/2)."""
    return PauliRotation("Y", angle, qubit)


def RZ(angle: float | str | Angle, qubit: int) -> Gate:
    """exp(-iθZ/2)."""
    return PauliRotation("Z", angle, qubit)


def Phase(angle: float | str | Angle, qubit: int) -> Gate:
    """diag(1, e^{iφ})."""
    return Gate("Phase", (qubit,), (as_angle(angle, where="Phase"),))


def U3(theta: float | str | Angle, phi: float | str | Angle, lam: float | str | Angle, qubit: int) -> Gate:
    """Phase(φ) RY(θ) Phase(λ): every one-qubit gate up to a global phase."""
    return Gate("U3", (qubit,), tuple(as_angle(a, where="U3") for a in (theta, phi, lam)))


def CNOT(control: int, target: int) -> Gate:
    """X on the target where the control is 1."""
    return X(target).controlled(control)


def CZ(control: int, target: int) -> Gate:
    """Z on the target where the control is 1."""
    return Z(target).controlled(control)


def SWAP(first: int, second: int) -> Gate:
    """Exchange two qubits."""
    return Gate("SWAP", (first, second))


def RXX(angle: float | str | Angle, first: int, second: int) -> Gate:
    """exp(-iθ X⊗X/2)."""
    return PauliRotation("XX", angle, first, second)


def RYY(angle: float | str | Angle, first: int, second: int) -> Gate:
    """exp(-iθ Y⊗Y/2)."""
    return PauliRotation("YY", angle, first, second)


def RZZ(angle: float | str | Angle, first: int, second: int) -> Gate:
    """exp(-iθ Z⊗Z/2)."""
    return PauliRotation("ZZ", angle, first, second)


def PauliRotation(letters: str, angle: float | str | Angle, *qubits: int) -> Gate:
    """exp(-iθP/2) for the product P of the Pauli matrices ``letters``, one for each qubit."""
    if not letters or set(letters) - set("XYZ") or len(letters) != len(qubits):
        raise CircuitError(
            "a Pauli rotation needs one letter of X, Y, Z for each qubit",
            found=f"got {letters!r} for {len(qubits)} qubits",
            where="PauliRotation",
            fix='write PauliRotation("XYZ", angle, 0, 1, 2); leave out qubits with the identity',
        )
    return Gate("R" + letters, tuple(qubits), (as_angle(angle, where="R" + letters),))


def Unitary(matrix: np.ndarray, *qubits: int) -> Gate:
    """Any unitary matrix on up to six qubits.

    Args:
        matrix: shape (2**k, 2**k) for k qubits.
        qubits: the first is the first letter of the basis states |ab…⟩.
    Raises:
        NotUnitaryError: U†U differs from the identity by more than 1e-9.
        CircuitError: the shape does not fit, or too many qubits.
    """
    u = np.asarray(matrix, dtype=complex)
    size = 2 ** len(qubits)
    if u.shape != (size, size) or not 1 <= len(qubits) <= MOST_UNITARY_QUBITS:
        raise CircuitError(
            "the matrix of a gate does not fit its qubits",
            found=f"got shape {u.shape} for {len(qubits)} qubits, expected ({size}, {size})",
            where="Unitary",
            fix=f"give a square matrix with 2**k rows for k qubits, k from 1 to {MOST_UNITARY_QUBITS}",
        )
    error = np.abs(u.conj().T @ u - np.eye(size))
    if not error.max() <= 1e-9:
        row, column = np.unravel_index(np.nanargmax(error) if not np.isnan(error).all() else 0, error.shape)
        raise NotUnitaryError(
            "the matrix of a gate must be unitary",
            found=f"U†U differs from the identity by {error[row, column]:.3g} at row {row}, column {column}",
            where=f"Unitary on qubits {qubits}",
            fix="normalise its columns and make them orthogonal, e.g. with numpy.linalg.qr",
        )
    return Gate("Unitary", tuple(qubits), entries=_rows(u))


def controlled(gate: Gate, *controls: int) -> Gate:
    """``gate``, acting only where all of ``controls`` are 1."""
    return gate.controlled(*controls)
