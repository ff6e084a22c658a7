"""Where a derivative is infinite and the value is not: first and second derivatives, with Python's numbers."""

import cmath
import math

import numpy as np
import pytest

from workbench import check_gradient, gradient, hessian, hessian_vector_product, pullback, pushforward


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


def test_a_cotangent_of_zero_beside_a_pole_has_its_own_derivative():
    def program(x):
        return np.sum(np.sqrt(x) * (x - 1.0) * np.array([0.0, 1.0]))

    assert hessian(program)(np.array([0.0, 1.0])).tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_the_pushforward_of_distances_of_points_to_themselves_too():
    def program(x):
        y = x.reshape(2, 1)
        return np.sum(np.tril(np.sqrt((y - y.T) ** 2), -1))

    x, x_dot = np.array([1.1, 0.4]), np.array([1.0, 3.0])
    assert pushforward(gradient(program), x)[1](x_dot).tolist() == [0.0, 0.0]
    assert pullback(gradient(program), x)[1](x_dot)[0].tolist() == [0.0, 0.0]


def test_a_pole_is_pushed_forward_to_results_of_both_signs():
    def program(x):
        root = np.sqrt(x)
        return np.stack([root, -root])

    pushed = pushforward(program, np.array([0.0, 1.0]))[1](np.array([1.0, 2.0]))
    assert pushed.tolist() == [[math.inf, 1.0], [-math.inf, -1.0]]


@pytest.mark.parametrize("zero", [0.0, 0, np.float64(0.0)])
def test_an_array_divided_by_zero_where_it_is_not_taken(zero):
    def smooth_l1(x, width):
        size = np.abs(x)
        return np.sum(np.where(size < width, 0.5 * size**2 / width, size - 0.5 * width))

    with np.errstate(all="ignore"):
        x = np.array([1.0, -2.0])
        assert gradient(smooth_l1)(x, zero).tolist() == [1.0, -1.0]
        assert hessian(smooth_l1)(x, zero).tolist() == [[0.0, 0.0], [0.0, 0.0]]
        by_x, by_width = gradient(lambda x, width: np.sum((x / width)[:1]), wrt=(0, 1))(x, float(zero))
        assert (by_x.tolist(), by_width) == ([math.inf, 0.0], -math.inf)


@pytest.mark.parametrize("x", [1.3, -1.3])
@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", ["acos", "asin", "acosh"])
def test_inverse_functions_on_their_branch_cuts(monkeypatch, name, zero, x):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    if name == "acosh":
        x = -1.3 if x < 0 else 0.3  # its cut is below 1
    check_gradient(lambda x: abs(getattr(cmath, name)(complex(x, zero)) + 1j) ** 2, x)
    check_gradient(
        lambda x: abs(getattr(np, name)(x + np.array(complex(0.0, zero))) + 1j) ** 2, np.array([x])
    )


def test_the_way_back_does_not_warn_from_lines_of_the_engine():
    assert np.isnan(gradient(np.linalg.norm)(np.zeros(2))).all()
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        gradient(np.linalg.norm)(np.zeros(2))
