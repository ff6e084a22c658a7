"""math, conversions, rounding, the standard library's numeric modules."""

import cmath
import colorsys
import copy
import math
import random
import statistics
from collections import Counter
from collections.abc import Hashable

import numpy as np

from . import program


@program(0.3)
def whole_math(x):
    fs = (math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.sinh, math.cosh, math.tanh)
    more = (
        math.asinh,
        math.atanh,
        math.exp,
        math.expm1,
        math.log,
        math.log2,
        math.log10,
        math.log1p,
        math.sqrt,
    )
    last = (
        math.erf,
        math.erfc,
        math.gamma,
        math.lgamma,
        math.fabs,
        math.degrees,
        math.radians,
        math.cbrt,
        math.exp2,
    )
    return sum(f(x) for f in fs + more + last) + math.acosh(x + 2) + math.log(x, 3)


@program(1.3, 0.4)
def math_of_two(x, y):
    return (
        math.atan2(x, y)
        + math.pow(x, y)
        + math.fmod(x, y)
        + math.hypot(x, y, 2.0)
        + math.copysign(x, -y)
        + math.dist([x, y], [0.0, 1.0])
        + math.fsum([x, y, x * y])
        + math.prod([x, y, 3])
        + math.ldexp(x, 3)
        + math.remainder(x, y)
    )


@program(2.7, -1.3)
def conversions(x, y):
    a = [1, 2, 3, 4]
    k = int(x)
    return (
        float(x) * a[k]
        + round(y) * x
        + a[round(x)] * y
        + math.floor(x) * x
        + x // 1
        + x % 1
        + y % 2
        + (x - k)
    )


@program(7.3, 2.1)
def division(x, y):
    q, r = divmod(x, y)
    return q * x + r * y + x % y + x // y - (-x) % y + 7 % y


@program(2.0, 3.0)
def powers(x, y):
    return x**y + x**2 + 2**x + x**-1.5 + pow(x, 3) + (x * y) ** 0.5 + (-x) ** 2 + 0.0**y + x**0


@program([3.0, 1.0, 4.0, 1.5])
def builtins(xs):
    return (
        sum(xs)
        + max(xs) * min(xs)
        + abs(-xs[0])
        + sorted(xs)[1]
        + max(xs[0], xs[1])
        + min(xs, key=lambda v: -v)
    )


@program([3.0, 1.0, 4.0, 1.5])
def statistics_module(xs):
    return (
        statistics.mean(xs)
        + statistics.variance(xs)
        + statistics.stdev(xs) * statistics.median(xs)
        + statistics.fmean(xs)
        + statistics.pvariance(xs)
        + statistics.geometric_mean(xs)
    )


@program(0.4)
def random_draws(x):
    rng = random.Random(3)
    draws = np.random.default_rng(0)
    return x * rng.random() + rng.gauss(x, 2.0) + draws.normal() * x + (draws.uniform(size=3) * x).sum()


@program(0.2, 0.5, 0.7)
def colours(r, g, b):
    h, s, v = colorsys.rgb_to_hsv(r, g, b)
    return h * 2 + s + v * colorsys.rgb_to_yiq(r, g, b)[1]


@program(1.5)
def numpy_scalars(x):
    y = np.float64(x) * np.sin(x) + np.sqrt(x).item()
    z = np.array([x, 2 * x])[1]
    return float(y) * z + np.float64(3.0) * x + x * np.pi + z.sum() + np.exp(z) / z.dtype.itemsize


@program(1.5)
def truthiness_and_identity(x):
    y = copy.copy(x)
    if x and y is not None and isinstance(x, float) and type(x) is float and x == y:
        return x * y
    return 0.0


@program(0.4)
def is_nan_and_close(x):
    if math.isnan(x) or math.isinf(x) or not math.isclose(x, 0.4, rel_tol=0.1):
        return 0.0 * x
    return x * math.inf if x > 1 else x * 2


@program(0.3)
def guarded_singularity(x):
    safe = math.sin(x) / x if x != 0 else 1.0 + x
    return safe * 3


