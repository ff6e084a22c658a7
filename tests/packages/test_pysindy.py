"""Discovery beside PySINDy's: the same increments of the same paths, against the equations that are known.

PySINDy regresses rates of change on the terms, so a step between observations should be short against everything that
happens; ours integrates over the step and instruments the noise away, and may take the thirty times of the showcase.
"""

from __future__ import annotations

import numpy as np
import pytest

from workbench.showcases.neural_sde.discovery import discover
from workbench.showcases.neural_sde.system import Spiral, simulate_paths

pysindy = pytest.importorskip(
    "pysindy", reason="pysindy is not installed: pip install -c constraints.txt -e '.[packages]'"
)
pytestmark = pytest.mark.filterwarnings("ignore")

CUBES = np.array([[-0.1, -2.0], [2.0, -0.1]])
"""The coefficients of u₁³ and u₂³ in the two drifts."""


def paths_at(n_times: int, n_paths: int) -> tuple[np.ndarray, np.ndarray]:
    ts = np.linspace(0.0, 1.0, n_times)
    return ts, simulate_paths(Spiral(), ts, n_paths, np.random.default_rng(0))


def by_pysindy(states: np.ndarray, rates: np.ndarray, *, degree: int, threshold: float):
    """Sparse regression of rates (n, 2) on polynomials of the states (n, 2)."""
    model = pysindy.SINDy(
        optimizer=pysindy.STLSQ(threshold=threshold, alpha=0.0),
        feature_library=pysindy.PolynomialLibrary(degree=degree),
    )
    model.fit(states, t=1.0, x_dot=rates)
    return model


def found_by_pysindy(ts: np.ndarray, paths: np.ndarray) -> tuple[np.ndarray, int, np.ndarray]:
    """The coefficients of the cubes, how many terms the drifts have, and the diffusions' (u₁², u₂²)."""
    h, states = ts[1] - ts[0], paths[:-1].reshape(-1, 2)
    moves = np.diff(paths, axis=0).reshape(-1, 2)
    drift = by_pysindy(states, moves / h, degree=3, threshold=0.05)
    rest = moves - h * np.array(drift.predict(states).tolist())
    squares = by_pysindy(states, rest**2 / h, degree=2, threshold=0.01)
    names, squared = drift.get_feature_names(), squares.get_feature_names()
    cubes = drift.coefficients()[:, [names.index("x0^3"), names.index("x1^3")]]
    diffusion = [
        np.asarray(squares.coefficients())[i, squared.index(name)] for i, name in enumerate(("x0^2", "x1^2"))
    ]
    return np.asarray(cubes), np.count_nonzero(drift.coefficients()), np.sqrt(diffusion)


def test_pysindy_finds_the_equations_where_observations_are_dense() -> None:
    cubes, terms, diffusion = found_by_pysindy(*paths_at(1451, 400))
    assert np.abs(cubes - CUBES).max() < 0.03
    assert terms == 4
    assert diffusion == pytest.approx([0.2, 0.2], rel=0.02)


def test_thirty_times_are_enough_for_ours_and_too_few_for_pysindy() -> None:
    ts, paths = paths_at(30, 2000)
    cubes, terms, diffusion = found_by_pysindy(ts, paths)
    assert np.abs(cubes - CUBES).max() > 0.15, (
        "if this fails, PySINDy has become better: tell it in the README"
    )
    assert terms > 8
    assert diffusion == pytest.approx([0.2, 0.2], rel=0.05)
    found = discover(ts, paths, resamples=2, rng=np.random.default_rng(1))
    ours = [[part.coefficient(name) for name in ("u1^3", "u2^3")] for part in found.drift]
    assert np.abs(np.array(ours) - CUBES).max() < 0.02
    assert sum(np.count_nonzero(part.coefficients) for part in found.drift) == 4
