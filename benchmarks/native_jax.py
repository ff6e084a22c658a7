"""Some of the benchmark's programs, refactored for JAX by hand: loops as scans, states as arrays, branches as where.

``pip install -e .[benchmarks]`` brings JAX. Without it these columns stay empty.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_enable_x64", True)


def double_pendulum(angle, length, mass):
    def rates(state):
        a, b, u, v = state
        delta = a - b
        sin_d, cos_d = jnp.sin(delta), jnp.cos(delta)
        scale = length * (2.0 * mass + mass - mass * jnp.cos(2.0 * delta))
        u_dot = (
            -9.81 * 3.0 * mass * jnp.sin(a)
            - mass * 9.81 * jnp.sin(a - 2.0 * b)
            - 2.0 * sin_d * mass * (v * v * length + u * u * length * cos_d)
        ) / scale
        v_dot = (
            2.0
            * sin_d
            * (u * u * length * 2.0 * mass + 9.81 * 2.0 * mass * jnp.cos(a) + v * v * length * mass * cos_d)
        )
        return jnp.stack([u, v, u_dot, v_dot / scale])

    def step(state, _):
        h = 0.01
        k1 = rates(state)
        k2 = rates(state + 0.5 * h * k1)
        k3 = rates(state + 0.5 * h * k2)
        k4 = rates(state + h * k3)
        return state + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4), None

    state, _ = lax.scan(step, jnp.stack([angle, 0.5 * angle, 0.0, 0.0]), None, length=500)
    return state[0] ** 2 + state[1]


def kepler(mean, eccentricity):
    means = mean + 0.003 * jnp.arange(1000)

    def newton(e, _):
        return e - (e - eccentricity * jnp.sin(e) - means) / (1.0 - eccentricity * jnp.cos(e)), None

    e, _ = lax.scan(newton, means, None, length=6)
    return jnp.sum(jnp.cos(e) - eccentricity)


def heat(u0, conductivity):
    def step(u, _):
        return u.at[1:-1].add(conductivity * (u[2:] - 2.0 * u[1:-1] + u[:-2])), None

    u, _ = lax.scan(step, u0, None, length=200)
    return jnp.sum(u * u)


def heat_loops(u0, conductivity):
    def step(u, _):
        return u.at[1:-1].add(conductivity * (u[2:] - 2.0 * u[1:-1] + u[:-2]) * (1.0 + 0.1 * u[1:-1])), None

    u, _ = lax.scan(step, u0, None, length=200)
    return jnp.sum(u * u)


def wave(u0, speed):
    def step(pair, _):
        before, u = pair
        inner = (
            2.0 * u[1:-1, 1:-1]
            - before[1:-1, 1:-1]
            + speed * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1])
        )
        return (u, jnp.zeros_like(u).at[1:-1, 1:-1].set(inner)), None

    (_, u), _ = lax.scan(step, (u0, u0), None, length=40)
    return jnp.sum(u * u)


def mixture(means, widths, data):
    d = (data[:, None] - means) / widths
    return jnp.sum(jax.scipy.special.logsumexp(-0.5 * d * d - jnp.log(widths), axis=1))


def neural_ode(w, v, x0):
    def step(x, _):
        return x + 0.02 * (v @ jnp.tanh(w @ x)), None

    x, _ = lax.scan(step, x0, None, length=100)
    return jnp.sum(x * x)


def n_body(mass, speed, tilt):
    positions = jnp.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.1], [-1.5, 0.2, 0.0], [0.3, 2.0, -0.2]])
    positions = positions.at[2, 2].set(tilt)
    velocities = jnp.zeros((4, 3)).at[1, 1].set(speed).at[2, 0].set(0.1).at[2, 1].set(-0.7 * speed)
    velocities = velocities.at[3].set(jnp.stack([-0.6, 0.1, tilt]))
    masses = jnp.stack([mass, 0.1, 0.05, 0.02])

    def step(state, _):
        x, v = state
        d = x[None] - x[:, None]
        r2 = jnp.sum(d * d, axis=2) + 1e-3
        s = masses[None] / (r2 * jnp.sqrt(r2))
        v = v + 0.005 * jnp.sum(s[:, :, None] * d, axis=1)
        return (x + 0.005 * v, v), None

    (x, _), _ = lax.scan(step, (positions, velocities), None, length=200)
    return x[1, 0] + x[2, 1] * x[3, 2]


def projection(rotation, shift, focal):
    k = jnp.arange(200)
    x, y, z = 0.01 * k - 1.0, jnp.sin(0.1 * k), 4.0 + jnp.cos(0.07 * k)
    c, s = jnp.cos(rotation), jnp.sin(rotation)
    u, w = c * x + s * z + shift, -s * x + c * z
    radius = (u * u + y * y) / (w * w)
    bend = 1.0 + 0.1 * radius + 0.01 * radius * radius
    return jnp.sum((focal * bend * u / w - 0.2 * k) ** 2 + (focal * bend * y / w - 3.0) ** 2)


def lstm(weights, xs):
    def step(state, x):
        h, c = state
        keep, enter, leave = jax.nn.sigmoid(weights[:3, :, 0] * x + weights[:3] @ h)
        c = keep * c + enter * jnp.tanh(weights[3, :, 0] * x + weights[3] @ h)
        return (leave * jnp.tanh(c), c), None

    zeros = jnp.zeros(weights.shape[2])
    (h, _), _ = lax.scan(step, (zeros, zeros), xs)
    return jnp.sum(h)


def gradient(name: str, args: tuple[Any, ...]) -> Any:
    """The compiled gradient of a program, or None; each call waits for the result."""
    program = globals().get(name)
    if program is None:
        return None
    compiled = jax.jit(jax.grad(program, argnums=tuple(range(len(args)))))
    return lambda: jax.block_until_ready(compiled(*args))
