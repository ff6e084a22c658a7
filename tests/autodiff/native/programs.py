"""Small programs of the native tier's subset, one construct each, with arguments to try them at."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

GRAVITY = 9.81
POINT = (0.3, 0.7)
HEIGHTS = np.array([0.2, 0.9, 0.4, 1.3])
GRID = (HEIGHTS[1:], np.arange(6).reshape(2, 3), 0.5)


class Pair(NamedTuple):
    a: float
    b: float

    def swapped(self):
        return Pair(self.b, self.a)


@dataclass(frozen=True)
class Spring:
    stiffness: float
    rest: float = 0.5

    def force(self, x):
        return -self.stiffness * (x - self.rest)

    @property
    def softer(self):
        return dataclasses.replace(self, stiffness=0.5 * self.stiffness)

    def __add__(self, other):
        return Spring(self.stiffness + other.stiffness, self.rest)


def arithmetic(x, y):
    return (x + 2 * y) * x / y - x**2 + x**3 / 3 - (-y) ** 3 + x**2.5 + 2.0**y + x**y


def remainders(x, y):
    return x % 1.5 + y * (x // 0.4) + divmod(x, y)[1] - (-x) % 0.7


def functions(x, y):
    a = math.sin(x) + math.cos(y) * math.tan(0.3 * x) + math.exp(-x) + math.log(1 + y) + math.sqrt(x * y)
    b = math.atan2(x, y) + math.hypot(x, y) + math.tanh(x) + math.sinh(y) + math.cosh(x) + math.erf(y)
    c = math.asin(0.3 * x) + math.acos(0.2 * y) + math.atan(x) + math.log10(x) + math.log2(y) + math.expm1(x)
    d = (
        math.log1p(x)
        + math.asinh(y)
        + math.acosh(1.5 + x)
        + math.atanh(0.2 * y)
        + math.log(x, 3.0)
        + math.erfc(x)
    )
    e = math.fabs(-x) + math.pow(x, 1.7) + math.radians(y) + math.degrees(x) + math.copysign(x, -y)
    return a + b * c - d + e


def numpy_functions(x, y):
    return (
        np.sin(x) * np.exp(-y)
        + np.sqrt(x + y)
        + np.arctan2(x, y)
        + np.tanh(y)
        + np.maximum(x, y)
        + np.square(x)
    )


def overwritten(x, y):
    x = math.sin(x)
    x = x * y
    y = x
    x *= x
    return x * y


def swapped(x, y):
    for _ in range(3):
        x, y = y, math.sin(x) * 0.9
    return x - 2 * y


def alias(x, y):
    a = x
    x = x * y
    b = a
    a = math.exp(b)
    return a * b * x


def branches(x, y):
    if x > y:
        z = x * y
    elif x > 0:
        z = math.sin(y)
        x = 2 * x
    else:
        z = 1.0
    return z * x


def only_one_side(x, y):
    z = y
    if x > 0.5:
        z = z * x
    return z


def loop_carried(x, y):
    total = 0
    power = 1
    for k in range(1, 8):
        power = power * x / k
        total += power * y
    return total


def steps_backwards(x, y):
    s = x
    for k in range(6, 0, -2):
        s = math.sin(s) * k + y
    for k in reversed(range(1, 4)):
        s = s * 0.5 + k * math.cos(s)
    return s


def taylor_sine(x, y):
    term = x
    total = x
    k = 0
    while abs(term) > 1e-12:
        k += 1
        term = -term * x * x / (2 * k * (2 * k + 1))
        total += term
    return total * y


def leaves_loops(x, y):
    s = 0.0
    for i in range(10):
        if i == 2:
            continue
        if s > 2 * x + y:
            break
        for j in range(4):
            if j > i:
                break
            s += x * y * 0.1 * (i + 1)
        else:
            s += 0.01 * x
    else:
        s = -s
    return s


def returns_early(x, y):
    for i in range(20):
        x = x + 0.1 * y
        if x * y > 1.473:
            if i > 3:
                return x * y
            return x - y * i
    return y


def newton(x, y):
    guess = x
    while True:
        change = (guess * guess - y) / (2 * guess)
        guess = guess - change
        if abs(change) < 1e-13:
            return guess * x


def kepler(anomaly, eccentricity):
    e = anomaly
    for _ in range(50):
        step = (e - eccentricity * math.sin(e) - anomaly) / (1 - eccentricity * math.cos(e))
        e -= step
        if abs(step) < 1e-14:
            break
    return e


def short_circuits(x, y):
    if (x > 0 and math.log(x) < y) or y > 100:
        x = x * y
    z = x if 0.1 < x < 5 and not y < 0 else y
    return z * (x or y) + (0.0 if x > 1e9 else y)


def extremes(x, y):
    return max(x, y, 0.3) * min(x, 1) + abs(-x) + max(0, y - x) + abs(3) * x


def guarded_root(x, y):
    r = x - x
    if r > 0:
        return math.sqrt(r) / r
    return y * x


def tuples(x, y):
    p = (x, (y, x * y))
    a, (b, c) = p
    first, *rest = (a, b, c)
    q = p[1] + rest[-1:] if False else (p[0], *p[1])
    total = 0.0
    for k, value in enumerate(q):
        total += (k + 1) * value**2
    return total + q[0] * q[2] + first * len(rest)


def chosen_by_index(x, y):
    values = (x, y, x * y)
    total = 0.0
    for k in range(-1, 3):
        total += values[k] * (k + 2)
    return total


def named_tuple(x, y):
    p = Pair(x, b=y).swapped()
    p = p._replace(a=p.a * p.b)
    return p.a - p.b**2 + p[0]


def frozen_dataclass(x, y):
    spring = Spring(x) + Spring(stiffness=y, rest=1.0)
    return spring.softer.force(y) * spring.rest + spring.stiffness


def rates(state, drag):
    position, velocity = state
    return velocity, -GRAVITY * math.sin(position) - drag * velocity


def pendulum(x, y):
    state, h = (x, 0.0), 0.05
    for _ in range(20):
        k1 = rates(state, y)
        k2 = rates(tuple(s + h / 2 * k for s, k in zip(state, k1, strict=True)), y)
        state = tuple([s + h * k for s, k in zip(state, k2, strict=True)])
    return state[0] * POINT[0] + state[1]


def power(x, n):
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * (x if n % 2 else 1.0)


def recursion(x, y):
    return power(x, 5) * y + power(y, 2)


def even(x, n):
    return x if n == 0 else odd(x * 0.9, n - 1)


def odd(x, n):
    return -x if n == 0 else even(math.sin(x), n - 1)


def mutual_recursion(x, y):
    return even(x, 6) * odd(y, 3)


def simpson(f, a, b, whole, depth):
    middle = 0.5 * (a + b)
    left = (middle - a) / 6 * (f(a) + 4 * f(0.5 * (a + middle)) + f(middle))
    right = (b - middle) / 6 * (f(middle) + 4 * f(0.5 * (middle + b)) + f(b))
    if depth == 0 or abs(left + right - whole) < 1e-6:
        return left + right + (left + right - whole) / 15
    return simpson(f, a, middle, left, depth - 1) + simpson(f, middle, b, right, depth - 1)


def bump(x):
    return math.exp(-x * x) * math.sin(3 * x)


def adaptive_quadrature(x, y):
    return simpson(bump, x, x + y, 0.0, 8)


def inner_function(x, y):
    def scaled(a, b=2.0):
        if a > 1:
            return a * y * b
        return a + b

    double = lambda a: scaled(a, b=a)  # noqa: E731
    y = y * 1.5
    return scaled(x) + double(y)


def partials(x, y):
    f = functools.partial(power, n=3)
    return f(x) + f(y)


def keywords(x, y):
    def weigh(a, /, b, *, c=0.5):
        return a * b + c * a

    return weigh(x, b=y) + weigh(y, x, c=x)


def _height(x, k, /, scale=1.5, *, shift=0.25):
    return math.sin(x) * HEIGHTS[k] * scale + shift


def outside_arrays(x, y):
    heights, whole, step = GRID
    total = 0.0
    for k in range(len(heights)):
        total += heights[k] * x * step + _height(y, k + 1, shift=x) + whole[1, k] * y
    return total * _height(x, 0, y) + np.sum(HEIGHTS * x)


def _tables(table):
    def f(x, y):
        def again(x, n):
            return x * y if n == 0 else table[n] * again(x, n - 1) + other(x, n)

        return again(x, len(table) - 1)

    def other(x, n):
        return math.cos(x) * table[n - 1]

    return f


closure_array = _tables(np.array([0.7, 1.1, -0.6]))


def _down(x, n):
    return x if n == 0 else HEIGHTS[n] * x * x + _up(x, n=n - 1)


def _up(x, n):
    return GRID[0][n] * x + (math.sin(x) if n == 0 else _down(x, n - 1))


def outside_in_circles(x, y):
    return _down(x, 3) * y


def integers(x, y):
    n = int(x * 3) + round(y)
    total = 0
    for k in range(n):
        total = total * 2 + k % 3 - k // 2
    return x * total + math.floor(y) * y + (7 >> 1) * x + bool(n) * y


def passive_loop(x, y):
    a, b = 0, 1
    while b < 50:
        a, b = b, a + b
    return x * a + y / b


def set_in_loop(x, y):
    for k in range(3):
        last = x * k + y
    return last * k


def asserts(x, y):
    assert x > 0, f"x is {x}"
    if y < 0:
        raise ValueError(f"y is {y:.3f}")
    return x / y


def walrus(x, y):
    if (z := x * y) > 0.5:
        return z * z
    return z


def shadowing(x, tape):
    pos = x * tape
    result = pos * pos
    x_bar = math.sin(result)
    count, t1 = x_bar, tape
    for range_ in range(2):
        count = count * t1 + range_
    return count + result


def comprehension(x, y):
    grid = [x * k + y for k in range(4)]
    return max(v * v for v in grid if True) + math.prod(grid)


def sums(x, y):
    return sum([v * v for v in (x, y)]) + sum(v for v in (x, y, x * y))


# since Python 3.12 sum() of floats is compensated, and left to the trace tier
SUMS = (sums,) if sys.version_info < (3, 12) else ()


def compared(x, y):
    return x * (x > y) + y * (x <= y) + (x != y) * 2.0


TABLE = [
    (program, args)
    for program in (
        *(
            arithmetic,
            functions,
            numpy_functions,
            overwritten,
            swapped,
            alias,
            branches,
            only_one_side,
            loop_carried,
        ),
        *(
            steps_backwards,
            taylor_sine,
            leaves_loops,
            returns_early,
            newton,
            short_circuits,
            extremes,
            guarded_root,
        ),
        *(tuples, chosen_by_index, named_tuple, frozen_dataclass, pendulum, recursion, mutual_recursion),
        *(
            adaptive_quadrature,
            inner_function,
            partials,
            keywords,
            outside_arrays,
            closure_array,
            outside_in_circles,
            integers,
            passive_loop,
            set_in_loop,
            asserts,
        ),
        *(walrus, shadowing, comprehension, remainders, compared, kepler, *SUMS),
    )
    for args in ((1.3, 0.6), (0.45, 0.85), (1.9, 1.2))
    if not (program is kepler and args[1] > 1)
]
