"""Attributes with code behind them that is not a property's getter alone."""

import functools
import math
import operator
import weakref

import numpy as np

from . import program

X = np.array([0.5, -1.0, 2.0, 1.5])


class _State:
    def __init__(self, x):
        self.v = np.zeros(2)
        self.v[:] = x[:2] * 2


class _Scaled(property):
    """A property that answers to what its getter gives with twice of it, and keeps what is set as half of it."""

    def __get__(self, obj, cls=None):
        return self if obj is None else 2.0 * super().__get__(obj, cls)

    def __set__(self, obj, value):
        super().__set__(obj, 0.5 * value)


class _Lazy(property):
    """Kept under its own name, by a bound method that is the getter."""

    def __init__(self, method):
        self.method, self.name = method, method.__name__
        super().__init__(self.read)

    def read(self, obj):
        return obj.__dict__.setdefault(self.name, self.method(obj))


class _Body(_State):
    @_Scaled
    def energy(self):
        return self.v @ self.v + getattr(self, "shift", 0.0)

    @energy.setter
    def energy(self, value):
        self.shift = value * self.v[0]

    @_Lazy
    def norm(self):
        return np.sqrt(self.v[0] ** 2 + self.v[1] ** 2)

    part = property(functools.partial(lambda k, self: self.v[k] ** 3, 1))
    whole = property(operator.attrgetter("v"))


@program(X)
def properties_of_other_kinds(x):
    body = _Body(x)
    total = body.energy * body.norm + body.part + body.whole[0]
    body.energy = x[2]
    return total + body.energy * _Scaled.__get__(_Body.energy, body) + property.__get__(_Body.part, body)


class _Series(np.ndarray):
    @_Scaled
    def power(self):
        return np.asarray(self) @ np.asarray(self)


@program(X)
def properties_of_other_kinds_of_arrays(x):
    return (x * 2.0).view(_Series).power


class _Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    @_Scaled
    def area(self):
        return self.x * self.y


@program(0.5, 1.5)
def properties_of_other_kinds_of_numbers_alone(x, y):
    return _Point(x, y).area * x


class _Bound:
    """A method that a descriptor of the program's own binds."""

    def __init__(self, function):
        self.function = function

    def __get__(self, obj, cls):
        return self if obj is None else functools.partial(self.function, obj)


class _Length:
    def __init__(self, x):
        self.x = x

    @functools.singledispatchmethod
    def __mul__(self, other):
        return _Length(self.x * math.sin(other.x))

    @__mul__.register
    def _(self, other: float):
        return _Length(self.x * math.exp(other))

    def _with(self, other, how):
        return _Length(how(self.x, math.cos(other.x)))

    __add__ = functools.partialmethod(_with, how=operator.add)
    __rmul__ = functools.partialmethod(__mul__)
    __call__ = _Bound(lambda self, y: self.x * math.sin(y))


class _Row(np.ndarray):
    __mul__ = _Bound(lambda self, other: float(self[0]) * math.sin(other))


@program(0.5, 1.5)
def operators_that_descriptors_bind(x, y):
    a, b = _Length(x), _Length(y)
    return (a * b + b * x).x * a(y) + (y * b).x


class _Law(_State):
    """What its attributes give is called where they are read."""

    @property
    def scaled(self):
        factor = self.v[0] * 2.0
        return lambda t: factor * t

    @functools.cached_property
    def polynomial(self):
        return np.polynomial.Polynomial(np.append(self.v, math.sin(self.v[1])))

    def __getattr__(self, name):
        power = self.v[1] ** 2
        return lambda t: power * t


class _Kinds(type):
    @property
    def of_kind(cls):
        scale = cls.kept[0] * 3.0
        return lambda t: scale * t


@program(X)
def attributes_that_are_called(x):
    law = _Law(x)
    kind = _Kinds("Kind", (), {"kept": law.v})
    total = law.scaled(3.0) + law.polynomial(x[2]) * law.of_no_class(2.0) + kind.of_kind(0.5)
    return total + weakref.proxy(law).scaled(x[3])


def _of_array(name):
    return property(lambda self: getattr(np.asarray(self), name))


class _Cell:
    """What Python asks for as a method is a property, which gives the method of the array inside."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype=dtype)

    for (
        _name
    ) in "__getitem__ __setitem__ __len__ __iter__ __contains__ __add__ __rmul__ __neg__ __lt__".split():
        locals()[_name] = _of_array(_name)


@program(X)
def special_methods_that_properties_give(x):
    cell, other = _Cell(np.zeros(4)), _Cell(2.0 * x)
    cell[:] = other
    cell[1] = x[0] * x[2]
    total = (
        sum(a * b for a, b in zip(cell, -other, strict=True)) if 9.0 not in other and len(cell) == 4 else 0.0
    )
    return total + ((3.0 * cell)[1:] @ (other + x)[1:]) + float(np.sum(cell < x))


@program(X)
def operators_of_arrays_that_descriptors_bind(x):
    return x.view(_Row) * x[1]


@program(X)
def attributes_that_arrays_do_not_have(x):
    y = _State(x).v
    try:
        y.name = "of a series only"
    except AttributeError:
        y = y * 3.0
    return y @ x[:2]
