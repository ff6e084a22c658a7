"""Objects of the program beside NumPy's arrays and numbers: who computes, and what they turn themselves into."""

from fractions import Fraction

import numpy as np
import pytest

from tests.rules.all_ways import check_all_ways, check_value

X = np.array([0.3, -0.7, 1.1])


class Overriding:
    """It has no operators: NumPy asks it what its universal functions do."""

    def __init__(self, value):
        self.value = value

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        given = [x.value if isinstance(x, Overriding) else x for x in inputs]
        return Overriding(getattr(ufunc, method)(*given, **kwargs))


class Both(Overriding):
    """Beside NumPy's numbers its method counts, and not its operator."""

    def __rmul__(self, other):
        return Both(other * self.value * 2.0)


class Holder:
    """It has operators, and NumPy computes with it element by element."""

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Holder(self.value + getattr(other, "value", other))

    __radd__ = __add__

    def __rmul__(self, other):
        return Holder(other * self.value * 3.0)

    def __mul__(self, other):
        return Holder(self.value * other)


class Data:
    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype=dtype)


def number_on_the_left(x):
    return (x[0] * Overriding(x)).value.sum() + (x[1] - Overriding(x[2])).value ** 2


def number_on_the_right(x):
    return (Overriding(x[1]) * x[0]).value + (Overriding(2.0) ** x[2]).value


def override_before_operator(x):
    return (x[0] * Both(x[1])).value + (2.0 * Both(x[2])).value


def in_place_with_an_override(x):
    a = np.ones(3)
    a += Overriding(x)
    return a.value.sum() * x[0]


def each_element_with_an_object(x):
    return sum(e.value for e in x + Holder(x[1])) + (x * Holder(x[0]))[2].value


def array_of_objects_with_a_number(x):
    many = np.array([Holder(v) for v in x], dtype=object)
    return (many * x[0])[1].value + (x[1] + many)[2].value + (many + x)[0].value


def array_of_fractions(x):
    return np.sum(np.array([Fraction(1, 3), Fraction(2), 3], dtype=object) * x) * x[1]


def added_in_place(x):
    a = np.ones(3)
    a += Data(x)
    a *= Data(2.0 * x)
    return (a**2).sum()


def copied_to(x):
    a = np.ones(3)
    np.copyto(a, Data(2.0 * x))
    return (a**2).sum()


def put(x):
    a = np.ones(4)
    np.put(a, [0, 1, 3], Data(2.0 * x))
    return (a**2).sum()


def put_by_a_mask(x):
    a, b = np.ones(3), np.ones(3)
    np.putmask(a, [True, False, True], Data(2.0 * x))
    np.place(b, np.array([True, False, True]), Data(x))
    return (a**2 * b).sum()


def put_along_an_axis(x):
    a = np.ones((3, 2))
    np.put_along_axis(a, np.array([[0], [1], [0]]), Data(x[:, None] * 2.0), 1)
    return (a**2).sum()


def conversions_by_name(x):
    return x[0].__float__() * x[1] + float(x[2]).__float__() * x[0]


PROGRAMS = (
    number_on_the_left,
    number_on_the_right,
    override_before_operator,
    in_place_with_an_override,
    each_element_with_an_object,
    array_of_objects_with_a_number,
    array_of_fractions,
    added_in_place,
    copied_to,
    put,
    put_by_a_mask,
    put_along_an_axis,
    conversions_by_name,
)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_objects_beside_arrays(program):
    check_all_ways(program, X)
    check_value(program, X)


class Series:
    """NumPy calls its methods of the names of functions, or turns it into an array."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value)

    def sum(self, axis=None, out=None):
        return self.value.sum() * 2

    def argsort(self, axis=-1, **options):
        return np.argsort(-self.value)


class Steps:
    """A sequence."""

    def __init__(self, value):
        self.value = value

    def __len__(self):
        return len(self.value)

    def __getitem__(self, index):
        return self.value[index] * 2

    def norm(self):
        return 0.0


def read_by_functions(x):
    s, t = Series(x), Steps(x)
    found = (
        np.einsum("i,i->", s, x)
        + np.sort(s)[1] * np.sum(s)
        + np.max(s)
        + x @ np.argsort(s)
        + np.allclose(s, x)
    )
    return found + np.linalg.norm(t) * np.median(s) + np.cross(t, s).sum() + np.searchsorted(s, 0.2) * x[0]


def test_numpy_reads_objects_or_asks_them():
    check_all_ways(read_by_functions, X)
    check_value(read_by_functions, X)


def _stored(shape, index, make):
    """A program that writes what ``make`` gives into an array of objects, and adds up all numbers in it then."""

    def numbers(held):
        if isinstance(held, list | tuple):
            return sum(map(numbers, held))
        return numbers(list(held.values())) if isinstance(held, dict) else np.sum(held)

    def program(x):
        held = np.full(shape, 1.0, object)
        held[index] = make(x)
        return numbers(held.tolist()) * x

    return program


@pytest.mark.parametrize(
    "program",
    [
        _stored((2, 2), (0, 0), lambda x: (x * np.arange(3.0), [x * np.ones(2)], 3)),
        _stored(2, 1, lambda x: [x, {"x": 2 * x}]),
        _stored(2, slice(None), lambda x: [(x, 1), (2 * x, 3)]),
        _stored(2, slice(None), lambda x: [x, [x, 2]]),
        _stored(2, ..., lambda x: [x * np.arange(3.0), (x,)]),
        _stored((2, 2), 1, lambda x: [(x,), [x, 2]]),
        _stored((2, 2), slice(None), lambda x: [x * np.arange(2.0), (x, 3)]),
        _stored(3, [0, 2], lambda x: [[x, 1], [2 * x, 3]]),
        _stored((2, 2), 1, lambda x: (x,)),
    ],
)
def test_nested_values_in_arrays_of_objects(program):
    check_value(program, 1.5)
    check_all_ways(program, 1.5)
