"""One step of each stochastic method, on tensors of shape (batch, state).

``h`` and ``t`` are numbers, or columns of shape (batch, 1) when every row has its own step; a row with h = 0 and
ΔW = 0 stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch

from workbench.errors import SolverOptionError
from workbench.solvers.problem import States
from workbench.solvers.tableaus import STOCHASTIC, StochasticTableau

Pair = Callable[[Any, torch.Tensor], torch.Tensor]


class Step(NamedTuple):
    """Where a step begins, how long it is, and what the Brownian motion does in it.

    ``divisor`` is √h, or 1 where h = 0; ``w`` is ΔW and ``j`` is ΔW/2 + H, shape (batch, channels).
    """

    t: torch.Tensor
    h: Any
    divisor: Any
    w: torch.Tensor
    j: torch.Tensor


@dataclass(frozen=True)
class Equation:
    """drift dt + diffusion dW in the form that the steps work on.

    ``drift`` and ``diffusion`` give tensors of shape (batch, state), or for matrix noise a diffusion of shape
    (batch, state, channels). ``both`` gives the two from one call, where the caller has such a function. ``given`` are
    the functions as the caller gave them.
    """

    drift: Pair
    diffusion: Pair
    both: Callable[[Any, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    noise: str
    channels: int
    matrix: bool
    given: tuple[Callable, ...]

    def times(self, g: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The diffusion times a vector of channels."""
        return (g @ x[..., None])[..., 0] if self.matrix else g * x


def equation(
    drift: Callable, diffusion: Callable | None, states: States, *, noise: str, t0: float
) -> Equation:
    """The caller's functions, checked once at the initial state.

    Raises:
        SolverOptionError: a shape does not fit the noise.
    """
    y0 = states.y0.detach()
    t = torch.tensor(t0, dtype=y0.dtype, device=y0.device)
    f = states.function(drift, "drift")
    with torch.no_grad():
        if diffusion is None:
            found = f(t, y0)
            if not isinstance(found, tuple) or len(found) != 2:
                raise SolverOptionError(
                    "without a diffusion, the drift must return both: (drift, diffusion)",
                    found=f"got {type(found).__name__}",
                    where="diffusion=None",
                )
        else:
            found = f(t, y0), states.function(diffusion, "diffusion")(t, y0)
    _check_shape("drift", found[0], tuple(y0.shape), noise)
    matrix, channels, _ = _noise_shape(noise, found[1], y0)
    return known_equation(drift, diffusion, states, noise=noise, channels=channels, matrix=matrix)


