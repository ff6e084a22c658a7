"""Memos written by hand: what an earlier run or an equal number left in them is refused; constants are left alone."""
# ruff: noqa: B006

import math
import random
import weakref
from collections import ChainMap, UserDict, defaultdict, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from workbench import gradient
from workbench.autodiff import pullback, pushforward
from workbench.errors import LostGradientError

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Key:
    x: float
    n: int


class Own:
    def __init__(self, x):
        self.x = x

    def __hash__(self):
        return hash(self.x)

    def __eq__(self, other):
        return isinstance(other, Own) and self.x == other.x


KEYS = {
    "number": lambda x: x,
    "named tuple": lambda x: Point(x, 1.0),
    "dataclass": lambda x: Key(x, 1),
    "nested": lambda x: (Point(1, Key(x, 2)), 3),
    "object": Own,
    "frozen set": lambda x: frozenset([x, 1.0]),
    "text": lambda x: f"{x:.3f}",
    "text in a tuple": lambda x: (str(x), 1),
}


def looked_for(key, memo):
    def squared(x):
        if key(x) not in memo:
            memo[key(x)] = x * x
        return memo[key(x)]

    return squared


def got(key, memo):
    def squared(x):
        found = memo.get(key(x))
        return memo.setdefault(key(x), x * x) if found is None else found

    return squared


def tried(key, memo):
    def squared(x):
        try:
            return memo[key(x)]
        except KeyError:
            memo[key(x)] = x * x
        return memo[key(x)]

    return squared


def check_refused(make, x, words):
    """Refused after a derivative and after a plain call; right with a new program."""
    for first in (gradient, lambda program: program):
        program = make()
        first(program)(x)
        with pytest.raises(LostGradientError, match=words) as caught:
            gradient(program)(x)
        assert caught.value.where.startswith(f"{__file__}:")
        with pytest.raises(LostGradientError, match=words):
            pushforward(program, x)[1](x)
    np.testing.assert_allclose(gradient(make())(x), 2 * x)


@pytest.mark.parametrize("memo", [looked_for, got, tried])
@pytest.mark.parametrize("name", KEYS)
def test_a_dictionary_with_a_traced_key(name, memo):
    check_refused(lambda: memo(KEYS[name], {}), 2.0, "earlier run|kept from before")


@pytest.mark.parametrize("table", [UserDict, ChainMap, lambda: defaultdict(float)])
def test_what_behaves_like_a_dictionary(table):
    check_refused(lambda: looked_for(KEYS["named tuple"], table()), 2.0, "earlier run|kept from before")


def test_dictionaries_of_this_run_and_of_other_things_are_left_alone():
    names, steps = {"1.500": "cheap"}, {1.5: 3}
    kept = {}

    def program(x):
        kept.clear()
        kept[Key(x, 1)] = 4.0
        own = {Key(x, 1): x * x, Point(x, x): 5.0}
        whole = own[Key(x, 1)] + own[Point(x, x)] * x + kept[Key(x, 1)]
        return whole * steps[x] if names[f"{x:.3f}"] == "cheap" else 0.0

    assert [gradient(program)(1.5) for _ in range(2)] == [3 * (2 * 1.5 + 5.0)] * 2


def test_keys_that_stay_are_plain():
    kept = {}

    def program(x):
        kept[x] = 1.0
        kept[x + 1, 2] = x
        return x * x

    gradient(program)(2.0)
    assert [type(key) for key in (*kept, *list(kept)[1])] == [float, tuple, float, int]


class Segment:
    """It keeps its length until one of its ends has changed."""

    def __init__(self, start, end):
        self.start, self.end, self.known, self.kept = start, end, None, None

    def __hash__(self):
        return hash((self.start, self.end))

    def length(self):
        if self.known != hash(self):
            self.known, self.kept = hash(self), abs(self.end - self.start) ** 2
        return self.kept


@dataclass(frozen=True)
class Corner:
    x: float
    name: str = "corner"


def under_a_hash(make):
    memo = {}

    def program(x):
        return memo.setdefault(hash(make(x)), x * x) + memo.setdefault(hash(make(2 * x)), x**3)

    return program


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: (x, 1),
        lambda x: ((1, complex(x, 2.0)), "a"),
        Corner,
        lambda x: Segment(x, 1j * x),
        lambda x: frozenset([x, 3 * x]),
    ],
)
def test_what_is_kept_under_a_hash_is_made_anew_in_each_run(make):
    program = under_a_hash(make)
    plain = program(1.5)
    assert [gradient(program)(1.5) for _ in range(2)] == [3.0 + 3 * 1.5**2] * 2
    assert program(1.5) == plain


