"""A program as somebody typed it: its function, its numbers, its derivative, or what is wrong with it."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import itertools
import linecache
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench import value_and_gradient
from workbench.autodiff.location import describe
from workbench.autodiff.tiers import Choice, tier_of
from workbench.checks import central_difference
from workbench.errors import NotDifferentiableError, WorkbenchError

PROGRAM_SECONDS = 3.0
CURVE_SECONDS = 0.25
_FILE, _FILE_AND_COLON = re.compile(r"<program \d+>"), re.compile(r"<program \d+>:")
_numbers = itertools.count(1)


class _Endless(KeyboardInterrupt):
    """The program did not end in time. A program's own ``except Exception`` lets it pass."""


@dataclass(frozen=True)
class TypedProgram:
    """A function that was typed, and the arguments that can be moved.

    Attributes:
        text: what was typed.
        file: the name under which the engine finds the text; it is no file on disk.
        function: the last function on the top level.
        start: value of each argument to differentiate by: those with a float as default, or with none (then 1.0).
    """

    text: str
    file: str
    function: Callable[..., Any]
    start: dict[str, float]

    def at(self, values: Sequence[float]) -> tuple[Any, ...]:
        """All positional arguments, those that cannot be moved at their defaults."""
        given = dict(zip(self.start, values, strict=True))
        return tuple(given.get(p.name, p.default) for p in _positional(self.function))

    def positions(self) -> tuple[int, ...]:
        """Where the arguments that can be moved stand among all positional ones."""
        return tuple(k for k, p in enumerate(_positional(self.function)) if p.name in self.start)


@dataclass(frozen=True)
class Slope:
    """A derivative by one argument, beside the central difference; None where the program fails close by."""

    name: str
    at: float
    derivative: float
    difference: float | None

    @property
    def agrees(self) -> bool:
        """Whether both are the same to five digits."""
        if self.difference is None:
            return False
        size = max(1.0, abs(self.derivative), abs(self.difference))
        return abs(self.derivative - self.difference) <= 1e-5 * size


@dataclass(frozen=True)
class Measured:
    """What a program is worth at a point. ``curve`` (n, 3) has the first argument, value, derivative; NaN is a gap."""

    value: float
    slopes: tuple[Slope, ...]
    choice: Choice
    curve: np.ndarray


def read_program(text: str) -> TypedProgram:
    """Run what was typed, and take the last function defined on its top level.

    Raises:
        SyntaxError: it is not Python.
        NotDifferentiableError: it defines no function, or one without a number to differentiate by.
        Exception: whatever running it raises.
    """
    file = f"<program {next(_numbers)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = [node.name for node in ast.parse(text, file).body if isinstance(node, ast.FunctionDef)]
    if not names:
        raise NotDifferentiableError(
            "there is nothing to differentiate",
            found="no function on the top level",
            fix="define one, such as `def f(x=1.0): return x * x`",
        )
    space: dict[str, Any] = {"__name__": "__main__"}
    with quiet():
        _within(PROGRAM_SECONDS, exec, compile(text, file, "exec"), space)
    function = space[names[-1]]
    start = {
        p.name: 1.0 if p.default is p.empty else p.default
        for p in _positional(function)
        if p.default is p.empty or type(p.default) is float
    }
    if not start:
        raise NotDifferentiableError(
            f"{names[-1]} has no argument to differentiate by",
            found="no argument that is a float",
            fix="give one a default with a point, such as `x=1.0`",
        )
    return TypedProgram(text, file, function, start)


def measure(program: TypedProgram, values: Sequence[float], limits: tuple[float, float]) -> Measured:
    """Value, gradient, central differences and tier at a point, and the curve over the first argument.

    The plain program runs first, so that what it raises by itself is not blamed on its derivative, and one that
    does not end is stopped.

    Raises:
        KeyboardInterrupt: the program takes longer than ``PROGRAM_SECONDS``.
        DifferentiationError: the program has no derivative there.
        Exception: whatever the program raises.
    """
    args = program.at(values)
    with quiet():
        _within(PROGRAM_SECONDS, program.function, *args)
        value, gradient = _value_and_gradient(program, values)
        slopes = tuple(
            Slope(name, x, float(slope), _difference(program, values, k))
            for k, (name, x, slope) in enumerate(zip(program.start, values, gradient, strict=True))
        )
        return Measured(
            float(value), slopes, tier_of(program.function, *args), _curve(program, values, limits)
        )


