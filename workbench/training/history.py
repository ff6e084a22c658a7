"""What happened in each iteration: records, kept as columns, exported and thinned out for plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

Value = float | int | bool | str
FIXED_COLUMNS = ("iteration", "loss", "learning_rate", "seconds")


@dataclass(frozen=True)
class Record:
    """One iteration of training.

    ``iteration`` counts from 1. ``loss`` and ``metrics`` belong to the parameters *before* this
    iteration's update. ``learning_rate`` is the one used, schedule included. ``seconds`` is the training
    time so far, pauses left out.
    """

    iteration: int
    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = float("nan")
    seconds: float = float("nan")


@dataclass(frozen=True)
class Change:
    """A setting changed by hand, from the iteration after ``iteration`` on."""

    iteration: int
    name: str
    value: Value


class History(Sequence[Record]):
    """The records so far: a list to read, and columns to plot.

    One thread may append while others read: a row is complete before the length tells of it, and rows are
    never changed afterwards.
    """

    def __init__(self) -> None:
        self._columns = {name: np.full(256, np.nan) for name in FIXED_COLUMNS}
        self._length = 0
        self.changes: list[Change] = []

    def append(self, record: Record) -> None:
        """Add one record; a metric not seen before gets a column that is NaN so far."""
        row = self._length
        if row == len(self._columns["iteration"]):
            grown = {
                name: np.concatenate([column, np.full(row, np.nan)]) for name, column in self._columns.items()
            }
            self._columns = grown
        for name in record.metrics:
            if name not in self._columns:
                new = np.full(len(self._columns["iteration"]), np.nan)
                self._columns = {**self._columns, name: new}
        for name, column in self._columns.items():
            column[row] = record.metrics.get(name, np.nan)
        for name in FIXED_COLUMNS:
            self._columns[name][row] = getattr(record, name)
        self._length = row + 1

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        values = {name: float(column[row]) for name, column in self._columns.items()}
        fixed = {name: values.pop(name) for name in FIXED_COLUMNS}
        metrics = {name: value for name, value in values.items() if not np.isnan(value)}
        return Record(**{**fixed, "iteration": int(fixed["iteration"])}, metrics=metrics)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns: the four fixed ones, then the metrics."""
        return tuple(self._columns)

    def column(self, name: str) -> np.ndarray:
        """One column as a read-only array; NaN where a metric was not recorded.

        Before the first record no metric has a name yet, and every column is empty.
        """
        length = len(self)
        if length == 0:
            return np.empty(0)
        if name not in self._columns:
            known = ", ".join(self._columns)
            raise KeyError(f"the history has no column {name!r}; it has {known}")
        values = self._columns[name][:length]
        values.flags.writeable = False
        return values

    def decimate(self, name: str, points: int = 500) -> tuple[np.ndarray, np.ndarray]:
        """Iterations and values of a column, thinned out to at most ``points``.

        The lowest and the highest value of each stretch are kept, so that no spike is lost.
        """
        iterations, values = self._recorded(name)
        if len(values) <= points:
            return iterations, values
        blocks = _blocks(np.arange(len(values)), points // 2)
        found = values[blocks]
        rows = np.arange(len(blocks))
        pair = np.stack([blocks[rows, found.argmin(axis=1)], blocks[rows, found.argmax(axis=1)]], axis=1)
        kept = np.unique(pair)
        return iterations[kept], values[kept]

    def averaged(self, name: str, points: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """Iterations and values of a column, averaged over at most ``points`` stretches of equal length."""
        iterations, values = self._recorded(name)
        if len(values) <= points:
            return iterations, values
        blocks = _blocks(np.arange(len(values)), points)
        return iterations[blocks].mean(axis=1), values[blocks].mean(axis=1)

    def _recorded(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        values = self.column(name)
        iterations = self.column("iteration")[: len(values)]
        there = ~np.isnan(values)
        return iterations[there], values[there]

    def to_csv(self) -> str:
        """All columns as CSV text; numbers in full precision, empty where a metric was not recorded."""
        names = self.columns
        lines = [",".join(names)]
        table = np.stack([self.column(name)[: len(self)] for name in names], axis=1)
        for row in table.tolist():
            numbers = [str(int(row[0]))] + ["" if np.isnan(value) else repr(value) for value in row[1:]]
            lines.append(",".join(numbers))
        return "\n".join(lines) + "\n"

    @classmethod
    def from_csv(cls, text: str) -> History:
        """The history that ``to_csv`` wrote; ``changes`` are not in it.

        Raises:
            ValueError: it is no such text.
        """
        names, *rows = (line.split(",") for line in text.splitlines())
        table = np.array([[float(value or "nan") for value in row] for row in rows]).reshape(-1, len(names))
        if tuple(names[: len(FIXED_COLUMNS)]) != FIXED_COLUMNS:
            raise ValueError(f"not a history: its columns are {', '.join(names)}")
        history = cls()
        room = np.full(256, np.nan)
        history._columns = {
            name: np.concatenate([column, room]) for name, column in zip(names, table.T, strict=True)
        }
        history._length = len(table)
        return history

    def to_json(self) -> str:
        """Columns and changes as JSON text; null where a metric was not recorded."""
        columns: dict[str, list[Any]] = {
            name: [None if np.isnan(value) else value for value in self.column(name).tolist()]
            for name in self.columns
        }
        columns["iteration"] = [int(value) for value in columns["iteration"]]
        return json.dumps({"columns": columns, "changes": [asdict(change) for change in self.changes]})

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors and plain values."""
        columns = {name: torch.from_numpy(self.column(name).copy()) for name in self.columns}
        return {"columns": columns, "changes": [asdict(change) for change in self.changes]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        columns = {name: values.numpy().copy() for name, values in state["columns"].items()}
        self._length = len(columns["iteration"])
        room = np.full(256, np.nan)
        self._columns = {name: np.concatenate([values, room]) for name, values in columns.items()}
        self.changes = [Change(**change) for change in state["changes"]]


def _blocks(indices: np.ndarray, blocks: int) -> np.ndarray:
    """``indices`` cut into at most ``blocks`` rows of equal length, the last index repeated to fill up."""
    size = -(-len(indices) // blocks)
    rows = -(-len(indices) // size)
    padded = np.concatenate([indices, np.full(rows * size - len(indices), indices[-1])])
    return padded.reshape(rows, size)
