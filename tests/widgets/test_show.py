"""Where nobody watches, ``show`` trains to the end; where somebody does, it returns at once."""

import importlib
import warnings

import nbformat
import pytest
from nbclient import NotebookClient
from test_dashboard import DotParameters, make_training

import widgets
from widgets import front_end
from workbench.training import Session

module = importlib.import_module("widgets.show")


def small(name="show"):
    return Session(name, make_training, DotParameters(iterations=20))


def test_in_a_test_run_it_trains_to_the_end(capsys):
    session = small()
    widgets.show(session)
    assert session.state == "done"
    assert "all 20 iterations done" in capsys.readouterr().out


def test_live_false_trains_to_the_end_without_a_thread(monkeypatch, capsys):
    monkeypatch.setattr(module, "why_nobody_watches", lambda: None)
    session = small()
    widgets.show(session, live=False)
    assert session.state == "done"
    assert session._worker is None


def test_live_true_where_nobody_watches_warns_and_trains(capsys):
    session = small()
    with pytest.warns(UserWarning, match="nobody watches"):
        widgets.show(session, live=True)
    assert session.state == "done"


def test_where_somebody_watches_it_returns_at_once(monkeypatch, capsys):
    monkeypatch.setattr(module, "why_nobody_watches", lambda: None)
    session = small()
    widgets.show(session)
    assert session.state == "idle"
    session.close()


@pytest.mark.parametrize(
    ("environment", "metadata", "reason"),
    [
        ({"WORKBENCH_LIVE": "0"}, {"cellId": "1"}, "WORKBENCH_LIVE=0"),
        ({"PYTEST_CURRENT_TEST": "a"}, {"cellId": "1"}, "a test run"),
        ({}, {}, "a notebook run without a page"),
        ({}, {"cellId": "1"}, None),
        ({"VOILA_KERNEL_ID": "1"}, {}, None),
        ({"VOILA_KERNEL_ID": "1", "WORKBENCH_LIVE": "0"}, {}, "WORKBENCH_LIVE=0"),
    ],
)
def test_who_watches(monkeypatch, environment, metadata, reason):
    for name in ("WORKBENCH_LIVE", "PYTEST_CURRENT_TEST", "VOILA_KERNEL_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(front_end, "_request_metadata", lambda: metadata)
    assert front_end.why_nobody_watches() == reason


@pytest.mark.slow
def test_a_notebook_run_without_a_page_trains_to_the_end(monkeypatch, tmp_path):
    """As papermill and nbconvert do it: a real kernel, no page, and not one word about live."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    source = (
        "import sys; sys.path.insert(0, {!r})\n"
        "from test_show import small\nfrom widgets import show\nsession = small()\nshow(session)\nprint(session.state)"
    ).format(str(__file__).rsplit("/", 1)[0])
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    (cell,) = notebook.cells
    printed = "".join(output.get("text", "") for output in cell.outputs)
    assert printed.splitlines()[-1] == "done"
    shown = [output.data for output in cell.outputs if "data" in output]
    assert set(shown[0]) == {"text/html", "text/plain"}
    assert "show · Done · iteration 20 of 20" in shown[0]["text/html"]
