"""The record of one run of a program, in program order, and the sweep back over it.

A tape is a list. A scalar operation is a ``TracedFloat`` (its own record: parents and partials, computed at once);
everything else is an ``Entry``: an object that knows how to send the cotangents of its results to its operands.
Writes into arrays are entries too. Going back, each write puts the old contents back, so that whatever an earlier
pullback reads is what the program had then; afterwards the writes are done again, so that the sweep can be repeated.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.autodiff.met import replace_methods, restore_methods
from workbench.autodiff.recursion import RECURSION_LIMIT, deepen, put_back
from workbench.errors import RefusedError

if TYPE_CHECKING:
    from workbench.autodiff.arrays import Memory


class Entry:
    """One recorded step that is not a scalar operation."""

    __slots__ = ()

    def back(self) -> None:
        """Send the cotangents of the results to the operands."""
        raise NotImplementedError


class Tape(list):
    """Everything that happened to traced values during one run, in program order.

    Attributes:
        level: how many tapes were open when this one was begun; the higher level is the inner derivative.
        open: whether the program is still running. Values of a closed tape are plain numbers to any other.
        memories: the blocks of array memory this tape knows, by the id of the array that owns the block.
        writes: the entries that changed an array, in program order.
        caches: what functions behind ``functools.lru_cache`` returned, while the program is running.
        fresh: attributes that the program gave a plain number or array, by the id of the object and the name.
        kept: copies of arrays that code which is not followed may write into (see ``unseen``), by the id of the owner.
        keeps: whether every array that the tape comes to know is one of these.
        equals: traced numbers that the program took for one another, and where (see ``equals``).
        refusal: the first thing that the engine refused while the program was running, whoever caught the error.
        given: arrays of the caller's that the program has copies of, by the id of what owns their memory, and the owner
            (see ``other_names``).
        copies: the ids of the owners, by the ids of the copies.
        stale: the ids of owners whose copies the program has changed.
        handed: the points that solvers have handed to functions of the program, by their bits.
        changed: everything that the program has changed, by id, while a block of its own runs; None otherwise.
        drawn: the generators of random numbers that the program has drawn from meanwhile (see ``draws``), or None.
        touched: the containers that the program put something into, while it is running (see ``settling``).
        traces_all: whether every call is traced, also those that the native tier would take.
    """

    __slots__ = (
        "__weakref__",
        "caches",
        "changed",
        "copies",
        "drawn",
        "equals",
        "fresh",
        "given",
        "handed",
        "keeps",
        "kept",
        "level",
        "lock",
        "memories",
        "open",
        "refusal",
        "stale",
        "touched",
        "traces_all",
        "writes",
    )

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level
        self.open = True
        self.memories: dict[int, Memory] = {}
        self.writes: list[Any] = []
        self.caches: dict[Any, dict] = {}
        self.touched: dict[tuple[int, str | None], Any] = {}
        self.handed: dict[Any, Any] = {}
        self.changed: dict[int, Any] | None = None
        self.drawn: dict[int, tuple[Any, Any]] | None = None
        self.kept: dict[int, Any] | None = None
        self.keeps = False
        self.equals: list[tuple] = []
        self.fresh: set[tuple[int, str]] = set()
        self.given: dict[int, tuple[list[Any], Any]] = {}
        self.copies: dict[int, int] = {}
        self.stale: set[int] = set()
        self.refusal: RefusedError | None = None
        self.lock = threading.RLock()
        self.traces_all = False

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class OpenTapes(threading.local):
    """The tapes whose programs are running now in this thread, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Tape] = []

    def __bool__(self) -> bool:
        return bool(self.stack)

    def __len__(self) -> int:
        return len(self.stack)

    def __iter__(self) -> Iterator[Tape]:
        return iter(self.stack)

    def __getitem__(self, index: Any) -> Any:
        return self.stack[index]

    def carried(self, function: Callable) -> Callable:
        """``function``, to be called in another thread as a part of the program that runs in this one."""
        stack = list(self.stack)

        @functools.wraps(function, updated=())
        def call(*args: Any, **kwargs: Any) -> Any:
            before, self.stack = self.stack, list(stack)
            try:
                return function(*args, **kwargs)
            finally:
                self.stack = before

        return call


