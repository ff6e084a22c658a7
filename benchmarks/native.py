"""How much a gradient costs: the native tier beside the program itself, Numba, the trace tier and other tools.

    python benchmarks/native.py [--quick] [--long] [--wide] [PROGRAM ...]

Times are minima over several runs, in microseconds. "numba" is the program under ``numba.njit`` as it stands; where
Numba does not take it (dataclasses, generators), the generated primal, marked ``*``, which also checks for overflow.
"first" is the first gradient of a fresh plan, in generated Python; "cached" the first gradient in a new process with
a warm cache, from the call to the result, Numba imported; "steady" a gradient in machine code. "ratio" is
steady / numba. "trace" is the trace tier, "jax" the jit of a version refactored by hand, "hand" an adjoint written by
hand for Numba. "torch" and "hips" run the program with their functions in place of ``math``, where that is possible.
With ``--long``: how the cost grows with the length of a loop, up to ten million steps, and with how much memory. With
``--wide``: how it grows with the size of networks, and how many numbers the tape keeps.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import native_programs as programs
import numpy as np

from workbench import checkpoint_loop, gradient, pullback
from workbench.autodiff.native import Plan
from workbench.autodiff.native.compile import Compiled


def fastest(run: Callable[[], Any], seconds: float = 0.3, least: int = 3) -> float:
    """The shortest time of a call, in microseconds."""
    best, ends, runs = math.inf, time.perf_counter() + seconds, 0
    while runs < least or time.perf_counter() < ends:
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
        runs += 1
    return 1e6 * best


def copies(args: tuple[Any, ...]) -> list[Any]:
    """The arguments, safe from programs that write into them."""
    return [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]


def with_numba(program: Callable[..., Any], made: Plan, args: tuple[Any, ...]) -> tuple[float, str]:
    """The time of the program under Numba, and a mark when it had to be the generated primal."""
    import numba

    names = dict(vars(programs))
    for name, value in vars(programs).items():
        if isinstance(value, types.FunctionType) and value.__module__ == programs.__name__:
            own = types.FunctionType(value.__code__, names, name, value.__defaults__)
            names[name] = numba.njit(error_model="python")(own)
    compiled = names[program.__name__]
    try:
        compiled(*copies(args))
        return fastest(lambda: compiled(*args)), ""
    except Exception as refused:
        if not isinstance(refused, numba.core.errors.NumbaError | NotImplementedError | AttributeError):
            raise
    primal = Compiled(made.generated, (made.generated.primal,))
    primal.load()
    numbers, _ = made.numbers(args)
    function = primal.namespace[made.generated.primal]
    return fastest(lambda: function(*numbers)), "*"


def with_torch(program: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """The time of a gradient by PyTorch, the program's ``math`` replaced by torch's functions on 0-d tensors."""
    import torch

    def lift(name: str) -> Callable[..., Any]:
        function = getattr(torch, name)
        return lambda x: function(torch.as_tensor(x, dtype=torch.float64))

    shim = types.SimpleNamespace(
        pi=math.pi, **{n: lift(n) for n in ("sin", "cos", "exp", "log", "sqrt", "tanh")}
    )
    namespace = {"np": np, "__name__": "torch_programs", "throw_distance": None}
    source = (
        inspect.getsource(programs)
        .replace("import math\n", "")
        .replace("from __future__ import annotations\n", "")
    )
    namespace["math"] = shim
    exec(compile(source, "<torch>", "exec"), namespace)

    def run() -> None:
        tensors = [torch.tensor(arg, dtype=torch.float64, requires_grad=True) for arg in args]
        namespace[program.__name__](*tensors).backward()

    return fastest(run, seconds=0.0, least=1)


def with_hips(program: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """The time of a gradient by HIPS autograd, the program's ``math`` replaced by its NumPy."""
    import autograd
    import autograd.numpy as anp

    namespace = {"np": anp, "math": anp, "__name__": "hips_programs"}
    source = inspect.getsource(programs)
    for line in ("import math\n", "import numpy as np\n", "from __future__ import annotations\n"):
        source = source.replace(line, "")
    exec(compile(source, "<hips>", "exec"), namespace)
    gradient = autograd.grad(namespace[program.__name__], argnum=tuple(range(len(args))))
    return fastest(lambda: gradient(*args), seconds=0.0, least=1)


