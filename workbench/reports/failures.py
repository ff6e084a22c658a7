"""What went wrong in a headless run, in words for the person who started it."""

from __future__ import annotations

import resource
import signal
import sys
import textwrap
from typing import Any

from workbench.errors import MachineError, RunError, RunInterruptedError, RunTimeoutError
from workbench.reports.execution import Terminated
from workbench.reports.store import RunDirectory, storage_error

_DISK_FULL = ("No space left on device", "Disk quota exceeded")


def explained(error: BaseException, directory: RunDirectory, timeout: float | None) -> BaseException:
    """The error as the user should read it. What no one foresaw comes back as it is."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    where = str(directory.path)
    reached = directory.begun
    again = "--resume goes on from the last checkpoint" if reached else "nothing was reached; run it again"
    if isinstance(error, KeyboardInterrupt):
        number = error.args[0] if isinstance(error, Terminated) else signal.SIGINT
        how = "by Ctrl-C" if number == signal.SIGINT else f"by {signal.Signals(number).name}"
        return RunInterruptedError(f"the run was stopped {how}", signal=int(number), where=where, fix=again)
    slow_start = isinstance(error, RuntimeError) and "respond in" in str(error)
    if isinstance(error, CellTimeoutError) or (slow_start and timeout is not None):
        what = f"the run did not end within {timeout:g} seconds"
        return RunTimeoutError(what, where=where, fix=f"{again}, with a longer --timeout")
    if isinstance(error, DeadKernelError):
        return RunError(
            "the notebook's kernel was killed, most likely because memory ran out",
            found=f"peak memory {peak_memory()}",
            where=where,
            fix=f"{again}; close other programs or take a smaller preset",
        )
    if isinstance(error, PapermillExecutionError):
        return _failed_cell(error, directory, again)
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return storage_error(error, directory.path)
    if isinstance(error, NoSuchKernel):
        return MachineError(
            "Jupyter finds no Python kernel",
            found=str(error),
            where="the environment of `workbench`",
            fix="install the workbench into an environment of its own (`make lab` does)",
        )
    if isinstance(error, RuntimeError):
        return RunError("the notebook's kernel did not start", found=str(error), where=where, fix=again)
    return error


def _failed_cell(error: Any, directory: RunDirectory, again: str) -> BaseException:
    text = f"{error.evalue}\n" + "\n".join(error.traceback)
    if any(sign in text for sign in _DISK_FULL):
        return MachineError(
            "the disk is full",
            found=f"{error.ename}: {error.evalue}",
            where=str(directory.path),
            fix=f"free some space, or give another --out directory; {again}",
        )
    reason = error.evalue
    if "\n" in reason:  # one of our own messages, with parts of its own
        reason = "\n" + textwrap.indent(reason, "    ")
    return RunError(
        f"cell [{error.exec_count}] of the notebook failed",
        found=f"{error.ename}: {reason}",
        where=str(directory.notebook),
        fix=f"open the notebook at that address to see the cell; {again}",
    )


def peak_memory() -> str:
    """The largest resident size that any ended child of this process has had, the kernel's in practice."""
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**20:.0f} MiB"