def test_an_object_that_looks_at_its_own_hash():
    segment = Segment(0.0, 1.0 + 0.0j)

    def program(x):
        segment.end = complex(x, 2 * x)
        return segment.length() + segment.length()

    plain = program(1.5)
    assert [gradient(program)(1.5) for _ in range(2)] == pytest.approx([20 * 1.5] * 2)
    assert program(1.5) == plain


def test_equal_numbers_under_one_hash_must_vary_alike():
    def program(x):
        kept = {}
        return kept.setdefault(hash((x, 1)), x * x) + kept.setdefault(hash((2.0 * x - 2.0, 1)), x**3)

    assert gradient(program)(1.5) == 3.0 + 3 * 1.5**2
    with pytest.raises(LostGradientError, match="vary differently"):
        gradient(program)(2.0)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: x * (hash((x, 1)) % 7),
        lambda x: x * float(hash(x)),
        lambda x: x if hash(x) > 5 else -x,
        lambda x: x * random.Random(hash(x)).random(),
        lambda x: x * (random.seed(hash(x)) or random.random()),
    ],
)
def test_a_hash_is_not_computed_with(program):
    with pytest.raises(LostGradientError, match="computed with"):
        gradient(program)(2.5)


# ------------------------------------------------------------------------------------ equality


class Attribute:
    def __init__(self):
        self.last = self.value = None

    def __call__(self, x):
        if x == self.last:
            return self.value
        self.last, self.value = x, x * x
        return self.value


class Updated:
    """Compares in one method and keeps in another."""

    x = None

    def compute(self, x):
        self.x, self.f = x, x * x

    def __call__(self, x):
        if self.x is None or x != self.x:
            self.compute(x)
        return self.f


class Setter:
    """Keeps nothing but the number, and does not store an equal one."""

    def __init__(self):
        self._x = 0.0

    @property
    def x(self):
        return self._x

    @x.setter
    def x(self, x):
        if x != self._x:
            self._x = x

    def __call__(self, x):
        self.x = x
        return self.x**2


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = self.b = None

    def __call__(self, x):
        if self.a == x:
            return self.b
        self.a, self.b = x, x * x
        return self.b


class Within:
    def __init__(self):
        self.cache = SimpleNamespace(x=None)

    def __call__(self, x):
        if self.cache.x == x:
            return self.cache.f
        self.cache.x, self.cache.f = x, x * x
        return self.cache.f


class InATuple:
    key = None

    def __call__(self, x):
        if (x, 1) == self.key:
            return self.value
        self.key, self.value = (x, 1), x * x
        return self.value


class AsText:
    key = None

    def __call__(self, x):
        if f"{x:.6f}" == self.key:
            return self.value
        self.key, self.value = f"{x:.6f}", x * x
        return self.value


class Close:
    last = None

    def __call__(self, x):
        if self.last is not None and math.isclose(x, self.last):
            return self.value
        self.last, self.value = x, x * x
        return self.value


def closure():
    last = value = None

    def squared(x):
        nonlocal last, value
        if x == last:
            return value
        last, value = x, x * x
        return value

    return squared


def dictionary():
    cache = {"x": None}

    def squared(x):
        if cache["x"] == x:
            return cache["f"]
        cache["x"], cache["f"] = x, x * x
        return cache["f"]

    return squared


def pairs():
    kept = []

    def squared(x):
        for before, value in kept:
            if before == x:
                return value
        kept.append((x, x * x))
        return kept[-1][1]

    return squared


def generated():
    kept = []

    def squared(x):
        value = next((value for before, value in kept if before == x), None)
        if value is None:
            kept.append((x, value := x * x))
        return value

    return squared


def positions():
    xs, values = [], []

    def squared(x):
        if x in xs:
            return values[xs.index(x)]
        xs.append(x)
        values.append(x * x)
        return values[-1]

    return squared


def default():
    def squared(x, cache=[]):
        if cache and cache[0] == x:
            return cache[1]
        cache[:] = [x, x * x]
        return cache[1]

    return squared


def of_a_function():
    def squared(x):
        if x == squared.last:
            return squared.value
        squared.last, squared.value = x, x * x
        return squared.value

    squared.last = None
    return squared


LAST = VALUE = None


def of_the_module(x):
    global LAST, VALUE
    if x == LAST:
        return VALUE
    LAST, VALUE = x, x * x
    return VALUE


def forgetful():
    global LAST
    LAST = None
    return of_the_module


MEMOS = [Attribute, Updated, Setter, Slots, Within, InATuple, AsText, Close]
MEMOS += [closure, dictionary, pairs, generated, positions, default, of_a_function, forgetful]


@pytest.mark.parametrize("make", MEMOS, ids=lambda make: make.__name__)
def test_a_number_equal_to_the_one_before(make):
    check_refused(make, 2.0, "has kept from before")


