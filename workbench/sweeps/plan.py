"""The runs of a sweep: their parameters, identities and folders, and the record that lists them.

DIR/sweep-<id>/sweep.json     which runs belong to the sweep, and what was varied
               report.html    what they say together
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.parameters import Parameters
from workbench.reports import store
from workbench.reports.execution import find_notebook
from workbench.reports.store import SCHEMA, RunDirectory, canonical_json, run_id, source_of
from workbench.reports.store import write_json as _write_json

if TYPE_CHECKING:
    from workbench.showcases import Showcase

Mode = Literal["function", "notebook"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run, with everything that a worker on any machine needs to do it.

    Args:
        run_id: the run's identity and the name of its folder.
        values: what is special to this run of its sweep, by parameter.
        notebook: the notebook's text, for runs as notebooks; None for runs as functions.
        code: hash of the package's source, which the worker's must equal.
        out: absolute path of the folder of runs, used where the worker sees the same disk.
        token: name of a file in ``out`` that tells a worker that it does.
    """

    showcase: Showcase
    parameters: Parameters
    preset: str
    run_id: str
    values: Mapping[str, Any]
    notebook: str | None
    code: str
    out: str
    token: str
    timeout: float | None

    @property
    def directory(self) -> RunDirectory:
        """The run's folder, as seen from the machine that drives the sweep."""
        return RunDirectory(Path(self.out) / self.run_id)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all runs of a sweep have in common; ``jobs`` makes the runs."""

    showcase: Showcase
    preset: str
    mode: Mode
    out: Path
    token: str
    timeout: float | None = None
    notebook: Path | None = None

    def jobs(self, points: list[dict[str, Any]]) -> list[Job]:
        """One job for each point, in order."""
        notebook = self.notebook or find_notebook(self.showcase.notebook)
        source, code = source_of(notebook), store.package_code()
        text = notebook.read_text(encoding="utf-8") if self.mode == "notebook" else None
        jobs = []
        for values in points:
            parameters = self.showcase.parameters.from_preset(self.preset, **values)
            jobs.append(
                Job(
                    showcase=self.showcase,
                    parameters=parameters,
                    preset=self.preset,
                    run_id=run_id(self.showcase.name, parameters, source=source),
                    values=values,
                    notebook=text,
                    code=code,
                    out=str(self.out),
                    token=self.token,
                    timeout=self.timeout,
                )
            )
        return jobs


def sweep_folder(out: Path, showcase: str, jobs: list[Job], kind: str = "sweep") -> Path:
    """Where the sweep's own files are: named by a hash of its runs, so that the same sweep finds its own."""
    identity = canonical_json({"showcase": showcase, "runs": [job.run_id for job in jobs]})
    return out / f"{kind}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def write_sweep(folder: Path, showcase: str, preset: str, jobs: list[Job], **more: Any) -> None:
    """Write sweep.json, from which the report can be made again at any time."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA,
        "showcase": showcase,
        "preset": preset,
        **more,
        "runs": [{"run_id": job.run_id, "values": dict(job.values)} for job in jobs],
    }
    _write_json(folder / "sweep.json", record)
