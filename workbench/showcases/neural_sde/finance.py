"""The financial view: a stock that grows at a learnt rate, and the price of an option on it.

    dS = r S dt + σ S dW        geometric Brownian motion, Itô

The price of a call is e^(−rT) E[max(S(T) − K, 0)]; Black and Scholes have it in closed form. The program below is
plain Python and NumPy; its derivatives, the Greeks, come from the engine.

Source: F. Black, M. Scholes, "The pricing of options and corporate liabilities", 1973, doi:10.1086/260062.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

import numpy as np
import torch

from workbench.autodiff import hessian, value_and_gradient
from workbench.solvers import solve_sde
from workbench.training import OPTIMISERS, Optimiser

LEARNING_PATHS = 1000
QUOTED_STRIKES = (80.0, 90.0, 100.0, 110.0, 120.0)


@dataclass(frozen=True)
class Market:
    """A stock now at ``spot``, and a call on it: ``rate`` and ``volatility`` a year, ``years`` to its end."""

    spot: float = 100.0
    strike: float = 105.0
    rate: float = 0.05
    volatility: float = 0.2
    years: float = 1.0


def black_scholes(spot, strike, rate, volatility, years):
    """The price of a European call, in closed form."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + 0.5 * volatility**2) * years) / spread
    return spot * _normal(d1) - strike * math.exp(-rate * years) * _normal(d1 - spread)


def _normal(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def simulated_price(spot, strike, rate, volatility, years, draws):
    """The same price as a mean over simulated ends of the exact solution S(T) = S e^((r − σ²/2)T + σ√T Z).

    The payoff's kink is smoothed over a width of 1 % of the strike, so that the second derivative is one, too:
    a call has none on a single path.

    Args:
        draws: standard normal numbers Z; each counts with its mirror image −Z. Shape (paths,).
    """
    spread = volatility * math.sqrt(years) * np.concatenate([draws, -draws])
    ends = spot * np.exp((rate - 0.5 * volatility**2) * years + spread)
    width = 0.01 * strike
    payoff = width * np.logaddexp(0.0, (ends - strike) / width)
    return math.exp(-rate * years) * np.mean(payoff)


def greeks(price, market: Market, *more) -> dict[str, float]:
    """Price and sensitivities of a pricing program, by the engine.

    Args:
        price: program of (spot, strike, rate, volatility, years, *more).
        market: where.
        more: further arguments of the program.
    Returns:
        price; delta ∂/∂spot; gamma ∂²/∂spot²; vega ∂/∂volatility; rho ∂/∂rate; theta −∂/∂years.
    """
    at = (*astuple(market), *more)
    value, slopes = value_and_gradient(price, wrt=(0, 2, 3, 4))(*at)
    delta, rho, vega, longer = (float(slope) for slope in slopes)
    gamma = float(hessian(price)(*at))
    return {"price": float(value), "delta": delta, "gamma": gamma, "vega": vega, "rho": rho, "theta": -longer}


def greeks_in_closed_form(market: Market) -> dict[str, float]:
    """What ``greeks`` gives for ``black_scholes``, from the textbook's formulas."""
    s, k, r, v, years = astuple(market)
    root = math.sqrt(years)
    d1 = (math.log(s / k) + (r + 0.5 * v**2) * years) / (v * root)
    density = math.exp(-0.5 * d1**2) / math.sqrt(2.0 * math.pi)
    bond = k * math.exp(-r * years) * _normal(d1 - v * root)
    return {
        "price": s * _normal(d1) - bond,
        "delta": _normal(d1),
        "gamma": density / (s * v * root),
        "vega": s * density * root,
        "rho": years * bond,
        "theta": -0.5 * s * density * v / root - r * bond,
    }


def quotes(market: Market) -> dict[float, float]:
    """Strike → price of the calls that are quoted on this market: exact, by ``black_scholes``."""
    return {
        strike: black_scholes(market.spot, strike, market.rate, market.volatility, market.years)
        for strike in QUOTED_STRIKES
    }


def learn_market(
    quotes: Mapping[float, float], market: Market, *, iterations: int, seed: int
) -> tuple[Market, np.ndarray]:
    """Rate and volatility that explain the prices of calls, by gradients through the simulated stock.

    The loss is the product of two halves' errors. The square of one error would count its own noise, too, and
    prefer a stock with less of it: the flaw of a single path's squared error once more.

    Args:
        quotes: strike → price of a call.
        market: spot and years are taken from it, rate and volatility are not.
        iterations: of Adam, each with ``LEARNING_PATHS`` new paths.
        seed: of the paths.
    Returns:
        the market found (averaged over the last half of the iterations), and rate and volatility in each iteration.
        Shape (iterations, 2).
    """
    strikes = torch.tensor(list(quotes), dtype=torch.float64)
    prices = torch.tensor(list(quotes.values()), dtype=torch.float64)
    found = torch.tensor([0.0, 0.4], dtype=torch.float64, requires_grad=True)
    optimiser = Optimiser(OPTIMISERS["adam"], [found])
    generator = torch.Generator().manual_seed(seed)
    ts = torch.linspace(0.0, market.years, 5, dtype=torch.float64)
    spot = torch.full((LEARNING_PATHS, 1), market.spot, dtype=torch.float64)
    seen = []
    for _ in range(iterations):
        optimiser.zero_grad()
        rate, volatility = found
        paths = solve_sde(
            lambda t, s, r=rate: r * s,
            lambda t, s, v=volatility: v * s,
            spot,
            ts,
            method="sosri",
            dt=0.25 * market.years,
            generator=generator,
        )
        payoffs = torch.exp(-rate * market.years) * torch.relu(paths.ys[-1] - strikes)
        one, other = (half.mean(0) - prices for half in payoffs.chunk(2))
        loss = (one * other).mean()
        loss.backward()
        optimiser.step(0.01)
        seen.append(found.detach().numpy().copy())
    learnt = np.array(seen)
    rate, volatility = learnt[iterations // 2 :].mean(0)
    return replace(market, rate=float(rate), volatility=float(volatility)), learnt
