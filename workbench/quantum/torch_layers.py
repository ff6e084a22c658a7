"""The simulator in torch's autograd: layers for networks, with the reversible gradient.

torch is imported at the first call.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.quantum.circuit import Circuit
from workbench.quantum.paulis import PauliSum
from workbench.quantum.shift import hessian
from workbench.quantum.simulate import expectation, expectation_and_gradient, state_pullback, statevector

if TYPE_CHECKING:
    import torch


def torch_expectation(circuit: Circuit, observable: PauliSum, parameters: torch.Tensor) -> torch.Tensor:
    """⟨observable⟩ after the circuit, as a tensor that torch differentiates, twice if need be.

    Args:
        circuit: gates only.
        observable: a sum of Pauli products.
        parameters: real. Shape (…, n_parameters).
    Returns:
        Shape (…), of the type of ``parameters``. Simulated in double precision.

    Differentiable in: parameters.
    """
    return _layers()[0].apply(circuit, observable, parameters)


def torch_statevector(
    circuit: Circuit, parameters: torch.Tensor, state: torch.Tensor | None = None
) -> torch.Tensor:
    """The state after the circuit, as a complex128 tensor that torch differentiates, once.

    Args:
        circuit: gates only.
        parameters: real. Shape (n_parameters,).
        state: where to start from, |0…0⟩ if not given. Shape (2**n,).
    Returns:
        Shape (2**n,).

    Differentiable in: parameters, state.
    """
    return _layers()[1].apply(circuit, parameters, state)


@functools.cache
def _layers() -> tuple[Any, Any]:
    import torch

    def plain(tensor: torch.Tensor) -> np.ndarray:
        return tensor.detach().cpu().numpy()

    def like(array: Any, tensor: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(np.asarray(array), dtype=tensor.dtype, device=tensor.device)

    class Gradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, circuit: Circuit, observable: PauliSum, parameters: torch.Tensor) -> Any:
            ctx.problem = circuit, observable
            ctx.save_for_backward(parameters)
            return like(expectation_and_gradient(circuit, observable, plain(parameters))[1], parameters)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, bar: torch.Tensor) -> Any:
            (parameters,) = ctx.saved_tensors
            rows = plain(parameters).reshape(-1, parameters.shape[-1])
            bars = plain(bar).reshape(rows.shape)
            found = [hessian(*ctx.problem, row) @ one for row, one in zip(rows, bars, strict=True)]
            return None, None, like(found, parameters).reshape(parameters.shape)

    class Expectation(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, circuit: Circuit, observable: PauliSum, parameters: torch.Tensor) -> Any:
            ctx.problem, ctx.gradient = (circuit, observable), None
            ctx.save_for_backward(parameters)
            if not ctx.needs_input_grad[2]:
                return like(expectation(circuit, observable, plain(parameters)), parameters)
            value, gradient = expectation_and_gradient(circuit, observable, plain(parameters))
            ctx.gradient = like(gradient, parameters)
            return like(value, parameters)

        @staticmethod
        def backward(ctx: Any, bar: torch.Tensor) -> Any:
            (parameters,) = ctx.saved_tensors
            twice = torch.is_grad_enabled()  # create_graph=True
            gradient = Gradient.apply(*ctx.problem, parameters) if twice else ctx.gradient
            return None, None, bar[..., None] * gradient

    class State(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, circuit: Circuit, parameters: torch.Tensor, state: Any) -> Any:
            start = None if state is None else plain(state)
            psi = torch.as_tensor(statevector(circuit, plain(parameters), start), device=parameters.device)
            ctx.circuit, ctx.has_state = circuit, state is not None
            ctx.save_for_backward(parameters, psi)
            return psi

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, bar: torch.Tensor) -> Any:
            parameters, psi = ctx.saved_tensors
            found = state_pullback(ctx.circuit, plain(parameters), plain(psi), plain(bar))
            state_bar = torch.as_tensor(found[1], device=bar.device) if ctx.has_state else None
            return None, like(found[0], parameters), state_bar

    return Expectation, State
