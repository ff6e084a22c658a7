"""What ``with`` and ``async with`` enter in rewritten programs: context managers whose methods are rewritten."""

from __future__ import annotations

from typing import Any

from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.subarrays import class_of


class _Context:
    """A manager, by the methods of its class."""

    __slots__ = ("manager",)

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def _call(self, name: str, *args: Any) -> Any:
        return resolve(python_method(class_of(self.manager), name))(self.manager, *args)

    def __enter__(self) -> Any:
        return self._call("__enter__")

    def __exit__(self, *raised: Any) -> Any:
        return self._call("__exit__", *raised)

    async def __aenter__(self) -> Any:
        return await self._call("__aenter__")

    async def __aexit__(self, *raised: Any) -> Any:
        return await self._call("__aexit__", *raised)


def context(manager: Any) -> Any:
    """What a ``with`` statement enters."""
    return _entered(manager, "__enter__", "__exit__")


def async_context(manager: Any) -> Any:
    """What an ``async with`` statement enters."""
    return _entered(manager, "__aenter__", "__aexit__")


def _entered(manager: Any, *names: str) -> Any:
    kind = class_of(manager)
    written = all(python_method(kind, name) is not None for name in names)
    return _Context(manager) if written and kind.__module__ != "contextlib" else manager


REWRITTEN_DOORS.update(context=context, async_context=async_context)
