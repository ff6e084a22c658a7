"""``workbench runs``, ``tag`` and ``note``: what has run, sorted, filtered and labelled."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

RUNS_EXAMPLES = (
    "examples:\n  workbench runs\n  workbench runs results --sort loss --where 'loss<0.1' --where tag=paper"
)
TAG_EXAMPLES = (
    "examples:\n  workbench tag runs/1a2b3c4d5e6f paper\n  workbench tag runs/1a2b3c4d5e6f paper --remove"
)
NOTE_EXAMPLES = 'examples:\n  workbench note runs/1a2b3c4d5e6f "the one in the figure"'


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Declare the three commands."""
    runs = command("runs", _runs, "list the runs of a folder")
    runs.add_argument(
        "directory", nargs="?", default="runs", metavar="DIR", help="their folder (%(default)s)"
    )
    runs.add_argument("--sort", default="run", metavar="NAME", help="a parameter, a result, run, state, …")
    runs.add_argument("--descending", action="store_true", help="the largest first")
    runs.add_argument(
        *("-w", "--where"), action="append", default=[], metavar="NAME=VALUE", help="also <, >, <=, >=, !="
    )
    runs.add_argument("--json", action="store_true", help="everything about the runs, as JSON")
    runs.add_argument(
        "--rebuild", action="store_true", help="read every file again, and write the index of the folder anew"
    )
    tag = command("tag", _tag, "give a run a tag, or take it away")
    tag.add_argument("run", metavar="RUN", help="the folder of the run")
    tag.add_argument("tag", metavar="WORD", help="one word")
    tag.add_argument("--remove", action="store_true", help="take the tag away")
    note = command("note", _note, "write a note on a run, in place of the one it has")
    note.add_argument("run", metavar="RUN", help="the folder of the run")
    note.add_argument("text", metavar="TEXT", help="the note; '' removes it")


def _runs(options: argparse.Namespace) -> None:
    from workbench.reports.index import read_rows_quickly, rebuild
    from workbench.reports.record import number_text
    from workbench.reports.table import ordered, where

    rows = (rebuild if options.rebuild else read_rows_quickly)(options.directory)
    rows = where(rows, options.where)
    rows = ordered(rows, options.sort, descending=options.descending)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return
    lines = [("run", "state", "showcase", "loss", options.sort, "tags", "note")]
    for row in rows:
        loss, by = (row.values.get(name) for name in ("loss", options.sort))
        shown = ["" if value is None else number_text(value) for value in (loss, by)]
        lines.append((row.run, row.state, row.showcase, *shown, " ".join(row.tags), row.note))
    if options.sort in lines[0][:4] or options.sort in ("tag", "note"):
        lines = [(*line[:4], *line[5:]) for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        text = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        print("".join(letter if letter.isprintable() else " " for letter in text))


def _tag(options: argparse.Namespace) -> None:
    from workbench.reports.table import set_labels

    set_labels(options.run, **{"remove" if options.remove else "add": [options.tag]})


def _note(options: argparse.Namespace) -> None:
    from workbench.reports.table import set_labels

    set_labels(options.run, note=options.text)
