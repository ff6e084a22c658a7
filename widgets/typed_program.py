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
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from widgets.typed_variables import TypedVariables
from workbench import value_and_gradient
from workbench.autodiff.location import describe
from workbench.autodiff.tiers import Choice, tier_of
from workbench.errors import NotDifferentiableError, WorkbenchError

READ_SECONDS = 10.0  # the first import of a large library is slow
PROGRAM_SECONDS = 3.0
PRINTED = 2000  # characters that are shown of what a program prints
MESSAGE = 1000  # and of what an exception says, under which the line stands
LARGEST = 1e300  # of a default: a slider goes to both sides of it
DIFFERENCE_SECONDS = 2.0
CURVE_SECONDS, COARSE_SECONDS = 0.25, 1.5
COARSE = 9  # points of the curve that are worth waiting for
_FILE, _FILE_AND_COLON = re.compile(r"<program \d+>"), re.compile(r"<program \d+>:")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_numbers = itertools.count(1)


class _Endless(KeyboardInterrupt):
    """The program did not end in time. A program's own ``except Exception`` lets it pass."""


@dataclass(frozen=True)
class TypedProgram:
    """A function that was typed, and the arguments that can be moved.

    Attributes:
        text: what was typed.
        file: the name under which the engine finds the text; it is no file on disk.
        function: the last function on the top level that has an argument to differentiate by.
        start: value of each argument to differentiate by: those with a float as default, with a whole number that is
            annotated as one, or with none (then 1.0).
        variables: what stands beside the function.
    """

    text: str
    file: str
    function: Callable[..., Any]
    start: dict[str, float]
    variables: TypedVariables

    def at(self, values: Sequence[float]) -> tuple[Any, ...]:
        """All positional arguments, those that cannot be moved at their defaults."""
        given = dict(zip(self.start, values, strict=True))
        return tuple(given.get(p.name, p.default) for p in _positional(self.function))

    def positions(self) -> tuple[int, ...]:
        """Where the arguments that can be moved stand among all positional ones."""
        return tuple(k for k, p in enumerate(_positional(self.function)) if p.name in self.start)


@dataclass(frozen=True)
class Slope:
    """A derivative by one argument, beside the central difference.

    Attributes:
        name: of the argument.
        at: its value.
        derivative: what the engine says.
        difference: the central difference, of order four; None where there is none.
        uncertainty: how far the differences of order two with one and with two steps are apart; infinite without.
        rounding: how far rounding of the program's values may move the difference.
        missing: why there is no difference.
    """

    name: str
    at: float
    derivative: float
    difference: float | None
    uncertainty: float = math.inf
    rounding: float = 0.0
    missing: str = ""

    @property
    def agrees(self) -> str:
        """Yes: to five digits; unsure: to as many as the difference has; no; or unknown."""
        if self.difference is None:
            return "unknown"
        apart = abs(self.derivative - self.difference)
        size = max(abs(self.derivative), abs(self.difference))
        if apart <= 1e-5 * size + 1e-3 * self.uncertainty + self.rounding:
            return "yes"
        return "unsure" if apart <= 3 * self.uncertainty else "no"


@dataclass(frozen=True)
class Measured:
    """What a program is worth at a point. ``curve`` (n, 3) has the first argument, value, derivative; NaN is a gap."""

    printed: str
    value: float
    slopes: tuple[Slope, ...]
    choice: Choice
    curve: np.ndarray


def read_program(text: str) -> TypedProgram:
    """Run what was typed, and take the last function of its top level that has a number to differentiate by.

    Raises:
        SyntaxError: it is not Python.
        NotDifferentiableError: it defines no function, or one without a number to differentiate by.
        Exception: whatever running it raises.
    """
    file = f"<program {next(_numbers)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = _function_names(ast.parse(text, file))
    space: dict[str, Any] = {"__name__": "__main__"}
    with quiet():
        _within(READ_SECONDS, exec, compile(text, file, "exec"), space)
    for name in reversed(names):
        function = space.get(name)  # its text may delete it, or give its name to something else
        start = _start(function) if callable(function) else {}
        if start:
            return TypedProgram(text, file, function, start, TypedVariables(space))
    raise NotDifferentiableError(
        f"{names[-1]} has no argument to differentiate by",
        found="no argument that is a single finite float and can be given by position",
        fix="give one a default with a point, such as `x=1.0`, and no `*` before it (a decorator's function is asked "
        "for its own arguments, unless `functools.wraps` names those of the program)",
    )


