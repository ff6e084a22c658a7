"""Checkpoints: exact, whole, careful about what they belong to, and never lost."""

import ast
import os
import zipfile
from pathlib import Path

import pytest
import torch
from line import Line, LineParameters, make_training, numbers

from workbench.errors import CheckpointError, ParameterError
from workbench.training import CheckpointWarning, Training, has_checkpoint, load_checkpoint, save_checkpoint
from workbench.training import checkpoint as module

PROVENANCE = {"session": "line", "parameters": {"seed": 0}}


def advanced(count, **changes):
    training = make_training(LineParameters(**changes))
    for _ in range(count):
        next(training)
    return training


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


@pytest.mark.parametrize("count", [0, 1, 57, 200])
def test_resuming_gives_the_same_numbers_as_never_stopping(path, count):
    whole = advanced(200)
    save_checkpoint(path, advanced(count), PROVENANCE)
    resumed = make_training(LineParameters())
    assert load_checkpoint(path, resumed) == PROVENANCE
    assert resumed.iteration == count
    list(resumed)
    assert numbers(resumed) == numbers(whole)


def test_a_changed_learning_rate_survives(path):
    training = advanced(10)
    training.set("learning_rate", 0.01)
    save_checkpoint(path, training, PROVENANCE)
    resumed = make_training(LineParameters())
    load_checkpoint(path, resumed)
    assert resumed.learning_rate == 0.01
    assert resumed.history.changes == training.history.changes
    list(training), list(resumed)
    assert numbers(resumed) == numbers(training)


def test_a_changed_parameter_of_the_problem_survives(path):
    class Aimed(Line):
        goal = 0.0

        def set(self, name, value):
            setattr(self, name, value)

        def loss(self, generator):
            loss, terms = super().loss(generator)
            return loss + (self.modules[0].bias - self.goal).square().sum(), terms

    def training():
        return Training(Aimed(), iterations=40, learning_rate=0.05)

    whole, first, resumed = training(), training(), training()
    for one in (whole, first):
        next(one)
        one.set("goal", 2.0)
        next(one)
    save_checkpoint(path, first, PROVENANCE)
    load_checkpoint(path, resumed)
    assert resumed.problem.goal == 2.0
    list(whole), list(resumed)
    assert numbers(resumed) == numbers(whole)


def test_a_problem_that_cannot_change_says_so():
    training = advanced(1)
    with pytest.raises(
        ParameterError, match=r"(?s)'goal' cannot be changed while training.*Line has no method"
    ):
        training.set("goal", 2.0)
    assert not training.history.changes


def test_the_last_two_are_kept_and_nothing_else(path):
    training = advanced(0)
    for _ in range(4):
        next(training)
        save_checkpoint(path, training, PROVENANCE)
    assert sorted(os.listdir(path.parent)) == ["checkpoint.previous.pt", "checkpoint.pt"]
    path.unlink()
    assert has_checkpoint(path)
    resumed = make_training(LineParameters())
    load_checkpoint(path, resumed)
    assert resumed.iteration == 3


def saved_twice(path):
    save_checkpoint(path, advanced(5), PROVENANCE)
    save_checkpoint(path, advanced(9), PROVENANCE)


def damaged(kind, data):
    if kind == "empty":
        return b""
    if kind == "truncated":
        return data[: len(data) // 2]
    if kind == "text":
        return b"this is not a checkpoint"
    middle = data.index(b"data/1") + 100 if kind == "one bit" else len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("kind", ["empty", "truncated", "text", "one bit"])
def test_a_damaged_file_falls_back_to_the_one_before(path, kind):
    saved_twice(path)
    path.write_bytes(damaged(kind, path.read_bytes()))
    resumed = make_training(LineParameters())
    with pytest.warns(CheckpointWarning, match="went back to the checkpoint of iteration 5"):
        load_checkpoint(path, resumed)
    list(resumed)
    assert numbers(resumed) == numbers(advanced(200))


def test_no_length_of_truncation_goes_unnoticed(path):
    save_checkpoint(path, advanced(3), PROVENANCE)
    data = path.read_bytes()
    for length in range(0, len(data), 501):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="no readable checkpoint"):
            load_checkpoint(path, make_training(LineParameters()))


