"""Linear algebra of ``scipy.linalg``: solving and factorising.

ᴴ is the conjugate transpose; Φ keeps the lower triangle with its diagonal halved. Where a function reads one triangle
of a symmetric matrix only, the cotangent of the other is folded onto it. Source of the formulas, unless another is
named: M. B. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import add_constant
from workbench.autodiff.telling import plain
from workbench.rules.linalg import cofactors
from workbench.rules.named import named_rule
from workbench.rules.stand_ins import no_rule, stands_in

for _function in (sl.bandwidth, sl.ishermitian, sl.issymmetric):
    add_constant(_function)


def dagger(a: Any) -> Any:
    """The conjugate transpose of a matrix, or of a stack of them."""
    swapped = np.swapaxes(a, -1, -2)
    return np.conj(swapped) if np.iscomplexobj(plain(a)) else swapped


def _columns(b: Any) -> Any:
    return np.reshape(b, (*np.shape(plain(b)), 1)) if np.ndim(plain(b)) == 1 else b


def _outer(a: Any, b: Any) -> Any:
    """a bᴴ, for columns and for matrices of columns."""
    return np.matmul(_columns(a), dagger(_columns(b)))


def of_triangle(a: Any, lower: bool) -> Any:
    """The Hermitian matrix of which one triangle is read; the imaginary part of the diagonal is not."""
    side = np.tril(a, -1) if lower else np.triu(a, 1)
    return side + dagger(side) + np.real(a * np.eye(np.shape(plain(a))[-1]))


def folded(a: Any, lower: bool) -> Any:
    """The cotangent of a full Hermitian matrix as one of the triangle that is read."""
    keep, other = (np.tril, np.triu) if lower else (np.triu, np.tril)
    edge = 1 if lower else -1
    return keep(a, -edge) + dagger(other(a, edge)) + np.real(a * np.eye(np.shape(plain(a))[-1]))


# ------------------------------------------------------------------------------------ solving


@named_rule(sl.solve, "a", "b")
def _solve(x: Any, call: Any) -> Callable:
    """A x = b: b̄ = A⁻ᴴ x̄, Ā = −b̄ xᴴ (Giles 2.3.1)."""
    one_triangle = call.assume_a in ("her", "pos", "hermitian", "positive definite")
    symmetric = call.assume_a in ("sym", "symmetric")
    a = call.a
    if one_triangle:
        a = of_triangle(a, call.lower)
    elif symmetric:
        side = np.tril(a, -1) if call.lower else np.triu(a, 1)
        a = side + np.swapaxes(side, -1, -2) + a * np.eye(np.shape(plain(a))[-1])
    elif call.assume_a in ("upper triangular", "lower triangular"):
        a = (np.triu if call.assume_a[0] == "u" else np.tril)(a)
    elif call.assume_a not in (None, "gen", "general", "diagonal", "tridiagonal", "banded"):
        raise no_rule(sl.solve, f"assume_a={call.assume_a!r}")
    if call.transposed:
        a = np.swapaxes(a, -1, -2)

    def solve_pullback(bar: Any) -> tuple[Any, Any]:
        shape = np.shape(plain(bar))
        wide = (*shape, 1) if np.ndim(plain(call.b)) == 1 else shape  # one right-hand side for all matrices
        b_bar = np.linalg.solve(dagger(a), np.reshape(bar, wide))
        a_bar = -np.matmul(b_bar, dagger(np.reshape(x, wide)))
        b_bar = np.reshape(b_bar, shape)
        if call.transposed:
            a_bar = np.swapaxes(a_bar, -1, -2)
        if one_triangle:
            a_bar = folded(a_bar, call.lower)
        elif symmetric:
            keep, other, edge = (np.tril, np.triu, 1) if call.lower else (np.triu, np.tril, -1)
            a_bar = keep(a_bar) + np.swapaxes(other(a_bar, edge), -1, -2)
        elif call.assume_a in ("upper triangular", "lower triangular"):
            a_bar = (np.triu if call.assume_a[0] == "u" else np.tril)(a_bar)
        elif call.assume_a in ("diagonal", "tridiagonal"):
            band = 0 if call.assume_a == "diagonal" else 1
            a_bar = np.tril(np.triu(a_bar, -band), band)
        return a_bar, b_bar

    return solve_pullback


@named_rule(sl.solve_triangular, "a", "b")
def _solve_triangular(x: Any, call: Any) -> Callable:
    """The triangle that is not read, and a unit diagonal, have the cotangent zero."""
    trans = {"N": 0, "T": 1, "C": 2}.get(call.trans, call.trans)
    back = {0: 2, 1: 0, 2: 0}[trans]

    def solve_triangular_pullback(bar: Any) -> tuple[Any, Any]:
        a = np.conj(call.a) if trans == 1 and np.iscomplexobj(plain(call.a)) else call.a
        solve = resolve(sl.solve_triangular)
        b_bar = solve(a, bar, trans=back, lower=call.lower, unit_diagonal=call.unit_diagonal)
        a_bar = -_outer(b_bar, x)
        if trans:
            a_bar = np.swapaxes(a_bar, -1, -2) if trans == 1 else dagger(a_bar)
        keep, edge = (np.tril, -1) if call.lower else (np.triu, 1)
        return keep(a_bar, edge if call.unit_diagonal else 0), b_bar

    return solve_triangular_pullback


def _band_columns(kl: int, ku: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each element of banded storage, its row and column in the matrix, and whether there is one."""
    k, columns = np.mgrid[: kl + ku + 1, :n]
    rows = columns + k - ku
    return rows, columns, (rows >= 0) & (rows < n)


