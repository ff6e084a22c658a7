"""Samples: what shots on a device would give, with measurements on the way, feedback, noise and readout errors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.errors import CircuitError
from workbench.quantum.circuit import Circuit
from workbench.quantum.density import density_matrix, on_rows_and_columns
from workbench.quantum.gates import Gate, H, Phase
from workbench.quantum.operations import Channel, Conditional, Measurement
from workbench.quantum.paulis import PauliSum, Product
from workbench.quantum.simulate import Parameters, run_gates


@dataclass(frozen=True)
class Samples:
    """The outcomes of shots.

    Attributes:
        bits: the qubits at the end, qubit 0 first. Shape (shots, n_qubits), 0 or 1.
        outcomes: of the measurements on the way, by name. Shapes (shots,).
    """

    bits: np.ndarray
    outcomes: dict[str, np.ndarray] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How often each bit string came, the most frequent first."""
        rows, numbers = np.unique(self.bits, axis=0, return_counts=True)
        order = np.argsort(-numbers, kind="stable")
        return {"".join(map(str, rows[k])): int(numbers[k]) for k in order}


def sample(
    circuit: Circuit,
    parameters: Parameters = (),
    *,
    shots: int,
    rng: np.random.Generator,
    state: np.ndarray | None = None,
    readout: tuple[float, float] = (0.0, 0.0),
) -> Samples:
    """Run the circuit ``shots`` times and measure all qubits at the end.

    All shots with the same outcomes so far are simulated together.

    Args:
        circuit: gates, channels (to about ten qubits), measurements and what depends on them.
        parameters: one number for each parameter.
        shots: how many runs.
        rng: the source of randomness.
        state: the statevector to start from, |0…0⟩ if not given. Shape (2**n,).
        readout: probabilities that a 0 is read as 1 and a 1 as 0. They also hold for the measurements on the way.
    """
    _check_shots(shots)
    named = dict(zip(circuit.parameter_names, circuit.parameter_vector(parameters).tolist(), strict=True))
    bound = circuit.bind(named) if named else circuit
    branches = [_Branch(_start(bound, state), np.arange(shots), {})]
    pending: list[Gate] = []
    noisy = any(isinstance(gate, Channel) for gate in bound)
    for gate in bound:
        if not isinstance(gate, Measurement | Conditional):
            pending += on_rows_and_columns(gate, bound.n_qubits) if noisy else (gate,)
            continue
        branches = [branch.after(pending) for branch in branches]
        pending = []
        if isinstance(gate, Measurement):
            branches = [part for b in branches for part in b.measured(gate, bound.n_qubits, rng, readout)]
        else:
            acts = on_rows_and_columns(gate.gate, bound.n_qubits) if noisy else (gate.gate,)
            branches = [b.after(acts) if b.outcomes[gate.name] == gate.value else b for b in branches]
    return _collect([branch.after(pending) for branch in branches], bound, shots, rng, readout)


def _check_shots(shots: int) -> None:
    if shots < 1:
        raise CircuitError("sampling needs at least one shot", found=f"got {shots}", where="shots")


@dataclass(frozen=True)
class _Branch:
    """All shots with the same outcomes: their common state, of n qubits or of the rows and columns of 2n."""

    state: np.ndarray
    shots: np.ndarray
    outcomes: dict[str, int]

    def after(self, gates: list[Gate] | tuple[Gate, ...]) -> _Branch:
        if not gates:
            return self
        n = self.state.size.bit_length() - 1
        return _Branch(run_gates(Circuit(n, gates), (), self.state), self.shots, self.outcomes)

    def probabilities(self, n_qubits: int) -> np.ndarray:
        size = 2**n_qubits
        if self.state.size == size:
            return np.abs(self.state) ** 2
        return np.maximum(np.diagonal(self.state.reshape(size, size)).real, 0.0)

    def measured(
        self, gate: Measurement, n_qubits: int, rng: np.random.Generator, readout: tuple[float, float]
    ) -> list[_Branch]:
        index = np.arange(2**n_qubits)
        ones = (index >> (n_qubits - 1 - gate.qubit) & 1).astype(bool)
        weights = self.probabilities(n_qubits)
        chance = min(1.0, weights[ones].sum() / weights.sum())
        bits = rng.random(len(self.shots)) < chance
        read = _misread(bits.astype(np.uint8), readout, rng)
        found = []
        for bit in (0, 1):
            for seen in (0, 1):
                chosen = self.shots[(bits == bit) & (read == seen)]
                if len(chosen):
                    found.append(
                        _Branch(self._projected(ones == bit), chosen, {**self.outcomes, gate.name: seen})
                    )
        return found

    def _projected(self, kept: np.ndarray) -> np.ndarray:
        if self.state.size == kept.size:
            state = np.where(kept, self.state, 0.0)
            return state / np.linalg.norm(state)
        rho = np.where(kept[:, None] & kept[None, :], self.state.reshape(kept.size, kept.size), 0.0)
        return (rho / np.trace(rho).real).reshape(-1)


def _start(circuit: Circuit, state: np.ndarray | None) -> np.ndarray:
    start = run_gates(Circuit(circuit.n_qubits), (), state)
    if any(isinstance(gate, Channel) for gate in circuit):
        return np.outer(start, start.conj()).reshape(-1)
    return start


