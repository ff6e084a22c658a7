"""Quantum simulators in plain NumPy, unmodified: the engine differentiates them, and trains the same eigensolver."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from benchmarks.third_party_quantum import angles, blueqat_energy, our_gradient, qibo_energy, use_qibo
from workbench.autodiff import value_and_gradient
from workbench.quantum import expectation_and_gradient, heisenberg_ring
from workbench.showcases.quantum_vqe.ansatz import published_circuit

pytestmark = pytest.mark.filterwarnings("ignore")


def program(package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -c constraints.txt -e '.[packages]'")
    if package == "qibo":
        use_qibo()
    return {"qibo": qibo_energy, "blueqat": blueqat_energy}[package]


@pytest.mark.parametrize("package", ["qibo", "blueqat"])
@pytest.mark.parametrize(("n", "depth"), [(2, 1), (3, 2), (5, 2)])
def test_its_gradient_is_that_of_our_simulator(package, n, depth):
    energy, x = program(package), angles(n, depth)
    value, slopes = value_and_gradient(lambda x: energy(x, n, depth))(x)
    known = our_gradient(n, depth, x) if n > 2 else _two_bonds(n, depth, x)
    assert value == pytest.approx(known[0], abs=1e-12)
    assert np.abs(slopes - known[1]).max() < 1e-12


def _two_bonds(n, depth, x):
    """On two sites the program counts the one bond twice."""
    value, slopes = our_gradient(n, depth, x)
    return 2 * value, 2 * slopes


def published_energy(x):
    """The published ansatz of four sites, by qibo."""
    import qibo

    from benchmarks.third_party_quantum import ring_energy

    circuit, k = qibo.Circuit(4), 0
    for gate in published_circuit(4, 2):
        if gate.angles:
            circuit.add(getattr(qibo.gates, gate.name)(*gate.qubits, x[k]))
            k += 1
        else:
            circuit.add(qibo.gates.CNOT(*gate.qubits))
    return ring_energy(circuit().state(), 4)


def test_the_published_eigensolver_learns_through_it():
    program("qibo")
    slope = value_and_gradient(published_energy)
    x = np.random.default_rng(4).uniform(0, 2 * math.pi, 28)
    value, found = slope(x)
    known = expectation_and_gradient(published_circuit(4, 2), heisenberg_ring(4), x)
    assert value == pytest.approx(known[0], abs=1e-12)
    assert np.abs(found - known[1]).max() < 1e-12
    first, mean, square = value, np.zeros(28), np.zeros(28)
    for k in range(1, 31):
        value, found = slope(x)
        mean, square = 0.9 * mean + 0.1 * found, 0.999 * square + 0.001 * found**2
        x = x - 0.1 * mean / (1 - 0.9**k) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
    assert value < first - 1.0
