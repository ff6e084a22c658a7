"""Where a run lives on disk: one folder, a few known files, each written whole or not at all.

    DIR/<run id>/params.json      what was asked for; written before anything else
                 checkpoint.pt    the training, every few seconds, so that it can go on where it stopped;
                                  the one before it is checkpoint.previous.pt
                 notebook.ipynb   the executed notebook, saved after each cell
                 history.csv      one row for each iteration
                 provenance.json  when, where, with which versions, and how long
                 result.json      what came out; written last, so its presence means that the run is complete
                 failure.json     what went wrong, until the run is tried again
                 arrays.npz       what was evaluated, where no notebook holds its figures
                 labels.json      the tags and the note that somebody gave the run
                 report.html      the readable report, made from the files above

``result.json`` holds nothing that changes from one run to the next: the same parameters, seed and source give
the same file to the last byte. Everything that does change (dates, machine, durations) is in
``provenance.json``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench.errors import MachineError, RunError, WorkbenchError
from workbench.files import LEFTOVER, write_whole

if TYPE_CHECKING:
    from workbench.parameters import Parameters

SCHEMA = 1
_ENTRIES: dict[str, dict[str, type]] = {
    "params.json": {"showcase": str, "parameters": dict},
    "result.json": {
        **{"complete": bool, "iterations": int, "loss": dict, "changes": list},
        **{"metrics": dict, "tables": dict, "arrays": dict, "warnings": list},
    },
    "provenance.json": {"provenance": dict, "timings": dict},
    "failure.json": {"error": str},
    "labels.json": {"tags": list, "note": str},
    "sweep.json": {"showcase": str, "preset": str, "runs": list},
}
"""What a record must hold to be one, by the name of its file."""


class RunDirectory:
    """One run's folder; the properties are its files, which may or may not exist yet."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.params = self.path / "params.json"
        self.result = self.path / "result.json"
        self.provenance = self.path / "provenance.json"
        self.history = self.path / "history.csv"
        self.notebook = self.path / "notebook.ipynb"
        self.report = self.path / "report.html"
        self.failure = self.path / "failure.json"
        self.arrays = self.path / "arrays.npz"
        self.labels = self.path / "labels.json"
        self.checkpoint = self.path / "checkpoint.pt"
        self.previous_checkpoint = self.path / "checkpoint.previous.pt"

    @property
    def complete(self) -> bool:
        """Whether the run ended with a complete result record: the only sign of success."""
        with contextlib.suppress(RunError, OSError):
            return read_record(self.result).get("complete") is True
        return False

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.checkpoint.exists() or self.previous_checkpoint.exists()

    @property
    def has_something_to_tell(self) -> bool:
        """Whether there is anything to make a report of."""
        return any(file.exists() for file in (self.notebook, self.result, self.failure))

    def create(self) -> None:
        """Make the folder, and see that it can be written to.

        Raises:
            MachineError: it cannot be made, is read-only, or is a link that leads out of the folder of runs.
        """
        if self.path.is_symlink():
            raise MachineError(
                "a run's folder must not be a link to somewhere else",
                found=f"it leads to {self.path.resolve()}",
                where=str(self.path),
                fix="remove the link; link the whole --out folder where runs should lie elsewhere",
            )
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass

    def clear(self) -> None:
        """Remove the run's own files (never its labels, nor anything else that lies in the folder)."""
        for file in (
            *(self.result, self.provenance, self.history, self.notebook, self.report, self.arrays),
            *(self.failure, self.checkpoint, self.previous_checkpoint, self.params),
        ):
            file.unlink(missing_ok=True)

    def record_failure(self, error: BaseException | str) -> None:
        """Leave ``error`` in the folder, for the tables and reports; the next attempt removes it."""
        kind = "RunError" if isinstance(error, str) else type(error).__name__
        write_json(self.failure, {"schema": SCHEMA, "kind": kind, "error": str(error)})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that two processes never work in it at once. Released even by a kill.

        What a killed process left half written is removed once nobody else can be writing.

        Raises:
            RunError: another process holds it.
        """
        with open(self.path / ".lock", "w", opener=no_link) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    "this run is already being done by another process",
                    where=str(self.path),
                    fix="wait for it, or give another --out directory",
                ) from None
            for leftover in self.path.glob(f".*{LEFTOVER}"):
                leftover.unlink(missing_ok=True)
            yield


def no_link(path: str, flags: int) -> int:
    """Open a file that is none elsewhere: what is there might be a link, and its target would be emptied."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)


