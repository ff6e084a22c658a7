"""The trebuchet: lengths, masses, inertias, and the air it throws through. Plain numbers in SI units."""

from __future__ import annotations

from dataclasses import dataclass, replace

FOOT = 0.3048
"""One foot in m."""

POUND = 0.45359237
"""One pound in kg."""


@dataclass(frozen=True)
class Machine:
    """A trebuchet with a hinged counterweight, and its projectile. The defaults are the published machine.

    Args:
        pivot_height: height of the pivot over the ground. Unit m.
        long_arm, short_arm: from the pivot to the sling's and to the weight's end of the arm. Unit m.
        weight_arm: from the short arm's end to the counterweight. Unit m.
        sling: length of the sling. Unit m.
        arm_mass, projectile_mass: unit kg.
        arm_inertia: of the arm about its own centre of mass. Unit kg m².
        weight_inertia: of the counterweight about its own centre of mass. Unit kg m².
        projectile_radius: unit m.
        gravity: unit m/s².
        air_density: unit kg/m³; 0 is flight in vacuum.
        drag_coefficient: of the projectile.

    Source: the Trebuchet.jl package (MIT), from the Virtual Trebuchet; lengths in ft, masses in lb there.
    """

    pivot_height: float = 5.0 * FOOT
    long_arm: float = 6.792 * FOOT
    short_arm: float = 1.75 * FOOT
    weight_arm: float = 2.0 * FOOT
    sling: float = 6.833 * FOOT
    arm_mass: float = 10.65 * POUND
    projectile_mass: float = 0.328 * POUND
    arm_inertia: float = 10.65 * POUND * (8.542 * FOOT) ** 2 / 12.0
    weight_inertia: float = 1.0 * POUND * FOOT**2
    projectile_radius: float = 0.1245 * FOOT
    gravity: float = 9.80665
    air_density: float = 1.0
    drag_coefficient: float = 1.0


STANDARD = Machine()
"""The published machine with its two inertias where they belong."""

PUBLISHED = replace(STANDARD, arm_inertia=STANDARD.weight_inertia, weight_inertia=STANDARD.arm_inertia)
"""The machine as the published package computes it: the inertias of arm and counterweight change places."""
