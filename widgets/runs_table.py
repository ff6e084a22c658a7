"""A table of runs as people read it: its columns, the runs that fit a filter, and two pictures that compare them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from widgets.plot import Plot
from workbench.errors import ParameterError, RunError
from workbench.reports.record import number_text
from workbench.reports.store import RunDirectory, reading
from workbench.reports.table import Row, where
from workbench.training import History

MOST_CURVES, MOST_POINTS = 8, 2000
WIDE = 100.0
"""An axis whose values differ by this factor is divided by powers of ten."""

_FACTS = ("run", "state", "showcase", "preset", "tag", "note")


def column_names(rows: Sequence[Row]) -> list[str]:
    """Run, state, showcase, the parameters in which the runs differ, and their results; tags and note stand apart."""
    return ["run", "state", "showcase", *varying_parameters(rows), *result_names(rows)]


def varying_parameters(rows: Sequence[Row]) -> list[str]:
    """The parameters that are not the same in all runs."""
    names = dict.fromkeys(name for row in rows for name in row.parameters if name not in _FACTS)
    return [name for name in names if len({repr(row.parameters.get(name)) for row in rows}) > 1]


def result_names(rows: Sequence[Row]) -> list[str]:
    """The results that any run has; a parameter of the same name goes before."""
    parameters = {name for row in rows for name in row.parameters}
    names = dict.fromkeys(name for row in rows for name in row.results)
    return [name for name in names if name not in parameters and name not in _FACTS]


def cell(row: Row, name: str) -> str:
    """What stands in a cell; nothing where the run has no such value."""
    values = row.values
    return number_text(values[name]) if name in values else ""


def matching(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows that fit every word: a condition as after ``--where``, or a part of a name, tag or note.

    Raises:
        ParameterError: a word cannot be read, or no run has anything of that name.
    """
    try:
        words = shlex.split(re.sub(r"\s*([<>!]?=|[<>])\s*", r"\1", text))
    except ValueError:
        raise ParameterError(
            "this filter cannot be read", found="a quotation mark without its pair", fix="close it"
        ) from None
    kept = where(rows, [word for word in words if re.search("[<>=]", word)])
    parts = [word.lower() for word in words if not re.search("[<>=]", word)]
    return [row for row in kept if all(part in _texts(row) for part in parts)]


def _texts(row: Row) -> str:
    return "\n".join([row.run, row.state, row.showcase, row.preset, *row.tags, row.note]).lower()


def loss_histories(folder: Path, rows: Sequence[Row]) -> tuple[Plot, list[str]]:
    """The losses of some runs over their iterations, and what is to be said of those that are not drawn."""
    curves, told = {}, []
    for row in rows[:MOST_CURVES]:
        file = RunDirectory(folder / row.run).history
        try:
            with reading(file):
                history = History.from_csv(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            told.append(f"{row.run} has no history of its loss.")
        except (RunError, OSError) as error:
            told.append(f"The history of {row.run} cannot be read: {getattr(error, 'found', error)}.")
        else:
            curves[_short(row.run)] = np.column_stack(history.averaged("loss", points=200))
    if len(rows) > MOST_CURVES:
        told.append(f"The losses of the first {MOST_CURVES} of {len(rows):,} selected runs are drawn.")
    return Plot(x_label="iteration", y_label="loss", curves=curves, log_y=True), told


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def numeric(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    """Those of the names under which at least one row has a number."""
    rows = list(rows)
    return [name for name in names if any(_number(row, name) is not None for row in rows)]


def thinned(rows: Sequence[Row], selected: Collection[str]) -> tuple[Sequence[Row], list[str]]:
    """Few enough rows to be drawn as points, with the selected ones if these are few; and what is to be said of it."""
    step = -(-len(rows) // MOST_POINTS)
    if step <= 1:
        return rows, []
    kept = selected if len(selected) <= MOST_POINTS else ()
    drawn = [row for index, row in enumerate(rows) if index % step == 0 or row.run in kept]
    return drawn, [f"{len(drawn):,} of {len(rows):,} runs are drawn as points."]


def against(rows: Sequence[Row], selected: Collection[str], parameter: str, result: str) -> Plot:
    """A result over a parameter, one point a run; those selected stand out."""
    points: dict[str, list[tuple[float, float]]] = {"other runs": [], "selected": []}
    for row in rows:
        x, y = _number(row, parameter), _number(row, result)
        if x is not None and y is not None:
            points["selected" if row.run in selected else "other runs"].append((x, y))
    arrays = {name: np.array(pairs) for name, pairs in points.items() if pairs}
    together = np.concatenate([np.empty((0, 2)), *arrays.values()])
    x_label = parameter
    if _is_wide(together[:, 0]):
        x_label = f"{parameter} (power of ten)"
        arrays = {
            name: np.column_stack([np.log10(pairs[:, 0]), pairs[:, 1]]) for name, pairs in arrays.items()
        }
    return Plot(x_label=x_label, y_label=result, points=arrays, log_y=_is_wide(together[:, 1]))


def _is_wide(values: np.ndarray) -> bool:
    return len(values) > 0 and bool(values.min() > 0 and values.max() >= WIDE * values.min())


def _number(row: Row, name: str) -> float | None:
    value: Any = row.values.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e300 else None  # a whole number may be any size
