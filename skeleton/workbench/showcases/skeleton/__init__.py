"""A damped oscillation: a spring's stiffness and damping are fitted by gradients through its simulation.

physics        the simulation, in plain Python: no torch, no engine
parameters     every knob of the showcase
data           what is measured: the true motion and noise
loss           what is learnt, and what is minimised
live           what the live views draw
evaluation     what was found
"""

from __future__ import annotations

from workbench.showcases import Showcase
from workbench.showcases.skeleton.parameters import SkeletonParameters

# Yours: title, question, level and run time are the card in the gallery.
SHOWCASE = Showcase(
    name="skeleton",
    title="A damped oscillation",
    question="How stiff is the spring, and how much does it lose with each swing?",
    level="Starter: a spring and a mass",
    run_seconds=15,
    notebook="NN_skeleton.ipynb",
    parameters=SkeletonParameters,
)
