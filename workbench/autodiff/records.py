"""Structured arrays: every field is a view of its own over one block of memory, and varies if it is floating point.

A copy of records is a plain copy, into whose fields the copied fields are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.telling import contains_traced, plain


def is_structured(x: Any) -> bool:
    """Whether ``x`` is an array of records, or one record."""
    return isinstance(x, np.ndarray | np.void) and plain(x).dtype.names is not None


def field_of(x: Any, name: str) -> Any:
    """``x[name]`` as a program sees it."""
    return current((x.array if type(x) is TracedArray else x)[name])


def may_vary(dtype: np.dtype) -> bool:
    """Whether numbers of a type, or of one of its fields, are floating point."""
    if dtype.names is None:
        return dtype.base.kind in "fc"
    return any(may_vary(dtype[name]) for name in dtype.names)


def write_records(write: Callable, array: np.ndarray, index: Any, value: Any) -> None:
    """``array[index] = value``, where ``value`` is a record, a list of records or an array of them."""
    for k, name in enumerate(array.dtype.names):
        if is_structured(value):
            part = field_of(value, value.dtype.names[k])
        elif type(value) is list:
            part = _column(value, k)
        else:
            part = value[k] if type(value) is tuple else value
        write(array[name], index, part)


def _column(records: Any, k: int) -> Any:
    """Field ``k`` of records in lists, or in lists of lists."""
    return [_column(r, k) for r in records] if type(records) is list else records[k]


def by_fields(operation: Callable, copied: np.ndarray, *sources: Any) -> Any:
    """The fresh array ``copied`` with its fields that vary replaced by ``operation`` of the fields of ``sources``."""
    from workbench.autodiff.writing import set_item

    for name in copied.dtype.names:
        if may_vary(copied.dtype[name]):
            parts = [field_of(x, name) if is_structured(x) else x for x in sources]
            if contains_traced(parts):
                set_item(operation(*parts), copied[name], ...)
    return current(copied)


def of_records(x: Any, dtype: np.dtype) -> Any:
    """Lists of records that hold traced numbers as an array of a structured type."""
    from workbench.autodiff.writing import set_item

    made = np.array(plain(x), dtype)
    set_item(x, made, ...)
    return current(made)
