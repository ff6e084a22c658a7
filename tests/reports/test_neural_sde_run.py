"""The neural SDE through the front door: interrupted and resumed, to the last byte the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.reports.store import RunDirectory

ARGUMENTS = ("run", "neural_sde", "--preset", "smoke", "-p", "iterations=600", "-p", "batch=256")


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "workbench", *ARGUMENTS, "--out", str(out), *more]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def only_run(out: Path) -> RunDirectory:
    (path,) = out.iterdir()
    return RunDirectory(path)


@pytest.mark.slow
def test_interrupted_and_resumed_it_gives_the_same_bytes(tmp_path: Path) -> None:
    finish(start(tmp_path / "a"))
    interrupted = start(tmp_path / "b")
    while interrupted.poll() is None and not list((tmp_path / "b").glob("*/checkpoint.pt")):
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    rest = interrupted.communicate(timeout=60)[0]
    assert interrupted.returncode == 130, rest
    assert not only_run(tmp_path / "b").complete
    finish(start(tmp_path / "b", "--resume"))
    one, other = only_run(tmp_path / "a"), only_run(tmp_path / "b")
    assert one.result.read_bytes() == other.result.read_bytes()
