"""Quantum simulators that know nothing of derivatives, differentiated as they stand.

    pip install -c constraints.txt -e '.[packages]'
    python benchmarks/third_party_quantum.py [--sizes 4 8 12 16] [--depths 2 10]

Value and gradient of the Heisenberg ring's energy through the unmodified NumPy back ends of qibo (reshape, transpose,
matrix products) and blueqat (masked writes in place, ``math.cos``). Beside them: the program alone, and HIPS autograd,
for which the namespaces of qibo have to be exchanged; it cannot follow blueqat. Each layer is Rz-Rx-Rz on every
qubit, then a ring of CNOTs. Every cell is a process of its own; peak memory is above that after the imports. "off" is
the greatest difference from the gradient of ``workbench.quantum``.
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
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402  after the threads are set


def angles(n: int, depth: int) -> np.ndarray:
    """Shape (3 · n · depth,)."""
    return np.random.default_rng(0).uniform(0, 2 * np.pi, 3 * n * depth)


# ------------------------------------------------------------------------------------------ the programs


def ring_energy(psi, n: int, xp=np):
    """¼ Σ ⟨XX + YY + ZZ⟩ over the ring's bonds, of a state of n qubits. Shape (2**n,) in."""
    tensor, energy = psi.reshape((2,) * n), 0.0
    for a in range(n):
        b = (a + 1) % n
        order = (a, b, *(q for q in range(n) if q not in (a, b)))
        rows = xp.transpose(tensor, order).reshape(4, -1)
        weights = xp.sum(xp.abs(rows) ** 2, axis=1)
        flips = 4 * xp.real(xp.sum(xp.conj(rows[1]) * rows[2]))
        energy = energy + 0.25 * (weights[0] - weights[1] - weights[2] + weights[3] + flips)
    return energy


def qibo_energy(x, n: int, depth: int, xp=np):
    """The energy by qibo."""
    import qibo

    circuit, k = qibo.Circuit(n), 0
    for _ in range(depth):
        for q in range(n):
            for gate in (qibo.gates.RZ, qibo.gates.RX, qibo.gates.RZ):
                circuit.add(gate(q, x[k]))
                k += 1
        for q in range(n):
            circuit.add(qibo.gates.CNOT(q, (q + 1) % n))
    return ring_energy(circuit().state(), n, xp)


def blueqat_energy(x, n: int, depth: int):
    """The energy by blueqat."""
    import blueqat

    circuit, k = blueqat.Circuit(n), 0
    for _ in range(depth):
        for q in range(n):
            circuit.rz(x[k])[q].rx(x[k + 1])[q].rz(x[k + 2])[q]
            k += 3
        for q in range(n):
            circuit.cx[q, (q + 1) % n]
    return ring_energy(circuit.run(backend="numpy"), n)


