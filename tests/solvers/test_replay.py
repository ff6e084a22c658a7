"""A loop that was kept is used again only while the function does what it did."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from workbench.solvers import fused, solve_sde
from workbench.solvers.replay import Kept

F64 = torch.float64


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many times something was recorded."""
    count: list[int] = []
    record = fused.record

    def counted(*args):
        count.append(1)
        return record(*args)

    monkeypatch.setattr(fused, "record", counted)
    monkeypatch.setattr(fused, "_KEPT", Kept())
    return count


def solved(drift: Callable, leaves: list[torch.Tensor], *, plainly: bool = False) -> tuple:
    def outward(t, y):
        return drift(t, y) + 0.0 * y.mean(0)

    found = solve_sde(
        outward if plainly else drift,
        lambda t, y: 0.3 * y,
        torch.tensor([[1.0, 0.4], [0.3, 0.8]], dtype=F64),
        [0.0, 0.5, 1.0],
        method="milstein",
        dt=0.1,
        generator=torch.Generator().manual_seed(3),
    )
    bars = torch.autograd.grad(found.ys.square().sum(), leaves, allow_unused=True)
    return found.ys, [torch.zeros(()) if bar is None else bar for bar in bars]


def check(drift: Callable, leaves: list[torch.Tensor]) -> None:
    """The loop's solution and gradient are those of the plain loop."""
    (ys, bars), (expected, expected_bars) = (
        solved(drift, leaves, plainly=plainly) for plainly in (False, True)
    )
    torch.testing.assert_close(ys, expected)
    for bar, other in zip(bars, expected_bars, strict=True):
        torch.testing.assert_close(bar, other)


def weights() -> torch.Tensor:
    return torch.tensor([[0.4, 0.7], [-0.3, 0.1]], dtype=F64, requires_grad=True)


def test_the_same_function_is_recorded_once(recordings: list[int]) -> None:
    m = weights()

    def drift(t, y):
        return torch.tanh(y @ m) - torch.cat([y[:, 1:], 0.5 * y[:, :1]], dim=1)

    for _ in range(3):
        check(drift, [m])
        with torch.no_grad():
            m.mul_(1.1)
    assert len(recordings) == 1 + 3, "the plain loop's refusals are recorded each time, the loop once"


def make(changing: dict) -> Callable:
    """A function whose lines stay the same while what they refer to changes."""

    def drift(t, y):
        if changing.get("branch"):
            y = torch.sin(y)
        at = y.detach() if changing.get("detached") else y
        return changing["rate"] * at * changing["factor"] - changing["net"](y)

    return drift


def fresh() -> dict:
    net = nn.Linear(2, 2, dtype=F64)
    with torch.no_grad():
        net.weight.copy_(weights())
        net.bias.fill_(0.1)
    return {"rate": torch.tensor(0.5, dtype=F64, requires_grad=True), "factor": 1.5, "net": net}


@pytest.mark.parametrize(
    "change",
    [
        {"branch": True},
        {"detached": True},
        {"factor": 2.5},
        {"factor": np.float64(2.5)},
        {"factor": 2},
        {"rate": torch.tensor(0.9, dtype=F64, requires_grad=True)},
        {"rate": torch.tensor([0.9, 0.2], dtype=F64, requires_grad=True)},
        {"rate": torch.tensor(0.5, dtype=F64)},
        {"net": nn.Sequential(nn.Linear(2, 2, dtype=F64), nn.Tanh())},
        {"net": nn.Linear(2, 2, bias=False, dtype=F64)},
    ],
)
def test_what_changes_is_noticed(recordings: list[int], change: dict) -> None:
    changing = fresh()
    check(make(changing), [changing["rate"], *changing["net"].parameters()])
    changing |= change
    leaves = [x for x in (changing["rate"], *changing["net"].parameters()) if x.requires_grad]
    check(make(changing), leaves)


def test_what_is_computed_anew_is_followed(recordings: list[int]) -> None:
    scale = torch.tensor([0.3, -0.2], dtype=F64, requires_grad=True)
    for _ in range(3):
        check(lambda t, y: -torch.exp(scale) * y, [scale])
        with torch.no_grad():
            scale.add_(0.3)
    assert len(recordings) == 1 + 3


def test_what_is_drawn_anew_is_left_to_torch(recordings: list[int]) -> None:
    noisy, generator = [0.0], torch.Generator().manual_seed(1)
    taken: list[torch.Tensor] = []

    def drift(t, y):
        taken.append(torch.randn(2, dtype=F64, generator=generator) * noisy[0])
        return -y + taken[-1]

    solved_once = solve_sde(
        drift, lambda t, y: 0.3 * y, torch.ones(2, 2, dtype=F64), [0, 1], dt=0.1, method="euler",
        generator=torch.Generator().manual_seed(3),
    )  # fmt: skip
    assert solved_once.ys.isfinite().all()
    noisy[0] = 1.0
    del taken[:]
    solve_sde(
        drift, lambda t, y: 0.3 * y, torch.ones(2, 2, dtype=F64), [0, 1], dt=0.1, method="euler",
        generator=torch.Generator().manual_seed(3),
    )  # fmt: skip
    assert len(taken) > 10, "the noise of one call was taken for that of every step"


def test_threads_do_not_meddle(recordings: list[int]) -> None:
    m = weights()
    expected = solved(lambda t, y: y @ m, [m])
    wrong: list[object] = []

    def work() -> None:
        for _ in range(20):
            ys, bars = solved(lambda t, y: y @ m, [m])
            if not (torch.equal(ys, expected[0]) and torch.equal(bars[0], expected[1][0])):
                wrong.append(ys)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_was_captured_is_not_kept_alive(recordings: list[int]) -> None:
    def once() -> weakref.ref:
        m = weights()
        solved(lambda t, y: y @ m, [m])
        return weakref.ref(m)

    gone = once()
    gc.collect()
    assert gone() is None
