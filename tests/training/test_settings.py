"""Settings: what makes no sense is refused by name, with the nearest name that exists."""

import pytest

from workbench.errors import ParameterError
from workbench.training import OPTIMISERS, SCHEDULES, Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iterations", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("clip_norm", -1.0),
        ("patience", 0),
        ("smoothing", 0),
    ],
)
def test_numbers_must_be_positive(name, value):
    with pytest.raises(ParameterError, match=f"{name} must be a positive number") as caught:
        Settings(**{"iterations": 1, "learning_rate": 1.0, name: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "typed", "meant"), [("optimiser", "adan", "adam"), ("schedule", "cosin", "cosine")]
)
def test_unknown_names_are_answered_with_the_nearest(name, typed, meant):
    with pytest.raises(ParameterError, match=f"did you mean '{meant}'"):
        Settings(**{"iterations": 1, "learning_rate": 1.0, name: typed})


def test_a_name_like_none_is_answered_with_all():
    with pytest.raises(ParameterError, match="choose one of the names above"):
        Settings(iterations=1, learning_rate=1.0, optimiser="nothing of it")


def test_every_name_is_accepted():
    for optimiser in OPTIMISERS:
        for schedule in SCHEDULES:
            Settings(iterations=1, learning_rate=1.0, optimiser=optimiser, schedule=schedule)
