"""How well a trained neural SDE forecasts, what it has found, and why the published loss cannot find the noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from workbench.showcases.neural_sde.data import Observations, coverage, crps, observe, truth
from workbench.showcases.neural_sde.discovery import Discovery, Found, discover, distil
from workbench.showcases.neural_sde.loss import SpiralProblem
from workbench.showcases.neural_sde.networks import NeuralSDE
from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.system import Spiral, simulate_paths
from workbench.solvers import solve_sde
from workbench.solvers.ensemble import band
from workbench.training import Training

FORECAST_SEED, RESAMPLING_SEED, LANDSCAPE_SEED, NOISE_SEED = 7, 17, 27, 37

NOISES = np.linspace(0.0, 0.4, 9)
"""Supposed noises for which the losses are compared."""

LANDSCAPE_PATHS = 1000

FIELD = np.linspace(-2.0, 2.0, 11)
"""Where the vector field is drawn, on both axes."""

DISTILLED_STATES = 5000


def evaluate(training: Training, parameters: SpiralParameters) -> dict[str, Any]:
    """The model's ensemble from the start to t = 1.2 against the true one, and the equations found.

    Returns:
        ``metrics``: errors of mean (root mean square over the observation times) and variance (relative), coverage
        of the 95 % band and CRPS at t = 1.2, coefficients discovered; ``tables``: terms with their intervals,
        equations; ``arrays``: means, variances and bands of truth and model, fields, losses over the supposed
        noise; ``timings``: seconds_of_training.
    """
    model, data, true_paths = training.problem.modules, observe(parameters), truth(parameters)
    forecast = model.ensemble(parameters.forecast_ts, parameters.ensemble, FORECAST_SEED).paths
    found = discover(
        data.ts, data.paths, resamples=parameters.resamples, rng=np.random.default_rng(RESAMPLING_SEED)
    )
    noises, losses = loss_landscape(parameters)
    return {
        "metrics": {
            **forecast_metrics(forecast, true_paths, len(data.ts)),
            **coefficient_metrics(found),
            "path_loss_of_the_true_model": path_loss(true_paths[: len(data.ts)], data.mean),
            "path_loss_of_the_trained_model": path_loss(forecast[: len(data.ts)], data.mean),
            **{f"noise_preferred_by_{name}": float(noises[row.argmin()]) for name, row in losses.items()},
        },
        "tables": {
            "equations": _equations(parameters.system, found, model, data),
            "terms": _terms(found),
        },
        "arrays": {
            "ts": parameters.forecast_ts,
            **_moments("truth", true_paths),
            **_moments("model", forecast),
            **_fields(model, parameters.system),
            "noises": noises,
            "true_noise": np.array(parameters.noise),
            **{f"{name}_losses": row for name, row in losses.items()},
            **_intervals(found, parameters.system),
        },
        "timings": {"seconds_of_training": training.seconds},
    }


def forecast_metrics(forecast: np.ndarray, true_paths: np.ndarray, observed: int) -> dict[str, float]:
    """How near an ensemble comes to the true one: over the observation times, and at the end of the forecast.

    Args:
        forecast, true_paths: shape (times, paths, 2).
        observed: how many of the times, from the first, are those of the observations.
    """
    off = (forecast.mean(1) - true_paths.mean(1))[:observed]
    ratio = forecast.var(1)[1:observed] / true_paths.var(1)[1:observed] - 1.0
    inside = coverage(forecast[-1:], true_paths[-1:])[0]
    half = true_paths.shape[1] // 2
    score = crps(forecast[-1:], true_paths[-1:]).mean()
    best = crps(true_paths[-1:, :half], true_paths[-1:, half:]).mean()
    return {
        "mean_rms_error": float(np.sqrt(np.square(off).mean())),
        "variance_relative_error": float(np.sqrt(np.square(ratio).mean())),
        "variance_worst_relative_error": float(np.abs(ratio).max()),
        "coverage_of_u1_at_1.2": float(inside[0]),
        "coverage_of_u2_at_1.2": float(inside[1]),
        "crps_at_1.2": float(score),
        "crps_at_1.2_of_the_truth": float(best),
    }


def path_loss(paths: np.ndarray, mean: np.ndarray) -> float:
    """The published loss: Σ (path − mean)² over times and components, mean over the paths."""
    return float(np.square(paths - mean[:, None]).sum((0, 2)).mean())


def coefficient_metrics(found: Discovery) -> dict[str, float]:
    """The four coefficients of the drift and the two of the diffusion; 0 where the term was not found."""
    first, second = found.drift
    squares = (found.squared_diffusion[0].coefficient("u1^2"), found.squared_diffusion[1].coefficient("u2^2"))
    return {
        "drift_1_u1^3": first.coefficient("u1^3"),
        "drift_1_u2^3": first.coefficient("u2^3"),
        "drift_2_u1^3": second.coefficient("u1^3"),
        "drift_2_u2^3": second.coefficient("u2^3"),
        "diffusion_1_u1": float(np.sqrt(max(squares[0], 0.0))),
        "diffusion_2_u2": float(np.sqrt(max(squares[1], 0.0))),
        "terms_found": sum(int((part.coefficients != 0).sum()) for part in _parts(found)),
    }


@lru_cache(maxsize=2)
def loss_landscape(parameters: SpiralParameters) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The three losses of the true drift with other noises than the true one: which noise does each prefer?

    Returns:
        the noises, and for "path", "moments" and "score" (CRPS) the loss at each of them.
    """
    true, data = parameters.system, observe(parameters)
    rows: dict[str, list[float]] = {"path": [], "moments": [], "score": []}
    for noise in NOISES:
        rng = np.random.default_rng(LANDSCAPE_SEED)
        system = Spiral(true.damping, true.rotation, float(noise))
        paths = simulate_paths(system, data.ts, LANDSCAPE_PATHS, rng)
        off_mean, off_variance = paths.mean(1) - data.mean, paths.var(1) - data.variance
        rows["path"].append(path_loss(paths, data.mean))
        rows["moments"].append(float(np.square(off_mean).sum() + np.square(off_variance).sum()))
        rows["score"].append(float(crps(paths, data.paths).mean()))
    return NOISES, {name: np.array(row) for name, row in rows.items()}


