"""Linear algebra that the adopted tables lack."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, Rule, add_rule, non_differentiable


def _transposed(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def _qr(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Reduced QR of a matrix with at least as many rows as columns and full rank.

    Source: S. Walter, L. Lehmann, R. Lamour, On evaluating higher-order derivatives of the QR decomposition of tall
    matrices with full column rank in forward and reverse mode, 2012, section 3.
    """
    result = np.linalg.qr(*args, **kwargs)
    q, r = result

    def qr_pullback(bars: Any) -> list[Any]:
        q_bar, r_bar = bars
        m = r @ _transposed(r_bar) - _transposed(q_bar) @ q
        lower = np.tril(m, -1)
        symmetric = lower + _transposed(lower) + np.tril(np.triu(m))
        right = q_bar + q @ symmetric
        return [_transposed(np.linalg.solve(r, _transposed(right)))]

    return result, qr_pullback


add_rule(Rule(np.linalg.qr, _qr, leaves=(0,)))


def _lstsq(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Least squares with full column rank: x = (AᵀA)⁻¹Aᵀb, differentiated implicitly.

    The residual sum and the singular values that NumPy returns beside x are treated as constants.
    """
    a, b = args[:2]
    x, residuals, rank, singular = np.linalg.lstsq(a, b, *args[2:], **kwargs)

    def lstsq_pullback(bars: Any) -> list[Any]:
        x_bar = bars[0]
        inner = np.linalg.solve(np.swapaxes(a, 0, 1) @ a, x_bar)
        b_bar = a @ inner
        columns = (lambda v: v[:, None]) if np.ndim(x) == 1 else (lambda v: v)
        rest = columns(b) - a @ columns(x)
        a_bar = rest @ np.swapaxes(columns(inner), 0, 1) - columns(b_bar) @ np.swapaxes(columns(x), 0, 1)
        return [(a_bar, b_bar)[k] for k in needs]

    return (x, residuals, rank, singular), lstsq_pullback


add_rule(Rule(np.linalg.lstsq, _lstsq, leaves=(0, 1)))


def _eigenvalues(values_only: Any, decomposition: Any) -> None:
    """The eigenvalues alone, by the rule of the decomposition."""

    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        a = current(a)
        if type(a) is not TracedArray:
            return values_only(a, *args, **kwargs)
        return resolve(decomposition)(a, *args, **kwargs)[0]

    DOORS[values_only] = call


_eigenvalues(np.linalg.eigvalsh, np.linalg.eigh)
_eigenvalues(np.linalg.eigvals, np.linalg.eig)
DOORS[np.linalg.svdvals] = lambda a: resolve(np.linalg.svd)(a, full_matrices=False)[1]
non_differentiable(np.linalg.matrix_rank)
