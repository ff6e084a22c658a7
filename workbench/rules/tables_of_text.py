"""``csv``: rows of text in a buffer remember the traced numbers that are written in them, as text does."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from workbench.autodiff.indexing import TEXT_STREAMS, iterate
from workbench.autodiff.registry import door
from workbench.autodiff.text import marked, tape_in
from workbench.rules.text import fill, tape_of

_writer, _reader = csv.writer, csv.reader


class _Rows:
    """What ``csv.writer`` gives for a buffer or a file."""

    def __init__(self, buffer: Any, *args: Any, **kwargs: Any) -> None:
        self.buffer, self.writer = buffer, _writer(buffer, *args, **kwargs)
        self.dialect = self.writer.dialect

    def writerow(self, row: Any) -> Any:
        row = list(iterate(row))
        fill(self.buffer, row)
        return self.writer.writerow(row)

    def writerows(self, rows: Any) -> None:
        for row in iterate(rows):
            self.writerow(row)


class _Words:
    """What ``csv.reader`` gives: the words of a line in which traced numbers are written are marked as it is."""

    def __init__(self, source: Any, *args: Any, **kwargs: Any) -> None:
        self.source, self.lines, self.read = source, iter(source), []
        self.reader = _reader(self._lines(), *args, **kwargs)
        self.dialect = self.reader.dialect

    @property
    def line_num(self) -> int:
        return self.reader.line_num

    def _lines(self) -> Iterator[str]:
        for line in self.lines:
            self.read.append(line)
            yield line

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self.read.clear()
        row = next(self.reader)
        return marked(row, tape_in(self.read) or tape_of(self.source))


@door(csv.writer)
def csv_writer(csvfile: Any, *args: Any, **kwargs: Any) -> Any:
    """``csv.writer``."""
    return (_Rows if type(csvfile) in TEXT_STREAMS else _writer)(csvfile, *args, **kwargs)


@door(csv.reader)
def csv_reader(iterable: Any, *args: Any, **kwargs: Any) -> Any:
    """``csv.reader``."""
    return _Words(iterable, *args, **kwargs)
