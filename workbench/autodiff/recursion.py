"""How deep Python may call while syntax is gone through, and the lock of all who change that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

RECURSION_LIMIT = threading.RLock()
"""Held while Python's limit of recursion is changed for a time, so that what is put back is what was there."""


@contextmanager
def deep_syntax() -> Iterator[None]:
    """Let a walk over syntax go as deep as an expression has terms, far beyond Python's limit.

    Python functions that call each other take no room on the machine's stack; the limit is put back behind them.
    """
    with RECURSION_LIMIT:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(50 * before)
        try:
            yield
        finally:
            sys.setrecursionlimit(before)
