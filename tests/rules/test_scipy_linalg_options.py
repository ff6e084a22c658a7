"""``scipy.linalg`` with unusual arguments: stacks of matrices, shapes, options that read part of a matrix."""

import numpy as np
import pytest
import scipy.linalg as sl

from tests.rules.all_ways import check_all_ways, check_value
from workbench import check_gradient, gradient, pullback
from workbench.errors import DifferentiationError, MissingRuleError

rng = np.random.default_rng(4)
A = rng.standard_normal((2, 4, 4)) + 3 * np.eye(4)
B = rng.standard_normal((4, 4)) + 2 * np.eye(4)
b = rng.standard_normal(4)
P = A @ np.swapaxes(A, -1, -2) + np.diag([4, 3, 2, 1])
R = rng.standard_normal((4, 6))
C = A[0] + 1j * rng.standard_normal((4, 4))
H = C + np.conj(C.T)
W = rng.standard_normal((2, 5)) + np.array([9, 0, 0, 0, 0])
BANDS = rng.standard_normal((2, 3, 5)) + np.array([0, 8, 0])[:, None]
HALF = rng.standard_normal((2, 2, 5)) + np.array([[0] * 5, np.arange(5) * 3 + 6])
MIXED = np.diag([3, -2, 1, -1.0]) + 0.3 * rng.standard_normal((4, 4))


def squared(parts):
    """Free of signs."""
    return tuple(x**2 for x in parts)


STACKS = {
    "qr": (sl.qr, A),
    "rq": (sl.rq, A),
    "lu": (sl.lu, A),
    "lu_factor": (lambda a: sl.lu_factor(a)[0], A),
    "lu_solve": (lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), A, b),
    "cho_solve": (lambda a, b: sl.cho_solve(sl.cho_factor(a), b), P, b),
    "cho_solve_banded": (lambda a, b: sl.cho_solve_banded((sl.cholesky_banded(a), False), b), HALF, W[0]),
    "solve_triangular": (lambda a, b: sl.solve_triangular(a, b, lower=True), P, b),
    "solve_banded": (lambda a, b: sl.solve_banded((1, 1), a, b), BANDS, W[0]),
    "solveh_banded": (sl.solveh_banded, HALF, W[0]),
    "solve_toeplitz": (sl.solve_toeplitz, W, W[0]),
    "matmul_toeplitz": (lambda c, r, x: sl.matmul_toeplitz((c, r), x), W, W[0], W[0]),
    "lstsq": (lambda a, b: sl.lstsq(a, b)[:2], A[..., :2], b),
    "schur": (lambda a: squared(sl.schur(a)), P),
    "hessenberg": (lambda a: squared(sl.hessenberg(a, calc_q=True)), A),
    "ldl": (lambda a: sl.ldl(a)[:2], P),
    "eig_banded": (lambda a: squared(sl.eig_banded(a)), HALF),
    "eigh_tridiagonal": (sl.eigvalsh_tridiagonal, W, W[:, :4]),
    "polar": (sl.polar, A),
    "procrustes": (sl.orthogonal_procrustes, A, B),
    "sqrtm": (sl.sqrtm, A),
    "logm": (sl.logm, A),
    "funm": (lambda a: sl.funm(a, np.sin), A),
    "expm_frechet": (lambda a, e: sl.expm_frechet(a, e), A, B),
    "sylvester": (sl.solve_sylvester, A, B, A),
    "discrete lyapunov": (sl.solve_discrete_lyapunov, 0.1 * A, B),
}


def multiplied_in_place(a, c):
    c = np.asfortranarray(c * 2.0)
    found = sl.qr_multiply(a, c, mode="left", overwrite_c=True)
    return (*found, c)


