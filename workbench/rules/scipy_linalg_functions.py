"""Linear algebra of ``scipy.linalg``: functions of matrices, spectra, matrix equations, special matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import plain
from workbench.rules.named import named_rule
from workbench.rules.rearranging import arranged
from workbench.rules.scipy_linalg import aligned, dagger, of_triangle
from workbench.rules.stand_ins import no_rule, refuses, stands_in

# ------------------------------------------------------------------------------------ functions of matrices


def _by_blocks(function: Callable, a: Any, bar: Any, **options: Any) -> Any:
    """The adjoint of the Fréchet derivative: f([[Aᴴ, E], [0, Aᴴ]]) has L(Aᴴ, E) in its corner.

    Source: N. J. Higham, Functions of Matrices, 2008, equation 3.16.
    """
    turned = dagger(a)
    below = np.zeros(np.shape(plain(a)))
    rows = [np.concatenate([turned, bar], axis=-1), np.concatenate([below, turned], axis=-1)]
    n = np.shape(plain(a))[-1]
    return resolve(function)(np.concatenate(rows, axis=-2), **options)[..., :n, n:]


@named_rule(sl.expm, "A")
def _expm(y: Any, call: Any) -> Callable:
    """L(Aᴴ, Ȳ) by SciPy's Fréchet derivative; by blocks for a stack of matrices."""

    def expm_pullback(bar: Any) -> tuple[Any]:
        if np.ndim(plain(call.A)) < 2:
            return (bar * y,)
        if np.ndim(plain(call.A)) == 2:
            return (resolve(sl.expm_frechet)(dagger(call.A), bar, compute_expm=False),)
        return (_by_blocks(sl.expm, call.A, bar),)

    return expm_pullback


def _function_of_matrix(function: Callable) -> None:
    @named_rule(function, "A")
    def _rule(y: Any, call: Any) -> Callable:
        if getattr(call, "disp", None) is False:
            raise no_rule(function, "disp=False")
        return lambda bar: (_by_blocks(function, call.A, bar),)


for _function in (sl.logm, sl.signm, sl.cosm, sl.sinm, sl.tanm, sl.coshm, sl.sinhm, sl.tanhm):
    _function_of_matrix(_function)


@named_rule(sl.fractional_matrix_power, "A")
def _fractional_matrix_power(y: Any, call: Any) -> Callable:
    return lambda bar: (_by_blocks(sl.fractional_matrix_power, call.A, bar, t=call.t),)


@named_rule(sl.sqrtm, "A")
def _sqrtm(y: Any, call: Any) -> Callable:
    """Y Y = A: Yᴴ Ā + Ā Yᴴ = Ȳ (Higham 2008, section 6.1)."""
    if isinstance(y, tuple) or np.ndim(plain(y)) > 2:
        raise no_rule(sl.sqrtm, "disp=False, and a stack of matrices")

    def sqrtm_pullback(bar: Any) -> tuple[Any]:
        return (resolve(sl.solve_sylvester)(dagger(y), dagger(y), bar),)

    return sqrtm_pullback


@stands_in(sl.expm_frechet)
def _expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    derivative = _by_blocks(sl.expm, dagger(A), E)
    return (resolve(sl.expm)(A), derivative) if compute_expm else derivative


# ------------------------------------------------------------------------------------ matrix equations


@named_rule(sl.solve_sylvester, "a", "b", "q")
def _solve_sylvester(x: Any, call: Any) -> Callable:
    """A X + X B = Q: Q̄ solves Aᴴ Q̄ + Q̄ Bᴴ = X̄, Ā = −Q̄ Xᴴ, B̄ = −Xᴴ Q̄."""

    def solve_sylvester_pullback(bar: Any) -> tuple[Any, Any, Any]:
        q_bar = resolve(sl.solve_sylvester)(dagger(call.a), dagger(call.b), bar)
        return -np.matmul(q_bar, dagger(x)), -np.matmul(dagger(x), q_bar), q_bar

    return solve_sylvester_pullback


@stands_in(sl.solve_continuous_lyapunov)
def _solve_continuous_lyapunov(a, q):
    return resolve(sl.solve_sylvester)(a, dagger(a), q)


DOORS[sl.solve_lyapunov] = DOORS[sl.solve_continuous_lyapunov]


@stands_in(sl.solve_discrete_lyapunov)
def _solve_discrete_lyapunov(a, q, method=None):
    """A X Aᴴ − X + Q = 0 as a linear system for the rows of X."""
    n = np.shape(plain(a))[0]
    system = np.eye(n * n) - np.kron(a, np.conj(a))
    return np.reshape(np.linalg.solve(system, np.reshape(q, (n * n, 1))), (n, n))


