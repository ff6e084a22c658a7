"""What a program may contain: one short program for each, as users write it, in reverse and forward mode.

The corpus goes into the breadth of each; here they stand side by side, named in the words in which tools for
automatic differentiation are compared.
"""

from __future__ import annotations

import bisect
import cmath
import colorsys
import copy
import functools
import heapq
import math
import statistics
import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.sparse.linalg
import scipy.spatial
import scipy.special
import scipy.stats

from workbench.autodiff import gradient, pullback, pushforward
from workbench.autodiff.structure import leaves, map_leaves
from workbench.checks import check_gradient

X = np.array([0.7, -1.3, 2.1])
Y = np.array([1.2, 0.4, 0.9, 2.2])
A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.6, -0.7, 3.0]])

CAPABILITIES: list[tuple[str, object, tuple]] = []


def capability(name, *args):
    """Decorator: a program and where its gradient is checked."""

    def register(function):
        CAPABILITIES.append((name, function, args))
        return function

    return register


# ------------------------------------------------------------------------------------ control flow


@capability("if, elif, else on a value", 0.7)
@capability("if, elif, else on a value", -2.0)
def _(x):
    if x > 0.5:
        return x * x
    elif x < -1:
        return math.sin(x)
    else:
        return x**3


@capability("while with a number of iterations from the data", 0.7)
@capability("while with a number of iterations from the data", 5.0)
def _(x):
    total, term, k = 0.0, x, 1
    while abs(term) > 1e-12:
        total += term
        term = -term * x * x / ((k + 1) * (k + 2))
        k += 2
    return total


@capability("iterating over an array", X)
def _(x):
    total = 1.0
    for value in x:
        total = total * value + math.exp(value)
    return total


@capability("break, continue, for-else, return from a loop", X)
def _(x):
    total = 0.0
    for value in x:
        if value < 0:
            continue
        total += value**2
        if total > 1e6:
            break
    else:
        total *= 2.0
    for value in x:
        if value > 2.0:
            return total * value
    return total


@capability("ternaries and short circuits on values", 0.7, -0.2)
def _(x, y):
    a = x if x > y else y
    b = y and x * y
    c = (x > 0 and y > 0) or x + y
    return a * b + c


@capability("recursion and mutual recursion", 1.3)
def _(x):
    def even(x, n):
        return 1.0 if n == 0 else x * odd(x, n - 1)

    def odd(x, n):
        return x if n == 0 else even(x, n - 1) + x

    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    return even(x, 7) + power(x, 4)


@capability("recursion to a depth from the values", 0.4, 3.0)
def _(a, b):
    def simpson(f, a, b):
        return (b - a) / 6 * (f(a) + 4 * f((a + b) / 2) + f(b))

    def adaptive(f, a, b, whole, tolerance):
        middle = (a + b) / 2
        left, right = simpson(f, a, middle), simpson(f, middle, b)
        if abs(left + right - whole) < 15 * tolerance:
            return left + right + (left + right - whole) / 15
        return adaptive(f, a, middle, left, tolerance / 2) + adaptive(f, middle, b, right, tolerance / 2)

    def f(t):
        return math.sin(a * t) * math.exp(-t / b)

    return adaptive(f, a, b, simpson(f, a, b), 1e-9)


@capability("try and except where nothing is raised", 0.7)
def _(x):
    try:
        y = math.log(x)
    except ValueError:
        y = 0.0
    return y * x


@capability("an exception raised and caught, finally", -0.7)
def _(x):
    seen = []
    try:
        if x < 0:
            raise ValueError("negative")
        y = math.sqrt(x)
    except ValueError as error:
        y = x * x * len(str(error))
    finally:
        seen.append(y * 2)
    return y + seen[0]


class _Scaled:
    def __init__(self, by):
        self.by = by

    def __enter__(self):
        return lambda v: v * self.by

    def __exit__(self, *exc):
        return False


