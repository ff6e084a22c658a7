"""Lists, tuples and classes made from them beside arrays and numbers of NumPy's: NumPy takes them for arrays."""

from collections import deque, namedtuple

import numpy as np
import pytest
from scipy.linalg import lu_factor, lu_solve
from scipy.spatial.distance import cosine

from tests.autodiff.by_lists import check_by_differences
from workbench import gradient

A = np.array([1.0, 2.0])
S = np.float64(2.0)
Pair = namedtuple("Pair", "left right")


class Individual(list):
    """As evolutionary algorithms keep their points."""


class Vector(list):
    def __add__(self, other):
        return Vector(a + b for a, b in zip(self, other, strict=True))

    def __rsub__(self, other):
        raise AssertionError("NumPy does not ask for it")


PROGRAMS = {
    "array - list": lambda x: np.sum((A - x) ** 2),
    "tuple - array": lambda x: np.sum((tuple(x) - A) ** 2),
    "list of lists * array": lambda x: np.sum(np.sin([x, [x[1], 3.0]] * A)),
    "matrix @ list": lambda x: np.sum((np.outer(A, A) @ x) ** 2),
    "array ** list": lambda x: np.sum((A + 1) ** x),
    "divmod": lambda x: np.sum(divmod(A, x)[1]),
    "number - list": lambda x: np.sum((S - x) ** 2),
    "list / number": lambda x: np.sum((x / S) ** 2),
    "traced number - list": lambda x: np.sum((np.array(x)[0] - [1.0, x[1]]) ** 2),
    "traced number / range": lambda x: np.sum((np.array(x)[0] / range(1, 3)) ** 2),
    "array /= range": lambda x: np.sum(_divided(np.array(x))),
    "array < list": lambda x: np.sum(np.where(x > A, 3 * np.array(x), np.array(x) ** 2)),
    "number == list": lambda x: np.sum(np.where(x == S, 3 * np.array(x), np.array(x) ** 2)),
    "sum of a class": lambda x: np.sum(Individual(x)) * np.max(Individual(x)),
    "array - class": lambda x: np.sum((A - Individual(x)) ** 2),
    "named tuples": lambda x: np.sum(np.sin([Pair(*x), Pair(x[1], 1.0)])) + np.dot(Pair(*x), A),
    "deque": lambda x: np.sum((A - deque(x)) ** 2) + np.prod(deque(x)),
    "class that adds": lambda x: sum(Vector(x) + A) * x[0],
    "conjugate": lambda x: np.sum(np.conj([x[0], 1j * x[1]]).imag ** 2),
    "parts": lambda x: np.sum(np.array_split([x[0], x[1], x[0] * x[1]], 2)[1] ** 2),
    "bounds": lambda x: np.sum(np.clip(x, 0.2, (x[1], 2 * x[0])) ** 2),
    "by name": lambda x: (
        np.sum(np.bincount([0, 1], weights=x) ** 3) * np.clip(a=[5.0, 0.1], a_min=x, a_max=None)[1]
    ),
    "condition": lambda x: np.linalg.cond([[x[0], 1.0], [0.5, 3.0 * x[1]]]),
    "a list of SciPy's": lambda x: cosine(x, [1, 2]) + lu_solve(lu_factor([x, [0.5, 3.0]]), [x[1], 1.0])[0],
    "array - class that subtracts": lambda x: np.sum((A - Vector(x)) ** 3),
}


def _divided(a):
    a /= range(1, 3)
    return a * a


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_numpy_does(name):
    check_by_differences(PROGRAMS[name])


@pytest.mark.parametrize("number", [2.0, S])
def test_a_number_times_a_list_stays_an_error(number):
    with pytest.raises(TypeError, match=r"multiply sequence|as an integer"):
        gradient(lambda x: np.sum(number * x))([1.0, 2.0])


def test_a_whole_number_times_a_list_repeats_it():
    assert gradient(lambda x: np.sum(np.int64(2) * x))([1.0, 2.0]) == [2.0, 2.0]


class Series:
    """A series by its coefficients; one by scalars has no length, and NumPy takes it for an object."""

    def __init__(self, coefficients):
        self.coefficients = np.asarray(coefficients)

    def __getitem__(self, place):
        return self.coefficients[:, place]

    def __len__(self):
        return self.coefficients.shape[1]


def test_an_object_without_length_is_no_sequence():
    def program(x):
        return np.ravel(Series(x))[0].coefficients[1] ** 2 * x[0]

    assert gradient(program)([2.0, 3.0]) == [9.0, 12.0]
