"""NumPy's iterators, functions made of Python functions, lists of numbers given to ufunc methods, nested lambdas."""

import functools
import itertools
import math
import statistics

import numpy as np

from workbench import gradient

from . import program

X = np.array([0.5, 1.5, 2.0])
M = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2]])


@program(X)
def add_at_with_lists(x):
    sums = np.zeros(4)
    np.add.at(sums, [0, 1, 1], [x[0], x[1] * 2, x[2]])
    return (sums**2).sum() + np.multiply.reduce([x[0], x[1]]) + np.add.accumulate([x[1], x[2]])[1]


@program(X)
def from_python_function(x):
    square = np.frompyfunc(lambda a: a * a, 1, 1)
    both = np.frompyfunc(lambda a, b: (a * b, a), 2, 2)
    products, firsts = both(x, x[:, None])
    return square(x).sum() + products.astype(float).sum() + (firsts * firsts).sum() + float(square(3.0))


@program(X)
def read_by_nditer(x):
    total, it = 0.0, np.nditer(x, flags=["multi_index"], op_flags=["readonly"])
    while not it.finished:
        total += it[0] * (1 + it.multi_index[0])
        it.iternext()
    for a, b in np.nditer([x, np.outer(x, x).T], order="F"):
        total += a * b * total
    return total


@program(X)
def written_by_nditer(x):
    y, squares = x * 1, np.zeros((2, 3))
    with np.nditer(y, flags=["c_index"], op_flags=["readwrite"]) as it:
        for element in it:
            element[...] = 2 * element * it.index
    with np.nditer([x, squares], op_flags=[["readonly"], ["writeonly"]]) as it:
        for a, b in it:
            b[...] = a * a
    made = np.nditer([x, None])
    for a, b in made:
        b[...] = a**3
    return (y * squares[1]).sum() + made.operands[1].sum()


@program(0.7)
def lambdas_in_a_lambda(x):
    return (lambda y: (lambda z: math.sin(z) * y)(x) + gradient(lambda z: math.sin(z) * z)(y))(x * x)


@program(X)
def broadcast_side_by_side(x):
    pairs = [a * b for a, b in np.broadcast(x, x[:, None])]
    first, second = np.ix_(x, x**2)
    return sum(pairs) * np.broadcast(x, x[:, None]).size + (first * second**2).sum()


@program(X)
def iterators_made_before_their_arrays_are_filled(x):
    y, z = np.zeros(x.size), np.zeros(x.size)
    elements, pairs = np.nditer(y), np.broadcast(y, np.ones((2, 1)))
    runs = np.nditer([y, z], flags=["external_loop"])
    places = np.nditer([z, np.arange(z.size * 1.0)], flags=["multi_index"])
    y[:], z[:] = x, x**3
    total = (
        sum(v * v for v in elements) + sum(a * a * b for a, b in pairs) + sum((a * b).sum() for a, b in runs)
    )
    while not places.finished:
        total = total + places[0] * places[1] * places.multi_index[0]
        places.iternext()
    return total


@program(X)
def a_broadcast_is_its_own_iterator(x):
    pairs = np.broadcast(x, x[:, None])
    first = next(pairs)[0]
    rest = sum(a * b * pairs.index for a, b in pairs)
    nothing = sum(a for a, b in pairs)
    pairs.reset()
    return first + rest + nothing + sum(a * b**2 for a, b in pairs)


@program(0.3, 0.11)
def ranges_of_varying_steps(start, step):
    return (
        (np.arange(start, 1.2, step) ** 2).sum()
        + np.arange(5.0 * step, dtype=int).sum()
        + np.kaiser(6, step)[1]
    )


@program(X)
def results_written_into_arrays(x):
    y, z = x * 1.0, x * 2.0
    np.round(x, 1, out=y)
    before = y * x
    np.fix(x * 3.1, z)
    part, whole = np.empty(3), np.empty(3)
    np.modf(x * 3.3, part, whole)
    np.divmod(x, 0.7, out=(y, None))
    return (before * z + part * whole * y).sum() + before.sum()


@program(np.array([0.5, 0.25, 0.3]))
def rounded_in_place(x):
    y = x * 1.0
    x.round(2, out=x)
    return (x * y).sum()


@program(np.outer(X, X) + 3 * np.eye(3), np.outer(X, X))
def tensors_solved(a, b):
    four = np.multiply.outer(a, b) + 5 * np.eye(9).reshape(3, 3, 3, 3)
    return (np.linalg.tensorsolve(four, b)[0] + np.linalg.tensorsolve(four, b, axes=(0,)) ** 2).sum()


class Shape:
    def __new__(cls, *sides):
        return object.__new__(Square if len(sides) == 1 else cls)

    def __init__(self, *sides):
        self.area = sides[0] * sides[1]


class Square(Shape):
    def __init__(self, side):
        self.area = side * side


