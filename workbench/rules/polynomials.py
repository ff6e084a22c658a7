"""Polynomials of NumPy: their own Python code is followed, but for the coefficients that they leave out.

``numpy.poly1d`` and the arithmetic of ``numpy.polynomial`` leave out leading coefficients that are exactly 0. One that
varies has a derivative all the same, and is kept, as at all points around.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import polyutils
from numpy.polynomial._polybase import ABCPolyBase

from workbench.autodiff.application import apply_rule, as_array
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import forget, resolve
from workbench.autodiff.registry import DOORS, Rule, door
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain

_initialise = resolve(np.poly1d.__init__)
forget(np.poly1d.__init__)


@door(np.poly1d.__init__)
def _poly1d(self: Any, c_or_r: Any, r: bool = False, variable: str | None = None) -> None:
    """``numpy.poly1d(c)``."""
    _initialise(self, c_or_r, r, variable)
    if r or isinstance(c_or_r, np.poly1d) or not contains_traced(c_or_r):
        return
    constant = 0  # zeros in front of a list that do not vary
    if isinstance(c_or_r, list | tuple):
        while type(c_or_r[constant]) not in TRACED and not c_or_r[constant]:
            constant += 1
    self.__dict__["coeffs"] = resolve(np.atleast_1d)(c_or_r)[constant:]


_trimmed = polyutils.trimseq


@door(_trimmed)
def _trimseq(seq: Any) -> Any:
    """Coefficients in rising order without zeros at the end."""
    seq = current(seq)
    return seq if contains_traced(seq) else _trimmed(seq)


def _times(method: Callable, zero: Callable) -> None:
    """The product with a number that is 0 and does not vary is 0."""
    multiply = resolve(method)
    forget(method)

    def call(self: Any, other: Any) -> Any:
        number = type(other) not in TRACED and np.isscalar(other)
        return zero(self) if number and other == 0 else multiply(self, other)

    DOORS[method] = call


def _constant(self: ABCPolyBase) -> ABCPolyBase:
    return type(self)([0.0 * plain(self.coef)[0]], plain(self.domain), plain(self.window), self.symbol)


for _name in ("__mul__", "__rmul__"):
    _times(getattr(np.poly1d, _name), lambda self: np.poly1d(0.0 * plain(self.coeffs)[:1]))
    _times(getattr(ABCPolyBase, _name), _constant)


def _characteristic(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """det(λ − A) = Σ c_k λⁿ⁻ᵏ, dc_k = −tr(M_k dA), where M_1 = 1 and M_{k+1} = A M_k + c_k (Faddeev, Le Verrier).

    NumPy multiplies out the eigenvalues, which have no derivative where two are equal; the coefficients have.
    """
    a = args[0]
    c, n = np.poly(a), np.shape(plain(a))[0]

    def characteristic_pullback(bar: Any) -> list[Any]:
        one = m = np.eye(n)
        a_bar = 0.0
        for k in range(1, n + 1):
            a_bar = a_bar - bar[k] * np.conj(np.transpose(m))
            m = a @ m + c[k] * one
        return [a_bar]

    return c, characteristic_pullback


_CHARACTERISTIC = Rule(np.poly, _characteristic, leaves=(0,))


@door(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """``numpy.poly`` of roots, or of a square matrix."""
    x = as_array(seq_of_zeros) if isinstance(seq_of_zeros, list | tuple) else current(seq_of_zeros)
    if contains_traced(x) and np.ndim(plain(x)) == 2 and np.shape(plain(x))[0] == np.shape(plain(x))[1]:
        return apply_rule(_CHARACTERISTIC, (x,), {})
    return resolve(np.poly.__wrapped__)(seq_of_zeros)
