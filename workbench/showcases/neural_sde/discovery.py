"""The equations behind paths: which terms drift and diffusion have, how large they are, and how sure that is.

The drift's terms θ(u) are polynomials. Over two intervals h of observation, Simpson's rule turns the equation into

    u(t + 2h) − u(t) = h/3 [θ(u(t)) + 4 θ(u(t + h)) + θ(u(t + 2h))] c + noise,

linear in the coefficients c, with no derivative of the noisy paths and an error of order h⁵. The noise depends on
the later values of u, so least squares would be biased; the instruments θ(u(t)) are known before it comes, so
E[θ(u(t)) · noise] = 0 gives an estimate without that bias.

For the diffusion, let m be the flow of the drift alone from u(t). By Itô's formula

    (u − m)² at t + 2h = ∫ 2 (u − m)(f(u) − f(m)) + g(u)² ds + noise,

which Simpson's rule makes linear in the coefficients of g² = φ(u) d. Rows are weighted by the variance found before.

Sparse by sequential thresholding (STLSQ): the term that is smallest against its standard error leaves, the others
are fitted again, until all that are left stand out. The bootstrap draws whole paths.

Source: S. Brunton, J. Proctor, J. Kutz, "Discovering governing equations from data by sparse identification of
nonlinear dynamical systems", 2016, doi:10.1073/pnas.1517384113; L. Boninsegna, F. Nüske, C. Clementi, "Sparse
learning of stochastic dynamical equations", 2018, doi:10.1063/1.5018409; instruments: T. Söderström, P. Stoica,
"Instrumental variable methods for system identification", 1983.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

DRIFT_DEGREE, SQUARE_DEGREE = 3, 2
"""Of the polynomials tried for the drift and for the squared diffusion."""

FLOOR = 0.02
"""Of the variance that weights a row, as a share of its mean: nothing is known to within nothing."""

LEAST_SCORE = 4.0
"""A term stays in while its coefficient is so many times its standard error."""

PASSES = 3
"""Unweighted first, then weighted by the variances found in the pass before."""

BLOCK = 1000
"""Paths looked at together: of ten thousand at once the terms and what is made of them take 170 MB."""

FLOW_STEPS = 4
"""Of the classical Runge–Kutta method in each interval, for the flow of the drift."""


@dataclass(frozen=True)
class Terms:
    """The monomials of two variables up to a degree: exponents and names."""

    exponents: tuple[tuple[int, int], ...]

    @classmethod
    def up_to(cls, degree: int) -> Terms:
        """1, u₁, u₂, u₁², u₁u₂, …"""
        pairs = [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
        return cls(tuple(pairs))

    @property
    def names(self) -> tuple[str, ...]:
        """The terms as text: "u1^2 u2"."""
        return tuple(_monomial(i, j) for i, j in self.exponents)

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """All terms at states u. Shape (..., 2) → (..., terms)."""
        top = max(map(sum, self.exponents))
        powers = [np.ones_like(u)]
        for _ in range(top):
            powers.append(powers[-1] * u)
        return np.stack([powers[i][..., 0] * powers[j][..., 1] for i, j in self.exponents], axis=-1)


@dataclass(frozen=True)
class Found:
    """One equation: coefficients of its terms, zero where a term was left out, and bootstrap intervals.

    Attributes:
        terms: the candidates' names.
        coefficients: shape (terms,).
        low, high: 95 % interval of each coefficient. Shape (terms,).
        support: share of the resamples that kept the term. Shape (terms,).
    """

    terms: tuple[str, ...]
    coefficients: np.ndarray
    low: np.ndarray
    high: np.ndarray
    support: np.ndarray

    def coefficient(self, term: str) -> float:
        """Of the named term."""
        return float(self.coefficients[self.terms.index(term)])

    def text(self) -> str:
        """The right-hand side: "-0.1002 u1^3 - 1.998 u2^3"."""
        kept = [(c, name) for c, name in zip(self.coefficients, self.terms, strict=True) if c != 0.0]
        return written(kept)


@dataclass(frozen=True)
class Discovery:
    """Drift and squared diffusion of each component."""

    drift: tuple[Found, Found]
    squared_diffusion: tuple[Found, Found]

    def equations(self) -> list[str]:
        """The system as text, one equation for each component."""
        return [
            f"du{i + 1} = ({f.text()}) dt + {diffusion_text(g)} dW{i + 1}"
            for i, (f, g) in enumerate(zip(self.drift, self.squared_diffusion, strict=True))
        ]


class _System(NamedTuple):
    """The linear equations A c = b of one component, path by path, and the covariance of their noise.

    ``a``: (paths, terms, terms); ``b``: (paths, terms); ``noise``: (terms, terms), of the sum over the paths.
    """

    a: np.ndarray
    b: np.ndarray
    noise: np.ndarray

    def fit(self, counts: np.ndarray | None = None) -> np.ndarray:
        """The sparse coefficients, each path counted so many times. Shape (terms,)."""
        if counts is None:
            return _sparse(self.a.sum(0), self.b.sum(0), self.noise)
        a = (counts @ self.a.reshape(len(counts), -1)).reshape(self.noise.shape)
        return _sparse(a, counts @ self.b, self.noise)


def discover(ts: np.ndarray, paths: np.ndarray, *, resamples: int, rng: np.random.Generator) -> Discovery:
    """Find drift and diffusion from paths observed at equally spaced times.

    Args:
        ts: times. Shape (times,).
        paths: shape (times, paths, 2).
        resamples: of the bootstrap.
        rng: draws the paths of each resample.
    """
    h, n_paths = float(ts[1] - ts[0]), paths.shape[1]
    drift_terms, square_terms = Terms.up_to(DRIFT_DEGREE), Terms.up_to(SQUARE_DEGREE)
    weights = np.ones_like(paths)
    for _ in range(PASSES):
        drifts = [_drift_system(drift_terms, paths, i, h, weights[..., i]) for i in (0, 1)]
        drift_fits = np.stack([system.fit() for system in drifts], axis=-1)
        targets = _by_blocks(partial(_square_targets, drift_terms, drift_fits, h), paths)
        squares = [_system(square_terms, paths, targets[..., i], h, weights[..., i] ** 2) for i in (0, 1)]
        square_fits = np.stack([system.fit() for system in squares], axis=-1)
        variances = _by_blocks(partial(_values, square_terms, square_fits), paths)
        weights = 1.0 / np.maximum(variances, FLOOR * variances.mean((0, 1)))
    counts = rng.multinomial(n_paths, np.full(n_paths, 1.0 / n_paths), resamples).astype(float)
    found = [_found(drift_terms, system, counts) for system in drifts]
    return Discovery(tuple(found), tuple(_found(square_terms, system, counts) for system in squares))


def distil(
    drift: Callable[[np.ndarray], np.ndarray], states: np.ndarray, *, least: float = 0.05
) -> list[str]:
    """The right-hand sides of a drift that can be asked at any state, a trained network say, as polynomials.

    Least squares over the states, terms with coefficients below ``least`` left out one by one (STLSQ).

    Args:
        drift: states (n, 2) → drifts (n, 2).
        states: where it is asked. Shape (n, 2).
        least: the smallest coefficient that stays.
    """
    terms = Terms.up_to(DRIFT_DEGREE)
    values, targets = terms(states), drift(states)
    return [
        written(list(zip(_thresholded(values, target, least), terms.names, strict=True)))
        for target in targets.T
    ]


def _by_blocks(function: Callable[..., np.ndarray], *arrays: np.ndarray, axis: int = 1) -> np.ndarray:
    """The function of ``BLOCK`` paths after the other, joined along ``axis``; the arrays' paths are their axis 1."""
    begins = range(0, arrays[0].shape[1], BLOCK)
    parts = [function(*(array[:, begin : begin + BLOCK] for array in arrays)) for begin in begins]
    return np.concatenate(parts, axis=axis)


