"""Asynchronous protocols of rewritten programs: ``await`` and ``async for`` run rewritten methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.rewritten import REWRITTEN_DOORS


class _Awaited:
    """An awaitable object whose ``__await__`` is rewritten."""

    __slots__ = ("awaitable", "method")

    def __init__(self, awaitable: Any, method: Callable) -> None:
        self.awaitable, self.method = awaitable, method

    def __await__(self) -> Iterator[Any]:
        return resolve(self.method)(self.awaitable)


def awaited(x: Any) -> Any:
    """What ``await`` waits for."""
    own = python_method(type(x), "__await__")
    return x if own is None else _Awaited(x, own)


def async_iterate(source: Any) -> Any:
    """What an ``async for`` loop runs over."""
    own = python_method(type(source), "__aiter__")
    made = source if own is None else resolve(own)(source)
    step = python_method(type(made), "__anext__")
    return made if step is None else _steps(made, resolve(step))


async def _steps(iterator: Any, step: Callable) -> AsyncIterator[Any]:
    while True:
        try:
            value = await step(iterator)
        except StopAsyncIteration:
            return
        yield value


REWRITTEN_DOORS.update(awaited=awaited, async_iterate=async_iterate)
