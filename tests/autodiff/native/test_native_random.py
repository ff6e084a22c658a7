"""Some random programs of each family that has a fuzzer of its own."""

from __future__ import annotations

import dict_fuzz
import pytest
import recursion_fuzz
import sums_fuzz


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the judge's numbers are NumPy's, and may overflow
@pytest.mark.parametrize("fuzzer", [dict_fuzz, recursion_fuzz, sums_fuzz])
def test_random_programs(fuzzer):
    messages = [fuzzer.check(seed) for seed in range(40)]
    assert [m for m in messages if m and not m.startswith("refused")] == []
    assert sum(m.startswith("refused") for m in messages) < 10
