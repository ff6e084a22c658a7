"""``array.shape = …``: the derivative of what an array was before, and is afterwards."""

import numpy as np
import pytest

from workbench import autodiff as ad
from workbench.checks import check_gradient
from workbench.errors import MissingRuleError, NotDifferentiableError

X = np.array([0.3, 0.7, 1.1, 0.2, 0.9, 0.5])


def of_a_result(x):
    y = np.sin(x)
    first = y * y
    y.shape = (2, 3)
    second = y @ y.T
    y.shape = -1
    return np.sum(first * y) + np.sum(second * np.array([[1.0, 2.0], [3.0, 4.0]]))


def of_a_filled_array(x):
    y = np.zeros(6)
    y[:3] = x[:3] ** 2
    kept = [y, y * x]
    y.shape = 3, 2
    y[2] = x[0] * y[0]
    return np.sum(kept[0][0] * y) + np.sum(np.exp(kept[1]))


def of_a_view(x):
    y = x * x
    row = y[3:]
    row.shape = (1, 3)
    row *= x[:3]
    return np.sum(y * x) + (row @ row.T)[0, 0]


def of_several(x):
    a = b = c = np.cos(x)
    a.shape = b.shape = (3, 2)
    return np.sum(c @ np.array([1.0, 2.0]) * x[:3])


def of_complex_numbers(x):
    z = x + 1j * x[::-1]
    z.shape = (2, 3)
    return np.sum(np.abs(z[0] * z[1]))


@pytest.mark.parametrize(
    "program", [of_a_result, of_a_filled_array, of_a_view, of_several, of_complex_numbers]
)
def test_the_shape_of_an_array_is_set(program):
    check_gradient(program, X)
    value, back = ad.pullback(program, X)
    assert value == program(X)
    assert np.array_equal(back(1.0)[0], back(1.0)[0])  # the way back leaves shapes as it has found them
    slope, (_, push) = ad.gradient(program)(X), ad.pushforward(program, X)
    assert np.isclose(push(np.cos(X)), slope @ np.cos(X), rtol=1e-12)


def test_second_derivatives():
    h = 1e-6
    differences = [
        (ad.gradient(of_a_result)(X + h * e) - ad.gradient(of_a_result)(X - h * e)) / (2 * h)
        for e in np.eye(6)
    ]
    assert np.allclose(ad.hessian(of_a_result)(X), differences, rtol=1e-6, atol=1e-8)


def test_what_the_caller_knows_by_its_shape():
    def of_the_argument(x):
        x.shape = (2, 3)
        return np.sum(x[0])

    def of_a_block(x):
        y = x * 1.0

        def part(y):
            y.shape = (2, 3)
            return np.sum(y[0])

        return ad.checkpoint(part)(y) + np.sum(y)

    with pytest.raises(MissingRuleError, match="cannot be set in place"):
        ad.gradient(of_the_argument)(X)
    with pytest.raises(NotDifferentiableError, match="changes an argument"):
        ad.gradient(of_a_block)(X)


def test_numpys_own_error():
    def program(x):
        y = x * x
        try:
            y.shape = (4, 2)
        except ValueError:
            return np.sum(y)
        return 0.0

    assert np.allclose(ad.gradient(program)(X), 2 * X)