class TrueDrift(torch.nn.Module):
    """The true drift, and a diffusion s u whose s is all there is to learn.

    Two steps of SOSRI between observations: the spread of the paths then differs from the truth by a fiftieth. Methods
    with Euler's drift (Milstein's too) drive the spiral outwards; their steps need more spread than the noise gives.
    """

    def __init__(self, system: Spiral) -> None:
        super().__init__()
        self.noise = torch.nn.Parameter(torch.tensor(0.1, dtype=torch.float64))
        self._system = system

    def simulate(self, u0: torch.Tensor, ts: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One path from each state u0, at the times ts. Shape (times, batch, 2)."""

        def drift(t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            return torch.stack(self._system.drift(u[:, 0], u[:, 1]), dim=1)

        dt = float(ts[1] - ts[0]) / 2 * (1.0 + 1e-9)
        return solve_sde(drift, lambda t, u: self.noise * u, u0, ts, dt=dt, generator=generator).ys


def learnt_noise(loss: str, parameters: SpiralParameters) -> float:
    """The noise s that a loss teaches to a model that has the true drift.

    Args:
        loss: "path", "moments" or "energy".
        parameters: system, data, iterations.
    Returns:
        |s| after ``side_iterations`` of Adam, averaged over the last quarter of them.
    """
    iterations, paths = parameters.side_iterations, {"path": 100, "moments": 1000, "energy": 2}[loss]
    asked = parameters.changed(
        loss=loss, paths=paths, batch=128, iterations=iterations, final_share=0.0, moment_weight=0.0
    )
    problem = SpiralProblem(asked, TrueDrift(parameters.system))
    training = Training(problem, iterations=iterations, learning_rate=0.02, keep_best=False, seed=NOISE_SEED)
    seen = [abs(float(problem.modules.noise.detach())) for _ in training]
    return float(np.mean(seen[-(iterations // 4) :]))


def _moments(name: str, paths: np.ndarray) -> dict[str, np.ndarray]:
    low, high = band(paths)
    parts = {"mean": paths.mean(1), "variance": paths.var(1), "low": low, "high": high}
    return {f"{name}_{part}": value for part, value in parts.items()}


def _fields(model: NeuralSDE, system: Spiral) -> dict[str, np.ndarray]:
    """Drift on a grid of states, and diffusion along the axes, learnt and true."""
    states = np.stack(np.meshgrid(FIELD, FIELD), axis=-1).reshape(-1, 2)
    line = np.linspace(-2.0, 2.0, 41)
    with torch.no_grad():
        drift = model.drift(torch.tensor(0.0), torch.from_numpy(states)).numpy()
        diffusion = model.diffusion(
            torch.tensor(0.0), torch.from_numpy(np.column_stack([line, line]))
        ).numpy()
    true = np.column_stack(system.drift(*states.T))
    return {
        "states": states,
        "model_drift": drift,
        "truth_drift": true,
        "line": line,
        "model_diffusion": np.abs(diffusion),
        "truth_diffusion": np.abs(system.noise * line),
    }


def _equations(
    system: Spiral, found: Discovery, model: NeuralSDE, data: Observations
) -> list[dict[str, str]]:
    """The true equations, those found in the paths, and the drift that the network has."""

    def network(states: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model.drift(torch.tensor(0.0), torch.from_numpy(states)).numpy()

    states = data.paths.reshape(-1, 2)
    states = states[:: max(1, len(states) // DISTILLED_STATES)]
    true, discovered, learnt = system.equations(), found.equations(), distil(network, states)
    return [
        {"from": name, "equation": text}
        for name, texts in (
            ("truth", true),
            ("found in the paths", discovered),
            ("drift of the network", [f"du{i + 1} = ({text}) dt + …" for i, text in enumerate(learnt)]),
        )
        for text in texts
    ]


def _parts(found: Discovery) -> tuple[Found, ...]:
    return (*found.drift, *found.squared_diffusion)


def _terms(found: Discovery) -> list[dict[str, Any]]:
    """Every term that was kept, with its interval."""
    names = ("drift of u1", "drift of u2", "squared diffusion of u1", "squared diffusion of u2")
    return [
        {
            "part": name,
            "term": part.terms[i],
            "coefficient": round(float(part.coefficients[i]), 5),
            "lower": round(float(part.low[i]), 5),
            "upper": round(float(part.high[i]), 5),
            "resamples with it": round(float(part.support[i]), 3),
        }
        for name, part in zip(names, _parts(found), strict=True)
        for i in np.flatnonzero(part.coefficients)
    ]


def _intervals(found: Discovery, system: Spiral) -> dict[str, np.ndarray]:
    """The six true terms as found: value, interval and truth. Shapes (6,); see ``TRUE_TERMS``."""
    parts = _parts(found)
    rows = []
    for part, term, true in zip((0, 0, 1, 1, 2, 3), TRUE_TERMS, _true_values(system), strict=True):
        i = parts[part].terms.index(term)
        rows.append((parts[part].coefficients[i], parts[part].low[i], parts[part].high[i], true))
    value, low, high, true = np.array(rows).T
    return {"term_values": value, "term_lows": low, "term_highs": high, "term_truths": true}


TRUE_TERMS = ("u1^3", "u2^3", "u1^3", "u2^3", "u1^2", "u2^2")


def _true_values(system: Spiral) -> tuple[float, ...]:
    a, b, s = system.damping, system.rotation, system.noise
    return (-a, -b, b, -a, s**2, s**2)
