"""The neural SDE: drift and diffusion that are learnt, ready for the solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from workbench.showcases.neural_sde.parameters import SpiralParameters
from workbench.showcases.neural_sde.system import START
from workbench.solvers import Ensemble, solve_ensemble, solve_sde
from workbench.training import dense

DIFFUSION_WIDTH = 16
ADAPTIVE_TOLERANCE = 0.1


class NeuralSDE(torch.nn.Module):
    """du = drift(u) dt + diffusion(u) dW, Itô, diagonal noise; drift(u) is a network of u³, ``width`` tanh units.

    Each component's diffusion depends on this component alone: as given (0.2 u), w u + b, or a network. Its sign
    has no meaning, as −dW is as good as dW.

    In float64, as the data are: a network this small gains no time from float32.

    Args:
        parameters: width, which diffusion, the true noise where it is known, the solver's method and steps.
        generator: draws the starting values, uniform in ±1/√(inputs) as in torch.

    Source: the network of u³ from Rackauckas et al., 2020, and its published code.
    """

    def __init__(self, parameters: SpiralParameters, generator: torch.Generator) -> None:
        super().__init__()
        self.parameters_given = parameters
        self.drift_layers = torch.nn.Sequential(
            dense(2, parameters.width, generator), torch.nn.Tanh(), dense(parameters.width, 2, generator)
        )
        kind = parameters.diffusion
        if kind == "linear":
            self.slope = torch.nn.Parameter(torch.full((2,), 0.1, dtype=torch.float64))
            self.offset = torch.nn.Parameter(torch.full((2,), 0.1, dtype=torch.float64))
        elif kind == "network":
            self.diffusion_layers = torch.nn.ModuleList(
                torch.nn.Sequential(
                    dense(1, DIFFUSION_WIDTH, generator),
                    torch.nn.Tanh(),
                    dense(DIFFUSION_WIDTH, 1, generator),
                )
                for _ in range(2)
            )

    def drift(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The drift at states u. Shape (batch, 2)."""
        return self.drift_layers(u**3)

    def diffusion(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The diagonal of the diffusion at states u. Shape (batch, 2)."""
        kind = self.parameters_given.diffusion
        if kind == "known":
            return self.parameters_given.noise * u
        if kind == "linear":
            return self.slope * u + self.offset
        return torch.cat([net(u[:, i : i + 1]) for i, net in enumerate(self.diffusion_layers)], dim=1)

    def simulate(self, u0: torch.Tensor, ts: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One path from each state u0, at the times ts, differentiable in the weights.

        Args:
            u0: shape (batch, 2).
            ts: shape (times,).
            generator: of the Brownian paths.
        Returns:
            Shape (times, batch, 2).
        """
        return solve_sde(self.drift, self.diffusion, u0, ts, generator=generator, **self._steps(ts)).ys

    def ensemble(self, ts: np.ndarray, n_paths: int, seed: int) -> Ensemble:
        """Paths from the start of the system, at the times ts, on all cores."""
        start = torch.tensor(START, dtype=torch.float64)
        return solve_ensemble(
            self.drift, self.diffusion, start, ts, paths=n_paths, seed=seed, **self._steps(ts)
        )

    def _steps(self, ts: Any) -> dict[str, Any]:
        """How the solver steps, for outputs at the times ts."""
        p = self.parameters_given
        if p.steps == 0:
            how = {"rtol": ADAPTIVE_TOLERANCE, "atol": ADAPTIVE_TOLERANCE, "adaptive": True}
        else:
            how = {"dt": float(ts[1] - ts[0]) / p.steps * (1.0 + 1e-9)}
        return {"method": p.method, "noise": "diagonal", **how}
