"""Ensembles: the same paths however they are divided, stopped and taken up again; statistics by NumPy's own."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
import torch

from workbench.errors import BlowUpError, SolverOptionError
from workbench.solvers import BrownianPath, Ensemble, ensemble, solve_ensemble, solve_sde

F64 = torch.float64
TS = [0.0, 0.3, 1.0]
START = torch.tensor([1.0, 0.5], dtype=F64)
RATE = torch.tensor(0.5, dtype=F64, requires_grad=True)


def drift(t, y):
    return -RATE * y


def diffusion(t, y):
    return 0.4 * y


def solved(**changes) -> Ensemble:
    return solve_ensemble(drift, diffusion, START, TS, **{"paths": 3000, "seed": 4, "dt": 0.1, **changes})


def test_path_i_is_row_i_of_one_solution_whatever_the_threads() -> None:
    path = BrownianPath(0.0, 1.0, rows=3000, channels=2, seed=4, knots=TS)
    whole = solve_sde(drift, diffusion, START.repeat(3000, 1), TS, dt=0.1, brownian=path)
    for workers in (1, 3):
        np.testing.assert_array_equal(solved(workers=workers).paths, whole.ys.detach().numpy())


def test_statistics_and_the_law() -> None:
    found = solved(paths=20_000)
    assert found.n == 20_000
    np.testing.assert_allclose(found.mean, found.paths.sum(1) / 20_000)
    deviations = found.paths - found.mean[:, None]
    np.testing.assert_allclose(found.variance, np.square(deviations).sum(1) / 19_999)
    low, high = found.band(0.9)
    inside = ((found.paths >= low[:, None]) & (found.paths <= high[:, None])).mean(1)
    np.testing.assert_allclose(inside[1:], 0.9, atol=1e-3)
    np.testing.assert_allclose(found.quantiles([0.05, 0.5])[0], low)
    exact = START.numpy() * math.exp(-0.5)
    error = np.sqrt(found.variance[-1] / found.n)
    assert (np.abs(found.mean[-1] - exact) < 3 * error).all()


def test_stopped_and_taken_up_again_it_is_the_same() -> None:
    shares: list[float] = []
    part = solved(workers=1, stop=lambda: len(shares) >= 2, progress=shares.append)
    assert part.n == 2 * ensemble.BLOCK
    assert shares == pytest.approx([1024 / 3000, 2048 / 3000])
    whole = solved(workers=1, earlier=part, progress=shares.append)
    assert shares[-1] == 1.0
    assert len(shares) == 3, "what was there was solved again"
    np.testing.assert_array_equal(whole.paths, solved().paths)


def test_the_threads_work_at_the_same_time() -> None:
    """Each of two blocks waits until the other has begun."""
    both, met = threading.Barrier(2, timeout=300), threading.local()

    def waiting(t, y):
        if len(y) == ensemble.BLOCK and not hasattr(met, "done"):
            met.done = True
            both.wait()
        return -y

    solve_ensemble(
        waiting, diffusion, START, TS, paths=2 * ensemble.BLOCK, seed=1, dt=0.5, workers=2, method="euler"
    )


def test_plain_numpy_functions_with_general_noise() -> None:
    def matrix(t, y):
        return np.stack([np.stack([0.1 * y[:, 0], 0.0 * y[:, 0], 0.2 * y[:, 1]], axis=1)] * 2, axis=1)

    found = solve_ensemble(
        lambda t, y: -y, matrix, [1.0, 2.0], TS, paths=50, seed=1, noise="general", method="euler", dt=0.1
    )
    assert found.paths.shape == (3, 50, 2)
    assert found.paths[-1, :, 1].mean() == pytest.approx(2 * 0.9**10, abs=0.2)


def test_the_error_of_a_path_says_which_block_it_was_in() -> None:
    def exploding(t, y):
        return y**3

    with pytest.raises(BlowUpError) as caught:
        solve_ensemble(
            exploding, diffusion, 9.0 * START, [0.0, 10.0], paths=10, seed=0, dt=0.1, method="euler"
        )
    assert "among the paths 0 to 9" in caught.value.__notes__[0]


def test_another_ensemble_is_not_taken_up() -> None:
    part = solved(paths=100)
    with pytest.raises(SolverOptionError, match="is not a part"):
        solved(paths=50, earlier=part)
    with pytest.raises(SolverOptionError, match="is not a part"):
        solve_ensemble(drift, diffusion, START, [0.0, 1.0], paths=200, seed=4, dt=0.1, earlier=part)


def test_all_paths_begin_in_one_state() -> None:
    with pytest.raises(SolverOptionError, match="begin in one state"):
        solve_ensemble(drift, diffusion, START.repeat(2, 1), TS, paths=5, seed=1, dt=0.1)