def known_equation(
    drift: Callable,
    diffusion: Callable | None,
    states: States,
    *,
    noise: str,
    channels: int,
    matrix: bool = False,
) -> Equation:
    """The caller's functions, of which it is known that they fit; the diffusion is given its full shape."""
    f = states.function(drift, "drift")

    def fitted(value: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if noise == "scalar" and value.ndim == 3:
            value = value[..., 0]
        shape = (*y.shape, channels) if matrix else y.shape
        return value if value.shape == shape else value.expand(shape)

    if diffusion is None:

        def both(t: Any, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found = f(t, y)
            return found[0], fitted(found[1], y)

        return Equation(
            lambda t, y: f(t, y)[0], lambda t, y: both(t, y)[1], both, noise, channels, matrix, (drift,)
        )
    g = states.function(diffusion, "diffusion")
    return Equation(
        f,
        lambda t, y: fitted(g(t, y), y),
        lambda t, y: (f(t, y), fitted(g(t, y), y)),
        noise,
        channels,
        matrix,
        (drift, diffusion),
    )


def _check_shape(name: str, value: Any, shape: tuple[int, ...], noise: str) -> None:
    if not isinstance(value, torch.Tensor) or tuple(value.shape) != shape:
        got = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise SolverOptionError(
            f"the {name} does not fit the state",
            found=f"got {got}, expected {shape} for noise={noise!r}",
            where=name,
        )


def _noise_shape(noise: str, g: Any, y0: torch.Tensor) -> tuple[bool, int, tuple[int, ...]]:
    """Whether the diffusion is a matrix, the number of channels, and its full shape."""
    batch, size = y0.shape
    axes = g.ndim if isinstance(g, torch.Tensor) else -1
    if noise == "general" or (noise == "additive" and axes == 3):
        channels = g.shape[-1] if axes >= 1 else 0
        shape: tuple[int, ...] = (batch, size, channels)
        matrix = True
    elif noise == "scalar":
        channels, matrix = 1, False
        shape = (batch, size, 1) if axes == 3 else (batch, size)
    else:
        channels, matrix, shape = size, False, (batch, size)
    if axes >= 0 and tuple(g.shape) == shape:
        return matrix, channels, shape
    fits = axes >= 0 and axes <= len(shape) and not (matrix and axes < 2)
    if fits:
        try:
            fits = tuple(torch.broadcast_shapes(tuple(g.shape), shape)) == shape
        except RuntimeError:
            fits = False
    if not fits:
        _check_shape("diffusion", g, shape, noise)
        raise SolverOptionError(
            "the diffusion does not fit the state",
            found=f"got {tuple(g.shape)}, expected {shape} for noise={noise!r}",
            where="diffusion",
        )
    return matrix, channels, shape


@cache
def _lists(name: str) -> tuple[bool, list, list, int]:
    """The coefficients of a method as lists: whether drift and diffusion share their states, matrices, β; and how
    often it evaluates the drift."""
    m = STOCHASTIC[name]
    matrices = (m.a0, m.a1, m.b0, m.b1, m.w0, m.w1)
    return m.same_states, [matrix.tolist() for matrix in matrices], m.beta.T.tolist(), sum(m.used_drifts)


class TableauStep:
    """The step of a tableau, and its embedded error."""

    def __init__(self, tableau: StochasticTableau, eq: Equation) -> None:
        self.tableau, self.eq = tableau, eq
        self.area = tableau.area
        self._shared, rows, self._beta, self.evaluations = _lists(tableau.name)
        self._a0, self._a1, self._b0, self._b1, self._w0, self._w1 = rows

    def start(self, t: torch.Tensor, y0: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The state that the steps carry."""
        return (y0,)

    def __call__(self, state: tuple[torch.Tensor, ...], step: Step) -> tuple[torch.Tensor, ...]:
        """The state after a step."""
        fs, gs = self._stages(state[0], step)
        return (self._sum(state[0], step, fs, gs)[0],)

    def with_error(self, state: tuple[torch.Tensor, ...], step: Step) -> tuple[tuple[torch.Tensor, ...], Any]:
        """The state after a step, and its difference from the embedded step of strong order 1."""
        fs, gs = self._stages(state[0], step)
        y1, high = self._sum(state[0], step, fs, gs)
        return (y1,), high - step.h * fs[0]

    def _stages(self, y: torch.Tensor, step: Step) -> tuple[list[Any], list[Any]]:
        tableau, eq = self.tableau, self.eq
        t, h = step.t, step.h
        additive = eq.noise == "additive"
        fs: list[Any] = []
        gs: list[Any] = []
        for i in range(tableau.stages):
            at0 = self._shifted(y, step, fs, gs, (self._a0[i], self._b0[i], self._w0[i], None))
            if self._shared:
                f, g = eq.both(t + tableau.c0[i] * h, at0)
                fs.append(f)
                gs.append(g)
                continue
            fs.append(eq.drift(t + tableau.c0[i] * h, at0) if tableau.used_drifts[i] else None)
            if not tableau.used_diffusions[i]:
                gs.append(None)
            elif additive:
                gs.append(eq.diffusion(t + tableau.c1[i] * h, y))
            else:
                at1 = self._shifted(y, step, fs, gs, (self._a1[i], None, self._w1[i], self._b1[i]))
                gs.append(eq.diffusion(t + tableau.c1[i] * h, at1))
        return fs, gs

    def _shifted(
        self, y: torch.Tensor, step: Step, fs: list[Any], gs: list[Any], rows: tuple
    ) -> torch.Tensor:
        """y plus weights times the drifts and diffusions of the stages before."""
        drift, area, wiener, root = rows
        for j, f in enumerate(fs):
            if drift[j]:
                y = y + (drift[j] * step.h) * f
        for j, g in enumerate(gs):
            if area is not None and area[j]:
                y = y + self.eq.times(g, area[j] * step.j)
            if wiener[j]:
                y = y + self.eq.times(g, wiener[j] * step.w)
            if root is not None and root[j]:
                y = y + (root[j] * step.divisor) * g
        return y

    def _sum(self, y: torch.Tensor, step: Step, fs: list[Any], gs: list[Any]) -> tuple[torch.Tensor, Any]:
        """The new state, and the part of it that the embedded step lacks, but for its drift."""
        w, h, divisor = step.w, step.h, step.divisor
        drift = sum((float(a) * h) * f for a, f in zip(self.tableau.alpha, fs, strict=True) if a)
        low: Any = 0.0
        high: Any = 0.0
        i11 = (w * w - h) / (2.0 * divisor) if self.tableau.beta[1].any() else None
        i111 = w * (w * w - 3.0 * h) / (6.0 * divisor * divisor) if self.tableau.beta[3].any() else None
        for (b1, b2, b3, b4), g in zip(self._beta, gs, strict=True):
            if b1 or b2:
                low = low + self.eq.times(g, b1 * w + b2 * i11 if b2 else b1 * w)
            if b3 or b4:
                high = high + self.eq.times(g, b3 * step.j + b4 * i111 if b4 else b3 * step.j)
        return y + drift + low + high, drift + high


class ReversibleHeunStep:
    """The reversible Heun method: the state (y, ŷ, f(ŷ), g(ŷ)) can be had back from the one after it.

    Facts: Stratonovich; strong order 1 for commuting noise, else 0.5; weak order 1; one evaluation a step.
    Source: P. Kidger, J. Foster, X. Li, T. Lyons, Efficient and accurate gradients for neural SDEs, 2021,
    arXiv:2105.13493, algorithm 1 (forwards) and 2 (backwards).
    """

    area, evaluations = False, 1

    def __init__(self, eq: Equation) -> None:
        self.eq = eq

    def start(self, t: torch.Tensor, y0: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The state that the steps carry."""
        return (y0, y0, *self.eq.both(t, y0))

    def __call__(self, state: tuple[torch.Tensor, ...], step: Step) -> tuple[torch.Tensor, ...]:
        """The state after a step."""
        y0, z0, f0, g0 = state
        times = self.eq.times
        z1 = 2.0 * y0 - z0 + step.h * f0 + times(g0, step.w)
        f1, g1 = self.eq.both(step.t + step.h, z1)
        y1 = y0 + (0.5 * step.h) * (f0 + f1) + times(g0 + g1, 0.5 * step.w)
        return y1, z1, f1, g1

    def back(self, state: tuple[torch.Tensor, ...], step: Step) -> tuple[torch.Tensor, ...]:
        """The state before a step."""
        y1, z1, f1, g1 = state
        times = self.eq.times
        z0 = 2.0 * y1 - z1 - step.h * f1 - times(g1, step.w)
        f0, g0 = self.eq.both(step.t, z0)
        y0 = y1 - (0.5 * step.h) * (f0 + f1) - times(g0 + g1, 0.5 * step.w)
        return y0, z0, f0, g0
