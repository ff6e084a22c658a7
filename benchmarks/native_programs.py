# ruff: noqa: B905  the programs are written as a scientist would write them
"""The programs of the benchmark of the native tier, written as a scientist would write them."""

from __future__ import annotations

import math

import numpy as np

from workbench.showcases.trebuchet.physics import throw_distance

# ------------------------------------------------------------------------------------------- scalars


def pendulum_rates(state, length, mass):
    a, b, u, v = state
    delta = a - b
    sin_d, cos_d = math.sin(delta), math.cos(delta)
    scale = length * (2.0 * mass + mass - mass * math.cos(2.0 * delta))
    u_dot = (
        -9.81 * 3.0 * mass * math.sin(a)
        - mass * 9.81 * math.sin(a - 2.0 * b)
        - 2.0 * sin_d * mass * (v * v * length + u * u * length * cos_d)
    ) / scale
    v_dot = (
        2.0
        * sin_d
        * (u * u * length * 2.0 * mass + 9.81 * 2.0 * mass * math.cos(a) + v * v * length * mass * cos_d)
    )
    return u, v, u_dot, v_dot / scale


def shifted(state, h, rates):
    return tuple(s + h * r for s, r in zip(state, rates))


def double_pendulum(angle, length, mass):
    state = (angle, 0.5 * angle, 0.0, 0.0)
    h = 0.01
    for _ in range(500):
        k1 = pendulum_rates(state, length, mass)
        k2 = pendulum_rates(shifted(state, 0.5 * h, k1), length, mass)
        k3 = pendulum_rates(shifted(state, 0.5 * h, k2), length, mass)
        k4 = pendulum_rates(shifted(state, h, k3), length, mass)
        state = tuple(s + h / 6.0 * (a + 2.0 * (b + c) + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4))
    return state[0] ** 2 + state[1]


def trebuchet(wind, angle, weight):
    return throw_distance(wind, angle, weight)


def bump(x, width):
    return math.exp(-x * x / width) * math.sin(8.0 * x)


def simpson(a, b, fa, fm, fb, width, tolerance):
    m = 0.5 * (a + b)
    fl, fr = bump(0.5 * (a + m), width), bump(0.5 * (m + b), width)
    whole = (b - a) / 6.0 * (fa + 4.0 * fm + fb)
    left = (m - a) / 6.0 * (fa + 4.0 * fl + fm)
    right = (b - m) / 6.0 * (fm + 4.0 * fr + fb)
    if abs(left + right - whole) < 15.0 * tolerance:
        return left + right + (left + right - whole) / 15.0
    return simpson(a, m, fa, fl, fm, width, 0.5 * tolerance) + simpson(
        m, b, fm, fr, fb, width, 0.5 * tolerance
    )


def adaptive_simpson(a, b, width):
    return simpson(a, b, bump(a, width), bump(0.5 * (a + b), width), bump(b, width), width, 1e-9)


def eccentric_anomaly(mean, eccentricity):
    e = mean
    step = 1.0
    while abs(step) > 1e-12:
        step = (e - eccentricity * math.sin(e) - mean) / (1.0 - eccentricity * math.cos(e))
        e = e - step
    return e


def kepler(mean, eccentricity):
    total = 0.0
    for k in range(1000):
        e = eccentric_anomaly(mean + 0.003 * k, eccentricity)
        total = total + math.cos(e) - eccentricity
    return total


def barrier_option(price, volatility, rate):
    seed = 12345
    total = 0.0
    n_steps = 50
    dt = 1.0 / n_steps
    for _ in range(400):
        s = price
        alive = True
        for _ in range(n_steps):
            seed = (1103515245 * seed + 12345) % 2147483648
            u = (seed + 0.5) / 2147483648.0
            seed = (1103515245 * seed + 12345) % 2147483648
            w = (seed + 0.5) / 2147483648.0
            z = math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * w)
            s = s * math.exp((rate - 0.5 * volatility * volatility) * dt + volatility * math.sqrt(dt) * z)
            if s > 140.0:
                alive = False
                break
        if alive:
            total += max(s - 100.0, 0.0)
    return math.exp(-rate) * total / 400.0


def pull(p, q, m):
    dx, dy, dz = q[0] - p[0], q[1] - p[1], q[2] - p[2]
    r2 = dx * dx + dy * dy + dz * dz + 1e-3
    s = m / (r2 * math.sqrt(r2))
    return s * dx, s * dy, s * dz


def n_body(mass, speed, tilt):
    positions = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.1), (-1.5, 0.2, tilt), (0.3, 2.0, -0.2)]
    velocities = [(0.0, 0.0, 0.0), (0.0, speed, 0.0), (0.1, -0.7 * speed, 0.0), (-0.6, 0.1, tilt)]
    masses = [mass, 0.1, 0.05, 0.02]
    h = 0.005
    for _ in range(200):
        kicked = [
            tuple(
                v + h * sum(pull(p, q, m)[k] for q, m in zip(positions, masses))
                for k, v in enumerate(velocity)
            )
            for p, velocity in zip(positions, velocities)
        ]
        velocities = kicked
        positions = [tuple(x + h * v for x, v in zip(p, w)) for p, w in zip(positions, velocities)]
    return positions[1][0] + positions[2][1] * positions[3][2]


