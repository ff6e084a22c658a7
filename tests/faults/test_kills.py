"""Runs in real processes, killed, starved and doubled: each ends with the numbers of an undisturbed run."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import line_fit
import nbformat
import psutil
import pytest

from workbench.errors import RunError
from workbench.reports import runner
from workbench.reports.store import RunDirectory, run_id

Start = Callable[..., Any]


def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(
    start: Start, tmp_path: Path, undisturbed: RunDirectory
) -> None:
    rng, directory, left = random.Random(6), RunDirectory(tmp_path / "run"), 0
    for number in range(6):
        run = start(directory.path, pace=0.05)  # the six of them end well before its 400 steps
        run.wait_for(run.begun.exists if number < 5 else lambda: directory.begun)
        time.sleep(rng.uniform(0.0, 0.8))
        run.kill()
        assert not directory.complete
        left += directory.begun
    assert left, "no kill came late enough to leave a checkpoint"
    assert "workbench:" not in start(directory.path).finish()
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()
    assert not list(directory.path.glob(".*.part"))


def test_a_kernel_killed_at_a_random_moment(
    tmp_path: Path, undisturbed: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(line_fit.__file__).parent))
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    often = "import workbench.training.session as session_module\nsession_module.CHECKPOINT_SECONDS = 0.2"
    notebook = tmp_path / "line.ipynb"
    nbformat.write(line_fit.notebook(often, line_fit.PREPARE, line_fit.TRAIN, line_fit.RECORD), notebook)
    monkeypatch.setenv("LINE_PACE", "0.05")  # twenty seconds, of which the killer leaves two
    parameters = line_fit.LineParameters(iterations=400)
    directory = RunDirectory(tmp_path / "runs" / run_id("line", parameters, notebook))
    killer = threading.Thread(target=_kill_kernel, args=(random.Random(7).uniform(0.1, 1.2), directory))
    killer.start()
    with pytest.raises(RunError, match="kernel was killed"):
        runner.run(line_fit.SHOWCASE, parameters, out=tmp_path / "runs", notebook=notebook)
    killer.join()
    assert directory.failure.exists()
    monkeypatch.delenv("LINE_PACE")
    runner.run(line_fit.SHOWCASE, parameters, out=tmp_path / "runs", notebook=notebook, resume=True)
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()
    assert not directory.failure.exists()


def _kill_kernel(seconds: float, directory: RunDirectory) -> None:
    """Kill this process's kernel so many seconds after the run's first checkpoint."""
    until = time.monotonic() + 300
    while time.monotonic() < until and not directory.checkpoint.exists():
        time.sleep(0.01)
    time.sleep(seconds)
    for process in psutil.Process().children():
        if "ipykernel" in " ".join(process.cmdline()):
            process.send_signal(signal.SIGKILL)


def test_two_processes_on_one_run(start: Start, tmp_path: Path, undisturbed: RunDirectory) -> None:
    folder, hold = tmp_path / "run", tmp_path / "run.hold"
    hold.touch()
    both = [start(folder) for _ in range(2)]
    while all(run.process.is_alive() for run in both):
        time.sleep(0.005)
    hold.unlink()
    said = [run.finish() for run in both]
    assert sorted(run.code for run in both) == [0, 1]
    assert sum("already being done by another process" in text for text in said) == 1, said
    assert (folder / "result.json").read_bytes() == undisturbed.result.read_bytes()


def test_a_file_that_may_not_grow(start: Start, tmp_path: Path, undisturbed: RunDirectory) -> None:
    """At every limit the run says so, and with room again goes on to the same bytes."""
    directory = RunDirectory(tmp_path / "run")
    for limit in (0, 1000, 8000):
        run = start(directory.path, limit=limit)
        run.process.join()
        assert run.code == 1
        said = run.log.read_text()  # nothing more than the limit of it
        assert "Traceback" not in said
        if limit:
            assert "File too large" in said
            assert str(directory.path) in said
        assert not list(directory.path.glob(".*.part"))
    assert start(directory.path).finish() == ""
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()


def test_a_disk_filled_in_mid_run(start: Start, small_disk: Path, undisturbed: RunDirectory) -> None:
    directory = RunDirectory(small_disk / "run")
    run = start(directory.path, pace=0.05)
    run.wait_for(lambda: directory.begun)
    with (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while run.process.is_alive():  # whatever the run gives back is taken too
            with contextlib.suppress(OSError):
                ballast.write(bytes(4096))
            time.sleep(0.0005)
    said = run.finish()
    assert run.code == 1
    assert "No space left on device" in said
    assert directory.begun
    assert not directory.complete
    (small_disk / "ballast").unlink()
    assert start(directory.path).finish() == ""
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()


@pytest.mark.skipif(
    sys.platform != "linux", reason="root obeys permissions by giving up Linux's capabilities"
)
@pytest.mark.parametrize("what", ["folder", "checkpoints", "result"])
def test_permissions_taken_away(what: str, start: Start, tmp_path: Path, undisturbed: RunDirectory) -> None:
    folder = tmp_path / "run"
    shutil.copytree(undisturbed.path, folder)
    directory = RunDirectory(folder)
    shutil.copy(directory.checkpoint, directory.previous_checkpoint)
    closed = {
        "folder": [folder],
        "checkpoints": [directory.checkpoint, directory.previous_checkpoint],
        "result": [directory.result],
    }[what]
    if what != "result":
        directory.result.unlink()
    for path in closed:
        path.chmod(0o500 if path.is_dir() else 0o000)
    run = start(folder, humble=True)
    said = run.finish()
    for path in closed:
        path.chmod(0o700)
    if what == "result":  # done again from its checkpoint, and the same
        assert run.code == 0, said
    else:
        assert run.code == 1
        assert {"folder": "may not be written to", "checkpoints": "no readable checkpoint"}[what] in said
        assert start(folder).finish() == ""
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()