class Arrays:
    x = None

    def __init__(self, same):
        self.same = same

    def __call__(self, x):
        if self.x is None or not self.same(x, self.x):
            self.x, self.f = x, (x * x).sum()
        return self.f


SAME = {
    "array_equal": np.array_equal,
    "allclose": np.allclose,
    "all": lambda a, b: np.all(a == b),
    "any": lambda a, b: not (a != b).any(),
    "equal": lambda a, b: np.equal(a, b).all(),
    "not_equal": lambda a, b: not np.not_equal(a, b).any(),
    "lists": lambda a, b: a.tolist() == b.tolist(),
    "tuples": lambda a, b: tuple(map(float, a)) == tuple(b),
}


@pytest.mark.parametrize("same", SAME.values(), ids=SAME)
def test_an_array_equal_to_the_one_before(same):
    check_refused(lambda: Arrays(same), np.array([1.0, 2.0]), "has kept from before")


class Near:
    def __init__(self, near):
        self.near, self.x = near, np.inf

    def __call__(self, x):
        if not self.near(x, self.x):
            self.x, self.f = x, np.sum(x * x)
        return self.f


NEAR = {
    "distance": lambda a, b: abs(a - b) < 1e-12,
    "reversed": lambda a, b: abs(b - a) < 1e-12,
    "relative": lambda a, b: abs((a - b) / a) <= 1e-9,
    "square": lambda a, b: (a - b) ** 2 == 0.0,
    "hypot": lambda a, b: math.hypot(a - b, 0.0) < 1e-12,
    "truth": lambda a, b: not a - b,
    "relative to itself": lambda a, b: abs(a - b) <= 1e-9 * abs(a),
    "close to zero": lambda a, b: math.isclose(a - b, 0.0, abs_tol=1e-12),
}
NEAR_ARRAYS = {
    "norm": lambda a, b: np.linalg.norm(a - b) < 1e-12,
    "each": lambda a, b: np.all(np.abs(a - b) < 1e-12),
    "most": lambda a, b: np.max(np.abs(a - b)) <= 1e-12,
    "sum": lambda a, b: np.sum((a - b) ** 2) < 1e-12,
    "hypot": lambda a, b: math.hypot(*(a - b)) < 1e-12 if np.ndim(b) else False,
    "relative": lambda a, b: np.all(np.abs(a - b) <= 1e-9 * np.abs(b)) if np.ndim(b) else False,
    "close to zero": lambda a, b: np.allclose(a - b, 0.0),
    "any": lambda a, b: not (a - b).any(),
    "count": lambda a, b: np.count_nonzero(a - b) == 0,
    "places": lambda a, b: len(np.flatnonzero(a - b)) == 0,
}


@pytest.mark.parametrize("near", NEAR.values(), ids=NEAR)
def test_a_number_at_no_distance_from_the_one_before(near):
    check_refused(lambda: Near(near), 2.0, "has kept from before")


@pytest.mark.parametrize("near", NEAR_ARRAYS.values(), ids=NEAR_ARRAYS)
def test_an_array_at_no_distance_from_the_one_before(near):
    check_refused(lambda: Near(near), np.array([1.0, 2.0]), "has kept from before")


class Controlled:
    """A controller that begins at rest, and ends where its time is over."""

    def __init__(self):
        self.last = self.total = 0.0

    def control(self, error):
        slope = (error - self.last) / 0.1
        if abs(slope) < 1e-9:
            slope = 0.0 * error
        self.last, self.total = error, self.total + error
        return error + self.total + slope

    def run(self, x, end):
        self.time, self.end, y = 0.0 * x, end, 1.0 + x
        while True:
            y = y + 0.1 * self.control(y - y) - 0.3 * y
            step = min(0.4 + x, self.end - self.time)
            self.time = self.time + step
            if self.time == self.end or abs(self.end - self.time) < 1e-12:
                return y * self.time


def test_what_this_run_has_stored_is_not_kept_from_before():
    kept = Controlled()
    for _ in range(2):
        for x in (0.0, 0.05):
            assert gradient(kept.run)(x, 1.0) == pytest.approx(0.7**3, rel=1e-12)
            assert gradient(lambda x: Controlled().run(x, 1.0))(x) == pytest.approx(0.7**3, rel=1e-12)


def test_a_loop_that_ends_when_an_attribute_stops_changing():
    class Root:
        def __call__(self, a):
            self.x, self.before = 1.0, 0.0
            while self.x != self.before and abs(self.x - self.before) > 1e-15:
                self.before, self.x = self.x, 0.5 * (self.x + a / self.x)
            return self.x

    root = Root()
    for a in (0.36, 1.0, 4.0):
        assert gradient(root)(a) == pytest.approx(0.5 / math.sqrt(a), rel=1e-12)


