"""Rate and time left."""

import pytest

from workbench.training.pace import Pace


def test_a_steady_rate_is_known_exactly():
    pace = Pace()
    assert pace.seconds_left(100) is None
    for second in range(20):
        pace.read(10 * second, float(second))
    assert pace.rate == pytest.approx(10.0)
    assert pace.seconds_left(50) == pytest.approx(5.0)


def test_a_pause_does_not_count():
    pace = Pace()
    pace.read(0, 0.0)
    pace.read(10, 1.0)
    pace.pause()
    pace.read(10, 1000.0)
    pace.read(20, 1001.0)
    assert pace.rate == pytest.approx(10.0)


def test_a_new_rate_is_followed_within_seconds():
    pace = Pace()
    iteration = 0
    for tick in range(400):
        pace.read(iteration, 0.1 * tick)
        iteration += 1 if tick < 200 else 10
    assert pace.rate == pytest.approx(100.0, rel=0.05)
