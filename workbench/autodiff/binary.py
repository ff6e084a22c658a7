"""A binary operator on any two values, as Python would apply it to the plain ones.

Two numbers give an entry on the tape with the operator's partials, arrays go through the operator's ufunc, and
everything else follows Python's own protocol (left operand, reflected right operand, subclasses first) with the
methods of classes rewritten.
"""

from __future__ import annotations

import contextlib
import math
import operator
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.autodiff import subclassing, subnumbers
from workbench.autodiff.arrays import TracedArray, current, is_complex_number, is_followed_subclass
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.elementwise import apply_ufunc
from workbench.autodiff.met import BUILT_IN
from workbench.autodiff.overrides import ASKED_NEVER
from workbench.autodiff.registry import HOLDING, OPERANDS, lift_of
from workbench.autodiff.scalars import (
    COMPLEX,
    TRACED,
    TracedFloat,
    at_a_pole,
    innermost,
    lost,
    recorded,
    strip,
)
from workbench.autodiff.subarrays import TracedSubarray, TracedSubnumber
from workbench.autodiff.telling import SEQUENCES, contains_traced, plain
from workbench.autodiff.text import lost_in_text, percent, tape_in

PLAIN = frozenset({int, float, bool, str, dict, set, complex, type(None), np.float64, np.int64, np.bool_})
_NUMBERS = (int, float, np.integer, np.floating, np.bool_, Fraction)


@dataclass(frozen=True, eq=False)
class Operator:
    """A binary operator: Python's function, NumPy's, the method names, and its partials for real numbers."""

    name: str
    function: Callable
    in_place: Callable
    ufunc: np.ufunc
    partials: tuple[Callable | None, Callable | None] | None

    @property
    def method(self) -> str:
        return f"__{self.function.__name__.strip('_')}__"

    @property
    def reflected(self) -> str:
        return f"__r{self.function.__name__.strip('_')}__"

    @property
    def in_place_method(self) -> str:
        return f"__i{self.function.__name__.strip('_')}__"

    def fast(self, exponent: Any) -> np.ufunc | None:
        """The function of one array that NumPy's arrays compute for some powers; it rounds otherwise."""
        if self.ufunc is not np.power or type(exponent) not in (int, float):
            return None
        return _FAST_POWERS.get((type(exponent), exponent))


_FAST_POWERS = {(int, 2): np.square, (int, -1): np.reciprocal, (float, 0.5): np.sqrt}


def _log(x: Any) -> Any:
    return resolve(math.log)(x) if x > 0 else math.nan


