"""Memory that an array shares with something else, which would read plain numbers in it."""

from __future__ import annotations

import gc
import sys

import numpy as np

from workbench.autodiff.scalars import lost
from workbench.errors import LostGradientError

_LENDERS = frozenset({"_ctypes", "array", "mmap", "torch"})


def refuse_borrowed(owner: np.ndarray) -> None:
    """Refuse to trace memory that an array shares with something else, which would read plain numbers there."""
    if _holders(owner) == _ALONE and isinstance(owner.base.obj, bytearray):
        return
    base = owner.base
    while type(base) is memoryview:
        base = base.obj
    if base is None:
        raise lost("a traced value was about to be written into the memory of compiled code")
    if isinstance(base, bytearray) or any(cls.__module__ in _LENDERS for cls in type(base).__mro__):
        raise shared_with(f"an object of type {type(base).__name__}")


def _holders(owner: np.ndarray) -> list[int]:
    """How many hold the bytearray below an array, and the two objects between them."""
    view = owner.base
    buffers = gc.get_referents(view) if type(view) is memoryview else []
    return [sys.getrefcount(x) for x in (view, *buffers, view.obj)] if len(buffers) == 1 else []


_ALONE = _holders(np.frombuffer(bytearray(1), np.uint8))
"""Nothing but the array, which then has its memory for itself: pickle makes such ones."""


def shared_with(what: str) -> LostGradientError:
    """The error that ``what`` would see plain numbers where a traced value is written."""
    return lost(
        f"a traced value was about to be written into an array that shares its memory with {what}",
        fix="write into a copy of the array, and hand its numbers on as values: torch.tensor(array), array.copy()",
    )
