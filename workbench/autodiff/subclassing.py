"""What arrays of subclasses do in a differentiated program: attributes, methods, operators.

What the class says is followed: its methods, properties, operators, ``__array_finalize__``, ``__array_ufunc__`` and
``__array_function__``. What it leaves to ``numpy.ndarray`` is done with the bare array (``dressing``).
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from types import FunctionType, MemberDescriptorType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff import indexing, writing
from workbench.autodiff.arrays import TracedArray, current, memory_of
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.dressing import dressed, is_subarray, no_rule, of_subclass, undressed
from workbench.autodiff.met import as_written
from workbench.autodiff.methods import METHODS
from workbench.autodiff.overrides import asked_for_ufunc
from workbench.autodiff.registry import NUMBERS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, lost, strip
from workbench.autodiff.settling import note
from workbench.autodiff.subarrays import (
    Dressed,
    TracedSubarray,
    bare_part,
    class_of,
    class_part,
    own_part,
    real_part,
    set_bare,
)
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.autodiff.text import marked, tape_in

_PLAIN_ATTRIBUTES = frozenset("shape ndim size dtype itemsize nbytes strides flags device".split())
_ARRANGED = frozenset({"T", "mT", "real", "imag"})
_CHANGING = frozenset("sort fill put partition resize setflags".split())
_ELEMENTS = frozenset(
    "item tolist tobytes tofile dump dumps getfield setfield byteswap __dlpack__ argmax".split()
)
_MISSING = object()


def get_attribute(x: Any, name: str) -> Any:
    """``x.name`` of a traced value of a subclass."""
    cls = class_part(x)
    reader = python_method(cls, "__getattribute__")
    if reader is not None:
        return resolve(reader)(x, name)
    found = _attribute(x, cls, name)
    if found is not _MISSING:
        return found
    fallback = python_method(cls, "__getattr__")
    if fallback is None:
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
    return resolve(fallback)(x, name)


def _attribute(x: Any, cls: type, name: str) -> Any:
    own = own_part(x)
    if name == "__class__":
        return cls
    if name == "__dict__":
        return own
    member = _member(cls, name)
    if member is _MISSING:
        return own[name] if name in own else REST[type(x)](x, name)
    if isinstance(member, property):
        return resolve(member.fget)(x)
    if isinstance(member, functools.cached_property):
        if name not in own:
            own[name] = resolve(member.func)(x)
        return own[name]
    if isinstance(member, FunctionType):
        return own[name] if name in own else MethodType(as_written(member), x)
    if type(member) is MemberDescriptorType:  # a slot
        return own.get(name, _MISSING)
    if isinstance(member, classmethod | staticmethod):
        return member.__get__(None, cls)
    get = python_method(type(member), "__get__")
    if name in own and not hasattr(type(member), "__set__"):
        return own[name]
    if get is not None and not isinstance(member, type):
        return resolve(get)(member, x, cls)
    if hasattr(type(member), "__get__") and hasattr(type(member), "__set__"):
        raise no_rule(cls, f"the compiled attribute {name!r}")
    return member


_BUILT_IN = 1 << 8  # the flag of types that nobody can change


def _member(cls: type, name: str) -> Any:
    """What stands in the program's classes under ``name``, unless a class before them has it that is not theirs."""
    for base in cls.__mro__:
        if name in vars(base):
            return _MISSING if base.__flags__ & _BUILT_IN else vars(base)[name]
    return _MISSING


# type -> what the class says that values of it are made from, of (value, name of an attribute)
REST: dict[type, Callable] = {}


def of_ndarray(x: Any, name: str) -> Any:
    """What ``numpy.ndarray`` says of the attribute ``name`` of an array of a subclass, as by ``super``."""
    bare = undressed(x)
    if name in _DUNDERS:
        return functools.partial(_DUNDERS[name], x)
    if name in _PLAIN_ATTRIBUTES or name in _ELEMENTS or name in ("flat", "base", "data", "ctypes"):
        return REWRITTEN_DOORS["get_attribute"](bare, name)
    if name in _ARRANGED:
        return of_subclass(operator.attrgetter(name), operator.attrgetter(name), (x,), {})
    if name == "view":
        return functools.partial(_view, x)
    if name in METHODS:
        return _method(x, name)
    if hasattr(np.ndarray, name):
        raise no_rule(np.ndarray, f"{name!r} of an array of a subclass")
    return _MISSING


REST[TracedSubarray] = of_ndarray


