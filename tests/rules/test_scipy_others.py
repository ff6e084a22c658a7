"""``scipy.stats``, ``signal``, ``sparse`` and ``spatial.distance`` against differences."""

import numpy as np
import pytest
import scipy.signal as sg
import scipy.sparse as ss
import scipy.sparse.linalg as sl
import scipy.spatial as sx
import scipy.spatial.distance as sd
import scipy.stats as st

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError, MissingRuleError

X = np.array([0.3, 0.45, 0.7])
DATA = np.array([0.3, 0.45, 0.7, 1.9, -0.4])
A = np.array([[2.0, 0.3, -0.1], [0.3, 1.5, 0.2], [-0.1, 0.2, 3.0]])
B = np.array([[0.33, -1.21, 0.75], [1.13, 0.44, -0.27], [0.62, 0.97, 0.18]])
V = np.array([1.0, -2.0, 0.5])
LONG = np.sin(np.arange(15.0)) + 0.1 * np.arange(15.0)

SHAPES = {
    "norm": (), "expon": (), "uniform": (), "gamma": (1.3,), "beta": (1.3, 2.1), "t": (3.2,), "chi2": (2.5,),
    "lognorm": (0.8,), "cauchy": (), "laplace": (), "logistic": (), "f": (3.1, 4.2), "weibull_min": (1.4,),
    "gumbel_r": (), "invgamma": (2.2,), "rayleigh": (), "skewnorm": (1.2,), "truncnorm": (-1.1, 2.0),
}  # fmt: skip
METHODS = ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf"]


@pytest.mark.parametrize("name", SHAPES)
def test_distribution(name):
    distribution = getattr(st, name)
    for method in METHODS:
        check_gradient(lambda x, *p: getattr(distribution, method)(x, *p), X, *SHAPES[name], 0.1, 1.2)  # noqa: B023


def test_distributions_further():
    check_gradient(lambda m, s: st.norm(loc=m, scale=s).logpdf(DATA).sum(), 0.3, 1.2)
    check_gradient(lambda a, s: st.gamma(a, scale=s).cdf(np.abs(DATA)), 0.8, 1.2)
    check_gradient(lambda x, s: st.norm.logpdf(x, scale=s), 0.4, 1.2)
    check_gradient(gradient(lambda s: st.norm.logpdf(DATA, 0.0, s).sum()), 1.2)
    check_gradient(lambda s: st.expon.logpdf(1.0, scale=s) + st.expon.pdf(-1.0, scale=s), 1.2)
    check_gradient(lambda a: st.gamma.mean(a) + st.gamma.var(a) + st.norm.entropy(scale=a), 1.3)
    check_gradient(lambda m, s: st.norm.rvs(m, s, size=3, random_state=1), 0.3, 1.2)
    check_gradient(lambda rate: st.poisson.logpmf(np.arange(4), rate), 2.3)
    check_gradient(lambda p: st.binom.pmf(2, 5, p) + st.binom.cdf(2, 5, p) + st.binom.sf(3, 5, p), 0.3)
    check_gradient(lambda n, p: st.nbinom.pmf(2, n, p) + st.nbinom.cdf(2, n, p), 4.2, 0.3)


def test_outside_of_the_support():
    got = gradient(lambda x: st.gamma.pdf(x, 2.0).sum())(np.array([-1.0, 0.5]))
    assert got[0] == 0.0
    assert got[1] != 0.0


def test_many_variables():
    check_gradient(lambda x, m, c: st.multivariate_normal.logpdf(x, m, c @ c.T), V, 0.3 * V, A)
    check_gradient(lambda x, m: st.multivariate_normal(m, A).pdf(x), np.stack([V, X]), 0.3 * V)
    check_gradient(lambda x, c: st.multivariate_normal.logpdf(x, np.zeros(3), c), V, 1.3)
    check_gradient(lambda x, c: st.multivariate_normal.logpdf(x, np.zeros(3), c), V, X)
    check_gradient(lambda a: st.dirichlet.logpdf([0.2, 0.3, 0.5], a), X)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: st.zscore(x), lambda x: st.gmean(np.abs(x)), lambda x: st.hmean(np.abs(x)), lambda x: st.skew(x),
        lambda x: st.kurtosis(x), lambda x: st.sem(x), lambda x: st.moment(x, 3), lambda x: st.entropy(np.abs(x)),
        lambda x: st.linregress(x, x**2).slope, lambda x: st.ttest_1samp(x, 0.1).statistic, lambda x: st.iqr(x),
        lambda x: st.gaussian_kde(x)(0.3), lambda x: st.gaussian_kde(DATA)(x),
    ],
)  # fmt: skip
def test_statistics(program):
    check_gradient(program, DATA)


