"""Subclasses of arrays and numbers as packages write them: quantities, tracked arrays, matrices, money, probabilities."""

import copy
import math
import weakref
from dataclasses import dataclass

import numpy as np

from . import program

X = np.array([0.7, -1.3, 2.1])


class Quantity(np.ndarray):
    """With a unit that ``__array_ufunc__`` works out, as in unyt and astropy."""

    __array_priority__ = 1000

    def __new__(cls, value, unit):
        made = np.array(value, dtype=float).view(cls)
        made._unit = dict(unit) if isinstance(unit, dict) else {unit: 1}
        return made

    def __array_finalize__(self, parent):
        if parent is not None:
            self._unit = getattr(parent, "_unit", {})

    @property
    def unit(self):
        return "*".join(f"{name}^{power}" for name, power in sorted(self._unit.items()) if power)

    @property
    def value(self):
        return self.view(np.ndarray)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        units = [getattr(x, "_unit", {}) for x in inputs]
        unit = units[0]
        if ufunc in (np.add, np.subtract) and len(units) == 2 and units[0] != units[1]:
            raise ValueError(f"{units[0]} and {units[1]}")
        if ufunc in (np.multiply, np.divide):
            sign = 1 if ufunc is np.multiply else -1
            names = {*units[0], *units[1]}
            unit = {name: units[0].get(name, 0) + sign * units[1].get(name, 0) for name in names}
        elif ufunc is np.square:
            unit = {name: power * 2 for name, power in unit.items()}
        elif ufunc is np.tan:
            return NotImplemented
        plain = [x.view(np.ndarray) if isinstance(x, Quantity) else x for x in inputs]
        out = kwargs.pop("out", None)
        if out is not None:
            kwargs["out"] = tuple(o.view(np.ndarray) if isinstance(o, Quantity) else o for o in out)
        found = super().__array_ufunc__(ufunc, method, *plain, **kwargs)
        if ufunc in (np.equal, np.less, np.isfinite):
            return found
        if out is None:
            return Quantity(found, unit)
        if isinstance(out[0], Quantity):
            out[0]._unit = unit
        return out[0]

    def __getitem__(self, key):
        return Quantity(super().__getitem__(key), self._unit)

    def __repr__(self):
        return f"<{self.value} {self.unit}>"

    def __format__(self, spec):
        return f"{self.value.item():{spec}} {self.unit}"

    def __hash__(self):
        return hash(self.value.tobytes()) ^ hash(self.unit)

    def __float__(self):
        return float(self.value.item())


class Tracked(np.ndarray):
    """It knows whether it has changed, as in trimesh."""

    def __array_finalize__(self, parent):
        self.dirty = True

    def __hash__(self):
        if self.dirty:
            self.known, self.dirty = hash(self.tobytes()), False
        return self.known

    def __setitem__(self, *args):
        self.dirty = True
        super().__setitem__(*args)

    def __iadd__(self, other):
        self.dirty = True
        parent = super()
        return parent.__iadd__(other)


class Slotted(np.ndarray):
    __slots__ = ("rate",)

    def __new__(cls, values, rate):
        made = np.asarray(values, dtype=float).view(cls)
        made.rate = rate
        return made

    def __array_finalize__(self, parent):
        self.rate = getattr(parent, "rate", 1.0)


class Wrapping(np.ndarray):
    """It notes by ``__array_wrap__`` what it has been through."""

    history = ()

    def __array_wrap__(self, array, context=None, *number):
        made = super().__array_wrap__(array, context, *number)
        if context is not None:
            made.history = (*self.history, (context[0].__name__, len(context[1]), context[2]))
        return made


