"""``scipy.interpolate.CloughTocher2DInterpolator``: piecewise cubic and smooth, in triangles.

The slopes at the data points are linear in the data; SciPy finds them to within its tolerance. Which triangle a point
lies in does not vary. Source: P. Alfeld, A trivariate Clough-Tocher scheme, Computer Aided Geometric Design 1, 1984;
G. Farin, Triangular Bernstein-Bézier patches, Computer Aided Geometric Design 3, 1986.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.interpolate as ip
from scipy.interpolate import _rgi

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS, INSTANCE_DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import must_agree, no_rule, settled, with_value

_CORNERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


def _make(points: Any, values: Any, *args: Any, **options: Any) -> Any:
    """An interpolator, which remembers what its values depend on."""
    if not contains_traced([points, values, list(args), options], 4):
        return ip.CloughTocher2DInterpolator(points, values, *args, **options)
    if contains_traced([points, list(args), options], 4):
        raise no_rule(
            ip.CloughTocher2DInterpolator,
            "data points that vary; LinearNDInterpolator and RBFInterpolator have one",
        )
    values = settled(values)
    made = ip.CloughTocher2DInterpolator(points, plain(values), *args, **options)
    count = len(plain(values))
    units = ip.CloughTocher2DInterpolator(points, np.eye(count), *args, **options).grad
    slopes = resolve(np.tensordot)(np.reshape(units, (count, count, 2)), values, axes=((1,), (0,)))
    own = np.moveaxis(np.reshape(made.grad, (count, -1, 2)), 1, 2)
    made.depends_on = values, with_value(np.reshape(slopes, (count, 2, -1)), own)
    return made


def _evaluated(self: Any, *args: Any) -> Any:
    values, slopes = getattr(self, "depends_on", (None, None))
    if not contains_traced([list(args), values], 4):
        return type(self).__call__(self, *args)
    at = resolve(_rgi._ndim_coords_from_arrays)(args, ndim=2)
    own = type(self).__call__(self, plain(at))
    own = np.reshape(own, (*np.shape(plain(at))[:-1], *self.values_shape))
    if values is None:
        values = np.reshape(self.values, (-1, *self.values_shape))
        slopes = np.moveaxis(np.reshape(self.grad, (len(values), -1, 2)), 1, 2)
    flat, values = np.reshape(at, (-1, 2)), np.reshape(values, (len(self.tri.points), -1))
    if self.scale is not None:
        flat = (flat - self.offset) / self.scale
    simplex = self.tri.find_simplex(np.ascontiguousarray(plain(flat)))
    found = _patch(self.tri, simplex, flat, values, slopes)
    found = np.where((simplex < 0)[:, None], self.fill_value, found)
    found = np.reshape(found, np.shape(own))
    must_agree(ip.CloughTocher2DInterpolator, found, own)
    return with_value(found, own)


def _patch(tri: Any, simplex: np.ndarray, at: Any, values: Any, slopes: Any) -> Any:
    """The Bézier polynomial of each point's third of its triangle. Shape (points, columns)."""
    transform, corners = tri.transform[simplex], tri.simplices[simplex]
    first = np.sum(transform[:, :2] * (at - transform[:, 2])[:, None, :], axis=2)
    b = [first[:, :1], first[:, 1:], 1.0 - np.sum(first, axis=1)[:, None]]
    places, f = tri.points[corners], [values[corners[:, k]] for k in range(3)]
    df = [slopes[corners[:, k]] for k in range(3)]

    def along(k: int, towards: int) -> Any:
        """The coefficient a third of the way from one corner to another."""
        edge = places[:, towards] - places[:, k]
        return f[k] + np.sum(df[k] * edge[:, :, None], axis=1) / 3.0

    edge = {(k, j): along(k, j) for k in range(3) for j in range(3) if k != j}
    inner = [(f[k] + edge[k, i] + edge[k, j]) / 3.0 for k, i, j in _CORNERS]
    middle = []
    for k, i, j in _CORNERS:  # of the third opposite to corner k, smooth across the side from i to j
        bend = -f[i] + 3.0 * edge[i, j] - 3.0 * edge[j, i] + f[j]
        level = -f[i] + 2.0 * edge[i, j] - edge[j, i] + inner[j] + inner[i]
        middle.append(0.5 * (_direction(tri, simplex, k)[:, None] * bend + level))
    centre = [(inner[k] + middle[i] + middle[j]) / 3.0 for k, i, j in _CORNERS]
    top = (centre[0] + centre[1] + centre[2]) / 3.0
    least = np.min(resolve(np.concatenate)(b, axis=1), axis=1)[:, None]
    u, v = [part - least for part in b], 3.0 * least
    total = v**3 * top
    for k, i, j in _CORNERS:
        total = total + u[k] ** 3 * f[k] + 3.0 * u[k] ** 2 * (u[i] * edge[k, i] + u[j] * edge[k, j])
        total = total + 3.0 * u[k] ** 2 * v * inner[k] + 3.0 * u[k] * v**2 * centre[k]
        total = total + 6.0 * u[i] * u[j] * v * middle[k]
    return total


def _direction(tri: Any, simplex: np.ndarray, k: int) -> np.ndarray:
    """Where the line to the centre of the neighbour opposite to corner k crosses the side; the middle without one."""
    beside = tri.neighbors[simplex, k]
    centre = tri.points[tri.simplices[beside]].mean(axis=1)
    transform = tri.transform[simplex]
    first = np.einsum("nij,nj->ni", transform[:, :2], centre - transform[:, 2])
    c = np.concatenate([first, 1.0 - first.sum(axis=1, keepdims=True)], axis=1)
    _, i, j = _CORNERS[k]
    with np.errstate(all="ignore"):
        g = (2.0 * c[:, j] + c[:, i] - 1.0) / (2.0 - 3.0 * c[:, j] - 3.0 * c[:, i])
    return np.where(beside < 0, -0.5, g)


DOORS[ip.CloughTocher2DInterpolator] = _make
INSTANCE_DOORS[ip.CloughTocher2DInterpolator] = lambda self: functools.partial(_evaluated, self)