def test_a_flipped_bit_is_refused_or_harmless(path):
    training = advanced(3)
    save_checkpoint(path, training, PROVENANCE)
    data = path.read_bytes()
    for place in range(0, len(data), 211):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        loaded = make_training(LineParameters())
        try:
            load_checkpoint(path, loaded)
        except CheckpointError:
            assert loaded.iteration == 0
        else:
            assert numbers(loaded) == numbers(training)


def test_two_damaged_files_are_a_clear_error_and_nothing_is_loaded(path):
    saved_twice(path)
    for file in path.parent.iterdir():
        file.write_bytes(file.read_bytes()[:1000])
    training = advanced(2)
    before = numbers(training)
    with pytest.raises(CheckpointError, match="no readable checkpoint") as caught:
        load_checkpoint(path, training)
    assert "truncated, damaged or unreadable" in str(caught.value)
    assert numbers(training) == before


def test_a_missing_checkpoint_is_a_clear_error(path):
    assert not has_checkpoint(path)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_checkpoint(path, advanced(0))


def test_a_newer_schema_is_refused_even_with_an_older_file_beside_it(path, monkeypatch):
    save_checkpoint(path, advanced(5), PROVENANCE)
    monkeypatch.setattr(module, "SCHEMA", module.SCHEMA + 1)
    save_checkpoint(path, advanced(9), PROVENANCE)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="newer version of the workbench") as caught:
        load_checkpoint(path, advanced(0))
    assert f"got schema {module.SCHEMA + 1}, expected at most {module.SCHEMA}" in str(caught.value)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"session": "circle"}, "got session = 'line', expected 'circle'"),
        ({"parameters": {"seed": 1}}, "got seed = 0, expected 1"),
        ({"parameters": {"seed": 0, "width": 3}}, "got width = None, expected 3"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(path, expected, message):
    save_checkpoint(path, advanced(5), PROVENANCE)
    training = advanced(0)
    with pytest.raises(CheckpointError, match="belongs to another") as caught:
        load_checkpoint(path, training, expected=expected)
    assert message in str(caught.value)
    assert training.iteration == 0


def test_a_checkpoint_of_other_settings_is_refused(path):
    save_checkpoint(path, advanced(5), PROVENANCE)
    with pytest.raises(CheckpointError, match="another training") as caught:
        load_checkpoint(path, advanced(0, iterations=300))
    assert "got iterations = 200, expected 300" in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused_before_anything_is_loaded(path):
    save_checkpoint(path, advanced(5), PROVENANCE)
    training = make_training(LineParameters())
    training.problem.modules[2] = torch.nn.Linear(4, 3, dtype=torch.float64)
    before = training.problem.modules.state_dict()["0.weight"].clone()
    with pytest.raises(CheckpointError, match="another training"):
        load_checkpoint(path, training)
    assert torch.equal(training.problem.modules.state_dict()["0.weight"], before)


def test_a_file_with_code_in_it_is_not_run(path):
    torch.save({"schema": 1, "provenance": {}, "training": os.system}, path)
    with pytest.raises(CheckpointError, match="no readable checkpoint") as caught:
        load_checkpoint(path, advanced(0))
    assert "more than tensors and plain values" in str(caught.value)


def test_a_full_disk_leaves_what_was_there(path, monkeypatch):
    saved_twice(path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="iteration 12 cannot be written") as caught:
        save_checkpoint(path, advanced(12), PROVENANCE)
    assert "No space left on device" in str(caught.value)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_the_file_is_a_plain_archive(path):
    save_checkpoint(path, advanced(5), PROVENANCE)
    assert zipfile.ZipFile(path).testzip() is None
    content = torch.load(path, weights_only=True)
    assert set(content) == {"schema", "provenance", "training"}


def test_every_torch_load_of_the_project_says_weights_only():
    root = Path(module.__file__).parents[2]
    calls = [
        (file, node)
        for folder in ("workbench", "widgets")
        for file in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert calls
    for file, node in calls:
        safe = [word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords]
        assert any(safe), f"{file}:{node.lineno}"
