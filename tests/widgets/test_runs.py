"""The table of runs by its state: sorted, filtered, selected, labelled, whole where files are not."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser

import pytest

import widgets
from workbench.reports.store import RunDirectory, write_json
from workbench.reports.table import read_rows, set_labels

EVIL = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"


def make_run(folder, name, *, loss=None, losses=(), **parameters):
    run = RunDirectory(folder / name)
    run.create()
    asked = {"schema": 1, "showcase": "line", "preset": "default", "parameters": parameters}
    write_json(run.params, asked)
    empty = {"changes": [], "tables": {}, "arrays": {}, "warnings": []}
    result = {"loss": {"last": loss}, "metrics": {"miss": 2 * loss}} if loss else {"loss": {}, "metrics": {}}
    if loss:
        write_json(run.result, {"schema": 1, "complete": True, "iterations": 5, **empty, **result})
    rows = [f"{i},{value},0.1,{i}" for i, value in enumerate(losses, start=1)]
    if rows:
        run.history.write_text("\n".join(["iteration,loss,learning_rate,seconds", *rows]))
    return run


@pytest.fixture
def folder(tmp_path):
    for seed, loss in enumerate((0.3, 0.1, 0.2)):
        losses = [1.0, 0.5 + loss, loss]
        make_run(tmp_path, f"run{seed}", loss=loss, losses=losses, seed=seed, width=32)
    make_run(tmp_path, "run3", seed=3, width=32)
    return tmp_path


@pytest.fixture
def panel(folder):
    return widgets.runs(folder)


def say(panel, kind, **content):
    panel._on_message(panel.widget, {"kind": kind, "seq": 7, **content}, [])
    return panel.widget.view


def names(view):
    return [row["run"] for row in view["rows"]]


def test_the_columns_are_what_differs_and_what_came_out(panel):
    view = panel.widget.view
    assert view["columns"] == ["run", "state", "showcase", "seed", "loss", "miss"]
    assert view["rows"][1]["cells"] == ["run1", "complete", "line", "1", "0.1", "0.2"]
    assert view["rows"][3]["cells"] == ["run3", "unfinished", "line", "3", "", ""]
    assert view["status"] == "4 runs, by run, ascending; 0 selected; page 1 of 1"


def test_a_press_sorts_and_another_turns_round(panel):
    assert names(say(panel, "sort", name="loss")) == ["run1", "run2", "run0", "run3"]
    view = say(panel, "sort", name="loss")
    assert names(view) == ["run0", "run2", "run1", "run3"]
    assert (view["sort"], view["descending"], view["seq"]) == ("loss", True, 7)
    for name in [*view["columns"], "tag", "note"]:
        assert say(panel, "sort", name=name)["sort"] == name
    assert [row.run for row in panel.rows] == names(panel.widget.view)


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("loss<0.25", ["run1", "run2"]),
        ("loss < 0.25  seed != 1", ["run2"]),
        ("state=unfinished", ["run3"]),
        ("UN2", ["run2"]),
        ("tag=paper", ["run0"]),
        ("'the best'", ["run1"]),
        ("note='the best one'", ["run1"]),
        ("", ["run0", "run1", "run2", "run3"]),
        ("nothing", []),
    ],
)
def test_a_filter_takes_conditions_and_parts_of_texts(folder, text, fitting):
    set_labels(folder / "run0", add=["paper"])
    set_labels(folder / "run1", note="the best one")
    panel = widgets.runs(folder)
    view = say(panel, "filter", text=text)
    assert names(view) == fitting
    assert view["problem"] == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("los<1", "no run has anything called 'los'"),
        ("<1", "cannot be read"),
        ("note='the", "a quotation mark without its pair"),
    ],
)
def test_a_wrong_filter_keeps_all_and_says_why(panel, text, problem):
    view = say(panel, "filter", text=text)
    assert problem in view["problem"]
    assert len(view["rows"]) == 4
    assert problem in panel.static_html().replace("&#x27;", "'")


def test_losses_of_selected_runs_are_drawn_over_each_other(panel):
    assert panel.widget.pictures["histories"]["svg"] == ""
    say(panel, "select", run="run1", on=True)
    say(panel, "select", run="run0", on=True)
    summary = panel.widget.pictures["histories"]["summary"]
    assert "curve run1: from (1, 1) to (3, 0.1)" in summary
    assert "curve run0: from (1, 1) to (3, 0.3)" in summary
    assert [row.run for row in panel.selected] == ["run1", "run0"]
    view = say(panel, "select", run="run1", on=False)
    assert [row["selected"] for row in view["rows"]] == [True, False, False, False]
    assert "run1" not in panel.widget.pictures["histories"]["summary"]


def test_histories_that_cannot_be_drawn_are_told(folder, panel):
    (folder / "run0" / "history.csv").write_text("iteration,loss\n1,x")
    view = say(panel, "select all", on=True)
    assert view["all"] == "all"
    told = " ".join(panel.widget.pictures["told"])
    assert "The history of run0 cannot be read: ValueError" in told
    assert "run3 has no history of its loss." in told
    assert "curve run2" in panel.widget.pictures["histories"]["summary"]
    assert say(panel, "select all", on=False)["all"] == "none"


def test_of_many_selected_runs_eight_are_drawn_each_in_its_own_way(tmp_path):
    for seed in range(10):
        make_run(tmp_path, f"run{seed}", loss=1.0, losses=[2.0, 1.0 + seed], seed=seed)
    panel = widgets.runs(tmp_path)
    say(panel, "select all", on=True)
    drawn = panel.widget.pictures["histories"]["svg"].split('class="wb-curve"')[1:]
    styles = {part.split("fill=", 1)[1].split("/>")[0] for part in drawn}
    assert len(drawn) == len(styles) == 8
    assert "first 8 of 10" in panel.widget.pictures["told"][0]


def test_a_result_over_a_parameter(folder, panel):
    pictures = panel.widget.pictures
    assert pictures["offered"] == {"parameter": ["seed"], "result": ["loss", "miss"]}
    assert pictures["axes"] == {"parameter": "seed", "result": "loss"}
    assert "loss over seed; other runs at (0, 0.3), (1, 0.1), (2, 0.2)" in pictures["against"]["summary"]
    say(panel, "axes", parameter="seed", result="miss")
    say(panel, "select", run="run1", on=True)
    summary = panel.widget.pictures["against"]["summary"]
    assert summary == "miss over seed; other runs at (0, 0.6), (2, 0.4); selected at (1, 0.2)."


def test_of_many_runs_some_are_points_and_the_selected_ones_always(tmp_path, monkeypatch):
    monkeypatch.setattr("widgets.runs_table.MOST_POINTS", 4)
    for seed in range(10):
        make_run(tmp_path, f"run{seed}", loss=1.0 + seed, seed=seed)
    panel = widgets.runs(tmp_path)
    say(panel, "select", run="run4", on=True)
    pictures = panel.widget.pictures
    assert (
        "other runs at (0, 1), (3, 4), (6, 7), (9, 10); selected at (4, 5)." in pictures["against"]["summary"]
    )
    assert pictures["told"][-1] == "5 of 10 runs are drawn as points."
    say(panel, "select all", on=True)
    assert panel.widget.pictures["against"]["svg"].count("wb-point") == 4 + 1  # the legend has one


def test_wide_axes_are_divided_by_powers_of_ten(tmp_path):
    for power in range(4):
        make_run(tmp_path, f"run{power}", loss=1.0 + power, rate=10.0**-power, huge=10**400, word="a" * power)
    panel = widgets.runs(tmp_path)
    assert panel.widget.pictures["offered"]["parameter"] == ["rate"]
    summary = panel.widget.pictures["against"]["summary"]
    assert "loss over rate (power of ten); other runs at (0, 1), (-1, 2), (-2, 3), (-3, 4)" in summary


def test_tags_and_notes_are_stored_as_by_the_command_line(folder, panel):
    set_labels(folder / "run1", add=["elsewhere"])  # after the panel has read it
    view = say(panel, "label", what="tag", run="run1", text=" paper  good ")
    assert view["rows"][1]["tag"] == "elsewhere good paper"
    say(panel, "label", what="tag", run="run1", text="good elsewhere")
    view = say(panel, "label", what="note", run="run1", text="the best one")
    row = read_rows(folder)[1]
    assert (row.tags, row.note) == (("elsewhere", "good"), "the best one")
    assert (view["rows"][1]["tag"], view["rows"][1]["note"]) == ("elsewhere good", "the best one")


def test_an_edited_row_stays_where_it_is(folder, panel):
    say(panel, "filter", text="state=complete")
    say(panel, "sort", name="note")
    view = say(panel, "label", what="note", run="run0", text="zzz")
    assert names(view) == ["run0", "run1", "run2"]
    assert names(say(panel, "read")) == ["run1", "run2", "run0"]


def test_what_cannot_be_stored_is_told_and_kept_to_be_mended(folder, panel):
    (folder / "run0" / "labels.json").write_text("half")
    view = say(panel, "label", what="note", run="run0", text="mine")
    assert "tags and note cannot be read" in view["message"]
    assert view["rejected"] == {"run": "run0", "what": "note", "text": "mine"}
    assert view["rows"][0]["state"] == "damaged"
    shutil.rmtree(folder / "run2")
    assert "there is no run here" in say(panel, "label", what="tag", run="run2", text="a")["message"]
    assert names(say(panel, "read")) == ["run0", "run1", "run3"]
    assert panel.widget.view["message"] == ""


@pytest.mark.parametrize("name", ["../run1", "/tmp", "run9", ""])
def test_only_runs_of_the_folder_are_written_to(folder, name):
    make_run(folder / "inner", "one")
    panel = widgets.runs(folder / "inner")
    say(panel, "label", what="note", run=name, text="mine")
    say(panel, "select", run=name, on=True)
    assert panel.selected == []
    assert not list(folder.glob("**/labels.json"))


@pytest.mark.parametrize("file", ["params.json", "result.json"])
def test_a_damaged_run_is_a_row(folder, file):
    (folder / "run1" / file).write_text("{")
    panel = widgets.runs(folder)
    assert panel.widget.view["rows"][1]["state"] == "damaged"
    say(panel, "select all", on=True)
    for name in panel.widget.view["columns"]:
        assert len(say(panel, "sort", name=name)["rows"]) == 4
    assert "damaged" in panel.static_html()


def test_no_runs_yet_and_then_some(tmp_path):
    panel = widgets.runs(tmp_path / "runs")
    assert panel.widget.view["rows"] == []
    assert "No runs in" in panel.static_html()
    assert "No runs in" in panel.static_text()
    make_run(tmp_path / "runs", "one", loss=0.5, seed=1)
    assert names(say(panel, "read")) == ["one"]


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    panel = widgets.runs(tmp_path / "file")
    assert "cannot be listed" in panel.widget.view["message"]
    assert "cannot be listed" in panel.static_html()


def test_a_sort_or_filter_whose_column_has_gone(folder, panel):
    say(panel, "filter", text="miss>0")
    say(panel, "sort", name="miss")
    for seed in range(3):
        (folder / f"run{seed}" / "result.json").unlink()
    view = say(panel, "read")
    assert "no run has anything called 'miss'" in view["problem"]
    assert len(view["rows"]) == 4


class _Names(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.add(tag)
        assert not [name for name, value in attributes if name.startswith("on")]
        assert tag != "img" or dict(attributes)["src"].startswith("data:")


def test_every_text_is_a_text(tmp_path):
    run = make_run(tmp_path, "a", loss=0.5, losses=[1.0], **{EVIL: 1, "b": EVIL})
    make_run(tmp_path, "<script>", loss=0.25, losses=[1.0], **{EVIL: 2, "b": "c"})
    set_labels(run.path, note=EVIL)
    panel = widgets.runs(tmp_path)
    say(panel, "select all", on=True)
    for text in ("", EVIL, f"{EVIL}=1"):
        say(panel, "filter", text=text)
        pictures = panel.widget.pictures
        pages = [panel.static_html(), pictures["histories"]["svg"], pictures["against"]["svg"]]
        assert "script" not in set().union(*(_Names(page).found for page in pages))


def test_pages_of_many_runs(tmp_path):
    for seed in range(45):
        make_run(tmp_path, f"run{seed:02}", loss=1.0 + seed, seed=seed)
    panel = widgets.runs(tmp_path)
    assert len(panel.widget.view["rows"]) == 20
    assert names(say(panel, "page", page=2)) == [f"run{seed}" for seed in range(40, 45)]
    assert say(panel, "page", page=9)["page"] == 2
    assert say(panel, "page", page=-1)["page"] == 0
    say(panel, "page", page=1)
    assert say(panel, "sort", name="loss")["page"] == 0
    assert say(panel, "select", run="run44", on=True)["all"] == "some"
    html = panel.static_html()
    assert html.count("<tr>") == 1 + 45


def test_a_static_picture_of_many_runs_says_how_many_it_leaves_out(tmp_path):
    for seed in range(53):
        make_run(tmp_path, f"run{seed:02}", seed=seed)
    html = widgets.runs(tmp_path).static_html()
    assert html.count("<tr>") == 1 + 50
    assert "And 3 more." in html
