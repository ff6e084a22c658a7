"""What packages do to numbers and arrays that they take for something of their own."""

import ctypes
import functools
import struct
from dataclasses import dataclass

import numba
import numpy as np
import pytest
import scipy.integrate

from workbench import gradient, rule
from workbench.checks import check_gradient
from workbench.errors import RefusedError

X = np.array([0.3, 0.7])


@pytest.mark.parametrize("name", ["value", "tape", "parent", "partial", "bar", "array", "memory"])
def test_a_number_has_no_attributes_but_its_own(name):
    def program(x):
        assert not hasattr(x, name)
        assert not hasattr(x[0], name)
        inner = getattr(x, name, x)
        return (getattr(inner[0], name, inner[0]) * inner).sum()

    check_gradient(program, X)
    with pytest.raises(AttributeError, match=name):
        gradient(lambda x: getattr(x, name))(2.0)


def test_a_number_of_numpy_is_asked_for_methods_without_being_refused():
    def program(x):
        return x[0] * (
            2.0 if hasattr(x[0], "__getitem__") and not hasattr(float(x[0]), "__getitem__") else 1.0
        )

    assert gradient(program)(np.array([3.0]))[0] == 2.0


class _Unit:
    def __rmul__(self, other):
        return [2.0 * x for x in other]

    def __radd__(self, other):
        return [*other, 1.0]


def test_a_sequence_is_repeated_or_joined_only_where_the_other_operand_does_nothing():
    def program(x):
        unit = _Unit()
        return sum([x, 1.0] * unit) + sum((x,) * unit) + sum([x * x] + unit) + sum([x] * 2)  # noqa: RUF005

    assert gradient(program)(3.0) == 2.0 + 2.0 + 6.0 + 2.0


def test_methods_of_an_array_have_their_names():
    assert gradient(lambda x: x.sum() if (x.sum.__name__, x.clip.__name__) == ("sum", "clip") else 0.0)(
        np.ones(2)
    ).tolist() == [1.0, 1.0]


def test_an_array_as_an_array():
    check_gradient(lambda x: (x.__array__() ** 2).sum() + x.__array__(dtype=float)[0], X)


class Measured(np.ndarray):
    """Takes the numbers out of what it computes with, as classes for units do."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        bare = [getattr(x, "value", x) for x in inputs]
        try:
            bare = [x.view(np.ndarray) if isinstance(x, Measured) else float(x) for x in bare]
        except TypeError:
            return NotImplemented
        return getattr(ufunc, method)(*bare, **kwargs).view(Measured)

    def __mul__(self, other):
        return super().__mul__(other)

    def __rmul__(self, other):
        return super().__rmul__(other)


@pytest.mark.parametrize("program", [lambda x, m: (m * x).sum(), lambda x, m: (x * m).sum()])
def test_a_class_of_arrays_with_its_own_arithmetic(program):
    measured = np.array([1.0, 2.0]).view(Measured)
    assert program(2.0, measured) == 6.0
    assert gradient(program)(2.0, measured) == 3.0


def test_a_function_of_a_shared_library():
    program = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda y: 2.0 * y)
    assert gradient(lambda x: x * program(3.0))(1.0) == 6.0


@numba.njit
def _wave(x, k=2.0):
    return np.sin(k * x) * x


@numba.njit
def _squares(x):
    total = 0.0
    for element in x:
        total += _wave(element) ** 2
    return total


def test_functions_compiled_by_numba_are_followed():
    check_gradient(lambda x: _wave(x) + _wave(x, k=x), 0.7)
    check_gradient(lambda x: _squares(x) * _wave(2.0), X)


class Unit:
    def __rmul__(self, other):
        try:
            return struct.unpack("d", struct.pack("d", other))[0]
        except TypeError:
            return NotImplemented


def test_a_refusal_comes_out_where_a_package_replaces_it():
    with pytest.raises(RefusedError) as caught:
        gradient(lambda x: x * Unit())(2.0)
    assert caught.value.where.startswith(f"{__file__}:")
    assert isinstance(caught.value.__cause__, TypeError)


class Checked:
    """A field that is stored as a plain float."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, record, kind=None):
        if record is None:
            raise AttributeError
        return record.__dict__[self.name]

    def __set__(self, record, value):
        record.__dict__[self.name] = struct.unpack("d", struct.pack("d", value))[0]


@dataclass
class Record:
    size: float = Checked()

    def __post_init__(self):
        self.twice = 2 * self.size


def test_a_field_that_was_never_set_leaves_the_refusal():
    with pytest.raises(RefusedError, match="plain float"):
        gradient(lambda x: Record(x).twice)(2.0)


class Holder:
    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.data)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.array([Holder(x), Holder(2.0 * x)]) * 3.0,
        lambda x: np.stack([Holder(x), Holder(x * x)]),
        lambda x: np.mean([Holder(x), Holder(x * x)], axis=0),
        lambda x: np.where(Holder(X > 0.5), Holder(x), 0.0),
        lambda x: x * Holder(X) + X * Holder(x),
        lambda x: np.add([Holder(x), Holder(x)], 1.0),
    ],
)
def test_objects_that_turn_themselves_into_arrays_are_followed_in_lists(program):
    check_gradient(program, X)


class Hashed:
    """Callable, with a hash that asks to be left alone."""

    def __init__(self, x):
        self.x = x

    def __call__(self, y):
        return self.x * y**2

    def __hash__(self):
        raise RuntimeError("this hash is the program's own")

    def __eq__(self, other):
        return self.x == other.x


@pytest.mark.parametrize(
    "program",
    [
        lambda x: Hashed(x)(x),
        lambda x: sum(map(Hashed(x), [1.0, x])),
        lambda x: functools.partial(Hashed(x), x)(),
        lambda x: sorted([2.0, 1.0], key=Hashed(x))[0] * x,
        lambda x: scipy.integrate.quad(Hashed(x), 0.0, x)[0],
    ],
)
def test_a_hash_of_the_program_s_own_is_not_asked_for(program):
    check_gradient(program, 1.3)


def test_a_rule_for_an_object_with_a_hash_of_its_own():
    class Named:
        def __init__(self, name):
            self.name = name

        def __call__(self, x):
            return x**2

        def __hash__(self):
            return hash(self.name)

        def __eq__(self, other):
            return isinstance(other, Named) and self.name == other.name

    known, other = Named("square"), Named("square")

    @rule(known)
    def square_rule(x):
        return x**2, lambda y_bar: (7.0 * y_bar,)

    assert gradient(lambda x: known(x) + other(x))(1.5) == 10.0
