"""Classes of the program that say themselves what NumPy does with them: ``__array_ufunc__``, ``__array_function__``.

NumPy asks them, from left to right and subclasses first, before it does anything of its own; so does the engine before
it looks at traced values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import is_followed_subclass
from workbench.autodiff.calls import numpy_function, python_method, resolve
from workbench.autodiff.location import is_library_file, name_of
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.subarrays import TracedSubnumber, class_of

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
        kind = class_of(x)
        if (
            kind in ASKED_NEVER
            or python_method(kind, name) is None
            or any(class_of(y) is kind for y in found)
        ):
            continue
        place = next((k for k, y in enumerate(found) if issubclass(kind, class_of(y))), len(found))
        found.insert(place, x)
    return found


def _answer(asked: list[Any], name: str, function: Any, arguments: tuple, kwargs: dict) -> Any:
    for x in asked:
        result = resolve(python_method(class_of(x), name))(x, function, *arguments, **kwargs)
        if result is not NotImplemented:
            return result
    kinds = ", ".join(class_of(x).__name__ for x in asked)
    raise TypeError(
        f"{name_of(function)} is implemented by none of the types {kinds}: {name} returned NotImplemented"
    )


def ufunc_overridden(ufunc: np.ufunc, method: str, call: Callable) -> Callable:
    """``call``, the door of a method of a universal function, after whoever overrides it has been asked."""

    def asking(*inputs: Any, **kwargs: Any) -> Any:
        if kwargs or not ASKED_NEVER.issuperset(map(type, inputs)):
            if asked := asked_for_ufunc(inputs, kwargs):
                inputs, kwargs = _as_told(ufunc, method, inputs, kwargs)
                return _answer(asked, "__array_ufunc__", ufunc, (method, *inputs), kwargs)
            return without_override(*inputs, **kwargs)
        return call(*inputs, **kwargs)

    def without_override(*inputs: Any, **kwargs: Any) -> Any:
        own = (
            _method_for(ufunc, inputs[0])
            if len(inputs) == 1 and not kwargs and method == "__call__"
            else None
        )
        return (
            _with_classes(call, getattr(ufunc, method), inputs, kwargs)
            if own is None
            else resolve(own)(*inputs)
        )

    asking.__name__, asking.nin, asking.nout = ufunc.__name__, ufunc.nin, ufunc.nout  # compiled code asks
    asking.without_override = without_override
    return asking


# the arguments of a method of universal functions that NumPy hands on by name
_NAMED = {
    "reduce": (1, ("axis", "dtype", "out", "keepdims", "initial", "where")),
    "accumulate": (1, ("axis", "dtype", "out")),
    "reduceat": (2, ("axis", "dtype", "out")),
}


def _as_told(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arguments as NumPy hands them to ``__array_ufunc__``: the operands by position, ``out`` as a tuple."""
    n, names = _NAMED.get(method, (ufunc.nin, ()))
    if method == "at":
        return inputs, kwargs
    rest = inputs[n:]
    given = {**dict(zip(names, rest, strict=False)), **kwargs} if names else {**kwargs}
    out = given.pop("out", None) if names or not rest else rest
    out = out if type(out) is tuple else (out,)
    if given.get("initial", given) is np._NoValue:
        del given["initial"]
    if any(place is not None and place is not ... for place in out):
        given["out"] = (*out, *[None] * (ufunc.nout - len(out)))
    return inputs[:n], given


_METHODS = {"absolute": "__abs__", "negative": "__neg__"}
"""What NumPy calls of an object where it is no method of the function's own name."""


def _method_for(ufunc: np.ufunc, x: Any) -> Callable | None:
    """The method of a library's object, a sparse matrix say, that NumPy calls; others are followed where it does."""
    own = python_method(class_of(x), _METHODS.get(ufunc.__name__, ufunc.__name__))
    return own if own is not None and is_library_file(own.__code__.co_filename) else None


def asked_for_ufunc(inputs: tuple, kwargs: dict) -> list[Any]:
    """The arguments of a universal function whose classes override it."""
    out = kwargs.get("out")
    return _asked("__array_ufunc__", (*inputs, *(out if type(out) is tuple else (out,))))


def function_overridden(function: Any, call: Callable) -> Callable:
    """``call``, the door of one of NumPy's functions, after whoever overrides it has been asked."""

    def asking(*args: Any, **kwargs: Any) -> Any:
        if _asked_never(args) and (not kwargs or _asked_never((*kwargs.values(),))):
            return call(*args, **kwargs)
        parts = list(_parts(args, kwargs))
        if asked := _asked("__array_function__", parts):
            arrays = [np.ndarray] if any(isinstance(x, np.ndarray) for x in parts) else []
            types = tuple({*arrays, *map(class_of, asked)})
            return _answer(asked, "__array_function__", function, (types, args, kwargs), {})
        return without_override(*args, **kwargs)

    def without_override(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if TracedSubnumber in map(type, given):  # NumPy keeps no class of numbers
            from workbench.autodiff.application import without_class

            args = tuple(without_class(x) if type(x) is TracedSubnumber else x for x in args)
            kwargs = {k: without_class(x) if type(x) is TracedSubnumber else x for k, x in kwargs.items()}
            return without_override(*args, **kwargs)
        if any(_has_own_method(function.__name__, class_of(x)) for x in given):
            return numpy_function(function)(*args, **kwargs)
        if function not in DOORS:
            return call(*args, **kwargs)
        return _with_classes(call, function, args, kwargs)

    asking.without_override = without_override
    return asking


# functions of NumPy's that call methods of other names
_CALLING = {
    "average": ("mean", "sum"),
    "median": ("mean",),
    "amax": ("max",),
    "amin": ("min",),
    "around": ("round",),
}


# functions of NumPy's whose source calls universal functions of arrays of subclasses, or methods that do
_OF_UFUNCS = frozenset(
    "sum prod amax max amin min mean std var any all cumsum cumprod ptp clip trace average median percentile quantile "
    "trapezoid fix nansum nanprod nanmean nanmax nanmin nanstd nanvar sinc i0".split()
)


def _has_own_method(name: str, kind: type) -> bool:
    """Whether the source of NumPy's function ``name`` calls a method that the class of an array has itself."""
    if kind in ASKED_NEVER or not is_followed_subclass(kind):
        return False
    own = (name, *_CALLING.get(name, ()), *(("__array_ufunc__",) if name in _OF_UFUNCS else ()))
    return any(python_method(kind, method) is not None for method in own)


def _with_classes(call: Callable, own: Callable, args: tuple, kwargs: dict) -> Any:
    """``call``, the door of NumPy's ``own``, with arrays of subclasses among the arguments or not."""
    from workbench.autodiff.dressing import meets_subclass, of_subclass

    return of_subclass(call, own, args, kwargs) if meets_subclass(args, kwargs) else call(*args, **kwargs)


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
