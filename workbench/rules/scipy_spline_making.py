"""``scipy.interpolate``: B-splines made of data, through the points or near to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate as ip

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, door
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_fitpack import fit_to_data, knots_at_data, with_ends
from workbench.rules.splines import collocation, evaluate
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value


@door(ip.make_interp_spline)
def _make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, check_finite: bool = True
) -> Any:
    """``make_interp_spline``: the coefficients are linear in the data."""
    x, y, t, values = settled(x), settled(y), settled(t), contains_traced(bc_type)
    own = [_plain_conditions(end) for end in bc_type] if isinstance(bc_type, tuple | list) else bc_type
    made = ip.make_interp_spline(plain(x), plain(y), k, plain(t), own, axis, check_finite)
    if not contains_traced([x, y, t, bc_type]):
        return made
    y = resolve(np.moveaxis)(resolve(np.asarray)(y), axis, 0)
    if contains_traced([x, t]) or values:
        if bc_type == "periodic" or k < 1:
            raise no_rule(ip.make_interp_spline, "points that vary, periodic; CubicSpline has one")
        knots = knots_at_data(made.t, x) if t is None else t
        c = _through(x, y, knots, k, _conditions(bc_type), np.shape(made.c))
        must_agree(ip.make_interp_spline, c, made.c)
    else:
        knots, unit = made.t, np.eye(len(plain(y)))
        if bc_type == "periodic":  # the last value is the first one
            unit = np.eye(len(unit) - 1)[[*range(len(unit) - 1), 0]]
            y = y[:-1]
        ends = _without_values(bc_type, unit.shape[1])
        matrix = ip.make_interp_spline(plain(x), unit, k, plain(t), ends, 0, check_finite).c
        c = resolve(np.tensordot)(matrix, y, axes=1)
    c = with_value(c, made.c)
    return resolve(ip.BSpline.construct_fast)(knots, c, k, extrapolate=made.extrapolate, axis=made.axis)


def _through(x: Any, y: Any, t: Any, k: int, ends: list, shape: tuple) -> Any:
    """The coefficients of a spline through points, with given derivatives at the first and the last one."""
    unit, columns, join = np.eye(shape[0]), int(np.prod(shape[1:])), resolve(np.concatenate)
    rows, values = [collocation(t, k, x)], [np.reshape(y, (len(plain(x)), columns))]
    for at, conditions in zip((x[:1], x[-1:]), ends, strict=True):
        for order, value in conditions:
            rows.append(evaluate(t, unit, k, at, order))
            values.append(np.reshape(np.zeros(shape[1:]) + settled(value), (1, columns)))
    return np.reshape(np.linalg.solve(join(rows), join(values)), shape)


def _conditions(bc_type: Any) -> list:
    """For each end the orders of the derivatives that are given, with their values."""
    named = {"clamped": [(1, 0.0)], "natural": [(2, 0.0)], "not-a-knot": [], None: []}
    both = bc_type if isinstance(bc_type, tuple | list) else (bc_type, bc_type)
    return [named[end] if end is None or isinstance(end, str) else end for end in both]


def _plain_conditions(end: Any) -> Any:
    return end if end is None or isinstance(end, str) else [(order, plain(settled(v))) for order, v in end]


def _without_values(bc_type: Any, columns: int) -> Any:
    """The same boundary conditions with zeros for so many columns of data."""
    if bc_type is None or isinstance(bc_type, str):
        return bc_type
    zero = [
        end if end is None or isinstance(end, str) else [(order, np.zeros(columns)) for order, _ in end]
        for end in bc_type
    ]
    return tuple(zero)


@door(ip.make_splrep)
def _make_splrep(
    x: Any, y: Any, *, w: Any = None, k: int = 3, s: Any = 0, t: Any = None, **options: Any
) -> Any:
    """``make_splrep``: through the data, or of the smallest jumps within ``s``, or of least squares on given knots."""
    x, y, w, t = settled(x), settled(y), settled(w), settled(t)
    own = {name: plain(value) for name, value in options.items()}
    made = ip.make_splrep(plain(x), plain(y), w=plain(w), k=k, s=plain(s), t=plain(t), **own)
    if not contains_traced([x, y, w, t, s, options]):
        return made
    if contains_traced(t) or options.get("bc_type") == "periodic":
        raise no_rule(ip.make_splrep, "t that varies, and periodic splines")
    knots = with_ends(knots_at_data(made.t, x), k, (options.get("xb"), options.get("xe")))
    c = fit_to_data(x, y, w, knots, k, made.c, "make_splrep", s)
    return resolve(ip.BSpline.construct_fast)(knots, c, k)


@door(ip.make_splprep)
def _make_splprep(
    x: Any, *, w: Any = None, u: Any = None, k: int = 3, s: Any = 0, t: Any = None, **options: Any
) -> Any:
    """``make_splprep``: the parameter of a curve is the length of the chords, unless it is given."""
    rows = resolve(np.array)(list(x)) if isinstance(x, list | tuple) else settled(x)
    w, u = settled(w), settled(u)
    own = {name: plain(value) for name, value in options.items()}
    made, at = ip.make_splprep(plain(rows), w=plain(w), u=plain(u), k=k, s=plain(s), t=plain(t), **own)
    if not contains_traced([rows, w, u, s, t, options]):
        return made, at
    if contains_traced(t) or options.get("bc_type") == "periodic":
        raise no_rule(ip.make_splprep, "t that varies, and periodic splines")
    if u is None:
        steps = np.sqrt(np.sum((rows[:, 1:] - rows[:, :-1]) ** 2, axis=0))
        lengths = resolve(np.concatenate)([np.zeros(1), np.cumsum(steps)])
        u = with_value(lengths / lengths[-1], at)
    knots = with_ends(knots_at_data(made.t, u), k, (options.get("ub"), options.get("ue")))
    c = fit_to_data(u, np.transpose(rows), w, knots, k, made.c, "make_splprep", s)
    return resolve(ip.BSpline.construct_fast)(knots, c, k, axis=made.axis), u


@door(ip.insert)
def _insert(x: Any, tck: Any, m: int = 1, per: int = 0) -> Any:
    """``insert``: the same spline with one more knot."""
    if not contains_traced([x, tck if isinstance(tck, tuple | list) else [tck.t, tck.c]]):
        return ip.insert(x, tck, m, per)
    if per or not isinstance(tck, tuple | list):
        raise no_rule(ip.insert, "periodic splines and objects; use the spline's method insert_knot")
    t, c, k = tck
    count = len(plain(t)) - k - 1
    refined = resolve(ip.BSpline.construct_fast)(t, c[:count], k)
    for _ in range(m):
        refined = resolve(refined.insert_knot)(x)
    _, own, _ = ip.insert(
        plain(x), (plain(settled(t)), plain(settled(c)), k), m
    )  # behind the coefficients: anything
    found = resolve(np.concatenate)([settled(refined._c), np.zeros(len(own) - count - m)])
    return settled(refined._t), with_value(found, own), k


DOORS[ip._fitpack_py.insert] = _insert
