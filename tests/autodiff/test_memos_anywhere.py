"""Memos written by hand whose numbers are kept deep inside of something, or are found by another way than a key."""

import functools
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

from workbench import gradient
from workbench.errors import LostGradientError


@dataclass
class Record:
    x: float
    y: float

    @classmethod
    def of(cls, t):
        return cls(t, 1.0)


class Pair(NamedTuple):
    x: float
    y: float

    @classmethod
    def of(cls, t):
        return cls(t, 1.0)


def a_dict(t):
    return {"t": t, "rest": [1.0]}


class Plain:
    last = value = None


def in_records():
    records = []

    def squared(x):
        for record in records:
            if record.x == x:
                return record.y
        records.append(Record(x, x * x))
        return records[-1].y

    return squared


def in_a_chain():
    chain = Plain()

    def squared(x):
        link = chain.last
        while link is not None:
            if link[0] == x:
                return link[1]
            link = link[2]
        chain.last = (x, x * x, chain.last)
        return x * x

    return squared


def in_an_array():
    state = np.full(2, np.nan)

    def squared(x):
        if x != state[0]:
            state[:] = x, x * x
        return state[1]

    return squared


def in_a_module():
    module = ModuleType("module")
    module.last = None

    def squared(x):
        if x != module.last:
            module.last, module.value = x, x * x
        return module.value

    return squared


def in_the_class():
    class Squared(Plain):
        def __call__(self, x):
            if x != self.last:
                type(self).last, type(self).value = x, x * x
            return self.value

    return Squared()


def deep_inside():
    outer = [Plain()]
    outer[0].inner = Plain()
    outer[0].inner.most = Plain()

    def squared(x):
        if outer[0].inner.most.last != x:
            outer[0].inner.most.last, outer[0].inner.most.value = x, x * x
        return outer[0].inner.most.value

    return squared


def compared_elsewhere():
    kept = Plain()

    def same(a, b):
        return a == b

    def squared(x):
        if not same(kept.last, x):
            kept.last, kept.value = x, x * x
        return kept.value

    return squared


def in_a_context():
    variable = ContextVar("variable", default=(None, None))

    def squared(x):
        last, value = variable.get()
        if x != last:
            variable.set((x, value := x * x))
        return value

    return squared


def in_a_generator():
    def remembering():
        last = value = None
        x = yield
        while True:
            if x != last:
                last, value = x, x * x
            x = yield value

    generator = remembering()
    next(generator)
    return lambda x: generator.send(x)


def in_a_set():
    seen, values = set(), []

    def squared(x):
        if x not in seen:
            seen.add(x)
            values.append(x * x)
        return values[-1]

    return squared


def compared_as(make):
    def made():
        last = Plain()

        def squared(x):
            parameters = make(x)
            if last.last != parameters:
                last.last, last.value = parameters, x * x
            return last.value

        return squared

    made.__name__ = f"compared_as_{make.__qualname__}"
    return made


def in_keys():
    seen, values = {}, []

    def squared(x):
        if x not in seen:
            seen[x] = True
            values.append(x * x)
        return values[-1]

    return squared


def in_values():
    memo = {}

    def squared(x):
        if x not in memo.values():
            memo["x"], memo["y"] = x, x * x
        return memo["y"]

    return squared


def counted():
    xs, ys = [], []

    def squared(x):
        if not xs.count(x):
            xs.append(x)
            ys.append(x * x)
        return ys[-1]

    return squared


def seen_in_a_dictionary():
    seen = Plain()
    seen.places = {}

    def squared(x):
        if seen.places.get(x) is None:
            seen.places, seen.last = {x: "here"}, x * x
        return seen.last

    return squared


def among_elements(find):
    def made():
        xs, ys = np.full(4, np.nan), np.zeros(4)

        def squared(x):
            found = find(x, xs)
            if not np.any(found):
                found = np.isnan(xs) & (np.arange(4) == np.argmax(np.isnan(xs)))
                xs[found], ys[found] = x, x * x
            return ys[found][0]

        return squared

    made.__name__ = f"among_elements_by_{find.__name__}"
    return made


