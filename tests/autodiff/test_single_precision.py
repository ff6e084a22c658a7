"""Float32 arguments: the gradient has their type, and nothing is lost in sums of them."""

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


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.longdouble])
def test_numbers(kind):
    assert gradient(lambda x: x * x + kind(x))(kind(1.5)) == 4.0
