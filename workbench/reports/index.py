"""The rows of a folder of runs, remembered in an SQLite file beside them so that a long table is there at once.

The index is never the truth. A remembered row counts only while the four files it was made of are the same
(inode, size and times); all others are read from the files. Delete the index whenever you like. One that cannot
be used (damaged, locked, in a folder that may not be written to) costs time and nothing else: nobody is told.

    DIR/.index.sqlite   runs(name, state of the files, row as JSON); user_version is a checksum of the code that
                        makes rows, so that another version of it starts anew
    DIR/.index.lock     held by the one process that uses the index; whoever comes meanwhile reads the files
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

from workbench.errors import MachineError
from workbench.reports import store, table
from workbench.reports.store import RunDirectory, no_link
from workbench.reports.table import Row, read_row, run_names

NAME, LOCK = ".index.sqlite", ".index.lock"
FEWEST = 200
"""Fewer runs than this are read from their files in less time than anybody notices."""
SETTLED = 2.0
"""Seconds a file has to be left alone before its row is remembered: times of files may be that coarse."""

_FILES = ("params.json", "result.json", "labels.json", "failure.json")
_Known = dict[bytes, tuple[bytes, bytes]]


def read_rows_quickly(folder: Path | str) -> list[Row]:
    """What ``read_rows`` returns, by way of the index where there are many runs and it can be used.

    Raises:
        MachineError: there is no such folder, or it may not be read.
    """
    names = run_names(folder)
    if len(names) >= FEWEST:
        with suppress(OSError, sqlite3.Error), _alone(Path(folder)):
            return _read_by_index(Path(folder), names)
    return [read_row(RunDirectory(Path(folder) / name)) for name in names]


def rebuild(folder: Path | str) -> list[Row]:
    """The rows, read from the files; the index is written anew.

    Raises:
        MachineError: there is no such folder, or it cannot hold an index; the reason is told.
    """
    names = run_names(folder)
    try:
        with _alone(Path(folder)):
            _forget(Path(folder))
            return _read_by_index(Path(folder), names, strict=True)
    except BlockingIOError:
        reason = "another process uses it at this moment"
    except OSError as error:
        reason = error.strerror or str(error)
    except sqlite3.Error as error:
        reason = str(error)
    raise MachineError(
        "the index of the runs cannot be written",
        found=reason,
        where=str(Path(folder) / NAME),
        fix="list the runs without --rebuild: they are read from their files, which takes longer",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the index, or raise BlockingIOError: SQLite's own locks do not cover the removal of a damaged one."""
    with open(folder / LOCK, "w", opener=no_link) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (folder / NAME).is_symlink():
            raise OSError(errno.ELOOP, "it is a link to somewhere else")
        yield


def _read_by_index(folder: Path, names: list[str], *, strict: bool = False) -> list[Row]:
    try:
        database, known = _opened(folder)
    except sqlite3.OperationalError:  # locked by another program, or no space: it may be whole
        raise
    except sqlite3.DatabaseError:
        _forget(folder)
        database, known = _opened(folder)
    with closing(database):
        rows, news = [], []
        for name in names:
            key, state = os.fsencode(name), _state(f"{folder}/{name}")
            row = _remembered(known.pop(key, None), state)
            if row is None:
                row = read_row(RunDirectory(folder / name))
                if state is not None and row.state != "damaged":  # damage may lie in the disk, and pass
                    news.append((key, state, json.dumps(vars(row))))
            rows.append(row)
        with nullcontext() if strict else suppress(sqlite3.Error):
            _remember(database, news, gone=[(name,) for name in known])
    return rows


def _opened(folder: Path) -> tuple[sqlite3.Connection, _Known]:
    """The index and all it holds: nothing, where there was none or one of other code.

    Raises:
        sqlite3.DatabaseError: it is damaged; its kind OperationalError: it cannot be used now.
    """
    database = sqlite3.connect(folder / NAME, timeout=0)
    try:
        database.text_factory = bytes  # a damaged text is found by its reader, as a damaged row
        if database.execute("PRAGMA user_version").fetchone() != (_version(),):
            database.executescript(
                "BEGIN; DROP TABLE IF EXISTS runs;"
                "CREATE TABLE runs(name BLOB PRIMARY KEY, state TEXT, row TEXT) WITHOUT ROWID;"
                f"PRAGMA user_version={_version()}; COMMIT"
            )
        found = database.execute("SELECT name, state, row FROM runs")
        return database, {name: (state, row) for name, state, row in found}
    except BaseException:
        database.close()
        raise


def _forget(folder: Path) -> None:
    for name in (NAME, f"{NAME}-journal"):
        (folder / name).unlink(missing_ok=True)


def _version() -> int:
    code = [Path(module.__file__).read_bytes() for module in (store, table, sys.modules[__name__])]
    return zlib.crc32(b"".join(code)) >> 1  # SQLite keeps a number with a sign here


def _state(run: str) -> str | None:
    """What tells of any change of a run's files; None where they changed just now or may not be looked at."""
    states, newest = [], 0
    for name in _FILES:
        try:
            file = os.stat(f"{run}/{name}")
        except FileNotFoundError:
            states.append("")
        except OSError:
            return None
        else:
            states.append(f"{file.st_ino} {file.st_size} {file.st_mtime_ns} {file.st_ctime_ns}")
            newest = max(newest, file.st_ctime_ns)
    return ";".join(states) if time.time_ns() - newest > 1e9 * SETTLED else None


def _remembered(entry: tuple[bytes, bytes] | None, state: str | None) -> Row | None:
    try:
        if state is None or entry is None or entry[0] != state.encode():
            return None
        row = json.loads(entry[1])
        return Row(**{**row, "tags": tuple(row["tags"])})
    except (ValueError, TypeError, KeyError):
        return None


def _remember(database: sqlite3.Connection, news: list[tuple], gone: list[tuple]) -> None:
    if news or gone:
        with database:
            database.executemany("REPLACE INTO runs VALUES (?, ?, ?)", news)
            database.executemany("DELETE FROM runs WHERE name = ?", gone)
