"""``array.array`` of floats inside of programs."""

import bisect
import copy
import math
import pickle
from array import array

import numpy as np
import pytest

from tests.autodiff.by_lists import check_by_differences
from workbench import gradient, hessian_vector_product
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
