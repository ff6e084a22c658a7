"""The equations of motion against a Lagrangian derived by sympy, and against the published form."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
import sympy

from workbench.showcases.trebuchet.machine import POUND, PUBLISHED, STANDARD
from workbench.showcases.trebuchet.motion import (
    flight_step,
    ground_motion,
    ground_step,
    projectile,
    projectile_pull,
    sling_from_ground,
    swing_energy,
    swing_motion,
    swing_of,
    swing_step,
)

from . import published

WEIGHT = 150.0 * POUND
C = swing_of(WEIGHT, STANDARD)


def swinging_states(count):
    rng = random.Random(5)
    return [tuple(rng.uniform(-3.0, 3.0) for _ in range(6)) for _ in range(count)]


def sliding_states(count):
    rng = random.Random(6)
    return [
        (rng.uniform(1.7, 2.3), rng.uniform(-0.4, 0.4), rng.uniform(-3, 0), rng.uniform(-2, 2))
        for _ in range(count)
    ]


def on_ground(state, c):
    gamma, gamma_dot = sling_from_ground(state, c)
    return (state[0], state[1], gamma, state[2], state[3], gamma_dot)


@pytest.fixture(scope="module")
def lagrange():
    """sympy's own equations of motion: (state, accelerations) → residuals, and the constraint's direction."""
    t = sympy.Symbol("t")
    a, b, c = (sympy.Function(n)(t) for n in "abc")
    m = STANDARD

    def place(length, angle, sign):
        return sympy.Matrix([sign * -length * sympy.sin(angle), sign * length * sympy.cos(angle)])

    tip = place(m.long_arm, a, 1)
    stone = tip + place(m.sling, c, 1)
    load = place(m.short_arm, a, -1) + place(m.weight_arm, b, -1)
    centre = place((m.long_arm - m.short_arm) / 2, a, 1)
    bodies = [
        (m.arm_mass, centre, m.arm_inertia, a),
        (WEIGHT, load, m.weight_inertia, b),
        (m.projectile_mass, stone, 0, c),
    ]
    energy = 0
    for mass, point, inertia, angle in bodies:
        velocity = point.diff(t)
        energy += mass * velocity.dot(velocity) / 2 + inertia * angle.diff(t) ** 2 / 2
        energy -= mass * m.gravity * point[1]
    symbols = sympy.symbols("q0:3 v0:3 w0:3")
    swaps = [(x.diff(t, 2), symbols[6 + i]) for i, x in enumerate((a, b, c))]
    swaps += [(x.diff(t), symbols[3 + i]) for i, x in enumerate((a, b, c))]
    swaps += [(x, symbols[i]) for i, x in enumerate((a, b, c))]
    residuals = [energy.diff(x.diff(t)).diff(t) - energy.diff(x) for x in (a, b, c)]
    height = [stone[1].diff(x) for x in (a, b, c)]
    return (
        sympy.lambdify(symbols, [r.subs(swaps) for r in residuals]),
        sympy.lambdify(symbols, [r.subs(swaps) for r in height]),
    )


def test_swing_satisfies_the_lagrangian(lagrange):
    residuals, _ = lagrange
    for state in swinging_states(20):
        left = residuals(*state, *swing_motion(state, C))
        scale = 1.0 + max(abs(x) for x in residuals(*state, 0.0, 0.0, 0.0))
        assert np.allclose(left, 0.0, atol=1e-12 * scale)


def test_sliding_satisfies_the_lagrangian_with_the_push_of_the_ground(lagrange):
    residuals, height = lagrange
    for short_state in sliding_states(20):
        state = on_ground(short_state, C)
        alpha_ddot, beta_ddot, x_ddot, cot_g = ground_motion(short_state, C)
        push = STANDARD.projectile_mass * (C.gravity + x_ddot * cot_g)
        # γ'' from the constraint: the projectile's height does not change
        a, _, g, u, _, w = state
        g_ddot = -(C.arm * (math.sin(a) * alpha_ddot + math.cos(a) * u**2) + C.sling * math.cos(g) * w**2) / (
            C.sling * math.sin(g)
        )
        accelerations = (alpha_ddot, beta_ddot, g_ddot)
        left = np.array(residuals(*state, *accelerations)) - push * np.array(height(*state, *accelerations))
        assert np.allclose(left, 0.0, atol=1e-10 * (1.0 + abs(push)))


@pytest.mark.parametrize("machine", [STANDARD, PUBLISHED], ids=["right", "published"])
def test_swing_agrees_with_the_published_equations(machine):
    c = swing_of(WEIGHT, machine)
    for state in swinging_states(20):
        u, v, w = swing_motion(state, c)
        assert published.swing(published.relative(state), WEIGHT, machine)[3:] == pytest.approx(
            [u, v - u, w - u], rel=1e-9, abs=1e-9
        )


@pytest.mark.parametrize("machine", [STANDARD, PUBLISHED], ids=["right", "published"])
def test_sliding_agrees_with_the_published_equations(machine):
    c = swing_of(WEIGHT, machine)
    for state in sliding_states(20):
        alpha_ddot, beta_ddot, x_ddot, cot_g = ground_motion(state, c)
        rates, push = published.ground(published.relative(on_ground(state, c)), WEIGHT, machine)
        assert rates[3] == pytest.approx(alpha_ddot, rel=1e-9)
        assert rates[4] == pytest.approx(beta_ddot - alpha_ddot, rel=1e-9)
        assert push == pytest.approx(c.gravity + x_ddot * cot_g, rel=1e-8)


def test_projectile_accelerates_as_its_velocity_changes():
    h = 1e-5
    for state in swinging_states(10):
        after = projectile(swing_step(state, h, C), C)
        before = projectile(swing_step(state, -h, C), C)
        pull = projectile_pull(state, C)
        for i in range(2):
            assert (after[2 + i] - before[2 + i]) / (2 * h) == pytest.approx(pull[i], rel=1e-6, abs=1e-5)
            assert (after[i] - before[i]) / (2 * h) == pytest.approx(projectile(state, C)[2 + i], abs=1e-6)


def drift_of_energy(steps, swinging):
    """Largest change of the energy over 0.2 s from a moving state."""
    state = (1.9, -0.2, -3.0, -0.5)
    begin = on_ground(state, C)
    if swinging:
        state = begin
    energy = sum(swing_energy(begin, WEIGHT, STANDARD))
    worst = 0.0
    for _ in range(steps):
        if swinging:
            state = swing_step(state, 0.2 / steps, C)
            now = state
        else:
            state = ground_step(state, ground_motion(state, C)[:2], 0.1 / steps, C)
            now = on_ground(state, C)
        worst = max(worst, abs(sum(swing_energy(now, WEIGHT, STANDARD)) - energy))
    return worst


@pytest.mark.parametrize("swinging", [False, True], ids=["ground", "sling"])
def test_energy_is_conserved_to_the_order_of_the_steps(swinging):
    drifts = [drift_of_energy(steps, swinging) for steps in (40, 80, 160)]
    slopes = [math.log2(a / b) for a, b in pairwise(drifts)]
    assert drifts[-1] < 1e-5
    assert all(3.5 < slope < 6.0 for slope in slopes), slopes


def test_the_folded_step_is_the_classical_runge_kutta_step():
    def rates(y):
        return np.array([*y[3:], *swing_motion(tuple(y), C)])

    y = np.array(swinging_states(1)[0])
    h = 0.01
    k1 = rates(y)
    k2 = rates(y + h / 2 * k1)
    k3 = rates(y + h / 2 * k2)
    k4 = rates(y + h * k3)
    assert swing_step(tuple(y), h, C) == pytest.approx(y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), rel=1e-13)


def test_a_step_in_vacuum_is_a_parabola():
    x, y, u, v = flight_step((1.0, 2.0, 30.0, 20.0), 0.7, (5.0, 0.0, 9.80665))
    expected = [1 + 30 * 0.7, 2 + 20 * 0.7 - 9.80665 * 0.245, 30, 20 - 9.80665 * 0.7]
    assert [x, y, u, v] == pytest.approx(expected, rel=1e-14)
