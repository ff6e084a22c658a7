"""pandas: its own Python code is followed like any other; here is what its compiled code does to traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas.core.array_algos import take

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import door
from workbench.autodiff.telling import contains_traced

_original = take._take_nd_ndarray


@door(_original)
def _take_nd_ndarray(arr: Any, indexer: Any, axis: int, fill_value: Any, allow_fill: bool) -> Any:
    """Rows or columns of a table by their positions, those at -1 filled with ``fill_value``."""
    if not contains_traced(arr):
        return _original(arr, indexer, axis, fill_value, allow_fill)
    places = np.arange(np.shape(arr)[axis]) if indexer is None else np.asarray(indexer)
    taken = resolve(np.take)(arr, places, axis=axis)
    if not allow_fill or not (places < 0).any():
        return taken
    shape = [-1 if k == axis else 1 for k in range(np.ndim(arr))]
    return resolve(np.where)((places < 0).reshape(shape), fill_value, taken)
