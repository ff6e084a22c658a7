"""Elementwise functions of ``math`` and NumPy: one partial per operand.

A partial is a function of ``(m, y, *x)``: the namespace to compute in, the value, the operands. At kinks: ``abs`` has
derivative 0 at 0, ``maximum`` and ``minimum`` share a tie evenly, ``fmod`` and ``remainder`` are taken where they are
smooth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from workbench.autodiff.application import written
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.registry import (
    DOORS,
    NON_DIFFERENTIABLE,
    NUMBERS,
    PARTIALS,
    RULES,
    Rule,
    add_rule,
    door,
)
from workbench.autodiff.scalars import (
    TRACED,
    TracedFloat,
    at_a_pole,
    innermost,
    recorded,
    scalar_result,
)
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import no_rule

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
_LN2, _LN10 = math.log(2.0), math.log(10.0)


def _tie(chosen: Callable) -> tuple[Callable, Callable]:
    """Partials of max and min: all to the chosen operand, half each at a tie."""

    def first(m: Any, y: Any, a: Any, b: Any) -> Any:
        return chosen(a, b) + 0.5 * (a == b)

    def second(m: Any, y: Any, a: Any, b: Any) -> Any:
        return chosen(b, a) + 0.5 * (a == b)

    return first, second


def _power_by_base(m: Any, y: Any, a: Any, b: Any) -> Any:
    if type(b) in TRACED:  # its own derivative may be asked for where it is zero
        return b * a ** (b - 1.0)
    if np.ndim(b):
        return np.where(b == 0, 0.0, b * a ** np.where(b == 0, 1.0, b - 1.0))
    return b * a ** (b - 1) if b != 0 else 0.0 * a


def _cosine_of_arcsine(m: Any, x: Any) -> Any:
    """√(1 − x²), of complex x on its side of the cut, by the sign of the imaginary zero; + 1.0 would lose that."""
    return m.sqrt(-(x - 1.0)) * m.sqrt(x - -1.0) if np.iscomplexobj(plain(x)) else m.sqrt(1.0 - x * x)


def _power_by_exponent(m: Any, y: Any, a: Any, b: Any) -> Any:
    if np.iscomplexobj(plain(y)):  # of a negative base too
        a = a if np.iscomplexobj(plain(a)) else a + 0j
        return y * np.log(np.where(plain(a) == 0, 1.0, a))
    if np.ndim(a):
        return y * m.log(np.where(a == 0, 1.0, a))
    return math.nan if a < 0 else y * m.log(a if a != 0 else 1.0)


# NumPy's name: partials. The same names serve ``math`` (below), whose functions have the same derivatives.
TABLE: dict[str, tuple[Callable | None, ...]] = {
    "negative": (lambda m, y, x: -1.0,),
    "positive": (lambda m, y, x: 1.0,),
    "add": (lambda m, y, a, b: 1.0, lambda m, y, a, b: 1.0),
    "subtract": (lambda m, y, a, b: 1.0, lambda m, y, a, b: -1.0),
    "multiply": (lambda m, y, a, b: b, lambda m, y, a, b: a),
    "divide": (lambda m, y, a, b: 1.0 / b, lambda m, y, a, b: -y / b),
    "power": (_power_by_base, _power_by_exponent),
    "float_power": (_power_by_base, _power_by_exponent),
    "floor_divide": (lambda m, y, a, b: 0.0, lambda m, y, a, b: 0.0),
    "remainder": (lambda m, y, a, b: 1.0, lambda m, y, a, b: -(a // b)),
    "fmod": (lambda m, y, a, b: 1.0, lambda m, y, a, b: -np.rint((a - y) / b)),
    "sqrt": (lambda m, y, x: 0.5 / y,),
    "cbrt": (lambda m, y, x: y / (3.0 * x) if not np.ndim(x) and x else 1.0 / (3.0 * y * y),),
    "square": (lambda m, y, x: 2.0 * x,),
    "reciprocal": (lambda m, y, x: -y * y,),
    "exp": (lambda m, y, x: y,),
    "exp2": (lambda m, y, x: _LN2 * y,),
    "expm1": (lambda m, y, x: y + 1.0,),
    "log": (lambda m, y, x: 1.0 / x,),
    "log2": (lambda m, y, x: 1.0 / (x * _LN2),),
    "log10": (lambda m, y, x: 1.0 / (x * _LN10),),
    "log1p": (lambda m, y, x: 1.0 / (1.0 + x),),
    "logaddexp": (lambda m, y, a, b: m.exp(a - y), lambda m, y, a, b: m.exp(b - y)),
    "logaddexp2": (lambda m, y, a, b: 2.0 ** (a - y), lambda m, y, a, b: 2.0 ** (b - y)),
    "sin": (lambda m, y, x: m.cos(x),),
    "cos": (lambda m, y, x: -m.sin(x),),
    "tan": (lambda m, y, x: 1.0 + y * y,),
    "arcsin": (lambda m, y, x: 1.0 / _cosine_of_arcsine(m, x),),
    "arccos": (lambda m, y, x: -1.0 / _cosine_of_arcsine(m, x),),
    "arctan": (lambda m, y, x: 1.0 / (1.0 + x * x),),
    "arctan2": (
        lambda m, y, a, b: b / m.hypot(a, b) / m.hypot(a, b),  # the squares may be too small or too large
        lambda m, y, a, b: -a / m.hypot(a, b) / m.hypot(a, b),
    ),
    "sinh": (lambda m, y, x: m.cosh(x),),
    "cosh": (lambda m, y, x: m.sinh(x),),
    "tanh": (lambda m, y, x: 1.0 - y * y,),
    "arcsinh": (lambda m, y, x: 1.0 / m.sqrt(1.0 + x * x),),
    "arccosh": (lambda m, y, x: 1.0 / (m.sqrt(x - 1.0) * m.sqrt(x - -1.0)),),
    "arctanh": (lambda m, y, x: 1.0 / (1.0 - x * x),),
    "hypot": (lambda m, y, a, b: a / (y + (y == 0)), lambda m, y, a, b: b / (y + (y == 0))),
    "deg2rad": (lambda m, y, x: math.pi / 180.0,),
    "radians": (lambda m, y, x: math.pi / 180.0,),
    "rad2deg": (lambda m, y, x: 180.0 / math.pi,),
    "degrees": (lambda m, y, x: 180.0 / math.pi,),
    "absolute": (lambda m, y, x: _direction(x),),
    "fabs": (lambda m, y, x: np.sign(x),),
    "maximum": _tie(lambda a, b: 1.0 * (a > b)),
    "minimum": _tie(lambda a, b: 1.0 * (a < b)),
    "fmax": _tie(lambda a, b: 1.0 * ((a > b) | (b != b))),
    "fmin": _tie(lambda a, b: 1.0 * ((a < b) | (b != b))),
    "copysign": (lambda m, y, a, b: np.sign(a) * np.copysign(1.0, b), lambda m, y, a, b: 0.0),
    "nextafter": (lambda m, y, a, b: 1.0, lambda m, y, a, b: 0.0),
    "conjugate": (None,),
    "ldexp": (lambda m, y, a, b: m.ldexp(1.0, b), None),
    "heaviside": (lambda m, y, a, b: 0.0, lambda m, y, a, b: 1.0 * (a == 0)),
}

# Results that are constant wherever their derivative exists, or truth values and whole numbers.
CONSTANT = (
    "sign floor ceil rint trunc isnan isinf isfinite signbit greater greater_equal less less_equal equal not_equal "
    "logical_and logical_or logical_xor logical_not invert bitwise_and bitwise_or bitwise_xor left_shift right_shift "
    "spacing gcd lcm isnat"
).split()


def _direction(x: Any) -> Any:
    if np.iscomplexobj(x):
        size = np.abs(x)
        return np.conj(x) / np.where(size == 0, 1.0, size)
    return np.sign(x)


for _name, _partials in TABLE.items():
    if _name != "conjugate":
        PARTIALS[getattr(np, _name)] = _partials
for _name in CONSTANT:
    NON_DIFFERENTIABLE.add(getattr(np, _name))

# ------------------------------------------------------------------------------------ the math module

_MATH = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "pow": "power",
    "fabs": "fabs",
    **{
        name: name
        for name in (
            "cbrt copysign cos cosh degrees exp exp2 expm1 fmod ldexp log10 log1p log2 nextafter radians sin sinh "
            "sqrt tan tanh"
        ).split()
    },
}


def _digamma(x: Any) -> Any:
    from scipy.special import digamma

    return digamma(x)


_MATH_ONLY: dict[str, tuple[Callable, ...]] = {
    "gamma": (lambda m, y, x: y * _digamma(x),),
    "lgamma": (lambda m, y, x: _digamma(x),),
    "erf": (lambda m, y, x: _TWO_OVER_SQRT_PI * m.exp(-x * x),),
    "erfc": (lambda m, y, x: -_TWO_OVER_SQRT_PI * m.exp(-x * x),),
    "remainder": (lambda m, y, a, b: 1.0, lambda m, y, a, b: -round((a - y) / b)),
}

# Where a partial computes with numbers that an outer tape traces, as ``math`` does with plain ones.
_TRACED = SimpleNamespace(**vars(math))


def _number_function(function: Callable, partials: tuple[Callable | None, ...]) -> Callable:
    """The door of a function of one or two numbers."""
    only = partials[0] if len(partials) == 1 else None

    def of_one(x: Any) -> Any:
        if type(x) is TracedFloat:
            v = x.value
            if type(v) is TracedFloat:
                y, m = of_one(v), _TRACED
            else:
                y, m = function(v), math
            try:
                partial = only(m, y, v)
            except ZeroDivisionError:  # sqrt(0), acos(1): the derivative is infinite where the value is not
                partial = at_a_pole(only, np, y, v)
            return recorded(y, x.tape, x, partial)
        x = _settled(x)
        return of_one(x) if type(x) is TracedFloat else function(x)

    def of_several(*args: Any) -> Any:
        if not all(type(a) in _NUMBERS for a in args):
            args = tuple(map(_settled, args))
        tape = innermost(*args)
        if tape is None:
            return function(*[_settled(a) for a in args])
        needs = [k for k, a in enumerate(args) if type(a) is TracedFloat and a.tape is tape]
        values = [a.value if k in needs else _settled(a) for k, a in enumerate(args)]
        nested = any(type(v) is TracedFloat for v in values)
        y = of_several(*values) if nested else function(*values)
        m = _TRACED if nested else math
        try:
            found = [partials[k](m, y, *values) for k in needs]
        except ZeroDivisionError:
            found = [at_a_pole(partials[k], np, y, *values) for k in needs]
        return scalar_result(y, tape, [args[k] for k in needs], found)

    door = of_one if only is not None else of_several
    door.__name__ = function.__name__
    return door


_NUMBERS = frozenset({float, int, np.float64, *TRACED})


def _settled(x: Any) -> Any:
    """An argument for compiled code: arrays of one element, and objects with ``__float__``, count as their number."""
    x = current(x)
    if type(x) in NUMBERS:
        x = NUMBERS[type(x)](x)
    elif type(x) not in _NUMBERS and (own := python_method(type(x), "__float__")) is not None:
        return resolve(own)(x)
    return x.item() if type(x) is TracedArray else x


def _install() -> None:
    doors = {name: TABLE[numpy_name] for name, numpy_name in _MATH.items()} | _MATH_ONLY
    for name, partials in doors.items():
        if hasattr(math, name):  # cbrt and exp2 came with Python 3.11
            function = getattr(math, name)
            DOORS[function] = _number_function(function, partials)
            setattr(_TRACED, name, DOORS[function])
    _TRACED.log, _TRACED.hypot = log, lambda a, b: DOORS[math.hypot](a, b)
    DOORS[math.log] = log


_log_of_one = _number_function(math.log, TABLE["log"])


def log(x: Any, *base: Any) -> Any:
    """``math.log`` with an optional base."""
    if not base:
        return _log_of_one(x)
    return _log_of_one(x) / _log_of_one(base[0])


_install()


def _conjugate(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    return np.conjugate(*args, **kwargs), lambda bar: [np.conjugate(bar)]


add_rule(Rule(np.conjugate, _conjugate, leaves=(0,)))


def _sign(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """z / |z| of complex numbers; of real ones it does not vary."""
    y, size = np.sign(*args, **kwargs), np.abs(args[0])

    def sign_pullback(bar: Any) -> list[Any]:
        return [(bar - y * np.real(np.conj(y) * bar)) / np.where(plain(size) == 0, np.inf, size)]

    return y, sign_pullback


RULES[np.sign] = Rule(np.sign, _sign)


def _nan_to_num(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.nan_to_num``: what is replaced does not vary, what replaces it may."""

    def named(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> tuple:
        return x, copy, {"nan": nan, "posinf": posinf, "neginf": neginf}

    x, _, others = named(*args, **kwargs)

    def nan_to_num_pullback(bar: Any) -> list[Any]:
        places = {0: np.isfinite, 2: np.isnan, 3: np.isposinf, 4: np.isneginf}
        return [np.where(places[k](plain(x)), bar, 0.0) if k in places else None for k in needs]

    return np.nan_to_num(x, **others), nan_to_num_pullback


add_rule(Rule(np.nan_to_num, _nan_to_num, leaves=(0,)))
_nan_to_num_rule = DOORS[np.nan_to_num]


@door(np.nan_to_num)
def _(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """With ``copy=False`` an array is written into where NumPy can do so, and is the result."""
    result = _nan_to_num_rule(x, True, nan, posinf, neginf)
    return result if copy or not isinstance(x, np.ndarray) else written(result, x)


def _clip(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """``numpy.clip``: at a bound the cotangent goes to the clipped value, as inside."""

    def named(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> tuple:
        return a, a_min if min is None else min, a_max if max is None else max

    a, low, high = named(*args, **kwargs)
    below = False if low is None else plain(a) < plain(low)
    raised = plain(a) if low is None else np.maximum(plain(a), plain(low))
    above = False if high is None else raised > plain(high)

    def clip_pullback(bar: Any) -> list[Any]:
        under, over = np.asarray(below), np.asarray(above)
        masks = (~(under | over), under & ~over, over)
        return [np.where(masks[k], bar, 0.0) for k in needs]

    return np.clip(a, low, high), clip_pullback


add_rule(Rule(np.clip, _clip, leaves=(0, 1, 2)))
_clip_rule = DOORS[np.clip]


@door(np.clip)
def clip(a: Any, a_min: Any = np._NoValue, a_max: Any = np._NoValue, out: Any = None, **kwargs: Any) -> Any:
    """``numpy.clip``, whose bounds may be given as ``min`` and ``max`` too."""
    lacks = a_min is np._NoValue or a_max is np._NoValue
    if (a_min is not a_max and lacks) or (not lacks and kwargs.keys() & {"min", "max"}):
        np.clip(plain(a), plain(a_min), plain(a_max), **plain(kwargs))  # NumPy's own error
    bounds = (kwargs.pop("min", a_min), kwargs.pop("max", a_max))
    bounds = [None if bound is np._NoValue else bound for bound in bounds]
    if not contains_traced([a, bounds, out]):
        return np.clip(a, *bounds, out=out, **kwargs)
    dtype, mask = kwargs.get("dtype"), kwargs.get("where", True)
    if kwargs:
        np.clip(plain(a), *map(plain, bounds), **plain(kwargs))  # NumPy's own error
        if "signature" in kwargs or (mask is not True and out is None):
            raise no_rule(np.clip, "signature, and where without out")
    found = _clip_rule(a if dtype is None else resolve(np.asarray)(a, dtype), *bounds)
    if out is None:
        return found
    resolve(np.copyto)(out, found, where=mask)
    return out


DOORS[np._core.umath.clip] = clip
