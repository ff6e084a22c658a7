"""Methods that no program calls by name, with their numbers in an array that was filled by the program.

The classes stand outside of the programs, as users' classes do: what stands inside is rewritten with the program.
"""

import asyncio
import collections
import copy
import ctypes
import functools
import heapq
import itertools
import math
import operator
import weakref

import numpy as np

from . import program

X = np.array([0.7, 1.3])


class _State:
    def __init__(self, x):
        self.v = np.zeros(2)
        self.v[0], self.v[1] = x[0] * 2, math.sin(x[1])

    def value(self, k=0):
        return math.exp(self.v[k]) * (k + 1)


class _Steps(_State):
    at = -1

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        if self.at > 1:
            raise StopIteration
        return self.value(self.at)


@program(X)
def iterators_in_compiled_code(x):
    total = sum(itertools.chain(_Steps(x), _Steps(x))) + sum(itertools.accumulate(_Steps(x)))
    total += collections.deque(_Steps(x))[1] * np.fromiter(_Steps(x), float)[0] + sum(set(_Steps(x)))
    values = []
    values.extend(_Steps(x))
    values += _Steps(x)
    values[0:1] = _Steps(x)
    return total + sum(values) + sum(p * q for p, q in itertools.combinations(_Steps(x), 2))


@program(X)
def an_iterator_goes_on(x):
    steps = iter(_Steps(x))
    first = next(steps)
    steps.at = -1
    return first + next(steps) * sum(map(operator.neg, steps))


class _Numbers(_State):
    def __divmod__(self, other):
        return self.value(), self.value(1) * other

    def __rdivmod__(self, other):
        return self.value(1), other

    def __pow__(self, other, modulus=0):
        return self.value() ** other + modulus * self.value(1)

    def __complex__(self):
        return complex(self.value(), self.value(1))

    def __float__(self):
        return self.value()

    def __floor__(self):
        return self.value() * 2


@program(X)
def conversions(x):
    n = _Numbers(x)
    a, b = divmod(n, 2.0)
    c, d = divmod(x[0], n)
    z = complex(n)
    total = a * b + c * d + pow(n, 2, 3) + abs(z * z) + np.float64(n)
    return total + math.sqrt(n) * math.hypot(n, 1.0) + math.floor(n) + math.atan2(n, 2.0)


class _Items(_State):
    def __setitem__(self, k, value):
        self.v[k] = math.sin(value) * self.v[1 - k]

    def __delitem__(self, k):
        self.v[k] = math.sin(self.v[k] ** 2)

    def __getitem__(self, k):
        return self.value(k)

    def __delattr__(self, name):
        self.v[1] = self.v[1] * self.v[0]


@program(X)
def deleting_and_getters(x):
    items = _Items(x)
    del items[0]
    del items.anything, items[1]
    operator.delitem(items, 1)
    first, second = operator.itemgetter(0, 1)(items)
    return first * second + operator.methodcaller("value", 1)(items) + operator.attrgetter("v")(items)[0]


class _Derived(_State):
    @property
    def energy(self):
        return self.value() ** 2


class _Twice(_Derived):
    @property
    def energy(self):
        return super().energy * 2

    def __getattribute__(self, name):
        return self.value(1) if name == "second" else super().__getattribute__(name)


class _OfClass:
    def __get__(self, obj, kind=None):
        return kind.state.value() * 3


