"""Complex numbers: pairs of real numbers, computed with as CPython does, operation by operation.

``z_bar = ∂L/∂Re z + i ∂L/∂Im z``, the cotangents of the two parts: nothing else of this tier knows complex numbers. A
real operand of ``+ − · /`` has the imaginary part 0.0, which can decide the sign of a zero and so the side of a branch
cut; Python 3.14 computes otherwise, and is refused there.
"""

from __future__ import annotations

import ast
import builtins
import cmath
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.native import cmath_functions
from workbench.autodiff.native.ir import Atom, Value, type_of
from workbench.autodiff.native.structures import Bound, Cplx, Static, Tup, is_atom

if TYPE_CHECKING:
    from workbench.autodiff.native.lower import Lowering

MIXED_ARITHMETIC = sys.version_info >= (3, 14)  # real operands stay real there
MOST_PRODUCTS = 100  # whole powers up to here are products


def take_part(*things: Any) -> bool:
    """Whether a complex number is among numbers."""
    return any(isinstance(thing, Cplx) for thing in things) and all(
        isinstance(thing, Cplx) or is_atom(thing) for thing in things
    )


def as_complex(low: Lowering, thing: Any, node: ast.AST) -> Cplx:
    """A number as a complex one."""
    if isinstance(thing, Cplx):
        return thing
    if not is_atom(thing):
        raise low.refuse("it computes with a complex number and something else", node)
    return Cplx(low.convert(thing, "float", node), 0.0)


def arithmetic(low: Lowering, kind: str, left: Any, right: Any, *, node: ast.AST) -> Cplx:
    """A binary operator, by the name of its syntax node."""
    if kind == "Pow":
        return _power(low, as_complex(low, left, node), right, node)
    if kind not in _OPERATORS:
        raise low.refuse(f"it uses the operator {kind} on complex numbers", node)
    if MIXED_ARITHMETIC and (is_atom(left) or is_atom(right)):
        raise low.refuse(
            "it mixes real and complex numbers, which this version of Python computes otherwise", node
        )
    return _OPERATORS[kind](low, as_complex(low, left, node), as_complex(low, right, node), node)


def _add(low: Lowering, a: Cplx, b: Cplx, node: ast.AST) -> Cplx:
    return Cplx(low.op("add", a.real, b.real, node=node), low.op("add", a.imag, b.imag, node=node))


def _sub(low: Lowering, a: Cplx, b: Cplx, node: ast.AST) -> Cplx:
    return Cplx(low.op("sub", a.real, b.real, node=node), low.op("sub", a.imag, b.imag, node=node))


def _mul(low: Lowering, a: Cplx, b: Cplx, node: ast.AST) -> Cplx:
    def times(x: Atom, y: Atom) -> Atom:
        return low.op("mul", x, y, node=node)

    real = low.op("sub", times(a.real, b.real), times(a.imag, b.imag), node=node)
    return Cplx(real, low.op("add", times(a.real, b.imag), times(a.imag, b.real), node=node))


def _div(low: Lowering, a: Cplx, b: Cplx, node: ast.AST) -> Cplx:
    return _function(low, cmath_functions.quotient, a, b, node=node)


_OPERATORS: dict[str, Callable[..., Cplx]] = {"Add": _add, "Sub": _sub, "Mult": _mul, "Div": _div}


def _function(low: Lowering, function: Any, *given: Any, node: ast.AST) -> Cplx:
    """A function of ``cmath_functions``, read like one of the program's."""
    atoms = [part for a in given for part in ((a.real, a.imag) if isinstance(a, Cplx) else (a,))]
    names = function.__code__.co_varnames[: len(atoms)]
    return Cplx(*low.call_function(function, dict(zip(names, atoms, strict=True)), node).items)


