"""Classes of a program are changed only while it is differentiated."""

import array
import functools
import gc
import itertools
import linecache
import math
import sysconfig
import types
import weakref

import numpy as np
import pytest

from workbench import check_gradient, gradient, value_and_gradient
from workbench.autodiff import met
from workbench.errors import LostGradientError


class _Rows:
    def __init__(self, x):
        self.v = np.zeros(2)
        self.v[:] = x

    def __iter__(self):
        return iter(self.v)

    def __array__(self, dtype=None, copy=None):
        return self.v

    def __float__(self):
        return self.v[0]


def test_the_methods_of_a_class_are_put_back():
    before = dict(vars(_Rows))

    def program(x):
        rows = _Rows(x)
        inside.append(vars(_Rows)["__iter__"])
        return sum(set(rows))

    inside = []
    np.testing.assert_allclose(gradient(program)(np.array([1.0, 2.0])), 1.0)
    assert inside[0] is not before["__iter__"]
    assert dict(vars(_Rows)) == before

    def fails(x):
        raise KeyError(_Rows(x))

    with pytest.raises(KeyError):
        gradient(fails)(np.array([1.0, 2.0]))
    assert dict(vars(_Rows)) == before


def test_methods_of_installed_packages_are_exchanged_too():
    file = sysconfig.get_paths()["purelib"] + "/package_of_a_test.py"
    text = """class Rows:
    def __init__(self, v):
        self.v = v

    def __iter__(self):
        return iter(self.v)
"""
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    package = types.ModuleType("package_of_a_test")
    exec(compile(text, file, "exec"), vars(package))

    def program(x):
        filled = np.zeros(2)
        filled[:] = x
        return sum(a * b for a, b in zip(itertools.chain(package.Rows(filled)), [2.0, 3.0], strict=True))

    np.testing.assert_allclose(gradient(program)(np.array([1.0, 2.0])), [2.0, 3.0])


@pytest.mark.parametrize(
    "function",
    [
        *(np.sum, np.mean, np.var, np.max, np.cumsum),
        lambda rows: np.dot([2.0, 3.0], rows),
        lambda rows: np.linalg.solve(np.eye(2), rows),
        lambda rows: np.clip(rows, 0.0, 1.5),
    ],
)
def test_an_object_that_turns_itself_into_an_array_that_was_written_into(function):
    check_gradient(lambda x: np.sum(function(_Rows(x))), np.array([1.0, 2.0]))


def test_an_object_that_compiled_code_turns_into_numbers_is_refused():
    def program(x):
        array.array("d", [_Rows(x)])
        return x[0]

    with pytest.raises(LostGradientError, match="turn itself into plain numbers"):
        gradient(program)(np.array([1.0, 2.0]))


class _Written:
    def __init__(self, x):
        self.v = np.zeros(1)
        self.v[0] = x

    def __repr__(self):
        self.v *= 2
        return "written"


def test_text_made_by_compiled_code_may_change_numbers():
    def program(x):
        written = _Written(x)
        repr([written])
        return written.v[0]

    assert value_and_gradient(program)(1.5) == (3.0, 2.0)


def test_a_class_made_by_the_program_is_refused_as_well():
    def program(x):
        class Inner(_Rows):
            def __array__(self, dtype=None, copy=None):
                return self.v

        return array.array("d", [Inner(x)])[0]

    with pytest.raises(LostGradientError, match="turn itself into plain numbers"):
        gradient(program)(np.array([1.0, 2.0]))


class _Kept(dict):
    """Stores the square of what it is given."""

    def __new__(cls, label):
        return super().__new__(cls)

    def __init__(self, label):
        self.label = label

    def __setitem__(self, key, value):
        super().__setitem__(key, value**2)


def test_an_argument_that_changes_what_it_stores_is_copied_as_it_is():
    kept = _Kept("a")
    kept["x"] = 3.0

    def program(d):
        return d["x"] * len(d.label)

    value, found = value_and_gradient(program)(kept)
    assert (value, found["x"], found.label) == (9.0, 1.0, "a")


def _redefined():
    class Held:
        def __init__(self, x):
            super().__init__()
            self.x = x

        def __add__(self, other):
            return super().__getattribute__("x") + other

        @property
        def twice(self):
            return 2.0 * self.x

    assert gradient(lambda held: held.twice + (held + 1.0))(Held(2.0)).x == 3.0
    return weakref.ref(Held)


def test_classes_that_nobody_uses_any_more_are_forgotten():
    before = len(met._met)
    held = [_redefined() for _ in range(2 * met._AT_MOST)]
    gc.collect()
    assert sum(kind() is not None for kind in held) <= met._AT_MOST
    assert len(met._met) < before + 2 * met._AT_MOST


def test_a_method_that_is_exchanged_between_two_derivatives_counts():
    class Row:
        def __init__(self, x):
            self.x = x

        def __iter__(self):
            return iter([self.x])

    def program(x):
        total = 0.0
        for part in itertools.chain(Row(x)):
            total += part
        return total

    assert gradient(program)(3.0) == 1.0
    Row.__iter__ = functools.wraps(Row.__iter__)(lambda self: iter([self.x * self.x]))
    assert gradient(program)(3.0) == 6.0
    assert Row.__iter__.__name__ == "__iter__"


class _Warm:
    def __init__(self, degrees):
        self.degrees = degrees

    def __float__(self):
        return float(self.degrees)


def test_objects_that_are_asked_whether_they_are_numbers():
    def program(x):
        warm = _Warm(2.0 * x)
        asked = math.isnan(warm), math.isinf(warm), math.isfinite(warm)
        assert asked == (False, False, True)
        return float(warm) ** 2

    assert gradient(program)(0.5) == 4.0
