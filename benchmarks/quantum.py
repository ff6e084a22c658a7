"""Is the quantum simulator faster than every peer? Value and gradient of the Heisenberg ring's energy, one thread.

    python benchmarks/quantum.py [--sizes 4 8 12 16] [--depths 2 10]

Each layer is Rz-Rx-Rz on every qubit, then a ring of CNOTs; double precision; the same random parameters everywhere.
Peers that are not installed are left out: pip install -e '.[benchmarks]'. Every cell is a process of its own, so
that peak memory is its own: the highest resident size above that after the imports, first call included. Times are
of the process, so that other programs disturb them little. "off" is the greatest difference from our numbers. Below
each block: the bytes that our passes read and write, and what part of our time a copy of as many bytes would take.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  after the threads are set

NEEDS = {
    "workbench": "numba",
    "lightning adjoint": "pennylane_lightning",
    "default.qubit backprop": "pennylane",
    "qulacs backprop": "qulacs",
    "jax plain": "jax",
    "jax fused": "jax",
    "torch fused": "torch",
}


def ring(n: int) -> list[tuple[int, int]]:
    return [(q, (q + 1) % n) for q in range(n)]


def angles(n: int, depth: int) -> np.ndarray:
    """Shape (depth, n, 3): the angles of Rz, Rx, Rz."""
    return np.random.default_rng(0).uniform(0, 2 * np.pi, (depth, n, 3))


# ------------------------------------------------------------------------------------------ the systems


def our_circuit(n: int, depth: int):
    from workbench.quantum import CNOT, RX, RZ, Circuit

    gates = []
    for layer in range(depth):
        for q in range(n):
            names = [f"{layer} {q} {k}" for k in range(3)]
            gates += [RZ(names[0], q), RX(names[1], q), RZ(names[2], q)]
        gates += [CNOT(a, b) for a, b in ring(n)]
    return Circuit(n, gates)


def workbench(n: int, depth: int) -> Callable:
    from workbench.quantum import expectation_and_gradient, heisenberg_ring

    circuit, energy = our_circuit(n, depth), heisenberg_ring(n)
    return lambda x: expectation_and_gradient(circuit, energy, x.reshape(-1))


def pennylane(n: int, depth: int, device: str, method: str) -> Callable:
    import pennylane as qml

    energy = qml.Hamiltonian(
        [0.25] * (3 * n), [p(a) @ p(b) for a, b in ring(n) for p in (qml.X, qml.Y, qml.Z)]
    )

    def layers(x):
        for layer in range(depth):
            for q in range(n):
                qml.RZ(x[layer, q, 0], q)
                qml.RX(x[layer, q, 1], q)
                qml.RZ(x[layer, q, 2], q)
            for a, b in ring(n):
                qml.CNOT([a, b])
        return qml.expval(energy)

    if method == "adjoint":
        node = qml.QNode(layers, qml.device(device, wires=n), diff_method="adjoint", interface="autograd")
        gradient = qml.grad(node)

        def run(x):
            found = gradient(qml.numpy.array(x, requires_grad=True))
            return gradient.forward, found

        return run
    import torch

    torch.set_num_threads(1)
    node = qml.QNode(layers, qml.device(device, wires=n), diff_method="backprop", interface="torch")

    def run(x):
        x = torch.tensor(x, requires_grad=True)
        value = node(x)
        value.backward()
        return value.item(), x.grad.numpy()

    return run


def qulacs(n: int, depth: int) -> Callable:
    from qulacs import Observable, ParametricQuantumCircuit
    from qulacs.gate import CNOT

    energy = Observable(n)
    for a, b in ring(n):
        for p in "XYZ":
            energy.add_operator(0.25, f"{p} {a} {p} {b}")
    circuit = ParametricQuantumCircuit(n)
    for _ in range(depth):
        for q in range(n):
            circuit.add_parametric_RZ_gate(q, 0.0)
            circuit.add_parametric_RX_gate(q, 0.0)
            circuit.add_parametric_RZ_gate(q, 0.0)
        for a, b in ring(n):
            circuit.add_gate(CNOT(a, b))
    from qulacs import QuantumState

    def run(x):
        for k, angle in enumerate(x.reshape(-1)):
            circuit.set_parameter(k, -angle)  # its rotations turn the other way
        state = QuantumState(n)
        circuit.update_quantum_state(state)
        return energy.get_expectation_value(state), -np.array(circuit.backprop(energy))

    return run


def _tables(n: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, np.ndarray]]]:
    """Where each amplitude comes from in a ring of CNOTs, and the energy's factors by X mask."""
    index = np.arange(2**n)
    source = index.copy()
    for a, b in reversed(ring(n)):
        source = source ^ ((source >> (n - 1 - a) & 1) << (n - 1 - b))
    groups: dict[int, np.ndarray] = {}
    for a, b in ring(n):
        mask = (1 << (n - 1 - a)) | (1 << (n - 1 - b))
        equal = 1.0 - 2.0 * (np.bitwise_count(index & mask) & 1)
        groups[mask] = groups.get(mask, 0.0) + 0.25 * (1.0 - equal)
        groups[0] = groups.get(0, 0.0) + 0.25 * equal
    return source, index, list(groups.items())


