"""Run generated text: as plain Python at once, as machine code when that is ready.

Compiling takes seconds and would hold up the program if it were done in this process, so another process does it
and leaves the machine code in the cache; a thread waits for it, loads it and puts it in place.

``WORKBENCH_NATIVE`` is ``off``, ``python`` (never compile), ``numba`` (compile before the first call), or ``auto``.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import linecache
import os
import queue
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.native import cache
from workbench.autodiff.native.elements import HELPERS
from workbench.autodiff.native.functions import TapeFull, TooDeep
from workbench.autodiff.native.generate import Generated
from workbench.autodiff.native.numba_text import calls_in_circles, for_numba, told
from workbench.autodiff.native.runtime import PLAIN, machine
from workbench.autodiff.native.vectors import Rewritten, with_vectors

FIRST_TAPE = 4096
LARGEST_POOLED = 2**22  # numbers in a tape that is kept for the next call
HOT_SECONDS = 0.5
"""Time spent in generated Python after which a function is compiled in the background."""


def mode() -> str:
    """The value of ``WORKBENCH_NATIVE``."""
    found = os.environ.get("WORKBENCH_NATIVE", "auto")
    return found if found in ("off", "python", "numba") else "auto"


class Compiled:
    """The functions of one generated module, and which of their two forms runs.

    ``entries`` names the functions to compile for calls from outside; compiling each takes its time.
    """

    def __init__(self, generated: Generated, entries: tuple[str, ...]) -> None:
        self.generated = generated
        self.signatures = {name: generated.signatures[name] for name in entries}
        self.state = "python"
        self.failure = ""
        self.capacity = FIRST_TAPE
        self.spent = 0.0
        self.name = name = (
            f"<derivative of {generated.primal}, {hashlib.sha256(generated.text.encode()).hexdigest()[:12]}>"
        )
        linecache.cache[name] = (len(generated.text), None, generated.text.splitlines(keepends=True), name)
        self.machine_code: dict[str, Any] | None = None
        self.tapes: list[Any] = []

    @functools.cached_property
    def whole(self) -> Rewritten:
        """Generated Python whose loops NumPy goes through; made when it first runs, not where machine code is there."""
        return with_vectors(self.generated.text, [self.generated.primal])

    @property
    def namespace(self) -> dict[str, Any]:
        """The functions that run."""
        return self.python if self.machine_code is None else self.machine_code

    @functools.cached_property
    def python(self) -> dict[str, Any]:
        """The functions as generated Python."""
        made: dict[str, Any] = dict(PLAIN, **HELPERS, compiled=_as_it_is, compiled_entry=_as_it_is)
        for code in self.whole.code(self.name):
            exec(code, made)
        return made

    # ------------------------------------------------------------------------------------ running

    def forward(
        self, arguments: Callable[[], tuple[list[Any], int]]
    ) -> tuple[list[Any], list[Any], Any, int]:
        """Run the forward half: its arguments, the result's numbers, the tape and the tape's length.

        ``arguments`` gives them, and how many elements their arrays have; once more for each time the tape was too
        short, because the program may have written into the arrays.
        """
        self.warm()
        began = time.perf_counter()
        namespace, tape = self.namespace, self.tape()
        while True:
            numbers, size = arguments()
            try:
                tape[0] = float(size)  # where there are arrays: the places taken for cotangents of elements
                found = self.run(
                    namespace, self.generated.forward, *numbers, tape, int(self.generated.memory)
                )
            except TapeFull:
                self.capacity = max(4 * len(tape), self.capacity)
                namespace, tape = self.namespace, self.tape()
                continue
            except TooDeep:
                namespace, tape = self.python, self.store(np.zeros(self.capacity))
                continue
            *results, pos = found if isinstance(found, tuple) else (found,)
            if self.state != "compiled":
                self.spent += time.perf_counter() - began
            return numbers, results, _Loan(tape, namespace, self.tapes), pos

    def call(self, name: str, arguments: Callable[[], list[Any]]) -> tuple[Any, ...]:
        """Call an entry that needs no tape; ``arguments`` as for ``forward``."""
        self.warm()
        began = time.perf_counter()
        try:
            found = self.run(self.namespace, name, *arguments())
        except TooDeep:
            found = self.run(self.python, name, *arguments())
        if self.state != "compiled":
            self.spent += time.perf_counter() - began
        return found

    def backward(self, bars: list[float], shadow: Any, tape: Any, pos: int) -> tuple[list[float], Any]:
        """Run the backward half over a tape; ``shadow`` are the cotangents of all arrays' elements."""
        began = time.perf_counter()
        numbers, namespace = tape.numbers, tape.namespace
        memory = []
        if shadow is not None:
            memory = [shadow if isinstance(numbers, np.ndarray) else self.store(shadow)]
        found = self.run(namespace, self.generated.backward, *bars, *memory, numbers, pos)
        *parts, left = found if isinstance(found, tuple) else (found,)
        if left != len(memory):
            raise AssertionError(f"the tape was not used up: {left} left")
        if self.state != "compiled":
            self.spent += time.perf_counter() - began
        return parts, memory[0] if memory else None

    def run(self, namespace: dict[str, Any], name: str, *args: Any) -> Any:
        """Call generated code; where NumPy goes through elements it keeps quiet about what Python's numbers do."""
        if namespace is self.machine_code or not self.whole.some:
            return namespace[name](*args)
        with np.errstate(all="ignore"):
            return namespace[name](*args)

    def store(self, numbers: np.ndarray) -> Any:
        """Numbers as generated Python takes them: a list, or an array with Python's floats that NumPy can read."""
        return array("d", numbers.tobytes()) if self.whole.some else numbers.tolist()

    def tape(self) -> Any:
        """A tape for one forward half: in Python one with Python's floats, an array of NumPy's for machine code."""
        if self.state != "compiled":
            return self.store(np.zeros(self.capacity))
        while self.tapes:
            tape = self.tapes.pop()
            if len(tape) >= self.capacity:
                return tape
        return np.empty(self.capacity)

    @functools.cached_property
    def as_written(self) -> dict[str, Any]:
        """The functions of the text itself, loops and all: what can be read again for a second derivative."""
        namespace: dict[str, Any] = dict(PLAIN, compiled=_as_it_is, compiled_entry=_as_it_is)
        exec(compile(self.generated.text, self.name, "exec"), namespace)
        return namespace

    # ------------------------------------------------------------------------------------ compiling

    @functools.cached_property
    def circles(self) -> bool:
        """Whether the functions call each other in a circle."""
        return calls_in_circles(self.generated.text)

    @functools.cached_property
    def is_on_disk(self) -> bool:
        """Whether an earlier process has compiled this; it was worth it then, so it is loaded at once."""
        path = cache.module_path(self.generated.text, self.generated.primal)
        return cache.done_file(path, list(self.signatures)).exists()

    def warm(self) -> None:
        """Start compiling when the mode says so, or the function has proved hot."""
        if self.state != "python" or self.failure:
            return
        chosen = mode()
        if chosen == "python":
            return
        now = chosen == "numba" or self.is_on_disk
        if not now and self.spent <= HOT_SECONDS:
            return
        if self.circles:
            self.failure = "functions that call each other in a circle are not compiled"
            return
        self.state = "compiling"
        if now:
            self.load()
        else:
            _Worker.take(self)

    def load(self) -> None:
        """Put machine code in place: from the cache, or compiled here and now."""
        if self.circles:
            return
        try:
            path = cache.module_file(self.generated.text, self.generated.primal)
            try:
                namespace = build(path, self.signatures)
            except Exception:
                if not cache.discard(path):  # machine code that is damaged is made again
                    raise
                namespace = build(path, self.signatures)
        except Exception as error:  # whatever the compiler dislikes: the generated Python stays
            self.failure = f"{type(error).__name__}: {error}"
            self.state = "python"
            if mode() == "numba":
                raise
            return
        self.machine_code = namespace
        self.state = "compiled"


