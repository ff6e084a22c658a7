"""Every panel and every control in a real JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import TOO_BUSY, opened_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_of_panels(lab, browser):
    """One page for all tests that leave it usable: opening a notebook takes longer than most of them."""
    notebook = opened_notebook(browser, lab, "panels.ipynb")
    yield notebook
    notebook.page.context.close()
    lab.shut_down_kernels()


@pytest.fixture
def panels(page_of_panels):
    page_of_panels.run_all()
    page_of_panels.expect_state("Ready")
    yield page_of_panels
    page_of_panels.check_quiet()


@pytest.fixture
def own_copy(lab, request):
    """A notebook that nothing else has open: two pages with one file get in each other's way when saving."""
    name = f"{request.node.originalname}.ipynb"
    shutil.copy(lab.root / "panels.ipynb", lab.root / name)
    return name


@pytest.fixture
def fresh_panels(open_notebook, own_copy):
    notebook = open_notebook(own_copy)
    notebook.run_all()
    yield notebook
    notebook.check_quiet()


def in_cell(notebook, number):
    """The panel that a cell shows."""
    return notebook.panels().nth(number - 1)


# ----------------------------------------------------------------------------------------- controls


def test_a_slider_moves_by_keyboard_and_by_mouse(panels):
    panel = in_cell(panels, 1)
    slider = panel.get_by_role("slider", name="noise (m)")
    slider.focus()
    panels.page.keyboard.press("ArrowRight")
    expect(panel.get_by_role("textbox", name="noise (m)")).to_have_value("0.105")
    panels.page.keyboard.press("End")
    expect(panel.get_by_role("textbox", name="noise (m)")).to_have_value("1")
    assert slider.get_attribute("aria-valuetext") == "1 m"
    box = slider.bounding_box()
    panels.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    panels.page.mouse.down()
    panels.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    panels.page.mouse.up()
    value = float(panel.get_by_role("textbox", name="noise (m)").input_value())
    assert 0.4 < value < 0.6
    panels.expect_value("panel.value.noise", value)


def test_a_logarithmic_slider_moves_by_ratios(panels):
    panel = in_cell(panels, 1)
    slider = panel.get_by_role("slider", name="learning rate")
    slider.focus()
    panels.page.keyboard.press("Home")
    expect(panel.get_by_role("textbox", name="learning rate")).to_have_value("0.00001")
    panels.page.keyboard.press("End")
    expect(panel.get_by_role("textbox", name="learning rate")).to_have_value("10")
    panels.expect_value("panel.value.learning_rate", 10.0)


def test_a_typed_value_is_taken_and_a_wrong_one_is_explained(panels):
    panel = in_cell(panels, 1)
    row = panels.control(panel, "noise")
    box = row.get_by_role("textbox")
    for typed, problem in (
        ("7", "Got 7.0, expected a number 0.0 to 1.0 m"),
        ("lots", "Got 'lots', expected a number 0.0 to 1.0 m"),
        ("", "Got '', expected a number 0.0 to 1.0 m"),
    ):
        box.fill(typed)
        box.press("Enter")
        expect(row.get_by_role("alert")).to_have_text(problem)
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_have_value(typed)
        assert panels.value_of("panel.value.noise") == 0.1
    box.fill("2.5e-1")
    box.press("Enter")
    expect(row.get_by_role("alert")).to_have_count(0)
    expect(box).to_have_attribute("aria-invalid", "false")
    panels.expect_value("panel.value.noise", 0.25)


def test_whole_numbers_choices_and_switches(panels):
    panel = in_cell(panels, 1)
    panel.get_by_role("slider", name="power").focus()
    panels.page.keyboard.press("ArrowRight")
    panel.get_by_role("combobox", name="shape").select_option("parabola")
    panel.get_by_role("checkbox", name="mirrored").focus()
    panels.page.keyboard.press("Space")
    values = "[panel.value.power, panel.value.shape, panel.value.mirrored]"
    panels.expect_value(values, [3, "parabola", True])


def test_every_control_has_a_name_and_a_description(panels):
    nameless = panels.in_page(
        """() => [...document.querySelectorAll(".wb :is(input, select, button)")].filter((control) => {
          const label = control.labels?.length || control.getAttribute("aria-labelledby");
          const text = control.tagName === "BUTTON" && control.textContent.trim();
          const described = control.tagName === "BUTTON" ||
            document.getElementById(control.getAttribute("aria-describedby")?.split(" ")[0])?.textContent;
          return !(label || text) || !described;
        }).map((control) => control.outerHTML)"""
    )
    assert nameless == []


