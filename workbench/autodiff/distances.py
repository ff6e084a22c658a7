"""How far a number is from one that the program keeps from one run to the next: nothing, where the two are equal.

``if abs(x - self.last) < 1e-12: return self.value`` gives x the value that another number had, as ``x == self.last``
does (see ``kept``). What was subtracted stands on the tape, and is looked for where the program asks whether what has
become of the difference is zero, or less than a small number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray
from workbench.autodiff.indexing import ReadElement
from workbench.autodiff.kept import NUMBERS, TOLERANCE, found_again, place_of_kept
from workbench.autodiff.location import running_frame
from workbench.autodiff.scalars import TRACED, TracedFloat, strip
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain


def found_zero(x: Any, tolerance: Any = 0.0) -> None:
    """A traced number or array that is zero, or small, was compared with ``tolerance``.

    It may be how far something is from what the program has kept: a memo is asked whether the two are the same, a
    solver that begins where the run before has ended finds nothing left to do.

    Raises:
        LostGradientError: something traced is equal, or as close, to a plain number that the program has kept from
            before.
    """
    tolerance, size = plain(tolerance), _size(x)
    if type(tolerance) is np.ndarray:
        within = tolerance.dtype.kind == "f" and np.all((size <= tolerance) & (tolerance <= TOLERANCE))
    else:
        within = type(tolerance) in NUMBERS and size <= abs(tolerance) <= TOLERANCE
    if not within or not x.tape.open:
        return
    kept, distance = _subtracted(x, _SMALL if size else 0.0)
    if kept is None or type(kept) in TRACED or distance > TOLERANCE * np.max(np.abs(kept)):
        return  # subtracted by an outer derivative, or close to it in small units only
    place = place_of_kept(running_frame(), kept, slack=2 * distance if size else None)
    if place is not None:
        raise found_again(place)


def _size(x: Any) -> float:
    """The largest number in something traced."""
    if type(x) is TracedFloat:
        return abs(strip(x))
    return float(np.max(np.abs(x.array), initial=0.0))


def _subtracted(x: Any, small: float) -> tuple[Any, float]:
    """The plain number, or an array like the one, whose difference from something traced ``x`` is made of.

    Behind it stands the difference. What is larger than ``small`` is none any more.
    """
    for _ in range(8):
        if type(x) is TracedFloat and x.parent is not None:
            if x.parent2 is None and x.partial2 is not None:
                return (x.partial2 if x.partial2 != 0.0 else None), _size(x)
            sources = [x.parent]
        else:
            sources = [y for y in _operands(x) if type(y) in TRACED]
        if not sources:
            break
        source = sources[0]
        if _size(source) > small:
            alone = len(sources) == 1 and type(source) is TracedArray and source.array.ndim > 0
            same = alone and source.array.shape == np.shape(plain(x))
            return (source.array, _size(x)) if same else (None, 0.0)
        x = source
    return None, 0.0


_SMALL = 1e-3
"""What is larger is no difference of two things that are as close as ``TOLERANCE``, nor its root."""


def _operands(x: Any) -> list[Any]:
    """What the latest operation was applied to that gave ``x``."""
    for node in reversed(x.tape[-32:]):
        results = getattr(node, "results", None) or [getattr(node, "result", None)]
        if any(r is x or (type(r) is type(x) is TracedArray and r.memory is x.memory) for r in results):
            if type(node) is ReadElement:
                return [TracedArray(node.array, node.memory)]
            return getattr(node, "operands", [])
    return []


def asking(ask: Callable) -> Callable:
    """``ask``, which tells whether something is zero, or where or how often it is not."""

    @functools.wraps(ask, updated=())
    def apply(*args: Any, **kwargs: Any) -> Any:
        result = ask(*args, **kwargs)
        if OPEN.stack and args and type(args[0]) in TRACED and not np.any(plain(args[0])):
            found_zero(args[0])
        return result

    return apply


def near(compare: Callable) -> Callable:
    """``compare``, which tells whether two things are close to each other: a difference may be, to zero."""

    @functools.wraps(compare, updated=())
    def apply(*args: Any, **kwargs: Any) -> Any:
        result = compare(*args, **kwargs)
        if OPEN.stack and np.all(result):
            for x, other in ((args[0], args[-1]), (args[-1], args[0])) if len(args) == 2 else ():
                if type(x) in TRACED and type(other) in NUMBERS and other == 0:
                    found_zero(x, TOLERANCE)
        return result

    return apply
