"""A stochastic system discovered from data: a neural SDE learns its drift and its noise from observed paths.

    system                     the true system, in plain Python and NumPy: no torch, no engine
    parameters                 every knob of the showcase
    data                       observations, truth, coverage and CRPS
    networks, scores, loss     the neural SDE, and what is minimised: single paths, moments, a proper score
    discovery                  drift and diffusion as equations, by sparse regression
    live                       what the live views draw
    evaluation                 how good the forecast is, and what was found
    sunspots                   a real series as a latent SDE
    finance                    a stock's rate learnt from option prices, and the Greeks by the engine

The record below imports torch only when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.showcases import Showcase
from workbench.showcases.neural_sde.parameters import SpiralParameters

if TYPE_CHECKING:
    from workbench.showcases.neural_sde.loss import SpiralProblem
    from workbench.training import Training


def _make_problem(parameters: SpiralParameters) -> SpiralProblem:
    from workbench.showcases.neural_sde.loss import make_problem

    return make_problem(parameters)


def _make_training(parameters: SpiralParameters) -> Training:
    from workbench.showcases.neural_sde.loss import make_training

    return make_training(parameters)


def _evaluate(training: Training, parameters: SpiralParameters) -> dict[str, Any]:
    from workbench.showcases.neural_sde.evaluation import evaluate

    return evaluate(training, parameters)


SHOWCASE = Showcase(
    name="neural_sde",
    title="Discovering a noisy system",
    question="Which stochastic equation do these paths come from?",
    level="Intermediate: differential equations and a little probability",
    run_seconds=90,
    notebook="30_neural_sde.ipynb",
    parameters=SpiralParameters,
    make_problem=_make_problem,
    make_training=_make_training,
    evaluate=_evaluate,
)
