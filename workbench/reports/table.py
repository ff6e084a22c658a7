"""The table of runs: every run of a folder as a row, read from its plain files; its tags and its note.

What a row says is what the files say now (``index`` remembers rows, and never longer than that holds). A run whose
files are damaged is a row too.
"""

from __future__ import annotations

import fcntl
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import MachineError, ParameterError, RunError, choice_among
from workbench.reports.store import SCHEMA, RunDirectory, no_link, read_record, storage_errors, write_json

_OPERATORS = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Row:
    """One run: ``state`` is complete, failed, unfinished or damaged; ``results`` the last loss and metrics."""

    run: str
    state: str
    showcase: str
    preset: str
    parameters: Mapping[str, Any]
    results: Mapping[str, Any]
    tags: tuple[str, ...]
    note: str

    @property
    def values(self) -> dict[str, Any]:
        """Everything that can be sorted and filtered by, name → value; a parameter before a result."""
        facts = {name: getattr(self, name) for name in ("run", "state", "showcase", "preset", "note")}
        return {**self.results, **self.parameters, **facts, "tag": self.tags}


def read_rows(folder: Path | str) -> list[Row]:
    """The runs in ``folder``, by name, each read from its files.

    Raises:
        MachineError: there is no such folder, or it may not be read.
    """
    return [read_row(RunDirectory(Path(folder) / name)) for name in run_names(folder)]


def run_names(folder: Path | str) -> list[str]:
    """The names of the folders in ``folder`` that are runs, sorted.

    Raises:
        MachineError: there is no such folder, or it may not be read.
    """
    try:
        return sorted(path.name for path in Path(folder).iterdir() if _is_run(path))
    except OSError as error:
        raise MachineError(
            "the runs cannot be listed",
            found=error.strerror,
            where=str(folder),
            fix="give the --out folder of `workbench run`",
        ) from None


def _is_run(path: Path) -> bool:
    try:
        return (path / "params.json").is_file()
    except OSError:  # a folder that may not be looked into: a row that says so, not the end of the table
        return True


def read_row(directory: RunDirectory) -> Row:
    """One run as its files tell of it now."""
    records, damaged = {}, False
    for file in (directory.params, directory.result, directory.labels):
        try:
            records[file.name] = read_record(file)
        except FileNotFoundError:
            records[file.name] = {}
        except (RunError, OSError):
            records[file.name], damaged = {}, True
    asked, result, labels = records.values()
    if damaged:
        state = "damaged"
    elif result.get("complete") is True:
        state = "complete"
    else:
        state = "failed" if directory.failure.exists() else "unfinished"
    loss = {"loss": result["loss"]["last"]} if result.get("loss", {}).get("last") is not None else {}
    return Row(
        run=directory.path.name,
        state=state,
        showcase=str(asked.get("showcase", "")),
        preset=str(asked.get("preset", "")),
        parameters=asked.get("parameters", {}),
        results={**loss, **result.get("metrics", {})},
        tags=tuple(map(str, labels.get("tags", ()))),
        note=str(labels.get("note", "")),
    )


def where(rows: Iterable[Row], conditions: Iterable[str]) -> list[Row]:
    """The rows that fit every condition, such as ``seed=3``, ``loss<0.1`` or ``tag=paper``.

    Raises:
        ParameterError: a condition cannot be read, or no run has anything of that name.
    """
    kept = rows = list(rows)
    for condition in conditions:
        split = [(condition.find(sign), -len(sign), sign) for sign in _OPERATORS if sign in condition]
        name, sign, text = condition.partition(min(split)[2]) if split else ("", "", "")
        if not name.strip() or not (text.strip() or sign in ("=", "!=")):
            raise ParameterError(
                "this condition cannot be read",
                found=f"got {condition!r}",
                where="--where",
                fix=f"write a name, one of {' '.join(_OPERATORS)}, and a value: --where 'loss<0.1'",
            )
        _check_name(rows, name.strip(), "--where")
        _check_comparison(rows, name.strip(), sign, text.strip())
        kept = [row for row in kept if _fits(row.values.get(name.strip()), sign, text.strip())]
    return kept


