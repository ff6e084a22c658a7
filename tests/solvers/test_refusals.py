"""What the stochastic solvers refuse, by message, and what they say where a solution blows up."""

from __future__ import annotations

import itertools

import pytest
import torch

from workbench.errors import BlowUpError, SolverOptionError, StepLimitError
from workbench.solvers import BrownianPath, solve_sde
from workbench.solvers.sde import INTERPRETATIONS, REVERSIBLE
from workbench.solvers.tableaus import NOISES, STOCHASTIC

F64 = torch.float64
METHODS = (*STOCHASTIC, REVERSIBLE)

STRATONOVICH = {"heun", "midpoint", "reversible_heun"}
ANY_NOISE = {"euler", *STRATONOVICH}
ADDITIVE_ONLY = {"sra1", "sosra"}


def allowed(method: str, interpretation: str, noise: str) -> bool:
    """The table of docs/solvers.md, written down once more."""
    if noise == "general" and method not in ANY_NOISE:
        return False
    if method in ADDITIVE_ONLY:
        return noise == "additive"
    return noise == "additive" or (method in STRATONOVICH) == (interpretation == "stratonovich")


def solved(drift=None, diffusion=None, *, noise: str = "diagonal", **options):
    def matrix(t, y):
        return torch.stack([y, 0.1 * y], dim=2)

    return solve_sde(
        drift or (lambda t, y: -y),
        diffusion or (matrix if noise == "general" else lambda t, y: 0.1 * torch.ones_like(y)),
        torch.ones(3, 2, dtype=F64),
        [0.0, 0.2],
        noise=noise,
        **{"dt": 0.1, "generator": torch.Generator().manual_seed(0), **options},
    )


@pytest.mark.parametrize(
    ("method", "interpretation", "noise"), list(itertools.product(METHODS, INTERPRETATIONS, NOISES))
)
def test_methods_take_what_they_can_and_refuse_the_rest(method: str, interpretation: str, noise: str) -> None:
    if allowed(method, interpretation, noise):
        assert solved(method=method, interpretation=interpretation, noise=noise).ys.isfinite().all()
        return
    with pytest.raises(SolverOptionError) as caught:
        solved(method=method, interpretation=interpretation, noise=noise)
    assert f"method={method!r}" in caught.value.what
    better = caught.value.fix.split("method=")[1].split("'")[1]
    assert allowed(better, interpretation, noise), "the way out that is named is none"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "sosry"}, "method='sosry' is not known"),
        ({"interpretation": "strat"}, "interpretation='strat' is not known"),
        ({"noise": "diag"}, "noise='diag' is not known"),
        ({"gradient": "adjoint"}, "gradient='adjoint' is not known"),
        ({"dt": -0.1}, "dt must be positive"),
        ({"dt": None, "method": "euler"}, "no error estimate to adapt"),
        ({"adaptive": True, "method": "milstein"}, "no error estimate to adapt"),
        ({"adaptive": False, "dt": None}, "fixed steps need a length"),
        ({"gradient": "backsolve"}, "needs a method whose steps can be taken backwards"),
        ({"generator": None}, "comes from a path or from a generator"),
        ({"brownian": 3, "generator": None}, "must be a BrownianPath"),
        (
            {"brownian": BrownianPath(0.0, 0.2, rows=3, channels=1, seed=0), "generator": None},
            "does not fit the equation",
        ),
        (
            {"brownian": BrownianPath(0.0, 0.1, rows=3, channels=2, seed=0), "generator": None},
            "does not fit the equation",
        ),
    ],
)
def test_options_that_do_not_go_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(SolverOptionError, match=message):
        solved(**changes)


@pytest.mark.parametrize(
    ("drift", "diffusion", "message"),
    [
        (lambda t, y: y[:, :1], None, "the drift does not fit"),
        (None, lambda t, y: torch.ones(3, 5, dtype=F64), "the diffusion does not fit"),
        (lambda t, y: 3.0, None, "the drift does not fit"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(drift, diffusion, message: str) -> None:
    with pytest.raises(SolverOptionError, match=message):
        solved(drift, diffusion)


def exploding(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The second component grows from 2 like 1 / (½ − t)."""
    return torch.stack([-y[:, 0], y[:, 1] ** 2], dim=1)


def unfused(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The same, with a number taken out, which cannot be recorded."""
    return exploding(t, y) + 0.0 * y[0, 0].item()


@pytest.mark.parametrize("drift", [exploding, unfused])
@pytest.mark.parametrize("gradient", ["direct", "checkpoint"])
@pytest.mark.parametrize("method", ["euler", "sosri"])
def test_a_blow_up_in_fixed_steps_names_time_row_and_component(drift, gradient: str, method: str) -> None:
    y0 = torch.tensor([[1.0, 0.1], [1.0, 2.0]], dtype=F64)
    with pytest.raises(BlowUpError, match="component 1 of row 1") as caught:
        solve_sde(
            drift,
            lambda t, y: 0.01 * y,
            y0,
            [0.0, 2.0],
            method=method,
            dt=0.01,
            gradient=gradient,
            generator=torch.Generator().manual_seed(0),
        )
    assert 0.45 < float(caught.value.where.split("t = ")[1].split(",")[0]) < 0.7


@pytest.mark.parametrize("drift", [exploding, unfused])
def test_a_blow_up_in_adaptive_steps_names_time_and_row(drift) -> None:
    y0 = torch.tensor([[1.0, 0.1], [1.0, 2.0]], dtype=F64)
    with pytest.raises((BlowUpError, StepLimitError), match="row 1") as caught:
        solve_sde(drift, lambda t, y: 0.01 * y, y0, [0.0, 2.0], generator=torch.Generator().manual_seed(0))
    assert float(caught.value.where.split("t = ")[1].split(",")[0]) == pytest.approx(0.5, abs=0.05)
