"""What ``scipy.ndimage``, ``fft`` and ``spatial`` are called with: a guess could crash compiled functions."""

from __future__ import annotations

import numpy as np
import scipy.fft as sf
import scipy.ndimage as nd
import scipy.spatial as sx
from scipy.spatial.transform import RigidTransform, Rotation, RotationSpline, Slerp

from tests.coverage.measure import Case, call
from tests.coverage.scipy_cases import LONG, add

GRID = 1.5 + np.sin(np.arange(30.0) ** 1.5).reshape(6, 5)
LABELS = np.array([[1, 1, 0, 2, 2]] * 6)
POINTS = np.array([[0.3, 2.6, 3.9], [1.4, 2.8, 0.4]])
SPECTRUM = np.fft.fft2(GRID)


def _plainly(name, *args, **options):
    return call(getattr(nd, name), GRID, *args, **options)


_SIZED = ("median_filter", "maximum_filter", "minimum_filter", "uniform_filter", "maximum_filter1d")
_SIZED += (
    "minimum_filter1d",
    "uniform_filter1d",
    "grey_erosion",
    "grey_dilation",
    "grey_opening",
    "grey_closing",
)
_SIZED += ("white_tophat", "black_tophat", "morphological_gradient", "morphological_laplace")
_LABELLED = ("sum", "sum_labels", "mean", "variance", "standard_deviation", "minimum", "maximum", "median")
_LABELLED += ("minimum_position", "maximum_position", "extrema")
_PLAIN = ("sobel", "prewitt", "laplace", "spline_filter", "spline_filter1d", "center_of_mass")
_SMOOTH = ("gaussian_filter", "gaussian_filter1d", "gaussian_laplace", "gaussian_gradient_magnitude")
_SMOOTH += ("zoom", "shift", "rotate")
_OF_MASKS = ("binary_closing", "binary_dilation", "binary_erosion", "binary_fill_holes", "binary_hit_or_miss")
_OF_MASKS += ("binary_opening", "binary_propagation", "label", "distance_transform_bf")
_OF_MASKS += ("distance_transform_cdt", "distance_transform_edt")


def _of_mask(name):
    return Case(lambda x: np.asarray(getattr(nd, name)(x > 1.45)[0]) * 1, (GRID,))


def _fourier(name):
    return call(getattr(nd, name), SPECTRUM, 0.7)


add(
    "ndimage",
    **{name: _plainly(name, 3) for name in _SIZED},
    **{name: _plainly(name, LABELS, [1, 2]) for name in _LABELLED},
    **{name: _plainly(name) for name in _PLAIN},
    **{name: _plainly(name, 1.4) for name in _SMOOTH},
    **{name: _of_mask(name) for name in _OF_MASKS},
    **{
        name: _fourier(name)
        for name in ("fourier_gaussian", "fourier_uniform", "fourier_ellipsoid", "fourier_shift")
    },
    convolve=_plainly("convolve", GRID[:3, :2]),
    correlate=_plainly("correlate", GRID[:3, :2]),
    convolve1d=_plainly("convolve1d", GRID[0, :3]),
    correlate1d=_plainly("correlate1d", GRID[0, :3]),
    percentile_filter=_plainly("percentile_filter", 40, 3),
    rank_filter=_plainly("rank_filter", 2, 3),
    map_coordinates=_plainly("map_coordinates", POINTS),
    affine_transform=_plainly("affine_transform", np.array([[0.9, 0.1], [-0.1, 0.8]])),
    geometric_transform=Case(
        lambda x: nd.geometric_transform(x, lambda n: (0.8 * n[0], 0.7 * n[1])), (GRID,)
    ),
    generic_filter=Case(lambda x: nd.generic_filter(x, np.mean, 3), (GRID,)),
    generic_filter1d=Case(lambda x: nd.generic_filter1d(x, lambda a, b: np.copyto(b, a[1:-1]), 3), (GRID,)),
    vectorized_filter=Case(lambda x: nd.vectorized_filter(x, np.mean, size=3), (GRID,)),
    generic_laplace=Case(
        lambda x: nd.generic_laplace(x, lambda y, axis, out, mode, c: nd.sobel(y, axis, out, mode, c)),
        (GRID,),
    ),
    generic_gradient_magnitude=Case(lambda x: nd.generic_gradient_magnitude(x, nd.sobel), (GRID,)),
    find_objects=Case(lambda x: nd.find_objects((x > 1.45) * 1)[0][0].start, (GRID,)),
    value_indices=Case(lambda x: nd.value_indices((x > 1.45) * 1)[1][0], (GRID,)),
    watershed_ift=Case(lambda x: nd.watershed_ift((x * 40).astype(np.uint8), LABELS), (GRID,)),
    histogram=call(nd.histogram, LONG, -1.0, 1.5, 4),
    labeled_comprehension=Case(
        lambda x: nd.labeled_comprehension(x, LABELS, [1, 2], np.mean, float, 0.0), (GRID,)
    ),
    generate_binary_structure=Case(lambda x: nd.generate_binary_structure(2, 1) * 1, (GRID,)),
    iterate_structure=Case(
        lambda x: nd.iterate_structure(nd.generate_binary_structure(2, 1), 2) * 1, (GRID,)
    ),
)
add(
    "fft",
    fht=Case(lambda a: sf.fht(a, 0.1, 0.5), (LONG,)),
    ifht=Case(lambda a: sf.ifht(a, 0.1, 0.5), (LONG,)),
)

