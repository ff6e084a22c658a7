"""Writes into arrays: items, slices, views, masks, out=, in-place functions, arrays that were there before."""

import numpy as np

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])
_BUFFER = np.zeros(4)


@program(X)
def items(x):
    y = np.zeros(4)
    for i in range(4):
        y[i] = np.sin(x[i]) * x[0]
    return np.sum(y * y)


@program(X)
def slices(x):
    y = np.empty(6)
    y[:4] = x
    y[4:] = x[1:3] * 2
    y[::2] *= x[0]
    return y.sum() * y[5]


@program(X)
def augmented(x):
    y = x.copy()
    y += x
    y *= y
    y -= 1.0
    y /= 2 + x**2
    y **= 2
    return y.sum()


@program(X)
def argument_written(x):
    x[0] = x[1] * x[2]
    x[1:] = x[:-1]
    return (x**2).sum()


@program(X)
def view_aliasing(x):
    y = x * 1.0
    v = y[1:]
    w = v[::-1]
    v *= 2
    w[0] = y[0] * 5
    y[2] = w[2] ** 2
    return y.sum() + (v * w).sum()


@program(X)
def overwritten_operand(x):
    y = x * 2
    z = y * y
    y[:] = 0.0
    y[1] = z[0]
    return z.sum() + y[1] * z[1]


@program(X)
def out_argument(x):
    y = np.empty(4)
    np.multiply(x, x, out=y)
    np.exp(y, out=y)
    np.add(y, x, out=y, where=x > 0)
    np.sqrt(y, y)
    return y.sum()


@program(X)
def masks(x):
    y = x.copy()
    y[y < 0] = 3.0
    y[x > 1] *= x[0]
    y[[0, 3]] = x[[3, 0]] ** 2
    y[np.array([True, False, True, False])] += 1.0
    return (y * x).sum()


@program(X)
def add_at(x):
    y = np.zeros(3)
    np.add.at(y, [0, 0, 2, 1], x * x)
    np.subtract.at(y, [1, 1], x[:2])
    return (y**2).sum()


@program(X)
def fill_put_copyto(x):
    y = np.zeros((2, 4))
    y.fill(x[0])
    y.put([1, 2], x[:2] * 3)
    np.put(y, [5], [x[3] ** 2])
    np.copyto(y[1], x, where=x > 1)
    np.copyto(y[0], x, where=[0, 1, 0, 1])
    np.copyto(y, x[None, None] * 0.5, where=[[0, 0, 1, 0], [1, 0, 0, 0]])
    np.fill_diagonal(y[:2, :2], x[2])
    np.place(y, y == 0, [1.0])
    np.putmask(y, y > 10, y * 2)
    return (y**2).sum()


@program(X)
def sort_in_place(x):
    y = x * x
    y.sort()
    z = np.array([x, -x])
    z.sort(axis=0)
    return y[0] * 3 + y[-1] * y[1] + z[0, 0] * z[1, 2]


@program(0.5, 1.0)
def trajectory(k, v):
    n = 20
    path = np.zeros((n, 2))
    path[0] = [1.0, v]
    for i in range(n - 1):
        x, u = path[i]
        path[i + 1, 0] = x + 0.1 * u
        path[i + 1, 1] = u - 0.1 * k * x
    return path[-1, 0] ** 2 + path[:, 1].mean()


@program(X)
def global_buffer(x):
    for i in range(4):
        _BUFFER[i] = x[i] * i
    total = np.sum(_BUFFER * _BUFFER)
    _BUFFER[:] = 0.0
    return total + _BUFFER.sum()


@program(0.7)
def plain_array_then_traced(x):
    u = np.ones(5)
    v = u[1:4]
    constant = u * 2
    u[2] = x
    u = u + constant
    v[0] = x * x
    return u.sum() + np.dot(v, v)


@program(0.7)
def constant_operand_overwritten(x):
    c = np.array([1.0, 2.0, 3.0])
    y = x * c
    c[:] = 100.0
    c += 1.0
    z = x * c
    return (y * z).sum()


@program(X)
def two_dimensional(x):
    a = np.outer(x, x)
    a[1, :] = 0.0
    a[:, 2] += x
    a[1:3, 1:3] = x[:2]
    a.T[0] *= 2
    b = a.reshape(2, 8)
    b[0] -= 1
    return (a**2).sum()


@program(X)
def flat_and_ravel(x):
    a = np.zeros((2, 2))
    a.flat[1] = x[0]
    r = a.ravel()
    r[3] = x[1]
    a.flat[2:] = a.flat[:2] * 2
    return (a**2).sum() + sum(a.flat)