def _method(x: Any, name: str) -> Callable:
    own = getattr(np.ndarray, name)

    @functools.wraps(own)
    def call(*args: Any, **kwargs: Any) -> Any:
        if name in _CHANGING:
            return METHODS[name](_traced(undressed(x)), *undressed(args), **kwargs)
        return of_subclass(METHODS[name], own, (x, *args), kwargs)

    return call


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


def set_attribute(value: Any, x: Dressed, name: str) -> None:
    """``x.name = value`` of a traced value of a subclass."""
    own = python_method(class_part(x), "__setattr__")
    if own is not None:
        resolve(own)(x, name, value)
    else:
        set_own_attribute(x, name, value)


def set_own_attribute(x: Dressed, name: str, value: Any) -> None:
    """``object.__setattr__(x, name, value)``."""
    cls = class_part(x)
    member = _member(cls, name)
    if isinstance(member, property) and isinstance(member.fset, FunctionType):
        resolve(member.fset)(x, value)
        return
    setter = None if isinstance(member, type) else python_method(type(member), "__set__")
    if setter is not None:
        resolve(setter)(member, x, value)
    elif type(x) is TracedSubarray and hasattr(type(member), "__set__"):
        setattr(plain(x), name, value)  # Python's own error
        raise no_rule(cls, f"the compiled attribute {name!r}")
    elif type(x) is TracedSubarray and member is _MISSING and name == "shape":
        _set_shape(x, value)
    elif type(x) is TracedSubarray and member is _MISSING and hasattr(np.ndarray, name):
        REWRITTEN_DOORS["set_attribute"](undressed(value), bare_part(x), name)
    else:
        own_part(x)[name] = value
        if (real := real_part(x)) is not None:
            note(real, value, name)


def _set_shape(x: TracedSubarray, shape: Any) -> None:
    bare = bare_part(x)
    seen = bare.array.view()
    seen.shape = shape
    set_bare(x, TracedArray(seen, bare.memory))
    if (real := real_part(x)) is not None:
        real.shape = shape


# ------------------------------------------------------------------------------------ what Python calls by itself


def binary(op: Any, a: Any, b: Any) -> Any:
    """A binary operator where an array of a subclass stands on one side, or on both."""
    ka, kb = (np.ndarray if type(x) is TracedArray else class_of(x) for x in (a, b))
    mine = None if ka in TRACED else python_method(ka, op.method)
    theirs = None if kb in TRACED or kb is ka else python_method(kb, op.reflected)
    attempts = [] if mine is None else [(mine, a, b)]
    if theirs is not None and issubclass(kb, ka) and theirs is not python_method(ka, op.reflected):
        attempts.insert(0, (theirs, b, a))
    elif theirs is not None and (mine is not None or not _is_of_numpy(a) or _gives_way(ka, kb)):
        attempts.append((theirs, b, a))
    for method, first, second in attempts:
        result = resolve(method)(first, second)
        if result is not NotImplemented:
            return result
    if mine is not None and not _is_of_numpy(b):
        names = f"{ka.__name__!r} and {kb.__name__!r}"
        raise TypeError(f"unsupported operand type(s) for {op.name}: {names}")
    return resolve(op.ufunc)(a, b)


def _is_of_numpy(x: Any) -> bool:
    return is_subarray(x) or isinstance(strip(x), np.ndarray | np.generic)


def _gives_way(kind: type, other: type) -> bool:
    """Whether NumPy's array of ``kind`` on the left leaves an operator to ``other``."""
    if hasattr(other, "__array_ufunc__"):
        return other.__array_ufunc__ is None
    return getattr(other, "__array_priority__", -1e6) > getattr(kind, "__array_priority__", 0.0)


def in_place(op: Any, a: Any, b: Any) -> Any:
    """``a += b`` where ``a`` is an array of a subclass."""
    own = python_method(class_of(a), op.in_place_method)
    if own is not None:
        result = resolve(own)(a, b)
        return binary(op, a, b) if result is NotImplemented else result
    return resolve(op.ufunc)(a, b, out=(a,))


REFLECTED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
"""The comparison that the other side is asked for."""

_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}


def compare(short: str, a: Any, b: Any) -> Any:
    """A comparison where an array of a subclass stands on one side, or on both."""
    ka, kb = class_of(a), class_of(b)
    left, right = python_method(ka, f"__{short}__"), python_method(kb, f"__{REFLECTED[short]}__")
    attempts = [(left, a, b)] if left is not None and is_subarray(a) else []
    if right is not None and is_subarray(b) and kb is not ka:
        attempts.insert(0 if issubclass(kb, ka) else len(attempts), (right, b, a))
    for method, first, second in attempts:
        result = resolve(method)(first, second)
        if result is not NotImplemented:
            return result
    return resolve(_COMPARISONS[short])(a, b)


