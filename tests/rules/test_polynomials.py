"""NumPy's polynomials, old and new: arithmetic, division, composition, and coefficients that are 0 but vary."""

import numpy as np
import pytest
import scipy.interpolate as ip
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre, Polynomial

from tests.rules.all_ways import check_all_ways

C, D, T = np.array([0.7, -1.3, 2.1, 0.4]), np.array([1.2, 0.5]), np.array([0.1, 0.4, 0.8])
old = np.poly1d

OLD = {
    "sum": lambda c, d: (old(c) + old(d) - 2.0)(T),
    "product": lambda c, d: (old(c) * old(d) * d[0])(T),
    "division": lambda c, d: [p(T) for p in old(c) / old(d)],
    "division by a number": lambda c, d: (old(c) / d[1])(T),
    "power": lambda c, d: (old(d) ** 3)(T),
    "composition": lambda c, d: old(c)(old(d)).coeffs,
    "calculus": lambda c, d: (old(c).deriv() + old(c).integ(k=d[0]))(T),
    "as coefficients": lambda c, d: np.polyadd(old(c), old(d)).coeffs + np.polyval(old(c), 0.3),
    "times an array": lambda c, d: np.asarray(np.arange(1.0, 5.0) * old(c)) * d[0],
}


@pytest.mark.parametrize("name", OLD)
def test_poly1d(name):
    check_all_ways(OLD[name], C, D)


NEW = {
    "sum": lambda cls, c, d: (d[0] + cls(c) - cls(d))(T),
    "product": lambda cls, c, d: (cls(c) * cls(d) * d[0] / d[1])(T),
    "division": lambda cls, c, d: [p(T) for p in divmod(cls(c), cls(d))],
    "composition": lambda cls, c, d: cls(c)(cls(d)).coef,
    "calculus": lambda cls, c, d: (cls(c).deriv() + cls(c).integ(k=[d[0]], lbnd=d[1]))(T),
    "conversion": lambda cls, c, d: cls(c, domain=[0.0, 2.0]).convert(kind=Polynomial).coef * d[0],
    "fit": lambda cls, c, d: cls.fit(np.arange(5.0), np.sin(c[0] * np.arange(5.0)), 2)(T),
}


@pytest.mark.parametrize("kind", [Polynomial, Chebyshev, Legendre, Hermite, HermiteE, Laguerre])
@pytest.mark.parametrize("name", NEW)
def test_polynomial_classes(name, kind):
    def program(c, d):
        return NEW[name](kind, c, d)

    check_all_ways(program, C, D, rtol=1e-4)


ZERO = {
    "poly1d": lambda c: old(c)(T),
    "product of poly1d": lambda c: (old(c[0]) * old([2.0, 1.0]) + old([c[1], 1.0]))(T),
    "sum": lambda c: (Polynomial(c) + 1.0)(T),
    "of a basis": lambda c: sum(c[k] * Legendre.basis(k) for k in range(3))(T),
    "lagrange at fixed points": lambda c: ip.lagrange([0, 1, 2], c)(T),
    "lagrange": lambda c: ip.lagrange(np.array([0.0, 1.0, 2.0]) + c, c)(T),
}


@pytest.mark.parametrize("name", ZERO)
def test_leading_coefficients_that_are_zero_vary(name):
    check_all_ways(ZERO[name], np.zeros(3))


def test_zeros_that_do_not_vary_are_left_out():
    def orders(c):
        return c * (old([0.0, 0.0, c, 1.0]).order + len((Polynomial([c, 1.0]) * 0.0).coef))

    check_all_ways(orders, 0.5)
