"""Observables: real sums of products of Pauli matrices, and how they act on states.

Every product of Pauli matrices is i^{#Y} X^x Z^z with two bit masks: it takes amplitude k to k ⊕ x with the sign
(-1)^{parity(k & z)}. All products with the same x are applied in one pass over the state.

Source: Aaronson & Gottesman, Improved simulation of stabilizer circuits, 2004, doi:10.1103/PhysRevA.70.052328.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from numbers import Real

import numpy as np

from workbench.errors import CircuitError, NotHermitianError, QubitError
from workbench.quantum.angles import constant
from workbench.quantum.gates import pauli_matrix

# one product: ((qubit, letter), ...) in ascending order of qubits; () is the identity
Product = tuple[tuple[int, str], ...]


class PauliSum:
    """Σ weight · product of Pauli matrices. A value, added to and multiplied by numbers.

    ::

        energy = 0.25 * (pauli("XX", 0, 1) + pauli("YY", 0, 1)) - pauli("Z", 0) + 1.5

    Args:
        terms: product → weight. A product is a text with a letter of I, X, Y, Z for each qubit, "XIZ", or a tuple
            of (qubit, letter).
    Raises:
        NotHermitianError: a weight is not real.
        CircuitError: letters other than I, X, Y, Z.
    """

    def __init__(self, terms: Mapping[str | Product, float]) -> None:
        kept: dict[Product, float] = {}
        for product, weight in terms.items():
            key = _product(product)
            kept[key] = kept.get(key, 0.0) + _weight(weight, product)
        self._terms = kept

    @property
    def terms(self) -> dict[Product, float]:
        """Product → weight."""
        return dict(self._terms)

    @cached_property
    def n_qubits(self) -> int:
        """One more than the highest qubit it acts on."""
        return max((qubit + 1 for product in self._terms for qubit, _ in product), default=1)

    def __add__(self, other: PauliSum | float) -> PauliSum:
        added = other if isinstance(other, PauliSum) else PauliSum({(): other})
        terms = dict(self._terms)
        for product, weight in added._terms.items():
            terms[product] = terms.get(product, 0.0) + weight
        return PauliSum(terms)

    def __mul__(self, number: float) -> PauliSum:
        factor = _weight(number, "the factor")
        return PauliSum({product: weight * factor for product, weight in self._terms.items()})

    def __neg__(self) -> PauliSum:
        return self * -1.0

    def __sub__(self, other: PauliSum | float) -> PauliSum:
        return self + (-other)

    def __rsub__(self, other: float) -> PauliSum:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, number: float) -> PauliSum:
        return self * (1.0 / number)

    def __len__(self) -> int:
        return len(self._terms)

    def __eq__(self, other: object) -> bool:
        return self._terms == other._terms if isinstance(other, PauliSum) else NotImplemented

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self._terms.items()))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        texts = (
            f"{weight:+.4g} {' '.join(f'{letter}{qubit}' for qubit, letter in product) or '1'}"
            for product, weight in self._terms.items()
        )
        return " ".join(texts) or "0"

    __repr__ = __str__

    def masks(self, n_qubits: int) -> list[tuple[int, int, complex]]:
        """Each term as (x, z, weight · i^{#Y}): P|k⟩ = weight · i^{#Y} · (-1)^{parity(k & z)} |k ⊕ x⟩.

        Args:
            n_qubits: of the state. Qubit q is bit ``n_qubits - 1 - q`` of an index.
        Raises:
            QubitError: the observable acts on a qubit that the state does not have.
        """
        if self.n_qubits > n_qubits:
            raise QubitError(
                f"the observable acts on qubit {self.n_qubits - 1}",
                found=f"the circuit has {n_qubits} qubits, 0 to {n_qubits - 1}",
                where="observable",
            )
        found = []
        for product, weight in self._terms.items():
            x = sum(1 << (n_qubits - 1 - qubit) for qubit, letter in product if letter in "XY")
            z = sum(1 << (n_qubits - 1 - qubit) for qubit, letter in product if letter in "YZ")
            found.append((x, z, weight * 1j ** sum(letter == "Y" for _, letter in product)))
        return found

    def apply(self, state: np.ndarray) -> np.ndarray:
        """The observable times a state. Shape (…, 2**n) in and out."""
        n_qubits = state.shape[-1].bit_length() - 1
        index = np.arange(state.shape[-1])
        out = np.zeros(state.shape, dtype=complex)
        groups: dict[int, np.ndarray] = {}
        for x, z, weight in self.masks(n_qubits):
            # amplitude k of the result comes from k ⊕ x
            signs = weight * (1.0 - 2.0 * (np.bitwise_count((index ^ x) & z) & 1))
            groups[x] = groups[x] + signs if x in groups else signs
        for x, factor in groups.items():
            out += factor * state[..., index ^ x]
        return out

    def read_with_errors(self, error_0: float, error_1: float) -> PauliSum:
        """What is measured on average when each qubit's result is read wrongly now and then.

        Each letter P becomes (error_1 - error_0) + (1 - error_0 - error_1) P.

        Args:
            error_0: probability that a 0 is read as 1.
            error_1: probability that a 1 is read as 0.
        """
        shift, factor = error_1 - error_0, 1.0 - error_0 - error_1
        total = PauliSum({})
        for product, weight in self._terms.items():
            read = {(): weight}
            for pair in product:
                read = {
                    key: value
                    for known, w in read.items()
                    for key, value in ((known, w * shift), ((*known, pair), w * factor))
                }
            total = total + PauliSum(read)
        return total

    def matrix(self, n_qubits: int | None = None) -> np.ndarray:
        """The whole matrix, for exact diagonalisation of a few qubits. Shape (2**n, 2**n)."""
        n = n_qubits or self.n_qubits
        out = np.zeros((2**n, 2**n), dtype=complex)
        for product, weight in self._terms.items():
            letters = dict(product)
            out += weight * pauli_matrix("".join(letters.get(q, "I") for q in range(n)))
        return out


def pauli(letters: str, *qubits: int) -> PauliSum:
    """A product of Pauli matrices on the qubits named: ``pauli("XX", 0, 3)``.

    Without qubits, letter i acts on qubit i: ``pauli("XIZ")``.
    """
    if not qubits:
        return PauliSum({letters: 1.0})
    if len(qubits) != len(letters) or len(set(qubits)) != len(qubits):
        raise QubitError(
            "a product of Pauli matrices needs a qubit of its own for each letter",
            found=f"got {letters!r} and {qubits}",
            where="pauli",
        )
    return PauliSum({tuple(zip(qubits, letters, strict=True)): 1.0})


def heisenberg_ring(n_qubits: int, coupling: float = 0.25) -> PauliSum:
    """coupling · Σ (XX + YY + ZZ) over the neighbours of a ring; 0.25 is spin ½ with exchange constant 1.

    Two qubits are one bond, not two. Antiferromagnetic for positive couplings.
    """
    bonds = dict.fromkeys(
        (min(q, p), max(q, p)) for q, p in ((q, (q + 1) % n_qubits) for q in range(n_qubits)) if q != p
    )
    return PauliSum({((q, letter), (p, letter)): coupling for q, p in bonds for letter in "XYZ"})


def _product(product: str | Product) -> Product:
    pairs = enumerate(product) if isinstance(product, str) else product
    kept = sorted((int(qubit), letter) for qubit, letter in pairs if letter != "I")
    if any(letter not in ("X", "Y", "Z") for _, letter in kept):
        raise CircuitError(
            "a product of Pauli matrices is made of the letters I, X, Y, Z",
            found=f"got {product!r}",
            where="PauliSum",
        )
    qubits = [qubit for qubit, _ in kept]
    if len(set(qubits)) != len(qubits) or any(qubit < 0 for qubit in qubits):
        raise QubitError("a product names a qubit twice, or a negative one", found=f"got {product!r}")
    return tuple(kept)


def _weight(weight: float, product: object) -> float:
    if isinstance(weight, complex | np.complexfloating) and weight.imag == 0.0:
        weight = weight.real
    if not isinstance(weight, Real):
        raise NotHermitianError(
            "an observable must be Hermitian: the weights of Pauli products are real",
            found=f"got {weight!r}",
            where=f"{product!r}",
            fix="split the operator into (A + A†)/2 and (A - A†)/2i, and measure both",
        )
    return constant(weight)
