"""Things that change after they were used: index arrays, masks, constants, buffers, in NumPy's and others' hands."""

import operator
import random

import numpy as np

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])
WEIGHTS = np.arange(4.0)


@program(X)
def repeated_positions(x):
    y = np.zeros(3)
    y[[0, 0, 1]] = x[:3]
    z = np.zeros((2, 2))
    z[[0, 1, 0], [1, 1, 1]] = x[1:] ** 2
    return (y * [1, 2, 3]).sum() + z.sum()


@program(X)
def index_array_changes(x):
    index = np.arange(4)
    rng = np.random.default_rng(0)
    total = 0.0
    for k in range(3):
        total = total + (x[index[:2]] * np.array([1.0, 2.0]) * (k + 1)).sum()
        index[0], index[1] = index[1], index[0]
        rng.shuffle(index)
    return total


@program(X)
def index_list_changes(x):
    index = [0, 1]
    first = (x[index] ** 2).sum()
    index[0] = 3
    return first + (x[index] ** 3).sum()


@program(X)
def mask_changes(x):
    mask = np.array([True, False, True, False])
    first = (x[mask] ** 2).sum() + np.sum(x**3, where=mask)
    y = np.zeros(4)
    y[mask] = x[mask] * 2
    mask[:] = ~mask
    y[mask] += x[mask] ** 2
    return first * y.sum()


@program(X)
def positions_of_add_at_change(x):
    places = np.array([0, 0, 1, 2])
    y = np.zeros(4)
    np.add.at(y, places, x)
    places[:] = 3
    np.add.at(y, places, x * x)
    return (y * np.arange(1, 5)).sum()


@program(X)
def constant_shuffled(x):
    rng = np.random.default_rng(0)
    c = WEIGHTS.copy()
    total = (x * c).sum()
    rng.shuffle(c)
    total += (x**2 * c).sum()
    rng.standard_normal(out=c)
    return total + (x**3 * c).sum()


@program(X)
def constant_written_with_out(x):
    c = WEIGHTS.copy()
    total = (x * c).sum()
    np.take(np.ones(9), [1, 2, 3, 4], out=c)
    total += (x**2 * c).sum()
    np.dot(np.eye(4) * 2, np.ones(4), c)
    total += (x**3 * c).sum()
    np.add.reduce(np.ones((3, 4)), axis=0, out=c)
    total += (x * c).sum() ** 2
    np.arange(12.0).reshape(3, 4).sum(axis=0, out=c)
    total += (x * c).sum() ** 3
    c.clip(1, 2, out=c)
    return total + (x**4 * c).sum()


@program(X)
def constant_written_through_attributes(x):
    c = WEIGHTS.copy()
    total = (x * c).sum()
    c.real = c.real * 2
    c.T[0] = 5.0
    total += (x**2 * c).sum()
    c.flat = 3.0
    c.__setitem__(1, 7.0)
    operator.setitem(c, 2, 8.0)
    return total + (x**3 * c).sum()


@program(X)
def shuffled_lists(x):
    r = random.Random(0)
    values = list(x)
    r.shuffle(values)
    picked = r.sample(values, 2)
    return values[0] + values[1] * 2 + values[2] * 3 + picked[0] * r.choice(values)


@program(X)
def targets_are_stored_from_left_to_right(x):
    y, k = np.zeros(5), 0
    while k < 4:
        y[k], k = x[k] * (k + 1), k + 1
    a = y[0] = y[4] = x[2] * 3
    return (y * np.arange(5)).sum() * a


@program(X)
def array_taken_apart_inside_a_target(x):
    y = np.zeros(2)
    y[0], y[1] = x[0] * 2, x[1]
    (a, b), c = y, 1.0
    d, (e, *f) = [x[2], y]
    total = a * b * c + d * e * f[0]
    for k, (p, q) in [(1.0, y), (2.0, y)]:
        total += k * p * q
    return total + sum(p * q for p, q in [y, y])


@program(X)
def structured(x):
    state = np.zeros(3, dtype=[("x", "f8"), ("v", "f8", (2,))])
    state["x"] = x[:3]
    state["v"][:, 0] = x[:3] ** 2
    state[0]["x"] = x[3]
    return (state["x"] * state["v"][:, 0]).sum() + state[1]["x"] * state["x"][2]


@program(X)
def objects_in_arrays(x):
    a = np.array([x[0], 2.0, x[1]], dtype=object)
    b = np.empty(2, dtype=object)
    b[0], b[1] = x, x[:2] * 2
    ragged = np.array([x[:1], x[:3]], dtype=object)
    return (a * a).sum() + b[0].sum() + (b[1] ** 2).sum() + (ragged[0] * ragged[1].sum()).sum()


@program(np.array([0.7, 0.3, 1.1]))
def writes_that_fail(x):
    a = x * x
    a.flags.writeable = False
    b = a * 2.0
    try:
        a[0] = 1.0
    except ValueError:
        b = b * a
    a.setflags(write=True)
    for wrong in (np.ones(2), "text"):
        try:
            a[:] = wrong
        except ValueError:
            b = b * a
    a[0] = x[1]
    return np.sum(a * b)
