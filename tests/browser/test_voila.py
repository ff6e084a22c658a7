"""The notebooks as apps: no code on the page, and panels that work, in a real Voilà and a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ARTIFACTS, HERE, REPOSITORY, TOO_BUSY, free_port, private_environment
from playwright.sync_api import Browser, Page, expect

pytest.importorskip("voila", reason="Voilà is not installed: pip install -c constraints.txt -e '.[voila]'")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

ICONS = "https://cdn.jsdelivr.net/npm/@fortawesome/"
"""Voilà's own page asks for its icons there and does without them; nothing else may be asked of the world."""


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address below which a running Voilà shows notebooks."""
    folder = tmp_path_factory.mktemp("voila")
    root, port = folder / "root", free_port()
    root.mkdir()
    for file in (
        REPOSITORY / "notebooks/10_trebuchet.ipynb",
        HERE / "notebooks/panels.ipynb",
        HERE / "quadratic.py",
    ):
        shutil.copy(file, root)
    command = [
        sys.executable,
        "-m",
        "voila",
        "--no-browser",
        "--Voila.ip=127.0.0.1",
        f"--port={port}",
        str(root),
    ]
    with (folder / "voila.log").open("w") as log:
        server = subprocess.Popen(
            command, env=private_environment(folder), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/voila", server, folder / "voila.log")
        yield f"http://127.0.0.1:{port}/voila/render"
    finally:
        server.terminate()
        server.wait(timeout=120)


def _wait_until_up(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except urllib.error.HTTPError:  # it answers
            return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"Voilà did not start: {log.read_text()}")


@pytest.fixture
def open_app(voila: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a notebook as an app, all its cells run; checks in the end what its page asked for."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    asked: list[str] = []

    def open_it(name: str, *, busy: bool = False) -> Page:
        page = context.new_page()
        if busy:
            page.add_init_script(f"({TOO_BUSY})()")
        page.set_default_timeout(300_000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{voila}/{name}")
        page.locator(".wb-card").wait_for()
        return page

    yield open_it
    context.close()
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert not [url for url in asked if not url.startswith((*local, ICONS))]


def test_the_trebuchet_as_an_app(open_app: Callable[..., Page]) -> None:
    page = open_app("10_trebuchet.ipynb")
    assert page.locator(".wb").count() == 2
    assert "from widgets import" not in page.locator("body").inner_text()
    panel = page.locator(".wb:has(.wb-explore)")
    panel.scroll_into_view_if_needed()
    before = panel.locator(".wb-picture").inner_html()
    panel.get_by_role("slider").first.focus()
    page.keyboard.press("PageUp")
    expect(panel.locator(".wb-picture")).not_to_have_js_property("innerHTML", before)
    _picture(page, "voila-explore")
    dashboard = page.locator(".wb:has(.wb-card)")
    dashboard.get_by_role("button", name="Start", exact=True).click()
    expect(dashboard.locator(".wb-state")).to_have_text("Done", timeout=300_000)
    _picture(page, "voila-dashboard")


def test_training_is_paused_and_goes_on(open_app: Callable[..., Page]) -> None:
    dashboard = open_app("panels.ipynb").locator(".wb:has(.wb-card)")
    for button, state in (
        ("Start", "Training"),
        ("Pause", "Paused"),
        ("Continue", "Training"),
        ("Stop", "Stopped"),
    ):
        dashboard.get_by_role("button", name=button, exact=True).click()
        expect(dashboard.locator(".wb-state")).to_have_text(state)
    dashboard.get_by_role("button", name="Reset", exact=True).click()
    expect(dashboard.locator(".wb-state")).to_have_text("Ready")


def test_a_page_that_is_busy_while_it_loads_has_its_panels_all_the_same(
    open_app: Callable[..., Page],
) -> None:
    """Voilà looks for a panel's model, and anywidget for its script, for two seconds only."""
    page = open_app("panels.ipynb", busy=True)
    assert page.locator(".wb").count() == 3
    dashboard = page.locator(".wb:has(.wb-card)")
    dashboard.get_by_role("button", name="Start", exact=True).click()
    expect(dashboard.locator(".wb-state")).to_have_text("Training")
    dashboard.get_by_role("button", name="Stop", exact=True).click()
    expect(dashboard.locator(".wb-state")).to_have_text("Stopped")


def _picture(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")
