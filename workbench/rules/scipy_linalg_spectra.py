"""Linear algebra of ``scipy.linalg``: eigenvalues and eigenvectors, of one matrix and of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from workbench.autodiff.calls import resolve
from workbench.autodiff.telling import plain
from workbench.rules.scipy_linalg import aligned, dagger, of_triangle
from workbench.rules.stand_ins import no_rule, stands_in


@stands_in(sl.eigh, overwrites=True)
def _eigh(
    a, b=None, *, lower=True, eigvals_only=False, type=1, driver=None, subset_by_index=None, subset_by_value=None
):  # fmt: skip
    """A v = λ B v (type 1), A B v = λ v (2), B A v = λ v (3) by the factor of B = L Lᴴ.

    w is an eigenvector of L⁻¹ A L⁻ᴴ, or of Lᴴ A L, and v = L⁻ᴴ w, or L w for type 3.
    """
    given, plain_b, back = a, None if b is None else plain(b), None
    if b is not None:
        factor = resolve(sl.cholesky)(b, lower=lower)
        factor = factor if lower else dagger(factor)
        inverse, whole = np.linalg.inv(factor), of_triangle(a, lower)
        left = inverse if type == 1 else dagger(factor)
        a, back = np.matmul(np.matmul(left, whole), dagger(left)), factor if type == 3 else dagger(inverse)
    values, vectors = np.linalg.eigh(a, UPLO="L" if lower else "U")
    part = _part(plain(values), subset_by_index, subset_by_value)
    values, vectors = values[part], vectors[:, part]
    if eigvals_only:
        return values
    own = sl.eigh(
        plain(given), plain_b, lower=lower, type=type, driver=driver, subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )[1]  # fmt: skip
    return values, aligned(vectors if back is None else np.matmul(back, vectors), own)


def _part(values: np.ndarray, by_index: Any, by_value: Any) -> Any:
    """Which of all eigenvalues, in rising order, LAPACK was asked for."""
    if by_value is not None:
        return np.nonzero((values > by_value[0]) & (values <= by_value[1]))[0]
    return slice(None) if by_index is None else slice(int(by_index[0]), int(by_index[1]) + 1)


@stands_in(sl.eigvalsh, overwrites=True)
def _eigvalsh(a, b=None, *, lower=True, type=1, subset_by_index=None, subset_by_value=None):
    return _eigh(
        a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )  # fmt: skip


# ------------------------------------------------------------------------------------ not symmetric


@stands_in(sl.eig, overwrites=True)
def _eig(a, b=None, left=False, right=True, homogeneous_eigvals=False):
    if homogeneous_eigvals:
        raise no_rule(sl.eig, "homogeneous eigenvalues")
    own = sl.eig(plain(a), None if b is None else plain(b), left=True, right=True)
    values, vectors = _of_right(a, b, own[0], own[2]) if right else (None, None)
    if not left:
        return (values, vectors) if right else _values(a, b, own[0])
    turned, found = _of_right(dagger(a), None if b is None else dagger(b), np.conj(own[0]), own[1])
    return (values, found, vectors) if right else (np.conj(turned) + 0j, found)


def _values(a: Any, b: Any, own: np.ndarray) -> Any:
    if b is None:
        return np.linalg.eig(a)[0] + 0j
    pencil = _Pencil(a, b)
    return pencil.values(np.linalg.eigvals(pencil.matrix), own)


def _of_right(a: Any, b: Any, own_values: np.ndarray, own: np.ndarray) -> tuple[Any, Any]:
    """Values and right vectors in SciPy's order, with SciPy's signs and sizes."""
    if b is None:
        values, vectors = np.linalg.eig(a)
        order = _in_order(plain(values), own_values)
        return values[order] + 0j, aligned(vectors[:, order], own)
    if np.iscomplexobj(own):
        raise no_rule(sl.eig, "complex eigenvectors of a generalised problem, whose phases are arbitrary")
    pencil = _Pencil(a, b)
    values, vectors = np.linalg.eig(pencil.matrix)
    order = _in_order(pencil.plain_values(plain(values)), own_values)
    return pencil.values(values, own_values), aligned(np.real(vectors[:, order]), own)


def _in_order(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """For each of ``own`` the place of the nearest among ``values`` that is not taken."""
    order, free = [], np.ones(len(values), bool)
    for one in own:
        apart = np.where(free, np.abs(values - one) if np.isfinite(one) else -np.abs(values), np.inf)
        order.append(int(np.argmin(apart)))
        free[order[-1]] = False
    return np.array(order, int)


class _Pencil:
    """A v = λ B v as M v = μ v with M = (A − σB)⁻¹ B and λ = σ + 1/μ, so that B may be singular."""

    def __init__(self, a: Any, b: Any) -> None:
        unit = np.linalg.norm(plain(a)) / max(np.linalg.norm(plain(b)), 1e-300)
        shifts = unit * np.array([0.0, 0.37, -0.61, 1.3, -1.9])
        conditions = [np.linalg.cond(plain(a) - shift * plain(b)) for shift in shifts]
        self.shift = shifts[int(np.argmin(conditions))]
        self.matrix = np.linalg.solve(a - self.shift * b, b)

    def plain_values(self, inverse: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return self.shift + 1.0 / inverse

    def values(self, inverse: Any, own: np.ndarray) -> Any:
        """In SciPy's order; infinite ones stay."""
        order = _in_order(self.plain_values(plain(inverse)), own)
        finite = np.isfinite(own) & (np.abs(plain(inverse)[order]) > 1e-14 * np.max(np.abs(plain(inverse))))
        chosen = np.where(finite, inverse[order], 1.0)
        return np.where(finite, self.shift + 1.0 / chosen, own) + 0j


@stands_in(sl.eigvals, overwrites=True)
def _eigvals(a, b=None):
    return _eig(a, b, right=False)
