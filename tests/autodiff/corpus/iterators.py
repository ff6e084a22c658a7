"""NumPy's iterators, functions made of Python functions, lists of numbers given to ufunc methods, nested lambdas."""

import math

import numpy as np

from workbench import gradient

from . import program

X = np.array([0.5, 1.5, 2.0])


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
