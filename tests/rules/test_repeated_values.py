"""Eigenvectors and singular vectors of values that are equal but for rounding, and phases, have no derivative."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from workbench import check_gradient, gradient
from workbench.autodiff import pullback, pushforward
from workbench.errors import NotDifferentiableError

X = np.array([0.7, 1.3])


def _matrix(x):
    """One eigenvalue of its own, and 1 three times, or nearly: LAPACK gives 1 and 1 + 2e-16."""
    n = np.array([x[0], 0.3, -0.2, x[1]])
    return np.eye(4) + n[:, None] * n


def _root(x):
    values, vectors = np.linalg.eigh(_matrix(x))
    return ((vectors * np.sqrt(values)) @ vectors.T)[0].sum()


def _singular_root(x):
    u, s, vh = np.linalg.svd(_matrix(x))
    return ((u * np.sqrt(s)) @ vh)[0].sum()


def _root_of_any(x):
    values, vectors = np.linalg.eig(_matrix(x))
    return np.real(((vectors * np.sqrt(values)) @ np.linalg.inv(vectors))[0].sum())


@pytest.mark.parametrize("program", [_root, _singular_root, _root_of_any])
def test_they_are_nan_and_not_what_rounding_makes_of_them(program):
    assert np.isnan(gradient(program)(X)).all()


def _largest(x):
    values, vectors = np.linalg.eigh(_matrix(x))
    return vectors[0, -1] ** 2 * values[-1] + values.sum()


def _largest_of_any(x):
    values, vectors = np.linalg.eig(_matrix(x))
    k = np.argmax(np.real(values))
    return np.real(vectors[0, k] ** 2 * values[k] + values.sum())


@pytest.mark.parametrize("program", [_largest, _largest_of_any])
def test_vectors_of_other_values_have_derivatives(program):
    check_gradient(program, X)


def _sparse(function, z):
    return function(ss.csr_array(z), k=1, v0=np.ones(3))


Z = np.array([[0.3 + 1.2j, -0.7, 0.4j], [1.1, 0.2 - 0.5j, 0.9], [-0.6j, 0.8, 1.7 + 0.1j]])


@pytest.mark.parametrize(
    ("by_phase", "without"),
    [
        (lambda z: np.linalg.svd(z)[0], lambda z: (lambda u, s, vh: u @ vh)(*np.linalg.svd(z))),
        (lambda z: scipy.linalg.svd(z)[2], lambda z: abs(scipy.linalg.svd(z)[2]) ** 2),
        (lambda z: scipy.linalg.schur(z)[1], lambda z: abs(scipy.linalg.schur(z)[1]) ** 2),
        (lambda z: np.linalg.eigh(z + z.conj().T)[1], lambda z: abs(np.linalg.eigh(z + z.conj().T)[1]) ** 2),
        (lambda z: _sparse(sl.eigs, z)[1], lambda z: abs(_sparse(sl.eigs, z)[1]) ** 2),
        (
            lambda z: _sparse(sl.eigsh, z + z.conj().T)[1],
            lambda z: abs(_sparse(sl.eigsh, z + z.conj().T)[1]) ** 2,
        ),
        (lambda z: _sparse(sl.svds, z)[0], lambda z: (lambda u, s, vh: u @ vh)(*_sparse(sl.svds, z))),
    ],
)
def test_complex_factors_are_fixed_up_to_their_phases(by_phase, without):
    with pytest.raises(NotDifferentiableError, match=r"phases(.|\n)*test_repeated_values\.py"):
        gradient(lambda z: np.sum(by_phase(z).real.T * np.arange(3.0)))(Z)
    check_gradient(without, Z)


def test_a_real_vector_among_complex_ones():
    def stationary(x):
        values, vectors = sl.eigs(ss.csr_array(np.outer(x, x) + np.diag([1.0, 2.0, 4.0])), k=1, v0=np.ones(3))
        vector = vectors[:, 0].real
        return values[0].real * vector / vector.sum()

    check_gradient(stationary, np.array([0.7, 1.3, 0.4]))


def _first_vector(x):
    u, s, _ = np.linalg.svd(np.diag([2.0, 1.0, 1.0]) + np.outer(x, x))
    return u[:, 0] * u[0, 0] * s[0]


def test_other_vectors_beside_equal_singular_values_have_derivatives():
    check_gradient(_first_vector, np.array([0.7, 0.0, 0.0]))


@pytest.mark.parametrize(
    "vectors",
    [
        lambda a: np.linalg.eigh(a + a.T)[1],
        lambda a: np.linalg.eig(a)[1],
        lambda a: np.linalg.svd(a)[0],
        lambda a: scipy.linalg.svd(a)[2],
        lambda a: gradient(lambda a: np.sum(np.linalg.svd(a, compute_uv=False)[:2]))(a),
    ],
)
def test_a_pushforward_is_nan_where_the_pullback_is(vectors):
    a, weights = np.diag([1.0, 1.0, 2.0]), np.arange(9.0).reshape(3, 3)
    value, back = pullback(vectors, a)
    assert np.isnan(back(weights * np.ones_like(value))[0]).any()
    assert np.isnan(pushforward(vectors, a)[1](weights + weights.T)).any()


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (1, 3)])
@pytest.mark.parametrize("turn", [0.0, 1j])
def test_full_singular_vectors(shape, turn):
    """Those that belong to singular values are used; the others are any basis of what is left."""
    rng = np.random.default_rng(2)
    a = rng.normal(size=shape) + (turn * rng.normal(size=shape) if turn else 0.0)

    def program(a):
        u, s, vh = np.linalg.svd(a)
        n = len(s)
        return np.abs(u[:, :n]) ** 2 * s, np.abs((u[:, :n] * np.tanh(s)) @ vh[:n])

    check_gradient(program, a)


def test_vectors_beyond_the_singular_values():
    a = np.random.default_rng(0).normal(size=(5, 3))
    check_gradient(lambda a: (lambda u: u @ u.T)(np.linalg.svd(a)[0][:, 3:]), a)
    with pytest.raises(NotDifferentiableError, match=r"arbitrary basis(.|\n)*test_repeated_values\.py"):
        gradient(lambda a: np.sum(np.linalg.svd(a)[0] ** 3))(a)


EQUAL = {
    "eigvals": np.linalg.eigvals,
    "eigvalsh": np.linalg.eigvalsh,
    "eig": lambda a: np.linalg.eig(a)[0],
    "eigh": lambda a: np.linalg.eigh(a)[0],
    "svdvals": np.linalg.svdvals,
    "svd": lambda a: np.linalg.svd(a)[1],
    "scipy's": lambda a: scipy.linalg.eigvalsh(a),
}
DOUBLE = np.diag([1.0, 2.0, 2.0])


@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_have_derivatives_together_and_none_alone(name):
    values = EQUAL[name]
    check_gradient(lambda x: np.sum(np.exp(values(DOUBLE * x))), 1.0)
    np.testing.assert_allclose(gradient(lambda a: np.sum(values(a)))(DOUBLE), np.eye(3))
    np.testing.assert_allclose(gradient(lambda a: np.max(values(a)))(DOUBLE), np.diag([0.0, 0.5, 0.5]))
    where = int(np.argmin(values(DOUBLE)))
    np.testing.assert_allclose(gradient(lambda a: values(a)[where])(DOUBLE), np.diag([1.0, 0.0, 0.0]))
    alone = gradient(lambda a: values(a)[(where + 1) % 3])(DOUBLE)
    assert np.isnan(alone).any()
    with np.errstate(invalid="ignore"):
        assert np.isnan(pushforward(lambda a: values(a)[(where + 1) % 3], DOUBLE)[1](np.ones((3, 3))))


@pytest.mark.parametrize("values", [np.linalg.eigvalsh, lambda a: np.linalg.svdvals(a)[::-1]])
def test_one_of_several_zeros_that_rounding_has_made_different(values):
    u = np.array([1.0, 2.0, -1.0])
    assert np.isnan(gradient(lambda a: values(a)[0])(np.outer(u, u))).all()
    check_gradient(lambda u: np.sum(values(np.outer(u, u)) ** 2), u)


@pytest.mark.parametrize("vectors", [lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.svd(a)[0]])
def test_a_vector_of_equal_values_has_no_derivative_whichever_way_it_points(vectors):
    assert np.isnan(gradient(lambda a: vectors(a)[0, 0])(2.0 * np.eye(2))).all()


def _beside_its_double(x):
    return np.array(
        [[x[0], 2.0 * x[0], x[1]], [x[1] ** 2, 2.0 * x[1] ** 2, 1.0], [1.0, 2.0, 0.3], [0.5, 1.0, x[0]]]
    )


@pytest.mark.parametrize("mode", ["reduced", "r"])
def test_columns_that_others_make_up(mode):
    """Q's second column has any direction: what uses it is NaN, what comes before it has its derivatives."""

    def parts(x):
        found = np.linalg.qr(_beside_its_double(x), mode)
        return found if mode == "r" else found[1]

    check_gradient(lambda x: parts(x)[0], X)
    assert np.isnan(gradient(lambda x: parts(x)[1, 2] * x[0])(X)).any()
    assert np.isnan(gradient(lambda x: parts(x)[1, 1])(X)).any()
    stack = lambda x: np.stack([_beside_its_double(x), np.diag(x[[0, 1, 0, 1]])[:, :3] + 0.1])  # noqa: E731
    check_gradient(lambda x: np.linalg.qr(stack(x))[1][1], X)
    small = lambda x: np.linalg.qr(np.array([[x[0], 1e-20], [0.0, 1e-20 * x[1]]]))  # noqa: E731
    check_gradient(lambda x: (small(x)[0], small(x)[1] * [1.0, 1e20]), X)


