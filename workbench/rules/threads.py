"""Threads started by a program go on recording on its tapes; variables of a context are plain again behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.indexing import iterate
from workbench.autodiff.registry import OWNER_DOORS, door
from workbench.autodiff.settling import note_elements
from workbench.autodiff.tape import OPEN


def carried(function: Callable) -> Callable:
    """A function to be called in another thread, as a part of the program that runs in this one."""
    return OPEN.carried(resolve(function)) if OPEN else function


@door(threading.Thread)
def thread(group: None = None, target: Callable | None = None, *args: Any, **kwargs: Any) -> threading.Thread:
    """A thread whose target is rewritten."""
    return threading.Thread(group, None if target is None else carried(target), *args, **kwargs)


@door(threading.Thread.start)
def start(self: threading.Thread) -> None:
    """A thread with a ``run`` of its own, or one that waits before it calls a function."""
    if OPEN and isinstance(self, threading.Timer):
        self.function = carried(self.function)
    elif OPEN and type(self).run is not threading.Thread.run:
        self.run = carried(self.run)
    threading.Thread.start(self)


@door(ThreadPoolExecutor.submit)
def submit(pool: Executor, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
    """A call in another thread of the pool."""
    return ThreadPoolExecutor.submit(pool, carried(function), *args, **kwargs)


@door(Executor.map)
def map_(pool: Executor, function: Callable, *sources: Iterable, **kwargs: Any) -> Any:
    """Calls in the pool's threads, in order."""
    return Executor.map(pool, carried(function), *[iterate(s) for s in sources], **kwargs)


def _of_variable(method: Callable, variable: ContextVar) -> Callable:
    if method.__name__ == "set":
        note_elements(variable)
    return compiled_door(method)


OWNER_DOORS[ContextVar] = _of_variable
