"""Python's numbers: conversions, sums, and the functions of ``math`` that are no formula of one number.

Conventions at kinks: ``abs`` has derivative 0 at 0. ``int`` gives whole numbers, which do not vary.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current, is_complex_number
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.distances import near
from workbench.autodiff.indexing import iterate
from workbench.autodiff.kept import watching
from workbench.autodiff.registry import DOORS, door, number_in
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import (
    TRACED,
    TracedFloat,
    innermost,
    recorded,
    refuse_exact_whole_number,
    scalar_result,
    strip,
)
from workbench.autodiff.subarrays import TracedSubnumber, class_of
from workbench.autodiff.subnumbers import bare_number
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import TracedText, number_of, refuse_text

_add = REWRITTEN_DOORS["add"]


@door(float)
def float_(x: Any = 0.0) -> Any:
    """``float(x)`` stays on the tape, also where x is text that writes enough of a number's digits."""
    x = current(x)
    if type(x) is TracedText and (number := number_of(x)) is not None:
        return _rounded(number, float(str.__str__(x)))
    if type(x) is TracedSubnumber and (own := python_method(class_of(x), "__float__")) is not None:
        return _returned(resolve(own)(x), x)
    x = number_in(x)
    if type(x) is TracedArray:
        if x.array.size != 1:
            float(x.array)  # NumPy's own error
        x = x.item()
    if type(x) is TracedFloat:
        plain_value = strip(x)
        return x if type(plain_value) is float else recorded(float_(x.value), x.tape, x, 1.0)
    if type(x) is TracedArray:
        return float(plain(x))  # Python's error for a complex number
    own = python_method(type(x), "__float__")
    return float(x) if own is None else _returned(resolve(own)(x), x)


def _rounded(x: TracedFloat, value: float) -> TracedFloat:
    """``value``, which is x with its last digits rounded."""
    inner = _rounded(x.value, value) if type(x.value) is TracedFloat else value
    return recorded(inner, x.tape, x, 1.0)


def _returned(number: Any, x: Any) -> Any:
    """What ``x.__float__()`` has returned, as Python's float."""
    if not isinstance(number, float):
        kinds = class_of(x).__name__, class_of(number).__name__
        raise TypeError(f"{kinds[0]}.__float__ returned non-float (type {kinds[1]})")
    return float_(bare_number(number))


@door(int)
def int_(x: Any = 0, /, *base: Any, **named: Any) -> Any:
    """``int(x)``: a whole number, which does not vary."""
    refuse_text(x, "a whole number")
    x = current(x)
    refuse_exact_whole_number(x)
    return int(plain(x), *base, **named)


@door(abs, math.fabs, operator.abs)
def abs_(x: Any) -> Any:
    """``abs(x)``, with derivative 0 at 0."""
    if type(x) is TracedFloat:
        v = x.value
        return recorded(abs_(v), x.tape, x, 1.0 if v > 0 else -1.0 if v < 0 else 0.0 * strip(v))
    x = current(x)
    if type(x) is TracedArray:
        if is_complex_number(x.array):  # as Python and NumPy's scalars round it, which NumPy's arrays do not
            size = resolve(np.hypot)(x.real, x.imag)
            return float_(size) if x.__class__ is complex else size
        return resolve(np.absolute)(x)
    own = python_method(type(x), "__abs__")
    return abs(x) if own is None else resolve(own)(x)


@door(pow)
def pow_(base: Any, exp: Any, mod: Any = None) -> Any:
    """``pow(base, exponent)``."""
    if mod is not None:
        own = None if type(base) in TRACED else python_method(class_of(base), "__pow__")
        return pow(base, exp, mod) if own is None else resolve(own)(base, exp, mod)
    return REWRITTEN_DOORS["power"](base, exp)


@door(divmod)
def divmod_(a: Any, b: Any) -> Any:
    """``(a // b, a % b)``, or what a class of the program says."""
    for name, mine, other in (("__divmod__", a, b), ("__rdivmod__", b, a)):
        own = None if type(mine) in TRACED else python_method(type(mine), name)
        if own is not None and (result := resolve(own)(mine, other)) is not NotImplemented:
            return result
    if contains_traced((a, b)):
        return REWRITTEN_DOORS["floor_divide"](a, b), REWRITTEN_DOORS["modulo"](a, b)
    return divmod(a, b)


_COMPENSATED = sys.version_info >= (3, 12)


@door(sum)
def sum_(items: Iterable, /, start: Any = 0) -> Any:
    """``sum(items)``, added from left to right; since Python 3.12 floats are summed with a compensation."""
    items = [*iterate(items)] if _COMPENSATED else iterate(items)
    total = start
    for item in items:
        total = _add(total, item)
    if not _COMPENSATED or type(total) is not TracedFloat:
        return total
    seen = [start, *items]
    numbers = [strip(x) for x in seen]
    if not all(type(x) is float or type(x) is int for x in numbers):
        return total
    return _with_value(sum(numbers), total)


