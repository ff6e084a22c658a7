"""Rounding: constant, or the number itself where it keeps enough digits."""

import numpy as np
import pytest

from workbench import check_gradient, gradient, value_and_gradient

X = np.array([1.5, 0.21, 0.0, -123.4])

DIGITS = {
    "round": lambda x: round(x[0] * x[1], 9) * x[3],
    "numpy.round": lambda x: np.sum(np.round(x * x, 9) * x),
    "numpy.around": lambda x: np.sum(np.around(x * x, decimals=9) * x),
    "method": lambda x: np.sum((x * x).round(9) * x),
    "number of NumPy's": lambda x: np.float64(x[0]).round(9) * x[3],
    "list": lambda x: np.sum(np.round([x[0], x[1]], 9) * x[3]),
    "large": lambda x: round(x[3] * 1e9, 1) * 1e-9 * x[0],
}


@pytest.mark.parametrize("name", DIGITS)
def test_rounding_that_keeps_seven_digits_is_none(name):
    program = DIGITS[name]
    exact = np.array([program(X + 1e-4 * e) - program(X - 1e-4 * e) for e in np.eye(4)]) / 2e-4
    value, slope = value_and_gradient(program)(X)
    assert value == program(X)
    np.testing.assert_allclose(slope, exact, rtol=1e-4, atol=1e-6)


def test_elements_that_keep_their_digits_vary():
    slope = gradient(lambda x: np.sum(np.round(x, 3)))(np.array([1.5, 12345.678, 0.0]))
    assert slope.tolist() == [0.0, 1.0, 0.0]


def test_elements_that_keep_their_digits_vary_where_they_are_written():
    def program(x):
        out = np.zeros(4)
        np.round(x, 12, out)
        x[:2].round(11, out=out[2:])
        return np.sum(out * np.arange(1.0, 5.0))

    check_gradient(program, X)


def test_other_rounding_is_constant():
    check_gradient(lambda x: np.sum(np.round(x, 1) * x) + round(x[0], 2) * np.around(x[1]), X[:2] + 0.013)
    out = np.zeros(4)
    assert gradient(lambda x: np.sum(np.round(x, 1, out) * x))(X).tolist() == np.round(X, 1).tolist()


def test_the_whole_part_of_a_large_number_is_constant():
    """As in Katsuura's function: the slope of the distance to the nearest whole number is that of the number."""
    x = np.array([0.31, 0.52, 0.77])
    sign = np.sign(2.0**30 * x - np.round(2.0**30 * x))
    for round_ in (np.round, np.around, lambda v: v.round()):
        slope = gradient(lambda x, r=round_: np.sum(np.abs(2.0**30 * x - r(2.0**30 * x))))(x)
        assert slope.tolist() == (2.0**30 * sign).tolist()
    slope = gradient(lambda x: sum(abs(2.0**30 * v - np.round(2.0**30 * v)) for v in x))(x)
    assert slope.tolist() == (2.0**30 * sign).tolist()


def test_hundreds_of_a_large_number_are_whole():
    for program in (
        lambda x: x - round(x, -2),
        lambda x: x - np.round(x, -2),
        lambda x: (x - np.round([x], -2))[0],
    ):
        assert gradient(program)(12345678912.3) == 1.0