# ------------------------------------------------------------------------------------ signals


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [sg.convolve, sg.fftconvolve, sg.correlate])
def test_convolution(function, mode):
    check_gradient(lambda a, b: function(a, b, mode=mode), LONG, V)
    check_gradient(lambda a, b: function(a, b, mode=mode), V, LONG)
    check_gradient(lambda a, b: function(a, b, mode), LONG.reshape(5, 3), B[:2, :2])
    check_gradient(lambda a, b: function(a, b, mode), LONG + 1j * LONG[::-1], V)


def test_second_derivative_of_convolution():
    check_gradient(gradient(lambda a, b: (sg.convolve(a, b) ** 2).sum(), wrt=(0, 1)), LONG, V)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
def test_convolution_at_a_boundary(boundary, mode):
    for function in (sg.convolve2d, sg.correlate2d):
        check_gradient(lambda a, b, function=function: function(a, b, mode, boundary), A, B[:2])
    check_gradient(lambda a, c: sg.convolve2d(a, A, mode, fillvalue=c), B, 0.3)


def test_filters():
    a = np.array([1.3, 0.4, -0.2])
    check_gradient(lambda b, a, x: sg.lfilter(b, a, x), V, a, LONG)
    check_gradient(lambda b, a, x: sg.lfilter(b, a, x, axis=0), V[:2], a, LONG.reshape(5, 3))
    check_gradient(lambda b, a, x, z: sg.lfilter(b, a, x, zi=z), V, a, LONG, V[:2])
    check_gradient(lambda x: sg.filtfilt([0.3, 0.2], [1.0, -0.4], x), LONG)
    check_gradient(lambda x: sg.sosfilt(sg.butter(4, 0.3, output="sos"), x), LONG)
    check_gradient(gradient(lambda b: (sg.lfilter(b, a, LONG) ** 2).sum()), V)
    for mode in ("interp", "mirror", "nearest", "constant"):
        check_gradient(lambda x: sg.savgol_filter(x, 5, 2, mode=mode), LONG)  # noqa: B023
    check_gradient(lambda x: sg.savgol_filter(x, 5, 2, deriv=1, delta=0.3, axis=0), LONG.reshape(5, 3))
    check_gradient(lambda x: sg.detrend(x), LONG)


def test_peaks():
    assert gradient(lambda x: x[sg.find_peaks(x)[0]].sum())(LONG).sum() == len(sg.find_peaks(LONG)[0])
    check_gradient(
        lambda x: sg.find_peaks(x, prominence=0.1, height=0.2, distance=2, threshold=0.01, width=0.1)[1], LONG
    )
    check_gradient(lambda x: sg.peak_prominences(x, [2, 8], wlen=5), LONG)
    check_gradient(lambda x, r: sg.peak_widths(x, [2, 8], r), LONG, 0.4)


@pytest.mark.parametrize("up", [1, 2, 3])
def test_resampling(up):
    table = LONG.reshape(5, 3)
    check_all_ways(lambda h, x: sg.upfirdn(h, x, up, 2), V, LONG)
    check_gradient(lambda h, x: sg.upfirdn(h, x, up, axis=0), V, table + 1j * table[::-1])
    check_gradient(lambda x: sg.resample_poly(x, up, 2), LONG)
    check_gradient(
        lambda x: sg.resample_poly(x, up, 5, axis=1, padtype="mean", window=("kaiser", 3.0)), table
    )


def test_further_filters():
    table = LONG.reshape(5, 3)
    check_gradient(lambda x: sg.medfilt(x, 5) + sg.order_filter(x, np.ones(3), 0) * x, LONG + 0.01)
    check_gradient(lambda x: sg.medfilt2d(x, (3, 1)), table + 0.01)
    check_all_ways(lambda x, n: sg.wiener(x, 3, n) + sg.wiener(x, 5), LONG, 0.05)
    check_gradient(lambda s, d: sg.deconvolve(s, d), LONG, V)
    check_gradient(lambda r, c: sg.sepfir2d(table, r, c), V, X)
    check_gradient(lambda x: sg.sepfir2d(x, V, X), table)
    check_all_ways(lambda x: sg.cspline1d(x) * sg.qspline1d(x), LONG)
    check_gradient(lambda x: sg.cspline1d(x, 0.4), LONG)
    check_gradient(lambda x: sg.symiirorder1(np.tile(x, 3), 0.7, 0.3), LONG)
    check_all_ways(lambda t, y, w: sg.lombscargle(t, y, w), np.arange(15.0) ** 1.1, LONG, X)
    check_gradient(
        lambda y, w: sg.lombscargle(np.arange(15.0), y, X, weights=w, floating_mean=True, normalize=True),
        LONG,
        LONG**2 + 0.1,
    )
    check_gradient(lambda y: np.abs(sg.lombscargle(np.arange(15.0), y, X, normalize="amplitude")), LONG)


