"""FITPACK: what stands beneath ``splrep``, ``splev``, ``UnivariateSpline``, ``RectBivariateSpline`` and their kin.

SciPy's classes are traced through; the compiled functions have forms in ``splines``. Knots that a fit has put at the
data's points move with them; which points became knots does not vary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate as ip
from scipy.interpolate import _dfitpack, _fitpack, _fitpack_py

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import solved, unknown
from workbench.rules.splines import derivative, evaluate, fitted, inside, integral, local_basis
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value


def _door(function: Callable) -> Callable:
    """Decorator: ``form(value, *args)`` is what the function returns, its value known."""

    def register(form: Callable) -> Callable:
        def call(*args: Any, **options: Any) -> Any:
            if not contains_traced([list(args), options]):
                return function(*args, **options)
            # copies, since some of these functions overwrite what they get
            value = function(*map(_copied, args), **{k: _copied(v) for k, v in options.items()})
            return form(value, *map(settled, args), **{k: settled(v) for k, v in options.items()})

        DOORS[function] = call
        return form

    return register


def _copied(x: Any) -> Any:
    x = plain(settled(x))
    return np.copy(x) if isinstance(x, np.ndarray) else x


def _agreed(function: Callable, traced: Any, value: Any) -> Any:
    """``traced`` with SciPy's value, which it must have by itself."""
    traced = np.reshape(traced, np.shape(value))
    must_agree(function, traced, value)
    return with_value(traced, value)


# ------------------------------------------------------------------------------------ curves: evaluation


def _trimmed(t: Any, c: Any, k: int) -> tuple[Any, Any]:
    """Knots and coefficients without the coefficients beyond the last that FITPACK pads with."""
    return t, c[: len(plain(t)) - k - 1]


def _extended(t: Any, c: Any, k: int, x: Any, nu: int, beyond: int) -> Any:
    """A spline with FITPACK's four ways beyond its ends."""
    t, c = _trimmed(t, c, k)
    held = inside(t, k, x)
    found = evaluate(t, c, k, held if beyond == 3 else x, nu)
    return np.where(plain(held) == plain(x), found, 0.0) if beyond == 1 else found


@_door(_dfitpack.splev)
def _splev(value, t, c, k, x, e=0):
    return _agreed(_dfitpack.splev, _extended(t, c, k, x, 0, e), value[0]), value[1]


@_door(_dfitpack.splder)
def _splder(value, t, c, k, x, nu=1, e=0):
    return _agreed(_dfitpack.splder, _extended(t, c, k, x, nu, e), value[0]), value[1]


@_door(_dfitpack.splint)
def _splint(value, t, c, k, a, b):
    return _agreed(_dfitpack.splint, integral(*_trimmed(t, c, k), k, a, b), value[0]), value[1]


@_door(_dfitpack.spalde)
def _spalde(value, t, c, k1, x):
    t, c = _trimmed(t, c, k1 - 1)
    at = np.reshape(x, (1,))
    found = resolve(np.concatenate)([evaluate(t, c, k1 - 1, at, nu) for nu in range(k1)])
    return _agreed(_dfitpack.spalde, found, value[0]), value[1]


@_door(_dfitpack.sproot)
def _sproot(value, t, c, mest=10):
    """Roots: s(z) = 0."""
    zeros, count, report = value
    t, c = _trimmed(t, c, 3)
    found = solved(lambda z: evaluate(t, c, 3, z), zeros[:count], where="sproot")
    return found, count, report


# ------------------------------------------------------------------------------------ curves: fits


def knots_at_data(t: np.ndarray, x: Any) -> Any:
    """Knots that a fit has put at points of the data, or between two of them, as parts of these."""
    points = plain(x)
    if not contains_traced(x):
        return t
    middles = 0.5 * (points[1:] + points[:-1])
    at = np.clip(np.searchsorted(points, t), 0, len(points) - 1)
    between = np.clip(np.searchsorted(middles, t), 0, len(middles) - 1)
    here, there = points[at] == t, middles[between] == t
    found = np.where(here, x[at], np.where(there, 0.5 * (x[between] + x[between + 1]), t))
    return with_value(found, t)


def with_ends(t: Any, k: int, ends: tuple) -> Any:
    """Knots whose first or last k + 1 are the ends of an interval that vary."""
    places = np.arange(len(plain(t)))
    for end, here in zip(ends, (places <= k, places >= len(places) - k - 1), strict=True):
        if contains_traced(end) and np.all(plain(t)[here] == plain(end)):
            t = np.where(here, end, t)
    return t


