"""B-splines written with NumPy: differentiable by knots, coefficients, points and data alike.

s(x) = Σ_i c_i B_i(x), with len(t) = n + k + 1 knots for n coefficients of degree k. At a knot the piece to the right
counts, beyond the ends the outermost pieces are continued. Source: C. de Boor, A Practical Guide to Splines, 2001,
chapters IX to XIV; the fits are those of P. Dierckx, Curve and Surface Fitting with Splines, 1993.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import BSpline, make_splrep
from scipy.sparse.linalg import splu

from workbench.autodiff.calls import resolve
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import solved
from workbench.rules.linear_maps import linear
from workbench.rules.stand_ins import no_rule


def _pieces(t: Any, k: int, x: Any) -> np.ndarray:
    """The knot to the left of each point, among those that begin a piece."""
    knots = plain(t)
    return np.clip(np.searchsorted(knots, plain(x), side="right") - 1, k, len(knots) - k - 2)


def local_basis(t: Any, k: int, x: Any) -> tuple[np.ndarray, list[Any]]:
    """The number of the first B-spline that is not zero at each point, and the values of it and of the k next."""
    piece = _pieces(t, k, x)
    values: list[Any] = [np.ones(np.shape(plain(x)))]
    for degree in range(1, k + 1):
        new: list[Any] = [0.0] * (degree + 1)
        for r, value in enumerate(values):
            right, left = t[piece + 1 + r], t[piece + 1 + r - degree]
            share = value / (right - left)
            new[r] = new[r] + (right - x) * share
            new[r + 1] = (x - left) * share
        values = new
    return piece - k, values


def collocation(t: Any, k: int, x: Any) -> Any:
    """The matrix B_i(x_j), of shape (points, coefficients)."""
    first, values = local_basis(t, k, x)
    columns = np.arange(len(plain(t)) - k - 1)
    total: Any = 0.0
    for j, value in enumerate(values):
        total = total + np.reshape(value, (-1, 1)) * (columns == (first + j)[:, None])
    return total


def derivative(t: Any, c: Any, k: int) -> tuple[Any, Any, int]:
    """The spline's derivative as a spline of degree k − 1; nothing is divided by a width of zero."""
    n = len(plain(t)) - k - 1
    widths = t[k + 1 : n + k] - t[1:n]
    empty = plain(widths) == 0
    factor = np.where(empty, 0.0, k / np.where(empty, 1.0, widths))
    factor = np.reshape(factor, (-1,) + (1,) * (np.ndim(plain(c)) - 1))
    return t[1:-1], (c[1:n] - c[: n - 1]) * factor, k - 1


def antiderivative(t: Any, c: Any, k: int) -> tuple[Any, Any, int]:
    """The spline's integral from its first knot, as a spline of degree k + 1."""
    n = len(plain(t)) - k - 1
    widths = np.reshape(t[k + 1 :] - t[:n], (-1,) + (1,) * (np.ndim(plain(c)) - 1))
    sums = np.cumsum(c[:n] * widths, axis=0) / (k + 1)
    join = resolve(np.concatenate)
    return join([t[:1], t, t[-1:]]), join([np.zeros_like(plain(sums))[:1], sums]), k + 1


def evaluate(t: Any, c: Any, k: int, x: Any, nu: int = 0) -> Any:
    """s, or its derivative of order ``nu``, at the points ``x`` of shape (m,); shape (m, *c.shape[1:])."""
    if nu > k:
        return 0.0 * evaluate(t, c, k, x)
    for _ in range(nu):
        t, c, k = derivative(t, c, k)
    first, values = local_basis(t, k, x)
    total: Any = 0.0
    for j, value in enumerate(values):
        total = total + np.reshape(value, (-1,) + (1,) * (np.ndim(plain(c)) - 1)) * c[first + j]
    return total


def inside(t: Any, k: int, x: Any) -> Any:
    """Points held between the first and the last knot that bound pieces."""
    low, high = t[k], t[-k - 1]
    below, above = plain(x) < plain(low), plain(x) > plain(high)
    return np.where(below, low, np.where(above, high, x))


def integral(t: Any, c: Any, k: int, a: Any, b: Any) -> Any:
    """∫_a^b s, with s zero beyond the ends."""
    whole = antiderivative(t, c, k)
    ends = evaluate(*whole, inside(t, k, resolve(np.array)([a, b])))
    return ends[1] - ends[0]


