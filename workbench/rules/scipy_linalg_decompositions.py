"""Linear algebra of ``scipy.linalg``: Schur and Hessenberg form, RQ, LDL, bases of subspaces, banded matrices, Riccati.

A factor that is unique up to a sign or phase has its derivative; one that is any basis of a space is refused. Ω stands
for the skew Hermitian Qᴴ dQ of an orthogonal or unitary factor Q.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.linalg import check_phases
from workbench.rules.named import named_rule
from workbench.rules.scipy_linalg import aligned, dagger, folded
from workbench.rules.stand_ins import no_rule, settled, stands_in, with_value

# ------------------------------------------------------------------------------------ similarity to a simpler form


def _commutator(t: Any, rows: np.ndarray, unknown: np.ndarray) -> Any:
    """The matrix of Ω ↦ TΩ − ΩT between elements of Ω and of the result, numbered row by row."""
    eye = np.eye(np.shape(plain(t))[0])
    whole = np.kron(t, eye) - np.kron(eye, np.transpose(t))
    return whole[rows][:, unknown]


def _numbers(places: tuple[np.ndarray, np.ndarray], n: int) -> np.ndarray:
    return places[0] * n + places[1]


def _spread(values: Any, places: np.ndarray, n: int) -> Any:
    """A matrix that has the values at these places and zeros elsewhere."""
    one_hot = np.zeros((len(places), n * n))
    one_hot[np.arange(len(places)), places] = 1.0
    return np.reshape(np.matmul(values, one_hot), (n, n))


def _real_like(x: Any, like: Any) -> Any:
    return x if np.iscomplexobj(plain(like)) else np.real(x)


@named_rule(sl.schur, "a")
def _schur(value: Any, call: Any) -> Callable:
    """A = Z T Zᴴ, E = Zᴴ dA Z: below the diagonal E + TΩ − ΩT = 0, a linear system for Ω; dT is the rest of it."""
    t, z = value[:2]  # in the order that ``sort`` asks for
    n = np.shape(plain(t))[0]
    if np.any(np.tril(plain(t), -1)):
        return _real_schur(t, z)
    eigenvalues = np.diag(plain(t))
    apart = np.abs(eigenvalues[:, None] - eigenvalues) + np.eye(n)
    if np.min(apart) < 1e-12 * max(1.0, np.max(np.abs(eigenvalues))):
        raise no_rule(sl.schur, "an eigenvalue that is there twice")
    low, where = _numbers(np.tril_indices(n, -1), n), user_line()

    def schur_pullback(bars: Any) -> tuple[Any]:
        t_bar = np.triu(bars[0])
        turning = np.matmul(dagger(t), t_bar) - np.matmul(t_bar, dagger(t)) + np.matmul(dagger(z), bars[1])
        check_phases(plain(turning), where)
        below = np.reshape(turning - dagger(turning), (-1,))[low]
        system = dagger(_commutator(t, low, low))
        e_bar = t_bar - _spread(np.linalg.solve(system, below[:, None])[:, 0], low, n)
        return (_real_like(np.matmul(np.matmul(z, e_bar), dagger(z)), call.a),)

    return schur_pullback


def _real_schur(t: Any, z: Any) -> Callable:
    """With blocks [[p, q], [r, p]] of complex pairs: of a block's dT the diagonal stays equal, which fixes its turn.

    ω, the elements of Ω below the diagonal, solves C (E + TΩ − ΩT) = 0, with a row of C for each of them.
    """
    bare, n = plain(t), np.shape(plain(t))[0]
    rows, columns = np.tril_indices(n, -1)
    in_block = (bare[rows, columns] != 0) & (rows == columns + 1)
    _check_pairs(bare, rows[in_block])
    number = np.arange(rows.size)
    turns, conditions = np.zeros((n, n, rows.size)), np.zeros((rows.size, n, n))
    turns[rows, columns, number], turns[columns, rows, number] = 1.0, -1.0
    conditions[number, np.where(in_block, columns, rows), columns] = 1.0
    conditions[number[in_block], rows[in_block], rows[in_block]] = -1.0
    turns, conditions = turns.reshape(n * n, -1), conditions.reshape(-1, n * n)
    kept = np.triu(np.ones((n, n))) + np.diag(np.diag(bare, -1) != 0, -1)

    def real_schur_pullback(bars: Any) -> tuple[Any]:
        every = np.arange(n * n)
        moves = np.matmul(_commutator(t, every, every), turns)
        t_bar = np.reshape(bars[0] * kept, (-1,))
        turn_bar = np.matmul(t_bar, moves) + np.matmul(
            np.reshape(np.matmul(np.transpose(z), bars[1]), (-1,)), turns
        )
        system = np.transpose(np.matmul(conditions, moves))
        e_bar = t_bar - np.matmul(np.linalg.solve(system, turn_bar[:, None])[:, 0], conditions)
        return (np.matmul(np.matmul(z, np.reshape(e_bar, (n, n))), np.transpose(z)),)

    return real_schur_pullback


def _check_pairs(t: np.ndarray, ends: np.ndarray) -> None:
    """Raise unless the real form of pairs that end in these rows is the only one nearby."""
    values = np.linalg.eigvals(t)
    apart = np.abs(values[:, None] - values) + np.max(np.abs(values)) * np.eye(len(values))
    if np.min(apart) < 1e-12 * np.max(np.abs(values)):
        raise no_rule(sl.schur, "an eigenvalue that is there twice")
    above, below = t[ends - 1, ends], t[ends, ends - 1]
    if np.any(np.abs(above + below) < 1e-9 * np.abs(above - below)):
        raise no_rule(
            sl.schur, "a pair of complex eigenvalues that any turn leaves in real form; pass output='complex'"
        )


@stands_in(sl.hessenberg, overwrites=True)
def _hessenberg(a, calc_q=False):
    """Householder's reflections, one column after the other."""
    n = np.shape(plain(a))[0]
    q: Any = np.eye(n)
    for k in range(n - 1 if np.iscomplexobj(plain(a)) else n - 2):  # complex: the last element becomes real
        reflection = _reflection(a[k + 1 :, k], n - k - 1)
        if reflection is None:
            continue
        wide = _below(reflection, k + 1)
        a = np.matmul(np.matmul(dagger(wide), a), wide)
        q = np.matmul(q, wide)
    return (np.triu(a, -1), q) if calc_q else np.triu(a, -1)


