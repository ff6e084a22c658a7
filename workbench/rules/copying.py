"""``copy.copy`` and ``copy.deepcopy``, with what the classes of a program say about copying."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.code_objects import with_code
from workbench.autodiff.registry import door
from workbench.autodiff.rewritten import rewritten_code
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import field, field_names, leaves
from workbench.autodiff.subarrays import TracedSubnumber
from workbench.autodiff.tape import OPEN


@door(copy.copy)
def copy_(x: Any) -> Any:
    """``copy.copy``."""
    if type(x) is TracedSubnumber:
        return x.__copy__()
    return _plain_or_traced_copy(copy.copy, x)


@door(copy.deepcopy)
def deepcopy_(x: Any, memo: Any = None) -> Any:
    """``copy.deepcopy``: traced arrays inside are copied with their derivatives."""
    if type(x) is TracedSubnumber:
        return x.__deepcopy__(memo)
    memo = {} if memo is None else memo
    for leaf in leaves(x):
        if type(leaf) is np.ndarray and type(seen := current(leaf)) is TracedArray:
            memo[id(leaf)] = resolve(np.copy)(seen)
    if OPEN and type(x) not in TRACED:
        _copy_by_own_methods(x, memo, set())
    return copy.deepcopy(x, memo)


_COPYING = ("__deepcopy__", "__reduce_ex__", "__reduce__", "__getstate__", "__setstate__")


def _copy_by_own_methods(x: Any, memo: dict, seen: set[int]) -> None:
    """Put into ``memo`` the copies of the objects in ``x`` whose classes copy them by code of their own."""
    if id(x) in seen or id(x) in memo or isinstance(x, type):
        return
    seen.add(id(x))
    if type(x) not in TRACED and any(python_method(type(x), name) is not None for name in _COPYING):
        memo[id(x)] = _rewritten_copy(copy.deepcopy)(x, memo)
        return
    if isinstance(x, dict):
        parts = [*x.keys(), *x.values()]
    elif isinstance(x, list | tuple | set | frozenset | deque):
        parts = list(x)
    else:
        parts = [field(x, name) for name in field_names(x)]
    for part in parts:
        if type(part) not in _WITHOUT_PARTS:
            _copy_by_own_methods(part, memo, seen)


_WITHOUT_PARTS = frozenset(
    {*TRACED, float, int, str, bool, complex, bytes, type(None), np.ndarray, np.float64}
)


def _rewritten_copy(function: FunctionType) -> Callable:
    return with_code(function, rewritten_code(function))


def _plain_or_traced_copy(function: Callable, x: Any) -> Any:
    seen = current(x)
    if type(seen) is TracedArray:
        return seen.__copy__()
    if OPEN and any(python_method(type(x), name) is not None for name in ("__copy__", *_COPYING)):
        return _rewritten_copy(function)(x)
    return function(x)
