"""Arguments that several commands have in common, and how their texts are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TypeVar

from workbench.errors import ParameterError

T = TypeVar("T", int, float)

EXIT_CODES = """\
exit codes:
  0    the run is complete (its result.json is), or the command did what it says
  2    wrong usage: unknown showcase, option or parameter, a value of the wrong type or out of range
  3    the run failed: a cell raised an error, the kernel was killed, no complete result was written
  4    the run did not end within --timeout
  5    the machine: full disk, directory that cannot be written to, something not installed
  130  stopped by Ctrl-C
  141  whoever was reading the output went away
  143  stopped by SIGTERM
"""


def seconds(text: str) -> float:
    """A positive number of seconds."""
    return _number(text, float, lambda value: 0 < value < float("inf"), "a number of seconds above 0")


def count(text: str) -> int:
    """A whole number, 1 or more."""
    return _number(text, int, lambda value: value >= 1, "a whole number, 1 or more")


def retries(text: str) -> int:
    """A whole number, 0 or more."""
    return _number(text, int, lambda value: value >= 0, "a whole number, 0 or more")


def _number(text: str, kind: Callable[[str], T], fits: Callable[[T], bool], expected: str) -> T:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected {expected}")
    return value


def check_folder(option: str, text: str) -> None:
    """Refuse what is no folder of this machine, such as ``s3://bucket``.

    Raises:
        ParameterError: it has a scheme, or a character that no path may have.
    """
    if "://" in text or "\0" in text or not text.strip():
        raise ParameterError(
            "runs are kept in a folder of this machine",
            found=f"got {text!r}",
            where=option,
            fix="give the path of a folder",
        )


def parameter_texts(assignments: Sequence[str]) -> dict[str, str]:
    """``name=value`` texts as a dict.

    Raises:
        ParameterError: one of them is none, or a name comes twice.
    """
    texts: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip() or name.strip() in texts:
            problem = "the same parameter twice" if name.strip() in texts else "no name=value"
            raise ParameterError(
                f"-p {assignment} cannot be read",
                found=problem,
                where="-p",
                fix="write -p name=value, once for each parameter",
            )
        texts[name.strip()] = value.strip()
    return texts
