"""The published equations of motion, in relative angles, as an independent witness. Not used by the package.

Source: Trebuchet.jl (MIT), after the Virtual Trebuchet. State (Aq, Wq, Sq, Aw, Ww, Sw): arm from the
vertical, weight and sling from the arm, and their rates.
"""

from math import cos, pi, sin

import numpy as np


def ground(y, weight, m):
    """Rates of the state, and the ground's push on the projectile divided by its mass."""
    Aq, Wq, Sq, Aw, Ww, Sw = y
    s = sin(Aq + Sq)
    k = cos(Aq + Sq) / s
    tau = k + m.long_arm * cos(Aq) / (m.sling * s)
    q = k * Sw * (Sw + 2 * Aw) + tau * Aw**2
    g, mP, mA, LAl, LAs, LW, LS = _short(m)
    cg = (LAl - LAs) / 2
    M11 = (
        -mP * LAl**2 * (-1 + 2 * sin(Aq) * cos(Sq) / s)
        + m.arm_inertia
        + m.weight_inertia
        + mA * cg**2
        + mP * LAl**2 * sin(Aq) ** 2 / s**2
        + weight * (LAs**2 + LW**2 + 2 * LAs * LW * cos(Wq))
    )
    M12 = m.weight_inertia + LW * weight * (LW + LAs * cos(Wq))
    M22 = m.weight_inertia + weight * LW**2
    r1 = (
        g * cg * mA * sin(Aq)
        + LAl * LS * mP * (sin(Sq) * (Aw + Sw) ** 2 + cos(Sq) * q)
        + LAl * mP * sin(Aq) * (LAl * sin(Sq) * Aw**2 - LS * q) / s
        - g * weight * (LAs * sin(Aq) + LW * sin(Aq + Wq))
        - LAs * LW * weight * sin(Wq) * (Aw**2 - (Aw + Ww) ** 2)
    )
    r2 = -LW * weight * (g * sin(Aq + Wq) + LAs * sin(Wq) * Aw**2)
    D = M11 * M22 - M12**2
    Ad = (r1 * M22 - r2 * M12) / D
    Wd = -(r1 * M12 - r2 * M11) / D
    Sd = -k * Sw * (Sw + 2 * Aw) - tau * Aw**2 - (LAl * sin(Aq) + LS * s) * Ad / (LS * s)
    C, Cw, Cd = Aq + Sq, Aw + Sw, Ad + Sd
    ax = -LAl * (cos(Aq) * Ad - sin(Aq) * Aw**2) - LS * (cos(C) * Cd - sin(C) * Cw**2)
    theta = C - pi
    tension = -ax / sin(theta)
    return np.array([Aw, Ww, Sw, Ad, Wd, Sd]), g - tension * cos(theta)


def swing(y, weight, m):
    """Rates of the state with the sling in the air."""
    Aq, Wq, Sq, Aw, Ww, Sw = y
    g, mP, mA, LAl, LAs, LW, LS = _short(m)
    cg = (LAl - LAs) / 2
    M11 = (
        m.arm_inertia
        + m.weight_inertia
        + mA * cg**2
        + mP * (LAl**2 + LS**2 + 2 * LAl * LS * cos(Sq))
        + weight * (LAs**2 + LW**2 + 2 * LAs * LW * cos(Wq))
    )
    M12 = m.weight_inertia + LW * weight * (LW + LAs * cos(Wq))
    M22 = m.weight_inertia + weight * LW**2
    M13 = LS * mP * (LS + LAl * cos(Sq))
    M33 = mP * LS**2
    r1 = (
        g * cg * mA * sin(Aq)
        + g * mP * (LAl * sin(Aq) + LS * sin(Aq + Sq))
        - g * weight * (LAs * sin(Aq) + LW * sin(Aq + Wq))
        - LAl * LS * mP * sin(Sq) * (Aw**2 - (Aw + Sw) ** 2)
        - LAs * LW * weight * sin(Wq) * (Aw**2 - (Aw + Ww) ** 2)
    )
    r2 = -LW * weight * (g * sin(Aq + Wq) + LAs * sin(Wq) * Aw**2)
    r3 = LS * mP * (g * sin(Aq + Sq) - LAl * sin(Sq) * Aw**2)
    M = np.array([[M11, M12, M13], [M12, M22, 0], [M13, 0, M33]])
    return np.array([Aw, Ww, Sw, *np.linalg.solve(M, [r1, r2, r3])])


def relative(state):
    """(Aq, Wq, Sq, Aw, Ww, Sw) from the absolute (α, β, γ, α', β', γ')."""
    a, b, c, u, v, w = state
    return np.array([a, b - a, c - a, u, v - u, w - u])


def _short(m):
    return m.gravity, m.projectile_mass, m.arm_mass, m.long_arm, m.short_arm, m.weight_arm, m.sling
