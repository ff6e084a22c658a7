"""Schedules: where they start, where they end, and that they never go below zero."""

import numpy as np
import pytest

from workbench.training import SCHEDULES


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("constant", 1.0, 1.0),
        ("linear", 1.0, 0.0),
        ("cosine", 1.0, 0.0),
        ("exponential", 1.0, 0.01),
        ("warmup-cosine", 0.01, 0.0),
    ],
)
def test_ends(name, first, last):
    schedule = SCHEDULES[name]
    assert schedule(0.0) == pytest.approx(first)
    assert schedule(1.0) == pytest.approx(last, abs=1e-12)


def test_every_schedule_has_a_case():
    cases = {"constant", "linear", "cosine", "exponential", "warmup-cosine"}
    assert set(SCHEDULES) == cases


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_factor_between_0_and_1(name):
    factors = [SCHEDULES[name](progress) for progress in np.linspace(0, 1, 101)]
    assert min(factors) >= 0.0
    assert max(factors) <= 1.0


def test_warmup_is_continuous():
    schedule = SCHEDULES["warmup-cosine"]
    assert schedule(0.05 - 1e-9) == pytest.approx(schedule(0.05), abs=1e-6)
