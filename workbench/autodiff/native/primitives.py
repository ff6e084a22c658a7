"""The scalar operations: how each is written, and its partial derivatives.

One row per operation: the expression; for each argument the contribution to its cotangent, linear in ``{b}`` (so
the same row serves the tangent sweep, with the argument's tangent for ``{b}``); the result's type; and marks.
``{0}``, ``{1}`` are the arguments, ``{r}`` the result, ``{cos 0}`` "the cosine of the first argument", which is
taken from the program when it computes it anyway. A bare name such as ``sqrt`` is a function of ``runtime``: it
raises where Python raises.

Marks: ``m`` concerns memory; ``c`` cheap, worth computing again rather than keeping; ``s`` may stop the sweep, so it is
never dropped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.autodiff.native import functions, runtime


@dataclass(frozen=True)
class Primitive:
    """One scalar operation; ``partials`` is None when its result cannot vary."""

    name: str
    text: str
    partials: tuple[str, ...] | None = None
    type: str = "float"
    marks: str = ""

    @property
    def cheap(self) -> bool:
        """Cheaper to compute again than to keep."""
        return "c" in self.marks

    @property
    def pure(self) -> bool:
        """Two of them with the same arguments are the same value."""
        return "m" not in self.marks

    @property
    def stops(self) -> bool:
        """May raise where Python raises."""
        return "s" in self.marks


_ROWS: list[tuple[Any, ...]] = [
    ("add", "{0} + {1}", ("{b}", "{b}"), "float", "c"),
    ("sub", "{0} - {1}", ("{b}", "-{b}"), "float", "c"),
    ("mul", "{0} * {1}", ("{b} * {1}", "{b} * {0}"), "float", "c"),
    ("div", "{0} / {1}", ("{b} / {1}", "-({b} / {1}) * {r}"), "float", "cs"),
    ("neg", "-{0}", ("-{b}",), "float", "c"),
    ("power", "power({0}, {1})",
     ("times({b}, power_by_base({0}, {1}))", "times({b}, power_by_exponent({0}, {1}, {r}))"), "float", "s"),
    # Of second derivatives
    ("times", "times({0}, {1})", ("times({b}, {1})", "times({b}, {0})"), "float", ""),
    ("over", "over({0}, {1})", ("over({b}, {1})", "times(-over({b}, {1}), {r})"), "float", ""),
    ("square", "square({0})", ("{b} * 2.0 * {0}",), "float", "s"),
    ("cube", "cube({0})", ("{b} * 3.0 * ({0} * {0})",), "float", "s"),
    ("mod", "{0} % {1}", ("{b}", "-{b} * ({0} // {1})"), "float", "s"),
    ("floordiv", "{0} // {1}", None, "float", "s"),
    ("fabs", "abs({0})", ("{b} * sign({0})",), "float", "c"),
    ("copysign", "copysign({0}, {1})", ("{b} * sign({0}) * copysign(1.0, {1})", ""), "float", "c"),
    ("maximum", "maximum({0}, {1})", ("{b} * share({0}, {1})", "{b} * share({1}, {0})"), "float", ""),
    ("minimum", "minimum({0}, {1})", ("{b} * share({1}, {0})", "{b} * share({0}, {1})"), "float", ""),
    ("sqrt", "sqrt({0})", ("over(0.5 * {b}, {r})",), "float", "s"),
    ("cbrt", "cbrt({0})", ("over({b}, 3.0 * {r} * {r})",), "float", ""),
    ("exp", "exp({0})", ("{b} * {r}",), "float", "s"),
    ("exp2", "exp2({0})", ("{b} * {r} * 0.6931471805599453",), "float", "s"),
    ("expm1", "expm1({0})", ("{b} * ({r} + 1.0)",), "float", "s"),
    ("log", "log({0})", ("{b} / {0}",), "float", "s"),
    ("log2", "log2({0})", ("{b} / ({0} * 0.6931471805599453)",), "float", "s"),
    ("log10", "log10({0})", ("{b} / ({0} * 2.302585092994046)",), "float", "s"),
    ("log1p", "log1p({0})", ("{b} / (1.0 + {0})",), "float", "s"),
    ("sin", "sin({0})", ("{b} * {cos 0}",), "float", "s"),
    ("cos", "cos({0})", ("-{b} * {sin 0}",), "float", "s"),
    ("tan", "tan({0})", ("{b} * (1.0 + {r} * {r})",), "float", "s"),
    ("asin", "asin({0})", ("over({b}, sqrt((1.0 - {0}) * (1.0 + {0})))",), "float", "s"),
    ("acos", "acos({0})", ("-over({b}, sqrt((1.0 - {0}) * (1.0 + {0})))",), "float", "s"),
    ("atan", "atan({0})", ("{b} / (1.0 + {0} * {0})",), "float", ""),
    ("atan2", "atan2({0}, {1})",
     ("{b} * ({1} / hypot({0}, {1}) / hypot({0}, {1}))", "-{b} * ({0} / hypot({0}, {1}) / hypot({0}, {1}))"),
     "float", ""),
    ("hypot", "hypot({0}, {1})", ("over({b} * {0}, {r})", "over({b} * {1}, {r})"), "float", "s"),
    ("sinh", "sinh({0})", ("{b} * {cosh 0}",), "float", "s"),
    ("cosh", "cosh({0})", ("{b} * {sinh 0}",), "float", "s"),
    ("tanh", "tanh({0})", ("{b} * (1.0 - {r} * {r})",), "float", ""),
    ("asinh", "asinh({0})", ("{b} / sqrt({0} * {0} + 1.0)",), "float", ""),
    ("acosh", "acosh({0})", ("over({b}, sqrt(({0} - 1.0) * ({0} + 1.0)))",), "float", "s"),
    ("atanh", "atanh({0})", ("{b} / ((1.0 - {0}) * (1.0 + {0}))",), "float", "s"),
    ("erf", "erf({0})", ("{b} * 1.1283791670955126 * exp(-{0} * {0})",), "float", ""),
    ("erfc", "erfc({0})", ("-{b} * 1.1283791670955126 * exp(-{0} * {0})",), "float", ""),
    # Integers: Python's do not overflow. Beyond 2**62 the sweep stops and the program runs as it is.
    ("add_int", "add_int({0}, {1})", None, "int", "cs"),
    ("sub_int", "sub_int({0}, {1})", None, "int", "cs"),
    ("mul_int", "mul_int({0}, {1})", None, "int", "cs"),
    ("step_int", "{0} + {1}", None, "int", "c"),
    ("neg_int", "-{0}", None, "int", "c"),
    ("abs_int", "abs({0})", None, "int", "c"),
    ("floordiv_int", "{0} // {1}", None, "int", "cs"),
    ("mod_int", "{0} % {1}", None, "int", "cs"),
    ("power_int", "power_int({0}, {1})", None, "int", "s"),
    ("and_int", "{0} & {1}", None, "int", "c"),
    ("or_int", "{0} | {1}", None, "int", "c"),
    ("xor_int", "{0} ^ {1}", None, "int", "c"),
    ("shift_right", "shift_right({0}, {1})", None, "int", "s"),
    ("min_int", "min({0}, {1})", None, "int", "c"),
    ("size", "{0} * {1}", None, "int", "c"),  # of an array that exists
    # Arrays: see ``arrays``
    ("index", "index({0}, {1})", None, "int", "cs"),
    ("clip_index", "clip_index({0}, {1})", None, "int", "c"),
    ("count_slice", "count_slice({0}, {1}, {2})", None, "int", "c"),
    ("claim", "0", None, "int", "m"),
    ("view", "", None, "float[1]", "m"),
    ("new", "", None, "float[1]", "m"),
    ("length", "length({0})", None, "int", "cs"),
    ("same", "same({0}, {1})", None, "int", "cs"),
    ("count_range", "count_range({0}, {1}, {2})", None, "int", "s"),
    # From one type to another
    ("to_float", "float({0})", None, "float", "c"),
    ("exact", "exact({0})", None, "float", "cs"),
    ("bool_to_float", "1.0 if {0} else 0.0", None, "float", "c"),
    ("to_int", "1 if {0} else 0", None, "int", "c"),
    ("truncate", "truncate({0})", None, "int", "s"),
    ("round", "round_int({0})", None, "int", "s"),
    ("floor", "floor({0})", None, "int", "s"),
    ("ceil", "ceil({0})", None, "int", "s"),
    ("floor_float", "floor_float({0})", None, "float", ""),
    ("ceil_float", "ceil_float({0})", None, "float", ""),
    ("sign", "sign({0})", None, "float", "c"),
    ("constant", "finite({0})", None, "float", "s"),
    # Truth
    ("eq", "{0} == {1}", None, "bool", "c"),
    ("ne", "{0} != {1}", None, "bool", "c"),
    ("lt", "{0} < {1}", None, "bool", "c"),
    ("le", "{0} <= {1}", None, "bool", "c"),
    ("gt", "{0} > {1}", None, "bool", "c"),
    ("ge", "{0} >= {1}", None, "bool", "c"),
    ("not", "not {0}", None, "bool", "c"),
    ("and", "{0} and {1}", None, "bool", "c"),
    ("or", "{0} or {1}", None, "bool", "c"),
    ("isnan", "isnan({0})", None, "bool", "c"),
    ("isinf", "isinf({0})", None, "bool", "c"),
    ("isfinite", "isfinite({0})", None, "bool", "c"),
]  # fmt: skip

PRIMITIVES: dict[str, Primitive] = {row[0]: Primitive(*row) for row in _ROWS}

# What a callable of the user's program stands for when its arguments are numbers.
CALLABLES: dict[Any, str] = {
    math.fabs: "fabs", math.atan2: "atan2", math.copysign: "copysign", np.maximum: "maximum",
    np.minimum: "minimum", np.absolute: "fabs", np.fabs: "fabs",
    np.arcsin: "asin", np.arccos: "acos", np.arctan: "atan", np.arctan2: "atan2", np.arcsinh: "asinh",
    np.arccosh: "acosh", np.arctanh: "atanh", np.square: "square", np.power: "power", np.sign: "sign",
    np.floor: "floor_float", np.ceil: "ceil_float", np.copysign: "copysign", math.isnan: "isnan",
    math.isinf: "isinf", math.isfinite: "isfinite", np.isnan: "isnan", np.isinf: "isinf",
    np.isfinite: "isfinite", math.floor: "floor", math.ceil: "ceil", math.trunc: "truncate",
    math.pow: "power", math.erf: "erf", math.erfc: "erfc",
}  # fmt: skip
for _module in (math, np):
    for _name in ("sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin",
                  "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot"):  # fmt: skip
        if hasattr(_module, _name):
            CALLABLES[getattr(_module, _name)] = _name

# What generated code calls, when generated code is read again for a second derivative.
RUNTIME: dict[Any, tuple[str, str]] = {
    getattr(functions, function): (name, "float" if name in ("truncate", "round", "floor", "ceil") else "int")
    for name, function in (
        *(
            (n, n)
            for n in ("add_int", "sub_int", "mul_int", "power_int", "shift_right", "count_range", "exact")
        ),
        *(
            (n, n)
            for n in ("index", "clip_index", "count_slice", "same", "length", "truncate", "floor", "ceil")
        ),
        ("round", "round_int"),
    )
}
RUNTIME |= {
    getattr(functions, name): (name, "float")
    for name in ("square", "cube", "times", "over", "maximum", "minimum")
}

BINARY: dict[str, tuple[str, str]] = {  # syntax node: operation on floats, on integers
    "Add": ("add", "add_int"),
    "Sub": ("sub", "sub_int"),
    "Mult": ("mul", "mul_int"),
    "Div": ("div", "div"),
    "FloorDiv": ("floordiv", "floordiv_int"),
    "Mod": ("mod", "mod_int"),
    "Pow": ("power", "power_int"),
    "BitAnd": ("", "and_int"),
    "BitOr": ("", "or_int"),
    "BitXor": ("", "xor_int"),
    "RShift": ("", "shift_right"),
}
ON_TRUTHS = {"BitAnd": "and", "BitOr": "or", "BitXor": "ne"}  # of two truth values, which give one
COMPARE = {"Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge"}


def fill(template: str, *, b: str, of: Callable[[str], str], known: Callable[[str, int], str]) -> str:
    """A contribution with the names filled in: ``of("r")``, ``of("0")``; ``known("cos", 0)`` for a function of one."""

    def place(match: re.Match[str]) -> str:
        word = match.group(1)
        if word == "b":
            return b
        if word == "r" or word.isdigit():
            return of(word)
        name, position = word.split()
        return known(name, int(position))

    return re.sub(r"\{([^}]*)\}", place, template)


def fold(name: str, args: list[Any]) -> Any:
    """The operation applied to constants, in Python; None when Python raises or the result is not a number."""
    function: Callable[..., Any] = _compiled(name)
    try:
        result = function(runtime.PLAIN, *args)
    except (ArithmeticError, ValueError, functions.Stop):
        return None
    if type(result) is int and abs(result) > 2**53:
        return None
    return result if type(result) in (float, int, bool) else None


def _compiled(name: str) -> Callable[..., Any]:
    primitive = PRIMITIVES[name]
    text = primitive.text.format("a[0]", *(f"a[{k}]" for k in range(1, 4)))
    return lambda names, *a: eval(text, dict(names), {"a": a})