def fit_to_data(x: Any, y: Any, w: Any, t: Any, k: int, c: np.ndarray, where: str, s: Any = None) -> Any:
    """The coefficients ``c`` of a fit to data, as functions of these, of the knots, and of the misfit allowed."""
    count = len(plain(t)) - k - 1
    weights = np.ones(np.shape(plain(x))) if w is None else w
    found = fitted(x, y, weights, t, k, plain(c)[:count], where=where, s=settled(s))
    must_agree(ip.splrep, found, plain(c)[:count])
    found = with_value(found, plain(c)[:count])
    return resolve(np.concatenate)([found, plain(c)[count:]])


def _refitted(value: tuple, x: Any, y: Any, w: Any, given: Any, chosen: bool) -> tuple:
    """FITPACK's record (x, y, w, xb, xe, k, s, n, t, c, fp, …) of a fit to traced data."""
    _, _, weights, xb, xe, k, _, n, t, c, _, *rest = value
    if contains_traced([xb, xe]):
        raise no_rule(ip.UnivariateSpline, "the ends of its interval")
    knots = knots_at_data(t[:n], x) if chosen else given
    c = fit_to_data(x, y, w, knots, k, c[: n - k - 1], "UnivariateSpline", value[6] if chosen else None)
    knots = resolve(np.concatenate)([knots, t[n:]])
    pad = np.zeros(len(t) - n + k + 1)
    fitted_all = resolve(np.concatenate)([c, pad])
    every = np.ones(np.shape(plain(x))) if w is None else w
    misfit = with_value(np.sum((every * (y - evaluate(knots[:n], c, k, x))) ** 2), value[10])
    return (x, y, weights if w is None else w, xb, xe, k, value[6], n, knots, fitted_all, misfit, *rest)


@_door(_dfitpack.fpcurf0)
def _fpcurf0(value, x, y, k, w=None, xb=None, xe=None, s=None, nest=None):
    if contains_traced([s, xb, xe]):
        raise no_rule(ip.UnivariateSpline, "s and the ends of its interval")
    return _refitted(value, x, y, w, None, True)


@_door(_dfitpack.fpcurfm1)
def _fpcurfm1(value, x, y, k, t, w=None, xb=None, xe=None):
    return _refitted(value, x, y, w, t, False)


@_door(_dfitpack.fpcurf1)
def _fpcurf1(value, x, y, w, xb, xe, k, s, *rest):
    if contains_traced([s, xb, xe]):
        raise no_rule(ip.UnivariateSpline, "s and the ends of its interval")
    return _refitted(value, x, y, w, None, True)


def _splrep(x: Any, y: Any, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3, task: int = 0, s: Any = None,
            t: Any = None, full_output: int = 0, per: int = 0, quiet: int = 1) -> Any:  # fmt: skip
    """``splrep``."""
    if not contains_traced([x, y, w, xb, xe, s, t]):
        return ip.splrep(x, y, w, xb, xe, k, task, s, t, full_output, per, quiet)
    if task == 1 or per:
        raise no_rule(ip.splrep, "task=1 and per")
    x, y, w, t = settled(x), settled(y), settled(w), settled(t)
    own = map(plain, (x, y, w, xb, xe, k, task, s, t))
    (knots, c, k), *report = ip.splrep(*own, 1, 0, quiet)
    if t is None:
        traced = knots_at_data(knots, x)
    else:
        ends = [knots_at_data(part, x) for part in (knots[: k + 1], knots[-k - 1 :])]
        traced = resolve(np.concatenate)([ends[0], np.asarray(t) if isinstance(t, list) else t, ends[1]])
    traced = with_ends(traced, k, (xb, xe))
    found = traced, fit_to_data(x, y, w, traced, k, c, "splrep", s), k
    return (found, _misfit(x, y, w, found, report[0]), *report[1:]) if full_output else found


def _misfit(x: Any, y: Any, w: Any, tck: tuple, own: float) -> Any:
    """Σ (w (y − s(x)))²; of curves that of all coordinates together."""
    t, c, k = tck
    away = y - evaluate(t, c[: len(plain(t)) - k - 1], k, x)
    away = away if w is None else np.reshape(w, (-1,) + (1,) * (np.ndim(plain(away)) - 1)) * away
    return with_value(np.sum(away**2), own)


