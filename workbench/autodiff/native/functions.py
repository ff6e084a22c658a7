"""The functions that generated code calls.

Compiled with Numba they would give NaN or wrap around where Python raises; so they check, and raise ``Stop``. All that
are defined here are called by their names, see ``runtime``.
"""

from __future__ import annotations

import math

import numpy as np

LARGEST_INT = 2**62  # no result of machine integers may go beyond: Python's do not wrap around
EXACT_INT = 2**53  # integers are kept on a tape of floats, and stay exact up to here


libm_pow, libm_hypot = math.pow, math.hypot  # machine code has the library's own, see ``machine``


class Stop(Exception):
    """The sweep cannot go on: the program raises here, or leaves what machine numbers can do."""


class TooDeep(Stop):
    """Machine code has recursed as deep as is safe: it has no limit of its own, and would end the process."""


class TapeFull(Exception):
    """The tape is too short; run again with a longer one."""


def sign(x):
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else 0.0 if x == 0.0 else x


def share(x, y):
    """The derivative of max(x, y) by x: a tie is shared."""
    if x > y:
        return 1.0
    return 0.5 if x == y else 0.0


def over(b, d):
    """b / d, and at a singular point 0 for a zero cotangent, else infinite."""
    if d == 0.0:
        return 0.0 if b == 0.0 else b * math.inf
    return b / d


def power(x, y):
    if (x < 0.0 and y != math.floor(y)) or (x == 0.0 and y < 0.0):
        raise Stop
    r = libm_pow(x, y)
    if math.isinf(r) and not math.isinf(x) and not math.isinf(y):
        raise Stop
    return r


def square(x):
    """x ** 2 as Python rounds it: the library's power, which is x * x except very near the middle of two floats."""
    r = x * x
    if 1e-140 < r < 1e140:
        c = 134217729.0 * x
        high = c - (c - x)
        low = x - high
        rest = ((high * high - r) + 2.0 * high * low) + low * low
        if r + 1.08 * rest == r:
            return r
    r = libm_pow(x, 2.0)
    if math.isinf(r) and not math.isinf(x):
        raise Stop
    return r


def cube(x):
    """x ** 3 as Python rounds it, see ``square``."""
    r = x * x
    if 1e-90 < r < 1e90:
        c = 134217729.0 * x
        high = c - (c - x)
        low = x - high
        rest = ((high * high - r) + 2.0 * high * low) + low * low
        t = r * x
        c = 134217729.0 * r
        r_high = c - (c - r)
        r_low = r - r_high
        rest = ((((r_high * high - t) + r_high * low) + r_low * high) + r_low * low) + rest * x
        s = t + rest
        rest = (t - s) + rest
        if s + 1.08 * rest == s:
            return s
    r = libm_pow(x, 3.0)
    if math.isinf(r) and not math.isinf(x):
        raise Stop
    return r


def times(b, d):
    """b * d, where a zero cotangent goes no further."""
    return 0.0 if b == 0.0 else b * d


def power_by_base(x, y):
    if y == 0.0:
        return 0.0 if x == 0.0 else y / x  # nothing, but a derivative by y
    if x == 0.0 and y <= 1.0:
        return 1.0 if y == 1.0 else over(y, x)
    return y * libm_pow(x, y - 1.0)


def power_by_exponent(x, y, r):
    if x > 0.0:
        return r * math.log(x)
    return 0.0 if x == 0.0 and y >= 0.0 else math.nan


def maximum(x, y):
    return x if x >= y or x != x else y


def minimum(x, y):
    return x if x <= y or x != x else y


def add_int(a, b):
    r = a + b
    if r > LARGEST_INT or r < -LARGEST_INT:
        raise Stop
    return r


def sub_int(a, b):
    r = a - b
    if r > LARGEST_INT or r < -LARGEST_INT:
        raise Stop
    return r


def exact(n):
    """An integer as a float, when that is exact."""
    if n > EXACT_INT or n < -EXACT_INT:
        raise Stop
    return float(n)


def mul_int(a, b):
    if abs(float(a) * float(b)) > LARGEST_INT:
        raise Stop
    return a * b


def power_int(a, n):
    if n < 0 or (n * math.log2(abs(a) + 1.0) > 62.0 and abs(a) > 1):
        raise Stop
    r = 1
    if abs(a) <= 1:
        return r if n == 0 or a == 1 else (0 if a == 0 else 1 - 2 * (n % 2))
    for _ in range(n):
        r *= a
    return r


def shift_right(a, n):
    if n < 0 or n > 62:
        raise Stop
    return a >> n


