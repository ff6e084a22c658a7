"""Linear algebra that the adopted tables lack."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import plain, resolve
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


def _cholesky(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Only the triangle that NumPy reads has a cotangent.

    Source: I. Murray, Differentiation of the Cholesky decomposition, 2016, equation 10.
    """
    factor = np.linalg.cholesky(*args, **kwargs)
    upper = kwargs.get("upper", False)
    lower = _transposed(factor) if upper else factor

    def cholesky_pullback(bar: Any) -> list[Any]:
        bar = _transposed(bar) if upper else bar
        phi = np.tril(_transposed(lower) @ bar)
        eye = np.eye(np.shape(plain(lower))[-1])
        phi = phi - 0.5 * phi * eye
        half = np.linalg.solve(
            _transposed(lower), _transposed(np.linalg.solve(_transposed(lower), _transposed(phi)))
        )
        whole = half + _transposed(half)
        read = np.tril(whole) - 0.5 * whole * eye
        return [_transposed(read) if upper else read]

    return factor, cholesky_pullback


add_rule(Rule(np.linalg.cholesky, _cholesky, leaves=(0,)))


def _lstsq(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Least squares with full column rank: x = (AᵀA)⁻¹Aᵀb, r = |b - A x|², and A's singular values."""
    a, b = args[:2]
    x, residuals, rank, singular = np.linalg.lstsq(a, b, *args[2:], **kwargs)

    def lstsq_pullback(bars: Any) -> list[Any]:
        x_bar, r_bar, _, s_bar = bars
        columns = (lambda v: v[:, None]) if np.ndim(plain(x)) == 1 else (lambda v: v)
        inner = np.linalg.solve(_transposed(a) @ a, columns(x_bar))
        rest = columns(b) - a @ columns(x)
        b_bar = a @ inner
        a_bar = rest @ _transposed(inner) - b_bar @ _transposed(columns(x))
        if np.size(plain(r_bar)):
            b_bar = b_bar + 2.0 * rest * r_bar
            a_bar = a_bar - 2.0 * (rest * r_bar) @ _transposed(columns(x))
        if np.any(plain(s_bar)):
            u, _, vh = np.linalg.svd(a, full_matrices=False)
            a_bar = a_bar + (u * s_bar) @ vh
        return [(a_bar, np.reshape(b_bar, np.shape(plain(b))))[k] for k in needs]

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