def _below(block: Any, start: int) -> Any:
    """The block at the end of the diagonal of an identity."""
    size = np.shape(plain(block))[0]
    join = resolve(np.concatenate)
    bottom = join([np.zeros((size, start)), block], axis=1)
    return join([np.eye(start, start + size), bottom])


def _reflection(x: Any, n: int) -> Any:
    """I − τ v vᴴ, which turns e₁ into a multiple of x as LAPACK does: β = −sign(Re x₀) |x|. None for the identity."""
    rest = plain(x)[1:]
    complex_first = np.iscomplexobj(plain(x)) and plain(x)[0].imag != 0
    if not np.any(rest) and not complex_first:
        if contains_traced(x) and n > 1:
            raise no_rule(sl.qr, "a column that is zero below the diagonal")
        return None
    size = np.sqrt(np.sum(np.abs(x) ** 2))
    beta = -size if plain(x)[0].real >= 0 else size
    v = resolve(np.concatenate)([np.ones(1), x[1:] / (x[0] - beta)])
    tau = (beta - x[0]) / beta
    return np.eye(n) - tau * np.matmul(v[:, None], dagger(v[:, None]))


def full_qr(a: Any) -> tuple[Any, Any]:
    """All of Q, with the columns beyond those of a tall matrix, and R, by Householder's reflections."""
    m, n = np.shape(plain(a))
    q: Any = np.eye(m)
    for k in range(min(m, n) if np.iscomplexobj(plain(a)) else min(m - 1, n)):
        reflection = _reflection(a[k:, k], m - k)
        if reflection is None:
            continue
        wide = _below(reflection, k)
        a = np.matmul(dagger(wide), a)
        q = np.matmul(q, wide)
    return q, np.triu(a)


@stands_in(sl.rq, overwrites=True)
def _rq(a, lwork=None, mode="full"):
    """The QR of the last rows, in falling order, transposed; the rows above them follow."""
    rows, columns = np.shape(plain(a))
    if columns > rows and mode == "full":
        raise no_rule(sl.rq, "mode='full' and a wide matrix, whose Q is not unique")
    last = a[-min(rows, columns) :]
    q = np.flip(dagger(np.linalg.qr(dagger(np.flip(last, 0)))[0]), 0)
    own = sl.rq(plain(a), mode="economic")[1]
    q = dagger(aligned(dagger(q), dagger(own)))
    r = np.triu(np.matmul(a, dagger(q)), min(columns - rows, 0))
    return r if mode == "r" else (r, q)


