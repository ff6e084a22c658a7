"""Operators of rewritten programs: ``a + b`` is ``add(a, b)``.

The four commonest are written out for speed: numbers first, everything else in ``_binary``, which follows Python's
own protocol (left operand, reflected right operand, subclasses first) with rewritten methods.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.autodiff import writing
from workbench.autodiff.arrays import TracedArray, current, is_complex_number
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.elementwise import apply_ufunc
from workbench.autodiff.kept import found_zero, watching
from workbench.autodiff.location import user_line
from workbench.autodiff.overrides import ASKED_NEVER
from workbench.autodiff.registry import HOLDING, LIFTS, OPERANDS
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat, at_a_pole, innermost, recorded, strip
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import SEQUENCES, contains_traced, plain
from workbench.autodiff.text import lost_in_text, tape_in, written
from workbench.errors import MissingRuleError, RefusedError

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
_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE = (OPERATORS[n] for n in ("add", "subtract", "multiply", "divide"))


def add(a: Any, b: Any) -> Any:
    """``a + b``."""
    ka, kb = type(a), type(b)
    if ka is TracedFloat:
        if kb is TracedFloat:
            tape = a.tape
            if tape is b.tape:
                return recorded(a.value + b.value, tape, a, 1.0, b, 1.0)
        elif kb is float or kb is int:
            return recorded(a.value + b, a.tape, a, 1.0)
    elif ka in PLAIN:
        if kb in PLAIN:
            return a + b
        if kb is TracedFloat and (ka is float or ka is int):
            return recorded(a + b.value, b.tape, b, 1.0)
    return _binary(_ADD, a, b)


def subtract(a: Any, b: Any) -> Any:
    """``a - b``."""
    ka, kb = type(a), type(b)
    if ka is TracedFloat:
        if kb is TracedFloat:
            tape = a.tape
            if tape is b.tape:
                return recorded(a.value - b.value, tape, a, 1.0, b, -1.0)
        elif kb is float or kb is int:
            return recorded(a.value - b, a.tape, a, 1.0, None, b)
    elif ka in PLAIN:
        if kb in PLAIN:
            return a - b
        if kb is TracedFloat and (ka is float or ka is int):
            return recorded(a - b.value, b.tape, b, -1.0, None, a)
    return _binary(_SUBTRACT, a, b)


def multiply(a: Any, b: Any) -> Any:
    """``a * b``."""
    ka, kb = type(a), type(b)
    if ka is TracedFloat:
        if kb is TracedFloat:
            tape = a.tape
            if tape is b.tape:
                x, y = a.value, b.value
                return recorded(x * y, tape, a, y, b, x)
        elif kb is float or kb is int:
            return recorded(a.value * b, a.tape, a, b)
    elif ka in PLAIN:
        if kb in PLAIN:
            return a * b
        if kb is TracedFloat and (ka is float or ka is int):
            return recorded(a * b.value, b.tape, b, a)
    return _binary(_MULTIPLY, a, b)


def divide(a: Any, b: Any) -> Any:
    """``a / b``."""
    ka, kb = type(a), type(b)
    if ka is TracedFloat:
        if kb is TracedFloat:
            tape = a.tape
            if tape is b.tape:
                y = b.value
                quotient = a.value / y
                return recorded(quotient, tape, a, 1.0 / y, b, -quotient / y)
        elif kb is float or kb is int:
            return recorded(a.value / b, a.tape, a, 1.0 / b)
    elif ka in PLAIN:
        if kb in PLAIN:
            return a / b
        if kb is TracedFloat and (ka is float or ka is int):
            y = b.value
            quotient = a / y
            return recorded(quotient, b.tape, b, -quotient / y)
    return _binary(_DIVIDE, a, b)


# ------------------------------------------------------------------------------------ the general case


def _is_number(x: Any) -> bool:
    return type(x) is TracedFloat or isinstance(x, _NUMBERS)


def _binary(op: Operator, a: Any, b: Any) -> Any:
    """Any binary operator on any two values."""
    if isinstance(a, np.ndarray):
        a = current(a)
    if isinstance(b, np.ndarray):
        b = current(b)
    ka, kb = type(a), type(b)
    if ka in OPERANDS and (kb in TRACED or kb in HOLDING):
        return _protocol(op, OPERANDS[ka](a), b)
    if kb in OPERANDS and ka in TRACED:
        return _protocol(op, a, OPERANDS[kb](b))
    if ka in TRACED or kb in TRACED:
        if _is_number(a) and _is_number(b):
            return _numbers(op, a, b)
        if isinstance(a, COMPLEX) or isinstance(b, COMPLEX):
            return apply_ufunc(op.ufunc, (a, b), {})
        array_like = (np.ndarray, np.generic, TracedArray, list, tuple)
        if TracedArray in (ka, kb) or ka is np.ndarray or kb is np.ndarray:
            left = ka in (TracedArray, np.ndarray)
            other = b if left else a
            if left and python_method(kb, "__array_ufunc__") is not None and kb not in TRACED:
                return resolve(op.ufunc)(a, b)
            if type(other) in TRACED or isinstance(other, (*array_like, *_NUMBERS, *COMPLEX)):
                return apply_ufunc(op.ufunc, (a, b), {})
    if (_of_numpy(a) and _sequence_beside(op, a, b)) or (
        _of_numpy(b) and _sequence_beside(op, b, a) and python_method(ka, op.method) is None
    ):
        return apply_ufunc(op.ufunc, (a, b), {})
    return _protocol(op, a, b)


def _of_numpy(x: Any) -> bool:
    """An array or a number of NumPy's, traced or not."""
    kind = type(x)
    return kind is TracedArray or kind is np.ndarray or isinstance(strip(x), np.generic)


