"""Aiming a trebuchet: a network learns to set the machine by gradients through the simulated throw.

    machine, motion, physics   the simulator, in plain Python: no torch, no engine
    trajectory                 the same throw with everything that a picture needs
    parameters                 every knob of the showcase
    aiming                     settings of one machine for one target: reachable distances, direct
    optimisation surrogate, loss            the network, and what is minimised
    live                       what the live views draw
    evaluation                 how well the trained network aims

The record below imports torch only when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.showcases import Showcase
from workbench.showcases.trebuchet.parameters import TrebuchetParameters

if TYPE_CHECKING:
    from workbench.showcases.trebuchet.loss import AimingProblem
    from workbench.training import Training


def _make_problem(parameters: TrebuchetParameters) -> AimingProblem:
    from workbench.showcases.trebuchet.loss import make_problem

    return make_problem(parameters)


def _make_training(parameters: TrebuchetParameters) -> Training:
    from workbench.showcases.trebuchet.loss import make_training

    return make_training(parameters)


def _evaluate(training: Training, parameters: TrebuchetParameters) -> dict[str, Any]:
    from workbench.showcases.trebuchet.evaluation import evaluate

    return evaluate(training, parameters)


SHOWCASE = Showcase(
    name="trebuchet",
    title="Aiming a trebuchet",
    question="Given a target and the wind, how should the machine be set?",
    level="Starter: some mechanics, no machine learning needed",
    run_seconds=60,
    notebook="10_trebuchet.ipynb",
    parameters=TrebuchetParameters,
    make_problem=_make_problem,
    make_training=_make_training,
    evaluate=_evaluate,
)