class _Loan:
    """A tape, the functions that go with it, and the place it goes back to when nobody can read it any more."""

    __slots__ = ("namespace", "numbers", "pool")

    def __init__(self, numbers: Any, namespace: dict[str, Any], pool: list[Any]) -> None:
        self.numbers, self.namespace, self.pool = numbers, namespace, pool

    def __del__(self) -> None:
        if isinstance(self.numbers, np.ndarray) and len(self.pool) < 2 and len(self.numbers) < LARGEST_POOLED:
            self.pool.append(self.numbers)


def _as_it_is(function: Any) -> Any:
    return function


def build(path: Path, signatures: dict[str, list[str]]) -> dict[str, Any]:
    """The functions of a module file with the entries compiled for their signatures, through the cache.

    Where an earlier process has compiled them, the entries alone: Numba keeps the machine code of all that they call
    with theirs, and the text of a long program takes as long to read as its machine code takes to load.
    """
    import numba
    from numba import types

    known = {"float": types.float64, "int": types.int64, "bool": types.boolean}
    for element, scalar in list(known.items()):
        known |= {f"{element}[{n}]": types.Array(scalar, n, "C") for n in range(1, 6)}
    known |= {"tape": types.Array(types.float64, 1, "C"), "table": types.Array(types.float64, 2, "C")}
    known["counts"] = types.Array(types.int64, 1, "C")
    module = ModuleType(f"workbench_native_{path.stem}")
    sys.modules[module.__name__] = module  # Numba looks for it when it loads machine code from the cache
    namespace = vars(module)
    namespace |= machine()
    namespace["compiled"] = numba.njit(error_model="python")
    text = path.read_text(encoding="utf-8")
    namespace["compiled_entry"] = numba.njit(error_model="python", cache=True, nogil=True)
    namespace |= told()
    done = cache.done_file(path, list(signatures))
    tree = for_numba(text, only=signatures if done.exists() else None)
    exec(compile(tree, str(path), "exec"), namespace)
    for name, signature in signatures.items():
        namespace[name].compile(tuple(known[type_] for type_ in signature))
    done.touch()
    return namespace


