"""Classes of the program that say themselves what NumPy does with them: ``__array_ufunc__``, ``__array_function__``.

NumPy asks them, from left to right and subclasses first, before it does anything of its own; so does the engine before
it looks at traced values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.location import name_of
from workbench.autodiff.scalars import TRACED

ASKED_NEVER = frozenset(
    {int, float, complex, bool, str, bytes, type(None), slice, type(...), dict, type, np.ndarray, np.dtype}
    | {
        np.float64,
        np.float32,
        np.int64,
        np.int32,
        np.bool_,
        np.complex128,
        np.complex64,
        type(np.sum),
        *TRACED,
    }
)


def _asked(name: str, things: Iterable) -> list[Any]:
    found: list[Any] = []
    for x in things:
        kind = type(x)
        if kind in ASKED_NEVER or python_method(kind, name) is None or any(type(y) is kind for y in found):
            continue
        place = next((k for k, y in enumerate(found) if issubclass(kind, type(y))), len(found))
        found.insert(place, x)
    return found


def _answer(asked: list[Any], name: str, function: Any, arguments: tuple, kwargs: dict) -> Any:
    for x in asked:
        result = resolve(python_method(type(x), name))(x, function, *arguments, **kwargs)
        if result is not NotImplemented:
            return result
    kinds = ", ".join(type(x).__name__ for x in asked)
    raise TypeError(
        f"{name_of(function)} is implemented by none of the types {kinds}: {name} returned NotImplemented"
    )


def ufunc_overridden(ufunc: np.ufunc, method: str, call: Callable) -> Callable:
    """``call``, the door of a method of a universal function, after whoever overrides it has been asked."""

    def asking(*inputs: Any, **kwargs: Any) -> Any:
        for x in inputs:
            if type(x) not in ASKED_NEVER and (asked := _asked("__array_ufunc__", inputs)):
                return _answer(asked, "__array_ufunc__", ufunc, (method, *inputs), kwargs)
        return call(*inputs, **kwargs)

    asking.__name__, asking.nin, asking.nout = ufunc.__name__, ufunc.nin, ufunc.nout  # compiled code asks
    return asking


def function_overridden(function: Any, call: Callable) -> Callable:
    """``call``, the door of one of NumPy's functions, after whoever overrides it has been asked."""

    def asking(*args: Any, **kwargs: Any) -> Any:
        if not (_asked_never(args) and (not kwargs or _asked_never((*kwargs.values(),)))):
            parts = list(_parts(args, kwargs))
            if asked := _asked("__array_function__", parts):
                arrays = [np.ndarray] if any(isinstance(x, np.ndarray) for x in parts) else []
                types = tuple({*arrays, *map(type, asked)})
                return _answer(asked, "__array_function__", function, (types, args, kwargs), {})
        return call(*args, **kwargs)

    return asking


_doors: dict[Any, tuple[Callable, Callable]] = {}


def overridden(f: Any, call: Callable) -> Callable:
    """The door ``call`` of a function or universal function of NumPy's, made so that its arguments are asked first."""
    known = _doors.get(f)
    if known is None or known[0] is not call:
        made = (
            ufunc_overridden(f, "__call__", call) if isinstance(f, np.ufunc) else function_overridden(f, call)
        )
        known = _doors[f] = call, made
    return known[1]


def _asked_never(x: Any) -> bool:
    kind = type(x)
    if kind is list or kind is tuple:
        return ASKED_NEVER.issuperset(map(type, x)) or all(map(_asked_never, x))
    return kind in ASKED_NEVER


def _parts(args: tuple, kwargs: dict) -> Iterable:
    for x in (*args, *kwargs.values()):
        yield from x if type(x) is list or type(x) is tuple else (x,)