def ordered(rows: Iterable[Row], name: str, *, descending: bool = False) -> list[Row]:
    """The rows by the value called ``name``: numbers first, then texts, and last those that have none."""
    rows = list(rows)
    _check_name(rows, name, "--sort")
    known = [row for row in rows if row.values.get(name) is not None]
    others = [row for row in rows if row.values.get(name) is None]
    return [*sorted(known, key=lambda row: _rank(row.values[name]), reverse=descending), *others]


def _check_name(rows: list[Row], name: str, option: str) -> None:
    # The loss has a column also where no run has one yet.
    names = {"loss", *(known for row in rows for known in row.values)}
    if rows and name not in names:
        raise ParameterError(
            f"no run has anything called {name!r}",
            found=f"known: {', '.join(sorted(names))}",
            where=option,
            fix=choice_among(name, names),
        )


def _check_comparison(rows: list[Row], name: str, sign: str, text: str) -> None:
    """Some run has a value that can be compared so: otherwise the table would be empty whatever was run."""
    values = [value for row in rows if (value := row.values.get(name)) is not None]
    if sign == "!=" or not values:
        return
    if sign != "=" and all(isinstance(value, tuple) for value in values):
        found, fix = f"got {name}{sign}{text}", f"tags have no order: {name}={text} or {name}!={text}"
    elif all(_is_number(value) for value in values) and not _reads_as_number(text):
        found, fix = f"got {text!r}, expected a number", f"for example {name}{sign}{values[0]}"
    else:
        return
    raise ParameterError(f"{name} cannot be compared so", found=found, where="--where", fix=fix)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _reads_as_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


def _rank(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, (int, float))
    return not number, value if number else 0.0, "" if number else str(value)


def _fits(value: Any, sign: str, text: str) -> bool:
    if isinstance(value, tuple):
        return (text in value) == (sign == "=") if sign in ("=", "!=") else False
    if value is None:
        return False
    if _is_number(value):
        try:
            return _OPERATORS[sign](value, float(text))
        except ValueError:
            return sign == "!="
    same = str(value).lower() if isinstance(value, bool) else str(value)
    return _OPERATORS[sign](same, text)


def set_labels(
    run: Path | str, *, add: Iterable[str] = (), remove: Iterable[str] = (), note: str | None = None
) -> None:
    """Change a run's tags, or its note, in its labels.json; two processes at once lose nothing.

    Raises:
        RunError: its labels.json is damaged.
        ParameterError: a tag is not one word.
        MachineError: there is no run, or its folder may not be written to.
    """
    directory, add = RunDirectory(run), tuple(add)
    if not directory.params.is_file():
        raise MachineError(
            "there is no run here",
            found="no params.json",
            where=str(run),
            fix="give a run's folder, such as runs/1a2b3c4d5e6f",
        )
    for tag in add:
        if not tag.isprintable() or len(tag.split()) != 1:
            raise ParameterError("a tag is one word", found=f"got {tag!r}", where="tag", fix="use a note")
    with storage_errors(directory.path), _alone(directory.path / ".labels.lock"):
        labels = _labels(directory)
        tags = (set(map(str, labels.get("tags", ()))) | set(add)) - set(remove)
        text = labels.get("note", "") if note is None else note
        write_json(directory.labels, {"schema": SCHEMA, "tags": sorted(tags), "note": text})


def _labels(directory: RunDirectory) -> dict[str, Any]:
    try:
        return read_record(directory.labels) if directory.labels.exists() else {}
    except RunError as error:
        raise RunError(
            "the run's tags and note cannot be read",
            found=error.found or error.what,
            where=str(directory.labels),
            fix="mend that file, or delete it and write them again",
        ) from None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with open(lock, "w", opener=no_link) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
