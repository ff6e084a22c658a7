"""Singular values and vectors of ``numpy.linalg``.

Source: Wan, Zhang, Automatic differentiation for complex valued SVD, arXiv 1909.02659.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.location import user_line
from workbench.autodiff.registry import Rule, add_rule
from workbench.autodiff.telling import plain
from workbench.errors import MissingRuleError, NotDifferentiableError
from workbench.rules.linalg import apart, are_equal, check_phases, dagger


def _svdvals(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """A_bar = U diag(s_bar) Vᴴ."""

    def svdvals_pullback(s_bar: Any) -> list[Any]:
        u, s, vh = np.linalg.svd(*args, full_matrices=False)
        return [(u * np.expand_dims(apart(s_bar, s), -2)) @ vh]

    return np.linalg.svdvals(*args), svdvals_pullback


def _svd(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """A_bar = U (W_u S + S W_v + diag(s_bar)) Vᴴ, and what U_bar and V_bar have beyond the columns of U and V.

    W_u = F ∘ (Uᴴ U_bar - U_barᴴ U) with F_ij = 1 / (s_j² - s_i²), W_v likewise. Columns beyond the number of singular
    values, of a full matrix, belong to zero.
    """

    def named(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> tuple:
        return a, full_matrices, compute_uv, hermitian

    a, full, vectors, hermitian = named(*args, **kwargs)
    where = user_line()
    if hermitian:
        raise MissingRuleError(
            "numpy.linalg.svd has no rule for hermitian=True",
            where=where,
            fix="leave it out, or use numpy.linalg.eigh",
        )
    if not vectors:
        return _svdvals(needs, (a,), {})
    result = np.linalg.svd(a, full)

    def svd_pullback(bars: Any) -> list[Any]:
        u, s, vh = result
        u_bar, s_bar, v_bar = bars[0], bars[1], dagger(bars[2])
        s_bar, k, v = apart(s_bar, s), np.shape(plain(s))[-1], dagger(vh)
        of_u, of_v = dagger(u) @ u_bar, vh @ v_bar
        check_phases(plain(of_u)[..., :k, :k] + plain(of_v)[..., :k, :k], where)
        for inner in (of_u, of_v):
            _check_others(plain(inner)[..., k:, k:], where)
        turned = 1j * np.imag(np.diagonal(of_u, 0, -2, -1)[..., :k]) / s if np.iscomplexobj(plain(u)) else 0.0
        shape = np.shape(plain(of_u))[-1], np.shape(plain(of_v))[-1]
        wide = _along_diagonal(s, shape)
        core = _turned(of_u, s) @ wide + wide @ _turned(of_v, s) + _along_diagonal(s_bar + turned, shape)
        a_bar = u @ core @ vh
        if np.shape(plain(u))[-2] > shape[0]:
            a_bar = a_bar + _divided(u_bar - u @ of_u, s) @ vh
        if np.shape(plain(v))[-2] > shape[1]:
            a_bar = a_bar + u @ dagger(_divided(v_bar - v @ of_v, s))
        return [a_bar]

    return result, svd_pullback


def _check_others(inner: np.ndarray, where: str | None) -> None:
    """Vectors of a full matrix beyond the singular values are any basis: what changes with it has no derivative."""
    turning = np.abs(inner - dagger(inner))
    if np.any(turning > 1e-6 * (1.0 + np.max(np.abs(inner), initial=0.0))):
        raise NotDifferentiableError(
            "the result depends on singular vectors beyond the singular values, which are an arbitrary basis",
            where=where,
            fix="pass full_matrices=False, or use what does not change with the basis, such as v @ v.T",
        )


def _along_diagonal(s: Any, shape: tuple[int, int]) -> Any:
    """A matrix, or a stack of them, of this shape with ``s`` on its diagonal."""
    columns = shape[1] == np.shape(plain(s))[-1]
    return np.eye(*shape) * np.expand_dims(s, -2 if columns else -1)


def _turned(inner: Any, s: Any) -> Any:
    """F ∘ (inner - innerᴴ): NaN for equal singular values where their vectors matter, for these have no derivative."""
    n, count = np.shape(plain(s))[-1], np.shape(plain(inner))[-1]
    more = count - n
    s = np.concatenate([s, np.zeros((*np.shape(plain(s))[:-1], more))], -1) if more else s
    a, b = np.expand_dims(s, -2), np.expand_dims(s, -1)
    matters = ~np.eye(count, dtype=bool)
    matters[n:, n:] = False  # any basis, which was checked
    same = are_equal(plain(s))
    asked = np.any(plain(inner) != 0, axis=-2, keepdims=True)
    undetermined = same & matters & (asked | dagger(asked))
    return (inner - dagger(inner)) * np.where(
        undetermined, np.nan, ~same / np.where(same, 1.0, (a - b) * (a + b))
    )


def _divided(rest: Any, s: Any) -> Any:
    """Columns divided by singular values: NaN for those that are zero but for rounding, where their vectors matter."""
    values = plain(s)
    zero = values <= 10 * np.shape(plain(rest))[-2] * np.finfo(values.dtype).eps * np.max(
        values, -1, keepdims=True
    )
    undetermined = zero & np.any(plain(rest) != 0, axis=-2)
    return rest * np.expand_dims(np.where(undetermined, np.nan, ~zero / np.where(zero, 1.0, s)), -2)


add_rule(Rule(np.linalg.svd, _svd, leaves=(0,)))
add_rule(Rule(np.linalg.svdvals, _svdvals, leaves=(0,)))
