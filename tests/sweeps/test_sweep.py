"""Sweeps on real schedulers with workers in other processes: finished, killed, failed, stopped, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import line_fit
import psutil
import pytest

from workbench.reports.store import RunDirectory

Start = Callable[..., "subprocess.Popen[str]"]
Here = Callable[..., str]


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    output, errors = process.communicate()
    assert process.returncode == code, output + errors
    assert "Traceback" not in errors
    assert "distributed" not in errors
    return output + errors


def runs(out: Path) -> list[RunDirectory]:
    return [RunDirectory(file.parent) for file in sorted(out.glob("*/params.json"))]


def fingerprint(directory: RunDirectory) -> str:
    return json.loads(directory.result.read_text())["fingerprint"]


def expected_fingerprint(**values: object) -> str:
    from workbench.reports.record import make_record

    parameters = line_fit.LineParameters(**values)
    training = line_fit.make_training(parameters.changed(nap=0.0))
    for _ in training:
        pass
    return make_record("line", parameters, training.history, line_fit.evaluate(training, parameters))[
        "fingerprint"
    ]


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    while not what():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_a_sweep_from_its_points_to_its_report(tmp_path: Path, workbench: Start, here: Here) -> None:
    out = tmp_path / "runs"
    arguments = ("sweep", "line", "-p", "seed=0..2", "-p", "learning_rate=0.05,0.1", "--out", str(out))
    said = finish(workbench(*arguments, "--jobs", "2"))
    assert "6 complete, 0 failed, 0 finished before" in said
    assert len(runs(out)) == 6
    for run in runs(out):
        assert run.complete
        values = json.loads(run.params.read_text())["parameters"]
        assert fingerprint(run) == expected_fingerprint(**values)
    (report,) = out.glob("sweep-*/report.html")
    page = report.read_text()
    for word in (
        "Line &lt;b&gt;fit&lt;/b&gt;",
        "6 runs · 6 complete",
        "0.05, 0.1",
        "@media print",
        "Provenance",
    ):
        assert word in page
    assert page.count('class="figure"') >= 3
    assert not list(out.glob(".sweep-*"))

    report.unlink()
    made = here("report", str(out))
    assert made.count("report.html") == 7  # each run's, and the sweep's
    assert report.exists()
    one = runs(out)[0].report.read_text()
    assert 'aria-label="Training"' in one
    assert "Fingerprint of the result" in one

    before = [run.result.stat().st_mtime_ns for run in runs(out)]
    assert "0 complete, 0 failed, 6 finished before" in here(*arguments)
    assert [run.result.stat().st_mtime_ns for run in runs(out)] == before


def test_one_run_that_fails_stops_no_other(tmp_path: Path, here: Here) -> None:
    out = tmp_path / "runs"
    said = here("sweep", "line", "-p", "fail=0,2,3", "--out", str(out), code=3)
    assert "1 complete, 2 failed" in said
    assert "2 of 3 runs failed" in said
    failures = [json.loads(run.failure.read_text())["error"] for run in runs(out) if run.failure.exists()]
    assert len(failures) == 2
    assert any("ArithmeticError: the line <breaks> at 3" in text for text in failures)
    page = next(out.glob("sweep-*/report.html")).read_text()
    assert "the line &lt;breaks&gt; at 3" in page
    assert "<breaks>" not in page


def test_runs_over_their_time_are_recorded_and_can_go_on(tmp_path: Path, here: Here) -> None:
    out = tmp_path / "runs"
    arguments = ("sweep", "line", "-p", "seed=1", "-p", "nap=0.05", "-p", "iterations=40", "--out", str(out))
    said = here(*arguments, "--timeout", "1", code=3)  # 2 seconds of work
    assert "timeout" in said
    (run,) = runs(out)
    assert "did not end within its time" in json.loads(run.failure.read_text())["error"]
    assert run.begun
    assert "--resume goes on" in here(*arguments, code=3)
    here(*arguments, "--resume")
    assert fingerprint(run) == expected_fingerprint(seed=1, nap=0.05, iterations=40)
    assert not run.failure.exists()


def test_a_killed_workers_run_is_done_again(
    tmp_path: Path, workbench: Start, scheduler: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = scheduler
    out = tmp_path / "runs"
    process = workbench(
        *("sweep", "line", "-p", "seed=0..3", "-p", "nap=0.05", "-p", "iterations=30"),
        *("--scheduler", address, "--out", str(out)),
    )
    wait_for(lambda: len(runs(out)) >= 2, process)
    workers[0].send_signal(signal.SIGKILL)
    said = finish(process)
    assert "4 complete, 0 failed" in said
    for run in runs(out):
        values = json.loads(run.params.read_text())["parameters"]
        assert fingerprint(run) == expected_fingerprint(**values)


def test_ctrl_c_ends_cleanly_and_the_sweep_goes_on_where_it_stopped(
    tmp_path: Path, workbench: Start, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    arguments = ("sweep", "line", "-p", "seed=0..3", "-p", "iterations=40", "--out", str(out))
    monkeypatch.setenv("LINE_PACE", "0.5")
    process = workbench(*arguments, "--jobs", "2")
    wait_for(lambda: len(runs(out)) >= 2, process)
    under_way, children = runs(out), psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    monkeypatch.delenv("LINE_PACE")
    said = finish(process, code=130)
    assert "the sweep was stopped" in said
    assert "--resume goes on where they stopped" in said
    psutil.wait_procs(children, timeout=60)
    assert not [child for child in children if child.is_running()]
    assert all(run.begun and not run.complete for run in under_way)
    assert "not finished" in next(out.glob("sweep-*/report.html")).read_text()
    assert " 0 failed" in here(*arguments, "--resume")
    assert [run.complete for run in runs(out)] == [True] * 4
    for run in runs(out):
        values = json.loads(run.params.read_text())["parameters"]
        assert fingerprint(run) == expected_fingerprint(**values)


def test_runs_as_notebooks(tmp_path: Path, here: Here) -> None:
    out = tmp_path / "runs"
    here("sweep", "line", "-p", "seed=5", "--preset", "smoke", "--as", "notebook", "--out", str(out))
    (run,) = runs(out)
    assert fingerprint(run) == expected_fingerprint(seed=5, iterations=5)
    assert run.notebook.exists()
    assert run.report.exists()


def test_a_search(tmp_path: Path, here: Here) -> None:
    pytest.importorskip("optuna")
    out = tmp_path / "runs"
    arguments = (
        *("tune", "line", "--objective", "loss", "-p", "learning_rate=1e-3..0.5", "-p", "iterations=20,30"),
        *("--trials", "6", "--jobs", "2", "--out", str(out)),
    )
    said = here(*arguments)
    assert "best: loss = " in said
    again = here(*arguments)
    assert [line for line in again.splitlines() if line.startswith(("best", "  -p"))] == [
        line for line in said.splitlines() if line.startswith(("best", "  -p"))
    ]
    page = next(out.glob("tune-*/report.html")).read_text()
    assert "lowest loss" in page


def test_a_search_for_something_no_run_has(tmp_path: Path, here: Here) -> None:
    pytest.importorskip("optuna")
    arguments = ("tune", "line", "--objective", "slop", "-p", "learning_rate=1e-3..0.5", "--trials", "1")
    said = here(*arguments, "--jobs", "1", "--out", str(tmp_path / "runs"), code=2)
    assert "no run has the result 'slop'" in said
    assert "did you mean 'slope'?" in said


def test_workers_elsewhere_send_their_files(
    tmp_path: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that does not see the folder works in one of its own; what it sends becomes the run's folder."""
    from workbench.sweeps import driver, plan, work

    monkeypatch.setattr(work, "get_worker", lambda: _Elsewhere())
    out = tmp_path / "runs"
    planned = plan.Plan(
        showcase=line_fit.SHOWCASE,
        preset="smoke",
        mode="function",
        out=out,
        token=".absent",
        notebook=notebook,
    )
    (job,) = planned.jobs([{"seed": 4}])
    outcome = work.do(job)
    assert outcome.status == "complete", outcome.error
    assert not out.exists()
    driver.take_in(job, outcome)
    assert fingerprint(job.directory) == expected_fingerprint(seed=4, iterations=5)
    evil = work.Outcome(job.run_id, "complete", 0.0, files={"../../evil.txt": b"x"})
    driver.take_in(job, evil)
    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_worker_with_another_source_is_refused(
    tmp_path: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.sweeps import plan, work

    monkeypatch.setattr(work, "get_worker", lambda: _Elsewhere())
    monkeypatch.setattr(work, "_own_code", lambda: "an edited source")
    planned = plan.Plan(
        showcase=line_fit.SHOWCASE,
        preset="smoke",
        mode="function",
        out=tmp_path,
        token=".absent",
        notebook=notebook,
    )
    outcome = work.do(planned.jobs([{}])[0])
    assert outcome.status == "failed"
    assert "another version of the workbench's source" in outcome.error


class _Elsewhere:
    address = "tcp://127.0.0.1:1"

    def log_event(self, topic: str, news: object) -> None:
        """Nobody listens."""


def test_the_private_pool_is_encrypted_and_on_this_machine_only() -> None:
    from workbench.sweeps.cluster import connected

    with connected("local", jobs=1), connected("local", jobs=1) as second:  # without a warning about a port
        port = second.cluster.scheduler.http_server.port
        for page in ("health", "info/main/workers.html", "json/counts.json", "metrics", "status"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60)

    with connected("local", jobs=1) as client:
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        assert all(name.startswith("tls://127.0.0.1:") for name in client.scheduler_info()["workers"])
        pids = [os.getpid(), *client.run(os.getpid).values()]
        for pid in pids:
            listening = [c for c in psutil.Process(pid).net_connections("inet") if c.status == "LISTEN"]
            assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::1"}, listening
        assert client.submit(os.environ.get, "OMP_NUM_THREADS", pure=False).result() == "1"
