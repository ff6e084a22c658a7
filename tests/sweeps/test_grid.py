"""What can be typed after -p, and what cannot."""

import line_fit
import pytest

from workbench.errors import ParameterError, UnknownParameterError
from workbench.sweeps import grid

KIND = line_fit.LineParameters


def test_lists_and_ranges_become_points():
    axes = grid.axes(KIND, {"learning_rate": "1e-3,1e-2", "seed": "0..2,7"})
    assert axes == {"learning_rate": [1e-3, 1e-2], "seed": [0, 1, 2, 7]}
    points = grid.points(axes)
    assert len(points) == 8
    assert points[1] == {"learning_rate": 1e-3, "seed": 1}


def test_a_text_keeps_its_commas_and_dots():
    assert grid.axes(KIND, {"label": "a,b..c"}) == {"label": ["a,b..c"]}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"learning_rate": "1e-3..1e-1"}, "only whole numbers have ranges"),
        ({"seed": "3..1"}, "range is empty"),
        ({"seed": "a..b"}, "expected whole numbers"),
        ({"seed": "1,1"}, "names a value twice"),
        ({"seed": ""}, "a whole number"),
        ({"seed": "0..2000000"}, "too many runs"),
        ({"seed": "0..999", "iterations": "1..999"}, "too many runs"),
        ({"learning_rate": "1e-3,fast"}, "got 'fast'"),
        ({"learning_rate": "7"}, "expected a number 1e-06 to 1.0"),
    ],
)
def test_what_is_refused(texts, words):
    with pytest.raises(ParameterError, match=words):
        grid.axes(KIND, texts)


def test_an_unknown_name_is_refused():
    with pytest.raises(UnknownParameterError, match="did you mean 'seed'"):
        grid.axes(KIND, {"sed": "1..3"})


def test_bounds_of_a_search():
    assert grid.bounds(KIND, "learning_rate", "1e-4..1e-1") == (1e-4, 1e-1)
    assert grid.bounds(KIND, "seed", "1,2") is None
    with pytest.raises(ParameterError, match="the lower one first"):
        grid.bounds(KIND, "seed", "5..2")
