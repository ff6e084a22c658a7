"""``scipy.linalg.blas`` and ``scipy.linalg.lapack`` called directly, against differences."""

import numpy as np
import pytest
import scipy.linalg as sl
from scipy.linalg import blas, lapack

from tests.rules.all_ways import check_all_ways, check_value
from workbench import gradient
from workbench.errors import DifferentiationError

rng = np.random.default_rng(3)
A, B, C = (
    rng.standard_normal((3, 3)) + 3.0 * np.eye(3),
    rng.standard_normal((3, 2)),
    rng.standard_normal((3, 2)),
)
X, Y = rng.standard_normal(3), rng.standard_normal(3)
S = A @ A.T
E = np.asfortranarray


def in_place(x, y):
    y = y * 1.0
    z = blas.daxpy(x, y, a=2.0)
    w = blas.dscal(x[0], y)
    return y * z + w


def in_place_of_every_other(x):
    x = np.repeat(x, 2)
    scaled = blas.dscal(2.0, x[::2])
    return x, scaled


def swapped(x, y):
    x, y = x * 2.0, y * 3.0
    blas.dswap(x, y)
    into = np.zeros(3)
    blas.dcopy(x, into)
    return x * y**2 + into


def factored_in_place(a):
    a = np.array(a + 0.0, order="F")
    lapack.dpotrf(a, lower=1, overwrite_a=1, clean=0)
    return np.tril(a)


def by_type(a, x):
    gemv, nrm2 = sl.get_blas_funcs(("gemv", "nrm2"), (a, x))
    (potrf,) = sl.get_lapack_funcs(("potrf",), (a,))
    return gemv(1.0, potrf(a)[0], x) * nrm2(x)


def in_place_by_name(x, y):
    x, y, into = x * 1.0, y * 1.0, np.zeros(3)
    blas.daxpy(x=x, y=y, a=2.0)
    blas.dscal(a=3.0, x=x)
    blas.dcopy(y, y=into)
    return x, y, into


def overwritten_and_changed(a, b):
    factor, c, x = E(a + 0.0), E(b + 0.0), b[:, 0] * 1.0
    made = [sl.cholesky(factor, overwrite_a=True), blas.dgemm(1.0, a, b, 1.0, c, overwrite_c=1)]
    made.append(blas.dtrsv(a, x, overwrite_x=1))
    for one in made:
        one *= a[0, 0]
    return factor, c, x, *made


PRODUCTS = {
    "gemm": (lambda a, b, c, s: blas.dgemm(s, a, b, beta=0.5, c=c, trans_a=True), A, B, C, 0.7),
    "gemm transposed": (lambda a, b: blas.dgemm(alpha=1.0, a=a, b=b, trans_a=1, trans_b=1), B, A[:2].copy()),
    "gemm overwriting": (lambda a, b, c: blas.dgemm(2.0, a, b, 1.0, E(c), overwrite_c=1), A, B, C),
    "gemv": (lambda a, x, y: blas.dgemv(1.5, a, x, beta=2.0, y=y, trans=1), A, X, Y),
    "symm": (lambda a, b, c: blas.dsymm(1.5, a, b, 2.0, c, lower=1), A, B, C),
    "symm from the right": (lambda a, b: blas.dsymm(1.5, a, b, side=1), A, B.T.copy()),
    "symv": (lambda a, x: blas.dsymv(0.5, a, x, lower=1) + blas.dsymv(0.5, a, x), A, X),
    "syrk": (lambda b, c: blas.dsyrk(1.5, b) + blas.dsyrk(0.5, b.T, trans=1, lower=1, beta=2.0, c=c), B, A),
    "syr2k": (lambda b, c: blas.dsyr2k(1.5, b, c, lower=1), B, C),
    "ger": (lambda x, y, a: blas.dger(1.5, x, y) + blas.dger(0.5, y, x, a=a), X, Y, A),
    "syr": (lambda x, a: blas.dsyr(1.5, x, lower=1) + blas.dsyr(0.3, x, a=a), X, A),
    "trmv": (lambda a, x: blas.dtrmv(a, x, lower=1, trans=1) + blas.dtrmv(a, x, diag=1), A, X),
    "trmm": (lambda a, b: blas.dtrmm(1.5, a, b, lower=1) + blas.dtrmm(1.0, a, b.T, side=1, diag=1).T, A, B),
    "trsv": (lambda a, x: blas.dtrsv(a, x, lower=1, trans=1) + blas.dtrsv(a, x, diag=1), A, X),
    "trsm": (lambda a, b: blas.dtrsm(1.5, a, b, lower=1, trans_a=1), A, B),
    "trsm from the right": (
        lambda a, b: blas.dtrsm(1.5, a, b, side=1, lower=1) + blas.dtrsm(1.5, a, b, side=1, trans_a=1), A, B.T.copy()),
    "dot": (lambda x, y: blas.ddot(x, y) * blas.dnrm2(x) + blas.dasum(y) + blas.ddot(x, y, n=2, offx=1), X, Y),
    "rot": (lambda x, y, c: blas.drot(x, y, c, 0.6), X, Y, 0.8),
    "in place": (in_place, X, Y),
    "in place by name": (in_place_by_name, X, Y),
    "overwritten and changed": (overwritten_and_changed, S, B),
    "gemm of vectors": (lambda x: blas.dgemm(1.0, x, x, trans_b=1) + blas.dgemm(1.0, x, x, trans_a=1), X),
    "into what is not read": (lambda b: blas.dgemm(1.0, b, b.T, c=E(np.full((3, 3), np.nan))), B),
    "in place of every other": (in_place_of_every_other, X),
    "swapped": (swapped, X, Y),
    "largest": (lambda x: x[blas.idamax(x)] * x, X),
    "by type": (by_type, S, X),
}  # fmt: skip
FACTORS = {
    "potrf": (lambda s: lapack.dpotrf(s, lower=1)[0] + lapack.dpotrf(s, clean=0)[0].T, S),
    "potrf in place": (factored_in_place, S),
    "potrs": (lambda s, b: lapack.dpotrs(lapack.dpotrf(s, lower=True)[0], b, lower=True)[0], S, B),
    "potrs of a vector": (lambda s, x: lapack.dpotrs(lapack.dpotrf(s)[0], x, overwrite_b=0)[0], S, X),
    "potri": (lambda s: lapack.dpotri(lapack.dpotrf(s, lower=1)[0], lower=1)[0], S),
    "posv": (lambda s, b: lapack.dposv(s, b, lower=1)[:2], S, B),
    "getrf": (lambda a, b: lapack.dgetrs(*lapack.dgetrf(a)[:2], b, trans=1)[0], A, B),
    "getri": (lambda a: lapack.dgetri(*lapack.dgetrf(a)[:2])[0], A),
    "gesv": (lambda a, b: lapack.dgesv(a, b)[2], A, B),
    "gesv of a vector": (lambda a, x: (lapack.dgesv(a, x)[2], lapack.dgesv(a, x)[0]), A, X),
    "trtrs": (
        lambda a, b: lapack.dtrtrs(a, b, lower=1, trans=1)[0] + lapack.dtrtrs(a, b, unitdiag=1)[0],
        A,
        B,
    ),
    "trtri": (lambda a: lapack.dtrtri(a, lower=1)[0] + lapack.dtrtri(a, unitdiag=1)[0], A),
}
ALL = PRODUCTS | FACTORS


