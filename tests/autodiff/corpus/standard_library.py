"""The standard library around numbers: statistics whole, functions of ``math`` that came later, operators by name."""

import math
import operator
import statistics

import numpy as np

from . import program

X = [0.7, 1.3, 2.1, 0.4]
Y = [1.1, 0.3, -0.6, 2.2]


@program(X, [1.0, 2.0, 1.5, 0.3])
def weighted_means(x, w):
    return (
        statistics.fmean(x, weights=w) * statistics.harmonic_mean(x, weights=w)
        + statistics.fmean([1.0, 2.0, 4.0, 3.0], weights=w)
        + statistics.geometric_mean(x)
    )


@program(X, 0.3)
def spreads_around_a_centre_that_varies(x, centre):
    of_constants = statistics.variance([0.7, -1.3, 2.1], centre) * statistics.pstdev([1.0, 2.0], centre)
    return of_constants + statistics.pvariance(x, mu=centre) + statistics.stdev(x)


@program(X, Y)
def lines_and_quantiles(x, y):
    line, proportional = (
        statistics.linear_regression(x, y),
        statistics.linear_regression(x, y, proportional=True),
    )
    quantiles = statistics.quantiles(x, n=4), statistics.quantiles(y, n=10, method="inclusive")
    related = statistics.correlation(x, y) * statistics.covariance(x, y)
    return line.slope * line.intercept + proportional.slope + quantiles[0][2] * quantiles[1][3] + related


@program(X, 1.2)
def normal_distributions(x, s):
    d = statistics.NormalDist.from_samples(x)
    e = d * s + statistics.NormalDist(0.1, s) - x[0]
    quantiles = sum(e.quantiles(5)) + d.inv_cdf(x[3])
    return quantiles * d.overlap(e) + e.pdf(x[1]) * e.cdf(s) + d.zscore(x[2])


@program(X)
def densities_of_kernels(x):
    if not hasattr(statistics, "kde"):  # Python 3.13
        return statistics.median(x)
    smooth = statistics.kde(x, x[0])
    cumulative = statistics.kde(x, 1.5, kernel="parabolic", cumulative=True)
    return smooth(0.3) * smooth(x[1]) + cumulative(x[2])


@program(0.7, 1.3)
def functions_rounded_once(x, y):
    total = math.cbrt(x) * math.exp2(y) + math.ulp(x)
    if hasattr(math, "sumprod"):  # Python 3.12
        total += math.sumprod([x, y, 2], (y, x, x))
    if hasattr(math, "fma"):  # Python 3.13
        total += math.fma(x, y, x * y) * math.fma(2.0, x, 1.0)
    return total


@program(np.array(X))
def changes_in_place_by_name(x):
    y = np.full(4, 2.5)
    z = x * y
    for change in (operator.ipow, operator.imod, operator.ifloordiv, operator.iadd):
        y = change(y, 0.7)
    w = x * y
    w = operator.ipow(w, 2)
    m = operator.imatmul(np.outer(x, x), np.outer(y, x))
    return np.sum(z * w) + np.sum(m)


class Phase:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __complex__(self):
        return complex(self.x, self.y)


class Powers:
    """A sequence without being a list."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return 3

    def __getitem__(self, k):
        if k >= 3:
            raise IndexError(k)
        return self.x ** (k + 1)


@program(0.7, 1.3)
def objects_as_numbers_and_arrays(x, y):
    z = complex(Phase(x, y))
    return abs(z * z) + np.sum(np.array(Powers(x))) * np.mean(Powers(y)) + np.sum(np.exp(Powers(x)))
