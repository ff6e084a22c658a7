"""The notebooks that people open, in a real JupyterLab: every control used, nothing asked of the world."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_welcome_notebook_runs(open_notebook):
    notebook = open_notebook("00_welcome.ipynb")
    notebook.run_all()
    assert "Traceback" not in notebook.outputs()
    notebook.picture("welcome")
    notebook.check_quiet()


@pytest.mark.slow
def test_the_trebuchet_notebook_with_every_control(open_notebook):
    notebook = open_notebook("10_trebuchet.ipynb")
    notebook.run_all(timeout=240)
    assert "Traceback" not in notebook.outputs()
    check_explore(notebook, notebook.panels().nth(0))
    check_dashboard(notebook)
    notebook.check_quiet()


def check_explore(notebook, panel):
    panel.scroll_into_view_if_needed()
    sliders = panel.get_by_role("slider")
    for index in range(sliders.count()):
        before = panel.locator(".wb-picture").inner_html()
        sliders.nth(index).focus()
        notebook.page.keyboard.press("ArrowRight")
        notebook.page.keyboard.press("PageUp")
        expect(panel.locator(".wb-picture")).not_to_have_js_property("innerHTML", before)
    notebook.picture("trebuchet-explore")


def check_dashboard(notebook):
    page, panel = notebook.page, notebook.dashboard()
    panel.scroll_into_view_if_needed()
    # Enough to be paused in the middle.
    notebook.value_of("session.reset(samples=40_000)")
    notebook.expect_state("Ready")
    notebook.press("Start")
    notebook.expect_state("Training")
    box = panel.get_by_role("textbox", name="learning rate")
    box.fill("0.002")
    box.press("Enter")
    page.wait_for_timeout(1000)
    notebook.press("Pause")
    notebook.expect_state("Paused")
    notebook.picture("trebuchet-dashboard")
    assert notebook.value_of("session.training.history.changes[0].value") == 0.002
    page.keyboard.press("Space")
    notebook.expect_state("Training")
    notebook.press("Stop")
    notebook.expect_state("Stopped")
    notebook.press("Reset")
    notebook.expect_state("Ready")
    notebook.value_of("session.reset(samples=120)")
    notebook.press("Start")
    notebook.expect_state("Done", timeout=120)
    notebook.picture("trebuchet-done")
