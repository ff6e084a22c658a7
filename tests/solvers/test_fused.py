"""The compiled loop does what the plain loop does, and takes only what it has understood."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from workbench.errors import LostGradientError
from workbench.solvers import SDESolution, fused_adaptive, sde, solve_sde

F64 = torch.float64


def network() -> nn.Sequential:
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 2)).double()
    torch.random.set_rng_state(torch_state)
    return net


def solved(
    monkeypatch: pytest.MonkeyPatch, functions: tuple, leaves: list, *, fused: bool, rows: int = 6, **options
) -> tuple[SDESolution, list]:
    taken: list[bool] = []
    fuse = sde.fuse

    def watched(*args):
        loop = fuse(*args) if fused else None
        taken.append(loop is not None)
        return loop

    y0 = torch.linspace(0.3, 1.5, 2 * rows, dtype=F64).reshape(rows, 2).requires_grad_()
    options = {"dt": 0.06, "method": "sosri", **options}
    with monkeypatch.context() as patch:
        patch.setattr(sde, "recall", lambda *args: None)
        patch.setattr(sde, "fuse", watched)
        generator = torch.Generator().manual_seed(4)
        found = solve_sde(*functions, y0, [0.0, 0.3, 0.5, 1.0], generator=generator, **options)
    assert taken == [fused], "the equation was not recorded"
    loss = (found.ys[1:] ** 2).sum() + found.ys[-1, 0, 1].sin()
    return found, torch.autograd.grad(loss, [y0, *leaves])


CASES = [
    ("euler", "ito", "diagonal"),
    ("milstein", "ito", "diagonal"),
    ("sriw1", "ito", "scalar"),
    ("sosri", "ito", "diagonal"),
    ("heun", "stratonovich", "diagonal"),
    ("midpoint", "stratonovich", "scalar"),
]


@pytest.mark.parametrize(("method", "interpretation", "noise"), CASES)
@pytest.mark.parametrize("gradient", ["direct", "checkpoint"])
def test_fused_equals_plain(
    monkeypatch: pytest.MonkeyPatch, method: str, interpretation: str, noise: str, gradient: str
) -> None:
    net, scale = network(), torch.tensor([0.2, 0.3], dtype=F64, requires_grad=True)
    functions = (lambda t, y: net(y**3) - torch.sin(t) * y, lambda t, y: scale * y)
    options = {"method": method, "interpretation": interpretation, "noise": noise, "gradient": gradient}
    compare(monkeypatch, functions, [scale, *net.parameters()], **options)


def test_fused_equals_plain_in_adaptive_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    net, scale = network(), torch.tensor(0.4, dtype=F64, requires_grad=True)
    functions = (lambda t, y: net(y), lambda t, y: scale * y)
    compare(monkeypatch, functions, [scale, *net.parameters()], dt=None, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("noise", ["diagonal", "scalar", "additive"])
def test_the_compiled_choice_of_steps_is_the_plain_one(monkeypatch: pytest.MonkeyPatch, noise: str) -> None:
    """In several blocks of rows, with more steps than there is room for at first, reporting progress."""
    net = network()

    def diffusion(t, y):
        return 0.4 + 0.1 * torch.cos(t) + 0 * y if noise == "additive" else 0.4 * y

    monkeypatch.setattr(fused_adaptive, "CAPACITY", 5)
    found, seen = [], []
    for fused in (True, False):
        with monkeypatch.context() as patch, torch.no_grad():
            if not fused:
                patch.setattr(sde, "fuse", lambda *_: None)
            found.append(
                solve_sde(
                    lambda t, y: net(y) - torch.sin(t) * y,
                    diffusion,
                    torch.linspace(0.1, 2.0, 600, dtype=F64).reshape(300, 2),
                    [0.0, 0.3, 1.0],
                    noise=noise,
                    rtol=5e-4,
                    atol=5e-4,
                    generator=torch.Generator().manual_seed(4),
                    progress=seen.append if fused else None,
                )
            )
    one, other = found
    torch.testing.assert_close(one.ys, other.ys, rtol=1e-11, atol=1e-11)
    assert one.statistics.accepted.equal(other.statistics.accepted)
    assert one.statistics.rejected.equal(other.statistics.rejected)
    assert one.statistics.evaluations == other.statistics.evaluations
    assert one.statistics.accepted.max() > 2 * fused_adaptive.CAPACITY
    assert seen[-1] == 1.0


def test_fused_equals_plain_in_several_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    net, scale = network(), torch.tensor(0.4, dtype=F64, requires_grad=True)
    compare(monkeypatch, (lambda t, y: net(y), lambda t, y: scale * y), [scale, *net.parameters()], rows=300)


A = torch.tensor([0.4, 0.7], dtype=F64, requires_grad=True)
M = torch.tensor([[0.4, 0.7], [-0.3, 0.1]], dtype=F64, requires_grad=True)


@pytest.mark.parametrize(
    "drift",
    [
        lambda t, y: torch.stack([y[:, 1], -A[0] * y[:, 0]], 1) + 0 * A[1],
        lambda t, y: torch.cat([y[:, 1:] * A, -y[:, :1]], -1)[:, [0, 2]],
        lambda t, y: (y @ M - 1.0) / (2.0 + torch.cos(y) ** 2) + A * 0,
        lambda t, y: y @ M.T + torch.sigmoid(A * y) - torch.relu(y - 1) + nn.functional.softplus(y),
        lambda t, y: (
            1.0 / (1.0 + y.square()) - torch.exp(-A * y) + torch.abs(y - 0.9) + torch.sqrt(y * y + 1)
        ),
        lambda t, y: A * y * y.sum(1, keepdim=True).tanh() + torch.log(3 + y.sin()),
        lambda t, y: nn.functional.silu(A * y) + (1 - y) * torch.ones_like(y) + t**2 * y.pow(3) * -0.1,
    ],
)
def test_operations(monkeypatch: pytest.MonkeyPatch, drift: Callable) -> None:
    compare(monkeypatch, (lambda t, y: drift(t, y) + 0 * (y @ M), lambda t, y: 0.3 * A * y), [A, M])


def compare(monkeypatch: pytest.MonkeyPatch, functions: tuple, leaves: list, **options) -> None:
    (one, one_bars), (other, other_bars) = (
        solved(monkeypatch, functions, leaves, fused=fused, **options) for fused in (True, False)
    )
    torch.testing.assert_close(one.ys, other.ys, rtol=1e-12, atol=1e-12)
    for bar, expected in zip(one_bars, other_bars, strict=True):
        torch.testing.assert_close(bar, expected, rtol=1e-11, atol=1e-11)


class Backwards(torch.autograd.Function):
    """A derivative of its own: minus that of the identity."""

    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, bar):
        return -bar


def _branch(t, y):
    return y if y.sum() > 0 else -y


def _without_gradient(t, y):
    with torch.no_grad():
        rest = 2 * y
    return y * A - rest


@pytest.mark.parametrize(
    "drift",
    [
        _branch,
        _without_gradient,
        lambda t, y: A * y + torch.randn(2, dtype=F64),
        lambda t, y: A * y.detach(),
        lambda t, y: A * Backwards.apply(y),
        lambda t, y: A * y - y.mean(0),
        lambda t, y: A * y * y[0, 0].item(),
        lambda t, y: A * y + torch.arange(6, dtype=F64)[:, None],
        lambda t, y: A * torch.erf(y),
    ],
)
def test_what_is_not_understood_is_left_to_torch(monkeypatch: pytest.MonkeyPatch, drift: Callable) -> None:
    with pytest.raises(AssertionError, match="was not recorded"):
        solved(monkeypatch, (drift, lambda t, y: 0.1 * y), [A], fused=True)


def test_a_value_that_changes_between_solutions_is_read_again() -> None:
    rate = [1.0]
    y0 = torch.ones(3, 1, dtype=F64, requires_grad=True)

    def last() -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        found = solve_sde(
            lambda t, y: rate[0] * y,
            lambda t, y: 0.0 * y,
            y0,
            [0, 1],
            dt=0.5,
            method="euler",
            generator=generator,
        )
        return found.ys[-1, 0, 0]

    assert last().item() == pytest.approx(1.5**2)
    rate[0] = 2.0
    assert last().item() == pytest.approx(4.0)


@pytest.mark.parametrize("gradient", ["direct", "checkpoint"])
def test_progress_is_told_of_in_compiled_steps(gradient: str) -> None:
    seen: list[float] = []
    whole, told = (
        solve_sde(
            lambda t, y: -y,
            lambda t, y: 0.1 * y,
            torch.ones(3, 2, dtype=F64),
            [0, 1],
            dt=0.01,
            gradient=gradient,
            generator=torch.Generator().manual_seed(0),
            progress=progress,
        ).ys
        for progress in (None, seen.append)
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert 10 <= len(seen) <= 40
    assert torch.equal(whole, told)


def second_derivative(functions: Callable, *, plainly: bool) -> torch.Tensor:
    """Of a sum with a term of its own, so that the loop's part may not be left out without a word."""
    rates = torch.tensor([0.5, 0.2], dtype=F64, requires_grad=True)
    y0 = torch.tensor([[1.0, 0.3]], dtype=F64, requires_grad=True)
    start = y0 * rates.exp()
    drift, diffusion = functions(rates)
    found = solve_sde(
        (lambda t, y: drift(t, y) + 0 * y.sum(0)) if plainly else drift,
        diffusion,
        start,
        [0, 0.5, 1],
        dt=0.1,
        generator=torch.Generator().manual_seed(0),
    )
    loss = found.ys[-1].square().sum() + (rates**3).sum() + y0.square().sum()
    first = torch.autograd.grad(loss, [rates, y0], create_graph=True)
    return torch.cat([bar.flatten() for bar in torch.autograd.grad(sum(b.sum() for b in first), [rates, y0])])


def test_second_derivatives_are_those_of_the_plain_loop() -> None:
    def functions(rates):
        squares = rates**2
        return lambda t, y: squares * y - y**3, lambda t, y: rates * y

    torch.testing.assert_close(
        second_derivative(functions, plainly=False), second_derivative(functions, plainly=True)
    )


def test_second_derivatives_that_would_be_incomplete_are_refused() -> None:
    with pytest.raises(LostGradientError, match="cannot be differentiated again"):
        second_derivative(lambda rates: (lambda t, y: rates**2 * y, lambda t, y: rates * y), plainly=False)


def test_a_parameter_changed_in_place_before_the_way_back_is_noticed() -> None:
    rate = torch.ones(1, dtype=F64, requires_grad=True)
    y0 = torch.ones(3, 1, dtype=F64)
    generator = torch.Generator().manual_seed(0)
    found = solve_sde(
        lambda t, y: rate * y, lambda t, y: 0.1 * y, y0, [0, 1], dt=0.5, method="euler", generator=generator
    )
    with torch.no_grad():
        rate += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        found.ys.sum().backward()
