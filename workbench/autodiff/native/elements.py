"""What the rewritten loops of ``vectors`` call: NumPy through all elements at once, with the bits of the loop."""

from __future__ import annotations

from typing import Any

import numpy as np


def whole(places: Any) -> np.ndarray:
    """A tape, or what else generated Python keeps numbers in, as an array of NumPy's on the same memory."""
    return np.frombuffer(places)


def taken(part: np.ndarray) -> np.ndarray:
    """Elements as they are now."""
    return np.array(part, float)


def clear(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether writing one part does not change the other."""
    return not np.may_share_memory(a, b)


def distant(n: int, places: tuple[int, ...], others: tuple[int, ...]) -> bool:
    """Whether runs of n places that begin here and there do not overlap."""
    return all(abs(a - b) >= n for a in places for b in others)


def added(places: np.ndarray, n: int, parts: tuple[tuple[int, Any], ...], backwards: bool) -> None:
    """Add runs of n numbers from where each begins: every place gets its contributions in the order of the loop."""
    for first, part in sorted(parts, key=lambda pair: pair[0], reverse=not backwards):
        places[first : first + n] += part


def running(start: float, n: int, parts: tuple[Any, ...], backwards: bool) -> float:
    """``start`` and the n terms of each part, added one after the other as the loop does."""
    terms = np.empty((n, len(parts)))
    for k, part in enumerate(parts):
        terms[:, k] = part
    terms = terms[::-1] if backwards else terms
    return float(np.add.accumulate(np.concatenate(([start], terms.ravel())))[-1])


def quotient(a: Any, b: Any) -> Any:
    """a / b, which raises where Python does."""
    if not np.all(b):
        raise ZeroDivisionError("float division by zero")
    return a / b


def roots(a: np.ndarray) -> np.ndarray:
    """Square roots, which raise where Python does."""
    if np.any(a < 0.0):
        raise ValueError("math domain error")
    return np.sqrt(a)


def each(function: Any, *parts: Any) -> np.ndarray:
    """A function of numbers for all elements."""
    return np.frompyfunc(function, len(parts), 1)(*parts).astype(float)


HELPERS = {f.__name__: f for f in (whole, taken, clear, distant, added, running, quotient, roots, each)}