class _Worker:
    """One thread that has functions compiled, one after the other, by another process."""

    waiting: queue.Queue[Compiled] = queue.Queue()
    thread: threading.Thread | None = None
    process: subprocess.Popen | None = None
    lock = threading.Lock()

    @classmethod
    def take(cls, compiled: Compiled) -> None:
        with cls.lock:
            if cls.thread is None or not cls.thread.is_alive():
                cls.thread = threading.Thread(target=cls.work, name="native-compiler", daemon=True)
                cls.thread.start()
        cls.waiting.put(compiled)

    @classmethod
    def work(cls) -> None:
        while True:
            compiled = cls.waiting.get()
            path = cache.module_file(compiled.generated.text, compiled.generated.primal)
            if not cache.done_file(path, list(compiled.signatures)).exists():
                cls.compile_elsewhere(compiled, path)
            if not compiled.failure:
                compiled.load()

    @classmethod
    def compile_elsewhere(cls, compiled: Compiled, path: Path) -> None:
        code = "import sys; from workbench.autodiff.native.compile import fill; fill(*sys.argv[1:])"
        root = str(Path(__file__).resolve().parents[3])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-c", code, str(path), json.dumps(compiled.signatures)]
        cls.process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        _, errors = cls.process.communicate()
        if cls.process.returncode:
            compiled.failure = (
                errors.decode(errors="replace").strip().splitlines()[-1] if errors else "killed"
            )
            compiled.state = "python"

    @classmethod
    def end(cls) -> None:
        """Do not leave a compiler behind."""
        if cls.process is not None and cls.process.poll() is None:
            cls.process.terminate()


atexit.register(_Worker.end)


def fill(path: str, signatures: str) -> None:
    """Compile a module file into the cache; what the other process runs."""
    build(Path(path), json.loads(signatures))
