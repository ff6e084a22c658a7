"""Python's protocols: iteration, attributes, contexts, caches, copies, with code of the program behind them."""

import collections
import collections.abc
import contextlib
import copy
import functools
import itertools
import math
import operator
import weakref

import numpy as np

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])


def _filled(x):
    y = np.zeros(2)
    y[0], y[1] = x[0] * 2, x[1]
    return y


@program(X)
def compiled_code_iterates(x):
    y = _filled(x)
    values = [0.0, 0.0, 0.0]
    values[1:] = y
    values.extend(y)
    queue = collections.deque(y)
    queue.extend(y)
    it = iter(y)
    total = values[1] * values[4] + queue[0] * queue[3] + next(it) * next(it)
    total += list(itertools.chain(y, y))[2] * list(itertools.chain.from_iterable([y, y]))[3]
    return total + sum(sorted(set(y))) + sum(dict.fromkeys(y)) + dict(enumerate(y))[1]


@program(X)
def methods_by_name(x):
    y = _filled(x)
    total = y.__getitem__(0) * y.__mul__(2.0).sum() + np.ndarray.sum(y * x[0]) + float.__add__(x[0], x[1])
    return total + getattr(y, "sum")() * operator.methodcaller("max")(y) + operator.itemgetter(1)(y)  # noqa: B009


@program(X)
def methods_of_plain_numbers(x):
    a = x[0]
    total = float.__mul__(2.0, a) + float.__rsub__(3.0, a) * float.__pow__(2.0, a) + (2.5).__rtruediv__(a)
    total += divmod(7.5, x[2])[1] * float.__divmod__(7.5, x[2])[1] + complex.__mul__(2j, a).imag
    return total * a if (2.0).__gt__(a) and not float.__eq__(2.0, a) else total


@program(X)
def delegated_generator(x):
    y = _filled(x)

    def values():
        yield from y
        yield from (v * v for v in y)

    return math.prod(values()) + sum(v * (place[0] + 1) for place, v in np.ndenumerate(y))


class _Cached:
    def __init__(self, x):
        self.values = _filled(x)

    @functools.cached_property
    def norm(self):
        return np.sqrt(np.sum(self.values**2)) * math.exp(self.values[0])

    @property
    def first(self):
        return self.values[0]

    @first.setter
    def first(self, value):
        self.values[0] = math.sin(value)

    def __getattr__(self, name):
        if name != "total":
            raise AttributeError(name)
        return math.exp(np.sum(self.values))


@program(X)
def attributes_with_code(x):
    o = _Cached(x)
    total = o.norm + o.norm
    o.first = x[2]
    o.first += x[3]
    setattr(o, "first", o.first * 2)  # noqa: B010
    return total + o.first * o.total + getattr(o, "total") + getattr(o, "other", 0.0)  # noqa: B009


class _Descriptor:
    def __get__(self, obj, kind=None):
        return math.exp(obj.values[0]) * np.sum(obj.values)

    def __set__(self, obj, value):
        obj.values[1] = math.sin(value)


class _Described:
    energy = _Descriptor()

    def __init__(self, x):
        self.values = _filled(x)


@program(X)
def descriptor(x):
    o = _Described(x)
    o.energy = x[2]
    return o.energy**2


class _Scope:
    def __init__(self, x):
        self.values = _filled(x)

    def __enter__(self):
        self.inside = np.sum(self.values**2) * math.exp(self.values[0])
        return self, self.values

    def __exit__(self, *raised):
        self.after = math.sin(self.inside)
        return raised[0] is ValueError


@program(X)
def context_managers(x):
    @contextlib.contextmanager
    def scaled():
        x[1] = math.exp(x[0])
        yield x[1] * 2
        x[1] = x[1] ** 2

    with _Scope(x) as (scope, (a, b)), scaled() as factor:
        total = scope.inside * a * b * factor
        raise ValueError
    return total + scope.after + x[1]


class _Sequence:
    def __init__(self, x):
        self.values = np.zeros(3)
        self.values[:] = x[:3]

    def __getitem__(self, k):
        if k >= 3:
            raise IndexError
        return math.exp(self.values[k])

    def __len__(self):
        return 3


@program(X)
def old_sequence_protocol(x):
    s = _Sequence(x)
    total = sum(s) + list(s)[1] * list(reversed(s))[0]
    for v in s:
        total += v * v
    return total


@program(X)
def deep_copies(x):
    o = _Described(x)
    o.more = [o.values, {"k": x[1]}, np.arange(3)]
    twin = copy.deepcopy(o)
    o.values[0], o.more[2][0] = 5.0, 10
    return twin.values[0] * 2 + twin.more[0][0] + twin.more[1]["k"] * (twin.more[2][0] + 1)


@functools.lru_cache(maxsize=None)  # noqa: UP033
def _fibonacci(n):
    return n if n < 2 else _fibonacci(n - 1) + _fibonacci(n - 2)


@functools.lru_cache
def _square(v):
    return v * v


@program(0.5, 0.5)
def caches(a, b):
    @functools.cache
    def best(i, j):
        return 0.0 if 0 in (i, j) else max(best(i - 1, j), best(i, j - 1)) + a * math.sin(b * i + j)

    return best(9, 9) + _fibonacci(80) * 1e-15 * a + _square(a) + 3 * _square(b) + _square(0.5)


class _Lazy:
    @functools.lru_cache  # noqa: B019
    def power(self, v, n):
        return 1.0 if n == 0 else v * self.power(v, n - 1)


_LAZY = _Lazy()


@program(0.7)
def cached_method(a):
    return _LAZY.power(a, 5) + _LAZY.power(a * 1.0, 3)