@capability("with and match", 0.7)
def _(x):
    with _Scaled(x * 3) as scale:
        y = scale(x)
    match (y, x):
        case (a, b) if a > b:
            return a * b
        case (a, _):
            return a


@capability("generators, also sent to", 0.7)
def _(x):
    def running():
        total = 0.0
        while True:
            got = yield total
            total += got * got

    walker = running()
    next(walker)
    for k in range(4):
        result = walker.send(x * k)
    return result + sum(x**k for k in range(3))


@capability("comprehensions filtered on values, walrus", X)
def _(x):
    return sum([y for v in x if (y := v * v) > 1.0]) + sum({k: v for k, v in enumerate(x) if v > 0}.values())


@capability("a swap carried through a loop", 0.7, 1.9)
def _(a, b):
    for _ in range(5):
        a, b = b, a * 0.5 + b
    return a * b


@capability("iterating to convergence", 2.5)
def _(x):
    guess = x
    while True:
        better = 0.5 * (guess + x / guess)
        if abs(better - guess) < 1e-14:
            return better
        guess = better


# ------------------------------------------------------------------------------------ functions


@capability("closures, lambdas, functions of functions", 0.7)
def _(x):
    def compose(*functions):
        return lambda v: functools.reduce(lambda acc, f: f(acc), functions, v)

    scale = lambda v: v * x  # noqa: E731
    return compose(math.sin, scale, lambda v: v + x)(x) + sum(map(scale, [1.0, 2.0]))


@capability("nonlocal names bound again", 0.7)
def _(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * v

    add(x)
    add(2 * x)
    return total


_state = {"kept": 0.0}
_counter = 0.0


@capability("global state written, then read", 0.7)
def _(x):
    global _counter
    _counter = x * x
    _state["kept"] = math.exp(x)
    result = _counter * _state["kept"]
    _counter, _state["kept"] = 0.0, 0.0
    return result


@capability("positional, keyword and default arguments of every kind", 0.7, 1.2)
def _(x, y):
    def f(a, *rest, scale=2.0, **options):
        return a * scale + sum(rest) * options.get("weight", 1.0)

    return f(x, y, x * y, weight=x) + f(*[x, y], **{"scale": y})


@capability("sum, max, min, abs, sorted, pow", X)
def _(x):
    ordered = sorted(x, key=lambda v: -v)
    return sum(x) * max(x) + min(x) * abs(x[1]) + pow(ordered[0], 3) + round(ordered[2] * 0.0, 1)


@capability("memoisation and decorators", 0.7)
def _(x):
    @functools.cache
    def binomial(n, k):
        return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)

    def doubled(f):
        @functools.wraps(f)
        def wrapped(*args):
            return 2 * f(*args)

        return wrapped

    @doubled
    def bernstein(k):
        return binomial(5, k) * x**k * (1 - x) ** (5 - k)

    return bernstein(2) * bernstein(3)


@capability("threads", 0.7)
def _(x):
    found = [0.0] * 3

    def work(k):
        found[k] = math.sin(x * (k + 1))

    workers = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found[0] * found[1] + found[2]


# ------------------------------------------------------------------------------------ data


@capability("tuples and lists built, indexed, unpacked", 0.7, 1.2)
def _(x, y):
    pair = (x * y, [x, y, x + y])
    first, (a, *rest) = pair
    return first * a + rest[-1] + pair[1][::-1][0]


@capability("lists that grow and shrink", 0.7)
def _(x):
    stack = [x]
    stack.append(x * x)
    stack.insert(0, math.sin(x))
    stack.extend([x**3, 1.0])
    return stack.pop() * stack.pop(0) + sum(stack)


@capability("items and slices of lists assigned, aliases", 0.7)
def _(x):
    a = [1.0, 2.0, 3.0, 4.0]
    b = a
    b[1] = x
    a[2:4] = [x * x, x]
    b[0] += a[1]
    return a[0] * a[1] + sum(b)


@capability("dictionaries built and changed", 0.7)
def _(x):
    d = {"a": x}
    d["b"] = d["a"] * 2
    d.setdefault("c", x**2)
    d.update(a=math.sin(x))
    return sum(v for k, v in d.items() if k != "b") * d.pop("b")


