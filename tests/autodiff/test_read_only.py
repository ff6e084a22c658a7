"""Arguments that cannot be written into stay so for the program; what shares memory with an ``array.array``."""

from array import array

import numpy as np
import pytest

from workbench.autodiff import gradient, pushforward, value_and_gradient
from workbench.checks import check_gradient
from workbench.errors import LostGradientError

X = np.array([0.7, -1.3, 2.1])


def locked():
    x = X.copy()
    x.flags.writeable = False
    return x


def written_or_squared(x):
    try:
        x[0] = 5.0
    except ValueError:
        return (x**2).sum()
    return x.sum()


def beside(x, y):
    return written_or_squared(y) * x.sum()


def test_read_only_arguments_stay_read_only():
    x = locked()
    value, found = value_and_gradient(written_or_squared)(x)
    assert value == written_or_squared(x)
    assert np.allclose(found, 2 * X)
    assert pushforward(written_or_squared, x)[1](np.ones(3)) == pytest.approx(2 * X.sum())
    assert value_and_gradient(beside)(X, x)[0] == beside(X, x)
    assert value_and_gradient(beside)(X, y=x)[0] == beside(X, x)
    assert np.allclose(gradient(lambda xs: written_or_squared(xs[0]))([x])[0], 2 * X)
    assert gradient(written_or_squared)(X).tolist() == [0.0, 1.0, 1.0]


def write(x):
    for k in range(3):
        x[k] = x[k] * 2.0
    return x[0]


def test_a_write_into_a_read_only_argument_is_numpys_error():
    with pytest.raises(ValueError, match="read-only"):
        gradient(write)(locked())


def test_nan_to_num_in_place():
    def program(x):
        y = np.where(x > 0, x, np.nan)
        z = np.nan_to_num(y, copy=False, nan=x[1])
        return (y**2).sum() * z[0]

    check_gradient(program, X)


@pytest.mark.parametrize("share", [np.frombuffer, memoryview])
def test_an_array_whose_memory_is_read_through_something_else_does_not_change(share):
    def program(x):
        numbers = array("d", [1.0, 2.0, 3.0])
        seen = share(numbers)
        numbers[0] = 7.0
        return seen[0] * x

    with pytest.raises(LostGradientError, match=r"array\.array"):
        gradient(program)(2.0)
