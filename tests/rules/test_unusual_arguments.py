"""Functions of NumPy and SciPy with arguments that few programs give them."""

import numpy as np
import pytest
import scipy.linalg as sl

from tests.rules.all_ways import check_all_ways, check_value
from workbench.autodiff import pullback, value_and_gradient
from workbench.checks import check_gradient

X = np.arange(12.0).reshape(3, 4) + np.sin(np.arange(12.0)).reshape(3, 4)


def _apart(x):
    """Strides that leave gaps, and an axis of one element whose stride means nothing."""
    x = x[:, ::2].reshape(3, 1, 2).swapaxes(0, 2)
    strides = (x.strides[0], 120, x.strides[2])
    return np.lib.stride_tricks.as_strided(x, strides=strides)


MEMORY = {
    "ravel of a turned transpose": lambda x: x.T[::-1].ravel("K"),
    "ravel of every other column": lambda x: x.T[::2].ravel("K"),
    "ravel with gaps": lambda x: _apart(x).ravel("K"),
    "ravel in the array's order": lambda x: x.T[::-1].ravel("A"),
    "flatten in memory's order": lambda x: x.T.flatten("K"),
    "flatten in the array's order": lambda x: x.T.flatten("A"),
    "reshape in the array's order": lambda x: np.reshape(x.T, (2, 6), order="A"),
    "reshape of what is turned": lambda x: np.reshape(x.T[:, ::-1], (2, 6), order="A"),
}


def _weighted(y):
    return y * np.arange(1.0, y.size + 1).reshape(y.shape)


@pytest.mark.parametrize("name", MEMORY)
def test_orders_of_memory(name):
    arrange = MEMORY[name]
    check_all_ways(lambda x: _weighted(np.sin(arrange(x))), X)
    check_value(arrange, X)


def _nanmedian_into(x):
    out = np.zeros(4)
    found = np.nanmedian(x, axis=0, out=out)
    return found * out, np.nanmedian(x, axis=1, out=out[:3]), out


def test_nanmedian_writes_into_out():
    check_all_ways(_nanmedian_into, X)
    x = X.copy()
    x[1, 2] = np.nan
    check_value(_nanmedian_into, x)
    check_value(_nanmedian_into, X)


@pytest.mark.parametrize("function", [np.cumprod, np.nancumprod, np.cumsum, np.nancumsum])
def test_plain_numbers_accumulate_into_a_traced_array(function):
    def program(x):
        y = x * 2.0
        found = function(X[0] + 1.0, None, None, y[1])
        return found, y

    check_all_ways(program, X)


def test_padding_with_anything():
    check_all_ways(lambda x: np.pad(np.exp(x / 9), [(2, 3), (3, 1)], mode="empty")[2:-3, 3:-1], X)


PARTS = np.random.default_rng(0).uniform(0.1, 0.9, (2, 50))
POINTS = {"equal distances": np.arange(4.0), "other distances": np.array([0.0, 0.5, 2.0, 2.2])}


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("points", POINTS)
def test_gradient_by_its_points(points, edge_order):
    t = POINTS[points]

    def along_one(x, t):
        return np.gradient(x, t, axis=1, edge_order=edge_order)

    def along_both(x, t, h):
        return np.gradient(x, h, t, edge_order=edge_order)

    check_all_ways(along_one, X, t)
    check_all_ways(along_both, X, t, 0.4)
    check_value(along_one, X, t)
    for own in along_both(X, t, 0.4):
        assert np.all(np.isfinite(own))


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_by_its_distance(edge_order):
    check_all_ways(lambda x, h: np.gradient(x, h, edge_order=edge_order), X, 0.4)


@pytest.mark.parametrize("assume_a", [None, "pos", "sym", "tridiagonal", "upper triangular"])
def test_one_right_hand_side_for_several_matrices(assume_a):
    a = np.stack([np.diag([3.0, 4.0, 5.0]), np.diag([2.0, 7.0, 4.0])])
    check_all_ways(lambda a, b: sl.solve(a, b, assume_a=assume_a), a, np.array([1.0, -2.0, 0.5]))


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_modes_by_their_numbers(function, mode):
    def program(a, v):
        return function(a, v, mode)

    check_all_ways(program, np.array([0.5, -1.0, 2.0, 0.3]), np.array([0.2, 1.0, -0.7]))


def _conjugated_into(z):
    out = np.empty(3, complex)
    z.conjugate(out)
    return out * z[0]


def test_conjugate_writes_into_out():
    check_all_ways(_conjugated_into, np.array([1 + 2j, 0.5 - 1j, -0.3j]), second=False)


