"""Arguments that refer to parts of themselves: methods, partials, weak references, closures, iterators, keys."""

import functools
import itertools
import threading
import weakref
from contextvars import ContextVar
from types import MappingProxyType, ModuleType, SimpleNamespace

import numpy as np
import pytest

from workbench import gradient, hessian_vector_product, pushforward, stop_gradient
from workbench.errors import NotDifferentiableError


class Spring:
    def __init__(self, k, x):
        self.k, self.x, self.log = k, x, []
        self.energy = self.harmonic
        self.scaled = functools.partial(self.times, 3.0)

    def harmonic(self):
        return 0.5 * self.k * self.x**2

    def times(self, scale):
        return scale * self.harmonic()

    @functools.cached_property
    def period(self):
        return 1.0 / self.k


class Parent:
    def __init__(self, k):
        self.k = k

    def twice(self):
        return 2 * self.k


class Registered:
    """Its class knows every object of it, which is no business of the one that a program gets."""

    all = []  # noqa: RUF012

    def __init__(self, n):
        self.n = n
        self.all.append(self)


KEPT = Parent(1.0)


def local_with(x):
    made = threading.local()
    made.x = x
    return made


class Child:
    def __init__(self, parent, x, reference):
        self.parent, self.x = reference(parent), x


def of_children(parent):
    return sum((c.parent() if callable(c.parent) else c.parent).k * c.x for c in parent.children)


@pytest.mark.parametrize(("call", "factor"), [(lambda s: s.energy(), 1.0), (lambda s: s.scaled(), 3.0)])
def test_methods_and_partials_kept_in_attributes_are_the_copys(call, factor):
    spring = Spring(2.0, 3.0)
    found = gradient(call)(spring)
    assert (found.k, found.x, found.energy) == (4.5 * factor, 6.0 * factor, None)
    value, push = pushforward(call, spring)
    assert value == 9.0 * factor
    assert push(SimpleNamespace(k=1.0, x=0.0, log=[])) == 4.5 * factor
    assert hessian_vector_product(call)(spring, SimpleNamespace(k=1.0, x=0.0, log=[])).x == 3.0 * factor
    assert gradient(lambda x: Spring(x, x).energy())(2.0) == 6.0
    assert gradient(lambda x: stop_gradient(Spring(x, x)).energy() * x)(2.0) == 4.0


@pytest.mark.parametrize("reference", [weakref.ref, weakref.proxy])
def test_weak_references_to_what_stands_further_out(reference):
    parent = Parent(2.0)
    parent.children = [Child(parent, 3.0, reference), Child(parent, 4.0, reference)]
    assert gradient(of_children)(parent).k == 7.0
    alone = Child(parent, 3.0, reference)
    assert gradient(lambda c: c.x * c.x)(alone).x == 6.0


class Generating:
    def __init__(self, k):
        self.k, self.items = k, self.numbers()
        next(self.items)

    def numbers(self):
        while True:
            yield self.k


