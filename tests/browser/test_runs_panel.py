"""The table of runs in a real JupyterLab: by mouse, by keyboard, in the light and in the dark."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest
from playwright.sync_api import expect

from workbench.reports.store import write_json

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=\"document.title='run'\">"


@pytest.fixture
def notebook(lab, open_notebook):
    """A notebook that shows thirty runs, one of them damaged and one with a note that wants to be markup."""
    folder = lab.root / "compared"
    for seed in range(30):
        run = folder / f"run{seed:02}"
        run.mkdir(parents=True)
        asked = {"showcase": "line", "preset": "default", "parameters": {"seed": seed, "rate": 0.1}}
        write_json(run / "params.json", {"schema": 1, **asked})
        empty = {"changes": [], "tables": {}, "arrays": {}, "warnings": []}
        loss = 0.1 + (seed * 7 % 30) / 100
        result = {"complete": True, "iterations": 40, "loss": {"last": loss}, "metrics": {"miss": 3 * loss}}
        write_json(run / "result.json", {"schema": 1, **result, **empty})
        rows = [f"{i},{loss + (0.9 - loss) * 0.85**i},0.1,{i}" for i in range(1, 41)]
        (run / "history.csv").write_text("\n".join(["iteration,loss,learning_rate,seconds", *rows]))
    (folder / "run02" / "result.json").write_text("{")
    write_json(folder / "run01" / "labels.json", {"schema": 1, "tags": ["paper"], "note": EVIL})
    cell = nbformat.v4.new_code_cell("from widgets import runs\n\npanel = runs('compared')\npanel")
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    written = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(written, lab.root / "compared.ipynb")

    def open_it(**options):
        opened = open_notebook("compared.ipynb", **options)
        opened.run_all()
        opened.panels().get_by_role("searchbox", name="Filter").wait_for()
        return opened

    yield open_it
    shutil.rmtree(folder)


def names(panel):
    return panel.locator("tbody tr:visible th").all_inner_texts()


def test_runs_are_sorted_filtered_compared_and_labelled(notebook, lab):
    opened = notebook()
    panel, page = opened.panels(), opened.page
    expect(panel.get_by_role("status")).to_contain_text("30 runs, by run, ascending; 0 selected; page 1 of 2")
    expect(panel.locator("tbody tr[data-state=damaged]")).to_contain_text("damaged")

    loss = panel.get_by_role("columnheader", name="loss")
    loss.get_by_role("button").click()
    expect(loss).to_have_attribute("aria-sort", "ascending")
    assert names(panel)[:2] == ["run00", "run13"]
    loss.get_by_role("button").press("Enter")
    expect(loss).to_have_attribute("aria-sort", "descending")
    expect(panel.locator("tbody tr").first).to_contain_text("run17")
    expect(loss.get_by_role("button")).to_be_focused()
    panel.get_by_role("button", name="Next page").click()
    expect(panel.get_by_role("status")).to_contain_text("page 2 of 2")

    box = panel.get_by_role("searchbox", name="Filter")
    box.fill("seed<6")
    box.press("Enter")
    expect(panel.get_by_role("status")).to_contain_text("6 of 30 runs fit")
    box.fill("sed<6")
    box.press("Enter")
    expect(panel.locator(".wb-filter").get_by_role("alert")).to_contain_text("did you mean 'seed'?")
    box.fill("seed<6")
    box.press("Enter")
    panel.get_by_role("columnheader", name="run").get_by_role("button").click()
    expect(panel.locator("tbody tr").first).to_contain_text("run00")

    panel.get_by_role("checkbox", name="Select run run00").focus()
    for _ in range(3):
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
    expect(panel.get_by_role("status")).to_contain_text("3 selected")
    losses = panel.get_by_role("img", name="Losses of the selected runs")
    expect(losses.locator(".wb-curve")).to_have_count(3)
    panel.get_by_role("combobox", name="Result").select_option("miss")
    expect(panel.get_by_role("img", name="Result over parameter. miss over seed")).to_be_visible()

    note = panel.get_by_role("textbox", name="Note of run run03")
    note.fill("dd two words")
    note.press("Enter")
    note.fill("a slip")
    note.press("Escape")
    expect(note).to_have_value("dd two words")
    tags = panel.get_by_role("textbox", name="Tags of run run01")
    expect(tags).to_have_value("paper")
    tags.fill("good paper")
    tags.press("ArrowDown")
    expect(panel.get_by_role("textbox", name="Tags of run run02")).to_be_focused()
    expect(tags).to_have_value("good paper")
    stored = "__import__('json').load(open('compared/run{}/labels.json'))[{!r}]"
    opened.expect_value(stored.format("01", "tags"), ["good", "paper"])  # the last that was typed
    note = json.loads((lab.root / "compared/run03/labels.json").read_text())["note"]
    assert note == "dd two words"
    expect(panel.get_by_role("textbox", name="Note of run run01")).to_have_value(EVIL)
    assert opened.value_of("[row.run for row in panel.selected]") == ["run00", "run01", "run02"]

    nameless = opened.in_page(
        """() => [...document.querySelectorAll(".wb :is(input, select, button)")].filter((control) =>
          !(control.labels?.length || control.getAttribute("aria-label") || control.textContent.trim()))
          .map((control) => control.outerHTML)"""
    )
    assert nameless == []
    panel.scroll_into_view_if_needed()
    opened.picture("runs")
    box.fill("")
    expect(panel.get_by_role("status")).to_contain_text("30 runs, by run")
    opened.save()
    opened.check_quiet()


def test_a_reopened_notebook_shows_the_table(notebook, open_notebook):
    opened = notebook(dark=True)
    panel = opened.panels()
    panel.get_by_role("checkbox", name="Select all runs that fit").check()
    expect(panel.get_by_role("img", name="Losses of the selected runs").locator(".wb-curve")).to_have_count(8)
    expect(panel.locator(".wb-texts").last).to_contain_text("first 8 of 30")
    opened.picture("runs-dark")
    opened.save()
    opened.check_quiet()
    opened.page.context.close()
    opened.lab.shut_down_kernels()
    again = open_notebook("compared.ipynb")
    expect(again.page.locator(".jp-OutputArea table")).to_contain_text("run17")
    expect(again.page.locator(".jp-OutputArea img")).to_have_count(1)
    assert again.page.locator(".wb").count() == 0
    assert again.page.title() != "run"
    again.check_quiet()
