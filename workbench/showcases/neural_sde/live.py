"""What the live views draw: the true system to play with, and the model's ensemble while it learns.

The keys are those of ``workbench.training.Problem.snapshot``.
"""

from __future__ import annotations

import numpy as np

from workbench.showcases.neural_sde.data import Observations
from workbench.showcases.neural_sde.networks import NeuralSDE
from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.system import simulate_paths
from workbench.solvers.ensemble import band

Picture = dict[str, np.ndarray | str]

PATHS, SHOWN = 200, 3
"""Paths behind a band, and how many are drawn."""

SEED = 3
"""Of the noise in the pictures: the same each time, so that what moves is the model."""


def system_picture(parameters: SpiralParameters) -> Picture:
    """u₁ of the true system: the band that holds 95 % of its paths, their mean, and some paths."""
    rng = np.random.default_rng(SEED)
    ts = parameters.forecast_ts
    paths = simulate_paths(parameters.system, ts, PATHS, rng, step=0.02)[..., 0]
    low, high = (edge[:, 0] for edge in band(paths[..., None]))
    picture: Picture = {
        "text:title": "The true system",
        "text:x": "time",
        "text:y": "u1",
        "curve:mean": np.column_stack([ts, paths.mean(1)]),
        "curve:95 % band": _outline(ts, low, high),
    }
    for i in range(SHOWN):
        picture[f"curve:path {i + 1}"] = np.column_stack([ts, paths[:, i]])
    spread = paths.std(1)
    picture["text:spread"] = (
        f"Spread of u1: {spread[15]:.2f} at t = {ts[15]:.2f}, {spread[-1]:.2f} at t = 1.2"
    )
    return picture


def ensemble_picture(model: NeuralSDE, data: Observations) -> Picture:
    """u₁ of the model's ensemble from the start, and of the data: means and 95 % bands."""
    paths = model.ensemble(data.ts, PATHS, SEED).paths
    low, high = band(paths)
    data_low, data_high = band(data.paths)
    every = slice(0, None, 3)
    return {
        "text:title": "Model (lines), data (markers)",
        "text:x": "time",
        "text:y": "u1",
        "curve:mean": np.column_stack([data.ts, paths[..., 0].mean(1)]),
        "curve:95 % band": _outline(data.ts, low[:, 0], high[:, 0]),
        "point:mean, data": np.column_stack([data.ts, data.mean[:, 0]])[every],
        "point:band, data": np.concatenate(
            [
                np.column_stack([data.ts, data_low[:, 0]])[every],
                np.column_stack([data.ts, data_high[:, 0]])[every],
            ]
        ),
        "text:spread": f"Spread of (u1, u2) at t = 1: {_pair(paths[-1].std(0))}; data {_pair(data.paths[-1].std(0))}",
    }


def _outline(ts: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The two edges of a band as one curve with a gap. Shape (2 times + 1, 2)."""
    edges = np.column_stack([ts, low]), np.column_stack([ts, high])
    return np.concatenate([edges[0], [[np.nan, np.nan]], edges[1]])


def _pair(values: np.ndarray) -> str:
    return f"({values[0]:.2f}, {values[1]:.2f})"