@named_rule(sl.ldl, "A")
def _ldl(value: Any, call: Any) -> Callable:
    """A = L D Lᴴ, M = L⁻¹ dA L⁻ᴴ: dD is its diagonal, L⁻¹ dL = (strictly lower part of M) D⁻¹; U D Uᴴ alike."""
    factor, d, order = value
    if np.any(plain(d) - np.diag(np.diag(plain(d)))):
        raise no_rule(sl.ldl, "a block of two rows in D")
    symmetric = not call.hermitian and np.iscomplexobj(plain(call.A))  # A = L D Lᵀ
    turned = (lambda x: np.swapaxes(x, -1, -2)) if symmetric else dagger
    strict = (lambda m: np.tril(m, -1)) if call.lower else (lambda m: np.triu(m, 1))
    back = np.argsort(order)

    def ldl_pullback(bars: Any) -> tuple[Any]:
        low, low_bar = factor[order], bars[0][order]
        inverse = 1.0 / np.diag(d)
        middle = np.diag(np.diag(bars[1])) + strict(np.matmul(dagger(low), low_bar) * np.conj(inverse))
        left = np.linalg.solve(dagger(low), middle)
        a_bar = turned(np.linalg.solve(dagger(low), turned(left)))[back][:, back]
        if symmetric:
            other = np.triu(a_bar, 1) if call.lower else np.tril(a_bar, -1)
            return (strict(a_bar) + turned(other) + a_bar * np.eye(len(order)),)
        return (folded(a_bar, call.lower),)

    return ldl_pullback


@stands_in(sl.matrix_balance, overwrites=True)
def _matrix_balance(A, permute=True, scale=True, separate=False):
    """T⁻¹ A T; T holds powers of two and an order, which do not vary."""
    scaling = sl.matrix_balance(plain(A), permute, scale)[1]
    found = np.linalg.solve(scaling, np.matmul(A, scaling))
    return found, (None if not separate else (None, None))


# ------------------------------------------------------------------------------------ subspaces


@stands_in(sl.null_space, overwrites=True)
def _null_space(A, rcond=None):
    """The one vector n of a matrix that has one row less than columns: (I − A⁺A) n₀, normalised."""
    rows, columns = np.shape(plain(A))
    own = sl.null_space(plain(A), rcond)
    if own.shape[1] == 0:
        return own
    if own.shape[1] > 1 or rows != columns - 1:
        raise no_rule(
            sl.null_space, "this matrix: its null space has no unique basis; I - pinv(A) @ A projects on it"
        )
    if np.iscomplexobj(own):  # its phase is arbitrary, which the rule of eigenvectors refuses
        return aligned(np.linalg.eigh(np.matmul(dagger(A), A))[1][:, :1], own)
    left = own - np.matmul(np.linalg.pinv(A), np.matmul(A, own))
    return left / np.sqrt(np.sum(np.abs(left) ** 2))


@stands_in(sl.orth)
def _orth(A, rcond=None):
    own = sl.orth(plain(A), rcond)
    if own.shape[1] != min(np.shape(plain(A))):
        raise no_rule(sl.orth, "a matrix whose rank is not full")
    return aligned(np.linalg.svd(A, full_matrices=False)[0], own)


@stands_in(sl.orthogonal_procrustes)
def _orthogonal_procrustes(A, B):
    """Aᴴ B = U S Vᴴ: R = U Vᴴ, the scale is the sum of S."""
    u, s, vh = np.linalg.svd(np.matmul(dagger(A), B), full_matrices=False)
    return np.matmul(u, vh), np.sum(s)


@stands_in(sl.funm)
def _funm(A, func, disp=True):
    """V f(Λ) V⁻¹, for eigenvalues that differ."""
    if not disp:
        raise no_rule(sl.funm, "disp=False")
    values, vectors = np.linalg.eig(A + 0j)
    found = np.matmul(vectors * settled(resolve(func)(values)), np.linalg.inv(vectors))
    return found if np.iscomplexobj(sl.funm(plain(A), func)) else np.real(found)


# ------------------------------------------------------------------------------------ banded matrices


def _full(band: Any, lower: bool) -> Any:
    """The Hermitian matrix whose diagonals stand in the rows of ``band``."""
    width, n = np.shape(plain(band))
    total: Any = 0.0
    for k in range(min(width, n)):
        row = band[k, : n - k] if lower else band[width - 1 - k, k:]
        one = resolve(np.diag)(row, -k if lower else k)
        total = total + (np.real(one) if k == 0 else one + dagger(one))
    return total


def _chosen(values: np.ndarray, select: Any, select_range: Any) -> Any:
    """Which of all eigenvalues, in rising order, LAPACK was asked for."""
    if select in ("a", "all", 0):
        return slice(None)
    low, high = select_range
    if select in ("i", "index", 2):
        return slice(int(low), int(high) + 1)
    return np.nonzero((values > low) & (values <= high))[0]


def _spectrum(matrix: Any, own: Any, eigvals_only: bool, select: Any, select_range: Any) -> Any:
    values, vectors = np.linalg.eigh(matrix)
    part = _chosen(plain(values), select, select_range)
    return values[part] if eigvals_only else (values[part], aligned(vectors[:, part], own[1]))


@stands_in(sl.eigh_tridiagonal)
def _eigh_tridiagonal(
    d, e, eigvals_only=False, select="a", select_range=None, tol=0.0, lapack_driver="auto"
):  # fmt: skip
    how = {"select": select, "select_range": select_range, "lapack_driver": lapack_driver}
    own = None if eigvals_only else sl.eigh_tridiagonal(plain(d), plain(e), **how)
    side = resolve(np.diag)(e, 1)
    matrix = resolve(np.diag)(d) + side + np.transpose(side)
    return _spectrum(matrix, own, eigvals_only, select, select_range)


