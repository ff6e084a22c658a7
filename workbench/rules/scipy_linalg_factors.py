"""Linear algebra of ``scipy.linalg``: Cholesky, LU and QR.

ᴴ is the conjugate transpose; Φ keeps the lower triangle with its diagonal halved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, by_name
from workbench.autodiff.telling import plain
from workbench.rules import scipy_linalg_decompositions
from workbench.rules.linalg import solved
from workbench.rules.named import named_rule
from workbench.rules.scipy_linalg import aligned, dagger
from workbench.rules.stand_ins import no_rule, overwriting, settled, stands_in


@named_rule(sl.cholesky, "a")
def _cholesky(y: Any, call: Any) -> Callable:
    """A = L Lᴴ: Ā = L⁻ᴴ Φ(Lᴴ L̄) L⁻¹, of which SciPy reads one triangle.

    Source: I. Murray, Differentiation of the Cholesky decomposition, 2016, equation 10.
    """
    lower = call.lower
    low = y if lower else dagger(y)

    def cholesky_pullback(bar: Any) -> tuple[Any]:
        l_bar = np.tril(bar if lower else dagger(bar))
        half = np.tril(np.matmul(dagger(low), l_bar))
        half = half - 0.5 * np.tril(np.triu(half))
        inverse = np.linalg.inv(low)
        full = np.matmul(np.matmul(dagger(inverse), half), inverse)
        full = 0.5 * (full + dagger(full))
        if lower:
            return (np.tril(full) + dagger(np.triu(full, 1)),)
        return (np.triu(full) + dagger(np.tril(full, -1)),)

    return cholesky_pullback


@stands_in(sl.cho_factor, overwrites=True)
def _cho_factor(a, lower=False):
    """The other triangle of the first result is the matrix's own, as LAPACK leaves it."""
    factor = resolve(sl.cholesky)(a, lower=lower)
    return factor + (np.triu(a, 1) if lower else np.tril(a, -1)), lower


@stands_in(sl.cho_solve, structured=True, overwrites=True)
def _cho_solve(c_and_lower, b, check_finite=True):
    factor, lower = c_and_lower
    solve = resolve(sl.solve_triangular)
    first = solve(factor, b, lower=lower, trans=0 if lower else 2)
    return solve(factor, first, lower=lower, trans=2 if lower else 0)


def _square_pullback(l_bar: Any, u_bar: Any, low: Any, up: Any) -> Any:
    """A = L U: Ā = L⁻ᴴ M U⁻ᴴ with M = tril₋₁(Lᴴ L̄) + triu(Ū Uᴴ) (de Hoog, Anderssen, Lukas 2011).

    The last column of M U⁻ᴴ is that of Ū, also where the last element of U is zero.
    """
    middle = np.tril(np.matmul(dagger(low), l_bar), -1) + np.triu(np.matmul(u_bar, dagger(up)))
    last = u_bar[..., -1:]
    first = middle[..., :-1] - np.matmul(last, dagger(up[..., :-1, -1:]))
    first = dagger(solved(up[..., :-1, :-1], dagger(first)))
    return np.linalg.solve(dagger(low), resolve(np.concatenate)([first, last], axis=-1))


def _lu_pullback(low: Any, up: Any, l_bar: Any, u_bar: Any) -> Any:
    """Of a tall or wide matrix: L and U of its first k rows and columns, and what these make of the rest."""
    k, join = np.shape(plain(low))[-1], resolve(np.concatenate)
    below = beside = None
    square_l, square_u = low[..., :k, :], up[..., :k]
    l_square_bar, u_square_bar = np.tril(l_bar[..., :k, :], -1), np.triu(u_bar[..., :k])
    if np.shape(plain(low))[-2] > k:
        below = dagger(solved(square_u, dagger(l_bar[..., k:, :])))
        u_square_bar = u_square_bar - np.matmul(dagger(low[..., k:, :]), below)
    if np.shape(plain(up))[-1] > k:
        beside = np.linalg.solve(dagger(square_l), u_bar[..., k:])
        l_square_bar = l_square_bar - np.matmul(beside, dagger(up[..., k:]))
    bar = _square_pullback(l_square_bar, u_square_bar, square_l, square_u)
    bar = bar if beside is None else join([bar, beside], axis=-1)
    return bar if below is None else join([bar, below], axis=-2)


@named_rule(sl.lu_factor, "a")
def _lu_factor(value: Any, call: Any) -> Callable:
    packed, pivots = value
    rows, columns = np.shape(plain(packed))
    k, back = min(rows, columns), np.argsort(_row_order(plain(pivots), rows))

    def lu_factor_pullback(bars: Any) -> tuple[Any]:
        low, up = np.tril(packed[:, :k], -1) + np.eye(rows, k), np.triu(packed[:k])
        return (_lu_pullback(low, up, np.tril(bars[0][:, :k], -1), np.triu(bars[0][:k]))[back],)

    return lu_factor_pullback


@named_rule(sl.lu, "a")
def _lu(value: Any, call: Any) -> Callable:
    """A = L U with the rows of L in the order p; with ``permute_l`` they are so already."""
    p = sl.lu(plain(call.a), p_indices=True)[0][..., None]
    back = np.argsort(p, axis=-2)
    low, up = value[-2:]
    if call.permute_l:
        low = resolve(np.take_along_axis)(low, back, -2)

    def lu_pullback(bars: Any) -> tuple[Any]:
        l_bar, u_bar = bars[-2:]
        if call.permute_l:
            l_bar = resolve(np.take_along_axis)(l_bar, back, -2)
        return (resolve(np.take_along_axis)(_lu_pullback(low, up, l_bar, u_bar), p, -2),)

    return lu_pullback