DOORS[ip.splrep] = DOORS[_fitpack_py.splrep] = _splrep
add_constant(_dfitpack.fpchec)


def _splprep(x: Any, w: Any = None, u: Any = None, ub: Any = None, ue: Any = None, k: int = 3, task: int = 0,
             s: Any = None, t: Any = None, full_output: int = 0, nest: Any = None, per: int = 0,
             quiet: int = 1) -> Any:  # fmt: skip
    """``splprep``: the parameter of a curve is the length of the chords, unless it is given."""
    if not contains_traced([list(x), w, u, ub, ue, s, t]):
        return ip.splprep(x, w, u, ub, ue, k, task, s, t, full_output, nest, per, quiet)
    if contains_traced(t) or task or per:
        raise no_rule(ip.splprep, "t that varies, task and per")
    x, w, u = settled(list(x)), settled(w), settled(u)
    rows = resolve(np.array)(x) if isinstance(x, list) else x
    own = map(plain, (rows, w, u, ub, ue, k, task, s, t))
    ((knots, c, k), at), *report = ip.splprep(*own, 1, nest, per, quiet)
    if u is None:
        steps = np.sqrt(np.sum((rows[:, 1:] - rows[:, :-1]) ** 2, axis=0))
        lengths = resolve(np.concatenate)([np.zeros(1), np.cumsum(steps)])
        u = with_value(lengths / lengths[-1], at)
    traced, data = with_ends(knots_at_data(knots, u), k, (ub, ue)), np.transpose(rows)
    found = fit_to_data(u, data, w, traced, k, np.transpose(np.array(c)), "splprep", s)
    curve = [traced, [found[:, j] for j in range(len(c))], k], u
    return (curve, _misfit(u, data, w, (traced, found, k), report[0]), *report[1:]) if full_output else curve


DOORS[ip.splprep] = DOORS[_fitpack_py.splprep] = _splprep

# ------------------------------------------------------------------------------------ surfaces


def _table(tx: Any, ty: Any, c: Any, kx: int, ky: int) -> Any:
    return np.reshape(c, (len(plain(tx)) - kx - 1, len(plain(ty)) - ky - 1))


def _surface(tx, ty, c, kx, ky, nux, nuy, x, y, grid):
    """Along the one axis, then along the other; beyond the edges the value at the edge."""
    rows = evaluate(tx, _table(tx, ty, c, kx, ky), kx, inside(tx, kx, np.reshape(x, (-1,))), nux)
    y = inside(ty, ky, np.reshape(y, (-1,)))
    if grid:
        return np.transpose(evaluate(ty, np.transpose(rows), ky, y, nuy))
    for _ in range(nuy):
        ty, turned, ky = derivative(ty, np.transpose(rows), ky)
        rows = np.transpose(turned)
    first, values = local_basis(ty, ky, y)
    total: Any = 0.0
    for j, value in enumerate(values):
        total = total + value * rows[np.arange(len(first)), first + j]
    return total


def _surface_door(function: Callable, derived: bool, grid: bool) -> None:
    @_door(function)
    def _form(value, tx, ty, c, kx, ky, *rest):
        nux, nuy = rest[:2] if derived else (0, 0)
        found = _surface(tx, ty, c, kx, ky, nux, nuy, *rest[-2:], grid)
        return _agreed(function, found, value[0]), value[1]


_surface_door(_dfitpack.bispev, derived=False, grid=True)
_surface_door(_dfitpack.bispeu, derived=False, grid=False)
_surface_door(_dfitpack.parder, derived=True, grid=True)
_surface_door(_dfitpack.pardeu, derived=True, grid=False)


@_door(_dfitpack.pardtc)
def _pardtc(value, tx, ty, c, kx, ky, nux, nuy):
    table = _table(tx, ty, c, kx, ky)
    for _ in range(nux):
        tx, table, kx = derivative(tx, table, kx)
    for _ in range(nuy):
        ty, turned, ky = derivative(ty, np.transpose(table), ky)
        table = np.transpose(turned)
    size = np.size(plain(table))
    found = _agreed(_dfitpack.pardtc, np.reshape(table, (-1,)), value[0][:size])
    return resolve(np.concatenate)([found, value[0][size:]]), value[1]


@_door(_dfitpack.dblint)
def _dblint(value, tx, ty, c, kx, ky, xb, xe, yb, ye):
    rows = integral(tx, _table(tx, ty, c, kx, ky), kx, xb, xe)
    return _agreed(_dfitpack.dblint, integral(ty, rows, ky, yb, ye), value)


