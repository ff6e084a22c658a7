"""Observations of the system, the truth to compare with, and what is asked of an ensemble.

An ensemble is an array of paths, shape (times, paths, state).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.system import simulate_paths
from workbench.solvers.ensemble import band

TRUTH_SEED = 20_200_113
TRUTH_PATHS = 10_000
"""Of the ensemble that stands for the truth: drawn once, never trained on."""


@dataclass(frozen=True)
class Observations:
    """What is known of the system: paths at the times of observation, and their moments.

    Attributes:
        ts: times. Shape (times,).
        paths: shape (times, paths, 2).
        mean, variance: over the paths. Shape (times, 2).
    """

    ts: np.ndarray
    paths: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@lru_cache(maxsize=4)
def observe(parameters: SpiralParameters) -> Observations:
    """The observations that the parameters ask for; the same ones for the same parameters."""
    rng = np.random.default_rng(parameters.seed)
    ts = parameters.ts
    paths = simulate_paths(parameters.system, ts, parameters.data_paths, rng)
    return Observations(ts, paths, paths.mean(1), paths.var(1))


@lru_cache(maxsize=2)
def truth(parameters: SpiralParameters, n_paths: int = TRUTH_PATHS) -> np.ndarray:
    """A large ensemble of the true system, up to the end of the forecast. Shape (times, n_paths, 2)."""
    rng = np.random.default_rng(TRUTH_SEED)
    return simulate_paths(parameters.system, parameters.forecast_ts, n_paths, rng)


def coverage(forecast: np.ndarray, observed: np.ndarray, level: float = 0.95) -> np.ndarray:
    """The share of observed paths inside the forecast's band. Shape (times, state)."""
    low, high = band(forecast, level)
    return ((observed >= low[:, None]) & (observed <= high[:, None])).mean(1)


def crps(forecast: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """The continuous ranked probability score, mean over the observed paths. Shape (times, state).

    E|X − y| − ½ E|X − X'|, in the unit of the state; lower is better, lowest for the observations' own law.

    Source: T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", 2007, eq. 21.
    """
    ordered = np.sort(forecast, axis=1)
    n = ordered.shape[1]
    # Sorted members give both means of distances from running sums, without an n × n table.
    ranks = (2.0 * np.arange(1, n + 1) - n - 1.0)[None, :, None]
    spread = (ranks * ordered).sum(1) / (n * (n - 1.0))
    return _distances(ordered, observed) - spread


def _distances(ordered: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """The mean of |X − y| over all pairs, X sorted along axis 1."""
    out = np.empty((len(ordered), ordered.shape[2]))
    n = ordered.shape[1]
    for t in range(len(ordered)):
        for i in range(ordered.shape[2]):
            members, points = ordered[t, :, i], observed[t, :, i]
            sums = np.concatenate([[0.0], np.cumsum(members)])
            below = np.searchsorted(members, points)
            total = points * (2 * below - n) - 2.0 * sums[below] + sums[-1]
            out[t, i] = (total / n).mean()
    return out
