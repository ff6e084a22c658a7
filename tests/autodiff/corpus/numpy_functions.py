"""NumPy: creation, reductions, shaping, indexing, products, linear algebra, transforms."""

import numpy as np

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])
A = np.array([[2.0, 0.3, -0.1], [0.3, 1.5, 0.2], [-0.1, 0.2, 3.0]])
V = np.array([1.0, -2.0, 0.5])


@program(X)
def ufuncs(x):
    y = np.sin(x) + np.cos(x) * np.exp(x) - np.tanh(x) / np.cosh(x) + np.arctan2(x, 2.0) + np.log1p(x**2)
    z = (
        np.maximum(x, 0.3)
        + np.minimum(x, 1.0)
        + np.abs(x)
        + np.square(x)
        + np.sqrt(x**2 + 1)
        + np.hypot(x, 1.0)
    )
    return (
        (y * z).sum() + np.power(x**2, 1.5).sum() + np.logaddexp(x, 1.0).sum() + np.float_power(2.0, x).sum()
    )


@program(X, 2.0)
def broadcasting(x, k):
    a = x[:, None] * x[None, :] + k
    return (a / (1 + x**2)).sum() + (k * x).sum() + np.sum(k - a)


@program(X)
def reductions(x):
    a = x.reshape(2, 2)
    return (
        a.sum(0)[0] * a.mean(axis=1)[1]
        + np.prod(x)
        + x.var()
        + x.std(ddof=1)
        + np.max(a, axis=0).sum()
        + x.min()
        + np.ptp(x)
        + np.cumsum(x)[2]
        + np.cumprod(x)[3]
        + np.average(x, weights=[1, 2, 3, 4])
        + np.nansum(x)
        + np.trace(a)
        + np.linalg.norm(x)
        + np.median(x)
        + np.percentile(x, 30)
        + np.quantile(x, 0.6)
    )


@program(X)
def shaping(x):
    a = x.reshape(2, 2).T
    b = np.concatenate([a, a * 2], axis=1)
    c = np.stack([x, x**2]).swapaxes(0, 1)
    d = np.vstack([x, x]) + np.hstack([x[:2], x[2:]]) + np.tile(x, 2)[:4] + np.repeat(x, 2)[::2]
    e = np.roll(x, 1) * np.flip(x) + np.pad(x, 1)[1:-1] + np.squeeze(x[None]) + np.expand_dims(x, 0).ravel()
    f = np.split(x, 2)[1] * np.array_split(x, 2)[0]
    g = np.moveaxis(np.ones((2, 4)) * x, 0, 1)[:, 1] + np.rot90(a).ravel() + np.delete(np.append(x, 1.0), 0)
    h = (
        np.insert(x, 1, x[0])[:4]
        + np.broadcast_to(x, (3, 4))[1]
        + np.take(x, [0, 0, 1, 2])
        + np.atleast_2d(x)[0]
    )
    return (b[:, :2] * a).sum() + (c * 2).sum() + d.sum() + (e * x).sum() + f.sum() + (g * h).sum()


@program(X)
def indexing(x):
    m = np.outer(x, x)
    i = np.array([0, 2])
    return (
        x[-1] * x[1:3].sum()
        + x[[0, 0, 2]].sum() ** 2
        + x[x > 0].prod()
        + m[1, ...].sum()
        + m[i, i].sum()
        + m[np.ix_([0, 1], [2, 3])].sum()
        + m[:, ::-1][0, 0]
        + x[None, :, None].sum()
        + m[i[:, None], [1, 2]].sum()
    )


@program(X)
def selecting(x):
    y = np.where(x > 0, x**2, np.exp(x)) + np.clip(x, -0.5, 1.2)
    z = np.select([x < 0, x > 1.7], [x * 2, x**3], default=x)
    p = np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2])
    safe = np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)
    return (y * z).sum() + p.sum() + safe.sum() + np.sort(x)[1] * np.max(x) + x[np.argsort(x)][2]


@program(np.array([1.0, -2.0, -0.3]))
def no_nan_from_branch_not_taken(x):
    return (
        np.where(x > 0, np.log(np.abs(x) + (x <= 0)), 0.0).sum()
        + np.where(x > 0.5, np.abs(x) ** 0.5, x * 2)[0]
    )


@program(A, V)
def products(a, v):
    return (
        (a @ v).sum()
        + v @ v
        + np.dot(a, a)[0, 1]
        + np.einsum("ij,j->i", a, v)[2]
        + np.tensordot(a, a)
        + np.kron(v, v)[4]
        + np.inner(v, a)[0]
        + np.outer(v, v).sum()
        + np.vdot(v, v)
        + np.cross(v, a[0])[1]
        + np.matmul(a, a)[1, 1]
        + a.dot(v)[0]
        + np.einsum("ii", a)
        + np.linalg.multi_dot([a, a, v])[0]
    )


@program(A, V)
def linear_algebra(a, v):
    sym = a @ a.T + np.eye(3)
    return (
        np.linalg.solve(a, v).sum()
        + np.linalg.inv(a)[0, 1]
        + np.linalg.det(a)
        + np.linalg.slogdet(sym)[1]
        + np.linalg.cholesky(sym)[1, 0]
        + np.linalg.norm(a)
        + np.linalg.matrix_power(a, 3)[0, 2]
        + np.linalg.eigvalsh(sym)[0]
        + np.linalg.pinv(a)[1, 2]
        + np.trace(np.linalg.inv(sym))
    )


