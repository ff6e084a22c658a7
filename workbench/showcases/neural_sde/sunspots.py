"""A real series: three hundred years of sunspots as a latent SDE, with bands for what was not seen.

A hidden state z of two components moves by a learnt SDE, and its first component is what is observed:

    dz = f(z) dt + σ dW        (the prior: how the sun goes on)
    y  = z₁ + ε                (square roots of the counts, standardised)

The posterior, z given the observations, is the SDE with another drift q(z, c) and the same σ, where the context c
of each year comes from a network that reads the later observations backwards. Both are learnt by the bound

    E[log p(y | z)] − KL(z₀) − ½ ∫ E |(q − f)/σ|² dt.

A fifth of the years and the last cycle are hidden from the training and show whether the bands can be trusted.

Source of the method: X. Li, T.-K. L. Wong, R. Chen, D. Duvenaud, "Scalable gradients for stochastic differential
equations", 2020, arXiv:2001.01328. Of the data: yearly mean sunspot numbers 1700–2008, NOAA National Geophysical
Data Center, as statsmodels ships them; public domain.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from importlib import resources

import numpy as np
import torch

from workbench.solvers import solve_sde
from workbench.training import Training, dense

STEP = 0.5
"""Of the solver, in years."""

WINDOW, BATCH = 44, 16
"""Years in a stretch trained on, about four cycles, and stretches in each iteration."""

LAST_SEEN = 1997
"""The eleven years after it are forecast."""

WIDTH, CONTEXT = 32, 16
HIDDEN_SEED, HIDDEN_SHARE = 11, 0.2
WARM_UP = 0.3
"""The share of the training over which the weight of the divergence rises from 0 to 1."""

COLUMNS = ("lower", "median", "upper")


@dataclass(frozen=True)
class Series:
    """The data. ``y`` are standardised square roots; ``seen`` says which ones may be learnt from. Shapes (years,)."""

    years: np.ndarray
    counts: np.ndarray
    y: np.ndarray
    seen: np.ndarray
    scale: tuple[float, float]

    def to_counts(self, y: np.ndarray) -> np.ndarray:
        """Sunspot numbers from standardised square roots."""
        middle, size = self.scale
        return np.maximum(middle + size * y, 0.0) ** 2


def read_sunspots() -> Series:
    """The yearly sunspot numbers, with a fifth of the years before ``LAST_SEEN`` and all after it hidden."""
    text = resources.files(__package__).joinpath("sunspots.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    years = np.array([int(row["year"]) for row in rows])
    counts = np.array([float(row["sunspots"]) for row in rows])
    past = years <= LAST_SEEN
    seen = past & (np.random.default_rng(HIDDEN_SEED).random(len(years)) >= HIDDEN_SHARE)
    roots = np.sqrt(counts)
    middle, size = float(roots[seen].mean()), float(roots[seen].std())
    return Series(years, counts, (roots - middle) / size, seen, (middle, size))


class LatentSDE(torch.nn.Module):
    """Prior, posterior and the network that reads observations backwards. float64.

    Args:
        generator: draws the starting values.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.prior = _network((2, WIDTH, 2), generator)
        self.posterior = _network((2 + CONTEXT, WIDTH, 2), generator)
        self.start = dense(CONTEXT, 4, generator)
        self.reader = torch.nn.GRU(2, CONTEXT, dtype=torch.float64)
        with torch.no_grad():
            for tensor in self.reader.parameters():
                tensor.uniform_(-1.0 / math.sqrt(CONTEXT), 1.0 / math.sqrt(CONTEXT), generator=generator)
        self.log_sigma = torch.nn.Parameter(torch.full((2,), math.log(0.3), dtype=torch.float64))
        self.log_noise = torch.nn.Parameter(torch.tensor(math.log(0.3), dtype=torch.float64))
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))

    def read(self, y: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """The context of each year: what is seen from that year on. Shapes (years, batch) → (years, batch, CONTEXT)."""
        backwards = torch.stack([torch.where(seen, y, 0.0), seen.double()], dim=-1).flip(0)
        return self.reader(backwards)[0].flip(0)

    def follow(self, context: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Paths of the posterior, one for each column of the context, and their divergence from the prior.

        Returns:
            states, shape (years, batch, 2), and the divergence of each path, shape (batch,).
        """
        mean, log_size = self.start(context[0]).chunk(2, dim=-1)
        z0 = mean + log_size.exp() * torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
        at_start = (0.5 * (mean.square() + (2.0 * log_size).exp() - 1.0) - log_size).sum(-1)
        sigma = self.log_sigma.exp()
        last = len(context) - 1

        def drift(t: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
            z = state[:, :2]
            ahead = context[min(int(t + 1e-6) + 1, last)]
            towards = self.posterior(torch.cat([z, ahead], dim=-1))
            cost = 0.5 * ((towards - self.prior(z)) / sigma).square().sum(-1, keepdim=True)
            return torch.cat([towards, cost], dim=-1)

        spread = torch.cat([sigma, torch.zeros(1, dtype=sigma.dtype)])
        ys = _solve(
            drift, spread, torch.cat([z0, torch.zeros_like(z0[:, :1])], dim=-1), len(context), generator
        )
        return ys[..., :2], ys[-1, :, 2] + at_start

    def go_on(self, z: torch.Tensor, years: int, generator: torch.Generator) -> torch.Tensor:
        """Paths of the prior from states z. Shape (years + 1, batch, 2)."""
        return _solve(lambda t, z: self.prior(z), self.log_sigma.exp(), z, years + 1, generator)


class SunspotProblem:
    """The bound, for stretches of the series drawn at random.

    Args:
        iterations: of the whole training, for the rising weight of the divergence.
        seed: of the network's start.
    """

    def __init__(self, iterations: int, seed: int) -> None:
        self.modules = LatentSDE(torch.Generator().manual_seed(seed))
        self._iterations = iterations
        series = read_sunspots()
        past = series.years <= LAST_SEEN
        self._y, self._seen = torch.from_numpy(series.y[past]), torch.from_numpy(series.seen[past])

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The negative bound for each observed year."""
        model = self.modules
        weight = min(1.0, (1 + int(model.iteration)) / (WARM_UP * self._iterations))
        model.iteration += 1
        first = torch.randint(len(self._y) - WINDOW, (BATCH,), generator=generator)
        window = first + torch.arange(WINDOW + 1)[:, None]
        y, seen = self._y[window], self._seen[window]
        # Some of the years seen are kept from the reader, so that it learns to do without.
        read = seen & (torch.rand(seen.shape, generator=generator) >= HIDDEN_SHARE)
        z, divergence = model.follow(model.read(y, read), generator)
        off = torch.where(seen, (y - z[..., 0]) / model.log_noise.exp(), 0.0)
        missing = 0.5 * off.square().sum(0) + seen.sum(0) * (model.log_noise + 0.5 * math.log(2.0 * math.pi))
        years = seen.sum()
        named = {"divergence": divergence.detach().sum() / years}
        return (missing + weight * divergence).sum() / years, named

    def snapshot(self) -> dict[str, np.ndarray | str]:
        """Nothing is drawn while it trains."""
        return {}


def learn_sunspots(iterations: int, seed: int) -> Training:
    """The training on the sunspots, run to its end."""
    training = Training(
        SunspotProblem(iterations, seed),
        iterations=iterations,
        learning_rate=0.03,
        schedule="warmup-cosine",
        clip_norm=10.0,
        keep_best=False,
        seed=seed + 1,
    )
    for _ in training:
        pass
    return training


def sunspot_bands(model: LatentSDE, *, n_paths: int, seed: int) -> dict[str, np.ndarray]:
    """Posterior bands of all years up to ``LAST_SEEN`` and forecast bands after it, in sunspot numbers.

    The bands are for what would be observed, observation noise included.

    Returns:
        ``years``, ``counts``, ``seen``; ``lower``, ``median``, ``upper``: 2.5, 50 and 97.5 %. Shapes (years,).
    """
    series, generator = read_sunspots(), torch.Generator().manual_seed(seed)
    past = int((series.years <= LAST_SEEN).sum())
    with torch.no_grad():
        y = torch.from_numpy(series.y[:past, None])
        context = model.read(y, torch.from_numpy(series.seen[:past, None]))
        z, _ = model.follow(context.expand(-1, n_paths, -1), generator)
        ahead = model.go_on(z[-1], len(series.years) - past, generator)
        latent = torch.cat([z, ahead[1:]])[..., 0]
        noise = torch.randn(latent.shape, generator=generator, dtype=latent.dtype)
        shown = series.to_counts((latent + model.log_noise.exp() * noise).numpy())
    bands = np.quantile(shown, (0.025, 0.5, 0.975), axis=1)
    found = dict(zip(COLUMNS, bands, strict=True))
    return {"years": series.years, "counts": series.counts, "seen": series.seen, **found}


def band_metrics(bands: dict[str, np.ndarray]) -> dict[str, float]:
    """The share of hidden and of forecast years inside the 95 % band, and the median's errors there."""
    inside = (bands["lower"] <= bands["counts"]) & (bands["counts"] <= bands["upper"])
    off = np.abs(bands["median"] - bands["counts"])
    ahead = bands["years"] > LAST_SEEN
    hidden = ~bands["seen"] & ~ahead
    return {
        "sunspots_coverage_of_hidden_years": float(inside[hidden].mean()),
        "sunspots_median_error_in_hidden_years": float(np.median(off[hidden])),
        "sunspots_coverage_of_forecast_years": float(inside[ahead].mean()),
        "sunspots_median_error_in_forecast_years": float(np.median(off[ahead])),
    }


def _solve(
    drift, diffusion: torch.Tensor, z0: torch.Tensor, years: int, generator: torch.Generator
) -> torch.Tensor:
    ts = torch.arange(years, dtype=torch.float64)
    spread = diffusion.expand(z0.shape)
    found = solve_sde(
        drift, lambda t, z: spread, z0, ts, method="euler", noise="additive", dt=STEP, generator=generator
    )
    return found.ys


def _network(sizes: tuple[int, ...], generator: torch.Generator) -> torch.nn.Sequential:
    first, middle, last = sizes
    return torch.nn.Sequential(
        dense(first, middle, generator), torch.nn.Tanh(), dense(middle, last, generator)
    )
