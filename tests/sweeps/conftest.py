"""The small showcase of tests/reports for workers in other processes, and two ways to run `workbench` on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

REPORTS = Path(__file__).resolve().parents[1] / "reports"
sys.path.insert(0, str(REPORTS))

import line_fit  # noqa: E402

from workbench import cli, showcases  # noqa: E402
from workbench.reports import html  # noqa: E402
from workbench.sweeps import plan  # noqa: E402

_FRONT_DOOR = """
import sys
from pathlib import Path
import line_fit
from workbench import cli, showcases
from workbench.reports import html
from workbench.sweeps import plan, summary
showcases.find = lambda name: line_fit.SHOWCASE
plan.find_notebook = html.find_notebook = lambda name: Path(sys.argv[1])
if __name__ == "__main__":
    raise SystemExit(cli.main(sys.argv[2:]))
"""


@pytest.fixture(autouse=True)
def _workers_find_the_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPORTS), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("WORKBENCH_PRESET", raising=False)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """The small showcase's notebook."""
    path = tmp_path / "line.ipynb"
    nbformat.write(line_fit.whole_notebook(), path)
    return path


@pytest.fixture
def workbench(tmp_path: Path, notebook: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``workbench`` with the small showcase in another process, as a user's shell would."""
    script = tmp_path / "front_door.py"
    script.write_text(_FRONT_DOOR)

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(script), str(notebook), *arguments],
            cwd=tmp_path,
            env=os.environ.copy(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@contextmanager
def running_scheduler(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers started by hand, as on a cluster: its address and the workers."""
    where = folder / "scheduler.json"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPORTS)}
    environment.pop("WORKBENCH_PRESET", None)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": environment}
    script = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"
    dask = [sys.executable, "-c", script]
    address = ["--host", "127.0.0.1", "--port", "0"]
    processes = [
        subprocess.Popen(
            [*dask, "scheduler", *address, "--no-dashboard", "--scheduler-file", str(where)], **quiet
        )
    ]
    worker = [*dask, "worker", "--scheduler-file", str(where), "--host", "127.0.0.1", "--nthreads", "1"]
    processes += [subprocess.Popen([*worker, "--no-nanny", "--no-dashboard"], **quiet) for _ in range(2)]
    until = time.monotonic() + 300
    while not where.exists() and time.monotonic() < until:
        time.sleep(0.05)
    try:
        yield json.loads(where.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers whom a test may kill: its address and the workers."""
    with running_scheduler(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers for all tests that leave them alive."""
    with running_scheduler(tmp_path_factory.mktemp("pool")) as (address, _):
        yield address


@pytest.fixture
def here(
    pool: str, notebook: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run ``workbench`` with the small showcase in this process, on the pool's workers: what it said."""
    monkeypatch.setattr(showcases, "find", lambda name: line_fit.SHOWCASE)
    for module in (plan, html):
        monkeypatch.setattr(module, "find_notebook", lambda name: notebook)

    def run(*arguments: str, code: int = 0) -> str:
        workers = ("--scheduler", pool) if arguments[0] in ("sweep", "tune") else ()
        ended = cli.main([*arguments, *workers])
        said = capsys.readouterr()
        assert ended == code, said.out + said.err
        assert "Traceback" not in said.err
        assert "distributed" not in said.err
        return said.out + said.err

    return run
