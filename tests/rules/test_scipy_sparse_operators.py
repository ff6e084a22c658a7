"""``scipy.sparse.linalg.LinearOperator``: its products, and what solvers make of it, against differences."""

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sl

from tests.rules.all_ways import check_all_ways
from workbench import gradient
from workbench.errors import DifferentiationError

V = np.array([1.0, -2.0, 0.5, 0.3, 1.4])
D = np.array([3.0, 0.5, 4.2, -0.7, 5.1])
M = np.diag(V) + 0.3 * np.outer(V, V) + np.eye(5, k=1)
TIGHT = {"atol": 1e-14, "btol": 1e-14}


def general(d):
    """No rmatvec: the pullback of the product gives it."""
    return sl.LinearOperator(
        (5, 5), matvec=lambda x: (d**2 + 4.0) * x.ravel() + d[::-1] * np.roll(x.ravel(), 1)
    )


def positive(d):
    return sl.LinearOperator((5, 5), matvec=lambda x: (d**2 + 1.0) * x + np.sum(x) * 0.05)


def turnable(a):
    return sl.LinearOperator(a.shape, matvec=lambda x: a @ x, rmatvec=lambda x: a.T @ x, dtype=float)


class Conduction(sl.LinearOperator):
    def __init__(self, conductivity):
        self.conductivity = conductivity
        super().__init__(dtype=float, shape=(5, 5))

    def _matvec(self, x):
        return self.conductivity * x.ravel() + np.sum(x) * 0.1

    _rmatvec = _matvec


def sparse(d):
    return ss.diags_array([d**2 + 3.0, d[:4]], offsets=[0, 1], format="csc")


def preconditioned(d, b):
    incomplete = sl.LinearOperator((5, 5), sl.spilu(sparse(d)).solve)
    jacobi = sl.LinearOperator((5, 5), lambda x: x / (d**2 + 1.0))
    one, two = (
        sl.gmres(sparse(d), b, M=incomplete, rtol=1e-13)[0],
        sl.cg(positive(d), b, M=jacobi, rtol=1e-13)[0],
    )
    return one * two


PRODUCTS = {
    "matvec": (lambda d, x: 0.01 * general(d).matvec(x) * general(d).dot(x), D, V),
    "algebra": (lambda d, x: (general(d) * 2.0 + positive(d) @ general(d))(x), D, V),
    "matmat": (lambda d, x: general(d) @ np.outer(x, [1.0, 2.0]), D, V),
    "rmatvec": (lambda a, x: turnable(a).rmatvec(x) + turnable(a).H @ x + turnable(a).T.matvec(x), M, V),
    "of a matrix": (lambda a, x: sl.aslinearoperator(a).rmatvec(sl.aslinearoperator(a) @ x), M, V),
    "of a sparse matrix": (lambda d, x: sl.aslinearoperator(sparse(d)).rmatvec(x), D, V),
}
SOLUTIONS = {
    **{
        name: (lambda d, x, name=name: getattr(sl, name)(general(d), x, rtol=1e-13)[0], D, V)
        for name in ("gmres", "bicgstab", "lgmres", "gcrotmk", "cgs", "tfqmr")
    },
    "exact": (lambda d, x: sl.gmres(sl.LinearOperator((5, 5), lambda y: (d + 1.0) * y.ravel()), x)[0], 0.0 * D, V),
    "cg": (lambda d, x: sl.cg(positive(d), x, rtol=1e-13)[0], D, V),
    "minres": (lambda d, x: sl.minres(positive(d), x, rtol=1e-14)[0], D, V),
    "bicg": (lambda a, x: sl.bicg(turnable(a), x, rtol=1e-13)[0], M, V),
    "lsqr": (lambda a, x: sl.lsqr(turnable(a[:, :3]), x, **TIGHT)[0], M, V),
    "lsqr wide": (lambda a, x: sl.lsqr(turnable(a[:3]), x, **TIGHT)[0], M, V[:3]),
    "lsmr damped": (lambda a, x, damp: sl.lsmr(turnable(a), x, damp, **TIGHT)[0], M, V, 0.4),
    "class": (lambda d, x: sl.gmres(Conduction(d**2 + 1.0) * 2.0, x, rtol=1e-13)[0], D, V),
    "constant operator": (lambda x: sl.cg(sl.aslinearoperator(M @ M.T), x, rtol=1e-13)[0], V),
    "preconditioned": (preconditioned, D, V),
    "complex": (
        lambda d, x: sl.gmres(sl.LinearOperator((5, 5), lambda y: (d + 4.0) * y + 1j * np.sum(y)), x, rtol=1e-13)[0],
        D + 1j * V,
        V + 0.2j,
    ),
}  # fmt: skip
SPECTRA = {
    "eigsh": (lambda a: sl.eigsh(turnable(a @ a.T), k=2, v0=V)[0], M),
    "svds": (lambda a: sl.svds(turnable(a), k=2, v0=V)[1], M),
    "onenormest": (lambda d: sl.onenormest(sparse(d)) * sl.onenormest(np.outer(d, d)), D),
}
ALL = PRODUCTS | SOLUTIONS | SPECTRA


@pytest.mark.parametrize("name", ALL)
def test_program(name):
    program, *args = ALL[name]
    check_all_ways(program, *args, second=name in ("matvec", "gmres", "cg", "lsqr", "eigsh"))


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (lambda d: sl.spilu(sparse(d)).solve(V).sum(), "otherwise than as a preconditioner"),
        (lambda d: sl.onenormest(positive(d)), "an operator"),
        (lambda d: sl.cg(positive(d), V, maxiter=1, x0=100.0 * V)[0].sum(), "far from converged"),
        (lambda d: sl.gmres(sl.LinearOperator((5, 5), lambda x: d * x.ravel()[0]), d)[0].sum(), "singular"),
    ],
)
def test_refused(program, what):
    with pytest.raises(DifferentiationError, match=what):
        gradient(program)(D)