def _values(terms: Terms, fits: np.ndarray, u: np.ndarray) -> np.ndarray:
    return terms(u) @ fits


def _drift_system(terms: Terms, paths: np.ndarray, i: int, h: float, weights: np.ndarray) -> _System:
    u = paths[..., i]
    return _system(terms, paths, u[2:] - u[:-2], h, weights)


def _system(terms: Terms, paths: np.ndarray, targets: np.ndarray, h: float, weights: np.ndarray) -> _System:
    """Simpson's rule over two intervals for the terms, times the instruments at the beginning of each pair."""

    def equations(paths: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        values = terms(paths)
        simpson = (h / 3.0) * (values[:-2] + 4.0 * values[1:-1] + values[2:])
        instruments = (values[:-2] * weights[:-2, :, None]).transpose(1, 2, 0)
        right = np.concatenate([simpson.transpose(1, 0, 2), targets.T[:, :, None]], axis=2)
        return instruments @ right

    joined = _by_blocks(equations, paths, targets, weights, axis=0)
    a, b = np.ascontiguousarray(joined[..., :-1]), joined[..., -1]
    residuals = b - a @ np.linalg.solve(a.sum(0), b.sum(0))
    return _System(a, b, residuals.T @ residuals)


def _square_targets(terms: Terms, fits: np.ndarray, h: float, paths: np.ndarray) -> np.ndarray:
    """(u − m)² after two intervals less Simpson's rule for 2 (u − m)(f(u) − f(m)). Shape (times − 2, paths, 2)."""
    drift = partial(_values, terms, fits)
    at_1 = _flow(drift, paths[:-2], h)
    at_2 = _flow(drift, at_1, h)
    off_1, off_2 = paths[1:-1] - at_1, paths[2:] - at_2
    drifts = drift(paths)
    pull_1 = 2.0 * off_1 * (drifts[1:-1] - drift(at_1))
    pull_2 = 2.0 * off_2 * (drifts[2:] - drift(at_2))
    return off_2**2 - (h / 3.0) * (4.0 * pull_1 + pull_2)


def _flow(drift: Callable[[np.ndarray], np.ndarray], u: np.ndarray, h: float) -> np.ndarray:
    h /= FLOW_STEPS
    for _ in range(FLOW_STEPS):
        k1 = drift(u)
        k2 = drift(u + 0.5 * h * k1)
        k3 = drift(u + 0.5 * h * k2)
        u = u + (h / 6.0) * (k1 + 2.0 * k2 + 2.0 * k3 + drift(u + h * k3))
    return u


def _sparse(a: np.ndarray, b: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Coefficients of the terms that stand out of the noise; zero for the others."""
    kept = np.arange(len(b))
    while len(kept):
        inverse = np.linalg.inv(a[np.ix_(kept, kept)])
        fitted = inverse @ b[kept]
        errors = np.sqrt(np.diag(inverse @ noise[np.ix_(kept, kept)] @ inverse.T))
        scores = np.abs(fitted) / errors
        worst = int(scores.argmin())
        if scores[worst] >= LEAST_SCORE:
            break
        kept = np.delete(kept, worst)
    coefficients = np.zeros(len(b))
    if len(kept):
        coefficients[kept] = fitted
    return coefficients


def _thresholded(values: np.ndarray, target: np.ndarray, least: float) -> np.ndarray:
    kept = np.arange(values.shape[1])
    coefficients = np.zeros(values.shape[1])
    while len(kept):
        fitted = np.linalg.lstsq(values[:, kept], target, rcond=None)[0]
        if np.abs(fitted).min() >= least:
            coefficients[kept] = fitted
            break
        kept = np.delete(kept, int(np.abs(fitted).argmin()))
    return coefficients


def _found(terms: Terms, system: _System, counts: np.ndarray) -> Found:
    fits = np.array([system.fit(row) for row in counts])
    low, high = np.quantile(fits, (0.025, 0.975), axis=0)
    return Found(terms.names, system.fit(), low, high, (fits != 0.0).mean(0))


def written(terms: list[tuple[float, str]]) -> str:
    """A sum as text: "-0.1002 u1^3 - 1.998 u2^3"; terms that are zero are left out."""
    text = ""
    for coefficient, name in terms:
        if coefficient == 0.0:
            continue
        sign = ("-" if coefficient < 0 else "") if not text else (" - " if coefficient < 0 else " + ")
        text += f"{sign}{abs(coefficient):.4g}" + ("" if name == "1" else f" {name}")
    return text or "0"


def diffusion_text(square: Found) -> str:
    """The diffusion whose square was found: "0.2001 u1" where that is one square, else "√(…)"."""
    kept = [(c, name) for c, name in zip(square.coefficients, square.terms, strict=True) if c != 0.0]
    if len(kept) == 1 and kept[0][1] in ("1", "u1^2", "u2^2") and kept[0][0] > 0:
        root, name = np.sqrt(kept[0][0]), kept[0][1].removesuffix("^2")
        return written([(float(root), name)])
    return f"√({square.text()})"


def _monomial(i: int, j: int) -> str:
    parts = [name + (f"^{power}" if power > 1 else "") for name, power in (("u1", i), ("u2", j)) if power]
    return " ".join(parts) or "1"