def _function_names(tree: ast.Module) -> list[str]:
    """Of the functions of the top level that are no decorators of others there."""
    decorators = [mark for node in tree.body for mark in getattr(node, "decorator_list", [])]
    used = {node.id for mark in decorators for node in ast.walk(mark) if isinstance(node, ast.Name)}
    names = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name not in used:
            names.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    if names:
        return names
    others = [f"the class {node.name}" for node in tree.body if isinstance(node, ast.ClassDef)]
    others += [f"{node.name}, asynchronous" for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    raise NotDifferentiableError(
        "there is nothing to differentiate",
        found="no function on the top level" + "".join(f"; {other}" for other in others),
        fix="define one, such as `def f(x=1.0): return x * x`",
    )


def _start(function: Callable[..., Any]) -> dict[str, float]:
    return {
        p.name: 1.0 if p.default is p.empty else float(p.default) for p in _positional(function) if _moves(p)
    }


def _moves(parameter: inspect.Parameter) -> bool:
    default = parameter.default
    if default is parameter.empty:
        return True
    whole = type(default) is int and parameter.annotation in (float, "float")
    return (whole or isinstance(default, float)) and abs(default) < LARGEST


def measure(program: TypedProgram, values: Sequence[float], limits: tuple[float, float]) -> Measured:
    """Value, gradient, central differences and tier at a point, and the curve over the first argument.

    The plain program runs first, so that what it raises by itself is not blamed on its derivative, and one that
    does not end is stopped.

    Raises:
        KeyboardInterrupt: the program takes longer than ``PROGRAM_SECONDS``.
        DifferentiationError: the program has no derivative there.
        Exception: whatever the program raises.
    """
    with quiet(), program.variables.apart():
        printed = _printed(program, values)
        value, gradient = _value_and_gradient(program, values)
        end = time.perf_counter() + DIFFERENCE_SECONDS
        slopes = tuple(_slope(program, values, k, float(slope), end=end) for k, slope in enumerate(gradient))
        choice = tier_of(program.function, *program.at(values))
        return Measured(printed, _number(value), slopes, choice, _curve(program, values, limits))


def _printed(program: TypedProgram, values: Sequence[float]) -> str:
    """What the program prints at a point, by the ``print`` of its own text."""
    written = io.StringIO()

    def keep(*what: Any, **options: Any) -> None:
        here = options.get("file") in (None, sys.stdout)
        print(*what, **{**options, "file": written} if here else options)

    program.variables.lend("print", keep)
    _within(PROGRAM_SECONDS, program.function, *program.at(values))
    text = written.getvalue()
    return text if len(text) <= PRINTED else f"{text[:PRINTED]}…"


def problem_of(error: BaseException, program: TypedProgram | None = None) -> str:
    """What is wrong, with the line and a caret under the place, for the person who typed the program."""
    what = _ADDRESS.sub("", _problem(error))
    if program is None or not isinstance(error, TypeError) or isinstance(error, WorkbenchError):
        return what
    bare = [p.name for p in _positional(program.function) if p.default is p.empty]
    names = ", ".join(bare)
    return f"{what}\n({names}: begins at 1.0; give what is no float a default, such as n=3)" if bare else what


def _problem(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.lineno and _FILE.fullmatch(error.filename or ""):
        line = (error.text or "").rstrip("\n")
        indent = len(line) - len(line.lstrip())
        caret = " " * max((error.offset or 1) - 1 - indent, 0) + "^"
        return f"line {error.lineno}: {error.msg}\n    {line.strip()}\n    {caret}"
    if isinstance(error, WorkbenchError):
        return _FILE_AND_COLON.sub("line ", str(error))
    what = "stopped: " + (str(error) or "the kernel was interrupted")
    if not isinstance(error, KeyboardInterrupt):
        said = str(error)
        said = said if len(said) <= MESSAGE else f"{said[:MESSAGE]}…"
        what = f"{type(error).__name__}: {said}".removesuffix(": ")
    for step in reversed(list(_steps(error))):
        code = step.tb_frame.f_code
        if _FILE.fullmatch(code.co_filename):
            place = describe(code, step.tb_lasti, step.tb_lineno)
            return f"{what}\n{_FILE_AND_COLON.sub('line ', place)}"
    return what


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the program prints or warns of, which it would do a hundred times for one picture.

    JupyterLab answers widgets on another thread, where cells that run meanwhile must go on printing and what is
    printed here goes to the log.
    """
    if threading.current_thread() is not threading.main_thread():
        with np.errstate(all="ignore"):
            yield
        return
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), np.errstate(all="ignore"):
        yield


def _within(seconds: float, f: Callable[..., Any], *args: Any) -> Any:
    """What ``f(*args)`` returns. A typed program in it is stopped at the next line that it begins when it is late.

    An interrupt of the kernel does not reach the thread on which JupyterLab answers widgets. Lines are watched from
    then on only: until then the interpreter asks at each call, which costs loops little.
    """
    runner, ended, late = threading.get_ident(), threading.Event(), seconds <= 0

    def typed(frame: types.FrameType) -> bool:
        return _FILE.fullmatch(frame.f_code.co_filename) is not None

    def stop(frame: types.FrameType, event: str, _: Any) -> Any:
        raise _Endless(f"the program did not end within {seconds:g} s")

    def called(frame: types.FrameType, event: str, _: Any) -> Any:
        return stop if late and typed(frame) else None

    def watch() -> None:
        nonlocal late
        over = ended.wait(seconds)
        while not over:  # again and again: functions return while their callers are looked for
            late = True
            frame = sys._current_frames().get(runner)
            while frame is not None:
                if typed(frame):
                    frame.f_trace = stop
                frame = frame.f_back
            over = ended.wait(0.05)

    threading.Thread(target=watch, daemon=True, name="time limit of a typed program").start()
    before = sys.gettrace()
    sys.settrace(called)
    try:
        return f(*args)
    finally:
        sys.settrace(before)
        ended.set()


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def _steps(error: BaseException) -> Iterator[Any]:
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _value_and_gradient(program: TypedProgram, values: Sequence[float]) -> tuple[Any, tuple[Any, ...]]:
    program.variables.put_back()
    return value_and_gradient(program.function, wrt=program.positions())(*program.at(values))


def _number(result: Any) -> float:
    if isinstance(result, np.ndarray):
        return float(result.reshape(()))  # one of a single element too
    return float(result.detach() if hasattr(result, "detach") else result)


def _slope(program: TypedProgram, values: Sequence[float], k: int, derivative: float, *, end: float) -> Slope:
    """The derivative by argument ``k`` beside its central difference, unless that is not done by ``end``."""
    name, start = list(program.start.items())[k]
    size = max(abs(values[k]), abs(start)) or 1.0

    def shifted(distance: float) -> float:
        program.variables.put_back()
        args = program.at([*values[:k], values[k] + distance, *values[k + 1 :]])
        return _number(_within(end - time.perf_counter(), program.function, *args))

    def compared(step: float) -> Slope:
        far, near = ([shifted(-n * step), shifted(n * step)] for n in (2, 1))
        wide, narrow = (far[1] - far[0]) / (4 * step), (near[1] - near[0]) / (2 * step)
        rounding = 1e-13 * max(map(abs, far + near)) / step
        return Slope(name, values[k], derivative, (4 * narrow - wide) / 3, abs(narrow - wide), rounding)

    try:
        slope = compared(1e-4 * size)
        if slope.agrees == "no":  # unless it depends on the step: single precision, or faster than the step
            others = [compared(scale * size).difference for scale in (1e-5, 1e-3)]
            spread = max(abs(slope.difference - other) for other in others)
            slope = replace(slope, uncertainty=max(slope.uncertainty, spread))
    except _Endless:
        return Slope(name, values[k], derivative, None, missing="takes too long")
    except Exception:  # close by the program fails, or gives something else than a number
        return Slope(name, values[k], derivative, None, missing="not defined")
    if not math.isfinite(slope.difference):
        return Slope(name, values[k], derivative, None, missing="not defined")
    return slope


def _curve(program: TypedProgram, values: Sequence[float], limits: tuple[float, float]) -> np.ndarray:
    """Value and derivative over the first argument, coarse to fine until the time is spent.

    A program as slow as a solver has a coarse curve: one of a single point tells nothing.
    """
    fine = np.linspace(*limits, 65)
    order = [*range(0, 65, 16), *range(8, 65, 16), *range(4, 65, 8), *range(2, 65, 4), *range(1, 65, 2)]
    start = time.perf_counter()
    rows = []
    for k in order:
        x = float(fine[k])
        try:
            program.variables.put_back()
            _within(CURVE_SECONDS, program.function, *program.at([x, *values[1:]]))
            value, gradient = _value_and_gradient(program, [x, *values[1:]])
            rows.append((x, _number(value), float(gradient[0])))
        except (Exception, _Endless):
            rows.append((x, math.nan, math.nan))  # a gap in the picture: the program may be undefined there
        if time.perf_counter() - start > (CURVE_SECONDS if len(rows) >= COARSE else COARSE_SECONDS):
            break
    return np.array(sorted(rows))
