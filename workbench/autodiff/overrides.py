"""Classes of the program that say themselves what NumPy does with them: ``__array_ufunc__``, ``__array_function__``.

NumPy asks them, from left to right and subclasses first, before it does anything of its own; so does the engine before
it looks at traced values.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import is_followed_subclass
from workbench.autodiff.calls import numpy_function, python_method, resolve
from workbench.autodiff.code_objects import names_in
from workbench.autodiff.compiled import DISPATCHER
from workbench.autodiff.location import is_library_file, name_of
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.subarrays import TracedSubnumber, class_of
from workbench.autodiff.telling import contains_traced

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
        if not ASKED_NEVER.issuperset(map(type, given)):
            args = tuple(_read(x, function) for x in args)
            kwargs = {name: _read(x, function) for name, x in kwargs.items()}
        if any(
            _has_own_method(function, class_of(x)) or _is_asked(type(x), function)
            for x in _asked_for_methods(function, args, kwargs)
        ):
            return numpy_function(function)(*args, **kwargs)
        if function not in DOORS:
            return call(*args, **kwargs)
        return _with_classes(call, function, args, kwargs)

    asking.without_override = without_override
    return asking


def _read(x: Any, function: Any) -> Any:
    """An object of the program's that NumPy takes for an array as an array, unless NumPy calls a method of its own."""
    from workbench.autodiff.application import as_array, converted, is_sequence
    from workbench.autodiff.indexing import iterate

    kind = type(x)
    if kind in ASKED_NEVER or kind in (list, tuple) or isinstance(x, np.ndarray | type):
        return x
    own = python_method(kind, "__array__") or python_method(kind, "__getitem__")
    if own is None or is_library_file(own.__code__.co_filename) or _is_asked(kind, function):
        return x
    return as_array([*iterate(x)]) if is_sequence(x) else converted(x)


def _asked_for_methods(function: Any, args: tuple, kwargs: dict) -> Iterable:
    """The arguments whose methods a function of NumPy's may call: not ``out``, and of some functions one alone."""
    if (name := function.__name__) not in _ASKING:
        return (*args, *(x for key, x in kwargs.items() if key != "out"))
    place = int(name == "compress")
    return args[place : place + 1] or [x for key, x in kwargs.items() if key in ("a", "arr")]


def _is_asked(kind: type, function: Any) -> bool:
    """Whether a function of NumPy's calls the method of its own name of an object of the program's class ``kind``."""
    if kind in ASKED_NEVER or function.__name__ not in _ASKING:
        return False
    own = python_method(kind, function.__name__)
    return own is not None and not is_library_file(own.__code__.co_filename)


_ASKING = frozenset(
    "all any argmax argmin argpartition argsort choose clip compress cumprod cumsum diagonal max mean min nonzero prod "
    "put ravel repeat reshape round searchsorted squeeze std sum swapaxes take trace transpose var".split()
)

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
    "trapezoid fix nansum nanprod nanmean nanmax nanmin nanstd nanvar sinc i0 ediff1d".split()
)


# how the class of an array has a say in what universal functions give
WAYS_OF_UFUNCS = ("__array_ufunc__", "__array_wrap__")


def _has_own_method(function: Any, kind: type) -> bool:
    """Whether the source of a function of NumPy's calls a method that the class of an array has itself."""
    if kind in ASKED_NEVER or not is_followed_subclass(kind):
        return False
    return any(python_method(kind, method) is not None for method in _called_by(function))


@functools.cache
def _called_by(function: Any) -> frozenset[str]:
    """The methods of arrays that the source of a function of NumPy's may call, and what it calls in turn."""
    name = function.__name__
    if type(function.__wrapped__) is not FunctionType:
        return frozenset()
    called = {name, *_CALLING.get(name, ()), *(WAYS_OF_UFUNCS if name in _OF_UFUNCS else ())}
    if name in _COMPILED or function.__module__ in _BARE:
        return frozenset(called)
    waiting, met = [function.__wrapped__], set()
    while waiting:
        source = waiting.pop()
        if type(source) is FunctionType and source not in met:
            met.add(source)
            names = names_in(source.__code__)[0]
            called |= names | _operators_in(source.__code__)
            if names & _ITERATING:
                called |= {"__getitem__", "__iter__"}
            if "matrix" in names:  # it asks for matrices, which have this method of their own
                called.add("getA")
            named = [source.__globals__.get(n) for n in names]
            waiting += [getattr(g, "__wrapped__", g) for g in named if type(g) in _OF_NUMPY]
    return frozenset(called)


def _operators_in(code: CodeType) -> set[str]:
    """The methods that operators and items in the code call."""
    called: set[str] = set()
    for step in dis.get_instructions(code):
        called.update(_METHODS_OF_STEPS.get(step.opname, ()))
        if step.opname == "BINARY_OP":
            called.add(_BINARY.get(step.argrepr.removesuffix("="), "__getitem__"))  # as "[]" in newer Pythons
    return called


# they hand what they are given to compiled code, or take the class off it first
_COMPILED = frozenset(
    "array2string broadcast_arrays broadcast_to convolve correlate count_nonzero einsum einsum_path interp".split()
)
_BARE = frozenset({"numpy.linalg", "numpy.fft"})
_OF_NUMPY = frozenset({FunctionType, DISPATCHER})

_ITERATING = frozenset({"tuple", "list", "iter", "zip", "enumerate"})
_METHODS_OF_STEPS = {
    **dict.fromkeys(("BINARY_SUBSCR", "BINARY_SLICE"), ("__getitem__",)),
    **dict.fromkeys(("STORE_SUBSCR", "STORE_SLICE"), ("__setitem__",)),
    "COMPARE_OP": ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"),
    "UNARY_NEGATIVE": ("__neg__",),
}
_BINARY = {
    **{"+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "//": "__floordiv__"},
    **{"%": "__mod__", "**": "__pow__", "@": "__matmul__", "<<": "__lshift__", ">>": "__rshift__"},
    **{"&": "__and__", "|": "__or__", "^": "__xor__"},
}


def _with_classes(call: Callable, own: Callable, args: tuple, kwargs: dict) -> Any:
    """``call``, the door of NumPy's ``own``, with arrays of subclasses among the arguments or not."""
    from workbench.autodiff.dressing import holds_subarray, is_subarray, of_subclass
    from workbench.autodiff.indexing import get_item

    if own.__name__ in _OF_SEQUENCES and args and is_subarray(args[0]):
        args = ([get_item(args[0], k) for k in range(len(args[0]))], *args[1:])
    given = (*args, *kwargs.values())
    if own.__name__ in _OF_TEXT or not any(map(holds_subarray, given)):
        return call(*args, **kwargs)
    if any(callable(x) and not isinstance(x, type | np.ndarray) for x in given):
        return numpy_function(own)(*args, **kwargs)  # which hands parts of the class on
    return of_subclass(call, own, args, kwargs) if any(map(contains_traced, given)) else call(*args, **kwargs)


_OF_SEQUENCES = frozenset("column_stack concatenate dstack hstack stack vstack".split())
_OF_TEXT = frozenset({"array2string", "array_repr", "array_str"})  # they write the class, too


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
