"""Solvers of ordinary and stochastic differential equations, with gradients of what they did.

``solve_ode`` and ``solve_sde`` take functions of (t, y), an initial state and the times of the output, and return
frozen solutions; ``solve_ensemble`` solves many paths of one equation on all cores. A method is a row of coefficients
in ``tableaus``; to add one, add its row, and the tests check the order conditions and measure the order. What drives
a stochastic equation is a ``BrownianPath``: a function of time and of a seed. See docs/solvers.md for which method
and which gradient to take.
"""

from workbench.solvers import engine_rules  # noqa: F401
from workbench.solvers.brownian import BrownianPath
from workbench.solvers.ensemble import Ensemble, solve_ensemble
from workbench.solvers.events import Event
from workbench.solvers.ode import solve_ode
from workbench.solvers.sde import solve_sde
from workbench.solvers.solution import EventRecord, ODESolution, SDESolution, Statistics

__all__ = [
    "BrownianPath",
    "Ensemble",
    "Event",
    "EventRecord",
    "ODESolution",
    "SDESolution",
    "Statistics",
    "solve_ensemble",
    "solve_ode",
    "solve_sde",
]
