"""Numbers of the program's own classes, derived from ``float``, ``complex``, ``int`` or NumPy's ``float64``.

What the class says is followed: its methods, attributes, operators and comparisons. What it leaves to the number that
it is made from is done with the bare number, and the result is a bare number, as Python has it.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.application import without_class
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.class_attributes import REST
from workbench.autodiff.deferring import COMPARISONS, by_methods, compared, gives_way, seen_class
from workbench.autodiff.dressing import undressed
from workbench.autodiff.overrides import asked_for_ufunc
from workbench.autodiff.registry import DOORS, NUMBERS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import COMPLEX, TRACED, strip
from workbench.autodiff.subarrays import TracedSubnumber, bare_part, class_part, own_part
from workbench.autodiff.subclassing import refuse_in_compiled_code
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import marked, tape_in

_REAL = (float, int, np.floating, np.integer)


def bare_number(x: Any) -> Any:
    """A number of a class of the program as the number that it is; anything else as it is."""
    kind = type(x)
    if kind is TracedSubnumber:
        return current(bare_part(x))
    if kind in TRACED or kind in _EXACT:
        return x
    base = next((base for base in (np.float64, float, complex, int) if issubclass(kind, base)), None)
    return x if base is None else base.__pos__(x)


_EXACT = frozenset({float, int, bool, complex, np.float64, np.complex128})


def has_own(x: Any, name: str) -> bool:
    """Whether ``x`` is a number of a class of the program that says itself what the method ``name`` does."""
    kind = type(x)
    return kind is TracedSubnumber or (issubclass(kind, _KINDS) and python_method(kind, name) is not None)


_KINDS = (int, float, complex, np.number)


def binary(op: Any, a: Any, b: Any) -> Any:
    """A binary operator where a number of a class of the program stands on one side, or on both."""
    result = by_methods(op, a, b)
    if result is not NotImplemented:
        return result
    if _by_numpy(a, b) and asked_for_ufunc((a, b), {}):
        return resolve(op.ufunc)(a, b)
    return REWRITTEN_DOORS[op.name](*_numbers(a, b))


def _numbers(a: Any, b: Any) -> list[Any]:
    """The numbers by which what the classes are made from computes: NumPy asks their ``__float__``, Python does not."""
    by_numpy = _by_numpy(a, b)
    return [bare_number(without_class(x) if by_numpy else x) for x in (a, b)]


def _by_numpy(a: Any, b: Any) -> bool:
    ka, kb = seen_class(a), seen_class(b)
    return issubclass(ka, _OF_NUMPY) or (issubclass(kb, _OF_NUMPY) and not issubclass(kb, float))


_OF_NUMPY = (np.ndarray, np.generic)


def compare(short: str, a: Any, b: Any) -> Any:
    """A comparison where a number of a class of the program stands on one side, or on both."""
    result = compared(short, a, b)
    if result is not NotImplemented:
        return result
    return REWRITTEN_DOORS[COMPARISONS[short]](*_numbers(a, b))


# ------------------------------------------------------------------------------------ attributes and methods


def of_number(x: Any, name: str) -> Any:
    """What the class of numbers that ``x`` is made from says of the attribute ``name``, as by ``super``."""
    if name in _OPERATORS:
        return lambda other: _operated(x, name, other)
    if name in _METHODS:
        return lambda *args: _METHODS[name](bare_number(x), *args)
    if name in _COPIES:
        return functools.partial(_COPIES[name], x)
    return getattr(bare_number(x), name)


REST[TracedSubnumber] = of_number

# method -> what computes it, of the number and the other operand
_OPERATORS: dict[str, Callable] = {}


def _operated(x: Any, name: str, other: Any) -> Any:
    """``float.__mul__(x, other)`` and its like, which take numbers alone."""
    number = bare_number(x)
    if isinstance(strip(number), np.generic):
        other = bare_number(without_class(other))
        return NotImplemented if gives_way(np.float64, seen_class(other)) else _OPERATORS[name](number, other)
    kinds = (*_REAL, *COMPLEX) if isinstance(number, COMPLEX) else _REAL
    if not isinstance(other, kinds) or (type(other) is TracedArray and other.array.ndim):
        return NotImplemented
    return _OPERATORS[name](number, bare_number(other))


_METHODS: dict[str, Callable] = {
    "__neg__": lambda x: REWRITTEN_DOORS["negative"](x),
    "__pos__": lambda x: x,
    "__abs__": lambda x: resolve(abs)(x),
    "__bool__": bool,
    "__int__": lambda x: resolve(int)(x),
    "__trunc__": lambda x: resolve(int)(x),
    "__floor__": lambda x: x.__floor__(),
    "__ceil__": lambda x: x.__ceil__(),
    "__round__": lambda x, *digits: resolve(round)(x, *digits),
    "__float__": lambda x: resolve(float)(x),
    "__complex__": lambda x: resolve(complex)(x),
    "__hash__": hash,
    "__divmod__": lambda x, other: resolve(divmod)(x, bare_number(other)),
    "__rdivmod__": lambda x, other: resolve(divmod)(bare_number(other), x),
    "__repr__": lambda x: marked(repr(plain(x)), tape_in(x)),
    "__str__": lambda x: marked(repr(plain(x)), tape_in(x)),
    "__format__": lambda x, spec: marked(format(plain(x), spec), tape_in(x)),
}


def _by_class(name: str) -> Callable:
    """What Python, or code that is not rewritten, calls: the method of the class, or that of the number."""

    def method(x: TracedSubnumber, *args: Any) -> Any:
        own = python_method(class_part(x), name)
        if own is None and name == "__str__":
            own = python_method(class_part(x), "__repr__")
        if own is None and name == "__format__" and args == ("",):
            return str(x)
        if own is not None:
            return resolve(own)(x, *args)
        return _COPIES[name](x, *args) if name in _COPIES else _METHODS[name](bare_number(x), *args)

    method.__name__ = name
    return method


def _copied(x: TracedSubnumber) -> Any:
    """``copy.copy(x)`` where the class has no ``__copy__`` of its own."""
    reduce = python_method(class_part(x), "__reduce__")
    if reduce is not None:
        return resolve(copy._reconstruct)(x, None, *resolve(reduce)(x))
    return TracedSubnumber(bare_part(x), class_part(x), dict(own_part(x)))


def _deeply_copied(x: TracedSubnumber, memo: dict | None = None) -> Any:
    """``copy.deepcopy(x)`` where the class has no ``__deepcopy__`` of its own."""
    memo, reduce = {} if memo is None else memo, python_method(class_part(x), "__reduce__")
    if reduce is not None:
        return resolve(copy._reconstruct)(x, memo, *resolve(reduce)(x))
    own = {name: resolve(copy.deepcopy)(value, memo) for name, value in own_part(x).items()}
    return TracedSubnumber(bare_part(x), class_part(x), own)


_COPIES: dict[str, Callable] = {"__copy__": _copied, "__deepcopy__": _deeply_copied}


def install(operators: Iterable[Any]) -> None:
    """Give traced numbers of classes the operators, and what else Python calls by itself."""
    for op in operators:
        _install_operator(op)
    for short, name in COMPARISONS.items():
        _OPERATORS[f"__{short}__"] = lambda a, b, n=name: REWRITTEN_DOORS[n](a, b)
        setattr(TracedSubnumber, f"__{short}__", lambda a, b, s=short: compare(s, a, b))
    for name in (*_METHODS, *_COPIES):
        if name not in ("__float__", "__complex__", "__hash__"):
            setattr(TracedSubnumber, name, _by_class(name))
    refuse_in_compiled_code(
        TracedSubnumber,
        "number",
        {
            "__float__": "become a plain float in compiled code",
            "__complex__": "become a plain complex number in compiled code",
            "__array__": "become a plain array in compiled code",
            "__reduce_ex__": "be pickled",
        },
    )


def _install_operator(op: Any) -> None:
    _OPERATORS[op.method] = lambda a, b: REWRITTEN_DOORS[op.name](a, b)
    _OPERATORS[op.reflected] = lambda a, b: REWRITTEN_DOORS[op.name](b, a)
    setattr(TracedSubnumber, op.method, lambda a, b: binary(op, a, b))
    setattr(TracedSubnumber, op.reflected, lambda a, b: binary(op, b, a))


def _number(x: TracedSubnumber) -> Any:
    """The number, for functions of numbers: they take the number of a float, whatever its class says."""
    own = None if issubclass(class_part(x), float) else python_method(class_part(x), "__float__")
    return bare_number(x) if own is None else resolve(own)(x)


NUMBERS[TracedSubnumber] = _number


# ------------------------------------------------------------------------------------ making


def _makes(base: type) -> None:
    @door(base.__new__)
    def new(cls: type, *args: Any) -> Any:
        if not any(map(contains_traced, args)):
            return base.__new__(cls, *args)
        number = resolve(base)(*map(undressed, args))
        if type(number) not in TRACED:  # a whole number
            return base.__new__(cls, number)
        return number if cls is base else TracedSubnumber(number, cls)


for _base in (float, complex, int, np.float64):
    _makes(_base)


def maker_of(cls: type) -> Callable | None:
    """What makes numbers, or arrays, of a class without a ``__new__`` of its own; None for other classes."""
    bases = (*_KINDS, np.ndarray)
    return DOORS.get(cls.__new__) if issubclass(cls, bases) and cls not in bases else None