# ------------------------------------------------------------------------------------------ explore


def first_curve(notebook):
    return in_cell(notebook, 2).locator(".wb-curve").nth(1).get_attribute("d")


def test_the_picture_follows_the_slider(panels):
    before = first_curve(panels)
    slider = in_cell(panels, 2).get_by_role("slider", name="noise (m)")
    slider.focus()
    panels.page.keyboard.press("End")
    panels.page.wait_for_function(
        "(before) => document.querySelectorAll('.jp-CodeCell')[2].querySelectorAll('.wb-curve')[1]"
        ".getAttribute('d') !== before",
        arg=before,
    )
    assert "curve shifted: from (" in in_cell(panels, 2).get_by_role("img").get_attribute("aria-label")


def test_the_numbers_of_the_picture_can_be_copied(panels):
    panel = in_cell(panels, 2)
    panel.get_by_role("button", name="Copy numbers").click()
    expect(panel.get_by_role("status")).to_have_text("Copied.")
    text = panels.in_page("() => navigator.clipboard.readText()")
    assert text.splitlines()[0] == "name,x,y"
    assert len(text.splitlines()) == 1 + 200 + 200 + 1


# ---------------------------------------------------------------------------------------- dashboard


def test_start_pause_continue_stop_reset(panels):
    panel = in_cell(panels, 3)
    panels.expect_state("Ready")
    panels.press("Start")
    panels.expect_state("Training")
    panels.expect_value("session.training.iteration > 0", True)
    panels.press("Pause")
    panels.expect_state("Paused")
    rested = panels.value_of("session.training.iteration")
    assert rested > 0
    expect(panel.get_by_text(f"iteration {rested:,} of 2,000", exact=True)).to_be_visible()
    panels.press("Continue")
    panels.expect_state("Training")
    panels.expect_value(f"session.training.iteration > {rested}", True)
    panels.press("Stop")
    panels.expect_state("Stopped")
    panels.press("Reset")
    panels.expect_state("Ready")
    assert panels.value_of("session.training.iteration") == 0
    assert panel.get_by_role("progressbar").get_attribute("aria-valuenow") == "0"
    assert panel.locator(".wb-picture").first.locator(".wb-curve").get_attribute("d") == ""


def test_the_keyboard_alone_is_enough(panels):
    page, panel = panels.page, in_cell(panels, 3)
    panel.get_by_role("button", name="Start").focus()
    page.keyboard.press("Space")
    panels.expect_state("Training")
    page.keyboard.press("Enter")
    panels.expect_state("Paused")
    page.wait_for_timeout(700)  # the saved picture is renewed now, which draws the panel anew
    page.keyboard.press("Space")
    panels.expect_state("Training")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    panels.expect_state("Stopped")
    page.wait_for_timeout(700)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    panels.expect_state("Ready")


def test_the_learning_rate_changes_while_training(panels):
    panel = in_cell(panels, 3)
    panels.press("Start")
    panels.expect_state("Training")
    box = panel.get_by_role("textbox", name="learning rate")
    box.fill("0.5")
    box.press("Enter")
    changed = "len(session.training.history.changes)"
    panels.expect_value(changed, 1)
    panel.get_by_role("slider", name="learning rate").focus()  # the box has moved it already
    panels.page.keyboard.press("ArrowLeft")
    panels.expect_value(changed, 2)
    box.fill("0")
    box.press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("expected a number")
    panels.press("Pause")
    panels.expect_state("Paused")
    changes = panels.value_of("[change.value for change in session.training.history.changes]")
    assert changes[0] == 0.5
    assert 0.4 < changes[1] < 0.5
    assert len(changes) == 2


