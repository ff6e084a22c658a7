"""Numbers of the program's own classes, derived from ``float``, ``complex``, ``int`` or NumPy's ``float64``.

What the class says is followed: its methods, attributes, operators and comparisons. What it leaves to the number that
it is made from is done with the bare number, and the result is a bare number, as Python has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.dressing import undressed
from workbench.autodiff.registry import DOORS, NUMBERS, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat, strip
from workbench.autodiff.subarrays import TracedSubnumber, bare_part, class_of, class_part, own_part
from workbench.autodiff.subclassing import (
    REFLECTED,
    REST,
    get_attribute,
    refuse_in_compiled_code,
    set_attribute,
    set_own_attribute,
)
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
    return kind is TracedSubnumber or (issubclass(kind, _NUMBERS) and python_method(kind, name) is not None)


_NUMBERS = (float, int, complex, np.number)


def binary(op: Any, a: Any, b: Any) -> Any:
    """A binary operator where a number of a class of the program stands on one side, or on both."""
    ka, kb = (_kind(x) for x in (a, b))
    mine = None if type(a) in TRACED else python_method(ka, op.method)
    theirs = None if type(b) in TRACED or kb is ka else python_method(kb, op.reflected)
    attempts = [] if mine is None else [(mine, a, b)]
    if theirs is not None and not isinstance(strip(a), np.ndarray | np.generic):
        first = issubclass(kb, ka) and theirs is not python_method(ka, op.reflected)
        attempts.insert(0 if first else len(attempts), (theirs, b, a))
    for method, first, second in attempts:
        result = resolve(method)(first, second)
        if result is not NotImplemented:
            return result
    return REWRITTEN_DOORS[op.name](bare_number(a), bare_number(b))


def _kind(x: Any) -> type:
    """The class of an operand in the eyes of Python."""
    if type(x) is TracedFloat:
        return type(strip(x))
    return np.ndarray if type(x) is TracedArray and x.array.ndim else class_of(x)


_COMPARISONS = dict(
    zip(REFLECTED, ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), strict=True)
)


def compare(short: str, a: Any, b: Any) -> Any:
    """A comparison where a number of a class of the program stands on one side, or on both."""
    ka, kb = _kind(a), _kind(b)
    left = None if type(a) in TRACED else python_method(ka, f"__{short}__")
    right = None if type(b) in TRACED or ka is kb else python_method(kb, f"__{REFLECTED[short]}__")
    attempts = [] if left is None else [(left, a, b)]
    if right is not None:
        attempts.insert(0 if issubclass(kb, ka) else len(attempts), (right, b, a))
    for method, first, second in attempts:
        result = resolve(method)(first, second)
        if result is not NotImplemented:
            return result
    return REWRITTEN_DOORS[_COMPARISONS[short]](bare_number(a), bare_number(b))


# ------------------------------------------------------------------------------------ attributes and methods


def of_number(x: Any, name: str) -> Any:
    """What the class of numbers that ``x`` is made from says of the attribute ``name``, as by ``super``."""
    if name in _OPERATORS:
        return lambda other: _operated(x, name, other)
    if name in _METHODS:
        return lambda *args: _METHODS[name](bare_number(x), *args)
    if name in ("__copy__", "__deepcopy__"):
        return lambda *memo: _copied(x)
    if name == "__getattribute__":
        return lambda attribute: get_attribute(x, attribute)
    if name == "__setattr__":
        return lambda attribute, value: set_own_attribute(x, attribute, value)
    if name == "__init__":
        return lambda *args, **kwargs: None
    return getattr(bare_number(x), name)


REST[TracedSubnumber] = of_number

# method -> what computes it, of the number and the other operand
_OPERATORS: dict[str, Callable] = {}


def _operated(x: Any, name: str, other: Any) -> Any:
    """``float.__mul__(x, other)`` and its like, which take numbers alone."""
    number = bare_number(x)
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
        return _METHODS[name](bare_number(x), *args) if own is None else resolve(own)(x, *args)

    method.__name__ = name
    return method


def _copied(x: TracedSubnumber, memo: Any = None) -> TracedSubnumber:
    return TracedSubnumber(bare_part(x), class_part(x), dict(own_part(x)))


def install(operators: Iterable[Any]) -> None:
    """Give traced numbers of classes the operators, and what else Python calls by itself."""
    for op in operators:
        _install_operator(op)
    for short, name in _COMPARISONS.items():
        _OPERATORS[f"__{short}__"] = lambda a, b, n=name: REWRITTEN_DOORS[n](a, b)
        setattr(TracedSubnumber, f"__{short}__", lambda a, b, s=short: compare(s, a, b))
    for name in _METHODS:
        if name not in ("__float__", "__complex__"):
            setattr(TracedSubnumber, name, _by_class(name))
    TracedSubnumber.__copy__ = TracedSubnumber.__deepcopy__ = _copied
    TracedSubnumber.__getattribute__ = get_attribute
    TracedSubnumber.__setattr__ = lambda x, name, value: set_attribute(value, x, name)
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
    """The number, for functions of numbers."""
    own = python_method(class_part(x), "__float__")
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
    """What makes numbers of a class without a ``__new__`` of its own; None for other classes."""
    return DOORS.get(cls.__new__) if issubclass(cls, _NUMBERS) and cls not in _NUMBERS else None
