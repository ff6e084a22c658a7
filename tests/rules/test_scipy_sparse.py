"""``scipy.sparse`` and its linear algebra by the elements of the matrices, against differences."""

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from tests.rules.all_ways import check_all_ways
from workbench import check_gradient, gradient
from workbench.errors import DifferentiationError

I, J = np.array([0, 0, 1, 1, 2, 3, 3, 4, 4, 2]), np.array([0, 2, 1, 4, 2, 3, 0, 4, 1, 3])
D = np.array([3.0, 0.5, 4.2, -0.7, 5.1, 2.6, 0.4, 6.3, 0.8, -0.6])
V = np.array([1.0, -2.0, 0.5, 0.3, 1.4])
W = np.outer(V, [1.0, 0.3]) + 0.2


def held(x):
    filled = np.zeros(())
    filled[...] = x
    return filled


DENSE = np.linspace(1.0, 1.9, 25).reshape(5, 5)
CONSTANT = ss.random_array((5, 5), density=0.5, rng=np.random.default_rng(0)).tocsr()


def made(d, cls=ss.csr_array):
    return cls((d, (I, J)), shape=(5, 5))


def twice(d):
    return ss.coo_array((np.r_[d, d * d], (np.r_[I, I[::-1]], np.r_[I, J[::-1]])), shape=(5, 5))


def assembled_by_hand(d):
    a = CONSTANT.copy()
    a[0, 1], a.data[3] = d[0], d[1]
    a *= d[2]
    return a @ V.tolist()


def filled(a, d):
    a[0, 0] = d[0]
    return a.sum()


def symmetric(d):
    a = made(d)
    return (a + a.T).tocsc()


def tall(d):
    return ss.csr_array((d, (np.r_[I, 5, 6][: len(d)], np.r_[J, 1, 2][: len(d)])), shape=(7, 5))


SCALARS = {
    "scaled": (lambda d, c: (c * made(d) / 3.0 - made(d) * 0.5) @ V, D, 0.7),
    "constant scaled": (lambda c: (ss.eye_array(5, format="csr") - c * CONSTANT) @ V, 0.7),
    "matrix scaled": (lambda c: (ss.eye(5) - c * ss.csr_matrix(CONSTANT)) @ V, 0.7),
    "product": (lambda d: (made(d) @ CONSTANT @ made(d, ss.csc_array)).toarray(), D),
    "elementwise": (lambda d: made(d).multiply(made(d).T).sum(axis=0), D),
    "elementwise constant": (lambda d: (made(d) * CONSTANT).toarray(), D),
    "power": (lambda d: (made(d).power(3) - abs(made(d))).sum(axis=1), D),
    "rows": (lambda d: (made(d)[1:4], made(d)[2, 3] * made(d)[[0, 2]])[0].toarray() * made(d)[2, 3], D),
    "mean": (lambda d: made(d).mean() + made(d, ss.coo_array).sum(), D),
    "bsr": (
        lambda d: ss.bsr_array((d[:8].reshape(2, 2, 2), [0, 1], [0, 1, 2]), shape=(4, 4)).toarray() ** 2,
        D,
    ),
    "dia": (lambda d: ss.dia_array((d.reshape(2, 5), [0, -1]), shape=(5, 5)) @ V, D),
    "dia matrix": (lambda d: ss.spdiags(d.reshape(2, 5), [0, 1], 5, 5) @ V, D),
    "from dense": (lambda d: ss.dia_array(np.diag(d[:5])) @ V + ss.csc_array(np.outer(d[:5], d[5:])) @ V, D),
    "matrix to array": (lambda d: (ss.csr_array(made(d, ss.coo_matrix)) * CONSTANT).toarray(), D),
    "matrix_power": (lambda d: sl.matrix_power(made(d), 3).toarray(), D),
    "assembled": (
        lambda d: ss.coo_matrix((np.r_[d, d * d], (np.r_[I, I], np.r_[J, J[::-1]])), (5, 5)).tocsr() @ V,
        D,
    ),
    "assembled csc": (
        lambda d: ss.csc_array((np.r_[d, d * d], (np.r_[I, J], np.r_[J, I])), shape=(5, 5)).toarray(),
        D,
    ),
    "elements set": (assembled_by_hand, D),
    "diags": (lambda d: (ss.diags_array([d[:5], d[:4]], offsets=[0, 1]).tocsr() @ CONSTANT) @ V, D),
}

