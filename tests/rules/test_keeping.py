"""Functions that a solver calls keep things, by every way that a program has: results are as without the engine."""

import array
import bisect
import functools
import heapq
import io
import itertools
import operator
import random
import threading
import types
import weakref
from collections import Counter, OrderedDict, deque
from contextvars import ContextVar

import numpy as np
import pytest
import scipy.integrate as si
import scipy.optimize as so
import scipy.sparse as ss

from workbench import check_gradient, gradient, value_and_gradient
from workbench.errors import MissingRuleError
from workbench.rules import keeping
from workbench.rules.contents import content, put_back


class _Held:
    value = 0.0


class _Slotted:
    __slots__ = ("value",)

    def __init__(self):
        self.value = 0.0


class _Shifting:
    def __init__(self):
        self.numbers = []

    def __lshift__(self, x):
        self.numbers.append(x)

    last = property(None, lambda self, x: self.numbers.append(x))


_VARIABLE = ContextVar("kept", default=0.0)


def _by_name(numbers):
    return lambda x: getattr(numbers, "app" + "end")(x)


def _in_place(numbers):
    def grow(into, x):
        into += [x]

    return lambda x: grow(numbers, x)


def _generator(numbers):
    def receive():
        while True:
            numbers.append((yield))

    receiving = receive()
    next(receiving)
    return receiving.send


def _through_weak(numbers):
    box = _Box(numbers)
    _BOXES.append(box)
    method = weakref.WeakMethod(box.keep)
    return lambda x: method()(x)


_BOXES = []


class _Box:
    def __init__(self, numbers):
        self.numbers = numbers

    def keep(self, x):
        self.numbers.append(x)


IN_A_LIST = {
    "a name made at run time": _by_name,
    "methodcaller": lambda numbers: lambda x: operator.methodcaller("append", x)(numbers),
    "a method taken out before": lambda numbers: numbers.append,
    "a partial": lambda numbers: functools.partial(list.append, numbers),
    "a function in a dict": lambda numbers: lambda x, ways={"keep": numbers.append}: ways["keep"](x),
    "+= in another function": _in_place,
    "iadd": lambda numbers: lambda x: operator.iadd(numbers, [x]),
    "iconcat": lambda numbers: lambda x: operator.iconcat(numbers, [x]),
    "a slice": lambda numbers: lambda x: numbers.__setitem__(slice(len(numbers), None), [x]),
    "a heap": lambda numbers: lambda x: heapq.heappush(numbers, x),
    "in order": lambda numbers: lambda x: bisect.insort(numbers, x),
    "map": lambda numbers: lambda x: list(map(numbers.append, [x])),
    "starmap": lambda numbers: lambda x: list(itertools.starmap(numbers.append, [(x,)])),
    "the key of a sort": lambda numbers: lambda x: sorted([x], key=lambda k: numbers.append(k) or 0),
    "a default value": lambda numbers: lambda x, into=numbers: into.append(x),
    "a list behind a number": lambda numbers: lambda x, held=(0, numbers): held[1].append(x),
    "a generator": _generator,
    "a weak reference": _through_weak,
    "text": lambda numbers: lambda x: exec("numbers.append(x)", {"numbers": numbers, "x": x}),
    "a thread": lambda numbers: lambda x: _run(threading.Thread(target=numbers.append, args=(x,))),
}


def _run(thread):
    thread.start()
    thread.join()


def _attribute(place, name="value"):
    return (lambda x: setattr(place, name, getattr(place, name) + x)), lambda: getattr(place, name)


def _item(place, key=0):
    return (lambda x: operator.setitem(place, key, place[key] + x)), lambda: place[key]


def _variable():
    _VARIABLE.set(0.0)
    return (lambda x: _VARIABLE.set(_VARIABLE.get() + x)), _VARIABLE.get


def _vars():
    held = _Held()
    held.value = 0.0
    return (lambda x: vars(held).update(value=held.value + x)), lambda: held.value


def _class():
    kind = type("Kind", (), {"value": 0.0})
    return (lambda x: type.__setattr__(kind, "value", kind.value + x)), lambda: kind.value


def _constructor():
    class Made:
        total = 0.0

        def __init__(self, x):
            Made.total += x

    return Made, lambda: Made.total


def _class_in_a_dict():
    kinds = {"one": type("Kind", (), {"value": 0.0})}
    return (lambda x: setattr(kinds["one"], "value", kinds["one"].value + x)), lambda: kinds["one"].value