@_door(_dfitpack.regrid_smth)
def _regrid(value, x, y, z, xb=None, xe=None, yb=None, ye=None, kx=3, ky=3, s=0.0, maxit=20):
    """Through all points of a grid: along the one axis, then along the other."""
    if contains_traced([xb, xe, yb, ye, s]) or s > 0:
        raise no_rule(ip.RectBivariateSpline, "s > 0, and a bbox that varies")
    nx, tx, ny, ty, c, misfit, report = value
    rows, columns = len(plain(x)), len(plain(y))
    knots = knots_at_data(tx[:nx], x), knots_at_data(ty[:ny], y)
    table = np.reshape(z, (rows, columns))
    half = fitted(
        x, table, np.ones(rows), knots[0], kx, np.empty((rows, columns)), where="RectBivariateSpline"
    )
    whole = fitted(
        y,
        np.transpose(half),
        np.ones(columns),
        knots[1],
        ky,
        np.empty((columns, rows)),
        where="RectBivariateSpline",
    )
    size = rows * columns
    found = _agreed(_dfitpack.regrid_smth, np.reshape(np.transpose(whole), (-1,)), c[:size])
    join = resolve(np.concatenate)
    return (
        nx, join([knots[0], tx[nx:]]), ny, join([knots[1], ty[ny:]]), join([found, c[size:]]), misfit, report
    )  # fmt: skip


def _scattered(x, y, z, w, tx, ty, kx, ky, c, function):
    """The least squares surface: its normal equations."""
    if contains_traced([x, y]):
        raise no_rule(function, "x and y")
    firsts = [local_basis(t, k, inside(t, k, v)) for t, k, v in ((tx, kx, x), (ty, ky, y))]
    ny = len(ty) - ky - 1
    matrix = np.zeros((len(x), (len(tx) - kx - 1) * ny))
    for i, one in enumerate(firsts[0][1]):
        for j, other in enumerate(firsts[1][1]):
            matrix[np.arange(len(x)), (firsts[0][0] + i) * ny + firsts[1][0] + j] += one * other
    weights = np.ones(len(x)) if w is None else w
    found = np.matmul(np.linalg.pinv(np.reshape(weights, (-1, 1)) * matrix), weights * z)
    return _agreed(function, found, c)


@_door(_dfitpack.surfit_lsq)
def _surfit_lsq(value, x, y, z, nx, tx, ny, ty, w=None, xb=None, xe=None, yb=None, ye=None, kx=3, ky=3, eps=None,
                lwrk2=1):  # fmt: skip
    if contains_traced([tx, ty, xb, xe, yb, ye]):
        raise no_rule(ip.LSQBivariateSpline, "its knots and bbox")
    tx, ty, c, misfit, report = value
    found = _scattered(x, y, z, w, tx[:nx], ty[:ny], kx, ky, c, ip.LSQBivariateSpline)
    return tx, ty, found, unknown(misfit, "FITPACK's misfit"), report


@_door(_dfitpack.surfit_smth)
def _surfit_smth(value, x, y, z, w=None, xb=None, xe=None, yb=None, ye=None, kx=3, ky=3, s=None, nxest=None,
                 nyest=None, eps=None, lwrk2=1):  # fmt: skip
    if contains_traced([xb, xe, yb, ye, s]):
        raise no_rule(ip.SmoothBivariateSpline, "s and bbox")
    nx, tx, ny, ty, c, misfit, work, report = value
    size = (nx - kx - 1) * (ny - ky - 1)
    found = _scattered(x, y, z, w, tx[:nx], ty[:ny], kx, ky, c[:size], ip.SmoothBivariateSpline)
    whole = resolve(np.concatenate)([found, c[size:]])
    return nx, tx, ny, ty, whole, unknown(misfit, "FITPACK's misfit"), work, report


@_door(_fitpack._surfit)
def _surfit(
    value, x, y, z, w, xb, xe, yb, ye, kx, ky, task, s, eps, tx, ty, nxest, nyest, work, lwrk1, lwrk2
):
    if contains_traced([xb, xe, yb, ye, s, tx, ty]):
        raise no_rule(ip.bisplrep, "x, y, s, knots and the edges of the region")
    tx, ty, c, report = value
    return tx, ty, _scattered(x, y, z, w, tx, ty, kx, ky, c, ip.bisplrep), report
