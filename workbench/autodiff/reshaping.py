"""``array.shape = (2, 3)``: the array object itself has another shape from then on.

What has been recorded before refers to the same object. So this is an entry as a write is: going back, the array has
its former shape again for what stands before it, and afterwards the one that the program gave it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import Memory, memory_of, owner_of
from workbench.autodiff.tape import OPEN, Entry


class Reshaped(Entry):
    """The shape of ``array`` was set."""

    __slots__ = ("array", "memory", "old")
    is_write = True
    source = None

    def __init__(self, memory: Memory, array: np.ndarray) -> None:
        self.memory, self.array, self.old = memory, array, array.shape

    def target(self) -> np.ndarray:
        """What has changed."""
        return self.array

    def back(self) -> None:
        self.redo()

    def redo(self) -> None:
        """Exchange the present shape with the kept one, also in the eyes of outer derivatives."""
        now = self.array.shape
        _set_shape(self.array, self.old)
        self.old = now


def reshape_in_place(array: np.ndarray, shape: Any) -> bool:
    """Set the shape, unless somebody else knows the array by the one that it has; whether it was done.

    An argument's cotangent has the shape that the caller gave, and a block looks for contents that have changed.
    """
    owner = id(owner_of(array))
    for tape in OPEN:
        if owner in tape.given or owner in tape.copies or tape.kept is not None or tape.changed is not None:
            return False
    _set_shape(array, shape)
    return True


def _set_shape(array: np.ndarray, shape: Any) -> None:
    owner = id(owner_of(array))
    entries = [(tape, Reshaped(memory_of(tape, array), array)) for tape in OPEN if owner in tape.memories]
    array.shape = shape
    for tape, entry in entries:
        tape.append(entry)
        tape.writes.append(entry)
