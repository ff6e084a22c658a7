"""What turns values into bytes and text, which hold no derivatives: refused where something in them is traced."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current, refuse_traced_memory
from workbench.autodiff.registry import DOORS, OWNER_DOORS, door
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced
from workbench.autodiff.text import lost_in_text, tape_in


def _refuse(function: Callable, what: str) -> None:
    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and (
            contains_traced(args[0]) or any(type(current(leaf)) in TRACED for leaf in leaves(args[0]))
        ):
            raise lost(what)
        if tape_in(args[:1]) is not None:
            raise lost_in_text("bytes")
        return function(*args, **kwargs)

    DOORS[function] = call


_refuse(pickle.dumps, "a traced value was about to be pickled")
_refuse(pickle.dump, "a traced value was about to be pickled")
for _kind in (bytes, bytearray, np.frombuffer):
    _refuse(_kind, "the bytes of a traced value were about to be read directly")
_refuse(memoryview, "the memory of a traced value was about to be read directly")
_memoryview = DOORS[memoryview]


@door(memoryview)
def memoryview_(x: Any) -> memoryview:
    """``memoryview(x)``; of an array it is read-only, since writes through it could not be undone."""
    view = _memoryview(x)
    return view.toreadonly() if OPEN and isinstance(x, np.ndarray) else view


def _of_memoryview(method: Callable, view: memoryview) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        refuse_traced_memory(view)
        return method(*args, **kwargs)

    return call


OWNER_DOORS[memoryview] = _of_memoryview