def run_id(
    showcase: str, parameters: Parameters, notebook: Path | None = None, *, source: list[str] | None = None
) -> str:
    """The run's identity: a hash of the showcase, every parameter, the source and the version.

    The source is the notebook's code and the package's own Python files: change either, and it is another
    run. Who asks for many identities at once gives ``source``, from ``source_of(notebook)``.
    """
    from importlib import metadata

    identity = {
        "showcase": showcase,
        "parameters": parameters.model_dump(),
        "source": source or source_of(notebook),
        "version": metadata.version("workbench"),
    }
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:12]


def source_of(notebook: Path | None) -> list[str]:
    """The source in a run's identity: the notebook's code cells and a hash of the package."""
    return [_notebook_code(notebook) if notebook else "", package_code()]


def params_record(showcase: str, name: str, preset: str, parameters: Parameters) -> dict[str, Any]:
    """The content of params.json: what was asked for."""
    return {
        "schema": SCHEMA,
        "run_id": name,
        "showcase": showcase,
        "preset": preset,
        "parameters": parameters.model_dump(),
    }


def canonical_json(value: Any) -> str:
    """``value`` as JSON that depends on nothing but the value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_record(path: Path) -> dict[str, Any]:
    """A JSON record of this project, as ``write_json`` left it.

    Raises:
        RunError: it is no JSON object, lacks an entry, or its schema is newer than this version knows.
        FileNotFoundError: there is no such file.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        schema = int(record["schema"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RunError(
            "this file is not a record of a run",
            where=str(path),
            fix="run again with --fresh; the file was damaged or written by something else",
        ) from None
    lost = [
        name
        for name, kind in _ENTRIES.get(path.name, {}).items()
        if schema <= SCHEMA and not isinstance(record.get(name), kind)
    ]
    if lost:
        raise RunError(
            "this file is not a whole record of a run",
            found=f"no {_ENTRIES[path.name][lost[0]].__name__} under {lost[0]!r}",
            where=str(path),
            fix="run again with --fresh; the file was damaged or written by something else",
        ) from None
    if schema > SCHEMA:
        raise RunError(
            "this record was written by a newer version of the workbench",
            found=f"got schema {schema}, expected at most {SCHEMA}",
            where=str(path),
            fix="upgrade the workbench, or run again with --fresh",
        )
    return record


@contextlib.contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn whatever the bytes of a damaged file make its reader raise into a message that names the file.

    Raises:
        RunError: in place of any error raised inside that is neither ours nor the operating system's.
    """
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except Exception as error:  # readers of damaged bytes raise nearly anything
        raise RunError(
            "this file cannot be read",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            where=str(file),
            fix="put back a good copy; for a file of a run, run again with --fresh",
        ) from error


@contextlib.contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn what an operating system says of a full disk or a read-only folder into plain words.

    Raises:
        MachineError: in place of any OSError raised inside.
    """
    try:
        yield
    except (WorkbenchError, BrokenPipeError):  # of ours some are OSErrors; a closed pipe is no disk
        raise
    except OSError as error:
        raise storage_error(error, where) from error


def storage_error(error: OSError, where: Path) -> MachineError:
    """The MachineError that says what a failed write means and what to do."""
    what, fix = {
        errno.ENOSPC: ("the disk is full", "free some space, or give another --out directory, then --resume"),
        errno.EDQUOT: ("your disk quota is used up", "free some space, then --resume"),
        errno.EFBIG: (
            "a file grew larger than is allowed here",
            "raise the limit (ulimit), then --resume",
        ),
        errno.EACCES: ("this directory may not be written to", "give an --out directory of your own"),
        errno.EPERM: ("this directory may not be written to", "give an --out directory of your own"),
        errno.EROFS: ("this directory is on a read-only disk", "give an --out directory of your own"),
        errno.ELOOP: ("a file of the run is a link to somewhere else", "remove the link, then --resume"),
        errno.ENOTDIR: ("this is not a directory", "give another --out directory"),
        errno.EEXIST: ("this is a file, not a directory", "give another --out directory"),
    }.get(error.errno or 0, ("the run's files could not be written", "see the reason, then --resume"))
    return MachineError(what, found=error.strerror or str(error), where=str(where), fix=fix)


def _notebook_code(notebook: Path) -> str:
    with reading(notebook):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def package_code() -> str:
    """A hash of every Python file of the package (some ten milliseconds)."""
    root = Path(workbench.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
