import math

import pytest

from workbench.showcases.trebuchet.machine import POUND, STANDARD
from workbench.showcases.trebuchet.physics import throw
from workbench.showcases.trebuchet.trajectory import pose, simulate

SIMULATION = simulate(2.0, math.radians(40), 150 * POUND)


def test_phases_join_in_time_and_place():
    ground, sling, flight = SIMULATION.phases
    for before, after in ((ground, sling), (sling, flight)):
        assert before.times[-1] == pytest.approx(after.times[0], abs=1e-12)
        assert before.path[-1] == pytest.approx(after.path[0], abs=2e-3)
    assert flight.times[-1] == pytest.approx(SIMULATION.throw.landing_time)


def test_the_path_starts_and_ends_on_the_ground_at_the_distance_of_the_throw():
    path = SIMULATION.path
    assert path[0][1] == pytest.approx(0.0, abs=1e-12)
    assert path[-1] == pytest.approx((SIMULATION.throw.distance, 0.0), abs=2e-3)
    assert SIMULATION.throw == throw(2.0, math.radians(40), 150 * POUND)


def test_the_projectile_slides_before_it_lifts_off():
    ground, sling, _ = SIMULATION.phases
    assert all(abs(y) < 1e-9 for _, y in ground.path)
    assert all(y > 0 for _, y in sling.path[1:])


def test_joints_keep_their_distances():
    for phase in SIMULATION.phases[:2]:
        for state in phase.states:
            joints = pose(state)
            assert math.dist(joints.pivot, joints.tip) == pytest.approx(STANDARD.long_arm)
            assert math.dist(joints.pivot, joints.short_end) == pytest.approx(STANDARD.short_arm)
            assert math.dist(joints.short_end, joints.weight) == pytest.approx(STANDARD.weight_arm)
            assert math.dist(joints.tip, joints.projectile) == pytest.approx(STANDARD.sling)
            assert math.dist(joints.short_end, joints.tip) == pytest.approx(
                STANDARD.long_arm + STANDARD.short_arm
            )
