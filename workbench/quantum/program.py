"""Circuits as programs for the kernels: gates fused, and ordered into passes over the memory.

1. Runs of gates on one qubit, whatever stands between them on other qubits, become one 2x2 matrix.
2. A pass takes as many gates as it can whose qubits fit into the *rows* of a chunk that stays in the cache. The
   three lowest bits of an address are the eight lanes of a vector, on which no gate of the pass acts.
3. CNOT and SWAP are linear over bits. They are hardly ever carried out: they change which address stands for which
   basis state, and the copy into the next pass's layout takes account of them.

Addresses and basis states are bit vectors; a layout is an invertible matrix over GF(2), kept as one integer for
each column.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import FIXED, Gate
from workbench.quantum.kernels import (
    CONSTANT,
    MATRIX,
    PHASE,
    ROTATE_X,
    ROTATE_Y,
    ROTATE_Z,
    STRING,
    TURN,
)
from workbench.quantum.paulis import PauliSum

LANE_BITS = 3
# chunks of at most 2**(10 + 3) amplitudes, 128 KiB: ψ and λ together stay in the second-level cache
MOST_ROW_BITS = 10
# up to here a state is stored eightfold, one amplitude to a vector: cheaper than to move qubits out of the lanes
MOST_IDLE_LANES = 6
_ROTATIONS = {"RX": ROTATE_X, "RY": ROTATE_Y, "RZ": ROTATE_Z, "Phase": PHASE}


@dataclass
class _Operation:
    """A fused gate. ``factors`` are (kind, angle or None, matrix or None), the first to act first."""

    kind: int
    targets: tuple[int, ...]
    controls: tuple[int, ...] = ()
    factors: list[tuple] = field(default_factory=list)
    letters: str = ""
    linear: str = ""

    @property
    def qubits(self) -> tuple[int, ...]:
        return self.controls + self.targets


@dataclass(frozen=True)
class _Pass:
    """Operations, the qubit of each address bit, and the linear map of the CNOTs and SWAPs before."""

    operations: list[_Operation]
    order: list[int]
    columns: list[int]


class Program:
    """One circuit, ready to run. See the module's description.

    Attributes:
        bits: of an address; three more than qubits where the lanes are idle.
        arrays: what the kernels take, for a run that ends in the layout of the last pass.
        arrays_to_state: the same with a last pass to the order of basis states.
    """

    def __init__(self, circuit: Circuit) -> None:
        n = circuit.n_qubits
        operations = _fused(circuit)
        widest = max((len(o.qubits) for o in operations), default=1)
        self.idle = n <= MOST_IDLE_LANES or widest > n - LANE_BITS
        self.bits = n + LANE_BITS * self.idle
        most = min(self.bits - LANE_BITS, max(_even_share(n), widest))
        passes, columns = _schedule(operations, self.bits, most, self.idle)
        passes.append(_Pass([], list(range(self.bits)), columns))
        self._row_bits = most
        self._build(circuit, passes)

    def _build(self, circuit: Circuit, passes: list[_Pass]) -> None:
        places = {name: k for k, name in enumerate(circuit.parameter_names)}
        tables = _Tables(places, [np.eye(2).reshape(-1)])
        bounds, outer, inner, before = [], [], [], _identity(self.bits)
        known: dict[tuple[int, ...], int] = {}  # layers that repeat share their tables
        for step in passes:
            first = len(tables.operations)
            row_of = {qubit: place - LANE_BITS for place, qubit in enumerate(step.order)}
            for operation in step.operations:
                tables.add(operation, {q: row_of[self._bit(circuit, q)] for q in operation.qubits})
            # address in this layout -> basis state -> basis state before the CNOTs -> address in the layout before
            layout = [1 << qubit for qubit in step.order]
            moved = _compose(_inverse(before), _compose(_inverse(step.columns), layout))
            key = tuple(moved)
            if key not in known:
                known[key] = len(known)
                inner.append(_span(moved[: LANE_BITS + self._row_bits]))
                outer.append(_span(moved[LANE_BITS + self._row_bits :]))
            bounds.append((first, len(tables.operations), moved != _identity(self.bits), known[key]))
            before = layout
        self._last_columns = passes[-1].columns
        self._last_layout = [1 << qubit for qubit in passes[-2].order] if len(passes) > 1 else before
        ends = np.array(bounds, dtype=np.int64)
        shared = tables.arrays()
        moves = np.array(outer, dtype=np.uint32), np.array(inner, dtype=np.uint32)
        self.arrays_to_state = (shared[0], ends, *moves, *shared[1:])
        self.arrays = (shared[0], ends[:-1], *moves, *shared[1:])

    def _bit(self, circuit: Circuit, qubit: int) -> int:
        return circuit.n_qubits - 1 - qubit + LANE_BITS * self.idle

    def observable(self, observable: PauliSum, n_qubits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The masks of an observable in the layout in which ``arrays`` leaves the state, grouped by X mask."""
        # basis state = columns · layout · address
        to_basis = _compose(self._last_columns, self._last_layout)
        to_address = _inverse(to_basis)
        groups: dict[int, list[tuple[int, complex]]] = {}
        for x, z, weight in observable.masks(n_qubits):
            x, z = x << LANE_BITS * self.idle, z << LANE_BITS * self.idle
            mask = sum(1 << b for b, column in enumerate(to_basis) if (column & z).bit_count() & 1)
            groups.setdefault(_apply(to_address, x), []).append((mask, weight))
        bounds, masks, weights = [], [], []
        for x, terms in groups.items():
            bounds.append((x, len(masks), len(masks) + len(terms)))
            masks += [mask for mask, _ in terms]
            weights += [weight for _, weight in terms]
        return (
            np.array(bounds, dtype=np.int64).reshape(-1, 3),
            np.array(masks, dtype=np.int64),
            np.array(weights, dtype=complex),
        )

    def arrays_between(self, *, from_state: bool, to_state: bool) -> tuple:
        """What the kernels take.

        Args:
            from_state: start from a state in the order of basis states, rather than from |0…0⟩.
            to_state: end in the order of basis states, rather than in the layout of the last pass.
        """
        chosen = self.arrays_to_state if to_state else self.arrays
        if not from_state or not len(chosen[1]):
            return chosen
        ends = chosen[1].copy()
        ends[0, 2] = 1
        return (chosen[0], ends, *chosen[2:])


