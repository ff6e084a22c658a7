"""Python's own functions, and those of the standard library that look at numbers.

Conventions at kinks: ``abs`` has derivative 0 at 0; ``max`` and ``min`` give everything to the element they return.
``int`` and ``round`` give whole numbers, or numbers that are constant wherever their derivative exists.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import operator
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current, refuse_traced_memory
from workbench.autodiff.calls import REWRITTEN_DOORS, python_method, resolve
from workbench.autodiff.indexing import get_item, iterate
from workbench.autodiff.kept import watching
from workbench.autodiff.registry import DOORS, NUMBERS, OWNER_DOORS, door
from workbench.autodiff.scalars import (
    TRACED,
    TracedFloat,
    innermost,
    lost,
    recorded,
    refuse_exact_whole_number,
    scalar_result,
    strip,
)
from workbench.autodiff.stored import traced_parts
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.text import TracedText, refuse_text, written

_add = REWRITTEN_DOORS["add"]


@door(hash)
def hash_(x: Any) -> int:
    """``hash(x)``: all digits of a traced number are in it."""
    if next(traced_parts(x), None) is not None:
        raise lost("a traced number was about to become a whole number that holds all of its digits")
    return hash(x)


@door(float)
def float_(x: Any = 0.0) -> Any:
    """``float(x)`` stays on the tape."""
    x = current(x)
    if type(x) in NUMBERS:
        x = NUMBERS[type(x)](x)
    if type(x) is TracedArray:
        if x.array.size != 1:
            float(x.array)  # NumPy's own error
        x = x.item()
    if type(x) is TracedFloat:
        plain_value = strip(x)
        return x if type(plain_value) is float else recorded(float_(x.value), x.tape, x, 1.0)
    own = python_method(type(x), "__float__")
    return float(x) if own is None else resolve(own)(x)


@door(np.float64)
def float64(x: Any = 0.0) -> Any:
    """``numpy.float64(x)`` stays on the tape."""
    x = current(x)
    if type(x) is TracedFloat:
        return recorded(float64(x.value), x.tape, x, 1.0)
    if type(x) is TracedArray:
        return resolve(np.asarray)(x, np.float64)
    own = python_method(type(x), "__float__")
    return np.float64(x) if own is None else float64(resolve(own)(x))


def _number_type(kind: type) -> None:
    @door(kind)
    def call(x: Any = 0.0) -> Any:
        x = current(x)
        if type(x) is TracedFloat:
            return recorded(call(x.value), x.tape, x, 1.0)
        return resolve(np.asarray)(x, kind) if type(x) is TracedArray else kind(x)


for _kind in (np.float16, np.float32, np.longdouble):
    _number_type(_kind)


@door(int)
def int_(x: Any = 0, *base: Any) -> Any:
    """``int(x)``: a whole number, which does not vary."""
    refuse_text(x, "a whole number")
    x = current(x)
    refuse_exact_whole_number(x)
    return int(plain(x), *base)


@door(abs, math.fabs)
def abs_(x: Any) -> Any:
    """``abs(x)``, with derivative 0 at 0."""
    if type(x) is TracedFloat:
        v = x.value
        return recorded(abs_(v), x.tape, x, 1.0 if v > 0 else -1.0 if v < 0 else 0.0 * strip(v))
    x = current(x)
    if type(x) is TracedArray:
        return resolve(np.absolute)(x)
    own = python_method(type(x), "__abs__")
    return abs(x) if own is None else resolve(own)(x)


@door(pow)
def pow_(base: Any, exponent: Any, modulus: Any = None) -> Any:
    """``pow(base, exponent)``."""
    if modulus is not None:
        own = None if type(base) in TRACED else python_method(type(base), "__pow__")
        return pow(base, exponent, modulus) if own is None else resolve(own)(base, exponent, modulus)
    return REWRITTEN_DOORS["power"](base, exponent)


@door(divmod)
def divmod_(a: Any, b: Any) -> Any:
    """``(a // b, a % b)``, or what a class of the program says."""
    for name, mine, other in (("__divmod__", a, b), ("__rdivmod__", b, a)):
        own = None if type(mine) in TRACED else python_method(type(mine), name)
        if own is not None and (result := resolve(own)(mine, other)) is not NotImplemented:
            return result
    if type(a) in TRACED or type(b) in TRACED:
        return REWRITTEN_DOORS["floor_divide"](a, b), REWRITTEN_DOORS["modulo"](a, b)
    return divmod(a, b)


@door(round)
def round_(x: Any, digits: int | None = None) -> Any:
    """``round(x)``: constant wherever its derivative exists."""
    own = python_method(type(x), "__round__")
    if own is not None and type(x) not in TRACED:
        return resolve(own)(x, *(() if digits is None else (digits,)))
    x = current(x)
    refuse_exact_whole_number(x, 10.0 ** (digits or 0))
    return round(plain(x), digits)


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
    items = list(iterate(items))
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
    return hypot(*[REWRITTEN_DOORS["subtract"](a, b) for a, b in pairs])


def _norm(function: Callable, xs: tuple) -> Any:
    xs = tuple(float_(x) for x in xs)
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
    if type(x) is not TracedFloat:
        return math.modf(x)
    fraction, whole = modf(x.value)
    return recorded(fraction, x.tape, x, 1.0), strip(whole)


@door(math.frexp)
def frexp(x: Any) -> Any:
    """Mantissa and exponent; the exponent does not vary."""
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
for _function in (math.isnan, math.isinf, math.isfinite, math.ulp):
    DOORS[_function] = functools.partial(lambda f, *args: f(*[plain(current(a)) for a in args]), _function)
DOORS[math.isclose] = watching(lambda a, b, **kwargs: math.isclose(plain(a), plain(b), **kwargs), says=True)


@door(type)
def type_(x: Any, *rest: Any, **kwargs: Any) -> Any:
    """``type(x)`` of a traced value is the type of the value it stands for."""
    if not rest and not kwargs:
        if type(x) in TRACED:
            return type(strip(x)) if type(x) is TracedFloat else np.ndarray
        if type(x) is TracedText:
            return str
    return type(x, *rest, **kwargs)


@door(iter)
def iter_(source: Any, *sentinel: Any) -> Any:
    """``iter(source)``, or ``iter(function, sentinel)`` with a rewritten function."""
    if sentinel:
        return iter(resolve(source), *sentinel)
    own = python_method(type(source), "__iter__")
    return iter(iterate(source)) if own is None else resolve(own)(source)


@door(next)
def next_(iterator: Any, *default: Any) -> Any:
    """``next(iterator)``."""
    own = python_method(type(iterator), "__next__")
    if own is None:
        return next(iterator, *default)
    try:
        return resolve(own)(iterator)
    except StopIteration:
        if not default:
            raise
        return default[0]


@door(getattr)
def getattr_(obj: Any, name: str, *default: Any) -> Any:
    """``getattr(obj, name)``."""
    try:
        return REWRITTEN_DOORS["get_attribute"](obj, name)
    except AttributeError:
        if not default:
            raise
        return default[0]


@door(hasattr)
def hasattr_(obj: Any, name: str) -> bool:
    """``hasattr(obj, name)``: runs a property's code, rewritten."""
    return getattr_(obj, name, _nothing) is not _nothing


_nothing = object()


@door(setattr)
def setattr_(obj: Any, name: str, value: Any) -> None:
    """``setattr(obj, name, value)``."""
    REWRITTEN_DOORS["set_attribute"](value, obj, name)


# ------------------------------------------------------------------------------------ order


def _choose(function: Callable, better: str) -> Callable:
    compare = REWRITTEN_DOORS[better]

    def call(*args: Any, key: Callable | None = None, **kwargs: Any) -> Any:
        items = list(iterate(args[0])) if len(args) == 1 else list(args)
        if not items:
            return function(items, **kwargs)
        key_of = resolve(key) if key is not None else lambda item: item
        best, best_key = items[0], key_of(items[0])
        for item in items[1:]:
            item_key = key_of(item)
            if compare(item_key, best_key):
                best, best_key = item, item_key
        return best

    call.__name__ = function.__name__
    return call


DOORS[max] = _choose(max, "greater")
DOORS[min] = _choose(min, "less")


class _Ordered:
    """A sort key whose ``<`` is the rewritten one."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Ordered) -> bool:
        return REWRITTEN_DOORS["less"](self.key, other.key)


@door(sorted)
def sorted_(items: Iterable, *, key: Callable | None = None, reverse: bool = False) -> list:
    """``sorted``: the same objects in another order."""
    key_of = resolve(key) if key is not None else lambda item: item
    return sorted(iterate(items), key=lambda item: _Ordered(key_of(item)), reverse=reverse)


# ------------------------------------------------------------------------------------ functions of functions


@door(map)
def map_(function: Callable, *sources: Iterable) -> Any:
    """``map`` with a rewritten function."""
    return map(resolve(function), *[iterate(s) for s in sources])


@door(filter)
def filter_(function: Callable | None, source: Iterable) -> Any:
    """``filter`` with a rewritten function."""
    return filter(resolve(function) if function is not None else None, iterate(source))


@door(functools.reduce)
def reduce_(function: Callable, source: Iterable, *initial: Any) -> Any:
    """``functools.reduce`` with a rewritten function."""
    return functools.reduce(resolve(function), iterate(source), *initial)


@door(functools.partial)
def partial_(function: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """``functools.partial``: its function is rewritten when it is called."""
    return functools.partial(function, *args, **kwargs)


for _kind in (zip, enumerate, reversed, list, tuple, set, frozenset):

    def _over_rows(kind: Any, *sources: Any, **kwargs: Any) -> Any:
        return kind(*[iterate(s) for s in sources], **kwargs)

    DOORS[_kind] = functools.partial(_over_rows, _kind)


@door(reversed)
def reversed_(source: Any) -> Any:
    """``reversed(source)``."""
    own = python_method(type(source), "__reversed__")
    if own is not None:
        return resolve(own)(source)
    array = isinstance(source, np.ndarray) and OPEN
    if array or python_method(type(source), "__getitem__") is not None:
        return (get_item(source, k) for k in range(len(source) - 1, -1, -1))
    return reversed(source)


@door(itertools.chain.from_iterable)
def chain_from_iterable(sources: Iterable) -> Any:
    """``itertools.chain.from_iterable``."""
    return itertools.chain.from_iterable(map(iterate, iterate(sources)))


for _name, _operation in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "modulo",
    "pow": "power",
    "matmul": "matrix_multiply",
    "neg": "negative",
    "pos": "positive",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "getitem": "get_item",
    "iadd": "in_place_add",
    "and_": "bit_and",
    "or_": "bit_or",
    "xor": "bit_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "invert": "invert",
    "delitem": "delete_item",
    "isub": "in_place_subtract",
    "imul": "in_place_multiply",
    "itruediv": "in_place_divide",
    "ifloordiv": "in_place_floor_divide",
    "imod": "in_place_modulo",
    "ipow": "in_place_power",
    "imatmul": "in_place_matrix_multiply",
}.items():
    DOORS[getattr(operator, _name)] = REWRITTEN_DOORS[_operation]
DOORS[operator.setitem] = lambda container, index, value: REWRITTEN_DOORS["set_item"](value, container, index)
DOORS[operator.abs] = abs_
if hasattr(operator, "call"):  # Python 3.11
    DOORS[operator.call] = lambda function, *args, **kwargs: resolve(function)(*args, **kwargs)


# ------------------------------------------------------------------------------------ the standard library


def _refuse(function: Callable, what: str) -> None:
    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and (
            contains_traced(args[0]) or any(type(current(leaf)) in TRACED for leaf in leaves(args[0]))
        ):
            raise lost(what)
        return written(function(*args, **kwargs), args[:1])

    DOORS[function] = call


_refuse(json.dumps, "a traced value was about to be written as JSON")
_refuse(json.dump, "a traced value was about to be written as JSON")
_refuse(pickle.dumps, "a traced value was about to be pickled")
_refuse(pickle.dump, "a traced value was about to be pickled")
for _kind in (bytes, bytearray, np.frombuffer):
    _refuse(_kind, "the bytes of a traced value were about to be read directly")
_refuse(memoryview, "the memory of a traced value was about to be read directly")
_memoryview = DOORS[memoryview]


@door(memoryview)
def memoryview_(x: Any) -> memoryview:
    """``memoryview(x)``; of an array it is read-only, since writes through it could not be undone."""
    view = _memoryview(x)
    return view.toreadonly() if OPEN and isinstance(x, np.ndarray) else view


def _of_memoryview(method: Callable, view: memoryview) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        refuse_traced_memory(view)
        return method(*args, **kwargs)

    return call


OWNER_DOORS[memoryview] = _of_memoryview
