"""Derivatives by objects are by what they store, whatever their classes make of it."""

import numpy as np
import pytest

from workbench import gradient, pullback, pushforward


class PrivateSlots:
    __slots__ = ("__width", "height")

    def __init__(self, width, height):
        self.__width, self.height = width, height

    def result(self):
        return self.__width**2 * self.height


class PropertyOverField:
    def __init__(self, width):
        self.__dict__["width"] = width

    @property
    def width(self):
        return self.__dict__["width"] * 10.0

    def result(self):
        return self.width**2


class Doubled:
    def __init__(self, width):
        self.width = width

    def __getattribute__(self, name):
        found = object.__getattribute__(self, name)
        return 2.0 * found if name == "width" else found

    def result(self):
        return self.width**2


class ListWithField(list):
    def __init__(self, elements, scale):
        super().__init__(elements)
        self.scale = scale

    def result(self):
        return sum(self) * self.scale**2


class DictWithField(dict):
    scale = 1.0

    def result(self):
        return self["a"] * self.scale


def _with_scale():
    made = DictWithField(a=2.0)
    made.scale = 5.0
    return made


@pytest.mark.parametrize(
    ("made", "name", "expected"),
    [
        (PrivateSlots(2.0, 3.0), "_PrivateSlots__width", 12.0),
        (PropertyOverField(2.0), "width", 400.0),
        (Doubled(2.0), "width", 16.0),
        (ListWithField([1.0, 2.0], 3.0), "scale", 18.0),
        (_with_scale(), "scale", 2.0),
    ],
)
def test_by_what_is_stored(made, name, expected):
    found = gradient(lambda x: x.result())(made)
    stored = found.__dict__ if hasattr(found, "__dict__") else {name: getattr(found, name)}
    assert stored[name] == expected


def test_fields_of_a_list_have_tangents_and_cotangents():
    made = ListWithField([1.0, 2.0], 3.0)
    _, push = pushforward(ListWithField.result, made)
    assert push(ListWithField([1.0, 1.0], 0.5)) == 27.0
    _, back = pullback(lambda x: ListWithField(x, 2.0 * x.scale), made)
    (found,) = back(ListWithField([1.0, 0.0], 7.0))
    assert (list(found), found.scale) == ([1.0, 0.0], 14.0)


def test_polynomials_come_back():
    value, back = pullback(lambda x: np.poly1d([x, 2.0 * x]), 3.0)
    assert list(value.coeffs) == [3.0, 6.0]
    assert back(np.poly1d([1.0, 1.0])) == (3.0,)