def _even_share(n_qubits: int) -> int:
    """Row bits such that as few passes as possible share the qubits evenly."""
    passes = -(-n_qubits // MOST_ROW_BITS)
    return -(-n_qubits // passes)


# ------------------------------------------------------------------------------------------ fusion


def _fused(circuit: Circuit) -> list[_Operation]:
    """One operation for each gate, runs of gates on one qubit merged."""
    found: list[_Operation] = []
    open_runs: dict[int, _Operation] = {}
    for gate in circuit.gates:
        factors = _factors(gate)
        if factors is not None and not gate.controls:
            qubit = gate.targets[0]
            if qubit not in open_runs:
                open_runs[qubit] = _Operation(TURN, gate.targets)
                found.append(open_runs[qubit])
            open_runs[qubit].factors += factors
            continue
        for qubit in gate.qubits:
            open_runs.pop(qubit, None)
        found.append(_operation(gate, factors))
    return found


def _factors(gate: Gate) -> list[tuple] | None:
    """The gate as rotations and constant 2x2 matrices; None if it acts on more than one target."""
    if gate.name == "U3":
        theta, phi, lam = gate.angles
        return [(PHASE, lam, None), (ROTATE_Y, theta, None), (PHASE, phi, None)]
    if gate.name in _ROTATIONS:
        return [(_ROTATIONS[gate.name], gate.angles[0], None)]
    if len(gate.targets) > 1:
        return None
    return [(CONSTANT, None, FIXED[gate.name] if gate.entries is None else np.array(gate.entries))]


def _operation(gate: Gate, factors: list[tuple] | None) -> _Operation:
    if factors is not None:
        linear = "CNOT" if gate.name == "X" and len(gate.controls) == 1 else ""
        return _Operation(TURN, gate.targets, gate.controls, factors, linear=linear)
    if gate.pauli:
        factors = [(ROTATE_Z, gate.angles[0], None)]
        return _Operation(STRING, gate.targets, gate.controls, factors, letters=gate.pauli)
    matrix = FIXED[gate.name] if gate.entries is None else np.array(gate.entries)
    linear = "SWAP" if gate.name == "SWAP" and not gate.controls else ""
    return _Operation(MATRIX, gate.targets, gate.controls, [(CONSTANT, None, matrix)], linear=linear)


# ---------------------------------------------------------------------------------------- schedule


def _schedule(
    operations: list[_Operation], bits: int, most: int, idle: bool
) -> tuple[list[_Pass], list[int]]:
    """Passes, and the linear map that is left after the last."""
    low = LANE_BITS * idle
    n_qubits = bits - low
    passes: list[_Pass] = []
    order = list(range(bits))
    columns = _identity(bits)
    while operations:
        operations, columns = _absorb(operations, columns, n_qubits, low)
        if not operations:
            break
        chosen, rest = _choose(operations, most, inline=False)
        if sum(not o.linear for o in chosen) <= 3:
            more = _choose(operations, most, inline=True)
            if len(more[0]) > len(chosen):
                chosen, rest = more
        active = sorted({n_qubits - 1 - q + low for o in chosen for q in o.qubits})
        order = _place(active, order, most, low)
        passes.append(_Pass(chosen, order, columns))
        operations, columns = rest, _identity(bits)
    return passes, columns


def _absorb(
    operations: list[_Operation], columns: list[int], n_qubits: int, low: int
) -> tuple[list[_Operation], list[int]]:
    """Take the CNOTs and SWAPs that nothing stands before into the linear map."""
    blocked: set[int] = set()
    rest, columns = [], list(columns)
    for operation in operations:
        if not operation.linear or blocked.intersection(operation.qubits):
            blocked.update(operation.qubits)
            rest.append(operation)
            continue
        a, b = (n_qubits - 1 - q + low for q in operation.qubits)
        for k, column in enumerate(columns):
            if operation.linear == "CNOT":
                columns[k] = column ^ ((column >> a & 1) << b)
            elif (column >> a ^ column >> b) & 1:
                columns[k] = column ^ (1 << a | 1 << b)
    return rest, columns


def _choose(
    operations: list[_Operation], most: int, *, inline: bool
) -> tuple[list[_Operation], list[_Operation]]:
    """The operations of the next pass, and the others. ``inline``: CNOTs and SWAPs may be carried out as gates."""
    active: set[int] = set()
    blocked: set[int] = set()
    chosen, rest = [], []
    for operation in operations:
        qubits = set(operation.qubits)
        fits = (inline or not operation.linear) and len(active | qubits) <= most
        if fits and not blocked & qubits:
            active |= qubits
            chosen.append(operation)
        else:
            blocked |= qubits
            rest.append(operation)
    return chosen, rest


def _place(active: list[int], before: list[int], most: int, low: int) -> list[int]:
    """The basis bit of each address bit: lanes, rows, chunks. Rows that are left over take what was in the lanes."""
    if low:
        lanes, others = list(range(LANE_BITS)), [b for b in before[LANE_BITS:] if b not in active]
    else:
        old_lanes = [b for b in before[:LANE_BITS] if b not in active]
        others = old_lanes + [b for b in before[LANE_BITS:] if b not in active]
        spare = most - len(active)
        others, lanes = (
            others[: max(0, spare)] + others[spare + LANE_BITS :],
            others[spare : spare + LANE_BITS],
        )
    rows = active + others[: most - len(active)]
    return [*lanes, *rows, *others[most - len(active) :]]


# ------------------------------------------------------------------------------ matrices over GF(2)


def _identity(bits: int) -> list[int]:
    return [1 << b for b in range(bits)]


def _apply(columns: list[int], vector: int) -> int:
    found = 0
    for b, column in enumerate(columns):
        if vector >> b & 1:
            found ^= column
    return found


def _compose(left: list[int], right: list[int]) -> list[int]:
    return [_apply(left, column) for column in right]


def _inverse(columns: list[int]) -> list[int]:
    """Gauss's elimination on columns, carrying the identity along."""
    work, carried = list(columns), _identity(len(columns))
    for b in range(len(work)):
        pivot = next(k for k in range(b, len(work)) if work[k] >> b & 1)
        work[b], work[pivot] = work[pivot], work[b]
        carried[b], carried[pivot] = carried[pivot], carried[b]
        for k in range(len(work)):
            if k != b and work[k] >> b & 1:
                work[k] ^= work[b]
                carried[k] ^= carried[b]
    return carried


def _span(columns: list[int]) -> np.ndarray:
    """The exclusive or of the columns chosen by the bits of the index."""
    found = np.zeros(1, dtype=np.uint32)
    for column in columns:
        found = np.concatenate([found, found ^ np.uint32(column)])
    return found


# ------------------------------------------------------------------------------------------ tables


class _Tables:
    """What the kernels read, one row at a time."""

    def __init__(self, places: dict[str, int], constants: list[np.ndarray]) -> None:
        self._places, self._constants = places, constants
        self.operations: list[list[int]] = []
        self._factors: list[tuple[int, int, int]] = []
        self._scales: list[tuple[float, float]] = []
        self._where: list[int] = []
        self._matrices: list[complex] = []

    def add(self, operation: _Operation, rows: dict[int, int]) -> None:
        """Columns: kind, target or x mask or place in ``where``, z mask or qubits, #Y mod 4, controls, place of the
        matrix, first and last factor."""
        controls = sum(1 << rows[q] for q in operation.controls)
        first = len(self._factors)
        row = [operation.kind, rows[operation.targets[0]], 0, 0, controls, 0, 0, 0]
        if operation.kind == MATRIX:
            row[1:3] = [len(self._where), len(operation.targets)]
            row[5] = len(self._matrices)
            self._where += [rows[q] for q in operation.targets]
            self._matrices += operation.factors[0][2].reshape(-1).tolist()
        else:
            for kind, angle, matrix in operation.factors:
                self._add_factor(kind, angle, matrix)
        if operation.kind == STRING:
            pairs = list(zip(operation.letters, operation.targets, strict=True))
            row[1] = sum(1 << rows[q] for letter, q in pairs if letter in "XY")
            row[2] = sum(1 << rows[q] for letter, q in pairs if letter in "YZ")
            row[3] = operation.letters.count("Y") % 4
        row[6:] = [first, len(self._factors)]
        self.operations.append(row)

    def _add_factor(self, kind: int, angle: float | Angle | None, matrix: np.ndarray | None) -> None:
        place, scale, offset = -1, 0.0, 0.0
        if isinstance(angle, Angle):
            place, scale, offset = self._places[angle.name], angle.scale, angle.offset
        elif angle is not None:
            offset = angle
        constant = 0
        if matrix is not None:
            constant = len(self._constants)
            self._constants.append(np.asarray(matrix, dtype=complex).reshape(-1))
        self._factors.append((kind, place, constant))
        self._scales.append((scale, offset))

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Operations, qubits of matrices, matrices, factors, scales and offsets, constants."""
        return (
            np.array(self.operations, dtype=np.int64).reshape(-1, 8),
            np.array(self._where, dtype=np.int64),
            np.array(self._matrices, dtype=complex),
            np.array(self._factors, dtype=np.int64).reshape(-1, 3),
            np.array(self._scales).reshape(-1, 2),
            np.array(self._constants, dtype=complex).reshape(-1, 4),
        )
