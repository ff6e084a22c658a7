"""``scipy.optimize``: linear least squares under bounds, isotonic regression, assignments.

Which bounds are active, which values are pooled and who is assigned to whom does not vary; between these changes the
solution is that of linear equations. Where a bound is active without a force against it the solution has a kink, and
an error says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize as so

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import user_line
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced, plain
from workbench.errors import MissingRuleError
from workbench.rules.implicit import unknown
from workbench.rules.scipy_sparse_elements import is_sparse
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value

add_constant(so.linear_sum_assignment)


def _matrix(x: Any) -> Any:
    x = settled(x)
    return np.asarray(x, float) if isinstance(x, list | tuple) else x


def _free_solution(a: Any, b: Any, free: np.ndarray, held: Any, function: Any) -> Any:
    """The minimiser of |A x − b|² over the free elements of x, the others held."""
    n = np.shape(plain(a))[1]
    place = np.eye(n)[free]
    part = a[:, np.flatnonzero(free)]
    square = np.matmul(np.transpose(part), part)
    if np.any(free) and np.linalg.matrix_rank(plain(part)) < int(np.sum(free)):
        raise no_rule(function, "a matrix whose free columns depend on each other")
    found = np.linalg.solve(square, np.matmul(np.transpose(part), b - np.matmul(a, held)))
    return held + np.matmul(found, place)


def _no_kink(a: Any, b: Any, x: np.ndarray, free: np.ndarray, where: str) -> None:
    """Raise unless every active bound has a force against it."""
    force = plain(a).T @ (plain(a) @ x - plain(b))
    size = np.max(np.abs(plain(a)).T @ np.abs(plain(b)), initial=1e-300)
    if np.any(np.abs(force[~free]) < 1e-9 * size):
        raise MissingRuleError(
            f"the solution of {where} has a kink",
            found="a bound is active, but nothing presses against it",
            where=user_line(),
            fix="move the data off this point, or use stop_gradient(solution)",
        )


def _size(rest: Any) -> Any:
    """|rest|, with the derivative zero at zero."""
    square = np.sum(rest**2)
    return np.sqrt(square) if plain(square) > 0 else 0.0 * square


def _nnls(A: Any, b: Any, **options: Any) -> Any:
    """``nnls``."""
    if not contains_traced([A, b], 4):
        return so.nnls(A, b, **options)
    a, b = _matrix(A), _matrix(b)
    value, misfit = so.nnls(plain(a), plain(b), **plain(options))
    free = value > 0
    _no_kink(a, b, value, free, "nnls")
    found = _free_solution(a, b, free, np.zeros(len(value)), so.nnls)
    must_agree(so.nnls, found, value)
    found = with_value(found, value)
    return found, with_value(_size(np.matmul(a, found) - b), misfit)


DOORS[so.nnls] = _nnls


def _lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), *rest: Any, **options: Any) -> Any:
    """``lsq_linear`` of a dense matrix: its result with traced ``x``, ``fun`` and ``cost``."""
    ends = (bounds.lb, bounds.ub) if isinstance(bounds, so.Bounds) else tuple(bounds)
    if not contains_traced([A, b, list(ends)], 4):
        return so.lsq_linear(A, b, bounds, *rest, **options)
    a, b = _matrix(A), _matrix(b)
    if is_sparse(a) or np.ndim(plain(a)) != 2:
        raise no_rule(so.lsq_linear, "a sparse matrix or a linear operator")
    n = np.shape(plain(a))[1]
    low, high = (resolve(np.broadcast_to)(_matrix(v), (n,)) for v in ends)
    report = so.lsq_linear(plain(a), plain(b), (plain(low), plain(high)), *rest, **options)
    free = report.active_mask == 0
    if not np.all(free):
        _no_kink(a, b, report.x, free, "lsq_linear")
    below, above = report.active_mask < 0, report.active_mask > 0
    held = resolve(np.where)(below, low, resolve(np.where)(above, high, 0.0))
    found = _free_solution(a, b, free, held, so.lsq_linear)
    if not np.allclose(plain(found), report.x, 1e-4, 1e-4 * max(1.0, np.max(np.abs(report.x)))):
        raise no_rule(so.lsq_linear, "a solution that has not converged")
    report.x = with_value(found, report.x)
    report.fun = with_value(np.matmul(a, report.x) - b, report.fun)
    report.cost = with_value(0.5 * np.sum(report.fun**2), report.cost)
    for name in ("optimality", "unbounded_sol"):
        report[name] = unknown(report[name], f"the solver's {name!r}")
    return report


DOORS[so.lsq_linear] = _lsq_linear


def _isotonic_regression(y: Any, *, weights: Any = None, increasing: bool = True) -> Any:
    """``isotonic_regression``: the weighted mean of every block."""
    if not contains_traced([y, weights]):
        return so.isotonic_regression(y, weights=weights, increasing=increasing)
    y, w = _matrix(y), None if weights is None else _matrix(weights)
    report = so.isotonic_regression(plain(y), weights=plain(w), increasing=increasing)
    sizes = np.diff(report.blocks)
    member = np.repeat(np.arange(len(sizes)), sizes)
    sums = (member == np.arange(len(sizes))[:, None]).astype(float)
    w = np.ones(len(member)) if w is None else w
    total = np.matmul(sums, w)
    found = (np.matmul(sums, w * y) / total)[member]
    must_agree(so.isotonic_regression, found, report.x)
    report.x, report.weights = with_value(found, report.x), with_value(total, report.weights)
    return report


DOORS[so.isotonic_regression] = _isotonic_regression
