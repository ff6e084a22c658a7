"""``scipy.ndimage``: filters and interpolation, every boundary mode, against differences."""

import numpy as np
import pytest
import scipy.ndimage as nd

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient, pullback
from workbench.errors import DifferentiationError

IMAGE = np.random.default_rng(0).normal(size=(5, 7))
LINE = np.sin(np.arange(9.0)) + 0.1 * np.arange(9.0) + 0.03
BLOCK = np.random.default_rng(2).normal(size=(3, 4, 5))
W = np.random.default_rng(1).normal(size=(3, 2))
MODES = ["reflect", "mirror", "nearest", "constant", "wrap", "grid-wrap", "grid-constant", "grid-mirror"]
AT = np.array([[0.3, 2.6, 3.9, -1.3, 1.2, 9.7], [1.4, 5.8, -0.4, 2.2, 0.7, 3.3]])

FILTERS = {
    "correlate": (lambda x, w, m: nd.correlate(x, w, mode=m, cval=0.4, origin=(1, 0)), IMAGE, W),
    "convolve": (lambda x, w, m: nd.convolve(x, w, mode=m, cval=0.4), IMAGE, W),
    "convolve of one axis": (lambda x, w, m: nd.convolve(x, w, mode=m, axes=(1,)), IMAGE, W[:, 0]),
    "correlate1d": (lambda x, w, m: nd.correlate1d(x, w, 0, mode=m, cval=0.4, origin=1), IMAGE, W[:, 0]),
    "uniform": (lambda x, m: nd.uniform_filter(x, (2, 3), mode=m), IMAGE),
    "gaussian": (lambda x, s, m: nd.gaussian_filter(x, s, mode=m, truncate=2.0), IMAGE, 0.8),
    "gaussian order": (lambda x, s, m: nd.gaussian_filter1d(x, s, order=2, mode=m, axis=0), IMAGE, 0.8),
    "gaussian orders": (lambda x, m: nd.gaussian_filter(x, [0.7, 1.1], order=(0, 1), mode=m), IMAGE),
    "gaussian radius": (lambda x, s, m: nd.gaussian_filter(x, s, mode=m, radius=2, axes=1), IMAGE, 0.8),
    "sobel": (lambda x, m: nd.sobel(x, axis=0, mode=m), IMAGE),
    "prewitt": (lambda x, m: nd.prewitt(x, mode=m), IMAGE),
    "laplace": (lambda x, m: nd.laplace(x, mode=m), IMAGE),
    "gaussian laplace": (lambda x, s, m: nd.gaussian_laplace(x, s, mode=m), IMAGE, 0.9),
    "gradient magnitude": (
        lambda x, s, m: nd.gaussian_gradient_magnitude(x, [0.9, s], mode=m) ** 2,
        IMAGE,
        0.9,
    ),
    "median": (lambda x, m: nd.median_filter(x, 3, mode=m), IMAGE),
    "median of a line": (lambda x, m: nd.median_filter(x, 4, mode=m), LINE),
    "percentile": (lambda x, m: nd.percentile_filter(x, 30, size=(2, 3), mode=m), IMAGE),
    "rank": (lambda x, m: nd.rank_filter(x, -2, footprint=np.eye(3, dtype=bool), mode=m), IMAGE),
    "maximum": (lambda x, m: nd.maximum_filter(x, (2, 3), mode=m, origin=(0, 1)), IMAGE),
    "minimum": (lambda x, m: nd.minimum_filter(x, footprint=np.tri(3) > 0, mode=m), IMAGE),
    "maximum1d": (lambda x, m: nd.maximum_filter1d(x, 4, mode=m), LINE),
    "dilation": (lambda x, m: nd.grey_dilation(x, 3, mode=m), IMAGE),
    "erosion": (lambda x, w, m: nd.grey_erosion(x, structure=w, mode=m), IMAGE, W),
    "opening": (lambda x, m: nd.grey_opening(x, 3, mode=m) + nd.white_tophat(x, 2, mode=m), IMAGE),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILTERS)
def test_filter(name, mode):
    program, *args = FILTERS[name]
    check_gradient(lambda *xs: program(*xs, mode), *args)


@pytest.mark.parametrize("name", FILTERS)
def test_filter_all_ways(name):
    program, *args = FILTERS[name]
    check_all_ways(lambda *xs: program(*xs, "mirror"), *args)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", MODES)
def test_interpolation(mode, order):
    def program(x, at):
        return nd.map_coordinates(x, at, order=order, mode=mode, cval=0.4)

    check_gradient(program, IMAGE, AT)
    check_gradient(lambda x: nd.map_coordinates(x, AT, order=order, mode=mode, prefilter=False), IMAGE)
    check_gradient(lambda x, s: nd.shift(x, s, order=order, mode=mode), IMAGE, np.array([0.7, -1.2]))
    check_gradient(lambda x: nd.zoom(x, (1.7, 0.6), order=order, mode=mode), IMAGE)