@pytest.mark.parametrize("name", ALL)
def test_routine(name):
    program, *args = ALL[name]
    check_value(program, *args)
    check_all_ways(program, *args)


def test_complex_numbers():
    a, x = A + 1j * A.T[::-1], X + 0.5j * Y
    check_all_ways(lambda a, x: blas.zgemv(1.5j, a, x, trans=2), a, x, second=False)
    check_all_ways(lambda a, x: blas.zgemm(1.0, a, a, trans_a=2) @ x, a, x, second=False)
    check_all_ways(lambda a, x: blas.zhemv(1.0, a, x, lower=1) + blas.zherk(1.0, a)[0], a, x, second=False)
    check_all_ways(lambda a: blas.zher2k(1.0 + 2.0j, a, a[::-1]), a, second=False)
    check_all_ways(lambda a, c: blas.zherk(2.0, a, 0.5, c), a, a @ a.conj().T, second=False)
    check_all_ways(lambda a, c: blas.zher2k(1j, a, a, 0.5, c, lower=1), a, a @ a.conj().T, second=False)
    check_all_ways(
        lambda x, y: blas.zdotc(x, y) + blas.zdotu(x, y) * blas.dznrm2(x), x, x[::-1] * 1j, second=False
    )
    check_all_ways(lambda x, y: blas.zgerc(2.0j, x, y) + blas.zgeru(1.0, x, y), x, x[::-1] * 1j, second=False)
    check_all_ways(lambda a, x: blas.ztrsm(1.0, a, x[None], side=1, trans_a=2), a, x, second=False)
    check_all_ways(lambda a, x: lapack.zpotrs(lapack.zpotrf(a @ a.conj().T)[0], x)[0], a, x, second=False)
    check_all_ways(lambda a, x: lapack.zgesv(a, x)[2] + lapack.ztrtrs(a, x, trans=2)[0], a, x, second=False)

    factor = np.tril(a) + 3.0 * np.eye(3)
    check_all_ways(lambda c: lapack.zpotri(c, lower=1)[0], factor, second=False)
    check_all_ways(lambda c: lapack.zpotri(c)[0], factor.T.copy(), second=False)
    check_all_ways(lambda c: lapack.zpotri(c)[0], sl.cholesky(a @ a.conj().T + np.eye(3)), second=False)


def test_single_precision():
    got = gradient(lambda a: blas.sgemm(1.0, a, a).sum())(A.astype(np.float32))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.add.outer(A.sum(1), A.sum(0)).T, rtol=1e-5)


def test_mixed_precision():
    a = A.astype(np.float32)
    got = gradient(lambda a: blas.dgemm(1.0, a, a).sum() + blas.scnrm2(a + 0j))(a)
    expected = np.add.outer(a.sum(1), a.sum(0)).T + a / np.linalg.norm(a)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_where_lapack_fails():
    def jittered(s):
        factor, info = lapack.dpotrf(s, lower=1)
        if info:
            factor, info = lapack.dpotrf(s + np.eye(3) * 5.0, lower=1)
        return factor

    check_all_ways(jittered, S - 3.0 * np.eye(3))
    with pytest.raises(DifferentiationError, match="'c'"):
        gradient(lambda s: lapack.dpotrf(s, lower=1)[0].sum())(-S)


def test_refused():
    with pytest.raises(DifferentiationError, match="offy"):
        gradient(lambda x: blas.dgemv(1.0, A, x, offy=1, y=np.zeros(4), beta=0.0).sum())(X)
    with pytest.raises(DifferentiationError, match="axpy"):
        gradient(lambda x: blas.daxpy(x, np.ones(3), incx=2, n=2).sum())(X)
    with pytest.raises(DifferentiationError, match="axpy"):
        gradient(lambda x: blas.daxpy(x, np.ones(3), 2).sum())(X)
