"""``numpy.interp`` by everything but its period, and reductions that NumPy does not do one after the other."""

import numpy as np
import pytest

from tests.rules.all_ways import check_all_ways
from workbench import gradient
from workbench.errors import MissingRuleError

X, KNOTS, VALUES = np.array([0.3, 0.9, 1.77, -0.4]), np.array([0.0, 0.4, 0.95]), np.array([1.0, 2.0, 0.5])

PROGRAMS = {
    "lists by name": (lambda x: np.interp(x, xp=[0.0, 0.4, 0.95], fp=[1.0, 2.0, 0.5]), X),
    "ends": (lambda x, a, b: np.interp(x, KNOTS, VALUES, left=a, right=a * b), X, 0.3, 0.7),
    "one end": (lambda x, f, a: np.interp(x, KNOTS, f, right=a), X, VALUES, 0.3),
    "periodic": (lambda x, p, f: np.interp(x, p, f, period=1.0), X, np.array([0.7, 0.1, 0.45]), VALUES),
    "a number": (lambda x, f: np.interp(x, KNOTS, f, period=-1.0), 0.97, VALUES),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_interp(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args)


def test_points_in_ranges():
    check_all_ways(lambda y: np.interp([0.5, 1.5], range(3), y) + np.interp(range(1, 3), range(3), y), Y3)
    check_all_ways(lambda x: np.interp(x, range(3), [1.0, 2.0, 4.0]), Y3)
    check_all_ways(lambda x: np.interp(x, range(3), [1.0, 2.0, 4.0], period=2.5), Y3)


Y3 = np.array([0.3, 0.5, 1.2])


def test_a_period_does_not_vary():
    with pytest.raises(MissingRuleError, match="period"):
        gradient(lambda p: np.interp(0.3, KNOTS, VALUES, period=p))(1.0)


def test_a_reduction_is_numpys_or_refused():
    table = np.array([[1.2, 0.7, 1.1], [0.9, 1.3, 0.8]])
    check_all_ways(lambda a: np.power.reduce(a, axis=0) + np.hypot.reduce(a, axis=0), table)
    own, loop = np.power.reduce(table, axis=1), (table[:, 0] ** table[:, 1]) ** table[:, 2]
    if not np.allclose(own, loop):  # NumPy 2.4 on some processors
        with pytest.raises(MissingRuleError, match="one after the other"):
            gradient(lambda a: np.power.reduce(a, axis=1).sum())(table)
