"""What the live views draw: one throw to play with, and where the network's throws go while it learns.

The keys are those of ``workbench.training.Problem.snapshot``.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.trajectory import Simulation, pose, simulate

Picture = dict[str, np.ndarray | str]

SHOWN = ((0.0, 40.0), (0.0, 80.0), (-5.0, 60.0))
"""The (wind in m/s, target in m) that the network's throws are shown for."""

_AXES = {"text:x": "distance (m)", "text:y": "height (m)", "text:aspect": "equal"}


def throw_picture(parameters: TrebuchetParameters) -> Picture:
    """The throw that the parameters' wind, angle and weight give, and the target.

    Raises:
        SimulationError: the machine cannot throw.
    """
    angle, weight = parameters.settings
    simulation = simulate(parameters.wind, angle, weight, parameters.machine, frames=30)
    distance = simulation.throw.distance
    return {
        **_AXES,
        "text:title": f"{distance:.1f} m: {_verdict(distance - parameters.target)}",
        "curve:path": np.array(simulation.path),
        "curve:machine": _machine(simulation),
        "point:target": np.array([parameters.target, 0.0]),
        "text:setting": f"{parameters.angle:.0f}° and {parameters.weight:.0f} lb, "
        f"wind {parameters.wind:+.1f} m/s; in the air for "
        f"{simulation.throw.landing_time - simulation.throw.release_time:.1f} s",
    }


def network_picture(network: torch.nn.Module, parameters: TrebuchetParameters) -> Picture:
    """Where the network's throws go for the pairs in ``SHOWN``."""
    winds, targets = torch.tensor(SHOWN, dtype=torch.float64).T
    with torch.no_grad():
        angles, weights = network(winds, targets)
    weights = weights.clamp(*parameters.weights)
    picture: Picture = {**_AXES, "text:title": "Learnt throws"}
    settings = []
    for i, (wind, target) in enumerate(SHOWN):
        angle, weight = angles[i].item(), weights[i].item()
        simulation = simulate(wind, angle, weight, parameters.machine, frames=20)
        name = f"{target:g} m, wind {wind:g} m/s" if wind else f"{target:g} m"
        picture[f"curve:{name}"] = np.array(simulation.path)
        settings.append(f"{math.degrees(angle):.0f}° and {weight / POUND:.0f} lb")
    picture["point:targets"] = np.array([(target, 0.0) for _, target in SHOWN])
    picture["text:settings"] = "Settings: " + "; ".join(settings)
    return picture


def _machine(simulation: Simulation) -> np.ndarray:
    joints = pose(simulation.throw.release, simulation.machine)
    return np.array([joints.weight, joints.short_end, joints.pivot, joints.tip, joints.projectile])


def _verdict(miss: float) -> str:
    if abs(miss) < 0.5:
        return "a hit"
    return f"{abs(miss):.1f} m {'too far' if miss > 0 else 'short'}"
