"""The trebuchet's throw: three phases, and the events between them, as ordinary Python.

Nothing here knows of differentiation. The steps follow the motion (a fixed turn of sling and hanger
each), every phase ends at the root of its event function, found by secant and Newton iterations on the
length of the last step, and the remaining distance to the root is taken by a last Newton correction of
the state itself, so that the derivative of the program is the derivative of the throw, event times included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import SimulationError
from workbench.showcases.trebuchet.machine import POUND, STANDARD, Machine
from workbench.showcases.trebuchet.motion import (
    Swing,
    drag_of,
    flight_step,
    ground_motion,
    ground_step,
    projectile,
    projectile_pull,
    sling_from_ground,
    swing_of,
    swing_step,
)

_TURN = 0.18
_FALL = 0.09
_MOST_STEPS = 4000
_LIFT_OFF_TOLERANCE = 1e-4
_SLING_ROUND = -math.pi


@dataclass(frozen=True)
class Throw:
    """One throw: when and in which state each phase ended.

    ``lift_off`` and ``release`` are (α, β, γ, α', β', γ'), ``launch`` and ``landing`` (x, y, x', y')
    with the pivot as origin. Times count from the start of the throw. Units m, s, rad.
    """

    distance: float
    lift_off_time: float
    release_time: float
    landing_time: float
    lift_off: tuple[float, float, float, float, float, float]
    release: tuple[float, float, float, float, float, float]
    launch: tuple[float, float, float, float]
    landing: tuple[float, float, float, float]


def throw_distance(wind, angle, weight, machine: Machine = STANDARD, resolution=1.0):
    """How far the machine throws, from the line under its pivot. Unit m.

    Args:
        wind: along the throw. Unit m/s.
        angle: of the projectile's velocity over the horizontal when the sling lets go. Unit rad. Range
            [0, π/2].
        weight: of the counterweight. Unit kg.
        machine: the rest of the trebuchet.
        resolution: steps for each turn. At 1 the distance is right to 1 mm for counterweights of 20 to
            180 kg, at 0.5 to 2 cm.
    Raises:
        SimulationError: the machine cannot throw: counterweight too light, sling never at the release
            angle, …

    Differentiable in: wind, angle, weight, every field of machine. Not in: resolution.
    Facts: classical Runge–Kutta, order 4; about 12 + 40 + 30 steps, 17,000 operations.
    """
    return throw(wind, angle, weight, machine, resolution).distance


def throw(wind, angle, weight, machine: Machine = STANDARD, resolution=1.0) -> Throw:
    """The whole throw; arguments, errors and facts as for ``throw_distance``."""
    _check_arguments(wind, angle, weight, resolution)
    if not (0.0 < machine.pivot_height < machine.long_arm):
        raise _arm_too_short(machine)
    c = swing_of(weight, machine)
    lift_off_time, lift_off = until_lift_off(c, resolution)
    swing_time, release, launch = until_release(lift_off, angle, c, resolution)
    if launch[1] <= -machine.pivot_height:
        raise _released_under_ground(launch[1] + machine.pivot_height)
    flight_time, landing = until_landing(launch, wind, machine, resolution)
    release_time = lift_off_time + swing_time
    return Throw(
        distance=landing[0],
        lift_off_time=lift_off_time,
        release_time=release_time,
        landing_time=release_time + flight_time,
        lift_off=lift_off,
        release=release,
        launch=launch,
        landing=landing,
    )


def start_on_ground(c: Swing):
    """(α, β, α', β') at rest: arm's tip and sling on the ground, the counterweight hanging straight."""
    return math.pi / 2.0 + math.asin(c.height / c.arm), 0.0, 0.0, 0.0


def until_lift_off(c: Swing, resolution):
    """(time, state) when the ground no longer pushes the projectile, g + x'' cot γ = 0.

    At that moment both phases' equations agree: the state after it does not depend on the event's time
    to first order, and neither does its derivative. Regula falsi with Illinois' modification, to 1e-6
    of a step.
    """
    state = start_on_ground(c)
    motion = ground_motion(state, c)
    if motion[2] >= 0.0:
        raise _too_light("the sling would have to push: the arm does not start to turn")
    time = 0.0
    push = c.gravity
    for _ in range(_MOST_STEPS):
        difference = state[2] - state[3]
        h = _TURN / (
            resolution * math.sqrt(c.rate * c.rate + state[2] * state[2] + 4.0 * difference * difference)
        )
        first = (motion[0], motion[1])
        after = ground_step(state, first, h, c)
        if after[2] >= 0.0:
            raise _too_light("the arm comes to rest before the projectile leaves the ground")
        motion = ground_motion(after, c)
        push_after = c.gravity + motion[2] * motion[3]
        if push_after <= 0.0:
            h = _lift_off_step(state, first, (push, push_after, h), c)
            after = ground_step(state, first, h, c)
            gamma, gamma_dot = sling_from_ground(after, c)
            return time + h, (after[0], after[1], gamma, after[2], after[3], gamma_dot)
        if motion[2] >= 0.0:
            raise _too_light("the sling goes slack before the projectile leaves the ground")
        state = after
        push = push_after
        time = time + h
    raise _no_end("lift-off")


def _lift_off_step(state, first, bracket, c: Swing):
    """The step after which the push is zero. ``bracket`` is the push before and after a step, and it.

    Secant iterations, halving the bracket instead where they would leave it.
    """
    push_other, push, h = bracket
    low = 0.0
    high = h
    other = 0.0
    for _ in range(60):
        if abs(push) <= _LIFT_OFF_TOLERANCE * c.gravity:
            return h
        if push > 0.0:
            low = h
        else:
            high = h
        h_new = h - (h - other) * push / (push - push_other)
        if not low < h_new < high:
            h_new = 0.5 * (low + high)
        other = h
        push_other = push
        h = h_new
        motion = ground_motion(ground_step(state, first, h, c), c)
        push = c.gravity + motion[2] * motion[3]
    raise _no_end("lift-off")


def until_release(state, angle, c: Swing, resolution):
    """(time, state, launch) when the projectile's velocity has come round to the release angle.

    The event function is x' sin(angle) − y' cos(angle), the velocity across the release direction; its
    rate comes from the accelerations. Secant, then Newton on the step's length, then a Newton
    correction of the launch.
    """
    across_x = math.sin(angle)
    across_y = math.cos(angle)
    time = 0.0
    across = -1.0
    for _ in range(_MOST_STEPS):
        h = _swing_step_length(state, c, resolution)
        after = swing_step(state, h, c)
        _, _, x_dot, y_dot = projectile(after, c)
        across_after = x_dot * across_x - y_dot * across_y
        if across_after >= 0.0:
            if x_dot * across_y + y_dot * across_x <= 0.0:
                raise _never_released("the projectile turned back and moved the opposite way")
            guess = h * across / (across - across_after)
            return _release(state, (guess, h), time, (across_x, across_y), c)
        if after[2] < _SLING_ROUND:
            raise _never_released("the sling went right round")
        state = after
        across = across_after
        time = time + h
    raise _no_end("release")


def _swing_step_length(state, c: Swing, resolution):
    """A step in which sling and hanger turn by about the same angle, whatever their speed."""
    difference = state[3] - state[4]
    return _TURN / (
        resolution * math.sqrt(c.rate * c.rate + state[5] * state[5] + 4.0 * difference * difference)
    )


def _release(state, bracket, time, direction, c: Swing):
    """``until_release`` from within its last step; ``bracket`` is a first guess of its length, and its end."""
    across_x, across_y = direction
    h, high = bracket
    low = 0.0
    for _ in range(60):
        after = swing_step(state, h, c)
        x, y, x_dot, y_dot = projectile(after, c)
        x_ddot, y_ddot = projectile_pull(after, c)
        across = x_dot * across_x - y_dot * across_y
        missing = -across / (x_ddot * across_x - y_ddot * across_y)
        if abs(missing) <= 1e-5 * h:
            launch = (
                x + missing * x_dot,
                y + missing * y_dot,
                x_dot + missing * x_ddot,
                y_dot + missing * y_ddot,
            )
            return time + h + missing, after, launch
        if across < 0.0:
            low = h
        else:
            high = h
        h = h + missing
        if not low < h < high:
            h = 0.5 * (low + high)
    raise _no_end("release")


def until_landing(launch, wind, machine: Machine, resolution):
    """(time, state) when the projectile touches the ground, y = −height.

    Newton on the step's length, from its far end, where it converges from one side because the height is
    concave in time; then a Newton correction of the landing.
    """
    drag = drag_of(machine)
    gravity = machine.gravity
    ground = -machine.pivot_height
    air = (wind, drag, gravity)
    _, y, x_dot, y_dot = launch
    slowing = gravity / math.sqrt(x_dot * x_dot + y_dot * y_dot + 2.0 * gravity * (y - ground))
    state = launch
    time = 0.0
    for _ in range(_MOST_STEPS):
        _, _, x_dot, y_dot = state
        u = x_dot - wind
        h = _FALL / (resolution * (slowing + drag * math.sqrt(u * u + y_dot * y_dot)))
        after = flight_step(state, h, air)
        if after[1] <= ground:
            return _landing(state, h, time, ground, air)
        state = after
        time = time + h
    raise _no_end("landing")


def _landing(state, h, time, ground, air):
    wind, drag, gravity = air
    for _ in range(30):
        after = flight_step(state, h, air)
        x, y, x_dot, y_dot = after
        missing = (ground - y) / y_dot
        if abs(missing) <= 1e-5 * h:
            pull = drag * math.hypot(x_dot - wind, y_dot)
            return time + h + missing, (
                x + missing * x_dot,
                ground,
                x_dot - missing * pull * (x_dot - wind),
                y_dot - missing * (gravity + pull * y_dot),
            )
        h = h + missing
    raise _no_end("landing")


# -------------------------------------------------------------------------------------------------- refusals


def _check_arguments(wind, angle, weight, resolution) -> None:
    if not (0.0 <= angle <= math.pi / 2.0):
        raise SimulationError(
            f"a throw needs a release angle between 0 and 90 degrees, got {math.degrees(float(angle)):.4g}",
            found=f"got {float(angle):.6g} rad, expected 0 to π/2",
            where="angle",
            fix="angles are in radians: math.radians(45)",
        )
    if not (0.0 < weight < math.inf):
        raise _too_light(f"its mass is {float(weight):.6g} kg")
    if not (-math.inf < wind < math.inf):
        raise SimulationError("a throw needs a finite wind", found=f"got {wind}", where="wind")
    if not (0.05 <= resolution <= 100.0):
        raise SimulationError(
            "a throw needs a resolution that its steps can follow",
            found=f"got {resolution}, expected 0.05 to 100",
            where="resolution",
            fix="1 is right to a millimetre",
        )


def _arm_too_short(machine: Machine) -> SimulationError:
    return SimulationError(
        "the trebuchet cannot throw: its arm does not reach the ground",
        found=f"pivot height {machine.pivot_height:.4g} m, long arm {machine.long_arm:.4g} m",
        where="machine",
        fix="make the long arm longer than the pivot is high",
    )


def _too_light(found) -> SimulationError:
    return SimulationError(
        "the trebuchet cannot throw: its counterweight is too light",
        found=found,
        where="weight",
        fix=f"take a heavier counterweight; the standard machine needs about {20.0 * POUND:.0f} kg",
    )


def _never_released(found) -> SimulationError:
    return SimulationError(
        "the sling never lets go",
        found=f"{found} before its velocity had the release angle",
        where="angle",
        fix="take a heavier counterweight or a steeper release angle",
    )


def _released_under_ground(height) -> SimulationError:
    return SimulationError(
        "the sling lets go under the ground",
        found=f"the projectile would start {-float(height):.3g} m under it",
        where="angle",
        fix="take a heavier counterweight or a steeper release angle",
    )


def _no_end(event) -> SimulationError:
    return SimulationError(
        f"the simulation found no {event}",
        found=f"no event within {_MOST_STEPS} steps, or a number that is no longer finite",
        fix="check that all arguments are finite numbers and the machine's lengths and masses are positive",
    )
