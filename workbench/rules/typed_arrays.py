"""``array.array`` of floats: while a derivative is taken, one that traced numbers can be put into.

Its elements are in its memory, as always, until the first traced number comes. From then on they are in a list, and
the memory, which nobody but compiled code looks at, holds NaN, so that a number read there cannot pass for right.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import iterate
from workbench.autodiff.registry import DOORS, HOLDING, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.settling import SETTLED, note_elements
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import LostGradientError
from workbench.rules import making_arrays  # noqa: F401  what it shares its memory with


class TracedDoubles(array):
    """An ``array('d')`` of a program that is being differentiated.

    Attributes:
        elements: its elements if a traced number is or was among them, else None.
        read: whether ``numpy.asarray`` has taken these: NumPy's array would share the memory.
    """

    __slots__ = ("elements", "read")
    elements: list | None
    read: bool

    def __new__(cls, elements: list) -> TracedDoubles:
        """An array of these numbers."""
        varies = any(type(e) in TRACED for e in elements)
        made = array.__new__(cls, "d", [math.nan] * len(elements) if varies else elements)
        made.elements, made.read = elements if varies else None, False
        if varies:
            note_elements(made)
            note_elements(elements)
        return made

    def numbers(self) -> list:
        """Its elements, from now on in a list of their own that may be changed."""
        if self.elements is None:
            self._check_alone()
            self.elements = array.tolist(self)
            array.__setitem__(self, slice(None), array("d", [math.nan]) * len(self))
        if self.read:
            raise _is_read()
        note_elements(self)
        note_elements(self.elements)
        return self.elements

    def _check_alone(self) -> None:
        """Refuse a change where ``numpy.frombuffer`` or a memoryview reads the memory: nobody would undo it there."""
        try:
            array.append(self, math.nan)
        except BufferError:
            raise _is_read() from None
        array.pop(self)

    def resized(self) -> None:
        """The memory gets as many elements as the list has."""
        lacking = len(self.elements) - len(self)
        if lacking < 0:
            array.__delitem__(self, slice(lacking, None))
        else:
            array.extend(self, array("d", [math.nan]) * lacking)

    def __len__(self) -> int:
        return array.__len__(self)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return TracedDoubles(_all_of(self)[index])
        return array.__getitem__(self, index) if self.elements is None else current(self.elements[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        if not contains_traced(value) and self.elements is None:
            self._check_alone()
            note_elements(self)
            array.__setitem__(self, index, value)
        elif not isinstance(index, slice):
            REWRITTEN_DOORS["set_item"](_number(value), self.numbers(), operator.index(index))
        elif isinstance(value, array):
            REWRITTEN_DOORS["set_item"](_doubles(value), self.numbers(), index)
            self.resized()
        else:
            raise TypeError(f'can only assign array (not "{type(value).__name__}") to array slice')

    def __iter__(self) -> Iterator:
        k = 0
        while k < len(self):  # it may grow meanwhile
            yield self[k]
            k += 1

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return _beside(np.add, self, other)
        return TracedDoubles(_all_of(self) + _doubles(other)) if isinstance(other, array) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return _beside(np.add, other, self)
        return TracedDoubles(_doubles(other) + _all_of(self)) if isinstance(other, array) else NotImplemented

    def __iadd__(self, other: Any) -> Any:
        if not isinstance(other, array):
            raise TypeError(f'can only extend with array (not "{type(other).__name__}")')
        self.extend(other)
        return self

    def __mul__(self, count: Any) -> Any:
        if isinstance(count, np.ndarray):
            return _beside(np.multiply, self, count)
        return TracedDoubles(_all_of(self) * operator.index(count))

    __rmul__ = __mul__

    def __imul__(self, count: Any) -> TracedDoubles:
        self[:] = self * count
        return self

    def extend(self, others: Any) -> None:
        """As of any array."""
        for value in _doubles(others) if isinstance(others, array) else iterate(others):
            self.append(value)

    fromlist = extend

    def append(self, value: Any) -> None:
        """As of any array."""
        self.insert(len(self), value)

    def insert(self, index: int, value: Any) -> None:
        """As of any array."""
        if self.elements is None and not contains_traced(value):
            note_elements(self)
            array.insert(self, index, value)
            return
        self.numbers().insert(index, _number(value))
        self.resized()

    def tolist(self) -> list:
        """As of any array."""
        return list(self)

    def __copy__(self) -> TracedDoubles:
        return self[:]

    def __deepcopy__(self, memo: dict) -> TracedDoubles:
        return self[:]

    def __reduce_ex__(self, protocol: int) -> Any:
        if self.elements is not None:
            raise lost("an array that holds traced numbers was about to be pickled")
        return array("d", self).__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(array("d", plain(_all_of(self))))


def _is_read() -> LostGradientError:
    return lost(
        "an array.array was about to be changed whose memory is read through something else",
        fix="hand its numbers over as values: numpy.array(a)",
    )


def _beside(function: np.ufunc, *operands: Any) -> Any:
    """An operator of NumPy's beside one of its arrays, which takes the elements as an array."""
    values = [resolve(np.array)(_all_of(x)) if type(x) is TracedDoubles else x for x in operands]
    return resolve(function)(*values)


