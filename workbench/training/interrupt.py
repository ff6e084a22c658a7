"""Ctrl-C that lets the work under way finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def note_first_interrupt() -> Iterator[list[int]]:
    """Note the first Ctrl-C in the list given instead of raising; the second is Python's own.

    Python tells of Ctrl-C in the main thread only; in any other thread the list stays empty.
    """
    interrupted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt(number: int, frame: object) -> None:
        interrupted.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