OPTIONS = {
    "lu of a tall matrix": (sl.lu, R.T),
    "lu of a wide matrix": (sl.lu, R),
    "lu_factor of a wide matrix": (lambda a: sl.lu_factor(a)[0], R),
    "qr of a wide matrix": (sl.qr, R),
    "qr of a wide matrix, pivoting": (lambda a: sl.qr(a, pivoting=True)[:2], R),
    "svd, all vectors": (lambda a: (lambda u, s, v: (s, v[4:].T @ v[4:]))(*sl.svd(a)), R),
    "svd, one vector more": (lambda a: squared(sl.svd(a)), R[:, :5]),
    "svd, gesvd": (lambda a: sl.svd(a, full_matrices=False, lapack_driver="gesvd"), R),
    "inv sym": (lambda a: sl.inv(a, assume_a="sym"), P[0]),
    "inv pos": (lambda a: sl.inv(a, assume_a="pos", lower=True), P[0]),
    "inv her": (lambda a: sl.inv(a, assume_a="her"), H),
    "inv triangular": (lambda a: sl.inv(a, assume_a="upper triangular"), A[0]),
    "eigh type 2": (lambda a, b: squared(sl.eigh(a, b, type=2)), P[0] / 9, P[1] / 9),
    "eigh type 3": (lambda a, b: squared(sl.eigh(a, b, type=3, lower=False)), P[0] / 9, P[1] / 9),
    "eigh by value": (lambda a: squared(sl.eigh(a, subset_by_value=(5, 40))), P[0]),
    "eigh by ev": (lambda a: squared(sl.eigh(a, driver="ev")), P[0]),
    "eig, left": (lambda a: tuple(np.abs(x) ** 2 for x in sl.eig(a, left=True)), A[0]),
    "eig of a pair": (lambda a, b: squared(sl.eig(a, b, left=True)), P[0], P[1]),
    "eigvals of a pair": (lambda a, b: np.sort(np.abs(sl.eigvals(a, b))), A[0], B),
    "sylvester, mixed": (sl.solve_sylvester, P[0], P[1], C),
    "signm": (sl.signm, MIXED),
    "signm, complex": (sl.signm, C - 2.5 * np.eye(4)),
    "power": (sl.fractional_matrix_power, A[0], 1.5),
    "power, complex": (sl.fractional_matrix_power, C, 0.3),
    "logm, complex": (sl.logm, C),
    "sqrtm of negative eigenvalues": (sl.sqrtm, MIXED),
    "null_space, complex": (lambda a: np.abs(sl.null_space(a)) ** 2, C[:3]),
    "solve_banded of a list": (lambda b: sl.solve_banded((1, 1), [[0, 1], [5, 6], [1, 0]], b), b[:2]),
    "qr_multiply": (lambda a, c: sl.qr_multiply(a, c, pivoting=True)[:2], R.T, rng.standard_normal((2, 6))),
    "qr_multiply, left": (lambda a, c: sl.qr_multiply(a, c, "left", conjugate=True), C, b),
    "qr_multiply of all rows": (multiplied_in_place, R.T, rng.standard_normal((6, 2))),
    "qr_multiply of all rows, pivoting": (
        lambda a, c: sl.qr_multiply(a, c * 1.0, "left", True, True, False, True)[:2],
        R.T,
        rng.standard_normal(6),
    ),
    "qr_update": (lambda a, u: sl.qr_update(*sl.qr(a), u, np.ones(4)), A[0], b),
    "qr_update, two at once": (
        lambda a, u: sl.qr_update(*sl.qr(a, mode="economic"), u, u[:4]),
        R.T[:, :4],
        np.cos(R.T[:, :2]),
    ),
    "qr_delete": (lambda a: sl.qr_delete(*sl.qr(a), 1, 2), A[0]),
    "qr_delete, a column": (lambda a: sl.qr_delete(*sl.qr(a, mode="economic"), 1, which="col"), R.T[:, :4]),
    "qr_insert": (lambda a, u: sl.qr_insert(*sl.qr(a, mode="economic"), u, 1), R.T[:, :4], b),
    "qr_insert, a column": (lambda a, u: sl.qr_insert(*sl.qr(a), u, -1, "col"), A[0], b),
    "matrix_balance": (lambda a: sl.matrix_balance(a * np.array([1e3, 1, 1e-3, 1]))[0], A[0]),
    "expm_cond": (sl.expm_cond, A[0]),
    "ldl, symmetric": (lambda a: sl.ldl(a, hermitian=False)[:2], C + C.T),
    "cdf2rdf": (lambda a: sl.cdf2rdf(*sl.eig(a)), A[0]),
    "pinv": (lambda a: sl.pinv(a, rtol=0.5), A[0]),
    "numpy's pinv": (lambda a: np.linalg.pinv(a, 0.3), A),
    "pinv, hermitian": (lambda a: np.linalg.pinv(a, hermitian=True), P[0]),
    "pinvh": (lambda a: sl.pinvh(a, atol=0.1), P[0]),
    "lstsq, gelsy": (lambda a, b: sl.lstsq(a, b, lapack_driver="gelsy")[0], R.T[:, :3], R[0]),
    "lstsq without full rank": (lambda b: sl.lstsq(np.ones((4, 2)), b)[0], b),
    "solve_circulant": (lambda c, x: sl.solve_circulant(c, x, baxis=1), W[0, :4], B),
    "eigh_tridiagonal, stebz": (
        lambda d, e: squared(sl.eigh_tridiagonal(d, e, lapack_driver="stebz")),
        b,
        b[:3],
    ),
    "norm by its order": (lambda x, p: sl.norm(x, p), b, 2.0),
    "norms by their order": (lambda x, p: np.linalg.norm(x, p, axis=1, keepdims=True), R, 1.0),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks(name):
    program, *args = STACKS[name]
    assert type(pullback(program, *args)[0]) is type(program(*args))
    check_all_ways(program, *args)


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    program, *args = OPTIONS[name]
    check_value(program, *args)
    check_all_ways(program, *args)


PAIRS = np.array([[1.0, 0.8, 2.0, 0.3], [-1.8, 1.2, 0.2, 0.8], [0.1, 2.0, 3.0, 0.8], [1.0, -2.4, -2.0, 2.5]])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_real_schur_forms_with_complex_pairs(n):
    matrix = PAIRS[:n, :n]
    check_value(lambda a: sl.schur(a), matrix)
    check_gradient(lambda a: sl.schur(a), matrix, step=1e-6, rtol=1e-5)
    check_gradient(lambda a: sl.schur(a, sort="rhp")[:2], matrix - 1.5 * np.eye(n), step=1e-6, rtol=1e-5)
    slope = gradient(lambda a: np.sum(np.sin(sl.schur(a)[0])) + np.sum(sl.schur(a)[1] ** 3))
    check_gradient(slope, matrix, step=1e-5, rtol=1e-5)


def test_columns_beyond_those_of_a_tall_matrix_are_refused():
    for change in (lambda q, r: sl.qr_delete(q, r, 1, which="col"), lambda q, r: sl.qr_insert(q, r, b, 1)):
        with pytest.raises(MissingRuleError, match="economic factors"):
            gradient(lambda a: np.sum(change(*sl.qr(a))[1]))(A[0])  # noqa: B023


def test_a_pair_that_any_turn_leaves_in_real_form_is_refused():
    with pytest.raises(MissingRuleError, match="any turn leaves"):
        gradient(lambda p: sl.schur(np.array([[0.3, p], [-p, 0.3]]))[0].sum())(0.7)


def test_a_sorted_schur_form():
    """With small steps: larger ones change the order of the eigenvalues."""
    matrix = np.diag([1.0, -2, 3, -4]) + 0.1 * B
    check_gradient(lambda a: sl.schur(a, sort="lhp")[:2], matrix, step=1e-6, rtol=1e-5)


def test_a_singular_second_matrix():
    """The finite eigenvalues by the first matrix, along which the infinite ones stay."""
    check_gradient(lambda a: np.sort(np.abs(sl.eigvals(a, np.diag([1.0, 1, 0, 0]))))[:2], A[0])


def test_lu_of_a_singular_matrix():
    check_gradient(lambda a: sl.lu(a)[1:], np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]))