def _all_of(x: TracedDoubles) -> list:
    """Its elements in a new list."""
    return array.tolist(x) if x.elements is None else [current(e) for e in x.elements]


def _doubles(x: array) -> list:
    """The elements of an array that is put into one of floats, in a new list."""
    if x.typecode != "d":
        raise TypeError("can only extend with array of same kind")
    return _all_of(x) if isinstance(x, TracedDoubles) else x.tolist()


def _number(x: Any) -> Any:
    """What an array of floats keeps of ``x``."""
    return resolve(float)(x) if contains_traced(x) else array("d", [x])[0]


def _on_the_list(name: str, *, shortens: bool = False) -> Callable:
    """A method that arrays have in common with lists."""
    of_arrays, of_lists = getattr(array, name), getattr(list, name)

    def method(self: TracedDoubles, *args: Any) -> Any:
        if self.elements is None:
            note_elements(self)
            return of_arrays(self, *args)
        found = of_lists(self.numbers(), *args)
        if shortens:
            self.resized()
        return current(found)

    method.__name__ = name
    return method


def _compared(name: str) -> Callable:
    """A comparison, element by element, as of lists."""
    compare = getattr(operator, name)

    def method(self: TracedDoubles, other: Any) -> Any:
        if not isinstance(other, array):
            return NotImplemented
        numbers = plain(_all_of(other)) if isinstance(other, TracedDoubles) else other.tolist()
        return compare(plain(_all_of(self)), numbers)

    return method


def _of_bytes(name: str) -> Callable:
    """A method that reads or writes the memory."""
    of_arrays = getattr(array, name)

    def method(self: TracedDoubles, *args: Any) -> Any:
        if self.elements is not None:
            raise lost("the bytes of a traced value were about to be read or changed directly")
        return of_arrays(self, *args)

    method.__name__ = name
    return method


for _name in ("index", "count", "reverse", "__contains__"):
    setattr(TracedDoubles, _name, _on_the_list(_name))
for _name in ("pop", "remove", "__delitem__"):
    setattr(TracedDoubles, _name, _on_the_list(_name, shortens=True))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(TracedDoubles, f"__{_name}__", _compared(_name))
for _name in ("tobytes", "tofile", "frombytes", "fromfile", "byteswap", "buffer_info"):
    setattr(TracedDoubles, _name, _of_bytes(_name))
TracedDoubles.__hash__ = None


def _settle(x: TracedDoubles) -> TracedDoubles:
    """When a tape is closed: what is plain again goes back into the memory."""
    if x.elements is not None:
        x.elements = [current(e) for e in x.elements]
        if not any(type(e) in TRACED for e in x.elements):
            array.__setitem__(x, slice(None), array("d", x.elements))
            x.elements = None
    return x


def _sharing(function: Callable) -> None:
    """A function of NumPy's that takes the memory of an ``array.array`` as it is."""
    followed = DOORS[function]

    def call(*args: Any, **kwargs: Any) -> Any:
        x = args[0] if args else None
        if type(x) is not TracedDoubles:
            return followed(*args, **kwargs)
        if x.elements is None:
            return function(*args, **kwargs)
        made = followed(*args, **kwargs)
        made.array.flags.writeable = False
        x.read = True
        return made

    DOORS[function] = call


for _function in (np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite):
    _sharing(_function)

SETTLED[TracedDoubles] = _settle
HOLDING[TracedDoubles] = lambda x: x.elements is not None


@door(array)
def array_(typecode: str, *given: Any) -> array:
    """``array.array``."""
    if not OPEN or typecode != "d" or (given and isinstance(given[0], bytes | bytearray)):
        return array(typecode, *given)
    if not given:
        return TracedDoubles([])
    return TracedDoubles([_number(e) for e in iterate(given[0])])
