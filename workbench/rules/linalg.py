"""Linear algebra that the adopted tables lack."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.application import as_array
from workbench.autodiff.arrays import TracedArray, current
from workbench.autodiff.calls import resolve
from workbench.autodiff.cotangents import reduce_to
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import Rule, add_rule, door, non_differentiable
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError, NotDifferentiableError
from workbench.rules.stand_ins import with_value


def dagger(a: Any) -> Any:
    """The conjugate transpose of a matrix, or of a stack of them."""
    swapped = np.swapaxes(a, -1, -2)
    return np.conj(swapped) if np.iscomplexobj(plain(a)) else swapped


def solved(a: Any, b: Any) -> Any:
    """A⁻¹ B; NaN where A is exactly singular, and what was asked for has no derivative."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.nan * b


def _times_inverse(right: Any, r: Any, used: np.ndarray) -> Any:
    """right R⁻ᴴ; NaN where R has no inverse: a column that others make up, but for rounding, has any direction in Q.

    What does not use that column of Q and row of R, nor one after it, has a derivative all the same.
    """
    bare = plain(r)
    n, eye = bare.shape[-1], np.eye(bare.shape[-1], dtype=bool)
    sizes = np.sqrt(np.sum(np.abs(bare) ** 2, axis=-2))
    dependent = np.abs(np.diagonal(bare, 0, -2, -1)) <= 10 * n * np.finfo(bare.dtype).eps * sizes
    if dependent.any():
        used = np.flip(np.logical_or.accumulate(np.flip(used, -1), axis=-1), -1)
        right = np.where((used | ~dependent)[..., None, :], right, 0.0)
        r = np.where(eye & dependent[..., None, :], np.where(used, np.nan, 1.0)[..., None, :], r)
    return dagger(np.linalg.solve(r, dagger(right)))


