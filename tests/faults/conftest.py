"""Runs of the small showcase of tests/reports, in this process and in others, to be broken on purpose."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPORTS = Path(__file__).resolve().parents[1] / "reports"
PLACES = [str(REPORTS), str(Path(__file__).parent)]
sys.path[:0] = PLACES

import line_fit  # noqa: E402
import worker  # noqa: E402

from workbench.reports import store  # noqa: E402
from workbench.reports.direct import run_directly  # noqa: E402
from workbench.reports.html import write_report  # noqa: E402


@pytest.fixture(autouse=True)
def _the_package_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's identity covers the package's source, which somebody may be editing while the tests run."""
    monkeypatch.setattr(store, "package_code", lambda: "as in the test")


class Worker:
    """A process that does one run, and what it said."""

    def __init__(self, context: Any, folder: Path, log: Path, *choices: Any) -> None:
        self.log, self.begun = log, log.with_suffix(".begun")
        self.process = context.Process(target=worker.work, args=(folder, log, *choices), daemon=True)
        self.process.start()

    def wait_for(self, what: Callable[[], object]) -> None:
        """Until it is so, before the process has ended."""
        while not what():
            assert self.process.is_alive(), self.log.read_text()
            time.sleep(0.005)

    def kill(self) -> None:
        """At once, with no chance to tidy up."""
        self.process.kill()
        self.process.join()

    def finish(self) -> str:
        """What the process said in the end, which is never a traceback."""
        self.process.join()
        said = self.log.read_text()
        assert "Traceback" not in said, said
        return said

    @property
    def code(self) -> int | None:
        """Its exit code."""
        return self.process.exitcode


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Worker]]:
    """Start one run of the small showcase in another process; worker.py says what can be asked for."""
    context = multiprocessing.get_context("forkserver")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PLACES))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    context.set_forkserver_preload(["warm"])
    workers: list[Worker] = []

    def begin(folder: Path, *, pace: float = 0.0, limit: int | None = None, humble: bool = False) -> Worker:
        log = tmp_path / f"worker-{len(workers)}.log"
        workers.append(Worker(context, folder, log, pace, limit, humble))
        return workers[-1]

    yield begin
    for begun in workers:
        begun.kill()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> store.RunDirectory:
    """A finished run with parameters as worker.py takes them, which nothing has happened to."""
    directory = store.RunDirectory(tmp_path_factory.mktemp("undisturbed") / "run")
    directory.create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "package_code", lambda: "as in the test")
        run_directly(line_fit.SHOWCASE, line_fit.LineParameters(iterations=400), directory)
        write_report(directory, line_fit.SHOWCASE)
    return directory
