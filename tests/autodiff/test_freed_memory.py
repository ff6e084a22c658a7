"""The arrays of one tape are the memory of the next one."""

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from workbench import gradient

def waves(x):
    y = x
    for _ in range(20):
        y = np.sin(y) * x + np.exp(-y * y)
    return y.sum()

x = np.linspace(0.0, 1.0, 10_000)
derivative = gradient(waves)
derivative(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    derivative(x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide otherwise")
def test_pages_are_not_fetched_anew_for_every_gradient(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    faults = int(subprocess.run(
        [sys.executable, path], env=environment, capture_output=True, text=True, check=True
    ).stdout)  # fmt: skip
    held = 20 * 7 * 80_000 // os.sysconf("SC_PAGE_SIZE")  # the arrays that one tape holds, in pages
    assert faults < held / 2
