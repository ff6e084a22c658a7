"""The implicit function theorem: what solves F(x; θ) = 0 depends on θ as if by Newton's method.

At a solution x* the chord x ↦ x − J⁻¹ F(x; θ), with the plain Jacobian J = ∂F/∂x at x*, leaves the value where it is
and gives it the derivative −J⁻¹ ∂F/∂θ. θ is whatever traced value F uses, wherever it has it from: its arguments, its
closure, globals. Each further chord makes one more order of derivatives right, so there is one for each open tape.
Solvers themselves run on plain numbers: the functions they are given are evaluated with their traces and answer
without.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.location import user_line
from workbench.autodiff.operations import record
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.structure import map_leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.tiers import copied
from workbench.errors import MissingRuleError
from workbench.rules.stand_ins import settled, with_value


def quiet(
    function: Callable | None, args: tuple = (), named: dict | None = None, *, fixed: bool = False
) -> Callable | None:
    """``function`` as a solver may call it: plain numbers in, plain numbers out, ``args`` and ``named`` appended.

    Arrays are copied on the way in, since solvers use their memory again. The function may keep them, by any of many
    ways: the derivatives of the points that it gets are refused, unless they are ``fixed``, whatever varies.
    """
    if not callable(function) or type(function) is _Quiet:
        return function
    new, named, where = resolve(function), named or {}, user_line()

    def call(*x: Any) -> Any:
        return new(*[copied(e) if fixed else on_the_way(e, where) for e in x], *args, **named)

    return _Quiet(call, lambda: [_without_traces(part) for part in (function, args, named)])


class _Quiet:
    """A function for a solver; one that another process calls is the program's own, with numbers for its arguments."""

    def __init__(self, call: Callable, parts: Callable) -> None:
        self._call, self._parts = call, parts
        self.varies = False
        """Whether it has given what varies."""

    def __call__(self, *x: Any) -> Any:
        found = self._call(*x)
        self.varies = self.varies or contains_traced(found)
        return plain_inside(found)

    def __reduce__(self) -> tuple:
        return _Elsewhere, tuple(self._parts())


class _Elsewhere:
    """A function in another process, with its further arguments."""

    def __init__(self, function: Callable, args: tuple, named: dict) -> None:
        self._function, self._args, self._named = function, args, named

    def __call__(self, *x: Any) -> Any:
        return self._function(*x, *self._args, **self._named)


def _without_traces(x: Any) -> Any:
    """A function, with what it is bound to, or an argument as copies that hold numbers alone."""
    if type(x) is functools.partial:
        keywords = {name: _without_traces(value) for name, value in x.keywords.items()}
        return functools.partial(_without_traces(x.func), *map(_without_traces, x.args), **keywords)
    if type(x) is MethodType:
        return MethodType(x.__func__, _without_traces(x.__self__))
    return map_leaves(lambda leaf: plain(current(leaf)), x)


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
    """F at a plain ``x``, traced in what else it uses, and ``jacobian_of``.

    Raises:
        MissingRuleError: ``x`` is complex and F is not analytic there.
    """
    value, back = pullback(lambda z: settled(resolve(residual)(z)), x)
    shape, analytic = np.shape(plain(value)), np.iscomplexobj(x)
    rows, kind = [], complex if analytic else float
    for k in range(int(np.prod(shape))):
        seed = np.zeros(shape, kind)
        seed.flat[k] = 1.0
        seeds = [seed, 1j * seed] if analytic else [seed]
        found = [np.ravel(np.asarray(plain(back(e if shape else e.item())[0]), kind)) for e in seeds]
        if analytic and not np.allclose(found[1], 1j * found[0]):
            raise MissingRuleError(
                "the equations for a complex unknown are not analytic",
                found="they use its conjugate, its magnitude, or its real and imaginary part apart",
                where=user_line(),
                fix="solve for the real and imaginary parts as unknowns of their own",
            )
        rows.append(np.conj(found[0]))
    return value, np.array(rows)


