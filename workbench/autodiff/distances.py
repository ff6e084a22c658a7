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
from workbench.autodiff.scalars import TRACED, TracedFloat
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
    tolerance = plain(tolerance)
    if type(tolerance) not in _COMPARED or not x.tape.open:
        return
    size = float(np.max(np.abs(plain(x)), initial=0.0))
    if not np.all((size <= np.abs(tolerance)) & (np.abs(tolerance) <= TOLERANCE)):
        return
    kept, slack = _subtracted(x, _SMALL if size else 0.0)
    if kept is None or type(kept) in TRACED:  # by an outer derivative
        return
    place = place_of_kept(running_frame(), kept, slack=slack if size else None)
    if place is not None:
        raise found_again(place)


_COMPARED = (*NUMBERS, np.ndarray)


def _subtracted(x: Any, small: float) -> tuple[Any, float]:
    """The plain number, or an array like the one, whose difference from something traced ``x`` is made of.

    Behind it stands how far the array may be from that one. What is larger than ``small`` is no difference any more.
    """
    for _ in range(8):
        slack = 2 * float(np.max(np.abs(plain(x)), initial=0.0))
        if type(x) is TracedFloat and x.parent is not None:
            if x.parent2 is None and x.partial2 is not None:
                return (x.partial2 if x.partial2 != 0.0 else None), 0.0
            sources = [x.parent]
        else:
            sources = [y for y in _operands(x) if type(y) in TRACED]
        if not sources:
            break
        source = sources[0]
        if np.any(np.abs(plain(source)) > small):
            alone = len(sources) == 1 and type(source) is TracedArray and source.array.ndim > 0
            same = alone and source.array.shape == np.shape(plain(x))
            return (source.array, slack) if same else (None, 0.0)
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
