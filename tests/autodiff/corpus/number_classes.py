"""Numbers of classes of the program: with operators of their own and without, with attributes, made by ``__new__``."""

import cmath
import copy
import math

import numpy as np
from scipy import integrate, interpolate, linalg, optimize, special

from . import program


class Tenfold(float):
    def __mul__(self, other):
        return Tenfold(float(self) * float(other) * 10)

    def __rmul__(self, other):
        return Tenfold(float(self) * float(other) * 100)

    def __add__(self, other):
        return Tenfold(float(self) + float(other) + 1)

    def half(self):
        return Tenfold(float(self) / 2)


class Tagged(float):
    pass


class Length(float):
    def __new__(cls, value, unit="m"):
        self = super().__new__(cls, value)
        self.unit = unit
        return self

    def __repr__(self):
        return f"{float(self)} {self.unit}"

    def in_centimetres(self):
        return Length(self * 100, "cm")

    def __neg__(self):
        return Length(-2 * float(self), self.unit)

    def __lt__(self, other):
        return float(self) > float(other)

    def __iadd__(self, other):
        return Length(float(self) + 2 * float(other), self.unit)


class Slotted(float):
    __slots__ = ("name",)

    def __new__(cls, value, name):
        self = float.__new__(cls, value)
        self.name = name
        return self


class ThroughSuper(float):
    def __mul__(self, other):
        return ThroughSuper(super().__mul__(other) + 1.0)

    def __add__(self, other):
        return ThroughSuper(float.__add__(self, other))


class Count(int):
    def __mul__(self, other):
        return 10 * int(self) * other


class Turned(complex):
    def __mul__(self, other):
        return Turned(2 * complex(self) * complex(other))


class Single(np.float64):
    def __mul__(self, other):
        return Single(np.float64.__mul__(self, other) * 3)


@program(1.6)
def own_operators(x):
    m, constant = Tenfold(x), Tenfold(2.0)
    assert (
        type(m * 2.0) is Tenfold and type(m - 1.0) is float and isinstance(m, Tenfold) and type(m) is Tenfold
    )
    made = (m * 2.0 + 1.0).half() + (3.0 * m) - m**2 / 2.0
    return (
        float(made + constant * x)
        + float(x * constant)
        + abs(m)
        + math.sin(m)
        + math.hypot(m, 1.0)
        + float(sum([m, m]))
    )


@program(1.6)
def without_operators(x):
    t, constant = Tagged(x), Tagged(3.0)
    assert type(t) is Tagged and type(t * 2) is float
    kept = [
        np.sin(t),
        np.array([t, 2.0]).sum(),
        np.float64(t),
        np.sum(np.arange(3.0) * t),
        np.sqrt(np.float64(t)),
    ]
    return (
        sum(kept)
        + constant * x
        + x / constant
        - t % 1.0
        + (t > 1.0) * t
        + int(t) * t
        + round(t)
        + t.real
        + math.log(t)
    )


@program(1.6)
def attributes(x):
    length = Length(x)
    wide = length.in_centimetres()
    wide += length
    assert (
        wide.unit == "cm"
        and isinstance(wide, Length)
        and f"{length}".endswith(" m")
        and str(wide).endswith(" cm")
    )
    wide.unit = "inch"
    longest = max(length, Length(0.5))
    first = sorted([length, Length(0.5)])[0]
    kept = {"copy": copy.copy(wide), "deep": copy.deepcopy([wide])[0]}
    assert (
        kept["copy"].unit == kept["deep"].unit == "inch"
        and hasattr(wide, "unit")
        and not hasattr(wide, "name")
    )
    slotted = Slotted(x, "s")
    return (
        -length
        + wide * (1.0 if length < 2.0 else 3.0)
        + longest * first
        + kept["copy"] * kept["deep"]
        + len(slotted.name) * slotted
    )


@program(1.6)
def by_super(x):
    return ThroughSuper(x) * 2.0 + ThroughSuper(2.0) * x + (ThroughSuper(x) + 1.0) * (ThroughSuper(1.0) + x)