NEAR = 1e-2
"""A solver's point lies at most so far from a solution, relative to their size; it is none otherwise."""

CLOSE = 1e-10
"""What is so near to a solution, relative to their size, is taken for it."""


def solved(
    residual: Callable,
    x: Any,
    *,
    where: str,
    jacobian: Callable | None = None,
    start: Any = None,
    count: int | None = None,
) -> Any:
    """``x``, which solves ``residual(x) = 0``, with its derivatives by everything traced in ``residual``.

    They are those of the solution itself, which ``x`` comes near: Newton's steps lead there.

    Args:
        residual: gives a number for a number, an array of the same size for an array.
        x: the solution, a plain number or array.
        where: what solved it, for messages.
        jacobian: gives ∂F/∂x at a plain x, by default by one pullback per row.
        start: where the solver began, plain: says, beside ``x``, how large it may be.
        count: how many components of ``x`` are the solution, where multipliers follow them.
    Raises:
        MissingRuleError: the Jacobian is singular, so that the solution has no derivative, or ``x`` is far from it.
    """
    if not np.size(x):  # no solutions
        return x
    residual, slopes = resolve(residual), jacobian
    slopes = slopes or functools.partial(jacobian_of, residual)
    found, inverse, exact = x, None, x
    for _ in OPEN:
        rest = settled(residual(found))
        if type(rest) not in TRACED:
            return x
        if inverse is None:
            inverse = _inverse(slopes(x), where)
            exact, inverse = _refined(
                residual, slopes, (x, start, count), inverse @ _flat(rest), inverse, where
            )
            if exact is not x:
                found, rest = exact, settled(residual(exact))
        shape = np.shape(x)
        if not shape:
            rest = rest if not np.ndim(plain(rest)) else np.reshape(rest, ())
            found = with_value(found - inverse[0, 0] * rest, exact)
        else:
            chord = np.reshape(np.matmul(inverse, np.reshape(rest, (-1,))), shape)
            found = with_value(found - chord, exact)
    return with_value(found, x)


def _flat(rest: Any) -> np.ndarray:
    return np.ravel(np.asarray(plain(rest)))


def size_of(x: Any, start: Any) -> float:
    """How large a solution near ``x`` may be, as far as its solver is concerned."""
    sizes = np.abs(np.append(np.ravel(x), () if start is None else np.ravel(start)))
    least = 1.0 if start is None else 0.0 if np.array_equal(np.ravel(x), np.ravel(start)) else 1e-3
    return max(least, float(np.max(sizes, where=np.isfinite(sizes), initial=0.0)))


def _refined(
    residual: Callable, slopes: Callable, given: tuple, step: np.ndarray, inverse: np.ndarray, where: str
) -> tuple[Any, np.ndarray]:
    """The solution by Newton's method, beginning with ``step`` from ``x``, and the inverse of the Jacobian there.

    Raises:
        MissingRuleError: ``x`` is far from it.
    """
    x, start, count = given
    scale, y, first = size_of(np.ravel(x)[:count], start), x, step
    length = lambda step: float(np.max(np.abs(step[:count])))  # noqa: E731
    while not length(step) <= CLOSE * scale:
        z = y - (step.reshape(np.shape(x)) if np.ndim(x) else step.item())
        try:
            here, after = _newton(residual, slopes, z, where, inverse)
        except MissingRuleError:
            if length(step) <= 1e-7 * scale:
                break
            raise
        # no equations that Newton's method solves, or no more digits
        if not length(after) <= 0.5 * length(step):
            if length(step) <= 1e-7 * scale:
                break
            if length(first) <= NEAR**2 * scale:
                return x, inverse
            raise far(where, first)
        y, inverse, step = z, here, after
    if not length(np.ravel(y - x)) <= NEAR * scale:
        raise far(where, np.ravel(x - y))
    return y, inverse


