"""``scipy.linalg``: every function with a rule against differences, options included."""

import numpy as np
import pytest
import scipy.linalg as sl

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient, pullback
from workbench.errors import MissingRuleError

A = np.array([[2.0, 0.3, -0.1], [0.5, 1.5, 0.2], [-0.4, 0.2, 3.0]])
B = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.2], [0.6, 0.9, 0.1]])
S = A + A.T
C = A + 1j * B
V = np.array([1.0, -2.0, 0.5])
TALL = np.vstack([A, B])[:5]
BAND = np.array([[0.0, 0.3, 0.2, 0.1], [2.0, 3.0, 2.5, 4.0], [0.5, -0.4, 0.3, 0.0]])
W = np.array([1.0, -2.0, 0.5, 0.7])


def without_signs(values, vectors):
    """Eigenvalues and squared vectors: the sign of a vector is anyone's, and may turn between two evaluations."""
    return values, vectors**2


def pieces(u, s, vh):
    """Singular values, squared vectors, and the matrix put together again."""
    return s, u**2, vh**2, (u * s) @ vh


PROGRAMS = {
    "solve": (lambda a, b: sl.solve(a, b), A, V),
    "solve columns": (lambda a, b: sl.solve(a, b, overwrite_a=True, overwrite_b=True), A, B),
    "solve pos": (lambda a, b: sl.solve(a, b, assume_a="pos"), S, V),
    "solve sym lower": (lambda a, b: sl.solve(a, b, assume_a="sym", lower=True), S, V),
    "solve transposed": (lambda a, b: sl.solve(a, b, transposed=True), A, V),
    "solve complex": (lambda a, b: sl.solve(a, b), C, V + 1j),
    "solve her": (lambda a, b: sl.solve(a, b, assume_a="her"), C + np.conj(C.T), V + 1j),
    "solve pos complex": (lambda a, b: sl.solve(a, b, assume_a="pos", lower=True), C @ np.conj(C.T), V + 1j),
    "solve sym complex": (lambda a, b: sl.solve(a, b, assume_a="sym"), C + C.T, V + 1j),
    "eigh of two complex": (lambda a, b: sl.eigh(a, b)[0], C + np.conj(C.T), C @ np.conj(C.T) + np.eye(3)),
    "pinvh complex": (lambda a: sl.pinvh(a, lower=False), C + np.conj(C.T)),
    "solve lists": (lambda x: sl.solve([[2.0, x], [x, 3.0]], [1.0, x]), 0.7),
    "triangular": (lambda a, b: sl.solve_triangular(a, b), A, V),
    "triangular lower T": (lambda a, b: sl.solve_triangular(a, b, lower=True, trans="T"), A, B),
    "triangular unit C": (lambda a, b: sl.solve_triangular(a, b, trans=2, unit_diagonal=True), C, V + 1j),
    "triangular complex T": (lambda a, b: sl.solve_triangular(a, b, trans=1), C, V + 1j),
    "banded": (lambda ab, b: sl.solve_banded((1, 1), ab, b), BAND, W),
    "banded columns": (lambda ab, b: sl.solve_banded((1, 1), ab, b), BAND, np.outer(W, V)),
    "banded wide": (lambda ab, b: sl.solve_banded((0, 2), ab, b), np.abs(BAND) + 1.0, W),
    "solveh_banded": (lambda ab, b: sl.solveh_banded(ab, b), BAND[:2], W),
    "solveh_banded lower": (lambda ab, b: sl.solveh_banded(ab, b, lower=True), BAND[1:], W),
    "solveh_banded complex": (lambda ab, b: sl.solveh_banded(ab, b), BAND[:2] + 0.1j, W + 0.5j),
    "solve_toeplitz": (lambda c, r, b: sl.solve_toeplitz((c, r), b), V, V * 0.4, V + 1.0),
    "solve_circulant": (lambda c, b: sl.solve_circulant(c, b), V, V + 1.0),
    "matmul_toeplitz": (lambda c, b: sl.matmul_toeplitz(c, b), V, B),
    "inv": (lambda a: sl.inv(a), A),
    "inv complex": (lambda a: sl.inv(a), C),
    "det": (lambda a: sl.det(a), A),
    "det stack": (lambda a: sl.det(a), np.stack([A, B])),
    "det complex": (lambda a: sl.det(a), C),
    "pinv": (lambda a: sl.pinv(a), TALL),
    "pinvh": (lambda a: sl.pinvh(a), S),
    "lstsq": (lambda a, b: sl.lstsq(a, b), TALL, np.arange(5.0)),
    "norm": (lambda a: sl.norm(a) + sl.norm(a[0]) + sl.norm(a[1], 1) + sl.norm(a, 2), A),
    "norm axis": (lambda a: sl.norm(a, axis=1), A),
    "cholesky": (lambda a: sl.cholesky(a), S),
    "cholesky lower": (lambda a: sl.cholesky(a, lower=True), S),
    "cholesky complex": (lambda a: sl.cholesky(a), np.conj(C.T) @ C),
    "cho_factor": (lambda a: sl.cho_factor(a)[0], S),
    "cho_solve": (lambda a, b: sl.cho_solve(sl.cho_factor(a), b), S, V),
    "cho_solve lower": (lambda a, b: sl.cho_solve(sl.cho_factor(a, lower=True), b), S, B),
    "lu": (lambda a: sl.lu(a), B),
    "lu permuted": (lambda a: sl.lu(a, permute_l=True), B),
    "lu_factor": (lambda a: sl.lu_factor(a)[0], B),
    "lu_solve": (lambda a, b: sl.lu_solve(sl.lu_factor(a), b), B, V),
    "lu_solve T": (lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), B, V),
    "qr": (lambda a: sl.qr(a), A),
    "qr economic": (lambda a: sl.qr(a, mode="economic"), TALL),
    "qr r": (lambda a: sl.qr(a, mode="r")[0], A),
    "qr pivoting": (lambda a: sl.qr(a, mode="economic", pivoting=True)[:2], TALL),
    "expm": (lambda a: sl.expm(a), A),
    "expm stack": (lambda a: sl.expm(a), np.stack([A, B])),
    "expm complex": (lambda a: sl.expm(a), 1j * C),
    "expm time": (lambda t: sl.expm(t * A), 0.7),
    "logm": (lambda a: sl.logm(a), A),
    "sqrtm": (lambda a: sl.sqrtm(a), A),
    "sinm": (lambda a: sl.sinm(a) + sl.cosm(a), A),
    "coshm": (lambda a: sl.coshm(a) + sl.sinhm(a), A),
    "power": (lambda a: sl.fractional_matrix_power(a, 0.3), A),
    "expm_frechet": (lambda a, e: sl.expm_frechet(a, e), A, B),
    "sylvester": (lambda a, b, q: sl.solve_sylvester(a, b, q), A, A[:2, :2] + 1.0, B[:, :2]),
    "continuous lyapunov": (lambda a, q: sl.solve_continuous_lyapunov(a, q), A, B),
    "discrete lyapunov": (lambda a, q: sl.solve_discrete_lyapunov(a, q), 0.2 * A, B),
    "eigh": (lambda a: without_signs(*sl.eigh(a)), S),
    "eigh upper": (lambda a: without_signs(*sl.eigh(a, lower=False)), S),
    "eigh of two": (lambda a, b: without_signs(*sl.eigh(a, b)), S, A.T @ A),
    "eigh subset": (lambda a: without_signs(*sl.eigh(a, subset_by_index=[0, 1])), S),
    "eigvalsh": (lambda a: sl.eigvalsh(a), S),
    "eigh values": (lambda a: sl.eigh(a, eigvals_only=True), S),
    "eigvals": (lambda a: sl.eigvals(a), A),
    "eig values": (lambda a: sl.eig(a)[0], B),
    "svd": (lambda a: pieces(*sl.svd(a, full_matrices=False)), TALL),
    "svd square": (lambda a: pieces(*sl.svd(a)), A),
    "svdvals": (lambda a: sl.svdvals(a), TALL),
    "polar": (lambda a: sl.polar(a), A),
    "polar left": (lambda a: sl.polar(a, side="left"), A),
    "toeplitz": (lambda c, r: sl.toeplitz(c, r) @ sl.toeplitz(c), V, V * 0.4),
    "toeplitz complex": (lambda c: sl.toeplitz(c), C[0]),
    "circulant": (lambda c: sl.circulant(c), V),
    "hankel": (lambda c: sl.hankel(c) + sl.hankel(c, None) + sl.hankel(c, r=c), V),
    "block_diag": (lambda a, b: sl.block_diag(a, b, [1.0]), A, B),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program, *args = PROGRAMS[name]
    check_gradient(program, *args)


