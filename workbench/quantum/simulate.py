"""States, expectations and their reversible gradients, on plain arrays.

The gradient is reversible: the backward sweep undoes each gate instead of having kept the state before it, so it
needs the same few statevectors whatever the depth.

Source: Jones & Gacon, Efficient calculation of gradients in classical simulations of variational quantum
algorithms, 2020, arXiv:2009.02823; Luo et al., Yao.jl, 2020, doi:10.22331/q-2020-10-11-341.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import psutil

from workbench.errors import CircuitError, StateTooLargeError
from workbench.quantum import kernels
from workbench.quantum.circuit import Circuit
from workbench.quantum.paulis import PauliSum
from workbench.quantum.program import Program

Parameters = Mapping[str, float] | Sequence[float] | np.ndarray


def statevector(circuit: Circuit, parameters: Parameters = (), state: np.ndarray | None = None) -> np.ndarray:
    """The state after the circuit.

    Args:
        circuit: gates only.
        parameters: shape (…, n_parameters), or numbers by name.
        state: where to start from, |0…0⟩ if not given. Shape (…, 2**n).
    Returns:
        Shape (…, 2**n), complex128; the batch axes of parameters and states are broadcast.
    """
    circuit.check_unitary("statevector")
    return run_gates(circuit, parameters, state)


def run_gates(circuit: Circuit, parameters: Parameters, state: np.ndarray | None = None) -> np.ndarray:
    """``statevector`` for gates whose matrices need not be unitary, as those of noise on density matrices."""
    program = program_of(circuit)
    arrays = program.arrays_between(from_state=state is not None, to_state=True)
    values, states, shape = _batches(circuit, parameters, state)
    buffers = _buffers(program)
    found = np.empty((len(values), 2**circuit.n_qubits), dtype=complex)
    for k, row in enumerate(values):
        _start(buffers, program, states, k)
        _read(buffers[kernels.final_state(arrays, row, buffers)], program, found[k])
    return found.reshape(*shape, -1)


def expectation(
    circuit: Circuit, observable: PauliSum, parameters: Parameters = (), state: np.ndarray | None = None
) -> float | np.ndarray:
    """⟨ψ|observable|ψ⟩ after the circuit: a float, or an array of the shape of the batch."""
    circuit.check_unitary("expectation")
    values, states, shape = _batches(circuit, parameters, state)
    program, arrays, masks = _prepared(circuit, observable, state is not None)
    buffers = _buffers(program)
    found = np.empty(len(values))
    for k, row in enumerate(values):
        _start(buffers, program, states, k)
        found[k] = kernels.value(arrays, masks, row, buffers)
    return found.reshape(shape) if shape else float(found[0])


def expectation_and_gradient(
    circuit: Circuit, observable: PauliSum, parameters: Parameters, state: np.ndarray | None = None
) -> tuple[float | np.ndarray, np.ndarray]:
    """The expectation and its gradient by the parameters.

    Returns:
        The expectation, and the gradient of shape (…, n_parameters) in the order of ``circuit.parameter_names``.
    """
    circuit.check_unitary("expectation_and_gradient")
    values, states, shape = _batches(circuit, parameters, state)
    program, arrays, masks = _prepared(circuit, observable, state is not None)
    buffers = _buffers(program)
    found, gradients = np.empty(len(values)), np.empty(values.shape)
    for k, row in enumerate(values):
        _start(buffers, program, states, k)
        found[k], gradients[k] = kernels.value_and_gradient(arrays, masks, row, buffers)
    if not shape:
        return float(found[0]), gradients[0]
    return found.reshape(shape), gradients.reshape(*shape, -1)


def state_pullback(
    circuit: Circuit, parameters: Parameters, psi: np.ndarray, psi_bar: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """From the cotangent of the state after the circuit to those of the parameters and of the state before.

    Args:
        psi: the state after the circuit. Shape (2**n,).
        psi_bar: ∂L/∂Re ψ + i ∂L/∂Im ψ. Shape (2**n,).
    Returns:
        Shapes (n_parameters,) and (2**n,).
    """
    circuit.check_unitary("state_pullback")
    psi, psi_bar = np.asarray(psi, dtype=complex), np.asarray(psi_bar, dtype=complex)
    for vector in (psi, psi_bar):
        _check_state(circuit, vector, batches=False)
    program = program_of(circuit)
    arrays = program.arrays_between(from_state=True, to_state=True)
    buffers = _buffers(program)
    for k, vector in enumerate((psi, psi_bar)):
        _write(buffers[k], program, vector)
    overlap = float(np.vdot(psi_bar, psi).imag)
    values = np.array(circuit.parameter_vector(parameters))
    gradient, place = kernels.pull_back(arrays, values, buffers, overlap)
    state_bar = np.empty(2**circuit.n_qubits, dtype=complex)
    _read(buffers[place], program, state_bar)
    return 0.5 * gradient, state_bar


@lru_cache(maxsize=64)
def program_of(circuit: Circuit) -> Program:
    """The circuit fused and ordered for the kernels, kept for the circuits used last."""
    check_memory(circuit.n_qubits)
    return Program(circuit)


@lru_cache(maxsize=64)
def _prepared(circuit: Circuit, observable: PauliSum, from_state: bool) -> tuple:
    program = program_of(circuit)
    arrays = program.arrays_between(from_state=from_state, to_state=False)
    return program, arrays, program.observable(observable, circuit.n_qubits)


def _buffers(program: Program) -> np.ndarray:
    """Three states, real and imaginary parts apart: all the memory there is, whatever the depth."""
    check_memory(program.bits)
    return np.zeros((3, 2, 2**program.bits))


def _start(buffers: np.ndarray, program: Program, states: np.ndarray | None, k: int) -> None:
    if states is not None:
        _write(buffers[0], program, states[k])
        return
    if k:  # new buffers are zero
        buffers[0] = 0.0
    buffers[0, 0, 0] = 1.0


def _write(buffer: np.ndarray, program: Program, state: np.ndarray) -> None:
    step = 8 if program.idle else 1
    if program.idle:
        buffer[:] = 0.0
    buffer[0, ::step], buffer[1, ::step] = state.real, state.imag


def _read(buffer: np.ndarray, program: Program, target: np.ndarray) -> None:
    step = 8 if program.idle else 1
    target.real, target.imag = buffer[0, ::step], buffer[1, ::step]


def _batches(circuit: Circuit, parameters: Parameters, state: np.ndarray | None) -> tuple:
    # a copy: the kernels are compiled for writable contiguous arrays
    values = np.array(circuit.parameter_array(parameters), order="C")
    if state is None:
        shape = values.shape[:-1]
        return values.reshape(math.prod(shape), values.shape[-1]), None, shape
    state = np.asarray(state, dtype=complex)
    _check_state(circuit, state, batches=True)
    shape = np.broadcast_shapes(values.shape[:-1], state.shape[:-1])
    rows = math.prod(shape)
    return (
        np.array(np.broadcast_to(values, (*shape, values.shape[-1]))).reshape(rows, values.shape[-1]),
        np.broadcast_to(state, (*shape, state.shape[-1])).reshape(rows, state.shape[-1]),
        shape,
    )


def _check_state(circuit: Circuit, state: np.ndarray, *, batches: bool) -> None:
    size = 2**circuit.n_qubits
    if state.ndim == 0 or state.shape[-1] != size or (state.ndim > 1 and not batches):
        raise CircuitError(
            "the state does not fit the circuit",
            found=f"got shape {state.shape}, expected ({'…, ' * batches}{size}{',' * (not batches)})",
            where="state",
            fix=f"give the 2**{circuit.n_qubits} amplitudes of {circuit.n_qubits} qubits"
            + ("; batches go first" if batches else ", one state at a time"),
        )


def check_memory(n_qubits: int, states: int = 3) -> None:
    """Refuse what does not fit.

    Raises:
        StateTooLargeError: ``states`` states of 2**n_qubits amplitudes need more memory than is free.
    """
    if n_qubits <= 20:
        return
    need, free = states * 16 * 2**n_qubits, psutil.virtual_memory().available
    if need > free:
        most = (free // (states * 16)).bit_length() - 1
        raise StateTooLargeError(
            f"{n_qubits} qubits are too many for this machine's memory",
            found=f"{states} states of 2**{n_qubits} amplitudes need {need / 2**30:.3g} GiB, "
            f"{free / 2**30:.3g} GiB are free",
            where="circuit",
            fix=f"use at most {most} qubits here",
        )