class Wrapping2(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        return array[()] if return_scalar else array.view(type(self))


class Polynomial(np.ndarray):
    def __new__(cls, coefficients, variable):
        return np.array(coefficients, dtype=float).view(cls)

    def __init__(self, coefficients, variable):
        super().__init__()
        self.variable = variable

    def __call__(self, x):
        return sum(c * x**k for k, c in enumerate(self))

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return None

    def sum(self, *args):
        parent = super()
        return parent.sum(*args) + 1.0


class Guarded(np.ndarray):
    """With attributes of its own making, set, read and deleted by its methods."""

    total = np.ndarray.sum

    def __getattribute__(self, name):
        return 2.0 * self if name == "double" else object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        super().__setattr__(name, value / 2 if name == "half" else value)

    def __delattr__(self, name):
        object.__delattr__(self, name)

    @property
    def fixed(self):
        return 1.0


class Money(float):
    """It adds to money of its own currency, and gives up on other numbers."""

    def __new__(cls, value, currency="EUR"):
        made = super().__new__(cls, value)
        made.currency, made.notes = currency, []
        return made

    def __add__(self, other):
        return Money(super().__add__(other), self.currency) if isinstance(other, Money) else NotImplemented

    def __eq__(self, other):
        return float(self) == float(other) if isinstance(other, Money) else NotImplemented

    def __hash__(self):
        return hash((float(self), self.currency))

    def __str__(self):
        return f"{float(self):.2f} {self.currency}"


class Probability(float):
    def __invert__(self):
        return Probability(1 - self)

    def __and__(self, other):
        return Probability(self * other)

    def __iter__(self):
        return iter([self, ~self])


class Times(int):
    """A whole number that multiplies by a rate; a float beside it does not ask."""

    def __new__(cls, value, rate):
        made = super().__new__(cls, value)
        made.rate = rate
        return made

    def __mul__(self, other):
        return int(self) * other * self.rate

    __rmul__ = __mul__


class Point(float):
    __slots__ = ("name",)


class Ring(float):
    """It stores by methods of its own."""

    def __init__(self, value):
        super().__init__()
        self.twice = 2 * value

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value * 10)


@program(X, 1.4)
def quantities(x, mass):
    v = Quantity(x, "m") / Quantity(2.0, "s")
    energy = 0.5 * Quantity(mass, "kg") * v**2
    assert energy.unit == "kg^1*m^2*s^-2"
    out = Quantity(np.empty(3), "m")
    np.multiply(v, v, out=out)
    np.add(out, out, out)
    assert out.unit == "m^2*s^-2" and f"{v[0]:.2f}" == "0.35 m^1*s^-1" and "s^-1" in repr(v)
    v *= 3.0
    stored = {v[0]: 2.0, "other": v}
    try:
        np.tan(v)
    except TypeError:
        return float(energy.value.sum()) + float(out[1]) * float(v[0]) * stored[v[0]]


@program(X)
def tracked(x):
    t = x.copy().view(Tracked)
    before = hash(t)
    t += 1.0
    assert t.dirty and hash(t) != before and not t.dirty
    t[0] = x[1] * 2
    kept = {hash(t): t.sum()}
    return kept[hash(t)] * float(t[1]) + {t: t[2]}[t]


@program(X, 1.3)
def slotted(x, rate):
    s = Slotted(x, rate)
    t = s * 2.0
    t.rate = t.rate * rate
    filled = Slotted(np.zeros(3), 2.0)
    filled[:] = x
    filled.rate = filled.rate * x[0]
    assert not hasattr(s, "__dict__")
    try:
        s.name = 1.0
    except AttributeError:
        return s.rate * t.rate * t.sum() + (filled * 1.0).rate * filled.sum()


@program(X)
def wrapped(x):
    s = np.sin(x.view(Wrapping)) + 1.0
    assert s.history == (("sin", 1, 0), ("add", 2, 0))
    total = np.exp(x.view(Wrapping2)).sum()
    assert not isinstance(total, Wrapping2)
    return (s * s).sum() * total


@program(X, 1.3)
def called_and_entered(x, t):
    with Polynomial(x, "t") as p:
        assert callable(p) and not callable(x) and p.variable == "t"
        return p(t) * float(p.sum()) + sum(map(p, [t, 2.0]))


@program(X)
def guarded(x):
    g = x.view(Guarded)
    g.half, g.other = x[0], x[1]
    del g.other
    assert not hasattr(g, "other")
    try:
        g.fixed = x[1]
    except AttributeError:
        return g.half * float(g.double.sum()) + g.total()


@program(X)
def filled_while_it_is_read(x):
    s = np.zeros(3).view(Wrapping2)
    total = 0.0
    for k, value in enumerate(s):
        if k < 2:
            s[k + 1] = value + x[k]
        total += value**2
    w = np.zeros((2, 3)).view(Wrapping2)
    w[0], w[1] = x, 2.0
    w.real = w.real * 2
    w.flat[1] = x[0] ** 2
    plain = np.zeros(3)
    plain += w[0]
    return total + (plain * s).sum()


