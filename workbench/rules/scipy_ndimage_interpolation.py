"""``scipy.ndimage``: splines through the elements of an array, evaluated anywhere.

``map_coordinates``, ``affine_transform``, ``shift``, ``rotate``, ``zoom`` and ``geometric_transform`` are one
function: Σ_k c[k] Π_axis β(x − k) with the B-spline β of the given order. It is differentiated by the elements, by
the coordinates, and by what the coordinates are made of. The factor of ``zoom`` decides the shape of the result only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.interpolate import BSpline, PPoly
from scipy.ndimage import _nd_image
from scipy.ndimage._interpolation import spline_filter1d

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import plain
from workbench.rules.compiled import writes
from workbench.rules.scipy_ndimage import CONSTANT, GRID_CONSTANT, MIRROR, WRAP, folded
from workbench.rules.stand_ins import settled

_MODES = ("nearest", "wrap", "reflect", "mirror", "constant", "grid-wrap", "grid-constant")


@writes(_nd_image.spline_filter1d, 3)
def _spline_filter1d(x, order, axis, out, mode):
    """The coefficients are linear in the elements: the matrix is the filter of the unit vectors."""
    n = np.shape(plain(x))[axis]
    matrix = spline_filter1d(np.eye(n), order, 0, mode=_MODES[mode])
    move = resolve(np.moveaxis)
    return move(resolve(np.tensordot)(matrix, move(x, axis, 0), axes=1), 0, axis)


def _basis(order: int) -> np.ndarray:
    """Row k: the polynomial, highest power first, of the weight of coefficient k in the coordinate's fraction."""
    if order == 0:
        return np.ones((1, 1))
    pieces = PPoly.from_spline(BSpline.basis_element(np.arange(order + 2.0))).c
    return np.array([pieces[:, order + order - k] for k in range(order + 1)])


def _wrapped(z: Any, n: int) -> Any:
    """Coordinates beyond the edges as SciPy's mode "wrap" moves them: by whole lengths n − 1."""
    if n == 1:
        return 0.0 * z
    at = plain(z)
    below, above = np.floor(-at / (n - 1)) + 1, np.floor(at / (n - 1))
    return z + (n - 1) * np.where(at < 0, below, np.where(at > n - 1, -above, 0.0))


def _interpolated(c: Any, coordinates: list[Any], order: int, mode: int, fill: Any, padding: int) -> Any:
    """The spline with the coefficients ``c`` at the coordinates, one array for each axis."""
    table, taps, outside = _basis(order), [], np.array(False)
    half = 0.0 if order % 2 else 0.5
    for z, n in zip(coordinates, np.shape(plain(c)), strict=True):
        z = _wrapped(z + padding, n) if mode == WRAP else z + padding
        if mode == CONSTANT:
            outside = outside | (plain(z) < 0) | (plain(z) > n - 1)
        base = np.floor(plain(z) + half)
        fraction = z + half - base
        found = []
        for k in range(order + 1):
            weight = 0.0
            for coefficient in table[k]:
                weight = weight * fraction + coefficient
            index = base.astype(int) - order // 2 + k
            beyond = (index < 0) | (index >= n) if mode == GRID_CONSTANT else False
            fold = MIRROR if mode in (WRAP, CONSTANT) else mode
            found.append((folded(index, n, fold), weight, beyond))
        taps.append(found)
    total: Any = 0.0
    for chosen in itertools.product(*taps):
        part = c[tuple(index for index, _, _ in chosen)]
        beyond = np.any(np.broadcast_arrays(*[b for _, _, b in chosen]), axis=0)
        if np.any(beyond):
            part = resolve(np.where)(beyond, fill, part)
        for _, weight, _ in chosen:
            part = part * weight
        total = total + part
    return resolve(np.where)(outside, fill, total) if mode == CONSTANT else total


@writes(_nd_image.geometric_transform, 5)
def _geometric(c, mapping, coordinates, matrix, offset, out, order, mode, fill, padding, extra, named):
    """Coordinates that are given, or of an affine map."""
    if coordinates is None:
        at = np.indices(out, dtype=float)
        shift = resolve(np.reshape)(offset, (-1,) + (1,) * len(out))
        coordinates = resolve(np.tensordot)(matrix, at, axes=1) + shift
    return _interpolated(c, list(coordinates), order, mode, fill, padding)


_of_coordinates = DOORS[_nd_image.geometric_transform]


def _called(c: Any, mapping: Callable | None, coordinates: Any, *rest: Any) -> Any:
    """``geometric_transform``: the coordinates that a function of the program gives for each index of the result."""
    if mapping is not None:
        shape, (extra, named) = np.shape(plain(current(rest[2]))), rest[-2:]
        point = resolve(mapping)
        rows = [settled(point(index, *extra, **named)) for index in np.ndindex(shape)]
        coordinates = resolve(np.reshape)(resolve(np.stack)(rows, axis=-1), (-1, *shape))
    return _of_coordinates(c, None, coordinates, *rest[:-2], None, None)


DOORS[_nd_image.geometric_transform] = _called


@writes(_nd_image.zoom_shift, 3)
def _zoom_shift(c, zoom, shift, out, order, mode, fill, padding, grid_mode):
    """(n + shift) zoom for each index n; in grid mode an index stands for the middle of its cell."""
    middle = 0.5 if grid_mode else 0.0
    coordinates = list(np.indices(out, dtype=float))
    for axis, z in enumerate(coordinates):
        if shift is not None:
            z = z + shift[axis]
        coordinates[axis] = z if zoom is None else (z + middle) * zoom[axis] - middle
    return _interpolated(c, coordinates, order, mode, fill, padding)
