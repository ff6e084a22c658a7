"""Files that a program has saved traced values in: while it runs, reading numbers out of them is refused."""

from __future__ import annotations

import io
import os
import weakref
from typing import Any

from workbench.autodiff.scalars import lost
from workbench.autodiff.tape import OPEN, Tape
from workbench.autodiff.telling import contains_traced

_files: dict[str, weakref.ref[Tape]] = {}
_open: weakref.WeakKeyDictionary[Any, weakref.ref[Tape]] = weakref.WeakKeyDictionary()
BYTE_STREAMS = frozenset({io.BufferedReader, io.BufferedRandom, io.FileIO, io.BytesIO})
"""Buffers and files of bytes."""


def note_saved(file: Any, *values: Any, suffix: str = "") -> None:
    """``values`` are about to be saved in a file, given by its name or open; a name may get a ``suffix``."""
    path = _path(file)
    if path is None:
        return
    for name in {path, path.removesuffix(suffix) + suffix}:
        _files.pop(name, None)
        if OPEN.stack and contains_traced(values):
            _files[name] = weakref.ref(OPEN.stack[0])


def note_text(file: Any, tape: Tape) -> None:
    """Text that a number of ``tape`` is written in is about to be written into a file."""
    if type(file) is io.TextIOWrapper:
        _open[file] = _open[file.buffer] = weakref.ref(tape)
    if (path := _path(file)) is not None:
        _files[path] = weakref.ref(tape)


def note_moved(file: Any, to: Any) -> None:
    """A file is about to be copied, or to get another name."""
    found = _files.get(_path(file))
    _files.pop(_path(to), None)
    if found is not None:
        _files[_path(to)] = found


def saved_in(file: Any) -> Tape | None:
    """The tape of the traced numbers in a file, as long as its program runs."""
    found = _open.get(file) if type(file) is io.TextIOWrapper or type(file) in BYTE_STREAMS else None
    found = found or _files.get(_path(file))
    tape = found() if found is not None else None
    return tape if tape is not None and tape.open else None


def check_read(file: Any) -> None:
    """Numbers are about to be read out of a file.

    Raises:
        LostGradientError: traced values were saved in it, by the program that is still running.
    """
    if saved_in(file) is not None:
        raise lost(
            "numbers were about to be read out of a file that traced values were saved in",
            fix="use the array itself in place of what the file holds, or, if no derivative is wanted here, save"
            " workbench.stop_gradient(x)",
        )


def _path(file: Any) -> str | None:
    name = file if isinstance(file, os.PathLike) else getattr(file, "name", file)
    return os.path.realpath(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else None
