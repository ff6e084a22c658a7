"""torchsde's methods behind ``solve_sde``: ``method="torchsde:srk"`` and the like, on our Brownian paths.

torchsde interpolates linearly at outputs that fall between its steps, which halves the noise there; so it is asked for
one interval between two outputs at a time. Its adaptive steps take one error for the whole batch and are not offered.

Source: X. Li, T.-K. L. Wong, R. Chen, D. Duvenaud, Scalable gradients for stochastic differential equations, 2020,
arXiv:2001.01328, and the package torchsde.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from workbench.solvers.brownian import BrownianPath, Window
from workbench.solvers.sde_adaptive import blow_up
from workbench.solvers.sde_grid import FixedGrid
from workbench.solvers.sde_steps import Equation

PREFIX = "torchsde:"
_MANY = ("diagonal", "scalar", "additive")
_ANY = (*_MANY, "general")

TORCHSDE = {
    f"{PREFIX}{name}": facts
    for name, facts in {
        "euler": ("ito", _ANY),
        "milstein": ("any", _MANY),
        "srk": ("ito", _MANY),
        "heun": ("stratonovich", _ANY),
        "midpoint": ("stratonovich", _ANY),
        "euler_heun": ("stratonovich", _ANY),
        "reversible_heun": ("stratonovich", _ANY),
    }.items()
}
"""Interpretation and noises of each method."""


class _Asked:
    """An equation as torchsde asks for it."""

    def __init__(self, eq: Equation, interpretation: str) -> None:
        self._eq, self.sde_type, self.evaluations = eq, interpretation, 0
        # a diagonal given for additive noise is diagonal to torchsde, which wants matrices for the rest
        self.noise_type = "diagonal" if eq.noise == "additive" and not eq.matrix else eq.noise

    def f(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The drift."""
        self.evaluations += 1
        return self._eq.drift(t, y)

    def g(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The diffusion."""
        found = self._eq.diffusion(t, y)
        return found[..., None] if self.noise_type == "scalar" else found


class TorchsdeRun:
    """Fixed steps by one of torchsde's methods."""

    def __init__(self, method: str, eq: Equation, interpretation: str) -> None:
        own = TORCHSDE[method][0]
        self._name = method.removeprefix(PREFIX)
        self._asked = _Asked(eq, interpretation if own == "any" else own)

    @property
    def evaluations(self) -> int:
        """Of the drift, so far."""
        return self._asked.evaluations

    def __call__(
        self, grid: FixedGrid, y0: torch.Tensor, progress: Callable[[float], None] | None
    ) -> torch.Tensor:
        """The states at the outputs, (times, batch, state)."""
        from torchsde import sdeint

        path = _brownian(grid.path, y0)
        ys, last = [y0], len(grid.times) - 1
        for k in range(last):
            ts = torch.as_tensor(grid.times[k : k + 2], dtype=torch.float64)
            h = float(grid.hs[k]) * (1.0 + 1e-10)  # so that rounding leaves no step of no length at the end
            y = sdeint(self._asked, ys[-1], ts, bm=path, method=self._name, dt=h)[-1]
            bad = (~torch.isfinite(y)).nonzero()
            if len(bad):
                raise blow_up(float(ts[1]), *bad[0].tolist())
            ys.append(y)
            if progress is not None:
                progress((k + 1) / last)
        return torch.stack(ys)


def _brownian(path: BrownianPath | Window, like: torch.Tensor) -> Any:
    """Our path as torchsde takes one."""
    from torchsde import BaseBrownian

    whole = path.path if isinstance(path, Window) else path

    class Path(BaseBrownian):
        """W(b) − W(a), and U = ∫ (W − W(a)) dt between."""

        dtype, device = like.dtype, like.device
        shape = torch.Size((whole.rows, whole.channels))
        levy_area_approximation = "space-time"

        def __repr__(self) -> str:
            return "Path()"

        def __call__(self, ta: Any, tb: Any, return_U: bool = False, return_A: bool = False) -> Any:
            a, b = float(ta), float(tb)
            w, area = (x.to(like) for x in whole.increment(a, b))
            return (w, (b - a) * (0.5 * w + area)) if return_U else w

    return Path()