# ------------------------------------------------------------------------------------ sparse matrices


@pytest.mark.parametrize("make", [ss.csr_matrix, ss.csc_matrix, ss.coo_matrix, ss.csr_array, ss.dia_array])
def test_products_with_a_constant_matrix(make):
    m = make(np.triu(A))
    check_gradient(lambda x: m @ x, V)
    check_gradient(lambda x: m @ x + m.T @ x, B)
    check_gradient(lambda x: x @ m, V)
    check_gradient(lambda x: m.dot(x), V)
    check_gradient(gradient(lambda x: ((m @ x) ** 2).sum()), V)


def test_traced_elements():
    i, j = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 0, 2])
    data = np.array([2.0, 0.3, 1.5, -0.4, 3.0])

    def laplacian(d, x):
        m = ss.csr_matrix((d, (i, j)), shape=(3, 3))
        return m @ x, m.T @ x, m.toarray(), sl.spsolve(m, x), m.tocsc() @ x

    check_gradient(laplacian, data, V)
    check_gradient(lambda d, x: ss.coo_matrix((d, (i, j)), shape=(3, 3)).tocsr() @ x, data, V)
    check_gradient(lambda d, e: ss.diags([d, e], [0, 1]) @ V, V, V[:2])
    check_gradient(lambda d, e: sl.spsolve(ss.diags([d, e, e], [0, 1, -1], format="csc"), V), V + 5.0, V[:2])
    check_gradient(lambda a: ss.csr_matrix(a) @ V, A)


def test_solutions():
    m = ss.csc_matrix(A + np.triu(B))
    check_gradient(lambda b: sl.spsolve(m, b), V)
    check_gradient(lambda b: sl.spsolve(m, b), B)
    check_gradient(lambda b: sl.cg(ss.csr_matrix(A), b, rtol=1e-14)[0], V)
    check_gradient(gradient(lambda b: (sl.spsolve(m, b) ** 2).sum()), V)


# ------------------------------------------------------------------------------------ distances

NAMED = {
    "euclidean": {}, "sqeuclidean": {}, "cityblock": {}, "chebyshev": {}, "minkowski": {"p": 3.0}, "cosine": {},
    "correlation": {}, "canberra": {}, "braycurtis": {}, "mahalanobis": {"VI": A}, "seuclidean": {"V": X},
}  # fmt: skip


@pytest.mark.parametrize("metric", NAMED)
def test_distances(metric):
    options = NAMED[metric]
    check_gradient(lambda a, b: sd.cdist(a, b, metric, **options), A, B)
    check_gradient(lambda a: sd.pdist(a, metric, **options), B)
    check_gradient(lambda u, v: getattr(sd, metric)(u, v, **options), A[0], B[0])


def test_distances_further():
    check_gradient(lambda a: sd.squareform(sd.pdist(a)), B)
    check_gradient(lambda a, w: sd.cdist(a, B, "euclidean", w=w), A, X)
    check_gradient(lambda p, q: sd.jensenshannon(p, q), X, X[::-1].copy())
    check_gradient(lambda a, b: sx.distance_matrix(a, b), A, B)
    assert np.all(gradient(lambda a: sd.cdist(a, a).sum())(A[:1]) == 0.0)


OF_TWO = {
    "correlation": lambda u, v, w: sd.correlation(u, v, w),
    "correlation, not centred": lambda u, v, w: sd.correlation(u, v, w, centered=False),
    "chebyshev": lambda u, v, w: sd.chebyshev(u, v, w),
}
OF_ROWS = {
    "other names": lambda x: sd.cdist(x, A, "sqe") + sd.cdist(x, A, "test_euclidean") + sd.cdist(x, A, "Cos"),
    "seuclidean": lambda x: sd.pdist(x, "seuclidean"),
    "mahalanobis": lambda x: sd.cdist(x, LONG.reshape(5, 3), "mahalanobis"),
    "squareform": lambda x: sd.squareform(x[0]) + sd.squareform(sd.squareform(x[1]) + 0.0)[0],
}


@pytest.mark.parametrize("name", OF_TWO)
def test_weighted_distances(name):
    check_all_ways(OF_TWO[name], X, V, np.array([0.5, 0.2, 0.9]))


@pytest.mark.parametrize("name", OF_ROWS)
def test_distances_of_rows(name):
    check_all_ways(OF_ROWS[name], B)


def test_distances_into_an_array():
    def program(x):
        out = np.zeros((3, 3))
        return out + sd.cdist(x, x + 1.0, out=out)

    check_all_ways(program, B)


