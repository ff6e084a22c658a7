"""What was found, beside what is true."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.showcases.skeleton.data import measure, times
from workbench.showcases.skeleton.parameters import SkeletonParameters
from workbench.showcases.skeleton.physics import swing
from workbench.training import Training


# Yours: metrics are what runs are compared by; tables and arrays are what the figures draw.
def evaluate(training: Training, parameters: SkeletonParameters) -> dict[str, Any]:
    """How near the learnt spring comes to the true one, and its motion to what was measured.

    Returns:
        ``metrics``: stiffness_error and damping_error, found − true, and rms_distance_in_m; ``tables``: spring;
        ``arrays``: times, measured and simulated; ``timings``: iterations_per_second.
    """
    spring = training.problem.modules
    stiffness, damping = spring.stiffness.item(), spring.damping.item()
    measured = measure(parameters)
    simulated = swing(stiffness, damping, parameters.duration, parameters.samples)
    return {
        "metrics": {
            "stiffness_error": stiffness - parameters.stiffness,
            "damping_error": damping - parameters.damping,
            "rms_distance_in_m": float(np.sqrt(np.mean((simulated - measured) ** 2))),
        },
        "tables": {
            "spring": [
                {"": "stiffness (1/s²)", "true": parameters.stiffness, "found": round(stiffness, 4)},
                {"": "damping (1/s)", "true": parameters.damping, "found": round(damping, 4)},
            ]
        },
        "arrays": {"times": times(parameters), "measured": measured, "simulated": simulated},
        "timings": {"iterations_per_second": training.iteration / max(training.seconds, 1e-9)},
    }
