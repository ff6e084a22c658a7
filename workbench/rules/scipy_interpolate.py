"""``scipy.interpolate``: splines and interpolators by data, breakpoints and the points where they are evaluated.

The classes build their coefficients in Python and are traced through; what they evaluate in compiled code has its
rules here. At a breakpoint the derivative of the piece to the right is taken, as SciPy does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.interpolate as ip
from scipy.interpolate import _bary_rational, _bsplines, _rgi

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, Rule, add_rule, door
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import solved
from workbench.rules.splines import evaluate
from workbench.rules.stand_ins import must_agree, no_rule, refuses, settled, with_value

# ------------------------------------------------------------------------------------ piecewise polynomials


def _on_pieces(kind: type, self: Any, x: Any, nu: int, extrapolate: Any, out: Any) -> tuple | None:
    """Coefficients, breakpoints and points of a piecewise polynomial, SciPy's values, and each point's piece.

    Nothing where nothing is traced: the values are in ``out`` then.
    """
    coefficients, breaks, x = settled(self._c), settled(self._x), settled(x)
    if not contains_traced([coefficients, breaks, x]):
        self._evaluate(x, nu, extrapolate, out)
        return None
    edges, points = plain(breaks), plain(x)
    if edges[0] > edges[-1]:
        raise no_rule(kind, "breakpoints in falling order")
    own = np.empty(np.shape(plain(out)), plain(out).dtype)
    plainly = kind.construct_fast(np.ascontiguousarray(plain(coefficients)), edges)
    plainly._evaluate(points, nu, bool(extrapolate), own)
    piece = np.clip(np.searchsorted(edges, points, side="right") - 1, 0, len(edges) - 2)
    return coefficients, breaks, x, own, piece


def _ppoly_evaluate(self: Any, x: Any, nu: int, extrapolate: Any, out: Any) -> None:
    """Σ_p c[p] (x − x_i)^p on the piece that x lies in, or the derivative of order ``nu`` of that."""
    if nu < 0 and contains_traced([settled(self._c), settled(self._x), settled(x)]):
        raise no_rule(ip.PPoly, "an antiderivative as it is evaluated; make it with antiderivative()")
    found = _on_pieces(ip.PPoly, self, x, nu, extrapolate, out)
    if found is None:
        return
    coefficients, breaks, x, own, piece = found
    order = len(plain(coefficients))
    away = resolve(np.reshape)(x - breaks[piece], (-1, 1))
    flat = resolve(np.reshape)(coefficients, (order, len(plain(breaks)) - 1, -1))
    total: Any = np.zeros_like(own)
    for row in range(order):  # Horner's scheme, coefficients of the derivative
        power = order - 1 - row
        if power < nu:
            break
        total = total * away + math.perm(power, nu) * flat[row, piece]
    REWRITTEN_DOORS["set_item"](with_value(total, own), out, ...)


DOORS[ip.PPoly._evaluate] = _ppoly_evaluate


def _antiderivative(self: Any, nu: int = 1) -> Any:
    """The coefficients integrated, and constants that make the pieces meet."""
    coefficients, breaks = settled(self._c), settled(self._x)
    if nu < 1 or not contains_traced([coefficients, breaks]):
        return resolve(type(self).derivative)(self, -nu) if nu < 1 else _original_antiderivative(self, nu)
    made = _original_antiderivative(ip.PPoly(plain(coefficients), plain(breaks)), nu)
    for _ in range(nu):
        coefficients = _integrated(coefficients, breaks)
    extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
    return resolve(ip.PPoly.construct_fast)(with_value(coefficients, made.c), self._x, extrapolate, self.axis)


_original_antiderivative = ip.PPoly.antiderivative


def _integrated(coefficients: Any, breaks: Any) -> Any:
    order = np.shape(plain(coefficients))[0]
    column = lambda v: np.reshape(v, (-1,) + (1,) * (np.ndim(plain(coefficients)) - 2))  # noqa: E731
    steps = column(np.diff(breaks))
    rows = [coefficients[row] / (order - row) for row in range(order)]
    ends: Any = 0.0
    for row in rows:
        ends = (ends + row) * steps
    starts = np.concatenate([np.zeros_like(plain(ends))[:1], np.cumsum(ends, axis=0)[:-1]])
    return resolve(np.stack)([*rows, starts])


def _integrate(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    """The difference of an antiderivative."""
    if not contains_traced([settled(self._c), settled(self._x), a, b]):
        return _original_integrate(self, a, b, extrapolate)
    if "periodic" in (extrapolate, self.extrapolate):
        raise no_rule(ip.PPoly.integrate, "periodic extrapolation")
    plainly = ip.PPoly(plain(settled(self._c)), plain(settled(self._x)), self.extrapolate, self.axis)
    value = plainly.integrate(plain(a), plain(b), extrapolate)
    whole = resolve(_antiderivative)(self)
    return with_value(resolve(whole)(b) - resolve(whole)(a), value)


_original_integrate = ip.PPoly.integrate
DOORS[ip.PPoly.antiderivative] = _antiderivative
DOORS[ip.PPoly.integrate] = _integrate
refuses(ip.NdPPoly.__call__, why="use RegularGridInterpolator, or a product of PPoly")


def _solve(self: Any, y: Any = 0.0, discontinuity: bool = True, extrapolate: Any = None) -> Any:
    """Where a piecewise polynomial is ``y``."""
    coefficients, breaks, y = settled(self._c), settled(self._x), settled(y)
    plainly = ip.PPoly(plain(coefficients), plain(breaks), self.extrapolate, self.axis)
    zeros = plainly.solve(plain(y), discontinuity, extrapolate)
    if not contains_traced([coefficients, breaks, y]):
        return zeros
    if np.ndim(plain(coefficients)) > 2 or np.isnan(zeros).any():
        raise no_rule(ip.PPoly.solve, "several columns, and pieces that are constant")
    if np.isin(zeros, plain(breaks)).any():
        raise no_rule(
            ip.PPoly.solve, "zeros at breakpoints; pass discontinuity=False, or move the breakpoints"
        )
    piecewise = resolve(ip.PPoly.construct_fast)(coefficients, breaks, True)
    return solved(lambda z: resolve(piecewise)(z) - y, zeros, where="PPoly.solve")


DOORS[ip.PPoly.solve] = _solve


def _bernstein_evaluate(self: Any, x: Any, nu: int, extrapolate: Any, out: Any) -> None:
    """Σ_a c[a] C(k, a) s^a (1 − s)^(k − a) with s from 0 to 1 on each piece; its derivatives by differences of c."""
    found = _on_pieces(ip.BPoly, self, x, nu, extrapolate, out)
    if found is None:
        return
    coefficients, breaks, x, own, piece = found
    shape = len(plain(coefficients)), len(plain(breaks)) - 1, -1
    rows = resolve(np.reshape)(coefficients, shape)[:, piece]
    width = resolve(np.reshape)(breaks[piece + 1] - breaks[piece], (-1, 1))
    share = resolve(np.reshape)(x - breaks[piece], (-1, 1)) / width
    for _ in range(nu):
        rows = (rows[1:] - rows[:-1]) * (len(plain(rows)) - 1) / width if len(plain(rows)) > 1 else 0.0 * rows
    degree = len(plain(rows)) - 1
    total: Any = 0.0
    for a in range(degree + 1):
        total = total + math.comb(degree, a) * share**a * (1.0 - share) ** (degree - a) * rows[a]
    total = resolve(np.where)(np.isfinite(own), total, np.nan)
    must_agree(ip.BPoly, total, own)
    REWRITTEN_DOORS["set_item"](with_value(total, own), out, ...)


DOORS[ip.BPoly._evaluate] = _bernstein_evaluate


# ------------------------------------------------------------------------------------ B-splines

_evaluate_spline = _bsplines._dierckx.evaluate_spline


def _spline(needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
    """s(x) = Σ c_i B_i(x): linear in c; by x the next derivative. The knots do not vary."""
    knots, coefficients, degree, x, nu, extrapolate = args
    nested = any(type(a) in TRACED for a in args)
    if nested:
        value = DOORS[_evaluate_spline](*args)
    else:
        value = _evaluate_spline(knots, np.ascontiguousarray(coefficients), degree, x, nu, extrapolate)

    def spline_pullback(bar: Any) -> list[Any]:
        found = []
        outside = np.isnan(plain(value)).all(axis=1, keepdims=True)  # where it is not extrapolated
        for k in needs:
            if k == 1:
                count = np.shape(plain(coefficients))[0]
                basis = np.where(outside, 0.0, _evaluate(knots, np.eye(count), degree, x, nu, extrapolate))
                found.append(np.matmul(np.swapaxes(basis, 0, 1), bar))
            else:
                slope = _evaluate(knots, coefficients, degree, x, nu + 1, extrapolate)
                found.append(np.sum(bar * np.where(outside, 0.0, slope), axis=1))
        return found

    return value, spline_pullback


def _evaluate(*args: Any) -> Any:
    return resolve(_evaluate_spline)(*args)


add_rule(Rule(_evaluate_spline, _spline))
_with_fixed_knots = DOORS[_evaluate_spline]


def _with_knots(knots: Any, coefficients: Any, degree: int, x: Any, nu: int, extrapolate: bool) -> Any:
    """The same, knots that vary included."""
    knots = settled(knots)
    if not contains_traced(knots):
        knots = np.asarray(knots, float)
        return _with_fixed_knots(knots, coefficients, degree, x, nu, extrapolate)
    coefficients, x = settled(coefficients), settled(x)
    rows = np.ascontiguousarray(plain(coefficients))
    value = _evaluate_spline(plain(knots), rows, degree, plain(x), nu, extrapolate)
    found = evaluate(knots, coefficients, degree, x, nu)
    found = resolve(np.where)(np.isfinite(value), found, np.nan)
    must_agree(ip.BSpline, found, value)
    return with_value(found, value)


DOORS[_evaluate_spline] = _with_knots


# ------------------------------------------------------------------------------------ one polynomial


@door(ip.lagrange)
def _lagrange(x: Any, w: Any) -> Any:
    """Σ_j w_j Π_{k≠j} (t − x_k) / (x_j − x_k), by its coefficients."""
    made = ip.lagrange(plain(settled(x)), plain(settled(w)))
    if not contains_traced([x, w]):
        return made
    points, values = resolve(np.asarray)(x), settled(w)
    count = np.size(plain(points))
    coefficients: Any = 0.0
    for j in range(count):
        others = points[np.arange(count) != j]
        share = values[j] / resolve(np.prod)(points[j] - others)
        coefficients = coefficients + share * resolve(np.poly)(others)
    value = np.concatenate([np.zeros(count - len(made.coeffs)), made.coeffs])
    return resolve(np.poly1d)(with_value(coefficients, value))


def _barycentric(x: Any, nodes: Any, values: Any, weights: Any) -> Any:
    """Σ c_j y_j / Σ c_j with c_j = w_j (x − x_i) / (x − x_j) and c_i = w_i, x_i being the node next to x.

    The usual form, times x − x_i: it is smooth at the nodes, too, where SciPy puts the values of the data.
    """
    numbers, places = plain(x), plain(nodes)
    near = np.argmin(np.abs(numbers[:, None] - places), axis=1)
    own = near[:, None] == np.arange(len(places))
    gaps = resolve(np.where)(own, 1.0, resolve(np.reshape)(x, (-1, 1)) - nodes)
    shares = resolve(np.where)(own, weights, resolve(np.reshape)(x - nodes[near], (-1, 1)) * weights / gaps)
    return np.matmul(shares, values) / resolve(np.sum)(shares, axis=1, keepdims=True)


@door(_evaluate_polynomial := ip.BarycentricInterpolator._evaluate)
def _barycentric_polynomial(self: Any, x: Any) -> Any:
    """What ``BarycentricInterpolator`` gives. Shape (points, columns)."""
    x, nodes, values, weights = (settled(a) for a in (x, self.xi, self.yi, self.wi))
    numbers = dict(zip(("xi", "yi", "wi"), map(plain, (nodes, values, weights)), strict=True))
    own = _evaluate_polynomial(SimpleNamespace(r=self.r, dtype=self.dtype, **numbers), plain(x))
    if not contains_traced([x, nodes, values, weights]) or not np.size(own):
        return own
    return with_value(_barycentric(x, nodes, values, weights), own)


@door(_evaluate_rational := _bary_rational._BarycentricRational.__call__)
def _barycentric_rational(self: Any, z: Any) -> Any:
    """What ``FloaterHormannInterpolator`` gives."""
    points, nodes, values, weights = (
        settled(a) for a in (z, self._support_points, self._support_values, self.weights)
    )
    names = ("_support_points", "_support_values", "weights")
    numbers = dict(zip(names, map(plain, (nodes, values, weights)), strict=True))
    own = _evaluate_rational(SimpleNamespace(_shape=self._shape, _axis=self._axis, **numbers), plain(points))
    if not contains_traced([points, nodes, values, weights]) or not np.size(own):
        return own
    ravel, reshape = resolve(np.ravel), resolve(np.reshape)
    columns = reshape(values, (len(plain(values)), -1))
    found = reshape(
        _barycentric(ravel(points), nodes, columns, weights), (*np.shape(plain(points)), *self._shape)
    )
    return with_value(resolve(np.moveaxis)(found, 0, self._axis) if np.ndim(plain(points)) else found, own)


# ------------------------------------------------------------------------------------ regular grids


def _coordinates(points: Any, ndim: int | None = None) -> Any:
    """Points as an array with one row for each, as SciPy reads tuples of coordinates."""
    if not contains_traced(points):
        return _rgi._ndim_coords_from_arrays(points, ndim)
    if isinstance(points, tuple) and len(points) == 1:
        points = points[0]
    if isinstance(points, tuple):
        parts = resolve(np.broadcast_arrays)(*[settled(p) for p in points])
        return resolve(np.stack)(parts, axis=-1)
    points = settled(points)
    if np.ndim(plain(points)) == 1:
        return resolve(np.reshape)(points, (-1, 1) if ndim is None else (-1, ndim))
    return points


DOORS[_rgi._ndim_coords_from_arrays] = _coordinates


def _find_indices(grid: Any, xi: Any) -> tuple[Any, Any]:
    """The cell of each point along each axis, and how far into the cell it lies, from 0 to 1."""
    if not contains_traced([list(grid), xi]):
        return _rgi.find_indices(grid, xi)
    grid, xi = [settled(g) for g in grid], settled(xi)
    indices, distances = _rgi.find_indices(tuple(plain(g) for g in grid), plain(xi))
    rows = []
    for k, knots in enumerate(grid):
        if len(plain(knots)) < 2:
            rows.append(np.zeros(indices.shape[1]))
            continue
        low, high = knots[indices[k]], knots[indices[k] + 1]
        rows.append((xi[k] - low) / (high - low))
    return indices, with_value(resolve(np.stack)(rows), distances)


DOORS[_rgi.find_indices] = _find_indices


def _evaluate_linear_2d(values: Any, indices: Any, distances: Any, grid: Any, out: Any) -> Any:
    """Bilinear interpolation."""
    if not contains_traced([values, distances]):
        return _rgi.evaluate_linear_2d(values, indices, distances, plain(grid), out)
    values, distances = settled(values), settled(distances)
    found = _rgi.evaluate_linear_2d(
        plain(values), indices, plain(distances), plain(tuple(grid)), plain(out).copy()
    )
    (i, j), u, v = indices, distances[0], distances[1]
    right = (
        np.minimum(i + 1, np.shape(plain(values))[0] - 1),
        np.minimum(j + 1, np.shape(plain(values))[1] - 1),
    )
    total = (
        values[i, j] * (1 - u) * (1 - v)
        + values[i, right[1]] * (1 - u) * v
        + values[right[0], j] * u * (1 - v)
        + values[right[0], right[1]] * u * v
    )
    return with_value(total, found)


DOORS[_rgi.evaluate_linear_2d] = _evaluate_linear_2d

from workbench.rules import (  # noqa: E402, F401  the rest of the package
    scipy_clough_tocher,
    scipy_fitpack,
    scipy_scattered,
    scipy_spline_making,
)
