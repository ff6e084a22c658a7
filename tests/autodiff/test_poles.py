"""Where a derivative is infinite and the value is not: first and second derivatives, with Python's numbers."""

import math

import pytest

from workbench import gradient, hessian, hessian_vector_product


@pytest.mark.parametrize(
    "program",
    [math.sqrt, lambda x: x**0.5, lambda x: math.pow(x, 0.5), lambda x: -math.asin(1 - x)],
)
def test_infinite(program):
    assert gradient(program)(0.0) == math.inf
    assert hessian(program)(0.0) == -math.inf


@pytest.mark.parametrize(
    "length",
    [
        lambda a, b: math.sqrt(a * a - 2 * a * b + b * b),
        lambda a, b: math.pow(a - b, 0.5),
        lambda a, b: (a - b) ** 0.5,
        lambda a, b: math.acos(1 - a + b),
    ],
)
def test_a_length_of_zero_that_is_only_compared(length):
    def program(x):
        return x[0] * 2 if length(*x) > 1 else x[0] ** 2 * x[1]

    assert hessian_vector_product(program)([1.5, 1.5], [1.0, 0.5]) == [4.5, 3.0]


def test_a_power_of_a_negative_number_has_no_derivative_by_the_exponent():
    by_base, by_exponent = gradient(math.pow, wrt=(0, 1))(-2.0, 3.0)
    assert by_base == 12.0
    assert math.isnan(by_exponent)


@pytest.mark.parametrize(
    "pole",
    [
        lambda x: complex(x, 1.0) / 0.0,
        lambda x: x / complex(0.0, 0.0),
        lambda x: 1.0 / complex(0.0 * x, 0.0),
        lambda x: complex(0.0 * x, 0.0) ** -1,
        lambda x: complex(0.0 * x, 0.0) ** complex(0.0, 1.0),
    ],
)
def test_pythons_complex_numbers_do_not_divide_by_zero(pole):
    def program(x):
        try:
            return abs(pole(x))
        except ZeroDivisionError:
            return x * x

    assert gradient(program)(2.0) == 4.0
