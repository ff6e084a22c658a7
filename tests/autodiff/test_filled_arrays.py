"""Plain arrays that the program has filled with traced values, where compiled code reads them."""

import itertools
import math
import operator
import statistics

import numpy as np
import pytest

from workbench import check_gradient

X = np.array([1.2, 0.7, 2.1])


def number(x):
    """An array without axes that holds the first element of ``x``."""
    filled = np.zeros(())
    filled[...] = x[0]
    return filled


def copied(x):
    filled = np.zeros(3)
    filled[...] = x
    return filled


def changed(change):
    def program(x):
        target = np.arange(3.0)
        change(target, x)
        return target * np.arange(1.0, 4.0)

    return program


def rows(x):
    target = np.empty(2, object)
    target[0], target[1] = copied(x), copied(x * x)
    return target


def stored(x):
    target = np.empty((2, 2), object)
    target[...] = number(x)
    target[0] = [number(x), 2.0]
    return target.sum() * 1.0


PROGRAMS = {
    "fill": changed(lambda target, x: target.fill(number(x))),
    "put one": changed(lambda target, x: target.put([0, 2], number(x))),
    "put all": changed(lambda target, x: target.put([2, 0, 1], copied(x))),
    "put a list": changed(lambda target, x: target.put([2, 0], [x[1], number(x)])),
    "modf": lambda x: math.modf(number(x))[0],
    "frexp": lambda x: math.frexp(number(x))[0],
    "fromiter": lambda x: np.fromiter([number(x), 2.0], float),
    "weights of a mean": lambda x: statistics.fmean([1.0, 2.0], [number(x), x[1]]),
    "sums of arrays": lambda x: sum(itertools.accumulate([copied(x), x, copied(x)])),
    "sums of numbers": lambda x: sum(itertools.accumulate([2.0, number(x), 1.0], initial=number(x))),
    "products": lambda x: sum(itertools.accumulate([copied(x), 2.0, copied(x)], operator.mul)),
    "objects": lambda x: np.array([number(x), 2.0], object).sum() * 1.0,
    "objects in rows": lambda x: np.array([[number(x), None], [x[1], 1.0]], object)[0, 0] * 1.0,
    "objects as floats": lambda x: np.array([number(x), 2.0], object).astype(float),
    "objects that are stored": stored,
    "rows that are objects": lambda x: np.stack(rows(x)) * np.concatenate(rows(x)).sum(),
    "as objects": lambda x: np.astype(copied(x), object).sum() * 1.0,
    "products of objects": lambda x: (
        np.frompyfunc(operator.mul, 2, 1).accumulate(copied(x), dtype=object).astype(float)
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_read_by_compiled_code(name):
    check_gradient(PROGRAMS[name], X)