def _joined():
    known = {0: 0.0}
    return (lambda x: known.__ior__({0: known[0] + x})), lambda: known[0]


def _rebound():
    total = 0.0

    def keep(x):
        nonlocal total
        total += x

    return (lambda x, ways=((keep,),): ways[0][0](x)), lambda: total


def _copied():
    numbers = np.zeros(1)
    return (lambda x: np.copyto(numbers, numbers + x)), lambda: numbers[0]


def _added():
    numbers = np.zeros((2, 2))[:, 1]
    return (lambda x: np.add(numbers, x, out=numbers)), lambda: numbers[0]


IN_ONE_PLACE = {
    "an attribute": lambda: _attribute(_Held()),
    "a slot": lambda: _attribute(_Slotted()),
    "a namespace": lambda: _attribute(types.SimpleNamespace(value=0.0)),
    "a module": lambda: _attribute(_module()),
    "a function's attribute": lambda: _attribute(_function()),
    "vars": _vars,
    "a class": _class,
    "a class in a dict": _class_in_a_dict,
    "a constructor": _constructor,
    "a dict": lambda: _item({0: 0.0}),
    "a counter": lambda: _item(Counter({0: 0.0})),
    "an ordered dict": lambda: _item(OrderedDict({0: 0.0})),
    "a deque": lambda: _item(deque([0.0])),
    "|=": _joined,
    "a variable of a context": _variable,
    "a variable of a function around a function in a tuple": _rebound,
    "copyto": _copied,
    "a view": _added,
}


def _module():
    made = types.ModuleType("made")
    made.value = 0.0
    return made


def _function():
    def f():
        return None

    f.value = 0.0
    return f


SOLVERS = {
    "brentq": lambda f, p: so.brentq(lambda x: x**3 + f(x, p) - p, 0.0, 3.0, xtol=1e-14),
    "minimize": lambda f, p: so.minimize(lambda x: (x[0] - p) ** 2 + f(x[0], p), [1.0], tol=1e-10).x[0],
    "least_squares": lambda f, p: so.least_squares(lambda x: x**3 + f(x[0], p) - p, [1.0], xtol=1e-14).x[0],
    "quad": lambda f, p: si.quad(lambda x: x**3 * p + f(x, p), 0.0, p)[0],
    "odeint": lambda f, p: si.odeint(lambda y, t: -p * y + f(y[0], p), [1.0], [0.0, 1.0])[-1, 0],
}


def _program(place, solve, kept):
    """What a solver finds, and the sum of what its function has kept."""

    def program(p):
        keep, read = place()

        def f(x, p):
            keep(kept(x, p))
            return 0.0

        found = solve(f, p)
        return found + 0.01 * read()

    return program


def _list_of(way):
    def place():
        numbers = []
        return way(numbers), lambda: sum(numbers)

    return place


PLACES = {**{name: _list_of(way) for name, way in IN_A_LIST.items()}, **IN_ONE_PLACE}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_kept_is_what_the_solver_s_calls_have_left(place, solver):
    program = _program(PLACES[place], SOLVERS[solver], lambda x, p: p * p)
    value, slope = value_and_gradient(program)(1.3)
    assert value == program(1.3)
    ahead, behind = program(1.3 + 1e-7), program(1.3 - 1e-7)
    assert slope == pytest.approx((ahead - behind) / 2e-7, rel=1e-4)


@pytest.mark.parametrize("place", PLACES)
def test_points_that_are_kept_are_refused_in_the_result(place):
    program = _program(PLACES[place], SOLVERS["brentq"], lambda x, p: x * p)
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(program)(1.3)


def test_points_of_an_integral_between_fixed_limits_are_constants():
    def program(p, end):
        points = []
        total = si.quad(lambda x: points.append(x * p) or x * p * p, 0.0, end)[0]
        return total * points[2]

    check_gradient(lambda p: program(p, 1.0), 1.3)
    with pytest.raises(MissingRuleError, match="hands to a function"):
        gradient(lambda p: program(p, p))(1.3)


GENERATORS = {
    "default_rng": lambda: np.random.default_rng(3).normal,
    "RandomState": lambda: np.random.RandomState(3).normal,
    "numpy.random": lambda: np.random.seed(3) or (lambda: np.random.normal()),
    "random": lambda: random.seed(3) or (lambda: random.random()),
    "Random": lambda: random.Random(3).random,
}


