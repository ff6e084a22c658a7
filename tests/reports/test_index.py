"""The index of runs: the rows it gives are those of the files, whatever has become of it or of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from workbench import cli
from workbench.errors import MachineError
from workbench.reports import index
from workbench.reports.index import read_rows_quickly, rebuild
from workbench.reports.store import write_json
from workbench.reports.table import read_rows, set_labels


@pytest.fixture(autouse=True)
def _even_for_few_and_new_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FEWEST", 0)
    monkeypatch.setattr(index, "SETTLED", 0.0)


@pytest.fixture
def read_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose files were read, by name."""
    names: list[str] = []
    read = index.read_row
    monkeypatch.setattr(index, "read_row", lambda run: names.append(run.path.name) or read(run))
    return names


def _check(runs: Path) -> None:
    assert read_rows_quickly(runs) == read_rows(runs)


def test_a_run_is_read_once(runs: Path, read_runs: list[str]) -> None:
    _check(runs)
    assert read_runs == ["run0", "run1", "run2", "run3"]
    read_runs.clear()
    _check(runs)
    assert read_runs == []


def _finish(runs: Path) -> None:
    shutil.copy(runs / "run0" / "result.json", runs / "run3" / "result.json")


def _change_to_the_same_size_and_time(runs: Path) -> None:
    file = runs / "run3" / "params.json"
    before = file.stat()
    file.write_text(file.read_text().replace('"seed": 3', '"seed": 7'))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _cut(runs: Path) -> None:
    (runs / "run3" / "params.json").write_text("{")


@pytest.mark.parametrize(
    "change",
    [
        _finish,
        _change_to_the_same_size_and_time,
        _cut,
        lambda runs: set_labels(runs / "run3", add=["paper"]),
        lambda runs: write_json(runs / "run3" / "failure.json", {"schema": 1, "error": "no"}),
    ],
)
def test_a_changed_run_is_read_again(
    runs: Path, read_runs: list[str], change: Callable[[Path], None]
) -> None:
    before = read_rows_quickly(runs)
    read_runs.clear()
    change(runs)
    after = read_rows_quickly(runs)
    assert after == read_rows(runs)
    assert after != before
    assert read_runs == ["run3"]


def test_removed_and_new_runs(runs: Path) -> None:
    _check(runs)
    shutil.rmtree(runs / "run1")
    shutil.copytree(runs / "run0", runs / os.fsdecode(b"r\xffn"))
    _check(runs)
    _check(runs)
    with closing(sqlite3.connect(runs / index.NAME)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM runs ORDER BY name")]
    assert names == [b"run0", b"run2", b"run3", b"r\xffn"]


def test_a_run_that_changed_just_now_is_not_remembered(
    runs: Path, read_runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SETTLED", 60.0)
    _check(runs)
    _check(runs)
    assert read_runs == 2 * ["run0", "run1", "run2", "run3"]


def test_damage_is_looked_at_each_time(runs: Path, read_runs: list[str]) -> None:
    _cut(runs)
    _check(runs)
    read_runs.clear()
    _check(runs)
    assert read_runs == ["run3"]


def _scribble(file: Path) -> None:
    """Overwrite all but the head of the first page, which SQLite looks at first."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(100)
        opened.write(b"\x5a" * (size - 100))


def _wrong_rows(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE runs SET row = x'ff7b' WHERE name = x'72756e30'")
        database.execute("UPDATE runs SET row = '[]' WHERE name = x'72756e31'")
        database.execute("UPDATE runs SET row = '{\"tags\": 5}' WHERE name = x'72756e32'")
        database.execute("UPDATE runs SET row = NULL, state = 3 WHERE name = x'72756e33'")


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        _scribble,
        _wrong_rows,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not a database, but long enough to be looked at" * 100),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
    ],
)
def test_a_spoilt_index_is_made_anew(
    runs: Path, read_runs: list[str], spoil: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    _check(runs)
    spoil(runs / index.NAME)
    _check(runs)
    read_runs.clear()
    _check(runs)
    assert read_runs == []
    assert capfd.readouterr() == ("", "")


def test_an_index_of_other_code_is_made_anew(
    runs: Path, read_runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(runs)
    read_runs.clear()
    monkeypatch.setattr(index, "_version", lambda: 5)
    _check(runs)
    assert read_runs == ["run0", "run1", "run2", "run3"]


def _lock(runs: Path) -> sqlite3.Connection:
    other = sqlite3.connect(runs / index.NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


def test_a_locked_index_is_left_alone(runs: Path) -> None:
    _check(runs)
    with closing(_lock(runs)):
        _check(runs)
    assert not (runs / f"{index.NAME}-journal").exists()
    _check(runs)


def test_an_index_in_use_is_not_waited_for(runs: Path) -> None:
    with (runs / index.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _check(runs)
        assert not (runs / index.NAME).exists()
        with pytest.raises(MachineError, match="cannot be written") as caught:
            rebuild(runs)
    assert "another process uses it" in str(caught.value)


@pytest.mark.parametrize("name", [index.NAME, index.LOCK])
def test_a_link_is_not_written_through(runs: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (runs / name).symlink_to(target)
    _check(runs)
    assert target.read_text() == "kept"
    with pytest.raises(MachineError, match="cannot be written"):
        rebuild(runs)


def test_a_folder_that_may_not_be_written_to(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(index, "no_link", refuse)
    _check(runs)
    with pytest.raises(MachineError, match="cannot be written") as caught:
        rebuild(runs)
    assert "Permission denied" in str(caught.value)
    assert not (runs / index.NAME).exists()


def test_processes_at_once_all_see_the_files(runs: Path) -> None:
    code = (
        "import sys\nfrom workbench.reports import index, table\nindex.FEWEST = index.SETTLED = 0\n"
        "for i in range(30):\n"
        "    table.set_labels(f'{sys.argv[1]}/{sys.argv[2]}', note=str(i))\n"
        "    if i == 9: (index.Path(sys.argv[1]) / index.NAME).write_bytes(b'x' * 9000)\n"
        "    rows = {row.run: row for row in index.read_rows_quickly(sys.argv[1])}\n"
        "    assert rows[sys.argv[2]].note == str(i), rows[sys.argv[2]]\n"
    )
    all_at_once = [
        subprocess.Popen([sys.executable, "-c", code, str(runs), f"run{seed}"]) for seed in range(3)
    ]
    assert [process.wait() for process in all_at_once] == [0, 0, 0]
    _check(runs)


def test_few_runs_need_no_index(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FEWEST", 5)
    _check(runs)
    assert not (runs / index.NAME).exists()


def test_the_command_rebuilds_and_tells_why_not(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", str(runs), "--rebuild"]) == 0
    assert "run3" in capsys.readouterr().out
    assert (runs / index.NAME).exists()
    (runs / index.LOCK).unlink()
    (runs / index.LOCK).mkdir()
    assert cli.main(["runs", str(runs), "--rebuild"]) == 5
    assert "Is a directory" in capsys.readouterr().err