def _power(low: Lowering, base: Cplx, exponent: Any, node: ast.AST) -> Cplx:
    if isinstance(exponent, Cplx) and not isinstance(exponent.imag, Value) and exponent.imag == 0.0:
        exponent = exponent.real
    if is_atom(exponent) and not isinstance(exponent, Value) and _is_small_whole(exponent):
        return _finite(low, _whole_power(low, base, int(exponent), node), node)
    if is_atom(exponent) and (type_of(exponent) == "float" or not isinstance(exponent, Value)):
        c = low.convert(exponent, "float", node)
        return _function(low, cmath_functions.real_power, base, c, node=node)
    if is_atom(exponent):
        n = low.convert(exponent, "int", node)
        return _finite(low, _function(low, cmath_functions.whole_power, base, n, node=node), node)
    return _function(low, cmath_functions.power, base, exponent, node=node)


def _is_small_whole(c: float) -> bool:
    return abs(c) <= MOST_PRODUCTS and c == int(c)


def _whole_power(low: Lowering, base: Cplx, n: int, node: ast.AST) -> Cplx:
    """A product of squares, as CPython multiplies them."""
    product, square, left = Cplx(1.0, 0.0), base, abs(n)
    while left:
        if left % 2:
            product = _mul(low, product, square, node)
        left //= 2
        if left:
            square = _mul(low, square, square, node)
    return product if n > 0 else _div(low, Cplx(1.0, 0.0), product, node)


def _finite(low: Lowering, z: Cplx, node: ast.AST) -> Cplx:
    """A power, which Python does not let overflow."""
    large = low.op("or", low.op("isinf", z.real, node=node), low.op("isinf", z.imag, node=node), node=node)
    low.branch(large, lambda: low.stop(node), lambda: None, node)
    return z


def negative(low: Lowering, z: Cplx, node: ast.AST) -> Cplx:
    """``-z``."""
    return Cplx(low.op("neg", z.real, node=node), low.op("neg", z.imag, node=node))


def equal(low: Lowering, left: Any, right: Any, *, negated: bool, node: ast.AST) -> Atom:
    """``left == right``, or ``!=``."""
    parts = []
    for thing in (left, right):
        exact = is_atom(thing) and type_of(thing) == "int"  # Python compares a whole number exactly
        real = low.op("exact", thing, node=node) if exact else as_complex(low, thing, node).real
        parts.append((real, 0.0 if is_atom(thing) else thing.imag))
    sides = [low.op("eq", a, b, node=node) for a, b in zip(*parts, strict=True)]
    same = low.op("and", *sides, node=node)
    return low.op("not", same, node=node) if negated else same


# ------------------------------------------------------------------------------------------- attributes


def _real(low: Lowering, thing: Any, node: ast.AST) -> Atom:
    if isinstance(thing, Cplx):
        return thing.real
    return low.convert(thing, "int", node) if type_of(thing) == "bool" else thing


def _imag(low: Lowering, thing: Any, node: ast.AST) -> Atom:
    if isinstance(thing, Cplx):
        return thing.imag
    return 0.0 if type_of(thing) == "float" else 0


def _conjugate(low: Lowering, thing: Any, node: ast.AST) -> Any:
    if isinstance(thing, Cplx):
        return Cplx(thing.real, low.op("neg", thing.imag, node=node))
    return _real(low, thing, node)


ATTRIBUTES: dict[str, Callable[..., Any]] = {
    "real": _real,
    "imag": _imag,
    "conjugate": lambda low, thing, node: Bound(Static(complex.conjugate), (thing,)),
}


# ------------------------------------------------------------------------------------------- functions


def reader_of(target: Any, args: list[Any]) -> Callable[..., Any] | None:
    """What reads a call of ``target``: of a function that makes complex numbers, or of one that takes them."""
    try:
        if target in _MAKERS:
            return _MAKERS[target]
        return _OF_COMPLEX.get(target) if any(isinstance(arg, Cplx) for arg in args) else None
    except TypeError:
        return None


