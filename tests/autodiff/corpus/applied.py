"""Functions that NumPy applies for the program: ``vectorize``, ``frompyfunc``, methods of ufuncs, classes that override."""

import math

import numpy as np

from . import program

X = np.array([0.7, -1.3, 2.1, 0.4])
A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.6, -0.7, 3.0]])


@program(X)
def reduced_in_pieces(x):
    out = np.zeros(2)
    np.multiply.reduceat(x, [0, 2], out=out)
    table = np.outer(x, x)
    return (
        np.sum(np.add.reduceat(x, [0, 2, 1]) ** 2)
        + np.sum(np.maximum.reduceat(table, [0, 2], axis=1) ** 2)
        + np.sum(np.logaddexp.reduceat(x, [0, 1, 3]))
        + out @ out
    )


@program(X, 2.5)
def initial_values_that_vary(x, k):
    table = np.outer(x, x)
    return (
        np.sum(x, initial=k) * x.prod(initial=k)
        + np.max(x, initial=k) ** 2
        + np.min(x, where=x > 0, initial=3 * k)
        + np.sum(table.max(axis=0, initial=k / 3) * np.add.reduce(table, axis=1, initial=k))
        + np.sum(np.logaddexp.reduce(table, axis=1, initial=k, where=table > 0))
        + np.sum(np.ones(3), initial=k)
        + np.max([1, 2], initial=k)
    )


@program(X)
def reduced_along_several_axes(x):
    table = np.outer(x, x)
    out = np.zeros((1, 4))
    np.maximum.reduce(table, 0, None, out, True)
    return (
        (out @ x)[0]
        + np.ptp(table, axis=1) @ x
        + np.logaddexp.reduce(table, axis=(0, 1))
        + np.add.reduce(table, axis=None)
        + np.hypot.reduce(x)
    )


@program(X)
def one_operand_at_places(x):
    y = x * 1.0
    np.negative.at(y, [0, 2])
    np.exp.at(y, 1)
    np.logaddexp.at(y, [2, 2], [x[0], x[1] * x[3]])
    return np.sum(y**3)


@program(X)
def vectorized_with_fixed_arguments(x):
    def polynomial(v, coefficients, shift=0.0):
        return sum(c * (v - shift) ** k for k, c in enumerate(coefficients))

    by_place = np.vectorize(polynomial, excluded=[1])
    by_name = np.vectorize(polynomial, excluded=["coefficients"])
    return np.sum(by_place(x, [x[0], 2.0, x[1]])) + np.sum(by_name(v=x, coefficients=x[:2], shift=x[2]))


@program(A)
def vectorized_with_a_signature(a):
    square = np.vectorize(lambda row: np.sum(row**2), signature="(n)->()")
    outer = np.vectorize(np.outer, signature="(n),(m)->(n,m)")
    both = np.vectorize(lambda m, v: (m @ v, np.sum(v)), signature="(n,n),(n)->(n),()", otypes=[float, float])
    u, s = both(a, a)
    return np.sum(square(a) ** 2) + np.sum(outer(a, a[0]) ** 2) + np.sum(u**2) * np.sum(s)


@program(X)
def types_of_vectorized_results(x):
    calls = []
    truncated = np.vectorize(lambda v: calls.append(v) or (1 if v > 0.5 else v * v))
    whole = np.vectorize(lambda v: 3.7 * v, otypes=[int])
    both = np.vectorize(lambda v: (v**2, v), otypes="dd", cache=True)
    a, b = both(x)
    return np.sum(truncated(x) * x) + np.sum(whole(x) * x) + np.sum(a * b) + len(calls) * x[0]


MADE = np.frompyfunc(lambda a, b: math.sin(a) * b + a, 2, 1)


@program(X)
def functions_made_outside(x):
    two = np.frompyfunc(lambda a: (a * a, a + 1), 1, 2)
    p, q = two(x)
    return np.sum(MADE(x, 2.0)) + MADE(x[0], x[1]) + MADE.reduce(x) + MADE.accumulate(x)[2] + np.sum(p * q)


class Scaled:
    """Says itself what NumPy does with it."""

    def __init__(self, values):
        self.values = values

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        inputs = [x.values if isinstance(x, Scaled) else x for x in inputs]
        return getattr(ufunc, method)(*inputs, **options) * 3

    def __array_function__(self, function, types, args, options):
        if not all(issubclass(kind, Scaled | np.ndarray) for kind in types):
            return NotImplemented
        return function(*[x.values if isinstance(x, Scaled) else x for x in args], **options) * 5


@program(X)
def classes_that_override_numpy(x):
    s, constant = Scaled(x), Scaled(X)
    return (
        np.sum(s)
        + np.mean(s)
        + np.dot(s, x) * np.dot(x, constant)
        + np.add.reduce(np.multiply(x, s))
        + np.multiply.reduce(s)
        + np.sum(x * s)
        + np.sum(np.multiply(constant, x))
    )


class Wrapped:
    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@program(X)
def objects_that_become_arrays(x):
    w = Wrapped(x**2)
    return np.sum(w) + np.sum(np.sin(w)) + np.sum(np.asarray(w) * x) + np.dot(w, x) + np.add.reduce(w)
