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

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import forget, resolve
from workbench.autodiff.registry import DOORS, door
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
