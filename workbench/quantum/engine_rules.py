"""What the engine knows about the simulator: expectations and states by their reversible gradients."""

from __future__ import annotations

import numpy as np

from workbench.autodiff import rule
from workbench.quantum.circuit import Circuit
from workbench.quantum.paulis import PauliSum
from workbench.quantum.shift import hessian
from workbench.quantum.simulate import expectation, expectation_and_gradient, state_pullback, statevector


def expectation_gradient(circuit: Circuit, observable: PauliSum, parameters: np.ndarray) -> np.ndarray:
    """The gradient of the expectation, as a function that can be differentiated again."""
    return expectation_and_gradient(circuit, observable, parameters)[1]


@rule(expectation)
def expectation_rule(circuit, observable, parameters):
    """The reversible gradient of one expectation, by the parameters."""

    def expectation_pullback(value_bar):
        return None, None, value_bar * expectation_gradient(circuit, observable, parameters)

    return expectation(circuit, observable, parameters), expectation_pullback


@rule(expectation_gradient)
def expectation_gradient_rule(circuit, observable, parameters):
    """The Hessian is symmetric: its own transpose."""

    def expectation_gradient_pullback(gradient_bar):
        return None, None, hessian(circuit, observable, parameters) @ gradient_bar

    return expectation_gradient(circuit, observable, parameters), expectation_gradient_pullback


@rule(statevector)
def statevector_rule(circuit, parameters, state=None):
    """The gates undone, for the state and its cotangent."""
    psi = statevector(circuit, parameters, state)

    def statevector_pullback(psi_bar):
        parameters_bar, state_bar = state_pullback(circuit, parameters, psi, np.asarray(psi_bar))
        return (None, parameters_bar) if state is None else (None, parameters_bar, state_bar)

    return psi, statevector_pullback
