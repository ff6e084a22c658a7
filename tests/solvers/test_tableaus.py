"""The coefficients against the equations that make the orders."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.solvers.tableaus import PAIRS, STOCHASTIC, Pair, StochasticTableau


def strong_conditions(m: StochasticTableau) -> dict[str, float]:
    """What must vanish for strong order 1.5 with diagonal noise.

    Source: A. Rößler, 2010, theorem 5.1, for methods whose time nodes are the sums of their rows.
    """
    b1, b2, b3, b4 = m.beta
    one = np.ones(m.stages)
    x0, x1 = m.b0 @ one, m.b1 @ one
    s0, s1, twice = m.a0 @ one, m.a1 @ one, m.b1 @ (m.b1 @ one)
    rows = {
        "1": (1, 0, 0, 0),
        "B1 e": (0, 1, 0, 0),
        "A1 e": (1, 0, -1, 0),
        "(B1 e)^2": (1, 0, -1, 2),
        "B1 B1 e": (0, 0, 0, 1),
    }
    vectors = {"1": one, "B1 e": x1, "A1 e": s1, "(B1 e)^2": x1**2, "B1 B1 e": twice}
    residuals = {
        f"beta{k + 1} {name}": beta @ vectors[name] - rows[name][k]
        for name in rows
        for k, beta in enumerate((b1, b2, b3, b4))
    }
    crossed = 0.5 * b1 @ (m.a1 @ x0) + b3 @ (m.a1 @ x0) / 3
    drift = {
        "alpha": m.alpha.sum() - 1,
        "alpha A0 e": m.alpha @ s0 - 0.5,
        "alpha B0 e": m.alpha @ x0 - 1,
        "alpha (B0 e)^2": m.alpha @ x0**2 - 1.5,
        "crossed": crossed,
    }
    return residuals | drift


def additive_conditions(m: StochasticTableau) -> dict[str, float]:
    """What must vanish for strong order 1.5 with additive noise.

    Source: A. Rößler, 2010, theorem 6.1.
    """
    b1, _, b3, _ = m.beta
    one = np.ones(m.stages)
    x0 = m.b0 @ one
    return {
        "alpha": m.alpha.sum() - 1,
        "beta1": b1.sum() - 1,
        "beta3": b3.sum(),
        "alpha B0 e": m.alpha @ x0 - 1,
        "alpha A0 e": m.alpha @ (m.a0 @ one) - 0.5,
        "alpha (B0 e)^2": m.alpha @ x0**2 - 1.5,
        "beta1 c1": b1 @ m.c1 - 1,
        "beta3 c1": b3 @ m.c1 + 1,
    }


@pytest.mark.parametrize("name", ["sriw1", "sosri"])
def test_the_conditions_of_strong_order_three_halves(name: str) -> None:
    for condition, residual in strong_conditions(STOCHASTIC[name]).items():
        assert abs(residual) < 1e-14, condition


@pytest.mark.parametrize("name", ["sra1", "sosra"])
def test_the_conditions_of_additive_noise(name: str) -> None:
    for condition, residual in additive_conditions(STOCHASTIC[name]).items():
        assert abs(residual) < 1e-14, condition


def trees(pair: Pair) -> dict[str, tuple[int, float]]:
    """For each rooted tree up to order 5: its order, and what must vanish.

    Source: J. Butcher, Numerical Methods for Ordinary Differential Equations, 2008, table 310.
    """
    a = pair.a + pair.gamma * np.diag([0.0, *np.ones(pair.stages - 1)])
    b, c = a[-1], pair.c
    ac, acc, aac = a @ c, a @ c**2, a @ (a @ c)
    return {
        "b": (1, b.sum() - 1),
        "bc": (2, b @ c - 1 / 2),
        "bc2": (3, b @ c**2 - 1 / 3),
        "bac": (3, b @ ac - 1 / 6),
        "bc3": (4, b @ c**3 - 1 / 4),
        "bcac": (4, b @ (c * ac) - 1 / 8),
        "bac2": (4, b @ acc - 1 / 12),
        "baac": (4, b @ aac - 1 / 24),
        "bc4": (5, b @ c**4 - 1 / 5),
        "bc2ac": (5, b @ (c**2 * ac) - 1 / 10),
        "bacac": (5, b @ ac**2 - 1 / 20),
        "bcac2": (5, b @ (c * acc) - 1 / 15),
        "bac3": (5, b @ (a @ c**3) - 1 / 20),
        "bcaac": (5, b @ (c * aac) - 1 / 30),
        "ba(cac)": (5, b @ (a @ (c * ac)) - 1 / 40),
        "baac2": (5, b @ (a @ acc) - 1 / 60),
        "baaac": (5, b @ (a @ aac) - 1 / 120),
    }


@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_pairs_meet_the_conditions_of_their_order_and_no_more(pair: Pair) -> None:
    found = trees(pair)
    assert max(abs(rest) for order, rest in found.values() if order <= pair.order) < 1e-12
    np.testing.assert_allclose(
        (pair.a + pair.gamma * np.diag([0.0, *np.ones(pair.stages - 1)])).sum(1), pair.c
    )
    if pair.order < 5:
        assert max(abs(rest) for order, rest in found.values() if order > pair.order) > 1e-3
    # the embedded step is consistent, and of a lower order
    assert abs(pair.error.sum()) < 1e-14
    assert abs(pair.error @ pair.c) < 1e-14
    assert np.abs(pair.error).max() > 1e-3


def test_the_implicit_pair_is_l_stable() -> None:
    """The stability function of the step vanishes at minus infinity, and that of the embedded step stays below 1."""
    pair = PAIRS["kencarp4"]
    a = pair.a + pair.gamma * np.diag([0.0, *np.ones(pair.stages - 1)])
    one = np.ones(pair.stages)
    for z in (-1e2, -1e4, -1e6):
        stages = np.linalg.solve(np.eye(pair.stages) - z * a, one)
        assert abs(1 + z * a[-1] @ stages) < 10 / abs(z)
        assert abs(1 + z * (a[-1] - pair.error) @ stages) < 1
