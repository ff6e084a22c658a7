"""Every showcase through the front door, as a user starts it: interrupted and resumed, to the last byte the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.reports.store import RunDirectory

# long enough to be interrupted between the first checkpoint, which is written early there, and the end
LONGER = {
    "trebuchet": ("samples=12000",),
    "quantum_vqe": ("iterations=400",),
    "neural_sde": ("iterations=600", "batch=256"),
}


OFTEN = "import workbench.training.session as session_module\nsession_module.CHECKPOINT_SECONDS = 0.2\n"


def start(showcase: str, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "workbench", "run", showcase, "--preset", "smoke"]
    command += [word for setting in LONGER[showcase] for word in ("-p", setting)]
    command += ["--out", str(out), *more]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def only_run(out: Path) -> RunDirectory:
    (path,) = out.iterdir()
    return RunDirectory(path)


@pytest.mark.slow
@pytest.mark.parametrize("showcase", LONGER)
def test_interrupted_and_resumed_it_gives_the_same_bytes(
    showcase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(start(showcase, tmp_path / "a"))
    at_start = tmp_path / "ipython" / "profile_default" / "startup" / "often.py"
    at_start.parent.mkdir(parents=True)
    at_start.write_text(OFTEN)
    with monkeypatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        interrupted = start(showcase, tmp_path / "b")
    while interrupted.poll() is None and not list((tmp_path / "b").glob("*/checkpoint.pt")):
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    rest = interrupted.communicate()[0]
    assert interrupted.returncode == 130, rest
    assert not only_run(tmp_path / "b").complete
    finish(start(showcase, tmp_path / "b", "--resume"))
    one, other = only_run(tmp_path / "a"), only_run(tmp_path / "b")
    assert one.result.read_bytes() == other.result.read_bytes()
