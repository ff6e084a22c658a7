"""Masked arrays: what is masked counts for nothing, and leaves no NaN in a derivative."""

import numpy as np
import numpy.ma as ma
from scipy.stats import mstats

from . import program

X = np.array([0.7, -1.3, 2.1, 0.4])
A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.6, -0.7, 3.0]])


@program(X)
def made_and_reduced(x):
    m, n = ma.array(x, mask=[0, 1, 0, 0], fill_value=3.0), ma.masked_where(x < 0, x)
    return (
        m.mean() * m.sum() + n.var() * n.std() + ma.masked_invalid(np.where(x < 0, np.nan, x)).mean() ** 2
        + ma.max(n) ** 2 * m.min() + n.prod() + np.sum(m.filled() ** 2) + np.sum(ma.filled(n, 1.0))
        + np.sum(n.compressed() ** 3) + m.count() * x[0] + ma.array(x).mean() + ma.average(n, weights=[1.0, 2.0, 3.0, x[1]])
    )  # fmt: skip


@program(X)
def arithmetic(x):
    m = ma.array(x, mask=[0, 1, 0, 0])
    n = m * m + 2 * m - 1 / m
    constant = ma.array([1.0, 2.0, 3.0, 4.0], mask=[0, 0, 1, 0])
    mixed = (constant * x).sum() + (x * constant).sum() + (m + constant).sum() + (constant - m).mean()
    return (
        n.sum()
        + (n**2).mean()
        + mixed
        + abs(m).sum()
        + (-m).sum()
        + (2.0**m).sum()
        + (m % 2).sum()
        + (m // 1).sum()
    )


@program(X)
def domains(x):
    m = ma.masked_where(x > 2, x)
    return (
        ma.log(x).sum() + ma.sqrt(x).mean() + ma.divide(1.0, x - x[3]).sum() + np.sqrt(m * m).sum()
        + np.exp(m).sum() + (m**0.5).sum() + ma.power(m, 1.5).sum()
    )  # fmt: skip


@program(A)
def along_axes(a):
    m = ma.masked_less(a, 0.0)
    wide = m - m.mean(axis=1, keepdims=True)
    return (
        (m.sum(axis=0) ** 2).sum()
        + (m.var(axis=0) * m.max(axis=1)).sum()
        + wide.sum() ** 2
        + m.T.reshape(9).sum()
    )


@program(X)
def items_and_changes(x):
    m = ma.array(x * 1.0, mask=[0, 1, 0, 0])
    same = m
    m[2] = x[0] ** 2
    m[0] = ma.masked
    m[1:][2] = ma.masked
    m[3] = x[1] * x[3]
    m += 1
    m *= x
    m **= 2
    total = sum(v * v for v in same if v is not ma.masked)
    return total + m[3] * m[2] + m[1:].sum() + np.sum(m.data[2:])


@program(X)
def joined_and_arranged(x):
    m = ma.array(x, mask=[0, 1, 0, 0])
    wide = ma.vstack([m, x**2, ma.masked_less(x, 0.5)])
    return (
        (ma.concatenate([m, x]) * np.arange(8.0)).sum() + (wide * np.arange(12.0).reshape(3, 4)).sum()
        + (ma.sort(m) * np.arange(4.0)).sum() + ma.median(m) * ma.average(wide, axis=0, weights=[1.0, 2.0, x[0]]).sum()
        + (ma.diff(m) ** 2).sum() + (m.cumsum() * m.take([3, 2, 1, 0])).sum() + ma.dot(m, x) + ma.cov(wide).trace()
        + ma.where(m > 1, m**2, -x).sum() + (ma.stack([m, m], axis=1) ** 2).sum() + ma.append(m, [1.0]).mean()
    )  # fmt: skip


@program(X)
def masks_that_change(x):
    m = ma.array(x * 1.0)
    m.mask = [0, 0, 1, 0]
    m[m < 0] = ma.masked
    hard = ma.array(x * 1.0, mask=[0, 1, 0, 0], hard_mask=True)
    hard[:] = x[::-1] ** 2
    m.put([0, 1], [x[2] * x[3], 5.0])
    ma.put(hard, [3], [x[0]])
    return (
        m.sum() * hard.sum()
        + sum(v for v in hard if v is not ma.masked) ** 2
        + m.soften_mask().count() * x[0]
    )


@program(X)
def numpy_of_masked_arrays(x):
    m = ma.array(x + 2, mask=[0, 1, 0, 0])
    found = np.sort(m)[::-1].mean() * np.max(m) + np.std(m) * np.ptp(m) + np.trapezoid(m) + np.unique(m).sum()
    columns = np.apply_along_axis(lambda row: row.sum() ** 2, 1, m.reshape(2, 2)).sum()
    squares = np.vectorize(lambda v: v * v)(m)
    return (
        found
        + columns * squares.sum()
        + sum(v**3 for v in m.tolist() if v is not None)
        + ma.log(m - 2.5).sum()
    )


@program(X)
def statistics_of_masked_arrays(x):
    m, t = ma.array(x + 2, mask=[0, 1, 0, 0]), np.arange(4.0)
    line = mstats.linregress(t, m)
    trimmed = (
        mstats.trimmed_mean(m, limits=(0.1, 0.1)) + mstats.gmean(m) + mstats.skew(m) + mstats.variation(m)
    )
    return (
        line.slope * line.intercept
        + trimmed * ma.polyfit(t, m, 1)[0]
        + mstats.mquantiles(m, prob=[0.3]).sum()
    )


@program(X)
def asked_for_its_class(x):
    m = ma.masked_greater(x, 2.0)
    if not (isinstance(m, ma.MaskedArray) and type(m) is ma.MaskedArray and ma.is_masked(m)):
        return 0.0
    return m.sum() * m.filled(x[0]).prod() + np.asarray(m)[2] + ma.getmaskarray(m).sum() * x[1]
