"""Where compiled code is kept between processes.

A generated module is a file named after a hash of its text, of the functions it calls and of the versions of
everything that compiles it; Numba keeps the machine code next to it. A file is never changed once it is there, so
nothing can be stale, and two processes that write the same one write the same. Without a folder that can be written
to, a private one serves for the life of the process.

``WORKBENCH_CACHE`` names the folder; the default is ``~/.cache/workbench``.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import sys
import tempfile
from pathlib import Path


@functools.cache
def folder() -> Path:
    """The folder for generated modules."""
    root = os.environ.get("WORKBENCH_CACHE")
    home = (
        Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workbench"
    )
    wanted = home / "native"
    try:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        return Path(tempfile.mkdtemp(prefix="workbench-native-"))


@functools.cache
def _versions() -> str:
    names = ("functions.py", "runtime.py", "compile.py", "numba_text.py")
    files = map(Path(__file__).with_name, names)
    rules = "".join(file.read_text(encoding="utf-8") for file in files)
    versions = [importlib.metadata.version(name) for name in ("numba", "llvmlite", "numpy")]
    return "\n".join([sys.version, *versions, rules])


def module_path(text: str, name: str) -> Path:
    """Where a generated module belongs."""
    key = hashlib.sha256(f"{_versions()}\n{text}".encode()).hexdigest()[:24]
    return folder() / f"{name}_{key}.py"


def module_file(text: str, name: str) -> Path:
    """The file that holds a generated module; it is written if it is not there."""
    path = module_path(text, name)
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # never replaces: another process may be using the file
        os.unlink(temporary)
    return path


def done_file(path: Path, entries: list[str]) -> Path:
    """The empty file that says that a module's machine code for these entries is complete."""
    key = hashlib.sha256(" ".join(sorted(entries)).encode()).hexdigest()[:8]
    return path.with_suffix(f".{key}.done")


def discard(path: Path) -> bool:
    """Remove the machine code of a module; whether there was any."""
    found = [*path.parent.rglob(f"{path.stem}.*.nb[ic]"), *path.parent.glob(f"{path.stem}.*.done")]
    for file in found:
        file.unlink(missing_ok=True)
    return bool(found)
