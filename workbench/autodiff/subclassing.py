"""What arrays of subclasses do in a differentiated program: attributes, methods, operators.

What the class says is followed: its methods, properties, operators, ``__array_finalize__``, ``__array_ufunc__`` and
``__array_function__``. What it leaves to ``numpy.ndarray`` is done with the bare array (``dressing``).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any

import numpy as np
from numpy._core import _methods

from workbench.autodiff import indexing, writing
from workbench.autodiff.arrays import TracedArray, current, memory_of
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.class_attributes import MISSING, REST, REST_SET
from workbench.autodiff.deferring import COMPARISONS, by_methods, compared, gives_way, seen_class
from workbench.autodiff.dressing import dressed, no_rule, of_subclass, undressed
from workbench.autodiff.methods import METHODS, PLAIN_ATTRIBUTES
from workbench.autodiff.overrides import WAYS_OF_UFUNCS, asked_for_ufunc
from workbench.autodiff.registry import DOORS, NUMBERS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import lost
from workbench.autodiff.subarrays import (
    DRESSED,
    TracedSubarray,
    bare_part,
    class_of,
    class_part,
    real_part,
    set_bare,
)
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.text import marked, tape_in

_ARRANGED = frozenset({"T", "mT", "real", "imag"})
_CHANGING = frozenset("sort fill put partition resize setflags".split())
_FOR_COMPILED_CODE = frozenset(
    {"__array_struct__", "__array_interface__"}
)  # which then asks for ``__array__``
_ELEMENTS = frozenset("item tolist tobytes tofile dump dumps getfield setfield byteswap __dlpack__".split())


def of_ndarray(x: Any, name: str) -> Any:
    """What ``numpy.ndarray`` says of the attribute ``name`` of an array of a subclass, as by ``super``."""
    bare = undressed(x)
    if name == "__array__":  # NumPy asks the object for it; ``calls`` knows what the program's own call gives
        return MethodType(TracedSubarray.__array__, x)
    if name in _DUNDERS:
        return functools.partial(_DUNDERS[name], x)
    if name in PLAIN_ATTRIBUTES or name in _ELEMENTS or name in ("flat", "data", "ctypes"):
        return REWRITTEN_DOORS["get_attribute"](bare, name)
    if name in _ARRANGED:
        return of_subclass(operator.attrgetter(name), operator.attrgetter(name), (x,), {})
    if name == "view":
        return functools.partial(_view, x)
    if name in METHODS:
        return _method(x, name)
    if any(name in vars(cls) for cls in np.ndarray.__mro__) and name not in _FOR_COMPILED_CODE:
        raise no_rule(np.ndarray, f"{name!r} of an array of a subclass")
    return MISSING


REST[TracedSubarray] = of_ndarray


def _method(x: Any, name: str) -> Callable:
    own = getattr(np.ndarray, name)

    @functools.wraps(own)
    def call(*args: Any, **kwargs: Any) -> Any:
        if name in _BY_UFUNCS and any(python_method(class_of(x), way) for way in WAYS_OF_UFUNCS):
            return resolve(_BY_UFUNCS[name])(x, *args, **kwargs)
        if name in _CHANGING:
            return METHODS[name](_traced(undressed(x)), *undressed(args), **kwargs)
        return of_subclass(METHODS[name], own, (x, *args), kwargs)

    return call


def _accumulated(ufunc: np.ufunc) -> Callable:
    def method(x: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        over = _own_method(x, "ravel")() if axis is None else x
        return ufunc.accumulate(over, 0 if axis is None else axis, dtype, out)

    return method


def _trace(
    x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    total = np.add.reduce(_own_method(x, "diagonal")(offset, axis1, axis2), -1, dtype, out)
    return (
        total if np.ndim(plain(total)) else indexing.get_item(undressed(total), ())
    )  # a number has no class


def _own_method(x: Any, name: str) -> Callable:
    """A method as the class of ``x`` has it, rewritten."""
    own = python_method(class_of(x), name)
    return getattr(x, name) if own is None else functools.partial(resolve(own), x)


# methods of arrays that call universal functions, of which a class may say what they do or what becomes of the result
_BY_UFUNCS = {
    **{name: getattr(_methods, f"_{name}") for name in "sum prod any all mean std var clip".split()},
    "max": _methods._amax,
    "min": _methods._amin,
    "cumsum": _accumulated(np.add),
    "cumprod": _accumulated(np.multiply),
    "trace": _trace,
}


def _traced(bare: Any) -> TracedArray:
    """A plain array as one that traced values may be written into."""
    if type(bare) is TracedArray:
        return bare
    return TracedArray(bare, memory_of(OPEN[-1], bare))


def _view(x: Any, *args: Any, **kwargs: Any) -> Any:
    given = [*args, *kwargs.values()]
    kinds = [kind for kind in given if isinstance(kind, type) and issubclass(kind, np.ndarray)]
    bare = METHODS["view"](undressed(x), *[kind for kind in given if kind not in kinds])
    cls = kinds[0] if kinds else class_of(x)
    return bare if cls is np.ndarray else dressed(bare, cls, x)


def _set_of_ndarray(x: TracedSubarray, name: str, value: Any) -> None:
    """``x.name = value`` where the array itself has the attribute."""
    if name != "shape":
        REWRITTEN_DOORS["set_attribute"](undressed(value), bare_part(x), name)
        return
    bare = bare_part(x)
    seen = bare.array.view()
    seen.shape = value
    set_bare(x, TracedArray(seen, bare.memory))
    if (real := real_part(x)) is not None:
        real.shape = value


REST_SET[TracedSubarray] = _set_of_ndarray


# ------------------------------------------------------------------------------------ what Python calls by itself


def binary(op: Any, a: Any, b: Any) -> Any:
    """A binary operator where an array of a subclass stands on one side, or on both."""
    result = by_methods(op, a, b)
    return _computed(op, a, b) if result is NotImplemented else result


def _computed(op: Any, a: Any, b: Any, **out: Any) -> Any:
    """The universal function of an operator, which for some powers is another one; its operands may override it."""
    fast = op.fast(b)
    return resolve(op.ufunc)(a, b, **out) if fast is None else resolve(fast)(a, **out)


def in_place(op: Any, a: Any, b: Any) -> Any:
    """``a += b`` where ``a`` is an array of a subclass."""
    own = python_method(seen_class(a), op.in_place_method)
    if own is not None:
        result = resolve(own)(a, b)
        return binary(op, a, b) if result is NotImplemented else result
    return _computed(op, a, b, out=(a,))


def compare(short: str, a: Any, b: Any) -> Any:
    """A comparison where an array of a subclass stands on one side, or on both."""
    result = compared(short, a, b)
    return resolve(getattr(np, COMPARISONS[short]))(a, b) if result is NotImplemented else result


def _get_item(x: Any, index: Any) -> Any:
    """``numpy.ndarray.__getitem__(x, index)``."""
    found = indexing.get_item(undressed(x), undressed(index))
    return dressed(found, class_of(x), x) if isinstance(found, np.ndarray) else found


def _set_item(x: Any, index: Any, value: Any) -> None:
    """``numpy.ndarray.__setitem__(x, index, value)``; NumPy asks the class for a part that is a view."""
    index, own = undressed(index), python_method(class_of(x), "__getitem__")
    place = x if own is None or not _gives_view(x, index) else resolve(own)(x, index)
    if place is not x:
        index = ...
    writing.set_item(undressed(value), plain(undressed(place)), index)


REWRITTEN_DOORS["set_item_of_subclass"] = _set_item


def _gives_view(x: Any, index: Any) -> bool:
    """Whether an index takes a part of an array as a view, and no single element."""
    parts = index if type(index) is tuple else (index,)
    whole = sum(
        isinstance(part, int | np.integer) and not isinstance(part, bool | np.bool_) for part in parts
    )
    others = sum(part is None or part is ... or type(part) is slice for part in parts)
    if whole + others < len(parts) or parts == (...,):
        return False
    return others > 0 or whole < np.ndim(plain(undressed(x)))


def _iter(x: Any) -> Any:
    return (indexing.get_item(x, k) for k in range(len(plain(undressed(x)))))


def _array_ufunc(x: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``numpy.ndarray.__array_ufunc__``: what NumPy does where no class overrides it."""
    if asked_for_ufunc(inputs, kwargs):
        return NotImplemented
    return resolve(ufunc if method == "__call__" else getattr(ufunc, method)).without_override(
        *inputs, **kwargs
    )


