"""The HTML report in a real browser: drawn, silent, offline, and printable."""

from __future__ import annotations

from pathlib import Path

import nbformat
import plotly.graph_objects as go
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from playwright.sync_api import Browser, Page

from workbench.reports import html
from workbench.reports.cells import PLOTLY
from workbench.reports.store import SCHEMA, RunDirectory, write_json

pytestmark = pytest.mark.browser


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with two figures, mathematics, a table, and an output that tries to run a script."""
    directory = RunDirectory(tmp_path)
    params = {"schema": SCHEMA, "run_id": "1", "showcase": "a demonstration", "parameters": {"seed": 3}}
    write_json(directory.params, params)
    figure = go.Figure(go.Scatter(y=[3.0, 1.0, 2.0], name="loss")).update_layout(title="Loss", width=1200)
    evil = "<script>document.title = 'evil'</script><img src='https://example.org/x.png' onerror='evil()'>"
    cells = [
        new_markdown_cell(
            "# A demonstration\n\nEnergy is $E = \\frac{1}{2} m v^2$.\n\n|a|b|\n|---|---|\n|1|2|\n"
        ),
        new_code_cell("show(1)", outputs=[_shown({PLOTLY: figure.to_plotly_json()})]),
        new_code_cell("show(2)", outputs=[_shown({PLOTLY: figure.to_plotly_json()})]),
        new_code_cell("show(3)", outputs=[_shown({"text/html": evil})]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), directory.notebook)
    return html.write_report(directory)


def _shown(data: dict[str, object]) -> nbformat.NotebookNode:
    return new_output("display_data", data)


@pytest.fixture
def page(browser: Browser, report: Path) -> Page:
    opened = browser.new_page(viewport={"width": 900, "height": 900})
    opened.answered, opened.refused, opened.errors = [], [], []
    opened.on("response", lambda response: opened.answered.append(response.url))
    opened.on("requestfailed", lambda request: opened.refused.append((request.url, request.failure)))
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(report.as_uri())
    opened.wait_for_function("() => document.querySelectorAll('.main-svg').length > 0")
    return opened


def test_figures_and_mathematics_are_drawn(page: Page) -> None:
    assert page.locator(".figure .main-svg .scatterlayer path.js-line").count() == 2
    assert page.locator("math mfrac").bounding_box()["height"] > 15
    assert page.get_by_role("img", name="Loss").count() == 2
    assert page.errors == []


def test_it_asks_for_nothing_and_runs_no_foreign_script(page: Page, report: Path) -> None:
    assert [url for url in page.answered if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert page.refused == [("https://example.org/x.png", "csp")]
    assert page.title() == "a demonstration"


def test_it_fits_on_paper(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 960})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 680
    assert not page.locator("details.code").first.is_visible()
    assert page.pdf(format="A4")[:5] == b"%PDF-"


def test_code_can_be_unfolded(page: Page) -> None:
    assert not page.get_by_text("show(1)").is_visible()
    page.get_by_text("Code", exact=True).first.click()
    assert page.get_by_text("show(1)").is_visible()
