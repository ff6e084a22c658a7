"""Optimisers by name: Adam, AdamW, gradient descent and Nesterov's momentum, by torch's fused kernels.

The numbers and the state are those of ``torch.optim`` with ``fused=True``. ``torch.optim`` itself imports torch's
compiler before its first step, some 75 MB and seconds that a process which compiles nothing can do without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

State = dict[str, torch.Tensor]
Update = Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], Sequence[State], float], None]
"""Parameters, their gradients, what is kept of each, and the learning rate; changes all but the last in place."""


class Optimiser:
    """Moves parameters against their gradients.

    Args:
        update: a member of ``OPTIMISERS``.
        learnable: leaves that require gradients; those without one are left as they are.
    """

    def __init__(self, update: Update, learnable: Iterable[torch.Tensor]) -> None:
        self._update = update
        self._learnable = list(learnable)
        self._states: list[State] = [{} for _ in self._learnable]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._learnable:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update by the gradients that are there."""
        alike: dict[Any, list[tuple[torch.Tensor, torch.Tensor, State]]] = {}
        for parameter, state in zip(self._learnable, self._states, strict=True):
            if parameter.grad is not None:
                kind = parameter.device, parameter.dtype
                alike.setdefault(kind, []).append((parameter, parameter.grad, state))
        for members in alike.values():  # a kernel takes tensors of one kind only
            self._update(*zip(*members, strict=True), learning_rate)

    def state_dict(self) -> dict[str, Any]:
        """What is kept of each parameter, by its place."""
        return {"state": {place: dict(state) for place, state in enumerate(self._states) if state}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned for parameters of the same shapes."""
        kept = saved["state"]
        for place, state in enumerate(self._states):
            state.clear()
            state.update({name: tensor.clone() for name, tensor in kept.get(place, {}).items()})


def _adam(
    parameters: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    states: Sequence[State],
    learning_rate: float,
    *,
    kernel: Callable[..., None],
    weight_decay: float,
) -> None:
    """Source: Kingma and Ba, Adam, 2015, arXiv 1412.6980, algorithm 1; with decay: Loshchilov and Hutter, 2019."""
    for parameter, state in zip(parameters, states, strict=True):
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
    for state in states:
        state["step"] += 1
    kernel(
        parameters,
        gradients,
        *([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")),
        [],
        [state["step"] for state in states],
        lr=learning_rate,
        beta1=0.9,
        beta2=0.999,
        eps=1e-8,
        weight_decay=weight_decay,
        amsgrad=False,
        maximize=False,
    )


def _descent(
    parameters: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    states: Sequence[State],
    learning_rate: float,
    *,
    momentum: float,
) -> None:
    """Source: Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum, 2013."""
    if momentum:
        for parameter, state in zip(parameters, states, strict=True):
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
    torch._fused_sgd_(
        parameters,
        gradients,
        [state["momentum_buffer"] for state in states] if momentum else [],
        lr=learning_rate,
        momentum=momentum,
        nesterov=momentum > 0.0,
        dampening=0.0,
        weight_decay=0.0,
        maximize=False,
        is_first_step=False,
    )


OPTIMISERS: Mapping[str, Update] = {
    "adam": partial(_adam, kernel=torch._fused_adam_, weight_decay=0.0),
    "adamw": partial(_adam, kernel=torch._fused_adamw_, weight_decay=0.01),
    "sgd": partial(_descent, momentum=0.0),
    "momentum": partial(_descent, momentum=0.9),
}
