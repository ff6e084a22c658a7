"""Ordinary calls of SciPy, and number types and tasks of the standard library, in the middle of programs."""

import asyncio
import math
from fractions import Fraction

import numpy as np
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse.linalg
import scipy.spatial.distance
import scipy.special
import scipy.stats

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])
M = np.array([[3.0, 0.5, 0.2], [0.4, 2.0, 0.1], [0.3, 0.2, 4.0]])


@program(2.0)
def integral_by_quad(x):
    return scipy.integrate.quad(lambda t: math.exp(-x * t * t), 0, x)[0]


@program(2.0)
def root_by_brentq(a):
    return scipy.optimize.brentq(lambda x: x**3 - a * x - 1, 1, 3, xtol=1e-14)


@program(X)
def spline(y):
    curve = scipy.interpolate.CubicSpline(np.arange(4.0), y)
    return curve(1.7) * curve(1.7, 1) + curve.integrate(0, 2.5)


@program(X, 0.3)
def filtered(x, a):
    return (scipy.signal.lfilter([1.0, a], [1.0, -a], x) ** 2).sum()


@program(X)
def sparse_matrices(x):
    matrix = scipy.sparse.diags([x**2 + 4, np.ones(3)], [0, 1], format="csc")
    return scipy.sparse.linalg.spsolve(matrix, np.arange(4.0)).sum() + (matrix @ x)[1]


@program(X)
def distances(x):
    points = x.reshape(2, 2)
    return scipy.spatial.distance.cdist(points, points * 2 + 1).sum()


@program(M)
def matrix_functions(a):
    factor = scipy.linalg.cho_factor(a @ a.T)
    return (scipy.linalg.expm(a * 0.3) ** 2).sum() + scipy.linalg.cho_solve(factor, np.ones(3)).sum()


@program(0.3, 1.2)
def distributions_by_keyword(m, s):
    frozen = scipy.stats.norm(m, s)
    return scipy.stats.norm.logpdf(0.7, loc=m, scale=s) + frozen.cdf(0.2) * scipy.special.jv(0, m)


@program(1.5)
def fractions(x):
    return x * float(Fraction(1, 3)) + Fraction(2, 7) * x + x ** Fraction(1, 2)


class Measured:
    def __init__(self, value, error):
        self.value, self.error = value, error

    def __add__(self, other):
        return Measured(self.value + other.value, math.hypot(self.error, other.error))

    def __mul__(self, other):
        error = math.hypot(self.value * other.error, other.value * self.error)
        return Measured(self.value * other.value, error)


@program(1.5, 0.1)
def measurements(x, error):
    m = Measured(x, error)
    n = Measured(2.0, 0.3) * m + m * m
    return n.value * n.error


@program(0.7)
def tasks(x):
    async def square(v):
        await asyncio.sleep(0)
        return v * v

    async def both():
        return sum(await asyncio.gather(square(x), square(x * 2)))

    return asyncio.run(both())


@program(np.array([0.5, -1.2, 2.3]))
def results_looked_for_where_they_overwrite(x):
    constant = np.array([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [4.0, 5.0, 6.0]])
    before = np.sum(constant * x)
    scipy.linalg.solve_triangular(constant[:2, :2], constant[2, :2], lower=True, overwrite_b=True)
    varying = constant * (2.0 + x[0])
    scipy.linalg.solve_triangular(varying[:2, :2], varying[2, :2], lower=True, overwrite_b=True)
    b = np.array([1.0, 2.0, 3.0])
    scipy.linalg.cho_solve((np.diag(x**2 + 1.0), True), b, overwrite_b=True)
    return before + np.sum(constant * x) + np.sum(varying**2) + np.sum(b * x)
