"""Notebooks found and executed.

papermill as this project uses it: saves that replace the file at once, progress as it happens, one deadline
for the whole run, and signals that end it in an orderly way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench.errors import MachineError
from workbench.files import write_whole
from workbench.reports.store import RunDirectory

if TYPE_CHECKING:
    import nbformat
    from jupyter_client.manager import AsyncKernelManager

Say = Callable[[str], None]
_WHOLE = "whole:"  # the scheme under which papermill finds the writer that replaces files at once
_START_SECONDS = 120


def find_notebook(name: str) -> Path:
    """The showcase's notebook: in the checkout this package belongs to, or below the working directory.

    Raises:
        MachineError: there is none, as when the package was installed without its checkout.
    """
    places = (Path(workbench.__file__).resolve().parents[1] / "notebooks", Path.cwd() / "notebooks")
    for place in places:
        if (place / name).is_file():
            return place / name
    known = sorted({file.stem for place in places for file in place.glob("*.ipynb")})
    raise MachineError(
        f"the notebook {name} is not on this machine",
        found="looked in " + " and ".join(str(place) for place in dict.fromkeys(places)),
        fix=f"choose one of {', '.join(known)}"
        if known
        else "clone the repository and run from its top folder",
    )


def execute(
    notebook: nbformat.NotebookNode,
    directory: RunDirectory,
    injected: dict[str, Any],
    *,
    timeout: float | None,
    say: Say,
) -> None:
    """Run the notebook's cells in a fresh kernel and save it after each.

    Args:
        notebook: with one cell tagged "parameters".
        directory: receives the notebook; also the kernel's working directory, so a stray file stays in it.
        injected: values for the parameters cell.
        timeout: seconds for everything together.
        say: receives the headings as they are reached and the lines that the notebook prints.
    Raises:
        Exception: whatever papermill and the notebook client raise; ``failures.explained`` makes it readable.
    """
    import papermill
    from papermill.iorw import papermill_io

    papermill_io.register(_WHOLE, _WholeFiles)
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    progress = _Progress(notebook, say)
    deadline = time.monotonic() + timeout if timeout is not None else None
    limits = {}
    if deadline is not None:
        limits["timeout_func"] = lambda cell: max(0.01, deadline - time.monotonic())
    # Sockets in a private folder: no port to be taken by another kernel, none for other users to listen at.
    with tempfile.TemporaryDirectory(prefix="workbench-") as sockets, _kernel(sockets, progress) as manager:
        papermill.execute_notebook(
            notebook,
            (_WHOLE + str(directory.notebook)).replace("{", "{{").replace("}", "}}"),
            parameters=injected,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            stdout_file=progress,
            start_timeout=min(_START_SECONDS, timeout or _START_SECONDS),
            iopub_timeout=60,  # seconds to wait for a cell's last output on a busy machine
            cwd=str(directory.path),
            on_cell_execute=progress.cell,
            extra_arguments=["--log-level=CRITICAL"],  # what goes wrong is reported here, in words
            km=manager,
            **limits,
        )


@contextlib.contextmanager
def _kernel(sockets: str, progress: _Progress) -> Iterator[AsyncKernelManager]:
    """The manager of a kernel that is gone at the end, wherever the run was interrupted."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    class Manager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:
            # What cells print comes as messages; beside them the kernel only tells of its own end, which is told here.
            with _signals_held():
                await super().start_kernel(stderr=subprocess.DEVNULL, **options)

        def client(self, **options: Any) -> Any:
            clients.append(super().client(**options))
            return clients[-1]

    async def end() -> None:
        # What waits for the kernel must not see it end: nobody is left to hear of that.
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for client in clients:
            client.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=not progress.begun)
        else:
            await manager.cleanup_resources()

    clients: list[Any] = []
    manager = Manager(kernel_name="python3", **_transport(sockets))
    try:
        yield manager
    finally:
        run_sync(end)()


def _transport(sockets: str) -> dict[str, str]:
    """Sockets in the folder, where the system's limit on the length of their names (104 or more) allows it."""
    return {"transport": "ipc", "ip": f"{sockets}/kernel"} if len(sockets) < 90 else {}


class _WholeFiles:
    """How papermill writes notebooks: each save replaces the file at once."""

    @staticmethod
    def write(text: str, path: str) -> None:
        write_whole(Path(path.removeprefix(_WHOLE)), text)

    @staticmethod
    def pretty_path(path: str) -> str:
        return path


class _Progress:
    """Says which cell is at work and passes on, line by line, what the notebook prints: its losses."""

    def __init__(self, notebook: nbformat.NotebookNode, say: Say) -> None:
        self._say, self._rest = say, ""
        self._total = 1 + sum(cell.cell_type == "code" for cell in notebook.cells)  # papermill adds one
        self._done, self._heading = 0, ""
        self._headings = {}
        heading = "start"
        for cell in notebook.cells:
            found = re.findall(r"^#+ +(.+)$", cell.source, re.M) if cell.cell_type == "markdown" else []
            heading = found[-1] if found else heading
            self._headings[cell.get("id")] = heading

    @property
    def begun(self) -> bool:
        """Whether a cell has been sent to the kernel."""
        return self._done > 0

    def cell(self, cell: nbformat.NotebookNode, **_: Any) -> None:
        """Called by the notebook client as each code cell begins."""
        self._done += 1
        heading = self._headings.get(cell.get("id"), self._heading or "parameters")
        if heading != self._heading:
            self._say(f"  [{min(self._done, self._total):>2}/{self._total}] {heading}")
        self._heading = heading

    def write(self, text: str) -> None:
        """Part of the file protocol papermill expects."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._say("        " + line.rsplit("\r", 1)[-1])

    def flush(self) -> None:
        """Part of the file protocol papermill expects; lines are passed on when they are whole."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, treated as Ctrl-C is."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """While this is open, SIGTERM and SIGHUP end the run in an orderly way, as Ctrl-C does."""

    def end(number: int, frame: Any) -> None:
        raise Terminated(number)

    with handled(end, signal.SIGTERM, signal.SIGHUP):
        yield


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """What would end the run waits while this is open: nobody could end a kernel that is half started."""
    came: list[int] = []
    with handled(lambda number, frame: came.append(number), signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield
    if came:
        signal.raise_signal(came[0])


@contextlib.contextmanager
def handled(handler: Callable[[int, Any], object], *numbers: signal.Signals) -> Iterator[None]:
    """Handle the signals in this way while this is open, in the main thread: no other is told of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