def test_progress_rate_numbers_and_announcements(panels):
    panel = in_cell(panels, 3)
    panels.press("Start")
    expect(panel.get_by_text("per second")).to_be_visible()
    bar = panel.get_by_role("progressbar", name="Training progress")
    assert bar.get_attribute("aria-valuemax") == "2000"
    assert "left" in bar.get_attribute("aria-valuetext")
    panel.get_by_text("Numbers", exact=True).click()
    expect(panel.get_by_role("row", name="slope")).to_be_visible()
    expect(panel.locator("[aria-live=polite]")).to_contain_text("Training: iteration")
    panels.press("Pause")
    expect(panel.locator("[aria-live=polite]")).to_contain_text("Paused: iteration")
    panel.get_by_text("Take away", exact=True).click()
    panel.get_by_role("button", name="Copy numbers").click()
    expect(panel.locator(".wb-export [role=status]")).to_have_text("Copied.")
    text = panels.in_page("() => navigator.clipboard.readText()")
    assert text.splitlines()[0] == "iteration,loss,learning_rate,seconds,slope"
    assert len(text.splitlines()) == 1 + panels.value_of("len(session.training.history)")


def test_other_parameters_wait_for_reset_and_undo_takes_them_back(panels):
    panel = in_cell(panels, 3)
    panel.get_by_text("Parameters for the next run", exact=True).click()
    box = panel.get_by_role("textbox", name="iterations")
    box.fill("1500")
    box.press("Enter")
    expect(panel.locator(".wb-waiting")).to_have_text("Reset to use the new iterations.")
    panel.get_by_role("checkbox", name="mirrored").click()
    expect(panel.locator(".wb-waiting")).to_have_text("Reset to use the new iterations, mirrored.")
    panel.get_by_role("button", name="Undo: mirrored back to False").click()
    expect(panel.locator(".wb-waiting")).to_have_text("Reset to use the new iterations.")
    expect(panel.get_by_role("checkbox", name="mirrored")).not_to_be_checked()
    panels.press("Reset")
    expect(panel.get_by_text("iteration 0 of 1,500", exact=True)).to_be_visible()
    expect(panel.locator(".wb-waiting")).to_be_hidden()
    assert panels.value_of("session.parameters.iterations") == 1500


def test_everything_that_can_be_taken_away(panels):
    panel = in_cell(panels, 3)
    panels.press("Start")
    panels.expect_value("session.training.iteration > 5", True)
    panels.press("Pause")
    panels.expect_state("Paused")
    panel.get_by_text("Take away", exact=True).click()
    starts = {
        "History as CSV": ("quadratic-history.csv", b"iteration,loss,"),
        "History as JSON": ("quadratic-history.json", b'{"columns": '),
        "Loss as SVG": ("loss.svg", b"<svg "),
        "Loss as PNG": ("loss.png", b"\x89PNG"),
        "Picture as SVG": ("picture.svg", b"<svg "),
        "Picture as PNG": ("picture.png", b"\x89PNG"),
        "Report as HTML": ("quadratic-report.html", b"<!doctype html>"),
    }
    for button, (name, start) in starts.items():
        with panels.page.expect_download() as download:
            panel.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == name
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(start)
        assert b"var(" not in content or name.endswith(".html")
    panel.get_by_role("button", name="Copy as command").click()
    expect(panel.locator(".wb-export [role=status]")).to_have_text("Copied.")
    text = panels.in_page("() => navigator.clipboard.readText()")
    assert text.startswith("workbench run quadratic")


def test_a_run_to_the_end_and_again(panels):
    panels.value_of("session.reset(iterations=300, pause=0.0)")
    panels.press("Start")
    panels.expect_state("Done")
    expect(in_cell(panels, 3).get_by_text("all 300 iterations done")).to_be_visible()
    start = in_cell(panels, 3).get_by_role("button", name="Start")
    expect(start).to_have_attribute("aria-disabled", "true")
    panels.press("Reset")
    panels.expect_state("Ready")
    panels.press("Start")
    panels.expect_state("Done")


def test_a_failure_is_told_in_the_panel(panels):
    panels.press("Start")
    panels.value_of("setattr(session.training.problem, '_grid', None)")
    panels.expect_state("Failed")
    expect(in_cell(panels, 3).locator(".wb-message")).to_contain_text("Error")


def test_running_the_cell_again_stops_the_old_training(panels):
    panels.press("Start")
    panels.expect_state("Training")
    panels.value_of("globals().update(old=session)")
    panels.in_page(
        """async () => {
          const notebook = jupyterapp.shell.currentWidget.content;
          notebook.activeCellIndex = 3;
          await jupyterapp.commands.execute("notebook:run-cell");
        }"""
    )
    panels.expect_state("Ready")
    assert panels.value_of("[old.state, session.state]") == ["stopped", "idle"]


# --------------------------------------------------------------------------------------- afterwards