def _fused(n: int, depth: int, m) -> Callable:
    """The energy, with four qubits as one 16x16 matrix and a ring as one gather, in the namespace ``m``."""
    source, index, groups = _tables(n)
    blocks = [list(range(k, min(k + 4, n))) for k in range(0, n, 4)]

    def energy(x):
        half = 0.5 * x
        a, b, c = half[..., 0], half[..., 1], half[..., 2]
        cos, sin = m.cos(b), m.sin(b)
        plus, minus = m.exp(-1j * (a + c)), m.exp(1j * (a - c))
        u = m.stack(
            [
                m.stack([cos * plus, -1j * sin * minus], -1),
                m.stack([-1j * sin / minus, cos / plus], -1),
            ],
            -2,
        )
        psi = m.start(2**n)
        for layer in range(depth):
            for block in blocks:
                matrix = u[layer, block[0]]
                for q in block[1:]:
                    matrix = m.kron(matrix, u[layer, q])
                psi = m.moved(matrix, psi.reshape(2 ** block[0], 2 ** len(block), -1))
            psi = psi.reshape(-1)[source]
        total = 0.0
        for mask, factor in groups:
            total = total + (m.asarray(factor) * (m.conj(psi) * psi[index ^ mask]).real).sum()
        return total

    return energy


def jax(n: int, depth: int, fused: bool) -> Callable:
    import jax as j
    import jax.numpy as jnp

    j.config.update("jax_enable_x64", True)
    jnp_like = argparse.Namespace(
        **{name: getattr(jnp, name) for name in ("cos", "sin", "exp", "stack", "kron", "conj", "asarray")},
        start=lambda size: jnp.zeros(size, complex).at[0].set(1.0),
        moved=jnp.matmul,
    )
    source, index, groups = _tables(n)

    def gate(psi, q, u):
        return jnp.matmul(u, psi.reshape(2**q, 2, -1)).reshape(-1)

    def layer(psi, x):
        for q in range(n):
            for k, name in enumerate("zxz"):
                cos, sin = jnp.cos(x[q, k] / 2), jnp.sin(x[q, k] / 2)
                if name == "z":
                    u = jnp.array([[cos - 1j * sin, 0], [0, cos + 1j * sin]])
                else:
                    u = jnp.array([[cos, -1j * sin], [-1j * sin, cos]])
                psi = gate(psi, q, u)
        return psi[source], None

    def plain(x):
        psi, _ = j.lax.scan(layer, jnp_like.start(2**n), x)
        return sum((factor * (psi.conj() * psi[index ^ mask]).real).sum() for mask, factor in groups)

    run = j.jit(j.value_and_grad(_fused(n, depth, jnp_like) if fused else plain))

    def blocked(x):
        value, gradient = run(x)
        return float(value), np.asarray(gradient)

    return blocked


def torch(n: int, depth: int) -> Callable:
    import torch as t

    t.set_num_threads(1)

    def start(size):
        psi = t.zeros(size, dtype=t.complex128)
        psi[0] = 1.0
        return psi

    names = ("cos", "sin", "exp", "stack", "kron", "conj", "asarray")
    energy = _fused(
        n, depth, argparse.Namespace(**{k: getattr(t, k) for k in names}, start=start, moved=t.matmul)
    )

    def run(x):
        leaf = t.tensor(x, requires_grad=True)
        value = energy(leaf)
        value.backward()
        return value.item(), leaf.grad.numpy()

    return run