def _sequence_beside(op: Operator, x: Any, other: Any) -> bool:
    """Whether NumPy takes ``other`` for an array because ``x`` beside it is NumPy's: ``array - [y, 1.0]``.

    A sequence times a number is Python's: repeated, or an error.
    """
    if not isinstance(other, (*SEQUENCES, range)):
        return False
    if op is _MULTIPLY and type(x) not in (TracedArray, np.ndarray):
        return False
    return type(x) in TRACED or contains_traced(other)


def _numbers(op: Operator, a: Any, b: Any) -> Any:
    """An operator on two real numbers, at least one of them traced."""
    tape = innermost(a, b)
    x = a.value if type(a) is TracedFloat and (a.tape is tape or tape is None) else a
    y = b.value if type(b) is TracedFloat and (b.tape is tape or tape is None) else b
    value = _through(op, x, y)
    if tape is None:
        return value
    if not isinstance(value, float | np.floating):
        if isinstance(value, COMPLEX):
            raise MissingRuleError(
                f"the operator {op.name!r} gave a complex number for real operands",
                found=f"{x!r} and {y!r}",
                where=user_line(),
                fix="keep the base of a power positive, or compute with NumPy's complex arrays",
            )
        return value
    if op.partials is None:
        return value
    operands, partials = [], []
    for operand, partial in zip((a, b), op.partials, strict=True):
        if type(operand) is TracedFloat and operand.tape is tape:
            operands.append(operand)
            partials.append(_partial(partial, value, x, y))
    if len(operands) == 1:
        beside = (b if operands[0] is a else a) if op is _SUBTRACT else None
        return recorded(value, tape, operands[0], partials[0], None, beside)
    return recorded(value, tape, operands[0], partials[0], operands[1], partials[1])


def _partial(partial: Callable, value: Any, x: Any, y: Any) -> Any:
    try:
        return partial(value, x, y)
    except ArithmeticError:  # 0.0 ** -0.5: the derivative is infinite where the value is not
        return at_a_pole(partial, value, x, y)


def _through(op: Operator, x: Any, y: Any) -> Any:
    if type(x) is TracedFloat or type(y) is TracedFloat:
        return _binary(op, x, y)
    return op.function(x, y)


