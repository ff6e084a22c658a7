"""Complex numbers: a traced one is an array without axes. Cotangents are ∂L/∂Re z + i ∂L/∂Im z, as in PyTorch."""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import apply_rule
from workbench.autodiff.arrays import current
from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.dressing import undressed
from workbench.autodiff.indexing import get_item
from workbench.autodiff.registry import DOORS, Rule, add_rule, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import COMPLEX, TRACED
from workbench.autodiff.subarrays import class_of
from workbench.autodiff.telling import plain
from workbench.autodiff.text import refuse_text
from workbench.rules.stand_ins import with_value

# derivative of each function at (value, argument); ``m`` is the namespace of functions to compute with
_TABLE: dict[str, Callable] = {
    "acos": lambda m, y, z: -1.0 / (m.sqrt(-(z - 1.0)) * m.sqrt(z - -1.0)),  # + would lose the sign of a zero
    "acosh": lambda m, y, z: 1.0 / (m.sqrt(z - 1.0) * m.sqrt(z - -1.0)),
    "asin": lambda m, y, z: 1.0 / (m.sqrt(-(z - 1.0)) * m.sqrt(z - -1.0)),
    "asinh": lambda m, y, z: 1.0 / m.sqrt(1.0 + z * z),
    "atan": lambda m, y, z: 1.0 / (1.0 + z * z),
    "atanh": lambda m, y, z: 1.0 / (1.0 - z * z),
    "cos": lambda m, y, z: -m.sin(z),
    "cosh": lambda m, y, z: m.sinh(z),
    "exp": lambda m, y, z: y,
    "log": lambda m, y, z: 1.0 / z,
    "log10": lambda m, y, z: 1.0 / (z * math.log(10.0)),
    "sin": lambda m, y, z: m.cos(z),
    "sinh": lambda m, y, z: m.cosh(z),
    "sqrt": lambda m, y, z: 0.5 / y,
    "tan": lambda m, y, z: 1.0 + y * y,
    "tanh": lambda m, y, z: 1.0 - y * y,
}


@door(complex)
def complex_(real: Any = 0.0, imag: Any = None) -> Any:
    """``complex(real, imag)`` stays on the tape."""
    real, imag = _number(real), None if imag is None else _number(imag)
    if type(real) not in TRACED and type(imag) not in TRACED:
        return complex(real) if imag is None else complex(real, imag)
    first, second = _parts(real)
    if imag is not None:
        along, across = _parts(imag)
        first = REWRITTEN_DOORS["subtract"](first, across) if isinstance(imag, COMPLEX) else first
        second = REWRITTEN_DOORS["add"](second, along) if isinstance(real, COMPLEX) else along
    return apply_rule(_OF_PARTS, (first, second), {})


def _parts(z: Any) -> tuple[Any, Any]:
    """Real and imaginary part, in double precision as Python has them."""
    return (DOORS[float](z.real), DOORS[float](z.imag)) if isinstance(z, COMPLEX) else (DOORS[float](z), 0.0)


def _number(x: Any) -> Any:
    """What Python would make a complex number of: a number, an array that holds one, an object that gives one."""
    refuse_text(x, "a complex number")
    for name in () if type(x) in TRACED else ("__complex__", "__float__"):
        if (own := python_method(class_of(x), name)) is not None:
            return resolve(own)(x)
    x = current(undressed(x))
    return get_item(x, (0,) * x.ndim) if isinstance(x, np.ndarray) and np.size(x) == 1 else x


def _of_parts(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """Two real numbers side by side; a sum would lose the sign of an imaginary zero, the side of a branch cut."""
    parts = resolve(np.real), resolve(np.imag)
    return complex_(*args), lambda bar: [parts[k](bar) for k in needs]


_OF_PARTS = Rule(complex, _of_parts)


def _holomorphic(function: Callable, derivative: Callable) -> None:
    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        z = args[0]
        if type(z) in TRACED:  # by an outer derivative, which has to see the derivative computed
            y = DOORS[function](z)
            return y, lambda bar: [bar * resolve(np.conjugate)(slope(_traced_functions, y, z))]
        z = complex(z)
        y = function(z)
        return y, lambda bar: [bar * slope(cmath, y, z).conjugate()]

    def slope(m: Any, y: Any, z: Any) -> Any:
        try:
            return derivative(m, y, z)
        except ZeroDivisionError:  # a branch point: it is infinite in no direction, NaN as in NumPy
            return complex(math.nan, math.nan)

    add_rule(Rule(function, forward))
    ruled = DOORS[function]
    DOORS[function] = functools.wraps(function)(lambda z: ruled(_number(z)))


class _TracedFunctions:
    """``cmath`` for traced numbers."""

    def __getattr__(self, name: str) -> Callable:
        return DOORS[getattr(cmath, name)]


_traced_functions = _TracedFunctions()


for _name, _derivative in _TABLE.items():
    _holomorphic(getattr(cmath, _name), _derivative)
_log = DOORS[cmath.log]


@door(cmath.log)
def log(z: Any, *base: Any) -> Any:
    """``cmath.log`` with an optional base."""
    z, base = _number(z), [*map(_number, base)]
    if not base:
        return _log(z)
    value = cmath.log(plain(z), plain(base[0]))  # also of 0, whose logarithm alone is an error
    if type(z) not in TRACED and type(base[0]) not in TRACED:
        return value
    if plain(z) == 0:
        return value if type(z) not in TRACED else with_value(complex_(z) * math.nan, value)
    return REWRITTEN_DOORS["divide"](_log(z), _log(base[0]))


@door(cmath.phase)
def phase(z: Any) -> Any:
    """The argument of a complex number."""
    z = _number(z)
    if type(z) not in TRACED:
        return cmath.phase(z)
    z = complex_(z)
    return DOORS[math.atan2](z.imag, z.real)


@door(cmath.polar)
def polar(z: Any) -> Any:
    """Modulus and argument."""
    z = _number(z)
    return (resolve(abs)(complex_(z)), phase(z)) if type(z) in TRACED else cmath.polar(z)


@door(cmath.rect)
def rect(r: Any, phi: Any) -> Any:
    """The complex number with this modulus and argument."""
    if type(r) not in TRACED and type(phi) not in TRACED:
        return cmath.rect(r, phi)
    r, phi = DOORS[float](r), DOORS[float](phi)
    return complex_(
        *[REWRITTEN_DOORS["multiply"](r, part(phi)) for part in (DOORS[math.cos], DOORS[math.sin])]
    )


for _function in (cmath.isnan, cmath.isinf, cmath.isfinite, cmath.isclose):
    DOORS[_function] = lambda *args, f=_function, **kwargs: f(
        *[complex(plain(a)) for a in args], **plain(kwargs)
    )
