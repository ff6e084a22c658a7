"""Whose method computes an operator, where values of the program's subclasses of arrays and numbers take part.

Python asks the class of the left operand and then, for the reflected operation, that of the right one, which comes
first where it is derived from the left one's. A class without a method of its own computes by what it is made from: a
number with numbers that are no wider, an array of NumPy's with everything that does not claim it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.scalars import TracedFloat, strip
from workbench.autodiff.subarrays import class_of

_SHORT = "lt le gt ge eq ne".split()
_NAMES = "less less_equal greater greater_equal equal not_equal".split()
COMPARISONS = dict(zip(_SHORT, _NAMES, strict=True))
"""Comparisons by the name of Python's method: that of the door, and of NumPy's function."""
_REFLECTED = dict(zip(_SHORT, "gt ge lt le eq ne".split(), strict=True))  # what the other side is asked for

_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_WIDTHS = ((bool, int, np.integer, np.bool_), (float, np.floating), (complex, np.complexfloating))


def seen_class(x: Any) -> type:
    """The class of an operand in the eyes of Python."""
    if type(x) is TracedFloat:
        return type(strip(x))
    return x.__class__ if type(x) is TracedArray else class_of(x)


def by_methods(op: Any, a: Any, b: Any) -> Any:
    """A binary operator as the program's classes say; NotImplemented where what they are made from computes it.

    Raises:
        TypeError: the classes have been asked, and none of them computes it.
    """
    result, refused = _asked(a, b, seen_class(a), op.method, op.reflected)
    if refused:
        names = f"{seen_class(a).__name__!r} and {seen_class(b).__name__!r}"
        raise TypeError(f"unsupported operand type(s) for {op.name}: {names}")
    return result


def compared(short: str, a: Any, b: Any) -> Any:
    """A comparison as the program's classes say; NotImplemented where what they are made from computes it.

    Raises:
        TypeError: the classes have been asked which one is larger, and none of them says it.
    """
    ka = seen_class(a)
    if issubclass(ka, np.generic) and issubclass(seen_class(b), np.ndarray):
        ka = np.ndarray  # NumPy compares its numbers with arrays as arrays
    result, refused = _asked(a, b, ka, f"__{short}__", f"__{_REFLECTED[short]}__")
    if refused and short in ("eq", "ne"):
        return (a is b) is (short == "eq")
    if refused:
        names = f"{seen_class(a).__name__!r} and {seen_class(b).__name__!r}"
        raise TypeError(f"{_SIGNS[short]!r} not supported between instances of {names}")
    return result


def _asked(a: Any, b: Any, ka: type, method: str, reflected: str) -> tuple[Any, bool]:
    """What the first method says that does not give up, and whether there is nobody left to compute."""
    kb = seen_class(b)
    mine, theirs = python_method(ka, method), None if kb is ka else python_method(kb, reflected)
    attempts = [] if mine is None else [(mine, a, b)]
    if theirs is not None and issubclass(kb, ka) and theirs is not python_method(ka, reflected):
        attempts.insert(0, (theirs, b, a))
    elif theirs is not None and (mine is not None or not _computes(ka, kb)):
        attempts.append((theirs, b, a))
    for own, first, second in attempts:
        result = resolve(own)(first, second)
        if result is not NotImplemented:
            return result, False
    if mine is None:
        return NotImplemented, theirs is not None and not _computes(ka, kb)
    return NotImplemented, theirs is not None or kb is ka or not _computes(kb, ka)


def _computes(kind: type, other: type) -> bool:
    """Whether what ``kind`` is made from computes by itself with a value of the class ``other``."""
    if issubclass(kind, (np.ndarray, np.generic)):
        return not gives_way(kind, other)
    width, widest = _width(other), _width(kind)
    return width is not None and widest is not None and width <= widest


def _width(kind: type) -> int | None:
    return next((k for k, kinds in enumerate(_WIDTHS) if issubclass(kind, kinds)), None)


def gives_way(kind: type, other: type) -> bool:
    """Whether NumPy's array or number of ``kind`` leaves an operator to ``other``."""
    if hasattr(other, "__array_ufunc__"):
        return other.__array_ufunc__ is None
    return _priority(other) > _priority(kind)


def _priority(kind: type) -> float:
    found = getattr(kind, "__array_priority__", None)
    return found if isinstance(found, int | float) else 0.0 if issubclass(kind, np.ndarray) else -1e6
