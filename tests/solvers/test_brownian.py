"""Brownian paths: their law, and that they are one function of time however they are asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.errors import SolverOptionError
from workbench.solvers import BrownianPath

ROWS = 20_000


def path(seed: int = 5, **options) -> BrownianPath:
    return BrownianPath(0.0, 2.0, **{"rows": ROWS, "channels": 2, "seed": seed, **options})


def test_increments_and_areas_have_their_law() -> None:
    w, h = path().cells(0, 4, (0, 16))
    length = 2.0 / 16
    assert stats.kstest(w[3].ravel() / np.sqrt(length), "norm").pvalue > 1e-3
    assert stats.kstest(h[7].ravel() / np.sqrt(length / 12), "norm").pvalue > 1e-3
    together = np.concatenate([w[..., 0], h[..., 0] * np.sqrt(12), w[..., 1]]) / np.sqrt(length)
    error = np.cov(together) - np.eye(48)
    assert np.abs(error).max() < 5 * np.sqrt(2 / ROWS)


def test_tails_are_normal() -> None:
    z = path(rows=200_000).cells(0, 0, (0, 1))[0].ravel() / np.sqrt(2)
    for limit in (2.5, 3.5, 4.0):
        expected = 2 * stats.norm.sf(limit)
        found = np.mean(np.abs(z) > limit)
        assert abs(found - expected) < 4 * np.sqrt(expected / z.size)


def test_coarse_cells_are_the_sums_of_fine_ones() -> None:
    fine_w, fine_h = path().cells(0, 5, (0, 32))
    w, h = path().cells(0, 4, (0, 16))
    np.testing.assert_allclose(fine_w[0::2] + fine_w[1::2], w, atol=1e-12)
    # ∫W over both halves, from W and H of each
    half = 2.0 / 32
    integral = half * (fine_w[0::2] / 2 + fine_h[0::2] + fine_w[0::2] + fine_w[1::2] / 2 + fine_h[1::2])
    np.testing.assert_allclose(integral / (2 * half) - w / 2, h, atol=1e-12)


def test_any_question_gives_the_same_path() -> None:
    one, other = path(rows=50), path(rows=50)
    late = one(1.7), one(0.3), one.increment(0.3, 1.7)
    early = other(0.3), other.increment(0.3, 1.7), other(1.7)
    assert (late[0] == early[2]).all()
    assert (late[1] == early[0]).all()
    assert (late[2][0] == early[1][0]).all()
    np.testing.assert_allclose(late[0] - late[1], late[2][0], atol=1e-12)


def test_grids_and_points_agree() -> None:
    p = path(rows=30)
    w, h = p.noise(0, (0, 7), 7)
    for j in range(7):
        dw, area = p.increment(2 * j / 7, 2 * (j + 1) / 7)
        np.testing.assert_allclose(w[j], dw, atol=1e-9)
        np.testing.assert_allclose(h[j], area, atol=1e-6)


def test_rows_do_not_depend_on_the_batch() -> None:
    whole = path(rows=10)(1.234)
    part = path(rows=4, first_row=3)(1.234)
    assert (whole[3:7] == part).all()


def test_brownian_bridge_between_knots() -> None:
    """Given both ends, the middle has mean of the ends and variance h/4."""
    p = BrownianPath(0.0, 3.0, rows=ROWS, channels=1, seed=8, knots=[0.0, 1.0, 3.0])
    left, middle, right = (p(t).numpy() for t in (1.0, 2.0, 3.0))
    rest = middle - (left + right) / 2
    assert abs(rest.var() - 0.5) < 4 * 0.5 * np.sqrt(2 / ROWS)
    assert abs(np.corrcoef(rest.ravel(), (right - left).ravel())[0, 1]) < 4 / np.sqrt(ROWS)


def test_other_seeds_give_other_paths() -> None:
    correlation = np.corrcoef(path(seed=5)(2.0).numpy().ravel(), path(seed=6)(2.0).numpy().ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(2 * ROWS)


def test_knots_must_increase() -> None:
    with pytest.raises(SolverOptionError, match="must increase"):
        path(knots=[0.0, 1.5, 1.0, 2.0])


def test_a_path_has_an_end() -> None:
    with pytest.raises(SolverOptionError, match="outside of its own"):
        path(rows=2)(2.5)
