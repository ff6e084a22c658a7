"""Dual numbers: a value and its derivative in one direction, real or complex. The judge of random programs."""

from __future__ import annotations

import cmath
import math
import types

import numpy as np


class Dual:
    """A number and its derivative in one direction."""

    def __init__(self, value, dot=0.0):
        self.value, self.dot = value, dot

    def __add__(self, other):
        other = dual(other)
        return Dual(self.value + other.value, self.dot + other.dot)

    def __sub__(self, other):
        other = dual(other)
        return Dual(self.value - other.value, self.dot - other.dot)

    def __mul__(self, other):
        other = dual(other)
        return Dual(self.value * other.value, self.dot * other.value + self.value * other.dot)

    def __truediv__(self, other):
        other = dual(other)
        value = self.value / other.value
        return Dual(value, (self.dot - value * other.dot) / other.value)

    def __pow__(self, n):
        assert type(n) is int
        return Dual(self.value**n, 0.0 if n == 0 else n * self.value ** (n - 1) * self.dot)

    def __radd__(self, other):
        return dual(other) + self

    def __rsub__(self, other):
        return dual(other) - self

    def __rmul__(self, other):
        return dual(other) * self

    def __rtruediv__(self, other):
        return dual(other) / self

    def __neg__(self):
        return Dual(-self.value, -self.dot)

    def __abs__(self):
        r = abs(self.value)
        if isinstance(self.value, complex):
            return Dual(r, (self.value.conjugate() * self.dot).real / r if r else 0.0)
        return Dual(r, self.dot * float(np.sign(self.value)))

    @property
    def real(self):
        return Dual(self.value.real, self.dot.real)

    @property
    def imag(self):
        return Dual(self.value.imag, self.dot.imag)

    def conjugate(self):
        return Dual(self.value.conjugate(), self.dot.conjugate())

    def __lt__(self, other):
        return self.value < dual(other).value

    def __le__(self, other):
        return self.value <= dual(other).value

    def __gt__(self, other):
        return self.value > dual(other).value

    def __ge__(self, other):
        return self.value >= dual(other).value

    def __eq__(self, other):
        return self.value == dual(other).value

    def __bool__(self):
        return self.value != 0.0

    def __int__(self):
        return int(self.value)

    __hash__ = None


def dual(x):
    return x if isinstance(x, Dual) else Dual(x)


def _lifted(function, slope):
    def lifted(x):
        if not isinstance(x, Dual):
            return function(x)
        return Dual(function(x.value), slope(x.value) * x.dot)

    return lifted


def _hypot(x, y):
    x, y = dual(x), dual(y)
    r = math.hypot(x.value, y.value)
    return Dual(r, (x.value * x.dot + y.value * y.dot) / r if r else 0.0)


def _atan2(y, x):
    x, y = dual(x), dual(y)
    square = x.value**2 + y.value**2
    slope = (y.dot * x.value - x.dot * y.value) / square if square else 0.0
    return Dual(math.atan2(y.value, x.value), slope)


DUAL_MATH = types.SimpleNamespace(
    sin=_lifted(math.sin, math.cos),
    cos=_lifted(math.cos, lambda x: -math.sin(x)),
    tanh=_lifted(math.tanh, lambda x: 1.0 - math.tanh(x) ** 2),
    exp=_lifted(math.exp, math.exp),
    sqrt=_lifted(math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    log=_lifted(math.log, lambda x: 1.0 / x),
    atan=_lifted(math.atan, lambda x: 1.0 / (1.0 + x * x)),
    hypot=_hypot,
    atan2=_atan2,
    pi=math.pi,
)


def dual_complex(x, y):
    x, y = dual(x), dual(y)
    return Dual(complex(x.value, y.value), complex(x.dot, y.dot))


def _rect(r, phi):
    r, phi = dual(r), dual(phi)
    return dual_complex(r * DUAL_MATH.cos(phi), r * DUAL_MATH.sin(phi))


def _log(z):
    return Dual(cmath.log(dual(z).value), dual(z).dot / dual(z).value)


DUAL_CMATH = types.SimpleNamespace(
    exp=_lifted(cmath.exp, cmath.exp),
    sin=_lifted(cmath.sin, cmath.cos),
    cosh=_lifted(cmath.cosh, cmath.sinh),
    tanh=_lifted(cmath.tanh, lambda z: 1.0 - cmath.tanh(z) ** 2),
    sqrt=_lifted(cmath.sqrt, lambda z: 0.5 / cmath.sqrt(z)),
    asinh=_lifted(cmath.asinh, lambda z: 1.0 / cmath.sqrt(1.0 + z * z)),
    atan=_lifted(cmath.atan, lambda z: 1.0 / (1.0 + z * z)),
    log=_log,
    phase=lambda z: _atan2(dual(z).imag, dual(z).real),
    rect=_rect,
)
