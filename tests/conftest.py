"""Fixtures shared by all rooms of the test suite."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

# A shell that starts the checks in the background has them ignore Ctrl-C, and so would every run they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top folder of the repository."""
    return Path(__file__).resolve().parents[1]