@pytest.mark.parametrize("make", [Attribute, lambda: looked_for(KEYS["dataclass"], {})])
def test_within_a_run_equal_numbers_must_vary_alike(make):
    def program(x, y):
        squared = make()
        return 3 * squared(x) + squared(y)

    with pytest.raises(LostGradientError, match="vary differently"):
        gradient(program, (0, 1))(2.0, 2.0)
    assert gradient(program, (0, 1))(2.0, 3.0) == (12.0, 6.0)

    def twice(x, y):
        squared = make()
        return 3 * squared(x[0] + y) + squared(y + x[0])

    slopes = gradient(twice, (0, 1))(np.array([2.0]), 1.5)
    np.testing.assert_allclose([slopes[0][0], slopes[1]], [8 * 3.5] * 2)


class Guess:
    def __init__(self, x):
        self.at, self.value = 0.0, 0.0
        self.find(x)

    def find(self, x):
        self.at, self.value = x, x * x


def start_then_solve(x, y):
    guess = Guess(x)
    start = guess.at
    if y == start:  # the solver has not moved: nothing is taken from the guess any more
        y = 3.0 * y
    return y


def start_then_ask(x, y):
    guess = Guess(x)
    for _ in range(2):
        held = guess.value
        if y == guess.at:
            y = held
    return y


def test_what_only_led_to_a_comparison_is_no_memo():
    assert gradient(start_then_solve, (0, 1))(2.0, 2.0) == (0.0, 3.0)
    with pytest.raises(LostGradientError, match="vary differently"):
        gradient(start_then_ask, (0, 1))(2.0, 2.0)


def test_constants_and_what_this_run_made_are_left_alone():
    class Bounded:
        low, f_low = 2.0, 5.0

        def __init__(self):
            self.start, self.turns = 2.0, 0

        def __call__(self, x):
            self.turns += 1
            if x == self.low or x == self.start or x == 2.0:
                seen = [0.0, x]
                seen.append(x * x)
                return self.f_low * x + (seen[1] == 2.0)
            return 0.0

    program = Bounded()
    assert [gradient(program)(2.0) for _ in range(2)] == [5.0, 5.0]


def test_a_pullback_keeps_nothing_for_the_program():
    point = np.array([1.0, 2.0])

    def ways():
        value, back = pullback(lambda x: (x * point).sum() * np.array_equal(x, point), point.copy())
        push = pushforward(lambda x: (x * point).sum() * np.array_equal(x, point), point.copy())[1]
        return value, back(1.0)[0], push(np.ones(2))

    value, slope, pushed = ways()
    assert (value, pushed) == (5.0, 3.0)
    np.testing.assert_array_equal(slope, point)


def weakly(memo, kept, find):
    def program(x):
        key = Own(x)
        kept.append(key)
        return find(memo, key, x) * x

    return program


def looked_up(memo, key, x):
    if key not in memo:
        memo[key] = math.sin(key.x)
    return memo[key]


def by_get(memo, key, x):
    found = memo.get(key)
    if found is None:
        found = memo[key] = math.sin(x)
    return found


@pytest.mark.parametrize("find", [looked_up, by_get, lambda memo, key, x: memo.setdefault(key, math.sin(x))])
def test_memos_by_weak_keys(find):
    memo, kept = weakref.WeakKeyDictionary(), []
    program = weakly(memo, kept, find)
    assert gradient(program)(0.7) == pytest.approx(math.sin(0.7) + 0.7 * math.cos(0.7))
    assert list(memo.values()) == [math.sin(0.7)]
    assert type(next(iter(memo.values()))) is float
    with pytest.raises(LostGradientError, match=r"earlier run had stored|kept from before"):
        gradient(program)(0.7)
    memo.clear()
    program(0.7)
    with pytest.raises(LostGradientError, match=r"earlier run had stored|kept from before"):
        gradient(program)(0.7)


def test_memos_of_weak_values():
    memo, kept = weakref.WeakValueDictionary(), []

    def program(x):
        if x not in memo:
            kept.append(Own(x * x))
            memo[x] = kept[-1]
        return memo[x].x

    assert gradient(program)(0.7) == pytest.approx(1.4)
    with pytest.raises(LostGradientError, match="earlier run had stored"):
        gradient(program)(0.7)


class Number(float):
    """A number that is equal to numbers alone, and says so with an error."""

    def __hash__(self):
        return float.__hash__(self)

    def __eq__(self, other):
        return float(self) == float(other)


def test_keys_that_compare_with_numbers_alone():
    def program(x):
        found = {Number(x): x * x, Number(2.0 * x): x}
        return found[2.0 * x] * found[x]

    assert gradient(program)(0.7) == pytest.approx(3 * 0.7**2)