@program(A)
def decompositions(a):
    sym = a @ a.T + np.diag([1.0, 2.0, 3.0])
    w, u = np.linalg.eigh(sym)
    p, s, q = np.linalg.svd(a, full_matrices=False)
    qq, rr = np.linalg.qr(a)
    return (
        (w * [1, 2, 3]).sum()
        + (u**2)[0, 1]
        + (s**2 * [1, 2, 3]).sum()
        + (p * q.T).sum() ** 2
        + np.abs(qq @ rr)[0, 1]
        + (rr**2)[0, 1]
    )


@program(A, V)
def least_squares(a, v):
    x, *_ = np.linalg.lstsq(a[:, :2], v, rcond=None)
    return (x * [1.0, 2.0]).sum()


@program(X)
def transforms(x):
    f = np.fft.fft(x)
    r = np.fft.rfft(x[:3])
    return (
        (np.abs(f) ** 2 * np.arange(4)).sum()
        + np.fft.ifft(f * [1, 2, 3, 4]).real[1]
        + np.abs(r[1])
        + np.fft.irfft(np.fft.rfft(x) * 2)[0]
    )


@program(X)
def complex_arrays(x):
    z = x * np.exp(1j * x) + 2j
    w = z * np.conj(z) + z**2 / (1 + z)
    return w.real.sum() + np.abs(z).sum() + np.angle(z)[0] + (w.imag**2).sum()


@program(0.5, 2.0)
def creation(a, b):
    y = np.array([[a, 1], [b * a, b]])
    z = np.linspace(a, b, 5)
    w = np.full(3, a) + np.asarray([a, b, 1.0]) + np.array((a, 2, b))
    x, g = np.meshgrid([a, b], [1.0, b, a])
    return (y @ y).sum() + (z**2).sum() + w.prod() + np.sum([a, b]) + (x * g).sum() + np.diag([a, b])[0, 0]


@program(X)
def ufunc_methods(x):
    return (
        np.add.reduce(x) * np.multiply.reduce(x)
        + np.add.accumulate(x)[2]
        + np.multiply.outer(x, x).sum()
        + np.subtract.outer(x, x)[0, 2]
        + np.maximum.reduce(x)
        + np.logaddexp.reduce(x)
        + np.hypot.reduce(x)
        + np.multiply.accumulate(x)[1]
    )


@program(X)
def functions_of_functions(x):
    f = np.vectorize(lambda v: v * v if v > 0 else np.sin(v))
    g = np.apply_along_axis(lambda row: row[0] * row[1], 1, x.reshape(2, 2))
    return f(x).sum() + g.sum() + np.apply_over_axes(np.sum, x.reshape(2, 2), [0, 1])[0, 0]


@program(X)
def signals(x):
    return (
        np.diff(x).prod()
        + np.gradient(x)[1] ** 2
        + np.trapezoid(x, dx=0.5)
        + np.convolve(x, [1.0, 2.0])[2]
        + np.interp(1.3, [0.0, 1.0, 2.0, 3.0], x)
        + np.polyval(x, 2.0)
        + np.polyval([1.0, 2.0], x).sum()
        + np.ediff1d(x)[0]
        + np.correlate(x, x)[0]
        + np.interp(x, [-2.0, 0.0, 3.0], [0.0, 1.0, 5.0]).sum()
        + np.unwrap(x)[1]
        + np.nan_to_num(x).sum()
        + np.sinc(x).sum()
        + np.cov(x, x**2)[0, 1]
        + np.corrcoef(x, x**3)[0, 1]
    )


@program(X)
def methods(x):
    a = x.reshape((2, 2))
    return (
        a.T.copy().flatten()[1]
        + a.transpose(1, 0)[0, 1]
        + x.clip(0, 1).sum()
        + x.cumsum()[1]
        + a.diagonal().sum()
        + x.take([0, 1]).prod()
        + a.swapaxes(0, 1).ravel()[1]
        + x.dot(x)
        + x.astype(float)[0]
        + x.repeat(2)[1]
        + x.round(1)[0] * x[1]
        + a.trace()
        + x.tolist()[2]
        + x.item(1)
        + a.item((1, 0)) * a.item(-1)
        + len(x) * x.squeeze()[0]
        + x.argmax() * x[0]
    )


@program(X)
def asked_for_arrays(x):
    y = np.asarray(x, dtype=float)
    if (
        isinstance(y, np.ndarray)
        and y.ndim == 1
        and y.shape == (4,)
        and y.dtype == np.float64
        and np.all(y < 9)
    ):
        y = np.ascontiguousarray(y)
        return np.sum(y**2) + np.count_nonzero(y) * y[0]
    return 0.0


@program(np.array([0.5, 0.9, 1.6, 2.1, 3.0]))
def views_broadcast_beside_constants(x):
    h = np.diff(x)
    left, right, chosen = np.broadcast_arrays(h[0::2], h[1::2], np.array([True, True]))
    product = right * np.broadcast_arrays(2.0, right)[0]
    constant = np.ones(2)
    same = np.broadcast_arrays(h[:2], constant)[1]
    constant[0] = 3.0
    return np.sum(left[chosen] / right[chosen]) + np.sum(product * left * same)
