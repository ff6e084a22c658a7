"""One run of the small showcase as a sweep's worker does it, in a process of its own that is there to be broken."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from pathlib import Path


def work(folder: Path, log: Path, pace: float, limit: int | None, humble: bool) -> None:
    """Do the run in ``folder``, going on from whatever lies there; a checkpoint every 0.05 seconds.

    Args:
        folder: the run's.
        log: receives what a user would read, stderr included; "begun" when the training begins.
        pace: seconds to sleep in each iteration; while a file lies beside the folder, as its ``.hold``, none ends.
        limit: bytes that a file may grow to.
        humble: give up root's right to pass over permissions.
    """
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if humble:
        _give_up_capabilities()
    import line_fit

    from workbench.errors import WorkbenchError
    from workbench.reports import direct
    from workbench.reports.store import RunDirectory, storage_errors

    direct.CHECKPOINT_SECONDS = 0.05

    def at_this_pace() -> bool:
        time.sleep(pace)
        while hold.exists():
            time.sleep(0.01)
        return False

    directory, hold = RunDirectory(folder), folder.with_suffix(".hold")
    try:
        directory.create()
        with directory.locked(), storage_errors(directory.path):
            log.with_suffix(".begun").touch()
            if not directory.complete:
                parameters = line_fit.LineParameters(iterations=400)
                direct.run_directly(line_fit.SHOWCASE, parameters, directory, stop=at_this_pace)
    except WorkbenchError as error:
        raise SystemExit(f"workbench: {error}") from None


def _give_up_capabilities() -> None:
    """Stay the same user, with no right but those of the files' modes."""
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(version_3, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")