OPERATORS = {
    op.name: op
    for op in (
        Operator("add", operator.add, operator.iadd, np.add, (lambda y, a, b: 1.0, lambda y, a, b: 1.0)),
        Operator(
            "subtract", operator.sub, operator.isub, np.subtract, (lambda y, a, b: 1.0, lambda y, a, b: -1.0)
        ),
        Operator(
            "multiply", operator.mul, operator.imul, np.multiply, (lambda y, a, b: b, lambda y, a, b: a)
        ),
        Operator(
            "divide",
            operator.truediv,
            operator.itruediv,
            np.true_divide,
            (lambda y, a, b: 1.0 / b, lambda y, a, b: -y / b),
        ),
        Operator(
            "power",
            operator.pow,
            operator.ipow,
            np.power,
            (
                lambda y, a, b: b * a ** (b - 1) if b != 0 or (type(b) is TracedFloat and a != 0) else 0.0,
                lambda y, a, b: y * _log(a) if a != 0 else 0.0,
            ),
        ),
        Operator(
            "floor_divide",
            operator.floordiv,
            operator.ifloordiv,
            np.floor_divide,
            (lambda y, a, b: 0.0, lambda y, a, b: 0.0),
        ),
        Operator(
            "modulo",
            operator.mod,
            operator.imod,
            np.remainder,
            (lambda y, a, b: 1.0, lambda y, a, b: -(a // b)),
        ),
        Operator("matrix_multiply", operator.matmul, operator.imatmul, np.matmul, None),
        Operator("bit_and", operator.and_, operator.iand, np.bitwise_and, None),
        Operator("bit_or", operator.or_, operator.ior, np.bitwise_or, None),
        Operator("bit_xor", operator.xor, operator.ixor, np.bitwise_xor, None),
        Operator("left_shift", operator.lshift, operator.ilshift, np.left_shift, None),
        Operator("right_shift", operator.rshift, operator.irshift, np.right_shift, None),
    )
}


ADD, SUBTRACT, MULTIPLY, DIVIDE = (OPERATORS[n] for n in ("add", "subtract", "multiply", "divide"))


def _is_number(x: Any) -> bool:
    return type(x) is TracedFloat or isinstance(x, _NUMBERS)


def _is_any_number(x: Any) -> bool:
    return _is_number(x) or isinstance(x, COMPLEX)


def apply_operator(op: Operator, a: Any, b: Any) -> Any:
    """``a`` and ``b`` under a binary operator, whatever they are."""
    if type(a) is TracedArray or isinstance(a, np.ndarray):
        a = current(a)
    if type(b) is TracedArray or isinstance(b, np.ndarray):
        b = current(b)
    ka, kb = type(a), type(b)
    if (ka is TracedArray or kb is TracedArray) and _holds_reals(a) and _holds_reals(b):
        return apply_ufunc(op.ufunc, (a, b), {})  # what follows would come to this, step by step
    if ka is str or ka is bytes:
        return _protocol(op, a, b)
    if of_subclass(a, b):
        return subclassing.binary(op, a, b)
    if _of_number_class(op, a, b):
        return subnumbers.binary(op, a, b)
    if ka in OPERANDS and (kb in TRACED or kb in HOLDING):
        return _protocol(op, OPERANDS[ka](a), b)
    if kb in OPERANDS and ka in TRACED:
        return _protocol(op, a, OPERANDS[kb](b))
    if ka in TRACED or kb in TRACED:
        if _is_number(a) and _is_number(b):
            return _numbers(op, a, b)
        if of_numpy(a) and kb not in TRACED and python_method(kb, "__array_ufunc__") is not None:
            return resolve(op.ufunc)(a, b)
        if _holds_objects(op, a) or _holds_objects(op, b):
            return _by_elements(op, a, b)
        if _is_any_number(a) and _is_any_number(b):
            return apply_ufunc(op.ufunc, (a, b), {}, op.function)
        array_like = (np.ndarray, np.generic, TracedArray, list, tuple)
        if any(isinstance(x, COMPLEX) for x in (a, b)) and all(
            type(x) in TRACED or isinstance(x, (*array_like, *_NUMBERS, *COMPLEX)) for x in (a, b)
        ):
            return by_ufunc(op, a, b)
        if TracedArray in (ka, kb) or ka is np.ndarray or kb is np.ndarray:
            other = b if ka in (TracedArray, np.ndarray) else a
            if type(other) in TRACED or isinstance(other, (*array_like, *_NUMBERS, *COMPLEX)):
                return by_ufunc(op, a, b)
    if (of_numpy(a) and _sequence_beside(op, a, b)) or (
        of_numpy(b) and _sequence_beside(op, b, a) and python_method(ka, op.method) is None
    ):
        return apply_ufunc(op.ufunc, (a, b), {})
    if (is_followed_subclass(ka) and _sequence_beside(op, a, b)) or (
        is_followed_subclass(kb) and _sequence_beside(op, b, a) and python_method(ka, op.method) is None
    ):
        return subclassing.binary(op, a, b)
    return _protocol(op, a, b)


def _holds_reals(x: Any) -> bool:
    """Whether ``x`` is an array of floats, or a float of Python's or the engine's own."""
    kind = type(x)
    if kind is TracedArray:
        x = x.array
    elif kind is not np.ndarray:
        return kind is float or kind is int or kind is TracedFloat
    return x.dtype.kind == "f"


def by_ufunc(op: Operator, a: Any, b: Any) -> Any:
    """An operator as NumPy computes it where an array takes part."""
    bare = plain(a)
    complex_array = isinstance(bare, np.ndarray) and bare.dtype.kind == "c"
    fast = op.fast(b) if complex_array else None  # real numbers round alike
    return apply_ufunc(op.ufunc, (a, b), {}) if fast is None else apply_ufunc(fast, (a,), {})


def _of_number_class(op: Operator, a: Any, b: Any) -> bool:
    """Whether a number of a class of the program is traced, or meets something traced and has the operator itself."""
    ka, kb = type(a), type(b)
    if ka is TracedSubnumber or kb is TracedSubnumber:
        return True
    if kb in TRACED:
        return ka not in PLAIN and subnumbers.has_own(a, op.method)
    return ka in TRACED and kb not in PLAIN and subnumbers.has_own(b, op.reflected)


def of_subclass(a: Any, b: Any) -> bool:
    """Whether an array of a subclass is traced, or meets something traced."""
    ka, kb = type(a), type(b)
    if ka is TracedSubarray or kb is TracedSubarray:
        return True
    return (ka in TRACED and is_followed_subclass(kb)) or (kb in TRACED and is_followed_subclass(ka))


def of_numpy(x: Any) -> bool:
    """An array or a number of NumPy's, traced or not."""
    return type(x) is np.ndarray or isinstance(strip(x), np.generic) or _is_array(x)


def _sequence_beside(op: Operator, x: Any, other: Any) -> bool:
    """Whether NumPy takes ``other`` for an array because ``x`` beside it is NumPy's: ``array - [y, 1.0]``.

    A sequence times a number is Python's: repeated, or an error.
    """
    if not isinstance(other, (*SEQUENCES, range, array)):
        return False
    if op is MULTIPLY and not (_is_array(x) or is_followed_subclass(type(x))):
        return False
    return type(x) in TRACED or contains_traced(other)


def _numbers(op: Operator, a: Any, b: Any) -> Any:
    """An operator on two real numbers, at least one of them traced."""
    a, b = subnumbers.bare_number(a), subnumbers.bare_number(b)  # they stay on the tape, as partials
    tape = innermost(a, b)
    x = a.value if type(a) is TracedFloat and (a.tape is tape or tape is None) else a
    y = b.value if type(b) is TracedFloat and (b.tape is tape or tape is None) else b
    value = _through(op, x, y)
    if tape is None:
        return value
    if not isinstance(value, float | np.floating):
        return apply_operator(op, resolve(complex)(a), b) if isinstance(value, COMPLEX) else value
    if op.partials is None:
        return value
    operands, partials = [], []
    for operand, partial in zip((a, b), op.partials, strict=True):
        if type(operand) is TracedFloat and operand.tape is tape:
            operands.append(operand)
            partials.append(_partial(partial, value, x, y))
    if len(operands) == 1:
        beside = (b if operands[0] is a else a) if op is SUBTRACT else None
        return recorded(value, tape, operands[0], partials[0], None, beside)
    return recorded(value, tape, operands[0], partials[0], operands[1], partials[1])


def _partial(partial: Callable, value: Any, x: Any, y: Any) -> Any:
    try:
        return partial(value, x, y)
    except ArithmeticError:  # 0.0 ** -0.5: the derivative is infinite where the value is not
        return at_a_pole(partial, value, x, y)


def _through(op: Operator, x: Any, y: Any) -> Any:
    if type(x) is TracedFloat or type(y) is TracedFloat:
        return apply_operator(op, x, y)
    return op.function(x, y)


def _protocol(op: Operator, a: Any, b: Any) -> Any:
    """Python's dispatch, with the methods of user classes rewritten."""
    ka, kb = type(a), type(b)
    if kb is TracedFloat and (lift := lift_of(ka)) is not None:
        return op.function(a, lift(b, a))
    if ka is TracedFloat and (lift := lift_of(kb)) is not None:
        return op.function(lift(a, b), b)
    left, right = python_method(ka, op.method), python_method(kb, op.reflected)
    if (ka in _ARRAYS and _taken_as_array(kb)) or (kb in _ARRAYS and left is None and _taken_as_array(ka)):
        return resolve(op.ufunc)(a, b)
    if issubclass(ka, str) and left is None:  # "%.2f" % x, and text repeated
        return percent(a, b, op.function)
    if ka is bytes:
        if tape_in(b) is not None:
            raise lost_in_text("bytes")
        return op.function(a, plain(b))
    if left is None and right is None and ka not in TRACED and kb not in TRACED:
        if _holds_objects(op, a) or _holds_objects(op, b):
            return _by_elements(op, a, b)
        return op.function(a, b)
    if (_is_array(a) and _is_element(kb)) or (left is None and _is_array(b) and _is_element(ka)):
        return _by_elements(op, a, b)
    attempts: list[tuple[Any, Any, Any]] = []
    if left is not None and ka not in TRACED:
        attempts.append((resolve(left), a, b))
    elif ka not in TRACED and hasattr(ka, op.method) and not _gives_way(ka, kb):
        attempts.append((getattr(ka, op.method), a, b))
    if right is not None and kb not in TRACED and kb is not ka:
        first = issubclass(kb, ka) and right is not python_method(ka, op.reflected)
        first = first or (
            left is None and isinstance(a, SEQUENCES)
        )  # they repeat and join when nobody else does
        attempts.insert(0 if first else len(attempts), (resolve(right), b, a))
    elif kb not in TRACED and kb is not ka and hasattr(kb, op.reflected):
        attempts.append((getattr(kb, op.reflected), b, a))
    for method, first, second in attempts:
        result = method(first, second)
        if result is not NotImplemented:
            return result
    if (of_numpy(a) or of_numpy(b)) and any(python_method(k, "__array_ufunc__") for k in {ka, kb} - TRACED):
        return resolve(op.ufunc)(a, b)
    raise _unsupported(op, a, b, asked=(left and ka not in TRACED) or (right and kb not in TRACED))


def _unsupported(op: Operator, a: Any, b: Any, asked: Any) -> TypeError:
    """The error for operands that nobody has computed with, a method ``asked`` of the program's neither.

    It is one of ours where compiled code takes the plain numbers.
    """
    names = f"{_kind_name(a)!r} and {_kind_name(b)!r}"
    with contextlib.suppress(Exception):
        if not asked:
            op.function(plain(a), plain(b))
            return lost(f"a traced value is an operand of a compiled class: {op.name} of {names}")
    return TypeError(f"unsupported operand type(s) for {op.name}: {names}")


_ARRAYS = frozenset({np.ndarray, np.float64, TracedArray})


def _taken_as_array(kind: type) -> bool:
    """Whether NumPy's arrays make an array of the other operand, and do not ask its class."""
    if kind in ASKED_NEVER or python_method(kind, "__array__") is None:
        return False
    return not hasattr(kind, "__array_ufunc__") and getattr(kind, "__array_priority__", -1.0) <= 0.0


def _is_array(x: Any) -> bool:
    return type(x) is np.ndarray or (type(x) is TracedArray and not is_complex_number(x.array))


def _is_element(kind: type) -> bool:
    """Whether NumPy's arrays compute element by element with an object of the class, which makes no array of itself."""
    if kind in ASKED_NEVER or kind.__flags__ & BUILT_IN or hasattr(kind, "__array_ufunc__"):
        return False
    sequence = hasattr(kind, "__len__") and hasattr(kind, "__getitem__")
    return not (sequence or hasattr(kind, "__array__") or getattr(kind, "__array_priority__", -1.0) > 0.0)


def _by_elements(op: Operator, a: Any, b: Any) -> np.ndarray:
    """An operator on each element of arrays and objects, as NumPy has it for arrays of objects."""
    a, b = (resolve(np.array)(x, object) if type(x) is TracedArray else x for x in (a, b))
    return np.frompyfunc(lambda x, y: apply_operator(op, x, y), 2, 1)(a, b)


def _holds_objects(op: Operator, x: Any) -> bool:
    """Whether ``x`` is an array of objects whose own methods are to be followed."""
    if type(x) is not np.ndarray or not x.dtype.hasobject or not x.size:
        return False
    kind = type(x.flat[0])
    return kind not in TRACED and any(python_method(kind, m) is not None for m in (op.method, op.reflected))


def _gives_way(kind: type, other: type) -> bool:
    """Whether NumPy leaves an operator to the other operand, whose own method is to be followed."""
    return issubclass(kind, (np.generic, np.ndarray)) and getattr(other, "__array_ufunc__", ...) is None


def _kind_name(x: Any) -> str:
    return x.__class__.__name__