def _row_order(pivots: np.ndarray, rows: int) -> np.ndarray:
    """The rows of A in the order in which LU has them, from LAPACK's list of exchanges."""
    order = np.arange(rows)
    for k, p in enumerate(pivots):
        order[[k, p]] = order[[p, k]]
    return order


@stands_in(sl.lu_solve, structured=True, overwrites=True)
def _lu_solve(lu_and_piv, b, trans=0, check_finite=True):
    packed, pivots = lu_and_piv
    order = _row_order(plain(pivots), len(plain(pivots)))
    solve = resolve(sl.solve_triangular)
    if not trans:
        first = solve(packed, b[order], lower=True, unit_diagonal=True)
        return solve(packed, first)
    first = solve(packed, b, trans=trans)
    return solve(packed, first, trans=trans, lower=True, unit_diagonal=True)[np.argsort(order)]


@stands_in(sl.qr, overwrites=True)
def _qr(a, lwork=None, mode="full", pivoting=False):
    rows, columns = np.shape(plain(a))[-2:]
    if mode == "raw":
        raise no_rule(sl.qr, f"mode={mode!r}")
    order = None
    if pivoting:
        order = sl.qr(plain(a), mode="r", pivoting=True)[1]
        a = a[:, order]
    if rows > columns and mode != "economic":
        q, r = scipy_linalg_decompositions.full_qr(a)
    else:
        q, r = np.linalg.qr(a)
    found = (r,) if mode == "r" else (q, r)
    return found if order is None else (*found, order)


@stands_in(sl.qr_multiply, overwrites=True)
def _qr_multiply(a, c, mode="right", pivoting=False, conjugate=False):
    q, r, *order = resolve(sl.qr)(a, mode="economic", pivoting=pivoting)
    q = np.conj(q) if conjugate else q
    return (np.matmul(q, c) if mode == "left" else np.matmul(c, q), r, *order)


def _all_of_q(a, c, pivoting=False, conjugate=False):
    """All of Q times c, which is what SciPy gives where it may overwrite as many rows as a tall ``a`` has."""
    return sl.qr_multiply(a, np.copy(c), "left", pivoting, conjugate, overwrite_c=True)


@stands_in(_all_of_q)
def _all_of_q_traced(a, c, pivoting=False, conjugate=False):
    q, r, *order = resolve(sl.qr)(a, pivoting=pivoting)
    r = r[: np.shape(plain(a))[1]]
    return (np.matmul(np.conj(q) if conjugate else q, c), r, *order)


_multiply = DOORS[sl.qr_multiply]


def _multiplied(
    a: Any, c: Any, mode: str = "right", pivoting: bool = False, conjugate: bool = False, **allowed: bool
) -> Any:
    """``qr_multiply``, whose leave to overwrite a tall matrix's c asks for another product."""
    given = a, c, mode, pivoting, conjugate
    rows, columns = np.shape(np.atleast_2d(plain(settled(a))))
    if mode == "left" and rows > columns and allowed.get("overwrite_c"):
        product = functools.partial(resolve(_all_of_q), a, c, pivoting, conjugate)
        return overwriting(sl.qr_multiply, product, given, allowed)
    return _multiply(*given, **allowed)


DOORS[sl.qr_multiply] = by_name(sl.qr_multiply, _multiplied)


def _refactored(function: Callable, changed: Any, own: tuple) -> tuple[Any, Any]:
    """Q and R of a matrix, with the signs, or phases, that ``function`` has given them."""
    rows, columns = np.shape(plain(changed))
    if own[0].shape[1] > min(rows, columns):
        raise no_rule(function, "the columns of Q beyond those of a tall matrix: give it economic factors")
    q = aligned(np.linalg.qr(changed)[0], own[0])
    return q, np.triu(np.matmul(dagger(q), changed))


@stands_in(sl.qr_update, overwrites=True)
def _qr_update(Q, R, u, v):
    """Of A + u vᴴ."""
    columns = [np.reshape(x, (np.shape(plain(x))[0], -1)) for x in (u, v)]
    changed = np.matmul(Q, R) + np.matmul(columns[0], dagger(columns[1]))
    return _refactored(sl.qr_update, changed, sl.qr_update(*map(plain, (Q, R, u, v))))


@stands_in(sl.qr_delete, overwrites=True)
def _qr_delete(Q, R, k, p=1, which="row"):
    """Of A without ``p`` rows or columns."""
    axis = 0 if which == "row" else 1
    whole = np.matmul(Q, R)
    kept = np.delete(np.arange(np.shape(plain(whole))[axis]), np.arange(p) + k)
    changed = whole[kept] if axis == 0 else whole[:, kept]
    return _refactored(sl.qr_delete, changed, sl.qr_delete(plain(Q), plain(R), k, p, which))


@stands_in(sl.qr_insert, overwrites=True)
def _qr_insert(Q, R, u, k, which="row", rcond=None):
    """Of A with rows or columns put in before the ``k``-th."""
    axis, whole = 0 if which == "row" else 1, np.matmul(Q, R)
    new = np.expand_dims(u, axis) if np.ndim(plain(u)) == 1 else u
    place = k if k >= 0 else k + np.shape(plain(whole))[axis]
    parts = (whole[:place], new, whole[place:]) if axis == 0 else (whole[:, :place], new, whole[:, place:])
    changed = resolve(np.concatenate)(parts, axis=axis)
    return _refactored(sl.qr_insert, changed, sl.qr_insert(plain(Q), plain(R), plain(u), k, which, rcond))