def _collect(
    branches: list[_Branch], circuit: Circuit, shots: int, rng: np.random.Generator, readout: tuple
) -> Samples:
    n = circuit.n_qubits
    index = np.empty(shots, dtype=np.int64)
    names = [gate.name for gate in circuit if isinstance(gate, Measurement)]
    outcomes = {name: np.empty(shots, dtype=np.uint8) for name in names}
    for branch in branches:
        cumulated = np.cumsum(branch.probabilities(n))
        drawn = np.searchsorted(cumulated, rng.random(len(branch.shots)) * cumulated[-1], side="right")
        index[branch.shots] = np.minimum(drawn, cumulated.size - 1)
        for name, outcome in branch.outcomes.items():
            outcomes[name][branch.shots] = outcome
    bits = (index[:, None] >> np.arange(n - 1, -1, -1) & 1).astype(np.uint8)
    return Samples(_misread(bits, readout, rng), outcomes)


def _misread(bits: np.ndarray, readout: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    if not any(readout):
        return bits
    wrong = rng.random(bits.shape) < np.where(bits, readout[1], readout[0])
    return np.where(wrong, 1 - bits, bits).astype(np.uint8)


# -------------------------------------------------------------------------------- expectations from shots


def sampled_expectation(
    circuit: Circuit,
    observable: PauliSum,
    parameters: Parameters = (),
    *,
    shots: int,
    rng: np.random.Generator,
    state: np.ndarray | None = None,
    readout: tuple[float, float] = (0.0, 0.0),
) -> float | np.ndarray:
    """An estimate of the expectation from measurements, unbiased except for readout errors.

    Products that can be read from the same shots share them; each such setting gets ``shots`` shots.

    Args:
        circuit: gates and channels.
        parameters: shape (…, n_parameters), or numbers by name.
        shots: how many, for each setting.
        rng, state, readout: as for ``sample``.
    Returns:
        A float, or an array of the batch's shape; every set of parameters is measured with shots of its own.
    """
    _check_shots(shots)
    circuit.check_no_measurements("an expectation")
    observable.masks(circuit.n_qubits)
    total: float | np.ndarray = 0.0
    for letters, products in measurement_settings(observable):
        turned = circuit + Circuit(circuit.n_qubits, [g for q, p in letters.items() for g in _turn(p, q)])
        chances = _misread_chances(_outcome_chances(turned, parameters, state), readout)
        frequencies = rng.multinomial(shots, chances) / shots
        total = total + frequencies @ _values(products, circuit.n_qubits)
    return total if np.ndim(total) else float(total)


def _outcome_chances(circuit: Circuit, parameters: Parameters, state: np.ndarray | None) -> np.ndarray:
    """The probability of each bit string at the end. Shape (…, 2**n)."""
    if circuit.is_unitary:
        chances = np.abs(run_gates(circuit, parameters, state)) ** 2
    else:
        rho = density_matrix(circuit, parameters, state)
        chances = np.maximum(np.diagonal(rho, axis1=-2, axis2=-1).real, 0.0)
    return chances / chances.sum(axis=-1, keepdims=True)


def _misread_chances(chances: np.ndarray, readout: tuple[float, float]) -> np.ndarray:
    """The probabilities of what is read, each qubit wrongly now and then. Shape (…, 2**n) in and out."""
    if not any(readout):
        return chances
    n = chances.shape[-1].bit_length() - 1
    for qubit in range(n):
        pairs = chances.reshape(*chances.shape[:-1], 2**qubit, 2, -1)
        zero, one = pairs[..., 0, :], pairs[..., 1, :]
        read_one = zero * readout[0] + one * (1.0 - readout[1])
        chances = np.stack([zero + one - read_one, read_one], axis=-2).reshape(chances.shape)
    return chances


def _values(products: dict[Product, float], n_qubits: int) -> np.ndarray:
    """What each bit string counts for: Σ weight · (-1)^{ones among the product's qubits}. Shape (2**n,)."""
    index, total = np.arange(2**n_qubits), np.zeros(2**n_qubits)
    for product, weight in products.items():
        mask = sum(1 << (n_qubits - 1 - qubit) for qubit, _ in product)
        total += weight * (1.0 - 2.0 * (np.bitwise_count(index & mask) & 1))
    return total


def measurement_settings(observable: PauliSum) -> list[tuple[dict[int, str], dict[Product, float]]]:
    """Products that agree letter by letter where they meet, together: one setting of the device for each group."""
    settings: list[tuple[dict[int, str], dict[Product, float]]] = []
    for product, weight in observable.terms.items():
        for letters, products in settings:
            if all(letters.get(q, letter) == letter for q, letter in product):
                letters.update(product)
                products[product] = weight
                break
        else:
            settings.append((dict(product), {product: weight}))
    return settings


def _turn(letter: str, qubit: int) -> tuple[Gate, ...]:
    """Gates that take the eigenvectors of a Pauli matrix to |0⟩ and |1⟩."""
    return {"X": (H(qubit),), "Y": (Phase(-np.pi / 2, qubit), H(qubit)), "Z": ()}[letter]