ARRANGED = {
    "named twice": (lambda d: twice(d).toarray() * twice(d).todense() + twice(d).todia().toarray(), D),
    "named twice, diagonal": (lambda d: twice(d).diagonal() * d[0], D),
    "positions that vary": (
        lambda d: ss.csr_array((d[:2], (np.r_[1.0, 0.0] + 0.0 * d[:2], [0, 1])), shape=(2, 2)).toarray(),
        D,
    ),
    "functions of numpy": (
        lambda d: (
            np.conj(made(d) * 1j) * np.abs(made(d)) * np.sin(made(d)) * np.negative(made(d))
        ).toarray(),
        D,
    ),
    "hstack": (lambda d: ss.hstack([made(d), CONSTANT, made(2.0 * d)]).toarray(), D),
    "vstack": (lambda d: ss.vstack([made(d), CONSTANT], format="csc").toarray(), D),
    "block_diag": (lambda d: ss.block_diag([made(d), CONSTANT, made(d)]).toarray(), D),
    "block_diag among dense": (
        lambda d: ss.block_diag([made(d), 1.5, [[1.25, d[0]]], np.array([[1.75, 0.0]]), d[1]]).toarray(),
        D,
    ),
    "block_diag of zeros that vary": (
        lambda d: ss.block_diag(mats=[np.outer(d - D, d), CONSTANT]).toarray(),
        D,
    ),
    "stacks among dense": (
        lambda d: (ss.hstack([made(d), DENSE]) @ ss.vstack((DENSE, made(d)))).toarray(),
        D,
    ),
    "blocks among dense": (
        lambda d: ss.block_array(np.array([[made(d), DENSE], [CONSTANT, None]], object)).toarray(),
        D,
    ),
    "bmat": (lambda d: ss.bmat([[made(d), None], [CONSTANT, made(d).T]]).toarray(), D),
    "block_array": (lambda d: ss.block_array([[made(d), CONSTANT]]).toarray(), D),
    "triangles": (lambda d: (ss.tril(made(d)) - ss.triu(made(d), k=1, format="csc").tocoo()).toarray(), D),
    "find": (lambda d: ss.find(made(d))[2], D),
    "kron": (lambda d: ss.kron(made(d), CONSTANT[:2, :3]).toarray(), D),
    "kron of both": (lambda d: ss.kron(made(d), made(d), format="csr") @ np.ones(25), D),
    "kron full": (lambda d: ss.kron(CONSTANT, ss.csr_array(d[:4].reshape(2, 2))).toarray(), D),
    "dense": (
        lambda x: (ss.tril(x) - ss.triu(x, k=1) + ss.block_diag([x[:2, :3], CONSTANT[:3, :2]])).toarray(),
        np.outer(V, V),
    ),
    "kron of dense": (
        lambda x: ss.kron(x, CONSTANT[:2, :2]) @ np.ones(10) + ss.kron(x[:1], x[:, :1].T).toarray().sum(),
        np.outer(V, V),
    ),
    "kronsum": (lambda d: ss.kronsum(made(d), CONSTANT).toarray(), D),
    "norms": (lambda d: sl.norm(made(d)) + sl.norm(made(d), 1) + sl.norm(made(d), np.inf), D),
    "norms of rows": (lambda d: (sl.norm(made(d), axis=1), sl.norm(made(d), 1, axis=0)), D),
}
SOLUTIONS = {
    "splu": (lambda d, b: sl.splu(made(d).tocsc()).solve(b), D, W),
    "splu transposed": (lambda d, b: sl.splu(made(d).tocsc()).solve(b, "T"), D, V),
    "splu, pivots": (lambda d, b: sl.splu(made(d).tocsc(), diag_pivot_thresh=abs(d[0]) / 9).solve(b), D, W),
    "splu constant": (lambda b: LU.solve(b) + LU.solve(b, trans="T") + LU.solve(b, "H"), V),
    "factorized": (lambda d, b: sl.factorized(made(d).tocsc())(b), D, V),
    "factorized constant": (lambda b: sl.factorized(FIXED)(b), V),
    "triangular": (lambda d, b: sl.spsolve_triangular(ss.tril(made(d), format="csr"), b), D, V),
    "inv": (lambda d: sl.inv(made(d).tocsc()).toarray(), D),
    "lsqr": (lambda d, b: sl.lsqr(tall(d), b, atol=1e-13, btol=1e-13)[0], np.r_[D, 0.7, -0.8], np.r_[V, 0.3, 0.9]),
    "lsqr damped": (
        lambda d, b, damp: sl.lsqr(made(d), b, damp, atol=1e-14, btol=1e-14)[0], D, V, 0.6),
    "lsqr damped by an array": (
        lambda d, b, damp: sl.lsqr(made(d), b, np.full((), damp), atol=1e-14, btol=1e-14)[0], D, V, 0.6),
    "lsmr damped by what an array holds": (
        lambda d, b, damp: sl.lsmr(made(d), b, held(damp), atol=1e-14, btol=1e-14)[0], D, V, 0.6),
    "lsmr": (lambda d, b: sl.lsmr(tall(d).T, b, atol=1e-14, btol=1e-14)[0], np.r_[D, 0.7, -0.8], V),
    "lsqr dense": (lambda a, b: sl.lsqr(a, b, atol=1e-14, btol=1e-14)[0], np.diag(V) + 0.2, V),
    "qmr": (lambda d, b: sl.qmr(made(d), b, rtol=1e-14)[0], D, V),
    "lgmres": (lambda d, b: sl.lgmres(made(d), b, rtol=1e-14, x0=0.1 * V)[0], D, V),
    "gmres dense": (lambda a, b: sl.gmres(a, b, rtol=1e-14)[0], np.diag(V) + 0.2, V),
    "gcrotmk": (lambda d, b: sl.gcrotmk(made(d), b, rtol=1e-14)[0], D, V),
    "cgs": (lambda d, b: sl.cgs(made(d), b, rtol=1e-14)[0], D, V),
    "tfqmr": (lambda d, b: sl.tfqmr(made(d), b, rtol=1e-14)[0], D, V),
}  # fmt: skip
START = np.ones(5)
SPECTRA = {
    "eigsh": (lambda d: (lambda w, v: (w, v**2))(*sl.eigsh(symmetric(d), k=2, v0=START)), D),
    "eigsh shifted": (
        lambda d: sl.eigsh(symmetric(d), k=2, sigma=0.1, v0=START, return_eigenvectors=False),
        D,
    ),
    "eigsh smallest": (lambda d: sl.eigsh(symmetric(d), k=3, which="SA", v0=START)[0], D),
    "eigsh dense": (lambda a: sl.eigsh(a + a.T, k=1, v0=START)[0], np.diag(V) + 0.2 * np.outer(V, V[::-1])),
    "eigs": (lambda d: (lambda w, v: (np.abs(w), np.abs(v)))(*sl.eigs(made(d), k=2, v0=START)), D),
    "svds": (
        lambda d: (lambda u, s, v: (u**2, s, v**2, (u * s) @ v))(*sl.svds(tall(d), k=2, v0=START)),
        np.r_[D, 0.7, -0.8],
    ),
    "svds values": (lambda d: sl.svds(made(d), k=3, return_singular_vectors=False, v0=START), D),
    "expm_multiply": (lambda d, b: sl.expm_multiply(0.2 * made(d), b), D, W),
    "expm_multiply constant": (lambda b: sl.expm_multiply(CONSTANT, b), V),
    "expm_multiply times": (lambda b: sl.expm_multiply(CONSTANT, b, start=0.1, stop=0.9, num=3), W),
    "expm_multiply time": (lambda t: sl.expm_multiply(t * CONSTANT, V), 0.3),
}
ALL = SCALARS | ARRANGED | SOLUTIONS | SPECTRA
FIXED = (CONSTANT + 2.0 * ss.eye_array(5)).tocsc()
LU = sl.splu(FIXED)
TWICE = {
    "product",
    "splu",
    "splu constant",
    "lsqr",
    "lsmr",
    "eigsh",
    "svds",
    "eigs",
    "expm_multiply",
    "kron",
    "norms",
}


