"""Arguments that several commands have in common, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import ParameterError

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
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def retries(text: str) -> int:
    """A whole number, 0 or more."""
    if int(text) < 0:
        raise ValueError
    return int(text)


seconds.__name__ = "number of seconds"  # what argparse calls the type in its message
count.__name__ = retries.__name__ = "number"


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
