"""Small ordinary programs, none of which knows of differentiation. Each is run with its arguments by the tests.

``@program(*args)`` registers a function; several argument sets may be given by stacking decorators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PROGRAMS: list[tuple[str, Callable, tuple]] = []


def program(*args: Any) -> Callable:
    """Decorator: a program and the arguments at which its gradient is checked."""

    def register(function: Callable) -> Callable:
        PROGRAMS.append((f"{function.__module__.rpartition('.')[2]}.{function.__name__}", function, args))
        return function

    return register
