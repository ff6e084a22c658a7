"""The report of a sweep: one HTML file, made from sweep.json and the folders of the runs, at any time again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.figures.sweep import histories_figure, response_figure
from workbench.files import write_whole
from workbench.reports import cells
from workbench.reports.html import failure_text, fill_in
from workbench.reports.provenance import origin_rows
from workbench.reports.record import number_text
from workbench.reports.store import RunDirectory, read_record, reading, storage_errors
from workbench.showcases import Showcase, known

if TYPE_CHECKING:
    import numpy as np

    from workbench.parameters import ParameterInfo

MOST_RESULTS = 4
MOST_HISTORIES = 64


@dataclass(frozen=True)
class _Run:
    """One run of the sweep as its folder tells."""

    run_id: str
    values: Mapping[str, Any]
    directory: RunDirectory
    record: Mapping[str, Any]  # empty unless complete

    @property
    def name(self) -> str:
        return ", ".join(f"{name}={number_text(value)}" for name, value in self.values.items()) or self.run_id

    @property
    def results(self) -> dict[str, float]:
        """Every number the run came to: the last loss, then the metrics."""
        loss = self.record.get("loss", {}).get("last")
        named = {"loss": loss, **self.record.get("metrics", {})}
        return {
            name: value
            for name, value in named.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        }


def write_summary(folder: Path, showcase: Showcase | None = None) -> Path:
    """Make ``folder``/report.html from ``folder``/sweep.json and the runs beside the folder.

    Raises:
        RunError: sweep.json is damaged.
        MachineError: the report cannot be written.
    """
    report = folder / "report.html"
    with storage_errors(folder):
        write_whole(report, page(folder, showcase))
    return report


def page(folder: Path, showcase: Showcase | None = None) -> str:
    """The report as one string of HTML."""
    sweep = read_record(folder / "sweep.json")
    showcase = showcase or known(sweep["showcase"])
    infos = {info.name: info for info in showcase.parameters.infos()} if showcase else {}
    with reading(folder / "sweep.json"):
        runs = [_run(folder.parent, entry) for entry in sweep["runs"]]
    done = [run for run in runs if run.record]
    names = _result_names(done, sweep.get("objective"))
    failed = [run for run in runs if failure_text(run.directory)]
    varied = {name: _values(runs, name) for name in (runs[0].values if runs else {})}
    body = cells.Body()
    for figure in _figures(done, varied, names, infos):
        body.blocks.append(cells.figure(json.loads(figure.to_json()), body))
    measured = _first_record([run.directory.provenance for run in done])
    return fill_in(
        Path(__file__).with_name("sweep.html"),
        body.figures,
        title=f"{'Search' if sweep.get('objective') else 'Sweep'}: {showcase.title if showcase else sweep['showcase']}",
        question=showcase.question if showcase else "",
        counts=_counts(runs, done, failed),
        best=_best(done, names, maximise=sweep.get("maximise", False)),
        varied=[_varied_row(name, values, infos) for name, values in varied.items()],
        failures=[{"name": run.name, "error": failure_text(run.directory)} for run in failed],
        warnings=[f"{run.name}: {text}" for run in done for text in run.record.get("warnings", [])],
        blocks=body.blocks,
        columns=["status", *(name.replace("_", " ") for name in (*varied, *names))],
        rows=[_row(run, varied, names) for run in runs],
        fixed=_fixed(showcase, sweep["preset"], varied),
        origin=origin_rows(measured["provenance"]) if measured else [],
    )


def _run(out: Path, entry: Mapping[str, Any]) -> _Run:
    directory = RunDirectory(out / Path(str(entry["run_id"])).name)
    record = read_record(directory.result) if directory.complete else {}
    return _Run(str(entry["run_id"]), entry["values"], directory, record)


def _result_names(done: list[_Run], objective: str | None) -> list[str]:
    """The results worth a column: the objective first, then those that differ between runs."""
    names = [objective] if objective else []
    for name in dict.fromkeys(name for run in done for name in run.results):
        differs = len({run.results.get(name) for run in done}) > 1 or len(done) == 1
        if name not in names and differs:
            names.append(name)
    return names[:MOST_RESULTS]


def _figures(
    done: list[_Run], varied: Mapping[str, list[Any]], names: list[str], infos: Mapping[str, ParameterInfo]
) -> list[Any]:
    figures = []
    histories = {
        run.name: found for run in done[:MOST_HISTORIES] if (found := _losses(run.directory)) is not None
    }
    if histories:
        figures.append(histories_figure(histories))
    for name in (name for name, values in varied.items() if len(values) > 1):
        info = infos.get(name)
        unit = f" ({info.unit})" if info and info.unit else ""
        for result in names:
            there = [run for run in done if result in run.results]
            values = [run.values[name] for run in there]
            if there:
                figures.append(
                    response_figure(
                        values,
                        [run.results[result] for run in there],
                        parameter=name + unit,
                        result=result,
                        log_x=bool(info and info.scale == "log" and all(value > 0 for value in values)),
                    )
                )
    return figures


def _losses(directory: RunDirectory) -> tuple[np.ndarray, np.ndarray] | None:
    from workbench.training.history import History

    if not directory.history.exists():
        return None
    with reading(directory.history):
        history = History.from_csv(directory.history.read_text(encoding="utf-8"))
    return history.column("iteration"), history.column("loss")


def _values(runs: list[_Run], name: str) -> list[Any]:
    return list(dict.fromkeys(run.values[name] for run in runs))


def _varied_row(name: str, values: list[Any], infos: Mapping[str, ParameterInfo]) -> dict[str, str]:
    info = infos.get(name)
    texts = [number_text(value) for value in values]
    text = (
        ", ".join(texts)
        if len(texts) <= 12
        else f"{texts[0]}, {texts[1]}, … {texts[-1]} ({len(texts)} values)"
    )
    return {
        "name": name,
        "shown": text,
        "unit": info.unit if info else "",
        "help": info.help if info else "",
    }


def _counts(runs: list[_Run], done: list[_Run], failed: list[_Run]) -> str:
    left = len(runs) - len(done) - len(failed)
    parts = [f"{len(runs)} runs", f"{len(done)} complete"]
    parts += [f"{len(failed)} failed"] if failed else []
    parts += [f"{left} not finished"] if left else []
    return " · ".join(parts)


def _best(done: list[_Run], names: list[str], *, maximise: bool) -> dict[str, str] | None:
    there = [run for run in done if names and names[0] in run.results]
    if not there:
        return None
    pick = max if maximise else min
    best = pick(there, key=lambda run: run.results[names[0]])
    result = ("highest " if maximise else "lowest ") + names[0].replace("_", " ")
    return {"name": best.name, "result": result, "value": number_text(best.results[names[0]])}


def _row(run: _Run, varied: Mapping[str, list[Any]], names: list[str]) -> dict[str, Any]:
    failed = bool(failure_text(run.directory))
    status = "complete" if run.record else "failed" if failed else "not finished"
    values = [number_text(run.values[name]) for name in varied]
    results = [number_text(run.results[name]) if name in run.results else "" for name in names]
    return {"run_id": run.run_id, "cells": [status, *values, *results], "failed": failed}


def _fixed(showcase: Showcase | None, preset: str, varied: Mapping[str, Any]) -> list[dict[str, str]]:
    if showcase is None:
        return [{"name": "preset", "value": preset, "unit": ""}]
    rows = showcase.parameters.from_preset(preset).rows()
    return [row for row in rows if row["name"] not in varied]


def _first_record(files: list[Path]) -> dict[str, Any]:
    return next((read_record(file) for file in files if file.exists()), {})
