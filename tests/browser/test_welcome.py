"""The welcome notebook in a real JupyterLab: its gallery, its gradient, and the way from a card to a showcase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from workbench import showcases

pytestmark = pytest.mark.browser


def test_the_gallery_is_there_before_anything_has_run(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("00_welcome.ipynb")
    for name in showcases.names():
        notebook.page.get_by_role("link", name=showcases.find(name).title).wait_for()
    notebook.check_quiet()


def test_it_runs_and_leads_to_the_showcases(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("00_welcome.ipynb")
    notebook.run_all()
    assert "gradient(sine)(1.0) = 0.540302" in notebook.outputs()
    expect(notebook.panels().get_by_role("status")).to_contain_text("No runs in ../runs yet")
    first = showcases.find(showcases.names()[0])
    notebook.page.get_by_role("link", name=first.title).click()
    notebook.page.wait_for_function(
        "(name) => jupyterapp.shell.currentWidget?.context?.path === name", arg=first.notebook
    )
    notebook.picture("welcome")
    notebook.check_quiet()