@pytest.mark.parametrize("name", ALL)
def test_program(name):
    program, *args = ALL[name]
    check_all_ways(program, *args, second=name in TWICE)


def test_eigenvalues_that_cut_a_pair_apart():
    def program(a):
        return sl.eigs(ss.csr_array(a), k=2, return_eigenvectors=False, v0=START)

    a = np.random.default_rng(18).standard_normal((5, 5))
    found, with_vectors = program(a), sl.eigs(ss.csr_array(a), k=2, v0=START)[0]
    assert found[1].imag * with_vectors[1].imag < 0  # of the pair SciPy gives once the one, once the other
    check_gradient(program, a)


def test_complex_elements():
    d = D + 0.3j * D[::-1]
    check_gradient(lambda d, b: sl.splu(made(d).tocsc()).solve(b, "H"), d, V + 0.4j)
    check_gradient(lambda d: sl.eigsh((made(d) + made(d).conj().T).tocsc(), k=2, v0=START + 0j)[0], d)
    check_gradient(lambda d, b: sl.lsqr(made(d), b, atol=1e-14, btol=1e-14)[0], d, V + 0.4j)
    tight = {"atol": 1e-14, "btol": 1e-14}
    for solver in (sl.lsqr, sl.lsmr):
        check_all_ways(lambda d, b, c: solver(tall(d), b, c, **tight)[0], D, np.r_[V, 1.0, 2.0] + 0.4j, 0.3)  # noqa: B023
        check_gradient(lambda d, b: solver(tall(d).T, b, **tight)[0], D, V + 0.4j)  # noqa: B023
    check_gradient(lambda b: sl.expm_multiply(1j * CONSTANT, b), V + 0.4j)
    check_all_ways(lambda d: sl.expm(made(0.3 * d).tocsc()).toarray(), D)
    check_gradient(
        lambda d: (lambda u, s, v: (s, np.abs(u), (u * s) @ v))(*sl.svds(made(d), k=2, v0=START)), d
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda d: sl.eigsh(ss.csr_array(np.eye(5)) * d[0], k=2)[0].sum(),
        lambda d: sl.eigsh(symmetric(d), k=1, M=CONSTANT + 5.0 * ss.eye_array(5))[0].sum(),
        lambda d: sl.lsqr(made(d), V)[3] * 1.0,
        lambda d: sl.lsqr(made(d), V, x0=V)[0].sum(),
        lambda d: sl.splu(made(d).tocsc()).L.sum(),
        lambda d: sl.svds(made(d), k=2, return_singular_vectors="u")[0].sum(),
        lambda d: ss.csr_array((d, (I, J)), shape=(5, 5), dtype=np.float32).sum(),
        lambda d: ss.kron(ss.coo_array((d[:3], ([0, 0, 1], [0, 0, 1])), shape=(2, 2)), CONSTANT).sum(),
        lambda d: filled(ss.lil_array((2, 2), dtype=int), d),
        lambda d: filled(ss.csr_array((2, 2), dtype=int), d),
        lambda d: ss.csgraph.yen(made(d * d), 0, 1, 2).sum(),
    ],
)
def test_refused(program):
    with pytest.raises(DifferentiationError, match=r"test_scipy_sparse\.py"):
        gradient(program)(D)


