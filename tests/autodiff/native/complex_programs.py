"""Programs with complex numbers for the native tier's tests; two real arguments, two real results."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import NamedTuple

from programs import SUMS as SUMS_OF_REALS

WEIGHT = 0.3 - 0.2j


def arithmetic(x, y):
    z = complex(x, y)
    w = (z * z + 2.0 * z - 1j) / (1.5 + z.conjugate() * 0.5j) - 3 / (z + 2)
    w += z / 3.0
    w -= z**3 * (z - 2j) ** -2
    w *= 1 - z
    u = +(-w) + WEIGHT
    return u.real + 0.1 * abs(u), u.imag - cmath.phase(u)


def powers(x, y):
    z = complex(1.2 + x * x, y)
    total = z**0.5 + z ** (1.5 + 0.3j) + z**z + 2.0**z + (2.0 + x * x) ** 0.2j + z**0 + (0.6 * z) ** 150
    for k in range(4):
        total = total + z**k
    r, phi = cmath.polar(total)
    w = cmath.rect(r, 0.5 * phi) * z**y
    return w.real, w.imag


def exponentials(x, y):
    z = complex(x, y)
    w = (
        cmath.exp(0.3 * z)
        + cmath.sin(z) * cmath.cos(z)
        - cmath.tan(0.3 * z)
        + cmath.sinh(z) / cmath.cosh(0.2 * z)
    )
    w += cmath.tanh(z)
    return w.real, w.imag


def inverses(x, y):
    z = complex(x, y)
    w = cmath.asin(z) + cmath.acos(0.3 * z) * cmath.atan(z) - cmath.asinh(z) + cmath.acosh(z) * cmath.atanh(z)
    w += cmath.log(z) + cmath.log10(z + 0.1) + cmath.log(z, 1.5 + 0.2j) + cmath.sqrt(z) - cmath.sqrt(-z)
    return w.real, w.imag


def mandelbrot(x, y):
    z, total, c = 0j, 0, 0.3 * complex(x, y)
    for _ in range(20):
        z = z * z + c
        if abs(z) > 2.0:
            break
        total += z
    return total.real, total.imag


def impedance(x, y):
    """The voltage over a capacitor behind a ladder of resistors and coils."""
    load = 1.0 / (1j * (0.5 + x * x))
    for k in range(5):
        branch = complex(1.0 + y * y, 0.1 * k * x)
        load = load * branch / (load + branch) if k % 2 else load + branch
    return load.real, load.imag


@dataclass(frozen=True)
class Wave:
    amplitude: complex
    frequency: float

    def at(self, t):
        return self.amplitude * cmath.exp(1j * self.frequency * t)


class Pair(NamedTuple):
    up: complex
    down: complex


def structures(x, y):
    wave = Wave(complex(x, 1.0), 0.5 + y)
    pair = Pair(wave.at(0.3), wave.at(y))
    parts = [part * part.conjugate() for part in pair]
    total = parts[0] + parts[1] * 1j + 2.0
    equal = pair.up == pair.down or pair.up == 3 or not pair.up
    if pair.up != 0.0 and not equal:
        total = total + pair.up
    return total.real, (total.imag if cmath.isfinite(total) else 0.0) + pair.up.conjugate().imag


def sums(x, y):
    total = sum([complex(x, y), x * 1j, 2.0])
    return total.real * y, total.imag


def of_reals(x, y):
    k = 3
    z = cmath.exp(x) + cmath.sqrt(y) + complex(y) + complex(imag=x)
    return z.real + x.conjugate().imag + k.real * x.real, z.imag + y.imag


SUMS = (sums,) if SUMS_OF_REALS else ()  # see there
TABLE = [arithmetic, powers, exponentials, inverses, mandelbrot, impedance, structures, of_reals, *SUMS]
POINTS = [(0.7, 0.4), (-1.3, 0.8), (0.2, -1.1), (2.1, -0.3)]
CUTS = [(x, y) for x in (0.4, -0.6, 1.7, -2.2) for y in (0.0, -0.0)] + [
    (x, y) for x in (0.0, -0.0) for y in (0.4, -1.6)
]


def unit_circle(z, w):
    """A complex result of complex arguments, one in a tuple."""
    total = z
    for k in range(6):
        total = total * cmath.exp(1j * w[0] / (1 + k)) + w[1].conjugate() * math.cos(w[0])
    return total / (abs(w[1]) + 0.5), total.real
