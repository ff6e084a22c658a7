"""Linear algebra of ``scipy.linalg``: functions of matrices, matrix equations, singular values, special matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.named import named_rule
from workbench.rules.rearranging import arranged
from workbench.rules.scipy_linalg import aligned, dagger
from workbench.rules.stand_ins import no_rule, refuses, stands_in

# ------------------------------------------------------------------------------------ functions of matrices


def _frechet(function: Callable, a: Any, direction: Any, **options: Any) -> Any:
    """The Fréchet derivative: f([[A, E], [0, A]]) has L(A, E) in its corner.

    Source: N. J. Higham, Functions of Matrices, 2008, equation 3.16.
    """
    below = np.zeros(np.shape(plain(a)))
    rows = [np.concatenate([a, direction], axis=-1), np.concatenate([below, a], axis=-1)]
    n = np.shape(plain(a))[-1]
    return resolve(function)(np.concatenate(rows, axis=-2), **options)[..., :n, n:]


def _adjoint(function: Callable, a: Any, bar: Any, **options: Any) -> Any:
    """L(A, Ȳᴴ)ᴴ: each term Aⁱ E Aʲ of the derivative has the adjoint (Aʲ Ȳᴴ Aⁱ)ᴴ."""
    return dagger(_frechet(function, a, dagger(bar), **options))


@named_rule(sl.expm, "A")
def _expm(y: Any, call: Any) -> Callable:
    """By SciPy's Fréchet derivative; by blocks for a stack of matrices."""

    def expm_pullback(bar: Any) -> tuple[Any]:
        if np.ndim(plain(call.A)) < 2:
            return (bar * y,)
        if np.ndim(plain(call.A)) == 2:
            return (resolve(sl.expm_frechet)(dagger(call.A), bar, compute_expm=False),)
        return (_adjoint(sl.expm, call.A, bar),)

    return expm_pullback


def _off_the_cut(function: Callable, a: Any) -> None:
    """Blocks have each eigenvalue twice; where rounding moves the two to both sides of a cut, they are of no use."""
    values = np.linalg.eigvals(plain(a))
    if np.any((values.real < 0) & (np.abs(values.imag) <= 1e-7 * np.abs(values.real))):
        raise no_rule(function, "a matrix with negative eigenvalues, where the function has a cut")


def _function_of_matrix(function: Callable) -> None:
    @named_rule(function, "A")
    def _rule(y: Any, call: Any) -> Callable:
        if getattr(call, "disp", None) is False:
            raise no_rule(function, "disp=False")
        if function is sl.logm:
            _off_the_cut(function, call.A)
        return lambda bar: (_adjoint(function, call.A, bar),)


for _function in (sl.logm, sl.cosm, sl.sinm, sl.tanm, sl.coshm, sl.sinhm, sl.tanhm):
    _function_of_matrix(_function)


@named_rule(sl.signm, "A")
def _signm(y: Any, call: Any) -> Callable:
    """N L + L N = E − Y E Y with N = A Y, whose eigenvalues have positive real parts (Higham 2008, theorem 5.3)."""
    if isinstance(y, tuple):
        raise no_rule(sl.signm, "disp=False")

    def signm_pullback(bar: Any) -> tuple[Any]:
        turned, sign = dagger(np.matmul(call.A, y)), dagger(y)
        e_bar = resolve(sl.solve_sylvester)(turned, turned, bar)
        return (e_bar - np.matmul(np.matmul(sign, e_bar), sign),)

    return signm_pullback


@named_rule(sl.fractional_matrix_power, "A", "t")
def _fractional_matrix_power(y: Any, call: Any) -> Callable:
    """By t it is log(A) Aᵗ."""
    if call.t != int(call.t):
        _off_the_cut(sl.fractional_matrix_power, call.A)

    def power_pullback(bar: Any) -> tuple[Any, Any]:
        a_bar = _adjoint(sl.fractional_matrix_power, call.A, bar, t=call.t)
        slope = np.matmul(resolve(sl.logm)(call.A), y)
        return a_bar, np.sum(np.real(np.conj(slope) * bar))

    return power_pullback


_power = DOORS[sl.fractional_matrix_power]


def _power_that_varies(A: Any, t: Any) -> Any:
    """SciPy's first power is the matrix itself, in the same memory: it cannot depend on the exponent."""
    if contains_traced(t) and plain(t) == 1:
        raise no_rule(sl.fractional_matrix_power, "an exponent of 1 that varies; use expm(t * logm(A))")
    return _power(A, t)


DOORS[sl.fractional_matrix_power] = _power_that_varies


