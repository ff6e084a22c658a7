"""What functions that a solver calls do beside giving a number: counts, points that they keep, draws, iterators."""

import bisect
import functools
import heapq
import itertools
import operator

import numpy as np
import pytest
import scipy.optimize as so

from workbench import gradient, hessian, pushforward, value_and_gradient
from workbench.errors import MissingRuleError


class Counter:
    n = 0

    def __init__(self, x=None):
        type(self).made = getattr(type(self), "made", 0) + 1

    def count(self, x):
        self.n += 1
        return x

    def __lshift__(self, x):
        return self.count(x)

    def __enter__(self):
        self.n += 1

    def __exit__(self, *error):
        pass


class Outer:
    def __init__(self):
        self.inner = Counter()

    def ask(self, x, a):
        return (self.inner.count(x) - a) ** 2


def searched(loss, a, *args):
    return so.minimize_scalar(loss, args=(a, *args))


def deep_inside(a):
    outer = Outer()
    searched(outer.ask, a)
    return outer.inner.n


def in_a_list(a):
    held = [Counter()]
    searched(lambda x, a: (held[0].count(x) - a) ** 2, a)
    return held[0].n


def handed_over(a):
    counter = Counter()
    searched(lambda x, a, counter: (counter.count(x) - a) ** 2, a, counter)
    return counter.n


def by_default(a):
    counter = Counter()

    def loss(x, a, given=(counter,)):
        return (given[0].count(x) - a) ** 2

    searched(loss, a)
    return counter.n


def by_an_operator(a):
    counter = Counter()
    searched(lambda x, a: ((counter << x) - a) ** 2, a)
    return counter.n


def by_with(a):
    counter = Counter()

    def loss(x, a):
        with counter:
            return (x - a) ** 2

    searched(loss, a)
    return counter.n


def by_making_one(a):
    class Made(Counter):
        pass

    def loss(x, a):
        Made(x)
        return (x - a) ** 2

    searched(loss, a)
    return Made.made


def behind_a_cache(a):
    counter = Counter()
    searched(functools.lru_cache(None)(lambda x, a: (counter.count(x) - a) ** 2), a)
    return counter.n


def under_another_name(a):
    met = []

    def loss(x, a):
        alias = met
        alias += [1]
        return (x - a) ** 2

    searched(loss, a)
    return len(met)


def by_drawing(a):
    rng = np.random.default_rng(3)
    searched(lambda x, a: (x - a) ** 2 + 0.0 * rng.normal(), a)
    return rng.normal()


COUNTS = [deep_inside, in_a_list, handed_over, by_default, by_an_operator, by_with, by_making_one]
COUNTS += [behind_a_cache, under_another_name, by_drawing]


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.__name__)
def test_what_is_counted_is_what_the_solver_did(count):
    value, slope = value_and_gradient(lambda a: a * count(a))(1.3)
    assert slope == pytest.approx(count(1.3))
    assert value == pytest.approx(1.3 * count(1.3))


class Kept:
    best = None

    def __init__(self, x):
        Kept.best = x


def _keeping(keep):
    def program(a):
        kept = [np.zeros(1)]

        def equation(x):
            keep(kept, x)
            return x**3 - a

        so.root(equation, [1.0])
        best = kept[-1] if kept[-1] is not None else Kept.best
        return np.ravel(best)[-1]

    return program


def made(kept, x):
    kept[0] = None
    Kept(x)


KEEPERS = {
    "copyto": lambda kept, x: np.copyto(kept[0], x),
    "out": lambda kept, x: np.add(x, 0.0, out=kept[0]),
    "setitem": lambda kept, x: operator.setitem(kept, 0, x),
    "heap": lambda kept, x: heapq.heappush(kept, x),
    "sorted": lambda kept, x: bisect.insort(kept, x),
    "class": made,
}


@pytest.mark.parametrize("name", KEEPERS)
def test_points_that_are_kept_are_not_constants(name):
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(_keeping(KEEPERS[name]))(1.3)


def test_what_is_kept_by_a_way_that_is_not_seen_is_refused():
    class Parts:
        def keep(self, x):
            self.last = x
            return x

    def program(a):
        parts = Parts()
        ways = {"keep": parts}

        def loss(x):
            return (getattr(ways["keep"], "ke" + "ep")(x) - a) ** 2

        so.minimize_scalar(loss)
        return parts.last

    with pytest.raises(MissingRuleError, match=r"keeps what it is handed|hands to a function"):
        gradient(program)(1.3)


def test_an_iterator_that_is_shared_is_refused():
    def program(a):
        steps = itertools.count()

        def loss(x):
            next(steps)
            return (x - a) ** 2

        return so.minimize_scalar(loss).x * next(steps)

    with pytest.raises(MissingRuleError, match="reads an iterator"):
        gradient(program)(1.3)


def test_a_place_for_work_is_no_memory():
    work = np.zeros(2)

    def program(a):
        def equations(x):
            np.multiply(x, x, out=work)
            return work * x - a

        return so.root(equations, [1.0, 1.0]).x

    assert gradient(lambda a: program(a).sum())(1.3) == pytest.approx(2 * 1.3 ** (-2 / 3) / 3)
    assert pushforward(program, 1.3)[1](1.0) == pytest.approx(1.3 ** (-2 / 3) / 3 * np.ones(2))
    assert hessian(lambda a: program(a).sum())(1.3) == pytest.approx(-4 * 1.3 ** (-5 / 3) / 9)
