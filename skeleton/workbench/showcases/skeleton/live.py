"""What the live views draw: measured positions and a simulated motion.

The keys are those of ``workbench.training.Problem.snapshot``.
"""

from __future__ import annotations

import numpy as np

from workbench.showcases.skeleton.data import measure, times
from workbench.showcases.skeleton.parameters import SkeletonParameters
from workbench.showcases.skeleton.physics import swing

Picture = dict[str, np.ndarray | str]


# Yours: this is drawn while it learns. Keep it quick.
def fit_picture(parameters: SkeletonParameters, stiffness: float, damping: float) -> Picture:
    """The measured positions, and the motion of a spring of this stiffness in 1/s² and damping in 1/s."""
    ts = times(parameters)
    positions = swing(stiffness, damping, parameters.duration, parameters.samples)
    return {
        "text:title": "A damped oscillation",
        "text:x": "time (s)",
        "text:y": "position (m)",
        "curve:simulated": np.column_stack([ts, positions]),
        "point:measured": np.column_stack([ts, measure(parameters)]),
        "text:found": f"stiffness {stiffness:.3f} /s², damping {damping:.3f} /s",
    }


def truth_picture(parameters: SkeletonParameters) -> Picture:
    """The measured positions, and the true motion under them."""
    return fit_picture(parameters, parameters.stiffness, parameters.damping)
