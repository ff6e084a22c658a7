"""Event loops that hand a call to another thread: it goes on recording there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from workbench.autodiff.registry import door
from workbench.rules.threads import carried


@door(asyncio.to_thread)
async def to_thread(function: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """``asyncio.to_thread``."""
    return await asyncio.to_thread(carried(function), *args, **kwargs)


@door(asyncio.BaseEventLoop.run_in_executor)
def run_in_executor(loop: Any, executor: Any, function: Callable, *args: Any) -> Any:
    """``loop.run_in_executor``."""
    return asyncio.BaseEventLoop.run_in_executor(loop, executor, carried(function), *args)