class _Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return type(self)(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return type(self)(self.x * k, self.y * k)

    @property
    def length(self):
        return math.hypot(self.x, self.y)


class _Directed(_Vector):
    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y


@capability("classes with operators, inheritance, properties", 0.7, 1.2)
def _(x, y):
    v = _Directed(x, y) + _Directed(1.0, x) * y
    return v.length * (v @ _Directed(y, x))


class _Particle:
    def __init__(self, x, v):
        self.x, self.v, self.history = x, v, []

    def step(self, dt):
        self.v -= dt * self.x
        self.x += dt * self.v
        self.history.append(self.x)


@capability("attributes that change, and their history", 0.7, 0.1)
def _(x, v):
    particle = _Particle(x, v)
    for _ in range(10):
        particle.step(0.1)
    return particle.x * sum(particle.history)


@capability("heapq, deque, bisect on values", X)
def _(x):
    heap = list(x)
    heapq.heapify(heap)
    smallest = heapq.heappop(heap)
    window = deque(maxlen=2)
    for v in x:
        window.append(v * v)
    ordered = sorted(x)
    place = bisect.bisect(ordered, 0.5)
    return smallest * heap[0] + window[0] * window[-1] + ordered[place]


class _Node:
    def __init__(self, value, *children):
        self.value, self.children = value, children

    def total(self):
        return self.value + sum(child.total() ** 2 for child in self.children)


@capability("trees of objects, deep copies", 0.7, 1.2)
def _(x, y):
    tree = _Node(x, _Node(y, _Node(x * y)), _Node(2.0))
    other = copy.deepcopy(tree)
    other.children[0].value = y * y
    return tree.total() * other.total()


def test_gradient_by_nested_containers():
    def f(p):
        return p["w"][0] * p["b"][1] ** 2 + np.sum(p["m"] ** 3) * p["w"][1]

    p = {"w": [0.7, 1.2], "b": (2.0, -0.5), "m": X}
    g = gradient(f)(p)
    assert g["w"][0] == pytest.approx(0.25)
    assert g["b"][1] == pytest.approx(2 * 0.7 * -0.5)
    assert np.allclose(g["m"], 3 * X**2 * 1.2)
    assert isinstance(g["b"], tuple)


@dataclass
class _Model:
    weight: float
    bias: np.ndarray


class _Plain:
    def __init__(self, k):
        self.k = k


def test_gradient_by_objects():
    g = gradient(lambda m: m.weight**2 * np.sum(m.bias))(_Model(0.7, X))
    assert isinstance(g, _Model)
    assert g.weight == pytest.approx(2 * 0.7 * X.sum())
    assert np.allclose(g.bias, 0.49)
    assert gradient(lambda m: m.k**3)(_Plain(2.0)).k == pytest.approx(12.0)


# ------------------------------------------------------------------------------------ arrays that change


@capability("an array filled item by item", X)
def _(x):
    y = np.zeros(3)
    for i in range(3):
        y[i] = math.sin(x[i]) * x[i - 1]
    return np.sum(y * y)


@capability("slices assigned", X)
def _(x):
    y = np.ones(5)
    y[1:4] = x * x
    y[::2] *= 3.0
    return np.prod(y)


@capability("augmented assignment of arrays", X)
def _(x):
    y = x.copy()
    y += x
    y *= x
    y -= 1.0
    y /= 2.0 + x * x
    return np.sum(y**2)


@capability("an argument that is changed", X)
def _(x):
    x[0] = x[1] * x[2]
    x *= 2.0
    return np.sum(x * x)


@capability("a view that is changed", X)
def _(x):
    y = x * 1.0
    v = y[1:]
    v *= 2.0
    v[0] = x[0]
    return np.sum(y**3)


@capability("a value overwritten that the derivative needs", X)
def _(x):
    y = x * x
    z = np.sin(y)
    y[...] = 0.0
    y[1] = x[1]
    return np.sum(z * x) + np.sum(y)


@capability("out=", X)
def _(x):
    y = np.empty(3)
    np.multiply(x, x, out=y)
    np.add(y, x, out=y, where=np.array([True, False, True]))
    return np.sum(y * x)


@capability("boolean and fancy assignment", X)
def _(x):
    y = x * 2
    y[x > 0] = x[x > 0] ** 2
    y[[0, 2]] += x[1]
    return np.sum(y**2)


@capability("np.add.at, fill, put, copyto", X)
def _(x):
    y = np.zeros(4)
    np.add.at(y, [0, 0, 3], x)
    z = np.empty(2)
    z.fill(x[0])
    w = np.zeros(3)
    np.put(w, [0, 2], [x[1] ** 2, x[0]])
    np.copyto(y[1:3], x[1:])
    return np.sum(y * y) * np.sum(z) + np.sum(w)


@capability("sorting in place", X)
def _(x):
    y = x * x
    y.sort()
    return y[0] + 2 * y[1] + 3 * y[2]


@capability("a trajectory filled in a time loop", np.array([1.0, 0.2]), 0.7)
def _(start, k):
    path = np.zeros((20, 2))
    path[0] = start
    for t in range(19):
        q, p = path[t]
        path[t + 1] = path[t] + 0.1 * np.array([p, -k * q])
    return np.sum(path[:, 0] ** 2) + path[-1, 1]


# ------------------------------------------------------------------------------------ numbers


@capability("the functions of math", 0.7)
def _(x):
    return (
        math.sin(x) * math.exp(x) + math.hypot(x, 2 * x) + math.lgamma(x + 1) + math.erf(x) * math.atan2(x, 2)
    )


@capability("float() keeps the derivative", 0.7)
def _(x):
    return float(x) * float(np.float64(x * x))


@capability("int() as an index, round()", 2.7)
def _(x):
    return [1.0, 2.0, 3.0 * x][int(x)] * x + round(x) * x


@capability("complex numbers and cmath", 0.7, 1.2)
def _(x, y):
    z = complex(x, y)
    return abs(cmath.exp(z * z)) + (z.conjugate() * cmath.sqrt(z)).real + cmath.phase(z)


@capability("complex arrays", X)
def _(x):
    z = x + 1j * x[::-1]
    return np.sum(np.abs(np.fft.fft(z * z)) ** 2) + np.angle(z[0])


@capability("%, //, divmod", 5.3, 2.1)
def _(x, y):
    quotient, rest = divmod(x, y)
    return x % y + rest * y + quotient + (x // y) * x


@capability("fractions and other types of numbers", 0.7)
def _(x):
    return x * Fraction(1, 3) + Fraction(2, 5) * x**2 + np.float64(2.0) * x + True * x


@capability("statistics of the standard library", [0.7, -1.3, 2.1, 0.4])
def _(x):
    return statistics.mean(x) * statistics.stdev(x) + statistics.median(x) + statistics.fmean(x)


@capability("text of numbers for people", 0.7)
def _(x):
    said = [f"{x:.3f}", repr(x), str(x * x), f"{x}"]
    return x * x * len(said)


# ------------------------------------------------------------------------------------ NumPy


@capability("ufuncs and reductions", X)
def _(x):
    return np.sum(np.exp(x) * np.tanh(x)) + np.mean(x**2) + np.var(x) + np.max(x) * np.prod(x)


@capability("methods of arrays", X, A)
def _(x, a):
    return x.sum() * a.dot(x).mean() + x.cumsum()[1] + a.T.ravel()[1:3].prod() + x.std()


@capability("einsum, tensordot, kron, meshgrid", X, A)
def _(x, a):
    u, v = np.meshgrid(x, x)
    return (
        np.einsum("i,ij,j->", x, a, x)
        + np.sum(np.tensordot(a, a, axes=([0], [1])))
        + np.sum(np.kron(x, x) ** 2)
        + np.sum(u * v)
    )


@capability("solve, inv, det, slogdet, cholesky", A, X)
def _(a, x):
    s = a @ a.T + np.eye(3)
    return (
        np.sum(np.linalg.solve(a, x))
        + np.sum(np.linalg.inv(a))
        + np.linalg.det(a)
        + np.linalg.slogdet(s)[1]
        + np.sum(np.linalg.cholesky(s))
    )


@capability("eigh, svd, pinv, qr, lstsq", A, X)
def _(a, x):
    s = a @ a.T
    return (
        np.sum(np.linalg.eigh(s)[0] ** 2)
        + np.sum(np.linalg.svd(a, compute_uv=False) ** 3)
        + np.sum(np.linalg.pinv(a[:, :2]))
        + np.sum(np.abs(np.linalg.qr(a)[1]))
        + np.sum(np.linalg.lstsq(a[:, :2], x, rcond=None)[0] ** 2)
    )


@capability("eigenvalues of matrices that are not symmetric", A)
def _(a):
    values, vectors = np.linalg.eig(a)
    return np.sum(np.abs(values) ** 2) + np.abs(vectors[0, 0]) ** 2


@capability("fft, also of odd lengths", X)
def _(x):
    return np.sum(np.abs(np.fft.rfft(x)) ** 3) + np.sum(np.fft.irfft(np.fft.rfft(x), n=3) ** 2 * x)


@capability("indexing by lists and masks", X)
def _(x):
    return np.sum(x[[0, 0, 2]] ** 2) + np.sum(x[x > 0] ** 3)


@capability("where, clip, maximum, select, piecewise", X)
def _(x):
    return (
        np.sum(np.where(x > 0, x**2, np.sin(x)))
        + np.sum(np.clip(x, -1, 1.5) * x)
        + np.sum(np.maximum(x, 0.1) ** 2)
        + np.sum(np.select([x < 0, x > 1], [x**2, x**3], 2 * x))
        + np.sum(np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, lambda v: v**3]))
    )


