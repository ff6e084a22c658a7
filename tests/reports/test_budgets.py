"""What a notebook may cost with nobody watching: memory for a small machine, and an end in time, said in words."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest

from workbench import showcases
from workbench.errors import RunError, RunTimeoutError

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import notebooks as benchmark  # noqa: E402

BUDGETS = {
    "00_welcome.ipynb": 60,
    "01_gradients_of_programs.ipynb": 60,
    **{showcases.find(name).notebook: showcases.find(name).run_seconds for name in showcases.names()},
}
GENEROUS = 4
"""Times the seconds of the default size, for the smallest one on a busy machine with nothing compiled."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", BUDGETS)
def test_a_notebook_stays_within_its_memory_and_ends(name: str) -> None:
    cost = benchmark.measure(REPOSITORY / "notebooks" / name, "smoke", limit=GENEROUS * BUDGETS[name])
    assert cost.peak <= benchmark.MEMORY_BAR
    assert cost.first_picture is not None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_the_measure_sees_memory_that_was_given_back(tmp_path: Path) -> None:
    source = "large = b'x' * 300_000_000\ndel large"
    cost = benchmark.measure(_notebook(tmp_path, source), "smoke", limit=300)
    assert 300 < cost.peak < 450
    assert cost.first_picture is None


@pytest.mark.parametrize(
    ("source", "error", "match", "limit"),
    [
        ("import time\ntime.sleep(600)", RunTimeoutError, "did not end within its time", 8),
        ("1 / 0", RunError, "ZeroDivisionError", 300),
    ],
)
def test_what_goes_wrong_is_told(
    tmp_path: Path, source: str, error: type[Exception], match: str, limit: float
) -> None:
    with pytest.raises(error, match=match) as caught:
        benchmark.measure(_notebook(tmp_path, "1", source), "smoke", limit=limit)
    assert "small.ipynb, cell 2" in str(caught.value)


def _notebook(folder: Path, *sources: str) -> Path:
    path = folder / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), path)
    return path