@program(0.7, 1.3)
def class_chosen_by_new(a, b):
    return Shape(a).area + Shape(a, b).area


class Wrapped:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@program(X)
def methods_of_plain_arrays(x):
    weights = np.arange(3.0)
    picked = np.array([1.0, 2.0, 3.0]).clip(0.0, x)
    return weights.dot([x[0], x[1], 1.0]) * weights.dot(x) + picked.sum() + np.asarray(Wrapped(x)) @ weights


@program(0.3, 1.2)
def quantiles_of_a_normal_distribution(p, sigma):
    return statistics.NormalDist(p, sigma).inv_cdf(p) ** 2


@program(0.7)
def numbers_that_behave_like_arrays(x):
    y = np.float64(x)
    picked = y[np.array(y > 0.5)]
    try:
        float(np.array([x, x]))
    except TypeError:
        picked = picked * x
    return picked.sum() * y[()]


@program(X, 0.7)
def what_replaces_nan_varies(x, fill):
    y = np.where(x > 1.0, x, np.nan)
    return (np.nan_to_num(y, True, fill) ** 2).sum() + np.nan_to_num(
        np.array([np.inf, 1.0]), True, 0.0, fill
    )[0]


def scaled(a, x):
    out = np.zeros(3)
    out[:] = a * x
    return out


@program(1.3)
def only_what_is_closed_over_varies(a):
    t, ones = np.array([0.2, 0.7, 1.1]), np.ones((2, 2))
    total = (
        np.vectorize(lambda x: scaled(a, x)[1])(t).sum() + a * np.vectorize(lambda x: int(x > 0.5))(t).sum()
    )
    total += np.apply_along_axis(lambda row: scaled(a, row.sum()), 0, ones).sum()
    total += np.apply_along_axis(lambda row: row.sum(), 1, ones).sum() * a
    total += np.piecewise(t, [t < 1], [lambda x: a * x, lambda x: x**a]).sum()
    total += (
        np.fromfunction(lambda i, j: a * i + j, (2, 3)).sum() + np.frompyfunc(lambda x: a * x, 1, 1)(t).sum()
    )
    return total * np.stack(list(map(lambda x: scaled(a, x), t))).max()


@program(1.3)
def functions_of_numpy_called_by_python_s_own(a):
    arrays = [scaled(a, x) for x in (1.0, 0.5, a)]
    total = sum(np.sum(array) for array in itertools.accumulate(arrays, np.add))
    total += sum(array.sum() for array in itertools.starmap(np.multiply, [arrays[:2]]))
    return total * sum(itertools.starmap(np.dot, [arrays[1:]])) * functools.reduce(np.maximum, arrays).max()


@program(M)
def flat_as_an_iterator(m):
    flat = m.flat
    first = next(flat)
    total = first * first * flat.index + flat.coords[1] * first + flat.base[0, 1]
    return total + sum(k * v * v for k, v in enumerate(flat))


@program(1.3)
def flat_of_an_array_without_axes(a):
    array = np.array(a)
    array.flat[0] = array.flat[-1] * a
    np.put(array, [0, 0], [a, array[()] * 2.0])
    return array.flat[0] * sum(array.flat) * sum(array.flat[:]) + len(array.flat.coords)


@program(M)
def runs_of_elements(m):
    total = 0.0
    for run in np.nditer(m, flags=["external_loop"], order="F"):
        total = total + np.sum(run * run * np.arange(len(run)))
    for a, b in np.nditer([m, m.T.copy().T], flags=["external_loop", "buffered"]):
        total = total + a @ b**2
    return total


@program(M)
def rows_that_differ(m):
    table = np.concatenate([m, m[:1]])
    rows, first, inverse, counts = np.unique(
        table, return_index=True, return_inverse=True, return_counts=True, axis=0
    )
    columns = np.unique(m, axis=1)
    return (
        np.sum(rows[inverse.ravel()] ** 2 * table)
        + counts @ rows[:, 0]
        + table[first[0], 0]
        + columns[0, 0] ** 2
    )


@program(X)
def filled_before_it_is_read(x):
    buffer = np.zeros(3)
    first, second = itertools.tee(buffer)
    ways = [
        itertools.chain(buffer, [1.0]),
        itertools.islice(itertools.cycle(buffer), 6),
        itertools.chain(first, second),
        itertools.compress(buffer, [1, 0, 1]),
        itertools.starmap(lambda a, b: a * b, itertools.pairwise(buffer)),
        itertools.takewhile(lambda t: t < 9.0, buffer),
        (a + b for a, b in itertools.zip_longest(buffer, buffer[:2], fillvalue=2.0)),
        (sum(group) for _, group in itertools.groupby(buffer, lambda t: t > 0.5)),
    ]
    buffer[:] = x**2
    return sum((k + 1) * sum(way) for k, way in enumerate(ways))