@capability("concatenate, stack, pad, roll, tile, flip", X)
def _(x):
    a = np.concatenate([x, np.stack([x, 2 * x])[1]])
    return (
        np.sum(np.roll(a, 2) * a)
        + np.prod(np.pad(x, 1, constant_values=2.0))
        + np.sum(np.tile(x, 2) * np.flip(a))
    )


@capability("sort, argsort, median, percentile", X)
def _(x):
    return (
        np.sort(x)[1] ** 2 + x[np.argsort(x)][0] + np.median(x) * np.percentile(x, 30) + np.quantile(x, 0.8)
    )


@capability("cumprod, gradient, trapezoid, convolve", X)
def _(x):
    return (
        np.sum(np.cumprod(x))
        + np.sum(np.gradient(x**2))
        + np.trapezoid(x**2, dx=0.5)
        + np.sum(np.convolve(x, x))
    )


@capability("arrays of nested lists of numbers", X)
def _(x):
    m = np.array([[x[0], 1], [x[1] * x[2], x[2]]])
    return np.sum(m @ m)


@capability("lists where arrays are expected", 0.7, 1.2)
def _(x, y):
    return np.sum([x, y * y]) + np.max([[x, y], [y, x * 5]]) + np.dot([x, y], [y, 2.0])


@capability("linspace, arange, full of values", 0.7)
def _(x):
    return np.sum(np.linspace(0, x, 5) ** 2) + np.sum(np.full(3, x) ** 2) + np.sum(np.arange(3) * x)