def test_a_distance_matrix_as_argument():
    assert np.array_equal(gradient(lambda x: sd.squareform(x).sum())(0.5), 2.0)
    square = sd.squareform(DATA[:3])
    assert np.array_equal(gradient(lambda d: (sd.squareform(d) ** 2).sum())(square), np.triu(2 * square))


def test_own_metrics():
    def written(a):
        out = np.zeros(len(a) * (len(a) - 1) // 2)
        sd.pdist(a, lambda u, v: abs(u - v).sum() ** 2, out=out)
        return out * out

    check_gradient(written, B)
    check_gradient(lambda a, b, t: sd.cdist(a, b, lambda u, v, w: w * abs(u - v).sum() ** 2, w=t), A, B, 1.3)
    check_gradient(lambda t: sd.cdist(A, B.tolist(), metric=lambda u, v: t * (u @ v)), 1.3)
    check_gradient(lambda a: sd.pdist(a, sd.jensenshannon) * sd.pdist(a, "jensenshannon"), abs(A))
    check_gradient(lambda a: a[0] * sd.pdist(a, "hamming").sum() * sd.cdist(a, B, sd.hamming)[0, 1], B)


REFUSED = {
    "spline": lambda x: sg.cspline1d(LONG, x[1] + 0.5).sum(),
    "weights of what is counted": lambda x: sd.pdist(x.reshape(5, 3), "hamming", w=x[:3]).sum(),
    "median absolute": lambda x: st.ks_2samp(x, x + 1.0).statistic,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(DifferentiationError, match=r"test_scipy_others\.py"):
        gradient(REFUSED[name])(LONG)


def test_ranks_do_not_vary():
    check_gradient(lambda x: x @ st.rankdata(x) * st.spearmanr(x, X).statistic, X[::-1] ** 2)


def test_exponential_of_a_sparse_matrix():
    check_gradient(lambda x: sl.expm(ss.csc_matrix(np.outer(x, x))).sum(), X)


def test_sums_of_sparse_matrices():
    places = ([0, 1, 2, 3], [1, 2, 3, 0])

    def program(x, y):
        a = ss.csr_matrix((x, places), shape=(4, 4))
        b = ss.coo_array((y, ([0, 1], [1, 1])), shape=(4, 4)).tocsr()
        both = a + ss.eye(4) * 3.0 - b
        return sl.spsolve(both.tocsc(), x) @ (both @ x) + (both - both.T).toarray().prod()

    check_gradient(program, np.array([0.5, 0.2, 0.9, 0.4]), np.array([0.3, 0.7]))
    with pytest.raises(MissingRuleError, match="elementwise"):
        gradient(lambda x: (ss.csr_array((x, places)) / ss.csr_array((x, places))).sum())(np.ones(4))


def test_sepfir2d_of_whole_numbers():
    """The filter of the rows kept whole numbers, and so did that of the columns: its weights had no derivative."""
    image = np.arange(24).reshape(4, 6)
    check_gradient(lambda h: sg.sepfir2d(image, [1.0], h), np.array([0.5, 1.0, 0.5]))


EDGES = ["constant", "symmetric", "edge", "smooth", "wrap", "reflect", "antisymmetric", "antireflect", "line"]


@pytest.mark.parametrize("mode", EDGES)
def test_resampling_beyond_the_ends(mode):
    check_all_ways(lambda h, x: sg.upfirdn(h, x, 2, 3, mode=mode, cval=0.4), V, LONG[:6])
    check_gradient(lambda x: sg.upfirdn(V, x, 1, 1, axis=0, mode=mode), B)


CONVOLVED = {
    "of one axis": lambda a, b: sg.fftconvolve(a, b, axes=1),
    "of one row": lambda a, b: sg.oaconvolve(a, b[:1], mode="same", axes=[1]),
    "valid": lambda a, b: sg.fftconvolve(a, b[:, :2], mode="valid", axes=-1),
    "of complex numbers": lambda a, b: sg.fftconvolve(a + 1j * b, b[:2], axes=(0, 1)),
    "of numbers": lambda a, b: sg.convolve(a[0, 0], b[1, 1]),
}


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [sg.fftconvolve, sg.oaconvolve])
def test_convolutions_of_a_stretched_row(function, mode):
    table, row = LONG.reshape(5, 3), V[None, :2]
    check_gradient(lambda a, b: function(a, b, mode, axes=1), table, row)
    check_gradient(lambda a, b: function(a, b, mode, axes=[-1]), row, table)


@pytest.mark.parametrize("name", CONVOLVED)
def test_convolutions_along_axes(name):
    check_all_ways(CONVOLVED[name], A, B)
