"""Some of the benchmark's programs, refactored for JAX by hand: loops as scans, states as arrays, branches as where.

JAX is no dependency of the project. Without it these columns stay empty.
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


def gradient(name: str, args: tuple[Any, ...]) -> Any:
    """The compiled gradient of a program, or None; each call waits for the result."""
    program = globals().get(name)
    if program is None:
        return None
    compiled = jax.jit(jax.grad(program, argnums=tuple(range(len(args)))))
    return lambda: jax.block_until_ready(compiled(*args))
