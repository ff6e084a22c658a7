"""What functions that a solver calls do beside giving a number, deep inside of what they call: they count."""

import functools

import numpy as np
import pytest
import scipy.optimize as so

from workbench import gradient, hessian, pushforward, value_and_gradient


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


COUNTS = [deep_inside, in_a_list, handed_over, by_an_operator, by_with, by_making_one, behind_a_cache]


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.__name__)
def test_what_is_counted_is_what_the_solver_did(count):
    value, slope = value_and_gradient(lambda a: a * count(a))(1.3)
    assert slope == pytest.approx(count(1.3))
    assert value == pytest.approx(1.3 * count(1.3))


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
