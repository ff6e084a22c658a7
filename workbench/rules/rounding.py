"""Rounding to so many decimals.

A rounded number is constant wherever its derivative exists. Where rounding to decimals keeps seven digits, as single
precision does, it is the number itself. The whole part of a number never is: ``x - round(x)`` has the slope of ``x``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import as_array, written
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.scalars import TRACED, TracedFloat, refuse_exact_whole_number, strip
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import KEPT, keeps_digits
from workbench.rules.stand_ins import with_value


@door(round)
def round_(number: Any, ndigits: Any = None) -> Any:
    """``round(x)``."""
    own = python_method(type(number), "__round__")
    if own is not None and type(number) not in TRACED:
        return resolve(own)(number, *(() if ndigits is None else (ndigits,)))
    number = current(number)
    refuse_exact_whole_number(number, 10.0 ** (ndigits or 0))
    value = round(plain(number), ndigits)
    if (
        type(number) is TracedFloat
        and (ndigits or 0) > 0
        and keeps_digits(lambda x: round(x, ndigits), strip(number))
    ):
        return with_value(number, value)
    return value


def _of_arrays(function: Callable) -> None:
    constant = DOORS[function]

    def call(a: Any, decimals: Any = 0, out: Any = None) -> Any:
        x = as_array(a) if contains_traced(a) else a
        if out is not None and type(x) in TRACED:
            return written(call(x, decimals), out)
        if type(x) is TracedFloat and decimals > 0:
            return round_(x, decimals)
        if type(x) is not TracedArray or decimals <= 0:
            return constant(a, decimals, out)
        value = function(plain(x), decimals)
        sizes = np.abs(plain(x))
        kept = 0.5 * 10.0**-decimals <= KEPT * np.where(sizes, sizes, 1.0)
        return with_value(resolve(np.where)(kept, x, value), value) if np.any(kept) else value

    DOORS[function] = call


for _function in {np.round, np.around}:
    _of_arrays(_function)
