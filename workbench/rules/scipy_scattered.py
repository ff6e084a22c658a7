"""``scipy.interpolate`` through scattered points and in several dimensions, and the smoothing spline.

Which simplex a point lies in, and which neighbours it has, does not vary.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.interpolate as ip
from scipy.interpolate import _ndbspline, _rbfinterp_np, _rgi

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.splines import collocation, derivative, local_basis
from workbench.rules.stand_ins import must_agree, no_rule, settled, stands_in, with_value

# ------------------------------------------------------------------------------------ radial functions


def _distances(x: Any, y: Any) -> Any:
    """|x_i − y_j|, with derivative zero where they coincide."""
    apart = np.reshape(x, (-1, 1, np.shape(plain(x))[1])) - np.reshape(y, (1, *np.shape(plain(y))))
    total = np.sum(apart**2, axis=-1)
    zero = plain(total) == 0
    return np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, total)))


def _thin_plate(r: Any) -> Any:
    return r**2 * np.log(np.where(plain(r) == 0, 1.0, r))


_KERNELS = {
    "linear": lambda r: -r,
    "thin_plate_spline": _thin_plate,
    "cubic": lambda r: r**3,
    "quintic": lambda r: -(r**5),
    "multiquadric": lambda r: -np.sqrt(r**2 + 1.0),
    "inverse_multiquadric": lambda r: 1.0 / np.sqrt(r**2 + 1.0),
    "inverse_quadratic": lambda r: 1.0 / (r**2 + 1.0),
    "gaussian": lambda r: np.exp(-(r**2)),
}


def _monomials(x: Any, powers: np.ndarray) -> Any:
    columns = []
    for row in powers:
        term: Any = np.ones(np.shape(plain(x))[0])
        for j, power in enumerate(row):
            term = term * x[:, j] ** int(power)
        columns.append(term)
    return resolve(np.stack)(columns, axis=-1) if columns else np.zeros((np.shape(plain(x))[0], 0))


_build_and_solve = _rbfinterp_np._build_and_solve_system


@door(_build_and_solve)
def _solved_system(y: Any, d: Any, smoothing: Any, kernel: str, epsilon: Any, powers: Any, xp: Any) -> tuple:
    """[K + σ, P; Pᵀ, 0] c = [d; 0]. The shift and the scale of the monomials cancel out and are held."""
    args = [settled(v) for v in (y, d, smoothing, epsilon)]
    plain_y, plain_d, plain_smoothing, plain_epsilon = map(plain, args)
    shift, scale, own = _build_and_solve(plain_y, plain_d, plain_smoothing, kernel, plain_epsilon, powers, xp)
    if not contains_traced(args):
        return shift, scale, own
    y, d, smoothing, epsilon = args
    count, join = len(powers), resolve(np.concatenate)
    square = _KERNELS[kernel](epsilon * _distances(y, y)) + resolve(np.diag)(smoothing)
    polynomials = _monomials((y - shift) / scale, powers)
    below = join([np.transpose(polynomials), np.zeros((count, count))], axis=1)
    matrix = join([join([square, polynomials], axis=1), below], axis=0)
    right = join([d, np.zeros((count, np.shape(plain(d))[1]))], axis=0)
    found = np.linalg.solve(matrix, right)
    must_agree(_build_and_solve, np.matmul(plain(matrix), own), plain(right))
    if contains_traced(matrix) and not np.allclose(plain(found), own, 1e-8, 1e-8 * np.max(np.abs(own))):
        raise no_rule(
            ip.RBFInterpolator, "points and parameters of a nearly singular system; enlarge epsilon"
        )
    return shift, scale, with_value(found, own)


@stands_in(_rbfinterp_np.compute_interpolation)
def _compute_interpolation(x, y, kernel, epsilon, powers, shift, scale, coeffs, xp):
    values = _KERNELS[kernel](epsilon * _distances(x, y))
    polynomials = _monomials((x - plain(shift)) / plain(scale), powers)
    return np.matmul(resolve(np.concatenate)([values, polynomials], axis=1), coeffs)


# ------------------------------------------------------------------------------------ piecewise linear


def _make_linear(points: Any, values: Any, fill_value: Any = np.nan, rescale: bool = False) -> Any:
    """``LinearNDInterpolator``, which remembers what its points and values depend on."""
    if not contains_traced([points, values, fill_value], 4):
        return ip.LinearNDInterpolator(points, values, fill_value, rescale)
    if contains_traced(fill_value) or hasattr(points, "simplices"):
        raise no_rule(ip.LinearNDInterpolator, "fill_value, and a triangulation with traced values")
    points, values = settled(resolve(_rgi._ndim_coords_from_arrays)(points)), settled(values)
    made = ip.LinearNDInterpolator(plain(points), plain(values), fill_value, rescale)
    made.depends_on = points, values
    return made


def _linear(self: Any, *args: Any) -> Any:
    """Σ_v λ_v f_v, with the barycentric coordinates λ of the point in its simplex."""
    points, values = getattr(self, "depends_on", (None, None))
    if not contains_traced([list(args), points, values], 4):
        return type(self).__call__(self, *args)
    at = resolve(_rgi._ndim_coords_from_arrays)(args, ndim=self.points.shape[1])
    own = type(self).__call__(self, plain(at))
    own = np.reshape(own, (*np.shape(plain(at))[:-1], *self.values_shape))
    if points is None:
        if self.scale is not None:
            raise no_rule(ip.LinearNDInterpolator, "rescale=True where the points do not vary")
        points, values = self.points, np.reshape(self.values, (-1, *self.values_shape))
    flat = np.reshape(at, (-1, self.points.shape[1]))
    simplex = self.tri.find_simplex(np.ascontiguousarray(self._scale_x(plain(flat))))
    corners = self.tri.simplices[simplex]
    last = points[corners[:, -1]]
    sides = points[corners[:, :-1]] - last[:, None]
    away = np.linalg.solve(np.swapaxes(sides, 1, 2), (flat - last)[:, :, None])[:, :, 0]
    shares = resolve(np.concatenate)([away, (1.0 - np.sum(away, axis=1))[:, None]], axis=1)
    around = values[corners]
    shares = np.reshape(shares, (*np.shape(plain(shares)), *[1] * (np.ndim(plain(around)) - 2)))
    found = np.sum(shares * around, axis=1)
    outside = np.reshape(simplex < 0, (-1, *[1] * (np.ndim(plain(found)) - 1)))
    found = np.reshape(np.where(outside, self.fill_value, found), np.shape(own))
    must_agree(ip.LinearNDInterpolator, found, own)
    return with_value(found, own)


DOORS[ip.LinearNDInterpolator] = _make_linear
INSTANCE_DOORS[ip.LinearNDInterpolator] = lambda self: functools.partial(_linear, self)


def _make_nearest(x: Any, y: Any, *args: Any, **options: Any) -> Any:
    """``NearestNDInterpolator``: a second one, of the numbers of the points, tells which value it takes."""
    made = ip.NearestNDInterpolator(plain(settled(x)), plain(settled(y)), *args, **options)
    if contains_traced(y):
        count = np.arange(float(len(plain(settled(y)))))
        made.numbers = ip.NearestNDInterpolator(plain(settled(x)), count, *args, **options)
        made.depends_on = settled(y)
    return made


def _nearest(self: Any, *args: Any, **options: Any) -> Any:
    at = [tuple(map(plain, a)) if isinstance(a, tuple) else plain(settled(a)) for a in args]
    own = _original_nearest(self, *at, **options)
    values = getattr(self, "depends_on", None)
    if not contains_traced(values):
        return own
    numbers = _original_nearest(self.numbers, *at, **options)
    missing = np.isnan(numbers)
    found = values[np.where(missing, 0, numbers).astype(int)]
    missing = np.reshape(missing, (*missing.shape, *[1] * (np.ndim(plain(found)) - missing.ndim)))
    return with_value(resolve(np.where)(missing, np.nan, found), own)


_original_nearest = ip.NearestNDInterpolator.__call__
DOORS[ip.NearestNDInterpolator], DOORS[_original_nearest] = _make_nearest, _nearest
# ------------------------------------------------------------------------------------ splines


def _evaluate_nd(xi, t, lengths, k, nu, extrapolate, c, trailing, strides, indices):
    """Σ over the B-splines of every axis that are not zero at a point."""
    args = [settled(v) for v in (xi, c, t)]
    if not contains_traced(args):
        return _original_nd(xi, t, lengths, k, nu, extrapolate, c, trailing, strides, indices)
    xi, c, t = args
    if contains_traced(t):
        raise no_rule(ip.NdBSpline, "its knots")
    own = _original_nd(plain(xi), t, lengths, k, nu, extrapolate, plain(c), trailing, strides, indices)
    shape = [int(n) - int(degree) - 1 for n, degree in zip(lengths, k, strict=True)]
    table = np.reshape(c, (*shape, int(trailing)))
    terms: list[Any] = []
    for axis, (n, degree, order) in enumerate(zip(lengths, k, nu, strict=True)):
        knots, degree, x = t[axis, : int(n)], int(degree), xi[:, axis]
        for _ in range(int(order)):
            moved = np.moveaxis(table, axis, 0)
            knots, moved, degree = (
                derivative(knots, moved, degree) if degree else (knots, 0.0 * moved, degree)
            )
            table = np.moveaxis(moved, 0, axis)
        first, values = local_basis(knots, degree, x)
        terms = [
            ((*index, first + j), value if weight is None else weight * value)
            for index, weight in (terms or [((), None)])
            for j, value in enumerate(values)
        ]
    total: Any = 0.0
    for index, weight in terms:
        total = total + np.reshape(weight, (-1, 1)) * table[index]
    total = resolve(np.where)(np.isfinite(own), total, np.nan)
    must_agree(ip.NdBSpline, total, own)
    return with_value(total, own)


_original_nd = _ndbspline._dierckx.evaluate_ndbspline
DOORS[_original_nd] = _evaluate_nd


def _make_lsq_spline(x: Any, y: Any, t: Any, k: int = 3, w: Any = None, axis: int = 0, check_finite: bool = True,
                     *, method: str = "qr") -> Any:  # fmt: skip
    """``make_lsq_spline``: the normal equations of least squares."""
    if not contains_traced([x, y, t, w]):
        return ip.make_lsq_spline(x, y, t, k, w, axis, check_finite, method=method)
    x, y, t, w = (np.asarray(v) if isinstance(v, list) else v for v in map(settled, (x, y, t, w)))
    made = ip.make_lsq_spline(plain(x), plain(y), plain(t), k, plain(w), axis, check_finite, method=method)
    rows = np.moveaxis(y, axis, 0)
    matrix = collocation(t, k, x)
    weights = np.ones((len(plain(x)), 1)) if w is None else np.reshape(w, (-1, 1))
    flat = np.reshape(rows, (len(plain(x)), -1))
    turned = np.transpose(weights * matrix)
    c = np.linalg.solve(np.matmul(turned, weights * matrix), np.matmul(turned, weights * flat))
    c = np.reshape(c, np.shape(made.c))
    must_agree(ip.make_lsq_spline, c, made.c)
    return resolve(ip.BSpline.construct_fast)(t, with_value(c, made.c), k, axis=made.axis)


DOORS[ip.make_lsq_spline] = _make_lsq_spline


def _make_smoothing_spline(x: Any, y: Any, w: Any = None, lam: Any = None, *, axis: int = 0) -> Any:
    """``make_smoothing_spline``: f = (W + λ Q R⁻¹ Qᵀ)⁻¹ W y, and the natural spline through f.

    Source: P. J. Green and B. W. Silverman, Nonparametric Regression and Generalized Linear Models, 1994, section 2.3.
    """
    if not contains_traced([x, y, w, lam]):
        return ip.make_smoothing_spline(x, y, w, lam, axis=axis)
    if lam is None:
        raise no_rule(ip.make_smoothing_spline, "lam=None, which chooses lam by the data; give lam")
    x, y, w, lam = (np.asarray(v) if isinstance(v, list) else v for v in map(settled, (x, y, w, lam)))
    made = ip.make_smoothing_spline(plain(x), plain(y), plain(w), plain(lam), axis=axis)
    n = len(plain(x))
    rows = np.reshape(np.moveaxis(y, axis, 0), (n, -1))
    h, place = np.diff(x), np.eye(n)
    low, mid, high = place[:-2], place[1:-1], place[2:]
    before, after = np.reshape(1.0 / h[:-1], (-1, 1)), np.reshape(1.0 / h[1:], (-1, 1))
    turned = before * (low - mid) + after * (high - mid)  # Qᵀ: the second differences
    inner, step = np.eye(n - 2), np.reshape(h[1:-1] / 6, (-1, 1))
    band = step * np.eye(n - 2, k=1)[:-1]
    square = np.reshape((h[:-1] + h[1:]) / 3, (-1, 1)) * inner
    square = square + resolve(np.concatenate)([band, np.zeros((1, n - 2))])
    square = square + np.transpose(resolve(np.concatenate)([band, np.zeros((1, n - 2))]))
    weights = np.ones(n) if w is None else w
    rough = np.matmul(np.transpose(turned), np.linalg.solve(square, turned))
    smooth = np.linalg.solve(
        np.reshape(weights, (-1, 1)) * np.eye(n) + lam * rough, np.reshape(weights, (-1, 1)) * rows
    )
    t = resolve(np.concatenate)([x[:1], x[:1], x[:1], x, x[-1:], x[-1:], x[-1:]])
    flat: Any = np.eye(n + 2)
    bent = derivative(*derivative(t, flat, 3))
    ends = collocation(bent[0], 1, resolve(np.stack)([x[0], x[-1]]))
    system = resolve(np.concatenate)([collocation(t, 3, x), np.matmul(ends, bent[1])])
    c = np.linalg.solve(system, resolve(np.concatenate)([smooth, np.zeros((2, np.shape(plain(smooth))[1]))]))
    c = np.reshape(c, np.shape(made.c))
    must_agree(ip.make_smoothing_spline, c, made.c)
    return resolve(ip.BSpline.construct_fast)(t, with_value(c, made.c), 3, axis=made.axis)


DOORS[ip.make_smoothing_spline] = _make_smoothing_spline