def _protocol(op: Operator, a: Any, b: Any) -> Any:
    """Python's dispatch, with the methods of user classes rewritten."""
    ka, kb = type(a), type(b)
    if ka in LIFTS and kb is TracedFloat:
        return op.function(a, LIFTS[ka](b, a))
    if kb in LIFTS and ka is TracedFloat:
        return op.function(LIFTS[kb](a, b), b)
    left, right = python_method(ka, op.method), python_method(kb, op.reflected)
    if (ka in _ARRAYS and _taken_as_array(kb)) or (kb in _ARRAYS and left is None and _taken_as_array(ka)):
        return resolve(op.ufunc)(a, b)
    if ka is str:  # "%.2f" % x, and text repeated
        return written(op.function(a, plain(b)), b)
    if ka is bytes:
        if tape_in(b) is not None:
            raise lost_in_text("bytes")
        return op.function(a, plain(b))
    if left is None and right is None and ka not in TRACED and kb not in TRACED:
        if _holds_objects(op, a) or _holds_objects(op, b):
            return np.frompyfunc(lambda x, y: _binary(op, x, y), 2, 1)(a, b)
        return op.function(a, b)
    attempts: list[tuple[Any, Any, Any]] = []
    if left is not None and ka not in TRACED:
        attempts.append((resolve(left), a, b))
    elif ka not in TRACED and hasattr(ka, op.method) and not _gives_way(ka, kb):
        attempts.append((getattr(ka, op.method), a, b))
    if right is not None and kb not in TRACED and kb is not ka:
        first = issubclass(kb, ka) and right is not python_method(ka, op.reflected)
        attempts.insert(0 if first else len(attempts), (resolve(right), b, a))
    elif kb not in TRACED and kb is not ka and hasattr(kb, op.reflected):
        attempts.append((getattr(kb, op.reflected), b, a))
    for method, first, second in attempts:
        result = method(first, second)
        if result is not NotImplemented:
            return result
    if TracedArray in (ka, kb) and any(python_method(k, "__array_ufunc__") for k in {ka, kb} - TRACED):
        return resolve(op.ufunc)(a, b)
    raise TypeError(
        f"unsupported operand type(s) for {op.name}: {_kind_name(a)!r} and {_kind_name(b)!r}",
    )


_ARRAYS = frozenset({np.ndarray, np.float64, TracedArray})


def _taken_as_array(kind: type) -> bool:
    """Whether NumPy's arrays make an array of the other operand, and do not ask its class."""
    if kind in ASKED_NEVER or python_method(kind, "__array__") is None:
        return False
    return not hasattr(kind, "__array_ufunc__") and getattr(kind, "__array_priority__", -1.0) <= 0.0


def _holds_objects(op: Operator, x: Any) -> bool:
    """Whether ``x`` is an array of objects whose own methods are to be followed."""
    if type(x) is not np.ndarray or not x.dtype.hasobject or not x.size:
        return False
    return python_method(type(x.flat[0]), op.method) is not None


def _gives_way(kind: type, other: type) -> bool:
    """Whether NumPy leaves an operator to the other operand, whose own method is to be followed."""
    return issubclass(kind, np.generic | np.ndarray) and getattr(other, "__array_ufunc__", ...) is None


def operator_of_subclass(method: Callable, owner: np.ndarray) -> Callable:
    """``super().__mul__`` of a class of arrays whose ``__array_ufunc__`` is written in Python, and is followed."""
    name = method.__name__
    op = next((op for op in OPERATORS.values() if name in (op.method, op.reflected)), None)

    def call(*args: Any) -> Any:
        if op is None or not any(type(x) in TRACED for x in args):
            return method(*args)
        try:
            return resolve(op.ufunc)(*((*args, owner) if name == op.reflected else (owner, *args)))
        except TypeError as error:
            if isinstance(error, RefusedError):
                raise
            raise MissingRuleError(
                f"an array of the class {type(owner).__name__} was about to take a traced number in",
                found=str(error),
                where=user_line(),
                fix="compute with the numbers themselves, without units, and attach those to the result",
            ) from error

    return call


def _kind_name(x: Any) -> str:
    return x.__class__.__name__


def _make_binary(op: Operator) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        if type(a) in PLAIN and type(b) in PLAIN and type(a) is not str:
            return op.function(a, b)
        return _binary(op, a, b)

    apply.__name__ = op.name
    return apply


def _make_in_place(op: Operator, binary: Callable) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        ka = type(a)
        if ka is TracedFloat or ka is float or ka is int:
            return binary(a, b)
        if ka is np.ndarray or ka is TracedArray:
            a, b = current(a), current(b)
            if type(a) is TracedArray and is_complex_number(a.array):
                return binary(a, b)
            if type(a) in TRACED or type(b) in TRACED or (OPEN and ka is np.ndarray):
                return writing.in_place(op.ufunc, op.in_place, a, b)
        elif (method := python_method(ka, op.in_place_method)) is not None:
            result = resolve(method)(a, b)
            return binary(a, b) if result is NotImplemented else result
        elif OPEN and issubclass(ka, np.ndarray):
            current(a)
            writing.in_place(op.ufunc, op.in_place, a.view(np.ndarray), current(b))
            return a
        elif ka is list or (type(b) not in TRACED and hasattr(ka, op.in_place_method)):
            return op.in_place(a, b)
        return binary(a, b)

    apply.__name__ = f"in_place_{op.name}"
    return apply


