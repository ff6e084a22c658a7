"""A damped oscillation: a spring's stiffness and damping are fitted by gradients through its simulation.

    physics        the simulation, in plain Python: no torch, no engine
    parameters     every knob of the showcase
    data           what is measured: the true motion and noise
    loss           what is learnt, and what is minimised
    live           what the live views draw
    evaluation     what was found

The record below imports torch only when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.showcases import Showcase
from workbench.showcases.skeleton.parameters import SkeletonParameters

if TYPE_CHECKING:
    from workbench.showcases.skeleton.loss import SkeletonProblem
    from workbench.training import Training


def _make_problem(parameters: SkeletonParameters) -> SkeletonProblem:
    from workbench.showcases.skeleton.loss import make_problem

    return make_problem(parameters)


def _make_training(parameters: SkeletonParameters) -> Training:
    from workbench.showcases.skeleton.loss import make_training

    return make_training(parameters)


def _evaluate(training: Training, parameters: SkeletonParameters) -> dict[str, Any]:
    from workbench.showcases.skeleton.evaluation import evaluate

    return evaluate(training, parameters)


# Yours: title, question, level and run time are the card in the gallery.
SHOWCASE = Showcase(
    name="skeleton",
    title="A damped oscillation",
    question="How stiff is the spring, and how much does it lose with each swing?",
    level="Starter: a spring and a mass",
    run_seconds=15,
    notebook="NN_skeleton.ipynb",
    parameters=SkeletonParameters,
    make_problem=_make_problem,
    make_training=_make_training,
    evaluate=_evaluate,
)
