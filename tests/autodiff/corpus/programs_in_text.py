"""Programs that a program has in text, and values that patterns compare with."""

import enum
import math  # noqa: F401  the programs in text use it

import numpy as np

from . import program

X = np.array([0.7, -1.3, 2.1, 0.4])
SCALE = 2.0


@program(X)
def expressions(x):
    y = np.zeros(4)
    y[:] = x
    total = eval("np.sum(y ** 2)", {"np": np, "y": y})
    for k in range(3):
        total += eval(f" {k} * x[{k}] + math.sin(x[0]) * SCALE")
    return total + eval("lambda v: math.cos(v) * v")(x[1])


BODY = """
import math  # noqa: F401  the programs in text use it
def f(v, k=2.0):
    def g(w):
        return w * k
    return math.sin(g(v))
class C:
    factor = 3.0
    def __init__(self, a):
        self.a = a
    def scaled(self):
        return self.a * self.factor
y = np.zeros(4)
y[1:] = x[:3]
for k, v in enumerate(y):
    y[k] += f(v) * k
y *= 2
(a, b), c = (y[0], y[1]), y[2]
total = sum(v * v for v in y) + C(x[0]).scaled() + a * b * c
"""


@program(X)
def statements(x):
    namespace = {"x": x, "np": np}
    exec(BODY, namespace)
    return namespace["total"] * namespace["f"](x[1])


@program(0.7)
def compiled_and_by_another_name(x):
    evaluate, code = eval, compile("math.exp(x) * SCALE", "<formula>", "eval")
    return evaluate("math.sin(x) * x") * eval(code)


@program(X)
def arrays_changed_in_text(x):
    y = np.ones(4)
    z = x * y
    exec("y[0] = 9.0\ny += 1")
    eval("y.sort()")
    return np.sum(z * x * y)


class Kind(enum.Enum):
    LINEAR = 1
    SQUARE = 2.5


class Limits:
    upper = 2.5


@program(0.7)
def patterns_with_values(x):
    total = 0.0
    for case in (
        Kind.LINEAR,
        Kind.SQUARE,
        2.5,
        {Kind.LINEAR: x},
        [Kind.LINEAR, x],
        {"a": Kind.SQUARE, "v": x},
    ):
        match case:
            case Kind.LINEAR:
                total += x
            case Limits.upper:
                total *= x
            case Kind.SQUARE:
                total += Kind.SQUARE.value * x**2
            case {Kind.LINEAR: v}:
                total += v**3
            case [Kind.LINEAR, v]:
                total *= v
            case {"a": Kind.SQUARE, "v": v}:
                total += v**4
    return total