def _newton(
    residual: Callable, slopes: Callable, z: Any, where: str, inverse: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of the Jacobian at z, and the step from there; with ``inverse`` where the equations have no value."""
    rest = _flat(settled(residual(z)))
    if np.all(np.isfinite(rest)):
        inverse = _inverse(slopes(z), where)
    return inverse, inverse @ rest


def far(where: str, step: np.ndarray) -> MissingRuleError:
    """The error that a solver has not come near a solution."""
    return MissingRuleError(
        f"the point found by {where} is no solution, so its derivative is not known",
        found=f"the solution nearby is {float(np.max(np.abs(step))):.3g} away",
        where=user_line(),
        fix="ask for a smaller tolerance or more iterations",
    )


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


_ELSEWHERE = "compute it from the solution, or run the solver outside of the differentiated part"


def unknown(x: Any, what: str, fix: str = _ELSEWHERE, where: Any = None) -> Any:
    """``x`` in plain numbers, of which it is not known how they depend on the inputs: a derivative through one raises.

    Its numbers and arrays are on all open tapes as results without operands, whole numbers are constants; of an object
    of SciPy's any use raises.

    Args:
        x: a number, an array, a report, a list, tuple or dict of them, or an object that a solver gives.
        what: it is, for messages.
        fix: what to do instead.
        where: the line of the program, by default the one that is running.
    """
    return _unknown(x, (what, where or user_line(), fix))


def on_the_way(x: Any, where: Any) -> Any:
    """What a solver hands to a function of the program before it has found the solution, for that to look at.

    A point that is handed over again is the same: a function that remembers it may compare the two.
    """
    if not (OPEN and isinstance(x, float | np.ndarray)):
        return unknown(x, *_HANDED, where)
    bits = x.tobytes() if isinstance(x, np.ndarray) else x.hex()
    points, key = OPEN[-1].handed, (type(x), np.shape(x), bits, len(OPEN))
    if key not in points:
        points[key] = unknown(x, *_HANDED, where)
    return np.copy(points[key]) if isinstance(x, np.ndarray) else points[key]


_HANDED = (
    "what a solver hands to a function of the program",
    "use the solution that the solver returns, or keep workbench.stop_gradient(x) in the function",
)


def _unknown(x: Any, words: tuple) -> Any:
    if isinstance(x, so.OptimizeResult):
        report = copy.copy(x)
        report.update({name: _unknown(part, words) for name, part in x.items()})
        return report
    if type(x) in (list, tuple):
        return type(x)([_unknown(part, words) for part in x])
    if type(x) is dict:
        return {name: _unknown(part, words) for name, part in x.items()}
    if isinstance(x, float | complex) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc"):
        found = x.copy() if isinstance(x, np.ndarray) else x
        blocks = [
            k for k, tape in enumerate(OPEN) if tape.drawn is not None
        ]  # what is inside of one stays there
        for tape in list(OPEN)[blocks[0] + 1 if blocks else 0 :]:
            found = record(tape, [], found, functools.partial(_refuse, words))
        return found
    plain_too = x is None or isinstance(x, int | np.integer | np.bool_ | str | np.ndarray) or not OPEN
    return x if plain_too else Unknown(x, words)


def _refuse(words: tuple, bar: Any = 1.0) -> list:
    if type(bar) not in TRACED and not np.any(bar):  # nothing depends on it
        return []
    what, where, fix = words
    raise MissingRuleError(
        f"the derivative of {what} is not known",
        found="the result depends on it",
        where=where,
        fix=fix,
    )


class Unknown:
    """An object in a solver's result whose derivatives are not known: any use of it raises."""

    def __new__(cls, value: Any, words: tuple) -> Unknown:  # one that no cotangent can belong to
        new = object.__new__(cls)
        new.__dict__.update(_value=value, _words=words)
        return new

    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        _refuse(self.__dict__["_words"])

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
