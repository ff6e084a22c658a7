"""The optimisers: torch's own to the last bit, without torch's compiler in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from workbench.training import OPTIMISERS, Optimiser

TORCHS_OWN = {
    "adam": lambda learnable, lr: torch.optim.Adam(learnable, lr=lr, fused=True),
    "adamw": lambda learnable, lr: torch.optim.AdamW(learnable, lr=lr, fused=True),
    "sgd": lambda learnable, lr: torch.optim.SGD(learnable, lr=lr, fused=True),
    "momentum": lambda learnable, lr: torch.optim.SGD(
        learnable, lr=lr, momentum=0.9, nesterov=True, fused=True
    ),
}
RATES = (0.1, 0.1, 0.03, 0.001, 0.2)


def make_learnable() -> list[torch.Tensor]:
    """Of two precisions, and one that never gets a gradient."""
    rng = torch.Generator().manual_seed(5)
    sizes = (((3, 2), torch.float64), ((4,), torch.float32), ((5,), torch.float64), ((2,), torch.float64))
    return [torch.randn(*size, dtype=kind, generator=rng).requires_grad_() for size, kind in sizes]


def give_gradients(learnable: list[torch.Tensor], iteration: int) -> None:
    for tensor in learnable[:-1]:
        tensor.grad = (tensor.detach() - 1.0) * (1 + iteration) ** 0.5


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_numbers_are_those_of_torch(name: str) -> None:
    mine, theirs = make_learnable(), make_learnable()
    optimiser, own = Optimiser(OPTIMISERS[name], mine), TORCHS_OWN[name](theirs, RATES[0])
    for iteration, rate in enumerate(RATES):
        own.param_groups[0]["lr"] = rate
        give_gradients(mine, iteration)
        give_gradients(theirs, iteration)
        optimiser.step(rate)
        own.step()
        for one, other in zip(mine, theirs, strict=True):
            assert torch.equal(one, other)
    assert not torch.equal(mine[0], make_learnable()[0])
    assert torch.equal(mine[-1], make_learnable()[-1])


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("of_torch", [False, True])
def test_it_goes_on_from_a_saved_state(name: str, of_torch: bool) -> None:
    """From its own, and from one that torch's optimiser saved."""
    straight, stopped = make_learnable(), make_learnable()
    first, whole = TORCHS_OWN[name](stopped, 0.1), Optimiser(OPTIMISERS[name], straight)
    if not of_torch:
        first = Optimiser(OPTIMISERS[name], stopped)
    for iteration in range(3):
        give_gradients(straight, iteration)
        give_gradients(stopped, iteration)
        whole.step(0.1)
        first.step() if of_torch else first.step(0.1)
    second = Optimiser(OPTIMISERS[name], stopped)
    second.load_state_dict(first.state_dict())
    give_gradients(straight, 3)
    give_gradients(stopped, 3)
    whole.step(0.1)
    second.step(0.1)
    for one, other in zip(straight, stopped, strict=True):
        assert torch.equal(one, other)


def test_gradients_are_forgotten() -> None:
    learnable = make_learnable()
    give_gradients(learnable, 0)
    Optimiser(OPTIMISERS["sgd"], learnable).zero_grad()
    assert all(tensor.grad is None for tensor in learnable)


def test_training_leaves_the_compiler_of_torch_out_of_memory() -> None:
    """It and its sympy would take 110 MB and seconds in each kernel, and nothing here is compiled by them."""
    code = """
import sys
from workbench import showcases
for name in showcases.names():
    showcase = showcases.find(name)
    next(showcase.make_training(showcase.parameters.from_preset("smoke")))
assert "torch" in sys.modules
assert not {"torch._dynamo", "sympy"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
