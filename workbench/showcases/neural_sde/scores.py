"""Losses of an ensemble of paths, on torch tensors: squared error, moments, and a proper score.

Ensembles have shape (times, members, …, state).
"""

from __future__ import annotations

import torch


def squared_error(paths: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Σ over times and components of (path − target)², mean over the paths: the published loss.

    At the true model its expectation is the variance of the paths, summed: the model without any noise scores
    lower, so it cannot learn the noise.

    Args:
        paths: shape (times, paths, state).
        target: shape (times, state).
    """
    return (paths - target[:, None]).square().sum((0, 2)).mean()


def moment_error(paths: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Σ(Δmean)² + Σ(Δvariance)² over times and components, without the bias that few paths give.

    A mean over n paths misses its expectation by var/n in square, whatever the model; that is taken off.

    Args:
        paths: shape (times, paths, state), at least two paths.
        mean, variance: of the data. Shape (times, state).
    """
    n = paths.shape[1]
    spread = paths.var(1, correction=1)
    off_mean = (paths.mean(1) - mean).square() - spread / n
    return off_mean.sum() + (spread - variance).square().sum()


def relative_moment_error(paths: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """The mean of (log of the ratio of variances)² + (Δmean)²/variance over times and components.

    A variance counts by its ratio, so that it counts where it is small too; and that few paths make the estimate of
    its logarithm uncertain adds the same whatever the model is.

    Args:
        paths: shape (times, paths, state), at least two paths; without a time at which nothing varies.
        mean, variance: of the data. Shape (times, state).
    """
    ratio = (paths.var(1) / variance).log()
    return (ratio.square() + (paths.mean(1) - mean).square() / variance).mean()


def energy_score(members: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """The mean energy score E|X − y| − ½ E|X − X'| of forecasts: lowest, on average, for the true law alone.

    Args:
        members: independent forecasts of each observation. Shape (times, members, batch, state), two members or more.
        observed: shape (times, batch, state).

    Differentiable in members; at X = X' the slope is 0.
    Source: T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", 2007, eq. 22.
    """
    n = members.shape[1]
    error = _length(members - observed[:, None]).mean()
    spread = sum(_length(members[:, k:] - members[:, :-k]).sum((1, 2)) for k in range(1, n))
    pairs = n * (n - 1) / 2 * members.shape[2]
    return error - 0.5 * (spread / pairs).mean()


def _length(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(x, dim=-1)