@program(X)
def heat(x):
    u = x.copy()
    new = np.empty_like(u)
    for _ in range(5):
        new[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        new[0], new[-1] = u[0], u[-1]
        u, new = new, u
    return (u**2).sum()


@program(X)
def row_swaps(x):
    a = np.array([x, x**2, np.cos(x)])
    a[[0, 2]] = a[[2, 0]]
    a[1] -= a[0] * 2
    row = a[1]
    row[0] = 7.0
    return (a[0] * a[1] + a[2]).sum()


@program(X)
def accumulate_list_of_arrays(x):
    states = [x]
    for _ in range(3):
        s = states[-1].copy()
        s[1:] += 0.5 * s[:-1]
        states.append(s)
    return np.stack(states).sum() + np.array(states)[2, 3]


@program(X)
def sources_with_more_axes(x):
    a, b = np.zeros(4), np.zeros((2, 4))
    a[:] = x[None, :]
    b[...] = (x * a).reshape(1, 1, 4)
    b[:, :2] = x[None, None, 2:]
    return (a * np.arange(4)).sum() * b.prod()


@program(X)
def numbers_of_python(x):
    assert not hasattr(x, "ptp")
    assert type(x.item(1)) is type(x.tolist()[0]) is type(x[0].item()) is float
    try:
        return x.item(1) / (x[0].item() - x[0].item())
    except ZeroDivisionError:
        return x.item(2) * x.tolist()[1]


@program(X)
def overlapping_views(x):
    y = x * 2
    windows = np.lib.stride_tricks.as_strided(y, (3, 2), (8, 8))
    sliding = np.lib.stride_tricks.sliding_window_view(y, 2)
    wide = np.broadcast_to(y, (3, 4))
    before = (windows[:, 0] * windows[:, 1]).sum() + (wide * wide).sum() * sliding.prod()
    y[1] = 5.0
    blocks = np.zeros(4)
    corner = np.lib.stride_tricks.as_strided(blocks, (2, 2), (16, 8))
    corner[:] = x.reshape(2, 2)
    corner[1] *= x[0]
    return before + (windows**2).sum() * wide.sum() + sliding.prod() + (blocks * np.arange(4)).sum()


@program(X)
def windows_of_what_is_whole_elsewhere(x):
    outer = np.outer(x, x)
    windows = np.lib.stride_tricks.sliding_window_view(outer, (3, 2))
    return (windows.mean(axis=(2, 3)) ** 2).sum() + np.sin(outer * outer).sum()


@program(X)
def views_by_einsum(x):
    a = np.zeros((4, 4))
    a[:] = np.outer(x, x)
    np.einsum("ii->i", a)[:] += x
    np.einsum("ij->ji", a)[0] *= 2
    return (a * np.arange(16).reshape(4, 4)).sum()


@program(X)
def products_with_out(x):
    running, total = np.empty(4), np.empty(4)
    np.cumprod(x, out=running)
    x.cumsum(out=total)
    y = x * 1
    np.multiply(y[:-1], y[1:], out=y[1:])
    np.add(y, y[::-1], out=y)
    np.cumsum(y, out=y)
    return (running * total * y).sum()


@program(X)
def without_axes(x):
    s, c = np.array(x[0]), np.array(2.0)
    y = x[1] * c
    c[...] = 50.0
    s *= x[2]
    t = s
    t += s * x[1]
    s[()] = s * x[3]
    return float(t) * s.item() + y * c


@program(X)
def written_along_columns(x):
    a = np.asfortranarray(np.outer(x, x))
    down = a.ravel(order="F")
    down[1] = 5.0
    b = np.array(np.outer(x, x), order="F")
    b.T.reshape(16)[2] = x[0] ** 3
    c = np.asarray(np.outer(x, x), None, "F")
    c.T.ravel()[3:6] *= 2.0
    return ((a + 2 * b + c) * np.arange(16).reshape(4, 4)).sum() * np.ascontiguousarray(x[1])[0]


@program(np.array([0.7, 1.3]))
def what_is_written_into_is_what_comes_back(x):
    out, sums, cells, row = np.zeros(2), np.zeros(2), np.empty(2, object), (x[0], 2.0)
    same = out
    same += x
    made = [
        np.add(x, 1.0, out=out),
        np.cumsum(x, out=sums),
        (x * 2).cumsum(out=sums),
        np.multiply(out, 2, out),
    ]
    assert same is out and made[0] is out and made[1] is sums and made[2] is sums and made[3] is out
    cells[0] = row
    assert cells[0] is row and np.asarray(out) is out
    np.copyto(cells, x * 3, casting="unsafe")
    return (same * sums).sum() + cells[0] * cells[1] + row[0]


@program(np.array([0.7, 1.3]))
def errors_of_numpy_that_are_caught(x):
    calls = [
        lambda: np.concatenate((x, x), out=np.zeros(4), dtype=float),
        lambda: np.clip(x, 1.0),
        lambda: np.clip(x, 0.0, 1.0, min=0.5),
        lambda: np.astype([x[0]], float),
    ]
    total = x.clip(1.0) @ x + np.clip(x, min=0.8).sum()
    for k, call in enumerate(calls):
        try:
            total += call().sum()
        except (TypeError, ValueError):
            total += x[0] ** (k + 2)
    out = np.zeros(4)
    return total * (2 if np.concatenate((x, x), out=out) is out else 3)
