"""A sweep from its points to its report."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.reports import html
from workbench.reports.store import read_record, storage_errors
from workbench.sweeps.cluster import connected
from workbench.sweeps.driver import Progress, Watch, check_beginning, drive, token_file
from workbench.sweeps.plan import Job, Mode, Plan, sweep_folder, write_sweep
from workbench.sweeps.summary import write_summary

if TYPE_CHECKING:
    from distributed import Client

    from workbench.showcases import Showcase


def run(
    showcase: Showcase,
    points: list[dict[str, Any]],
    *,
    out: Path,
    preset: str = "default",
    mode: Mode = "function",
    scheduler: str = "local",
    insecure: bool = False,
    workers: int = 1,
    resume: bool = False,
    retries: int = 0,
    timeout: float | None = None,
    notebook: Path | None = None,
    watch: Watch = lambda progress: None,
) -> tuple[Path, Progress]:
    """Do every run of the sweep that is not finished, and write the report.

    Args:
        showcase: what to run.
        points: changes to the preset, one dict for each run.
        out: absolute path of the folder that holds the runs.
        preset: the values to start from.
        mode: whether each run is a function or a notebook.
        scheduler: "local", or the address of a Dask scheduler.
        insecure: allow an unencrypted connection to another machine.
        workers: of the local pool.
        resume: go on with runs that were begun and not finished.
        retries: how often a failed run is tried again.
        timeout: seconds for each run.
        notebook: another notebook than the showcase's own.
        watch: is told of the sweep's progress.
    Returns:
        the report, and how many runs were complete before, became complete, or failed.
    Raises:
        ParameterError: a value that its parameter does not take, or an address that is refused.
        RunError: runs were begun before, and ``resume`` is False.
        RunInterruptedError: Ctrl-C or SIGTERM; the report shows what there is.
        MachineError: no scheduler, no disk.
    """
    with token_file(out) as token:
        plan = Plan(
            showcase=showcase,
            preset=preset,
            mode=mode,
            out=out,
            token=token,
            timeout=timeout,
            notebook=notebook,
        )
        jobs = plan.jobs(points)
        check_beginning(jobs, resume=resume)
        folder = sweep_folder(out, showcase.name, jobs)
        with storage_errors(folder):
            write_sweep(folder, showcase.name, preset, jobs)
        try:
            with Crew(scheduler, workers=workers, insecure=insecure) as crew:
                progress = crew.do(jobs, retries=retries, watch=watch)
        finally:
            report = write_summary(folder, showcase)
    report_of_best(jobs, showcase)
    return report, progress


class Crew:
    """The workers of a sweep, called together when there is a first run to do; to be used in a ``with``."""

    def __init__(self, scheduler: str, *, workers: int, insecure: bool) -> None:
        self._scheduler, self._workers, self._insecure = scheduler, workers, insecure
        self._open = contextlib.ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def do(self, jobs: list[Job], *, retries: int = 0, watch: Watch = lambda progress: None) -> Progress:
        """Do those of the runs that are not complete; see ``driver.drive``."""
        left = sum(not job.directory.complete for job in jobs)
        if left == 0:
            progress = Progress(total=len(jobs), counts=Counter(skipped=len(jobs)))
            watch(progress)
            return progress
        if self._client is None:
            pool = connected(self._scheduler, jobs=min(self._workers, left), insecure=self._insecure)
            self._client = self._open.enter_context(pool)
        return drive(self._client, jobs, retries=retries, watch=watch)


def report_of_best(jobs: list[Job], showcase: Showcase) -> None:
    """The run with the lowest loss has a report of its own; `workbench report` makes those of the others."""
    losses = {}
    for job in jobs:
        if job.directory.complete:
            last = read_record(job.directory.result).get("loss", {}).get("last")
            if last is not None:
                losses[job.run_id] = (last, job.directory)
    if losses:
        _, directory = min(losses.values(), key=lambda entry: entry[0])
        if not directory.report.exists():
            html.write_report(directory, showcase)
