"""Subclasses of NumPy's arrays: made in every way there is, with attributes, methods, operators and overrides."""

import copy

import numpy as np

from . import program

X = np.array([0.7, -1.3, 2.1])
A = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.2], [0.6, -0.7, 3.0]])


class Signal(np.ndarray):
    """By ``view``; it keeps a rate, which may vary."""

    def __new__(cls, values, rate=1.0):
        made = np.asarray(values, dtype=float).view(cls)
        made.rate = rate
        return made

    def __array_finalize__(self, parent):
        self.rate = getattr(parent, "rate", 1.0)

    @property
    def duration(self):
        return len(self) / self.rate

    def energy(self):
        return (self**2).sum() / self.rate

    @classmethod
    def ramp(cls, slope):
        return cls(slope * np.arange(3.0), rate=2.0)

    def mean(self, *args, **kwargs):
        return 10.0 * super().mean(*args, **kwargs)


class Pair(np.ndarray):
    """By ``ndarray.__new__`` over the memory of another array; it multiplies as complex numbers do."""

    def __new__(cls, values):
        values = np.array(values, dtype=float)
        made = super().__new__(cls, values.shape, float, values)
        made.parts = values
        return made

    def __mul__(self, other):
        if not isinstance(other, Pair):
            return Pair(self.parts * other)
        (a, b), (c, d) = self.parts, other.parts
        return Pair([a * c - b * d, a * d + b * c])

    def __rmul__(self, other):
        return Pair(other * np.asarray(self))

    def __getitem__(self, index):
        return 2.0 * super().__getitem__(index)

    def __eq__(self, other):
        return isinstance(other, Pair) and bool(np.all(np.asarray(self) == np.asarray(other)))

    __hash__ = None


