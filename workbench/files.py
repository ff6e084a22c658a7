"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LEFTOVER = ".part"
"""How the name of a file ends that was being written when its writer was killed."""


def write_whole(path: Path | str, data: bytes | str) -> None:
    """Replace the file at ``path`` by ``data``, or leave it as it was if anything goes wrong.

    The data reach the disk under another name in the same folder before they take the file's name, and the
    folder is flushed too: after a power cut the file is the old one or the new one.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full; no temporary file is left.
    """
    path = Path(path)
    content = data.encode() if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=LEFTOVER, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the folder's list of names reach the disk (where the system can: not on Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