INTERPOLATIONS = {
    "map": lambda x, at: nd.map_coordinates(x, at),
    "affine": lambda x, at: nd.affine_transform(x, np.eye(2) + 0.03 * at[:, :2], at[:, 2], mode="nearest"),
    "affine scale": lambda x, at: nd.affine_transform(x, 1.0 + 0.1 * at[:, 0], 0.3, order=2, mode="mirror"),
    "homogeneous": lambda x, at: nd.affine_transform(
        x, np.eye(2, 3) + 0.03 * at[:, :3], output_shape=(4, 3), mode="reflect"
    ),
    "shift": lambda x, at: nd.shift(x, at[0, 0], mode="grid-wrap"),
    "rotate": lambda x, at: nd.rotate(x, 20.0 * at[0, 0], reshape=False),
    "rotate wide": lambda x, at: nd.rotate(x, 31.0, mode="reflect", order=2) * at[0, 0],
    "zoom of a grid": lambda x, at: nd.zoom(x, 1.6, mode="grid-mirror", grid_mode=True) * at[0, 0],
    "mapping": lambda x, at: nd.geometric_transform(
        x, lambda n: (n[0] * 0.8 + at[0, 0], n[1] + 0.1 * n[0] * at[0, 1]), mode="mirror", output_shape=(3, 4)
    ),
}


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_interpolation_all_ways(name):
    check_all_ways(INTERPOLATIONS[name], IMAGE, AT)


def test_several_axes_and_outputs():
    check_all_ways(lambda x: nd.map_coordinates(x, np.stack([AT[0], AT[1], AT[0]]), mode="nearest"), BLOCK)
    check_gradient(lambda x: nd.gaussian_filter(x, 0.6), BLOCK)
    check_gradient(lambda x: nd.rotate(x, 20.0, axes=(1, 2), reshape=False, mode="mirror"), BLOCK)

    def into(x):
        out = np.zeros((5, 7))
        nd.sobel(x, output=out)
        nd.gaussian_filter(out * x, 0.7, output=out)
        return out

    check_all_ways(into, IMAGE)
    check_gradient(lambda x: nd.correlate1d(x, [1.0, 2.0], output=np.float64), IMAGE)


def test_complex_images():
    image = IMAGE + 1j * IMAGE[::-1]
    check_gradient(lambda x: nd.gaussian_filter(x, 0.8), image)
    check_gradient(lambda x: nd.map_coordinates(x, AT, mode="mirror"), image)


def test_measurements():
    labels, _ = nd.label(IMAGE > 0)
    check_gradient(lambda x: nd.center_of_mass(np.abs(x)), IMAGE)
    check_gradient(lambda x: nd.center_of_mass(np.abs(x), labels, 1), IMAGE)
    check_gradient(lambda x: nd.sum(x, labels, [1, 2]) + nd.mean(x, labels, [1, 2]), IMAGE)
    check_gradient(lambda x: nd.variance(x, labels) + nd.standard_deviation(x), IMAGE)
    check_gradient(lambda x: nd.maximum(x, labels, [1, 2]) + nd.minimum(x, labels, [0, 1]), IMAGE)


def test_filters_of_transforms():
    for function in (nd.fourier_gaussian, nd.fourier_uniform, nd.fourier_ellipsoid, nd.fourier_shift):
        check_gradient(lambda x: function(np.fft.fft2(x), (0.7, 1.2)), IMAGE)  # noqa: B023
    check_gradient(lambda x: nd.fourier_shift(np.fft.rfft2(x), 0.7, n=7), IMAGE)


def test_shifts_that_vary():
    for shift in (0.4, np.array([0.4, 1.2])):
        check_all_ways(lambda x, s: np.fft.ifft2(nd.fourier_shift(np.fft.fft2(x), s)).real, IMAGE, shift)
    check_all_ways(lambda x, s: np.fft.irfft2(nd.fourier_shift(np.fft.rfft2(x), s, n=7), (5, 7)), IMAGE, 0.7)


def weighed(w, c, k=1.0):
    return c * np.sum(w**2) / (k + w[0] ** 2)


def smoothed(line, out):
    out[...] = line[:-2] * line[1:-1] + line[2:]


def into(function, x, *args):
    """The result and the array that it went into."""
    out = np.ones(x.shape)
    return out + function(x, *args, output=out)


