"""The table of runs: read from the files, sorted, filtered, labelled, and whole when files are not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench import cli
from workbench.errors import MachineError, ParameterError, RunError
from workbench.reports.store import write_json
from workbench.reports.table import ordered, read_rows, set_labels, where


def _names(rows: list) -> list[str]:
    return [row.run for row in rows]


def test_sorted_and_filtered(runs: Path) -> None:
    rows = read_rows(runs)
    assert [row.state for row in rows] == ["complete"] * 3 + ["unfinished"]
    assert _names(ordered(rows, "loss")) == ["run2", "run1", "run0", "run3"]
    assert _names(ordered(rows, "loss", descending=True)) == ["run0", "run1", "run2", "run3"]
    assert _names(where(rows, ["seed>=1", "miss<4"])) == ["run1"]
    assert _names(where(rows, ["seed=2.0"])) == ["run2"]
    with pytest.raises(ParameterError, match="no run has anything called 'sed'"):
        where(rows, ["sed=1"])
    for condition in ("seed", "seed<", "=2"):
        with pytest.raises(ParameterError, match="cannot be read"):
            where(rows, [condition])
    assert _names(where(rows, ["note="])) == _names(rows)


def test_numbers_of_any_size_are_sorted(runs: Path) -> None:
    for run, number in (("run0", 10**400), ("run1", 0.5), ("run2", -(10**400))):
        asked = {"schema": 1, "showcase": "line", "preset": "default", "parameters": {"number": number}}
        write_json(runs / run / "params.json", asked)
    assert _names(ordered(read_rows(runs), "number")) == ["run2", "run1", "run0", "run3"]


def test_the_loss_is_known_where_no_run_has_one(runs: Path) -> None:
    unfinished = where(read_rows(runs), ["state=unfinished"])
    assert _names(ordered(unfinished, "loss")) == ["run3"]
    assert where(unfinished, ["loss<0.1"]) == []


def test_labels_are_not_written_through_a_lock_that_is_a_link(runs: Path) -> None:
    target = runs / "precious"
    target.write_text("kept")
    (runs / "run0" / ".labels.lock").symlink_to(target)
    with pytest.raises(MachineError, match="link"):
        set_labels(runs / "run0", note="mine")
    assert target.read_text() == "kept"


def test_a_damaged_run_is_a_row_and_the_others_stand(runs: Path) -> None:
    (runs / "run1" / "result.json").write_text('{"schema": 1, "comp')
    assert [row.state for row in read_rows(runs)] == ["complete", "damaged", "complete", "unfinished"]


@pytest.mark.parametrize("text", ["half", '{"schema": 1, "tags": 5, "note": ""}', "[]"])
def test_damaged_labels_are_told_and_never_overwritten(runs: Path, text: str) -> None:
    labels = runs / "run0" / "labels.json"
    labels.write_text(text)
    assert read_rows(runs)[0].state == "damaged"
    with pytest.raises(RunError, match="tags and note cannot be read"):
        set_labels(runs / "run0", add=["paper"])
    assert labels.read_text() == text


def test_a_folder_that_may_not_be_read_is_a_row(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path, real: Callable[..., object]) -> object:
        if path.parent.name == "run2":
            raise PermissionError(13, "Permission denied")
        return real(path)

    for name in ("is_file", "exists"):
        real = getattr(Path, name)
        monkeypatch.setattr(Path, name, lambda path, real=real: closed(path, real))
    real_text = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **k: closed(path, lambda p: real_text(p, **k)))
    assert [row.state for row in read_rows(runs)] == ["complete", "complete", "damaged", "unfinished"]


def test_labels_from_processes_at_once_are_all_kept(runs: Path) -> None:
    code = "import sys; from workbench.reports.table import set_labels as s\n"
    code += "[s(sys.argv[1], add=[f'{sys.argv[2]}{i}']) for i in range(20)]"
    command = [sys.executable, "-c", code, str(runs / "run0")]
    both = [subprocess.Popen([*command, letter]) for letter in "ab"]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(read_rows(runs)[0].tags) == 40


def test_the_commands(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(runs / "run1")
    assert cli.main(["tag", run, "paper"]) == 0
    assert cli.main(["note", run, "the \x1b[31mfigure"]) == 0
    assert cli.main(["runs", str(runs), "--where", "tag=paper"]) == 0
    shown = capsys.readouterr().out
    assert "run1" in shown
    assert "run0" not in shown
    assert "\x1b" not in shown
    assert cli.main(["tag", run, "paper", "--remove"]) == 0
    assert cli.main(["runs", str(runs), "--json", "--sort", "miss"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in rows] == ["run0", "run1", "run2", "run3"]
    assert rows[1]["tags"] == []
    assert cli.main(["tag", run, "two words"]) == 2
    assert cli.main(["tag", str(runs / "nowhere"), "paper"]) == 5
    assert "there is no run here" in capsys.readouterr().err
    assert cli.main(["runs", str(runs / "nowhere")]) == 5
    assert "cannot be listed" in capsys.readouterr().err
    with pytest.raises(ParameterError, match="one word"):
        set_labels(run, add=[""])


@pytest.mark.parametrize("condition", ["seed<abc", "seed=abc", "loss>nan", "tag<paper"])
def test_a_comparison_that_no_run_could_pass_is_an_error(runs: Path, condition: str) -> None:
    with pytest.raises(ParameterError, match="cannot be compared so"):
        where(read_rows(runs), [condition])
