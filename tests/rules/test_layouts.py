"""What NumPy computes depends on the order of memory: ravel("K"), copies, and how sums are rounded."""

import numpy as np
import pytest

from workbench import check_gradient, gradient
from workbench.autodiff import pullback

X = np.random.default_rng(1).normal(size=(3, 12))
LAYOUTS = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "copied": lambda x: x.T.copy().T,
    "one row": lambda x: np.broadcast_to(x[0], x.shape),
    "axes": lambda x: np.moveaxis(x.reshape(3, 4, 3), 1, 0),
}
FUNCTIONS = {
    "partition": lambda x: np.partition(x, 1, axis=0),
    "sort": lambda x: np.sort(x, axis=0),
    "cumprod": lambda x: np.cumprod(x, axis=0),
    "accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "vectorize": lambda x: np.vectorize(lambda t: t * t)(x),
    "copy": lambda x: x.copy(),
    "copy K": lambda x: np.copy(x),
    "reduce": lambda x: np.logaddexp.reduce(x, axis=None),
    "reduceat": lambda x: np.add.reduceat(x, [0, 1], axis=-1),
    "sum": lambda x: np.sum(x.copy()),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_order_of_memory_is_numpys(function, layout):
    def program(x):
        made = np.asarray(function(layout(x)))
        return np.ravel(made, "K"), made

    (flat, made), _ = pullback(program, X)
    expected_flat, expected = program(X)
    assert flat.tobytes() == expected_flat.tobytes()
    assert made.tobytes() == expected.tobytes()
    assert made.strides == expected.strides or not expected.flags.forc
    if layout is not LAYOUTS["one row"]:  # equal elements
        check_gradient(lambda x: program(x)[0], X)


def test_reduceat_rounds_as_numpy_does():
    rng = np.random.default_rng(3)
    for shape, axis in (((5, 40), 1), ((40, 5), 0), ((3, 30, 2), 1)):
        x, places = rng.normal(size=shape), [0, 3, 17]
        value, _ = pullback(lambda x, p=places, a=axis: np.add.reduceat(x, p, axis=a), x)
        assert value.tobytes() == np.add.reduceat(x, places, axis=axis).tobytes()


def test_steps_keep_single_precision():
    x = np.float32([0.3, 1.7, 0.4])
    value, _ = pullback(lambda x, s: np.ediff1d(x, to_begin=s), x, 0.8)
    assert value.dtype == np.float32
    assert value.tobytes() == np.ediff1d(x, to_begin=0.8).tobytes()


@pytest.mark.parametrize(
    "read", [lambda a: a.ravel("K"), lambda a: a.flatten("K"), lambda a: np.ravel(a.T, "K")]
)
def test_broadcast_axes_stay_where_they_are(read):
    def program(x):
        return read(np.broadcast_to(x, (4, 3))) @ np.arange(12.0)

    x = np.array([0.3, 1.2, -0.5])
    np.testing.assert_array_equal(gradient(program)(x), [program(e) for e in np.eye(3)])
