"""Compare runs: a table of all runs of a folder, and pictures of those that are selected."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from widgets.panel import Panel, PanelWidget, image, script, source, table
from widgets.plot import Picture, Plot
from widgets.runs_table import (
    against,
    cell,
    column_names,
    loss_histories,
    matching,
    numeric,
    result_names,
    thinned,
    varying_parameters,
)
from workbench.errors import ParameterError, WorkbenchError
from workbench.reports.index import read_rows_quickly
from workbench.reports.store import RunDirectory
from workbench.reports.table import Row, ordered, read_row, set_labels

PAGE = 20
MOST_STATIC = 50


class RunsWidget(PanelWidget):
    """The page's side of ``Runs``: one page of the table, and the pictures."""

    _esm = script("renderRuns", "runs.js")
    _css = source("style.css")
    view = traitlets.Dict().tag(sync=True)
    pictures = traitlets.Dict().tag(sync=True)


class Runs(Panel):
    """A table of runs to sort, filter, select and label; what it says is what their files say.

    Sorting and filtering is done here, a page of rows at a time is sent: a folder may hold many runs. A tag or
    a note that is edited leaves the rows where they are, also where the table is sorted or filtered by it.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._sort, self._descending = "run", False
        self._filter, self._page = "", 0
        self._chosen: dict[str, None] = {}  # names of the selected runs, in the order of selection
        self._axes = {"parameter": "", "result": ""}
        self._message, self._rejected = "", {}
        self._seq = 0
        self._read()
        super().__init__(RunsWidget(view=self._view(), pictures=self._pictures()))
        self.widget.on_msg(self._on_message)

    @property
    def rows(self) -> list[Row]:
        """The runs that fit the filter, in the order shown."""
        return [self._rows[name] for name in self._fitting]

    @property
    def selected(self) -> list[Row]:
        """The selected runs, in the order in which they were selected."""
        return [self._rows[name] for name in self._chosen]

    # ------------------------------------------------------------------------------------ from the page

    def _on_message(self, widget: PanelWidget, content: dict[str, Any], buffers: list[bytes]) -> None:
        self._message, self._rejected = "", {}
        answers: dict[str, Callable[[dict[str, Any]], None]] = {
            "sort": self._sort_by,
            "filter": self._filter_by,
            "page": self._turn_to,
            "select": self._select,
            "select all": self._select_all,
            "axes": self._choose_axes,
            "label": self._label,
            "read": lambda content: self._read(),
        }
        answers[content["kind"]](content)
        self._seq = content["seq"]
        with self.widget.hold_sync():
            self.widget.view = self._view()
            if content["kind"] not in ("sort", "page", "label"):
                self.widget.pictures = self._pictures()

    def _sort_by(self, content: dict[str, Any]) -> None:
        self._descending = content["name"] == self._sort and not self._descending
        self._sort = content["name"]
        self._arrange()

    def _filter_by(self, content: dict[str, Any]) -> None:
        self._filter = content["text"]
        self._arrange()

    def _turn_to(self, content: dict[str, Any]) -> None:
        self._page = max(0, min(content["page"], self._pages() - 1))

    def _select(self, content: dict[str, Any]) -> None:
        self._chosen.pop(content["run"], None)
        if content["on"] and content["run"] in self._rows:
            self._chosen[content["run"]] = None

    def _select_all(self, content: dict[str, Any]) -> None:
        self._chosen = dict.fromkeys(self._fitting) if content["on"] else {}

    def _choose_axes(self, content: dict[str, Any]) -> None:
        self._axes = {name: content[name] for name in self._axes}

    def _label(self, content: dict[str, Any]) -> None:
        name, text = content["run"], content["text"]
        if name not in self._rows:
            return
        directory = RunDirectory(self._folder / name)
        try:
            if content["what"] == "note":
                set_labels(directory.path, note=text)
            else:
                shown, typed = set(self._rows[name].tags), set(text.split())
                set_labels(directory.path, add=typed - shown, remove=shown - typed)
        except WorkbenchError as error:
            self._message = str(error)
            self._rejected = {"run": name, "what": content["what"], "text": text}
        self._rows[name] = read_row(directory)

    # ---------------------------------------------------------------------------------------- the table

    def _read(self) -> None:
        """Read the folder again; one that does not exist yet has no runs."""
        rows: list[Row] = []
        if os.path.exists(self._folder):
            try:
                rows = read_rows_quickly(self._folder)
            except WorkbenchError as error:
                self._message = str(error)
        self._rows = {row.run: row for row in rows}
        self._columns = column_names(rows)
        self._chosen = {name: None for name in self._chosen if name in self._rows}
        self._arrange()

    def _arrange(self) -> None:
        """Which runs fit, in which order; a filter that cannot be read keeps all, and says why."""
        rows, self._problem = list(self._rows.values()), ""
        try:
            rows = matching(rows, self._filter)
        except ParameterError as error:
            self._problem = f"{error.what}; {error.found}; {error.fix}"
        if any(self._sort in row.values for row in rows):
            rows = ordered(rows, self._sort, descending=self._descending)
        self._fitting, self._page = [row.run for row in rows], 0

    def _pages(self) -> int:
        return max(1, -(-len(self._fitting) // PAGE))

    def _status(self) -> str:
        count, fitting, chosen = len(self._rows), len(self._fitting), len(self._chosen)
        if not count:
            return f"No runs in {self._folder} yet: each ‘workbench run’ leaves one in its --out folder."
        fit = f"{fitting:,} of {count:,} runs fit" if fitting < count else f"{count:,} runs"
        order = f"by {self._sort}, {'descending' if self._descending else 'ascending'}"
        return f"{fit}, {order}; {chosen:,} selected; page {self._page + 1} of {self._pages()}"

    def _view(self) -> dict[str, Any]:
        names = self._fitting[self._page * PAGE : (self._page + 1) * PAGE]
        chosen = sum(name in self._chosen for name in self._fitting)
        return {
            "columns": self._columns,
            "rows": [self._shown(self._rows[name]) for name in names],
            "sort": self._sort,
            "descending": self._descending,
            "filter": self._filter,
            "problem": self._problem,
            "message": self._message,
            "rejected": self._rejected,
            "status": self._status(),
            "page": self._page,
            "pages": self._pages(),
            "all": "none" if not chosen else "all" if chosen == len(self._fitting) else "some",
            "seq": self._seq,
        }

    def _shown(self, row: Row) -> dict[str, Any]:
        return {
            "run": row.run,
            "state": row.state,
            "selected": row.run in self._chosen,
            "cells": [cell(row, name) for name in self._columns],
            "tag": " ".join(row.tags),
            "note": row.note,
        }

    # ------------------------------------------------------------------------------------- the pictures

    def _pictures(self) -> dict[str, Any]:
        rows, told = self.rows, []
        parameters, results = (
            numeric(rows, names) for names in (varying_parameters(rows), result_names(rows))
        )
        offered = {"parameter": parameters, "result": results}
        axes = {
            kind: name if name in offered[kind] else next(iter(offered[kind]), "")
            for kind, name in self._axes.items()
        }
        histories = Plot()
        if self._chosen:
            histories, told = loss_histories(self._folder, self.selected)
        scatter = Plot()
        if all(axes.values()):
            drawn, thinning = thinned(rows, self._chosen)
            scatter, told = against(drawn, self._chosen, **axes), told + thinning
        return {
            "histories": _drawn(histories),
            "against": _drawn(scatter),
            "told": told,
            "offered": offered,
            "axes": axes,
        }

    def static_html(self) -> str:
        head = [*self._columns, "tags", "note"]
        rows = [
            [*(cell(row, name) for name in self._columns), " ".join(row.tags), row.note]
            for row in self.rows[:MOST_STATIC]
        ]
        more = len(self._fitting) - len(rows)
        lines = [self._status(), self._problem, self._message, *self.widget.pictures["told"]]
        texts = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
        pictures = [self.widget.pictures[name] for name in ("histories", "against")]
        shown = "".join(image(drawn["svg"], drawn["summary"]) for drawn in pictures if drawn["svg"])
        rest = f"<p>And {more:,} more.</p>" if more else ""
        return texts + (table(head, rows) + rest if rows else "") + shown

    def static_text(self) -> str:
        lines = [
            f"{row.run}  {row.state}  {cell(row, 'loss')}  {' '.join(row.tags)}".rstrip()
            for row in self.rows[:MOST_STATIC]
        ]
        return "\n".join([self._status(), *lines])


def _drawn(plot: Plot) -> dict[str, str]:
    there = bool(plot.curves or plot.points)
    return {"svg": Picture().svg(plot) if there else "", "summary": plot.summary()}


def runs(folder: Path | str = "runs") -> Runs:
    """A table of the runs in a folder, to sort, filter, compare and label.

    The losses of the selected runs are drawn over each other, and any result over any parameter in which the
    runs differ. The filter takes words such as ``loss<0.1``, ``tag=paper`` (as ``workbench runs --where``) and
    parts of names, tags and notes. Tags and notes are stored as by ``workbench tag`` and ``workbench note``.

    Args:
        folder: the ``--out`` folder of ``workbench run`` or ``workbench sweep``; it may not exist yet.
    Returns:
        a panel to display; ``.rows`` are the runs that fit, ``.selected`` those that are selected.
    Raises:
        MachineError: the kernel is too old for live panels.
    """
    return Runs(folder)
