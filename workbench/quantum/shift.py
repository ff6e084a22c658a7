"""Gradients by the parameter-shift rule, and Hessians: exact, from expectations at shifted angles.

The expectation is a trigonometric polynomial in each angle. Where the generator has eigenvalues ±½ (or 0 and 1), its
derivative is (f(θ+π/2) - f(θ-π/2))/2; a controlled rotation's generator has 0 as well, and needs four terms. An
angle that stands in several gates is shifted in one at a time.

Source: Schuld et al., Evaluating analytic gradients on quantum hardware, 2019, doi:10.1103/PhysRevA.99.032331;
Anselmetti et al., Local, expressive, quantum-number-preserving VQE ansätze, 2021, doi:10.1088/1367-2630/ac2cb3, eq. 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.density import noisy_expectation
from workbench.quantum.operations import Conditional
from workbench.quantum.paulis import PauliSum
from workbench.quantum.sampling import sampled_expectation
from workbench.quantum.simulate import Parameters, expectation, expectation_and_gradient

_TWO_TERMS = ((0.5, math.pi / 2), (-0.5, -math.pi / 2))
_NEAR, _FAR = (math.sqrt(2.0) + 1) / (4 * math.sqrt(2.0)), (math.sqrt(2.0) - 1) / (4 * math.sqrt(2.0))
_FOUR_TERMS = (
    (_NEAR, math.pi / 2),
    (-_NEAR, -math.pi / 2),
    (-_FAR, 3 * math.pi / 2),
    (_FAR, -3 * math.pi / 2),
)


def parameter_shift_gradient(
    circuit: Circuit,
    observable: PauliSum,
    parameters: Parameters,
    state: np.ndarray | None = None,
    *,
    shots: int | None = None,
    rng: np.random.Generator | None = None,
    readout: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """The gradient of the expectation from expectations at shifted angles, as on a device.

    Args:
        circuit: gates and channels.
        observable: what is measured.
        parameters: one number for each parameter.
        state: where to start from, |0…0⟩ if not given. Shape (2**n,).
        shots: how many for each setting and each shifted angle; exact if not given.
        rng: the source of randomness, with ``shots``.
        readout: probabilities that a 0 is read as 1 and a 1 as 0.
    Returns:
        Shape (n_parameters,). With shots an unbiased estimate.
    """
    free = circuit.separated[0]
    read = observable.read_with_errors(*readout) if any(readout) and shots is None else observable

    def measure(angles: np.ndarray) -> np.ndarray:
        if shots is not None:
            if rng is None:
                raise TypeError("parameter_shift_gradient with shots needs rng=, a numpy Generator")
            return sampled_expectation(
                free, observable, angles, shots=shots, rng=rng, state=state, readout=readout
            )
        evaluate = expectation if circuit.is_unitary else noisy_expectation
        return evaluate(free, read, angles, state)

    return _shifted(circuit, parameters, measure)


def hessian(
    circuit: Circuit, observable: PauliSum, parameters: Parameters, state: np.ndarray | None = None
) -> np.ndarray:
    """The second derivatives of the expectation: the shift rule applied to the reversible gradient.

    Returns:
        Shape (n_parameters, n_parameters), symmetric.
    """
    free, positions, scales, _ = circuit.separated

    def measure(angles: np.ndarray) -> np.ndarray:
        gradients = expectation_and_gradient(free, observable, angles, state)[1]
        return _gathered(gradients * scales, positions, circuit.n_parameters)

    found = _shifted(circuit, parameters, measure)
    return 0.5 * (found + found.T)


def _shifted(
    circuit: Circuit, parameters: Parameters, measure: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The derivatives, by each parameter, of what ``measure`` gives for rows of angles."""
    _, positions, scales, offsets = circuit.separated
    values = circuit.parameter_vector(parameters)
    angles = values[positions] * scales + offsets
    terms = [
        (k, weight * scales[k], shift) for k, rule in enumerate(_rules(circuit)) for weight, shift in rule
    ]
    rows = np.repeat(angles[None], len(terms), axis=0)
    for row, (k, _, shift) in zip(rows, terms, strict=True):
        row[k] += shift
    if not terms:
        return np.zeros(0)
    measured = measure(rows)
    found = np.zeros((circuit.n_parameters, *measured.shape[1:]))
    for (k, weight, _), value in zip(terms, measured, strict=True):
        found[positions[k]] += weight * value
    return found


def _rules(circuit: Circuit) -> list[tuple[tuple[float, float], ...]]:
    """The shift rule of each angle that is a parameter."""
    found = []
    for operation in circuit:
        gate = operation.gate if isinstance(operation, Conditional) else operation
        for k, angle in enumerate(gate.angles):
            if isinstance(angle, Angle):
                projector = gate.name == "Phase" or (gate.name == "U3" and k > 0)
                found.append(_FOUR_TERMS if gate.controls and not projector else _TWO_TERMS)
    return found


def _gathered(values: np.ndarray, positions: np.ndarray, count: int) -> np.ndarray:
    """Sum the columns that belong to the same parameter."""
    found = np.zeros((*values.shape[:-1], count))
    np.add.at(found, (..., positions), values)
    return found
