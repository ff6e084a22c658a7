"""Other processes: traced values cannot go there, neither by themselves nor in arrays that hold them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue, SimpleQueue
from typing import Any

from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.scalars import lost
from workbench.autodiff.surroundings import reachable
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced
from workbench.autodiff.text import tape_in
from workbench.rules.threads import carried


def _leaves_the_process(method: Callable) -> None:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return method(self, *args, **kwargs)
        if isinstance(self, ThreadPool):
            return method(self, carried(args[0]), *args[1:], **kwargs)
        args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)
        _check([*args, *kwargs.values()])
        return method(self, *args, **kwargs)

    DOORS[method] = call


def _check(sent: list[Any]) -> None:
    """Nothing traced is in what another process gets, nor in the functions among it.

    Raises:
        LostGradientError: something is.
    """
    if any(contains_traced(x) or tape_in(x) is not None for x in reachable(sent)):
        raise lost("a traced value was about to be sent to another process")


@door(BaseProcess.start)
def start(self: BaseProcess) -> None:
    """``multiprocessing.Process(…).start()``."""
    if OPEN:
        _check([self])
    BaseProcess.start(self)


for _name in (
    "apply",
    "apply_async",
    "map",
    "map_async",
    "imap",
    "imap_unordered",
    "starmap",
    "starmap_async",
):
    _leaves_the_process(getattr(Pool, _name))
for _method in (
    ProcessPoolExecutor.map,
    ProcessPoolExecutor.submit,
    Queue.put,
    SimpleQueue.put,
    Connection.send,
):
    _leaves_the_process(_method)
