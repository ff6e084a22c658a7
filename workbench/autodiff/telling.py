"""Telling traced values from plain ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.scalars import TRACED, TracedFloat, strip
from workbench.autodiff.tape import OPEN


def plain(x: Any) -> Any:
    """``x`` without its tapes, also inside lists, tuples and dicts."""
    kind = type(x)
    if kind is TracedFloat:
        return strip(x)
    if kind is TracedArray:
        return x.array
    if kind is list or kind is tuple:
        return kind([plain(e) for e in x])
    if kind is dict:
        return {k: plain(v) for k, v in x.items()}
    return x


def contains_traced(x: Any, depth: int = 3) -> bool:
    """Whether a traced value, or a plain array whose memory is traced, is in ``x``."""
    kind = type(x)
    if kind in TRACED:
        return x.tape.open
    if kind is np.ndarray:
        return bool(OPEN) and type(current(x)) is TracedArray
    if depth and (kind is list or kind is tuple):
        return any(contains_traced(e, depth - 1) for e in x)
    if depth and kind is dict:
        return any(contains_traced(e, depth - 1) for e in x.values())
    return False