def mask(x, xs):
    return xs == x


def membership(x, xs):
    return x in xs and np.isclose(xs, x)


def under(make):
    def made():
        memo = {}

        def squared(x):
            found = memo.get(x)
            if found is None:
                found = memo[x] = make(x)
            return found(x) if callable(found) else next(iter(found))

        return squared

    made.__name__ = f"under_{make.__name__}"
    return made


def closure(t):
    return lambda x: t * t


def partial(t):
    return functools.partial(lambda t, x: t * t, t)


def method(t):
    return Held(t).squared


def numbers(t):
    return {t * t}


def iterator(t):
    return (t * t for _ in range(9))


@dataclass
class Held:
    t: float

    def squared(self, x):
        return self.t**2


MEMOS = [in_records, in_a_chain, in_an_array, in_a_module, in_the_class, deep_inside, compared_elsewhere]
MEMOS += [in_a_context, in_a_generator, in_a_set, counted, seen_in_a_dictionary]
MEMOS += map(under, [closure, partial, method, numbers, iterator])
MEMOS += [*map(compared_as, [a_dict, Record.of, Pair.of]), in_keys, in_values]
MEMOS += map(among_elements, [mask, membership])


@pytest.mark.parametrize("make", MEMOS, ids=lambda make: make.__name__)
def test_what_an_earlier_run_has_kept_is_refused(make):
    program = make()
    assert gradient(program)(3.0) == pytest.approx(6.0)
    assert gradient(program)(2.0) == pytest.approx(4.0)
    with pytest.raises(LostGradientError, match=r"kept from before|earlier run had stored|a run before"):
        gradient(program)(2.0)
    assert gradient(make())(2.0) == pytest.approx(4.0)


@pytest.mark.parametrize("make", [in_a_set, counted, seen_in_a_dictionary])
def test_numbers_of_numpy_that_an_earlier_run_has_kept(make):
    program = make()
    program(np.float64(2.0))
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(program)(np.float64(2.0))


def test_an_identity_is_that_of_one_run():
    memo = {}

    def squared(x):
        if id(x) not in memo:
            memo[id(x)] = x, x * x
        assert id(x) == id(x)
        return memo[id(x)][1]

    for x in (2.0, 2.0, 3.0):
        assert gradient(squared)(x) == pytest.approx(2 * x)
    assert len(memo) == 3


def test_edges_of_a_grid_and_members_of_a_list_are_constants():
    class Table:
        def fill(self):
            self.xs = np.linspace(0.0, 2.0, 5)
            self.special = [0.0, 2.0]

        def __call__(self, x):
            if x == self.xs[-1] or x in (1.0, 2.5):
                return 3.0 * x
            return x

    table = Table()
    table.fill()
    assert [gradient(table)(x) for x in (2.0, 1.0, 0.7)] == [3.0, 3.0, 1.0]


def keyed():
    memo = {}

    def squared(x):
        if x not in memo:
            memo[x] = x * x
        return memo[x]

    return squared


def got():
    memo = {}
    return lambda x: memo.get((x, 1)) or memo.setdefault((x, 1), x * x)


def listed():
    xs, values = [], []

    def squared(x):
        if x not in xs:
            xs.append(x)
            values.append(x * x)
        return values[xs.index(x)]

    return squared


def beside():
    class Squared(Plain):
        def __call__(self, x):
            if x != self.last:
                self.last, self.value = x, x * x
            return self.value

    return Squared()


@pytest.mark.parametrize("make", [keyed, got, listed, beside])
def test_a_plain_number_that_equals_a_traced_one_by_chance(make):
    def first(x):
        squared = make()
        return squared(x) + squared(2.0)

    def last(x):
        squared = make()
        return squared(2.0) + squared(x)

    for program in (first, last):
        assert gradient(program)(3.0) == pytest.approx(6.0)
        with pytest.raises(
            LostGradientError, match=r"vary differently|kept from before|earlier run had stored"
        ):
            gradient(program)(2.0)
    assert gradient(lambda x: first(0.0 * x + 2.0) * x)(3.0) == pytest.approx(8.0)  # one that does not vary
