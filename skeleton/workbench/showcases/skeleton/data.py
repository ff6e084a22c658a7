"""What is measured: the true motion, and noise."""

from __future__ import annotations

import numpy as np

from workbench.showcases.skeleton.parameters import SkeletonParameters
from workbench.showcases.skeleton.physics import swing


def times(parameters: SkeletonParameters) -> np.ndarray:
    """When it is measured, in s. Shape (samples,)."""
    return np.linspace(0.0, parameters.duration, parameters.samples)


# Yours: simulate the truth, as here, or read a file that lies in this folder.
def measure(parameters: SkeletonParameters) -> np.ndarray:
    """The measured positions in m: those of the true spring, with normal noise. Shape (samples,)."""
    p = parameters
    rng = np.random.default_rng(p.seed)
    return swing(p.stiffness, p.damping, p.duration, p.samples) + p.noise * rng.normal(size=p.samples)