@program(0.6, -1.2)
def complex_numbers(x, y):
    z = complex(x, y)
    w = z * z + 3j / z - (1 + 2j) * x
    u = cmath.exp(1j * x) + cmath.sqrt(z) * cmath.rect(x, y)
    r, phi = cmath.polar(w)
    return (
        abs(w) + z.real * w.imag + (u * u.conjugate()).real + r * phi + cmath.phase(z) + abs(cmath.log(z, 2))
    )


@program(0.3, 1.2)
def complex_numbers_by_their_type(x, y):
    z, by_type = complex(x, y), {complex: lambda z: z * z, float: abs}
    return by_type[type(z)](z).real + (z.imag if type(np.exp(z)) is np.ndarray else 3 * z.real)


@program(0.7, 0.4)
def complex_numbers_are_no_arrays(x, y):
    z, array = complex(x, y), np.asarray(complex(x, y))
    counts = [2.0 if hasattr(n, "__len__") or hasattr(n, "__iter__") else 3.0 for n in (z, np.conj(z), array)]
    counts[0] += 4.0 * np.isscalar(z) + 8.0 * np.iterable(z)
    return counts[0] * z.real + counts[1] * z.imag + counts[2] * x * getattr(z, "dot", 5.0)


@program(0.7)
def arrays_without_axes_are_no_sequences(x):
    array = np.array(x * 2.0)
    try:
        iter(array)
    except TypeError:
        x = x * 3.0
    return x * (5.0 if np.iterable(array) else 7.0) * (array if np.isscalar(array) else array**2)


@program(np.array([0.5, -1.0, 2.0, 1.5], np.float64))
def single_precision_constants(x):
    y = x * np.float32(1.5)
    return y.sum() * np.float32(2) + np.float32(0.5) * y[0]


class _Operator:
    """Not an array: NumPy's numbers ask it to multiply and to add from the right."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __rmul__(self, other):
        return _Operator(other * self.numbers)

    def __radd__(self, other):
        return _Operator(other + self.numbers)


@program(0.7, 0.4)
def complex_numbers_beside_objects(x, y):
    product = (1j * x) * _Operator(np.array([y, 2.0 + x * 1j]))
    return (np.exp(1j * x) * product).numbers.real.sum() + (complex(x, y) + _Operator(y)).numbers.real


class _Format(str):
    def __mod__(self, values):
        return super().__mod__(values) + "%"


class _Text(str):
    __slots__ = ()


@program(0.75)
def classes_of_text(a):
    text = _Format("%.3f") % a + _Text("%.2f") % (a,) + str.__mod__("%5.1f", a) + "%.1f".__mod__(a)
    return a * len(text)


@program(0.75, np.array([0.5, 0.25]))
def text_from_numbers(a, x):
    text = "%g and %.2f, %s" % (a, x[0], x) + "%5.1f" % a  # noqa: UP031
    return a * x.sum() + 0.0 * len(text)


@program(np.array([0.7, 1.3]))
def numbers_of_numpy_divided_by_zero(x):
    zero = float(x[1]) * 0.0
    with np.errstate(all="ignore"):
        found = [x[0] / 0.0, -x[0] / 0, x[0] / -0.0, x[0] / zero, 1.0 / (x[0] * 0.0)]
    return sum(x[1] * (k + 1) for k, quotient in enumerate(found) if np.isinf(quotient) and quotient > 0)


@program(0.75, 0.5)
def complex_numbers_as_keys(x, y):
    z = complex(x, y)
    table = {z: x * x, (z.conjugate(), 1): y**3}
    table.setdefault(complex(x, y), 100.0)
    counted = Counter([z, z + 0.0, z * 2.0])
    found = dict.fromkeys(np.array([z, z * z]), y)
    lengths = sum(abs(number) ** 2 * n for number, n in counted.items())
    return table[z] + table.pop((z.conjugate(), 1)) + lengths + found[z] * len({z, z * 1.0, z * z})


@program(0.75)
def what_has_a_hash(x):
    kinds = np.array([x, 1.0]), np.ma.array([x]), [x], (x,), complex(x, 1.0), x
    total = sum(x * 2.0**k for k, one in enumerate(kinds) if isinstance(one, Hashable | str))
    try:
        return total * len({kinds[0]: 1})
    except TypeError:
        return total**2
