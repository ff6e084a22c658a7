"""``workbench lab`` as it is: a server on this machine only, closed to whoever has no token."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


def port_setting() -> str:
    """A line of configuration: servers that start together may both find JupyterLab's own port free, and one ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"c.ServerApp.port = {probe.getsockname()[1]}\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """What ``workbench lab`` says its address is."""
    private = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = {**os.environ, **{f"JUPYTER_{name}": str(tmp_path / name) for name in private}}
    environment.pop("JUPYTER_TOKEN", None)
    (tmp_path / "CONFIG_DIR").mkdir()
    (tmp_path / "CONFIG_DIR" / "jupyter_server_config.py").write_text(port_setting())
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "workbench", "lab", "--no-browser"]
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        found = None
        while not found and server.poll() is None:
            time.sleep(0.1)
            found = re.search(r"http://\S+token=\w+", log.read_text())
        assert found, log.read_text()
        yield found[0]
    finally:
        server.terminate()
        server.wait()


def status(url: str) -> int:
    for _ in range(600):
        try:
            return urllib.request.urlopen(url, timeout=60).status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_it_opens_the_welcome_notebook_for_whoever_has_the_token(address: str) -> None:
    page, _, token = address.partition("?token=")
    assert page.startswith("http://127.0.0.1:")
    assert page.endswith("/lab/tree/notebooks/00_welcome.ipynb")
    assert len(token) >= 40
    contents = page.replace("/lab/tree/", "/api/contents/")
    assert status(contents) == 403
    assert status(f"{contents}?token={token}") == 200
    assert status(f"{contents}?token={'0' * 48}") == 403
