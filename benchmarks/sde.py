"""What a neural SDE costs, against torchsde, a plain torch loop and a hand-written ``lax.scan`` of JAX, in one run.

    python benchmarks/sde.py        # JAX's columns only where it is installed

Three tables, on one thread, in double precision:

1. Value and gradient of the training loss: the spiral's network (u³, 50 tanh units) as drift, 0.2 u as diffusion, Euler
   and Milstein, 58 steps, 30 outputs. Everybody draws fresh noise in each evaluation. Least time of many, taken in
   turns, so that all meet the same machine.
2. Adaptive SOSRI against torchsde's adaptive ``srk`` on an equation with a closed solution: time at the same error.
3. Memory of a gradient by the number of steps: all steps kept, or checkpoints.
"""

from __future__ import annotations

import importlib.util
import math
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import torch
import torchsde
from orders import EQUATIONS, Y0

from workbench.solvers import solve_sde

F64 = torch.float64
STEPS, OUTPUTS, WIDTH, NOISE = 58, 30, 50, 0.2
TS = np.linspace(0.0, 1.0, OUTPUTS)
TARGET = np.stack([2 * np.cos(3 * TS), np.sin(3 * TS)], axis=1)
DT = 1.0 / STEPS


def least_times(rivals: dict[str, Callable[[], object]], seconds: float = 4.0) -> dict[str, float]:
    """The least time of each rival, in milliseconds, all taken in turns."""
    for run in rivals.values():
        for _ in range(3):
            run()
    best = dict.fromkeys(rivals, math.inf)
    end, turns = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or turns < 3:
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
        turns += 1
    return best


# ------------------------------------------------------------------------------------ the training loss