def reload(notebook):
    notebook.page.reload()
    notebook.wait_ready()


def test_a_page_opened_again_shows_the_training_that_went_on(fresh_panels):
    fresh_panels.value_of("session.reset(iterations=100_000)")
    fresh_panels.press("Start")
    fresh_panels.expect_state("Training")
    fresh_panels.save()
    reload(fresh_panels)
    fresh_panels.expect_state("Training")
    fresh_panels.press("Pause")
    fresh_panels.expect_state("Paused")
    assert fresh_panels.value_of("session.state") == "paused"


def test_a_notebook_that_is_closed_and_opened_again_in_one_page_shows_the_training_that_went_on(fresh_panels):
    """Its kernel's panels have two models in the page then, which took the panels' places from each other for ever."""
    fresh_panels.value_of("session.reset(iterations=100_000)")
    fresh_panels.press("Start")
    fresh_panels.expect_state("Training")
    fresh_panels.save()
    for _ in range(2):
        fresh_panels.in_page(
            """async () => {
              const panel = jupyterapp.shell.currentWidget, path = panel.context.path;
              panel.close();
              while (!panel.isDisposed) await new Promise((resolve) => setTimeout(resolve, 100));
              await jupyterapp.commands.execute("docmanager:open", { path });
            }"""
        )
        fresh_panels.wait_ready()
        fresh_panels.page.wait_for_timeout(3000)  # a press while the page connects to the kernel may be lost
        fresh_panels.expect_state("Training")
    fresh_panels.press("Stop")
    fresh_panels.expect_state("Stopped")


def test_a_page_that_is_busy_while_panels_load_hears_from_them_all_the_same(open_notebook, own_copy):
    """anywidget looks for a panel's script for two seconds only."""
    notebook = open_notebook(own_copy)
    notebook.in_page(TOO_BUSY)
    notebook.run_all()
    notebook.press("Start")
    notebook.expect_state("Training")
    slider = in_cell(notebook, 1).get_by_role("slider", name="power")
    slider.focus()
    notebook.page.keyboard.press("ArrowRight")
    expect(in_cell(notebook, 1).get_by_role("textbox", name="power")).to_have_value("3")
    notebook.press("Stop")
    notebook.expect_state("Stopped")


def test_a_kernel_that_is_gone_is_told(fresh_panels):
    fresh_panels.expect_state("Ready")
    fresh_panels.in_page("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    fresh_panels.expect_state("No kernel")
    expect(in_cell(fresh_panels, 3).locator(".wb-message")).to_contain_text("run this cell again")
    slider = in_cell(fresh_panels, 2).get_by_role("slider", name="noise (m)")
    slider.focus()
    fresh_panels.page.keyboard.press("End")
    expect(in_cell(fresh_panels, 2).locator(".wb-silence")).to_contain_text("does not answer")
    fresh_panels.run_all()
    fresh_panels.expect_state("Ready")


@pytest.mark.parametrize("dark", [False, True])
def test_what_it_looks_like(open_notebook, dark):
    notebook = open_notebook("panels.ipynb", dark=dark)
    notebook.run_all()
    name = "dark" if dark else "light"
    notebook.picture(f"panels-{name}")
    notebook.press("Start")
    notebook.page.wait_for_timeout(2500)
    notebook.press("Pause")
    notebook.expect_state("Paused")
    notebook.picture(f"dashboard-{name}")
    notebook.check_quiet()


def test_a_reopened_notebook_shows_the_last_picture(open_notebook, own_copy, lab):
    notebook = open_notebook(own_copy)
    notebook.run_all()
    notebook.press("Start")
    notebook.page.wait_for_timeout(1000)
    notebook.press("Pause")
    notebook.expect_state("Paused")
    reached = notebook.value_of("session.training.iteration")
    notebook.page.wait_for_timeout(700)
    notebook.save()
    notebook.page.context.close()
    lab.shut_down_kernels()

    reopened = open_notebook(own_copy)
    cell = reopened.page.locator(".jp-CodeCell").nth(3)
    cell.scroll_into_view_if_needed()
    reopened.page.wait_for_timeout(2000)
    reopened.picture("reopened")
    expect(cell.get_by_text(f"quadratic · Paused · iteration {reached:,} of 2,000")).to_be_visible()
    expect(cell.get_by_role("img")).to_have_count(2)
    reopened.check_quiet()
