"""The implicit function theorem: what solves F(x; θ) = 0 depends on θ as if by Newton's method.

At a solution x* the chord x ↦ x − J⁻¹ F(x; θ), with the plain Jacobian J = ∂F/∂x at x*, leaves the value where it is
and gives it the derivative −J⁻¹ ∂F/∂θ. θ is whatever traced value F uses, wherever it has it from: its arguments, its
closure, globals. Each further chord makes one more order of derivatives right, so there is one for each open tape.
Solvers themselves run on plain numbers: the functions they are given are evaluated with their traces and answer
without.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import user_line
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.stand_ins import settled, with_value


def quiet(function: Callable | None, args: tuple = ()) -> Callable | None:
    """``function`` as a solver may call it: plain numbers in, plain numbers out, ``args`` appended.

    Arrays are copied on the way in, since solvers use their memory again.
    """
    if not callable(function):
        return function
    new = resolve(function)

    def call(*x: Any) -> Any:
        return plain_inside(new(*[e.copy() if type(e) is np.ndarray else e for e in x], *args))

    return call


def plain_inside(x: Any) -> Any:
    """``x`` without traces, arrays copied so that the program's own memory is not handed to a solver."""
    if type(x) is list or type(x) is tuple:
        return type(x)([plain_inside(e) for e in x])
    seen = current(x)
    found = plain(seen)
    return found.copy() if type(seen) in TRACED and type(found) is np.ndarray else found


def jacobian_of(residual: Callable, x: Any) -> np.ndarray:
    """∂F/∂x at a plain ``x``, as a plain matrix: one pullback per row."""
    return value_and_jacobian(residual, x)[1]


def value_and_jacobian(residual: Callable, x: Any) -> tuple[Any, np.ndarray]:
    """F at a plain ``x``, traced in what else it uses, and ``jacobian_of``."""
    value, back = pullback(lambda z: settled(resolve(residual)(z)), x)
    shape = np.shape(plain(value))
    if not shape:
        return value, np.reshape(np.asarray(plain(back(1.0)[0]), float), (1, -1))
    rows = []
    for k in range(int(np.prod(shape))):
        seed = np.zeros(shape)
        seed.flat[k] = 1.0
        rows.append(np.ravel(np.asarray(plain(back(seed)[0]), float)))
    return value, np.array(rows)


def solved(residual: Callable, x: Any, *, where: str, jacobian: Callable | None = None) -> Any:
    """``x``, which solves ``residual(x) = 0``, with its derivatives by everything traced in ``residual``.

    Args:
        residual: gives a number for a number, an array of the same size for an array.
        x: the solution, a plain number or array.
        where: what solved it, for messages.
        jacobian: gives ∂F/∂x at a plain x, by default by one pullback per row.
    Raises:
        MissingRuleError: the Jacobian is singular, so that the solution has no derivative.
    """
    if not np.size(x):  # no solutions
        return x
    residual = resolve(residual)
    found, inverse = x, None
    for _ in OPEN:
        rest = settled(residual(found))
        if type(rest) not in TRACED:
            return found
        if inverse is None:
            inverse = _inverse((jacobian or functools.partial(jacobian_of, residual))(x), where)
        shape = np.shape(x)
        if not shape:
            rest = rest if not np.ndim(plain(rest)) else np.reshape(rest, ())
            found = with_value(found - inverse[0, 0] * rest, x)
        else:
            chord = np.reshape(np.matmul(inverse, np.reshape(rest, (-1,))), shape)
            found = with_value(found - chord, x)
    return found


def _inverse(jacobian: np.ndarray, where: str) -> np.ndarray:
    rows, columns = jacobian.shape
    if rows == columns and np.all(np.isfinite(jacobian)):
        try:
            inverse = np.linalg.inv(jacobian)
        except np.linalg.LinAlgError:  # exactly singular
            inverse = np.full(jacobian.shape, np.nan)
        if np.linalg.norm(jacobian, 1) * np.linalg.norm(inverse, 1) < 1e14:  # the condition number
            return inverse
    raise MissingRuleError(
        f"the solution found by {where} has no derivative",
        found="the Jacobian of the equations is singular there",
        where=user_line(),
        fix="the solution must be isolated and simple for it to vary smoothly; or use stop_gradient(solution)",
    )


class Unknown:
    """A part of a solver's result whose derivatives are not known: any use of it raises."""

    def __init__(self, name: str, value: Any) -> None:
        self.__dict__.update(_name=name, _value=value)

    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise MissingRuleError(
            f"the derivative of the solver's {self.__dict__['_name']!r} is not known",
            found="it was used in a differentiated program",
            where=user_line(),
            fix="compute it from the solution, or run the solver outside of the differentiated part",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__array__", "__float__"):
            raise AttributeError(name)
        return self._raise()

    def __repr__(self) -> str:
        return repr(self.__dict__["_value"])


_USES = (
    "array float len getitem iter add radd sub rsub mul rmul truediv rtruediv matmul rmatmul pow neg abs call"
).split()
for _name in _USES:
    setattr(Unknown, f"__{_name}__", Unknown._raise)


def depends(*values: Any) -> bool:
    """Whether any of the values is traced, or holds something traced."""
    return any(contains_traced(v) for v in values)
