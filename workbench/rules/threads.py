"""Threads started by a program go on recording on its tapes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.indexing import iterate
from workbench.autodiff.registry import door
from workbench.autodiff.scalars import lost
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced


def _carried(function: Callable) -> Callable:
    return OPEN.carried(resolve(function)) if OPEN else function


@door(threading.Thread)
def thread(group: None = None, target: Callable | None = None, *args: Any, **kwargs: Any) -> threading.Thread:
    """A thread whose target is rewritten."""
    return threading.Thread(group, None if target is None else _carried(target), *args, **kwargs)


@door(ThreadPoolExecutor.submit)
def submit(pool: Executor, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
    """A call in another thread of the pool."""
    return ThreadPoolExecutor.submit(pool, _carried(function), *args, **kwargs)


@door(Executor.map)
def map_(pool: Executor, function: Callable, *sources: Iterable, **kwargs: Any) -> Any:
    """Calls in the pool's threads, in order."""
    return Executor.map(pool, _carried(function), *[iterate(s) for s in sources], **kwargs)


@door(ProcessPoolExecutor.submit)
def submit_to_process(pool: Executor, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
    """A call in another process: traced values cannot go there."""
    if contains_traced(args) or contains_traced(kwargs):
        raise lost("a traced value was about to be sent to another process")
    return ProcessPoolExecutor.submit(pool, function, *args, **kwargs)