def unary(name: str, ufunc: np.ufunc, a: Any) -> Any:
    """``-a`` and its like of an array of a subclass."""
    own = python_method(class_of(a), name)
    return resolve(ufunc)(a) if own is None else resolve(own)(a)


def _get_item(x: Any, index: Any) -> Any:
    """``numpy.ndarray.__getitem__(x, index)``."""
    found = indexing.get_item(undressed(x), undressed(index))
    return dressed(found, class_of(x), x) if isinstance(found, np.ndarray) else found


def _set_item(x: Any, index: Any, value: Any) -> None:
    """``numpy.ndarray.__setitem__(x, index, value)``."""
    writing.set_item(undressed(value), plain(undressed(x)), undressed(index))


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
    return dressed(undressed(array), class_of(x), x)


def _copied(x: Any, memo: Any = None) -> Any:
    return of_ndarray(x, "copy")()


def _written(write: Callable) -> Callable:
    """How an array is written by ``numpy.ndarray``, with the mark of what varies."""

    def method(x: Any, *args: Any) -> str:
        return marked(write(plain(x), *args), tape_in(undressed(x)))

    return method


_DUNDERS: dict[str, Callable] = {
    "__array_finalize__": lambda x, parent=None: None,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array_wrap__": _array_wrap,
    "__array__": lambda x, *args, **kwargs: resolve(np.array)(undressed(x), *args, **kwargs),
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
    "__getattribute__": lambda x, name: _found_or_error(x, name),
    "__setattr__": set_own_attribute,
}


def _found_or_error(x: Any, name: str) -> Any:
    found = _attribute(x, class_of(x), name)
    if found is _MISSING:
        raise AttributeError(f"{class_of(x).__name__!r} object has no attribute {name!r}")
    return found


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


def _install_operator(op: Any) -> None:
    _DUNDERS[op.method] = lambda a, b, *modulus: resolve(op.ufunc)(a, b)  # a power's modulus is None
    _DUNDERS[op.reflected] = lambda a, b, *modulus: resolve(op.ufunc)(b, a)
    _DUNDERS[op.in_place_method] = lambda a, b: resolve(op.ufunc)(a, b, out=(a,))
    setattr(TracedSubarray, op.method, lambda a, b: binary(op, a, b))
    setattr(TracedSubarray, op.reflected, lambda a, b: binary(op, b, a))
    setattr(TracedSubarray, op.in_place_method, lambda a, b: in_place(op, a, b))


def install(operators: Iterable[Any]) -> None:
    """Give traced arrays of subclasses the operators, and what else Python calls by itself."""
    for op in operators:
        _install_operator(op)
    for short, ufunc in _COMPARISONS.items():
        _DUNDERS[f"__{short}__"] = lambda a, b, f=ufunc: resolve(f)(a, b)
        setattr(TracedSubarray, f"__{short}__", lambda a, b, s=short: compare(s, a, b))
    for name, ufunc in (("__neg__", np.negative), ("__pos__", np.positive), ("__invert__", np.invert)):
        _DUNDERS[name] = lambda a, f=ufunc: resolve(f)(a)
        setattr(TracedSubarray, name, lambda a, n=name, f=ufunc: unary(n, f, a))
    for name in (
        "__getitem__ __setitem__ __iter__ __len__ __contains__ __copy__ __deepcopy__ __bool__ __int__ __abs__ "
        "__divmod__ __rdivmod__ __repr__ __str__ __format__"
    ).split():
        setattr(TracedSubarray, name, _by_class(name))
    TracedSubarray.__hash__ = None
    TracedSubarray.__getattribute__ = get_attribute
    TracedSubarray.__setattr__ = lambda x, name, value: set_attribute(value, x, name)
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
    TracedSubarray.__array_ufunc__, TracedSubarray.__array_function__ = _met_ufunc, _met_function


def _met_ufunc(x: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    return resolve(ufunc if method == "__call__" else getattr(ufunc, method))(*inputs, **kwargs)


def _met_function(x: Any, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """NumPy's protocol: code that is not rewritten comes in here."""
    return resolve(function)(*args, **kwargs)


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