def projection(rotation, shift, focal):
    error = 0.0
    for k in range(200):
        x, y, z = 0.01 * k - 1.0, math.sin(0.1 * k), 4.0 + math.cos(0.07 * k)
        c, s = math.cos(rotation), math.sin(rotation)
        u, w = c * x + s * z + shift, -s * x + c * z
        radius = (u * u + y * y) / (w * w)
        bend = 1.0 + 0.1 * radius + 0.01 * radius * radius
        px, py = focal * bend * u / w, focal * bend * y / w
        error += (px - 0.2 * k) ** 2 + (py - 3.0) ** 2
    return error


# ------------------------------------------------------------------------------------------- arrays


def heat(u0, conductivity):
    u = u0.copy()
    for _ in range(200):
        u[1:-1] = u[1:-1] + conductivity * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def heat_loops(u0, conductivity):
    u = u0.copy()
    v = u0.copy()
    n = len(u)
    for _ in range(200):
        for i in range(1, n - 1):
            v[i] = u[i] + conductivity * (u[i + 1] - 2.0 * u[i] + u[i - 1]) * (1.0 + 0.1 * u[i])
        u, v = v, u
    total = 0.0
    for i in range(n):
        total += u[i] * u[i]
    return total


def wave(u0, speed):
    u, before = u0.copy(), u0.copy()
    for _ in range(40):
        after = np.zeros_like(u)
        after[1:-1, 1:-1] = (
            2.0 * u[1:-1, 1:-1]
            - before[1:-1, 1:-1]
            + speed * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1])
        )
        before, u = u, after
    return np.sum(u * u)


def lstm(weights, xs):
    n = weights.shape[2]
    h, c = np.zeros(n), np.zeros(n)
    for t in range(len(xs)):
        gates = np.empty((4, n))
        for g in range(4):
            for i in range(n):
                total = weights[g, i, 0] * xs[t]
                for j in range(n):
                    total += weights[g, i, j] * h[j]
                gates[g, i] = total
        for i in range(n):
            keep = 1.0 / (1.0 + math.exp(-gates[0, i]))
            enter = 1.0 / (1.0 + math.exp(-gates[1, i]))
            leave = 1.0 / (1.0 + math.exp(-gates[2, i]))
            c[i] = keep * c[i] + enter * math.tanh(gates[3, i])
            h[i] = leave * math.tanh(c[i])
    return np.sum(h)


def mixture(means, widths, data):
    total = 0.0
    for i in range(len(data)):
        largest = -1e300
        terms = np.empty(len(means))
        for k in range(len(means)):
            d = (data[i] - means[k]) / widths[k]
            terms[k] = -0.5 * d * d - math.log(widths[k])
            largest = max(largest, terms[k])
        inside = 0.0
        for k in range(len(means)):
            inside += math.exp(terms[k] - largest)
        total += largest + math.log(inside)
    return total


def soft_edit_distance(a, b, temperature):
    table = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if i == 0 or j == 0:
                table[i, j] = float(i + j)
                continue
            p = table[i - 1, j] + 1.0
            q = table[i, j - 1] + 1.0
            r = table[i - 1, j - 1] + abs(a[i - 1] - b[j - 1])
            least = min(p, q, r)
            s = (
                math.exp((least - p) / temperature)
                + math.exp((least - q) / temperature)
                + math.exp((least - r) / temperature)
            )
            table[i, j] = least - temperature * math.log(s)
    return table[len(a), len(b)]


def neural_ode(w, v, x0):
    n = w.shape[0]
    x = x0.copy()
    hidden = np.zeros(n)
    for _ in range(100):
        for i in range(n):
            total = 0.0
            for j in range(len(x)):
                total += w[i, j] * x[j]
            hidden[i] = math.tanh(total)
        for j in range(len(x)):
            total = 0.0
            for i in range(n):
                total += v[j, i] * hidden[i]
            x[j] = x[j] + 0.02 * total
    return np.sum(x * x)


_rng = np.random.default_rng(0)

SCALARS = {
    double_pendulum: (1.2, 1.0, 0.8),
    trebuchet: (1.0, 0.785, 44.5),
    adaptive_simpson: (0.0, 3.0, 1.3),
    kepler: (0.3, 0.4),
    barrier_option: (100.0, 0.2, 0.05),
    n_body: (1.0, 1.1, 0.2),
    projection: (0.3, 0.1, 50.0),
}
ARRAYS = {
    heat: (_rng.normal(size=1000), 0.2),
    heat_loops: (_rng.normal(size=1000), 0.2),
    wave: (_rng.normal(size=(64, 64)), 0.2),
    lstm: (0.3 * _rng.normal(size=(4, 16, 16)), _rng.normal(size=50)),
    mixture: (_rng.normal(size=8), 1.0 + _rng.random(8), _rng.normal(size=500)),
    soft_edit_distance: (_rng.normal(size=60), _rng.normal(size=50), 0.3),
    neural_ode: (0.3 * _rng.normal(size=(20, 4)), 0.3 * _rng.normal(size=(4, 20)), _rng.normal(size=4)),
}
