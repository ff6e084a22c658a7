"""Fuzzed command lines: each is answered in words or begins a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.parameters import Parameters

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "front_door.py"


def test_some_hundred_fuzzed_command_lines() -> None:
    command = [sys.executable, str(SCRIPT), "--count", "300", "--seed", "6"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("begun", "refused", "listed"):
        assert kind in done.stdout


def test_the_fuzzing_sees_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import front_door

    assert front_door.answer(["run", "trebuchet", "-p", "seed=x"]).kind == "refused"
    monkeypatch.setattr(Parameters, "from_text", lambda *_, **__: 1 / 0)
    outcome = front_door.answer(["run", "trebuchet", "-p", "seed=x"])
    assert outcome.kind == "finding"
    assert "ZeroDivisionError" in outcome.text
