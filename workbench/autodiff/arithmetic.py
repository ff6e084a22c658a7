"""Operators of rewritten programs: ``a + b`` is ``add(a, b)``.

The four commonest are written out for speed: numbers first, everything else in ``binary``.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff import subclassing, subnumbers, writing
from workbench.autodiff.arrays import TracedArray, current, is_complex_number, is_followed_subclass
from workbench.autodiff.binary import (
    ADD,
    DIVIDE,
    MULTIPLY,
    OPERATORS,
    PLAIN,
    SUBTRACT,
    Operator,
    apply_operator,
    of_subclass,
)
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.elementwise import apply_ufunc
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat, recorded
from workbench.autodiff.settling import note_elements
from workbench.autodiff.subarrays import TracedSubarray, class_of
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced


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
    return apply_operator(ADD, a, b)


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
    return apply_operator(SUBTRACT, a, b)


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
    return apply_operator(MULTIPLY, a, b)


def _reciprocal(y: Any) -> Any:
    """``1 / y``; infinite at the zero that NumPy's numbers, unlike Python's, are divided by."""
    try:
        return 1.0 / y
    except ZeroDivisionError:
        return math.copysign(math.inf, y)


def divide(a: Any, b: Any) -> Any:
    """``a / b``."""
    ka, kb = type(a), type(b)
    if ka is TracedFloat:
        if kb is TracedFloat:
            tape = a.tape
            if tape is b.tape:
                y = b.value
                quotient = a.value / y
                return recorded(quotient, tape, a, _reciprocal(y), b, -quotient / y)
        elif kb is float or kb is int:
            return recorded(a.value / b, a.tape, a, _reciprocal(b))
    elif ka in PLAIN:
        if kb in PLAIN:
            return a / b
        if kb is TracedFloat and (ka is float or ka is int):
            y = b.value
            quotient = a / y
            return recorded(quotient, b.tape, b, -quotient / y)
    return apply_operator(DIVIDE, a, b)


def _make_binary(op: Operator) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        if type(a) in PLAIN and type(b) in PLAIN and type(a) is not str:
            return op.function(a, b)
        return apply_operator(op, a, b)

    apply.__name__ = op.name
    return apply


def _make_in_place(op: Operator, binary: Callable) -> Callable:
    def apply(a: Any, b: Any) -> Any:
        ka = type(a)
        if ka is TracedFloat or ka is float or ka is int:
            return binary(a, b)
        if ka is np.ndarray or ka is TracedArray:
            given, a, b = a, current(a), current(b)
            if type(a) is TracedArray and is_complex_number(a.array):
                return binary(a, b)
            if of_subclass(a, b):
                return subclassing.in_place(op, a, b)
            if type(a) in TRACED or type(b) in TRACED or (OPEN and ka is np.ndarray):
                found = writing.in_place(op, a, b)
                return given if found is a else found
        elif ka is TracedSubarray or (
            OPEN and is_followed_subclass(ka) and (contains_traced(a) or contains_traced(b))
        ):
            return subclassing.in_place(op, a, b)
        elif (method := python_method(class_of(a), op.in_place_method)) is not None:
            result = resolve(method)(a, b)
            return binary(a, b) if result is NotImplemented else result
        elif OPEN and issubclass(ka, np.ndarray):
            current(a)
            writing.in_place(op, np.ndarray.view(a, np.ndarray), current(b))
            return a
        elif ka is list or (type(b) not in TRACED and hasattr(ka, op.in_place_method)):
            if isinstance(a, list | set | dict | deque):
                note_elements(a)
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
            return apply_ufunc(ufunc, (a,), {}, function if isinstance(a, COMPLEX) else None)
        if ka not in PLAIN and (own := python_method(class_of(a), method)) is not None:
            return resolve(own)(a)
        a = current(a)
        return resolve(ufunc)(a) if type(a) is TracedSubarray else function(a)

    apply.__name__ = name
    return apply


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
    subclassing.install(OPERATORS.values())
    subnumbers.install(OPERATORS.values())
    for name, function, ufunc, partial in (
        ("negative", operator.neg, np.negative, -1.0),
        ("positive", operator.pos, np.positive, 1.0),
        ("invert", operator.invert, np.invert, 0.0),
    ):
        unary = _make_unary(name, function, ufunc, partial)
        REWRITTEN_DOORS[name] = unary
        for kind in TRACED:
            setattr(kind, f"__{function.__name__.strip('_')}__", lambda a, f=unary: f(a))


_install()
