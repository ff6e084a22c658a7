"""Branches, loops, exceptions, comprehensions."""

import contextlib
import math

import numpy as np

from . import program


@program(0.7)
def sine(x):
    total, term, n = 0.0, x, 1
    while True:
        total += term
        if abs(term) < 1e-17:
            return total
        n += 2
        term = -term * x * x / (n * (n - 1))


@program(2.0)
@program(-2.0)
@program(0.5)
def branches(x):
    if x > 1:
        y = x**2
    elif x < -1:
        y = math.exp(x)
    else:
        y = 3 * x
    return y


@program(np.array([1.0, 2.0, 3.0]))
def over_array(xs):
    total = 0.0
    for k, x in enumerate(xs):
        if k == 1:
            continue
        total += x**k * x
    else:
        total *= 2
    return total


@program([1.0, 2.0, 5.0, 7.0])
def breaks(xs):
    out = 1.0
    for x in xs:
        if x > 4:
            out *= x
            break
        out += x * x
    else:
        out = -1.0
    return out


@program(1.3, 0.4)
def ternary_and_short_circuit(x, y):
    z = x if x > y else y
    w = (x > 0 and y * 2) or x
    return z * w + (y if not x else x)


@program(3.0)
def newton(a):
    x = a
    while abs(x * x - a) > 1e-14:
        x = 0.5 * (x + a / x)
    return x


@program(1.0, 2.0)
def swap(a, b):
    for _ in range(5):
        a, b = b, a + 0.1 * a * b
    return a - 2 * b


@program(0.3)
def raised_and_caught(x):
    try:
        if x < 1:
            raise ValueError(x * 2)
        y = x
    except ValueError as error:
        y = error.args[0] ** 2
    finally:
        z = x * 3
    return y * z


@program(0.3)
def nothing_raised(x):
    try:
        y = math.sin(x)
    except ZeroDivisionError:
        y = 0.0
    return y


@program(2.5)
def chained_comparison(x):
    if 1 < x < 3 <= 5:
        return x**3
    return x


@program(2.0)
def with_block(x):
    @contextlib.contextmanager
    def scaled(v):
        yield v * 3

    with scaled(x) as y, contextlib.suppress(ValueError):
        return y * x
    return 0.0


@program(("circle", 2.0))
@program(("square", 2.0))
def match_statement(shape):
    match shape:
        case ("circle", r):
            return math.pi * r**2
        case ("square", a) if a > 0:
            return a * a
        case _:
            return 0.0


@program(np.array([0.5, -1.0, 2.0]))
def comprehensions(xs):
    squares = [x * x for x in xs if x > 0]
    table = {k: v * 2 for k, v in zip("ab", squares, strict=False)}
    return sum(squares) + table["a"] * max(v for v in xs)


@program(2.0)
def walrus(x):
    total = 0.0
    while (y := x / 2) > 0.1:
        total += y
        x = y
    return total


@program(1.5)
def generators(x):
    def powers(base):
        p = 1.0
        while p < 20:
            yield p
            p *= base

    return sum(v * v for v in powers(x))


@program(1.5)
def sent_to(x):
    def averager():
        total, n, mean = 0.0, 0, 0.0
        while True:
            value = yield mean
            total, n = total + value, n + 1
            mean = total / n

    g = averager()
    next(g)
    g.send(x)
    g.send(x * x)
    return g.send(math.exp(x))


@program(1.0)
def nested_loops(x):
    total = 0.0
    for i in range(4):
        for j in range(i):
            if (i + j) % 2:
                continue
            total += x**i * math.cos(j * x)
        while total > 10:
            total /= 2
    return total


@program(0.4)
def asserts_and_formats(x):
    assert x > 0, f"{x} is not positive"
    text = f"{x:.3f} {x!r} {x:>10} " + "%.2f" % x + "{:.1e}".format(x) + str(x)  # noqa: UP031, UP032
    return x * x if text else 0.0
