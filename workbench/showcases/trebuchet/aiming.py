"""Settings of the machine for one target: which targets can be reached, and direct optimisation.

A setting is (release angle in rad, counterweight in kg). It is searched in two unbounded numbers, the logits
of its place in the allowed range, so that every setting tried is one the machine can take: no throw ever has
to be given up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.autodiff import value_and_gradient, vectorize
from workbench.errors import SimulationError
from workbench.showcases.trebuchet.machine import Machine
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.physics import throw_distance

RIGHT_ANGLE = math.pi / 2.0
WIND_SPREADS = 4.0
MOST_ITERATIONS = 1000
_WINDS = 41
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def throw_distances(machine: Machine) -> Callable[..., np.ndarray]:
    """The distances of many throws at once; the simulator is the plain Python of ``physics``.

    Returns:
        A function of wind in m/s, angle in rad and weight in kg, shapes (throws,), and of the solver's
        resolution, returning m.
    """

    def throw(wind, angle, weight, resolution):
        return throw_distance(wind, angle, weight, machine, resolution)

    return vectorize(throw)


# ------------------------------------------------------------------------------------ what can be reached


@dataclass(frozen=True)
class Reach:
    """The nearest and the farthest distance the machine can throw at each wind. Shapes (winds,). Units
    m/s, m.

    Between them everything can be reached, because the distance is continuous in angle and weight. Linear
    between the winds.
    """

    winds: np.ndarray
    nearest: np.ndarray
    farthest: np.ndarray

    def at(self, wind: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """The nearest and the farthest distance at these winds. Unit m."""
        return np.interp(wind, self.winds, self.nearest), np.interp(wind, self.winds, self.farthest)

    def covers(self, wind: np.ndarray | float, target: np.ndarray | float) -> np.ndarray:
        """Whether each (wind, target) can be hit."""
        nearest, farthest = self.at(wind)
        return (nearest <= target) & (target <= farthest)


def reach_of(parameters: TrebuchetParameters) -> Reach:
    """What the machine can reach with the counterweights allowed, for winds up to four spreads."""
    return _reach(parameters.machine, parameters.weights, parameters.wind_spread, parameters.resolution)


@lru_cache(maxsize=8)
def _reach(machine: Machine, weights: tuple[float, float], spread: float, resolution: float) -> Reach:
    """The farthest throw is with the heaviest weight at the best angle, the nearest straight up."""
    largest = WIND_SPREADS * max(spread, 0.25)
    winds = np.linspace(-largest, largest, _WINDS)
    nearest = np.empty(_WINDS)
    farthest = np.empty(_WINDS)
    for i, wind in enumerate(winds.tolist()):
        nearest[i] = min(throw_distance(wind, RIGHT_ANGLE, w, machine, resolution) for w in weights)
        farthest[i] = _farthest(
            lambda angle, w=wind: throw_distance(w, angle, weights[1], machine, resolution)
        )
    for array in (winds, nearest, farthest):
        array.setflags(write=False)
    return Reach(winds, nearest, farthest)


def _farthest(distance: Callable[[float], float]) -> float:
    """The largest distance over the release angle, which has one peak: golden-section search."""
    low, high = 0.0, RIGHT_ANGLE
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = distance(left), distance(right)
    while high - low > 1e-3:
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = distance(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = distance(left)
    return max(at_left, at_right)


# ------------------------------------------------------------------------------------- direct optimisation


@dataclass(frozen=True)
class Aim:
    """A setting found for one target, the distance it throws, and what it took. Units rad, kg, m."""

    angle: float
    weight: float
    distance: float
    miss: float
    iterations: int


def aim_directly(
    wind: float,
    target: float,
    parameters: TrebuchetParameters,
    *,
    tolerance: float = 0.1,
    method: str = "adam",
) -> Aim:
    """A setting that hits the target to ``tolerance`` m, found by gradients of this one throw.

    Starts from 45° and the middle of the allowed counterweights.

    Args:
        wind: m/s.
        target: m.
        parameters: the machine and the weights allowed. The throw is at full resolution.
        tolerance: largest miss accepted, m.
        method: "adam", what also trains the network; or "gauss-newton", made for a single equation: the
            shortest step to where the linearised distance hits.
    Raises:
        SimulationError: no such setting within ``MOST_ITERATIONS``; the target cannot be reached.
    """
    distance_of = value_and_gradient(_distance_of_logits, wrt=(0, 1))
    throws = throw_distances(parameters.machine)
    step = {"adam": _adam(), "gauss-newton": _gauss_newton}[method]
    place = (0.0, 0.0)
    for iteration in range(1, MOST_ITERATIONS + 1):
        distance, gradient = distance_of(*place, wind, throws, parameters.weights)
        miss = distance - target
        if abs(miss) <= tolerance:
            angle, weight = setting_of(*place, parameters.weights)
            return Aim(angle, weight, distance, miss, iteration)
        place = tuple(x + dx for x, dx in zip(place, step(miss, gradient), strict=True))
    nearest, farthest = reach_of(parameters).at(wind)
    raise SimulationError(
        f"no setting of the machine hits {target:.4g} m",
        found=f"missed by {miss:.3g} m after {MOST_ITERATIONS} iterations; at this wind it "
        f"reaches {nearest:.1f} to {farthest:.1f} m",
        where="target",
        fix="choose a target within reach",
    )


def setting_of(angle_logit, weight_logit, weights):
    """(angle, weight) at two logits; ``weights`` are the lightest and heaviest allowed."""
    low, high = weights
    angle = RIGHT_ANGLE / (1.0 + math.exp(-angle_logit))
    return angle, low + (high - low) / (1.0 + math.exp(-weight_logit))


def _distance_of_logits(angle_logit, weight_logit, wind, throws, weights):
    angle, weight = setting_of(angle_logit, weight_logit, weights)
    return throws(np.array([wind]), np.array([angle]), np.array([weight]), 1.0)[0]


def _gauss_newton(miss: float, gradient: tuple[float, float]) -> tuple[float, float]:
    square = gradient[0] ** 2 + gradient[1] ** 2
    length = min(abs(miss) / math.sqrt(square), 1.0)
    return tuple(-math.copysign(length, miss) * g / math.sqrt(square) for g in gradient)


def _adam(rate: float = 0.1) -> Callable[[float, tuple[float, float]], tuple[float, float]]:
    """Adam's step for ½ miss², with its usual constants."""
    means, squares, count = [0.0, 0.0], [0.0, 0.0], 0

    def step(miss: float, gradient: tuple[float, float]) -> tuple[float, float]:
        nonlocal count
        count += 1
        moves = []
        for i, g in enumerate(gradient):
            means[i] = 0.9 * means[i] + 0.1 * miss * g
            squares[i] = 0.999 * squares[i] + 0.001 * (miss * g) ** 2
            mean, square = means[i] / (1.0 - 0.9**count), squares[i] / (1.0 - 0.999**count)
            moves.append(-rate * mean / (math.sqrt(square) + 1e-8))
        return moves[0], moves[1]

    return step
