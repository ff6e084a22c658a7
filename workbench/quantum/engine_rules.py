"""What the engine knows about the simulator: expectations and states by their reversible gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff import rule
from workbench.errors import MissingRuleError
from workbench.quantum.circuit import Circuit
from workbench.quantum.density import density_matrix, noisy_expectation
from workbench.quantum.paulis import PauliSum
from workbench.quantum.sampling import sampled_expectation
from workbench.quantum.shift import hessian, parameter_shift_gradient
from workbench.quantum.simulate import expectation, expectation_and_gradient, state_pullback, statevector

_ALTERNATIVES = (
    "differentiate expectation, as often as twice; or reference_state and reference_expectation, plain NumPy"
)


def expectation_gradient(
    circuit: Circuit, observable: PauliSum, parameters: Any, state: np.ndarray | None = None
) -> np.ndarray:
    """The gradient of the expectation, as a function that can be differentiated again."""
    return expectation_and_gradient(circuit, observable, parameters, state)[1]


def expectation_by_state(circuit: Circuit, observable: PauliSum, parameters: Any, state: Any) -> np.ndarray:
    """The cotangent of the state that one expectation starts from: 2Oψ, pulled back."""
    psi = statevector(circuit, parameters, state)
    return state_pullback(circuit, parameters, psi, 2.0 * observable.apply(psi))[1]


@rule(expectation)
def expectation_rule(circuit, observable, parameters=(), state=None):
    """The reversible gradient of one expectation."""

    def expectation_pullback(value_bar):
        gradient = expectation_gradient(circuit, observable, parameters, state)
        parameters_bar = _like(
            parameters, circuit, np.reshape(value_bar, (*np.shape(value_bar), 1)) * gradient
        )
        if state is None:
            return None, None, parameters_bar, None
        state_bar = expectation_by_state(circuit, observable, parameters, state)
        return None, None, parameters_bar, value_bar * state_bar

    return expectation(circuit, observable, parameters, state), expectation_pullback


@rule(expectation_gradient)
def expectation_gradient_rule(circuit, observable, parameters, state=None):
    """The Hessian is symmetric: its own transpose."""

    def expectation_gradient_pullback(gradient_bar):
        curvature = hessian(circuit, observable, parameters, state)
        return None, None, _like(parameters, circuit, curvature @ gradient_bar), None

    return expectation_gradient(circuit, observable, parameters, state), expectation_gradient_pullback


@rule(noisy_expectation)
def noisy_expectation_rule(circuit, observable, parameters=(), state=None):
    """The parameter-shift rule, exact with noise too; from |0…0⟩ only."""
    if state is not None:
        raise _unknown(
            "a derivative of noisy_expectation with a state to start from",
            "prepare the state with gates, from |0…0⟩",
        )

    def noisy_expectation_pullback(value_bar):
        rows = circuit.parameter_array(parameters)
        flat = rows.reshape(-1, rows.shape[-1])
        shifted = [parameter_shift_gradient(circuit, observable, row) for row in flat]
        slopes = np.reshape(np.array(shifted), rows.shape)
        parameters_bar = _like(parameters, circuit, np.asarray(value_bar)[..., None] * slopes)
        return None, None, parameters_bar, None

    return noisy_expectation(circuit, observable, parameters), noisy_expectation_pullback


@rule(statevector)
def statevector_rule(circuit, parameters=(), state=None):
    """The gates undone, for the state and its cotangent."""
    psi = statevector(circuit, parameters, state)

    def statevector_pullback(psi_bar):
        parameters_bar, state_bar = state_pullback(circuit, parameters, psi, np.asarray(psi_bar))
        return None, _like(parameters, circuit, parameters_bar), None if state is None else state_bar

    return psi, statevector_pullback


@rule(expectation_by_state)
def expectation_by_state_rule(circuit, observable, parameters, state):
    """Known where nobody asks for it: a Hessian by the parameters has no use for it."""

    def expectation_by_state_pullback(state_bar):
        raise _unknown("a second derivative by the state that an expectation starts from")

    return expectation_by_state(circuit, observable, parameters, state), expectation_by_state_pullback


@rule(state_pullback)
def state_pullback_rule(circuit, parameters, psi, psi_bar):
    """Refused."""
    raise _unknown("a second derivative through statevector")


@rule(expectation_and_gradient)
def expectation_and_gradient_rule(circuit, observable, parameters, state=None):
    """Refused: whoever differentiates wants ``expectation``."""
    raise _unknown("a derivative of expectation_and_gradient")


@rule(parameter_shift_gradient)
def parameter_shift_gradient_rule(circuit, observable, parameters, state=None, **sampling):
    """Refused: a gradient already."""
    raise _unknown("a derivative of parameter_shift_gradient")


@rule(density_matrix)
def density_matrix_rule(circuit, parameters=(), state=None):
    """Refused: expectations of it are known."""
    raise _unknown("a derivative of density_matrix", "differentiate noisy_expectation")


@rule(sampled_expectation)
def sampled_expectation_rule(circuit, observable, parameters=(), **sampling):
    """Refused: a count of shots jumps."""
    raise _unknown(
        "a derivative of sampled_expectation", "use parameter_shift_gradient with shots, which measures it"
    )


def _unknown(what: str, fix: str = _ALTERNATIVES) -> MissingRuleError:
    return MissingRuleError(f"{what} is not known", where="workbench.quantum", fix=fix)


def _like(parameters, circuit, cotangent):
    """The cotangent in the structure of the parameters: an array, a list, or numbers by name."""
    if isinstance(parameters, dict):
        return {name: cotangent[..., k] for k, name in enumerate(circuit.parameter_names)}
    if isinstance(parameters, list | tuple):
        return type(parameters)(cotangent[k] for k in range(len(parameters)))
    return cotangent
