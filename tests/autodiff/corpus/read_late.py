"""Arrays that are read while, or after, traced values are written into them; values hidden deep in lists and indices."""

import functools
from dataclasses import dataclass

import numpy as np

from tests.autodiff.corpus import program
from workbench import checkpoint, gradient, hook

X = 0.7
V = np.array([0.5, -1.0, 2.0])


@program(X)
def loop_over_an_array_that_it_writes(x):
    y = np.zeros(5)
    y[0] = 1.0
    for k, v in zip(range(4), y, strict=False):
        y[k + 1] = v * x + 1
    z = np.ones(4)
    for k, v in enumerate(z):
        if k < 3:
            z[k + 1] = v * x
    return y.sum() + z[3]


@program(X)
def iterator_made_before_the_write(x):
    y = np.zeros(3)
    rows = iter(y)
    next(rows)
    y[1] = x * x
    return next(rows) * 3


@program(X)
def loop_backwards_over_an_array_that_it_writes(x):
    y, z = np.ones(4), np.ones(4) * x
    for total in (y, z):
        k = 3
        for v in reversed(total):
            if k > 0:
                total[k - 1] = v * x
            k -= 1
    return y[0] + z[0]


@program(X)
def lists_of_traced_numbers_meet_plain_arrays(x):
    a, b = np.zeros(2), np.ones(2)
    a += [x * x, x]
    b *= (x * x, x)
    return a.sum() * b.sum()


@program(X)
def numbers_deep_in_lists(x):
    a = np.zeros((1, 1, 1, 1))
    a[...] = [[[[x * x]]]]
    return a.sum() + np.exp([[[[[x]]]]]).sum()


@program(X)
def transposed_number(x):
    a = np.array([x, x * x])
    return a.sum().T + a[1].T


@program(V)
def position_that_is_an_array(x):
    y, k, place = x * 1.0, np.array(0), (np.array(2),)
    y[k] = y[k] * y[k + 1] * y[place]
    k += 1
    place[0][...] = 0
    return (y * y).sum()


@program(X)
def complex_number_behind_a_hook_and_in_a_block(x):
    def block(z):
        w = z
        w += 1
        return z * w

    z = hook(lambda bar: bar, complex(1.0, 2.0) * x)
    w = z
    w += 1
    return (z * w).real + checkpoint(block)(z).real


@program(V)
def ufuncs_reduced_with_options(x):
    whole = np.add.accumulate(x * 3.7, dtype=int).sum() * 1.0
    flat = np.logaddexp.reduce(np.stack([x, x * x]), axis=None, keepdims=True)
    return whole + flat[0, 0] + x.sum()


@program(X)
def inner_derivative_writes_into_an_outer_array(x):
    y = np.ones(3) * x
    view = y[:1]

    def inner(z):
        total = 0.0
        y[0] = y[0] * z
        for k, v in enumerate(y):
            if k < 2:
                y[k + 1] = v * z
            total += v
        return total * view.sum()

    return gradient(inner)(2.0)


@program(V)
def arrays_that_share_memory_under_an_inner_derivative(x):
    def inner(pair):
        pair[0][1] = pair[0][1] * pair[1][0] * 2
        return (pair[0] ** 2).sum() + pair[1].sum()

    a, b = gradient(inner)((x, x[1:]))
    return (a * np.arange(3)).sum() + b.sum()


@functools.lru_cache(typed=True)
def _by_type(k):
    return 1.0 if isinstance(k, float) else 2.0


@program(X)
def cache_that_tells_types_apart(x):
    return _by_type(1) * x + _by_type(1.0) * x * x


@dataclass
class _Tripled:
    x: float

    def __post_init__(self):
        self.y = self.x * 2

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value * 3)


@program(X)
def dataclass_with_a_setter_of_its_own(x):
    made = _Tripled(x)
    return made.x * made.y
