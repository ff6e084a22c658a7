"""NumPy's other types of numbers: the gradient has the argument's, and nothing is lost in sums or conversions."""

import math

import numpy as np
import pytest

from workbench import gradient, value_and_gradient

X = np.array([0.5, -1.0, 2.0], np.float32)


def _program(x):
    total = (np.sin(x) * np.float32(2)).sum() + x[0] * x[1]
    return total + np.float32(x[2]) ** 2 + np.mean(x) + np.max(x)


def test_value_and_gradient():
    value, found = value_and_gradient(_program)(X)
    assert value == _program(X)
    assert type(value) is type(_program(X))
    assert found.dtype == np.float32
    expected = 2 * np.cos(X) + np.array([X[1], X[0], 2 * X[2] + 1]) + 1 / 3
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_exact_sums_are_of_double_precision():
    value, found = value_and_gradient(math.fsum)(X)
    assert type(value) is float
    np.testing.assert_array_equal(found, np.ones(3, np.float32))


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.longdouble])
def test_numbers(kind):
    assert gradient(lambda x: x * x + kind(x))(kind(1.5)) == 4.0


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_types_stay_on_the_tape(kind):
    x = np.array([0.5, -1.0])
    np.testing.assert_allclose(
        gradient(lambda x: np.sum(kind(x) * kind(1 + 2j) * x).imag)(x), 4 * x, rtol=1e-6
    )
    assert gradient(lambda x: (kind(x) * x).real)(1.5) == 3.0


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint16])
def test_types_of_whole_numbers_leave_it(kind):
    x = np.array([2.7, 1.2, 0.4])
    np.testing.assert_allclose(gradient(lambda x: np.sum(kind(x) * x + x[kind(x)] * x))(x), _by_hand(x))
    assert gradient(lambda x: kind(x) * x + kind([x, 1.0])[0] * x + np.bool(x) * x)(2.7) == 5


def _by_hand(x):
    places = x.astype(int)
    found = places + x[places]
    np.add.at(found, places, x)
    return found


def _numbers(z):
    w = z.copy()
    w[0] += z[1] * z[2]
    total = (
        abs(np.sum(w * z)) + (z[0] ** 3 / z[1]).imag + np.vdot(z, w).real + np.stack([z[0], w[1]]).sum().imag
    )
    for one in z:
        total = total + (one * total).real
    return total + max(z.real) * z[0].conjugate().imag


@pytest.mark.parametrize("kind", [np.complex64, np.clongdouble])
def test_complex_numbers_of_other_precisions(kind):
    z = np.array([1.2 + 0.7j, 0.8 - 0.4j, 0.3 + 0.2j])
    found = gradient(_numbers)(z.astype(kind))
    assert found.dtype == kind
    np.testing.assert_allclose(found, gradient(_numbers)(z), rtol=1e-5)
    one = gradient(lambda z: (z * z).real)(kind(1 + 2j))
    assert one == 2 - 4j
    assert type(one) is kind
