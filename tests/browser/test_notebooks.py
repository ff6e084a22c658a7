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


# Of each figure: its title, how much of it the page hides at its right, and whether its legend covers its title.
# A figure that was there before the window became small takes its width a moment later.
FIGURES = """async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  const hidden = (place) => Math.max(0, place.scrollWidth - place.clientWidth);
  const notebook = jupyterapp.shell.currentWidget.content;
  for (let index = 0; index < notebook.widgets.length; index++) {
    await notebook.scrollToItem(index);
    for (const place of notebook.widgets[index].node.querySelectorAll(".jp-RenderedPlotly")) {
      while (!place.querySelector(".gtitle")) await pause();
      for (let tries = 0; tries < 50 && hidden(place); tries++) await pause();
    }
  }
  return [...document.querySelectorAll(".jp-RenderedPlotly")].map((place) => {
    const title = place.querySelector(".gtitle"), legend = place.querySelector(".legend");
    const low = title.getBoundingClientRect().bottom, high = legend?.getBoundingClientRect().top ?? Infinity;
    return [title.textContent, hidden(place), high < low - 2];
  });
}"""


@pytest.mark.parametrize(
    "name", ["01_gradients_of_programs", "10_trebuchet", "20_quantum_vqe", "30_neural_sde"]
)
def test_saved_figures_fit_into_a_small_window(open_notebook, name):
    notebook = open_notebook(f"{name}.ipynb")
    notebook.page.set_viewport_size({"width": 900, "height": 1000})
    shown = notebook.in_page(FIGURES)
    assert shown
    for title, hidden, covered in shown:
        assert not covered, title
        # A circuit is as wide as its gates, and is moved sideways where it is wider than the page.
        assert hidden == 0 or "gates" in title, title
    notebook.check_quiet()


def test_the_playground_follows_what_is_typed(open_notebook):
    notebook = open_notebook("01_gradients_of_programs.ipynb")
    notebook.run_all()
    assert "Traceback" not in notebook.outputs()
    panel = notebook.panels().last
    panel.scroll_into_view_if_needed()
    row = panel.locator("tbody tr")
    expect(row).to_contain_text("0.54030231")
    slider = panel.get_by_role("slider", name="x")
    slider.focus()
    notebook.page.keyboard.press("End")
    expect(row).to_contain_text("-0.9899925")
    notebook.picture("playground")
    check_typing(notebook, panel, row)
    check_printing(notebook, panel)
    check_slow(panel)
    check_endless(notebook, panel, row)
    notebook.check_quiet()


def check_typing(notebook, panel, row):
    editor, press = panel.get_by_role("textbox", name="Program"), notebook.page.keyboard.press
    editor.fill("def f(x=2.0, y=1.0):")
    press("End")
    press("Enter")
    notebook.page.keyboard.type("return x * x * y * undefined")
    assert editor.input_value() == "def f(x=2.0, y=1.0):\n    return x * x * y * undefined"
    expect(panel.get_by_role("alert").first).to_contain_text("line 2 in f")
    expect(panel.get_by_role("alert").first).to_contain_text("^^^^^^^^^")
    expect(row).to_contain_text("-0.9899925")
    breaks = panel.get_by_role("alert").first.evaluate("element => getComputedStyle(element).wordBreak")
    assert breaks == "normal"  # JupyterLab breaks words in all texts of this kind
    notebook.picture("playground-wrong")
    for _ in " * undefined":
        press("Backspace")
    expect(row.nth(1)).to_contain_text("y")
    expect(row.nth(0)).to_contain_text("4")
    assert panel.get_by_role("slider").count() == 2
    press("Tab")
    assert editor.input_value().endswith("y    ")
    press("Escape")
    press("Tab")
    expect(panel.get_by_role("slider", name="x")).to_be_focused()


@pytest.mark.parametrize("width", [700, 1400])
def test_numbers_of_the_playground_stay_whole(open_notebook, width):
    notebook = open_notebook("01_gradients_of_programs.ipynb")
    notebook.page.set_viewport_size({"width": width, "height": 1000})
    notebook.run_all()
    panel = notebook.panels().last
    panel.scroll_into_view_if_needed()
    panel.get_by_role("textbox", name="Program").fill("def f(x=1.0):\n    return -1.2345678e-10 * x")
    number = panel.locator("tbody td").nth(2)
    expect(number).to_have_text("-1.2345678e-10")
    assert number.evaluate("cell => cell.clientHeight") < 30
    assert panel.evaluate("panel => panel.scrollWidth - panel.clientWidth") <= 0


def check_printing(notebook, panel):
    editor, printed = panel.get_by_role("textbox", name="Program"), panel.locator(".wb-printed")
    expect(printed).to_be_hidden()
    editor.fill(
        "def f(x=2.0):\n    for k in range(3):\n        x = x * x\n        print('step', k, x)\n    return x\n"
    )
    expect(printed).to_have_text("step 0 4.0\nstep 1 16.0\nstep 2 256.0\n")
    notebook.picture("playground-printed")