def count_range(start, stop, step):
    if step == 0:
        raise Stop
    n = (stop - start + step - 1) // step if step > 0 else (start - stop - step - 1) // -step
    return max(0, n)


def index(i, n):
    """An index counted from the beginning."""
    if i < -n or i >= n:
        raise Stop
    return i + n if i < 0 else i


def clip_index(i, n):
    """A slice's bound counted from the beginning, inside of the array."""
    if i < 0:
        i += n
    return min(max(i, 0), n)


def count_slice(start, stop, step):
    """The length of a slice whose bounds lie in the array."""
    if step > 0:
        return max(0, (stop - start + step - 1) // step)
    return max(0, (start - stop - step - 1) // -step)


def length(n):
    """A length asked for."""
    if n < 0:
        raise Stop
    return n


def same(n, m):
    """Lengths that have to agree; NumPy's stretching of a length 1 is left to the trace tier."""
    if n != m:
        raise Stop
    return n


def claim(tape, n):
    """A place for the cotangents of a new array; the number of places taken stands at the tape's beginning."""
    at = int(tape[0])
    tape[0] = float(at + n)
    return at


def apart(a, b, c, d):
    """Whether the places from a to b and those from c to d do not overlap."""
    return b < c or d < a


def scratch(n):
    """An array for n numbers."""
    return np.empty(n)


def room(numbers, n):
    """An array for n numbers: this one, if it is long enough."""
    return numbers if len(numbers) >= n else np.empty(n)


def total(numbers, first, n):
    """The sum of n numbers from ``first`` on, in eight strands, which do not wait for each other."""
    a = b = c = d = e = f = g = h = 0.0
    for k in range(first, first + n - n % 8, 8):
        a += numbers[k]
        b += numbers[k + 1]
        c += numbers[k + 2]
        d += numbers[k + 3]
        e += numbers[k + 4]
        f += numbers[k + 5]
        g += numbers[k + 6]
        h += numbers[k + 7]
    for k in range(first + n - n % 8, first + n):
        a += numbers[k]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


def finite(x):
    if not abs(x) < math.inf:
        raise Stop
    return x


def truncate(x):
    if not abs(x) < EXACT_INT:
        raise Stop
    return int(x)


def round_int(x):
    if not abs(x) < EXACT_INT:
        raise Stop
    return int(np.rint(x))


def floor(x):
    if not abs(x) < EXACT_INT:
        raise Stop
    return int(np.floor(x))


def ceil(x):
    if not abs(x) < EXACT_INT:
        raise Stop
    return int(np.ceil(x))


def sqrt(x):
    if x < 0.0:
        raise Stop
    return math.sqrt(x)


def asin(x):
    if x > 1.0 or x < -1.0:
        raise Stop
    return math.asin(x)


def acos(x):
    if x > 1.0 or x < -1.0:
        raise Stop
    return math.acos(x)


def acosh(x):
    if x < 1.0:
        raise Stop
    return math.acosh(x)


def atanh(x):
    if x >= 1.0 or x <= -1.0:
        raise Stop
    return math.atanh(x)


def log(x):
    if x <= 0.0:
        raise Stop
    return math.log(x)


def log2(x):
    if x <= 0.0:
        raise Stop
    return math.log2(x)


def log10(x):
    if x <= 0.0:
        raise Stop
    return math.log10(x)


def log1p(x):
    if x <= -1.0:
        raise Stop
    return math.log1p(x)


def hypot(x, y):
    r = libm_hypot(x, y)
    if math.isinf(r) and not (math.isinf(x) or math.isinf(y)):
        raise Stop
    return r


def sin(x):
    if math.isinf(x):
        raise Stop
    return math.sin(x)


def cos(x):
    if math.isinf(x):
        raise Stop
    return math.cos(x)


def tan(x):
    if math.isinf(x):
        raise Stop
    return math.tan(x)


def exp(x):
    r = math.exp(x)
    if r == math.inf and x < math.inf:
        raise Stop
    return r


def exp2(x):
    r = np.exp2(x)
    if r == math.inf and x < math.inf:
        raise Stop
    return r


def expm1(x):
    r = math.expm1(x)
    if r == math.inf and x < math.inf:
        raise Stop
    return r


def sinh(x):
    r = math.sinh(x)
    if math.isinf(r) and not math.isinf(x):
        raise Stop
    return r


def cosh(x):
    r = math.cosh(x)
    if math.isinf(r) and not math.isinf(x):
        raise Stop
    return r


def floor_float(x):
    return float(np.floor(x))


def ceil_float(x):
    return float(np.ceil(x))


def cbrt(x):
    return np.cbrt(x)