@program(1.6)
def of_other_kinds_of_numbers(x):
    whole = Count(3) * x + x * Count(3) + Count(x) * x
    turned = (Turned(1 + 2j) * complex(x, 1.0)).real + (Turned(x) * (1 + 2j)).imag
    return (
        whole
        + turned
        + float(Single(2.0) * x)
        + float(Single(x) * 2.0)
        + (Tenfold(2.0) * np.array([x, 1.0])[:1].sum())
    )


class Offset(float):
    """NumPy and ``float`` ask it for its number; ``math`` and Python's operators do not."""

    def __float__(self):
        return super().__float__() + 1.0


@program(1.6)
def read_by_numpy_and_by_math(x):
    a, constant = Offset(x), Offset(2.0)
    filled = np.zeros(4)
    filled[0] = a
    filled[1:].fill(a)
    np.put(filled, [3], Offset(2 * x))
    return (
        float(a) + 2 * math.sqrt(a) + 3 * np.sqrt(a) + 4 * math.fsum([a, a]) + math.dist([a], [3.0])
        + filled @ np.arange(4.0) + (np.ones(2) * a).sum() + np.float64(2.0) * a + a * np.float64(3.0)
        + constant * x + (constant * np.array([x])).sum() + math.modf(a)[0] + np.array([a, 1.0]).sum() + np.float64(a)
    )  # fmt: skip


class Overriding(float):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [2.0 * float(x) if isinstance(x, Overriding) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)


class Prior(float):
    __array_priority__ = 1.0

    def __rmul__(self, other):
        return 3.0 * float(self) * np.sum(other)


class OfDouble(np.float64):
    def __mul__(self, other):
        return np.float64.__mul__(self, other) * 3

    def __rmul__(self, other):
        return super().__rmul__(other) * 5


class WithModulus(float):
    def __pow__(self, other, modulus=None):
        return float(self) ** other + (modulus or 0.0)


@program(1.6, np.array([0.7, -1.3]))
def beside_arrays(x, v):
    o, p, d = Overriding(x), Prior(x), OfDouble(x)
    return (
        (v * o).sum() + np.sin(o) + np.float64(2.0) * o + 2.0 * o + v * p + np.float64(3.0) * p
        + (d * v).sum() + (v * d).sum() + v[0] * d + d * d + d.ndim + pow(WithModulus(x), 2, x)
    )  # fmt: skip


@program(1.3)
def given_to_functions_of_packages(x):
    """The limit of an integral, among others: SciPy's functions take the number alone."""
    t, filled = Tagged(x), np.zeros((2, 2))
    np.fill_diagonal(filled, t)
    np.copyto(filled[0], t)
    cube = optimize.brentq(lambda z: z**3 + z - t, -5.0, 5.0)
    return (
        filled.sum() + integrate.quad(lambda s: math.exp(-t * s), 0.0, t)[0] + cube + special.erf(t)
        + integrate.simpson([t, 1.0, t], dx=t) + interpolate.CubicSpline([0.0, 1.0, 2.0], [t, 1.0, t])(t / 2)
        + linalg.solve([[t, 1.0], [0.0, t]], [1.0, t])[0] + special.logsumexp([t, 2.0])
    )  # fmt: skip


class Phasor(complex):
    pass


class Reading:
    """It gives a number where Python asks for a float or a complex number."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value * 2

    def __complex__(self):
        return complex(self.value, 1.0)


@program(0.7, 1.3)
def given_to_functions_of_complex_numbers(a, b):
    z, reading = Phasor(a, b), Reading(b)
    assert type(float(reading)) is float
    found = (
        cmath.phase(z) + cmath.exp(z).real + abs(cmath.sqrt(z)) + cmath.polar(z)[1] + cmath.log(z, 2.0).imag
    )
    return found + cmath.exp(reading).imag * cmath.phase(reading) + float(reading) ** 2