class _Counted(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.scale = made.value()
        return made

    @property
    def default(cls):
        return cls.state.value(1)

    def __getitem__(cls, k):
        return cls.state.value(k)


class _Counting(type):
    def __call__(cls, *args):
        cls.made += 1
        return super().__call__(*args)


class _Made(_State, metaclass=_Counted):
    state = None
    energy = _OfClass()

    def __class_getitem__(cls, k):
        raise AssertionError("the metaclass goes first")


class _Bare(metaclass=_Counting):
    made = 0


@program(X)
def a_metaclass_that_counts_objects_without_init(x):
    before = _Bare.made
    found = [_Bare(), _Bare()]
    return x.sum() * (_Bare.made - before) * len(found)


@program(X)
def attributes_of_super_and_of_classes(x):
    twice, made = _Twice(x), _Made(x)
    _Made.state = _State(x)
    total = twice.energy * twice.second + made.scale * _Made.default + _Made.energy + _Made[1]
    _Made.state = None
    return total + made.value.__call__(1) + object.__getattribute__(twice, "v")[0]


class _Copied(_State):
    def __copy__(self):
        new = object.__new__(_Copied)
        new.v = np.array([self.value(), self.v[1]])
        return new

    def __deepcopy__(self, memo):
        new = object.__new__(_Copied)
        new.v = copy.deepcopy(self.v, memo)
        new.v[1] = self.value(1)
        return new


class _Restored(_State):
    def __getstate__(self):
        return {"v": self.v, "norm": self.value()}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.norm = self.norm * self.v[1]


@program(X)
def copying(x):
    inside = copy.deepcopy({"k": [_Copied(x)]})["k"][0]
    total = copy.copy(_Copied(x)).v[0] * inside.v[1]
    return total + copy.deepcopy(_Restored(x)).norm + copy.copy(_Restored(x)).norm


class _Called(_State):
    def __call__(self, k=0, *rest):
        return self.value(k)


class _Missing(dict):
    def __missing__(self, k):
        return self.state.value(k)


@program(X)
def objects_called_by_compiled_code(x):
    called = _Called(x)
    made = collections.defaultdict(called)
    made["a"] += 1
    missing = _Missing()
    missing.state = called
    total = made["a"] * missing[1] + sum(itertools.starmap(called, [(0,), (1,)]))
    return total + sum(itertools.starmap(functools.partial(_State.value, called), [(0,), (1,)]))


class _AsArray(_State):
    def __array__(self, dtype=None, copy=None):
        return np.exp(self.v)


class _OwnFunctions(_State):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return self.value() * sum(v for v in inputs if isinstance(v, float))


@program(X)
def objects_as_arrays(x):
    a = _AsArray(x)
    total = np.sum(a) + np.exp(a).sum() + np.multiply(x, a).sum() + np.add.reduce(a) + np.asarray(a)[0]
    return total + np.add(_OwnFunctions(x), 2.0) + getattr(np.exp, "__call__")(x).sum()  # noqa: B004


class _Direct(type):
    def __call__(cls, x):
        return type.__call__(cls, x * 2.0)


class _MadeDirectly(_State, metaclass=_Direct):
    pass


class _InMemory(ctypes.Structure):
    _fields_ = (("n", ctypes.c_int),)

    def __getitem__(self, k):
        return float(self.n * k)


class _Slotted(tuple):
    __slots__ = ()

    def __new__(cls, *parts):
        return tuple.__new__(cls, parts)


@program(X)
def classes_of_unusual_making(x):
    pair = _Slotted(x[0], _MadeDirectly(x).value(1))
    return pair[0] * pair[1] * _InMemory(3)[2] + int("f", base=16) * x[1] * _sum_of(_Slotted(*x))


class _Ordered(_State):
    def __lt__(self, other):
        self.v[0] *= 1.01
        return self.value() < other.value()


@program(X)
def comparing_that_changes(x):
    heap = [_Ordered(x * 2), _Ordered(x), _Ordered(x * 1.5)]
    heapq.heapify(heap)
    return sum(o.value() for o in heap)


class _Waited(_State):
    at = -1

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.at += 1
        if self.at > 1:
            raise StopAsyncIteration
        return self.value(self.at)

    async def __aenter__(self):
        return self.value()

    async def __aexit__(self, *raised):
        self.v[0] = self.v[1] * 2

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return self.value(1)


@program(X)
def asynchronous(x):
    async def main():
        waited, total = _Waited(x), 0.0
        async for value in _Waited(x):
            total += value * value
        async with waited as value:
            total += value * await waited
        return total * waited.value() + sum([value async for value in _Waited(x)])

    return asyncio.run(main())


class _Exponentials(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, math.exp(value))


class _Doubled(list):
    def extend(self, values):
        super().extend(2 * v for v in values)


@program(X)
def containers_that_change_what_they_store(x):
    table, doubled = _Exponentials(), _Doubled()
    table["a"] = x[0]
    doubled.extend([x[1]])
    return _sum_of(table) * _sum_of(doubled)


def _sum_of(values):
    total = 0.0
    for value in values.values() if isinstance(values, dict) else values:
        total += value
    return total


@program(X)
def programs_in_text(x):
    state = _State(x)  # noqa: F841  read by the text
    names = {"state": _State(x), "x": x}
    exec("def f(k):\n    return state.value(k) + 1.0\nx[0] += 1.0\ny = x[0] if 0 < x[1] < 9 else 0.0", names)
    total = eval("state.value(1)") * names["f"](0) + names["y"] + eval("[v * v for v in x][0]", {"x": x})
    return total + sum(v for v in names.values() if isinstance(v, float))


@program(X)
def writing_by_the_methods_name(x):
    y, values = np.zeros(3), [0.0, 0.0]
    y.__setitem__(0, x[0] * 2)
    y.__setitem__(slice(1, 3), x)
    values.__setitem__(1, x[1])
    return (y**2).sum() * values[1]


@program(X)
def weak_references(x):
    derived = _Derived(x)
    proxy = weakref.proxy(derived)
    return proxy.energy * proxy.value(1)


class _About:
    """Equal to what is about as large; its length, truth, contents and index are computed with ``math``."""

    def __init__(self, v):
        self.v = v

    def __eq__(self, other):
        return math.isclose(math.sqrt(self.v), math.sqrt(other.v))

    def __contains__(self, v):
        return math.exp(self.v) > v

    def __len__(self):
        return math.floor(math.exp(self.v))

    def __bool__(self):
        return math.log(self.v) > 0

    def __index__(self):
        return math.floor(math.exp(self.v))


@program(X)
def asked_for_what_does_not_vary(x):
    found = [_About(v) for v in (x[0], x[1], x[0] * x[1])]
    place = found.index(_About(x[1])) + found.count(_About(x[0])) * (_About(x[1]) in found) + len(found[0])
    chosen = [*range(20)][found[0]] + sum(range(found[1])) + "abcdefgh"[found[0]].count("c")
    found.remove(_About(x[1]))
    return place * x[0] + chosen * x[1] + sum(e.v**2 for e in filter(None, found)) + (1.5 in found[0]) * x[0]
