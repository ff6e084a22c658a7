"""One throw as a picture needs it: the machine's points and the projectile's path, phase by phase."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.showcases.trebuchet.machine import STANDARD, Machine
from workbench.showcases.trebuchet.motion import (
    Swing,
    drag_of,
    flight_step,
    ground_motion,
    ground_step,
    projectile,
    sling_from_ground,
    swing_of,
    swing_step,
)
from workbench.showcases.trebuchet.physics import Throw, start_on_ground, throw

Point = tuple[float, float]


@dataclass(frozen=True)
class Phase:
    """One phase of the throw, at equally spaced times from its start to its end.

    ``states`` are (α, β, γ, α', β', γ') before the release and (x, y, x', y') after it; ``path`` is the
    projectile's, with the ground under the pivot as origin. Units s, rad, m.
    """

    name: str
    times: tuple[float, ...]
    states: tuple[tuple[float, ...], ...]
    path: tuple[Point, ...]


@dataclass(frozen=True)
class Pose:
    """Where the machine's joints are, with the ground under the pivot as origin. Unit m."""

    pivot: Point
    short_end: Point
    weight: Point
    tip: Point
    projectile: Point


@dataclass(frozen=True)
class Simulation:
    """A throw with its three phases: "ground", "sling", "flight"."""

    throw: Throw
    machine: Machine
    phases: tuple[Phase, Phase, Phase]

    @property
    def path(self) -> tuple[Point, ...]:
        """The projectile's whole path."""
        ground, sling, flight = self.phases
        return ground.path + sling.path[1:] + flight.path[1:]


def simulate(
    wind: float,
    angle: float,
    weight: float,
    machine: Machine = STANDARD,
    *,
    resolution: float = 1.0,
    frames: int = 40,
) -> Simulation:
    """The throw of ``physics.throw`` with ``frames`` equal time steps of each phase to draw.

    Args:
        wind: m/s along the throw.
        angle: release angle in rad.
        weight: counterweight in kg.
        machine: the rest of the trebuchet.
        resolution: as for ``throw_distance``.
        frames: time steps drawn in each phase; at least 20 keep them as exact as the throw itself.
    Raises:
        SimulationError: the machine cannot throw.
    """
    result = throw(wind, angle, weight, machine, resolution)
    c = swing_of(weight, machine)
    ground = _ground(c, result.lift_off_time, frames)
    sling = _sling(c, result, frames)
    flight = _flight(machine, result, (wind, drag_of(machine), machine.gravity), frames)
    return Simulation(result, machine, (ground, sling, flight))


def pose(state: tuple[float, ...], machine: Machine = STANDARD) -> Pose:
    """Where the joints are in a state (α, β, γ, …)."""
    alpha, beta, gamma = state[:3]
    height = machine.pivot_height
    short = (machine.short_arm * math.sin(alpha), height - machine.short_arm * math.cos(alpha))
    weight = (
        short[0] + machine.weight_arm * math.sin(beta),
        short[1] - machine.weight_arm * math.cos(beta),
    )
    tip = (-machine.long_arm * math.sin(alpha), height + machine.long_arm * math.cos(alpha))
    end = (tip[0] - machine.sling * math.sin(gamma), tip[1] + machine.sling * math.cos(gamma))
    return Pose((0.0, height), short, weight, tip, end)


def _ground(c: Swing, duration: float, frames: int) -> Phase:
    h = duration / frames
    slides = [start_on_ground(c)]
    for _ in range(frames):
        slides.append(ground_step(slides[-1], ground_motion(slides[-1], c)[:2], h, c))
    states = []
    for alpha, beta, alpha_dot, beta_dot in slides:
        gamma, gamma_dot = sling_from_ground((alpha, beta, alpha_dot, beta_dot), c)
        states.append((alpha, beta, gamma, alpha_dot, beta_dot, gamma_dot))
    return Phase("ground", _times(0.0, h, frames), tuple(states), _swung_path(states, c))


def _sling(c: Swing, result: Throw, frames: int) -> Phase:
    h = (result.release_time - result.lift_off_time) / frames
    states = [result.lift_off]
    for _ in range(frames):
        states.append(swing_step(states[-1], h, c))
    return Phase("sling", _times(result.lift_off_time, h, frames), tuple(states), _swung_path(states, c))


def _flight(machine: Machine, result: Throw, air: tuple[float, float, float], frames: int) -> Phase:
    h = (result.landing_time - result.release_time) / frames
    states = [result.launch]
    for _ in range(frames):
        states.append(flight_step(states[-1], h, air))
    path = tuple((x, y + machine.pivot_height) for x, y, _, _ in states)
    return Phase("flight", _times(result.release_time, h, frames), tuple(states), path)


def _swung_path(states: list[tuple[float, ...]], c: Swing) -> tuple[Point, ...]:
    points = [projectile(state, c) for state in states]
    return tuple((x, y + c.height) for x, y, _, _ in points)


def _times(start: float, h: float, frames: int) -> tuple[float, ...]:
    return tuple(start + i * h for i in range(frames + 1))
