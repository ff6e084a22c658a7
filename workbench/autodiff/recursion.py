"""How deep Python may call while syntax is gone through, and the lock of all who change that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

RECURSION_LIMIT = threading.RLock()
"""Held while Python's limit of recursion is changed for a time, so that what is put back is what was there."""


_MOST = 2**31 - 1  # that Python takes


def deepen(times: int) -> tuple[int, int]:
    """Let Python call so many times as deep: the limits before and since, for ``put_back``."""
    before = sys.getrecursionlimit()
    since = min(times * before, _MOST)
    sys.setrecursionlimit(since)
    return before, since


def put_back(limits: tuple[int, int]) -> None:
    """Let the limit be what it was, unless the program has set another one."""
    before, since = limits
    if sys.getrecursionlimit() == since:
        sys.setrecursionlimit(before)


@contextmanager
def deep_syntax() -> Iterator[None]:
    """Let a walk over syntax go as deep as an expression has terms, far beyond Python's limit.

    Python functions that call each other take no room on the machine's stack; the limit is put back behind them.
    """
    with RECURSION_LIMIT:
        limits = deepen(50)
        try:
            yield
        finally:
            put_back(limits)
