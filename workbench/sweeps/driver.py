"""Hands out the runs of a sweep, takes their results in, and tells how it goes.

One run that fails stops no other. A run whose worker was killed is done again by another worker. Ctrl-C lets
every run under way write a checkpoint, and whoever resumes the sweep loses nothing.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future, KilledWorker

from workbench.errors import RunError, RunInterruptedError
from workbench.files import write_whole
from workbench.reports.execution import handled
from workbench.reports.store import RunDirectory, storage_errors
from workbench.sweeps import work
from workbench.sweeps.plan import Job

GRACE_SECONDS = 30.0
HANGING_SECONDS = 30.0
ANSWER_SECONDS = 0.5


@dataclass
class Progress:
    """How a sweep stands: what its ``watch`` function is given after every change."""

    total: int
    began: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)
    running: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: tuple[Job, work.Outcome] | None = None
    workers: int = 0

    @property
    def seconds_left(self) -> float | None:
        """From the pace so far; None before the first run has ended."""
        ended = sum(self.counts.values()) - self.counts["skipped"]
        left = self.total - sum(self.counts.values())
        return (time.monotonic() - self.began) / ended * left if ended else None


Watch = Callable[[Progress], None]


@contextlib.contextmanager
def token_file(out: Path) -> Iterator[str]:
    """A file in ``out`` by which workers tell that they see the same disk."""
    token = f".sweep-{secrets.token_hex(8)}"
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / token).write_text("")
    try:
        yield token
    finally:
        (out / token).unlink(missing_ok=True)


def check_beginning(jobs: list[Job], *, resume: bool) -> None:
    """Refuse to go on with what was begun and not finished, unless that is what was asked for.

    Raises:
        RunError: some runs have a checkpoint and no result.
    """
    begun = [job for job in jobs if job.directory.begun and not job.directory.complete]
    if begun and not resume:
        raise RunError(
            f"{len(begun)} of these {len(jobs)} runs were begun and not finished",
            where=str(begun[0].directory.path),
            fix="--resume goes on where they stopped; finished runs are kept in any case",
        )


def drive(
    client: Client, jobs: list[Job], *, retries: int = 0, watch: Watch = lambda progress: None
) -> Progress:
    """Do every run that is not complete yet.

    Args:
        client: of the cluster.
        jobs: the runs, each with an identity of its own.
        retries: how often a run that failed is tried again.
        watch: is told of every change.
    Returns:
        how many were complete before ("skipped"), became "complete", or "failed".
    Raises:
        RunInterruptedError: Ctrl-C or SIGTERM, after the runs under way have written their checkpoints.
    """
    driver = _Driver(client, jobs, retries, watch)
    try:
        with _signals_as_news(driver.news):
            driver.run()
    except KeyboardInterrupt as error:
        driver.end()
        number = error.args[0] if error.args else signal.SIGINT
        left = driver.progress.total - sum(driver.progress.counts.values())
        raise RunInterruptedError(
            f"the sweep was stopped; {left} of {driver.progress.total} runs are not finished",
            signal=int(number),
            where=jobs[0].out,
            fix="--resume goes on where they stopped",
        ) from None
    return driver.progress


@contextlib.contextmanager
def _signals_as_news(news: SimpleQueue[tuple[str, Any]]) -> Iterator[None]:
    """The first Ctrl-C, SIGTERM or SIGHUP arrives as news, where nothing is half done; the second acts at once.

    Raised wherever the main thread happens to be, it would be lost in a callback that the interpreter runs
    there, or leave the client of the cluster between two states.
    """
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        first_signal.close()
        noted.append(number)
        news.put(("signal", number))

    with contextlib.ExitStack() as first_signal:
        first_signal.enter_context(handled(note, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        yield
        if noted:  # with the last news there was
            raise KeyboardInterrupt(noted[0])


class _Driver:
    def __init__(self, client: Client, jobs: list[Job], retries: int, watch: Watch) -> None:
        self.client, self.watch, self.retries = client, watch, retries
        self.jobs = {job.run_id: job for job in jobs}
        self.progress = Progress(total=len(self.jobs))
        self.news: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self.futures: dict[str, Future] = {}
        self.attempts: Counter[str] = Counter()

    def run(self) -> None:
        for job in self.jobs.values():
            if job.directory.complete:
                self.progress.counts["skipped"] += 1
        self.client.subscribe_topic(work.TOPIC, lambda event: self.news.put(("told", event[1])))
        for job in self.jobs.values():
            if not job.directory.complete:
                self.submit(job)
        self.watch(self.progress)
        while self.futures:
            self.turn()

    def submit(self, job: Job) -> None:
        """Give a run to the scheduler; its end arrives as news."""
        self.attempts[job.run_id] += 1
        key = f"run-{job.run_id}-{job.token}-{self.attempts[job.run_id]}"
        future = self.client.submit(work.do, job, key=key, pure=False)
        future.add_done_callback(lambda done: self.news.put(("ended", (job, done))))
        self.futures[job.run_id] = future

    def turn(self) -> None:
        """Wait a moment for news and deal with it."""
        try:
            kind, content = self.news.get(timeout=ANSWER_SECONDS)
        except Empty:
            self.progress.workers = len(self.client.scheduler_info(n_workers=-1)["workers"])
            self.end_hanging_runs()
            self.watch(self.progress)
            return
        if kind == "signal":
            raise KeyboardInterrupt(content)
        if kind == "told":
            self.told(content)
        else:
            self.ended(*content)

    def told(self, news: dict[str, Any]) -> None:
        job = self.jobs.get(news["run"])
        if job is not None and news["token"] == job.token and news["run"] in self.futures:
            before = self.progress.running.get(news["run"], {"since": time.monotonic()})
            if before.get("worker") not in (None, news["worker"]):
                before = {"since": time.monotonic()}  # begun again by another worker
            self.progress.running[news["run"]] = {**before, **news}
            self.watch(self.progress)

    def ended(self, job: Job, future: Future) -> None:
        if self.futures.get(job.run_id) is not future:
            return  # given up before
        del self.futures[job.run_id]
        self.progress.running.pop(job.run_id, None)
        outcome = self.outcome(job, future)
        if outcome.status == "interrupted":
            return
        if outcome.status != "complete" and self.attempts[job.run_id] <= self.retries:
            self.submit(job)
            return
        take_in(job, outcome)
        self.progress.counts["complete" if outcome.status == "complete" else "failed"] += 1
        self.progress.latest = (job, outcome)
        self.watch(self.progress)

    def outcome(self, job: Job, future: Future) -> work.Outcome:
        """What the run came to, also where no worker lived to tell."""
        if future.cancelled():
            return work.Outcome(job.run_id, "interrupted", 0.0)
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, KilledWorker):
            what = "every worker that did this run was killed, most likely because memory ran out"
        else:
            what = f"the run did not come back from its worker: {type(error).__name__}: {error}"
        return work.Outcome(job.run_id, "failed", 0.0, what)

    def end_hanging_runs(self) -> None:
        """A run that is far over its time and answers nothing takes its worker with it."""
        for run_id, news in list(self.progress.running.items()):
            job = self.jobs[run_id]
            over = time.monotonic() - news["since"] - (job.timeout or float("inf"))
            if over > HANGING_SECONDS and run_id in self.futures:
                del self.futures[run_id], self.progress.running[run_id]
                outcome = work.Outcome(
                    run_id, "timeout", job.timeout or 0.0, "it hung; its worker was restarted"
                )
                take_in(job, outcome)
                self.progress.counts["failed"] += 1
                self.progress.latest = (job, outcome)
                self.client.restart_workers([news["worker"]], raise_for_error=False)

    def end(self) -> None:
        """Let the runs under way write their checkpoints, then forget the rest."""
        with contextlib.suppress(OSError, TimeoutError, KeyboardInterrupt):
            token = next(iter(self.jobs.values())).token
            self.client.run(work.stop, token, on_error="ignore")
            begun = {key for keys in self.client.processing().values() for key in keys}
            waiting = [run for run, future in self.futures.items() if future.key not in begun]
            self.client.cancel([self.futures.pop(run) for run in waiting])
            until = time.monotonic() + GRACE_SECONDS
            while self.futures and time.monotonic() < until:
                self.turn()
        self.client.cancel(list(self.futures.values()))


def take_in(job: Job, outcome: work.Outcome) -> None:
    """Put the files a worker sent into the run's folder, or the reason of its failure."""
    directory = RunDirectory(job.directory.path)
    with storage_errors(directory.path):
        directory.create()
        if outcome.status != "complete":
            directory.record_failure(RunError(outcome.error or outcome.status))
            return
        directory.failure.unlink(missing_ok=True)
        result = directory.result.name
        for name in sorted(outcome.files, key=lambda name: name == result):  # the result comes last
            write_whole(directory.path / Path(name).name, outcome.files[name])
