"""Every file of a run, damaged in many ways: a plain message or the right answer, and nothing else touched."""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import line_fit
import nbformat
import pytest

from workbench import cli, showcases
from workbench.errors import WorkbenchError
from workbench.reports import runner
from workbench.reports.direct import run_directly
from workbench.reports.store import RunDirectory
from workbench.training.checkpoint import CheckpointWarning

FILES = (
    *("params.json", "result.json", "provenance.json", "history.csv", "arrays.npz", "checkpoint.pt"),
    *("failure.json", "notebook.ipynb"),
)
JSON_SHAPES = (
    "null",
    "[]",
    "7",
    '"text"',
    "{}",
    '{"schema": 1}',
    '{"schema": 1, "complete": true}',
    '{"schema": []}',
)


def truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 8, 64))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def zeroed(content: bytes, rng: random.Random) -> bytes:
    """As some file systems leave a file after a power cut."""
    begin = rng.randrange(len(content))
    return content[:begin] + bytes(len(content) - begin)


def foreign(content: bytes, rng: random.Random) -> bytes:
    """Something else altogether."""
    return rng.choice((b"", rng.randbytes(200), *(shape.encode() for shape in JSON_SHAPES)))


def robbed(content: bytes, rng: random.Random) -> bytes:
    """A readable record, of which one entry is missing or of another kind."""
    try:
        record = json.loads(content)
    except ValueError:
        return foreign(content, rng)
    key = rng.choice(list(record))
    if rng.random() < 0.5:
        del record[key]
    else:
        record[key] = rng.choice((None, [], {}, "text", -1, [[1]], {"a": [None]}))
    return json.dumps(record).encode()


@pytest.fixture
def broken(undisturbed: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A copy of the finished run."""
    monkeypatch.setattr(showcases, "find", lambda name: line_fit.SHOWCASE)
    shutil.copytree(undisturbed.path, tmp_path / "runs" / "one")
    return RunDirectory(tmp_path / "runs" / "one")


@pytest.mark.parametrize("damage", [truncated, flipped, zeroed, foreign, robbed])
@pytest.mark.parametrize("name", FILES)
def test_a_report_of_damaged_files(
    name: str,
    damage: Callable[[bytes, random.Random], bytes],
    broken: RunDirectory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name == "notebook.ipynb":
        nbformat.write(line_fit.whole_notebook(), broken.notebook)
    if name == "failure.json":
        broken.record_failure("the line broke")
        broken.result.unlink()
    file = broken.path / name
    good, others = file.read_bytes(), _contents(broken.path, name)
    rng = random.Random(f"{name} {damage.__name__}")
    for _ in range(12):
        content = damage(good, rng)
        file.write_bytes(content)
        code = cli.main(["report", str(broken.path)])
        said = capsys.readouterr().err
        assert code in (0, 3, 5), said
        if code:
            assert said.startswith("workbench: "), content
            assert str(broken.path) in said
        assert file.read_bytes() == content
        assert _contents(broken.path, name) == others


def test_one_damaged_run_hides_no_other(broken: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(broken.path, broken.path.with_name("two"))
    broken.params.write_text("{")
    broken.path.with_name("two").joinpath("report.html").unlink()
    assert cli.main(["report", str(broken.path.parent)]) == 3
    assert "params.json" in capsys.readouterr().err
    assert broken.path.with_name("two").joinpath("report.html").exists()


@pytest.mark.parametrize("damage", [truncated, flipped, zeroed, foreign])
def test_a_run_goes_on_past_a_damaged_checkpoint(
    damage: Callable[[bytes, random.Random], bytes], undisturbed: RunDirectory, tmp_path: Path
) -> None:
    """The previous checkpoint is used with a warning; where both are damaged, that is said, and both are kept."""
    rng = random.Random(f"checkpoint {damage.__name__}")
    directory = _begun(tmp_path / "run")
    directory.checkpoint.write_bytes(_spoilt(damage, directory.checkpoint.read_bytes(), rng))
    with pytest.warns(CheckpointWarning, match="went back to the checkpoint of iteration"):
        _run(directory)
    assert directory.result.read_bytes() == undisturbed.result.read_bytes()

    other = _begun(tmp_path / "other")
    for file in (other.checkpoint, other.previous_checkpoint):
        file.write_bytes(_spoilt(damage, file.read_bytes(), rng))
    before = _contents(other.path, "failure.json")
    with pytest.raises(WorkbenchError, match="no readable checkpoint"):
        _run(other)
    assert _contents(other.path, "failure.json") == before


@pytest.mark.parametrize("damage", [truncated, zeroed, foreign])
def test_a_damaged_result_counts_as_unfinished(
    damage: Callable[[bytes, random.Random], bytes], broken: RunDirectory, undisturbed: RunDirectory
) -> None:
    broken.result.write_bytes(damage(undisturbed.result.read_bytes(), random.Random(damage.__name__)))
    assert not broken.complete
    _run(broken)
    assert broken.result.read_bytes() == undisturbed.result.read_bytes()


def test_a_notebook_that_is_none(tmp_path: Path) -> None:
    for content in ("", "{}", "[]", '{"cells": 3}', '{"cells": [], "nbformat": 4, "nbformat_minor": 5}'):
        notebook = tmp_path / "line.ipynb"
        notebook.write_text(content)
        with pytest.raises(WorkbenchError, match=r"parameters cell|cannot be read"):
            runner.run(line_fit.SHOWCASE, line_fit.LineParameters(), out=tmp_path / "runs", notebook=notebook)


def _spoilt(damage: Callable[[bytes, random.Random], bytes], content: bytes, rng: random.Random) -> bytes:
    """Damaged where it matters: between the members of an archive are bytes that nobody reads."""
    while _whole(content):
        content = damage(content, rng)
    return content


def _whole(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None
    except Exception:  # damaged bytes make the reader raise nearly anything
        return False


def _run(directory: RunDirectory) -> None:
    run_directly(line_fit.SHOWCASE, line_fit.LineParameters(iterations=400), directory)


def _begun(folder: Path) -> RunDirectory:
    """A run that was stopped twice, and so has both checkpoints."""
    directory = RunDirectory(folder)
    directory.create()
    for _ in range(2):
        asked = iter(range(100))
        with pytest.raises(WorkbenchError, match="stopped"):
            run_directly(
                line_fit.SHOWCASE,
                line_fit.LineParameters(iterations=400),
                directory,
                stop=lambda asked=asked: next(asked) >= 50,
            )
    return directory


def _contents(folder: Path, *but: str) -> dict[str, bytes]:
    """Every file's content, without the report and those named."""
    apart = (*but, "report.html")
    return {
        file.name: file.read_bytes() for file in folder.iterdir() if file.is_file() and file.name not in apart
    }