# ------------------------------------------------------------------------------------ spectra


@stands_in(sl.eigh, overwrites=True)
def _eigh(a, b=None, *, lower=True, eigvals_only=False, type=1, subset_by_index=None, subset_by_value=None):
    """A v = λ B v by the Cholesky factor of B: L⁻¹ A L⁻ᴴ w = λ w, v = L⁻ᴴ w."""
    if type != 1 or subset_by_value is not None:
        raise no_rule(sl.eigh, "type and subset_by_value")
    plain_b = None if b is None else plain(b)
    own = sl.eigh(plain(a), plain_b, lower=lower, subset_by_index=subset_by_index)[1]
    inverse = None
    if b is not None:
        inverse = np.linalg.inv(resolve(sl.cholesky)(b, lower=lower))
        inverse = inverse if lower else dagger(inverse)
        a = np.matmul(np.matmul(inverse, of_triangle(a, lower)), dagger(inverse))
    values, vectors = np.linalg.eigh(a, UPLO="L" if lower else "U")
    if subset_by_index is not None:
        part = slice(subset_by_index[0], subset_by_index[1] + 1)
        values, vectors = values[part], vectors[:, part]
    if eigvals_only:
        return values
    if inverse is not None:
        vectors = np.matmul(dagger(inverse), vectors)
    return values, aligned(vectors, own)


@stands_in(sl.eigvalsh, overwrites=True)
def _eigvalsh(a, b=None, *, lower=True, type=1, subset_by_index=None, subset_by_value=None):
    return _eigh(
        a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )  # fmt: skip


@stands_in(sl.eig, overwrites=True)
def _eig(a, b=None, left=False, right=True, homogeneous_eigvals=False):
    if left or homogeneous_eigvals:
        raise no_rule(sl.eig, "left eigenvectors and homogeneous eigenvalues")
    a = a if b is None else np.linalg.solve(b, a)
    if not right:
        return np.linalg.eig(a)[0] + 0j
    if b is not None:
        raise no_rule(sl.eig, "eigenvectors of a generalised problem")
    values, vectors = np.linalg.eig(a)
    own = sl.eig(plain(a))[1]
    return values + 0j, aligned(vectors, own) if np.iscomplexobj(own) else vectors


@stands_in(sl.eigvals, overwrites=True)
def _eigvals(a, b=None):
    return _eig(a, b, right=False)


@stands_in(sl.svd, overwrites=True)
def _svd(a, full_matrices=True, compute_uv=True):
    rows, columns = np.shape(plain(a))[-2:]
    if compute_uv and full_matrices and rows != columns:
        raise no_rule(sl.svd, "full_matrices=True and a matrix that is not square")
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u, s, vh) if compute_uv else s


@stands_in(sl.svdvals, overwrites=True)
def _svdvals(a):
    return np.linalg.svd(a, full_matrices=False)[1]


@stands_in(sl.polar)
def _polar(a, side="right"):
    """A = U P with U = W Vᴴ, P = V S Vᴴ; or P U with P = W S Wᴴ."""
    w, s, vh = np.linalg.svd(a, full_matrices=False)
    u = np.matmul(w, vh)
    p = np.matmul(dagger(vh) * s, vh) if side == "right" else np.matmul(w * s, dagger(w))
    return u, p


refuses(
    sl.rsf2csf, sl.qz, sl.ordqz, sl.cossin, sl.cdf2rdf, sl.matrix_balance, sl.qr_multiply, sl.qr_update, sl.qr_insert,
    sl.qr_delete, sl.expm_cond,
    why="use qr, schur, eigh, svd, expm or solve, which have rules, or register one with @workbench.rule",
)  # fmt: skip

# ------------------------------------------------------------------------------------ special matrices

for _function, _places in {
    sl.circulant: (0,),
    sl.hankel: (0, 1),
    sl.block_diag: tuple(range(64)),
    sl.convolution_matrix: (0,),
}.items():
    DOORS[_function] = arranged(_function, _places)
_arranging_toeplitz = arranged(sl.toeplitz, (0, 1))


def _toeplitz(c: Any, r: Any = None) -> Any:
    """``toeplitz(c)`` has the conjugate of c as its first row."""
    return _arranging_toeplitz(
        c, np.conj(c) if r is None and np.iscomplexobj(plain(c)) else c if r is None else r
    )


DOORS[sl.toeplitz] = _toeplitz