def our_gradient(n: int, depth: int, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient by ``workbench.quantum``."""
    from workbench.quantum import CNOT, RX, RZ, Circuit, expectation_and_gradient, heisenberg_ring

    gates, k = [], 0
    for _ in range(depth):
        for q in range(n):
            for gate in (RZ, RX, RZ):
                gates.append(gate(f"angle {k}", q))
                k += 1
        gates += [CNOT(q, (q + 1) % n) for q in range(n)]
    return expectation_and_gradient(Circuit(n, gates), heisenberg_ring(n), x)


def use_qibo() -> None:
    """Choose qibo's NumPy back end, quietly."""
    os.environ.setdefault("QIBO_LOG_LEVEL", "3")
    import qibo

    qibo.set_backend("numpy")


# ------------------------------------------------------------------------------------------ the systems


def qibo_by_us(n: int, depth: int) -> Callable:
    use_qibo()
    from workbench.autodiff import value_and_gradient

    return value_and_gradient(lambda x: qibo_energy(x, n, depth))


def qibo_alone(n: int, depth: int) -> Callable:
    use_qibo()
    return lambda x: (qibo_energy(x, n, depth), None)


def qibo_by_hips(n: int, depth: int) -> Callable:
    """With NumPy exchanged for autograd's in qibo's back end, and the one gap (array of traced numbers) filled."""
    use_qibo()
    import autograd
    import autograd.numpy as anp
    import qibo
    from autograd.numpy.numpy_boxes import ArrayBox

    class Exchanged:
        """autograd.numpy that lets ``dtype`` and ``copy`` of traced arrays pass."""

        def __getattr__(self, name):
            if name in ("array", "asarray"):
                return self._array
            return getattr(anp, name)

        @staticmethod
        def _array(value, *args, **kwargs):
            if isinstance(value, ArrayBox):
                return value
            if isinstance(value, list):
                rows = [anp.array(row) if isinstance(row, list) else row for row in value]
                return anp.array(rows) + 0j
            return np.array(value, *args, **kwargs)

    if not hasattr(ArrayBox, "copy"):
        ArrayBox.copy = lambda self: self
    backend, exchanged = qibo.get_backend(), Exchanged()
    backend.engine = backend.matrices.engine = exchanged
    backend.matrices._cast = lambda array, dtype: exchanged.array(array)
    backend.cast = lambda array, dtype=None, copy=False: exchanged.array(array)
    gradient = autograd.value_and_grad(lambda x: qibo_energy(x, n, depth, anp))
    return gradient


def blueqat_by_us(n: int, depth: int) -> Callable:
    from workbench.autodiff import value_and_gradient

    return value_and_gradient(lambda x: blueqat_energy(x, n, depth))


def blueqat_alone(n: int, depth: int) -> Callable:
    return lambda x: (blueqat_energy(x, n, depth), None)


SYSTEMS = {
    "qibo alone": ("qibo", qibo_alone),
    "qibo, gradient by us": ("qibo", qibo_by_us),
    "qibo, gradient by HIPS": ("qibo", qibo_by_hips),
    "blueqat alone": ("blueqat", blueqat_alone),
    "blueqat, gradient by us": ("blueqat", blueqat_by_us),
}


# ------------------------------------------------------------------------------------------ measuring


def peak_memory() -> int:
    """Bytes, the highest resident size of this process so far; 0 where there is no /proc."""
    status = Path("/proc/self/status")
    return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0]) if status.exists() else 0


def measure(system: str, n: int, depth: int) -> dict[str, object]:
    """One cell: process time in ms, peak memory in MiB, and how far the gradient is off."""
    package, make = SYSTEMS[system]
    importlib.import_module(package)
    x = angles(n, depth)
    known, slopes = our_gradient(n, depth, x)
    run, before = make(n, depth), peak_memory()
    value, gradient = run(x)
    peak = peak_memory() - before
    times, until = [], time.perf_counter() + 2.0
    while len(times) < 3 or (time.perf_counter() < until and len(times) < 200):
        begin = time.process_time()
        run(x)
        times.append(time.process_time() - begin)
    off = abs(float(value) - known)
    if gradient is not None:
        off = max(off, float(np.abs(np.asarray(gradient) - slopes).max()))
    return {"ms": 1e3 * statistics.median(times), "peak": peak / 2**20, "off": off}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 12, 16])
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--cell", nargs=3, metavar=("SYSTEM", "N", "DEPTH"), help="measure one cell, as JSON")
    parser.add_argument("--timeout", type=float, default=240.0, help="seconds for one cell")
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(measure(options.cell[0], int(options.cell[1]), int(options.cell[2]))))
        return
    missing = sorted({p for p, _ in SYSTEMS.values() if importlib.util.find_spec(p) is None})
    if missing:
        print(f"not installed: {', '.join(missing)}; pip install -c constraints.txt -e '.[packages]'")
    for depth in options.depths:
        for n in options.sizes:
            print(f"\nn = {n}, depth {depth}")
            alone: dict[str, float] = {}
            for system, (package, _) in SYSTEMS.items():
                if package not in missing:
                    _print_cell(system, package, n, depth, options.timeout, alone)


def _print_cell(
    system: str, package: str, n: int, depth: int, timeout: float, alone: dict[str, float]
) -> None:
    command = [sys.executable, __file__, "--cell", system, str(n), str(depth)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        print(f"  {system:26s} more than {timeout:.0f} s")
        return
    if done.returncode:
        print(f"  {system:26s} failed: {done.stderr.strip().splitlines()[-1][:120]}")
        return
    cell = json.loads(done.stdout.strip().splitlines()[-1])
    alone.setdefault(package, cell["ms"])
    ratio = f"x{cell['ms'] / alone[package]:<6.1f}"
    print(
        f"  {system:26s} {cell['ms']:10.2f} ms  {ratio} peak {cell['peak']:7.1f} MiB  off {cell['off']:.0e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
