"""What a worker does: one run, and an outcome that is plain data.

Where the worker sees the sweep's own folder of runs (a token file in it tells), it works there, and a killed
worker's successor goes on from the checkpoint. Elsewhere it works in a folder of its own and sends the files.
"""

from __future__ import annotations

import json
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from distributed import get_worker

from workbench.errors import MachineError, RunInterruptedError, RunTimeoutError, WorkbenchError
from workbench.reports import store
from workbench.reports.direct import run_directly
from workbench.reports.store import RunDirectory, storage_errors
from workbench.sweeps.plan import Job

Status = Literal["complete", "failed", "timeout", "interrupted"]
TOPIC = "workbench-sweep"

_stopped: set[str] = set()


@dataclass(frozen=True)
class Outcome:
    """How a run ended; ``files`` are its files where the worker could not put them into their place."""

    run_id: str
    status: Status
    seconds: float
    error: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


def stop(token: str) -> None:
    """Make the runs of this sweep on this worker end after the iteration under way, with a checkpoint."""
    _stopped.add(token)


def do(job: Job) -> Outcome:
    """Do one run. What goes wrong with it is an outcome too, never an exception."""
    began = time.monotonic()
    shared = Path(job.out, job.token).exists()
    with tempfile.TemporaryDirectory(prefix="workbench-") as own:
        directory = RunDirectory(Path(job.out if shared else own) / job.run_id)
        status, error = _attempt(job, directory)
        files = {} if shared else _files(directory)
    return Outcome(job.run_id, status, time.monotonic() - began, error, files)


def _attempt(job: Job, directory: RunDirectory) -> tuple[Status, str]:
    try:
        if job.token in _stopped:
            return "interrupted", ""
        _check_source(job)
        directory.create()
        with directory.locked(), storage_errors(directory.path):
            if not directory.complete:
                (_as_notebook if job.notebook is not None else _as_function)(job, directory)
        return "complete", ""
    except RunTimeoutError as error:
        return "timeout", str(error)
    except (RunInterruptedError, KeyboardInterrupt) as error:
        return "interrupted", str(error)
    except WorkbenchError as error:
        return "failed", str(error)
    except Exception as error:  # the showcase's own: recorded with the place it came from
        return "failed", f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}".rstrip()


def _as_function(job: Job, directory: RunDirectory) -> None:
    run_directly(
        job.showcase,
        job.parameters,
        directory,
        preset=job.preset,
        timeout=job.timeout,
        stop=lambda: job.token in _stopped,
        tell=_teller(job),
    )


def _as_notebook(job: Job, directory: RunDirectory) -> None:
    from workbench.reports import html
    from workbench.reports.runner import run_notebook

    tell = _teller(job)
    tell({})
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        source = Path(folder) / "notebook.ipynb"
        source.write_text(job.notebook or "", encoding="utf-8")
        run_notebook(
            source,
            directory,
            job.showcase,
            job.parameters,
            preset=job.preset,
            timeout=job.timeout,
            say=lambda line: None,
        )
    html.write_report(directory, job.showcase)


def _check_source(job: Job) -> None:
    """The worker's package must be the one that asked, or results would carry the wrong identity."""
    if _own_code() != job.code:
        raise MachineError(
            "this worker has another version of the workbench's source",
            found=f"got {_own_code()[:12]}, expected {job.code[:12]}",
            where=get_worker().address,
            fix="install the same checkout on every worker, and restart the workers after an edit",
        )


@cache
def _own_code() -> str:
    return store.package_code()


def _files(directory: RunDirectory) -> dict[str, bytes]:
    known = [directory.params, directory.history, directory.arrays, directory.notebook, directory.report]
    known += [directory.checkpoint, directory.provenance, directory.result]  # the result comes last
    return {file.name: file.read_bytes() for file in known if file.is_file()}


def _teller(job: Job) -> Callable[[dict[str, Any]], None]:
    """Sends news of the run to whoever drives the sweep."""
    worker = get_worker()

    def tell(news: dict[str, Any]) -> None:
        plain = json.loads(json.dumps(news))
        worker.log_event(TOPIC, {"token": job.token, "run": job.run_id, "worker": worker.address, **plain})

    return tell
