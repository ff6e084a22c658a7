"""The names that generated code finds, for both ways of running it.

``PLAIN`` holds Python's own functions: they raise by themselves. ``machine()`` holds functions compiled with Numba,
which check and raise ``Stop``. After a stop the user's program is run again as it is: either it raises its own error,
with its own traceback, or the trace tier takes the call.
"""

from __future__ import annotations

import ctypes
import functools
import math
import types as types_
from array import array
from typing import Any

import numpy as np

from workbench.autodiff.native import functions
from workbench.autodiff.native.functions import Stop, TapeFull, TooDeep

_SHARED = {"Stop": Stop, "TapeFull": TapeFull, "TooDeep": TooDeep, "inf": math.inf, "nan": math.nan, "np": np}
_SAME = {
    name: getattr(math, name)
    for name in (
        "copysign",
        "isnan",
        "isinf",
        "isfinite",
        "atan",
        "atan2",
        "tanh",
        "asinh",
        "erf",
        "erfc",
        "cbrt",
    )
    if hasattr(math, name)
}
_FUNCTIONS = {name: f for name, f in vars(functions).items() if isinstance(f, types_.FunctionType)}
_RAISING = ("sqrt", "asin", "acos", "acosh", "atanh", "log", "log2", "log10", "log1p", "hypot", "sin", "cos", "tan",
            "exp", "exp2", "expm1", "sinh", "cosh")  # fmt: skip


def _scratch(n):
    return array("d", bytes(8 * n))


def _room(numbers, n):
    return numbers if len(numbers) >= n else _scratch(n)


def _hypot(x, y):
    """The library's function, as in machine code; Python's own ``math.hypot`` rounds better, by at most one unit."""
    r = float(np.hypot(x, y))
    if math.isinf(r) and not (math.isinf(x) or math.isinf(y)):
        raise Stop
    return r


PLAIN: dict[str, Any] = {
    **_SHARED,
    **_FUNCTIONS,
    **_SAME,
    **{name: getattr(math, name) for name in _RAISING if hasattr(math, name)},
    "hypot": _hypot,
    "scratch": _scratch,
    "room": _room,
}


@functools.cache
def machine() -> dict[str, Any]:
    """The same names for generated code that Numba compiles.

    The optimiser knows the names of the library's functions and replaces some calls, such as pow(x, 0.5), by others
    that round differently. Under names it does not know they stay what Python calls.
    """
    import numba
    from llvmlite import binding
    from numba import types

    names = dict(vars(functions))
    for name in ("pow", "hypot"):
        address = ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
        binding.add_symbol(f"workbench_{name}", address)
        signature = types.float64(types.float64, types.float64)
        names[f"libm_{name}"] = types.ExternalFunction(f"workbench_{name}", signature)
    compiled = {}
    for name, function in _FUNCTIONS.items():
        own = types_.FunctionType(function.__code__, names, name, function.__defaults__)
        compiled[name] = numba.njit(error_model="python")(own)
    names.update(compiled)
    return {**_SHARED, **_SAME, **compiled}
