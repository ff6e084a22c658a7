"""The result record: what a training came to, in a form that machines compare and people read.

The record depends on the showcase, the parameters and the mathematics alone: no date, duration or machine.
Its ``fingerprint`` is a hash of all the rest, so two runs agree exactly when their fingerprints do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.files import write_whole
from workbench.reports.store import SCHEMA, RunDirectory, canonical_json, write_json

if TYPE_CHECKING:
    from workbench.parameters import Parameters
    from workbench.showcases import Showcase
    from workbench.training import History, Training

MIME = "application/vnd.workbench.result+json"


def record_result(
    showcase: Showcase | str,
    parameters: Parameters,
    training: Training,
    result: Mapping[str, Any],
    run_dir: str | Path | None = None,
) -> None:
    """Show the result record under the cell and, in a run with a directory, write the run's result files.

    While the training is not done there is no result: the cell says so, and nothing is written.

    Args:
        showcase: the showcase, or its name.
        parameters: what was asked for.
        training: its ``history`` becomes history.csv.
        result: what ``showcase.evaluate`` returned: ``metrics`` (name → number), ``tables`` (name → list of
            rows, each a dict), ``arrays`` (name → ndarray; only its shape and hash are recorded) and
            ``timings`` (name → seconds or rate). Whatever was measured with a clock belongs in ``timings``.
        run_dir: where ``workbench run`` wants the files; None writes none.
    """
    from IPython.display import display

    from workbench.reports import provenance

    if not training.done:
        print(
            f"The training is at iteration {training.iteration} of {training.iterations}. "
            "Run this cell again when it is done."
        )
        return
    name = showcase if isinstance(showcase, str) else showcase.name
    record = make_record(name, parameters, training.history, result)
    timings = plain_timings(result)
    if run_dir is not None:
        write_result(RunDirectory(run_dir), record, training.history.to_csv(), timings, provenance.collect())
    bundle = {MIME: record, "text/html": _html(record, timings), "text/plain": _text(record, timings)}
    display(bundle, raw=True)


def write_result(
    directory: RunDirectory,
    record: Mapping[str, Any],
    history: str,
    timings: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> None:
    """Write a run's result files; result.json comes last, since its presence says that the run is complete."""
    write_whole(directory.history, history)
    write_json(directory.provenance, {"schema": SCHEMA, "provenance": dict(origin), "timings": dict(timings)})
    write_json(directory.result, record)


def plain_timings(result: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured with a clock, as plain numbers."""
    return {str(key): _plain(value) for key, value in result.get("timings", {}).items()}


def make_record(
    showcase: str, parameters: Parameters, history: History, result: Mapping[str, Any]
) -> dict[str, Any]:
    """The record as a JSON-able dict; see the module's description. NaN becomes null and a warning."""
    losses = history.column("loss").tolist()
    record = {
        "schema": SCHEMA,
        "complete": True,
        "showcase": showcase,
        "parameters": parameters.model_dump(),
        "iterations": len(losses),
        "loss": {"first": losses[0], "last": losses[-1], "lowest": min(losses)} if losses else {},
        "changes": [asdict(change) for change in history.changes],
        "metrics": _plain(result.get("metrics", {})),
        "tables": _plain(result.get("tables", {})),
        "arrays": {key: _digest(value) for key, value in result.get("arrays", {}).items()},
    }
    record["warnings"] = [f"{path} is not a finite number" for path in _not_finite(result)]
    record["fingerprint"] = fingerprint(record)
    return record


def fingerprint(record: Mapping[str, Any]) -> str:
    """A hash of everything in the record but the fingerprint itself."""
    content = {key: value for key, value in record.items() if key != "fingerprint"}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """``value`` with NumPy's numbers as Python's, and numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _not_finite(value: Any, path: str = "") -> list[str]:
    if isinstance(value, Mapping):
        items = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
        return [found for where, item in items for found in _not_finite(item, where)]
    if isinstance(value, (list, tuple)):
        return [found for row, item in enumerate(value) for found in _not_finite(item, f"{path}[{row}]")]
    if isinstance(value, float) and not math.isfinite(value):
        return [path]
    return []


def _digest(array: Any) -> dict[str, Any]:
    import numpy as np

    content = np.ascontiguousarray(array)
    return {
        "shape": list(content.shape),
        "dtype": str(content.dtype),
        "sha256": hashlib.sha256(content.tobytes()).hexdigest(),
    }


def number_text(value: Any) -> str:
    """A value for people: numbers to four significant digits, None as "not a number"."""
    if value is None:
        return "not a number"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rows(record: Mapping[str, Any], timings: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = {"iterations": record["iterations"], **record["metrics"], **timings}
    rows = [(name.replace("_", " "), number_text(value)) for name, value in named.items()]
    return [*rows, ("fingerprint", record["fingerprint"])]


def _text(record: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    return "\n".join(f"{name:<40} {value}" for name, value in _rows(record, timings))


def _html(record: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in _rows(record, timings)
    )
    return f"<table><caption>Result</caption>{cells}</table>"
