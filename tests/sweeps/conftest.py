"""The small showcase of tests/reports, for workers in other processes, and a way to start `workbench` on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

REPORTS = Path(__file__).resolve().parents[1] / "reports"
sys.path.insert(0, str(REPORTS))

import line_fit  # noqa: E402

_FRONT_DOOR = """
import sys
from pathlib import Path
import line_fit
from workbench import cli, showcases
from workbench.reports import html
from workbench.sweeps import plan, summary
showcases.find = lambda name: line_fit.SHOWCASE
plan.find_notebook = html.find_notebook = lambda name: Path(sys.argv[1])
if __name__ == "__main__":
    raise SystemExit(cli.main(sys.argv[2:]))
"""


@pytest.fixture(autouse=True)
def _workers_find_the_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPORTS), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("WORKBENCH_PRESET", raising=False)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """The small showcase's notebook."""
    path = tmp_path / "line.ipynb"
    nbformat.write(line_fit.whole_notebook(), path)
    return path


@pytest.fixture
def workbench(tmp_path: Path, notebook: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``workbench`` with the small showcase in another process, as a user's shell would."""
    script = tmp_path / "front_door.py"
    script.write_text(_FRONT_DOOR)

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(script), str(notebook), *arguments],
            cwd=tmp_path,
            env=os.environ.copy(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start
