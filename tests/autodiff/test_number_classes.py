"""Numbers of the program's classes as arguments and results, left behind, differentiated twice; what is refused."""

import math

import numpy as np
import pytest

from tests.autodiff.corpus.number_classes import Length, Tagged, Tenfold, by_super
from workbench.autodiff import gradient, pullback, pushforward
from workbench.errors import LostGradientError, NotDifferentiableError


class Doubled(float):
    """It keeps its number a second time."""

    def __init__(self, value):
        self.value = float(value)

    def twice(self):
        return 2.0 * self.value


def test_an_argument_keeps_its_class():
    def program(length):
        assert type(length) is Length
        return length.in_centimetres() * (1.0 if length.unit == "m" else 0.0)

    assert gradient(program)(Length(1.5)) == pytest.approx(100.0)
    assert gradient(lambda m: float(m * 2.0))(Tenfold(1.5)) == pytest.approx(20.0)
    with pytest.raises(NotDifferentiableError, match="'value'"):
        gradient(lambda d: d.twice())(Doubled(1.5))


def test_a_result_has_its_class_and_what_is_left_behind_is_plain():
    kept = []

    def program(x):
        kept.append(Length(x, unit="km"))
        return Length(x * x)

    y, back = pullback(program, 3.0)
    assert type(y) is Length
    assert (y, y.unit, back(1.0)) == (9.0, "m", (6.0,))
    assert type(kept[0]) is Length
    assert (float(kept[0]), kept[0].unit) == (3.0, "km")


def test_forward_and_twice():
    assert pushforward(by_super, 1.6)[1](2.0) == pytest.approx(2.0 * gradient(by_super)(1.6))
    assert gradient(gradient(lambda x: Tagged(x) ** 3 * math.sin(Tagged(x))))(0.7) == pytest.approx(
        6 * 0.7 * math.sin(0.7) + 6 * 0.7**2 * math.cos(0.7) - 0.7**3 * math.sin(0.7)
    )


def test_compiled_code_takes_nothing_unseen():
    def program(x):
        return math.floor(Tagged(x)) + float(bytes(Tagged(x).hex(), "ascii") == b"")

    with pytest.raises(LostGradientError):
        gradient(program)(1.5)


class Giving:
    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value


@pytest.mark.filterwarnings("ignore:.*returned non-float:DeprecationWarning")
def test_what_python_makes_of_an_object_is_a_float():
    value, back = pullback(lambda x: float(Giving(x)) * 2.0, np.float64(1.5))
    assert type(value) is float
    assert back() == (2.0,)
    with pytest.raises(TypeError, match="returned non-float"):
        gradient(lambda x: x * float(Giving("1")))(2.0)