def fitted(x: Any, y: Any, w: Any, t: Any, k: int, c: np.ndarray, *, where: str, s: Any = None) -> Any:
    """Coefficients ``c`` that a fit has found, with their derivatives by points, data, weights and knots.

    They minimise Σ_j w_j² (y_j − s(x_j))², plus λ times the squares of the jumps of the k-th derivative at the knots
    where there are any, λ being such that the first sum is what it is found to be, and varies as ``s`` does: a
    smoothing condition. Which knots there are does not vary.

    Raises:
        MissingRuleError: ``c`` does not determine the fit, or is not of this kind.
    """
    if not contains_traced([x, w, t, s]):
        by_data = _fitted_by_data(x, y, w, t, k, c)
        if by_data is not None:
            return by_data
    matrix = collocation(t, k, x)
    weights = np.reshape(w, (-1,) + (1,) * (np.ndim(plain(y)) - 1))
    if plain(matrix).shape[0] == plain(matrix).shape[1]:
        return np.linalg.solve(matrix, y)
    turned = np.transpose(matrix)

    def normal(coefficients: Any) -> Any:
        return np.matmul(turned, weights**2 * (np.matmul(matrix, coefficients) - y))

    jumps = plain(_jumps(plain(t), k, np.shape(plain(c))[0]))
    pull, slope = np.matmul(jumps.T, np.matmul(jumps, c)), np.asarray(plain(normal(c)))
    size = np.max(np.abs(np.matmul(np.abs(plain(turned)), np.abs(plain(weights**2 * y)))))
    if np.max(np.abs(slope)) <= 1e-9 * size:
        return np.linalg.solve(
            np.matmul(turned, np.reshape(w, (-1, 1)) ** 2 * matrix), np.matmul(turned, weights**2 * y)
        )
    strength = -np.sum(pull * slope) / np.sum(pull * pull)
    misfit = np.sum(plain(weights) ** 2 * (plain(np.matmul(matrix, c)) - plain(y)) ** 2)
    if s is not None and abs(misfit - plain(s)) > 2e-3 * abs(plain(s)):
        raise no_rule(make_splrep, "a fit whose iterations ended before its misfit was s; use another s")
    misfit = misfit if s is None else misfit + (s - float(plain(s)))

    def residual(unknown: Any) -> Any:
        coefficients = np.reshape(unknown[:-1], np.shape(c))
        jump = _jumps(t, k, np.shape(c)[0])
        force = normal(coefficients) + unknown[-1] * np.matmul(jump.T, np.matmul(jump, coefficients))
        away = np.sum(weights**2 * (np.matmul(matrix, coefficients) - y) ** 2) - misfit
        return resolve(np.concatenate)([np.reshape(force, (-1,)), np.reshape(away, (1,))])

    start = np.append(np.ravel(c), strength)
    rest = np.asarray(plain(residual(start)))
    if np.max(np.abs(rest[:-1])) > 1e-6 * max(np.max(np.abs(slope)), 1e-300):
        start = np.full_like(start, np.nan)  # not a fit of this kind: its value agrees with nothing
    return np.reshape(solved(residual, start, where=where)[:-1], np.shape(c))


def _fitted_by_data(x: Any, y: Any, w: Any, t: Any, k: int, c: np.ndarray) -> Any:
    """``fitted`` where only the data vary, linear in them, by sparse solutions; None for a smoothing fit."""
    matrix = BSpline.design_matrix(x, t, k).tocsc()
    if matrix.shape[0] == matrix.shape[1]:
        factor = splu(matrix)
        return linear(factor.solve, lambda bar: factor.solve(bar, "T"), y)
    square = np.reshape(w, (-1,) + (1,) * (np.ndim(plain(y)) - 1)) ** 2
    there, back = lambda v: matrix.T @ (square * v), lambda bar: square * (matrix @ bar)
    size = np.max(abs(matrix.T) @ np.abs(square * plain(y)))
    if np.max(np.abs(there(matrix @ c - plain(y)))) > 1e-9 * size:
        return None
    factor = splu((matrix.T @ matrix.multiply(np.reshape(w, (-1, 1)) ** 2)).tocsc())
    return linear(factor.solve, factor.solve, linear(there, back, y))


def _jumps(t: Any, k: int, n: int) -> Any:
    """The jumps of the k-th derivatives of the B-splines at the inner knots, of shape (knots, coefficients)."""
    pieces: Any = np.eye(n)
    degree = k
    for _ in range(k):
        t, pieces, degree = derivative(t, pieces, degree)
    return pieces[1:] - pieces[:-1]