@named_rule(sl.solve_banded, "ab", "b")
def _solve_banded(x: Any, call: Any) -> Callable:
    """As ``solve``; element (k, j) of the storage is a[j + k − u, j]."""
    kl, ku = call.l_and_u
    rows, columns, inside = _band_columns(kl, ku, np.shape(plain(call.ab))[1])

    def solve_banded_pullback(bar: Any) -> tuple[Any, Any]:
        turned_rows, turned_columns, there = _band_columns(ku, kl, inside.shape[1])
        # element (i, j) of the transpose stands at (j, i): column i, row j - i + u of the storage
        place = np.where(there, turned_columns - turned_rows + ku, 0), np.where(there, turned_rows, 0)
        turned = np.where(there, np.conj(call.ab[place]), 0.0)
        b_bar = resolve(sl.solve_banded)((ku, kl), turned, bar)
        products = _columns(b_bar)[np.where(inside, rows, 0)] * np.conj(_columns(x))[columns]
        return -np.where(inside, np.sum(products, axis=-1), 0.0), b_bar

    return solve_banded_pullback


@named_rule(sl.solveh_banded, "ab", "b")
def _solveh_banded(x: Any, call: Any) -> Callable:
    """As ``solve``; each stored element off the diagonal stands for two of the matrix."""
    width, n = np.shape(plain(call.ab))
    k, columns = np.mgrid[:width, :n]
    rows = columns + (k if call.lower else k - width + 1)
    inside = (rows >= 0) & (rows < n)
    rows = np.where(inside, rows, 0)

    def solveh_banded_pullback(bar: Any) -> tuple[Any, Any]:
        b_bar = resolve(sl.solveh_banded)(call.ab, bar, lower=call.lower)
        u, v = _columns(b_bar), np.conj(_columns(x))
        pairs = np.sum(u[rows] * v[columns], axis=-1)
        mirrored = np.conj(np.sum(u[columns] * v[rows], axis=-1))
        # the imaginary part of the diagonal is not read
        return -np.where(inside, np.where(rows == columns, np.real(pairs), pairs + mirrored), 0.0), b_bar

    return solveh_banded_pullback


@stands_in(sl.solve_toeplitz, structured=True)
def _solve_toeplitz(c_or_cr, b, check_finite=True):
    return np.linalg.solve(_toeplitz(c_or_cr), _columns(b)).reshape(np.shape(plain(b)))


@stands_in(sl.matmul_toeplitz, structured=True)
def _matmul_toeplitz(c_or_cr, x, check_finite=False, workers=None):
    return np.matmul(_toeplitz(c_or_cr), x)


def _toeplitz(c_or_cr: Any) -> Any:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return resolve(sl.toeplitz)(c, r)


@stands_in(sl.solve_circulant, overwrites=True)
def _solve_circulant(c, b):
    return np.linalg.solve(resolve(sl.circulant)(c), _columns(b)).reshape(np.shape(plain(b)))


# ------------------------------------------------------------------------------------ inverse and determinant


@named_rule(sl.inv, "a")
def _inv(y: Any, call: Any) -> Callable:
    """Ā = −Yᴴ Ȳ Yᴴ (Giles 2.2.3)."""
    if getattr(call, "assume_a", None) not in (None, "gen", "general"):
        raise no_rule(sl.inv, f"assume_a={call.assume_a!r}")
    return lambda bar: (-np.matmul(np.matmul(dagger(y), bar), dagger(y)),)


@named_rule(sl.det, "a")
def _det(y: Any, call: Any) -> Callable:
    """Ā = d̄ times the conjugate cofactors (Giles 2.2.4)."""

    def det_pullback(bar: Any) -> tuple[Any]:
        factor = np.reshape(bar, (*np.shape(plain(bar)), 1, 1))
        return (factor * np.conj(cofactors(call.a, y)),)

    return det_pullback


@stands_in(sl.pinv)
def _pinv(a, *, atol=None, rtol=None, return_rank=False):
    if return_rank:
        return np.linalg.pinv(a), None
    return np.linalg.pinv(a)