def _complex(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Cplx:
    parts = dict(zip(("real", "imag"), args, strict=False)) | keywords
    if len(parts) != len(args) + len(keywords) or not set(parts) <= {"real", "imag"}:
        raise low.refuse("it uses complex() with other arguments than real and imag", node)
    if set(parts) == {"real"}:
        return as_complex(low, parts["real"], node)
    if not all(map(is_atom, parts.values())):
        raise low.refuse("it uses complex() of other than two real numbers", node)
    return Cplx(*(low.convert(parts.get(name, 0.0), "float", node) for name in ("real", "imag")))


def _one(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Cplx:
    if len(args) != 1 or keywords:
        raise low.refuse("it uses a function of one complex number otherwise", node)
    return as_complex(low, args[0], node)


def _elementary(function: Any) -> Callable[..., Cplx]:
    return lambda low, args, keywords, node: _function(
        low, function, _one(low, args, keywords, node), node=node
    )


def _of_parts(read: Callable[[Lowering, Cplx, ast.AST], Any]) -> Callable[..., Any]:
    return lambda low, args, keywords, node: read(low, _one(low, args, keywords, node), node)


def _log(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Cplx:
    logs = [_function(low, cmath_functions.log, as_complex(low, arg, node), node=node) for arg in args]
    if keywords or not 1 <= len(args) <= 2:
        raise low.refuse("it uses cmath.log otherwise", node)
    return logs[0] if len(logs) == 1 else _div(low, *logs, node)


def _modulus(low: Lowering, z: Cplx, node: ast.AST) -> Atom:
    return low.op("hypot", z.real, z.imag, node=node)


def _phase(low: Lowering, z: Cplx, node: ast.AST) -> Atom:
    return low.op("atan2", z.imag, z.real, node=node)


def _rect(low: Lowering, args: list[Any], keywords: dict[str, Any], node: ast.AST) -> Cplx:
    if keywords or len(args) != 2 or not all(map(is_atom, args)):
        raise low.refuse("it uses cmath.rect of other than two real numbers", node)
    r, phi = (low.convert(arg, "float", node) for arg in args)
    parts = [low.op(name, phi, node=node) for name in ("cos", "sin")]
    return Cplx(*(low.op("mul", r, part, node=node) for part in parts))


def _of_both(name: str, joined: str) -> Callable[[Lowering, Cplx, ast.AST], Atom]:
    def read(low: Lowering, z: Cplx, node: ast.AST) -> Atom:
        return low.op(joined, low.op(name, z.real, node=node), low.op(name, z.imag, node=node), node=node)

    return read


_ELEMENTARY = (
    "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "asin", "acos", "atan", "asinh", "acosh", "atanh",
)  # fmt: skip

_MAKERS: dict[Any, Callable[..., Any]] = {
    complex: _complex,
    cmath.log: _log,
    cmath.log10: _elementary(cmath_functions.log10),
    cmath.phase: _of_parts(_phase),
    cmath.polar: _of_parts(lambda low, z, node: Tup((_modulus(low, z, node), _phase(low, z, node)))),
    cmath.rect: _rect,
    cmath.isnan: _of_parts(_of_both("isnan", "or")),
    cmath.isinf: _of_parts(_of_both("isinf", "or")),
    cmath.isfinite: _of_parts(_of_both("isfinite", "and")),
    complex.conjugate: lambda low, args, keywords, node: _conjugate(low, *args, node),
}
_OF_COMPLEX: dict[Any, Callable[..., Any]] = {
    builtins.abs: _of_parts(_modulus),
    np.absolute: _of_parts(_modulus),
    np.angle: _of_parts(_phase),
    np.conjugate: _of_parts(_conjugate),
    np.real: _of_parts(_real),
    np.imag: _of_parts(_imag),
    np.log: _elementary(cmath_functions.log),
}
for _name in _ELEMENTARY:
    _reader = _elementary(getattr(cmath_functions, _name))
    _MAKERS[getattr(cmath, _name)] = _reader
    _OF_COMPLEX[getattr(np, _name)] = _reader
