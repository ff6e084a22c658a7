"""The user's line: which frame of a running program an error is about."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

_ENGINE = tuple(
    str(Path(__file__).resolve().parent.parent / room)
    for room in ("autodiff", "rules", "checks.py", "solvers/engine_rules.py")
)
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_INSTALLED = tuple(os.sep + name + os.sep for name in ("site-packages", "dist-packages"))
_LIBRARIES = tuple(os.sep + name + os.sep for name in ("numpy", "scipy", "autograd"))


def is_engine_file(filename: str) -> bool:
    """Whether a frame with this file name is the engine itself and not a user's program."""
    return filename.startswith(_ENGINE)


def is_library_file(filename: str) -> bool:
    """Whether a frame with this file name is a numeric or the standard library and not a user's program."""
    if filename.startswith(_STANDARD):
        return not any(part in filename for part in _INSTALLED) or any(
            part in filename for part in _LIBRARIES
        )
    return any(part in filename for part in _LIBRARIES)


def is_users_module(module: ModuleType) -> bool:
    """Whether a module is a user's own: written by the user, or made by a program."""
    name = getattr(module, "__file__", None)
    if name is None:
        return getattr(module, "__spec__", None) is None
    return not (is_engine_file(name) or is_library_file(name) or any(part in name for part in _INSTALLED))


def user_frame() -> FrameType | None:
    """The innermost running frame that is neither the engine nor a numeric library nor Python's own."""
    frame = sys._getframe(1)
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    return frame


def running_frame() -> FrameType | None:
    """The innermost running frame that is not the engine."""
    frame = sys._getframe(1)
    while frame is not None and is_engine_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def asked_by_engine(frame: FrameType | None) -> bool:
    """Whether ``frame`` is the engine's, or a numeric library's that the engine has called."""
    while frame is not None and is_library_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and is_engine_file(frame.f_code.co_filename)


def user_line() -> str | None:
    """The user's current line as its place, the source line and a caret under the expression.

    Inside of an installed package it is that package's, with the line of the user's own file that led there.
    """
    frame = user_frame()
    if frame is None:
        return None
    text = describe(frame.f_code, frame.f_lasti, frame.f_lineno)
    if _is_installed(frame):
        while frame is not None and (_is_installed(frame) or not _is_users(frame)):
            frame = frame.f_back
        if frame is not None:
            text += f"\n  called from {describe(frame.f_code, frame.f_lasti, frame.f_lineno)}"
    return text


def _is_users(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return not is_engine_file(name) and not is_library_file(name)


def _is_installed(frame: FrameType) -> bool:
    return any(part in frame.f_code.co_filename for part in _INSTALLED)


def place(filename: str, lineno: int, *, folder: bool = True) -> str:
    """``file:line``, with the file's folder or without; of a notebook's cell, whose file is none, its number.

    The number is what IPython's own tracebacks call the cell: ``Cell In[3], line 2``.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    named = shell.compile.format_code_name(filename) if shell is not None else None
    if named is not None:
        return f"{' '.join(named)}, line {lineno}"
    return f"{filename if folder else os.path.basename(filename)}:{lineno}"


def describe(code, instruction: int, lineno: int) -> str:
    """The place and its function, with the source line and a caret under the running expression."""
    text = f"{place(code.co_filename, lineno)} in {code.co_name}"
    line = linecache.getline(code.co_filename, lineno).rstrip("\n")
    if not line.strip():
        return text
    start = end = column = end_column = None
    position = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
    if position is not None:
        start, end, column, end_column = position
    indent = len(line) - len(line.lstrip())
    text += f"\n    {line.strip()}"
    if column is not None and start == lineno:
        stop = end_column if end == start else len(line)
        text += f"\n    {' ' * max(column - indent, 0)}{'^' * max(stop - column, 1)}"
    return text


def name_of(function: Any) -> str:
    """A function's name as a user would write it."""
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", repr(function))
    return name if module in ("builtins", "__main__", "") else f"{module}.{name}"