@named_rule(sl.sqrtm, "A")
def _sqrtm(y: Any, call: Any) -> Callable:
    """Y Y = A: Yᴴ Ā + Ā Yᴴ = Ȳ (Higham 2008, section 6.1)."""
    if isinstance(y, tuple):
        raise no_rule(sl.sqrtm, "disp=False")

    def sqrtm_pullback(bar: Any) -> tuple[Any]:
        root, finite = dagger(y), np.all(np.isfinite(plain(y)), axis=(-2, -1), keepdims=True)
        if not finite.all():  # the matrix has no root
            root = np.where(finite, root, np.eye(np.shape(plain(y))[-1]))
        found = resolve(sl.solve_sylvester)(root, root, bar)
        solves = _is_solution(*map(plain, (root, found, bar)))
        return (np.where(solves & finite, found, np.nan),)

    return sqrtm_pullback


def _is_solution(root: np.ndarray, found: np.ndarray, bar: np.ndarray) -> np.ndarray:
    """Where B X + X B = C holds: not where the eigenvalues of B add up to zero and SciPy solves another equation."""
    products = np.matmul(root, found), np.matmul(found, root)
    size = np.max(np.abs(bar), axis=(-2, -1), keepdims=True, initial=0.0)
    return np.abs(sum(products) - bar) <= 1e-6 * size


@stands_in(sl.expm_frechet)
def _expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    derivative = _frechet(sl.expm, A, E)
    return (resolve(sl.expm)(A), derivative) if compute_expm else derivative


# ------------------------------------------------------------------------------------ matrix equations


@named_rule(sl.solve_sylvester, "a", "b", "q")
def _solve_sylvester(x: Any, call: Any) -> Callable:
    """A X + X B = Q: Q̄ solves Aᴴ Q̄ + Q̄ Bᴴ = X̄, Ā = −Q̄ Xᴴ, B̄ = −Xᴴ Q̄.

    SciPy takes the real Schur form of a real matrix beside a complex one for triangular: with complex eigenvalues,
    what it returns is no solution.
    """
    a, b, q = (np.asarray(plain(part)) for part in (call.a, call.b, call.q))
    if not np.allclose(a @ plain(x) + plain(x) @ b, q, 1e-6, 1e-6 * np.max(np.abs(q), initial=0.0)):
        raise no_rule(
            sl.solve_sylvester, "matrices for which SciPy finds no solution; make all of them complex"
        )

    def solve_sylvester_pullback(bar: Any) -> tuple[Any, Any, Any]:
        beside = 0j if np.iscomplexobj(plain(bar)) else 0.0
        q_bar = resolve(sl.solve_sylvester)(dagger(call.a) + beside, dagger(call.b) + beside, bar)
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


# ------------------------------------------------------------------------------------ singular values


@stands_in(sl.svd, overwrites=True)
def _svd(a, full_matrices=True, compute_uv=True, lapack_driver="gesdd"):
    if not compute_uv:
        return _svdvals(a)
    u, s, vh = np.linalg.svd(a, full_matrices=full_matrices)
    if lapack_driver == "gesdd":
        return u, s, vh
    own = sl.svd(plain(a), full_matrices, lapack_driver=lapack_driver)
    return aligned(u, own[0]), s, dagger(aligned(dagger(vh), dagger(own[2])))


@stands_in(sl.svdvals, overwrites=True)
def _svdvals(a):
    return np.linalg.svdvals(a)


@stands_in(sl.polar)
def _polar(a, side="right"):
    """A = U P with U = W Vᴴ, P = V S Vᴴ; or P U with P = W S Wᴴ."""
    w, s, vh = np.linalg.svd(a, full_matrices=False)
    u = np.matmul(w, vh)
    p = np.matmul(dagger(vh) * s, vh) if side == "right" else np.matmul(w * s, dagger(w))
    return u, p


refuses(
    sl.qz, sl.ordqz, sl.cossin,
    why="use qr, schur, eigh, svd, expm or solve, which have rules, or register one with @workbench.rule",
)  # fmt: skip

# ------------------------------------------------------------------------------------ special matrices

for _function, _places in {
    sl.circulant: (0,),
    sl.block_diag: tuple(range(64)),
    sl.convolution_matrix: (0,),
}.items():
    DOORS[_function] = arranged(_function, _places)
_arranging_toeplitz, _arranging_hankel = arranged(sl.toeplitz, (0, 1)), arranged(sl.hankel, (0, 1))


def _toeplitz(c: Any, r: Any = None) -> Any:
    """``toeplitz(c)`` has the conjugate of c as its first row."""
    return _arranging_toeplitz(
        c, np.conj(c) if r is None and np.iscomplexobj(plain(c)) else c if r is None else r
    )


def _hankel(c: Any, r: Any = None) -> Any:
    """``hankel(c)`` has zeros in its last row."""
    return _arranging_hankel(c) if r is None else _arranging_hankel(c, r)


DOORS[sl.toeplitz], DOORS[sl.hankel] = _toeplitz, _hankel
