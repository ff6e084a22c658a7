"""Make the pictures of the README: ``.venv/bin/python docs/pictures.py``, with Chromium or Chrome installed.

Opens the trebuchet's notebook in a real JupyterLab, runs it, starts the training, and photographs the dashboard while
it works.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

TOP = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TRAINED_SECONDS = 12  # long enough for the loss to have fallen and for a path to be near its target


def main() -> None:
    """Write docs/images/dashboard.png."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"no browser found; one of these is needed: {', '.join(BROWSERS)}")
    with lab() as address, sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = window.new_page(viewport={"width": 1200, "height": 1000}, device_scale_factor=1.5)
        page.goto(address)
        run_all(page)
        dashboard = page.get_by_role("region", name="Training session")
        dashboard.scroll_into_view_if_needed()
        dashboard.get_by_role("button", name="Start").click()
        page.wait_for_timeout(1000 * TRAINED_SECONDS)
        file = TOP / "docs" / "images" / "dashboard.png"
        dashboard.screenshot(path=file)
        print(file)


@contextmanager
def lab() -> Iterator[str]:
    """The address of the notebook in a JupyterLab with configuration of its own, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(TOP / "notebooks", Path(folder) / "root")
        private = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        environment = {**os.environ, **{f"JUPYTER_{name}": f"{folder}/{name}" for name in private}}
        environment |= {"JUPYTER_TOKEN": token, "OMP_NUM_THREADS": "1"}
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={port}", f"--ServerApp.root_dir={folder}/root"),
            *("--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True"),
        ]
        server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_until_up(f"http://127.0.0.1:{port}/api/status?token={token}")
            yield f"http://127.0.0.1:{port}/lab/tree/10_trebuchet.ipynb?token={token}"
        finally:
            server.terminate()
            server.wait()


def wait_until_up(address: str) -> None:
    """Ask until the server answers, at most a minute."""
    for _ in range(120):
        try:
            json.load(urllib.request.urlopen(address, timeout=5))
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("JupyterLab did not start")


def run_all(page: Page) -> None:
    """Run every cell of the notebook that is open, and wait until the kernel rests."""
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context", timeout=60_000)
    page.evaluate(
        """async () => {
          const panel = jupyterapp.shell.currentWidget;
          await jupyterapp.restored;
          await panel.context.ready;
          await panel.sessionContext.ready;
          await jupyterapp.commands.execute('application:toggle-left-area');
          await jupyterapp.commands.execute('notebook:run-all-cells');
        }"""
    )
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
        timeout=120_000,
    )


if __name__ == "__main__":
    main()
