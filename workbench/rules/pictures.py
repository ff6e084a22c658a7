"""Matplotlib and Plotly: they draw plain numbers, and a derivative through numbers that they hand back is refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.registry import MODULE_DOORS
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import unknown
from workbench.rules.stand_ins import settled

_WORDS = (
    "what a package for pictures makes of the numbers that it is given",
    "compute it from the numbers themselves, with numpy.histogram for instance",
)


def _drawing(function: Callable) -> Callable:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return function(*args, **kwargs)
        args, kwargs = plain([_read(a) for a in args]), plain({k: _read(a) for k, a in kwargs.items()})
        return _handed_back(function(*args, **kwargs))

    return call


def _read(x: Any) -> Any:
    """An argument as it is read now; a list, or a tuple as of a word and a number, stays one."""
    return x if isinstance(x, list | tuple) else settled(x)


def _handed_back(x: Any) -> Any:
    if type(x) is tuple or type(x) is list:
        return type(x)([_handed_back(part) for part in x])
    if isinstance(x, float) or (type(x) is np.ndarray and x.dtype.kind == "f"):
        return unknown(x, *_WORDS)
    return x


MODULE_DOORS.update(
    {f"{package}.*": _drawing for package in ("matplotlib", "mpl_toolkits", "plotly", "_plotly_utils")}
)