def problem_of(error: BaseException) -> str:
    """What is wrong, with the line and a caret under the place, for the person who typed the program."""
    if isinstance(error, SyntaxError) and error.lineno and _FILE.fullmatch(error.filename or ""):
        line = (error.text or "").rstrip("\n")
        indent = len(line) - len(line.lstrip())
        caret = " " * max((error.offset or 1) - 1 - indent, 0) + "^"
        return f"line {error.lineno}: {error.msg}\n    {line.strip()}\n    {caret}"
    if isinstance(error, WorkbenchError):
        return _FILE_AND_COLON.sub("line ", str(error))
    what = "stopped: " + (str(error) or "the kernel was interrupted")
    if not isinstance(error, KeyboardInterrupt):
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
    for step in reversed(list(_steps(error))):
        code = step.tb_frame.f_code
        if _FILE.fullmatch(code.co_filename):
            place = describe(code, step.tb_lasti, step.tb_lineno)
            return f"{what}\n{_FILE_AND_COLON.sub('line ', place)}"
    return what


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the program prints, which it would do a hundred times for one picture.

    JupyterLab answers widgets on another thread, where cells that run meanwhile must go on printing and what is
    printed here goes to the log.
    """
    if threading.current_thread() is not threading.main_thread():
        with np.errstate(all="ignore"):
            yield
        return
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        yield


def _within(seconds: float, f: Callable[..., Any], *args: Any) -> Any:
    """What ``f(*args)`` returns. A typed program in it is stopped at the first line that it begins too late.

    An interrupt of the kernel does not reach the thread on which JupyterLab answers widgets.
    """
    end = time.perf_counter() + seconds

    def watch(frame: Any, event: str, _: Any) -> Any:
        if not _FILE.fullmatch(frame.f_code.co_filename):
            return None
        if time.perf_counter() > end:
            raise _Endless(f"the program did not end within {seconds:g} s")
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return f(*args)
    finally:
        sys.settrace(before)


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def _steps(error: BaseException) -> Iterator[Any]:
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _value_and_gradient(program: TypedProgram, values: Sequence[float]) -> tuple[Any, tuple[Any, ...]]:
    return value_and_gradient(program.function, wrt=program.positions())(*program.at(values))


def _difference(program: TypedProgram, values: Sequence[float], k: int) -> float | None:
    """The central difference by argument ``k``; None where the program fails on one of its sides."""

    def along(x: float) -> float:
        return float(
            _within(CURVE_SECONDS, program.function, *program.at([*values[:k], x, *values[k + 1 :]]))
        )

    step = 1e-4 * max(1.0, abs(values[k]))
    try:
        slope = float(central_difference(along, (float(values[k]),), [1.0], step)[0])
    except (Exception, _Endless):
        return None
    return slope if math.isfinite(slope) else None


def _curve(program: TypedProgram, values: Sequence[float], limits: tuple[float, float]) -> np.ndarray:
    """Value and derivative over the first argument, coarse to fine until the time is spent."""
    fine = np.linspace(*limits, 65)
    order = [*range(0, 65, 16), *range(8, 65, 16), *range(4, 65, 8), *range(2, 65, 4), *range(1, 65, 2)]
    end = time.perf_counter() + CURVE_SECONDS
    rows = []
    for k in order:
        x = float(fine[k])
        try:
            _within(CURVE_SECONDS, program.function, *program.at([x, *values[1:]]))
            value, gradient = _value_and_gradient(program, [x, *values[1:]])
            rows.append((x, float(value), float(gradient[0])))
        except (Exception, _Endless):
            rows.append((x, math.nan, math.nan))  # a gap in the picture: the program may be undefined there
        if time.perf_counter() > end:
            break
    return np.array(sorted(rows))