def _qr(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Reduced QR of a matrix of full rank; of a wide one, Q and the first of R are those of its first columns.

    Source: S. Walter, L. Lehmann, R. Lamour, On evaluating higher-order derivatives of the QR decomposition of tall
    matrices with full column rank in forward and reverse mode, 2012, section 3.
    """
    rows, columns = np.shape(plain(args[0]))[-2:]
    mode = args[1] if len(args) > 1 else kwargs.get("mode", "reduced")
    if mode not in ("reduced", "r") and (mode != "complete" or rows > columns):
        raise MissingRuleError(
            "numpy.linalg.qr has no rule for this shape and mode",
            found=f"got a matrix of shape {(rows, columns)} and mode={mode!r}",
            where=user_line(),
            fix="use mode='reduced' or scipy.linalg.qr",
        )
    q, r = result = np.linalg.qr(args[0])
    rest, r = args[0][..., rows:], r[..., :rows]

    def qr_pullback(bars: Any) -> list[Any]:
        q_bar, r_bar = bars if mode != "r" else (np.zeros_like(q), bars)
        r_bar, rest_bar = r_bar[..., :rows], r_bar[..., rows:]
        q_bar = q_bar + rest @ dagger(rest_bar)
        m = r @ dagger(r_bar) - dagger(q_bar) @ q
        lower = np.tril(m, -1)
        # the diagonal of r is real
        symmetric = lower + dagger(lower) + np.real(np.tril(np.triu(m)))
        right = q_bar + q @ symmetric
        used = np.any(plain(q_bar) != 0, axis=-2) | np.any(np.triu(plain(r_bar)) != 0, axis=-1)
        used = used | np.any(plain(rest_bar) != 0, axis=-1)
        a_bar = _times_inverse(right, r, used)
        return [np.concatenate([a_bar, q @ rest_bar], axis=-1) if rows < columns else a_bar]

    return result if mode != "r" else result[1], qr_pullback


add_rule(Rule(np.linalg.qr, _qr, leaves=(0,)))


def cofactors(a: Any, det: Any) -> Any:
    """The derivative of the determinant by each element: det A A⁻ᵀ, or the minors where there is no inverse.

    Args:
        a: matrices, (..., n, n).
        det: their determinants, (...).
    """
    try:
        return np.reshape(det, (*np.shape(plain(det)), 1, 1)) * np.swapaxes(np.linalg.inv(a), -1, -2)
    except np.linalg.LinAlgError:
        n = np.shape(plain(a))[-1]
        others = [np.array([k for k in range(n) if k != left], int) for left in range(n)]
        rows = [
            np.stack(
                [(-1.0) ** (i + j) * np.linalg.det(a[..., others[i][:, None], others[j]]) for j in range(n)],
                -1,
            )
            for i in range(n)
        ]
        return np.stack(rows, -2)


def _det(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Ā = d̄ times the conjugate cofactors."""
    result = np.linalg.det(*args, **kwargs)

    def det_pullback(bar: Any) -> list[Any]:
        factor = np.reshape(bar, (*np.shape(plain(bar)), 1, 1))
        return [factor * np.conj(cofactors(args[0], result))]

    return result, det_pullback


add_rule(Rule(np.linalg.det, _det, leaves=(0,)))


def _slogdet(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """d log|det A| and d arg det A are the real and the imaginary part of tr A⁻¹ dA, NaN where A is singular."""
    result = np.linalg.slogdet(*args, **kwargs)

    def slogdet_pullback(bars: Any) -> list[Any]:
        sign_bar, log_bar = bars
        factor = log_bar
        if np.iscomplexobj(plain(args[0])):
            factor = log_bar - 1j * np.imag(np.conj(sign_bar) * result[0])
        inverse = np.linalg.inv(np.where(np.equal(plain(result[0]), 0)[..., None, None], np.nan, args[0]))
        return [np.reshape(factor, (*np.shape(plain(factor)), 1, 1)) * dagger(inverse)]

    return result, slogdet_pullback


add_rule(Rule(np.linalg.slogdet, _slogdet, leaves=(0,)))


def _cholesky(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Only the triangle that NumPy reads has a cotangent.

    Source: I. Murray, Differentiation of the Cholesky decomposition, 2016, equation 10.
    """
    factor = np.linalg.cholesky(*args, **kwargs)
    upper = kwargs.get("upper", False)
    lower = dagger(factor) if upper else factor

    def cholesky_pullback(bar: Any) -> list[Any]:
        bar = dagger(bar) if upper else bar
        phi = np.tril(dagger(lower) @ bar)
        eye = np.eye(np.shape(plain(lower))[-1])
        phi = phi - 0.5 * phi * eye
        half = np.linalg.solve(dagger(lower), dagger(np.linalg.solve(dagger(lower), dagger(phi))))
        whole = half + dagger(half)
        read = np.tril(whole) - 0.5 * whole * eye
        return [dagger(read) if upper else read]

    return factor, cholesky_pullback


add_rule(Rule(np.linalg.cholesky, _cholesky, leaves=(0,)))


def _solve(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """x = A⁻¹ b: b_bar = A⁻ᴴ x_bar and A_bar = −b_bar xᴴ. A vector b stands for one in each matrix of a stack."""
    a, b = args
    x = np.linalg.solve(a, b, **kwargs)
    is_vector = np.ndim(plain(b)) == 1

    def columns(v: Any) -> Any:
        return np.expand_dims(v, -1) if is_vector else v

    def solve_pullback(bar: Any) -> list[Any]:
        inner = np.linalg.solve(dagger(a), columns(bar))
        b_bar = np.reshape(inner, np.shape(plain(bar))) if is_vector else inner
        found = (-(inner @ dagger(columns(x))), b_bar)
        return [reduce_to(found[k], np.shape(plain(args[k]))) for k in needs]

    return x, solve_pullback


add_rule(Rule(np.linalg.solve, _solve, leaves=(0, 1)))


def _lstsq(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """Least squares with full column rank: x = (AᵀA)⁻¹Aᵀb, r = |b - A x|², and A's singular values."""
    a, b = args[:2]
    x, residuals, rank, singular = np.linalg.lstsq(a, b, *args[2:], **kwargs)
    if rank < np.shape(plain(a))[1]:
        raise MissingRuleError(
            "numpy.linalg.lstsq has no rule for a matrix without full column rank",
            found=f"got rank {rank} and a matrix of shape {np.shape(plain(a))}",
            where=user_line(),
            fix="use numpy.linalg.pinv(a) @ b where the rank does not change",
        )

    def lstsq_pullback(bars: Any) -> list[Any]:
        x_bar, r_bar, _, s_bar = bars
        columns = (lambda v: v[:, None]) if np.ndim(plain(x)) == 1 else (lambda v: v)
        inner = np.linalg.solve(dagger(a) @ a, columns(x_bar))
        rest = columns(b) - a @ columns(x)
        b_bar = a @ inner
        a_bar = rest @ dagger(inner) - b_bar @ dagger(columns(x))
        if np.size(plain(r_bar)):
            b_bar = b_bar + 2.0 * rest * r_bar
            a_bar = a_bar - 2.0 * (rest * r_bar) @ dagger(columns(x))
        if np.any(plain(s_bar)):
            u, _, vh = np.linalg.svd(a, full_matrices=False)
            a_bar = a_bar + (u * s_bar) @ vh
        return [(a_bar, np.reshape(b_bar, np.shape(plain(b))))[k] for k in needs]

    return (x, residuals, rank, singular), lstsq_pullback


add_rule(Rule(np.linalg.lstsq, _lstsq, leaves=(0, 1)))


def _read_triangle(whole: Any, uplo: str) -> Any:
    """The cotangent of the triangle that NumPy reads of a Hermitian matrix, from that of the whole matrix."""
    both = whole + dagger(whole)
    keep = np.tril if uplo == "L" else np.triu
    return keep(both) - 0.5 * both * np.eye(np.shape(plain(whole))[-1])


def _uplo(a: Any, UPLO: str = "L") -> str:
    return UPLO.upper()


def _eigh(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """A_bar = V (diag(w_bar) + F ∘ Vᴴ V_bar) Vᴴ with F_ij = 1 / (w_j - w_i).

    Vectors of equal eigenvalues have no derivatives, nor has one of these alone (see ``apart``): NaN.
    """
    result = np.linalg.eigh(*args, **kwargs)
    (w, v), where = result, user_line()

    def eigh_pullback(bars: Any) -> list[Any]:
        w_bar, v_bar = bars
        eye = np.eye(np.shape(plain(w))[-1])
        core = eye * np.expand_dims(apart(w_bar, w), -2)
        if np.any(plain(v_bar)):
            inner = dagger(v) @ v_bar
            check_phases(plain(inner), where)
            core = core + _mixed(inner, w)
        return [_read_triangle(v @ core @ dagger(v), _uplo(*args, **kwargs))]

    return result, eigh_pullback


def _mixed(inner: Any, w: Any) -> Any:
    """F ∘ inner with F_ij = 1 / conj(w_j - w_i), off the diagonal: NaN for values that are equal where it matters."""
    gaps = np.conj(np.expand_dims(w, -2) - np.expand_dims(w, -1))
    same = are_equal(plain(w))
    asked = np.any(plain(inner) != 0, axis=-2, keepdims=True)
    undetermined = same & asked & ~np.eye(same.shape[-1], dtype=bool)
    return inner * np.where(
        undetermined, np.nan, ~same / np.where(same, 1.0, gaps)
    )  # a product: linear, NaN and all


def _eig(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """A_bar = V⁻ᴴ (diag(w_bar) + F ∘ Vᴴ u_bar) Vᴴ with F_ij = 1 / conj(w_j - w_i).

    u_bar is V_bar without what would change a vector's length, which is 1, or its phase: LAPACK makes the largest
    element of each vector real.
    """
    result = np.linalg.eig(*args, **kwargs)
    w, v = result
    is_complex = np.iscomplexobj(plain(args[0]))

    def eig_pullback(bars: Any) -> list[Any]:
        w_bar, v_bar = bars
        core = np.eye(np.shape(plain(w))[-1]) * np.expand_dims(apart(w_bar, w), -2)
        if np.any(plain(v_bar)):
            along = np.sum(np.conj(v_bar) * v, axis=-2, keepdims=True)
            u_bar = v_bar - v * np.real(along)
            if np.iscomplexobj(plain(v)):
                largest = _largest_of_real(plain(v))
                u_bar = u_bar + largest * 1j * np.imag(along) / np.sum(
                    largest * np.real(v), -2, keepdims=True
                )
            core = core + _mixed(dagger(v) @ u_bar, w)
        a_bar = np.linalg.solve(dagger(v), core @ dagger(v))
        return [a_bar if is_complex else np.real(a_bar)]

    return result, eig_pullback


def _largest_of_real(v: np.ndarray) -> np.ndarray:
    """Where each column has its largest element among those that are real."""
    size = np.where(np.imag(v) == 0, np.abs(v), 0.0)
    return np.arange(v.shape[-2])[:, None] == np.argmax(size, axis=-2, keepdims=True)


def are_equal(values: np.ndarray) -> np.ndarray:
    """Which eigenvalues, or singular values, of a matrix are equal as far as rounding can tell. Shape (..., n, n)."""
    n = values.shape[-1]
    scale = np.max(np.abs(values), axis=-1, initial=0.0)[..., None, None]
    gaps = np.abs(values[..., None, :] - values[..., :, None])
    return gaps <= 10 * n * np.finfo(values.dtype).eps * scale


def apart(w_bar: Any, w: Any) -> Any:
    """The cotangents of eigenvalues or singular values: NaN where some are equal and their cotangents differ.

    Equal values part in a way that depends on the direction, so that one alone has no derivative there. What treats
    all of them alike has one, such as their sum, product or, by the convention for ties, their maximum.
    """
    bars = plain(w_bar)
    differ = np.abs(bars[..., None, :] - bars[..., :, None])
    differ = differ > 1e-6 * np.max(np.abs(bars), initial=0.0)
    undetermined = np.any(are_equal(plain(w)) & differ, axis=-1)
    return w_bar * np.where(undetermined, np.nan, 1.0) if undetermined.any() else w_bar


def check_phases(inner: np.ndarray, where: str | None) -> None:
    """Each complex vector is fixed up to a phase only: what depends on the phase has no derivative.

    Args:
        inner: the products of the vectors with their cotangents: i times the diagonal is what a phase changes.
    """
    phases = np.imag(np.diagonal(inner, 0, -2, -1))
    if np.any(np.abs(phases) > 1e-6 * (1.0 + np.max(np.abs(inner), initial=0.0))):
        raise NotDifferentiableError(
            "the result depends on the phases of complex eigenvectors or other factors, which are arbitrary",
            where=where,
            fix="use what does not change when a vector is multiplied by exp(i phi), such as abs(v) ** 2",
        )


def _eigvalsh(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """The eigenvalues alone."""

    def eigvalsh_pullback(w_bar: Any) -> list[Any]:
        w, v = np.linalg.eigh(*args, **kwargs)
        return [_read_triangle((v * np.expand_dims(apart(w_bar, w), -2)) @ dagger(v), _uplo(*args, **kwargs))]

    return np.linalg.eigvalsh(*args, **kwargs), eigvalsh_pullback


def _eigvals(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    """A_bar = V⁻ᴴ diag(w_bar) Vᴴ."""

    def eigvals_pullback(w_bar: Any) -> list[Any]:
        w, v = np.linalg.eig(*args)
        return [np.linalg.solve(dagger(v), np.expand_dims(apart(w_bar, w), -1) * dagger(v))]

    return np.linalg.eigvals(*args), eigvals_pullback


add_rule(Rule(np.linalg.eig, _eig, leaves=(0,)))
add_rule(Rule(np.linalg.eigh, _eigh, leaves=(0,)))
add_rule(Rule(np.linalg.eigvalsh, _eigvalsh, leaves=(0,)))
add_rule(Rule(np.linalg.eigvals, _eigvals, leaves=(0,)))


@door(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """``numpy.linalg.norm``; of vectors by its order too, which NumPy's branches at 1 and 2 would hide."""
    if not any(map(contains_traced, (x, ord, axis))):
        return np.linalg.norm(x, ord, axis, keepdims)
    value = resolve(np.linalg.norm.__wrapped__)(x, ord, axis, keepdims)
    x = as_array(x) if isinstance(x, list | tuple) else current(x)
    axes = np.ndim(plain(x)) if axis is None else np.size(plain(axis))
    if not contains_traced(ord) or axes != 1 or plain(ord) not in (1, 2):
        return value
    total = np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims)
    return with_value(total ** (1.0 / ord), plain(value))


@door(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """``numpy.linalg.cond``."""
    x = as_array(x) if isinstance(x, list | tuple) else current(x)
    if type(x) is not TracedArray or p in (None, 2, -2):
        return (
            np.linalg.cond(x, p) if type(x) is not TracedArray else resolve(np.linalg.cond.__wrapped__)(x, p)
        )
    norm, axes = resolve(np.linalg.norm), (-2, -1)
    size, singular = norm(x, p, axis=axes), np.isinf(np.linalg.cond(plain(x), p))
    if not np.any(singular):
        return size * norm(resolve(np.linalg.inv)(x), p, axis=axes)
    inverse = resolve(np.linalg.inv)(np.where(singular[..., None, None], np.nan, x))
    return (size + singular) * np.where(singular, np.inf, norm(inverse, p, axis=axes))


non_differentiable(np.linalg.matrix_rank)
