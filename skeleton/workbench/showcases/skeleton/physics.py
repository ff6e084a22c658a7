"""A mass on a spring, step by step. Nothing here knows that it will be differentiated.

    x'' = −k x − c x',   x(0) = 1 m,   x'(0) = 0

Source: L. Landau, E. Lifshitz, Mechanics, 1976, section 25.
"""

from __future__ import annotations

import numpy as np


# Yours: the program that you want a gradient of. Loops, branches, math, NumPy and SciPy are all right.
def swing(stiffness, damping, duration, samples, steps=10):
    """Where the mass is at equally spaced times, by the velocity Verlet method.

    Args:
        stiffness: k. Unit 1/s².
        damping: c. Unit 1/s.
        duration: from the first time to the last. Unit s.
        samples: how many times.
        steps: of the method, from one time to the next.
    Returns:
        positions in m. Shape (samples,).

    Differentiable in: stiffness, damping, duration. Not in: samples, steps.
    Facts: order 2.
    """
    dt = duration / (samples - 1) / steps
    x, v = 1.0, 0.0
    positions = [x]
    for _ in range(samples - 1):
        for _ in range(steps):
            v = v - 0.5 * dt * (stiffness * x + damping * v)
            x = x + dt * v
            v = (v - 0.5 * dt * stiffness * x) / (1.0 + 0.5 * dt * damping)
        positions.append(x)
    return np.array(positions)
