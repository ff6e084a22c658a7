import json

import numpy as np
import pytest

from workbench.showcases import find
from workbench.showcases.trebuchet.aiming import aim_directly, reach_of
from workbench.showcases.trebuchet.evaluation import draw_trials, evaluate, throw_all
from workbench.showcases.trebuchet.parameters import TrebuchetParameters

SMOKE = TrebuchetParameters.from_preset("smoke", samples=40)


@pytest.fixture(scope="module")
def trained():
    training = find("trebuchet").make_training(SMOKE)
    for _ in training:
        pass
    return training


@pytest.fixture(scope="module")
def result(trained):
    return evaluate(trained, SMOKE)


def test_metrics_are_over_the_targets_within_reach(result):
    arrays, metrics = result["arrays"], result["metrics"]
    within = arrays["reachable"]
    misses = np.abs(arrays["misses"][within])
    assert metrics["median_miss_in_m"] == np.median(misses)
    assert metrics["p95_miss_in_m"] == np.quantile(misses, 0.95)
    assert metrics["share_reachable"] == within.mean()
    assert np.array_equal(within, reach_of(SMOKE).covers(arrays["winds"], arrays["targets"]))


def test_misses_are_those_of_the_settings_given(result):
    arrays = result["arrays"]
    distances = throw_all(arrays["winds"], arrays["angles"], arrays["weights"], SMOKE)
    assert np.array_equal(distances - arrays["targets"], arrays["misses"])


def test_all_but_clocks_is_the_same_again_and_writes_as_json(trained, result):
    again = evaluate(trained, SMOKE)
    assert again["metrics"] == result["metrics"]
    assert again["tables"] == result["tables"]
    json.dumps([result["metrics"], result["tables"], result["timings"]])
    assert all(np.array_equal(again["arrays"][name], result["arrays"][name]) for name in result["arrays"])


def test_trials_are_the_papers_and_the_same_for_every_seed():
    winds, targets = draw_trials(TrebuchetParameters(trials=20_000))
    assert winds.mean() == pytest.approx(0, abs=0.1)
    assert winds.std() == pytest.approx(5, rel=0.02)
    assert (targets.min(), targets.max()) == pytest.approx((20, 100), abs=0.05)
    assert np.array_equal(winds, draw_trials(TrebuchetParameters(trials=20_000, seed=9))[0])


def test_a_perfect_aim_has_no_miss():
    winds, targets = np.array([-4.0, 3.0]), np.array([45.0, 75.0])
    aims = [
        aim_directly(w, t, SMOKE, tolerance=1e-6, method="gauss-newton")
        for w, t in zip(winds, targets, strict=True)
    ]
    angles, weights = np.array([(aim.angle, aim.weight) for aim in aims]).T
    assert throw_all(winds, angles, weights, SMOKE) == pytest.approx(targets, abs=1e-6)


def test_the_network_aims_faster_than_optimisation(result):
    timings = result["timings"]
    assert timings["times_faster_by_network"] == pytest.approx(
        timings["seconds_to_aim_directly"] / timings["seconds_to_aim_by_network"]
    )
    assert timings["seconds_to_aim_by_network"] < timings["seconds_to_aim_by_gauss_newton"]
    assert timings["samples_per_second"] > 0