SYSTEMS: dict[str, Callable[[int, int], Callable]] = {
    "workbench": workbench,
    "lightning adjoint": lambda n, d: pennylane(n, d, "lightning.qubit", "adjoint"),
    "default.qubit backprop": lambda n, d: pennylane(n, d, "default.qubit", "backprop"),
    "qulacs backprop": qulacs,
    "jax plain": lambda n, d: jax(n, d, False),
    "jax fused": lambda n, d: jax(n, d, True),
    "torch fused": torch,
}


# ------------------------------------------------------------------------------------------ measuring


def peak_memory() -> int:
    """Bytes, the highest resident size of this process so far; 0 where there is no /proc."""
    status = Path("/proc/self/status")
    return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0]) if status.exists() else 0


def measure(system: str, n: int, depth: int) -> dict[str, object]:
    """One cell: process time of a value and gradient in ms, peak memory in MiB, and the numbers."""
    __import__({"workbench": "workbench.quantum"}.get(system, NEEDS[system]))
    before = peak_memory()
    x = angles(n, depth)
    begin = time.perf_counter()
    run = SYSTEMS[system](n, depth)
    value, gradient = run(x)
    first = time.perf_counter() - begin
    peak = peak_memory() - before
    times, until = [], time.perf_counter() + 2.0
    while len(times) < 5 or (time.perf_counter() < until and len(times) < 1000):
        begin = time.process_time()
        run(x)
        times.append(time.process_time() - begin)
    return {
        "ms": 1e3 * statistics.median(times),
        "peak": peak / 2**20,
        "first": first,
        "value": float(value),
        "gradient": np.asarray(gradient, dtype=float).reshape(-1).tolist(),
    }


def traffic(n: int, depth: int) -> float:
    """Bytes that our program reads and writes where every pass over a state is one over the memory."""
    from workbench.quantum.simulate import program_of

    passes = len(program_of(our_circuit(n, depth)).arrays[1])
    # forwards a copy; backwards ψ and λ read and written, ψ and λ copied; the observable reads and writes once
    return 16.0 * 2**n * (2 * passes + 6 * passes + 2)


def bandwidth(size: int) -> float:
    """Bytes per second, read and written, of copying arrays of ``size`` bytes."""
    a, b = np.ones(max(size // 8, 1024)), np.empty(max(size // 8, 1024))
    repeats = max(1, int(2e8 // a.nbytes))
    best = np.inf
    for _ in range(5):
        begin = time.process_time()
        for _ in range(repeats):
            np.copyto(b, a)
        best = min(best, (time.process_time() - begin) / repeats)
    return 2 * a.nbytes / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 12, 16, 18, 20])
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--cell", nargs=3, metavar=("SYSTEM", "N", "DEPTH"), help="measure one cell, as JSON")
    parser.add_argument("--timeout", type=float, default=240.0, help="seconds for one cell")
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(measure(options.cell[0], int(options.cell[1]), int(options.cell[2]))))
        return
    for depth in options.depths:
        for n in options.sizes:
            print(f"\nn = {n}, depth {depth}: a state is {16 * 2**n / 2**20:.3g} MiB")
            ours = None
            for system in options.systems:
                if importlib.util.find_spec(NEEDS[system]) is None:
                    continue
                cell = _in_process(system, n, depth, options.timeout)
                if cell is None:
                    print(f"  {system:24s} failed, or more than {options.timeout:.0f} s")
                    continue
                ours = ours or cell
                off = max(
                    np.abs(np.subtract(cell["gradient"], ours["gradient"])).max(),
                    abs(cell["value"] - ours["value"]),
                )
                line = f"  {system:24s} {cell['ms']:10.3f} ms  x{cell['ms'] / ours['ms']:<8.1f}"
                print(
                    f"{line} peak {cell['peak']:8.1f} MiB  first {cell['first']:6.2f} s  off {off:.0e}",
                    flush=True,
                )
            if ours:
                moved, speed = traffic(n, depth), bandwidth(16 * 2**n)
                share = moved / speed / (ours["ms"] / 1e3)
                print(
                    f"  moved {moved / 2**20:.3g} MiB; a copy of this size runs at {speed / 2**30:.0f} GiB/s, "
                    f"{100 * share:.0f} % of our time"
                )


def _in_process(system: str, n: int, depth: int, timeout: float) -> dict | None:
    command = [sys.executable, __file__, "--cell", system, str(n), str(depth)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
