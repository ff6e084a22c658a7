"""Run folders: identity, whole files, locks, and what the operating system says in plain words."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import line_fit
import nbformat
import pytest

from workbench.errors import MachineError, RunError, RunTimeoutError
from workbench.reports import store
from workbench.reports.record import make_record
from workbench.reports.store import RunDirectory, run_id, storage_errors, write_json

PACKAGE_CODE = store.package_code  # the real one: conftest.py puts a constant in its place


def test_the_identity_depends_on_parameters_source_and_showcase(tmp_path: Path) -> None:
    parameters = line_fit.LineParameters()
    first, second = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    nbformat.write(line_fit.notebook("x = 1"), first)
    nbformat.write(line_fit.notebook("x = 2"), second)
    same = [run_id("line", line_fit.LineParameters(), first) for _ in range(2)]
    others = [
        run_id("line", parameters.changed(seed=1), first),
        run_id("line", parameters, second),
        run_id("curve", parameters, first),
    ]
    assert same[0] == same[1]
    assert len({same[0], *others}) == 4


def test_the_identity_covers_every_python_file_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "room" / "a.py").write_text("x = 1")
    monkeypatch.setattr(store.workbench, "__file__", str(tmp_path / "__init__.py"))
    before = [PACKAGE_CODE(), PACKAGE_CODE()]
    (tmp_path / "room" / "a.py").write_text("x = 2")
    after = PACKAGE_CODE()
    (tmp_path / "room" / "a.py").rename(tmp_path / "room" / "b.py")
    assert before[0] == before[1]
    assert len({before[0], after, PACKAGE_CODE()}) == 3


def test_the_identity_ignores_texts_and_outputs(tmp_path: Path) -> None:
    parameters = line_fit.LineParameters()
    plain, told = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    nbformat.write(line_fit.notebook("x = 1"), plain)
    nbformat.write(line_fit.notebook("# A story", "x = 1"), told)
    assert run_id("line", parameters, plain) == run_id("line", parameters, told)


def test_a_run_is_complete_only_with_a_complete_record(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    assert not directory.complete
    directory.result.write_text('{"schema": 1, "comple')
    assert not directory.complete
    training = line_fit.make_training(line_fit.LineParameters(iterations=2))
    list(training)
    result = line_fit.evaluate(training, line_fit.LineParameters(iterations=2))
    whole = make_record("line", line_fit.LineParameters(iterations=2), training.history, result)
    write_json(directory.result, {**whole, "complete": False})
    assert not directory.complete
    write_json(directory.result, {name: value for name, value in whole.items() if name != "metrics"})
    assert not directory.complete
    write_json(directory.result, whole)
    assert directory.complete


def test_a_record_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "result.json", {"schema": store.SCHEMA + 1})
    with pytest.raises(RunError, match=f"got schema {store.SCHEMA + 1}, expected at most {store.SCHEMA}"):
        store.read_record(tmp_path / "result.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "x"}', '{"schema": 1'])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(RunError, match="not a record of a run"):
        store.read_record(tmp_path / "result.json")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    taken = "already being done by another process"
    with directory.locked(), pytest.raises(RunError, match=taken), directory.locked():
        pass
    with directory.locked():
        pass


def test_clear_removes_the_runs_files_and_nothing_else(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for name in ("params.json", "result.json", "checkpoint.pt", "checkpoint.previous.pt", "notes.txt"):
        (tmp_path / name).write_text("x")
    directory.clear()
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_what_a_killed_write_left_is_removed_by_the_next_to_hold_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".result.json.abc.part").write_text("half")
    with RunDirectory(tmp_path).locked():
        assert os.listdir(tmp_path) == [".lock"]


def test_a_second_process_leaves_alone_what_the_first_is_writing(tmp_path: Path) -> None:
    first, second = RunDirectory(tmp_path), RunDirectory(tmp_path)
    first.create()
    with first.locked():
        half = tmp_path / ".result.json.abc.part"
        half.write_text("half")
        second.create()
        with pytest.raises(RunError, match="already being done"), second.locked():
            pass
        assert half.exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only disk"),
        (errno.EACCES, "may not be written to"),
        (errno.EIO, "could not be written"),
    ],
)
def test_what_the_operating_system_says_in_plain_words(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(MachineError, match=words) as caught, storage_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert os.strerror(number) in str(caught.value)
    assert "to do:" in str(caught.value)


def test_our_own_errors_pass_through_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(RunTimeoutError), storage_errors(tmp_path):
        raise RunTimeoutError("the run did not end")  # a TimeoutError, hence an OSError too


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="not a directory"):
        RunDirectory(tmp_path / "file" / "run").create()


def test_json_is_canonical() -> None:
    text = store.canonical_json({"b": 1.0, "a": ["é"]})
    assert text == '{"a":["é"],"b":1.0}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.canonical_json(float("nan"))
    assert json.loads(text) == {"a": ["é"], "b": 1.0}
