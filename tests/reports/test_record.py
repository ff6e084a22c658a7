"""Result records: nothing in them depends on the clock, and numbers that are not finite are not hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import line_fit
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from workbench.reports import record_result
from workbench.reports.record import MIME, fingerprint, make_record, number_text
from workbench.reports.store import RunDirectory


def trained(**changes: Any) -> tuple[line_fit.LineParameters, Any]:
    parameters = line_fit.LineParameters(iterations=5, **changes)
    training = line_fit.make_training(parameters)
    for _ in training:
        pass
    return parameters, training


def record_of(**changes: Any) -> dict[str, Any]:
    parameters, training = trained(**changes)
    return make_record("line", parameters, training.history, line_fit.evaluate(training, parameters))


def test_the_same_parameters_give_the_same_record() -> None:
    assert record_of() == record_of()


def test_another_seed_gives_another_record() -> None:
    assert record_of()["fingerprint"] != record_of(seed=1)["fingerprint"]


def test_the_fingerprint_covers_every_number() -> None:
    record = record_of()
    record["metrics"]["slope"] = np.nextafter(record["metrics"]["slope"], 9)
    assert fingerprint(record) != record["fingerprint"]


def test_timings_are_kept_apart() -> None:
    assert "evaluation_s" not in json.dumps(record_of())


def test_numpy_numbers_and_arrays() -> None:
    parameters, training = trained()
    result = {"metrics": {"n": np.int64(3), "x": np.float64(0.5)}, "arrays": {"a": np.arange(4.0)[::2]}}
    record = make_record("line", parameters, training.history, result)
    assert record["metrics"] == {"n": 3, "x": 0.5}
    assert record["arrays"]["a"]["shape"] == [2]
    json.dumps(record, allow_nan=False)


def test_a_number_that_is_not_finite_becomes_a_warning() -> None:
    parameters, training = trained()
    result = {"metrics": {"miss": float("nan")}, "tables": {"t": [{"x": float("inf")}]}}
    record = make_record("line", parameters, training.history, result)
    assert record["metrics"] == {"miss": None}
    assert record["warnings"] == [
        "metrics.miss is not a finite number",
        "tables.t[0].x is not a finite number",
    ]


def test_a_changed_learning_rate_is_part_of_the_record() -> None:
    parameters = line_fit.LineParameters(iterations=5)
    training = line_fit.make_training(parameters)
    next(training)
    training.set("learning_rate", 0.01)
    for _ in training:
        pass
    record = make_record("line", parameters, training.history, {})
    assert [change["value"] for change in record["changes"]] == [0.01]


def test_files_and_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    assert not InteractiveShell.initialized()
    parameters, training = trained(label="<script>alert(1)</script>")
    result = {**line_fit.evaluate(training, parameters), "metrics": {"<b>slope</b>": 1.0}}
    record_result("line", parameters, training, result, tmp_path)
    directory = RunDirectory(tmp_path)
    assert directory.complete
    assert json.loads(directory.result.read_text()) == shown[0][MIME]
    assert directory.history.read_text().count("\n") == 6
    assert set(json.loads(directory.provenance.read_text())["timings"]) == {"evaluation_s"}
    assert "<b>slope</b>" not in shown[0]["text/html"]
    assert "&lt;b&gt;slope" in shown[0]["text/html"]


def test_there_is_no_record_before_the_training_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = line_fit.LineParameters(iterations=5)
    training = line_fit.make_training(parameters)
    next(training)
    record_result("line", parameters, training, line_fit.evaluate(training, parameters), tmp_path)
    assert "at iteration 1 of 5" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "text"), [(None, "not a number"), (True, "true"), (1234567, "1234567"), (0.123456, "0.1235")]
)
def test_number_text(value: Any, text: str) -> None:
    assert number_text(value) == text
