"""NumPy's types of numbers, called as functions: those of floats stay on the tape, those of whole numbers leave it."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.application import without_class
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.indexing import get_item
from workbench.autodiff.registry import NUMBERS, door
from workbench.autodiff.scalars import TracedFloat, recorded, refuse_exact_whole_number
from workbench.autodiff.subarrays import TracedSubnumber
from workbench.autodiff.telling import contains_traced, plain


def _number_type(kind: type) -> None:
    @door(kind)
    def call(x: Any = 0.0) -> Any:
        x = current(x)
        if type(x) is TracedSubnumber:
            x = without_class(x)
        elif type(x) in NUMBERS:
            x = NUMBERS[type(x)](x)
        if type(x) is TracedFloat:
            return recorded(call(x.value), x.tape, x, 1.0)
        if contains_traced(x):
            made = resolve(np.asarray)(x, kind)
            return made if np.ndim(plain(made)) else get_item(made, ())
        own = python_method(type(x), "__float__")
        return kind(x) if own is None else call(resolve(own)(x))


for _kind in (np.float16, np.float32, np.float64, np.longdouble):
    _number_type(_kind)


def _complex_type(kind: type) -> None:
    @door(kind)
    def call(*x: Any) -> Any:
        return get_item(resolve(np.asarray)(x[0], kind), ()) if contains_traced(x) else kind(*x)


for _kind in (np.complex64, np.complex128, np.clongdouble):
    _complex_type(_kind)


def _whole_number_type(kind: type) -> None:
    @door(kind)
    def call(*x: Any) -> Any:
        for one in map(current, x):
            if kind is not np.bool:
                refuse_exact_whole_number(one)
        return kind(*plain(x))


for _kind in (np.bool, *(np.dtype(_code).type for _code in "bBhHiIlLqQ")):
    _whole_number_type(_kind)
