"""One qubit in plain Python: which two rotations turn |0⟩ into (|0⟩ + |1⟩)/√2?

``overlap`` is an ordinary program of complex numbers; the engine differentiates it as it stands.

Source: Rackauckas et al., "Generalized Physics-Informed Learning through Language-Wide Differentiable Programming",
2020, section 4.2, and its published code; Nielsen & Chuang, Quantum Computation and Quantum Information, 2010,
section 4.2.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from workbench.autodiff import gradient
from workbench.showcases.quantum_vqe.parameters import RotationParameters

TARGET = (1.0 / math.sqrt(2.0), 1.0 / math.sqrt(2.0))
"""(|0⟩ + |1⟩)/√2, on the Bloch sphere's x axis."""

AZIMUTH, HEIGHT = math.radians(25.0), math.radians(20.0)
"""Where the sphere is seen from: this far from the x axis, this far above the equator."""


def prepared(first, second):
    """The state RZ(second) RX(first) |0⟩ as two amplitudes."""
    zero, one = math.cos(first / 2.0), -1j * math.sin(first / 2.0)
    return zero * cmath.exp(-0.5j * second), one * cmath.exp(0.5j * second)


def overlap(first, second):
    """|⟨target|state⟩|², the fidelity: (1 + sin first · sin second)/2 in closed form."""
    zero, one = prepared(first, second)
    amplitude = TARGET[0] * zero + TARGET[1] * one
    return abs(amplitude) ** 2


def bloch_vector(first: float, second: float) -> tuple[float, float, float]:
    """The expectations of X, Y and Z."""
    zero, one = map(complex, prepared(first, second))
    product = zero.conjugate() * one
    return 2.0 * product.real, 2.0 * product.imag, abs(zero) ** 2 - abs(one) ** 2


def learn(parameters: RotationParameters) -> np.ndarray:
    """The angles on the way up the overlap's gradient. Shape (steps + 1, 2)."""
    slope = gradient(overlap, wrt=(0, 1))
    angles = [(parameters.first, parameters.second)]
    for _ in range(parameters.steps):
        first, second = angles[-1]
        up = slope(first, second)
        angles.append((first + parameters.rate * up[0], second + parameters.rate * up[1]))
    return np.array(angles)


def sphere_picture(parameters: RotationParameters) -> dict[str, np.ndarray | str]:
    """The Bloch sphere from outside: the start, the way that is learnt, and the target."""
    angles = learn(parameters)
    way = np.array([bloch_vector(*pair) for pair in angles])
    turn = np.linspace(0.0, 2.0 * np.pi, 91)
    zero = np.zeros_like(turn)
    outline = np.column_stack([np.cos(turn), np.sin(turn)])
    start, end = overlap(*angles[0]), overlap(*angles[-1])
    return {
        "text:title": "The Bloch sphere",
        "text:x": "",
        "text:y": "",
        "text:aspect": "equal",
        "curve:sphere": outline,
        "curve:equator": _seen(np.column_stack([np.cos(turn), np.sin(turn), zero])),
        "curve:way": _seen(way),
        "point:state": _seen(way[-1:]),
        "point:start": _seen(way[:1]),
        "point:target": _seen(np.array([[1.0, 0.0, 0.0]])),
        "point:|0⟩, |1⟩": _seen(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])),
        "text:overlap": f"Overlap with the target: {start:.3f} at the start, {end:.6f} after {parameters.steps} steps",
        "text:angles": f"Angles at the end: {angles[-1, 0]:.3f} and {angles[-1, 1]:.3f} rad",
    }


def _seen(points: np.ndarray) -> np.ndarray:
    """Points (n, 3) as seen from outside, without perspective: across and up. Shape (n, 2)."""
    x, y, z = points.T
    across = -x * math.sin(AZIMUTH) + y * math.cos(AZIMUTH)
    towards = x * math.cos(AZIMUTH) + y * math.sin(AZIMUTH)
    return np.column_stack([across, z * math.cos(HEIGHT) - towards * math.sin(HEIGHT)])
