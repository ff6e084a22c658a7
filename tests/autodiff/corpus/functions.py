"""Recursion, closures, decorators, callables handed to C code, threads."""

import bisect
import concurrent.futures
import functools
import heapq
import itertools
import math
import operator
import threading
from functools import lru_cache, partial, singledispatch

import numpy as np

from . import program

_last = 0.0
_scale = 3.0


@program(0.9)
def recursion(x):
    return x if x > 10 else recursion(x * 1.5) + x * x


@program(1.1)
def mutual(x):
    def even(n, v):
        return v if n == 0 else odd(n - 1, v * x)

    def odd(n, v):
        return even(n - 1, v + x)

    return even(6, x)


@program(0.0, 1.0)
def adaptive_simpson(a, b):
    def f(t):
        return math.exp(-t * t) * (1 + a) + b * t

    def rule(lo, hi):
        m = 0.5 * (lo + hi)
        return (hi - lo) / 6 * (f(lo) + 4 * f(m) + f(hi))

    def adapt(lo, hi, whole, tol):
        m = 0.5 * (lo + hi)
        left, right = rule(lo, m), rule(m, hi)
        if abs(left + right - whole) < 15 * tol:
            return left + right + (left + right - whole) / 15
        return adapt(lo, m, left, tol / 2) + adapt(m, hi, right, tol / 2)

    return adapt(a, b, rule(a, b), 1e-7)


@program(2.0)
def closures(x):
    def outer(k):
        def inner(y):
            return x * y + k

        return inner

    fs = [outer(i) for i in range(3)]
    return sum(f(x) for f in fs)


@program(2.0)
def nonlocal_rebinding(x):
    total = x

    def bump(v):
        nonlocal total
        total = total * v + 1

    for k in range(3):
        bump(x + k)
    return total


@program(2.0)
def global_rebinding(x):
    global _last
    _last = x * 2
    _last += x * _scale
    return _last * _last


@program(1.0, 2.0)
def arguments(x, y):
    def f(a, b=2.0, *rest, c, d=4.0, **more):
        return a * b + sum(rest) * c + d * more.get("e", 1.0)

    return f(x, y, x, y, c=x, e=y) + f(x, c=y) + f(*[x, y], **{"c": x * y})


@program(1.3)
def lambdas_on_one_line(x):
    f, g, h = (lambda v: v * v), (lambda v: math.sin(v)), (lambda v, k=2: v**k)
    return f(x) + g(x) * h(x) + (lambda: x * 7)()


def _windowed(x, n=3, window=lambda n: np.ones(n) / n, *, scale=lambda v: 2 * v):
    return math.sin(x) * scale(window(n)[0])


@program(0.7)
def functions_as_default_values(x):
    return _windowed(x) + _windowed(x, window=np.hanning, scale=math.exp)


def traced_twice(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args) + f(*[a * 2 for a in args])

    return wrapper


@traced_twice
def decorated(x):
    return math.log(x) * x


@program(1.7)
def decorators(x):
    return decorated(x)


@lru_cache(maxsize=None)
def fib_like(n, x):
    return x if n < 2 else fib_like(n - 1, x) + x * fib_like(n - 2, x)


@program(0.8)
def cached(x):
    return fib_like(8, x)


@singledispatch
def area(shape):
    raise TypeError(shape)


@area.register
def _(shape: float):
    return shape * shape


@area.register
def _(shape: list):
    return shape[0] * shape[1]


@program(1.5)
def dispatched(x):
    return area(x) + area([x, 3.0])


@program(1.5)
def partials(x):
    f = partial(pow, x)
    g = partial(lambda a, b: a / b, b=x + 1)
    return f(3) + g(x * 2)


@program([3.0, 1.0, 2.0])
def callbacks(xs):
    ordered = sorted(xs, key=lambda v: -v * v)
    xs2 = list(xs)
    xs2.sort(key=lambda v: math.sin(v))
    product = functools.reduce(lambda a, b: a * b + 1, ordered)
    running = list(itertools.accumulate(xs, operator.mul))
    return product + sum(map(lambda v: math.cos(v), xs)) + xs2[0] * 3 + running[-1] + ordered[0]


@program([3.0, 1.0, 2.0, 0.5])
def heaps(xs):
    heap = []
    for x in xs:
        heapq.heappush(heap, (x, x * x))
    low = heapq.heappop(heap)
    ordered = []
    for x in xs:
        bisect.insort(ordered, x)
    largest = heapq.nlargest(2, xs)
    return low[1] * heap[0][0] + ordered[2] * 5 + largest[1] ** 3


@program(2.0)
def threads(x):
    results = {}

    def work(k):
        results[k] = math.sin(x) * k + x**k

    workers = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return sum(results[k] for k in range(3))


@program(np.array([1.0, 2.0]))
def operator_module(x):
    return operator.add(x[0], x[1]) * operator.itemgetter(1)(x) - operator.neg(operator.truediv(x[0], x[1]))


class Polynomial:
    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        total = 0.0
        for c in reversed(self.coefficients):
            total = total * x + c
        return total


@program(0.5, 2.0)
def callable_objects(a, x):
    return Polynomial(a, 1.0, a * a)(x)


@program(np.array([0.5, 1.5, 2.5]))
def pools(x):
    out = np.zeros(3)

    def fill(i):
        out[i] = x[i] ** 2 * math.cos(x[i - 1])
        return math.sin(x[i])

    worker = threading.Thread(target=fill, args=(0,))
    worker.start()
    worker.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(fill, i) for i in (1, 2)]
        values = [f.result() for f in futures] + list(pool.map(math.exp, x))
    return (out * x).sum() + sum(values)