def _make_unary(name: str, function: Callable, ufunc: np.ufunc, partial: float) -> Callable:
    method = f"__{function.__name__.strip('_')}__"

    def apply(a: Any) -> Any:
        ka = type(a)
        if ka is TracedFloat:
            return recorded(function(a.value), a.tape, a, partial)
        if ka is TracedArray or ka is np.ndarray:
            return apply_ufunc(ufunc, (a,), {})
        if ka not in PLAIN and (own := python_method(ka, method)) is not None:
            return resolve(own)(a)
        return function(current(a))

    apply.__name__ = name
    return apply


_REFLECTED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


def _make_compare(function: Callable) -> Callable:
    short = function.__name__.strip("_")
    method, reflected = f"__{short}__", f"__{_REFLECTED[short]}__"

    def apply(a: Any, b: Any) -> Any:
        if type(a) is TracedFloat:
            if not a.value:
                found_zero(a, b)
            a = a.value
        if type(b) is TracedFloat:
            if not b.value:
                found_zero(b, a)
            b = b.value
        ka, kb = type(a), type(b)
        if ka in PLAIN and kb in PLAIN:
            return function(a, b)
        if ka is TracedArray or kb is TracedArray:
            if ka is TracedArray and kb in PLAIN and not a.array.any():
                found_zero(a, b)
            return function(plain(a), plain(b))
        if (_of_numpy(a) and contains_traced(b)) or (_of_numpy(b) and contains_traced(a)):
            return function(plain(a), plain(b))  # with a list that NumPy takes for an array
        left, right = python_method(ka, method), python_method(kb, reflected)
        if left is None and right is None:
            return function(a, b)
        pairs = [(left, a, b), (right, b, a)]
        if right is not None and kb is not ka and issubclass(kb, ka):
            pairs.reverse()
        for own, first, second in pairs:
            if own is not None and (result := resolve(own)(first, second)) is not NotImplemented:
                return result
        return function(a, b)

    apply.__name__ = function.__name__
    return apply


def _is_not_zero(x: TracedFloat) -> bool:
    """``bool(x)``."""
    if not x.value:
        found_zero(x)
        return False
    return True


def _install() -> None:
    fast = {"add": add, "subtract": subtract, "multiply": multiply, "divide": divide}
    for op in OPERATORS.values():
        binary = fast.get(op.name) or _make_binary(op)
        in_place = _make_in_place(op, binary)
        REWRITTEN_DOORS[op.name] = binary
        REWRITTEN_DOORS[f"in_place_{op.name}"] = in_place
        for kind in TRACED:  # code that is not rewritten uses the same operators
            setattr(kind, op.method, lambda a, b, f=binary: f(a, b))
            setattr(kind, op.reflected, lambda a, b, f=binary: f(b, a))
        setattr(TracedArray, op.in_place_method, lambda a, b, f=in_place: f(a, b))
    for name, function, ufunc, partial in (
        ("negative", operator.neg, np.negative, -1.0),
        ("positive", operator.pos, np.positive, 1.0),
        ("invert", operator.invert, np.invert, 0.0),
    ):
        unary = _make_unary(name, function, ufunc, partial)
        REWRITTEN_DOORS[name] = unary
        for kind in TRACED:
            setattr(kind, f"__{function.__name__.strip('_')}__", lambda a, f=unary: f(a))
    names = {
        "less": "lt",
        "less_equal": "le",
        "greater": "gt",
        "greater_equal": "ge",
        "equal": "eq",
        "not_equal": "ne",
    }
    for name, short in names.items():
        compare = _make_compare(getattr(operator, short))
        if short in ("eq", "ne"):
            compare = watching(compare, says=short == "eq")
        REWRITTEN_DOORS[name] = compare
        setattr(TracedArray, f"__{short}__", lambda a, b, f=compare: f(a, b))
    TracedArray.__hash__ = None
    TracedFloat.__bool__ = _is_not_zero


_install()
