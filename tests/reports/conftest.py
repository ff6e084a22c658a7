"""A small showcase, its notebook, and a way to run the front door on them in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import line_fit
import nbformat
import pytest

from workbench.reports import store

_FRONT_DOOR = """
import sys
from pathlib import Path
import line_fit
from workbench import cli, showcases
from workbench.reports import html, runner, store
showcases.find = lambda name: line_fit.SHOWCASE
store.package_code = lambda: "as in the test"
runner.find_notebook = html.find_notebook = lambda name: Path(sys.argv[1])
raise SystemExit(cli.main(sys.argv[2:]))
"""


@pytest.fixture(scope="module", autouse=True)
def _the_package_stands_still() -> Iterator[None]:
    """A run's identity covers the package's source, which somebody may be editing while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "package_code", lambda: "as in the test")
        yield


@pytest.fixture(autouse=True)
def _kernels_find_the_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.delenv("WORKBENCH_PRESET", raising=False)


@pytest.fixture
def make_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook for the small showcase and return its path."""

    def write(node: nbformat.NotebookNode | None = None) -> Path:
        path = tmp_path / "line.ipynb"
        nbformat.write(node or line_fit.whole_notebook(), path)
        return path

    return write


@pytest.fixture
def front_door(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``workbench`` with the small showcase in another process, as a user's shell would."""

    def start(notebook: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        command = [*prefix, sys.executable, "-c", _FRONT_DOOR, str(notebook), *arguments]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ.copy(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three complete runs and one that has only begun."""
    for seed in range(4):
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        asked = {"schema": 1, "showcase": "line", "preset": "default", "parameters": {"seed": seed}}
        store.write_json(folder / "params.json", asked)
        empty = {"changes": [], "tables": {}, "arrays": {}, "warnings": []}
        loss = {"loss": {"last": 1.0 - seed / 10}, "metrics": {"miss": 2.0 * seed}, "iterations": 5}
        if seed < 3:
            store.write_json(folder / "result.json", {"schema": 1, "complete": True, **empty, **loss})
    return tmp_path