def test_first_columns_of_dependent_ones_have_second_derivatives():
    program = lambda x: np.sum(np.linalg.qr(_beside_its_double(x))[0][:, 0] ** 3)  # noqa: E731
    check_gradient(gradient(program), X)


@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_roots_of_singular_matrices():
    nilpotent = lambda x: np.array([[0.0, 0.0, x[0]], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # noqa: E731
    assert np.isnan(gradient(lambda x: np.sum(scipy.linalg.sqrtm(nilpotent(x))))(X)[0])
    assert np.isnan(
        gradient(lambda x: np.sum(np.abs(scipy.linalg.sqrtm(nilpotent(x)[1:, 1:] + np.diag(x[:1], 1)))))(X)[0]
    )
    check_gradient(lambda x: scipy.linalg.sqrtm(np.diag([x[0], 0.0, x[1]])), X)
    assert np.isnan(gradient(lambda a: np.trace(scipy.linalg.sqrtm(a)))(np.diag([1.0, 0.0]))[1, 1])


@pytest.mark.parametrize("size", [np.nan, np.inf])
@pytest.mark.parametrize(
    "program",
    [
        lambda a, b: scipy.linalg.solve_triangular(a, b),
        lambda a, b: scipy.linalg.cho_solve((a, False), b),
        lambda a, b: scipy.linalg.solve_banded((1, 1), a, b),
        lambda a, b: scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b),
        lambda a, b: scipy.linalg.expm(a) @ b,
        lambda a, b: scipy.linalg.sqrtm(a @ a.T) @ b,
        lambda a, b: scipy.linalg.solve_sylvester(a, a, np.outer(b, b)),
    ],
)
def test_cotangents_that_are_not_finite(program, size):
    """SciPy does not take them; what they reach is not known."""
    value, back = pullback(program, np.array([[2.0, 0.5, 0.1], [0.3, 3.0, 0.2], [0.1, 0.4, 4.0]]), np.ones(3))
    a_bar, b_bar = back(np.full(np.shape(value), size))
    assert not np.isfinite(a_bar).all()
    assert not np.isfinite(b_bar).all()