OPEN = OpenTapes()


def _tell_open_tapes(refused: RefusedError) -> None:
    for tape in OPEN:
        tape.refusal = tape.refusal or refused


RefusedError.tell = staticmethod(_tell_open_tapes)

# Making an object, or calling back, takes up to this many Python frames where the program takes one.
_FRAMES = 3


class _Interpreter:
    """Settings of the whole interpreter while any thread records: set by the first to begin, put back by the last.

    Python's cyclic garbage collector is held back, since a trace makes many objects and little garbage: it looks at
    each object once while it is young, and not again and again; recursion may go deeper; and methods that compiled
    code calls are rewritten (``met``).
    """

    def __init__(self) -> None:
        self.lock, self.count = RECURSION_LIMIT, 0

    def __enter__(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == 1:
                self.before = gc.get_threshold(), deepen(_FRAMES)
                gc.set_threshold(max(self.before[0][0], 200_000), 1_000_000, 1_000_000)
                replace_methods()

    def __exit__(self, *error: Any) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                restore_methods()
                gc.set_threshold(*self.before[0])
                put_back(self.before[1])


_interpreter = _Interpreter()


def _torch_records() -> AbstractContextManager:
    """Let torch record what the program does with tensors, though the caller does not want it to.

    Inside of a ``torch.autograd.Function`` and in a caller's ``no_grad`` torch records nothing, and a network in the
    program would look like a constant.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "enable_grad") or torch.is_grad_enabled():
        return nullcontext()
    return torch.enable_grad()


@contextmanager
def recording() -> Iterator[Tape]:
    """A new innermost tape for the body of the ``with`` block.

    Raises:
        RefusedError: the engine refused a step and the program caught the error, or raised another one. Without the
            engine there would have been none, so what the program did instead is not what it does.
    """
    tape = Tape(level=len(OPEN))
    if OPEN:
        tape.changed, tape.drawn = OPEN[-1].changed, OPEN[-1].drawn
    with _interpreter, _torch_records():
        OPEN.stack.append(tape)
        try:
            yield tape
            if tape.kept:
                from workbench.autodiff.unseen import check_unseen

                check_unseen(tape)
        except Exception as error:
            if tape.refusal is None or getattr(error, "where", None):
                raise
            raise tape.refusal from error  # packages put errors of their own in the place of what they catch
        finally:
            OPEN.stack.remove(tape)
            tape.open = False
            tape.caches.clear()
            tape.fresh.clear()
            tape.given.clear()
            tape.copies.clear()
        if tape.refusal:
            raise tape.refusal


def sweep_back(tape: Tape) -> None:
    """Send the cotangents already set on the tape's results back to its leaves.

    A cotangent that is exactly zero is not sent on: a branch not taken or a term multiplied by zero leaks no NaN.
    NumPy does not warn: its warnings would name the engine's lines, and what is infinite or NaN is in the result.
    """
    from workbench.autodiff.scalars import TracedFloat

    undone, done = 0, False
    try:
        with np.errstate(**{kind: "ignore" for kind, way in np.geterr().items() if way == "warn"}):
            for node in reversed(tape):
                if type(node) is TracedFloat:
                    parent = node.parent
                    if parent is not None:
                        bar = node.bar
                        if type(bar) is TracedFloat or bar:
                            node.bar = 0.0
                            parent.bar += node.partial * bar
                            parent = node.parent2
                            if parent is not None:
                                parent.bar += node.partial2 * bar
                else:
                    node.back()
                    undone += type(node).is_write
        done = True
    finally:
        if not done:  # what a step that failed has left on the way is not for the next sweep
            for node in tape:
                if type(node) is TracedFloat:
                    node.bar = 0.0
        for write in tape.writes[len(tape.writes) - undone :]:
            write.redo()
