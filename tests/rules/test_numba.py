"""Functions that Numba has compiled: of elements, of rows and matrices, and of the places around an element."""

import numba
import numpy as np
import pytest
from numba import types
from numba.core import cgutils
from numba.extending import NativeValue, make_attribute_wrapper, models, register_model, typeof_impl, unbox

from tests.rules.all_ways import check_all_ways
from workbench import gradient, pullback
from workbench.checks import check_gradient
from workbench.errors import MissingRuleError

X = np.array([0.3, 0.7, 1.2])
TABLE = np.arange(12.0).reshape(3, 4) / 7.0


@numba.vectorize
def wave(x, y):
    return x * x * y if x > 0.5 else x + np.sin(y)


@numba.vectorize(["float64(float64, float64)"])
def product(x, y):
    return x * np.sin(y)


@numba.njit
def waves(x):
    return wave(x, 2.0) * x


@numba.guvectorize(["(float64[:], float64, float64[:])"], "(n),()->(n)")
def scale(x, a, out):
    for i in range(x.shape[0]):
        out[i] = x[i] * a + x[0]


@numba.guvectorize(["(float64[:], float64[:], float64[:], float64[:])"], "(n),()->(n),()")
def scale_and_sum(x, a, out, total):
    for i in range(x.shape[0]):
        out[i] = x[i] * a[0]
    total[0] = x.sum() * a[0]


@numba.guvectorize("(n),(m)->(n,m)")
def outer(x, y, out):
    for i in range(x.shape[0]):
        for j in range(y.shape[0]):
            out[i, j] += x[i] * y[j]


@numba.stencil(cval=1.5)
def slope(a, b, k):
    return k * (a[-1, 0] + a[1, 1]) * b[0, 0]


@numba.stencil(neighborhood=((-2, 2),), standard_indexing=("w",))
def smooth(a, w):
    total = 0.0
    for i in range(-2, 3):
        total += a[i] * w[i + 2]
    return total


def added(x, y):
    table = np.ones((3, 2)) * x[0]
    outer(x, y, table)
    return table * x[1]


def into(x):
    place = np.zeros(3)
    product(x, x, out=place)
    return place * x


PROGRAMS = {
    "elements": (lambda x, y: wave(x, y), X, X + 1.0),
    "numbers": (lambda x: wave(x, 2.0) * product(x, 3.0), 0.7),
    "broadcast": (lambda x, y: product(x[:, None], y), X, X[:2]),
    "methods": (lambda x: product.outer(x, x) + product.reduce(x), X),
    "out": (into, X),
    "inside of another": (lambda x: waves(x), X),
    "rows": (lambda x, a: scale(x, a), TABLE, X),
    "one row": (lambda x, a: scale(x, a), X, 0.4),
    "several": (lambda x, a: scale_and_sum(x, a), TABLE, X),
    "what stood there": (added, X, X[:2]),
    "stencil": (lambda a, b, k: slope(a, b, k), TABLE, TABLE + 1.0, 0.3),
    "stencil of stated size": (lambda a, w: smooth(a, w), np.arange(7.0), np.arange(5.0)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_functions_are_followed(name):
    program, *args = PROGRAMS[name]
    check_all_ways(program, *args)


class Pair:
    def __init__(self, v):
        self.v = np.zeros(2)
        self.v[:] = v


class PairType(types.Type):
    def __init__(self):
        super().__init__(name="Pair")


@typeof_impl.register(Pair)
def _typeof_pair(pair, context):
    return PairType()


@register_model(PairType)
class _PairModel(models.StructModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, [("v", types.float64[::1])])


make_attribute_wrapper(PairType, "v", "v")


@unbox(PairType)
def _unbox_pair(kind, pair, context):
    found = context.pyapi.object_getattr_string(pair, "v")
    struct = cgutils.create_struct_proxy(kind)(context.context, context.builder)
    struct.v = context.unbox(types.float64[::1], found).value
    context.pyapi.decref(found)
    return NativeValue(struct._getvalue())


@numba.njit
def product_of_pair(pair):
    return pair.v[0] * pair.v[1]


def test_objects_that_numba_takes_are_looked_into():
    check_gradient(lambda x: product_of_pair(Pair(x)), np.array([0.5, 2.0]))
    check_gradient(lambda x: product_of_pair(Pair(np.ones(2))) * x[0], np.array([0.5, 2.0]))


def test_arrays_that_are_written_into_are_restored():
    def program(x):
        place = np.ones((3, 2))
        before = place * x
        outer(X, X[:2], place)
        return (before * place).sum()

    assert gradient(program)(2.0) == pytest.approx((1.0 + np.outer(X, X[:2])).sum())


def test_options_are_refused():
    with pytest.raises(MissingRuleError, match="axis"):
        gradient(lambda x: scale(x, 0.3, axis=0).sum())(TABLE)


@numba.njit
def of_two(x):
    return x[0] * x[1], x.sum() ** 2


@numba.njit
def square_of_one(x):
    return of_two(x)[0] ** 2


@numba.njit
def squared(x):
    return x * x


@pytest.mark.parametrize(
    ("program", "x"),
    [
        (of_two, np.array([1.0, 2.0])),
        (square_of_one, np.array([1.0, 2.0])),
        (squared, 3.0),
        (squared, np.float64(3.0)),
        (squared, np.array([1.0, 2.0])),
    ],
)
def test_the_result_has_the_type_that_compiled_code_gives(program, x):
    own, traced = program(x), pullback(program, x)[0]
    assert type(own) is type(traced)
    if isinstance(own, tuple):
        assert [type(part) for part in traced] == [type(part) for part in own]
    np.testing.assert_array_equal(own, traced)
