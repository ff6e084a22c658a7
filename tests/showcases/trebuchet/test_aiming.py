import math

import numpy as np
import pytest

from workbench.autodiff import gradient
from workbench.errors import SimulationError
from workbench.showcases.trebuchet.aiming import aim_directly, reach_of, setting_of, throw_distances
from workbench.showcases.trebuchet.machine import POUND, PUBLISHED, STANDARD
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.physics import throw, throw_distance

DEFAULT = TrebuchetParameters()


@pytest.mark.parametrize("machine", [STANDARD, PUBLISHED], ids=["right", "published"])
@pytest.mark.parametrize(
    ("wind", "degrees", "pounds"), [(-2.0, 45, 200), (5.0, 20, 60), (0.0, 80, 390), (-8.0, 5, 120)]
)
def test_the_engines_gradient_is_the_slope_of_the_distance(machine, wind, degrees, pounds):
    at = [wind, math.radians(degrees), pounds * POUND]
    slopes = []
    for i in range(3):
        ends = []
        for h in (1e-5, -1e-5):
            moved = list(at)
            moved[i] += h
            ends.append(throw_distance(*moved, machine))
        slopes.append((ends[0] - ends[1]) / 2e-5)
    assert gradient(throw_distance, wrt=(0, 1, 2))(*at, machine) == pytest.approx(slopes, rel=2e-6)


def test_the_gradient_goes_through_the_event_times():
    def flight_time(angle):
        result = throw(0.0, angle, 90.0)
        return result.landing_time - result.lift_off_time

    h = 1e-5
    slope = (flight_time(0.7 + h) - flight_time(0.7 - h)) / (2 * h)
    assert gradient(flight_time)(0.7) == pytest.approx(slope, rel=1e-6)


def test_the_gradient_in_the_published_convention():
    wind, angle, weight = gradient(throw_distance, wrt=(0, 1, 2))(
        -2.0, math.radians(45), 200 * POUND, PUBLISHED, 4.0
    )
    found = (wind, angle * math.pi / 180, weight * POUND)
    assert found == pytest.approx((4.01299, -1.00238, 0.0673806), rel=1e-4)


def test_throw_distances_throws_each_row():
    winds, angles, weights = np.array([-3.0, 2.0]), np.array([0.5, 1.0]), np.array([60.0, 120.0])
    expected = [throw_distance(-3.0, 0.5, 60.0), throw_distance(2.0, 1.0, 120.0)]
    assert throw_distances(STANDARD)(winds, angles, weights, 1.0) == pytest.approx(expected, rel=1e-12)


def test_the_reach_holds_every_throw_that_is_allowed():
    reach = reach_of(DEFAULT)
    rng = np.random.default_rng(3)
    winds = rng.uniform(-12, 12, 60)
    distances = np.array(
        [
            throw_distance(w, a, m)
            for w, a, m in zip(
                winds, rng.uniform(0, math.pi / 2, 60), rng.uniform(*DEFAULT.weights, 60), strict=True
            )
        ]
    )
    assert reach.covers(winds, distances).all()
    _, farthest = reach.at(winds)
    assert not reach.covers(winds, farthest + 0.5).any()


def test_the_farthest_throw_is_the_best_of_all_angles():
    _, farthest = reach_of(DEFAULT).at(0.0)
    angles = np.radians(np.linspace(20, 40, 81))
    assert farthest == pytest.approx(
        max(throw_distance(0.0, a, DEFAULT.weights[1]) for a in angles), abs=0.02
    )


@pytest.mark.parametrize("method", ["adam", "gauss-newton"])
def test_direct_optimisation_hits(method):
    aim = aim_directly(-3.0, 60.0, DEFAULT, tolerance=0.02, method=method)
    assert abs(throw_distance(-3.0, aim.angle, aim.weight) - 60.0) <= 0.02
    assert aim.miss == pytest.approx(aim.distance - 60.0)
    assert 1 < aim.iterations < (10 if method == "gauss-newton" else 300)


def test_a_target_out_of_reach_is_an_error_that_says_what_can_be_reached(monkeypatch):
    monkeypatch.setattr("workbench.showcases.trebuchet.aiming.MOST_ITERATIONS", 12)
    with pytest.raises(SimulationError, match=r"it reaches -2\.\d to 97\.\d m"):
        aim_directly(0.0, 150.0, DEFAULT, method="gauss-newton")


def test_every_logit_is_a_setting_the_machine_takes():
    for logit in (-50.0, 0.0, 50.0):
        angle, weight = setting_of(logit, -logit, DEFAULT.weights)
        assert 0 <= angle <= math.pi / 2
        assert DEFAULT.weights[0] <= weight <= DEFAULT.weights[1]