FOOTPRINT = np.array([[0, 1, 0], [1, 1, 1], [0, 0, 0]])
FUNCTIONS = {
    "of windows": lambda x: nd.generic_filter(x, np.std, size=(3, 2), mode="nearest"),
    "with arguments": lambda x: nd.generic_filter(
        x, weighed, 3, extra_arguments=(x[0, 0],), extra_keywords={"k": 2.0}
    ),
    "of a footprint": lambda x: nd.generic_filter(
        x, lambda w: w[0] * w[-1], footprint=FOOTPRINT, mode="constant", cval=0.3, origin=(0, 1)
    ),
    "of a closure": lambda x: nd.generic_filter(IMAGE, lambda w: w[0] * x[0, 0], 2),
    "of some axes": lambda x: nd.generic_filter(x, np.std, 3, axes=(0,)),
    "of all axes": lambda x: nd.generic_filter(x, np.amax, size=(2, 3), axes=(1, 0), origin=(0, 1)),
    "into an array": lambda x: into(nd.generic_filter, x, np.var, 2),
    "of whole numbers": lambda x: nd.generic_filter(
        np.ones((2, 2), int), weighed, 3, output=float, extra_arguments=(x[0, 0],), extra_keywords={"k": 2.0}
    ),
    "of lines": lambda x: nd.generic_filter1d(x, smoothed, 3, axis=0, mode="wrap"),
    "of lines between constants": lambda x: nd.generic_filter1d(
        x, smoothed, 3, mode="constant", cval=x[0, 0]
    ),
    "of lines counted from the end": lambda x: nd.generic_filter1d(x, smoothed, 3, axis=-2, mode="constant"),
    "of lines moved": lambda x: nd.generic_filter1d(x, smoothed, 3, origin=1),
    "vectorized": lambda x: nd.vectorized_filter(x, np.mean, size=(3, 3)),
    "vectorized function": lambda x: nd.vectorized_filter(
        x, lambda w, axis: np.sum(w**2, axis=axis), size=3, mode="mirror"
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_program(name):
    own, traced = FUNCTIONS[name](IMAGE), pullback(FUNCTIONS[name], IMAGE)[0]
    np.testing.assert_array_equal(own, traced)
    check_all_ways(FUNCTIONS[name], IMAGE, second=name == "with arguments")


@pytest.mark.parametrize(
    "program",
    [
        lambda x: nd.generic_filter(x, np.mean, 3, output=np.float32).sum(),
        lambda x: nd.generic_filter(np.ones((2, 2), int), lambda w: w[0] * x[0, 0], 3).sum(),
        lambda x: nd.generic_filter1d(x, lambda line, out: None, 3, output=int).sum(),
        lambda x: nd.distance_transform_edt(IMAGE > 0, sampling=x[0, :2]).sum(),
        lambda x: nd.sobel(x, output=np.zeros((5, 7), int)).sum(),
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_ndimage\.py"):
        gradient(program)(IMAGE)


TRANSFORMS = [IMAGE, IMAGE + 1j * IMAGE[::-1], BLOCK[:2] + 0j, LINE]
FOURIER = [nd.fourier_gaussian, nd.fourier_uniform, nd.fourier_ellipsoid, nd.fourier_shift]


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("function", FOURIER)
def test_fourier_filters_by_their_size(function, transform):
    for options in {}, {"n": 12}:
        check_all_ways(lambda x, size: function(x, size, **options), transform, 1.3)  # noqa: B023


@pytest.mark.parametrize("function", FOURIER)
def test_fourier_filters_into_an_array(function):
    def program(x, size):
        out = np.zeros(x.shape, complex)
        function(x, [size, 0.7], output=out)
        return out

    check_all_ways(program, TRANSFORMS[1], 1.3)


def test_labels_and_masks_overwrite_what_varied():
    """The array that they were written into still had the derivatives of what had been there."""

    def labelled(x):
        out = np.array([x[0], x[1], 3.0])
        return nd.label(np.ones(3), output=out) * out.sum()

    def eroded(x):
        out = x.copy()
        return nd.binary_erosion(np.ones(x.shape), output=out).sum() + out.sum()

    assert not gradient(labelled)(LINE).any()
    assert not gradient(eroded)(IMAGE).any()


@pytest.mark.parametrize("function", [nd.binary_dilation, nd.binary_closing, nd.binary_hit_or_miss])
def test_masks_of_what_varies_are_constants(function):
    assert np.array_equal(pullback(function, IMAGE)[0], function(IMAGE))


def test_filters_of_nothing():
    check_gradient(lambda w: nd.convolve(np.zeros((1, 0)), w), np.ones((1, 2)))
    check_gradient(lambda size: nd.fourier_gaussian(np.zeros((2, 0)), size), 1.3)