@pytest.mark.parametrize(
    "name",
    ["solve", "triangular", "banded", "cholesky", "cho_solve", "expm", "sqrtm", "lu_solve", "det", "eigh"],
)
def test_second_derivative(name):
    program, *args = PROGRAMS[name]

    def scalar(*xs):
        found = program(*xs)
        found = found[0] if isinstance(found, tuple) else found
        return np.sum(found * found)

    check_gradient(gradient(scalar), *args, rtol=1e-5)


def test_overwriting_keeps_what_the_tape_needs():
    def program(a, b):
        before = (a * a).sum()
        return sl.solve(a, b, overwrite_a=True).sum() * before

    check_gradient(program, np.asfortranarray(A), V)


@pytest.mark.parametrize(
    "program",
    [
        lambda a: sl.qr(a.T, mode="raw")[1],
        lambda a: sl.qz(a[:3], A)[0],
        lambda a: sl.eig(a.T @ a, right=0.4)[0].real,
        lambda a: sl.cholesky(a.T @ a, lower=0.4),
    ],
)
def test_refused(program):
    with pytest.raises(MissingRuleError, match="scipy"):
        gradient(lambda a: program(a).sum())(TALL)


@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated")
def test_an_error_estimate_of_a_root_is_refused():
    with pytest.raises(MissingRuleError, match="disp=False"):
        gradient(lambda a: sl.sqrtm(a, disp=False)[0].sum())(A @ A.T)


