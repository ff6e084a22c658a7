"""Arrays with traced memory inside of what a function without source is given.

Such a function runs as it stands: it reads a plain array as plain numbers, whatever was written into its memory. While
it runs, lists, dictionaries and objects among its arguments hold the traced arrays in their place.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from functools import partial
from types import CellType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.registry import HOLDING
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.stored import BARE
from workbench.autodiff.structure import field, field_names, set_field, with_elements
from workbench.autodiff.tape import OPEN


@contextlib.contextmanager
def surfaced(*holders: Any, lasting: bool) -> Iterator[list[Any]]:
    """What is given with traced arrays where it has arrays with traced memory; afterwards it is as it was, unless
    this is to be ``lasting``.
    """
    if not any(memory.active for tape in OPEN for memory in tape.memories.values()):
        yield list(holders)
        return
    undo: list[partial] = []
    try:
        yield [_surfaced(x, undo, set()) for x in holders]
    finally:
        for put_back in () if lasting else undo:
            put_back()


def _surfaced(x: Any, undo: list[partial], met: set[int]) -> Any:
    if isinstance(x, np.ndarray):
        return current(x)
    if type(x) in BARE or type(x) in TRACED or type(x) in HOLDING:
        return x
    if id(x) in met:
        return x
    met.add(id(x))
    if type(x) is CellType:
        _in_cell(x, undo, met)
    if isinstance(x, tuple):
        parts = [_surfaced(e, undo, met) for e in x]
        return x if all(a is b for a, b in zip(parts, x, strict=True)) else with_elements(x, parts)
    if isinstance(x, list | deque):
        for k, element in enumerate(x):
            _exchange(x, k, element, undo, met)
    elif isinstance(x, dict):
        for key, element in list(dict.items(x)):
            _exchange(x, key, element, undo, met)
    for name in field_names(x):
        stored = field(x, name)
        new = _surfaced(stored, undo, met)
        if new is not stored:
            set_field(x, name, new)
            undo.append(partial(_field_back, x, name, new, stored))
    return x


def plain_arrays_in(x: Any, met: set[int] | None = None) -> Iterator[np.ndarray]:
    """The arrays in ``x`` that hold no traced values, where ``surfaced`` would look for those that do."""
    met = set() if met is None else met
    if type(x) in TRACED or id(x) in met:
        return
    if isinstance(x, np.ndarray):
        if type(current(x)) not in TRACED:
            yield x
        return
    if type(x) in BARE or type(x) in HOLDING:
        return
    met.add(id(x))
    parts: list[Any] = list(dict.values(x)) if isinstance(x, dict) else []
    if isinstance(x, tuple | list | deque):
        parts += x
    if type(x) is CellType:
        with contextlib.suppress(ValueError):  # nothing in it yet
            parts.append(x.cell_contents)
    for part in (*parts, *(field(x, name) for name in field_names(x))):
        yield from plain_arrays_in(part, met)


def _in_cell(cell: CellType, undo: list[partial], met: set[int]) -> None:
    with contextlib.suppress(ValueError):  # nothing in it yet
        stored = cell.cell_contents
        new = _surfaced(stored, undo, met)
        if new is not stored:
            cell.cell_contents = new
            undo.append(partial(_cell_back, cell, new, stored))


def _cell_back(cell: CellType, new: Any, stored: Any) -> None:
    if cell.cell_contents is new:
        cell.cell_contents = stored


def _exchange(holder: Any, place: Any, element: Any, undo: list[partial], met: set[int]) -> None:
    new = _surfaced(element, undo, met)
    if new is not element:
        kind = next(kind for kind in (list, deque, dict) if isinstance(holder, kind))
        kind.__setitem__(holder, place, new)
        undo.append(partial(_element_back, kind, holder, place, new, element))


def _element_back(kind: type, holder: Any, place: Any, new: Any, element: Any) -> None:
    with contextlib.suppress(LookupError):
        if kind.__getitem__(holder, place) is new:
            kind.__setitem__(holder, place, element)


def _field_back(x: Any, name: str, new: Any, stored: Any) -> None:
    with contextlib.suppress(AttributeError):
        if field(x, name) is new:
            set_field(x, name, stored)