def _array_function(x: Any, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """``numpy.ndarray.__array_function__``: what NumPy does where no class overrides it."""
    if not all(issubclass(kind, np.ndarray) for kind in types):
        return NotImplemented
    return resolve(function).without_override(*args, **kwargs)


def _array_wrap(x: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    return array if class_of(array) is class_of(x) else dressed(undressed(array), class_of(x), x)


def _copied(x: Any, memo: Any = None) -> Any:
    return of_ndarray(x, "copy")()


def _written(write: Callable) -> Callable:
    """How an array is written by ``numpy.ndarray``, with the mark of what varies."""

    def method(x: Any, *args: Any) -> str:
        return marked(write(plain(current(x)), *args), tape_in(undressed(x)))

    return method


_DUNDERS: dict[str, Callable] = {
    "__array_finalize__": lambda x, parent=None: None,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array_wrap__": _array_wrap,
    "__getitem__": _get_item,
    "__setitem__": _set_item,
    "__iter__": _iter,
    "__len__": lambda x: len(plain(undressed(x))),
    "__contains__": lambda x, value: plain(undressed(value)) in plain(undressed(x)),
    "__copy__": _copied,
    "__deepcopy__": _copied,
    "__bool__": lambda x: bool(plain(undressed(x))),
    "__int__": lambda x: resolve(int)(undressed(x)),
    "__index__": lambda x: operator.index(plain(undressed(x))),
    "__float__": lambda x: resolve(float)(undressed(x)),
    "__complex__": lambda x: resolve(complex)(undressed(x)),
    "__abs__": lambda x: resolve(np.absolute)(x),
    "__divmod__": lambda x, other: resolve(np.divmod)(x, other),
    "__rdivmod__": lambda x, other: resolve(np.divmod)(other, x),
    "__repr__": _written(repr),
    "__str__": _written(str),
    "__format__": _written(format),
}


def _by_class(name: str) -> Callable:
    """What Python, or code that is not rewritten, calls: the method of the class, or ``numpy.ndarray``'s."""

    def method(x: TracedSubarray, *args: Any) -> Any:
        own = python_method(class_part(x), name)
        return (_DUNDERS[name] if own is None else resolve(own))(x, *args)

    method.__name__ = name
    return method


def refuse_in_compiled_code(kind: type, noun: str, ways: dict[str, str]) -> None:
    """Have the methods by which compiled code takes the numbers out of values of ``kind`` say that they would be lost.

    ``ways`` has for each method what is about to happen. Where the tape is closed, the value as it is now answers.
    """

    def refused(name: str, what: str) -> Callable:
        def method(x: Any, *args: Any, **kwargs: Any) -> Any:
            if bare_part(x).tape.open:
                raise lost(f"a traced {noun} of the class {class_part(x).__name__} was about to {what}")
            return getattr(current(x), name)(*args, **kwargs)

        method.__name__ = name
        return method

    for name, what in ways.items():
        setattr(kind, name, refused(name, what))


def _operated(op: Any, a: Any, b: Any, *, reflected: bool = False) -> Any:
    """``numpy.ndarray.__mul__(a, b)`` and its like."""
    if gives_way(class_of(a), seen_class(b)):
        return NotImplemented
    return _computed(op, b, a) if reflected else _computed(op, a, b)


def _install_operator(op: Any) -> None:
    _DUNDERS[op.method] = lambda a, b, *modulus: _operated(op, a, b)  # a power's modulus is None
    _DUNDERS[op.reflected] = lambda a, b, *modulus: _operated(op, a, b, reflected=True)
    _DUNDERS[op.in_place_method] = lambda a, b: _computed(op, a, b, out=(a,))
    setattr(TracedSubarray, op.method, lambda a, b: binary(op, a, b))
    setattr(TracedSubarray, op.reflected, lambda a, b: binary(op, b, a))
    setattr(TracedSubarray, op.in_place_method, lambda a, b: in_place(op, a, b))


def install(operators: Iterable[Any]) -> None:
    """Give traced arrays of subclasses the operators, and what else Python calls by itself."""
    for op in operators:
        _install_operator(op)
    for short, name in COMPARISONS.items():
        _DUNDERS[f"__{short}__"] = lambda a, b, n=name: resolve(getattr(np, n))(a, b)
        setattr(TracedSubarray, f"__{short}__", lambda a, b, s=short: compare(s, a, b))
    for name, ufunc in (("__neg__", np.negative), ("__pos__", np.positive), ("__invert__", np.invert)):
        _DUNDERS[name] = lambda a, f=ufunc: resolve(f)(a)
    for name in (
        "__getitem__ __setitem__ __iter__ __len__ __contains__ __copy__ __deepcopy__ __bool__ __int__ __abs__ "
        "__divmod__ __rdivmod__ __neg__ __pos__ __invert__ __repr__ __str__ __format__"
    ).split():
        setattr(TracedSubarray, name, _by_class(name))
    refuse_in_compiled_code(
        TracedSubarray,
        "array",
        {
            "__array__": "become a plain array in compiled code",
            "__float__": "become a plain float in compiled code",
            "__complex__": "become a plain complex number in compiled code",
            "__index__": "become a whole number in compiled code",
            "__reduce_ex__": "be pickled",
        },
    )


def _met_ufunc(x: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    return resolve(ufunc if method == "__call__" else getattr(ufunc, method))(*inputs, **kwargs)


def _met_function(x: Any, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    return resolve(function)(*args, **kwargs)


for _kind in DRESSED:
    _kind.__array_ufunc__, _kind.__array_function__ = _met_ufunc, _met_function


def _number(x: TracedSubarray) -> Any:
    """The number in an array of one element, for functions of numbers."""
    own = python_method(class_part(x), "__float__")
    return undressed(x) if own is None else resolve(own)(x)


NUMBERS[TracedSubarray] = _number


@door(np.ndarray.__new__)
def new_array(
    cls: type,
    shape: Any,
    dtype: Any = float,
    buffer: Any = None,
    offset: int = 0,
    strides: Any = None,
    order: Any = None,
) -> Any:
    """``numpy.ndarray.__new__``, by which subclasses make their arrays over the memory of another one."""
    memory = undressed(current(buffer))
    if type(memory) is not TracedArray:
        return np.ndarray.__new__(cls, shape, dtype, memory, offset, strides, order)
    if np.dtype(dtype) != memory.array.dtype:
        raise lost(f"the bytes of a traced array of {memory.array.dtype} were about to be read as {dtype}")
    made = TracedArray(np.ndarray(plain(shape), dtype, memory.array, offset, strides, order), memory.memory)
    return made if cls is np.ndarray else dressed(made, cls, None)


DOORS[np.ndarray] = functools.partial(new_array, np.ndarray)