def holding(make):
    parts = [SimpleNamespace(x=1.0), SimpleNamespace(x=2.0)]
    made = SimpleNamespace(k=2.0, A=np.eye(2), parts=parts, child=Parent(3.0))
    made.extra = make(made)
    return made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: lambda t: s.k * t, "lambda"),
        (lambda s: lambda t: s.A @ t, "lambda"),
        (lambda s: s.A.dot, "built-in method dot"),
        (lambda s: [].append, None),
        (lambda s: s.parts.append, "built-in method append"),
        (lambda s: iter(s.parts), "list_iterator"),
        (lambda s: functools.lru_cache(lambda: s.k), "lru_cache"),
        (lambda s: {"part": s.parts[0]}.get, "built-in method get"),
        (lambda s: lambda kept=[s.parts[0]]: kept, "lambda"),
        (lambda s: {"part": s.parts[0]}.values(), "dict_values"),
        (lambda s: MappingProxyType({"part": s.parts[0]}), "mappingproxy"),
        (lambda s: itertools.cycle([s.parts[0]]), "cycle"),
        (lambda s: (part for part in [s.parts[0]]), "generator"),
        (lambda s: np.array([s.parts[0], None]), "array"),
        (lambda s: memoryview(s.A), "memory at"),
        (lambda s: s.A.flat, "flatiter"),
        (lambda s: np.nditer(s.A), "nditer"),
        (lambda s: weakref.WeakValueDictionary(part=s.child), "weakref"),
        (lambda s: weakref.WeakKeyDictionary({Parent(1.0): 1.0, s.child: 2.0}), "key of a dict"),
        (lambda s: weakref.WeakMethod(s.child.twice), "weakref"),
        (lambda s: local_with(s.parts[0]), "_thread._local"),
        (lambda s: Registered(2), None),
        (lambda s: weakref.WeakValueDictionary(part=KEPT), None),
        (lambda s: itertools.cycle([1.0]), None),
        (lambda s: weakref.ref(s.parts[0].__class__), None),
        (lambda s: lambda t: t * t, None),
        (lambda s: len, None),
    ],
)
def test_what_would_go_on_with_the_original(make, message):
    made = holding(lambda s: make(s))
    if message is None:
        assert gradient(lambda s: s.k * s.k)(made).k == 4.0
        return
    with pytest.raises(NotDifferentiableError, match=message):
        gradient(lambda s: s.k * s.k)(made)


def test_sets_of_what_stands_elsewhere_in_it_too():
    nodes = [Parent(1.0), Parent(2.0)]
    with pytest.raises(NotDifferentiableError, match="in it refers to a part of it"):
        gradient(lambda graph: sum(n.k for n in graph[1]))((nodes, set(nodes)))


def test_keys_generators_and_what_has_been_computed_before():
    with pytest.raises(NotDifferentiableError, match="generator object"):
        gradient(lambda g: next(g.items))(Generating(2.0))
    node = Spring(1.0, 2.0)
    for graph in ({"nodes": [node], "edges": {node: 1.0}}, {"nodes": [node], "edges": {(node, 0): 1.0}}):
        with pytest.raises(NotDifferentiableError, match="key of a dict"):
            gradient(lambda g: g["nodes"][0].k)(graph)
    assert gradient(lambda s: s.period)(node).k == -1.0
    assert node.period == 1.0
    with pytest.raises(NotDifferentiableError, match="'period' in it has been computed before"):
        gradient(lambda s: s.period)(node)


def test_generated_code_does_not_read_the_original_either():
    A = np.array([1.0, 2.0])

    def program(pair):
        total = 0.0
        for _ in range(3):
            total = total + pair[0].sum() * pair[1]()
        return total

    with pytest.raises(NotDifferentiableError, match="refers to a part of it"):
        gradient(program)((A, lambda: A.sum()))


def with_module(parent):
    made = ModuleType("settings")
    made.parent = parent
    return made


def with_class(parent):
    return type("Settings", (), {"parent": parent})


def with_variable(parent):
    made = ContextVar("settings")
    made.set([parent])
    return made


@pytest.mark.parametrize("keep", [with_module, with_class, with_variable])
def test_parts_in_a_module_a_class_or_a_variable_of_the_context_are_refused(keep):
    parent = Parent(2.0)
    with pytest.raises(NotDifferentiableError, match=r"refers to a part of it(.|\n)*one of the two places"):
        gradient(lambda state: state["parent"].k ** 2)({"parent": parent, "settings": keep(parent)})
    apart = {"parent": parent, "settings": keep(Parent(2.0)), "numbers": np, "kind": Parent}
    assert gradient(lambda state: state["parent"].k ** 2)(apart)["parent"].k == 4.0


def test_arrays_in_a_module_are_refused():
    array, settings = np.array([1.0, 2.0]), ModuleType("settings")
    settings.array = array[1:]
    with pytest.raises(NotDifferentiableError, match="refers to a part of it"):
        gradient(lambda state: state["array"].sum())({"array": array, "settings": settings})
