"""``array.array`` of floats inside of programs."""

import bisect
import copy
import math
import pickle
from array import array

import numpy as np
import pytest

from tests.autodiff.by_lists import check_by_differences
from workbench import check_gradient, gradient, hessian_vector_product, value_and_gradient
from workbench.errors import LostGradientError

CONSTANT = array("d", [1.0, 2.0])


def _items(x):
    a = array("d", [0]) * 4
    a[1] = x[0]
    a[2:4] = array("d", [x[1], 3])
    a[-1] *= x[0]
    return sum(v * v * (k + 1) for k, v in enumerate(a)) + a[1:3][1]


def _lengths(x):
    a = array("d")
    a.append(x[1] ** 2)
    a.insert(0, x[0] * x[1])
    a.extend([x[1], 2])
    a += array("d", [x[0]])
    a *= 2
    del a[0]
    a.reverse()
    return a.pop() * a.pop(0) + math.fsum(a) * len(a) + a[3]


def _copies(x):
    a = array("d", x)
    b, c, d = copy.copy(a), copy.deepcopy(a), a[:]
    a[0] = 7.0
    return a[0] * a[1] + b[0] * b[1] * c[0] + d[0] * (x[1] if b == c else 1.0) * (x[0] if a > b else 1.0)


def _numpy(x):
    a = array("d", (2 * t for t in x))
    return np.sum(np.sin(a) * np.array(a)) + np.dot(a, a) + max(a) + bisect.bisect(a, 2.0) * x[0]


def _with_a_constant_one(x):
    a, b = CONSTANT + array("d", x), array("d", x) + CONSTANT
    return a[2] * b[1] + a[0] * b[3]


def _constant_inside(x):
    a = array("d", [1.0, 2.0])
    return x[0] * np.frombuffer(a)[1] * memoryview(a)[0] + len(bytes(a)) * x[1] + array("i", [3])[0] * x[1]


@pytest.mark.parametrize(
    "program", [_items, _lengths, _copies, _numpy, _with_a_constant_one, _constant_inside]
)
def test_gradient(program):
    check_by_differences(program)


def test_second_derivatives():
    assert hessian_vector_product(lambda x: array("d", [x[0] * x[1], x[0]])[0])([2.0, 3.0], [1.0, 0.0]) == [
        0.0,
        1.0,
    ]


def test_one_that_is_kept_is_plain_afterwards():
    kept = []

    def program(x):
        kept.append(array("d", x))
        return kept[0][0] * kept[0][1]

    assert gradient(program)([2.0, 3.0]) == [3.0, 2.0]
    assert list(np.frombuffer(kept[0])) == [2.0, 3.0]
    assert pickle.loads(pickle.dumps(kept[0])) == array("d", [2.0, 3.0])


@pytest.mark.parametrize(
    "read",
    [
        lambda a: len(a.tobytes()),
        lambda a: np.frombuffer(a)[0],
        lambda a: memoryview(a)[0],
        lambda a: len(bytes(a)),
        lambda a: len(pickle.dumps(a)),
        lambda a: array("f", a)[0],
    ],
)
def test_its_memory_is_not_read(read):
    with pytest.raises(LostGradientError):
        gradient(lambda x: x[0] * read(array("d", x)))([1.0, 2.0])


def test_a_slice_takes_arrays_only():
    def program(x):
        a = array("d", x)
        a[:] = x
        return a[0]

    with pytest.raises(TypeError, match="can only assign array"):
        gradient(program)([1.0, 2.0])


def beside_arrays(x):
    a, w = array("d", x), np.arange(1.0, 4.0)
    total = np.sum((a + w) ** 2) + np.sum((w + a) * x) + np.sum(a * w * 2.0) + np.sum(w * a)
    return total + np.sum((w - a) ** 2) + np.sum((a - w) * x) + np.sum(a / w) + np.sum((x * a) ** 2)


def read_as_an_array(x):
    a = array("d", x)
    shared, own = np.asarray(a), np.array(a)
    own[0] = 1.0
    return np.sum(shared**3) + a[0] * own[1] + np.sum(own)


@pytest.mark.parametrize("program", [beside_arrays, read_as_an_array])
def test_beside_numpys_arrays(program):
    """A product with the array on the right was NaN."""
    x = np.array([0.7, 1.4, 0.9])
    assert value_and_gradient(program)(x)[0] == pytest.approx(program(x), rel=1e-14)
    check_gradient(program, x)


def written_through_numpy(x):
    a = array("d", [0.0] * 3)
    np.asarray(a)[:] = x
    return sum(a)


def written_while_numpy_reads(x):
    a = array("d", x)
    b = np.asarray(a)
    a[0] = 3.0
    return np.sum(b)


def test_memory_that_numpy_shares():
    """It was copied, and what was written was not seen."""
    for program in (written_through_numpy, written_while_numpy_reads):
        with pytest.raises(LostGradientError, match="memory"):
            gradient(program)(np.ones(3))

    def written_behind_its_back(x):
        a = array("d", x)
        np.asarray(a)[0] = 3.0
        return sum(a)

    with pytest.raises(ValueError, match="read-only"):
        gradient(written_behind_its_back)(np.ones(3))

    def constant(x):
        a = array("d", [1.0, 2.0])
        np.asarray(a)[:] = 4.0
        return sum(a) * x

    assert gradient(constant)(3.0) == 8.0
