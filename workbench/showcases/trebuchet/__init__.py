"""Aiming a trebuchet: a network learns to set the machine by gradients through the simulated throw.

machine, motion, physics   the simulator, in plain Python: no torch, no engine
trajectory                 the same throw with everything that a picture needs
parameters                 every knob of the showcase
aiming                     settings of one machine for one target: reachable distances, direct
optimisation surrogate, loss            the network, and what is minimised
live                       what the live views draw
evaluation                 how well the trained network aims
"""

from __future__ import annotations

from workbench.showcases import Showcase
from workbench.showcases.trebuchet.parameters import TrebuchetParameters

SHOWCASE = Showcase(
    name="trebuchet",
    title="Aiming a trebuchet",
    question="Given a target and the wind, how should the machine be set?",
    level="Starter: some mechanics, no machine learning needed",
    run_seconds=60,
    notebook="10_trebuchet.ipynb",
    parameters=TrebuchetParameters,
)