def with_jax(program: Callable[..., Any], args: tuple[Any, ...]) -> float | str:
    """The steady time of a gradient by JAX's jit of a version refactored by hand."""
    try:
        import native_jax
    except ImportError:
        return "-"
    run = native_jax.gradient(program.__name__, args)
    return "-" if run is None else fastest(run, seconds=0.6)


def by_hand(program: Callable[..., Any], made: Plan, args: tuple[Any, ...]) -> float | str:
    """The time of an adjoint written by hand, after a look at whether it is right."""
    import native_by_hand

    adjoint = getattr(native_by_hand, program.__name__, None)
    if adjoint is None:
        return "-"
    for ours, theirs in zip(made.pullback(args)[1](1.0), adjoint(*args), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-9)
    return fastest(lambda: adjoint(*args))


def with_trace(program: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """The time of a gradient by the trace tier."""
    mode, os.environ["WORKBENCH_NATIVE"] = os.environ["WORKBENCH_NATIVE"], "off"
    try:
        return fastest(lambda: pullback(program, *args)[1](1.0), seconds=0.0, least=1)
    finally:
        os.environ["WORKBENCH_NATIVE"] = mode


def spring(state: tuple[float, float], k: int, stiffness: float) -> tuple[float, float]:
    """One step of a pendulum on a spring."""
    x, v = state
    v = v - 0.01 * stiffness * math.sin(x)
    return x + 0.01 * v, v


def swing(x: float, stiffness: float, n: int) -> float:
    """A long loop, taped whole."""
    state = (x, 0.0)
    for k in range(n):
        state = spring(state, k, stiffness)
    return state[0] ** 2 + state[1]


def swing_within(x: float, stiffness: float, n: int) -> float:
    """The same within 32 MB."""
    state = checkpoint_loop(spring, (x, 0.0), n, stiffness, memory=2**25)
    return state[0] ** 2 + state[1]


def long_loops() -> None:
    """Print what long loops cost."""
    os.environ["WORKBENCH_NATIVE"] = "numba"
    print(
        f"{'steps':>10s} {'taped, s':>10s} {'ns/step':>9s} {'within 32 MB, s':>16s} {'ns/step':>9s}  gradients equal to"
    )
    for n in (10**4, 10**5, 10**6, 10**7):
        row, found = [], []
        for program in (swing, swing_within):
            gradient(program, (0, 1))(0.7, 1.3, 10)
            found.append(gradient(program, (0, 1))(0.7, 1.3, n))
            row.append(
                1e-6 * fastest(lambda p=program, n=n: gradient(p, (0, 1))(0.7, 1.3, n), seconds=0.2, least=2)
            )
        off = max(abs(a / b - 1.0) for a, b in zip(*found, strict=True))
        print(
            f"{n:10d} {row[0]:10.4f} {1e9 * row[0] / n:9.1f} {row[1]:16.4f} {1e9 * row[1] / n:9.1f}  {off:.0e}"
        )


def wide_networks() -> None:
    """Print what wider networks cost."""
    os.environ["WORKBENCH_NATIVE"] = "numba"
    rng = np.random.default_rng(0)
    rows: list[tuple[Callable[..., Any], int, tuple[Any, ...]]] = []
    for n in (16, 64, 256):
        rows.append((programs.lstm, n, (0.3 * rng.normal(size=(4, n, n)), rng.normal(size=50))))
    for n in (20, 200, 1000):
        weights = 0.1 * rng.normal(size=(n, n // 5)), 0.1 * rng.normal(size=(n // 5, n))
        rows.append((programs.neural_ode, n, (*weights, rng.normal(size=n // 5))))
    print(f"{'program':12s} {'units':>6s} {'gradient, ms':>13s} {'ratio':>6s} {'numbers kept':>13s}")
    for program, n, args in rows:
        made = Plan(program, args)
        kept = made.pullback(args)[1].kept
        steady = fastest(lambda made=made, args=args: made.pullback(args)[1](1.0))
        primal, mark = with_numba(program, made, args)
        print(
            f"{program.__name__:12s} {n:6d} {1e-3 * steady:13.2f} {steady / primal:5.1f}{mark or ' '} {kept:13d}"
        )


def cached(name: str) -> float:
    """The first gradient in a new process with a warm cache, without the time of imports."""
    code = (
        "import time, numba, native_programs as p\n"
        "from workbench.autodiff.native import plan\n"
        f"args = {{**p.SCALARS, **p.ARRAYS}}[p.{name}]\n"
        "t = time.perf_counter(); made = plan(p.{0}, args); made.pullback(args)[1](1.0)\n"
        "print(1e6 * (time.perf_counter() - t))\n"
    ).replace("{0}", name)
    here = Path(__file__).resolve().parent
    path = os.pathsep.join([str(here), str(here.parent)])
    environment = {**os.environ, "WORKBENCH_NATIVE": "numba", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def measure(
    program: Callable[..., Any], args: tuple[Any, ...], *, quick: bool, scalar: bool
) -> dict[str, Any]:
    """One row of the table."""
    os.environ["WORKBENCH_NATIVE"] = "python"
    began = time.perf_counter()
    made = Plan(program, args)
    made.pullback(args)[1](1.0)
    row: dict[str, Any] = {"program": program.__name__, "first": 1e6 * (time.perf_counter() - began)}
    row["python"] = fastest(lambda: program(*copies(args)))
    os.environ["WORKBENCH_NATIVE"] = "numba"
    began = time.perf_counter()
    fast = Plan(program, args)
    fast.pullback(args)[1](1.0)
    row["compile"] = 1e6 * (time.perf_counter() - began)
    row["steady"] = fastest(lambda: fast.pullback(args)[1](1.0), seconds=0.6)
    row["numba"], row["mark"] = with_numba(program, made, args)
    row["ratio"] = row["steady"] / row["numba"]
    row["cached"] = cached(program.__name__)
    row["jax"] = with_jax(program, args)
    row["hand"] = by_hand(program, fast, args)
    row["trace"] = "-" if quick else with_trace(program, args)
    if scalar and not quick and program is not programs.trebuchet:
        row["torch"] = with_torch(program, args)
        try:
            row["hips"] = with_hips(program, args)
        except Exception as error:
            row["hips"] = type(error).__name__
    return row


COLUMNS = (
    "python",
    "numba",
    "first",
    "compile",
    "cached",
    "steady",
    "ratio",
    "hand",
    "jax",
    "trace",
    "torch",
    "hips",
)


def show(row: dict[str, Any]) -> str:
    """A row as text."""
    cells = [f"{row['program']:20s}"]
    for column in COLUMNS:
        value = row.get(column, "-")
        text = (
            f"{value:.2f}"
            if column == "ratio"
            else f"{value:.0f}"
            if isinstance(value, float)
            else str(value)
        )
        cells.append(f"{text + (row['mark'] if column == 'numba' else ''):>11s}")
    return " ".join(cells)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", nargs="*", help="names of programs; all by default")
    parser.add_argument("--quick", action="store_true", help="leave out PyTorch and HIPS autograd")
    parser.add_argument("--json", help="write the rows to this file")
    parser.add_argument("--long", action="store_true", help="measure long loops instead")
    parser.add_argument("--wide", action="store_true", help="measure wide networks instead")
    options = parser.parse_args()
    if options.long:
        long_loops()
        return
    if options.wide:
        wide_networks()
        return
    rows = []
    for kind, table in (("scalar", programs.SCALARS), ("array", programs.ARRAYS)):
        print(f"{kind + ' programs':20s} " + " ".join(f"{column:>11s}" for column in COLUMNS))
        ratios = []
        for program, args in table.items():
            if options.programs and program.__name__ not in options.programs:
                continue
            row = measure(program, args, quick=options.quick, scalar=kind == "scalar")
            rows.append(row)
            ratios.append(row["ratio"])
            print(show(row), flush=True)
        if ratios:
            print(f"geometric mean of the ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}\n")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