@door(math.fsum)
def fsum(items: Iterable) -> Any:
    """``math.fsum``: the exact sum, with derivative 1 by each element."""
    items = [float_(number_in(x)) for x in iterate(items)]
    value = math.fsum(strip(x) for x in items)
    return _with_value(value, sum_(items, 0.0))


def _with_value(value: float, traced: Any) -> Any:
    """``traced`` with its value computed more accurately."""
    if type(traced) is not TracedFloat:
        return value
    correction = value - strip(traced)
    return _add(traced, correction) if correction else traced


@door(math.prod)
def prod(items: Iterable, *, start: Any = 1) -> Any:
    """``math.prod``."""
    total = start
    for item in iterate(items):
        total = REWRITTEN_DOORS["multiply"](total, item)
    return total


@door(math.hypot)
def hypot(*coordinates: Any) -> Any:
    """``math.hypot`` of any number of coordinates."""
    return _norm(math.hypot, coordinates)


@door(math.dist)
def dist(p: Iterable, q: Iterable) -> Any:
    """``math.dist``: the distance of two points."""
    pairs = zip(iterate(p), iterate(q), strict=True)
    return hypot(*[REWRITTEN_DOORS["subtract"](number_in(a), number_in(b)) for a, b in pairs])


def _norm(function: Callable, xs: tuple) -> Any:
    xs = tuple(float_(number_in(x)) for x in xs)
    tape = innermost(*xs)
    if tape is None:
        return function(*[plain(x) for x in xs])
    varies = [type(x) is TracedFloat and x.tape is tape for x in xs]
    values = [x.value if v else x for x, v in zip(xs, varies, strict=True)]
    y = _norm(function, tuple(values))
    operands = [x for x, v in zip(xs, varies, strict=True) if v]
    partials = [(v / y if y else 0.0) for v, varying in zip(values, varies, strict=True) if varying]
    return scalar_result(y, tape, operands, partials)


if hasattr(math, "sumprod"):  # Python 3.12

    @door(math.sumprod)
    def sumprod(p: Iterable, q: Iterable) -> Any:
        """``math.sumprod``: rounded once."""
        p, q = [*iterate(p)], [*iterate(q)]
        value = math.sumprod(map(strip, p), map(strip, q))
        return _with_value(value, sum_(map(REWRITTEN_DOORS["multiply"], p, q)))


if hasattr(math, "fma"):  # Python 3.13

    @door(math.fma)
    def fma(x: Any, y: Any, z: Any) -> Any:
        """``math.fma``: x y + z, rounded once."""
        x, y, z = float_(x), float_(y), float_(z)
        value = math.fma(strip(x), strip(y), strip(z))
        return _with_value(value, _add(REWRITTEN_DOORS["multiply"](x, y), z))


@door(math.modf)
def modf(x: Any) -> Any:
    """Fractional and whole part; the whole part does not vary."""
    x = float_(number_in(x))
    if type(x) is not TracedFloat:
        return math.modf(x)
    fraction, whole = modf(x.value)
    return recorded(fraction, x.tape, x, 1.0), strip(whole)


@door(math.frexp)
def frexp(x: Any) -> Any:
    """Mantissa and exponent; the exponent does not vary."""
    x = float_(number_in(x))
    if type(x) is not TracedFloat:
        return math.frexp(x)
    exponent = math.frexp(strip(x))[1]
    return REWRITTEN_DOORS["multiply"](x, 2.0**-exponent), exponent


def _rounding(function: Callable) -> None:
    method = f"__{function.__name__}__"

    @door(function)
    def call(x: Any) -> Any:
        own = None if type(x) in TRACED else python_method(type(x), method)
        if own is not None:
            return resolve(own)(x)
        x = current(x)
        refuse_exact_whole_number(x)
        return function(plain(x))


for _function in (math.floor, math.ceil, math.trunc):
    _rounding(_function)


def _asked(x: Any) -> Any:
    """The plain number in a number, also where its own class says which it is."""
    x = number_in(x)
    if type(x) not in TRACED and python_method(type(x), "__float__") is not None:
        x = float_(x)
    return plain(current(x))


for _function in (math.isnan, math.isinf, math.isfinite, math.ulp):
    DOORS[_function] = functools.partial(lambda f, *args: f(*map(_asked, args)), _function)
DOORS[math.isclose] = near(
    watching(lambda a, b, **tolerances: math.isclose(plain(a), plain(b), **plain(tolerances)), says=True)
)