def check_slow(panel):
    """What stands there of the program before is marked while another one runs, and an error told again is seen."""
    editor, running = panel.get_by_role("textbox", name="Program"), panel.locator(".wb-waiting")
    said, result = panel.get_by_role("alert").first, panel.locator(".wb-result")
    text = "import time\ndef f(x=1.0):\n    time.sleep(1.5)\n    return undefined"
    for typed in (text, text + " * x"):
        editor.fill(typed)
        expect(running).to_have_text("Running the program …")
        expect(said).to_be_hidden()
        expect(result).to_have_class("wb-result wb-stale")
        expect(said).to_contain_text("'undefined' is not defined")
        expect(running).to_be_hidden()
    editor.fill("def f(x=1.0):\n    return x")
    expect(said).to_be_hidden()
    expect(result).to_have_class("wb-result")


def check_endless(notebook, panel, row):
    editor, said = panel.get_by_role("textbox", name="Program"), panel.get_by_role("alert").first
    editor.fill("def f(x=1.0):\n    while True: x = x + 1")
    notebook.page.wait_for_timeout(600)
    editor.fill("def f(x=1.0):\n    while True: x = x + 2")
    expect(said).to_contain_text("the program did not end within 3 s", timeout=60_000)
    editor.fill("def f(x=1.0):\n    return 7 * x")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("7")
    expect(panel.locator(".wb-code[role=alert]")).to_be_hidden()


@pytest.mark.slow
def test_the_trebuchet_notebook_with_every_control(open_notebook):
    notebook = open_notebook("10_trebuchet.ipynb")
    notebook.run_all()
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
    notebook.expect_value("[c.value for c in session.training.history.changes]", [0.002])
    notebook.press("Pause")
    notebook.expect_state("Paused")
    notebook.picture("trebuchet-dashboard")
    page.keyboard.press("Space")
    notebook.expect_state("Training")
    notebook.press("Stop")
    notebook.expect_state("Stopped")
    notebook.press("Reset")
    notebook.expect_state("Ready")
    notebook.value_of("session.reset(samples=120)")
    notebook.press("Start")
    notebook.expect_state("Done", timeout=300)
    notebook.picture("trebuchet-done")


@pytest.mark.slow
def test_the_neural_sde_notebook_with_its_controls(open_notebook):
    notebook = open_notebook("30_neural_sde.ipynb")
    notebook.run_all()
    assert "Traceback" not in notebook.outputs()
    panel = notebook.panels().nth(0)
    panel.scroll_into_view_if_needed()
    before = panel.locator(".wb-picture").inner_html()
    panel.get_by_role("slider").last.focus()
    notebook.page.keyboard.press("PageUp")
    expect(panel.locator(".wb-picture")).not_to_have_js_property("innerHTML", before)
    notebook.picture("neural-sde-explore")
    notebook.dashboard().scroll_into_view_if_needed()
    notebook.value_of("session.reset(iterations=4000)")
    notebook.expect_state("Ready")
    notebook.press("Start")
    notebook.expect_state("Training")
    notebook.page.wait_for_timeout(3000)
    notebook.press("Pause")
    notebook.expect_state("Paused")
    notebook.picture("neural-sde-dashboard")
    notebook.press("Stop")
    notebook.expect_state("Stopped")
    notebook.press("Reset")
    notebook.expect_state("Ready")
    notebook.check_quiet()


@pytest.mark.slow
def test_the_quantum_notebook_with_its_controls(open_notebook):
    notebook = open_notebook("20_quantum_vqe.ipynb")
    notebook.run_all()
    assert "Traceback" not in notebook.outputs()
    panel = notebook.panels().nth(0)
    panel.scroll_into_view_if_needed()
    for slider in panel.get_by_role("slider").all():
        before = panel.locator(".wb-picture").inner_html()
        slider.focus()
        notebook.page.keyboard.press("PageUp")
        expect(panel.locator(".wb-picture")).not_to_have_js_property("innerHTML", before)
    notebook.picture("quantum-bloch")
    dashboard = notebook.dashboard()
    dashboard.scroll_into_view_if_needed()
    expect(dashboard.locator(".wb-picture")).to_have_count(4)
    notebook.value_of("session.reset(starts=2, iterations=20_000)")
    notebook.expect_state("Ready")
    notebook.press("Start")
    notebook.expect_state("Training")
    for name, text in (("noise", "0.01"), ("shots", "200"), ("learning rate", "0.05")):
        box = dashboard.get_by_role("textbox", name=name, exact=True)
        box.fill(text)
        box.press("Enter")
    changes = "[[c.name, c.value] for c in session.training.history.changes]"
    notebook.expect_value(changes, [["noise", 0.01], ["shots", 200], ["learning_rate", 0.05]])
    notebook.press("Pause")
    notebook.expect_state("Paused")
    notebook.picture("quantum-dashboard")
    notebook.press("Stop")
    notebook.expect_state("Stopped")
    notebook.check_quiet()
