"""Traced values of the program's subclasses: of NumPy's arrays (a quantity with its unit), and of Python's numbers.

Such a value is a traced one with a class and with the attributes that the program has given it. What it does is what
its class says, method by method and rewritten, and what the class it is made from says where it is silent
(``subclassing``, ``subnumbers``). It is no traced value to the rest of the engine: what does not know of it meets an
object that refuses to become an array or a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.autodiff.arrays import TracedArray


class Dressed:
    """A traced value of the class ``cls`` of the program. ``isinstance(x, cls)`` is true.

    Its slots are read by the functions below: as an attribute it has what ``cls`` has.

    Attributes:
        bare: the traced value, without its class.
        cls: the class.
        own: the attributes of this value, by their names; those of ``real``, where there is one.
        real: the array of the program's that the traced values were written into; None if there is none.
    """

    __slots__ = ("bare", "cls", "own", "real")

    def __init__(self, bare: Any, cls: type, own: dict | None = None, real: Any = None) -> None:
        _SET["bare"](self, bare)
        _SET["cls"](self, cls)
        _SET["own"](self, {} if own is None else own)
        _SET["real"](self, real)


class TracedSubarray(Dressed):
    """A traced array of a subclass."""

    __slots__ = ("__weakref__",)


class TracedSubnumber(Dressed):
    """A traced number of a class that is derived from ``float``, ``complex`` or NumPy's ``float64``."""

    __slots__ = ("__weakref__",)


DRESSED = frozenset({TracedSubarray, TracedSubnumber})
_SET = {name: Dressed.__dict__[name].__set__ for name in Dressed.__slots__}
bare_part = Dressed.__dict__["bare"].__get__
class_part = Dressed.__dict__["cls"].__get__
own_part = Dressed.__dict__["own"].__get__
real_part = Dressed.__dict__["real"].__get__


def class_of(x: Any) -> type:
    """The class of ``x`` in the eyes of the program, where it may be a value of a subclass."""
    return class_part(x) if type(x) in DRESSED else type(x)


def set_bare(x: TracedSubarray, bare: TracedArray) -> None:
    """Give ``x`` another view of its memory: the program has set its shape."""
    _SET["bare"](x, bare)


def set_own(x: Dressed, own: dict) -> None:
    """``x.__dict__ = own``."""
    if (real := real_part(x)) is not None:
        object.__setattr__(real, "__dict__", own)
    _SET["own"](x, own)


def set_class(x: Dressed, cls: type) -> None:
    """``x.__class__ = cls``."""
    if (real := real_part(x)) is not None:
        real.__class__ = cls
    _SET["cls"](x, cls)
