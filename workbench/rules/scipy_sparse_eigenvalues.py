"""Eigenvalues and singular values of ``scipy.sparse.linalg``, by Newton's step at the solution.

The phases of complex vectors are arbitrary: they follow from ARPACK's iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench.autodiff.application import apply_rule
from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, Rule
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.linalg import check_phases
from workbench.rules.linear_maps import linear
from workbench.rules.scipy_sparse_linalg import _bare, _factored, _matrix, _traced
from workbench.rules.stand_ins import no_rule, settled, with_value


def _eigenpair(
    apply: Callable, a: Any, value: Any, vector: np.ndarray, function: Callable
) -> tuple[Any, Any]:
    """λ and v with A v = λ v and v₀ᴴ v = 1, by Newton's step at the solution for each order of derivatives.

    Raises:
        MissingRuleError: the eigenvalue is not simple.
    """
    bordered = ss.bmat(
        [[a - value * ss.eye_array(len(vector)), -vector[:, None]], [vector.conj()[None], None]]
    )
    factor = _factored(bordered, function, "an eigenvalue that is there twice")
    found_value, found = value, vector
    for _ in OPEN:
        rest = apply(found) - found_value * found
        border = np.sum(vector.conj() * found) - 1.0
        whole = resolve(np.concatenate)([rest, np.reshape(border, (1,))])
        step = linear(factor.solve, lambda bar: factor.solve(bar, "H"), whole)
        found = with_value(found - step[:-1], vector)
        found_value = with_value(found_value - step[-1], value)
    return found_value, found


def _of_any_phase(vector: Any) -> Any:
    """A complex vector whose phase is arbitrary: what depends on the phase is refused, on the way back."""
    if not np.iscomplexobj(plain(vector)):
        return vector
    where = user_line()

    def forward(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        def phase_pullback(bar: Any) -> list[Any]:
            check_phases(np.reshape(np.vdot(plain(vector), plain(bar)), (1, 1)), where)
            return [bar]

        return args[0] * 1.0, phase_pullback

    return apply_rule(Rule(lambda x: x * 1.0, forward), (vector,), {})


def _eigenpairs(function: Callable, A: Any, values: np.ndarray, vectors: np.ndarray, hermitian: bool) -> list:
    """Each eigenvalue with its vector, of length one, as the solver found them."""
    matrix = _matrix(function, A)
    a, pairs = matrix.plain(), []
    for value, vector in zip(values, vectors.T, strict=True):
        one, found = _eigenpair(matrix.times, a, value.item(), np.array(vector), function)
        found = _of_any_phase(found)
        pairs.append((one if not hermitian else np.real(one), found / np.sqrt(np.sum(np.abs(found) ** 2))))
    return pairs


def _spectrum(function: Callable, hermitian: bool) -> None:
    def call(
        A: Any, k: int = 6, M: Any = None, *rest: Any, return_eigenvectors: bool = True, **options: Any
    ) -> Any:
        if not _traced(A, M, list(rest), options):
            return function(A, k, M, *rest, return_eigenvectors=return_eigenvectors, **options)
        if M is not None or _traced(list(rest), options):
            raise no_rule(function, "M, and options that vary")
        values, vectors = function(_bare(A), k, M, *rest, **options)
        pairs = _eigenpairs(function, A, values, vectors, hermitian)
        traced = resolve(np.array)([one for one, _ in pairs])
        if not return_eigenvectors:
            own = function(_bare(A), k, M, *rest, return_eigenvectors=False, **options)
            return _in_order(function, traced, own, is_real=_bare(A).dtype.kind != "c")
        whole = resolve(np.stack)([found for _, found in pairs], axis=1)
        return with_value(traced, values), with_value(whole, vectors)

    DOORS[function] = call


def _in_order(function: Callable, traced: Any, own: np.ndarray, *, is_real: bool) -> Any:
    """Eigenvalues as they are found without vectors: of a pair that ``k`` cuts apart it may be the other one."""
    traced = resolve(np.concatenate)([traced, np.conj(traced)]) if is_real else traced
    away = np.abs(plain(traced)[:, None] - own)
    if np.any(np.min(away, axis=0) > 100.0 * np.sqrt(np.finfo(own.dtype).eps) * np.max(np.abs(own))):
        raise no_rule(function, "eigenvalues that are others with their vectors")
    return with_value(traced[np.argmin(away, axis=0)], own)


_spectrum(sl.eigsh, hermitian=True)
_spectrum(sl.eigs, hermitian=False)


def _lobpcg(A: Any, X: Any, B: Any = None, M: Any = None, Y: Any = None, *rest: Any, **options: Any) -> Any:
    """As ``eigsh``; where it starts, and what preconditions it, does not vary."""
    if not _traced(A, X, B, M, Y, list(rest), options):
        return sl.lobpcg(A, X, B, M, Y, *rest, **options)
    histories = any(options.get(name) for name in ("retLambdaHistory", "retResidualNormsHistory"))
    if B is not None or Y is not None or histories or _traced(list(rest), options):
        raise no_rule(sl.lobpcg, "B, Y, histories, and options that vary")
    values, vectors = sl.lobpcg(_bare(A), plain(settled(X)), None, _bare(M), None, *rest, **options)
    pairs = _eigenpairs(sl.lobpcg, A, values, vectors, hermitian=True)
    traced = resolve(np.array)([one for one, _ in pairs])
    whole = resolve(np.stack)([found for _, found in pairs], axis=1)
    return with_value(traced, values), with_value(whole, vectors)


DOORS[sl.lobpcg] = _lobpcg


def _svds(A: Any, k: int = 6, *rest: Any, return_singular_vectors: Any = True, **options: Any) -> Any:
    """σ, u and v as the eigenvalue and the eigenvector (u, v) of [[0, A], [Aᴴ, 0]]."""
    if not _traced(A, list(rest), options):
        return sl.svds(A, k, *rest, return_singular_vectors=return_singular_vectors, **options)
    if _traced(list(rest), options) or return_singular_vectors not in (True, False):
        raise no_rule(sl.svds, "options that vary, and return_singular_vectors='u' or 'vh'")
    left, sizes, right = sl.svds(_bare(A), k, *rest, **options)
    matrix = _matrix(sl.svds, A)
    a, rows = matrix.plain(), matrix.shape[0]
    whole = ss.csc_array(ss.bmat([[None, a], [a.conj().T, None]]))

    def apply(w: Any) -> Any:
        return resolve(np.concatenate)([matrix.times(w[rows:]), matrix.times_dagger(w[:rows])])

    found = []
    for u, s, v in zip(left.T, sizes, right, strict=True):
        start = np.concatenate([u, v.conj()]) / np.sqrt(2.0)
        size, pair = _eigenpair(apply, whole, s.item(), start, sl.svds)
        pair = _of_any_phase(pair)
        u, v = (x / np.sqrt(np.sum(np.abs(x) ** 2)) for x in (pair[:rows], pair[rows:]))
        found.append((u, np.real(size), np.conj(v)))
    stack = resolve(np.stack)
    traced = with_value(resolve(np.array)([s for _, s, _ in found]), sizes)
    if return_singular_vectors is False:
        return with_value(traced, sl.svds(_bare(A), k, *rest, return_singular_vectors=False, **options))
    columns, lines = stack([u for u, _, _ in found], axis=1), stack([v for _, _, v in found])
    return with_value(columns, left), traced, with_value(lines, right)


DOORS[sl.svds] = _svds
