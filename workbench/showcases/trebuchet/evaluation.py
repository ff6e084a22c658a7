"""How well a trained network aims: misses over the targets within reach, and the time an aim takes."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from workbench.showcases.trebuchet.aiming import aim_directly, reach_of
from workbench.showcases.trebuchet.machine import POUND
from workbench.showcases.trebuchet.parameters import TrebuchetParameters
from workbench.showcases.trebuchet.physics import throw_distance
from workbench.training import Training

TRIAL_SEED = 20_200_113
"""Of the winds and targets tested on: the same ones for every training."""

DIRECT_AIMS = 5
"""How many targets are also aimed at directly, for comparison."""

TABLE_ROWS = 8


def evaluate(training: Training, parameters: TrebuchetParameters) -> dict[str, Any]:
    """The network's misses on fresh winds and targets, thrown at full resolution, and its speed.

    Winds N(0, spread²) and targets U(low, high) are drawn whether or not they can be reached; the misses are
    over those that can. Direct optimisation aims at the first few well within reach, until it is as
    near as the network's median miss.

    Returns:
        ``metrics``: median_miss_in_m, p95_miss_in_m, worst_miss_in_m, share_reachable, direct_iterations and
        gauss_newton_iterations; ``tables``: shots; ``arrays``: winds, targets, reachable, angles, weights,
        misses and the reach; ``timings``: samples_per_second, and seconds for one aim each way.
    """
    network = training.problem.modules
    winds, targets = draw_trials(parameters)
    reach = reach_of(parameters)
    reachable = reach.covers(winds, targets)
    angles, weights = settings_for(network, winds, targets, parameters)
    misses = throw_all(winds, angles, weights, parameters) - targets
    hits = np.abs(misses[reachable])
    median = float(np.median(hits))
    easy = reach.covers(winds, targets + 1.0)
    pairs = list(zip(winds[easy].tolist(), targets[easy].tolist(), strict=True))[:DIRECT_AIMS]
    direct = _aim_each(pairs, parameters, max(median, 1e-3))
    return {
        "metrics": {
            "median_miss_in_m": median,
            "p95_miss_in_m": float(np.quantile(hits, 0.95)),
            "worst_miss_in_m": float(hits.max()),
            "share_reachable": float(reachable.mean()),
            "direct_iterations": direct["adam"]["iterations"],
            "gauss_newton_iterations": direct["gauss-newton"]["iterations"],
        },
        "tables": {"shots": _shots(winds, targets, angles, weights, misses)},
        "arrays": {
            "winds": winds,
            "targets": targets,
            "reachable": reachable,
            "angles": angles,
            "weights": weights,
            "misses": misses,
            "reach_winds": reach.winds,
            "reach_nearest": reach.nearest,
            "reach_farthest": reach.farthest,
        },
        "timings": _timings(training, parameters, network, pairs, direct),
    }


def draw_trials(parameters: TrebuchetParameters) -> tuple[np.ndarray, np.ndarray]:
    """The winds in m/s and targets in m to test on. Shapes (trials,)."""
    rng = np.random.default_rng(TRIAL_SEED)
    winds = rng.normal(0.0, 1.0, parameters.trials) * parameters.wind_spread
    return winds, rng.uniform(parameters.target_low, parameters.target_high, parameters.trials)


def settings_for(
    network: torch.nn.Module, winds: np.ndarray, targets: np.ndarray, parameters: TrebuchetParameters
) -> tuple[np.ndarray, np.ndarray]:
    """The network's angles in rad and counterweights in kg, held to the allowed range."""
    with torch.no_grad():
        angles, weights = network(torch.from_numpy(winds), torch.from_numpy(targets))
    return angles.numpy(), weights.clamp(*parameters.weights).numpy()


def throw_all(
    winds: np.ndarray, angles: np.ndarray, weights: np.ndarray, parameters: TrebuchetParameters
) -> np.ndarray:
    """The distance of each throw, at full resolution. Unit m."""
    throws = zip(winds.tolist(), angles.tolist(), weights.tolist(), strict=True)
    return np.array([throw_distance(*throw, parameters.machine) for throw in throws])


def _aim_each(
    pairs: list[tuple[float, float]], parameters: TrebuchetParameters, tolerance: float
) -> dict[str, dict[str, float]]:
    """Median iterations and seconds of direct optimisation, by method."""
    found = {}
    for method in ("adam", "gauss-newton"):
        counts, seconds = [], []
        for wind, target in pairs:
            begin = time.perf_counter()
            aim = aim_directly(wind, target, parameters, tolerance=tolerance, method=method)
            seconds.append(time.perf_counter() - begin)
            counts.append(aim.iterations)
        found[method] = {
            "iterations": float(statistics.median(counts)),
            "seconds": statistics.median(seconds),
        }
    return found


def _timings(
    training: Training,
    parameters: TrebuchetParameters,
    network: torch.nn.Module,
    pairs: list[tuple[float, float]],
    direct: dict[str, dict[str, float]],
) -> dict[str, float]:
    """Whatever was measured with a clock: no part of what two runs must agree in."""
    winds, targets = torch.tensor(pairs[:1], dtype=torch.float64).T
    many = (torch.linspace(-5.0, 5.0, 1000).double(), torch.linspace(20.0, 90.0, 1000).double())
    with torch.no_grad():
        one_aim = _seconds(lambda: network(winds, targets))
        batched = _seconds(lambda: network(*many)) / 1000.0
    return {
        "samples_per_second": training.iteration * parameters.batch / max(training.seconds, 1e-9),
        "seconds_to_aim_by_network": one_aim,
        "seconds_to_aim_by_network_of_1000": batched,
        "seconds_to_aim_directly": direct["adam"]["seconds"],
        "seconds_to_aim_by_gauss_newton": direct["gauss-newton"]["seconds"],
        "times_faster_by_network": direct["adam"]["seconds"] / one_aim,
    }


def _seconds(function: Callable[[], Any]) -> float:
    """The least time of a call, over a few rounds: what the machine can do undisturbed."""
    rounds = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(10):
            function()
        rounds.append((time.perf_counter() - begin) / 10.0)
    return min(rounds)


def _shots(winds, targets, angles, weights, misses) -> list[dict[str, float]]:
    """The first few trials, for people to read."""
    columns = zip(winds, targets, angles, weights, misses, strict=True)
    return [
        {
            "wind (m/s)": round(float(wind), 2),
            "target (m)": round(float(target), 2),
            "angle (°)": round(math.degrees(angle), 2),
            "counterweight (lb)": round(float(weight) / POUND, 1),
            "miss (m)": round(float(miss), 3),
        }
        for (wind, target, angle, weight, miss), _ in zip(columns, range(TABLE_ROWS), strict=False)
    ]