@capability("reduce, accumulate and outer of ufuncs, polynomials", X)
def _(x):
    return (
        np.multiply.reduce(x)
        + np.sum(np.add.accumulate(x) ** 2)
        + np.sum(np.subtract.outer(x, x) ** 2)
        + np.polyval(x, 0.7)
        + np.polyval([1.0, 2.0], x[0])
    )


@capability("vectorize, apply_along_axis, interp", X)
def _(x):
    f = np.vectorize(lambda v: v**2 if v > 0 else math.sin(v))
    return (
        np.sum(f(x))
        + np.sum(np.apply_along_axis(lambda row: row * row[0], 1, np.outer(x, x)))
        + np.interp(0.4 * x[0], [0.0, 1.0, 2.0], x)
    )


@capability("isinstance of np.ndarray, np.asarray with a type", X)
def _(x):
    y = np.asarray(x, float)
    return np.sum(y * 2) if isinstance(x, np.ndarray) and isinstance(y[0], float) else np.sum(y**2)


# ------------------------------------------------------------------------------------ SciPy, packages


@capability("special functions, expm, cho_solve, distributions", 0.7, A)
def _(x, a):
    s = a @ a.T + np.eye(3)
    return (
        scipy.special.gammaln(x + 1)
        + scipy.special.expit(x)
        + np.sum(scipy.linalg.expm(0.1 * a))
        + np.sum(scipy.linalg.cho_solve(scipy.linalg.cho_factor(s), np.ones(3)))
        + scipy.stats.norm.logpdf(x, loc=0.3, scale=1.5)
        + scipy.stats.norm.cdf(x)
    )


