r"""The equations of motion of the three phases, and one Runge–Kutta step of each.

Angles are absolute, from the vertical: α of the long arm, β of the counterweight's hanger, γ of the
sling, so that with the pivot as origin

    arm tip = l (−sin α, cos α),  projectile = arm tip + r (−sin γ, cos γ),
    short end = s (sin α, −cos α),  counterweight = short end + w (sin β, −cos β).

In these angles the kinetic energy has constant coefficients but for two cosines,

    T = ½ (A α'² + B β'² + C γ'²) + b cos(α−β) α'β' + c cos(α−γ) α'γ'
    A = I_arm + m_arm e² + m_weight s² + m l²,  B = I_weight + m_weight w²,  C = m r²
    b = m_weight s w,  c = m l r,  e = (l − s)/2

and the mass matrix is an arrowhead, solved by hand in a few operations. Written again from the
Lagrangian; tests compare it with sympy's derivation and with the published form in relative angles.

A state is a tuple: (α, β, α', β') on the ground, (α, β, γ, α', β', γ') swinging, (x, y, x', y') in flight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.errors import SimulationError
from workbench.showcases.trebuchet.machine import Machine


@dataclass(frozen=True)
class Swing:
    """The constants of the equations of motion for one machine and one counterweight.

    ``arm_own`` and ``arm_torque_own`` leave the projectile out: the ground carries it.
    ``rate`` is the machine's own angular frequency √(torque/inertia), which scales the steps.
    """

    height: float
    arm: float
    sling: float
    gravity: float
    projectile_mass: float
    arm_own: float
    arm_whole: float
    arm_torque_own: float
    arm_torque: float
    hanger: float
    hanger_ratio: float
    hanger_torque: float
    sling_link: float
    sling_ratio: float
    sling_torque: float
    rate: float


def swing_of(weight, machine: Machine) -> Swing:
    """The constants for a counterweight of ``weight`` kg."""
    m, g, arm, short = machine.projectile_mass, machine.gravity, machine.long_arm, machine.short_arm
    centre = (arm - short) / 2.0
    arm_own = machine.arm_inertia + machine.arm_mass * centre * centre + weight * (short * short)
    arm_torque_own = g * (machine.arm_mass * centre - weight * short)
    link = weight * (short * machine.weight_arm)
    hanger_inertia = machine.weight_inertia + weight * (machine.weight_arm * machine.weight_arm)
    return Swing(
        height=machine.pivot_height,
        arm=arm,
        sling=machine.sling,
        gravity=g,
        projectile_mass=m,
        arm_own=arm_own,
        arm_whole=arm_own + m * arm * arm,
        arm_torque_own=arm_torque_own,
        arm_torque=arm_torque_own + g * m * arm,
        hanger=link,
        hanger_ratio=link / hanger_inertia,
        hanger_torque=-(g * machine.weight_arm) * weight / hanger_inertia,
        sling_link=m * arm * machine.sling,
        sling_ratio=arm / machine.sling,
        sling_torque=g / machine.sling,
        rate=math.sqrt(abs(arm_torque_own) / arm_own),
    )


# ------------------------------------------------------------------------- phase 1: projectile on the ground


def ground_motion(state, c: Swing):
    """(α'', β'', x'', cot γ) while the projectile slides on the ground without friction.

    γ follows from cos γ = −(height + l cos α)/r with sin γ < 0, and the projectile's speed is X α' with
    X = −l (cos α − cot γ sin α). With x'' = X α'' + Y, Y = l (sin α + cot γ cos α) α'² + r γ'²/sin γ:

        (A₀ + m X²) α'' + b cos(α−β) β'' = G₀ sin α − b sin(α−β) β'² − m X Y

    The sling's tension is m x''/sin γ and the ground's push on the projectile m (g + x'' cot γ).
    """
    alpha, beta, alpha_dot, beta_dot = state
    sin_a = math.sin(alpha)
    cos_a = math.cos(alpha)
    difference = alpha - beta
    sin_ab = math.sin(difference)
    cos_ab = math.cos(difference)
    spin = alpha_dot * alpha_dot
    cos_g = -(c.height + c.arm * cos_a) / c.sling
    room = 1.0 - cos_g * cos_g
    if room <= 0.0:
        raise _sling_upright()
    sin_g = -math.sqrt(room)
    cot_g = cos_g / sin_g
    lever = c.arm * (cot_g * sin_a - cos_a)
    gamma_dot = -(c.sling_ratio * sin_a) * alpha_dot / sin_g
    bend = c.arm * (sin_a + cot_g * cos_a) * spin + c.sling * gamma_dot * gamma_dot / sin_g
    free = c.hanger_torque * math.sin(beta) + c.hanger_ratio * sin_ab * spin
    hold = c.hanger_ratio * cos_ab
    push = (
        c.arm_torque_own * sin_a
        - c.hanger * (sin_ab * (beta_dot * beta_dot) + cos_ab * free)
        - c.projectile_mass * lever * bend
    )
    inertia = c.arm_own + c.projectile_mass * lever * lever - c.hanger * cos_ab * hold
    alpha_ddot = push / inertia
    return alpha_ddot, free - hold * alpha_ddot, lever * alpha_ddot + bend, cot_g


def _sling_upright() -> SimulationError:
    return SimulationError(
        "the trebuchet cannot throw: the sling stands upright before the projectile leaves the ground",
        found="the arm's tip is higher over the ground than the sling is long",
        where="weight",
        fix="take a heavier counterweight, a lighter projectile or a longer sling",
    )


def sling_from_ground(state, c: Swing):
    """(γ, γ') of the sling while the projectile lies on the ground. γ lies in (π, 2π)."""
    alpha, _, alpha_dot, _ = state
    cos_g = -(c.height + c.arm * math.cos(alpha)) / c.sling
    sin_g = -math.sqrt(1.0 - cos_g * cos_g)
    return 2.0 * math.pi - math.acos(cos_g), -(c.sling_ratio * math.sin(alpha)) * alpha_dot / sin_g


def ground_step(state, first, h, c: Swing):
    """The state after a step ``h`` of the classical Runge–Kutta method; ``first`` is (α'', β'') at its start.

    The positions' stages are folded into the velocities', which saves a third of the operations.
    Facts: order 4; 3 further evaluations per step.
    """
    a, b, u, v = state
    p1, q1 = first
    half = 0.5 * h
    u2 = u + half * p1
    v2 = v + half * q1
    p2, q2, _, _ = ground_motion((a + half * u, b + half * v, u2, v2), c)
    u3 = u + half * p2
    v3 = v + half * q2
    p3, q3, _, _ = ground_motion((a + half * u2, b + half * v2, u3, v3), c)
    u4 = u + h * p3
    v4 = v + h * q3
    p4, q4, _, _ = ground_motion((a + h * u3, b + h * v3, u4, v4), c)
    sixth = h / 6.0
    p23 = p2 + p3
    q23 = q2 + q3
    return (
        a + h * (u + sixth * (p1 + p23)),
        b + h * (v + sixth * (q1 + q23)),
        u + sixth * (p1 + (p23 + p23) + p4),
        v + sixth * (q1 + (q23 + q23) + q4),
    )


# ------------------------------------------------------------------------------- phase 2: sling in the air


def swing_motion(state, c: Swing):
    """(α'', β'', γ'') while the sling swings freely.

    A α'' + b cos(α−β) β'' + c cos(α−γ) γ'' = G sin α − b sin(α−β) β'² − c sin(α−γ) γ'²
    B β'' + b cos(α−β) α'' = −m_weight g w sin β + b sin(α−β) α'²
    C γ'' + c cos(α−γ) α'' = m g r sin γ + c sin(α−γ) α'²
    """
    alpha, beta, gamma, alpha_dot, beta_dot, gamma_dot = state
    to_hanger = alpha - beta
    to_sling = alpha - gamma
    sin_ab = math.sin(to_hanger)
    cos_ab = math.cos(to_hanger)
    sin_ag = math.sin(to_sling)
    cos_ag = math.cos(to_sling)
    spin = alpha_dot * alpha_dot
    free_b = c.hanger_torque * math.sin(beta) + c.hanger_ratio * sin_ab * spin
    free_g = c.sling_torque * math.sin(gamma) + c.sling_ratio * sin_ag * spin
    hold_b = c.hanger_ratio * cos_ab
    hold_g = c.sling_ratio * cos_ag
    push = (
        c.arm_torque * math.sin(alpha)
        - c.hanger * (sin_ab * (beta_dot * beta_dot) + cos_ab * free_b)
        - c.sling_link * (sin_ag * (gamma_dot * gamma_dot) + cos_ag * free_g)
    )
    inertia = c.arm_whole - c.hanger * cos_ab * hold_b - c.sling_link * cos_ag * hold_g
    alpha_ddot = push / inertia
    return alpha_ddot, free_b - hold_b * alpha_ddot, free_g - hold_g * alpha_ddot


def swing_step(state, h, c: Swing):
    """The state after a step ``h`` of the classical Runge–Kutta method. Facts: order 4; 4 evaluations."""
    a, b, g, u, v, w = state
    half = 0.5 * h
    p1, q1, r1 = swing_motion(state, c)
    u2 = u + half * p1
    v2 = v + half * q1
    w2 = w + half * r1
    p2, q2, r2 = swing_motion((a + half * u, b + half * v, g + half * w, u2, v2, w2), c)
    u3 = u + half * p2
    v3 = v + half * q2
    w3 = w + half * r2
    p3, q3, r3 = swing_motion((a + half * u2, b + half * v2, g + half * w2, u3, v3, w3), c)
    u4 = u + h * p3
    v4 = v + h * q3
    w4 = w + h * r3
    p4, q4, r4 = swing_motion((a + h * u3, b + h * v3, g + h * w3, u4, v4, w4), c)
    sixth = h / 6.0
    p23 = p2 + p3
    q23 = q2 + q3
    r23 = r2 + r3
    return (
        a + h * (u + sixth * (p1 + p23)),
        b + h * (v + sixth * (q1 + q23)),
        g + h * (w + sixth * (r1 + r23)),
        u + sixth * (p1 + (p23 + p23) + p4),
        v + sixth * (q1 + (q23 + q23) + q4),
        w + sixth * (r1 + (r23 + r23) + r4),
    )


def projectile(state, c: Swing):
    """(x, y, x', y') of the projectile at the sling's end, from the pivot."""
    alpha, _, gamma, alpha_dot, _, gamma_dot = state
    arm_x = c.arm * math.cos(alpha)
    arm_y = c.arm * math.sin(alpha)
    sling_x = c.sling * math.cos(gamma)
    sling_y = c.sling * math.sin(gamma)
    return (
        -arm_y - sling_y,
        arm_x + sling_x,
        -arm_x * alpha_dot - sling_x * gamma_dot,
        -arm_y * alpha_dot - sling_y * gamma_dot,
    )


def projectile_pull(state, c: Swing):
    """(x'', y'') of the projectile at the sling's end."""
    alpha, _, gamma, alpha_dot, _, gamma_dot = state
    alpha_ddot, _, gamma_ddot = swing_motion(state, c)
    arm_x = c.arm * math.cos(alpha)
    arm_y = c.arm * math.sin(alpha)
    sling_x = c.sling * math.cos(gamma)
    sling_y = c.sling * math.sin(gamma)
    arm_spin = alpha_dot * alpha_dot
    sling_spin = gamma_dot * gamma_dot
    return (
        arm_y * arm_spin - arm_x * alpha_ddot + sling_y * sling_spin - sling_x * gamma_ddot,
        -arm_x * arm_spin - arm_y * alpha_ddot - sling_x * sling_spin - sling_y * gamma_ddot,
    )


# ----------------------------------------------------------------------------------------- phase 3: flight


def drag_of(machine: Machine) -> float:
    """ρ C_d area/(2 m) of the projectile. Unit 1/m."""
    area = math.pi * machine.projectile_radius * machine.projectile_radius
    return machine.air_density * machine.drag_coefficient * area / (2.0 * machine.projectile_mass)


def flight_step(state, h, air):
    """The state after a step ``h`` in flight; ``air`` is (wind, drag, gravity).

        x'' = −k (x' − W) |v − W|,   y'' = −g − k y' |v − W|

    Facts: order 4; 4 evaluations; exact in vacuum.
    """
    x, y, u, v = state
    wind, drag, gravity = air
    half = 0.5 * h
    u0 = u - wind
    s1 = drag * math.sqrt(u0 * u0 + v * v)
    p1 = s1 * u0
    q1 = gravity + s1 * v
    u2 = u0 - half * p1
    v2 = v - half * q1
    s2 = drag * math.sqrt(u2 * u2 + v2 * v2)
    p2 = s2 * u2
    q2 = gravity + s2 * v2
    u3 = u0 - half * p2
    v3 = v - half * q2
    s3 = drag * math.sqrt(u3 * u3 + v3 * v3)
    p3 = s3 * u3
    q3 = gravity + s3 * v3
    u4 = u0 - h * p3
    v4 = v - h * q3
    s4 = drag * math.sqrt(u4 * u4 + v4 * v4)
    sixth = h / 6.0
    p23 = p2 + p3
    q23 = q2 + q3
    return (
        x + h * (u - sixth * (p1 + p23)),
        y + h * (v - sixth * (q1 + q23)),
        u - sixth * (p1 + (p23 + p23) + s4 * u4),
        v - sixth * (q1 + (q23 + q23) + (gravity + s4 * v4)),
    )


def swing_energy(state, weight, machine: Machine):
    """Kinetic and potential energy of arm, counterweight and projectile. Zero height at the pivot. Unit J."""
    alpha, beta, gamma, alpha_dot, beta_dot, gamma_dot = state
    c = swing_of(weight, machine)
    hanger_inertia = machine.weight_inertia + weight * machine.weight_arm**2
    kinetic = (
        0.5 * c.arm_whole * alpha_dot**2
        + 0.5 * hanger_inertia * beta_dot**2
        + 0.5 * machine.projectile_mass * (c.sling * gamma_dot) ** 2
        + c.hanger * math.cos(alpha - beta) * alpha_dot * beta_dot
        + c.sling_link * math.cos(alpha - gamma) * alpha_dot * gamma_dot
    )
    potential = (
        c.arm_torque * math.cos(alpha)
        - machine.gravity * weight * machine.weight_arm * math.cos(beta)
        + machine.gravity * machine.projectile_mass * c.sling * math.cos(gamma)
    )
    return kinetic, potential
