"""Circuits: immutable sequences of gates on a number of qubits, with their parameters named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from workbench.errors import CircuitError, QubitError, nearest
from workbench.quantum.angles import Angle
from workbench.quantum.gates import Gate
from workbench.quantum.operations import Channel, Conditional, Measurement, Operation


class Circuit:
    """Gates in the order in which they act. A value: composing gives a new circuit.

    ::

        bell = Circuit(2, [H(0), CNOT(0, 1)])
        turned = bell + RX("a", 1) + bell.dagger()

    Args:
        n_qubits: how many qubits, counted from 0. Qubit 0 is the first letter of |q0 q1 …⟩ and the most significant
            bit of an index into the state.
        gates: gates, channels, measurements, or circuits on at most as many qubits.
    Raises:
        QubitError: a gate acts on a qubit that the circuit does not have.
    """

    def __init__(self, n_qubits: int, gates: Iterable[Operation | Circuit] = ()) -> None:
        if not isinstance(n_qubits, int) or n_qubits < 1:
            raise CircuitError(
                "a circuit needs at least one qubit", found=f"got {n_qubits!r}", where="n_qubits"
            )
        flat: list[Operation] = []
        for gate in gates:
            flat.extend(gate.gates if isinstance(gate, Circuit) else (gate,))
        measured: set[str] = set()
        for position, gate in enumerate(flat):
            _check_gate(gate, position, n_qubits)
            if isinstance(gate, Measurement):
                measured.add(gate.name)
            elif isinstance(gate, Conditional) and gate.name not in measured:
                raise CircuitError(
                    f"{gate} depends on a measurement that has not been made",
                    found=f"measured so far: {', '.join(sorted(measured)) or 'nothing'}",
                    where=f"gate {position}",
                    fix=f"put Measure(qubit, {gate.name!r}) before it",
                )
        self._n_qubits, self._gates = n_qubits, tuple(flat)

    @property
    def n_qubits(self) -> int:
        """How many qubits."""
        return self._n_qubits

    @property
    def gates(self) -> tuple[Operation, ...]:
        """The gates, the first to act first."""
        return self._gates

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Every parameter once, in the order of first appearance: the order of arrays of parameters."""
        names = (angle.name for gate in self._gates for angle in gate.angles if isinstance(angle, Angle))
        return tuple(dict.fromkeys(names))

    @property
    def n_parameters(self) -> int:
        """How many different parameters."""
        return len(self.parameter_names)

    def __add__(self, other: Operation | Circuit) -> Circuit:
        return Circuit(max(self.n_qubits, getattr(other, "n_qubits", 0)), [self, other])

    def __len__(self) -> int:
        return len(self._gates)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._gates)

    def __getitem__(self, index: int | slice) -> Operation | Circuit:
        found = self._gates[index]
        return Circuit(self.n_qubits, found) if isinstance(index, slice) else found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Circuit):
            return NotImplemented
        return self.n_qubits == other.n_qubits and self._gates == other._gates

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self._gates))

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<Circuit: {self.n_qubits} qubits, {len(self)} gates, {self.n_parameters} parameters>"

    def __str__(self) -> str:
        from workbench.quantum.drawing import as_text  # which reads circuits

        return as_text(self)

    def dagger(self) -> Circuit:
        """The inverse circuit: the inverse of each gate, the last first.

        Raises:
            CircuitError: noise and measurements have no inverse.
        """
        self.check_unitary("the inverse of a circuit")
        return Circuit(self.n_qubits, [gate.dagger() for gate in reversed(self._gates)])

    def controlled(self, *controls: int) -> Circuit:
        """Every gate acting only where all of ``controls`` are 1."""
        self.check_unitary("a controlled circuit")
        n = max(self.n_qubits, *(control + 1 for control in controls))
        return Circuit(n, [gate.controlled(*controls) for gate in self._gates])

    def on(self, *qubits: int, n_qubits: int | None = None) -> Circuit:
        """The same circuit on other qubits: qubit i becomes ``qubits[i]``."""
        if len(qubits) != self.n_qubits:
            raise QubitError(
                "a circuit is moved by naming a new qubit for each of its own",
                found=f"got {len(qubits)} qubits, expected {self.n_qubits}",
                where="on",
            )
        return Circuit(n_qubits or max(qubits) + 1, [gate.on(qubits) for gate in self._gates])

    def bind(self, values: Mapping[str, float]) -> Circuit:
        """The circuit with numbers in the place of the parameters named in ``values``."""
        self._check_names(values)

        return self._with_angles(lambda a: a.at(values) if a.name in values else a)

    def rename(self, names: Mapping[str, str]) -> Circuit:
        """The circuit with parameters of other names, e.g. for a second copy with angles of its own."""
        self._check_names(names)

        return self._with_angles(lambda a: replace(a, name=names.get(a.name, a.name)))

    def noisy(
        self, *, depolarizing: float = 0.0, dephasing: float = 0.0, amplitude_damping: float = 0.0
    ) -> Circuit:
        """The circuit with noise on every qubit a gate has acted on, after each gate.

        Args:
            depolarizing, dephasing, amplitude_damping: strengths of the channels, from 0 to 1, in this order.
        """
        kinds = [
            ("Depolarizing", depolarizing),
            ("Dephasing", dephasing),
            ("AmplitudeDamping", amplitude_damping),
        ]
        found: list[Operation] = []
        for gate in self._gates:
            found.append(gate)
            if isinstance(gate, Gate | Conditional):
                found += [Channel(name, q, p) for q in gate.qubits for name, p in kinds if p]
        return Circuit(self.n_qubits, found)

    @cached_property
    def separated(self) -> tuple[Circuit, np.ndarray, np.ndarray, np.ndarray]:
        """The circuit with a parameter of its own for each angle, and how these depend on the parameters.

        Returns:
            The circuit; for each of its angles the position of the parameter, the scale and the offset.
        """
        angles = [a for gate in self._gates for a in gate.angles if isinstance(a, Angle)]
        count = iter(range(len(angles)))
        free = self._with_angles(lambda _: Angle(f"angle {next(count)}"))
        places = {name: k for k, name in enumerate(self.parameter_names)}
        positions = np.array([places[a.name] for a in angles], dtype=np.int64)
        return free, positions, np.array([a.scale for a in angles]), np.array([a.offset for a in angles])

    @cached_property
    def is_unitary(self) -> bool:
        """Whether there are gates only: no noise, no measurements."""
        return all(isinstance(gate, Gate) for gate in self._gates)

    def check_unitary(self, what: str) -> None:
        """Refuse a circuit with noise or measurements.

        Raises:
            CircuitError: ``what`` needs a circuit of gates only.
        """
        if not self.is_unitary:
            position = next(k for k, gate in enumerate(self._gates) if not isinstance(gate, Gate))
            raise CircuitError(
                f"{what} needs a circuit of gates only",
                found=f"{self._gates[position]}",
                where=f"gate {position}",
                fix="use density_matrix, noisy_expectation or sample for circuits with noise or measurements",
            )

    def check_no_measurements(self, what: str) -> None:
        """Refuse a circuit with measurements on the way.

        Raises:
            CircuitError: ``what`` needs a circuit without measurements.
        """
        for position, gate in enumerate(self._gates):
            if isinstance(gate, Measurement | Conditional):
                raise CircuitError(
                    f"{what} needs a circuit without measurements on the way",
                    found=f"{gate}",
                    where=f"gate {position}",
                    fix="use sample for circuits with measurements",
                )

    def _with_angles(self, change: Callable[[Angle], float | Angle]) -> Circuit:
        def changed(gate: Operation) -> Operation:
            if isinstance(gate, Conditional):
                return replace(gate, gate=changed(gate.gate))
            if not gate.angles:
                return gate
            return replace(gate, angles=tuple(change(a) if isinstance(a, Angle) else a for a in gate.angles))

        return Circuit(self.n_qubits, [changed(gate) for gate in self._gates])

    def parameter_array(self, parameters: Mapping[str, Any] | Sequence[float] | np.ndarray) -> np.ndarray:
        """Parameters given by name or in order, as an array in order.

        Args:
            parameters: a number for each name, or an array of shape (…, n_parameters). Numbers by name may be arrays
                of one shape.
        Returns:
            Shape (…, n_parameters), float64.
        Raises:
            CircuitError: names or numbers that the circuit does not have, or that are missing.
        """
        if isinstance(parameters, Mapping):
            self._check_names(parameters)
            missing = [name for name in self.parameter_names if name not in parameters]
            if missing:
                raise CircuitError(
                    f"no value for {', '.join(missing)}",
                    found=f"got {', '.join(parameters) or 'none'}",
                    where="parameters",
                    fix="give a number for each of circuit.parameter_names",
                )
            columns = [np.asarray(parameters[name], dtype=float) for name in self.parameter_names]
            return np.stack(np.broadcast_arrays(*columns), axis=-1) if columns else np.empty(0)
        values = np.asarray(parameters, dtype=float)
        if values.ndim == 0 or values.shape[-1] != self.n_parameters:
            raise CircuitError(
                "the number of parameters does not fit the circuit",
                found=f"got shape {values.shape}, expected (…, {self.n_parameters})",
                where="parameters",
                fix="one number for each of circuit.parameter_names, in that order; batches go first",
            )
        return values

    def parameter_vector(self, parameters: Mapping[str, Any] | Sequence[float] | np.ndarray) -> np.ndarray:
        """``parameter_array`` of one set of parameters. Shape (n_parameters,).

        Raises:
            CircuitError: a batch was given.
        """
        values = self.parameter_array(parameters)
        if values.ndim != 1:
            raise CircuitError(
                "one set of parameters is wanted here, not a batch",
                found=f"got shape {values.shape}, expected ({self.n_parameters},)",
                where="parameters",
                fix="call it for each row",
            )
        return values

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.parameter_names:
                close = nearest(name, self.parameter_names)
                raise CircuitError(
                    f"the circuit has no parameter {name!r}",
                    found=f"it has {', '.join(self.parameter_names[:8]) or 'none'}"
                    + (", …" if self.n_parameters > 8 else ""),
                    where="parameters",
                    fix=f"did you mean {close!r}?" if close else None,
                )


def _check_gate(gate: object, position: int, n_qubits: int) -> None:
    if not isinstance(gate, Gate | Channel | Measurement | Conditional):
        raise CircuitError(
            "a circuit is made of gates",
            found=f"got {type(gate).__name__}",
            where=f"gate {position}",
            fix="write Circuit(2, [H(0), CNOT(0, 1)])",
        )
    for qubit in gate.qubits:
        if not 0 <= qubit < n_qubits:
            raise QubitError(
                f"{gate} acts on qubit {qubit}, which the circuit does not have",
                found=f"the circuit has {n_qubits} qubits, 0 to {n_qubits - 1}",
                where=f"gate {position}",
                fix="qubits are counted from 0",
            )
