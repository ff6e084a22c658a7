"""Tests of the trace tier run without the native one; those that compare the two choose for themselves."""

import pytest


@pytest.fixture(autouse=True)
def _trace_tier(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
