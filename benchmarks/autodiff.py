"""What a derivative costs in the trace tier, against peers measured in the same run.

Prints: the cost of one scalar operation, forward and backward, beside plain Python, PyTorch, HIPS autograd and JAX,
all eager; the ratio of an array program's gradient to its NumPy primal; how time grows with the length of a loop; the
time to import and to the first gradient of a new function. Minima over repeats. The yardstick for a scalar operation
is 568.8 ns (Zygote.jl: Innes et al., 2019, table 1).

    python benchmarks/autodiff.py
"""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

os.environ.setdefault("WORKBENCH_NATIVE", "off")  # the trace tier alone


def cost(run: Callable[[], object], repeats: int = 7) -> float:
    """The least processor time of ``run`` in seconds."""
    best = math.inf
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def chain(x, n):
    """Two scalar operations in each turn of a loop."""
    for _ in range(n):
        x = math.sin(x) * 1.0000001
    return x


def polynomial(x, n):
    """Four scalar operations in each turn of a loop."""
    total = 0.0
    for _ in range(n):
        total = total + x * x - total / 3.0
    return total


def ten_turns(x):
    """A short program for the first gradient."""
    return chain(x, 10) * polynomial(x, 10)


def waves(x):
    """Twenty rounds of elementwise functions on an array."""
    y = x
    for _ in range(20):
        y = np.sin(y) * x + np.exp(-y * y)
    return y.sum()


def layers(x, w):
    """Ten dense layers."""
    for _ in range(10):
        x = np.tanh(x @ w)
    return (x * x).sum()


def scalar_costs() -> None:
    """Nanoseconds for one scalar operation, forward and backward."""
    import autograd
    import autograd.numpy as anp
    import torch

    from workbench import gradient

    n = 5000
    print("scalar operations, ns each:      plain Python   this engine   ratio")
    for program, operations in ((chain, 2), (polynomial, 4)):
        derivative = gradient(lambda x, program=program: program(x, n))
        derivative(0.5)
        plain = cost(lambda program=program: program(0.5, n)) / operations / n * 1e9
        ours = cost(lambda derivative=derivative: derivative(0.5)) / operations / n * 1e9
        print(f"  {program.__name__:<30} {plain:12.0f} {ours:13.0f} {ours / plain:7.1f}")

    def torch_chain() -> None:
        x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        y = x
        for _ in range(500):
            y = torch.sin(y) * 1.0000001
        y.backward()

    def hips_chain(x):
        for _ in range(500):
            x = anp.sin(x) * 1.0000001
        return x

    derivative = autograd.grad(hips_chain)
    print(f"  chain, PyTorch eager                        {cost(torch_chain, 3) / 1000 * 1e9:13.0f}")
    print(
        f"  chain, HIPS autograd                        {cost(lambda: derivative(0.5), 3) / 1000 * 1e9:13.0f}"
    )
    _print_jax_chain()
    print("  Zygote.jl, published                                   569")


def _print_jax_chain() -> None:
    """JAX without compilation, where it is installed: every operation dispatched by itself."""
    if importlib.util.find_spec("jax") is None:
        print("  chain, JAX eager                             not installed: pip install -e '.[benchmarks]'")
        return
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)

    def jax_chain(x):
        for _ in range(500):
            x = jax.numpy.sin(x) * 1.0000001
        return x

    derivative = jax.grad(jax_chain)
    derivative(0.5)
    print(
        f"  chain, JAX eager                            {cost(lambda: derivative(0.5), 3) / 1000 * 1e9:13.0f}"
    )


def array_costs() -> None:
    """Gradient over primal for programs of whole arrays."""
    from workbench import gradient

    rng = np.random.default_rng(0)
    print("array programs:                  primal, ms   gradient / primal")
    x, w = rng.normal(size=10_000), rng.normal(size=(100, 100)) / 10
    for program, args in ((waves, (x,)), (layers, (x.reshape(100, 100), w))):
        derivative = gradient(program)
        derivative(*args)
        plain = cost(lambda program=program, args=args: program(*args))
        ours = cost(lambda derivative=derivative, args=args: derivative(*args))
        print(f"  {program.__name__:<30} {plain * 1e3:10.2f} {ours / plain:15.1f}")


def growth() -> None:
    """Nanoseconds and bytes for one operation as the loop grows to ten million operations."""
    import resource

    from workbench import gradient

    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("length of the loop:              ns for one operation   bytes (where memory has grown)")
    for n in (1_000, 10_000, 100_000, 500_000, 5_000_000):
        derivative = gradient(lambda x, n=n: chain(x, n))
        time_each = cost(lambda d=derivative: d(0.5), 2) / 2 / n * 1e9
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"  {2 * n:>10} operations           {time_each:10.0f} {grown * unit / 2 / n:18.0f}")


def first_times() -> None:
    """Seconds until the first gradient of a new function, and for the import, in a new process."""
    script = (
        "import sys, time; t = time.perf_counter(); import workbench.autodiff; a = time.perf_counter();"
        "sys.path.insert(0, 'benchmarks'); import autodiff, workbench; b = time.perf_counter();"
        "workbench.gradient(autodiff.ten_turns)(0.5); c = time.perf_counter();"
        "print(f'  import {a - t:.3f} s, first gradient {c - b:.3f} s, torch imported: {\"torch\" in sys.modules}')"
    )
    print("in a new process:")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", script], check=True)


if __name__ == "__main__":
    first_times()
    scalar_costs()
    array_costs()
    growth()
