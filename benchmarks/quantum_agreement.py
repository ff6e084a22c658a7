"""Does the quantum simulator agree with PennyLane to 1e-10, on states, gates, noise and gradients?

    python benchmarks/quantum_agreement.py [--circuits 1000]

Needs PennyLane: pip install -e '.[benchmarks]'. Each circuit has up to six qubits and thirty gates of every kind,
controls included, in every order of qubits; every third of up to four qubits also runs with noise, as a density matrix.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.quantum.circuits import random_circuit, random_observable
from tests.quantum.pennylane_peer import peer_density_matrix, peer_expectation_and_gradient, peer_state
from workbench.quantum import density_matrix, expectation_and_gradient, noisy_expectation, statevector
from workbench.quantum.density import expectation_of


def differences(seed: int) -> dict[str, float]:
    """The greatest difference from PennyLane of one random circuit, by what is compared."""
    rng = np.random.default_rng(seed)
    n = 1 + seed % 6
    circuit, observable = random_circuit(rng, n, 30), random_observable(rng, n)
    values = rng.uniform(-3, 3, circuit.n_parameters)
    value, gradient = expectation_and_gradient(circuit, observable, values)
    peer_value, peer_gradient = peer_expectation_and_gradient(circuit, observable, values)
    found = {
        "states": np.abs(statevector(circuit, values) - peer_state(circuit, values)).max(),
        "values": abs(value - peer_value),
        "gradients": np.abs(gradient - peer_gradient).max(initial=0.0),
    }
    if seed % 3 == 0 and n <= 4:
        noisy = circuit.noisy(depolarizing=0.03, dephasing=0.02, amplitude_damping=0.05)
        rho = peer_density_matrix(noisy, values)
        found["density matrices"] = np.abs(density_matrix(noisy, values) - rho).max()
        found["noisy values"] = abs(
            noisy_expectation(noisy, observable, values) - expectation_of(rho, observable)
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--circuits", type=int, default=1000)
    worst: dict[str, list[float]] = {}
    for seed in range(parser.parse_args().circuits):
        for name, value in differences(seed).items():
            worst.setdefault(name, []).append(float(value))
        if (seed + 1) % 100 == 0:
            text = ", ".join(f"{name} {max(all_):.1e} ({len(all_)})" for name, all_ in worst.items())
            print(f"{seed + 1} circuits: {text}", flush=True)
    if not all(value < 1e-10 for values in worst.values() for value in values):
        sys.exit("more than 1e-10 apart")


if __name__ == "__main__":
    main()