SINGULAR = {
    "rank 1": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "rank 2": np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]]),
    "zeros": np.zeros((3, 3)),
    "one by one": np.zeros((1, 1)),
    "beside another": np.array([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [0.3, -1.0]]]),
}


@pytest.mark.parametrize("det", [np.linalg.det, sl.det])
@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_determinant_without_inverse(det, a):
    def program(a):
        return np.sum(det(a))

    check_gradient(program, a)
    check_gradient(lambda a: np.sum(gradient(program)(a) ** 2), a)


def test_a_singular_matrix_in_a_stack_leaves_the_others_alone():
    """Its derivatives are NaN or infinite, and its condition is infinite, as without differentiation."""
    stack = np.array([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [0.3, 4.0]]])
    for one in (
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.cond(a, 1),
        lambda a: np.linalg.cond(a, "fro"),
    ):
        value, back = pullback(one, stack)
        np.testing.assert_array_equal(value, one(stack))
        np.testing.assert_array_equal(pullback(one, 0.0 * stack[0])[0], one(0.0 * stack[0]))
        with np.errstate(invalid="ignore"):
            bar = back(np.ones(2))[0]
        assert not np.any(np.isfinite(bar[0]))
        np.testing.assert_allclose(bar[1], gradient(one)(stack[1]), rtol=1e-12)
        check_all_ways(one, stack[1])
    with pytest.raises(np.linalg.LinAlgError):
        gradient(lambda a: np.sum(np.linalg.inv(a)))(stack[0])
