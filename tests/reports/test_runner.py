"""Headless runs with real kernels: what a finished run leaves, and every way in which one can end badly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import line_fit
import nbformat
import psutil
import pytest
from jupyter_core.utils import ensure_event_loop

from workbench.errors import MachineError, RunError, RunInterruptedError, RunTimeoutError
from workbench.reports import runner
from workbench.reports.store import RunDirectory, run_id

EVIL = """'); raise SystemExit #\n"<script>alert(1)</script>{run_dir}"""
LONG = {"iterations": 60}
OFTEN = "import workbench.training.session as session_module\nsession_module.CHECKPOINT_SECONDS = 0.2"

FrontDoor = Callable[..., subprocess.Popen[str]]


def run(notebook: Path, out: Path, **options: object) -> RunDirectory:
    parameters = options.pop("parameters", line_fit.LineParameters())
    return runner.run(line_fit.SHOWCASE, parameters, out=out, notebook=notebook, **options)


def only_run(out: Path) -> RunDirectory:
    (path,) = (entry for entry in out.iterdir() if entry.is_dir())
    return RunDirectory(path)


def resumable_notebook() -> nbformat.NotebookNode:
    return line_fit.notebook("# Prepare", OFTEN, line_fit.PREPARE, "# Train", line_fit.TRAIN, line_fit.RECORD)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, list[str], Path]:
    """One complete run with a hostile text parameter, what it said, and its notebook."""
    folder = tmp_path_factory.mktemp("finished {with} braces")
    notebook, said = folder / "line.ipynb", []
    nbformat.write(line_fit.whole_notebook(), notebook)
    parameters = line_fit.LineParameters.from_preset("smoke", label=EVIL, learning_rate=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        directory = run(notebook, folder / "runs", parameters=parameters, preset="smoke", say=said.append)
    return directory, said, notebook


def test_a_finished_run_has_all_its_files(finished: tuple[RunDirectory, list[str], Path]) -> None:
    directory, _, notebook = finished
    assert directory.complete
    for file in (
        "params.json",
        "result.json",
        "history.csv",
        "notebook.ipynb",
        "report.html",
        "checkpoint.pt",
    ):
        assert (directory.path / file).stat().st_size > 0
    record = json.loads(directory.result.read_text())
    assert record["parameters"] == {
        **{"seed": 0, "iterations": 5, "learning_rate": 0.1, "nap": 0.0, "fail": 0},
        "label": EVIL,
    }
    parameters = line_fit.LineParameters(**record["parameters"])
    assert directory.path.name == run_id("line", parameters, notebook)
    nbformat.validate(nbformat.read(directory.notebook, as_version=4))


def test_a_run_says_where_it_is_and_passes_on_the_losses(
    finished: tuple[RunDirectory, list[str], Path],
) -> None:
    _, said, _ = finished
    text = "\n".join(said)
    assert text.index("Prepare") < text.index("Train") < text.index("Result")
    assert "iteration 5 of 5" in text
    assert "loss 0." in text
    assert "peak memory" in text


def test_the_report_escapes_what_was_typed(finished: tuple[RunDirectory, list[str], Path]) -> None:
    page = finished[0].report.read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_finished_run_is_not_done_again(finished: tuple[RunDirectory, list[str], Path]) -> None:
    directory, _, notebook = finished
    before, said = directory.result.stat().st_mtime_ns, []
    parameters = line_fit.LineParameters(**json.loads(directory.params.read_text())["parameters"])
    run(notebook, directory.path.parent, parameters=parameters, preset="smoke", say=said.append)
    assert directory.result.stat().st_mtime_ns == before
    assert "was finished before" in said[0]


def test_the_same_parameters_give_the_same_bytes(
    finished: tuple[RunDirectory, list[str], Path], tmp_path: Path
) -> None:
    directory, _, notebook = finished
    parameters = line_fit.LineParameters(**json.loads(directory.params.read_text())["parameters"])
    again = run(notebook, tmp_path, parameters=parameters, say=lambda line: None)
    assert again.result.read_bytes() == directory.result.read_bytes()
    assert again.path.name == directory.path.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_resumes_to_the_same_numbers(
    number: signal.Signals,
    tmp_path: Path,
    make_notebook: Callable[..., Path],
    front_door: FrontDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook, out = make_notebook(resumable_notebook()), tmp_path / "runs"
    values = [f"-p{name}={value}" for name, value in LONG.items()]
    arguments = ["run", "line", *values, "--out", str(out)]
    monkeypatch.setenv("LINE_PACE", "0.3")
    errors, code = _stopped(
        front_door(notebook, *arguments), number, lambda: list(out.glob("*/checkpoint.pt"))
    )
    directory = only_run(out)
    assert not directory.complete
    assert directory.begun
    if number == signal.SIGINT:
        assert code == 130
        assert "the run was stopped by Ctrl-C" in errors
        assert "--resume goes on from the last checkpoint" in errors
        assert "Traceback" not in errors

    monkeypatch.delenv("LINE_PACE")
    with pytest.raises(RunError, match="--resume goes on where it stopped"):
        run(notebook, out, parameters=line_fit.LineParameters(**LONG))
    resumed = front_door(notebook, *arguments, "--resume")
    _, errors = resumed.communicate()
    assert resumed.returncode == 0, errors
    assert json.loads(directory.result.read_text())["fingerprint"] == _undisturbed_fingerprint()


def _stopped(
    process: subprocess.Popen[str], number: signal.Signals, reached: Callable[[], object]
) -> tuple[str, int]:
    """Send the signal a moment after ``reached``; what the process then said and its exit code."""
    while process.poll() is None and not reached():
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate()
    return errors, process.returncode


def _undisturbed_fingerprint() -> str:
    from workbench.reports.record import make_record

    parameters = line_fit.LineParameters(**LONG)
    training = line_fit.make_training(parameters)
    for _ in training:
        pass
    result = line_fit.evaluate(training, parameters)
    return make_record("line", parameters, training.history, result)["fingerprint"]


def test_a_damaged_checkpoint_is_named_and_kept(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    notebook = make_notebook()
    directory = RunDirectory(tmp_path / "runs" / run_id("line", line_fit.LineParameters(), notebook))
    directory.create()
    directory.checkpoint.write_bytes(b"PK half of a file")
    with pytest.raises(RunError, match="CheckpointError") as caught:
        run(notebook, tmp_path / "runs", resume=True, say=lambda line: None)
    assert str(directory.checkpoint) in str(caught.value)
    assert directory.checkpoint.read_bytes() == b"PK half of a file"
    assert not directory.complete


def test_a_request_to_end(tmp_path: Path, make_notebook: Callable[..., Path], front_door: FrontDoor) -> None:
    begin = "from pathlib import Path\nPath(run_dir, 'begun').touch()"
    notebook, out = (
        make_notebook(line_fit.notebook(f"{begin}\nimport time\ntime.sleep(600)")),
        tmp_path / "runs",
    )
    process = front_door(notebook, "run", "line", "--out", str(out))
    errors, code = _stopped(process, signal.SIGTERM, lambda: list(out.glob("*/begun")))
    assert code == 143
    assert "the run was stopped by SIGTERM" in errors
    assert "nothing was reached" in errors
    assert "Traceback" not in errors


def test_an_interruption_leaves_nothing_that_waits_for_the_kernel(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    notebook = make_notebook(line_fit.notebook("# Prepare", "print('begun')\nimport time\ntime.sleep(60)"))
    kernels: list[psutil.Process] = []

    def interrupt_soon(line: str) -> None:
        if "begun" in line:
            kernels.extend(_kernels(psutil.Process()))
            threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()

    with pytest.raises(RunInterruptedError, match="stopped by Ctrl-C"):
        run(notebook, tmp_path / "runs", say=interrupt_soon)
    assert kernels
    assert not any(kernel.is_running() for kernel in kernels)
    assert not asyncio.all_tasks(ensure_event_loop())


def test_an_interruption_while_the_kernel_starts(
    tmp_path: Path, make_notebook: Callable[..., Path], front_door: FrontDoor
) -> None:
    process = front_door(make_notebook(), "run", "line", "--out", str(tmp_path / "runs"))
    kernels: list[psutil.Process] = []
    while process.poll() is None and not kernels:
        kernels = _kernels(psutil.Process(process.pid))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "nothing was reached" in errors
    assert "Traceback" not in errors
    assert kernels
    assert not any(kernel.is_running() for kernel in kernels)


def _kernels(process: psutil.Process) -> list[psutil.Process]:
    """The kernels that the process has started, of its children those that are still there to be asked."""
    kernels = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children():
            if "ipykernel_launcher" in child.cmdline():
                kernels.append(child)
    return kernels


def test_a_killed_kernel(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    notebook = make_notebook(
        line_fit.notebook("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1")
    )
    with pytest.raises(RunError, match="kernel was killed") as caught:
        run(notebook, tmp_path / "runs", say=lambda line: None)
    assert "peak memory" in str(caught.value)
    directory = only_run(tmp_path / "runs")
    assert not directory.complete
    nbformat.validate(nbformat.read(directory.notebook, as_version=4))


def test_a_failing_cell(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    notebook = make_notebook(
        line_fit.notebook("# Prepare", "x = 1", "1 / 0", "raise RuntimeError('unreached')")
    )
    with pytest.raises(RunError, match=r"cell \[4\] of the notebook failed") as caught:
        run(notebook, tmp_path / "runs", say=lambda line: None)
    assert "ZeroDivisionError: division by zero" in str(caught.value)
    assert "unreached" not in str(caught.value)
    executed = nbformat.read(only_run(tmp_path / "runs").notebook, as_version=4)
    assert any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", []))


def test_time_is_up(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    notebook = make_notebook(line_fit.notebook("import time\ntime.sleep(0.5)", "time.sleep(600)"))
    began = time.monotonic()
    with pytest.raises(RunTimeoutError, match="did not end within 4 seconds"):
        run(notebook, tmp_path / "runs", timeout=4, say=lambda line: None)
    assert time.monotonic() - began < 120


def test_a_notebook_that_records_nothing_has_not_succeeded(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    notebook = make_notebook(line_fit.notebook("print('all is well')"))
    with pytest.raises(RunError, match="without writing a complete result record"):
        run(notebook, tmp_path / "runs", say=lambda line: None)


def test_a_notebook_without_a_parameters_cell_is_refused(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    node = line_fit.notebook("1")
    node.cells[0].metadata["tags"] = []
    with pytest.raises(RunError, match="no single parameters cell"):
        run(make_notebook(node), tmp_path / "runs", say=lambda line: None)


def test_a_file_that_may_not_grow(
    tmp_path: Path, make_notebook: Callable[..., Path], front_door: FrontDoor
) -> None:
    notebook = make_notebook(line_fit.notebook("x = 1\nprint('filling ' * 100_000)"))
    arguments = ("run", "line", "--out", str(tmp_path / "runs"))
    process = front_door(notebook, *arguments, prefix=("prlimit", "--fsize=100000"))
    _, errors = process.communicate()
    assert process.returncode == 5, errors
    assert "a file grew larger than is allowed here" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "runs").glob("*/.*.partial"))


@pytest.mark.parametrize("small_disk", ["256k"], indirect=True)
@pytest.mark.parametrize("filled_by", ["the notebook's file", "a cell"])
def test_a_full_disk(small_disk: Path, make_notebook: Callable[..., Path], filled_by: str) -> None:
    fill = {
        "the notebook's file": "print('filling ' * 100_000)",
        "a cell": "from pathlib import Path\nPath(run_dir, 'big').write_bytes(bytes(10**6))",
    }
    notebook = make_notebook(line_fit.notebook(fill[filled_by]))
    with pytest.raises(MachineError, match="the disk is full") as caught:
        run(notebook, small_disk / "runs", say=lambda line: None)
    assert "No space left on device" in str(caught.value)


def test_a_read_only_disk(small_disk: Path, make_notebook: Callable[..., Path]) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(MachineError, match="read-only disk"):
        run(make_notebook(), small_disk / "runs")


def test_two_processes_do_not_share_a_run(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    notebook = make_notebook()
    directory = RunDirectory(tmp_path / "runs" / run_id("line", line_fit.LineParameters(), notebook))
    directory.create()
    with directory.locked(), pytest.raises(RunError, match="already being done by another process"):
        run(notebook, tmp_path / "runs")