@capability("quad, solve_ivp, odeint", 0.7)
def _(x):
    def right(t, y):
        return [y[1], -x * y[0]]

    area, _ = scipy.integrate.quad(lambda t: math.exp(-x * t * t), 0.0, 2.0)
    path = scipy.integrate.solve_ivp(right, (0.0, 2.0), [1.0, x], rtol=1e-10, atol=1e-12)
    other = scipy.integrate.odeint(lambda y, t: -x * y, 1.0, [0.0, 1.0], rtol=1e-11, atol=1e-13)
    return area + path.y[0, -1] + other[-1, 0]


@capability("brentq, minimize", 0.7)
def _(x):
    root = scipy.optimize.brentq(lambda t: t**3 - x, 0.0, 2.0, xtol=1e-15)
    found = scipy.optimize.minimize(lambda p: (p[0] - x) ** 2 + (p[1] - x * p[0]) ** 2, [0.1, 0.2], tol=1e-10)
    return root + found.x[0] * found.x[1]


@capability("splines, filters, sparse matrices, distances", Y)
def _(y):
    spline = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], y)
    m = scipy.sparse.diags([2.0, 3.0, 4.0, 5.0]).tocsr()
    points = y.reshape(2, 2)
    return (
        spline(1.4)
        + np.sum(scipy.signal.lfilter([0.2, 0.3], [1.0, -0.4], y) ** 2)
        + np.sum(m @ y)
        + np.sum(scipy.sparse.linalg.spsolve(m.tocsc(), y))
        + np.sum(scipy.spatial.distance.cdist(points, points + 1.0))
    )


@capability("a package in Python that knows nothing of this", 0.7, 0.2, 0.4)
def _(r, g, b):
    h, light, s = colorsys.rgb_to_hls(r, g, b)
    return h * light + s


@pytest.mark.parametrize(
    ("name", "program", "args"), CAPABILITIES, ids=[name.replace(" ", "-") for name, _, _ in CAPABILITIES]
)
def test_capability(name, program, args):
    args = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    check_gradient(program, *args)
    bars = pullback(program, *args)[1]()
    rng = np.random.default_rng(2)
    dots = map_leaves(
        lambda x: rng.standard_normal(np.shape(x)) if np.ndim(x) else rng.standard_normal(), args
    )
    pushed = pushforward(program, *args)[1](*dots)
    expected = sum(np.sum(bar * dot) for bar, dot in zip(leaves(bars), leaves(dots), strict=True))
    assert pushed == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_an_array_locked_after_it_was_written():
    def program(x):
        y = np.zeros(3)
        y[0] = x * x
        view = y[:2]
        view[1] = y[0] * x
        view.flags.writeable = y.flags.writeable = False
        return view[1]

    value, back = pullback(program, 2.0)
    assert (value, back(1.0)[0], back(1.0)[0]) == (8.0, 12.0, 12.0)