@pytest.mark.parametrize("program", [sl.qr, sl.lu, lambda a: sl.qr(a, mode="r")])
def test_no_derivative_at_a_zero_matrix(program):
    assert np.isnan(gradient(lambda a: sum(np.sum(part) for part in program(a)))(np.zeros((2, 2)))).any()


def test_equal_singular_values():
    for values in sl.svdvals, lambda a: np.linalg.svd(a)[1], lambda a: sl.svd(a)[1]:
        check_gradient(lambda a: np.sum(values(a) ** 3), np.eye(3))  # noqa: B023


def test_a_list_of_results_stays_one():
    assert type(pullback(sl.qr, A)[0]) is list


@pytest.mark.parametrize(
    "program",
    [
        lambda x: sl.logm(MIXED * x[0]),
        lambda x: sl.fractional_matrix_power(MIXED * x[0], 0.5),
        lambda x: sl.fractional_matrix_power(A[0], x[0] / x[0]),
        lambda x: sl.solve_sylvester(np.array([[1, 2.0], [-2, 1]]), np.eye(2), 1j * x[:2] * np.eye(2)),
        lambda x: sl.null_space(C[:3] * x),
        lambda x: np.linalg.svd(R * x[0])[2],
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_linalg_options\.py"):
        gradient(lambda x: np.real(np.sum(program(x) * (1 + 2j * np.arange(np.shape(program(x))[-1])))))(b)
