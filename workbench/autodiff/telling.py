"""Telling traced values from plain ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import VIEWS, TracedArray, current, unwrapped
from workbench.autodiff.registry import HOLDING
from workbench.autodiff.scalars import TRACED, TracedFloat, strip
from workbench.autodiff.structure import with_elements
from workbench.autodiff.tape import OPEN

_DEPTH = 64  # of lists in lists that NumPy makes an array of
_NESTED = frozenset({list, tuple, dict})
SEQUENCES = (list, tuple, deque)
"""What NumPy makes arrays of, with the classes of the program that are made from it."""
PLAIN: dict[type, Callable] = {}
"""Types of what stands for a plain value -> that value."""
WRITTEN: set[type] = set()
"""Types of text that a traced number is written in; text.py adds its own."""


def plain(x: Any) -> Any:
    """``x`` without its tapes, also inside lists, tuples and dicts."""
    kind = type(x)
    if kind is TracedFloat:
        return strip(x)
    if kind is TracedArray:
        return unwrapped(x.array)
    if kind is list or kind is tuple:
        return kind([plain(e) for e in x])
    if kind is dict:
        return {k: plain(v) for k, v in x.items()}
    if kind in PLAIN:
        return PLAIN[kind](x)
    if isinstance(x, SEQUENCES) and contains_traced(x):
        return with_elements(x, [plain(e) for e in x])
    return x


def contains_traced(x: Any, depth: int = _DEPTH) -> bool:
    """Whether a traced value, or a plain array whose memory is traced, is in ``x``."""
    return _contains(x, depth, set())


def _contains(x: Any, depth: int, met: set[int]) -> bool:
    kind = type(x)
    if kind in TRACED:
        return x.tape.open
    if kind is np.ndarray:
        return bool(OPEN) and type(current(x)) is TracedArray
    if not depth or id(x) in met or (kind not in _NESTED and not isinstance(x, SEQUENCES)):
        if not OPEN:
            return False
        return HOLDING[kind](x) if kind in HOLDING else isinstance(x, VIEWS) and current(x) is not x
    met.add(id(x))
    return any(_contains(e, depth - 1, met) for e in (x.values() if kind is dict else x))
