"""NumPy functions with their less common arguments."""

import numpy as np

from . import program

V = np.array([0.5, -1.2, 2.3, 1.7, 0.9])
W = np.array([1.1, 0.4, -0.7, 2.2, 0.3])
M = np.random.default_rng(3).normal(size=(3, 4))
T = np.random.default_rng(4).normal(size=(2, 3, 4))
Z = V + 1j * W


def _weighed(results):
    """One number that all entries of all results count in, each differently."""
    total = 0.0
    for k, result in enumerate(results):
        flat = np.ravel(result)
        weights = np.cos(np.arange(len(flat)) + k)
        total += np.sum(np.real(flat) * weights) + np.sum(np.imag(flat) * weights[::-1])
    return total


@program(V, W)
def spacings(v, w):
    lines = np.linspace(v, w, 4, axis=1).sum(axis=0), np.linspace(0, v[0]), np.logspace(v[0], w[0], 4, base=2)
    points, step = np.linspace(v[0], w[1], 5, endpoint=False, retstep=True)
    return _weighed([*lines, points, step, np.geomspace(w[0], w[3], 5)])


@program(M, V)
def differences(m, v):
    grid = np.cumsum(np.abs(v) + 0.1)
    rows, columns = np.gradient(m, 0.1, v[2])
    return _weighed(
        [
            np.gradient(v, grid, edge_order=2),
            np.gradient(m, axis=0),
            rows * columns,
            np.diff(v, prepend=v[3], append=[v[0]]),
            np.diff(m, 2, 1),
            np.ediff1d(v, to_end=v[0] * 2),
            np.unwrap(v * 3),
        ]
    )


@program(V, W)
def bounds_and_pads(v, w):
    return _weighed(
        [
            np.clip(v, w, 3),
            v.clip(min=-1, max=w[0]),
            np.pad(v, 2, mode="linear_ramp", end_values=1.0),
            np.pad(v, (1, 2), mode="mean"),
            np.pad(v, 2, mode="maximum", stat_length=3),
            np.pad(v, 2, constant_values=v[0]),
            np.full_like(v, w[1]),
            np.full((2, 5), w),
        ]
    )


@program(V, W)
def gathered(v, w):
    whole, places = np.unique(v, return_inverse=True)
    return _weighed(
        [
            whole * np.arange(5),
            whole[places],
            np.union1d(v, w),
            np.bincount([0, 2, 2, 1, 0], weights=v * w),
            np.fromiter((a * a for a in v), float, count=4),
            np.histogram(v * w, bins=[-9.0, 0.1, 0.6, 9.0], weights=w)[0],
            np.power(v, [0, 1, 2, 3, 4]),
            np.interp(w, [0, 0.45, 2], v[:3], 0),
        ]
    )


@program(M, T)
def orders(m, t):
    return _weighed(
        [
            np.sort(m, 0),
            np.sort(m, None),
            np.partition(m, 1, 0)[1],
            np.trace(t, 0, 1, 2),
            np.cross(m[:, :3], t[0, :, :3]),
            np.cross(m[:, 0], m[:, 1]),
            np.vander(m[0], 3, increasing=True),
        ]
    )


@program(np.abs(V), M)
def outputs(v, m):
    buffer = np.zeros((3, 4))
    np.multiply.accumulate(m, axis=1, out=buffer)
    row = np.empty(4)
    np.take(m, [2], axis=0, out=row.reshape(1, 4))
    total = row * v[0]
    np.add.reduce(m, axis=0, out=row)
    rest = np.ones(5)
    np.divide(1.0, v - 0.6, out=rest, where=v > 0.6)
    return _weighed(
        [buffer, row, total, rest, np.add.reduce(v, initial=2.0) * np.maximum.reduce(m, axis=None)]
    )


@program(M, Z)
def transforms(m, z):
    plane = np.fft.rfft2(m[:, :3])
    return _weighed(
        [
            plane,
            np.fft.irfft2(plane * z[0], s=(3, 5)),
            np.fft.rfftn(m, axes=(0,)),
            np.fft.irfftn(z[:4].reshape(2, 2), norm="ortho"),
            np.angle(z, deg=True),
            np.convolve(z, m[0]),
            np.correlate(m[0], z, "same"),
        ]
    )


@program(np.array([0.6, -1.3, 2.4]))
def parts(x):
    fraction, whole = np.modf(x)
    mantissa, exponent = np.frexp(x)
    quotient, rest = np.divmod(x, 0.7)
    return _weighed([fraction * whole, mantissa * exponent, quotient + rest, np.nextafter(x, 9.0)])


@program(np.array([0.6, -1.3, 2.4]))
def objects_among_numbers(x):
    objects = np.empty(3, object)
    for k in range(3):
        objects[k] = x[k] ** 2
    mixed = objects * x + np.add(x, np.array(list(x), dtype=object)) - objects * x[0]
    return np.sum(mixed) + x.astype(object).sum() * np.sum(np.outer(x.astype(object), x)[:2])


@program(V)
def numbers_taken_out_are_no_arrays(v):
    a, b, c = np.take(v, 1), v.take(2), np.choose(1, [v[0], v[3]])
    d, e, f = a, b, c
    d += 1.0
    e *= 2.0
    f -= v[0]
    return a * d + b * e + c * f


@program(M)
def copies_only_where_asked(m):
    y = m * 1.0
    z = np.astype(y, float, copy=False)
    z *= 2
    out, diagonal = np.zeros((3, 4)), np.zeros(3)
    np.outer(m[:, 0], m[0], out=out)
    np.einsum("ii->i", m[:, :3], out=diagonal)
    return _weighed([y, out, diagonal, np.einsum(m, [0, 30]), np.einsum(m, [30, 0])])


@program(V)
def crossed_bounds(v):
    return _weighed([np.clip(v, 3.0, v[0]), np.clip(v[1], v[2], v[3]), np.clip(v, v[1], 1.0)])


@program(Z[:4])
def directions(z):
    q, r = np.linalg.qr(np.reshape(z, (2, 2)))
    return _weighed([np.sign(z), np.sign(z[0] + 1.0), q, r])


@program(V)
def lists_that_meet_numbers_of_numpy(v):
    a, b = v[0] + 0.0, 2.0 * v[1]
    axis = [a, b, 3.0]
    axis /= np.linalg.norm(axis)
    plain = [1.0, 2.0, 3.0]
    plain -= np.sin(a)
    nested = [[a, 1.0], [2.0, b]] / np.sqrt(2.0)
    return _weighed(
        [axis, plain, nested, np.float64(2.0) ** (a, b), (a, b) + np.sqrt(b * b), np.exp(a) // [1.0, 7.0]]
    )


@program(V)
def types_and_orders_by_position(v):
    filled = np.full((2, 3), v[:3], float, "F")
    like = np.full_like(filled, v[1], float, "C")
    return _weighed([filled, like, np.hstack((v, [])), np.concatenate([[], v[::-1]])])
