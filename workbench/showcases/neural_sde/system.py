"""The system that the data come from: a noisy spiral, in plain Python and NumPy.

du₁ = (−a u₁³ − b u₂³) dt + s u₁ dW₁
du₂ = ( b u₁³ − a u₂³) dt + s u₂ dW₂

Itô, diagonal noise, u(0) = (2, 0). With a = 0.1, b = 2, s = 0.2 it is the paper's.

Nothing here knows of networks, torch or the engine.

Source: Rackauckas et al., "Generalized Physics-Informed Learning through Language-Wide Differentiable Programming",
2020, section 4.3, and its published code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

START = (2.0, 0.0)
"""u at time 0."""

STEP = 1.0 / 290.0
"""The longest step of the simulation: a tenth of the time between two observations."""


@dataclass(frozen=True)
class Spiral:
    """The numbers of the system: ``damping`` a, ``rotation`` b (both 1/(time·u²)) and ``noise`` s (1/√time)."""

    damping: float = 0.1
    rotation: float = 2.0
    noise: float = 0.2

    def drift(self, u1, u2):
        """The two components of the drift, for numbers or arrays."""
        cube1, cube2 = u1 * u1 * u1, u2 * u2 * u2  # NumPy's ** 3 takes sixty times as long
        return (-self.damping * cube1 - self.rotation * cube2, self.rotation * cube1 - self.damping * cube2)

    def diffusion(self, u1, u2):
        """The two components of the (diagonal) diffusion, for numbers or arrays."""
        return self.noise * u1, self.noise * u2

    def equations(self) -> list[str]:
        """The system as text, one equation for each component."""
        a, b, s = self.damping, self.rotation, self.noise
        return [
            f"du1 = (-{a:.4g} u1^3 - {b:.4g} u2^3) dt + {s:.4g} u1 dW1",
            f"du2 = ({b:.4g} u1^3 - {a:.4g} u2^3) dt + {s:.4g} u2 dW2",
        ]


def simulate_paths(
    system: Spiral, ts: np.ndarray, n_paths: int, rng: np.random.Generator, *, step: float = STEP
) -> np.ndarray:
    """Paths of the system from ``START``, at the times ts.

    Args:
        system: its numbers.
        ts: increasing times, the first being that of the start. Shape (times,).
        n_paths: how many.
        rng: of the Brownian motion.
        step: the longest step.
    Returns:
        Shape (times, n_paths, 2).

    Facts: Milstein's method with a drift of second order (Heun): strong order 1, weak order 1, and a deterministic part
    of order 2.
    """
    u = np.empty((2, n_paths))
    u[:] = np.array(START)[:, None]
    out = np.empty((len(ts), n_paths, 2))
    out[0] = u.T
    for k, length in enumerate(np.diff(ts)):
        n = max(1, int(np.ceil(length / step - 1e-9)))
        for _ in range(n):
            u = _step(system, u, length / n, rng)
        out[k + 1] = u.T
    return out


def _step(system: Spiral, u: np.ndarray, h: float, rng: np.random.Generator) -> np.ndarray:
    w = rng.normal(0.0, np.sqrt(h), u.shape)
    f0 = np.array(system.drift(*u))
    kick = np.array(system.diffusion(*u)) * (w + 0.5 * system.noise * (w**2 - h))
    f1 = np.array(system.drift(*(u + h * f0 + kick)))
    return u + 0.5 * h * (f0 + f1) + kick
