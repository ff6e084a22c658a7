import math

import pytest
import torch

from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.surrogate import AimingNetwork


def make(**changes):
    return AimingNetwork(TrebuchetParameters(**changes), torch.Generator().manual_seed(1))


def pairs(n=200):
    generator = torch.Generator().manual_seed(2)
    wind = 30 * torch.randn(n, generator=generator, dtype=torch.float64)
    return wind, 300 * torch.rand(n, generator=generator, dtype=torch.float64)


def test_sizes_are_the_published_ones():
    sizes = [tuple(p.shape) for p in make().parameters()]
    assert sizes == [(16, 2), (16,), (64, 16), (64,), (16, 64), (16,), (2, 16), (2,)]
    assert all(p.dtype == torch.float64 for p in make().parameters())


def test_the_tuned_network_only_gives_settings_the_machine_takes():
    network = make()
    for p in network.parameters():
        p.data *= 20.0
    angle, weight = network(*pairs())
    low, high = TrebuchetParameters().weights
    assert angle.min() >= 0
    assert angle.max() <= math.pi / 2
    assert weight.min() >= low
    assert weight.max() <= high


def test_the_published_network_starts_at_200_pounds_and_is_not_bounded():
    network = make(recipe="published")
    last = network.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 300.0]))
        angle, weight = network(*pairs())
    assert angle.numpy() == pytest.approx(math.pi / 4)
    assert weight.numpy() == pytest.approx(500 * POUND)


def test_the_start_depends_on_the_generator_alone():
    torch.manual_seed(5)
    first = make()
    torch.manual_seed(6)
    second = make()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
