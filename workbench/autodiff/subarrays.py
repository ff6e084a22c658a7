"""An array of a subclass of NumPy's that is traced: a matrix, a quaternion, a quantity with its unit.

It is a traced array with a class and with the attributes that the program has given it. What it does is what its class
says, method by method and rewritten, and what ``numpy.ndarray`` says where the class is silent (``subclassing``). It is
no traced array to the rest of the engine: what does not know of it meets an object that refuses to become an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.autodiff.arrays import TracedArray


class TracedSubarray:
    """A traced array of the subclass ``cls``. ``isinstance(x, cls)`` is true.

    Its slots are read by the functions below: as an attribute it has what ``cls`` has.

    Attributes:
        bare: the traced array, without its class.
        cls: the class.
        own: the attributes of this array; those of ``real``, where there is one.
        real: the array of the program's that the traced values were written into; None if there is none.
    """

    __slots__ = ("bare", "cls", "own", "real")

    def __init__(self, bare: TracedArray, cls: type, own: dict | None = None, real: Any = None) -> None:
        _SET["bare"](self, bare)
        _SET["cls"](self, cls)
        _SET["own"](self, {} if own is None else own)
        _SET["real"](self, real)


_SET = {name: TracedSubarray.__dict__[name].__set__ for name in TracedSubarray.__slots__}
bare_part = TracedSubarray.__dict__["bare"].__get__
class_part = TracedSubarray.__dict__["cls"].__get__
own_part = TracedSubarray.__dict__["own"].__get__
real_part = TracedSubarray.__dict__["real"].__get__


def class_of(x: Any) -> type:
    """The class of ``x`` in the eyes of the program, where it may be an array of a subclass."""
    return class_part(x) if type(x) is TracedSubarray else type(x)


def set_bare(x: TracedSubarray, bare: TracedArray) -> None:
    """Give ``x`` another view of its memory: the program has set its shape."""
    _SET["bare"](x, bare)
