"""A showcase's notebook run headlessly, from checked parameters to a complete result record.

papermill executes the notebook; what it writes about success is not believed (a killed kernel leaves a
notebook in which every cell is "completed"). A run has succeeded when the notebook has written a
complete result record, and in no other case. Everything that can go wrong ends in one of the errors
below, says what was reached, and leaves a folder from which the run can be resumed.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from workbench.errors import RunError, RunInterruptedError
from workbench.parameters import Parameters
from workbench.reports import html
from workbench.reports.execution import Say, ended_by_signals, execute, find_notebook
from workbench.reports.failures import explained, peak_memory
from workbench.reports.store import RunDirectory, params_record, reading, run_id, storage_errors, write_json

if TYPE_CHECKING:
    from workbench.showcases import Showcase


def run(
    showcase: Showcase,
    parameters: Parameters,
    *,
    out: str | Path,
    preset: str = "default",
    resume: bool = False,
    fresh: bool = False,
    timeout: float | None = None,
    notebook: Path | None = None,
    say: Say = print,
) -> RunDirectory:
    """Run the showcase's notebook in ``out``/<run id> and write its report.

    A run that is complete is not done again, unless ``fresh``.

    Args:
        showcase: whose notebook to run.
        parameters: checked parameters, passed to the notebook as changes to the preset.
        out: folder that holds the runs.
        preset: the preset the parameters were made from, for the record.
        resume: go on from the checkpoint of an unfinished run.
        fresh: throw away what an earlier run with the same identity left.
        timeout: seconds for the whole run; None for no limit.
        notebook: another notebook than the showcase's own.
        say: receives the lines of progress.
    Returns:
        the complete run's directory.
    Raises:
        RunError: a cell failed, the kernel died, or no complete record was written.
        RunTimeoutError: the time was up.
        RunInterruptedError: Ctrl-C or SIGTERM.
        MachineError: the disk is full or the folder cannot be written to.
    """
    source = notebook or find_notebook(showcase.notebook)
    name = run_id(showcase.name, parameters, source)
    directory = RunDirectory(Path(out).absolute() / name)
    directory.create()
    with directory.locked(), storage_errors(directory.path):
        if fresh:
            directory.clear()
        if directory.complete:
            say(f"{showcase.name}: run {name} was finished before; --fresh runs it again")
        else:
            _check_beginning(directory, resume=resume)
            say(f"{showcase.name}: run {name} in {_short(directory.path)}")
            run_notebook(source, directory, showcase, parameters, preset=preset, timeout=timeout, say=say)
        if not directory.report.exists():
            html.write_report(directory, showcase)
    return directory


def run_notebook(
    source: Path,
    directory: RunDirectory,
    showcase: Showcase,
    parameters: Parameters,
    *,
    preset: str,
    timeout: float | None,
    say: Say,
) -> None:
    """Run a notebook in a folder that the caller has made and holds; what it raises is told at ``run``."""
    write_json(directory.params, params_record(showcase.name, directory.path.name, preset, parameters))
    _execute(source, directory, preset, parameters, timeout=timeout, say=say)


def _check_beginning(directory: RunDirectory, *, resume: bool) -> None:
    if directory.begun and not resume:
        raise RunError(
            "a run with these parameters was begun here and not finished",
            where=str(directory.path),
            fix="--resume goes on where it stopped; --fresh throws it away and starts again",
        )


def _execute(
    source: Path,
    directory: RunDirectory,
    preset: str,
    parameters: Parameters,
    *,
    timeout: float | None,
    say: Say,
) -> None:
    with reading(source):
        notebook = nbformat.read(source, as_version=4)
    _check_parameters_cell(notebook, source)
    asked = parameters.model_dump()
    preset_values = type(parameters).from_preset(preset).model_dump()
    injected = {
        "preset": preset,
        "overrides": {key: value for key, value in asked.items() if value != preset_values[key]},
        "live": False,
        "run_dir": str(directory.path),
    }
    began = time.monotonic()
    directory.failure.unlink(missing_ok=True)
    try:
        with ended_by_signals():
            execute(notebook, directory, injected, timeout=timeout, say=say)
    except BaseException as error:
        reason = explained(error, directory, timeout)
        if isinstance(reason, RunError) and not isinstance(reason, RunInterruptedError):
            directory.record_failure(reason)
        raise reason from error
    if not directory.complete:
        reason = RunError(
            "the notebook ran to its end without writing a complete result record",
            where=str(directory.notebook),
            fix="its last cells must call record_result(showcase, parameters, training, result, run_dir)",
        )
        directory.record_failure(reason)
        raise reason
    say(f"complete in {time.monotonic() - began:.1f} s, peak memory of the kernel {peak_memory()}")


def _check_parameters_cell(notebook: nbformat.NotebookNode, source: Path) -> None:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise RunError(
            "the notebook has no single parameters cell",
            found=f"got {len(tagged)} cells tagged 'parameters', expected 1",
            where=str(source),
            fix="tag the cell that sets preset, overrides, live and run_dir",
        )


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