@pytest.mark.parametrize("generator", GENERATORS)
def test_random_numbers_are_drawn_as_without_the_engine(generator):
    def program(p):
        draw = GENERATORS[generator]()
        found = so.brentq(lambda x: (x**3 - p, draw())[0], 0.0, 3.0)
        return found * draw()

    check_gradient(program, 1.3, rtol=1e-5)


def _bytes():
    made = bytearray()
    return lambda: made.append(1), lambda: len(made)


def _numbers():
    made = array.array("d")
    return lambda: made.append(1.0), lambda: sum(made)


def _text():
    made = io.StringIO()
    return lambda: made.write("1"), lambda: len(made.getvalue())


def _sparse():
    made = ss.lil_matrix((1, 1))
    return lambda: operator.setitem(made, (0, 0), made[0, 0] + 1), lambda: made[0, 0]


def _of_a_thread():
    made = threading.local()
    made.n = 0
    return lambda: setattr(made, "n", made.n + 1), lambda: made.n


@pytest.mark.parametrize("state", [_bytes, _numbers, _text, _sparse, _of_a_thread])
def test_other_states(state):
    def program(p):
        change, read = state()
        return so.brentq(lambda x: (x**3 - p, change())[0], 0.0, 3.0) + 0.1 * read() * p

    assert value_and_gradient(program)(1.3)[0] == program(1.3)
    check_gradient(program, 1.3, rtol=1e-5)


ITERATORS = {
    "count": itertools.count,
    "zip": lambda: zip(range(100), range(100), strict=True),
    "generator": lambda: (k for k in range(100)),
}


@pytest.mark.parametrize("way", [next, lambda numbers: [k for k, _ in zip(numbers, "a", strict=False)]])
@pytest.mark.parametrize("kind", ITERATORS)
def test_an_iterator_that_cannot_go_back_is_refused(kind, way):
    def program(p):
        numbers = ITERATORS[kind]()
        root = so.brentq(lambda x: (x**3 - p, way(numbers))[0], 0.0, 3.0)
        return root * len([*numbers]) if kind != "count" else root * next(numbers)

    with pytest.raises(MissingRuleError, match=f"find the {kind} further on"):
        gradient(program)(1.3)


class _Numbers:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        return self.n

    def __repr__(self):
        return f"the numbers from {self.n}"


def test_an_iterator_of_the_program_goes_back():
    def program(p):
        numbers = _Numbers()
        root = so.brentq(lambda x: (x**3 - p, next(numbers), next(iter(numbers)))[0], 0.0, 3.0)
        return root * numbers.n

    assert value_and_gradient(program)(1.3)[0] == program(1.3)
    check_gradient(program, 1.3, rtol=1e-5)


def test_an_attribute_that_is_deleted():
    def program(p):
        held = _Held()
        held.value, held.n = 1.0, 0

        def f(x):
            held.n += 1
            if "value" in vars(held):
                del held.value
            return x**3 - p

        return so.brentq(f, 0.0, 3.0) * (held.n + held.value)

    assert value_and_gradient(program)(1.3)[0] == program(1.3)
    check_gradient(program, 1.3, rtol=1e-5)


@pytest.mark.parametrize("kind", [dict, OrderedDict, Counter])
@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(z=1),
        lambda d: d.pop("a"),
        lambda d: d.update(b=d.pop("b")),
        lambda d: d.clear(),
        lambda d: d.update(a=9, z=1),
    ],
)
def test_what_a_dictionary_held_comes_back_in_its_order(kind, change):
    held = kind({"a": 1, "b": 2, "c": 3})
    before = content(held)
    change(held)
    put_back(held, before)
    assert list(held.items()) == [("a", 1), ("b", 2), ("c", 3)]


def test_little_is_copied_of_much_around_a_function(monkeypatch):
    copied = []
    monkeypatch.setattr(keeping, "content", lambda x: copied.append(x) or content(x))
    many = [[float(k)] for k in range(3000)]
    held = [[_Held()]]
    kept = [many, held]

    def program(p):
        held[0][0].value = 0

        def f(x):
            kept[1][0][0].value += 1
            many[-1][0] += 1.0
            return x**3 - p

        return so.brentq(f, 0.0, 3.0) * held[0][0].value

    many[-1][0] = 0.0
    value = value_and_gradient(program)(1.3)[0]
    assert len(copied) < 400
    assert held[0][0].value == many[-1][0]  # far and near
    assert value == program(1.3)
