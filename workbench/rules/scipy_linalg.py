"""Linear algebra of ``scipy.linalg``: solving and factorising.

ᴴ is the conjugate transpose; Φ keeps the lower triangle with its diagonal halved. Where a function reads one triangle
of a symmetric matrix only, the cotangent of the other is folded onto it. Source of the formulas, unless another is
named: M. B. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.application import as_array
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import add_constant
from workbench.autodiff.telling import plain
from workbench.rules.linalg import cofactors, dagger
from workbench.rules.named import named_rule
from workbench.rules.pseudoinverses import pinv_above
from workbench.rules.stand_ins import no_rule, stands_in

for _function in (sl.bandwidth, sl.ishermitian, sl.issymmetric):
    add_constant(_function)


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


class _Form(NamedTuple):
    """What ``assume_a`` says of a matrix: what is read of it, and what becomes of a full cotangent."""

    read: Callable
    fold: Callable


def _form_of(function: Callable, call: Any) -> _Form:
    low = call.lower
    keep, other, edge = (np.tril, np.triu, 1) if low else (np.triu, np.tril, -1)

    def mirrored(a: Any) -> Any:
        side = keep(a, -edge)
        return side + np.swapaxes(side, -1, -2) + a * np.eye(np.shape(plain(a))[-1])

    def band(width: int) -> _Form:
        return _Form(lambda a: a, lambda bar: np.tril(np.triu(bar, -width), width))

    forms = {
        "general": _Form(lambda a: a, lambda bar: bar),
        "hermitian": _Form(lambda a: of_triangle(a, low), lambda bar: folded(bar, low)),
        "symmetric": _Form(mirrored, lambda bar: keep(bar) + np.swapaxes(other(bar, edge), -1, -2)),
        "upper triangular": _Form(np.triu, np.triu),
        "lower triangular": _Form(np.tril, np.tril),
        "diagonal": band(0),
        "tridiagonal": band(1),
        "banded": _Form(lambda a: a, lambda bar: bar),
    }
    known = {None: "general", "gen": "general", "sym": "symmetric", "her": "hermitian"}
    known |= {"pos": "hermitian", "positive definite": "hermitian"}
    name = known.get(call.assume_a, call.assume_a)
    if name not in forms:
        raise no_rule(function, f"assume_a={call.assume_a!r}")
    return forms[name]


# ------------------------------------------------------------------------------------ solving


@named_rule(sl.solve, "a", "b")
def _solve(x: Any, call: Any) -> Callable:
    """A x = b: b̄ = A⁻ᴴ x̄, Ā = −b̄ xᴴ (Giles 2.3.1)."""
    if np.ndim(plain(call.a)) < 2:
        raise no_rule(sl.solve, "a number as the matrix")
    form = _form_of(sl.solve, call)
    a = form.read(call.a)
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
        return form.fold(a_bar), b_bar

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
    (kl, ku), ab = call.l_and_u, as_array(call.ab) if isinstance(call.ab, list | tuple) else call.ab
    rows, columns, inside = _band_columns(kl, ku, np.shape(plain(ab))[1])

    def solve_banded_pullback(bar: Any) -> tuple[Any, Any]:
        turned_rows, turned_columns, there = _band_columns(ku, kl, inside.shape[1])
        # element (i, j) of the transpose stands at (j, i): column i, row j - i + u of the storage
        place = np.where(there, turned_columns - turned_rows + ku, 0), np.where(there, turned_rows, 0)
        turned = np.where(there, np.conj(ab[place]), 0.0)
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


# ------------------------------------------------------------------------------------ inverse and determinant


@named_rule(sl.inv, "a")
def _inv(y: Any, call: Any) -> Callable:
    """Ā = −Yᴴ Ȳ Yᴴ (Giles 2.2.3)."""
    if call.assume_a == "diagonal":  # SciPy leaves what stands beside the diagonal
        raise no_rule(sl.inv, "assume_a='diagonal'")
    form = _form_of(sl.inv, call)
    return lambda bar: (form.fold(-np.matmul(np.matmul(dagger(y), bar), dagger(y))),)


@named_rule(sl.det, "a")
def _det(y: Any, call: Any) -> Callable:
    """Ā = d̄ times the conjugate cofactors (Giles 2.2.4)."""

    def det_pullback(bar: Any) -> tuple[Any]:
        factor = np.reshape(bar, (*np.shape(plain(bar)), 1, 1))
        return (factor * np.conj(cofactors(call.a, y)),)

    return det_pullback


def _kept(a: Any, atol: Any, rtol: Any) -> float:
    """The size above which SciPy keeps a singular value."""
    sizes = np.linalg.svd(plain(a), compute_uv=False)
    return (atol or 0.0) + np.max(sizes) * (
        max(np.shape(plain(a))) * np.finfo(sizes.dtype).eps if rtol is None else rtol
    )


@stands_in(sl.pinv)
def _pinv(a, *, atol=None, rtol=None, return_rank=False):
    found = pinv_above(a, _kept(a, atol, rtol))
    return (found, None) if return_rank else found


@stands_in(sl.pinvh)
def _pinvh(a, atol=None, rtol=None, lower=True, return_rank=False):
    a = of_triangle(a, lower)
    found = pinv_above(a, _kept(a, atol, rtol))
    return (found, None) if return_rank else found


@stands_in(sl.lstsq, overwrites=True)
def _lstsq(a, b, cond=None, lapack_driver=None):
    """Solution and residues; the singular values come with their own derivatives."""
    m, n = np.shape(plain(a))
    x = np.matmul(pinv_above(a, _kept(a, 0.0, np.finfo(float).eps if cond is None else cond)), b)
    values = np.linalg.svdvals(a)
    rank = sl.lstsq(plain(a), plain(b), cond, lapack_driver=lapack_driver)[2]
    whole = m > n and rank == n and lapack_driver != "gelsy"
    return x, np.sum(np.abs(b - np.matmul(a, x)) ** 2, axis=0) if whole else np.empty(0), None, values


@stands_in(sl.norm)
def _norm(a, ord=None, axis=None, keepdims=False):
    if ord in (None, "fro") and axis is None:
        total = np.sqrt(np.sum(np.abs(a) ** 2))
        return np.reshape(total, (1,) * np.ndim(plain(a))) if keepdims else total
    return resolve(np.linalg.norm)(a, ord, axis, keepdims)


def aligned(vectors: Any, values: np.ndarray) -> Any:
    """Columns with the signs, or phases, that SciPy gave them."""
    overlap = np.sum(np.conj(plain(vectors)) * values, axis=-2, keepdims=True)
    return vectors * (overlap / np.abs(overlap))


from workbench.rules import (  # noqa: E402  the rest
    scipy_blas,  # noqa: F401
    scipy_linalg_decompositions,  # noqa: F401
    scipy_linalg_factors,  # noqa: F401
    scipy_linalg_functions,  # noqa: F401
    scipy_linalg_spectra,  # noqa: F401
    scipy_linalg_stacks,  # noqa: F401
)
