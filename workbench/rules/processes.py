"""Other processes: traced values cannot go there, neither by themselves nor in arrays that hold them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.queues import Queue, SimpleQueue
from typing import Any

from workbench.autodiff.arrays import current
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED, lost
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced
from workbench.rules.threads import carried


def _leaves_the_process(method: Callable) -> None:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not OPEN:
            return method(self, *args, **kwargs)
        if isinstance(self, ThreadPool):
            return method(self, carried(args[0]), *args[1:], **kwargs)
        args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)
        sent = [*args, *kwargs.values()]
        if contains_traced(sent) or any(type(current(leaf)) in TRACED for leaf in leaves(sent)):
            raise lost("a traced value was about to be sent to another process")
        return method(self, *args, **kwargs)

    DOORS[method] = call


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
