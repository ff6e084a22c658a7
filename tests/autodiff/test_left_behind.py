"""What a differentiated program leaves in globals, closures, objects and containers is plain, and the tape is freed."""

import functools
import json
import threading
from collections import OrderedDict, defaultdict, namedtuple
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
import pytest

from workbench import gradient, pullback
from workbench.errors import LostGradientError

X = np.array([0.5, -1.0, 2.0])
LATEST = 0.0


@dataclass
class _Record:
    value: float
    parts: list


class _Store:
    total = 0.0

    def __init__(self):
        self.x, self.history, self.named = 0.0, [], {}


def _is_plain(x):
    return type(x) in (float, np.float64, np.ndarray)


def test_globals_objects_and_containers_hold_plain_values():
    store, counts, seen, records = _Store(), [0.0], set(), []
    running = 0.0

    def program(x):
        global LATEST
        nonlocal running
        LATEST = x[0] * 2
        running += x[1]
        store.x = x[2]
        store.latest = x * 2
        store.history.append(x[1] * 3)
        store.history.extend([x[0], (x[1], [x[2]])])
        store.named["k"] = {"deep": [x[0]]}
        store.named.setdefault("l", x[1])
        _Store.total += x[0]
        counts[0] += x[0]
        seen.add(x[1] + 1)
        records.append(_Record(x[0], [x[1]]))
        return (x * x).sum()

    np.testing.assert_allclose(gradient(program)(X), 2 * X)
    flat = [LATEST, running, store.x, store.latest, *store.history[:2], *store.history[2][:1], _Store.total]
    flat += [store.history[2][1][0], store.named["k"]["deep"][0], store.named["l"], counts[0], *seen]
    flat += [records[0].value, records[0].parts[0]]
    assert [type(v) for v in flat if not _is_plain(v)] == []
    assert json.dumps([v for v in flat if np.ndim(v) == 0])
    assert sum(store.latest) == 3.0


def test_containers_are_settled_after_an_error():
    history = []

    def program(x):
        history.append(x[0])
        raise KeyError("the program's own error")

    with pytest.raises(KeyError, match="own error"):
        gradient(program)(X)
    assert _is_plain(history[0])


def test_what_an_outer_derivative_traces_stays_traced():
    history = []

    def inner(x, scale):
        history.append(x[0] * scale)
        return history[-1] ** 2

    def outer(scale):
        return gradient(inner)(X, scale)[0] + history[-1]

    assert gradient(outer)(1.5) == pytest.approx(4 * 1.5 * 0.5 + 0.5)
    assert _is_plain(history[0])


def test_what_a_thread_keeps_for_itself_is_a_number_again():
    kept = threading.local()

    def program(x):
        kept.square = x * x
        return kept.square * x

    assert gradient(program)(2.0) == 12.0
    assert type(kept.square) is float


def test_what_a_variable_of_a_context_keeps_is_a_number_again():
    variable = ContextVar("kept")

    def program(x):
        variable.set((x[0], [x]))
        return x.sum() * variable.get()[0]

    gradient(program)(X)
    number, (array,) = variable.get()
    assert (number, type(number), type(array)) == (0.5, np.float64, np.ndarray)


def test_a_memo_under_a_key_with_a_traced_number_inside():
    memo = {}

    def squared(x):
        if ((x, 1), 2) not in memo:
            memo[(x, 1), 2] = x * x
        return memo[(x, 1), 2]

    squared(2.0)
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(squared)(2.0)


def test_dictionaries_keep_their_keywords():
    assert gradient(lambda x: x * OrderedDict(a=1.0).pop("b", default=3.0))(2.0) == 3.0


def test_the_numbers_that_an_error_tells_are_plain():
    def program(x):
        error = ValueError(x * x, {"at": [x]})
        error.x = np.array([x])
        raise error

    with pytest.raises(ValueError) as caught:  # noqa: PT011
        gradient(program)(3.0)
    assert [type(caught.value.args[0]), type(caught.value.args[1]["at"][0])] == [float, float]
    assert type(caught.value.x) is np.ndarray


State = namedtuple("State", "x v")


class _Rows(list):
    pass


class _Disc:
    def __init__(self, r):
        self.r = r

    @functools.cached_property
    def area(self):
        return self.r * self.r


def test_in_classes_made_from_containers_and_in_cached_properties():
    totals, ordered, rows, disc, seen = defaultdict(float), OrderedDict(), _Rows(), _Disc(1.0), []
    latest = 0.0

    def program(x, scale=1.0):
        nonlocal latest
        totals["a"] += x
        ordered["b"] = x * scale
        rows.append(x)
        seen.append(State(x, [x]))
        disc.r = x
        disc.state = State(x * 2, defaultdict(float, k=x))
        latest = disc.area
        return totals["a"] * latest

    assert gradient(program)(2.0, scale=3.0) == 12.0
    flat = [totals["a"], ordered["b"], rows[0], seen[0].x, seen[0].v[0], disc.state.x, disc.state.v["k"]]
    assert [type(v) for v in (*flat, vars(disc)["area"], latest)] == [float] * 9
    assert type(seen[0]) is State


def test_in_variables_of_a_program_whose_arguments_share_an_array():
    latest = 0.0

    def program(a, b):
        nonlocal latest
        latest = a[0] * 2.0
        return a @ b

    x = np.ones(2)
    np.testing.assert_allclose(gradient(program)(x, x), x)
    assert _is_plain(latest)


def test_keys_of_a_result_are_plain():
    def program(a):
        return {a: 1.0, ("k", a): a**2}

    value, back = pullback(program, 1.3)
    assert [type(key) for key in value] == [float, tuple]
    assert type(list(value)[1][1]) is float
    assert back({1.3: 1.0, ("k", 1.3): 2.0}) == (5.2,)
