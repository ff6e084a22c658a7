"""The reversible gradient needs three states, whatever the depth."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.quantum import RX, Circuit, expectation_and_gradient, pauli

PROGRAM = """
from pathlib import Path
import numpy as np
from workbench.quantum import CNOT, RX, RZ, Circuit, expectation_and_gradient, heisenberg_ring

def run(n, depth):
    gates = []
    for layer in range(depth):
        gates += [gate(f"{gate.__name__}{layer}", q) for q in range(n) for gate in (RZ, RX)]
        gates += [CNOT(q, (q + 1) % n) for q in range(n)]
    circuit = Circuit(n, gates)
    expectation_and_gradient(circuit, heisenberg_ring(n), np.full(circuit.n_parameters, 0.1))
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])

before, shallow, deep = run(8, 1), run(20, 1), run(20, 8)
print((shallow - before) / (16 * 2**20), (deep - before) / (16 * 2**20))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_three_states_of_memory_whatever_the_depth():
    # compiled and kept on disk, so that the process that is measured does not compile
    expectation_and_gradient(Circuit(1, [RX("a", 0)]), pauli("Z"), [0.1])
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    shallow, deep = map(float, done.stdout.split())
    assert 2.0 < shallow < 3.1
    assert deep < 3.1
