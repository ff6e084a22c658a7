"""Random draws of NumPy: values and stream are those of the plain program, derivatives go through the transform."""

import warnings

import numpy as np
import pytest

from workbench import check_gradient, gradient, pushforward, stop_gradient, value_and_gradient
from workbench.errors import DifferentiationError, MissingRuleError

MU = np.array([0.3, -1.2, 2.0])
SIGMA = np.array([0.7, 1.1, 0.4])
# method: the parameters it is called with
DRAWS = {
    **dict.fromkeys("normal laplace logistic gumbel lognormal".split(), (MU, SIGMA)),
    **dict.fromkeys("exponential rayleigh weibull pareto power".split(), (SIGMA,)),
    "uniform": (MU, MU + SIGMA),
    "triangular": (MU, MU + 0.4 * SIGMA, MU + SIGMA),
}
SOURCES = {"new": np.random.default_rng, "old": np.random.RandomState}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", DRAWS)
def test_derivatives_of_draws(name, source):
    def program(*parameters):
        return getattr(SOURCES[source](5), name)(*parameters, size=(4, 3))

    check_gradient(program, *DRAWS[name])
    check_gradient(
        lambda p, q: getattr(SOURCES[source](5), name)(p, *DRAWS[name][1:]) * q[0], *[DRAWS[name][0]] * 2
    )
    check_gradient(lambda *p: getattr(SOURCES[source](5), name)(*p), *[float(p[2]) for p in DRAWS[name]])
    check_gradient(gradient(lambda *p: np.sum(program(*p) ** 3)), *DRAWS[name])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", DRAWS)
def test_values_and_stream_are_those_of_the_plain_program(name, source):
    streams = [SOURCES[source](7) for _ in range(2)]

    def program(shift, source):
        draws = [getattr(source, name)(*[p + shift for p in DRAWS[name]]) for _ in range(3)]
        return np.sum(draws) + source.normal()

    expected = program(0.1, streams[0])
    value, _ = value_and_gradient(lambda shift: program(shift, streams[1]))(0.1)
    assert value == expected
    assert streams[0].normal() == streams[1].normal()


def test_by_name_and_with_a_spread_of_zero():
    slope = gradient(lambda s: np.random.default_rng(3).normal(scale=s, loc=1e6))(0.0)
    assert slope == np.random.default_rng(3).standard_normal()
    assert pushforward(lambda m: np.random.default_rng(3).uniform(high=m), 2.0)[1](1.0) == pytest.approx(
        np.random.default_rng(3).random(), rel=1e-15
    )


def test_the_global_source():
    def program(mu, sigma):
        np.random.seed(4)
        return np.mean(np.random.normal(mu, sigma, 5) ** 2)

    check_gradient(program, 0.4, 1.3)


@pytest.mark.parametrize("source", SOURCES)
def test_shapes_drawn_by_rejection_are_refused(source):
    check_gradient(lambda s: SOURCES[source](2).gamma(2.5, s, 3), 1.7)
    with pytest.raises(MissingRuleError, match="drawn by rejection"):
        gradient(lambda k: SOURCES[source](2).gamma(k, 2.0))(1.7)
    for name, rest in (
        ("beta", (2.0,)),
        ("standard_t", ()),
        ("poisson", ()),
        ("chisquare", ()),
        ("vonmises", (1.0,)),
    ):
        with pytest.raises(DifferentiationError):
            gradient(lambda x, name=name, rest=rest: float(getattr(SOURCES[source](2), name)(x, *rest)))(1.7)


@pytest.mark.parametrize("source", SOURCES)
def test_many_variables(source):
    a = np.array([[1.5, 0.2, 0.1], [0.0, 1.0, 0.4], [0.0, 0.0, 0.6]])

    def program(mean, a, **options):
        return SOURCES[source](6).multivariate_normal(mean, a @ a.T, (2, 2), **options)

    check_gradient(lambda mean: program(mean, a), MU)
    check_gradient(program, MU, a)
    if source == "new":
        check_gradient(lambda mean, a: program(mean, a, method="cholesky"), MU, a)
        check_gradient(lambda mean, s: program(mean, s * np.eye(3), method="cholesky"), MU, 1.3)
    for options in [{}] if source == "old" else [{}, {"method": "eigh"}]:  # each element by itself
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the differences are of matrices that are no covariances
            check_gradient(
                lambda cov, options=options: SOURCES[source](6).multivariate_normal(MU, cov, 2, **options),
                a @ a.T,
            )
    with pytest.raises(MissingRuleError, match="repeated or zero"):
        gradient(lambda s: np.sum(program(MU, s * np.eye(3))))(1.3)


def test_what_does_not_vary_draws_as_ever():
    draw = gradient(lambda x: x * np.random.default_rng(1).normal(stop_gradient(x)))(0.5)
    assert draw == np.random.default_rng(1).normal(0.5)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("shape", [(6,), (4, 3)])
def test_chosen_and_rearranged_elements(source, shape):
    x = np.random.default_rng(0).normal(size=shape)

    def program(x, name, *args):
        y = x * 1.0
        found = getattr(SOURCES[source](8), name)(y, *args)
        return np.sin(y if found is None else found)

    check_gradient(lambda x: program(x, "permutation"), x)
    check_gradient(lambda x: program(x, "shuffle"), x)
    if source == "new":
        check_gradient(lambda x: program(x, "permuted"), x)
    if source == "new" or len(shape) == 1:
        check_gradient(lambda x: program(x, "choice", 3), x)
        check_gradient(lambda x: SOURCES[source](8).choice(a=x * x, size=3, replace=False), x)


@pytest.mark.parametrize("source", SOURCES)
def test_chosen_with_probabilities_that_vary(source):
    """Which are chosen does not vary, as in ``random.choices``: the numbers that are chosen do."""

    def program(x):
        rng = SOURCES[source](8)
        k = rng.choice(3, size=5, p=x / np.sum(x))
        one = rng.choice(x * x, None, True, [x[0] * 0.0 + 0.5, 0.25, 0.25])
        return np.sum(np.sin(x)[k]) + one

    check_gradient(program, np.array([0.3, 0.5, 0.8]))
    plain_draws = SOURCES[source](8).choice(3, size=5, p=[0.2, 0.3, 0.5])
    assert gradient(lambda p: np.sum(p * SOURCES[source](8).choice(3, size=5, p=[p, 0.5 - p, 0.5])))(
        0.2
    ) == np.sum(plain_draws)


def test_constants_are_rearranged_and_restored():
    def program(x):
        weights = np.arange(4.0)
        y = weights * x
        np.random.default_rng(1).shuffle(weights)
        return y * weights

    check_gradient(program, np.ones(4))


def test_rearranged_as_without_derivatives():
    x = np.arange(12.0).reshape(6, 2)
    for name in ("permutation", "permuted", "choice"):
        expected = getattr(np.random.default_rng(5), name)(x, *([4] if name == "choice" else []))
        rest = [4] if name == "choice" else []
        slope = gradient(
            lambda x, n=name, r=rest, e=expected: np.sum(getattr(np.random.default_rng(5), n)(x, *r) * e)
        )(x)
        counts = np.array([np.sum(expected == e) for e in x.ravel()]).reshape(x.shape)
        assert np.array_equal(slope, counts * x)
