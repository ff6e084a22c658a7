"""Containers, classes, objects."""

import collections
import copy
import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import program


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Spring:
    stiffness: float
    length: float
    name: str = "spring"

    @property
    def energy(self):
        return 0.5 * self.stiffness * self.length**2

    def stretched(self, by):
        return dataclasses.replace(self, length=self.length + by)


@dataclass
class Account:
    balance: float
    history: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.history.append(self.balance)

    def pay(self, amount):
        self.balance -= amount
        self.history.append(self.balance)


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + math.sin(other.y))

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __iadd__(self, other):
        self.x += other.x
        self.y += math.cos(other.y)
        return self

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __getitem__(self, k):
        return (self.x, self.y)[k]

    def __lt__(self, other):
        return abs(self) < abs(other)

    def __radd__(self, other):
        return self if other == 0 else NotImplemented

    def __iter__(self):
        yield self.x
        yield self.y


class Base:
    def __init__(self, k):
        self.__k = k

    def value(self, x):
        return self.__k * x

    @classmethod
    def made(cls, x):
        return cls(x * 2)

    @staticmethod
    def twice(x):
        return 2 * math.tanh(x)


class Derived(Base):
    def __init__(self, k):
        super().__init__(k * 2)
        self.extra = k

    def value(self, x):
        return super().value(x) + self.extra**2


@program(1.0, 2.0)
def tuples_and_lists(x, y):
    t = (x, [y, x * y], {"a": x})
    (a, [b, *rest], d) = t
    items = [a, b, *rest]
    items.append(x**2)
    items.insert(0, y)
    last = items.pop()
    items[1:3] = [y * y]
    items.extend([x, y])
    del items[0]
    return sum(items) * last + d["a"] + items[-1] * len(items)


@program({"w": [1.0, 2.0], "b": 0.5, "n": 3})
def nested_argument(p):
    return p["w"][0] * p["w"][1] ** p["n"] + p["b"] * p["n"]


@program(Spring(2.0, 0.5))
def dataclass_argument(s):
    return s.energy + s.stretched(0.1).energy + dataclasses.asdict(s)["length"]


@program(Vector(1.0, 2.0))
def object_argument(v):
    return v.x * v.y**2


@program(Point(1.0, 2.0))
def named_tuple(p):
    q = p._replace(x=p.y * 2)
    return p.x * q.x + q.y


@program(3.0, 0.5)
def operators(a, b):
    u, v = Vector(a, b), Vector(b, a * b)
    w = u + 2 * v * a
    w += -u
    return abs(w) + w[0] * max(u, v).x + sum([u, v]).y + sorted([u, v])[0].x + sum(p * p for p in w)


@program(3.0)
def inheritance(x):
    d = Derived.made(x)
    return d.value(x) + Base.twice(x) + Derived(x).extra


@program(10.0, 0.3)
def mutable_object(start, fee):
    a = Account(start)
    for k in range(4):
        a.pay(fee * k * a.balance / 10)
    return a.balance + sum(a.history) * fee


@program(2.0)
def dictionaries(x):
    d = {"a": x}
    d["b"] = d["a"] * x
    d.update(c=d["b"] + 1)
    d.setdefault("e", x * 5)
    total = d.pop("a") + d.get("zz", x)
    for value in d.values():
        total += value**2
    counts = collections.defaultdict(float)
    for k, v in d.items():
        counts[k[0]] += v
    return total * counts["c"]


@program(2.0)
def other_containers(x):
    q = collections.deque([x, x * 2], maxlen=3)
    q.append(x**3)
    q.append(x**2)
    q.rotate(1)
    chain = collections.ChainMap({"u": x}, {"v": q[0]})
    return q[0] * q[2] + chain["v"] * len({"p", "q"})


class Node:
    def __init__(self, value, children=()):
        self.value = value
        self.children = list(children)

    def total(self):
        return self.value + sum(math.sin(c.total()) for c in self.children)


@program(0.7)
def trees(x):
    tree = Node(x, [Node(x * 2), Node(x * x, [Node(3.0 * x)])])
    other = copy.deepcopy(tree)
    other.children[0].value *= x
    shallow = copy.copy(tree)
    shallow.value = 5 * x
    return tree.total() + other.total() + shallow.total()


class Chain:
    def __init__(self, n, x):
        self.n, self.x = n, x

    def __iter__(self):
        self.k = 0
        return self

    def __next__(self):
        if self.k >= self.n:
            raise StopIteration
        self.k += 1
        return math.exp(-self.k * self.x)

    def __len__(self):
        return self.n

    def __contains__(self, v):
        return v == self.x

    def __enter__(self):
        return self.x * 2

    def __exit__(self, *rest):
        return False


@program(0.7)
def protocols(x):
    total = 0.0
    for v in Chain(3, x):
        total += v
    with Chain(2, x) as y:
        total *= y
    return total * len(Chain(4, x)) if x in Chain(1, x) else total


@program(np.array([1.0, 2.0, 3.0]))
def array_attribute(x):
    class State:
        pass

    s = State()
    s.u = np.zeros(3)
    s.u[1:] = x[:2] * 2
    s.u += x
    s.total = s.u.sum()
    return s.total * s.u[0] + s.u.T @ s.u


@dataclasses.dataclass
class _Prepared:
    a: float
    values: np.ndarray = None
    more: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.values = np.zeros(2)
        self.values[0] = self.a**2
        self.energy = np.sum(self.values) * math.exp(self.a)


@program(0.7, 1.3)
def dataclasses_prepared_after_init(a, b):
    @dataclasses.dataclass
    class Local:
        x: float
        y: float = 2.0

        def __post_init__(self):
            self.z = math.sin(self.x) * self.y

    p = _Prepared(a)
    q = dataclasses.replace(p, a=b)
    fields = dataclasses.asdict(q)
    first, values, _ = dataclasses.astuple(p)
    local = Local(a)
    return p.energy * q.energy + fields["values"][0] * first * values.sum() + local.z * Local(b, a).z


class _Labelled(_Prepared):
    def __init__(self, label, a):
        super().__init__(a)
        self.label = label


class _Bounded(_Prepared):
    def __init__(self, a):
        _Prepared.__init__(self, a=-a)

    def __setattr__(self, name, value):
        super().__setattr__(name, math.fabs(value) if name == "a" else value)


@program(0.7, 1.3)
def inits_of_dataclasses_called_from_derived_classes(a, b):
    labelled, bounded = _Labelled("first", a), _Bounded(b)
    return labelled.energy * labelled.a + bounded.energy * bounded.values[0]


class _Ball:
    def __init__(self, x, v):
        self.x, self.v, self.path = x, v, [x]

    def advance(self, dt):
        self.v -= 9.81 * dt
        self.x += self.v * dt
        self.path.append(self.x)


@program(_Ball(1.0, 2.0), {"dt": 0.1, "all": [0.5, np.array([1.0, 2.0])]})
def arguments_that_the_program_changes(ball, options):
    for _ in range(3):
        ball.advance(options["dt"])
    ball.highest = max(ball.path)
    options["dt"] = options["dt"] * 2
    options["all"][0] = options["all"].pop() * options["dt"]
    options["new"] = ball.x
    return ball.x * ball.highest + options["new"] ** 2 + options["all"][0].sum()