@program(X)
def functions_by_type(x):
    @functools.singledispatch
    def size(a):
        return 0.0

    @size.register
    def _(a: float):
        return math.exp(a)

    @size.register(np.ndarray)
    def _(a):
        return np.sum(a**2)

    return size(x[0]) + size(x) + size(float(x[1]))


_NO_SOURCE: dict = {"np": np}
exec("def energy(y):\n    return np.sum(y * y) + y[0]", _NO_SOURCE)


@program(X)
def function_without_source(x):
    y = _filled(x)
    return _NO_SOURCE["energy"](y) * np.array(collections.deque([y, y * 2])).sum()


class Growing(collections.abc.MutableSequence):
    """A sequence whose other methods come from ``collections.abc``, which is compiled into Python."""

    def __init__(self, values=()):
        self.values = np.zeros(8)
        self.size = 0
        self.extend(values)

    def __len__(self):
        return self.size

    def __getitem__(self, place):
        if place >= self.size:
            raise IndexError
        return self.values[place]

    def __setitem__(self, place, value):
        self.values[place] = value

    def __delitem__(self, place):
        self.values[place:-1] = self.values[place + 1 :]
        self.size -= 1

    def insert(self, place, value):
        self.values[place + 1 :] = self.values[place:-1]
        self.values[place] = value
        self.size += 1


@program(X)
def classes_of_collections(x):
    y = _filled(x)
    growing = Growing(y)
    growing += [x[0] * x[1]]
    growing.reverse()
    total = growing.pop(0) * sum(growing) + list(reversed(growing))[0] * growing[1]
    users = collections.UserList(y)
    users.extend(y)
    named = collections.UserDict(a=x[0])
    named.update(b=y)
    counted = collections.Counter({"a": x[0]})
    counted.update({"a": x[1]})
    return total * sum(users) + named["a"] * named.get("b")[1] + counted["a"] * counted.total()


@program(X)
def weak_references_to_arrays(x):
    y, z = _filled(x), x * 2.0
    total = weakref.ref(y)()[0] * weakref.ref(z)()[1] + weakref.proxy(z).sum() + weakref.proxy(y).sum()
    return total * weakref.WeakValueDictionary({"z": z})["z"][0]


class Series:
    """Coefficients with functions of their own, which NumPy calls by name."""

    def __init__(self, coefficients):
        self.coefficients = np.zeros(2)
        self.coefficients[:] = coefficients

    def exp(self):
        return Series(np.exp(self.coefficients))

    def conjugate(self):
        return Series(self.coefficients * 2.0)

    def arctan2(self, other):
        return Series(np.arctan2(self.coefficients, other.coefficients))


@program(X)
def functions_that_numpy_calls_by_name(x):
    series = Series(x[:2])
    several = np.array([series, Series(x[2:])], dtype=object)
    total = np.exp(series).coefficients @ np.conjugate(several)[1].coefficients
    return total + np.arctan2(series, several[1]).coefficients.sum()


class Wrapped(Series):
    """What NumPy gives goes through methods of the class."""

    def __array_wrap__(self, result, context=None, return_scalar=False):
        return Wrapped(result.item().coefficients * self.coefficients)


class WrappedByFunction(Series):
    @staticmethod
    def __array_wrap__(result, context=None, return_scalar=False):
        return Series(np.array([c for c in result.item().coefficients]) * 3.0)


@program(X)
def wrappers_that_numpy_calls(x):
    total = np.exp(Wrapped(x[:2])).coefficients @ x[2:]
    return total + np.exp(WrappedByFunction(x[2:])).coefficients @ x[:2]


class Watched:
    """Tells of what is set; its range is set through a property, by ``object.__setattr__``."""

    def __init__(self, values):
        self.told = []
        self.range = values
        object.__setattr__(self, "scale", np.sum(values))

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name != "told":
            self.told.append(name)

    @property
    def range(self):
        return self._range

    @range.setter
    def range(self, values):
        self._range = np.asarray(values, float) ** 2


@program(X)
def setters_behind_a_setattr(x):
    watched = Watched(list(x))
    watched.range = watched.range * x
    return np.sum(watched.range) * watched.scale * len(watched.told)


class Soft:
    """A comparison with it is a number between 0 and 1."""

    def __init__(self, threshold):
        self.threshold = threshold

    def __lt__(self, other):
        return 1.0 / (1.0 + np.exp(self.threshold - other))

    def __gt__(self, other):
        return 1.0 - (self < other)

    def __eq__(self, other):
        self.asked = other
        return True

    __array_ufunc__ = __hash__ = None


class SoftNumber(float):
    def __lt__(self, other):
        return 1.0 / (1.0 + np.exp(float(self) - float(other)))

    def __gt__(self, other):
        return 1.0 - (self < other)


class SoftArray(np.ndarray):
    def __lt__(self, other):
        return 1.0 / (1.0 + np.exp(np.asarray(self) - np.asarray(other)))

    def __gt__(self, other):
        return 1.0 - (self < other)


@program(0.7, np.array([0.2, 1.4]))
def comparisons_that_vary(x, v):
    total = 0.0
    for half in (Soft(0.5), SoftNumber(0.5), np.array([0.5, 0.6]).view(SoftArray)):
        total += np.sum((half < x) + 2 * (x < half) + 3 * (half > x) + 4 * (x > half))
        if not isinstance(half, float):
            total += np.sum((half < v) + 2 * (v < half) + 3 * (half > v[0]) + 4 * (v[1] > half))
    soft = Soft(x)
    return total + soft.asked if soft == x * x else 0.0
