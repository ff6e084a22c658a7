"""Histories: columns, records, exports, and thinning out that loses no spike."""

import csv
import io
import json

import numpy as np
import pytest

from workbench.training import Change, History, Record


def history_of(losses, **metrics):
    history = History()
    for index, loss in enumerate(losses):
        named = {name: values[index] for name, values in metrics.items() if values[index] is not None}
        history.append(Record(index + 1, loss, named, learning_rate=0.1, seconds=0.5 * index))
    return history


def test_is_a_list_of_records():
    history = history_of([3.0, 2.0, 1.0], error=[0.3, None, 0.1])
    assert len(history) == 3
    assert history[1] == Record(2, 2.0, {}, 0.1, 0.5)
    assert history[-1].metrics == {"error": 0.1}
    assert [record.loss for record in history[::2]] == [3.0, 1.0]
    with pytest.raises(IndexError):
        history[3]


def test_grows_beyond_its_first_room():
    history = history_of(np.arange(1000.0))
    assert history.column("loss").tolist() == list(range(1000))


def test_a_late_metric_gets_a_column_of_its_own():
    history = history_of([1.0] * 400, late=[None] * 300 + [5.0] * 100)
    assert np.isnan(history.column("late")[:300]).all()
    assert history.column("late")[300:].tolist() == [5.0] * 100


def test_columns_cannot_be_written():
    history = history_of([1.0])
    with pytest.raises(ValueError, match="read-only"):
        history.column("loss")[0] = 2.0


def test_an_unknown_column_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="no column 'los'; it has iteration, loss"):
        history_of([1.0]).column("los")


def test_before_the_first_record_every_column_is_empty():
    assert len(History().column("a metric that comes later")) == 0


def test_decimate_keeps_every_spike_and_both_ends():
    losses = np.ones(100_000)
    losses[54_321], losses[777] = 100.0, -100.0
    iterations, values = history_of(losses).decimate("loss", points=500)
    assert len(values) <= 500
    assert values.max() == 100.0
    assert values.min() == -100.0
    assert iterations[values.argmax()] == 54_322
    assert (np.diff(iterations) > 0).all()
    assert iterations[0] <= 400


@pytest.mark.parametrize("length", [0, 1, 499, 500, 501, 999, 1001])
def test_decimate_any_length(length):
    iterations, values = history_of(np.arange(float(length))).decimate("loss", points=500)
    assert len(iterations) == len(values) <= 500
    if length:
        assert values[-1] == length - 1


def test_averaged_is_the_mean_of_stretches():
    iterations, values = history_of(np.arange(1000.0)).averaged("loss", points=10)
    assert values.tolist() == [49.5 + 100 * stretch for stretch in range(10)]
    assert iterations.tolist() == [50.5 + 100 * stretch for stretch in range(10)]


def test_csv_reads_back_exactly():
    history = history_of([1 / 3, 0.1], error=[None, 1e-17])
    rows = list(csv.DictReader(io.StringIO(history.to_csv())))
    assert float(rows[0]["loss"]) == 1 / 3
    assert rows[0]["error"] == ""
    assert float(rows[1]["error"]) == 1e-17
    assert rows[1]["iteration"] == "2"


def test_json_is_strict_and_complete():
    history = history_of([1 / 3, 0.1], error=[None, 2.0])
    history.changes.append(Change(1, "learning_rate", 0.2))
    read = json.loads(history.to_json(), parse_constant=pytest.fail)
    assert read["columns"]["loss"] == [1 / 3, 0.1]
    assert read["columns"]["error"] == [None, 2.0]
    assert read["columns"]["iteration"] == [1, 2]
    assert read["changes"] == [{"iteration": 1, "name": "learning_rate", "value": 0.2}]


def test_an_empty_history_exports():
    assert History().to_csv() == "iteration,loss,learning_rate,seconds\n"
    assert json.loads(History().to_json())["columns"]["loss"] == []


def test_state_and_back():
    history = history_of(np.arange(700.0), error=list(np.arange(700.0)))
    history.changes.append(Change(3, "learning_rate", 0.2))
    copy = History()
    copy.load_state_dict(history.state_dict())
    assert copy.to_json() == history.to_json()
    copy.append(Record(701, 1.0, {"error": 2.0}, 0.1, 1.0))
    assert copy[-1].metrics == {"error": 2.0}
    assert len(history) == 700


def test_csv_can_be_read_again_to_the_last_bit():
    history = History()
    history.append(Record(1, 0.1 + 0.2, {"half": 1 / 3}, 1e-3, 0.5))
    history.append(Record(2, 0.25, {}, 1e-3, 0.75))
    again = History.from_csv(history.to_csv())
    assert again.columns == history.columns
    assert again[0] == history[0]
    assert again[1].metrics == {}
    assert again.to_csv() == history.to_csv()
    again.append(Record(3, 0.2, {"half": 0.1}))
    assert len(again) == 3
    with pytest.raises(ValueError, match="not a history"):
        History.from_csv("a,b\n1,2\n")