class Metres(np.ndarray):
    """By ``__array_ufunc__``: it knows the power of its unit."""

    power = 1

    def __array_finalize__(self, parent):
        self.power = getattr(parent, "power", 1)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        plain = [np.asarray(x) for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(np.asarray(x) for x in out)
        found = super().__array_ufunc__(ufunc, method, *plain, **kwargs)
        power = self.power
        if ufunc is np.multiply:
            power = sum(getattr(x, "power", 0) for x in inputs)
        elif ufunc is np.sqrt:
            power = self.power / 2
        elif ufunc not in (np.add, np.subtract, np.maximum):
            return found
        found = np.asarray(found).view(type(self))
        found.power = power
        return found

    def __array_function__(self, function, types, args, kwargs):
        if function is np.linalg.norm:
            return 100.0 * np.linalg.norm(np.asarray(args[0]))
        return super().__array_function__(function, types, args, kwargs)


class Plain(np.ndarray):
    """Nothing of its own."""


def weighed(x):
    return float(np.sum(np.asarray(x).ravel() * np.arange(1.0, 1.0 + np.size(x))))


@program(X, 1.7)
def attributes_and_methods(x, rate):
    s = Signal(x, rate)
    assert isinstance(s, Signal) and type(s) is Signal and isinstance(s, np.ndarray)
    t = s * 2.0 + 1.0
    assert type(t) is Signal
    return (
        t.energy()
        + s.duration
        + t.rate
        + t[1:].energy() * t.T.rate
        + s.mean()
        + np.mean(s)
        + Signal.ramp(x[0]).energy()
    )


@program(X)
def attributes_change(x):
    s = Signal(x, 2.0)
    s.rate = x[1] ** 2
    t = s.copy()
    t.rate = t.rate + s[0]
    u = copy.copy(t)
    v = copy.deepcopy(t)
    setattr(v, "rate", u.rate * x[2])
    return s.energy() * t.energy() + u.rate * v.energy() + (hasattr(s, "rate") + hasattr(s, "none")) * x[0]


@program(X)
def written_into(x):
    s = Signal(np.zeros(3), 3.0)
    s[:2] = x[1:]
    s[2] = x[0] * s[0]
    s += x
    s *= 2
    t = Signal(x.copy())
    t[0] = 5.0
    t[1:] *= s[:-1]
    v = t.view(np.ndarray)
    v[2] = x[1]
    return s.energy() + weighed(t) + weighed(np.asarray(s) * v)


@program(X)
def made_plain_and_filled(x):
    s = np.empty(3).view(Plain)
    s.tag = x[0]
    s[...] = x**2
    t = np.zeros((2, 3)).view(Plain)
    t[1] = s
    assert type(s * 2) is Plain and type(t[1]) is Plain
    return (t @ s).sum() * s.tag + s.max() + sum(e for e in s) + sum(row.sum() for row in t) + weighed(s.flat)


@program(np.array([0.3, -0.8]), 0.6)
def own_operators(x, y):
    p, q = Pair(x), Pair([y, 2.0])
    r = p * q * 3.0
    s = Pair(np.asarray(y * p) + np.asarray(x[0] * q))
    t = np.array([1.0, 2.0]) * p
    constant = Pair([1.0, -2.0])
    u = constant * p
    assert type(r) is Pair and type(t) is Pair and p == Pair(x) and not p == q and not u == p
    return weighed(r) + weighed(s * s) + r[1] * x[1] + weighed(t) + weighed(u) + weighed(-p)


@program(X)
def own_universal_functions(x):
    m, n = x.view(Metres), np.array([1.0, 2.0, 3.0]).view(Metres)
    area = m * n
    assert area.power == 2 and type(area) is Metres
    area += m * m
    side = np.sqrt(area * area + 1.0)
    assert side.power == 2 and (side > 0).all()
    total = np.add.reduce(m) * np.linalg.norm(m) + np.linalg.norm(np.concatenate([m, n]))
    return weighed(area) + weighed(side) * side.power + weighed(total) + weighed(np.exp(n * m))


@program(X, A)
def functions_of_numpy(x, a):
    s, b = Signal(x, 3.0), Signal(a, 2.0)
    kept = [
        np.sin(s), np.cumsum(s), np.clip(s, 0.0, 2.0), np.sort(s), abs(s), -s, s**2, np.reshape(s, (3, 1)), np.roll(s, 1),
        np.sum(s), s.sum(), s.std(), np.median(s), s @ s, b @ s, np.linalg.solve(b, s), s.round(1) + s,
        np.diff(s), np.add.reduce(s), np.arctan2(s, 2.0), np.maximum(s, 0.1), np.atleast_2d(s), np.squeeze(s), s[...], s.ravel(),
        s[s > 0], s.take([0, 1]), np.asanyarray(s), np.array(s, subok=True), s.astype(float), s.view(), np.zeros_like(s) + s,
    ]  # fmt: skip
    assert all(type(k) is Signal for k in kept), [type(k).__name__ for k in kept]
    assert all(k.rate == (2.0 if k is kept[14] else 3.0) for k in kept if k is not kept[15])
    bare = [
        np.concatenate([s, s]), np.dot(s, s), s.dot(s), np.linalg.norm(s), np.cross(s, x), np.where(s > 0, s, 0.0), np.stack([s, s]), np.copy(s),
        np.outer(s, s), np.einsum("i,i->i", s, s), np.array([s, s]), np.trace(b), np.array(s), np.asarray(s), s[1], np.diag(s),
    ]  # fmt: skip
    assert not any(isinstance(k, Signal) for k in bare[:-2]), [type(k).__name__ for k in bare]
    return sum(weighed(k) for k in kept + bare)


class _Unwilling(np.ndarray):
    """An array of which NumPy's functions take nothing."""

    def __array_function__(self, func, types, args, kwargs):
        raise TypeError(func.__name__)

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        raise TypeError(ufunc.__name__)


@program(X)
def arrays_of_a_class_that_nobody_may_compare(x):
    weights, records = np.zeros(3), np.ndarray.__new__(_Unwilling, (2,), [("a", float)])
    weights[:] = np.ones(3).view(_Unwilling)
    bare = records.view(np.ndarray)
    bare["a"] = 2.0
    assert bare.ctypes.data
    return (weights * x) @ x * bare["a"][0]


@program(A)
def matrices(a):
    m, n = np.matrix(a), np.asmatrix(a[:, :2])
    assert (
        isinstance(m * n, np.matrix)
        and (m * n).shape == (3, 2)
        and m[0].shape == (1, 3)
        and m.sum(axis=0).shape == (1, 3)
    )
    column = np.matrix([1.0, 2.0, 3.0]).T
    return (
        weighed(m * n) + weighed(m.T * m.I * column) + m[0, 1] * weighed(m[0]) + m.sum() * weighed(m.sum(axis=1))
        + weighed(m.A1) * weighed(m**2) + weighed(np.bmat([[m, column]])) + weighed(2.0 * m - m / 3.0) + m.max() + weighed(m.H)
        + (column.T * m * column).item() + weighed(np.multiply(m, m)) + weighed(m.mean(axis=0))
    )  # fmt: skip


@program([X, X + 1.0])
def in_containers(xs):
    signals = [Signal(x, 2.0 + k) for k, x in enumerate(xs)]
    table = {"first": signals[0], "sum": sum(signals)}
    longest = max(signals, key=lambda s: s.energy())
    return (
        table["first"].energy() * table["sum"].energy()
        + longest.energy()
        + sum(s[0] * s.rate for s in signals)
    )


class Counted(np.ndarray):
    def __init__(self, *args, **kwargs):
        self.count = 3.0


@program(X)
def made_over_memory(x):
    s, t, y = Counted((3,), buffer=x), Plain((1, 3), float), np.zeros(4)
    t[...] = x[::-1]
    view = np.ndarray((2,), float, y, 8)
    y[:3] = x
    return (
        s.sum() * s.count + (s * t).sum() + view @ view + np.ndarray((3,), buffer=x)[1] * isinstance(t, Plain)
    )