class Spiral(torch.nn.Module):
    """The neural SDE, for the workbench and for torchsde."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(2, WIDTH, dtype=F64), torch.nn.Tanh(), torch.nn.Linear(WIDTH, 2, dtype=F64)
        )

    def f(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The drift."""
        return self.layers(u**3)

    def g(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The diffusion."""
        return NOISE * u

    def learn(self, ys: torch.Tensor) -> float:
        """The loss of paths (times, batch, state), and its gradient in the weights."""
        loss = (ys - torch.from_numpy(TARGET)[:, None]).square().sum((0, 2)).mean()
        self.zero_grad()
        loss.backward()
        return float(loss.detach())

    def learn_end(self, ys: torch.Tensor) -> None:
        """The gradient of the mean square of the last states."""
        self.zero_grad()
        ys[-1].square().mean().backward()


def rivals(paths: int, method: str) -> dict[str, Callable[[], object]]:
    """Value and gradient of the training loss, each in its own way."""
    model, ts = Spiral(), torch.from_numpy(TS)
    y0 = torch.tensor([2.0, 0.0], dtype=F64).expand(paths, 2).contiguous()
    generator = torch.Generator().manual_seed(0)

    def workbench() -> float:
        dt = DT * (1 + 1e-9)
        return model.learn(solve_sde(model.f, model.g, y0, ts, method=method, dt=dt, generator=generator).ys)

    def by_torchsde() -> float:
        return model.learn(torchsde.sdeint(model, y0, ts, method=method, dt=DT))

    def plain() -> float:
        y, h, outputs = y0, DT, [y0]
        for k in range(STEPS):
            w = math.sqrt(h) * torch.randn(paths, 2, dtype=F64, generator=generator)
            g = model.g(None, y)
            y = y + h * model.f(None, y) + g * w
            if method == "milstein":
                y = y + 0.5 * NOISE * g * (w * w - h)
            if k % 2:
                outputs.append(y)
        return model.learn(torch.stack(outputs))

    found: dict[str, Callable[[], object]] = {
        "workbench": workbench,
        "torchsde": by_torchsde,
        "torch loop": plain,
    }
    if importlib.util.find_spec("jax"):
        found["jax scan"] = jax_scan(model, paths, method)
    return found


def jax_scan(model: Spiral, paths: int, method: str) -> Callable[[], object]:
    """The same in JAX: one jitted function of weights and key."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    weights = [jnp.asarray(p.detach().numpy()) for p in model.parameters()]
    y0, target = jnp.tile(jnp.array([2.0, 0.0]), (paths, 1)), jnp.asarray(TARGET)

    def loss(weights: list, key: object) -> object:
        a, b, c, d = weights

        def step(y: object, w: object) -> tuple:
            g = NOISE * y
            new = y + DT * (jnp.tanh(y**3 @ a.T + b) @ c.T + d) + g * w
            if method == "milstein":
                new = new + 0.5 * NOISE * g * (w * w - DT)
            return new, new

        noise = math.sqrt(DT) * jax.random.normal(key, (STEPS, paths, 2))
        _, ys = jax.lax.scan(step, y0, noise)
        ys = jnp.concatenate([y0[None], ys[1::2]])
        return jnp.square(ys - target[:, None]).sum((0, 2)).mean()

    learn, keys = jax.jit(jax.value_and_grad(loss)), iter(range(10**9))
    return lambda: jax.block_until_ready(learn(weights, jax.random.key(next(keys))))


def training() -> None:
    """Print the first table."""
    print("value and gradient of the training loss, ms; in brackets: how often the workbench's time")
    for method in ("euler", "milstein"):
        for paths in (1, 100, 1000):
            found = least_times(rivals(paths, method))
            own = found["workbench"]
            rest = "   ".join(
                f"{name} {ms:8.2f} ({ms / own:5.2f})" for name, ms in found.items() if ms != own
            )
            print(f"{method:<9}{paths:>5} paths   workbench {own:8.2f}   {rest}", flush=True)


# ------------------------------------------------------------------------------------ adaptive steps


class Known(torch.nn.Module):
    """An Itô equation with a closed solution, as ``benchmarks/orders.py`` has it."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.f, self.g, self.solution = (
            EQUATIONS[name].drift,
            EQUATIONS[name].diffusion,
            EQUATIONS[name].solution,
        )


TOLERANCES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)


def adaptive_curve(
    solve: Callable[[float, int], tuple[torch.Tensor, Callable]], known: Known, y0: torch.Tensor
) -> list:
    """Error at t = 1 (root mean square over paths and seeds) and least time in ms, for each tolerance."""
    points = []
    for tolerance in TOLERANCES:
        squares, best = [], math.inf
        for seed in range(4):
            start = time.perf_counter()
            with torch.no_grad():
                end, path = solve(tolerance, seed)
            best = min(best, 1e3 * (time.perf_counter() - start))
            squares.append((end - known.solution(path, y0)).square().mean().item())
        points.append((math.sqrt(np.mean(squares)), best))
    return points


def adaptive(name: str, outputs: int, paths: int = 100) -> None:
    """Print the second table for one equation."""
    known, y0 = Known(name), Y0.expand(paths, 2).contiguous()
    ts = torch.linspace(0.0, 1.0, outputs, dtype=F64)

    def workbench(method: str) -> Callable[[float, int], tuple]:
        def solve(tolerance: float, seed: int) -> tuple[torch.Tensor, Callable]:
            generator = torch.Generator().manual_seed(seed)
            how = {"method": method, "rtol": tolerance, "atol": tolerance, "generator": generator}
            found = solve_sde(known.f, known.g, y0, ts, **how)
            return found.ys[-1], found.brownian

        return solve

    def by_torchsde(tolerance: float, seed: int) -> tuple[torch.Tensor, Callable]:
        levy = "space-time"
        path = torchsde.BrownianInterval(
            0.0, 1.0, size=(paths, 2), dtype=F64, levy_area_approximation=levy, entropy=seed
        )
        how = {
            "method": "srk",
            "adaptive": True,
            "rtol": tolerance,
            "atol": tolerance,
            "dt": 0.05,
            "dt_min": 1e-7,
        }
        return torchsde.sdeint(known, y0, ts, bm=path, **how)[-1], lambda t: path(0.0, t)

    theirs = adaptive_curve(by_torchsde, known, y0)
    log_error, log_ms = np.log(np.array(theirs[::-1])).T
    print(
        f"{name}, {paths} paths, {outputs} outputs: error at t = 1, ms; in brackets torchsde's ms at this error"
    )
    for method in ("sosri", "sriw1"):
        line = []
        for error, ms in adaptive_curve(workbench(method), known, y0):
            inside = math.exp(log_error[0]) <= error <= math.exp(log_error[-1])
            there = math.exp(np.interp(math.log(error), log_error, log_ms)) if inside else math.nan
            line.append(f"{error:.1e} {ms:5.1f} ({there / ms:4.1f})")
        print(f"  {method:<9}" + "   ".join(line))
    print("  torchsde " + "   ".join(f"{error:.1e} {ms:5.1f}       " for error, ms in theirs), flush=True)


# ------------------------------------------------------------------------------------ memory


def memory() -> None:
    """Print the third table: the largest memory held while a gradient is computed, from NumPy's own count."""
    model = Spiral()
    y0 = torch.tensor([2.0, 0.0], dtype=F64).expand(100, 2).contiguous()
    rows = {"direct": [], "checkpoint": []}
    counts = (256, 1024, 4096, 16384)
    for way, peaks in rows.items():
        for steps in counts:
            for _ in range(2):  # the first time compiles and records
                tracemalloc.start()
                generator = torch.Generator().manual_seed(0)
                how = {"method": "euler", "dt": 1.0 / steps, "generator": generator, "gradient": way}
                model.learn_end(solve_sde(model.f, model.g, y0, [0.0, 1.0], **how).ys)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            peaks.append(peak / 2**20)
    print("memory of a gradient, MiB, 100 paths")
    for way, peaks in rows.items():
        power = np.polyfit(np.log(counts), np.log(peaks), 1)[0]
        line = "   ".join(f"{n} steps {peak:7.2f}" for n, peak in zip(counts, peaks, strict=True))
        print(f"  {way:<11}{line}   grows like steps^{power:.2f}", flush=True)


def main() -> None:
    """Print the three tables."""
    torch.set_num_threads(1)
    training()
    for name in ("trigonometric", "geometric"):
        for outputs in (2, 30):
            adaptive(name, outputs)
    memory()


if __name__ == "__main__":
    main()
