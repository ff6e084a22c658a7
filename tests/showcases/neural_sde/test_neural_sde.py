"""The neural SDE showcase by known answers: the system's moments, proper scores, found equations, Greeks."""

import itertools

import numpy as np
import pytest
import torch

from workbench.showcases.neural_sde import SHOWCASE, finance
from workbench.showcases.neural_sde.data import coverage, crps, observe, truth
from workbench.showcases.neural_sde.discovery import discover
from workbench.showcases.neural_sde.evaluation import learnt_noise, loss_landscape, path_loss
from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.scores import (
    energy_score,
    moment_error,
    relative_moment_error,
    squared_error,
)
from workbench.showcases.neural_sde.system import Spiral, simulate_paths

SMOKE = SpiralParameters.from_preset("smoke")


def test_the_moments_of_the_system_are_those_computed_independently():
    ts = np.array([0.0, 0.5, 1.0])
    paths = simulate_paths(Spiral(), ts, 20_000, np.random.default_rng(3))
    assert paths[1].mean(0) == pytest.approx([-1.662, 0.354], abs=0.02)
    assert paths[1].var(0) == pytest.approx([0.060, 0.500], abs=0.02)
    assert paths[2].mean(0) == pytest.approx([0.578, -1.004], abs=0.03)
    assert paths[2].var(0) == pytest.approx([0.921, 0.587], abs=0.03)


def test_the_published_loss_of_the_true_model_is_its_spread_and_prefers_no_noise():
    parameters = SpiralParameters(data_paths=2000)
    data = observe(parameters)
    assert path_loss(data.paths, data.mean) == pytest.approx(18.7, rel=0.05)
    noises, losses = loss_landscape(parameters)
    assert noises[losses["path"].argmin()] == 0.0
    assert noises[losses["moments"].argmin()] == pytest.approx(0.2)
    assert noises[losses["score"].argmin()] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("loss", "low", "high"), [("moments", 0.19, 0.21), ("energy", 0.17, 0.23), ("path", 0.0, 0.05)]
)
def test_which_noise_each_loss_teaches_to_the_true_drift(loss, low, high):
    parameters = SpiralParameters(side_iterations=200 if loss == "energy" else 60)
    assert low < learnt_noise(loss, parameters) < high


def test_the_losses_are_what_their_formulas_say():
    generator = torch.Generator().manual_seed(1)
    paths = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    target = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    by_hand = sum(
        float((paths[t, i, c] - target[t, c]) ** 2) for t in range(3) for i in range(4) for c in (0, 1)
    )
    assert squared_error(paths, target).item() == pytest.approx(by_hand / 4)
    mean, variance = paths.mean(1), paths.var(1)
    doubled = paths.var(1) * np.exp(0.5)
    off = (0.5**2 + (0.3**2 / doubled)).mean().item()
    assert relative_moment_error(paths, mean + 0.3, doubled).item() == pytest.approx(off)
    assert moment_error(paths, mean, variance).item() == pytest.approx(-float(variance.sum()) / 4)
    members = torch.randn(2, 3, 5, 2, generator=generator, dtype=torch.float64)
    seen = torch.randn(2, 5, 2, generator=generator, dtype=torch.float64)
    off = np.mean(
        [float((members[t, i, b] - seen[t, b]).norm()) for t in (0, 1) for i in range(3) for b in range(5)]
    )
    apart = np.mean(
        [
            float((members[t, i, b] - members[t, j, b]).norm())
            for t in (0, 1)
            for i, j in itertools.combinations(range(3), 2)
            for b in range(5)
        ]
    )
    assert energy_score(members, seen).item() == pytest.approx(off - 0.5 * apart)


def test_crps_and_coverage_of_a_normal_law():
    rng = np.random.default_rng(5)
    forecast, seen = rng.normal(size=(1, 20_000, 1)), rng.normal(size=(1, 20_000, 1))
    # E|X − y| − ½E|X − X'| of two standard normals is 1/√π.
    assert crps(forecast, seen)[0, 0] == pytest.approx(1 / np.sqrt(np.pi), rel=0.02)
    assert crps(2.0 * forecast, seen)[0, 0] > crps(forecast, seen)[0, 0]
    assert coverage(forecast, seen)[0, 0] == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("system", [Spiral(), Spiral(0.2, 1.5, 0.3)])
def test_the_equations_are_found_with_intervals(system):
    ts = np.linspace(0.0, 1.0, 30)
    paths = simulate_paths(system, ts, 4000, np.random.default_rng(11))
    found = discover(ts, paths, resamples=40, rng=np.random.default_rng(12))
    a, b, s = system.damping, system.rotation, system.noise
    first, second = found.drift
    assert first.coefficient("u1^3") == pytest.approx(-a, abs=0.01)
    assert first.coefficient("u2^3") == pytest.approx(-b, rel=0.01)
    assert second.coefficient("u1^3") == pytest.approx(b, rel=0.01)
    assert second.coefficient("u2^3") == pytest.approx(-a, abs=0.01)
    for part, term in zip(found.squared_diffusion, ("u1^2", "u2^2"), strict=True):
        assert np.sqrt(part.coefficient(term)) == pytest.approx(s, rel=0.1)
    assert np.count_nonzero(first.coefficients) == np.count_nonzero(second.coefficients) == 2


@pytest.mark.parametrize(
    ("loss", "iteration"), [("path", 0), ("moments", 0), ("energy", 0), ("energy", SMOKE.iterations - 1)]
)
def test_the_gradient_of_each_loss_is_its_slope(loss, iteration):
    problem = SHOWCASE.make_problem(SMOKE.changed(loss=loss, paths=3, batch=4))
    weight = problem.modules.drift_layers[0].weight

    def value():
        problem.modules.iteration.fill_(iteration)
        return problem.loss(torch.Generator().manual_seed(4))[0]

    value().backward()
    step = 1e-5
    with torch.no_grad():
        weight[1, 0] += step
        above = value().item()
        weight[1, 0] -= 2 * step
        below = value().item()
    assert weight.grad[1, 0].item() == pytest.approx((above - below) / (2 * step), rel=1e-5)


def test_training_lowers_the_score_and_repeats():
    parameters = SMOKE.changed(iterations=40, batch=64)
    first, second = (SHOWCASE.make_training(parameters) for _ in range(2))
    list(first), list(second)
    losses = first.history.column("loss")
    assert losses[-10:].mean() < losses[:5].mean()
    assert np.array_equal(losses, second.history.column("loss"))


def test_the_truth_is_never_trained_on():
    assert truth(SMOKE).shape[1] == 10_000
    assert not np.array_equal(truth(SMOKE)[:30, :400], observe(SMOKE).paths)


@pytest.mark.parametrize("market", [finance.Market(), finance.Market(90.0, 100.0, 0.02, 0.35, 0.5)])
def test_the_greeks_by_the_engine_are_the_textbooks(market):
    by_engine = finance.greeks(finance.black_scholes, market)
    assert by_engine == pytest.approx(finance.greeks_in_closed_form(market), rel=1e-10)


def test_simulated_greeks_come_near_them():
    market, draws = finance.Market(), np.random.default_rng(0).normal(size=20_000)
    simulated = finance.greeks(finance.simulated_price, market, draws)
    assert simulated == pytest.approx(finance.greeks_in_closed_form(market), rel=0.05)