@stands_in(sl.eigvalsh_tridiagonal)
def _eigvalsh_tridiagonal(d, e, select="a", select_range=None, tol=0.0):
    return _eigh_tridiagonal(d, e, True, select, select_range)


@stands_in(sl.eig_banded, overwrites=True)
def _eig_banded(a_band, lower=False, eigvals_only=False, select="a", select_range=None, max_ev=0):
    own = None if eigvals_only else sl.eig_banded(plain(a_band), lower, False, False, select, select_range)
    return _spectrum(_full(a_band, lower), own, eigvals_only, select, select_range)


@stands_in(sl.eigvals_banded, overwrites=True)
def _eigvals_banded(a_band, lower=False, select="a", select_range=None):
    return _eig_banded(a_band, lower, True, select, select_range)


@stands_in(sl.cholesky_banded, overwrites=True)
def _cholesky_banded(ab, lower=False):
    """The bands of the factor of the full matrix; elements of the storage that lie outside of it stay as they are."""
    factor = resolve(sl.cholesky)(_full(ab, lower), lower=lower)
    width, n = np.shape(plain(ab))
    rows, join = [], resolve(np.concatenate)
    for k in range(width):
        line = resolve(np.diagonal)(factor, -k if lower else k)
        rows.append(join([line, ab[k, n - k :]] if lower else [ab[width - 1 - k, :k], line]))
    return resolve(np.stack)(rows if lower else rows[::-1])


@stands_in(sl.cho_solve_banded, structured=True, overwrites=True)
def _cho_solve_banded(cb_and_lower, b):
    """Two banded solutions, with the factor and with its conjugate transpose."""
    band, lower = cb_and_lower
    width, n = np.shape(plain(band))
    rows = []
    for k in range(width):  # row k of the transposed factor's storage
        pad = np.zeros(min(width - 1 - k if lower else k, n))
        if lower:
            rows.append(resolve(np.concatenate)([pad, np.conj(band[width - 1 - k, : n - len(pad)])]))
        else:
            rows.append(resolve(np.concatenate)([np.conj(band[width - 1 - k, len(pad) :]), pad]))
    turned, solve = resolve(np.stack)(rows), resolve(sl.solve_banded)
    below, above = (band, turned) if lower else (turned, band)
    return solve((0, width - 1), above, solve((width - 1, 0), below, b))


# ------------------------------------------------------------------------------------ Riccati equations


def _riccati(function: Callable, residual: Callable, step: Callable) -> None:
    """Newton's step at the solution, one for each order of derivatives; E is brought onto the other matrices first."""

    def form(a, b, q, r, e=None, s=None, balanced=True):
        x = function(*map(plain, (a, b, q, r)), e=plain(e), s=plain(s), balanced=balanced)
        if e is not None:
            inverse = np.linalg.inv(e)
            a, q = np.matmul(a, inverse), np.matmul(np.matmul(dagger(inverse), q), inverse)
            s = None if s is None else np.matmul(dagger(inverse), s)
        s = np.zeros(np.shape(plain(b))) if s is None else s
        found = x
        closed = plain(a) - plain(b) @ residual(plain(a), plain(b), plain(q), plain(r), plain(s), x)[1]
        for _ in OPEN:
            found = with_value(found - step(dagger(closed), residual(a, b, q, r, s, found)[0]), x)
        return found

    stands_in(function)(form)


def _continuous(a, b, q, r, s, x):
    """Aᴴ X + X A − (X B + S) K + Q with the gain K = R⁻¹ (Bᴴ X + Sᴴ)."""
    side = np.matmul(x, b) + s
    gain = np.linalg.solve(r, dagger(side))
    return np.matmul(dagger(a), x) + np.matmul(x, a) - np.matmul(side, gain) + q, gain


def _discrete(a, b, q, r, s, x):
    """Aᴴ X A − X − (Aᴴ X B + S) K + Q with the gain K = (R + Bᴴ X B)⁻¹ (Bᴴ X A + Sᴴ)."""
    turned = np.matmul(dagger(a), x)
    side = np.matmul(turned, b) + s
    gain = np.linalg.solve(r + np.matmul(np.matmul(dagger(b), x), b), dagger(side))
    return np.matmul(turned, a) - x - np.matmul(side, gain) + q, gain


_riccati(sl.solve_continuous_are, _continuous, lambda a, rest: resolve(sl.solve_continuous_lyapunov)(a, rest))
_riccati(sl.solve_discrete_are, _discrete, lambda a, rest: -resolve(sl.solve_discrete_lyapunov)(a, rest))