def in_any_order(d):
    return ss.csr_array(
        (d, np.array([2, 0, 4, 1, 3, 0, 4, 2, 0, 1]), np.array([0, 2, 4, 6, 8, 10])), shape=(5, 5)
    )


def sorted_in_place(d):
    a = in_any_order(d)
    data = a.data
    a.sort_indices()
    return np.sum(a.data**2 * np.arange(10.0)) + np.sum(data * np.arange(10.0)) + np.sum((a @ V) ** 2)


def test_elements_put_in_order():
    check_gradient(sorted_in_place, D)
    check_gradient(lambda d: (in_any_order(d) @ in_any_order(d)).sum() ** 2, D)
    check_gradient(lambda d: (ss.csr_matrix(made(d)) ** 3).sum(), D)
    with pytest.raises(DifferentiationError, match="name an element twice"):
        gradient(lambda d: ss.csr_array((d, I * 0, np.array([0, 10])), shape=(1, 5)).toarray().sum())(D)


def laplacian(d):
    """Singular: the constants are its kernel."""
    return ss.csr_array(np.diag([1.0, 2.0, 1.0]) - np.eye(3, k=1) - np.eye(3, k=-1)) * d[0]


@pytest.mark.filterwarnings("ignore::scipy.sparse.linalg.MatrixRankWarning")
@pytest.mark.parametrize(
    ("program", "what"),
    [
        (lambda d: sl.minres(symmetric(d), V, shift=2.0)[0].sum(), "shift"),
        (lambda d: sl.minres(symmetric(D), V, shift=d[0])[0].sum(), "shift"),
        (lambda d: sl.spsolve_triangular(made(d), V).sum(), "not triangular"),
        (lambda d: sl.spsolve_triangular(made(d), V, lower=False).sum(), "not triangular"),
        (lambda d: sl.lsqr(ss.hstack([made(d)[:, :2], made(d)[:, :2]]).tocsr(), V)[0].sum(), "full rank"),
        (lambda d: sl.cg(laplacian(d), d[:3] - np.sum(d[:3]) / 3.0)[0][0], "singular"),
        (lambda d: sl.cg(symmetric(d).T @ symmetric(d), V, maxiter=1, x0=100.0 * V)[0][0], "far from converged"),
    ],
)  # fmt: skip
def test_what_would_be_the_derivative_of_something_else(program, what):
    with pytest.raises(DifferentiationError, match=what):
        gradient(program)(D)


def test_lobpcg():
    rng = np.random.default_rng(0)
    a, start, diagonal = (
        0.2 * rng.standard_normal((12, 12)),
        np.eye(12)[:, :2],
        np.diag(np.arange(12.0) ** 1.5),
    )

    def program(a):
        values, vectors = sl.lobpcg(ss.csr_array(diagonal + a + a.T), start, tol=1e-12, maxiter=300)
        return values, vectors**2

    check_all_ways(program, a)
