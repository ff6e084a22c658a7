"""What happened in one derivative: which functions ran how, what they put on the tape, and when.

For the time of one run every call of the rewritten program goes through a watched ``resolve``. Marks on the tape, one
where a call begins and one where it ends, tell the same of the way back.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from workbench.autodiff import calls, rewritten
from workbench.autodiff.compiled import DISPATCHER, is_harmless
from workbench.autodiff.location import name_of, place
from workbench.autodiff.methods import METHODS
from workbench.autodiff.operations import Operation
from workbench.autodiff.registry import DOORS, NON_DIFFERENTIABLE, OWN
from workbench.autodiff.scalars import TRACED, TracedFloat
from workbench.autodiff.settling import settle_all
from workbench.autodiff.structure import map_leaves
from workbench.autodiff.tape import OPEN, Entry, Tape
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.tiers import plan_or_refusal
from workbench.autodiff.tracing import TracedPullback, traced_pullback

MOST_SPANS = 4000


@dataclass
class Row:
    """One function of the program.

    Attributes:
        name: as a user would write it.
        where: the place of Python functions, ``file:line``, else empty.
        way: "rewritten", "rule", "native", "constant" or "as it is".
        why: the reason for the way, where it is not plain.
        calls: how often it was called.
        operations: what it put on the tape itself, without the functions that it called.
        forward, backward: seconds in it, without the functions that it called.
    """

    name: str
    where: str
    way: str
    why: str
    calls: int = 0
    operations: int = 0
    forward: float = 0.0
    backward: float = 0.0


@dataclass
class Span:
    """One call: seconds since the program began, and the same for the way back (None if it has none)."""

    row: Row
    depth: int
    start: float
    end: float = 0.0
    back_start: float | None = None
    back_end: float | None = None


@dataclass
class Account:
    """Of one run: what ``watched_pullback`` fills."""

    tape: Tape | None = None
    rows: dict[Any, Row] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    thread: int = field(default_factory=threading.get_ident)
    over: bool = False
    preparing: float = 0.0

    def now(self) -> float:
        """Seconds of a clock that stands still while functions are rewritten and rules imported, which is done once."""
        return time.perf_counter() - self.preparing

    def begin(self, f: Any, door: Callable, args: tuple) -> _Frame:
        key = _identity(f)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = _new_row(f, door, args)
        frame = _Frame(row, len(self.stack), self)
        self.stack.append(frame)
        return frame


class _Mark(Entry):
    """Where a call begins or ends on the tape."""

    __slots__ = ("frame", "is_end")
    is_write = False

    def __init__(self, frame: _Frame, is_end: bool) -> None:
        self.frame, self.is_end = frame, is_end

    def back(self) -> None:
        self.frame.passed_back(self.is_end)


class _Frame:
    """A call that is running, forward or back."""

    def __init__(self, row: Row, depth: int, account: Account) -> None:
        self.row, self.account = row, account
        self.inner_time = self.inner_back = 0.0
        self.span = Span(row, depth, account.now())
        row.calls += 1
        self.parent = account.stack[-1] if account.stack else None
        self.tape = OPEN[-1] if OPEN and OPEN[-1] is account.tape else None
        if self.tape is not None:
            self.tape.append(_Mark(self, False))
            self.first = len(self.tape)

    def end(self) -> None:
        span, row = self.span, self.row
        span.end = self.account.now()
        if self.tape is not None:
            if row.way == "native" and not _ran_natively(self.tape, self.first):
                row.way, row.why = "rewritten", "generated code left a call to the trace"
            self.tape.append(_Mark(self, True))
        taken = span.end - span.start
        row.forward += taken - self.inner_time
        if self.parent is not None:
            self.parent.inner_time += taken
        if len(self.account.spans) < MOST_SPANS:
            self.account.spans.append(span)
        self.account.stack.pop()

    def passed_back(self, is_end: bool) -> None:
        now = self.account.now()
        if is_end:
            self.span.back_start, self.inner_back = now, 0
            return
        self.span.back_end = now
        taken = now - self.span.back_start
        self.row.backward += taken - self.inner_back
        if self.parent is not None:
            self.parent.inner_back += taken


def _ran_natively(tape: Tape, start: int) -> bool:
    return len(tape) > start and getattr(tape[start], "pullback", _Frame).__name__ == "native_pullback"


def watched_pullback(f: Callable, args: tuple, wrt: tuple[int, ...]) -> tuple[Any, TracedPullback, Account]:
    """As ``traced_pullback``, with an account of the calls."""
    account = Account()

    def run(*given: Any) -> Any:
        account.tape = OPEN[-1]
        return _watching_resolve(account, f)(*given)

    kept = rewritten.REWRITTEN_DOORS["resolve"], rewritten._codes, calls._functions
    rewritten.REWRITTEN_DOORS["resolve"] = functools.partial(_watching_resolve, account)
    rewritten._codes, calls._functions = {}, {}
    try:
        value, back = traced_pullback(run, *args, wrt=wrt)
    finally:
        rewritten.REWRITTEN_DOORS["resolve"], rewritten._codes, calls._functions = kept
        account.over = True
    settle_all(back.tape, f)
    return value, back, account


def _watching_resolve(account: Account, f: Any) -> Any:
    began = time.perf_counter()
    door = calls.resolve(f)
    account.preparing += time.perf_counter() - began
    if not OPEN or account.over or threading.get_ident() != account.thread:
        return door

    def call(*args: Any, **kwargs: Any) -> Any:
        frame = account.begin(f, door, args)
        try:
            return door(*args, **kwargs)
        finally:
            frame.end()

    return call


# ------------------------------------------------------------------------------------ what a function is


def _identity(f: Any) -> Any:
    f = f.__func__ if isinstance(f, MethodType) else f
    if isinstance(f, functools.partial):
        return _identity(f.func)
    owner = getattr(f, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        return type(owner), f.__name__
    return getattr(f, "__code__", None) or id(f)


def _new_row(f: Any, door: Callable, args: tuple) -> Row:
    function = f.__func__ if isinstance(f, MethodType) else f.func if isinstance(f, functools.partial) else f
    way, why = _way(f, function, door, args)
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    where = place(code.co_filename, code.co_firstlineno) if code is not None and way != "rule" else ""
    return Row(_named(f if type(getattr(f, "__self__", None)) in TRACED else function), where, way, why)


def _named(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    if type(owner) in TRACED:
        method = function.__func__
        return f"ndarray.{next((k for k, v in METHODS.items() if v is method), function.__name__)}"
    if owner is not None and not inspect.ismodule(owner) and not isinstance(owner, type):
        return f"{type(owner).__name__}.{function.__name__}"
    if isinstance(function, np.ufunc):
        return (
            f"numpy.{function.__name__}"
            if getattr(np, function.__name__, None) is function
            else function.__name__
        )
    name = name_of(function)
    return name if "<" not in name or isinstance(function, FunctionType) else type(function).__name__


def _way(f: Any, function: Any, door: Callable, args: tuple) -> tuple[str, str]:
    if is_harmless(function):
        return "as it is", "compiled code that asks for no traced number"
    known = calls.is_one_of(DOORS, f) or calls.is_one_of(DOORS, function)
    if calls.is_one_of(NON_DIFFERENTIABLE, function):
        return "constant", "its result does not vary"
    if calls.is_one_of(OWN, function):
        return "rule", "registered with @rule"
    if known or isinstance(function, np.ufunc) or type(getattr(f, "__self__", None)) in TRACED:
        return "rule", ""
    if type(function) is FunctionType:
        if rewritten.rewritten_code(function) is None:
            package = (function.__module__ or "").partition(".")[0]
            opaque = rewritten.is_opaque(function)
            return "as it is", f"{package} is not rewritten" if opaque else "its source was not found"
        if isinstance(f, MethodType):
            args = (f.__self__, *args)
        own = getattr(door, "__func__", door)
        traced = id(getattr(own, "__code__", None)) in rewritten.MADE
        return ("rewritten", "") if traced else _native_or_rewritten(function, args)
    if isinstance(function, type) and door is not f:
        return "rewritten", "a class: its methods are rewritten"
    if calls.python_method(type(function), "__call__") is not None:
        return "rewritten", "an object that can be called"
    if type(function) is DISPATCHER and any(map(contains_traced, args)):
        return "rewritten", "NumPy's own Python code"
    return "as it is", "compiled code that asks for no traced number"


def _native_or_rewritten(function: FunctionType, args: tuple) -> tuple[str, str]:
    from workbench.autodiff.native import Refusal

    made = plan_or_refusal(function, map_leaves(plain, args), inside=True)
    if isinstance(made, Refusal):
        where = f" ({place(made.file, made.line, folder=False)})" if made.line else ""
        return "rewritten", f"{made.reason}{where}"
    return "native", "machine code" if made.state == "compiled" else "generated Python"


# ------------------------------------------------------------------------------------ what a tape holds


@dataclass(frozen=True)
class Contents:
    """What stands on a tape.

    Attributes:
        scalars: operations on numbers.
        arrays: operations on arrays, and calls taken as one.
        writes: changes of arrays.
        tape_bytes: of the entries and the numbers they keep.
        array_bytes: of the arrays that it keeps alive.
    """

    scalars: int
    arrays: int
    writes: int
    tape_bytes: int
    array_bytes: int

    @property
    def operations(self) -> int:
        return self.scalars + self.arrays + self.writes


def contents(tape: Tape) -> Contents:
    """Count a tape, also for the rows of an account. Bytes are as ``sys.getsizeof`` tells them."""
    scalars = arrays = writes = size = held = 0
    rows: list[Row] = []
    for node in tape:
        if type(node) is _Mark:
            if node.is_end:
                rows.pop()
            else:
                rows.append(node.frame.row)
            continue
        size += sys.getsizeof(node) + 8
        if type(node) is TracedFloat:
            size += sum(
                sys.getsizeof(x) for x in (node.value, node.partial, node.partial2) if type(x) is float
            )
            if node.parent is None:
                continue
            scalars += 1
        elif node.is_write:
            writes += 1
            held += getattr(node.old, "nbytes", 0)
        elif type(node) is Operation:
            arrays += 1
        else:
            scalars += 1
        if rows:
            rows[-1].operations += 1
    held += sum(memory.owner.nbytes for memory in tape.memories.values())
    return Contents(scalars, arrays, writes, size, held)