ROWS = GRID[:, :2]
ANGLES = np.array([[0.3, -0.5, 0.7], [1.0, 0.4, -0.2]])
add(
    "spatial",
    ConvexHull=Case(lambda p: sx.ConvexHull(p).volume, (ROWS,)),
    Delaunay=Case(lambda p: (lambda t: t.points[t.simplices[0]])(sx.Delaunay(p)), (ROWS,)),
    HalfspaceIntersection=Case(
        lambda b: sx.HalfspaceIntersection(b, np.array([0.3, 0.2])).intersections.sum(),
        (np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.0, 1.0, -1.0]]),),
    ),
    KDTree=Case(lambda p, x: sx.KDTree(p).query(x)[0], (ROWS, ROWS[1] + 0.01)),
    cKDTree=Case(lambda p, x: sx.cKDTree(p).query(x)[0], (ROWS, ROWS[1] + 0.01)),
    Rectangle=Case(lambda x: sx.Rectangle(2.0 * x + 1.0, x).volume(), (ROWS[0],)),
    SphericalVoronoi=Case(
        lambda r: sx.SphericalVoronoi(r * np.vstack([np.eye(3), -np.eye(3)]), r).vertices, (1.0,)
    ),
    Voronoi=Case(lambda p: sx.Voronoi(p).vertices, (ROWS,)),
    distance_matrix=call(sx.distance_matrix, ROWS, ROWS[:2] + 0.3),
    geometric_slerp=Case(lambda t: sx.geometric_slerp([1.0, 0.0], [0.0, 1.0], t), (np.array([0.2, 0.7]),)),
    minkowski_distance=call(sx.minkowski_distance, ROWS, ROWS[1] + 0.3, 3.0),
    minkowski_distance_p=call(sx.minkowski_distance_p, ROWS, ROWS[1] + 0.3, 3.0),
    procrustes=call(sx.procrustes, ROWS, ROWS[::-1] + 0.3 * ROWS),
    tsearch=Case(lambda p, x: sx.tsearch(sx.Delaunay(p), x), (ROWS, ROWS[:2] + 0.01)),
)
add(
    "spatial.transform",
    RigidTransform=Case(lambda a: RigidTransform.from_translation(a).apply([0.1, 0.2, 0.3]), (ANGLES,)),
    RotationSpline=Case(
        lambda a: RotationSpline([0, 1], Rotation.from_rotvec(a))(0.3).as_matrix(), (ANGLES,)
    ),
    Rotation=Case(lambda a: Rotation.from_rotvec(a).as_matrix(), (ANGLES,)),
    Slerp=Case(lambda a, t: Slerp([0, 1], Rotation.from_rotvec(a))(t).as_matrix(), (ANGLES, 0.3)),
)
