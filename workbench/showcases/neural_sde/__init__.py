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
"""

from __future__ import annotations

from workbench.showcases import Showcase
from workbench.showcases.neural_sde.parameters import SpiralParameters

SHOWCASE = Showcase(
    name="neural_sde",
    title="Discovering a noisy system",
    question="Which stochastic equation do these paths come from?",
    level="Intermediate: differential equations and a little probability",
    run_seconds=90,
    notebook="30_neural_sde.ipynb",
    parameters=SpiralParameters,
)