MATRICES = {
    "one chain of eigenvectors": np.array([[0.5, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "equal eigenvalues": 0.5 * np.eye(3),
    "any matrix": np.array([[0.3, -1.0, 0.2], [0.7, 0.4, 0.1], [-0.2, 0.9, 1.1]]),
    "complex": np.array([[0.3 + 1j, -1.0], [0.7j, 0.4]]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_characteristic_polynomial(name):
    check_all_ways(lambda a: np.poly(a), MATRICES[name], rtol=1e-4)
    check_value(lambda a: np.poly(a), MATRICES[name])
    check_all_ways(lambda a, x: np.poly([a[0, 0], x]) * np.poly([[x]])[1], np.real(MATRICES[name]), 0.3)


def magnitude(a: float) -> float:
    return abs(a + 2j) + abs(np.complex128(0.3 + a * 1j)) + abs(np.array([a + 0.7j])[0])


def test_magnitudes_of_complex_numbers_are_rounded_as_those_of_numbers_are() -> None:
    """NumPy's arrays round them otherwise than Python and NumPy's numbers do."""
    for a in np.random.default_rng(0).uniform(-1, 1, 100).tolist():
        assert value_and_gradient(magnitude)(a)[0] == magnitude(a)
    check_gradient(magnitude, 0.3)


INTO = {
    "concatenate": (lambda x, out: np.concatenate((x[:2], x[:2] ** 2), 0, out), 4),
    "stack": (lambda x, out: np.stack((x[:2], x[1:]), 0, out), (2, 2)),
    "take": (lambda x, out: np.take(x, [1, 2], 0, out, "clip"), 2),
    "compress": (lambda x, out: np.compress([True, False, True], x, 0, out), 2),
    "choose": (lambda x, out: np.choose([0, 1, 0], [x, x**3], out), 3),
    "take, the method": (lambda x, out: x.take([1, 2], 0, out), 2),
    "cumprod": (lambda x, out: np.cumprod(x, 0, float, out), 3),
    "sum": (lambda x, out: np.sum(x, 0, None, out, True), 1),
    "var": (lambda x, out: np.var(x, 0, None, out, 1), ()),
    "argmax of what does not vary": (lambda x, out: np.max(x, 0, out) * np.argmax(x, 0), ()),
}


@pytest.mark.parametrize("name", INTO)
def test_out_by_position(name):
    function, shape = INTO[name]

    def program(x):
        out = np.zeros(shape)
        found = function(x, out)
        return np.sum(out**2) * np.sum(found)

    check_all_ways(program, X[0, :3] / 3.0)
    check_value(program, X[0, :3] / 3.0)


def test_no_place_for_the_result_among_arguments_by_position():
    check_all_ways(lambda x: np.sum(x, 0, None, None, True), X)


@pytest.mark.parametrize("power", [2, -1, 0.5, 3, 1.5])
def test_powers_of_complex_arrays(power):
    def power_of(x, y):
        return (x + 1j * y) ** power

    def in_place(x, y):
        z = x + 1j * y
        z **= power
        return z

    for program in (power_of, in_place):
        check_value(program, PARTS[0], PARTS[1])
        check_all_ways(program, PARTS[0][:3], PARTS[1][:3])


def test_products_of_complex_numbers():
    def product(x, y):
        z = complex(x, y)
        for _ in range(5):
            z = z * z * (0.3 + 0.7j) + complex(y, x)
        return z

    for x, y in PARTS.T:
        check_value(product, x.item(), y.item())
    check_all_ways(product, 0.3, 0.4)


def _flat(x):
    out = np.zeros((2, 3))
    out.flat[:] = x[:2]
    out.flat[[0, 2, 4]] = [x[0, 0] ** 2, 2.0]
    out.flat[1:3] = x[1]
    return out


def test_flat_begins_anew_where_there_are_too_few():
    check_all_ways(lambda x: _weighted(_flat(x)), X)
    check_value(_flat, X)


def test_one_place_of_flat_takes_one_number():
    def program(x):
        x.flat[1] = [x[0, 0], 1.0]

    for run in (program, value_and_gradient(program)):
        with pytest.raises((ValueError, TypeError)):
            run(X.copy())


class Twice:
    """A number by what its class says."""

    def __init__(self, x):
        self.x = x

    def __float__(self):
        return float(2.0 * self.x)


def test_arrays_of_numbers_of_own_classes():
    """NumPy asked their ``__float__`` in compiled code, which was an error of ours."""
    check_all_ways(
        lambda x: np.array([Twice(x[0]), x[1], 3, [Twice(x[2])][0]], dtype=float), np.arange(1.0, 4.0)
    )


def _clipped_into(x):
    out = np.ones(3)
    np.clip(x[0, :3], 0.5, x[0, 2], out=out, where=np.array([True, False, True]))
    return out


def test_clip_with_options_of_universal_functions():
    check_all_ways(lambda x: np.clip(x, 0.5, 4.0, dtype=None, casting="same_kind"), X)
    check_all_ways(_clipped_into, X)
    check_value(lambda x: np.clip(x.astype(np.float32), 0.5, 4.0, dtype=np.float64), X)
    check_value(_clipped_into, X)


def test_solving_for_one_vector_with_a_stack_of_matrices():
    stack = np.stack([X[:, :3] + 9.0 * np.eye(3), 5.0 * np.eye(3) - X[:, 1:]])
    check_all_ways(np.linalg.solve, stack, X[:, 0])
    check_all_ways(np.linalg.solve, stack * (1.0 + 0.3j), X[:, 0])
    check_all_ways(np.linalg.solve, stack[0], stack)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("x", [1.5, np.array(1.5), np.array([1.5, 2.0]), np.array([[1.5]])])
def test_types_of_numbers_make_numbers_of_arrays_without_axes(kind, x):
    def program(x):
        return kind(np.asarray(x))

    own, traced = program(x), pullback(program, x)[0]
    assert type(traced) is type(own)
    np.testing.assert_array_equal(traced, own, strict=True)
