"""The functions of ``cmath`` written out in real numbers, operation by operation as CPython computes them.

The native tier reads them as it reads the user's programs, and differentiates them; so each path is written such that
the derivative of each of its terms exists: where CPython has an absolute value that cancels, the sign stands here.
What CPython treats apart (infinities, overflow, numbers that vanish, branch points) raises: the program is then run
as it is. Arguments are the real and imaginary parts; all return such a pair.

Source: CPython, Modules/cmathmodule.c and Objects/complexobject.c (3.11 to 3.13).
"""

import math

LARGE, SMALL = 1e150, 1e-150


def quotient(a, b, c, d):
    """(a + i b) / (c + i d), by Smith's method."""
    if abs(c) >= abs(d):
        if c == 0.0:
            raise ZeroDivisionError
        ratio = d / c
        below = c + d * ratio
        return (a + b * ratio) / below, (b - a * ratio) / below
    if not abs(d) > abs(c):
        raise ValueError
    ratio = c / d
    below = c * ratio + d
    return (a * ratio + b) / below, (b * ratio - a) / below


def whole_power(x, y, n):
    """(x + i y)ⁿ: products of squares up to a hundredth power, by logarithms beyond."""
    if n > 100 or n < -100:
        return real_power(x, y, float(n))
    left = abs(n)
    a, b = 1.0, 0.0
    while left > 0:
        if left % 2 == 1:
            a, b = a * x - b * y, a * y + b * x
        x, y = x * x - y * y, x * y + y * x
        left //= 2
    if n > 0:
        return a, b
    return quotient(1.0, 0.0, a, b)


def real_power(x, y, c):
    """(x + i y) to the power c, where that is not a small whole number."""
    if (x == 0.0 and y == 0.0) or (c == math.floor(c) and abs(c) <= 100.0):
        raise ValueError
    length, phase = math.pow(math.hypot(x, y), c), math.atan2(y, x) * c
    return _finite(length * math.cos(phase), length * math.sin(phase))


def power(x, y, c, d):
    """(x + i y) to the power c + i d, where d is not zero: there the derivative by it takes another path."""
    if (x == 0.0 and y == 0.0) or d == 0.0:
        raise ValueError
    modulus, angle = math.hypot(x, y), math.atan2(y, x)
    length = math.pow(modulus, c) / math.exp(angle * d)
    phase = angle * c + d * math.log(modulus)
    return _finite(length * math.cos(phase), length * math.sin(phase))


def _finite(x, y):
    if math.isinf(x) or math.isinf(y):
        raise OverflowError
    return x, y


def exp(x, y):
    """The exponential."""
    if not abs(x) < 700.0:
        raise OverflowError
    length = math.exp(x)
    return length * math.cos(y), length * math.sin(y)


def cosh(x, y):
    """The hyperbolic cosine."""
    if not abs(x) < 700.0:
        raise OverflowError
    return math.cos(y) * math.cosh(x), math.sin(y) * math.sinh(x)


def sinh(x, y):
    """The hyperbolic sine."""
    if not abs(x) < 700.0:
        raise OverflowError
    return math.cos(y) * math.sinh(x), math.sin(y) * math.cosh(x)


def tanh(x, y):
    """The hyperbolic tangent."""
    if not abs(x) < 700.0:
        raise OverflowError
    tx, ty = math.tanh(x), math.tan(y)
    cx = 1.0 / math.cosh(x)
    product = tx * ty
    below = 1.0 + product * product
    return tx * (1.0 + ty * ty) / below, ((ty / below) * cx) * cx


def cos(x, y):
    """The cosine, cosh iz."""
    return cosh(-y, x)


def sin(x, y):
    """The sine, −i sinh iz."""
    real, imag = sinh(-y, x)
    return imag, -real


def tan(x, y):
    """The tangent, −i tanh iz."""
    real, imag = tanh(-y, x)
    return imag, -real


def log(x, y):
    """The natural logarithm."""
    modulus = math.hypot(x, y)
    if not SMALL < modulus < LARGE:
        raise ValueError
    if modulus < 0.71 or modulus > 1.73:
        return math.log(modulus), math.atan2(y, x)
    if abs(x) > abs(y):
        large, small = abs(x), y  # its square is all that counts, and bends at 0
    else:
        large, small = abs(y), x
    return math.log1p((large - 1.0) * (large + 1.0) + small * small) / 2.0, math.atan2(y, x)


def log10(x, y):
    """The logarithm to the base 10."""
    real, imag = log(x, y)
    return real / 2.302585092994046, imag / 2.302585092994046


def sqrt(x, y):
    """The square root, cut along the negative real axis; the sign of an imaginary zero says on which side."""
    if not SMALL < math.hypot(x, y) < LARGE:
        raise ValueError
    if x >= 0.0:
        s = 2.0 * math.sqrt(x / 8.0 + math.hypot(x / 8.0, y / 8.0))
        return s, y / (2.0 * s)
    s = 2.0 * math.sqrt(-x / 8.0 + math.hypot(x / 8.0, y / 8.0))
    if math.copysign(1.0, y) > 0.0:
        return y / (2.0 * s), s
    return -y / (2.0 * s), -s


def acos(x, y):
    """The inverse cosine."""
    a, b = sqrt(1.0 - x, -y)
    c, d = sqrt(1.0 + x, y)
    return 2.0 * math.atan2(a, c), math.asinh(c * b - d * a)


def asinh(x, y):
    """The inverse hyperbolic sine."""
    a, b = sqrt(1.0 + y, -x)
    c, d = sqrt(1.0 - y, x)
    return math.asinh(a * d - c * b), math.atan2(y, a * c - b * d)


def acosh(x, y):
    """The inverse hyperbolic cosine."""
    a, b = sqrt(x - 1.0, y)
    c, d = sqrt(x + 1.0, y)
    return math.asinh(a * c + b * d), 2.0 * math.atan2(b, c)


def asin(x, y):
    """The inverse sine, −i asinh iz."""
    real, imag = asinh(-y, x)
    return imag, -real


def atanh(x, y):
    """The inverse hyperbolic tangent, an odd function."""
    if not math.hypot(x, y) < LARGE:
        raise ValueError
    side = math.copysign(1.0, x)
    x, y = side * x, side * y
    if x == 1.0 and abs(y) < SMALL:
        raise ValueError
    real = math.log1p(4.0 * x / ((1.0 - x) * (1.0 - x) + y * y)) / 4.0
    return side * real, side * (-math.atan2(-2.0 * y, (1.0 - x) * (1.0 + x) - y * y) / 2.0)


def atan(x, y):
    """The inverse tangent, −i atanh iz."""
    real, imag = atanh(-y, x)
    return imag, -real
