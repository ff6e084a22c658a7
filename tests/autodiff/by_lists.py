"""Programs of a list of two numbers, and what their values and gradients are compared with."""

import numpy as np

from workbench import value_and_gradient


def check_by_differences(program):
    """The value is the program's own, and the gradient that of central differences."""
    x, h = [1.3, 0.7], 1e-6
    value, found = value_and_gradient(program)(list(x))
    assert value == program(list(x))
    expected = [
        (
            program([x[0] + h * (k == 0), x[1] + h * (k == 1)])
            - program([x[0] - h * (k == 0), x[1] - h * (k == 1)])
        )
        / (2 * h)
        for k in range(2)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
