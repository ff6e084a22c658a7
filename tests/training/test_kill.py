"""A real process, killed at random moments and started again, ends with the numbers of an undisturbed run."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from line import LineParameters, make_training, numbers

SCRIPT = Path(__file__).parent / "killable.py"


def start(folder, *last):
    # Falling back to the previous checkpoint is allowed here, so its warning is no error.
    command = [sys.executable, "-u", str(SCRIPT), str(folder), *map(str, last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline().removeprefix("from "))


@pytest.mark.slow
def test_killed_and_resumed_gives_the_same_numbers(tmp_path):
    moments = random.Random(2020)
    begun = []
    checkpoint = tmp_path / "checkpoint.pt"
    for _ in range(3):
        process, iteration = start(tmp_path, 4900)
        begun.append(iteration)
        while begun == [0] and not checkpoint.exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0.05, 0.4))
        process.kill()
        process.communicate()
    process, iteration = start(tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert begun[0] == 0
    assert 0 < iteration < 5000
    assert sorted(begun) == begun
    plain = make_training(LineParameters(iterations=5000))
    list(plain)
    assert (tmp_path / "numbers.txt").read_text() == repr(numbers(plain))