@stands_in(sl.pinvh)
def _pinvh(a, atol=None, rtol=None, lower=True):
    return np.linalg.pinv(of_triangle(a, lower))


@stands_in(sl.lstsq, overwrites=True)
def _lstsq(a, b, cond=None):
    """Solution and residues; the singular values come with their own derivatives."""
    m, n = np.shape(plain(a))
    x = np.matmul(np.linalg.pinv(a), b)
    rank = int(np.linalg.matrix_rank(plain(a)))
    rest = np.sum(np.abs(b - np.matmul(a, x)) ** 2, axis=0) if m > n and rank == n else np.empty(0)
    return x, rest, rank, np.linalg.svd(a, full_matrices=False)[1]


@stands_in(sl.norm)
def _norm(a, ord=None, axis=None, keepdims=False):
    if ord in (None, "fro") and axis is None:
        total = np.sqrt(np.sum(np.abs(a) ** 2))
        return np.reshape(total, (1,) * np.ndim(plain(a))) if keepdims else total
    return np.linalg.norm(a, ord=ord, axis=axis, keepdims=keepdims)


# ------------------------------------------------------------------------------------ triangular factors


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


def _lu_pullback(a: Any, l_bar: Any, u_bar: Any, low: Any, up: Any) -> Any:
    """P A = L U: Ā = Pᵀ L⁻ᴴ (tril₋₁(Lᴴ L̄) + triu(Ū Uᴴ)) U⁻ᴴ (de Hoog, Anderssen, Lukas 2011)."""
    middle = np.tril(np.matmul(dagger(low), l_bar), -1) + np.triu(np.matmul(u_bar, dagger(up)))
    left = np.linalg.solve(dagger(low), middle)
    return dagger(np.linalg.solve(up, dagger(left)))


def _square(function: Callable, a: Any) -> None:
    rows, columns = np.shape(plain(a))[-2:]
    if rows != columns:
        raise no_rule(function, "a matrix that is not square")


@named_rule(sl.lu_factor, "a")
def _lu_factor(value: Any, call: Any) -> Callable:
    packed, pivots = value
    _square(sl.lu_factor, call.a)
    n = np.shape(plain(packed))[-1]
    if np.ndim(plain(packed)) > 2:
        raise no_rule(sl.lu_factor, "a stack of matrices")
    order = _row_order(plain(pivots))

    def lu_factor_pullback(bars: Any) -> tuple[Any]:
        bar = bars[0]
        low, up = np.tril(packed, -1) + np.eye(n), np.triu(packed)
        turned = _lu_pullback(call.a, np.tril(bar, -1), np.triu(bar), low, up)
        return (turned[np.argsort(order)],)

    return lu_factor_pullback


def _row_order(pivots: np.ndarray) -> np.ndarray:
    """The rows of A in the order in which LU has them, from LAPACK's list of exchanges."""
    order = np.arange(len(pivots))
    for k, p in enumerate(pivots):
        order[[k, p]] = order[[p, k]]
    return order


@stands_in(sl.lu_solve, structured=True, overwrites=True)
def _lu_solve(lu_and_piv, b, trans=0, check_finite=True):
    packed, pivots = lu_and_piv
    order = _row_order(plain(pivots))
    solve = resolve(sl.solve_triangular)
    if not trans:
        first = solve(packed, b[order], lower=True, unit_diagonal=True)
        return solve(packed, first)
    first = solve(packed, b, trans=trans)
    return solve(packed, first, trans=trans, lower=True, unit_diagonal=True)[np.argsort(order)]


@stands_in(sl.lu, overwrites=True)
def _lu(a, permute_l=False, p_indices=False):
    _square(sl.lu, a)
    if np.ndim(plain(a)) > 2:
        raise no_rule(sl.lu, "a stack of matrices")
    packed, pivots = resolve(sl.lu_factor)(a)
    order = np.argsort(_row_order(plain(pivots)))
    low = np.tril(packed, -1) + np.eye(len(order))
    if permute_l:
        return low[order], np.triu(packed)
    return order if p_indices else np.eye(len(order))[:, order].T, low, np.triu(packed)


def aligned(vectors: Any, values: np.ndarray) -> Any:
    """Columns with the signs, or phases, that SciPy gave them."""
    overlap = np.sum(np.conj(plain(vectors)) * values, axis=-2, keepdims=True)
    return vectors * (overlap / np.abs(overlap))


@stands_in(sl.qr, overwrites=True)
def _qr(a, lwork=None, mode="full", pivoting=False):
    rows, columns = np.shape(plain(a))[-2:]
    if mode == "raw" or rows < columns:
        raise no_rule(sl.qr, f"mode={mode!r} and a matrix of {rows} rows and {columns} columns")
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


from workbench.rules import scipy_blas, scipy_linalg_decompositions, scipy_linalg_functions  # noqa: E402, F401  the rest
