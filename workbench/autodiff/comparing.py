"""Comparisons of rewritten programs: ``a < b`` is ``less(a, b)``.

They compare the numbers alone, and their truth values are plain. Where what is compared is zero or found to be equal,
``kept`` looks whether the program has met a number again that it kept from an earlier run.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Set, ValuesView
from typing import Any

import numpy as np

from workbench.autodiff import subclassing, subnumbers
from workbench.autodiff.arrays import TracedArray, as_number, current, is_complex_number
from workbench.autodiff.binary import PLAIN, of_numpy, of_subclass
from workbench.autodiff.calls import python_method
from workbench.autodiff.deferring import COMPARISONS, compared
from workbench.autodiff.distances import found_zero
from workbench.autodiff.kept import TOLERANCE, found_among, found_equal, varies, watching
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, Probe, TracedFloat
from workbench.autodiff.stored import BARE
from workbench.autodiff.subarrays import TracedSubnumber
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain


def _make_compare(function: Callable) -> Callable:
    short = function.__name__.strip("_")

    def apply(a: Any, b: Any) -> Any:
        given = a, b
        if type(a) is TracedFloat:
            if _LEAST < a.value < TOLERANCE:
                found_zero(a, b)
            a = a.value
        if type(b) is TracedFloat:
            if _LEAST < b.value < TOLERANCE:
                found_zero(b, a)
            b = b.value
        ka, kb = type(a), type(b)
        if ka in PLAIN and kb in PLAIN:
            return function(a, b)
        if ka is TracedSubnumber or kb is TracedSubnumber:
            return subnumbers.compare(short, *given)
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            given = a, b = current(given[0]), current(given[1])
            if of_subclass(a, b):
                return subclassing.compare(short, a, b)
            ka, kb = type(a), type(b)
        x, y = (a, b) if _stands_for_a_number(ka) or _stands_for_a_number(kb) else given
        result = compared(short, x, y)
        if result is not NotImplemented:
            return result
        if ka is TracedArray or kb is TracedArray:
            for x, other in ((a, b), (b, a)):
                if type(x) is TracedArray and not _are_large(x.array):
                    found_zero(x, other)
            return function(plain(a), plain(b))
        if (of_numpy(a) and contains_traced(b)) or (of_numpy(b) and contains_traced(a)):
            return function(plain(a), plain(b))  # with a list that NumPy takes for an array
        return function(a, b)

    apply.__name__ = function.__name__
    return apply


_LEAST = -TOLERANCE


def _are_large(array: np.ndarray) -> bool:
    """Whether an element is no distance of what was found to be the same: the first tells it mostly."""
    if array.dtype.kind not in "fc" or not array.size or abs(array.item(0)) >= TOLERANCE:
        return True
    return bool(np.any(np.abs(array) >= TOLERANCE))


_NUMBERS = (float, int, complex, np.ndarray, np.generic)


def _stands_for_a_number(kind: type) -> bool:
    """Whether an object of the program stands for a number: it compares as the number does, and gives a truth."""
    return hasattr(kind, "__float__") and not issubclass(kind, _NUMBERS) and kind not in TRACED


def _is_not_zero(x: TracedFloat) -> bool:
    """``bool(x)``."""
    if not x.value:
        found_zero(x)
        return False
    return True


def is_in(x: Any, container: Any) -> bool:
    """``x in container``; a traced number, or what holds one, may be found in what is kept from before."""
    found = x in container
    if found and OPEN.stack and type(x) not in BARE and varies(x):
        if type(container) is np.ndarray:
            found_among(x, current(container))
        elif isinstance(container, _HOLDERS) and python_method(type(container), "__contains__") is None:
            found_equal(x, _equal_in(container, x))
    return found


def _equal_in(container: Any, x: Any) -> Any:
    """The element that is equal to ``x``; in a set without a look at the others."""
    if isinstance(container, Set | dict):
        probe = Probe(x)
        if probe in container:
            return probe.stored
    return next(e for e in container if e is x or e == x)


_HOLDERS = (list, tuple, deque, dict, Set, ValuesView)


def _hash_of_number(x: TracedArray) -> int:
    """By which a dictionary finds a complex number; arrays have none."""
    if not is_complex_number(x.array):
        raise TypeError("unhashable type: 'numpy.ndarray'")
    return hash(as_number(x.array))


def _install() -> None:
    REWRITTEN_DOORS.update(is_in=is_in, is_not_in=lambda x, container: not is_in(x, container))
    for short, name in COMPARISONS.items():
        compare = _make_compare(getattr(operator, short))
        if short in ("eq", "ne"):
            compare = watching(compare, says=short == "eq")
        REWRITTEN_DOORS[name] = compare
        setattr(TracedArray, f"__{short}__", lambda a, b, f=compare: f(a, b))
    TracedArray.__hash__ = _hash_of_number
    TracedFloat.__bool__ = _is_not_zero


_install()
