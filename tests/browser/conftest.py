"""A real JupyterLab and a real browser for the tests of this folder.

The server has its own configuration folders and a folder of copied notebooks; kernels are shut down between
tests. Every page keeps what its console said and which addresses it asked for.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from workbench.reports.pdf import BROWSERS, find_browser

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ARTIFACTS = REPOSITORY / "artifacts"
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
)
expect.set_options(timeout=60_000)  # a busy machine takes its time; whoever waits in vain has failed anyway

# Messages of JupyterLab itself that tell nothing about us.
KNOWN_CONSOLE = re.compile(
    "No version specified and unable to automatically determine one|@jupyter/ydoc|restore the debugger state"
)


@dataclass
class Lab:
    """A running JupyterLab server."""

    url: str
    token: str
    root: Path

    def ask(self, path: str, method: str = "GET") -> object:
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def shut_down_kernels(self) -> None:
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def private_environment(folder: Path) -> dict[str, str]:
    """Variables for a server that shares no file with the user's own, and whose notebooks are small."""
    hidden = ("PYTEST_CURRENT_TEST", "WORKBENCH_LIVE", "WORKBENCH_PRESET")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return environment | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "WORKBENCH_PRESET": "smoke",
        "OMP_NUM_THREADS": "1",
    }


@contextmanager
def running_lab(folder: Path, root: Path) -> Iterator[Lab]:
    """JupyterLab on ``root`` with private configuration below ``folder``."""
    port = free_port()
    token = secrets.token_hex(16)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews":"false","checkForUpdates":false}'
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env=private_environment(folder), stdout=log, stderr=subprocess.STDOUT
        )
    lab = Lab(f"http://127.0.0.1:{port}", token, root)
    try:
        _wait_until_up(lab, server, folder / "lab.log")
        yield lab
        lab.shut_down_kernels()
    finally:
        server.terminate()
        server.wait(timeout=120)


def _wait_until_up(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            lab.ask("status")
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


READY = """async () => {
  await jupyterapp.restored;
  await jupyterapp.shell.currentWidget.context.ready;
  await jupyterapp.shell.currentWidget.sessionContext.ready;
}"""
ASK_KERNEL = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let text = "";
  const future = kernel.requestExecute({ code, store_history: false });
  future.onIOPub = (message) => { text += message.content.text ?? ""; };
  await future.done;
  return text;
}"""
# Whatever script a panel loads, the page has no time for it in the next seconds, as where it draws many figures.
TOO_BUSY = """() => {
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    setTimeout(() => { for (const until = performance.now() + 2500; performance.now() < until;); }, 0);
    return make(blob);
  };
}"""


@dataclass
class Notebook:
    """A notebook opened in JupyterLab, and what its page has said and asked for."""

    page: Page
    lab: Lab
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def in_page(self, script: str, argument: object = None, *, timeout: float = 180.0) -> Any:
        """What a JavaScript function returns in the page; a promise that stays open for long fails.

        A page's promise may stay open for ever, behind a dialog that nobody answers or a kernel that is
        gone, and :meth:`Page.evaluate` would wait for it as long.
        """
        return self.page.evaluate(
            f"""(argument) => Promise.race([
              ({script})(argument),
              new Promise((_, reject) => setTimeout(() => {{
                const dialog = document.querySelector(".jp-Dialog")?.innerText ?? "none";
                reject(new Error("not done within {timeout:g} s; open dialog: " + dialog));
              }}, {1000 * timeout})),
            ])""",
            argument,
        )

    def wait_ready(self) -> None:
        """Wait until the page has the notebook and its kernel."""
        self.page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context", timeout=180_000)
        self.in_page(READY)

    def run_all(self, *, timeout: float = 300.0) -> None:
        """Run every cell and wait for the last one."""
        self.in_page("() => jupyterapp.commands.execute('notebook:run-all-cells')", timeout=timeout)
        self.wait_idle(timeout=timeout)

    def wait_idle(self, *, timeout: float = 300.0) -> None:
        self.page.wait_for_function(
            """() => {
              const panel = jupyterapp.shell.currentWidget, cells = panel.content.widgets;
              const code = cells.filter((cell) => cell.model.type === "code" && cell.model.sharedModel.source);
              return panel.sessionContext.session?.kernel?.status === "idle" &&
                code.every((cell) => cell.model.executionCount !== null);
            }""",
            timeout=1000 * timeout,
        )

    def save(self) -> None:
        self.in_page("() => jupyterapp.commands.execute('docmanager:save')")

    def outputs(self) -> str:
        """The text of all outputs (the page's text holds the source too)."""
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())

    def value_of(self, expression: str) -> object:
        """What an expression is worth in the kernel, as JSON."""
        return json.loads(self.in_page(ASK_KERNEL, f"import json; print(json.dumps({expression}))"))

    def expect_value(self, expression: str, value: object, *, timeout: float = 60.0) -> None:
        """Wait until the kernel, which hears from the page a moment later, has this value."""
        until = time.monotonic() + timeout
        while (found := self.value_of(expression)) != value and time.monotonic() < until:
            self.page.wait_for_timeout(100)
        assert found == value

    def panels(self) -> Locator:
        """The live panels, in the order of the notebook."""
        return self.page.locator(".wb")

    def dashboard(self) -> Locator:
        """The panel of the training session."""
        return self.page.locator(".wb:has(.wb-card)")

    def press(self, button: str) -> None:
        self.dashboard().get_by_role("button", name=button, exact=True).click()

    def expect_state(self, word: str, *, timeout: float = 60.0) -> None:
        expect(self.dashboard().locator(".wb-state")).to_have_text(word, timeout=1000 * timeout)

    def control(self, panel: Locator, name: str) -> Locator:
        """The row of one parameter's control."""
        return panel.locator(f'.wb-field[data-name="{name}"]')

    def picture(self, name: str) -> None:
        """Keep a screenshot among the artefacts."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def check_quiet(self) -> None:
        """No console error, and nothing asked for outside this machine."""
        assert self.console == []
        assert self.requests == []


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    shutil.copytree(REPOSITORY / "notebooks", root, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copytree(HERE / "notebooks", root, dirs_exist_ok=True)
    shutil.copy(HERE / "quadratic.py", root)
    with running_lab(folder, root) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser found; the browser tests need one of: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield started
        started.close()


def opened_notebook(browser: Browser, lab: Lab, name: str) -> Notebook:
    """A notebook in a fresh page, its kernel ready."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(120_000)
    page = context.new_page()
    notebook = Notebook(page, lab)
    page.on("console", lambda message: _note_console(notebook, message))
    page.on("pageerror", lambda error: notebook.console.append(str(error)))
    page.on("request", lambda request: _note_request(notebook, request))
    page.goto(f"{lab.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={lab.token}")
    notebook.wait_ready()
    return notebook


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook in a fresh page; kernels and pages are closed after the test."""
    opened: list[Notebook] = []

    def open_it(name: str, *, dark: bool = False) -> Notebook:
        opened.append(opened_notebook(browser, lab, name))
        if dark:
            opened[-1].in_page(
                "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
            )
            opened[-1].page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
        return opened[-1]

    yield open_it
    for notebook in opened:
        notebook.page.context.close()
    lab.shut_down_kernels()


def _note_console(notebook: Notebook, message: ConsoleMessage) -> None:
    if message.type == "error" and not KNOWN_CONSOLE.search(message.text):
        notebook.console.append(message.text)


def _note_request(notebook: Notebook, request: Request) -> None:
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    if not request.url.startswith(local):
        notebook.requests.append(request.url)
