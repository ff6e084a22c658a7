"""Asynchronous protocols of rewritten programs: ``await``, ``async for`` and ``async with`` run rewritten methods."""

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


class _Context:
    """An asynchronous context manager whose methods are rewritten."""

    __slots__ = ("manager",)

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    async def __aenter__(self) -> Any:
        return await resolve(python_method(type(self.manager), "__aenter__"))(self.manager)

    async def __aexit__(self, *raised: Any) -> Any:
        return await resolve(python_method(type(self.manager), "__aexit__"))(self.manager, *raised)


def async_context(manager: Any) -> Any:
    """What an ``async with`` statement enters."""
    kind = type(manager)
    both = (python_method(kind, "__aenter__"), python_method(kind, "__aexit__"))
    return manager if None in both or kind.__module__ == "contextlib" else _Context(manager)


REWRITTEN_DOORS.update(awaited=awaited, async_iterate=async_iterate, async_context=async_context)