@program(3.3, 1.2)
def money(x, y):
    a, b = Money(x), Money(y)
    assert str(a + b) == "4.50 EUR" and a == Money(x) and a != b and a == float(x) and {a: 1}[Money(x)] == 1
    assert "%s" % a == "3.30 EUR"
    a.notes.append(y)
    c, d = copy.copy(a), copy.deepcopy(a)
    d.notes.append(2.0)
    assert c.notes is a.notes and len(a.notes) == 1
    try:
        Money(x) + 1
    except TypeError:
        return (a + b) * d.notes[0] + (a + y) + np.array([a, 2.0]).sum() * np.linspace(0.0, b, 3)[1]


@program(0.3, 0.6)
def probabilities(p, q):
    p, q = Probability(p), Probability(q)
    yes, no = ~(p & ~q)
    return yes * no


@program(1.3)
def of_whole_and_stored_numbers(x):
    n = Times(3, x)
    point, ring = Point(x), Ring(x)
    point.name = x
    try:
        point.other = 1.0
    except AttributeError:
        return n * x + x * n + 2 * n + point * point.name + ring.twice * math.sqrt(ring)


class Storing:
    """It converts whatever is stored in it, as in astral."""

    def __setattr__(self, name, value):
        super().__setattr__(name, np.asarray(value, dtype=float) * 2)


@dataclass
class Place(Storing):
    position: object
    height: object = 1.0


@dataclass
class Above(Place):
    def __post_init__(self):
        self.both = np.append(self.position, self.height)


class Unasked(Place):
    """Not a dataclass itself: the ``__init__`` that it inherits knows of no ``__post_init__``."""

    def __post_init__(self):
        raise AssertionError


@program(X, 1.3)
def stored_by_a_generated_init(x, height):
    low, high = Place(list(x)), Above(x, height)
    low.height = [height, x[0]]
    return Unasked(x, height).height * low.position.sum() * low.height.prod() + high.both @ high.both


@program(X)
def referred_to_and_written(x):
    s = x.view(Wrapping2)
    kept = weakref.WeakValueDictionary(s=s)
    assert "%s" % s == str(s) == f"{s}" and weakref.ref(s)() is s
    return kept["s"].max() * s.sum()


class Counting(np.ndarray):
    """It counts the universal functions, and doubles what they reduce to."""

    calls = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        Counting.calls += 1
        inputs = [x.view(np.ndarray) if isinstance(x, Counting) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) if isinstance(x, Counting) else x for x in out)
        found = getattr(ufunc, method)(*inputs, **kwargs)
        if out is not None:
            return out[0]
        return found.view(Counting) if method == "__call__" and np.ndim(found) else 2.0 * found


@program(X)
def reduced_by_its_own_ufuncs(x):
    Counting.calls = 0
    s, m = x.view(Counting), np.outer(x, x).view(Counting)
    found = [
        s.sum(), s.mean(), s.std(), s.max(), s.prod(), s.cumsum(), s.clip(0.0, 1.0), m.trace(), m.sum(axis=1),
        np.sum(s), np.mean(s), np.var(s), np.min(s), np.median(s), np.cumprod(s), np.clip(s, 0.0, 1.0), np.nanmax(s),
        np.average(s), np.add.reduce(s, 0), np.trapezoid(s), np.nanmean(s), np.ptp(s), s.any() + s.all(),
    ]  # fmt: skip
    s += 1.0
    return sum((k + 1) * float(np.sum(np.asarray(y))) for k, y in enumerate(found)) * Counting.calls


class Open(np.ndarray):
    """Its attributes are listed, replaced and moved to another class."""

    def __dir__(self):
        return [*super().__dir__(), "extra"]


class Closed(Open):
    def factor(self):
        return 3.0 * self.rate


@program(X)
def attributes_as_a_whole(x):
    s = x.view(Open)
    s.rate = x[0]
    assert {"extra", "rate", "sum"} <= set(dir(s))
    s.__dict__ = {"rate": s.rate * x[1]}
    s.__class__ = Closed
    return s.factor() * float(s.sum())
