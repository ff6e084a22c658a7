"""Noncentral distributions, density estimates, binned statistics and Shapiro's test, against differences."""

import numpy as np
import pytest
import scipy.stats as st

from tests.rules.all_ways import check_all_ways, check_value
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError

rng = np.random.default_rng(0)
X, V, AT = rng.standard_normal(12), rng.uniform(0.0, 3.0, 12), rng.uniform(0.5, 3.0, 6)
P = np.array([[2.1, 0.4], [0.4, 1.6]])
ROWS = rng.standard_normal((5, 3))

NONCENTRAL = {"ncx2": (3.0, 1.2), "nct": (4.0, 0.7), "ncf": (3.0, 4.0, 0.7)}
CASES = {
    **{
        f"{name} {method}": (lambda x, *p, n=name, m=method: getattr(getattr(st, n), m)(x, *p), AT, *shape)
        for name, shape in NONCENTRAL.items()
        for method in ("pdf", "logpdf", "cdf", "sf")
    },
    "skellam": (lambda a, b: st.skellam.logpmf(np.array([-1, 0, 2]), a, b), 1.3, 0.8),
    "skellam cdf": (lambda a, b: st.skellam.cdf(np.array([-1, 0, 2]), a, b), 1.3, 0.8),
    "invwishart": (lambda x, s, df: st.invwishart.logpdf(x @ x.T, df, s @ s.T), P, P + 0.1, 4.0),
    "density estimate": (lambda x, at: st.gaussian_kde(x).logpdf(at) + st.gaussian_kde(x)(at), X, AT),
    "density far away": (lambda x, at: 1e-4 * st.gaussian_kde(x).logpdf(at + 60.0), X, AT),
    "weighted density": (
        lambda x, b: st.gaussian_kde(x.reshape(2, 6), b, weights=np.exp(x[:6])).logpdf(
            [[0.1, 0.2], [0.3, 0.4]]
        ),
        X,
        0.4,
    ),
    "shapiro": (lambda x: (st.shapiro(x).statistic, st.shapiro(x[:7]).statistic), X),
    "shapiro p": (lambda x: (st.shapiro(x).pvalue, st.shapiro(x[:7]).pvalue, st.shapiro(x[:3]).pvalue), X),
    **{
        f"binned {name}": (lambda v, name=name: st.binned_statistic(X, v, name, bins=3).statistic, V)
        for name in ("mean", "sum", "std", "min", "max", "median")
    },
    "densities of lists": (lambda a: st.gamma.logpdf([0.5, 1.5], a) + st.t.pdf((0.5, 1.5), a), 1.7),
    "lists of parameters": (lambda a: st.norm.logpdf(a, [0.5, 0.2], (1.0, 2.0)), 0.3),
    "bin edges": (lambda x, v: st.binned_statistic(x, v, bins=3).bin_edges, X, V),
    "winsorize": (lambda x: st.mstats.winsorize(x, limits=[0.1, 0.2]).filled() * x, X),
    "winsorize rows": (
        lambda x: st.mstats.winsorize(x.reshape(3, 4), limits=0.3, axis=1).mean(axis=1).filled(),
        X,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_statistic(name):
    program, *args = CASES[name]
    check_value(program, *args)
    check_all_ways(program, *args, second=not name.startswith("binned"))


def test_the_slope_of_a_distribution_is_its_density():
    for name, shape in NONCENTRAL.items():
        distribution = getattr(st, name)
        for method, sign in (("cdf", 1.0), ("sf", -1.0)):
            got = gradient(lambda x, d=distribution, s=shape, m=method: getattr(d, m)(x, *s).sum())(AT)
            np.testing.assert_allclose(got, sign * distribution.pdf(AT, *shape), rtol=1e-9)


def test_refused():
    with pytest.raises(DifferentiationError, match="inplace"):
        gradient(lambda x: st.mstats.winsorize(x * 1.0, limits=0.1, inplace=True).sum())(X)


@pytest.mark.parametrize("power", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("data", [np.array([0.1, 1.0, -0.5, 3.0]), np.array([0.0, 1.0, 2.0, 3.0])])
def test_yeojohnson_at_zero_and_at_special_powers(data, power):
    """SciPy's branches, and the sign of 0, hid derivatives: the second one of the transform jumps at 0."""
    smooth = 0 not in data
    for program in st.yeojohnson, lambda x, power: st.yeojohnson_llf(power, x):
        check_all_ways(program, data, power, rtol=1e-5 if smooth else 1e-3, second=smooth)
        check_value(program, data, power)


def test_yeojohnson_normmax_of_whole_numbers():
    found = gradient(st.yeojohnson_normmax)(np.array([0.0, 1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [-0.7603, 0.9539, 0.4543, -0.6276], atol=1e-4)


@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize(
    "distribution",
    [st.expon, st.uniform, st.gamma(1.7), st.chi2(2.3), st.beta(1.6, 2.1), st.lognorm(0.8), st.pareto(2.2)],
)
def test_outside_of_the_support_nothing_varies(distribution, method):
    family = getattr(distribution, "dist", distribution)
    shapes = getattr(distribution, "args", ())

    def program(x, loc):
        found = getattr(family, method)(x, *shapes, loc=loc, scale=0.9)
        return np.where(np.isfinite(found), found, 0.0)

    with np.errstate(all="ignore"):
        check_gradient(program, np.array([0.3, 1.2, 2.15, 2.5, 3.9, 9.0]), 1.81)


@pytest.mark.parametrize(
    "density",
    [
        lambda s: st.multivariate_t.logpdf(ROWS, np.zeros(3), s, 5.0).sum(),
        lambda s: st.multivariate_t(np.zeros(3), s, df=5.0).pdf(ROWS).sum(),
        lambda s: st.matrix_normal.logpdf(ROWS[:3], rowcov=s, colcov=s @ s),
        lambda s: st.matrix_t.logpdf(ROWS[:3], None, s, s, 5.0),
        lambda s: st.multivariate_normal.logpdf(ROWS, np.zeros(3), s, allow_singular=True).sum(),
    ],
)
@pytest.mark.parametrize("matrix", [np.eye(3) * 1.3, np.diag([1.0, 1.0, 2.0]) + 0.1])
def test_densities_of_matrices_with_equal_eigenvalues(density, matrix):
    """SciPy takes their roots from eigenvectors, which have no derivative there; the densities have one."""

    def f(x):
        return density(matrix + (x + x.T) * 0.5)

    check_gradient(f, np.zeros((3, 3)))
    check_gradient(lambda c: gradient(lambda c: density(c * matrix))(c), 1.2, rtol=1e-5)


def test_a_covariance_of_lower_rank_keeps_its_own():
    side = np.array([[1.0, 0.2], [0.3, 0.7], [0.5, -0.4]])

    def f(c):
        cov = c * (side @ side.T)
        return st.multivariate_normal.logpdf(
            side @ np.array([0.3, 0.4]), np.zeros(3), cov, allow_singular=True
        )

    check_gradient(f, 1.2)
