import math

import numpy as np
import pytest
import torch

from workbench.showcases.trebuchet.aiming import reach_of
from workbench.showcases.trebuchet.loss import EXCESS, HUBER, make_problem, make_training
from workbench.showcases.trebuchet.parameters import TrebuchetParameters


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("recipe", ["tuned", "published"])
def test_the_gradient_of_the_loss_reaches_every_parameter_rightly(smoke, recipe):
    problem = make_problem(smoke.changed(recipe=recipe, batch=2))
    problem.loss(generator())[0].backward()
    h = 1e-5
    for parameter in problem.modules.parameters():
        place = tuple(int(i) for i in np.unravel_index(parameter.grad.abs().argmax().item(), parameter.shape))
        ends = []
        for move in (h, -h):
            with torch.no_grad():
                parameter[place] += move
                ends.append(problem.loss(generator())[0].item())
                parameter[place] -= move
        assert parameter.grad[place].item() == pytest.approx(
            (ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-6
        )


def test_tuned_samples_lie_within_reach_and_fill_their_strata():
    parameters = TrebuchetParameters(batch=64)
    problem = make_problem(parameters)
    wind, target = problem.draw(generator())
    nearest, farthest = reach_of(parameters).at(wind.numpy())
    assert (target.numpy() <= farthest + 1e-9).all()
    assert (target.numpy() >= np.maximum(nearest, 20) - 1e-9).all()
    place = torch.special.ndtr(wind / parameters.wind_spread)
    assert sorted((place * 64).floor().int().tolist()) == list(range(64))


def test_published_samples_are_the_papers_whether_or_not_they_can_be_reached():
    parameters = TrebuchetParameters(recipe="published", batch=256)
    problem = make_problem(parameters)
    wind, target = problem.draw(generator())
    assert wind.std().item() == pytest.approx(5.0, rel=0.15)
    assert target.min() < 25
    assert target.max() > 95
    assert not reach_of(parameters).covers(wind.numpy(), target.numpy()).all()


def test_the_tuned_loss_is_hubers(smoke, monkeypatch):
    problem = make_problem(smoke.changed(batch=2))
    wind, target = torch.tensor([0.0, 1.0]).double(), torch.tensor([50.0, 60.0]).double()
    monkeypatch.setattr(problem, "draw", lambda generator: (wind, target))
    near_and_far = torch.tensor([51.0, 90.0], dtype=torch.float64, requires_grad=True)
    monkeypatch.setattr(problem, "_throw", lambda angle, weight, wind: near_and_far)
    loss, named = problem.loss(generator())
    assert loss.item() == pytest.approx((0.5 * 1**2 + HUBER * (30 - HUBER / 2)) / 2)
    assert named["rms_miss"].item() == pytest.approx(math.sqrt((1 + 900) / 2))


def test_a_counterweight_out_of_range_costs_and_is_never_dropped(smoke):
    problem = make_problem(smoke.changed(recipe="published", batch=1))
    last = problem.modules.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 250.0]))
    loss, named = problem.loss(generator())
    assert loss.item() == pytest.approx(named["rms_miss"].item() ** 2 + EXCESS * 50**2)
    loss.backward()
    assert last.bias.grad[1].item() == pytest.approx(2 * EXCESS * 50)


def test_training_learns_to_aim():
    parameters = TrebuchetParameters.from_preset("smoke", samples=240, width=32)
    records = list(make_training(parameters))
    assert len(records) == parameters.iterations == 60
    misses = [record.metrics["rms_miss"] for record in records]
    assert np.median(misses[-15:]) < 0.5 * np.median(misses[:15])


def test_two_trainings_give_the_same_numbers(smoke):
    first, second = (
        [record.loss for record in make_training(smoke.changed(samples=24, seed=3))] for _ in range(2)
    )
    assert first == second
    other = [record.loss for record in make_training(smoke.changed(samples=24, seed=4))]
    assert first != other


def test_the_snapshot_draws_nothing_random_and_changes_nothing(smoke):
    problem = make_problem(smoke)
    before = problem.snapshot()
    after = problem.snapshot()
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert np.array_equal(value, after[key])
    curves = [value for key, value in before.items() if key.startswith("curve:")]
    assert len(curves) == 3
    assert all(curve.shape[1] == 2 and np.isfinite(curve).all() for curve in curves)


def test_training_runs_on_one_thread(smoke):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make_training(smoke)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
